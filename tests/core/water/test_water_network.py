"""The sewer graph: trees by hand, laws over random networks, and every kind of bad input."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.water.design import DesignRules, design_diameters
from kansenkaart.core.water.network import accumulate, build_graph
from kansenkaart.core.water.orient import orient
from kansenkaart.core.water.pipes import PipeLimits, clean_pipes
from kansenkaart.core.water.sewer import Storm, net_rain, storm_peaks
from kansenkaart.errors import ConfigError, CrsError, SchemaError

LIMITS = PipeLimits(year_max=2026)
X0, Y0 = 120_000.0, 480_000.0


def pipes(lines, **columns):
    count = len(lines)
    table = {
        "pipe_id": [f"p{k}" for k in range(count)],
        "from_node": None,
        "to_node": None,
        "system": "vuilwater",
        "kind": "gravity",
        "diameter_mm": np.nan,
        "laid_year": np.nan,
        "bob_from_m_nap": np.nan,
        "bob_to_m_nap": np.nan,
        "street_name": None,
        "status": None,
    }
    shapes = [None if line is None else shapely.LineString(np.add(line, (X0, Y0))) for line in lines]
    return gpd.GeoDataFrame(pd.DataFrame(table | columns, index=range(count)), geometry=shapes, crs="EPSG:28992")


def nodes(**places):
    points = [shapely.Point(X0 + x, Y0 + y) for x, y, _ in places.values()]
    kinds = [kind for _, _, kind in places.values()]
    return gpd.GeoDataFrame({"node_id": list(places), "kind": kinds}, geometry=points, crs="EPSG:28992")


def flows(frame, node=None, load=None):
    graph = build_graph(clean_pipes(frame, limits=LIMITS).pipes, node)
    forest = orient(graph)
    through, arrived = accumulate(forest, load=np.ones(graph.pipes) if load is None else load)
    return graph, forest, through[:, 0], arrived[:, 0]


def test_three_pipes_by_hand():
    #   a --p0--+
    #           c --p2--> pump      loads 1, 2, 4: p2 carries 7
    #   b --p1--+
    frame = pipes([[(0, 100), (50, 50)], [(50, 50), (0, 0)], [(50, 50), (150, 50)]])
    graph, forest, through, arrived = flows(frame, nodes(pump=(150, 50, "gemaal")), load=[1.0, 2.0, 4.0])
    assert through.tolist() == [1, 2, 7]
    assert arrived.sum() == 7
    assert (forest.tail != graph.start).tolist() == [False, True, False]
    assert set(forest.oriented_by) == {"outlet"}


def test_levels_beat_the_drawn_direction_and_pits_are_named():
    # b lies lowest; the only pump is beyond a rise: p1 must be walked against its levels and says so.
    frame = pipes([[(0, 0), (50, 0)], [(50, 0), (100, 0)]], bob_from_m_nap=[-1.0, -2.0], bob_to_m_nap=[-2.0, -1.9])
    _, forest, through, _ = flows(frame, nodes(pump=(100, 0, "gemaal")))
    assert forest.oriented_by.tolist() == ["levels", "against_levels"]
    assert through.tolist() == [1, 2]


def test_without_outlet_the_lowest_level_then_the_larger_pipe():
    line = [[(0, 0), (50, 0)], [(50, 0), (100, 0)]]
    _, forest, through, _ = flows(pipes(line, bob_from_m_nap=[-2.0, np.nan], bob_to_m_nap=[-1.0, np.nan]))
    assert forest.oriented_by.tolist() == ["levels", "lowest_level"]
    assert through.tolist() == [2, 1]
    _, forest, through, _ = flows(pipes(line, diameter_mm=[200.0, 400.0]))
    assert set(forest.oriented_by) == {"larger_pipe"}
    assert through.tolist() == [1, 2]
    assert set(flows(pipes(line))[1].oriented_by) == {"centre"}


def test_a_loop_is_cut_open_and_nothing_is_counted_twice():
    #  square of four pipes with the pump at one corner: one pipe closes the loop and carries its own load
    ring = [[(0, 0), (90, 0)], [(90, 0), (90, 100)], [(90, 100), (0, 100)], [(0, 100), (0, 0)]]
    _, forest, through, arrived = flows(pipes(ring), nodes(pump=(0, 0, "gemaal")))
    assert forest.closes_loop.sum() == 1
    assert arrived.sum() == 4
    assert through[forest.closes_loop].tolist() == [1]


@pytest.mark.parametrize(("y", "basis", "turned"), [(40, "drawn", False), (50, "outlet", True), (30, "outlet", False)])
def test_the_pipe_that_closes_a_loop_runs_towards_the_nearer_end_and_as_drawn_between_equals(y, basis, turned):
    ring = [[(0, 0), (30, 40)], [(0, 0), (-30, y)], [(30, 40), (-30, y)]]
    graph, forest, through, _ = flows(pipes(ring), nodes(pump=(0, 0, "gemaal")))
    assert forest.closes_loop.tolist() == [False, False, True]
    assert forest.oriented_by.tolist() == ["outlet", "outlet", basis]
    assert (forest.tail != graph.start).tolist() == [True, True, turned]
    assert through[2] == 1


def test_pressure_main_carries_one_island_to_the_next():
    # gravity p0 -> pump a ==p1==> well b (gravity p2) -> discharge
    frame = pipes(
        [[(0, 0), (50, 0)], [(50, 0), (500, 0)], [(500, 0), (550, 0)]],
        kind=["gravity", "pressure", "gravity"],
        system=["vuilwater", "persleiding", "gemengd"],
    )
    node = nodes(a=(50, 0, "gemaal"), b=(500, 0, "put"), end=(550, 0, "lozing"))
    _, forest, through, arrived = flows(frame, node)
    assert through.tolist() == [1, 2, 3]
    assert (arrived > 0).sum() == 1
    assert forest.issues.empty


def test_rain_leaves_by_its_outfall_and_foul_by_its_pump():
    frame = pipes([[(0, 0), (50, 0)], [(0, 3), (50, 3)]], system=["vuilwater", "hemelwater"])
    node = nodes(pump=(50, 0, "gemaal"), out=(0, 3, "uitlaat"))
    graph, forest, _, arrived = flows(frame, node, load=[5.0, 7.0])
    assert (forest.tail != graph.start).tolist() == [False, True]
    assert sorted(arrived[arrived > 0]) == [5, 7]


def test_a_ring_of_pressure_mains_is_cut_and_named():
    # two islands that pump into each other
    frame = pipes(
        [[(0, 0), (50, 0)], [(50, 0), (50, 300)], [(50, 300), (0, 300)], [(0, 300), (0, 0)]],
        kind=["gravity", "pressure", "gravity", "pressure"],
        system=["vuilwater", "persleiding", "vuilwater", "persleiding"],
    )
    node = nodes(one=(50, 0, "gemaal"), two=(0, 300, "gemaal"))
    _, forest, _, arrived = flows(frame, node)
    assert forest.issues["reason"].tolist() == ["ring of pressure mains"]
    assert arrived.sum() == 4
    longer = [*frame.geometry[:3], shapely.LineString(np.add([(0, 300), (-9, 150), (0, 0)], (X0, Y0)))]
    assert flows(frame.set_geometry(longer), node)[1].issues.to_dict("records") == [
        {"pipe_id": "p3", "reason": "ring of pressure mains", "action": "cut here"}  # the longest main of the ring
    ]


def test_every_fault_is_named_counted_and_the_rest_goes_on():
    good = [(0, 0), (50, 0)]
    frame = pipes(
        [
            good,
            None,
            [(60, 0), (60, 0)],
            good,
            [(0, 50), (50, 50)],
            [(0, 60), (50, 60)],
            [(0, 70), (50, 70)],
            [(0, 80), (50, 80)],
            [(0, 90), (50, 90)],
            [(0, 95), (50, 95)],
            [(0, 99), (50, 99)],
            [(-X0 + 5, -Y0 + 52), (0, 0)],
        ],
        system=["vuilwater"] * 4 + ["drain", "overig"] + ["vuilwater"] * 6,
        status=[None] * 6 + ["Loze leiding"] + [None] * 5,
        diameter_mm=[200, 200, 200, 200, 80, 200, 200, 0.3, 999, 200, 200, 200],
        laid_year=[1980, 1980, 1980, 1980, 1980, 1980, 1980, 0, 2099, 1980, 1980, 1980],
        bob_from_m_nap=[-1.0] * 9 + [-30.0, 0.0, -1.0],
        bob_to_m_nap=[-1.2] * 9 + [-1.2, -9.0, -1.2],
    )
    clean = clean_pipes(frame, limits=LIMITS)
    assert clean.tally() == {
        "laying year unbelievable": 2,
        "no geometry": 1,
        "outside RD New": 1,
        "drawn twice": 1,
        "zero length": 1,
        "drain": 1,
        "lost pipe": 1,
        "no sewer: system overig or unknown": 1,
        "diameter in metres": 1,
        "diameter unbelievable": 1,
        "level unbelievable": 1,
        "levels give an unbelievable slope": 1,
    }
    assert len(clean.pipes) == 5
    assert clean.pipes.set_index("pipe_id").loc["p7", "diameter_mm"] == 300
    assert np.isnan(clean.pipes.set_index("pipe_id").loc["p8", "diameter_mm"])
    graph = build_graph(clean.pipes)
    assert accumulate(orient(graph), load=np.ones(5))[1].sum() == 5


def test_a_pipe_within_one_node_is_left_out_by_name():
    graph = build_graph(clean_pipes(pipes([[(0, 0), (0.2, 0)], [(0, 0), (9, 0)]]), limits=LIMITS).pipes)
    assert graph.pipes == 1
    assert graph.issues["reason"].tolist() == ["both ends on one node"]


def test_named_nodes_join_ends_that_are_drawn_apart():
    frame = pipes([[(0, 0), (50, 0)], [(52, 0), (90, 0)]], from_node=["a", "b"], to_node=["b", "c"])
    assert build_graph(clean_pipes(frame, limits=LIMITS).pipes).nodes == 3
    far = pipes([[(0, 0), (50, 0)], [(80, 0), (90, 0)]], from_node=["a", "b"], to_node=["b", "c"])
    assert build_graph(clean_pipes(far, limits=LIMITS).pipes).nodes == 4


def test_other_coordinates_and_missing_columns_are_refused():
    frame = pipes([[(0, 0), (50, 0)]])
    with pytest.raises(CrsError):
        clean_pipes(frame.set_crs("EPSG:4326", allow_override=True), limits=LIMITS)
    with pytest.raises(SchemaError, match="system"):
        clean_pipes(frame.drop(columns="system"), limits=LIMITS)
    with pytest.raises(SchemaError):
        build_graph(frame)


def test_an_empty_network_stays_empty():
    graph = build_graph(clean_pipes(pipes([[(0, 0), (50, 0)]]).iloc[:0], limits=LIMITS).pipes)
    assert graph.pipes == 0
    assert orient(graph).order.tolist() == []


@st.composite
def networks(draw):
    """Random pipes on a grid of places: trees, loops, islands, pressure parts and rain sewers in one."""
    side = draw(st.integers(2, 5))
    place = st.tuples(st.integers(0, side), st.integers(0, side))
    ends = draw(st.lists(st.tuples(place, place).filter(lambda two: two[0] != two[1]), min_size=1, max_size=25))
    count = len(ends)
    system = draw(
        st.lists(st.sampled_from(["gemengd", "vuilwater", "hemelwater", "persleiding"]), min_size=count, max_size=count)
    )
    level = st.one_of(st.none(), st.floats(-5, 0))
    levels = draw(st.lists(st.tuples(level, level), min_size=count, max_size=count))
    pumps = draw(st.lists(st.tuples(place, st.sampled_from(["gemaal", "uitlaat", "lozing", "put"])), max_size=4))
    frame = pipes(
        [np.multiply(two, 100.0) for two in ends],
        system=system,
        bob_from_m_nap=pd.Series([one for one, _ in levels], dtype=float),
        bob_to_m_nap=pd.Series([two for _, two in levels], dtype=float),
    )
    node = nodes(**{f"n{k}": (x * 100.0, y * 100.0, kind) for k, ((x, y), kind) in enumerate(pumps)})
    return frame, node


@settings(max_examples=60)
@given(networks(), st.integers(0, 2**31))
def test_people_and_water_conserve_over_any_network(network, seed):
    frame, node = network
    graph = build_graph(clean_pipes(frame, limits=LIMITS).pipes, node if len(node) else None)
    forest = orient(graph)
    load = np.random.default_rng(seed).uniform(0, 50, (graph.pipes, 2))
    through, arrived = accumulate(forest, load=load)
    assert arrived.sum(axis=0) == pytest.approx(load.sum(axis=0))
    assert (through >= load - 1e-9).all()
    assert len(forest.order) == graph.nodes
    peaks, volume = storm_peaks(forest, paved_m2=load[:, 0], length_m=graph.length_m, storm=Storm())
    assert volume.sum() == pytest.approx(load[:, 0].sum() * net_rain(Storm()).sum() / 1000)
    # Nothing runs faster than the whole area under the heaviest step: 3.3 mm in 300 s.
    assert (peaks <= through[:, 0] * 3.3 / 300 + 1e-9).all()
    # Nor less than the pipe's own area under it, which enters at once.
    assert (peaks >= load[:, 0] * net_rain(Storm()).max() / 300 - 1e-9).all()


@settings(max_examples=30)
@given(networks(), st.integers(0, 2**31), st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_more_participation_never_means_more_flow_or_a_larger_pipe(network, seed, shares):
    frame, _ = network
    graph = build_graph(clean_pipes(frame, limits=LIMITS).pipes)
    load = np.random.default_rng(seed).uniform(0, 5000, (graph.pipes, 2))
    through, _ = accumulate(orient(graph), load=load)
    system = np.random.default_rng(seed).choice(["vuilwater", "gemengd", "hemelwater"], graph.pipes)
    table = pd.DataFrame({"system": system, "people": through[:, 0], "paved_m2": through[:, 1]})
    low, high = sorted(round(share, 2) for share in shares)
    found = design_diameters(table, slope=np.full(graph.pipes, 0.002), rules=DesignRules(), participation=(low, high))
    for scenario in ("grey_off", "rain_off", "both"):
        for name, unit in (("flow", "l_per_s"), ("diameter", "mm")):
            as_is = found[f"{name}_as_is_{unit}"].fillna(np.inf)
            less = found[f"{name}_{scenario}_{round(low * 100)}_{unit}"].fillna(np.inf)
            more = found[f"{name}_{scenario}_{round(high * 100)}_{unit}"].fillna(np.inf)
            assert (less <= as_is + 1e-9).all()
            assert (more <= less + 1e-9).all()


@settings(max_examples=12)
@given(networks(), st.floats(-50_000, 50_000))
def test_moving_the_town_changes_nothing(network, shift):
    frame, _ = network
    moved = frame.set_geometry(frame.geometry.translate(round(shift), 0))
    first = build_graph(clean_pipes(frame, limits=LIMITS).pipes)
    second = build_graph(clean_pipes(moved, limits=LIMITS).pipes)
    assert (first.start == second.start).all()
    assert orient(first).oriented_by.tolist() == orient(second).oriented_by.tolist()


def test_a_design_storm_by_hand():
    # One pipe, 1 ha, no loss: peak of bui 08 is 3.3 mm per 5 min = 110 l/s/ha; volume 19.8 mm x 1 ha = 198 m3.
    graph, forest, _, _ = flows(pipes([[(0, 0), (50, 0)]]))
    storm = Storm(initial_loss_mm=0.0)
    peak, volume = storm_peaks(forest, paved_m2=[10_000.0], length_m=graph.length_m, storm=storm)
    assert peak == pytest.approx([110.0])
    assert volume.sum() == pytest.approx(198.0)


def test_a_long_way_flattens_the_storm():
    # 1 ha at the top, 1 ha 900 m further on; 900 s are 3 steps: the second hectare has its peak, the first lags.
    frame = pipes([[(0, 0), (900, 0)], [(900, 0), (1800, 0)]])
    graph, forest, _, _ = flows(frame, nodes(pump=(1800, 0, "gemaal")))
    peak, _ = storm_peaks(forest, paved_m2=[1e4, 1e4], length_m=graph.length_m, storm=Storm(initial_loss_mm=0.0))
    # bui 08 plus itself three steps later, [mm per 5 min]: 3.3 + 1.5, 3.3 + 2.1, 2.1 + 2.7, 1.2 + 3.3 ...: at most 5.4
    assert peak[1] == pytest.approx(5.4 / 300 * 10 * 1000)


def test_a_storm_without_rain_is_refused():
    with pytest.raises(ConfigError):
        Storm(depths_mm=())


def manhole(kind: str, *, gap: float = 0.0) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Two pipes that end in two chambers of one manhole, `gap` [m] apart, with a structure between them.

    a ---1---> b | c ---2---> d
    """
    x = np.array([0.0, 50.0, 50.0 + gap, 100.0]) + 120_000.0
    lines = [
        shapely.LineString([(x[0], 480_000), (x[1], 480_000)]),
        shapely.LineString([(x[2], 480_000), (x[3], 480_000)]),
    ]
    between = shapely.LineString([(x[1], 480_000), (x[2] + 0.02, 480_000)])
    frame = gpd.GeoDataFrame(
        {
            "pipe_id": ["1", "2", "s"],
            "from_node": ["a", "c", "b"],
            "to_node": ["b", "d", "c"],
            "system": ["gemengd", "gemengd", "persleiding" if kind == "pressure" else "overig"],
            "kind": ["gravity", "gravity", kind],
        },
        geometry=[*lines, between],
        crs="EPSG:28992",
    )
    clean = clean_pipes(frame, limits=PipeLimits(year_max=2026))
    return clean.pipes, clean.structures


