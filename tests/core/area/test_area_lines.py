"""Lines that bound blocks: classes of the register, ditches, crossings, cover; and sums that keep the unknown unknown."""

from __future__ import annotations

from importlib.resources import files

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.area.blocks import build_blocks
from kansenkaart.core.area.borders import BlockRules, class_by_gap, links_over_land
from kansenkaart.core.area.graph import build_graph
from kansenkaart.core.area.values import (
    area_sums,
    block_sums,
    bounding_lines,
    covered_share,
    share_streets,
    together,
    within_land,
)
from kansenkaart.errors import ConfigError, SchemaError
from tests.core.area.area_towns import FACTORS, row_houses
from tests.pinned import require_as_pinned

CLASSES = pd.read_csv(str(files("kansenkaart") / "data" / "barrier_classes.csv"))


def terrain(*rows: tuple[str, str, shapely.Geometry]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"kind": [k for k, _, _ in rows], "function": [f for _, f, _ in rows]},
        geometry=[g for _, _, g in rows],
        crs=28992,
    )


def test_the_register_s_words_become_classes_and_ditches_bound_nothing() -> None:
    ground = terrain(
        ("wegdeel", "rijbaan regionale weg", shapely.box(0, 0, 100, 14)),
        ("wegdeel", "rijbaan lokale weg", shapely.box(0, 20, 100, 26)),
        ("wegdeel", "voetpad", shapely.box(0, 30, 100, 32)),
        ("waterdeel", "waterloop", shapely.box(0, 40, 100, 54)),
        ("waterdeel", "waterloop", shapely.box(0, 60, 100, 62)),  # 2 m wide
        ("begroeidterreindeel", None, shapely.box(0, 70, 100, 90)),
        ("overbruggingsdeel", "brug", shapely.box(40, 40, 50, 54)),
    )
    roads = gpd.GeoDataFrame(
        {"road_class": ["collector", None]}, geometry=[shapely.LineString([(0, 100), (9, 100)])] * 2, crs=28992
    )
    barriers, crossings = bounding_lines(ground, roads, classes=CLASSES)
    assert sorted(barriers["cls"]) == ["collector", "local", "local", "main", "water"]
    assert sorted(crossings["cls"]) == ["bridge", "path"]
    require_as_pinned("lines", {"barrier": barriers, "crossing": crossings})
    # Of 3 m wide and 100 m long: (2 x 300) / (206 - 6) is 3.0, no ditch; a hair narrower is one.
    banks = [("waterdeel", "", shapely.box(0, 0, 100, wide)) for wide in (3.0, 2.999)]
    assert bounding_lines(terrain(*banks), None, classes=CLASSES)[0].area.tolist() == [300.0]
    nothing, none = bounding_lines(None, None, classes=CLASSES)
    assert nothing.empty
    assert none.empty
    with pytest.raises(ConfigError, match="canal"):
        bounding_lines(ground, None, classes=CLASSES.assign(cls="canal"))


def test_cover_is_the_share_of_homes_near_a_street() -> None:
    street = gpd.GeoDataFrame(
        {"cls": ["local", "water"]}, geometry=[shapely.box(0, 0, 100, 5), shapely.box(0, 500, 100, 505)], crs=28992
    )
    homes = gpd.GeoDataFrame(
        geometry=[shapely.Point(5, 20), shapely.Point(50, 30), shapely.Point(50, 490), None], crs=28992
    )
    assert covered_share(homes, street, reach_m=40.0) == pytest.approx(2 / 3)  # near water is not near a street
    assert covered_share(homes.iloc[3:], street, reach_m=40.0) == 0
    assert covered_share(homes, street, reach_m=20.0) == pytest.approx(1 / 3)  # 15 m and 25 m away
    assert covered_share(homes, street.iloc[1:], reach_m=40.0) == 0  # no street, and homes


