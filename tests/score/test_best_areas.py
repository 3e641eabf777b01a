"""The best areas as stored: what is in them, how sure, why the border; and what is said where nothing fits."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.config import Areas
from kansenkaart.core.enterprise.case import ROOFS
from kansenkaart.score.areas import sides_of
from kansenkaart.score.best_areas import Found, border_lines, question_of, read_blocks
from kansenkaart.tables import assumptions
from tests.pinned import require_as_pinned
from tests.score.area_store import MADE, scored, town_store


def test_prices_of_a_border_and_of_a_split_home_follow_the_average_value_of_a_home():
    known = assumptions.default()
    assert (known.value("area_border_price", "home/m"), known.value("area_split_price", "1")) == (0.1, 0.1)
    asked = question_of(Areas(low_homes=310, high_homes=350, radius_m=250.0), known, 40.0)
    assert (asked.low_homes, asked.high_homes, asked.radius_m) == (310, 350, 250.0)
    assert (asked.border_price, asked.split_price) == pytest.approx((4.0, 4.0))  # of 40 euro
    for worthless in (0.0, -40.0):
        asked = question_of(Areas(), known, worthless)
        assert (asked.border_price, asked.split_price) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("value", "worth", "bound", "gap"),
    [(50.0, 100.0, 110.0, 0.1), (-200.0, 50.0, 70.0, 0.1), (0.25, 0.2, 0.7, 0.5), (0.0, 0.0, 1e-9, 0.0)],
)
def test_a_gap_is_a_share_of_the_larger_amount_and_of_a_euro_where_both_are_less(value, worth, bound, gap):
    area = SimpleNamespace(value=value, worth=worth, bound=bound)
    assert Found(0, "stays", 1, area, None, None).gap == pytest.approx(gap)


def test_an_area_lies_in_the_middle_within_a_quarter_of_the_radius_of_its_buurt():
    """A square of 1 km is as large as a circle of 564 m; a quarter of that is 141 m."""
    buurt = gpd.GeoDataFrame({"buurtcode": ["BU1"]}, geometry=[shapely.box(0, 0, 1000, 1000)], crs=28992)
    shapes = [shapely.box(500 + far - 10, 490, 500 + far + 10, 510) for far in (140, 142, -142)]
    codes = pd.Series(["BU1"] * 3)
    assert sides_of(gpd.GeoSeries(shapes, crs=28992), codes, buurt) == ["midden", "oost", "west"]
    assert sides_of(gpd.GeoSeries(shapes[:1], crs=28992), pd.Series(["BU9"]), buurt) == [""]


MADE_OF_AREAS = ("block", "block_border", "gebied", "best_area", "block_facts", "best_border", "best_variant")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return scored(town_store(tmp_path_factory.mktemp("town")))


def _members(row):
    return [int(one) for one in row["block_ids"].split(",")]


def test_best_areas_hold_their_band_do_not_overlap_and_add_up(town):
    best, block = town.read("best_area").sort_values("rank"), town.read("block").set_index("block_id")
    facts = town.read("block_facts").set_index("block_id")
    assert set(best["criterion"]) == {"stays", "kwh"}
    for criterion in ("stays", "kwh"):
        mine = best[best["criterion"] == criterion]
        assert mine["rank"].tolist() == list(range(1, len(mine) + 1))
        seen = [one for _, row in mine.iterrows() for one in _members(row)]
        assert len(seen) == len(set(seen))
    for _, row in best.iterrows():
        mine = block.loc[_members(row)]
        assert 300 <= row["homes"] <= 360
        assert row["homes"] == mine["homes"].sum() == row["ground_homes"] + row["stacked_homes"]
        parts = facts.loc[_members(row), "stays_part_eur_per_year"].sum()
        # What is printed is the mean over the draws, and that is the sum over the blocks with the fixed costs.
        assert row["stays_eur_per_year"] == pytest.approx(parts + facts["stays_fixed_eur_per_year"].iloc[0], abs=0.01)
        assert row["stays_eur_per_home"] * row["homes"] == pytest.approx(row["stays_eur_per_year"])
        assert row["stays_eur_per_year_low"] < row["stays_eur_per_year"] < row["stays_eur_per_year_high"]
        assert row.geometry.area == pytest.approx(mine.geometry.area.sum(), rel=1e-3)
        assert row["corporation_frac"] == pytest.approx(0.5)
        assert row["reach_m"] <= 300


def test_the_first_is_worth_no_less_and_is_proven(town):
    best, facts = town.read("best_area"), town.read("block_facts")
    best = best[best["criterion"] == "stays"].set_index("rank")
    assert best["stays_eur_per_year"].sort_index().is_monotonic_decreasing
    mean = facts["stays_part_eur_per_year"].abs().sum() / facts["homes"].sum()
    worth = best["stays_eur_per_year"] - mean * 0.05 * best["border_m"]
    assert worth.idxmax() == 1
    assert best.loc[1, "bound_gap_frac"] == 0


def test_facts_of_blocks_add_up_to_the_study_and_none_is_counted_twice(town):
    facts, pand = town.read("block_facts"), town.read("pand_score")
    assert facts["homes"].sum() == len(town.read("home"))
    kwp = facts[[f"pv_{roofs}_kwp" for roofs in ROOFS]].sum().sum()
    assert kwp == pytest.approx(pand["kwp_pay"].sum())
    # as new: the yield that pays is the mean over 25 years at 0.5 % a year, so 1 - 0.0625 of it
    assert facts[["pv_corporation_kwh_per_year", "pv_corporation_house_kwh_per_year"]].sum().sum() == pytest.approx(
        0.5 * pand["yield_pay_kwh_per_year"].sum() / (1 - 0.005 * 25 / 2)
    )


def test_money_of_a_street_is_shared_over_its_homes_and_none_is_lost(town):
    street, block = town.read("street_water"), town.read("block")
    assert block["water_eur_per_year"].sum() == pytest.approx(street["water_eur_per_year"].sum())
    gebied = town.read("gebied")
    for end in ("", "_low", "_high"):
        name = f"water_eur_per_year{end}"
        assert gebied[name].sum() == pytest.approx(block[name].sum()) == pytest.approx(street[name].sum())
    assert gebied["homes"].sum() == block["homes"].sum()


def test_with_few_candidates_nothing_is_said_of_the_best_five(town):
    best = town.read("best_area")
    assert (best["candidates"] < 10).all()
    assert best["sure_frac"].isna().all()


def test_the_border_is_explained_over_its_whole_length(town):
    best, border = town.read("best_area").set_index("best_id"), town.read("best_border")
    length = border.groupby("best_id")["length_m"].sum()
    assert np.allclose(length.to_numpy(), best["border_length_m"].loc[length.index].to_numpy())
    known = border[border["known_line"]].groupby("best_id")["length_m"].sum().reindex(length.index).fillna(0)
    assert np.allclose((known / length).to_numpy(), best["known_border_frac"].loc[length.index].to_numpy())
    assert border["border_reason_nl"].str.len().gt(3).all()


def test_no_more_than_five_best_areas_are_named(tmp_path):
    """960 homes, of which twelve areas of 80 could be made."""
    wanted = Areas(target_homes=80, low_homes=70, high_homes=90)
    best = scored(town_store(tmp_path), wanted).read("best_area")
    assert best.groupby("criterion")["rank"].max().max() == 5


@pytest.mark.parametrize(
    ("ext_m", "told"), [([0.0, 0.0], {"local": 10.0}), ([30.0, 30.0], {"local": 10.0, "outer": 30.0})]
)
def test_what_borders_on_nothing_is_said_with_its_length_and_only_where_there_is_some(ext_m, told):
    """Two squares of 10 m with a street between them, the first an area; the ends of the map may be counted elsewhere."""
    block = gpd.GeoDataFrame(
        {"block_id": [0, 1], "block_basis": "streets", "ext_m": ext_m},
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)],
        crs=28992,
    )
    edge = {
        "a": [0],
        "b": [1],
        "cls": ["local"],
        "length_m": [10.0],
        "on_buurt_border": [False],
        "on_place_border": [False],
    }
    edges = gpd.GeoDataFrame(edge, geometry=[shapely.LineString([(10, 0), (10, 10)])], crs=28992)
    lines = border_lines(SimpleNamespace(inside=np.array([True, False])), block, edges)
    assert lines.set_index("border_class")["length_m"].to_dict() == told


def test_other_sizes_stand_beside_it(town):
    variant, best = town.read("best_variant"), town.read("best_area").set_index("best_id")
    first = (
        variant[(variant["best_id"] == 0) & (variant["variant_kind"] == "size")].set_index("target_homes").sort_index()
    )
    assert first.index.tolist() == [250, 330, 450]
    assert first["homes"].is_monotonic_increasing
    assert first.loc[330, "block_ids"] == best.loc[0, "block_ids"]
    near = variant[variant["variant_kind"] == "runner_up"]
    assert near["worth_frac"].between(-0.03 - 1e-9, 1e-9).all()
    assert not set(near["block_ids"]) & set(best["block_ids"])


def test_no_two_areas_share_a_name_and_none_has_that_of_a_buurt(town):
    buurten = set(town.read("buurt")["buurtnaam"])
    for table, column in (("gebied", "gebied_name"), ("best_area", "best_name")):
        names = town.read(table)[column]
        assert names.is_unique
        assert buurten.isdisjoint(names)


def test_twice_gives_the_same_bytes_and_every_column_is_as_it_was(town, tmp_path):
    again, names = scored(town_store(tmp_path)), [*MADE_OF_AREAS, "home_score"]
    for name in names:
        assert again.describe(name)["sha256"] == town.describe(name)["sha256"], name
    require_as_pinned("town", {name: town.read(name) for name in names})


def test_without_any_value_the_borders_decide_and_it_is_said(tmp_path):
    store = scored(town_store(tmp_path, rows=20, value=False, corporation=None))
    best = store.read("best_area")
    assert set(best["criterion"]) == {"border"}
    assert best["stays_eur_per_year"].isna().all()  # unknown, not nothing
    assert (best["value_known_frac"] == 0).all()
    assert best["corporation_frac"].isna().all()


def test_fewer_homes_than_one_area_are_said_and_the_run_goes_on(tmp_path):
    store = scored(town_store(tmp_path, rows=5, per_row=20))
    assert len(store.read("block")) > 0
    assert store.read("gebied").empty
    assert store.read("best_area").empty
    (reason,) = store.describe("gebied")["tally"]["left_out"]
    assert "100 homes" in reason
    assert store.describe("best_area")["tally"]["left_out"]


def test_a_flat_of_seven_hundred_stays_whole_and_is_in_no_best_area(tmp_path):
    store = scored(town_store(tmp_path, rows=20, flat_homes=700))
    block = store.read("block")
    flat = block[block["largest_homes"] == 700]
    assert (len(flat), bool(flat["large_building"].iloc[0])) == (1, True)
    area = store.read("gebied").set_index("gebied_id").loc[flat["gebied_id"].iloc[0]]
    assert "700 woningen" in area["band_reason_nl"]
    for _, row in store.read("best_area").iterrows():
        assert int(flat["block_id"].iloc[0]) not in _members(row)


def test_a_radius_in_which_nothing_fits_is_said(tmp_path):
    store = scored(town_store(tmp_path, rows=20), Areas(radius_m=20.0))
    assert store.read("best_area").empty
    reasons = list(store.describe("best_area")["tally"]["left_out"])  # by money and by power
    assert len(reasons) == 2
    assert all("within 20 m" in one for one in reasons)


def test_stored_blocks_give_the_graph_back(town):
    graph = read_blocks(town).graph()
    assert len(graph) == len(town.read("block"))
    assert graph.homes.sum() == town.read("home").shape[0]
    assert np.allclose(graph.weight, read_blocks(town).edges["weight_m"])


def test_an_exclave_of_few_homes_is_an_area_by_itself_and_says_why(tmp_path):
    store = scored(town_store(tmp_path, rows=12, exclave_rows=2))
    gebied, block = store.read("gebied"), store.read("block")
    assert gebied["homes"].sum() == 14 * 40 == block["homes"].sum()
    small = gebied[gebied["homes"] == 80]
    assert small["band_reason_nl"].str.contains("80 woningen los van de rest").tolist() == [True]
    # 480 homes hold one area in the band, and the exclave is out of reach
    assert store.read("best_area")["criterion"].tolist() == ["stays", "kwh"]


def test_owners_own_tables_tell_which_blocks_are_the_corporation_s_and_the_buurt_s_share_is_not_counted_twice(tmp_path):
    store = town_store(tmp_path, rows=6, corporation=50.0)  # 240 homes, 120 in each of two buurten
    pand = store.read("pand_score")["pand_id"]
    row = pand.str.split("-").str[-2].astype(int)
    owner = np.select([row == 0, row == 1], ["Woningstichting De Rij", "particulier"], default=None)
    table = pd.DataFrame({"pand_id": pand, "owner": owner, "maintenance_year": None, "pv_installed_kwp": None})
    store.write("own_pand", table.dropna(subset="owner"), MADE)
    block = scored(store).read("block")
    share = block.set_index(block["streets"].str.removeprefix("Straat "))["corporation_frac"]
    assert share["0"] == 1.0
    assert share["1"] == 0.0
    # Half of the southern buurt's 120 homes is 60, of which 40 were told: 20 of the 40 that nobody told of.
    assert share["2"] == pytest.approx(0.5)
    assert share[["3", "4", "5"]].to_numpy() == pytest.approx(0.5)  # nothing told of the north: the buurt's share
    assert set(block["place_name"]) == {"Zuid", "Noord"}
