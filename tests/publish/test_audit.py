"""What is published together gives away no sum of one to nine homes, and no roof on the opt-out list."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from shapely.geometry import LineString

from kansenkaart.errors import GateError
from kansenkaart.publish import audit, disclosure
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.steps import publish, readable_of, require_safe
from kansenkaart.runs import study as pipeline
from kansenkaart.runs.studies import run_release
from kansenkaart.score.panden import without_installed
from kansenkaart.tables.store import Lineage
from tests.hostile import attacker

ROOF = ("yield_fit_kwh_per_year", "sun_eur_per_year", "kwp_pay")


def _homes(streets, areas=None, best=None, blocks=None):
    """Build homes of one buurt, given how many there are per street and per area."""
    keys = [key for key, count in streets.items() for _ in range(count)]
    frame = pd.DataFrame({"home_id": range(len(keys)), "buurtcode": "BU1", "street_id": keys})
    for name, given in (("gebied_id", areas), ("block_id", blocks)):
        if given:
            frame[name] = pd.array([key for key, count in given.items() for _ in range(count)], dtype="Int64")
    member = {str(one): str(one) for one in blocks or {}}
    return audit.Homes(frame, member, best or {})


def _streets(*names):
    return pd.DataFrame({"street_id": names})


BUURT = pd.DataFrame({"buurtcode": ["BU1"]})


def test_a_buurt_less_its_streets_gives_away_the_street_that_is_left_out():
    homes = _homes({"A": 30, "B": 20, "C": 4})  # C is too small to be shown: 54 - 30 - 20 = 4
    tables = {"buurt_score": BUURT, "street_water": _streets("A", "B")}
    (found,) = audit.audit(tables, homes)
    assert (found.how, found.homes, found.drop) == ("rest of", 4, ("street_water", "B"))
    assert audit.to_leave_out(tables, homes) == {("street_water", "B")}
    assert audit.audit({**tables, "street_water": _streets("A")}, homes) == []  # 54 - 30 = 24


def test_a_case_of_310_beside_an_area_of_302_gives_away_eight_homes():
    homes = _homes({"A": 310}, areas={0: 302, 1: 8}, blocks={5: 300, 6: 10}, best={"0": ["5", "6"]})
    tables = {
        "gebied": pd.DataFrame({"gebied_id": [0]}),
        "enterprise_case": pd.DataFrame({"place_kind": ["best", "best"], "place_id": ["0", "0"]}),
    }
    assert {(one.how, one.homes) for one in audit.audit(tables, homes)} == {("differ", 8), ("cover of", 8)}
    assert audit.to_leave_out(tables, homes) == {("enterprise_case", "best:0")}


def test_streets_that_cover_an_area_give_away_what_lies_outside_it():
    homes = _homes({"A": 40, "B": 40}, areas={0: 77, 1: 3})  # A + B = 80 homes, of which 77 in area 0
    tables = {"gebied": pd.DataFrame({"gebied_id": [0]}), "street_water": _streets("A", "B")}
    assert {(one.how, one.homes) for one in audit.audit(tables, homes)} == {("cover of", 3)}


def test_equal_sums_and_rests_of_ten_are_fine_and_a_row_of_nine_is_not():
    homes = _homes({"A": 30, "B": 20, "C": 10, "D": 9}, areas={0: 69})
    tables = {"buurt_score": BUURT, "gebied": pd.DataFrame({"gebied_id": [0]}), "street_water": _streets("A")}
    assert audit.audit(tables, homes) == []  # the buurt and the area are the same homes; 69 - 30 = 39
    tables["street_water"] = _streets("A", "D")
    assert [(one.how, one.homes) for one in audit.audit(tables, homes)] == [("stands alone", 9)]


def test_what_only_three_layers_together_give_away_is_found():
    """Streets of two kinds and a block, each pair of which shares one of three parts: (25 + 25 - 40) / 2 is 5 homes."""
    homes = _homes({"A": 20, "B": 20, "C": 5})
    part = homes.frame["street_id"]
    frame = homes.frame.assign(
        street_id=part.where(part == "B", "AC"), street_key=part.where(part == "A", "BC"), block_id=1
    )
    frame.loc[part == "C", "block_id"] = 2
    homes = audit.Homes(frame.astype({"block_id": "Int64"}), {"1": "1", "2": "2"}, {})
    tables = {
        "block": pd.DataFrame({"block_id": [1]}),
        "street_water": _streets("AC"),
        "street_score": pd.DataFrame({"street_key": ["BC"]}),
    }
    (found,) = audit.audit(tables, homes)
    assert (found.how, found.homes, len(found.rows)) == ("combined", 5, 3)
    assert found.drop == ("street_score", "BC")  # of the finest layer
    assert audit.to_leave_out(tables, homes) == {("street_score", "BC")}
    for name in tables:  # of any two of them, nothing follows
        assert audit.audit({one: frame for one, frame in tables.items() if one != name}, homes) == []


def _crossed(**groups):
    """Build homes of groups that each lie in some rows: ``("street", "a")`` is street a; the size of each comes first."""
    columns = {"street": "street_id", "key": "street_key", "area": "gebied_id", "block": "block_id"}
    rows = []
    for size, *where in groups.values():
        rows += [{columns[kind]: name for kind, name in where}] * size
    frame = pd.DataFrame(rows, columns=["street_id", "street_key", "gebied_id", "block_id"])
    frame = frame.astype({"gebied_id": "Int64", "block_id": "Int64"}).assign(home_id=range(len(frame)))
    return audit.Homes(frame, {str(one): str(one) for one in frame["block_id"].dropna().unique()}, {})


SHOWN = {
    "gebied": pd.DataFrame({"gebied_id": [1]}),
    "block": pd.DataFrame({"block_id": [1]}),
    "street_water": _streets("s"),
    "street_score": pd.DataFrame({"street_key": ["k"]}),
}


def test_a_sum_of_three_groups_that_only_four_layers_give_is_found():
    """Area + block - street - key is a + b + c, 2 + 3 + 4 homes, none of which is given by itself."""
    large = {
        "w": (20, ("area", 1), ("street", "s")),
        "x": (20, ("area", 1), ("key", "k")),
        "y": (20, ("block", 1), ("street", "s")),
        "z": (30, ("block", 1), ("key", "k")),
    }
    few = {"a": (2, ("area", 1)), "b": (3, ("block", 1)), "c": (4, ("area", 1), ("block", 1), ("street", "s"))}
    homes = _crossed(**large, **few)
    (found,) = audit.audit(SHOWN, homes)
    assert (found.how, found.homes, len(found.rows), found.drop) == ("combined", 9, 4, ("street_score", "k"))
    assert audit.to_leave_out(SHOWN, homes) == {("street_score", "k")}
    for name in SHOWN:
        assert audit.audit({one: frame for one, frame in SHOWN.items() if one != name}, homes) == []
    # With four homes in b they are ten together, which may be known.
    assert audit.audit(SHOWN, _crossed(**large, **few | {"b": (4, ("block", 1))})) == []


def test_a_difference_of_two_groups_of_a_few_homes_is_found():
    """Area - street + key - block is a - b: what five homes have more than two others."""
    large = {
        "w": (20, ("area", 1), ("street", "s")),
        "x": (20, ("area", 1), ("block", 1)),
        "y": (20, ("key", "k"), ("street", "s")),
        "z": (30, ("key", "k"), ("block", 1)),
    }
    (found,) = audit.audit(SHOWN, _crossed(**large, a=(5, ("area", 1)), b=(2, ("block", 1))))
    assert (found.how, found.homes, len(found.rows)) == ("combined", 7, 4)
    assert audit.audit(SHOWN, _crossed(**large, a=(5, ("area", 1)), b=(5, ("block", 1)))) == []


def _rank(rows):
    """Return the rank of rows, in fractions."""
    left, rank = [[Fraction(one) for one in row] for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in left if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        left = [[x - row[column] / pivot[column] * y for x, y in zip(row, pivot, strict=True)] for row in left]
        rank += 1
    return rank


def _few_by_rank(rows, size):
    """Return the smallest sets of parts that rows say anything of: without their columns the rank is lower."""
    small = [part for part in range(len(size)) if size[part] < audit.LEAST_HOMES]
    out = []
    for count in range(1, len(small) + 1):
        for parts in itertools.combinations(small, count):
            others = [[one for part, one in enumerate(row) if part not in parts] for row in rows]
            few = sum(size[part] for part in parts) < audit.LEAST_HOMES
            if few and not any(one < set(parts) for one in out) and _rank(others) < _rank(rows):
                out.append(frozenset(parts))
    return set(out)


def test_rows_that_add_up_to_nothing_by_the_prime_alone_prove_nothing():
    """Four rows, each of all parts but one, add up to three times everything: nothing modulo 3, and each part by itself."""
    rows, size = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]], np.array([2, 2, 2, 2])
    assert audit._few_modulo(3, rows, set(), size) is None
    found = audit._few_modulo(2**61 - 1, rows, set(), size)
    assert {parts for parts, _ in found} == {frozenset([part]) for part in range(4)}


@pytest.mark.parametrize("power", audit._PRIMES[:4])  # of the last two the proof takes long
def test_the_search_is_modulo_primes(power):
    """Lucas and Lehmer: 2^p - 1 is prime if and only if the last of p - 1 terms of 4, 14, 194, ... is divisible by it."""
    term, prime = 4, 2**power - 1
    for _ in range(power - 2):
        term = (term * term - 2) % prime
    assert term == 0


@pytest.mark.parametrize("power", [2, 3, 61])
def test_the_search_modulo_a_prime_gives_all_that_exact_ranks_give_or_says_that_it_cannot_prove_it(power):
    draw, unproven = np.random.default_rng(7), 0
    for _ in range(60):
        matrix, size = draw.integers(0, 2, (6, 7)), draw.choice([2, 3, 4, 30], 7)
        members = [np.flatnonzero(row).tolist() for row in matrix]
        found = audit._few_modulo(2**power - 1, members, set(np.flatnonzero(size >= 10).tolist()), size)
        unproven += found is None
        assert found is None or {parts for parts, _ in found} == _few_by_rank(matrix.tolist(), size.tolist())
    assert (unproven > 0) == (power < 61)


def test_a_leak_that_a_small_prime_does_not_see_is_found_with_a_larger_one():
    """Of four rows that each lack one of four parts a third of their sum less one row is one part; modulo 3 that is nothing."""
    rows = sparse.csr_matrix(1.0 - np.eye(4))
    members = [rows.indices[3 * at : 3 * at + 3].tolist() for at in range(4)]
    assert audit._few_modulo(3, members, set(), np.full(4, 6)) is None
    found = dict(audit._few(rows, np.full(4, 6)))
    assert set(found) == {frozenset([part]) for part in range(4)}
    third = Fraction(1, 3)
    assert found[frozenset([0])] == {0: 2 * third, 1: third, 2: third, 3: third}


def test_where_the_search_would_go_on_too_long_the_row_goes(monkeypatch):
    homes = _homes({"A": 20, "B": 20, "C": 12})
    frame = homes.frame.assign(gebied_id=pd.array([1] * 15 + [2] * 20 + [1] * 17, dtype="Int64"))
    tables = {"gebied": pd.DataFrame({"gebied_id": [1, 2]}), "street_water": _streets("A", "B")}
    homes = audit.Homes(frame, {}, {})
    assert audit.audit(tables, homes) == []
    monkeypatch.setattr(audit, "_MOST_STEPS", 1)
    assert {one.homes for one in audit.audit(tables, homes)} == {5}
    assert audit.to_leave_out(tables, homes)


def test_a_finer_layer_costs_no_coarser_row():
    homes = _homes({"A": 30, "B": 20, "C": 4}, areas={0: 30, 1: 24})  # C is in no row of streets: 24 - 20 = 4
    tables = {"buurt_score": BUURT, "gebied": pd.DataFrame({"gebied_id": [0, 1]}), "street_water": _streets("A", "B")}
    assert audit.to_leave_out(tables, homes) == {("street_water", "B")}


def _pipes(**homes):
    """Draw pipes from node to node, named by them: ``ab`` runs from a to b."""
    places = {name: (10.0 * at, 0.0) for at, name in enumerate("abcdef")}
    lines = [LineString([places[name[0]], places[name[1]]]) for name in homes]
    return gpd.GeoDataFrame({"pipe_id": list(homes), "homes": list(homes.values())}, geometry=lines, crs=28992)


@pytest.mark.parametrize(
    ("pipes", "left_out"),
    [
        ({"ab": 20, "bc": 20, "cd": 35}, set()),  # none, then fifteen join
        ({"ab": 20, "bc": 24, "cd": 40}, {"ab"}),  # four join at b; without ab, sixteen join at c
        ({"ab": 20, "cb": 15, "bd": 38}, {"cb"}),  # 38 - 20 - 15 = 3 join at b
        ({"ab": 0, "bc": 12}, set()),  # no homes upstream are no homes
        ({"ab": 0, "bc": 5}, set()),  # five that stand alone are for another rule: nothing joins
    ],
)
def test_pipes_give_away_what_joins_at_a_node(pipes, left_out):
    frame = _pipes(**pipes)
    assert disclosure.pipes_to_leave_out(frame) == left_out
    assert bool(disclosure.pipe_findings(frame)) == bool(left_out)
    assert disclosure.pipe_findings(frame[~frame["pipe_id"].isin(left_out)]) == []


def test_no_pipes_give_nothing_away():
    assert disclosure.pipes_to_leave_out(_pipes()) == set()
    assert disclosure.pipe_findings(_pipes()) == []


def test_what_is_left_of_pipes_is_audited_as_it_is_published():
    """Without bc, which gives away five at c, b and c are one: 100 - 60 - 40 - 15 is fine. At b 60 - 40 - 15 is not."""
    frame = _pipes(ab=60, be=40, bf=15, bc=95, cd=100)
    left_out = disclosure.pipes_to_leave_out(frame)
    assert "bc" in left_out
    assert disclosure.pipe_findings(frame[~frame["pipe_id"].isin(left_out)]) == []
    assert len(left_out) == 2


def test_a_pipe_that_is_left_out_does_not_hide_what_joins_beyond_it():
    # ab 20, bc 24, cd 28: without the smallest, bc against cd still leaves four; only one of them can stay.
    assert len(disclosure.pipes_to_leave_out(_pipes(ab=20, bc=24, cd=28))) == 2


def test_the_rules_of_before_leak_in_the_example_and_those_of_now_do_not(finished):
    place = pipeline.open_study("proefveld", root=finished)
    before, now = ReaderStore(place.store, public=True), ReaderStore(place.store, public=True)
    before._left_out = set()  # rows of fewer than ten homes left out, and nothing else
    found = before.findings
    assert {(one.how, one.rows[0][0], one.drop[0]) for one in found} >= {("rest of", "buurt_score", "street_water")}
    whole = place.store.read("pipe_water")
    enough = whole[(whole["homes"] == 0) | (whole["homes"] >= 10)].reset_index(drop=True)
    assert len(disclosure.pipe_findings(enough)) >= 15
    assert now.findings == []
    require_safe(now, place.study)
    with pytest.raises(GateError, match="disclosure audit"):
        require_safe(before, place.study)


def _published(folder):
    """Read back the layers of an edition as readers have them; the cases of all kinds and tracks together."""
    out = {}
    for name in (*audit.COARSE_TO_FINE, "pipe_water"):
        files = [one for one in sorted((folder / "data").glob("*.parquet")) if one.stem.startswith(name)]
        if files:
            out[name] = pd.concat([pd.read_parquet(one).drop(columns="geometry") for one in files])
    return out


def test_original_areas_beside_redrawn_ones_are_found_in_an_edition_and_nothing_in_that_of_now(opted):
    """The old edition kept the case of an area of, say, 310 homes beside the redrawn area of 302."""
    place = pipeline.open_study("proefveld", root=opted)
    shown = ReaderStore(place.store, opt_out=place.study.weglaten.ids(place.studies), public=True)
    now, homes = _published(opted / "maps" / f"{place.study.name}-openbaar"), shown.homes
    pipes = now.pop("pipe_water")
    assert len(now) >= 6
    assert len(pipes)
    assert audit.audit(now, homes) == []
    case = next(key for key in audit.keys_of("enterprise_case", now["enterprise_case"]) if key.startswith("best:"))
    redrawn = homes.frame.copy()
    mine = homes.of("enterprise_case", case)
    redrawn.loc[redrawn.index[mine[8:]], "gebied_id"] = 999  # eight homes went to a neighbour
    row = now["gebied"].iloc[[0]].assign(gebied_id=999, homes=len(mine) - 8)
    old = {**now, "gebied": pd.concat([now["gebied"], row])}
    found = audit.audit(old, audit.Homes(redrawn, homes.member, homes.best))
    assert {("differ", 8)} <= {(one.how, one.homes) for one in found}
    assert {case} <= {key for one in found for layer, key in one.rows if layer == "enterprise_case"}


def test_the_audit_knows_the_homes_of_every_row(finished):
    shown = ReaderStore(pipeline.open_study("proefveld", root=finished).store, public=True)
    homes = shown.homes
    for layer in audit.COARSE_TO_FINE:
        frame = shown.read(layer)
        sizes = [len(homes.of(layer, key)) for key in audit.keys_of(layer, frame)]
        assert sizes == frame["homes"].astype(int).tolist(), layer


def _pand(opted):
    return next(iter(pipeline.open_study("proefveld", root=opted).study.weglaten.panden))


def test_the_roof_is_in_no_table_of_scores_and_not_in_the_edition_kept(finished, opted):
    pand = _pand(opted)
    store, before = (pipeline.open_study("proefveld", root=root).store for root in (opted, finished))
    row = store.read("pand_score").set_index("pand_id").loc[pand]
    true = before.read("pand_score").set_index("pand_id").loc[pand]
    assert row["score_basis"] == "footprint"
    assert abs(row["yield_fit_kwh_per_year"] / true["yield_fit_kwh_per_year"] - 1) > 0.05
    assert pand not in set(store.read("roof_face_score")["pand_id"].astype(str))
    editions = sorted((opted / "data" / "editions" / "proefveld").glob("[0-9]*"))
    assert [one.name for one in editions] == ["0001"]  # the edition with the roof in its sums is gone
    assert not list(editions[0].glob("verschil*"))


@pytest.mark.parametrize("edition", ["proefveld", "proefveld-openbaar"])
def test_who_subtracts_gets_the_estimate_from_the_footprint_and_no_more(finished, opted, edition):
    """Attack: from all layers of an edition, each sum less all that is shown in it, against the true roof."""
    pand, folder = _pand(opted), opted / "maps" / edition / "data"
    stored, without = (  # as places sum it: without the panels that are in place
        without_installed(pipeline.open_study("proefveld", root=root).store.read("pand_score")).set_index("pand_id")
        for root in (opted, finished)
    )
    true = without.loc[pand]
    estimate = stored.loc[pand]
    rest = stored[stored.index != pand]
    for name in ROOF:
        buurten = gpd.read_parquet(folder / "buurt_score.parquet").set_index("buurtcode")[name]
        taken = buurten[estimate["buurtcode"]] - rest[rest["buurtcode"] == estimate["buurtcode"]][name].sum()
        assert taken == pytest.approx(estimate[name], rel=1e-6)
        assert abs(taken - true[name]) >= 0.8 * abs(estimate[name] - true[name])  # no better than the footprint says
    if (folder / "pand_score.parquet").is_file():
        row = gpd.read_parquet(folder / "pand_score.parquet").set_index("pand_id").loc[pand]
        assert pd.isna(row["roof_area_m2"])
        assert pd.isna(row["yield_fit_kwh_per_year"])
        assert pand not in set(gpd.read_parquet(folder / "roof_face_score.parquet")["pand_id"].astype(str))


def test_who_reads_all_that_was_published_rebuilds_no_roof(finished, opted):
    """Attack with all layers, page data, workbooks, pages and PDFs of both editions at once; it can win: see the last lines."""
    place, truth = (pipeline.open_study("proefveld", root=root) for root in (opted, finished))
    hidden = sorted(place.study.weglaten.panden)
    found, read = attacker.attack(place, place.store, truth, hidden)
    assert [one for one in found if one.wins] == []
    assert {one.pand for one in found} == set(hidden)
    # Words of pages are read too; rounded as they are, by how well a place is known, none may be near enough to a sum.
    assert min(read["tables"], read["equations"], read["pages"]) >= 2
    # The same attack on an edition from before the list, in whose sums the roofs still are, finds every one of them.
    won = {one.pand for one in attacker.attack(truth, place.store, truth, hidden)[0] if one.wins}
    assert won == set(hidden)


@pytest.fixture(scope="module")
def again(finished, opted, once):
    """Publish all there is without the list, one edition with it, then all of a second edition; say what an attacker won."""
    import shutil

    def run(folder):
        shutil.copytree(finished, folder, dirs_exist_ok=True)
        truth, path = pipeline.open_study("proefveld", root=finished), folder / "studies" / "proefveld.toml"

        def publish_all():
            for public in (False, True):
                place = pipeline.open_study("proefveld", root=folder, public=public)
                pipeline.run_publish(place)
                run_release(place, ("wie", ""))

        def won():
            place = pipeline.open_study("proefveld", root=folder)
            found, read = attacker.attack(place, place.store, truth, sorted(place.study.weglaten.panden))
            return {"won": [str(one) for one in found if one.wins], "tried": len(found), "read": read}

        publish_all()
        shutil.copyfile(opted / "studies" / "proefveld.toml", path)
        pipeline.run_all(pipeline.open_study("proefveld", root=folder))
        left = sorted(str(one.relative_to(folder)) for top in ("maps", "uitgaven") for one in (folder / top).iterdir())
        first = {**won(), "left": left}
        own = '\n[assumptions.enterprise_overhead]\nvalue = 6600\nsource = "proef"\n'
        path.write_text(path.read_text("utf-8") + own, "utf-8")
        pipeline.run_all(pipeline.open_study("proefveld", root=folder))
        publish_all()
        (folder / "won.json").write_text(json.dumps([first, won()]), "utf-8")

    return once("again", run)


def test_what_was_published_before_the_list_does_not_stay_beside_what_is_published_with_it(again):
    """Only the whole edition was made anew: the public one and the releases held the roof, and less the new sums that is it."""
    first, _ = json.loads((again / "won.json").read_text("utf-8"))
    assert first["left"] == ["maps/proefveld"]
    assert first["won"] == []
    assert first["tried"] > 100


def test_a_second_edition_gives_no_roof_away_by_what_differs_from_the_first(again):
    """Both editions of readers, their releases, kept tables and the page of differences at once."""
    _, second = json.loads((again / "won.json").read_text("utf-8"))
    editions = again / "data" / "editions" / "proefveld"
    assert sorted(one.name for one in editions.glob("[0-9]*")) == ["0001", "0002"]
    told = json.loads((editions / "0002" / "verschil.json").read_text("utf-8"))
    assert "enterprise_case" in {one["table"] for one in told["tables"]}
    assert second["won"] == []
    assert second["tried"] > 100
    assert second["read"]["tables"] > 60  # of two editions of readers and a release
    hidden = pipeline.open_study("proefveld", root=again).study.weglaten.panden
    kept = editions / "0002" / "tables"
    assert not set(pd.read_parquet(kept / "roof_face_score.parquet")["pand_id"].astype(str)) & set(hidden)
    scored = pd.read_parquet(kept / "pand_score.parquet").set_index("pand_id")
    assert set(scored.loc[list(hidden), "score_basis"]) == {"footprint"}


def test_nothing_at_all_depends_on_a_roof_on_the_list(opted, tmp_path):
    """Without the faces of these roofs in the source, the sun is computed anew and all that is made of it is the same."""
    import shutil

    place = pipeline.open_study("proefveld", root=shutil.copytree(opted, tmp_path / "without"))
    store, faces = place.store, place.store.read("roof_face")
    hidden = faces["pand_id"].astype(str).isin(place.study.weglaten.panden)
    assert hidden.any()
    told = store.describe("roof_face")
    lineage = Lineage(
        told["fingerprint"], store.sources_of(["roof_face"]), told["inputs"], told["parameters"], told["tally"]
    )
    store.write("roof_face", faces[~hidden].reset_index(drop=True), lineage)
    reports = [*pipeline.run_score(place), *pipeline.run_publish(place)]
    assert {one.step for one in reports if one.status != "unchanged"} <= {"zon", "editie"}


def test_the_public_edition_with_an_opt_out_list_is_made_and_says_what_it_is(opted):
    folder = opted / "maps" / "proefveld-openbaar"
    assert json.loads((folder / "data" / "metadata.json").read_text("utf-8"))["edition"] == "openbaar"
    assert "Openbare uitgave" in (folder / "index.html").read_text("utf-8")
    for path in folder.rglob("*"):
        if path.suffix in (".html", ".json", ".csv", ".parquet", ".gpkg"):
            assert _pand(opted).encode() not in path.read_bytes(), path.name


def test_a_roof_that_was_scored_before_it_was_listed_stops_the_publication(finished, tmp_path):
    from kansenkaart.config import OptOut

    place = pipeline.open_study("proefveld", root=finished)
    pand = str(place.store.read("roof_face_score")["pand_id"].iloc[0])
    study = place.study.model_copy(update={"weglaten": OptOut(panden=(pand,))})
    with pytest.raises(GateError, match="opt-out list in the sums"):
        list(
            publish(
                readable_of(place.store, study, studies=place.studies, public=False),
                study,
                tmp_path / "uit",
                studies=place.studies,
            )
        )
    assert not (tmp_path / "uit").exists()


def test_the_whole_edition_is_asked_for_and_marked(finished, tmp_path):
    place = pipeline.open_study("proefveld", root=finished)
    real = place.study.model_copy(update={"invented": False, "name": "echt"})
    assert pipeline.public_unasked(real)
    assert not pipeline.public_unasked(place.study)
    workplace = pipeline.Workplace(real, place.folders, place.store)
    assert (workplace.public, workplace.target.name) == (True, "echt")
    assert pipeline.Workplace(real, place.folders, place.store, public=False).target.name == "echt-intern"
    target = tmp_path / "echt-intern"
    shown = readable_of(place.store, real, studies=place.studies, public=False)
    list(publish(shown, real, target, studies=place.studies))
    pages = [target / "index.html", target / "overzicht.html", *(target / "factsheets").glob("*.html")]
    assert [
        page.name for page in pages if "Intern: met gegevens van afzonderlijke panden" not in page.read_text("utf-8")
    ] == []
    assert json.loads((target / "data" / "metadata.json").read_text("utf-8"))["edition"] == "intern"
    assert (target / "data" / "echt-intern.gpkg").is_file()


@pytest.mark.parametrize("seed", range(12))
def test_what_is_left_after_leaving_out_is_audited_anew_and_gives_nothing_away(seed):
    """Homes that only a row left out told apart are one part without it: the first look does not see them together."""
    import numpy as np

    drawn = np.random.default_rng(seed)
    names = {"street_key": 9, "street_id": 9, "block_id": 12, "gebied_id": 4}
    frame = pd.DataFrame({"home_id": range(150), "buurtcode": "BU1"})
    at = np.arange(150)
    for name, count in names.items():
        cuts = np.sort(drawn.choice(149, count - 1, replace=False)) + 1
        frame[name] = np.searchsorted(cuts, at, side="right").astype(str)
    homes = audit.Homes(frame, {str(one): str(one) for one in range(12)}, {})
    tables = {
        "buurt_score": BUURT,
        "gebied": pd.DataFrame({"gebied_id": [str(one) for one in range(4)]}),
        "block": pd.DataFrame({"block_id": [str(one) for one in range(12)]}),
        "street_water": pd.DataFrame({"street_id": [str(one) for one in range(9)]}),
        "street_score": pd.DataFrame({"street_key": [str(one) for one in range(9)]}),
    }
    gone = audit.to_leave_out(tables, homes)
    kept = {
        layer: part[[(layer, key) not in gone for key in audit.keys_of(layer, part)]] for layer, part in tables.items()
    }
    assert audit.audit(kept, homes) == []
