"""Areas of about 330 homes: ours beside the tools that are installed, on one city and one municipality, by one judge.

    pip install ".[peers]"
    python benchmarks/areas.py CITY.gpkg [ADDRESSES.shp] [--limit 120] [--only ours] [--answers FOLDER]

CITY.gpkg has the layers `units` (unit, homes, buurt, value, ext) and `edges` (a, b, length, cls, passable, w). ADDRESSES
is a file of address points in RD New. Each tool runs in a process of its own with a time limit, its code loaded and
compiled on a small invented town first; `peak_mib` is that process's, the graph and the loaded code in it. A partition's
objective is the weighted border that it cuts [m], a best area's its worth [EUR/year]. With `--answers` each answer is
written as CSV, for another judge. With `--studies` the proven best area of studies that were run is set against a minute of
blind search each. The last line is JSON: a list of rows (instance, tool, question, seconds, cpu_s, peak_mib,
areas, in_band, not_contiguous, objective, gap; and `failed` where there is no answer).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.area_peers import HIGH, LOW, PEERS, TARGET, Town
from kansenkaart.config import Areas
from kansenkaart.core.area.best import best_areas, best_around, worth_of_area
from kansenkaart.core.area.blocks import build_blocks
from kansenkaart.core.area.graph import AreaGraph, BorderFactors, Borders, build_graph, graph_from_arrays, walk_graph
from kansenkaart.core.area.partition import PartitionEffort, partition
from kansenkaart.core.area.question import AreaQuestion, Effort, prepare
from kansenkaart.core.area.window_search import quick_area
from kansenkaart.errors import InfeasibleError
from kansenkaart.score import best_areas as best_areas_of
from kansenkaart.tables import assumptions
from kansenkaart.tables.store import Store

FACTORS = Path(__file__).parents[1] / "src" / "kansenkaart" / "data" / "border_factors.csv"
ASK = AreaQuestion(low_homes=300, high_homes=360, radius_m=300.0, border_price=20.0)


def read_city(path: Path) -> AreaGraph:
    """Read the generated city."""
    units = gpd.read_file(path, layer="units").sort_values("unit")
    edges = gpd.read_file(path, layer="edges")
    centre = units.geometry.centroid
    return graph_from_arrays(
        homes=units["homes"].to_numpy(np.int64),
        value=units["value"].to_numpy(float),
        owned=(units["corp"] * units["homes"]).to_numpy(float),
        xy=np.c_[centre.x, centre.y],
        buurt=units["buurt"].to_numpy(np.int64),
        ext=units["ext"].to_numpy(float) * 0.05,
        borders=Borders(
            edges["a"].to_numpy(np.int64),
            edges["b"].to_numpy(np.int64),
            edges["length"].to_numpy(float),
            edges["w"].to_numpy(float),
            edges["cls"].replace("canal", "water").to_numpy(str),
            edges["passable"].to_numpy(bool),
        ),
    )


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


def within(seconds: float) -> Effort:
    """Give an effort that ends after so many seconds, with an answer and the gap that is left."""
    end = time.perf_counter() + seconds
    return Effort(remaining=lambda: end - time.perf_counter())


def best_one(graph: AreaGraph) -> tuple[list[np.ndarray], float, float]:
    """Find the best area of the whole city, proven if that takes less than a minute."""
    (area,) = best_areas(graph, count=1, question=ASK, effort=within(60.0))
    return [area.blocks], area.worth, area.gap


def best_ten(graph: AreaGraph) -> tuple[list[np.ndarray], float, float]:
    """Find the ten best that do not overlap, each proven if all take less than a minute and a half."""
    areas = best_areas(graph, count=10, question=ASK, effort=within(90.0))
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


def random_search(
    graph: AreaGraph, question: AreaQuestion, *, seconds: float, seed: int = 0
) -> tuple[np.ndarray, float]:
    """Look for a good area blindly: random centres, random sets to start from, annealed, for so many seconds.

    Returns
    -------
    tuple[np.ndarray, float]
        Blocks and worth [EUR/year] of the best one met; nothing and minus infinity where none was.
    """
    searches, rng = prepare(graph, question), np.random.default_rng(seed)
    best, worth = np.empty(0, np.int64), -np.inf
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        search = searches[int(rng.integers(len(searches)))]
        window = search.window(int(rng.choice(np.flatnonzero(search.centres))))
        if window is None:
            continue
        wanted = rng.random(len(window.members)) < rng.random()
        turn = {"band": question.band, "wanted": wanted, "effort": (1, 40_000), "seed": int(rng.integers(2**31))}
        inside, gain = quick_area(window, **turn)
        if gain > worth and np.isfinite(gain):
            best = np.sort(window.members[inside])
            worth = worth_of_area(graph, question, best)
    return best, worth


def random_minute(graph: AreaGraph) -> tuple[list[np.ndarray], float, float]:
    """Look blindly for a minute: what is proven best must not be beaten."""
    blocks, worth = random_search(graph, ASK, seconds=60.0)
    return [blocks], worth, float("nan")


def against_chance(folder: Path, *, seconds: float) -> dict[str, object]:
    """Compare the proven best area of a study that was run with the best that a blind search meets."""
    blocks, known = best_areas_of.read_blocks(Store(folder)), assumptions.default()
    criterion = best_areas_of.criteria_of(blocks)[0]
    value, mean = best_areas_of.value_and_scale(blocks, criterion)
    graph, question = blocks.graph(value), best_areas_of.question_of(Areas(), known, mean)
    (area,) = best_areas(graph, count=1, question=question, effort=best_areas_of.THOROUGH)
    _, chance = random_search(graph, question, seconds=seconds)
    row = {
        "instance": folder.name,
        "tool": "kansenkaart against chance",
        "question": criterion,
        "objective": area.worth,
    }
    return {**row, "gap": area.gap, "chance": chance, "beaten": bool(chance > area.worth + 0.02)}


def around_quick(graph: AreaGraph) -> tuple[list[np.ndarray], float, float]:
    """Answer around forty places at once, without the proof."""
    return _around(graph, Effort(remaining=lambda: 0.0))


def around_proven(graph: AreaGraph) -> tuple[list[np.ndarray], float, float]:
    """Answer around forty places with the proof, sixty seconds for all at most."""
    return _around(graph, within(60.0))


OURS: dict[str, Callable[[AreaGraph], np.ndarray]] = {"kansenkaart, 1 s": ours_quick}
QUESTIONS: dict[str, Callable[[AreaGraph], tuple[list[np.ndarray], float, float]]] = {
    "best": best_one,
    "ten best": best_ten,
    "random search of a minute": random_minute,
    "around 40 points, answer": around_quick,
    "around 40 points, proof": around_proven,
}


def judged(graph: AreaGraph, label: np.ndarray) -> dict[str, object]:
    """Judge a partition: areas, how many in band, how many torn, and the border cut [m]."""
    area = np.unique(label, return_inverse=True)[1]
    homes = np.bincount(area, graph.homes)
    torn = sum(_pieces(graph, np.flatnonzero(area == k)) > 1 for k in range(len(homes)))
    return {
        "areas": len(homes),
        "in_band": int(((homes >= LOW) & (homes <= HIGH)).sum()),
        "not_contiguous": torn,
        "objective": round(graph.cut_weight(area), 1),
        "gap": None,
    }


def judged_best(graph: AreaGraph, answer: tuple[list[np.ndarray], float, float]) -> dict[str, object]:
    """Judge single areas: band and connection of each, and the worth [EUR/year] that was claimed."""
    blocks, worth, gap = answer
    homes = [graph.homes[b].sum() for b in blocks]
    return {
        "areas": len(blocks),
        "in_band": sum(ASK.low_homes <= h <= ASK.high_homes for h in homes),
        "not_contiguous": sum(_pieces(graph, b) > 1 for b in blocks),
        "objective": round(worth, 1),
        "gap": gap if np.isfinite(gap) else None,
    }


def _pieces(graph: AreaGraph, members: np.ndarray) -> int:
    inside = np.zeros(len(graph), bool)
    inside[members] = True
    keep = inside[graph.a] & inside[graph.b] & graph.passable
    net = coo_matrix((np.ones(keep.sum()), (graph.a[keep], graph.b[keep])), shape=(len(graph), len(graph)))
    return len(np.unique(connected_components(net, directed=False)[1][members]))


def measured(name: str, graph: AreaGraph, answers: Path | None, pipe: object) -> None:
    """Warm up, run one tool, and send its row."""
    if name in PEERS:
        tool, package = PEERS[name]
        importlib.import_module(package)
        given: object = Town(walk_graph(graph).matrix(), graph.homes, graph.xy)
    else:
        tool, given = {**OURS, **QUESTIONS}[name], graph
        _warm_up()
    wall, cpu = time.perf_counter(), time.process_time()
    answer = tool(given)  # type: ignore[operator]
    row: dict[str, object] = {
        "seconds": round(time.perf_counter() - wall, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
    }
    row["peak_mib"] = _peak_mib()
    row |= judged_best(graph, answer) if name in QUESTIONS else judged(graph, answer)
    if answers:
        _write(answers / f"{name.replace(' ', '_')}.csv", name, answer)
    pipe.send(row)  # type: ignore[attr-defined]


def _peak_mib() -> int:
    """Most memory that this process has held [MiB]; `ru_maxrss` would count the process that started it as well."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024)