def test_a_quay_is_no_bridge_and_a_path_over_the_water_is() -> None:
    pand, home = row_houses(2, 30, apart=30.0)
    canal = ("water", shapely.box(-200, 16, 400, 30))
    quay = ("local", shapely.box(-200, 30, 400, 34))  # shares the water's edge
    water = gpd.GeoDataFrame({"cls": [canal[0], quay[0]]}, geometry=[canal[1], quay[1]], crs=28992)
    closed = build_blocks(pand, home, factors=FACTORS, barriers=water)
    assert not closed.edges.loc[closed.edges["cls"] == "water", "passable"].any()
    path = gpd.GeoDataFrame({"cls": ["path"]}, geometry=[shapely.box(80, 10, 83, 36)], crs=28992)
    opened = build_blocks(pand, home, factors=FACTORS, barriers=water, crossings=path)
    wet = opened.edges[opened.edges["cls"] == "water"]
    assert wet["passable"].any()
    assert not wet["passable"].all()


def test_back_gardens_are_told_from_streets_by_the_gap() -> None:
    got = class_by_gap(np.array([0.5, 5.9, 6.0, 29.0, 30.0, 80.0]), street_m=6.0, collector_m=30.0, main_m=50.0)
    assert got.tolist() == ["garden", "garden", "local", "local", "collector", "main"]


def test_sums_leave_the_unknown_unknown_and_money_of_streets_is_kept() -> None:
    parts = pd.DataFrame({"eur": [1.0, np.nan, 4.0, np.nan], "homes": 1})
    sums = block_sums(pd.Series([0, 0, 1, 2]), parts, columns=["eur"], count=4)
    assert sums["eur"].tolist()[:2] == [1.0, 4.0]
    assert sums["eur"].isna().tolist() == [False, False, True, True]
    assert together(pd.Series([1.0, np.nan]), pd.Series([2.0, np.nan])).tolist()[0] == 3.0
    home = pd.DataFrame({"street_name": ["A", "A", "B", None], "street_id": ["1", "1", "2", "3"]})
    street = pd.DataFrame({"street_name": ["A", "A", "B"], "homes": [1, 1, 1], "yearly_eur": [10.0, 30.0, np.nan]})
    share = share_streets(home, street, column="yearly_eur")
    assert share.tolist()[:2] == [20.0, 20.0]
    assert share[2:].isna().all()
    with pytest.raises(SchemaError, match="yearly_eur"):
        share_streets(home, street[["street_name", "homes"]], column="yearly_eur")
    block = pd.DataFrame(
        {
            "homes": [3, 1, 2],
            "buurtcode": ["X", "X", None],
            "corporation_frac": [0.5, 1.0, np.nan],
            "eur": [1.0, np.nan, 2.0],
        }
    )
    area = area_sums(block, [0, 0, 1], sums=["eur"], value="eur")
    assert area["corporation_frac"].iloc[0] == pytest.approx(2.5 / 4)
    assert np.isnan(area["corporation_frac"].iloc[1])
    assert area["value_known_frac"].tolist() == [0.75, 1.0]
    assert area["main_buurt_frac"].iloc[0] == 1.0


def test_land_ends_where_the_buurten_end() -> None:
    land = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 100, 100)], crs=28992)
    shape = gpd.GeoSeries(
        [shapely.box(10, 10, 20, 20), shapely.box(90, 0, 150, 10), shapely.box(500, 0, 510, 10)], crs=28992
    )
    cut = within_land(shape, land)
    assert cut.area.tolist() == [100.0, 100.0, 100.0]
    # A hook around a corner lies within for 200 m2, and touches the edge again along ten metres: a line is no land.
    hook = shapely.union_all([shapely.box(80, 0, 120, 10), shapely.box(110, 0, 120, 40), shapely.box(100, 30, 120, 40)])
    (held,) = within_land(gpd.GeoSeries([hook], crs=28992), land)
    assert (held.geom_type, held.area) == ("MultiPolygon", 200.0)


def test_hamlets_are_walked_to_over_the_narrowest_gap_where_no_street_is_known() -> None:
    # Hamlets of 40 homes in a row, 130 m and 400 m apart: the first two become one piece; the third lies beyond open land.
    parts = [row_houses(2, 20), row_houses(2, 20, east=250.0), row_houses(2, 20, east=770.0)]
    pand, home = (gpd.GeoDataFrame(pd.concat(two, ignore_index=True), crs=28992) for two in zip(*parts, strict=True))
    made = build_blocks(pand, home, factors=FACTORS)
    assert len(np.unique(build_graph(made.frame, made.edges, factors=FACTORS).pieces())) == 2
    apart = build_blocks(pand, home, factors=FACTORS, rules=BlockRules(link_homes=20))
    assert len(np.unique(build_graph(apart.frame, apart.edges, factors=FACTORS).pieces())) == 3


