"""Time and memory of the sewer graph: a real municipality and a generated network of 100,000 pipes; EPA SWMM beside it.

Run `python benchmarks/water.py`. Where `pyswmm` is importable, the steady flows and depths of a tree of 50 pipes are
compared with it as well (`python benchmarks/water.py --swmm` runs that part alone). The last line is JSON.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.core.water.hydraulics import Friction, filling_at
from kansenkaart.core.water.network import FlowForest, SewerGraph, accumulate, build_graph
from kansenkaart.core.water.orient import orient
from kansenkaart.core.water.pipes import PipeLimits, clean_pipes
from kansenkaart.sources import gwsw

REAL = Path(__file__).parents[1].parent / "shared" / "data" / "gwsw" / "gwsw_getGeoPackage_1134.gpkg"
SIDE = 317
LOOPS = 600
SYSTEMS = {
    "Gemengd riool": ("gemengd", "gravity"),
    "Vuilwaterriool": ("vuilwater", "gravity"),
    "Hemelwaterriool": ("hemelwater", "gravity"),
    "Drukleiding": ("drukriool", "pressure"),
    "Persleiding": ("persleiding", "pressure"),
    "Drain": ("drain", "other"),
}
NODES = {
    "Pompunit": "gemaal",
    "Pompput": "gemaal",
    "Rioolgemaal": "gemaal",
    "Uitlaatconstructie": "uitlaat",
    "Inspectieput": "put",
}


def municipality(path: Path = REAL) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Pipes and nodes of Bodegraven-Reeuwijk (GWSW)."""
    line, point = (gpd.read_file(path, layer=f"default_{name}") for name in ("lijn", "punt"))
    kinds = [SYSTEMS.get(name, ("overig", "other")) for name in line["TypeNaam"]]
    pipe = line[["geometry"]].assign(
        pipe_id=[f"{name} {row}" for row, name in enumerate(line["Naam"])],
        system=[system for system, _ in kinds],
        kind=[kind for _, kind in kinds],
        status=line["TypeNaam"].where(line["TypeNaam"] == "Loze leiding"),
    )
    node = point[["geometry"]].assign(
        node_id=[f"{name} {row}" for row, name in enumerate(point["Naam"])],
        kind=point["TypeNaam"].map(NODES).fillna("overig"),
    )
    return pipe, node