def _write(target: Path, name: str, answer: object) -> None:
    if name in QUESTIONS:
        parts = [pd.DataFrame({"area": k, "unit": blocks}) for k, blocks in enumerate(answer[0])]  # type: ignore[index]
        pd.concat(parts).to_csv(target, index=False)
    else:
        pd.DataFrame({"unit": np.arange(len(answer)), "area": answer}).to_csv(target, index=False)  # type: ignore[arg-type]


def _warm_up() -> None:
    """Load and compile on a small invented town: 400 blocks of 12 homes, a canal with two bridges."""
    side = 20
    unit = np.arange(side * side)
    x, y = unit % side, unit // side
    a = np.r_[unit[x < side - 1], unit[y < side - 1]]
    b = np.r_[unit[x < side - 1] + 1, unit[y < side - 1] + side]
    wet = (x[a] == 9) & (x[b] == 10)
    town = graph_from_arrays(
        homes=np.full(len(unit), 12),
        value=np.random.default_rng(0).uniform(2e3, 6e3, len(unit)),
        owned=np.full(len(unit), np.nan),
        xy=np.c_[x, y] * 60.0,
        buurt=y // 7,
        ext=np.zeros(len(unit)),
        borders=Borders(
            a,
            b,
            np.full(len(a), 60.0),
            np.where(wet, 3.0, 60.0),
            np.where(wet, "water", "local"),
            ~wet | (y[a] % 10 == 3),
        ),
    )
    quick = PartitionEffort(steps=2, rounds=0.05, local_steps=50)
    partition(town, target_homes=TARGET, low_homes=LOW, high_homes=HIGH, effort=quick)
    for effort in (
        Effort(restarts=1, steps=100, remaining=lambda: 0.0),
        Effort(restarts=1, steps=100, windows=2, nodes=50),
    ):
        best_around(town, centre=210, question=ASK, effort=effort)
        best_areas(town, count=1, question=ASK, effort=effort)