def test_a_hamlet_that_is_linked_is_a_place_to_link_the_next_one_to() -> None:
    """A village, five homes 100 m beside it and eight 80 m further: the eight are walked to over the five, not over 180 m."""
    edges = pd.DataFrame({"a": [0], "b": [1], "passable": [False]})
    spots = np.array([[0.0, 0.0], [100.0, 0.0], [180.0, 0.0]]), np.arange(3)
    rules = BlockRules(link_homes=20, kern_homes=50, link_m=110.0)
    links = links_over_land(edges, pd.DataFrame({"homes": [100, 5, 8]}), spots, rules=rules, walls=np.empty(0, object))
    assert [(mine, other, line.length) for mine, other, line in links] == [(1, 0, 100.0), (2, 1, 80.0)]


def far_apart(metres: float) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Build a village of 8 rows of 5 houses, and a farm east of it."""
    pand, home = row_houses(8, 5)
    farm, lives = row_houses(1, 1, east=30.0 + metres)
    return (
        gpd.GeoDataFrame(pd.concat([pand, farm], ignore_index=True), crs=28992),
        gpd.GeoDataFrame(pd.concat([home, lives], ignore_index=True), crs=28992),
    )


@pytest.mark.parametrize(("metres", "tied"), [(290.0, True), (310.0, False)])
def test_a_farm_belongs_to_the_village_within_300_m_and_else_lies_scattered(metres: float, tied: bool) -> None:
    made = build_blocks(*far_apart(metres), factors=FACTORS)
    graph = build_graph(made.frame, made.edges, factors=FACTORS)
    assert bool(graph.pieces().max() == 0) is tied
    link = made.edges[made.edges["length_m"] == 0]
    assert len(link) == int(tied)
    if tied:
        assert link.geometry.length.iloc[0] == pytest.approx(
            metres, abs=0.6
        )  # sites lie a quarter metre inside the wall
        assert link["weight_m"].iloc[0] == 0.0


def test_no_link_crosses_water() -> None:
    pand, home = far_apart(200.0)
    canal = gpd.GeoDataFrame({"cls": ["water"]}, geometry=[shapely.box(120, -500, 140, 500)], crs=28992)
    street = gpd.GeoDataFrame({"cls": ["local"]}, geometry=[shapely.LineString([(0, 12), (30, 12)])], crs=28992)
    lines = gpd.GeoDataFrame(pd.concat([canal, street], ignore_index=True), crs=28992)
    made = build_blocks(pand, home, factors=FACTORS, barriers=lines)
    assert not (made.edges["length_m"] == 0).any()


def test_no_block_lies_on_both_sides_of_a_street_that_house_numbers_tell_of() -> None:
    # Two rows of five on one street, 12 m apart, odd numbers to the south and even ones to the north: ten homes in all.
    pand, home = row_houses(2, 5, apart=12.0)
    north = home["pand_id"].str.contains(r"-1-\d+$")
    home["street_name"] = "Dorpsstraat"
    home["house_number"] = np.where(north, 2, 1) + 2 * home["pand_id"].str.extract(r"-(\d+)$")[0].astype(int)
    made = build_blocks(pand, home, factors=FACTORS)
    assert sorted(made.frame["homes"]) == [5, 5]
    assert not made.noted
    # Numbered on, without sides: nothing is said of a street, and ten homes are one block.
    home["house_number"] = np.arange(1, 11)
    assert build_blocks(pand, home, factors=FACTORS).frame["homes"].tolist() == [10]


def test_an_area_of_one_home_is_whole_and_one_of_none_has_no_shares_above_nothing():
    block = pd.DataFrame(
        {
            "homes": [1, 0, 3],
            "buurtcode": ["a", "a", "b"],
            "corporation_frac": [1.0, np.nan, 0.5],
            "value": [5.0, np.nan, np.nan],
        }
    )
    got = area_sums(block, [0, 1, -1], sums=["value"], value="value")
    assert got["homes"].tolist() == [1, 0]
    assert got["corporation_frac"].tolist() == [1.0, 0.0]
    assert got["value_known_frac"].tolist() == [1.0, 0.0]
    assert got["value"].tolist() == pytest.approx([5.0, np.nan], nan_ok=True)