def generated(side: int = SIDE, seed: int = 8) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Draw a random tree on a grid of side x side places that empties in a corner, with some pipes that close loops."""
    rng = np.random.default_rng(seed)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side)))
    west = np.where(y == 0, True, np.where(x == 0, False, rng.random(side * side) < 0.5))
    parent = np.where(west, y * side + x - 1, (y - 1) * side + x)
    child = np.arange(1, side * side)
    extra = rng.integers(side, side * side, LOOPS)
    pairs = np.concatenate([np.column_stack([child, parent[1:]]), np.column_stack([extra, extra - side])])
    flip = rng.random(len(pairs)) < 0.5
    pairs[flip] = pairs[flip, ::-1]
    xy = np.column_stack([100_000 + x * 40.0, 400_000 + y * 40.0])
    pipe = gpd.GeoDataFrame(
        {"pipe_id": [f"g{row}" for row in range(len(pairs))], "system": "gemengd", "kind": "gravity"},
        geometry=shapely.linestrings(xy[pairs]),
        crs="EPSG:28992",
    )
    node = gpd.GeoDataFrame(
        {"node_id": ["pump"], "kind": ["gemaal"]}, geometry=shapely.points(xy[:1]), crs="EPSG:28992"
    )
    return pipe, node


def measure(name: str) -> dict[str, object]:
    """Clean, build, orient and add up one network; CPU seconds [s] and peak memory [MiB] of a fresh process."""
    run(*generated(12))
    pipe, node = municipality() if name == "bodegraven-reeuwijk" else generated()
    start = time.process_time()
    graph, forest, load, arrived = run(pipe, node)
    seconds = time.process_time() - start
    print(f"{name}: oriented by {pd.Series(forest.oriented_by).value_counts().to_dict()}")

    islands = len(set(zip(graph.layer.tolist(), forest.island.tolist(), strict=True)))
    print(f"{name}: islands {islands}, loops closed by {int(forest.closes_loop.sum())} pipes")

    return {
        "network": name,
        "pipes": len(pipe),
        "in_graph": graph.pipes,
        "seconds": round(seconds, 3),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "homes_in": float(load.sum()),
        "homes_out": float(arrived.sum()),
    }


def run(pipe: gpd.GeoDataFrame, node: gpd.GeoDataFrame) -> tuple:
    """One pass over a network with one home per started 10 m of pipe."""
    graph = build_graph(clean_pipes(pipe, limits=PipeLimits(year_max=2100)).pipes, node)
    forest = orient(graph)
    load = np.ceil(graph.length_m / 10)
    return graph, forest, load, accumulate(forest, load=load)[1]


def tree_of_fifty() -> pd.DataFrame:
    """Draw a tree of 50 pipes: each empties into one of the three before it; 50 m at slopes of 1:100 to 1:400."""
    rng = np.random.default_rng(50)
    parent = [-1] + [int(rng.integers(max(0, k - 3), k)) for k in range(1, 50)]
    tree = pd.DataFrame({"parent": parent, "own": rng.uniform(0.5, 3.0, 50), "slope": 1 / rng.uniform(100, 400, 50)})
    through = tree["own"].to_numpy(copy=True)
    for k in range(49, 0, -1):
        through[parent[k]] += through[k]
    return tree.assign(through=through, size=np.where(through > 30, 0.5, np.where(through > 10, 0.4, 0.3)))


def swmm_input(tree: pd.DataFrame) -> str:
    """Write the same tree as an EPA SWMM 5 input: kinematic wave, Manning 0.013, constant inflow [l/s]."""
    level = np.zeros(len(tree))
    for k in range(len(tree)):
        level[k] = (level[tree.loc[k, "parent"]] if k else 0.0) + 50 * tree.loc[k, "slope"]
    rows = range(len(tree))
    below = ["OUT" if k == 0 else f"J{tree.loc[k, 'parent']}" for k in rows]
    # SWMM wants one pipe per junction to slope down by its own drop: offsets are 0, inverts follow the tree.
    parts = {
        "OPTIONS": [
            "FLOW_UNITS LPS",
            "FLOW_ROUTING KINWAVE",
            "START_DATE 01/01/2020",
            "END_DATE 01/01/2020",
            "START_TIME 00:00:00",
            "END_TIME 12:00:00",
            "REPORT_START_DATE 01/01/2020",
            "REPORT_START_TIME 00:00:00",
            "REPORT_STEP 00:05:00",
            "ROUTING_STEP 5",
            "WET_STEP 00:05:00",
            "DRY_STEP 00:05:00",
            "LINK_OFFSETS DEPTH",
        ],
        "JUNCTIONS": [f"J{k} {level[k]:.6f} 5 0 0 0" for k in rows],
        "OUTFALLS": ["OUT 0 FREE NO"],
        "CONDUITS": [f"C{k} J{k} {below[k]} 50 0.013 0 0 0" for k in rows],
        "XSECTIONS": [f"C{k} CIRCULAR {tree.loc[k, 'size']} 0 0 0 1" for k in rows],
        "INFLOWS": [f'J{k} FLOW "" FLOW 1.0 1.0 {tree.loc[k, "own"]:.6f}' for k in rows],
        "REPORT": ["LINKS ALL", "NODES ALL"],
    }
    return "\n".join(f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in parts.items())


def against_swmm() -> dict[str, object]:
    """Largest relative difference of steady flow and depth with EPA SWMM [1]."""
    from pyswmm import Links, Simulation

    tree = tree_of_fifty()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree.inp"
        path.write_text(swmm_input(tree))
        with Simulation(str(path)) as simulation:
            links = Links(simulation)
            found = {}
            for _ in simulation:
                found = {k: (links[f"C{k}"].flow, links[f"C{k}"].depth) for k in range(len(tree))}
    swmm = pd.DataFrame(found, index=["flow", "depth"]).T
    size = tree["size"].to_numpy()
    ours = size * filling_at(
        tree["through"], diameter_mm=size * 1000, slope=tree["slope"], friction=Friction("manning")
    )
    flow_off = (swmm["flow"] / tree["through"] - 1).abs().max()
    depth_off = np.abs(swmm["depth"].to_numpy() / ours - 1).max()
    return {
        "network": "swmm tree",
        "pipes": len(tree),
        "flow_off": round(float(flow_off), 5),
        "depth_off": round(float(depth_off), 5),
    }


HYDX = REAL.parent / "hydx"
#: Pipes that lie 2 m below the orifice and the pipe that they drain to: they stand full, and SWMM swings about its mean.
_STANDING_FULL = ("lei59", "lei68")
#: Given to every gravity pipe of the test system [l/s]: small, so that all of it runs part full.
OWN_L_PER_S = 0.5


def hydx_network() -> tuple[pd.DataFrame, pd.DataFrame, SewerGraph, FlowForest]:
    """Read the official test system of GWSW-Hyd; its pipes, its structures, and the way that we say the water goes."""
    pipe, _ = gwsw.read_sewer_pipe(HYDX, form="hydx-csv", origin_m=(1e5, 4.5e5))
    node, _ = gwsw.read_sewer_node(HYDX, form="hydx-csv", origin_m=(1e5, 4.5e5))
    clean = clean_pipes(pipe, limits=PipeLimits(year_max=2100))
    graph = build_graph(clean.pipes, node, structures=clean.structures)
    return clean.pipes, clean.structures, graph, orient(graph)


def hydx_input(pipe: pd.DataFrame, structures: pd.DataFrame, enters: dict[str, float], last: str) -> str:
    """Write the foul sewers of the test system as an EPA SWMM 5 input: dynamic wave, constant inflow at nodes [l/s].

    Weirs are left out (none runs in dry weather), pumps lift all that comes, the pump of knp35 stands still (it starts at
    3.50 m NAP, above the pipes that leave), orifices are wide, and the system empties at its lowest node, where the test
    system itself has no way out.
    """
    names = sorted({*pipe["from_node"], *pipe["to_node"], *structures["from_node"], *structures["to_node"]})
    level = dict.fromkeys(names, np.inf)
    for end, bob in (("from_node", "bob_from_m_nap"), ("to_node", "bob_to_m_nap")):
        for name, value in zip(pipe[end], pipe[bob], strict=True):
            level[name] = min(level[name], value) if value == value else level[name]
    # An orifice begins at the lower of its chambers; a pump may lift to a node without pipes.
    level = {name: -1.0 if np.isinf(value) else value for name, value in level.items()}
    flowing = pipe[pipe["layer"] == "foul"]
    pumps = structures[(structures["kind"] == "pressure") & (structures["from_node"] != "knp35")].drop_duplicates(
        "from_node"
    )
    through = structures[structures["kind"] == "orifice"]
    rows = list(flowing.itertuples())
    parts = {
        "OPTIONS": [
            "FLOW_UNITS LPS",
            "FLOW_ROUTING DYNWAVE",
            "START_DATE 01/01/2020",
            "END_DATE 01/21/2020",
            "START_TIME 00:00:00",
            "END_TIME 00:00:00",
            "REPORT_START_DATE 01/20/2020",
            "REPORT_START_TIME 00:00:00",
            "REPORT_STEP 01:00:00",
            "ROUTING_STEP 10",
            "VARIABLE_STEP 0.75",
            "WET_STEP 00:15:00",
            "DRY_STEP 01:00:00",
            "LINK_OFFSETS ELEVATION",
            "ALLOW_PONDING NO",
        ],
        "JUNCTIONS": [
            f"{name} {level[name] - (0.5 if name in set(pumps['from_node']) else 0)} 12 0 0 0" for name in names
        ],
        "OUTFALLS": [f"OUT {level[last] - 1} FREE NO"],
        "CONDUITS": [
            *(
                f"{one.pipe_id} {one.from_node} {one.to_node} {one.length_m:.2f} 0.013 {one.bob_from_m_nap} {one.bob_to_m_nap} 0"
                for one in rows
            ),
            f"out {last} OUT 20 0.013 {level[last]} {level[last] - 1} 0",
        ],
        "PUMPS": [f"p{k} {one.from_node} {one.to_node} * ON 0 0" for k, one in enumerate(pumps.itertuples())],
        "ORIFICES": [
            f"o{k} {one.from_node} {one.to_node} SIDE {max(level[one.from_node], level[one.to_node])} 0.65 NO 0"
            for k, one in enumerate(through.itertuples())
        ],
        "XSECTIONS": [
            *(f"{one.pipe_id} CIRCULAR {_round_m(one.diameter_mm)} 0 0 0 1" for one in rows),
            "out CIRCULAR 2 0 0 0 1",
            *(f"o{k} CIRCULAR 0.4 0 0 0" for k in range(len(through))),
        ],
        "INFLOWS": [f'{name} FLOW "" FLOW 1.0 1.0 {flow:.6f}' for name, flow in sorted(enters.items())],
        "REPORT": ["LINKS ALL", "NODES ALL"],
    }
    return "\n".join(f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in parts.items())


def _round_m(diameter_mm: float) -> float:
    """Diameter for SWMM [m]; a profile without a height counts as 400 mm: depth is not compared here."""
    return (400.0 if np.isnan(diameter_mm) else diameter_mm) / 1000


def _below_a_split(forest: FlowForest, foul: np.ndarray) -> np.ndarray:
    """Pipes that leave a node with two ways out, or lie downstream of one."""
    ways = pd.Series(forest.tail[foul]).value_counts()
    reached = set(ways.index[ways > 1])
    links = list(zip(forest.tail, forest.head, strict=True))
    while more := {head for tail, head in links if tail in reached} - reached:
        reached |= more
    return np.isin(forest.tail[foul], list(reached))


def hydx_against_swmm() -> dict[str, object]:
    """Direction and flow of every foul pipe of the test system beside EPA SWMM; what differs is named with the reason."""
    from pyswmm import Links, Simulation

    pipe, structures, graph, forest = hydx_network()
    foul = np.flatnonzero(graph.layer == 0)
    own = np.zeros(graph.pipes)
    own[foul] = OWN_L_PER_S
    ours, _ = accumulate(forest, load=own)
    named = pipe.set_index("pipe_id")
    tail = {
        graph.pipe_id[k]: named.loc[graph.pipe_id[k], "to_node" if forest.tail[k] != graph.start[k] else "from_node"]
        for k in foul
    }
    enters: dict[str, float] = {}
    for name in tail.values():
        enters[name] = enters.get(name, 0.0) + OWN_L_PER_S
    low = graph.low_m_nap[0].copy()
    low[(forest.next_pipe >= 0) | np.isnan(low) | (graph.kind == "gemaal")] = np.inf
    at = int(np.argmin(low))
    last = next(
        named.loc[graph.pipe_id[k], "to_node" if graph.end[k] == at else "from_node"]
        for k in foul
        if at in (graph.start[k], graph.end[k])
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hydx.inp"
        path.write_text(hydx_input(pipe, structures, enters, str(last)))
        with Simulation(str(path)) as simulation:
            links = Links(simulation)
            # The mean of the last day: what stands full swings.
            seen = [
                [links[str(graph.pipe_id[k])].flow for k in foul]
                for _ in simulation
                if simulation.percent_complete > 0.95
            ]
    rows = pd.DataFrame(
        {
            "pipe_id": graph.pipe_id[foul],
            "ours": np.where(forest.tail[foul] == graph.start[foul], 1, -1) * ours[foul, 0],
            "swmm": np.mean(seen, axis=0),
        }
    )
    rows["right_way"] = np.sign(rows["ours"]) == np.sign(rows["swmm"].where(rows["swmm"].abs() > 0.01, 0.0))
    rows["within"] = (rows["ours"] - rows["swmm"]).abs() <= 0.02 * rows["swmm"].abs() + 0.005
    rows["split"] = _below_a_split(forest, foul)
    for one in rows[~(rows["right_way"] & rows["within"])].itertuples():
        reason = "below a place with two ways out, over which SWMM divides the flow" if one.split else "no reason found"
        reason = (
            "stands full below what it drains to: SWMM does not settle" if one.pipe_id in _STANDING_FULL else reason
        )
        print(f"hydx {one.pipe_id}: ours {one.ours:.2f}, SWMM {one.swmm:.2f} l/s: {reason}")
    return {
        "network": "hydx test system",
        "pipes": len(rows),
        "right_way": int(rows["right_way"].sum()),
        "flow_within_2_percent": int(rows["within"].sum()),
        "below_a_split": int(rows["split"].sum()),
        "unexplained": int((~rows["within"] & ~rows["split"] & ~rows["pipe_id"].isin(_STANDING_FULL)).sum()),
        "against_levels": int((forest.oriented_by == "against_levels").sum()),
    }


def main() -> None:
    """Print one row per network; the last line is JSON."""
    rows: list[dict[str, object]] = []
    if "--swmm" not in sys.argv:
        names = (["bodegraven-reeuwijk"] if REAL.exists() else []) + ["generated"]
        if not REAL.exists():
            print(f"skipped the real network: no {REAL.name} beside the project")
        for name in names:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rows.append(pool.apply(measure, (name,)))
    if importlib.util.find_spec("pyswmm"):
        tree = against_swmm()
        print(f"EPA SWMM: flows differ by at most {tree['flow_off']}, depths by {tree['depth_off']}")
        rows += [tree] if "--swmm" in sys.argv else []
        rows += [hydx_against_swmm()] if HYDX.exists() else []
    else:
        print("skipped EPA SWMM: pyswmm is not installed")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