def run_tool(
    instance: str, name: str, graph: AreaGraph, limit_s: float, answers: Path | None = None
) -> dict[str, object]:
    """Run one tool in its own process; a tool that fails or takes too long gets a row that says so."""
    row: dict[str, object] = {"instance": instance, "tool": name, "question": "partition"}
    if name in QUESTIONS:
        row |= {"tool": "kansenkaart", "question": name}
    if answers:
        (answers := answers / instance).mkdir(parents=True, exist_ok=True)
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=measured, args=(name, graph, answers, there))
    process.start()
    there.close()
    try:
        got = here.recv() if here.poll(limit_s) else {"failed": f"no answer in {limit_s:g} s"}
    except EOFError:
        got = {"failed": "ended without an answer"}
    if process.is_alive() and "failed" in got:
        process.kill()
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
    ask.add_argument("--answers", type=Path, help="folder to write each answer to")
    ask.add_argument(
        "--studies", type=Path, nargs="*", default=[], help="processed folders of studies: best area or chance"
    )
    got = ask.parse_args()
    os.environ["SHAPE_RESTORE_SHX"] = "YES"
    instances = {got.city.stem: read_city(got.city)}
    if got.addresses:
        start = time.process_time()
        instances[got.addresses.stem] = read_addresses(got.addresses)
        print(f"blocks of {got.addresses.stem}: {time.process_time() - start:.1f} CPU s")
    rows = [against_chance(folder, seconds=60.0) for folder in got.studies]
    for instance, graph in instances.items():
        print(f"{instance}: {len(graph)} blocks, {graph.homes.sum()} homes")
        for name in [*OURS, *PEERS, *QUESTIONS]:
            if got.only not in name:
                continue
            if name in PEERS and importlib.util.find_spec(PEERS[name][1]) is None:
                print(f"{name}: not installed")
                continue
            rows.append(run_tool(instance, name, graph, got.limit, got.answers))
            print("  ".join(f"{k}={v}" for k, v in rows[-1].items()), flush=True)
    print(json.dumps(rows, default=float))


if __name__ == "__main__":
    main()
