"""What readers of either edition get of tables in memory: joined blocks, roofs that are not shown, ids that last; by hand."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, MultiPoint, Point

from kansenkaart.errors import StoreError
from kansenkaart.present.release import OpenLayer
from kansenkaart.publish import audit, disclosure, release
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.tables import schemas
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store
from tests.publish.test_places import case, squares


@pytest.fixture
def stored(monkeypatch, tmp_path):
    """Let stores hold some tables, with two deliveries of which one is own data; return a way to open what readers see."""
    sources = tuple(Provenance(role, "x", "CC0", "X", "1", "a", "0" * 64) for role in ("home", "own_pand"))

    def opened(tables, **how):
        monkeypatch.setattr(Store, "has", lambda _, name: name in tables)
        monkeypatch.setattr(Store, "read", lambda _, name: tables[name].copy())
        monkeypatch.setattr(Store, "sources_of", lambda *_: sources)
        told = {"sources": [one.to_dict() for one in sources], "tally": {"rows_in": 9}}
        monkeypatch.setattr(Store, "describe", lambda _, name: {"rows": len(tables[name]), **told})
        return ReaderStore(Store(tmp_path), **how)

    return opened


def _panden():
    more = {
        "score_basis": ["lod22", "dsm", "footprint"],
        "yield_fit_kwh_per_year": [9.0, 8.0, 7.0],
        "sun_class": list("ABC"),
    }
    return squares(3, pand_id=["1", "2", "3"], buurtcode="BU1", bouwjaar=1950, **more).drop(columns="gebied_id")


def test_a_roof_on_the_list_is_in_no_row_but_what_stands_in_the_register(stored):
    faces = squares(3, face_id=["a", "b", "c"], pand_id=["1", "2", "1"])
    shown = stored({"pand_score": _panden(), "roof_face_score": faces, "pand": _panden()}, opt_out=frozenset(["1"]))
    frame = shown.read("pand_score")
    assert frame["score_basis"].tolist() == ["footprint", "dsm", "footprint"]
    assert frame["yield_fit_kwh_per_year"].isna().tolist() == [True, False, False]
    assert frame["sun_class"].isna().tolist() == [True, False, False]
    assert frame[["pand_id", "buurtcode", "bouwjaar", "homes"]].notna().all(axis=None)
    assert shown.read("roof_face_score")["face_id"].tolist() == ["b"]
    assert shown.read("roof_face_score").index.tolist() == [0]
    assert shown.read("pand")["yield_fit_kwh_per_year"].tolist() == [9.0, 8.0, 7.0]
    assert shown.unknown() == []
    assert [(one.how, one.rows, one.homes) for one in shown.findings] == [
        ("a roof on the opt-out list in the sums", (("pand_score", "1"),), 0)
    ]
    assert [shown.changes(name) for name in ("pand_score", "roof_face_score", "pand")] == [True, True, False]
    assert shown.lineage("pand_score", 2)["tally"] == {"rows_in": 9, "shown": {"not for readers": 1}}
    assert shown.lineage("pand", 2)["tally"] == {"rows_in": 9}
    frame["homes"] = 0
    assert shown.read("pand_score")["homes"].tolist() == [100] * 3  # each reader has its own


def test_without_a_list_all_is_shown_and_an_id_that_no_pand_has_is_named(stored):
    tables = {"pand_score": _panden()}
    shown = stored(tables)
    assert shown.read("pand_score")["score_basis"].tolist() == ["lod22", "dsm", "footprint"]
    assert (shown.unknown(), shown.findings, shown.changes("pand_score"), shown.member) == ([], [], False, {})
    assert len(shown.sources_of(["pand_score"])) == 2
    assert len(shown.lineage("pand_score", 3)["sources"]) == 2
    assert stored(tables, opt_out=frozenset(["9", "1", "4"])).unknown() == ["4", "9"]
    assert stored(tables, opt_out=frozenset(["3"])).findings == []  # scored from its footprint
    assert stored({}, opt_out=frozenset(["9"])).unknown() == []


def test_a_public_edition_has_no_table_that_is_not_safe_and_names_no_own_data(stored):
    cases = pd.DataFrame([case("gebied", "0", homes=9), case("gebied", "1", homes=10), case("gebied", "2", homes=None)])
    facts = pd.DataFrame({"place_kind": "gebied", "place_id": ["0", "1", "2"]})
    tables = {
        "pand_score": _panden(),
        "own_budget": pd.DataFrame({"a": [1]}),
        "enterprise_case": cases,
        "enterprise_facts": facts,
    }
    shown = stored(tables, public=True)
    shown._left_out = set()
    assert [shown.has(name) for name in tables] == [False, True, True, True]
    assert len(shown.read("pand_score")) == 0
    assert list(shown.read("pand_score").columns) == list(_panden().columns)
    assert shown.read("own_budget")["a"].tolist() == [1]
    assert shown.read("enterprise_case")["place_id"].tolist() == ["1"]
    assert shown.read("enterprise_case").index.tolist() == [0]
    assert shown.read("enterprise_facts")["place_id"].tolist() == ["1"]
    assert [one.role for one in shown.sources_of(["x"])] == ["home"]
    told = shown.lineage("enterprise_case", 1)
    assert [one["role"] for one in told["sources"]] == ["home"]
    assert told["tally"]["shown"] == {"not for readers": 2}
    shown._left_out = {("enterprise_case", "gebied:1")}
    shown._kept, shown._shapes = {}, {}
    assert len(shown.read("enterprise_case")) == len(shown.read("enterprise_facts")) == 0


def test_streets_are_of_ten_homes_and_their_homes_are_no_places(stored):
    streets = gpd.GeoDataFrame(
        {"street_key": ["a", "b", "c"], "homes": [9, 10, 11]},
        geometry=[Point(0, 0), MultiPoint([(0, 0), (4, 2)]), Point(7, 7)],
        crs=28992,
    )
    shown = stored({"street_score": streets}, public=True)
    shown._left_out = set()
    frame = shown.read("street_score")
    assert [(one.geom_type, one.x, one.y) for one in frame.geometry] == [("Point", 2.0, 1.0), ("Point", 7.0, 7.0)]
    lines = streets.assign(geometry=[LineString([(0, 0), (k, 3)]) for k in (4, 5, 6)])
    assert disclosure._street_homes(shown, lines).geom_type.tolist() == ["LineString"] * 2
    assert len(disclosure._street_homes(shown, pd.DataFrame(streets.drop(columns="geometry")))) == 2


def test_a_best_area_names_the_groups_that_lie_whole_in_it(stored):
    blocks = squares(5, block_id=[3, 4, 5, 6, 11], homes=[6, 6, 20, 30, 2]).assign(gebied_id=[0, 0, 0, 0, 1])
    frame = squares(4, best_id=[0, 1, 2, 3], block_ids=["6,3,4,11", "4,5", "11", "5"], homes=[44, 26, 30, 9])
    shown = stored({"block": blocks, "best_area": frame, "best_variant": frame}, public=True)
    assert shown.member == {"3": "3", "4": "3", "5": "5", "6": "6"}
    assert disclosure._best(shown, frame)["block_ids"].tolist() == ["3,6", "5", ""]
    ten = frame.assign(homes=10, block_ids="6,5,3,4")
    assert set(disclosure._best(shown, ten)["block_ids"]) == {"3,5,6"}  # by number
    many = squares(2, block_id=[9, 10], homes=30)
    ordered = stored({"block": many, "best_area": frame}, public=True)
    assert disclosure._best(ordered, frame.assign(block_ids="10,9"))["block_ids"].iloc[0] == "9,10"


def test_borders_are_those_between_groups_that_are_both_shown(stored):
    blocks = squares(4, block_id=[0, 1, 2, 3], homes=[6, 6, 20, 2]).assign(gebied_id=[0, 0, 0, 1])
    border = pd.DataFrame({"block_a": [0, 0, 1, 2], "block_b": [1, 2, 2, 3], "length_m": [1.0, 2.0, 3.0, 4.0]})
    shown = stored({"block": blocks, "block_border": border}, public=True)
    shown._left_out = set()
    assert shown.read("block_border").to_numpy().tolist() == [[0, 2, 2.0], [0, 2, 3.0]]
    assert shown.read("block_border").dtypes["block_a"] == np.int64
    shown._left_out, shown._kept, shown._shapes = {("block", "2")}, {}, {}
    assert len(shown.read("block_border")) == 0
    assert len(stored({"block_border": border}, public=True).read("block_border")) == 0
    whole = stored({"block": blocks, "block_border": border})
    assert whole.member == {"0": "0", "1": "1", "2": "2", "3": "3"}
    assert whole.blocks[0]["homes"].tolist() == [6, 6, 20, 2]
    assert len(whole.read("block_border")) == 4


def test_homes_are_known_of_all_tables_that_name_them(stored):
    tables = {
        "home_score": pd.DataFrame({"home_id": [1, 2], "buurtcode": "BU1", "street_key": "k", "secret": 1}),
        "home_area": pd.DataFrame({"home_id": [2, 3], "block_id": [7, 8], "gebied_id": [0, 0]}),
        "best_area": pd.DataFrame({"best_id": [0, 1], "block_ids": ["7,8", "8"]}),
    }
    found = stored(tables).homes
    assert sorted(found.frame.columns) == ["block_id", "buurtcode", "gebied_id", "home_id", "street_key"]
    assert found.frame["home_id"].tolist() == [1, 2, 3]
    assert found.best == {"0": ["7", "8"], "1": ["8"]}
    assert len(found.of("best_area", "0")) == len(found.of("enterprise_case", "best:0")) == 2
    assert len(found.of("enterprise_case", "gebied:0")) == len(found.of("enterprise_case", "buurt:BU1")) == 2
    assert len(found.of("best_variant", "1")) == len(found.of("street_score", "k")) - 1 == 1
    assert len(found.of("street_water", "k")) == len(found.of("gebied", "5")) == 0
    assert stored({}).homes.frame.columns.tolist() == ["home_id"]


def _joined(**data):
    """Join two blocks of 4 and 16 homes."""
    frame = squares(2, block_id=[5, 4], **data)
    return disclosure.merged_blocks(frame.assign(homes=[4, 16], gebied_id=0), 10)[0].iloc[0]


def test_blocks_that_are_joined_are_summed_weighed_or_named_by_kind_of_column():
    row = _joined(
        people=[8.0, 40.0],
        main_buurt_frac=[0.5, 1.0],
        corporation_pct=[100.0, 0.0],
        gas_use_m3_per_home=[500.0, None],
        largest_homes=[3, 9],
        passable=[False, True],
        streets=["Kade; Laan", None],
        buurtcode=["BU1", "BU1"],
        place_name=["Noord", "Zuid"],
        score_basis=["dsm", None],
        price_year=[2024, 2024],
        laid_year=[1950, 1960],
        sun_kwh_per_year=[1.0, None],
    )
    assert row["block_id"] == 4
    assert (row["homes"], row["people"], row["main_buurt_frac"], row["corporation_pct"]) == (20, 48.0, 0.9, 20.0)
    assert (row["largest_homes"], row["passable"], row["buurtcode"], row["price_year"]) == (9, True, "BU1", 2024)
    assert pd.isna(
        row[["gas_use_m3_per_home", "streets", "place_name", "score_basis", "laid_year", "sun_kwh_per_year"]]
    ).all()
    assert row["geometry"].area == 200.0
    nobody = squares(2, block_id=[0, 1], main_buurt_frac=[0.1, 0.3]).assign(homes=0)
    assert disclosure._together(nobody, "main_buurt_frac") is None


def test_a_group_of_just_enough_homes_stays_as_it_is():
    frame = (
        squares(4, block_id=[0, 1, 2, 3], people=[1.0, 2.0, 3.0, 4.0])
        .drop(columns="gebied_id")
        .assign(homes=[10, 10, 9, 10])
    )
    joined, member = disclosure.merged_blocks(frame, 10)
    assert member == {"0": "0", "1": "1", "2": "1", "3": "3"}  # the third is as near to the fourth: the first wins
    assert joined["people"].tolist() == [1.0, 5.0, 4.0]
    assert disclosure.merged_blocks(frame.iloc[2:3], 10)[1] == {}
    assert len(disclosure.merged_blocks(frame.iloc[2:3], 10)[0]) == 0
    assert disclosure.merged_blocks(frame.iloc[:1], 10)[1] == {"0": "0"}
    one = frame.assign(homes=[None, 9, 1, 30])  # the fewest first: unknown, then 1 with 9 and what it took
    assert disclosure.merged_blocks(one, 10)[1] == {"0": "0", "1": "0", "2": "0", "3": "3"}


def test_pipes_are_shown_that_serve_ten_homes_or_none(stored):
    lines = [LineString([(k, 0), (k + 0.5, 5)]) for k in range(5)]
    pipes = gpd.GeoDataFrame({"pipe_id": list("abcde"), "homes": [0, 9, 10, 11, 1]}, geometry=lines, crs=28992)
    shown = stored({"pipe_water": pipes}, public=True)
    assert shown.read("pipe_water")["pipe_id"].tolist() == ["a", "c", "d"]
    assert shown.read("pipe_water").index.tolist() == [0, 1, 2]


def test_a_node_is_where_ends_lie_within_half_a_centimetre():
    def ends(gap):
        lines = [LineString([(0, 0), (9, 0)]), LineString([(9 + gap, 0), (20, 0)])]
        return disclosure._ends(gpd.GeoDataFrame(geometry=lines)).tolist()

    assert ends(0.004)[0][1] == ends(0.004)[1][0]
    assert ends(0.006)[0][1] != ends(0.006)[1][0]


@pytest.mark.parametrize(
    ("homes", "found"),
    [
        ({"ab": 30, "bc": 20}, []),  # ten join
        ({"ab": 30, "bc": 21}, [("pipes at a node", 9, "bc")]),
        ({"ab": 30, "bc": 30}, []),
        ({"ab": 30, "bc": 29, "bd": 0}, [("pipes at a node", 1, "bc")]),
        ({"ab": 30, "bc": 18, "bd": 17}, [("pipes at a node", 5, "bd")]),  # 30 - 18 - 17 is less than nothing by five
        ({"ab": 5, "bc": 0}, []),
        ({"aa": 5, "ab": 30}, []),  # a pipe that returns to its node joins nothing there
    ],
)
def test_what_joins_at_a_node(homes, found):
    places = {name: (10.0 * at, 0.0) for at, name in enumerate("abcd")}
    lines = [LineString([places[name[0]], places[name[1]]]) for name in homes]
    frame = gpd.GeoDataFrame({"pipe_id": list(homes), "homes": list(homes.values())}, geometry=lines)
    assert [(one.how, one.homes, one.drop[1]) for one in disclosure.pipe_findings(frame)] == found


def test_keys_are_whole_numbers_or_texts():
    assert [audit._key(one) for one in (3.0, np.float64(4.0), 3, "3.0", 2.5)] == ["3", "4", "3", "3.0", "2.5"]


def test_a_difference_of_one_to_nine_homes_is_found_and_of_ten_is_not():
    def found(homes, streets=20):
        frame = pd.DataFrame({"home_id": range(30), "gebied_id": [0] * homes + [1] * (30 - homes)})
        frame["street_id"] = ["s"] * streets + [None] * (30 - streets)
        tables = {"gebied": pd.DataFrame({"gebied_id": [0]}), "street_water": pd.DataFrame({"street_id": ["s"]})}
        return {(one.how, one.homes, one.drop[0]) for one in audit.audit(tables, audit.Homes(frame, {}, {}))}

    assert found(30) == found(20) == set()
    assert found(29) >= {("differ", 9, "street_water"), ("rest of", 9, "street_water")}
    assert found(21) >= {("differ", 1, "street_water")}
    assert found(11) >= {("differ", 9, "street_water"), ("cover of", 9, "street_water")}
    assert found(10) == set()


# What a release says of each layer.


def test_texts_are_never_empty_lists_are_lists_and_ids_stand_after_their_number():
    frame = pd.DataFrame(
        {"block_id": [7, 8], "buurtcode": ["", "BU1"], "streets": ["Kade; Laan", None], "homes": [1, 2]}
    )
    made = release._ready(frame, "block", {"block": {"7": "block-x"}})
    assert list(made.columns) == ["block_id", "block_uid", "buurtcode", "streets", "homes"]
    assert made["block_uid"].iloc[0] == "block-x"
    assert made["buurtcode"].isna().tolist() == [True, False]
    assert made["streets"].iloc[0] == ["Kade", "Laan"]
    assert made["streets"].isna().tolist() == [False, True]
    assert list(release._ready(frame, "block", {}).columns) == list(frame.columns)
    assert list(release._ready(frame, "street_score", {"block": {}}).columns) == list(frame.columns)
    assert frame["buurtcode"].tolist() == ["", "BU1"]


def test_a_table_is_divided_by_its_columns_and_drawn_by_the_themes_of_each_part():
    frame = pd.DataFrame({"place_kind": ["gebied", "buurt", "gebied"], "track": ["long"] * 3, "x": [1, 2, 3]})
    assert [
        (said, part["x"].tolist(), part.index.tolist()) for said, part in release._apart(frame, ["place_kind", "track"])
    ] == [
        (("buurt", "long"), [2], [0]),
        (("gebied", "long"), [1, 3], [0, 1]),
    ]
    ((said, part),) = release._apart(frame, [])
    assert (said, part is frame) == ((), True)
    fits = [
        ("wijkbedrijf_gebied", ["gebied", "long"]),
        ("wijkbedrijf_gebied", ["buurt"]),
        ("beste_x", ["buurt"]),
        ("wijkbedrijf_gebied", []),
    ]
    assert [release._fits(theme, said) for theme, said in fits] == [True, False, True, True]


_GIVEN = [
    {"role": role, "credit": f"(c) {role}", "edition": "1", "licence": licence}
    for role, licence in (("pand", "b"), ("roof_face", "a"), ("statistics", "b"))
]


def test_a_field_says_of_which_deliveries_it_is_on_what_grounds_and_within_which_bounds():
    names = [
        "homes",
        "people",
        "yield_fit_kwh_per_year",
        "stays_part_eur_per_year",
        "block_id",
        "gas_use_m3_per_home",
        "score_basis",
    ]
    more = ["yield_fit_kwh_per_year_low", "yield_fit_kwh_per_year_high", "people_basis", "block_basis", "sun_class"]
    frame = pd.DataFrame({name: [1.0, None] for name in [*names, *more]}).assign(homes=[1, 2])
    made = {name: release._field(frame, name, schemas.get("block"), _GIVEN) for name in [*names, "sun_class"]}
    assert {name: (one.sources, one.licences) for name, one in made.items()} == {
        "homes": (("pand 1",), ("b",)),
        "people": (("pand 1", "statistics 1"), ("b",)),
        "yield_fit_kwh_per_year": (("pand 1", "roof_face 1"), ("a", "b")),
        "stays_part_eur_per_year": (("pand 1", "roof_face 1", "statistics 1"), ("a", "b")),
        "block_id": (("pand 1",), ("b",)),
        "gas_use_m3_per_home": (("statistics 1",), ("b",)),
        "score_basis": made["score_basis"].sources and (made["score_basis"].sources, made["score_basis"].licences),
        "sun_class": (made["sun_class"].sources, made["sun_class"].licences),
    }
    assert {name: one.basis for name, one in made.items()} == {
        "homes": "block_basis",
        "people": "people_basis",
        "yield_fit_kwh_per_year": "score_basis, block_basis",
        "stays_part_eur_per_year": "score_basis, block_basis",
        "block_id": "",
        "gas_use_m3_per_home": "",
        "score_basis": "",
        "sun_class": "",
    }
    assert made["yield_fit_kwh_per_year"].interval == ("yield_fit_kwh_per_year_low", "yield_fit_kwh_per_year_high")
    assert made["people"].interval == ()
    assert made["sun_class"].codes["A"] == ("zeer goed", "very good")
    assert (made["homes"].codes, made["homes"].minimum, made["homes"].maximum) == ({}, 0.0, None)
    assert [made[name].required for name in ("homes", "people")] == [True, False]
    assert not release._field(frame.assign(homes=[1, None]), "homes", schemas.get("block"), _GIVEN).required
    nobody = release._field(frame, "people", schemas.get("block"), [_GIVEN[1]])
    assert nobody.sources == ("roof_face 1",)  # what is not named of its own is of all


def test_a_layer_refers_to_files_that_hold_every_value():
    frame = pd.DataFrame({"gebied_id": [0, None], "buurtcode": ["BU1", "BU2"]})
    block = OpenLayer("block", frame, "", "", "", "", ("block_id",), ())
    area = pd.DataFrame({"gebied_id": [0, 1]})

    def found(frames):
        return list(release._with_references(block, frames).references)

    assert found({"gebied": area}) == [("gebied_id", "gebied", "gebied_id")]
    assert found({"gebied": area.iloc[1:]}) == []
    assert found({}) == []
    shape = schemas.get("enterprise_case")
    assert release._is_of("enterprise_case_gebied_long", shape)
    assert release._is_of("enterprise_case", shape)
    assert not release._is_of("enterprise_facts", shape)
    assert not release._is_of("block_border", schemas.get("block"))


def test_ids_last_by_the_lowest_home_of_a_block_and_by_the_blocks_of_an_area():
    blocks = squares(3, block_id=[7, 8, 9]).assign(gebied_id=pd.array([0, 0, None], "Int64"))
    homes = pd.DataFrame({"home_id": ["h3", "h1", "h2", "h0"], "block_id": [7.0, 8.0, 8.0, None]})
    assert release._lowest(homes) == {"7": "h3", "8": "h1"}
    assert release._lowest(homes[["home_id"]]) == {}
    ids = release._identified(blocks, homes, {"0": ["8", "9", "x"]})
    block = {"7": release._uid("block", "h3"), "8": release._uid("block", "h1"), "9": release._uid("block", "25 5")}
    assert ids["block"] == block
    assert ids["gebied"] == {"0": release._uid("gebied", *sorted([block["7"], block["8"]]))}
    assert ids["best_area"] == {"0": release._uid("best", *sorted([block["8"], block["9"]]))}
    assert release._uid("a", "b", "c") == f"a-{hashlib.sha256(b'b c').hexdigest()[:12]}"
    assert release._identified(blocks.drop(columns="gebied_id"), homes, {})["gebied"] == {}
    joined = release._joined(block, {"7": "7", "8": "7", "9": "9"}, homes)
    assert joined == {"7": block["8"], "9": block["9"]}  # the one with the lowest home
    assert release._joined(block, {"9": "7", "8": "7"}, homes) == {"7": block["8"]}  # one without homes comes last


def test_what_became_of_ids_is_told_of_homes_in_blocks_and_areas(stored, tmp_path):
    blocks = squares(2, block_id=[1, 2], homes=[12, 13]).assign(gebied_id=[0, 0])
    homes = pd.DataFrame({"home_id": ["a", "b", "c"], "block_id": [1, 2, None], "gebied_id": [0, 0, None]})
    blocks.assign(block_id=[11, 12]).to_parquet(tmp_path / "block.parquet")
    homes.assign(block_id=[11, 12, None]).to_parquet(tmp_path / "home_area.parquet")
    made = release._bridged(stored({"block": blocks, "home_area": homes}), tmp_path)
    assert made["bridge_id"].tolist() == [0, 1, 2]
    assert made["place_kind"].tolist() == ["block", "block", "gebied"]
    assert set(made["bridge_change"]) == {"same"}
    public = release._bridged(stored({"block": blocks, "home_area": homes}, public=True), tmp_path)
    assert len(public) == 3
    assert release._bridged(stored({"block": blocks, "home_score": homes[["home_id"]]}), tmp_path) is None
    assert release._bridged(stored({"home_area": homes}), tmp_path) is None
    (tmp_path / "block.parquet").unlink()
    assert release._bridged(stored({"block": blocks, "home_area": homes}), tmp_path) is None
    old = release._homes_before(tmp_path, public=False)
    assert old is None


def test_a_release_as_a_whole_is_of_its_layers(monkeypatch):
    monkeypatch.setattr(release, "code_version", lambda: "c")
    sources = [
        Provenance(role, "x", licence, "X", edition, "a", "0" * 64, year).to_dict()
        for role, licence, edition, year in (
            ("home", "CC0", "2026-01-08", None),
            ("statistics", "CC BY", "2025-03-01", 2024),
            ("own_pand", "CC0", "x", None),
        )
    ]
    layers = [
        SimpleNamespace(name="a", frame=squares(2), lineage={"sources": sources[:2], "sha256": "1"}),
        SimpleNamespace(name="b", frame=pd.DataFrame({"x": [1]}), lineage={"sources": sources[1:], "sha256": "2"}),
        SimpleNamespace(name="c", frame=squares(4).iloc[3:], lineage={"sources": [], "sha256": "3"}),
        SimpleNamespace(name="d", frame=squares(9).iloc[:0], lineage={"sources": [], "sha256": "4"}),
    ]
    made = release._whole("T", "intern", layers)
    assert (made["title"], made["edition"], made["extent"]) == ("T", "intern", [0.0, 0.0, 40.0, 10.0])
    assert sorted(one["role"] for one in made["sources"]) == ["home", "own_pand", "statistics"]
    assert made["licences"] == ["CC BY", "CC0"]
    assert (made["moment"], made["as_of"]) == ("2026-01-08T00:00:00.000Z", "2024")
    assert made["content"] == hashlib.sha256(b"a 1b 2c 3d 4").hexdigest()
    bare = release._whole("T", "", layers[3:])
    assert ("edition" in bare, bare["extent"], bare["as_of"]) == (False, [], release.__released__)


# The mark of what stands published.


def _published(folder: Path):
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("a", "utf-8")
    release.record(folder, "f", [folder / "index.html"])
    return folder


def test_what_stands_is_what_was_published_unchanged(tmp_path):
    folder = _published(tmp_path / "plaats")
    assert release.publication(folder).fingerprint == "f"
    assert list(release.publication(folder).files) == ["index.html"]
    assert (release.stands(folder, "f"), release.stands(folder, "g"), release.faults(folder)) == (True, False, [])
    (folder / "index.html").write_text("b", "utf-8")
    assert not release.stands(folder, "f")
    assert [one.where for one in release.faults(folder)] == ["maps/plaats/index.html"]
    (folder / "index.html").unlink()
    assert [one.found for one in release.faults(folder)] == ["no such file"]
    (folder / release.MARK).unlink()
    assert (release.publication(folder), release.stands(folder, "f"), release.faults(folder)) == (None, False, [])
    (folder / "x.html").touch()
    assert [one.found for one in release.faults(folder)] == ["a page without its list of files"]
    reports = _published(folder / release.REPORTS)
    (reports / "index.html").unlink()
    assert [one.where for one in release.faults(folder)][1:] == [f"maps/plaats/{release.REPORTS}/index.html"]
    assert "kansenkaart run plaats" in release.faults(folder)[1].remedy


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"files": {}}', '{"files": [], "fingerprint": "f"}', '{"fingerprint": "f"}']
)
def test_a_damaged_mark_is_named(tmp_path, content):
    folder = _published(tmp_path / "plaats")
    (folder / release.MARK).write_text(content, "utf-8")
    with pytest.raises(StoreError):
        release.publication(folder)
    assert not release.stands(folder, "f")
    assert [one.where for one in release.faults(folder)] == [f"maps/plaats/{release.MARK}"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("../x", "a file outside the folder"),
        ("a\0b", "no name of a file"),
        ("a" * 999, "no name of a file"),
        ("weg", "no such file"),
    ],
)
def test_a_mark_that_names_no_file_of_its_folder_is_a_fault(tmp_path, name, found):
    folder = _published(tmp_path / "plaats")
    (tmp_path / "x").touch()
    (folder / release.MARK).write_text(json.dumps({"fingerprint": "f", "files": {name: "0"}}), "utf-8")
    (fault,) = release.faults(folder)
    assert fault.found.startswith(found)
    assert math.isfinite(len(fault.found))
