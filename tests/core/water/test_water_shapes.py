"""Streets, the sewer as a graph and the nearest shape: whole outputs of small unkind inputs, by hand, and limits at the limit."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.water import sewer
from kansenkaart.core.water.arrays import kept, nearest_sides, objects, sides_of, taken
from kansenkaart.core.water.assign import Reach
from kansenkaart.core.water.demand import Uses, balance
from kansenkaart.core.water.network import build_graph
from kansenkaart.core.water.pipes import PipeLimits, clean_pipes
from kansenkaart.core.water.streets import (
    COLUMNS,
    StreetRules,
    _without_slivers,
    build_streets,
    carriageways,
    rectangle_sides,
    streets_from_addresses,
    streets_from_lines,
    streets_from_roads,
)
from kansenkaart.errors import ConfigError
from tests.core.water.water_world import RD, X0, Y0

RULES = StreetRules()
# geopandas tells of its older meaning of an empty shape, which is not asked here
EMPTY_SHAPES = pytest.mark.filterwarnings("ignore:GeoSeries.notna")


def addresses(places: list[tuple[str | None, float, float]]) -> gpd.GeoDataFrame:
    points = shapely.points([(x, y) for _, x, y in places])
    return gpd.GeoDataFrame(
        {"street_name": pd.Series([name for name, _, _ in places], dtype=object)}, geometry=points, crs=RD
    )


def roads(*rows: tuple[str | None, str | None, tuple[float, float, float, float]]) -> gpd.GeoDataFrame:
    table = {name: pd.Series([row[k] for row in rows], dtype=object) for k, name in enumerate(("function", "surface"))}
    return gpd.GeoDataFrame(table | {"kind": "wegdeel"}, geometry=[shapely.box(*row[2]) for row in rows], crs=RD)


def told(street: gpd.GeoDataFrame) -> list[tuple[object, ...]]:
    """Give id, name, length, width, surface and basis of every street, in their order."""
    assert list(street.columns) == COLUMNS
    columns = [
        objects(street[name]) for name in ("street_id", "street_name", "length_m", "width_m", "surface", "basis")
    ]
    return [tuple(round(x, 6) if isinstance(x, float) else x for x in row) for row in zip(*columns, strict=True)]


def test_what_is_unknown_is_none_and_what_is_taken_from_nowhere_too() -> None:
    assert objects(pd.Series(["a", pd.NA], dtype="string")).tolist() == ["a", None]
    assert objects(pd.Series([1, None], dtype="Int64")).tolist() == [1, None]
    assert objects(pd.Series([0.5, np.nan])).tolist() == [0.5, None]
    assert taken(["a", "b"], np.array([1, -1, 0, 0])).tolist() == ["b", None, "a", "a"]
    assert kept(np.array(["a", "b", "c"], dtype=object), np.array([True, False, True])).tolist() == ["a", None, "c"]


def test_a_shape_is_found_up_to_the_reach_and_of_two_as_near_the_first() -> None:
    far, near = shapely.LineString([(0, 0.05), (10, 0.05)]), shapely.LineString([(0, 0), (10, 0)])
    spot, point = shapely.box(-60, -20, -40, -10), shapely.LineString([(90, 9), (90, 9)])
    shapes = sides_of(np.array([far, near, spot, point], dtype=object))
    places = np.array(
        [[5, -8], [5, -7.9], [-2, -4], [12, 0], [-50, -15], [-38, -8], [93, 13], [5, -8.01], [5, 3]], float
    )
    position, away = nearest_sides(places, shapes, reach_m=8.0, tie_m=0.1)
    # 8 m of the second and 8.05 m of the first are as near as each other; 8.01 m is out of reach.
    assert position.tolist() == [0, 0, 0, 0, 2, 2, 3, -1, 0]
    assert away.tolist() == pytest.approx([8, 7.9, 20**0.5, 2, 0, 8**0.5, 5, np.nan, 2.95], nan_ok=True)
    position, away = nearest_sides(places, shapes, reach_m=8.0, tie_m=0.01)
    assert position.tolist() == [1, 1, 1, 0, 2, 2, 3, -1, 0]  # at the fourth they differ by less than a millimetre


def test_a_short_side_is_as_near_beside_its_end_as_a_long_one() -> None:
    shapes = sides_of(np.array([shapely.LineString([(0, 0), (0.5, 0)])], dtype=object))
    _, away = nearest_sides(np.array([[0.5, 1.0], [0.25, 2.0], [3.5, 4.0]]), shapes, reach_m=8.0, tie_m=0.01)
    assert away.tolist() == pytest.approx([1.0, 2.0, 5.0])


@EMPTY_SHAPES
def test_addresses_of_one_name_are_a_line_of_their_means_parted_at_wide_gaps() -> None:
    # Along x: means of steps of 25 m, from whichever end. Then gaps of exactly 120 m, which joins, and of 120.5 m, which parts.
    home = addresses(
        [("Weg", x, y) for x in (0.0, 10.0, 90.0, 94.0) for y in (0.0, 2.0)]
        + [("Weg", 214.0, 2.0), ("Weg", 334.5, 2.0), ("Aan", 5.0, 500.0), (None, 50.0, 1.0)]
        + [("Kort", 0.0, 900.0), ("Kort", 30.0, 900.0)]
    )
    more = gpd.GeoDataFrame({"street_name": ["Weg", "Weg"]}, geometry=[None, shapely.Point()], crs=RD)
    street = streets_from_addresses(gpd.GeoDataFrame(pd.concat([home, more], ignore_index=True), crs=RD), rules=RULES)
    assert told(street) == [
        ("Aan 1", "Aan", 0.0, None, None, "addresses"),
        ("Kort 1", "Kort", 30.0, None, None, "addresses"),  # of two steps it is a line, of one a point
        ("Weg 1", "Weg", round(87 + (122**2 + 1) ** 0.5, 6), None, None, "addresses"),
        ("Weg 2", "Weg", 0.0, None, None, "addresses"),
    ]
    line = sorted(shapely.get_coordinates(street.geometry.iloc[2]).round(6).tolist())
    assert line == [[5.0, 1.0], [92.0, 1.0], [214.0, 2.0]]
    assert [street.geometry.iloc[k].coords[0] for k in (0, 3)] == [(5.0, 500.0), (334.5, 2.0)]


def test_sections_join_where_two_of_one_name_meet_and_get_the_width_of_the_roads_nearest_to_them() -> None:
    two = shapely.MultiLineString([[(0, 0), (40, 0)], [(500, 0), (510, 0)]])
    rows = [
        ("A", two),
        ("A", shapely.LineString([(40.2, 0), (100, 0)])),  # 0.2 m away: one place
        (None, shapely.LineString([(100, 0), (150, 0)])),
        (None, shapely.LineString([(150, 0), (180, 0)])),
        ("A", shapely.LineString([(180, 0), (180, 70)])),
        ("B", shapely.LineString([(0, 200), (30, 200)])),
        ("B", shapely.LineString([(30, 200), (60, 200)])),
        ("B", shapely.LineString([(30, 200), (30, 230)])),  # three meet: each is a street
    ]
    lines = gpd.GeoDataFrame({"street_name": [n for n, _ in rows]}, geometry=[line for _, line in rows], crs=RD)
    ground = roads(
        ("rijbaan lokale weg", "klinkers", (0, -2, 40, 2)),
        ("woonerf", "asfalt", (40, -2, 100, 1)),
        ("inrit", None, (100, 2, 110, 6)),
        ("fietspad", "tegels", (0, 2, 100, 9)),
        (None, "tegels", (0, 190, 30, 199)),
    )
    other = ground.assign(kind="waterdeel")
    terrain = gpd.GeoDataFrame(pd.concat([ground, other], ignore_index=True), crs=RD)
    found = told(build_streets(home=addresses([("C", 0, 0)]), street_line=lines, terrain=terrain))
    assert found == [
        ("A 1", "A", 99.8, round((160 + 180) / 99.8, 6), "asfalt", "nwb"),
        ("A 2", "A", 10.0, None, None, "nwb"),
        ("naamloos 1", None, 80.0, 0.5, None, "nwb"),
        ("A 3", "A", 70.0, None, None, "nwb"),
        ("B 1", "B", 30.0, None, None, "nwb"),
        ("B 2", "B", 30.0, None, None, "nwb"),
        ("B 3", "B", 30.0, None, None, "nwb"),
    ]
    assert told(streets_from_lines(lines, rules=RULES)) == [(*row[:3], None, None, "nwb") for row in found]
    assert told(build_streets(home=addresses([("C", 0, 0)]), street_line=lines, terrain=other)) == told(
        streets_from_lines(lines, rules=RULES)
    )
    assert told(build_streets(home=addresses([("C", 0, 0)]), street_line=lines.iloc[:0], terrain=other))[0][0] == "C 1"
    assert carriageways(ground)["surface"].tolist() == ["klinkers", "asfalt", None]
    assert len(carriageways(ground.iloc[3:])) == 2  # where none is for driving, all are


def test_wegdelen_are_streets_by_their_addresses_their_junctions_and_their_borders() -> None:
    """A main street of two pieces, a crossing with a side street, a corner that touches only, a sliver, and a square."""
    ground = roads(
        ("rijbaan", "klinkers", (0, 0, 40, 6)),
        ("rijbaan", "asfalt", (40, 0, 100, 6)),
        ("rijbaan", "asfalt", (100, 0, 106, 6)),  # the crossing: three arms
        ("rijbaan", "klinkers", (106, 1, 150, 5)),
        ("rijbaan", None, (101, 6, 105, 50)),
        ("rijbaan", "tegels", (150.2, 5.3, 190, 10)),  # a corner within half a metre
        ("rijbaan", "tegels", (40, 6, 41, 12)),  # 6 m2
        ("rijbaan", "beton", (400, 0, 410, 10)),
    )
    home = addresses(
        [
            ("Hoofdweg", 20, 10),
            ("Hoofdweg", 70, 12),
            ("Zijweg", 75, 12),
            ("Hoofdweg", 80, 12),
            ("Bocht", 130, 9),
            ("Anders", 131, 9),  # as many: the last of the alphabet
            ("Zijweg", 108, 40),
            ("Verder", 170, 50.0),  # exactly 40 m away
            ("Plein", 405, 50.1),  # farther
            (None, 405, 12),
        ]
    )
    lost = gpd.GeoDataFrame({"street_name": ["Plein"]}, geometry=[None], crs=RD)
    home = gpd.GeoDataFrame(pd.concat([home, lost], ignore_index=True), crs=RD)
    street = streets_from_roads(ground, home=home, rules=RULES)
    sides = {
        "Hoofdweg 1": (600.0 + 36.0 + 6.0, 2 * 106 + 2 * 12.0),
        "Bocht 1": (176.0, 96.0),
        "Zijweg 1": (176.0, 96.0),
        "Verder 1": (39.8 * 4.7, 89.0),
        "naamloos 1": (100.0, 40.0),
    }
    surfaces = {"Hoofdweg 1": "asfalt", "Bocht 1": "klinkers", "Verder 1": "tegels", "naamloos 1": "beton"}
    found = {row[0]: row[2:] for row in told(street)}
    assert set(found) == set(sides)
    for name, (area, around) in sides.items():
        length, width = (round(float(one), 6) for one in rectangle_sides(area, perimeter_m=around))
        assert found[name] == (
            pytest.approx(length, abs=1e-4),
            pytest.approx(width, abs=1e-4),
            surfaces.get(name),
            "bgt",
        )
        assert (length, width) == pytest.approx(((around / 4) + (d := (around**2 / 16 - area) ** 0.5), around / 4 - d))


def test_the_sides_of_a_shape_that_is_nearly_a_square() -> None:
    # 10.3 by 9.7 m: 99.91 m2 and 40 m around; a shape of 100 m2 with 39.9 m around is rounder than a square
    assert [float(side) for side in rectangle_sides(99.91, perimeter_m=40.0)] == pytest.approx([10.3, 9.7])
    assert [float(side) for side in rectangle_sides(100.0, perimeter_m=39.9)] == [10.0, 10.0]


def test_a_sliver_goes_with_the_largest_that_it_touches_on_either_side_and_not_with_a_smaller_one() -> None:
    group, area = np.array([0, 1, 2, 3, 4]), np.array([5.0, 30.0, 90.0, 4.0, 6.0])
    touching = np.array([[0, 1], [0, 2], [3, 4]])
    assert _without_slivers(group, area, touching, 10.0).tolist() == [1, 0, 1, 2, 2]
    assert _without_slivers(group, area, touching[:1], 10.0).tolist() == [0, 0, 1, 2, 3]
    assert _without_slivers(group, area, touching, 5.0).tolist() == [0, 1, 2, 3, 3]


def pipes(
    rows: list[tuple[str, tuple[float, float, float, float], str | None, str | None]], **columns: object
) -> gpd.GeoDataFrame:
    table: dict[str, object] = {
        "pipe_id": [row[0] for row in rows],
        "from_node": pd.Series([row[2] for row in rows], dtype=object),
        "to_node": pd.Series([row[3] for row in rows], dtype=object),
        "system": "vuilwater",
        "kind": "gravity",
        "diameter_mm": np.nan,
        "laid_year": np.nan,
        "bob_from_m_nap": np.nan,
        "bob_to_m_nap": np.nan,
        "street_name": None,
        "status": None,
    }
    shapes = [shapely.LineString(np.add(np.reshape(row[1], (2, 2)), (X0, Y0))) for row in rows]
    return gpd.GeoDataFrame(pd.DataFrame(table | columns), geometry=shapes, crs=RD)


def graph_of(frame: gpd.GeoDataFrame, node: gpd.GeoDataFrame | None = None, structures: pd.DataFrame | None = None):
    clean = clean_pipes(frame, limits=PipeLimits(year_max=2026)).pipes
    return build_graph(clean, node, structures=structures)


@EMPTY_SHAPES
def test_the_whole_graph_of_a_small_sewer_by_hand() -> None:
    rows = [
        ("p0", (0, 0, 50, 0), "a", "b"),
        ("p1", (50.3, 0, 100, 0), "b", "c"),  # 0.3 m from p0
        ("p2", (104, 0, 150, 0), "c", "d"),  # 4 m from where p1 ends: the same node by name
        ("p3", (150, 0.5, 150, 50), None, None),  # half a metre from p2
        ("p4", (150, 51, 200, 51), None, None),  # a metre from p3: another node
        ("p5", (200.1, 51, 200.4, 51), None, None),  # within one node
        ("p6", (205.5, 0, 250, 0), "d", None),  # names d, 55 m away: too far
    ]
    frame = pipes(
        rows,
        system=["vuilwater"] * 4 + ["hemelwater"] * 2 + ["vuilwater"],
        diameter_mm=[300.0, 400, np.nan, 500, 600, 200, 250],
        bob_from_m_nap=[-1.0, -1.6, np.nan, -3.0, -0.5, -1, np.nan],
        bob_to_m_nap=[-1.5, -2.0, -2.5, np.nan, -0.4, -1, np.nan],
    )
    places = [(50, 0.2, "gemaal"), (50.1, 0, "put"), (150, 0.1, None), (200, 51.1, "put"), (0, 0.1, "lozing")]
    node = gpd.GeoDataFrame(
        {"node_id": [*"bxdyz", "none", "empty"], "kind": [*(kind for _, _, kind in places), "gemaal", "gemaal"]},
        geometry=[*(shapely.Point(X0 + x, Y0 + y) for x, y, _ in places), None, shapely.Point()],
        crs=RD,
    )
    graph = graph_of(frame, node)
    assert graph.pipe_id.tolist() == ["p0", "p1", "p2", "p3", "p4", "p6"]
    assert (graph.start.tolist(), graph.end.tolist()) == ([0, 1, 2, 3, 4, 6], [1, 2, 3, 7, 5, 8])
    assert graph.layer.tolist() == [0, 0, 0, 0, 1, 0]
    assert graph.diameter_mm.tolist() == pytest.approx([300, 400, np.nan, 500, 600, 250], nan_ok=True)
    assert graph.drop_m.tolist() == pytest.approx([0.5, 0.4, np.nan, np.nan, -0.1, np.nan], nan_ok=True)
    assert graph.length_m.tolist() == pytest.approx([50, 49.7, 46, 49.5, 50, 44.5])
    assert graph.kind.tolist() == ["lozing", "gemaal", "", "", "", "put", "", "", ""]
    nan = np.nan
    assert graph.low_m_nap[0].tolist() == pytest.approx([-1, -1.6, -2, -3, nan, nan, nan, nan, nan], nan_ok=True)
    assert graph.low_m_nap[1].tolist() == pytest.approx([nan] * 4 + [-0.5, -0.4, nan, nan, nan], nan_ok=True)
    assert np.isnan(graph.low_m_nap[2]).all()
    at = [(0, 0), (50, 0), (100, 0), (150, 0), (150, 51), (200, 51), (205.5, 0), (150, 50), (250, 0)]
    far = np.hypot(*(graph.xy - np.add(at, (X0, Y0))).T)
    assert far.max() < 4.1
    assert graph.issues.to_dict("records") == [
        {"pipe_id": "p5", "reason": "both ends on one node", "action": "left out"}
    ]
    assert (graph.pipes, graph.nodes) == (6, 9)


@pytest.mark.parametrize(("gap", "nodes"), [(0.5, 3), (0.51, 4)])
def test_ends_are_one_node_up_to_half_a_metre(gap: float, nodes: int) -> None:
    assert graph_of(pipes([("1", (0, 0, 50, 0), None, None), ("2", (50 + gap, 0, 99, 0), None, None)])).nodes == nodes


@pytest.mark.parametrize(("gap", "nodes"), [(5.0, 3), (5.01, 4)])
def test_ends_that_name_one_node_are_joined_up_to_five_metres(gap: float, nodes: int) -> None:
    frame = pipes([("1", (0, 0, 50, 0), None, "b"), ("2", (50 + gap, 0, 99, 0), "b", None)])
    assert graph_of(frame).nodes == nodes


@pytest.mark.parametrize(("shared", "nodes"), [(True, 8), (False, 7)])
def test_two_manholes_side_by_side_are_one_unless_each_is_shared_by_pipes(shared: bool, nodes: int) -> None:
    """Foul pipes meet in A and rain pipes in B, 0.3 m apart; where one pipe alone names B it is a name for A."""
    rows = [
        ("f1", (0, 0, 50, 0), None, "A"),
        ("f2", (50, 0, 99, 0), "A", None),
        ("r1", (0, 9, 50.3, 0), None, "B"),
        ("r2", (50.3, 0, 99, 9), "B" if shared else None, None),
        ("x", (0, 50, 9, 50), None, None),
    ]
    assert graph_of(pipes(rows)).nodes == nodes


def test_a_weir_keeps_its_chambers_apart_and_none_that_it_does_not_name() -> None:
    rows = [
        ("1", (0, 0, 50, 0), None, "a"),
        ("2", (50.2, 0, 99, 0), "b", None),
        ("3", (0, 70, 50, 70), None, "c"),
        ("4", (50.2, 70, 99, 70), None, None),  # its end has no name
        ("5", (0, 140, 50, 140), None, "e"),
        ("6", (53, 140, 99, 140), "f", None),
    ]

    def between(kind: str, *pairs: tuple[str, str]) -> pd.DataFrame:
        return pd.DataFrame({"kind": kind, "from_node": [a for a, _ in pairs], "to_node": [b for _, b in pairs]})

    frame = pipes(rows)
    assert graph_of(frame).nodes == 10
    assert graph_of(frame, structures=between("weir", ("a", "b"))).nodes == 11
    assert graph_of(frame, structures=between("pressure", ("b", "a"))).nodes == 11
    assert graph_of(frame, structures=between("weir", ("zz", "c"), ("c", "b"))).nodes == 10
    assert graph_of(frame, structures=between("orifice", ("a", "b"), ("e", "f"), ("zz", "c"))).nodes == 9
    both = pd.concat([between("orifice", ("e", "f")), between("weir", ("a", "b"))])
    assert graph_of(frame, structures=both).nodes == 10
    assert graph_of(frame, structures=both.iloc[:0]).nodes == 10


def test_uses_and_shares_hold_up_to_their_bounds() -> None:
    assert Uses(total=46.2 + 5.2 + 8.7 + 16.9 + 30.2).bath == 5.2
    assert Uses(bath=0.0).bath == 0.0
    for wrong in ({"total": 107.1}, {"bath": -0.1}):
        with pytest.raises(ConfigError, match="exceed"):
            Uses(**wrong)
    ones = np.ones((2, 12))
    for share in (0.0, 1.0):
        found = balance(
            ones, demands={"toilet": 0.5 * ones, "garden": 0.25 * ones}, store_m3=[0.0, 1.0], participation=share
        )
        assert found.reused.sum(axis=1).tolist() == [9 * share, 9 * share]
        assert found.stored_start.tolist() == found.stored_end.tolist() == [0.0, share]
    for share in (-0.01, 1.01):
        with pytest.raises(ConfigError, match="participation"):
            balance(ones, demands={}, store_m3=0.0, participation=share)
    for shape in ((2, 11), (1, 12)):
        with pytest.raises(ConfigError, match="12 months"):
            balance(ones, demands={"toilet": np.ones(shape)}, store_m3=0.0)
    with pytest.raises(ConfigError, match="12 months"):
        balance(ones[:, 1:], demands={}, store_m3=0.0)


def test_the_rain_of_a_street_goes_to_what_it_prefers_by_length_else_to_what_there_is_else_to_what_is_near() -> None:
    """A has two rain sewers and a combined one, B a combined one, C none but a rain sewer 40 m away, D none within reach."""
    street = gpd.GeoDataFrame(
        {"street_id": list("ABCD")},
        geometry=[shapely.LineString([(0, y), (60, y)]) for y in (0, 100, 200, 1000)],
        crs=RD,
    )
    rows = [
        ("rain", "hemelwater", "rain", "A", 30.0, 2),
        ("better", "verbeterd_gescheiden", "rain", "A", 10.0, 3),
        ("both", "gemengd", "foul", "A", 60.0, 4),
        ("foul", "vuilwater", "foul", "A", 60.0, 5),
        ("alone", "gemengd", "foul", "B", 50.0, 100),
        ("nameless", "hemelwater", "rain", None, 60.0, 240),
        ("pressed", "hemelwater", "pressure", "D", 60.0, 1000),
    ]
    names = ("pipe_id", "system", "layer", "street_id", "length_m")
    pipe = gpd.GeoDataFrame(
        {name: pd.Series([row[k] for row in rows]) for k, name in enumerate(names)},
        geometry=[shapely.LineString([(0, row[5]), (60, row[5])]) for row in rows],
        crs=RD,
    )
    wanted = [("A", "rain", 100.0), ("A", "combined", 40.0), ("B", "rain", 20.0), ("B", "combined", 0.0)]
    wanted += [("C", "combined", 10.0), ("D", "rain", 7.0), (None, "rain", 3.0), (None, "combined", 2.0)]
    paved = pd.DataFrame(wanted, columns=["street_id", "to", "paved_m2"])
    per_pipe, per_street = sewer._rain(pipe, street, paved, Reach())
    assert per_pipe.to_dict() == pytest.approx({"rain": 75, "better": 25, "both": 40, "alone": 20, "nameless": 10})
    columns = ["street_id", "to", "paved_m2", "combined_m2", "connected_by"]
    assert per_street[columns].fillna("").to_numpy().tolist() == [
        ["A", "rain", 100, 0, "street"],
        ["A", "combined", 40, 40, "street"],
        ["B", "rain", 20, 20, "street"],
        ["C", "combined", 10, 0, "nearest"],
        ["D", "rain", 7, 0, "none: no sewer for rain within reach"],
        ["no street", "", 5, 0, "none: no street within reach"],
    ]
    near = pipe.assign(system=pipe["system"].where(pipe["pipe_id"] != "nameless", "gemengd"))
    assert sewer._rain(near, street, paved, Reach())[1]["combined_m2"].tolist() == [0, 40, 20, 10, 0, 0]
    assert sewer._rain(pipe, street, paved, Reach(sewer_m=39.9))[1]["connected_by"].tolist()[3].startswith("none")
    known = paved[paved["street_id"].notna()]
    assert len(sewer._rain(pipe, street, known, Reach())[1]) == 5


def test_public_rain_and_new_roofs_are_apart_and_yards_are_as_the_roofs_or_the_homes_of_their_street() -> None:
    rows = [
        ("new", "roof", "A", 30.0, "sewer"),
        ("old", "roof", "A", 90.0, "sewer"),
        ("unknown", "roof", None, 10.0, "sewer"),
        ("yard", "yard", "A", 40.0, "sewer"),
        ("yard of homes", "yard", "B", 50.0, "sewer"),
        ("lost yard", "yard", "C", 6.0, "sewer"),
        ("road", "road", "B", 8.0, "sewer"),
        ("wet", "roof", "A", 500.0, "open_water"),
    ]
    surface = pd.DataFrame(rows, columns=["surface_id", "kind", "street_id", "paved_m2", "drains_to"])
    years = pd.array([1992, 1991, None, 2000], dtype="Int64")
    pand = pd.DataFrame({"pand_id": ["new", "old", "unknown", "new"], "bouwjaar": years})
    home = pd.DataFrame({"street_id": ["A", "B", "B", "B", "B"], "bouwjaar": [2000, 2000, 1950, np.nan, 1992]})
    part = surface[surface["drains_to"] == "sewer"]
    frac = sewer.rain_preference(part, pand, home)
    assert frac.tolist() == [
        1.0,
        0.0,
        0.0,
        0.25,
        0.5,
        0.0,
        1.0,
    ]  # a quarter of the roofs of A is new, half the homes of B
    table = sewer.drained_paving(surface, pand, home)
    assert {(a if isinstance(a, str) else None, to): area for a, to, area in table.to_numpy().tolist()} == {
        ("A", "rain"): 30 + 10,
        ("A", "combined"): 90 + 30,
        ("B", "rain"): 25 + 8,
        ("B", "combined"): 25,
        ("C", "rain"): 0,
        ("C", "combined"): 6,
        (None, "rain"): 0,
        (None, "combined"): 10,
    }