@pytest.mark.parametrize(("kind", "together"), [("weir", False), ("orifice", True)])
def test_chambers_of_one_manhole_are_one_only_where_water_passes(kind, together):
    pipe, structures = manhole(kind)
    assert structures["kind"].tolist() == [kind]
    graph = build_graph(pipe, structures=structures)
    assert pipe["pipe_id"].tolist() == ["1", "2"]
    assert (graph.end[0] == graph.start[1]) == together


def test_an_orifice_joins_chambers_that_do_not_touch():
    pipe, structures = manhole("orifice", gap=1.7)
    graph = build_graph(pipe, structures=structures)
    assert graph.end[0] == graph.start[1]


def test_levels_of_one_layer_do_not_say_where_another_empties():
    # Two foul pipes that fall to the east; a rain pipe far below them touches their western end.
    xy = [((0, 0), (50, 0)), ((50, 0), (100, 0)), ((0, 0), (0, 50))]
    frame = gpd.GeoDataFrame(
        {
            "pipe_id": ["f1", "f2", "r1"],
            "system": ["gemengd", "gemengd", "hemelwater"],
            "kind": "gravity",
            "bob_from_m_nap": [1.0, 0.9, -5.0],
            "bob_to_m_nap": [0.9, 0.8, -5.1],
        },
        geometry=[shapely.LineString(np.add(pair, (120_000, 480_000))) for pair in xy],
        crs="EPSG:28992",
    )
    graph = build_graph(clean_pipes(frame, limits=PipeLimits(year_max=2026)).pipes)
    forest = orient(graph)
    assert forest.oriented_by[:2].tolist() == ["levels", "levels"]
    assert forest.next_pipe[graph.end[1]] == -1


