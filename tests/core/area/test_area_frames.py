"""What blocks and areas are made of, by hand: whole outputs of small unkind inputs, and limits exactly at the limit."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.area.blocks import Addresses, _addresses, _most_homes, _street_names, facing
from kansenkaart.core.area.borders import (
    BlockRules,
    _nearest_link,
    class_by_barrier,
    links_over_land,
    passable_stretches,
    ways_out,
)
from kansenkaart.core.area.graph import BORDER_CLASSES, BorderFactors, build_graph, walk_graph
from kansenkaart.core.area.sureness import best_share
from kansenkaart.core.area.tessellate import Ridges, _open_sites, block_shapes, ridges_between, sites_of
from kansenkaart.core.area.values import area_borders, block_sums, corporation_chance, most_of_homes, share_streets
from kansenkaart.errors import ConfigError, SchemaError
from tests.core.area.area_towns import FACTORS

RULES = BlockRules()
NOTHING = np.empty(0, dtype=object)


def ridges(*rows: tuple[int, int, float]) -> Ridges:
    """Give stretches between buildings at 10 m from each other along x, by both buildings and the gap between them [m]."""
    i, j, gap = (np.array(column) for column in zip(*rows, strict=True))
    middle = np.column_stack([10.0 * i + 5, np.zeros(len(i))])
    ends = middle[:, None] + np.array([[0.0, -3.0], [0.0, 3.0]])
    link = middle[:, None] + np.array([[-4.0, 0.0], [4.0, 0.0]])
    return Ridges(i, j, np.full(len(i), 6.0), gap.astype(float), ends, link)


def lines(**shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"cls": [name.rstrip("_") for name in shapes]}, geometry=list(shapes.values()), crs=28992)


def test_a_street_lies_between_odd_and_even_where_four_of_five_neighbours_are_alike() -> None:
    side = np.array([0, 0, 0, 0, 0, 1, 1, -1, 0])
    at = Addresses(np.zeros(9, np.int64), np.zeros(9, np.int64), side)
    along = [(0, 1, 1.0), (1, 2, 6.0), (2, 3, 0.0), (5, 6, 0.0), (4, 5, 3.0)]  # four alike, one not
    across = [
        (0, 5, 6.01),
        (1, 6, 50.0),
        (2, 5, 50.01),
        (3, 4, 20.0),
        (7, 5, 20.0),
        (0, 7, 20.0),
        (8, -1, 20.0),
        (6, 0, 6.0),
    ]
    # The last is no street, and another pair that is not alike: with it four of six are.
    told = facing(ridges(*along, *across[:-1]), at, RULES)
    assert told.tolist() == [False] * 5 + [True, True] + [False] * 5
    assert not facing(ridges(*along, *across), at, RULES).any()
    other = at._replace(street=np.array([0, 0, 0, 0, 0, 1, 1, 0, 0]))
    assert not facing(ridges(*along, *across[:-1]), other, RULES).any()  # the other side is another street
    nowhere = at._replace(street=np.full(9, -1))
    assert not facing(ridges(*along, *across[:-1]), nowhere, RULES).any()
    second = at._replace(street=np.array([-1, 1, 1, 1, 1, 1, 1, 1, 1]))  # streets are counted apart
    assert facing(ridges(*along, *across[:-1]), second, RULES).tolist() == [False] * 12
    more = [*along[1:4], (1, 2, 0.0), (4, 5, 3.0), *across[1:2]]
    assert facing(ridges(*more), second, RULES).tolist() == [False] * 5 + [True]


def test_a_building_stands_in_the_street_with_most_of_its_homes_and_on_a_side_that_all_numbers_tell() -> None:
    pand = pd.DataFrame({"buurtcode": ["X", "Y", None, "X", "Y"]})
    home = pd.DataFrame(
        {
            "street_name": ["A", "B", "B", "B", "A", None, None, "A", "C", "A"],
            "street_id": ["a", "b", "b", "b", "a", "s", None, "a", "c", "a"],
            "house_number": pd.array([1, 2, 4, 3, 5, 7, 9, None, 2, 8], dtype="Int64"),
        }
    )
    at = _addresses(pand, home, np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, -1]))
    assert at.buurt.tolist() == [0, 1, -1, 0, 1]
    # Two of B beside one of A; one of each: the one met first (A); the id where no name is; A before C; nobody.
    assert at.street.tolist() == [1, 0, 2, 0, -1]
    assert at.side.tolist() == [-1, 1, 1, 0, -1]
    bare = _addresses(pand, home.drop(columns=["house_number", "street_id"]), np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, -1]))
    assert (bare.street.tolist(), bare.side.tolist()) == ([1, 0, -1, 0, -1], [-1] * 5)
    assert _addresses(pand, home[["house_number"]], np.zeros(10, np.int64)).street.tolist() == [-1] * 5


def test_names_of_blocks_are_those_with_most_homes() -> None:
    block = np.array([0, 0, 0, 1, 2, 2])
    code = pd.Series(["X", "Y", "Y", None, "Z", "W"])
    got = _most_homes(code, np.array([3.0, 1.0, 1.5, 9.0, 2.0, 2.0]), block)
    assert got[[0, 2]].tolist() == ["X", "W"]  # of two as large the first of the alphabet
    assert pd.isna(got[1])
    home = gpd.GeoDataFrame({"street_name": ["A", "B", "B", None, "C", "D", "E"]})
    assert _street_names(home, np.array([0, 1, 2, 3, 3, -1, 4]), block, 3) == ["B; A", "C", "E"]
    assert _street_names(home[[]], np.array([0] * 7), block, 3) == ["", "", ""]


def test_the_strongest_line_that_is_crossed_is_the_class_of_a_border() -> None:
    stretch = ridges((0, 1, 8.0), (1, 2, 8.0), (2, 3, 8.0), (3, 4, 8.0))
    met = lines(
        local=shapely.LineString([(5, -9), (5, 9)]),
        main=shapely.LineString([(6, -9), (6, 9)]),
        garden=shapely.LineString([(15, -9), (15, 9)]),
        water=shapely.box(34, -9, 36, 9),
        rail=shapely.LineString([(35, -9), (35, 9)]),
    )
    cls, street = class_by_barrier(stretch, met)
    assert cls.tolist() == ["main", "garden", "garden", "water"]
    assert street.tolist() == [True, True, False, True]
    with pytest.raises(SchemaError, match="canal"):
        class_by_barrier(stretch, met.assign(cls=["canal", *met["cls"][1:]]))
    with pytest.raises(SchemaError, match="no column cls"):
        class_by_barrier(stretch, met.drop(columns="cls"))


def test_water_and_rail_are_crossed_up_to_forty_metres_from_a_crossing() -> None:
    stretch = ridges(
        (0, 1, 8.0), (1, 2, 8.0), (2, 3, 8.0), (3, 4, 8.0), (9, 10, 8.0)
    )  # middles at 5, 15, 25, 35 and 95
    cls = np.array(["water", "local", "rail", "water", "water"])
    canal = shapely.LineString([(-99, 0), (200, 0)])

    def told(crossings: gpd.GeoDataFrame | None = None, **more: shapely.Geometry) -> list[bool]:
        return passable_stretches(
            stretch, cls, lines(water=canal, **more), crossing_m=40.0, crossings=crossings
        ).tolist()

    no_bridge = [False, True, False, False, False]
    assert passable_stretches(stretch, cls, None, crossing_m=40.0).tolist() == no_bridge
    assert told() == no_bridge
    at = {x: shapely.LineString([(x, -5), (x, 5)]) for x in (-5.0, -15.1, 45.0, 65.0, 65.01)}
    assert told(local=at[-5.0]) == [True, True, True, True, False]  # 40 m from the stretch at 35 m
    assert told(local=at[-15.1]) == [True, True, False, False, False]
    assert told(lines(path=at[65.0])) == [False, True, True, True, True]
    assert told(lines(path=at[65.01])) == [False, True, False, True, True]
    pond, quay = shapely.box(-99, -4, 200, 4), shapely.box(0, 4, 10, 8)
    wet = lines(water=pond, local=quay)  # along the edge, and over it
    assert passable_stretches(stretch, cls, wet, crossing_m=40.0).tolist() == no_bridge
    over = lines(water=pond, local=shapely.box(0, -8, 10, 8))
    assert passable_stretches(stretch, cls, over, crossing_m=40.0).tolist() == [True, True, True, True, False]
    dry = np.array(["local"] * 5)
    assert passable_stretches(stretch, dry, lines(water=canal), crossing_m=40.0).all()


def test_the_narrowest_way_out_of_a_small_piece_is_walked() -> None:
    # Buildings 0 | 1 2 | 3: block 1 holds two. Ten homes, five, five, and a hundred.
    stretch = ridges((1, 0, 30.0), (2, 0, 20.0), (3, 2, 25.0), (2, 1, 5.0), (3, -1, 1.0), (3, 1, 40.0))
    block, homes, closed = np.array([0, 1, 1, 2]), np.array([10, 5, 5, 100]), np.zeros(6, bool)
    assert ways_out(stretch, block, homes, closed, least=20).tolist() == [False, True, False, False, False, False]
    assert not ways_out(stretch, block, homes, closed, least=10).any()
    walked = np.array([False, True, False, True, False, False])  # blocks 0 and 1 are one piece of twenty
    assert ways_out(stretch, block, homes, walked, least=21).tolist() == [False, False, True, False, False, False]
    assert not ways_out(stretch, block, homes, walked, least=20).any()
    assert ways_out(stretch, block, homes, closed, least=101).tolist() == [False, True, True, False, False, False]
    turned = replace(
        stretch, i=np.maximum(stretch.j, 0), j=np.where(stretch.j < 0, -1, stretch.i)
    )  # numbered otherwise
    assert ways_out(turned, block, homes, closed, least=20).tolist() == [False, True, False, False, False, False]


def test_a_house_is_linked_to_a_hamlet_that_is_linked_itself_whatever_their_numbers() -> None:
    # A town of 40 homes, 150 m on a hamlet of 20 that is no place by itself, and houses of 3 and 1 each 150 m further.
    homes, x = np.array([40, 20, 3, 1]), np.array([0.0, 150.0, 300.0, 450.0])
    rules, edges = (
        replace(RULES, link_homes=300, kern_homes=25, link_m=200.0),
        pd.DataFrame({"a": [0], "b": [1], "passable": [False]}),
    )
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        sites = np.column_stack([x[order], np.zeros(4)]), np.arange(4)
        made = links_over_land(
            edges, pd.DataFrame({"homes": homes[order]}), sites, rules=rules, walls=np.empty(0, object)
        )
        assert {frozenset((order[a], order[b])) for a, b, _ in made} == {
            frozenset(one) for one in ((0, 1), (1, 2), (2, 3))
        }
        assert len(made) == 3
    far = replace(rules, link_m=149.0)
    assert (
        links_over_land(
            edges,
            pd.DataFrame({"homes": homes}),
            (np.column_stack([x, x * 0]), np.arange(4)),
            rules=far,
            walls=np.empty(0, object),
        )
        == []
    )


def test_links_over_land_go_to_the_nearest_that_is_large_enough_and_not_over_water() -> None:
    # Blocks at 0, 100, 250, 300 and 700 m of 30, 5, 3, 24 and 40 homes; the first two are walked between.
    frame = pd.DataFrame({"homes": [30, 5, 3, 24, 40]})
    edges = pd.DataFrame({"a": [0, 1], "b": [1, 2], "passable": [True, False]})
    sites = np.array([[0.0, 0], [100, 0], [250, 0], [300, 0], [700, 0], [100, 40]]), np.array([0, 1, 2, 3, 4, 1])
    rules = replace(RULES, link_homes=36, kern_homes=30, link_m=200.0)

    def told(rules: BlockRules, *walls: shapely.Geometry) -> list[tuple[int, int, float]]:
        made = links_over_land(
            edges, frame, sites, rules=rules, walls=np.array(walls, dtype=object) if walls else NOTHING
        )
        return [(a, b, line.length) for a, b, line in made]

    assert told(rules) == [(2, 1, 150.0), (3, 2, 50.0)]
    assert told(replace(rules, link_m=150.0)) == [(2, 1, 150.0), (3, 2, 50.0)]
    assert told(replace(rules, link_m=149.9)) == []
    assert told(replace(rules, kern_homes=36)) == []  # 400 m away
    assert told(replace(rules, link_homes=3)) == []  # none is too small
    assert told(replace(rules, link_homes=4)) == [(2, 1, 150.0)]
    canal = shapely.LineString([(200, -99), (200, 99)])
    assert told(rules, canal) == []
    assert told(rules, shapely.LineString([(275, -9), (275, 9)])) == [(2, 1, 150.0)]
    assert _nearest_link(sites[0], np.array([2, 3]), np.array([0, 1, 4]), 150.0) == (2, 1)
    assert _nearest_link(sites[0], np.array([2, 3]), np.array([0, 4]), 249.0) is None
    assert _nearest_link(np.array([[0.0, 0], [8, 8]]), np.array([0]), np.array([1]), 10.0) is None  # 11.3 m


def test_sites_lie_along_the_walls_a_hair_inside_and_open_land_is_a_grid_beyond_the_reach() -> None:
    shapes = np.array([shapely.box(0, 0, 10, 4), shapely.Point(30.004, 7), shapely.box(40, 0, 40.3, 9)], dtype=object)
    points, owner = sites_of(shapes, spacing_m=5.0, inset_m=0.25)
    assert owner.tolist() == [0] * 6 + [1, 2]
    walls = {(x, y) for x in (0.25, 5.0, 9.75) for y in (0.25, 3.75)}
    assert set(map(tuple, points[:6].tolist())) == walls
    assert points[6].tolist() == [30.0, 7.0]
    assert shapely.contains_xy(shapes[2], *points[7])  # too thin for an inset: one point in it
    land = _open_sites(np.array([[100.0, 200.0]]), 10.0)
    # From 30 m before to 35 m behind in steps of 5 m: 14 by 14, less the 13 within 10 m.
    assert len(land) == 14 * 14 - 13
    assert (land.min(axis=0).tolist(), land.max(axis=0).tolist()) == ([70.0, 170.0], [135.0, 235.0])
    assert np.hypot(*(land - (100.0, 200.0)).T).min() == pytest.approx(125**0.5)


def test_two_points_share_the_line_halfway_and_their_land_ends_halfway_to_the_open_land() -> None:
    points, owner = np.array([[1000.0, 2000.0], [1008.0, 2000.0], [1008.0, 2001.0]]), np.array([0, 1, 1])
    made = ridges_between(points, owner, reach_m=20.0)
    assert (made.i > made.j).all()  # the higher number first, open land last
    between = made.take(made.j >= 0)
    assert set(zip(between.i.tolist(), between.j.tolist(), strict=True)) == {(1, 0)}
    straight = np.isclose(between.gap, 8.0)
    assert between.ends[straight][..., 0].ravel().tolist() == pytest.approx([1004.0] * 2)
    assert between.link[straight][0].tolist() == [[1008.0, 2000.0], [1000.0, 2000.0]]
    assert made.length.tolist() == pytest.approx(np.hypot(*(made.ends[:, 1] - made.ends[:, 0]).T).tolist())
    assert made.gap.tolist() == pytest.approx(np.hypot(*(made.link[:, 1] - made.link[:, 0]).T).tolist())
    assert made.gap[made.j < 0].min() > 20.0
    one, both = (block_shapes(made, np.array(block), points, owner) for block in ([0, 1], [0, 0]))
    assert shapely.area(one).sum() == pytest.approx(shapely.area(both).sum())
    assert shapely.contains(one[[0, 1, 1]], shapely.points(points)).all()
    low, high = shapely.bounds(both[0])[:2], shapely.bounds(both[0])[2:]
    assert (points.min(axis=0) - low > 10.0).all()  # at least half the reach, at most all of it
    assert (high - points.max(axis=0) <= 20.0).all()


def factors(**other: float) -> pd.DataFrame:
    rows = dict.fromkeys(BORDER_CLASSES, 1.0) | {"buurt_border": 0.6, "place_name_border": 0.7, "outer_border": 0.05}
    return pd.DataFrame({"name": list(rows | other), "factor": list((rows | other).values())})


@pytest.mark.parametrize(
    ("name", "value", "holds"),
    [
        ("garden", 10.0, True),
        ("garden", 10.1, False),
        ("water", 0.0, True),
        ("water", -0.1, False),
        ("water", 1.0, True),
        ("water", 1.1, False),
        ("outer_border", 1.1, False),
    ],
)
def test_a_factor_of_a_border_holds_up_to_its_bounds(name: str, value: float, holds: bool) -> None:
    if holds:
        assert BorderFactors.from_table(factors(**{name: value})).by_class.get(name) == value
    else:
        with pytest.raises(ConfigError, match=name):
            BorderFactors.from_table(factors(**{name: value}))


def test_a_graph_of_blocks_by_hand() -> None:
    block = pd.DataFrame(
        {
            "block_id": [7, 5, 9],
            "homes": [3, 0, 8],
            "x": [0.0, 50.0, 100.0],
            "y": 1.0,
            "buurtcode": ["X", None, "Y"],
            "ext_m": [10.0, 0.0, 20.0],
            "eur": [1.0, 2.0, 3.0],
            "own": [np.nan, 0.0, 4.0],
        }
    )
    edge = pd.DataFrame(
        {
            "a": [5, 7, 7],
            "b": [9, 5, 9],
            "length_m": [10.0, 20.0, 40.0],
            "cls": ["water", "local", "main"],
            "passable": [False, True, True],
            "on_buurt_border": [True, False, True],
        }
    )
    graph = build_graph(block, edge, factors=FACTORS, value="eur", owned="own")
    assert (graph.a.tolist(), graph.b.tolist()) == ([1, 0, 0], [2, 1, 2])
    assert graph.weight.tolist() == pytest.approx([10 * 0.05 * 0.6, 20.0, 40 * 0.2 * 0.6])
    assert graph.ext.tolist() == pytest.approx([0.5, 0.0, 1.0])
    assert graph.buurt.tolist() == [0, -1, 1]
    assert graph.owned.tolist() == pytest.approx([np.nan, 0.0, 4.0], nan_ok=True)
    assert (graph.indptr.tolist(), graph.nbr.tolist(), graph.edge.tolist()) == (
        [0, 2, 4, 6],
        [1, 2, 0, 2, 0, 1],
        [1, 2, 1, 0, 2, 0],
    )
    assert graph.border_weight(np.array([False, True, True])) == pytest.approx(20 + 4.8 + 1.0)
    assert graph.cut_weight(np.array([0, 1, 2])) == pytest.approx(24.8)  # over what is walked
    assert graph.with_value(np.arange(3)).value.tolist() == [0.0, 1.0, 2.0]
    walk = walk_graph(graph)
    assert (walk.indptr.tolist(), walk.nbr.tolist(), walk.tails().tolist()) == (
        [0, 2, 3, 4],
        [1, 2, 0, 0],
        [0, 0, 1, 2],
    )
    assert walk.part(np.array([0, 2])).weight.tolist() == pytest.approx([4.8, 4.8])
    bare = build_graph(block, edge, factors=FACTORS)
    assert bare.value.tolist() == [0.0] * 3
    assert np.isnan(bare.owned).all()
    for wrong, words in (
        (block.assign(homes=[3, -1, 8]), "negative homes"),
        (block.assign(homes=[3, np.nan, 8]), "negative homes"),
        (block.assign(block_id=[7, 5, 7]), "twice"),
    ):
        with pytest.raises(SchemaError, match=words):
            build_graph(wrong, edge, factors=FACTORS)
    for wrong in (edge.assign(b=[9, 5, 8]), edge.assign(a=[8, 7, 7]), edge.assign(a=[9, 7, 7])):
        with pytest.raises(SchemaError, match="two known blocks"):
            build_graph(block, wrong, factors=FACTORS)
    with pytest.raises(SchemaError, match="a column none"):
        build_graph(block, edge, factors=FACTORS, value="none")
    with pytest.raises(SchemaError, match="1 unknown"):
        build_graph(block, edge, factors=FACTORS, value="own")


def test_amounts_of_streets_owners_and_blocks_by_hand() -> None:
    home = pd.DataFrame({"street_name": ["A", None, "B", "C", "D"], "street_id": ["1", "A", "2", "3", "4"]})
    street = pd.DataFrame(
        {
            "street_name": ["A", "A", "A", "B", "C", None],
            "homes": [1, 3, 0, 2, 4, 9],
            "eur": [10.0, 30.0, 500.0, np.nan, -8.0, 7.0],
        }
    )
    assert share_streets(home, street, column="eur").tolist() == pytest.approx(
        [10, 10, np.nan, -2, np.nan], nan_ok=True
    )
    # Six homes in X of which half are a corporation's: one is known to be, one not to be; two of four that are silent.
    code = pd.DataFrame({"buurtcode": ["X"] * 6 + ["Y"] * 2 + ["Z"]})
    owned = pd.Series([1.0, 0.0] + [np.nan] * 4 + [1.0, np.nan, np.nan])
    chance = corporation_chance(code, owned=owned, share=pd.Series({"X": 0.5, "Y": 0.25}))
    assert chance.tolist() == pytest.approx([1, 0, 0.5, 0.5, 0.5, 0.5, 1, 0, np.nan], nan_ok=True)
    parts = pd.DataFrame({"a": [1, 2, 4], "b": [np.nan, 1.0, np.nan]})
    sums = block_sums(pd.Series([-1, 0, 2]), parts, columns=["a", "b"], count=3)
    assert sums["a"].tolist() == pytest.approx([2, np.nan, 4], nan_ok=True)
    assert sums["b"].tolist() == pytest.approx([1, np.nan, np.nan], nan_ok=True)
    block = pd.DataFrame(
        {"block_id": [0, 1, 2, 3, 4], "homes": [2, 5, 5, 9, 4], "streets": ["A", "B; C", "D", "", "E"]}
    )
    assert most_of_homes(block, [0, 0, 0, 0, 1]) == {0: "B", 1: "E"}
    assert most_of_homes(block, [-1, -1, -1, 0, -1]) == {}


def test_borders_of_areas_tell_both_sides_and_whether_everybody_knows_the_line() -> None:
    edge = gpd.GeoDataFrame(
        {
            "a": [0, 0, 1, 2, 1, 0],
            "b": [1, 2, 2, 3, 3, 3],
            "cls": ["local", "local", "rail", "collector", "water", "garden"],
            "on_buurt_border": [False, True, False, False, True, False],
            "on_place_border": [True, False, False, False, False, True],
        },
        geometry=[shapely.LineString([(k, 0), (k, 1)]) for k in range(6)],
        crs=28992,
    )
    made = area_borders(edge, label=np.array([0, 0, 1, -1]))
    assert (made["area_a"].tolist(), made["area_b"].tolist()) == ([0, 0, 1, 0, 0], [1, 1, -1, -1, -1])
    assert made["known_line"].tolist() == [True, True, False, True, True]
    bare = area_borders(edge.drop(columns="on_place_border"), label=np.array([0, 0, 1, -1]))
    assert bare["known_line"].tolist() == [True, True, False, True, False]
    with pytest.raises(SchemaError, match="3 areas"):
        area_borders(edge, label=np.array([0, 0, 1]))
    assert area_borders(edge.iloc[:0], label=np.array([], np.int64)).empty


@pytest.mark.parametrize(
    ("count", "most", "least", "says"), [(6, 5, 6, True), (5, 5, 5, False), (5, 4, 6, False), (6, 4, 6, True)]
)
def test_to_be_among_the_best_says_something_of_enough_candidates(
    count: int, most: int, least: int, says: bool
) -> None:
    share = best_share(np.arange(float(count))[:, None] * np.ones(3), most=most, least_candidates=least)
    assert np.isfinite(share).all() == says
    if says:
        assert share.tolist() == [0.0] * (count - most) + [1.0] * most
