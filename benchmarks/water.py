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
from kansenkaart.core.water.network import accumulate, build_graph
from kansenkaart.core.water.orient import orient
from kansenkaart.core.water.pipes import PipeLimits, clean_pipes

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
        beside = against_swmm()
        print(f"EPA SWMM: flows differ by at most {beside['flow_off']}, depths by {beside['depth_off']}")
        rows += [beside] if "--swmm" in sys.argv else []
    else:
        print("skipped EPA SWMM: pyswmm is not installed")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
