"""Streets and what is put on them: a square with one street, names, distances, and conservation."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.water import assign
from kansenkaart.core.water.arrays import nearest_sides, objects, sides_of
from kansenkaart.core.water.assign import (
    TIE_M,
    Reach,
    apportion,
    assign_homes,
    assign_panden,
    assign_pipes,
    assign_surfaces,
    connect,
    nearest,
    nearest_alike,
)
from kansenkaart.core.water.streets import (
    StreetRules,
    _without_slivers,
    build_streets,
    rectangle_sides,
    streets_from_lines,
    streets_from_roads,
)
from kansenkaart.errors import ConfigError, InfeasibleError
from tests.core.water.water_world import homes, panden, street_lines, terrain

RD = "EPSG:28992"
RULES = StreetRules()
REACH = Reach()


def lines(*ends, names):
    shapes = [shapely.LineString(end) for end in ends]
    return gpd.GeoDataFrame({"street_name": names}, geometry=shapes, crs=RD)


def points(*places, names=None):
    table = {
        "home_id": [f"h{k}" for k in range(len(places))],
        "street_name": names or [None] * len(places),
        "pand_id": None,
    }
    return gpd.GeoDataFrame(
        pd.DataFrame(table, dtype=object), geometry=list(shapely.points(np.reshape(places, (-1, 2)))), crs=RD
    )


def test_sections_join_until_the_junction():
    #      b
    #      |            A runs 0-100-200-300; B joins at 200: A is cut there and only there
    #  A---A---A---A
    found = streets_from_lines(
        lines(
            ((0, 0), (100, 0)),
            ((100, 0), (200, 0)),
            ((200, 0), (300, 0)),
            ((200, 0), (200, 90)),
            names=["A", "A", "A", "B"],
        ),
        rules=RULES,
    )
    assert sorted(zip(found["street_id"], found["length_m"], strict=True)) == [("A 1", 200), ("A 2", 100), ("B 1", 90)]


def test_a_change_of_name_parts_a_street():
    found = streets_from_lines(lines(((0, 0), (100, 0)), ((100, 0), (200, 0)), names=["A", "B"]), rules=RULES)
    assert len(found) == 2


@pytest.mark.filterwarnings("ignore:GeoSeries.notna")  # geopandas tells of its older meaning, which is not asked here
@pytest.mark.parametrize("shape", [None, shapely.LineString()])
def test_a_line_without_a_shape_is_no_street(shape):
    two = lines(((0, 0), (100, 0)), ((100, 0), (200, 0)), names=["A", "B"])
    more = pd.concat([two, gpd.GeoDataFrame({"street_name": ["C"]}, geometry=[shape], crs=two.crs)], ignore_index=True)
    assert streets_from_lines(more, rules=RULES)["street_name"].tolist() == ["A", "B"]


def test_a_square_with_one_street():
    # one carriageway of 100 x 6 m: 600 m2, perimeter 212 m: x2 - 106 x + 600 = 0 -> 100 and 6
    assert [float(side) for side in rectangle_sides(600.0, perimeter_m=212.0)] == pytest.approx([100, 6])
    road = gpd.GeoDataFrame(
        {"terrain_id": ["w"], "kind": ["wegdeel"], "function": ["rijbaan lokale weg"], "surface": ["open verharding"]},
        geometry=[shapely.box(0, 0, 100, 6)],
        crs=RD,
    )
    home = points((10, 20), (90, 20), (50, 300), names=["Plein", "Plein", "Plein"])
    street = build_streets(home=home, terrain=road)
    assert street.loc[0, ["street_name", "length_m", "width_m", "basis"]].tolist() == ["Plein", 100, 6, "bgt"]
    put = assign_homes(home, street=street, reach=REACH)
    assert put["assigned_by"].tolist() == ["name", "name", "none: no street within reach"]
    assert put["distance_m"].tolist()[:2] == pytest.approx([14, 14])


def test_round_shapes_get_the_side_of_their_square():
    length, width = rectangle_sides(100.0, perimeter_m=35.4)
    assert length == width == 10


def test_a_junction_of_wegdelen_parts_streets():
    # a cross: four arms and the crossing
    arms = [
        shapely.box(-50, -3, -3, 3),
        shapely.box(3, -3, 50, 3),
        shapely.box(-3, 3, 3, 50),
        shapely.box(-3, -50, 3, -3),
    ]
    frame = gpd.GeoDataFrame(
        {"function": ["rijbaan"] * 5, "surface": ["open verharding"] * 5},
        geometry=[*arms, shapely.box(-3, -3, 3, 3)],
        crs=RD,
    )
    found = streets_from_roads(frame, home=points(), rules=RULES)
    assert len(found) == 4
    assert found.area.sum() == pytest.approx(frame.area.sum())


def _roads(*boxes):
    shapes = [shapely.box(*one) for one in boxes]
    return gpd.GeoDataFrame(
        {"function": "rijbaan", "surface": "klinkers"}, geometry=shapes, index=range(len(boxes)), crs=RD
    )


def test_without_a_junction_a_street_ends_where_the_name_does():
    road = _roads((0, 0, 50, 5), (50, 0, 90, 5), (90, 0, 120, 5), (120, 0, 140, 5))
    home = points((20, 8), (70, 8), (100, 8), (130, 8), names=["A", "A", "B", "B"])
    street = streets_from_roads(road, home=home, rules=RULES)
    assert dict(zip(street["street_name"], street.area, strict=True)) == {"A": 450.0, "B": 250.0}


def test_a_junction_goes_with_its_widest_arm_never_with_the_junction_beside_it():
    # Two crossings of 6 by 6 m side by side; each has an arm of 4 m wide and one of 3 m.
    road = _roads((-3, -3, 3, 3), (3, -3, 9, 3), (-50, -2, -3, 2), (-1, 3, 2, 50), (9, -2, 50, 2), (5, 3, 8, 50))
    street = streets_from_roads(road, home=points(), rules=RULES)
    assert sorted(street.area) == pytest.approx([3 * 47, 3 * 47, 4 * 41 + 36, 4 * 47 + 36])


def test_addresses_alone_draw_streets_and_split_at_gaps():
    home = points(*[(x, y) for x in range(0, 200, 10) for y in (0, 20)], (900, 0), names=["Laan"] * 41)
    street = build_streets(home=home)
    assert street["basis"].unique().tolist() == ["addresses"]
    assert street["length_m"].tolist() == pytest.approx([175, 0], abs=10)
    assert assign_homes(home, street=street, reach=REACH)["assigned_by"].unique().tolist() == ["name"]


def test_no_source_at_all_is_refused():
    with pytest.raises(InfeasibleError):
        build_streets(home=points((0, 0)))


def test_own_name_beats_a_nearer_street_and_far_names_do_not():
    street = build_streets(home=points(), street_line=lines(((0, 0), (100, 0)), ((0, 50), (100, 50)), names=["A", "B"]))
    home = points((50, 10), (50, 10), (50, 400), names=["B", "Onbekend", "A"])
    home.loc[3] = ["h3", "A", None, None]
    put = assign_homes(home, street=street, reach=REACH)
    assert objects(put["street_id"]).tolist() == ["B 1", "A 1", None, None]
    assert put["assigned_by"].tolist() == ["name", "nearest", "none: no street within reach", "none: no geometry"]


def test_a_pand_follows_most_of_its_homes():
    street = build_streets(home=points(), street_line=lines(((0, 0), (100, 0)), ((0, 50), (100, 50)), names=["A", "B"]))
    home = points((50, 25), (51, 25), (52, 25), names=["A", "B", "B"]).assign(pand_id="p")
    pand = gpd.GeoDataFrame(
        {"pand_id": ["p", "q"]}, geometry=[shapely.box(45, 20, 55, 30), shapely.box(0, 1, 5, 5)], crs=RD
    )
    put = assign_panden(
        pand, home=home, home_street=assign_homes(home, street=street, reach=REACH), street=street, reach=REACH
    )
    assert put["street_id"].tolist() == ["B 1", "A 1"]
    assert put["assigned_by"].tolist() == ["homes", "nearest"]


def test_pipes_follow_the_register_whatever_its_capitals():
    street = build_streets(
        home=points(), street_line=lines(((0, 0), (100, 0)), ((0, 30), (100, 30)), names=["A-laan", "B"])
    )
    pipe = gpd.GeoDataFrame(
        {"pipe_id": ["p", "q"], "street_name": ["A-LAAN ", None]},
        geometry=[shapely.LineString([(0, 25), (90, 25)])] * 2,
        crs=RD,
    )
    put = assign_pipes(pipe, street=street, reach=REACH)
    assert put["street_id"].tolist() == ["A-laan 1", "B 1"]
    assert put["assigned_by"].tolist() == ["name", "nearest"]


def test_homes_drain_to_their_own_street_first():
    pipe = gpd.GeoDataFrame(
        {"pipe_id": ["own", "near"]}, geometry=[shapely.LineString([(0, y), (90, y)]) for y in (0, 30)], crs=RD
    )
    home = shapely.points([(50.0, 25.0), (50.0, 25.0), (50.0, 999.0)])
    found = connect(home, street_id=["A", None, "A"], pipe=pipe, pipe_street=["A", "B"], reach_m=40.0)
    assert objects(found["pipe_id"]).tolist() == ["own", "near", None]
    assert found["connected_by"].tolist() == ["street", "nearest", "none: no sewer within reach"]


def test_nearest_of_nothing_is_nothing():
    found, away = nearest(shapely.points([(0.0, 0.0)]), targets=np.array([None], dtype=object), reach_m=10)
    assert found.tolist() == [-1]
    assert np.isnan(away).all()
    alike, _ = nearest_alike(
        shapely.points([(0.0, 0.0)]), targets=shapely.points([(0.0, 1.0)]), groups=([None], [None]), reach_m=10
    )
    assert alike.tolist() == [-1]


def test_a_yard_between_two_streets_is_parted():
    home = homes()
    street = build_streets(home=home, street_line=street_lines())
    pand = panden(home)
    put = assign_panden(
        pand, home=home, home_street=assign_homes(home, street=street, reach=REACH), street=street, reach=REACH
    )
    found = assign_surfaces(
        terrain=terrain(), pand=pand, pand_street=put, street=street, reach=REACH, yard_paved_frac=0.5
    )
    yard = found[(found["kind"] == "yard") & found["street_id"].notna()]
    assert yard["street_id"].nunique() == 2
    whole = terrain().area.sum() + pand.area.sum()
    assert found["area_m2"].sum() == pytest.approx(whole)
    assert (found["paved_m2"] <= found["area_m2"] + 1e-9).all()
    assert found.loc[found["street_id"].isna(), "assigned_by"].str.startswith("none").all()


def test_a_pand_at_the_water_drains_into_it():
    pand = gpd.GeoDataFrame(
        {"pand_id": ["near", "far"]}, geometry=[shapely.box(5, 0, 9, 9), shapely.box(30, 0, 40, 9)], crs=RD
    )
    ground = gpd.GeoDataFrame(
        {
            "terrain_id": ["w", "q", "r"],
            "kind": ["waterdeel", "wegdeel", "wegdeel"],
            "function": None,
            "surface": [None, "gesloten verharding", "half verhard"],
        },
        geometry=[shapely.box(-9, 0, 0, 9), shapely.box(1, 0, 4, 9), shapely.box(12, 0, 20, 9)],
        crs=RD,
    )
    street = build_streets(home=points(), street_line=lines(((0, 20), (40, 20)), names=["A"]))
    put = assign_panden(
        pand, home=points(), home_street=assign_homes(points(), street=street, reach=REACH), street=street, reach=REACH
    )
    found = assign_surfaces(terrain=ground, pand=pand, pand_street=put, street=street, reach=REACH, yard_paved_frac=0.5)
    goes = found.set_index("surface_id")["drains_to"]
    # 6 m for buildings, 2 m for public surface (BGT-inlooptool)
    assert goes.to_dict() == {"near": "open_water", "far": "sewer", "w": "soil", "q": "open_water", "r": "sewer"}
    assert found.set_index("surface_id")["paved_m2"]["r"] == pytest.approx(36)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(0, 90), st.floats(0, 90), st.floats(0.3, 60), st.floats(0.3, 60)), min_size=1, max_size=6
    ),
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=5),
    st.floats(1, 80),
)
def test_areas_conserve(boxes, places, reach):
    shapes = np.array([shapely.box(x, y, x + w, y + h) for x, y, w, h in boxes], dtype=object)
    targets = np.array([shapely.Point(place) for place in places], dtype=object)
    found = apportion(shapes, targets=targets, owners=[f"s{k}" for k in range(len(places))], reach_m=reach, step_m=2.0)
    assert found.groupby("row")["area_m2"].sum().to_numpy() == pytest.approx(shapely.area(shapes))


def test_the_points_of_a_polygon_are_a_grid_over_its_box_or_one_point_where_the_grid_misses_it():
    """Far from the origin, as in RD New, where a sum of steps rounds; a long thin one lies between two rows of points."""
    corner = np.array([155_000.3, 463_000.7])
    wide, thin, round_one = shapely.box(0, 0, 9, 5), shapely.box(20, 0.2, 29, 0.9), shapely.Point(50, 50).buffer(7)
    shapes = shapely.transform(np.array([wide, thin, round_one]), lambda xy: xy + corner)
    points, row = assign.sample_points(shapes, step_m=2.0)
    assert np.bincount(row).tolist()[:2] == [8, 1]  # 1, 3, 5, 7 by 1, 3; nothing lies at 0.2 to 0.9 but the inner point
    assert (np.diff(row) >= 0).all()
    for number, shape in enumerate(shapes):
        x0, y0, x1, y1 = shape.bounds
        x, y = np.meshgrid(np.arange(x0 + 1, x1, 2.0), np.arange(y0 + 1, y1, 2.0))
        inside = shapely.contains_xy(shape, x.ravel(), y.ravel())
        grid = np.column_stack([x.ravel()[inside], y.ravel()[inside]])
        inner = shapely.get_coordinates(shapely.point_on_surface(shape))
        np.testing.assert_array_equal(points[row == number], grid if inside.any() else inner)


def test_very_many_points_find_what_a_point_finds():
    """Lines of parts, polygons with holes, several squares of points, ties and what is out of reach: as `nearest` says."""
    ring = shapely.Polygon([(0, 0), (30, 0), (30, 30), (0, 30)], [[(10, 10), (20, 10), (20, 20), (10, 20)]])
    bent = shapely.MultiLineString([[(40, 0), (40, 20), (60, 20)], [(60, 25), (80, 60)]])
    targets = np.array([bent, ring, shapely.LineString([(40, 0), (40, -30)]), shapely.Point(-20, 5)], dtype=object)
    places = np.column_stack([one.ravel() for one in np.meshgrid(np.arange(-60, 110, 2.5), np.arange(-60, 90, 2.5))])
    corner = np.array([155_000.0, 463_000.0])
    targets, places = shapely.transform(targets, lambda xy: xy + corner), places + corner
    position, away = nearest_sides(places, sides_of(targets), reach_m=25.0, tie_m=TIE_M)
    found = nearest(shapely.points(places), targets=targets, reach_m=25.0)
    np.testing.assert_array_equal(position, found[0])
    np.testing.assert_array_equal(away, found[1])
    assert set(position.tolist()) == {-1, 0, 1, 2, 3}
    assert (away == 0).sum() > 100


def test_polygons_are_parted_the_same_however_many_are_held_at_a_time(monkeypatch):
    shapes = np.array([shapely.box(12 * k, 0, 12 * k + 9, 7 + k) for k in range(9)], dtype=object)
    targets = np.array([shapely.Point(x, 3) for x in (2, 40, 95)], dtype=object)
    how = {"targets": targets, "owners": ["s1", None, "s3"], "reach_m": 30.0, "step_m": 2.0}
    whole = apportion(shapes, **how)
    monkeypatch.setattr(assign, "_POINTS_AT_A_TIME", 25)
    pd.testing.assert_frame_equal(apportion(shapes, **how), whole, check_exact=True)
    assert apportion(shapes[:0], **how).empty


def test_a_step_of_nothing_is_refused():
    with pytest.raises(ConfigError):
        Reach(sample_m=0)


@pytest.mark.parametrize(("area_m2", "streets"), [(9.9, 2), (10.0, 3)])
def test_a_part_of_less_than_ten_square_metres_goes_with_the_largest_that_it_touches(area_m2, streets):
    group, area, touching = np.array([0, 1, 2]), np.array([50.0, area_m2, 80.0]), np.array([[0, 1], [1, 2]])
    found = _without_slivers(group, area, touching, StreetRules().sliver_m2)
    assert len(set(found.tolist())) == streets
    assert (found[1] == found[2]) == (streets == 2)
