"""Areas of about 330 homes: ours beside the tools that are installed, on one city and one municipality, by one judge.

    python benchmarks/areas.py CITY.gpkg [ADDRESSES.shp] [--limit 120] [--only ours]

CITY.gpkg has the layers `units` (unit, homes, buurt, value, ext) and `edges` (a, b, length, cls, passable, w). ADDRESSES
is a file of address points in RD New. Each tool runs in a process of its own with a time limit; compiled code and models
are warmed up first. A partition's objective is the weighted border that it cuts [m], a best area's its worth [EUR/year].
The last line is JSON: a list of rows (instance, tool, question, seconds, cpu_s, peak_mib, areas, in_band, not_contiguous,
objective, gap).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from kansenkaart.core.area.answer import Effort
from kansenkaart.core.area.best import best_area, best_areas, best_around
from kansenkaart.core.area.blocks import build_blocks
from kansenkaart.core.area.graph import AreaGraph, BorderFactors, build_graph, graph_from_arrays
from kansenkaart.core.area.partition import PartitionEffort, partition
from kansenkaart.core.area.question import AreaQuestion
from kansenkaart.core.area.start import walk_rows
from kansenkaart.errors import InfeasibleError

TARGET, LOW, HIGH = 330, 297, 363
FACTORS = Path(__file__).parents[1] / "src" / "kansenkaart" / "data" / "border_factors.csv"
ASK = AreaQuestion(low_homes=300, high_homes=360, radius_m=300.0, border_price=20.0)


def read_city(path: Path) -> AreaGraph:
    """Read the generated city."""
    units = gpd.read_file(path, layer="units").sort_values("unit")
    edges = gpd.read_file(path, layer="edges")
    centre = units.geometry.centroid
    return graph_from_arrays(
        homes=units["homes"].to_numpy(np.int64), value=units["value"].to_numpy(float),
        owned=(units["corp"] * units["homes"]).to_numpy(float), xy=np.c_[centre.x, centre.y],
        buurt=units["buurt"].to_numpy(np.int64), ext=units["ext"].to_numpy(float) * 0.05,
        borders=(edges["a"].to_numpy(np.int64), edges["b"].to_numpy(np.int64)), length=edges["length"].to_numpy(float),
        weight=edges["w"].to_numpy(float), cls=edges["cls"].replace("canal", "water").to_numpy(str),
        passable=edges["passable"].to_numpy(bool),
    )  # fmt: skip


def read_addresses(path: Path) -> AreaGraph:
    """Read address points and make blocks of them."""
    points = gpd.read_file(path, engine="pyogrio").geometry.explode(index_parts=False).reset_index(drop=True)
    points = points.set_crs(28992, allow_override=True)
    home = gpd.GeoDataFrame({"home_id": np.arange(len(points)), "pand_id": None}, geometry=points)
    nothing = gpd.GeoDataFrame({"pand_id": [], "buurtcode": []}, geometry=[], crs=28992)
    factors = BorderFactors.from_table(pd.read_csv(FACTORS))
    made = build_blocks(nothing, home, factors=factors)
    made.frame["value"] = made.frame["homes"] * 400.0
    return build_graph(made.frame, made.edges, factors=factors, value="value")


# Tools: each takes the graph and returns labels (a partition), or blocks and a gap (a best area).


def ours_quick(graph: AreaGraph) -> np.ndarray:
    """About a CPU second for 2,500 blocks."""
    return partition(graph, target_homes=TARGET, low_homes=LOW, high_homes=HIGH).label


def ours_long(graph: AreaGraph) -> np.ndarray:
    """About thirty CPU seconds for 2,500 blocks."""
    effort = PartitionEffort(rounds=5.0, polish_s=3.0)
    return partition(graph, target_homes=TARGET, low_homes=LOW, high_homes=HIGH, effort=effort).label


def metis(graph: AreaGraph) -> np.ndarray:
    """METIS, contiguous, by way of pymetis."""
    import pymetis

    indptr, nbr, weight = walk_rows(graph)
    options = pymetis.Options(contig=1, seed=0, ufactor=90, ncuts=10, niter=50)
    _, part = pymetis.part_graph(
        _count(graph), pymetis.CSRAdjacency(adj_starts=indptr, adjacent=nbr), options=options,
        eweights=np.maximum(1, np.round(weight * 10)).astype(int), vweights=graph.homes, recursive=False,
    )  # fmt: skip
    return np.asarray(part)


def gerrychain_tree(graph: AreaGraph) -> np.ndarray:
    """Recursive spanning-tree partition of gerrychain."""
    import random
    from functools import partial

    import networkx as nx
    from gerrychain import Graph
    from gerrychain.partition import recursive_tree_part
    from gerrychain.tree import bipartition_tree

    random.seed(0)
    net = nx.Graph()
    for unit, homes in enumerate(graph.homes.tolist()):
        net.add_node(unit, homes=homes)
    net.add_edges_from(zip(graph.a[graph.passable].tolist(), graph.b[graph.passable].tolist(), strict=True))
    count = _count(graph)
    split = partial(bipartition_tree, max_attempts=10_000)
    ideal = graph.homes.sum() / count
    part = recursive_tree_part(Graph.from_networkx(net), range(count), ideal, "homes", 0.09, bipartition_tree_fn=split)
    return np.array([part[unit] for unit in range(len(graph))])


def spopt_max_p(graph: AreaGraph) -> np.ndarray:
    """Max-p regions of spopt: at least LOW homes each, blocks alike in place."""
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    frame = gpd.GeoDataFrame(
        {"homes": graph.homes, "x": graph.xy[:, 0], "y": graph.xy[:, 1]}, geometry=gpd.points_from_xy(*graph.xy.T)
    )
    model = MaxPHeuristic(frame, W(_lists(graph), silence_warnings=True), ["x", "y"], "homes", LOW, 2)
    model.solve()
    return np.asarray(model.labels_)


def geoda_skater(graph: AreaGraph) -> np.ndarray:
    """SKATER of pygeoda with a least number of homes."""
    import pygeoda

    with tempfile.TemporaryDirectory() as folder:
        shape, gal = Path(folder) / "city.shp", Path(folder) / "city.gal"
        ids = np.arange(1, len(graph) + 1)
        gpd.GeoDataFrame({"ID": ids}, geometry=gpd.points_from_xy(*graph.xy.T), crs=28992).to_file(shape)
        rows = [f"{u + 1} {len(near)}\n{' '.join(str(v + 1) for v in near)}" for u, near in _lists(graph).items()]
        gal.write_text(f"0 {len(graph)} city ID\n" + "\n".join(rows) + "\n")
        weights = pygeoda.read_gal(str(gal), ids.astype(str).tolist())
        data = [graph.xy[:, 0].tolist(), graph.xy[:, 1].tolist()]
        got = pygeoda.skater(_count(graph), weights, data, bound_variable=graph.homes.tolist(), min_bound=LOW)
    return np.asarray(got["Clusters"])


def best_one(graph: AreaGraph) -> tuple[list[np.ndarray], float, float]:
    """Find the best area of the whole city, proven."""
    area = best_area(graph, question=ASK)
    return [area.blocks], area.worth, area.gap


def best_ten(graph: AreaGraph) -> tuple[list[np.ndarray], float, float]:
    """Find the ten best that do not overlap, each proven."""
    areas = best_areas(graph, count=10, question=ASK)
    return [a.blocks for a in areas], sum(a.worth for a in areas), max(a.gap for a in areas)


def _around(graph: AreaGraph, effort: Effort) -> tuple[list[np.ndarray], float, float]:
    """Find the best area around forty places; worth and gap are the means."""
    found = []
    for centre in np.random.default_rng(1).choice(np.flatnonzero(graph.homes > 0), 40, replace=False):
        try:
            found.append(best_around(graph, centre=int(centre), question=ASK, effort=effort))
        except InfeasibleError:
            continue
    return [a.blocks for a in found], float(np.mean([a.worth for a in found])), float(np.mean([a.gap for a in found]))


def around_quick(graph: AreaGraph) -> tuple[list[np.ndarray], float, float]:
    """Answer around forty places at once, without the proof."""
    return _around(graph, Effort(remaining=lambda: 0.0))


def around_proven(graph: AreaGraph) -> tuple[list[np.ndarray], float, float]:
    """Answer around forty places with the proof, sixty seconds for all at most."""
    end = time.perf_counter() + 60.0
    return _around(graph, Effort(remaining=lambda: end - time.perf_counter()))


PARTITIONS: dict[str, tuple[Callable[[AreaGraph], np.ndarray], str]] = {
    "kansenkaart, 1 s": (ours_quick, ""),
    "kansenkaart, 30 s": (ours_long, ""),
    "pymetis contig": (metis, "pymetis"),
    "gerrychain tree": (gerrychain_tree, "gerrychain"),
    "pygeoda skater": (geoda_skater, "pygeoda"),
    "spopt max-p": (spopt_max_p, "spopt"),
}
QUESTIONS: dict[str, Callable[[AreaGraph], tuple[list[np.ndarray], float, float]]] = {
    "best": best_one,
    "ten best": best_ten,
    "around 40 points, answer": around_quick,
    "around 40 points, proof": around_proven,
}


def judged(graph: AreaGraph, label: np.ndarray) -> dict[str, object]:
    """Judge a partition: areas, how many in band, how many torn, and the border cut [m]."""
    area = np.unique(label, return_inverse=True)[1]
    homes = np.bincount(area, graph.homes)
    torn = sum(_pieces(graph, np.flatnonzero(area == k)) > 1 for k in range(len(homes)))
    return {
        "areas": len(homes), "in_band": int(((homes >= LOW) & (homes <= HIGH)).sum()), "not_contiguous": torn,
        "objective": round(graph.cut_weight(area), 1), "gap": None,
    }  # fmt: skip


def judged_best(graph: AreaGraph, answer: tuple[list[np.ndarray], float, float]) -> dict[str, object]:
    """Judge single areas: band and connection of each, and the worth [EUR/year] that was claimed."""
    blocks, worth, gap = answer
    homes = [graph.homes[b].sum() for b in blocks]
    return {
        "areas": len(blocks), "in_band": sum(ASK.low_homes <= h <= ASK.high_homes for h in homes),
        "not_contiguous": sum(_pieces(graph, b) > 1 for b in blocks), "objective": round(worth, 1), "gap": gap,
    }  # fmt: skip


def _pieces(graph: AreaGraph, members: np.ndarray) -> int:
    inside = np.zeros(len(graph), bool)
    inside[members] = True
    keep = inside[graph.a] & inside[graph.b] & graph.passable
    net = coo_matrix((np.ones(keep.sum()), (graph.a[keep], graph.b[keep])), shape=(len(graph), len(graph)))
    return len(np.unique(connected_components(net, directed=False)[1][members]))


def _count(graph: AreaGraph) -> int:
    return round(int(graph.homes.sum()) / TARGET)


def _lists(graph: AreaGraph) -> dict[int, list[int]]:
    indptr, nbr, _ = walk_rows(graph)
    return {u: nbr[indptr[u] : indptr[u + 1]].tolist() for u in range(len(graph))}


def measured(name: str, graph: AreaGraph, pipe: object) -> None:
    """Warm up on a corner of the graph, run one tool, and send its row."""
    tool = PARTITIONS[name][0] if name in PARTITIONS else QUESTIONS[name]
    if name in QUESTIONS or name.startswith("kansenkaart"):
        _warm_up(graph)
    wall, cpu = time.perf_counter(), time.process_time()
    answer = tool(graph)
    row: dict[str, object] = {
        "seconds": round(time.perf_counter() - wall, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
    }
    row["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    row |= judged_best(graph, answer) if name in QUESTIONS else judged(graph, answer)
    pipe.send(row)  # type: ignore[attr-defined]


def _warm_up(graph: AreaGraph) -> None:
    quick = PartitionEffort(steps=2, rounds=0.05, local_steps=50, polish_s=0.5)
    partition(graph, target_homes=TARGET, low_homes=LOW, high_homes=HIGH, effort=quick)
    for effort in (Effort(restarts=1, steps=100, remaining=lambda: 0.0), Effort(restarts=1, steps=100)):
        best_around(graph, centre=int(np.argmax(graph.homes)), question=ASK, effort=effort)
    best_areas(graph, count=1, question=ASK, effort=Effort(restarts=1, steps=100, remaining=lambda: 0.0))


def run_tool(instance: str, name: str, graph: AreaGraph, limit_s: float) -> dict[str, object]:
    """Run one tool in its own process; a tool that fails or takes too long gets a row that says so."""
    row: dict[str, object] = {"instance": instance, "tool": name, "question": "partition"}
    if name in QUESTIONS:
        row |= {"tool": "kansenkaart", "question": name}
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=measured, args=(name, graph, there))
    process.start()
    there.close()
    try:
        got = here.recv() if here.poll(limit_s) else {"failed": f"no answer in {limit_s:g} s"}
    except EOFError:
        got = {"failed": "ended without an answer"}
    if process.is_alive() and "failed" in got:
        process.terminate()
    process.join()
    blank = dict.fromkeys(("seconds", "cpu_s", "peak_mib", "areas", "in_band", "not_contiguous", "objective", "gap"))
    return row | blank | got


def main() -> None:
    """Measure every tool that is installed on every instance given."""
    ask = argparse.ArgumentParser()
    ask.add_argument("city", type=Path)
    ask.add_argument("addresses", type=Path, nargs="?")
    ask.add_argument("--limit", type=float, default=120.0, help="time limit per tool [s]")
    ask.add_argument("--only", default="", help="run the tools whose name holds this")
    got = ask.parse_args()
    os.environ["SHAPE_RESTORE_SHX"] = "YES"
    instances = {got.city.stem: read_city(got.city)}
    if got.addresses:
        start = time.process_time()
        instances[got.addresses.stem] = read_addresses(got.addresses)
        print(f"blocks of {got.addresses.stem}: {time.process_time() - start:.1f} CPU s")
    rows = []
    for instance, graph in instances.items():
        print(f"{instance}: {len(graph)} blocks, {graph.homes.sum()} homes")
        for name in [*PARTITIONS, *QUESTIONS]:
            package = PARTITIONS[name][1] if name in PARTITIONS else ""
            if got.only not in name or (package and importlib.util.find_spec(package) is None):
                continue
            rows.append(run_tool(instance, name, graph, got.limit))
            print("  ".join(f"{k}={v}" for k, v in rows[-1].items()), flush=True)
    print(json.dumps(rows, default=float))


if __name__ == "__main__":
    main()