def test_pipes_whose_levels_contradict_the_only_way_out_flow_there_and_are_named():
    # Three pipes in a row towards a pump; the one in the middle is drawn as if it rose.
    lines = [[(50 * k, 0), (50 * (k + 1), 0)] for k in range(3)]
    frame = pipes(lines, bob_from_m_nap=[1.0, 0.8, 0.7], bob_to_m_nap=[0.9, 0.85, 0.6])
    node = gpd.GeoDataFrame(
        {"node_id": ["g"], "kind": ["gemaal"]}, geometry=[shapely.Point(X0 + 150, Y0)], crs="EPSG:28992"
    )
    forest = orient(build_graph(clean_pipes(frame, limits=LIMITS).pipes, node))
    assert forest.oriented_by.tolist() == ["levels", "against_levels", "levels"]
    assert forest.issues.to_dict("records") == [
        {"pipe_id": "p1", "reason": "levels contradict the only way out", "action": "flows to the outlet"}
    ]
    through, _ = accumulate(forest, load=np.ones(3))
    assert through[:, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("column", "at", "beyond", "told"),
    [
        ("diameter_mm", 50.0, 49.0, "diameter unbelievable"),
        ("diameter_mm", 4000.0, 4001.0, "diameter unbelievable"),
        ("diameter_mm", 998.0, 999.0, "diameter unbelievable"),  # what stands for unknown in exchanges
        ("diameter_mm", 50.0, 5.0, "diameter unbelievable"),  # five metres is no diameter, nor are five millimetres
        ("diameter_mm", 300.0, 0.3, "diameter in metres"),
        ("laid_year", 1850, 1849, "laying year unbelievable"),
        ("laid_year", 2026, 2027, "laying year unbelievable"),
        ("bob_from_m_nap", -25.0, -25.01, "level unbelievable"),
        ("bob_to_m_nap", -25.0, -25.01, "level unbelievable"),
        ("system", "persleiding", "overig", "no sewer: system overig or unknown"),
        ("kind", "gravity", "weir", "weir or orifice: no pipe"),
        ("status", "gebruikt", "Lozeleiding", "lost pipe"),
    ],
)
def test_a_pipe_is_believed_up_to_its_bound_and_not_beyond(column, at, beyond, told):
    level = {"bob_from_m_nap": -25.0, "bob_to_m_nap": -25.0} if "bob" in column else {}
    frames = [pipes([[(0, 0), (50, 0)]], **(level | {column: [value]})) for value in (at, beyond)]
    assert [clean_pipes(one, limits=LIMITS).tally() for one in frames] == [{}, {told: 1}]


def test_a_level_and_a_slope_are_believed_up_to_their_bounds():
    lines = [[(0, y), (50, y)] for y in range(0, 60, 10)]
    frame = pipes(
        lines, bob_from_m_nap=[330.0, 330.5, 5.0, 5.01, -5.0, np.nan], bob_to_m_nap=[330.0, 330.0, 0.0, 0.0, 0.0, 0.0]
    )
    clean = clean_pipes(frame, limits=LIMITS)
    assert clean.issues[["pipe_id", "reason"]].to_numpy().tolist() == [
        ["p1", "level unbelievable"],
        ["p3", "levels give an unbelievable slope"],
    ]
    assert clean.pipes["slope"].dropna().tolist() == [0.0, 0.1, -0.1]
    assert clean.pipes["slope"].isna().tolist() == [False, True, False, True, False, True]
    assert clean.pipes[["bob_from_m_nap", "bob_to_m_nap"]].isna().all(axis=1).tolist() == [
        False,
        True,
        False,
        True,
        False,
        False,
    ]
    short = pipes([[(0, 0), (0.011, 0)], [(9, 9), (9.009, 9)]])
    assert clean_pipes(short, limits=LIMITS).issues["pipe_id"].tolist() == ["p1"]
