"""A whole wijk or municipality divided into areas of about 330 homes, with as little border as possible cut.

    METIS start --> one annealing of the whole --> many of a few neighbouring areas at a time --> polish over all areas met

A shorter border of one neighbourhood does not depend on the other side of town; so the second stage anneals four to
twelve neighbouring areas at a time and keeps what is shorter, which a run over the whole rarely finds everywhere at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from kansenkaart.core.area.anneal import anneal_partition, cut_of
from kansenkaart.core.area.graph import AreaGraph
from kansenkaart.core.area.kernel import Floats, Ints
from kansenkaart.core.area.polish import Pool
from kansenkaart.core.area.start import walk_rows, with_giants
from kansenkaart.errors import ConfigError, InfeasibleError

Rows = tuple[Ints, Ints, Floats]


def _no_limit() -> float:
    return 1e9


@dataclass(frozen=True)
class PartitionEffort:
    """How hard to look; the defaults take about a second for 2,500 blocks.

    Parameters
    ----------
    steps : int
        Proposals per block in the annealing of the whole [1].
    rounds : int
        Annealings of a few neighbouring areas, per area [1].
    local_steps : int
        Proposals per area in each of them [1].
    redraw : int
        Proposals between two recombinations [1].
    heats : tuple[float, float, float]
        Temperature of the whole, of a few areas, and at the end [m of weighted border].
    polish_s : float
        Time for the polish [s]; 0 = none.
    seed : int
        Same seed, same partition.
    remaining : Callable[[], float]
        Time left [s]; no new round begins when it is gone.
    """

    steps: int = 1_200
    rounds: float = 0.1
    local_steps: int = 75_000
    redraw: int = 40
    heats: tuple[float, float, float] = (70.0, 60.0, 6.0)
    polish_s: float = 0.0
    seed: int = 0
    remaining: Callable[[], float] = _no_limit


@dataclass(frozen=True, eq=False)
class Partition:
    """Areas that hold every block once.

    Parameters
    ----------
    label : Ints
        Area per block, numbered from 0.
    homes : Ints
        Homes per area [home].
    low, high : Ints
        Band that the area meets [home]: the band asked for, or the widened one.
    reason : list[str]
        Per area why its band was widened, in Dutch for readers; empty where it was not.
    cut_m : float
        Weighted length of the passable borders between areas [m].
    """

    label: Ints
    homes: Ints
    low: Ints
    high: Ints
    reason: list[str]
    cut_m: float


def partition(
    graph: AreaGraph,
    *,
    target_homes: int = 330,
    low_homes: int = 300,
    high_homes: int = 360,
    effort: PartitionEffort | None = None,
) -> Partition:
    """Divide all blocks into contiguous areas in the band.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    target_homes, low_homes, high_homes : int
        Homes aimed at and their band [home].
    effort : PartitionEffort, optional
        How hard to look.

    Returns
    -------
    Partition
        An area whose homes cannot be in the band (an island, a gallery flat of 700) has a wider band and says why.

    Raises
    ------
    ConfigError
        A band that does not hold its target.
    InfeasibleError
        Fewer homes than one area needs.
    """
    if not 0 < low_homes <= target_homes <= high_homes:
        raise ConfigError(
            "a band around the target", found=f"{low_homes} <= {target_homes} <= {high_homes}", where="homes"
        )
    if (total := int(graph.homes.sum())) < low_homes:
        raise InfeasibleError(
            f"at least {low_homes} homes", found=f"{total} homes in all", where="the whole place",
            remedy="lower the band of homes, or take a larger place",
        )  # fmt: skip
    effort = effort or PartitionEffort()
    rows = walk_rows(graph)
    piece = graph.pieces()
    label = np.full(len(graph), -1, np.int64)
    for number in range(int(piece.max()) + 1):
        blocks = np.flatnonzero(piece == number)
        bounds = target_homes, low_homes, high_homes
        part = _divide(_sub_rows(rows, blocks), graph.homes[blocks], bounds, effort)
        label[blocks] = part + label.max() + 1
    return _described(graph, label, (low_homes, high_homes), piece)


def _divide(rows: Rows, homes: Ints, bounds: tuple[int, int, int], effort: PartitionEffort) -> Ints:
    """Divide one connected piece."""
    band = bounds[1], bounds[2]
    label = with_giants(rows, homes, bounds=bounds, seed=effort.seed)
    if (areas := int(label.max()) + 1) == 1:
        return label
    bands = np.full(areas, band[0], np.int64), np.full(areas, band[1], np.int64)
    nothing = np.empty((0, len(homes)), np.int64)
    steps = max(1024, effort.steps * len(homes))
    heats = effort.heats[0], effort.heats[2]
    anneal_partition(*rows, homes, label, *bands, heats, steps, effort.redraw, effort.seed, nothing)
    pool = Pool(rows, homes, band)
    pool.add(label)
    label = _improve_locally(rows, homes, label, band, effort, pool)
    return pool.best(label, seconds=min(effort.polish_s, effort.remaining()))


def _improve_locally(
    rows: Rows, homes: Ints, label: Ints, band: tuple[int, int], effort: PartitionEffort, pool: Pool
) -> Ints:
    """Anneal a few neighbouring areas at a time and keep what is shorter."""
    areas = int(label.max()) + 1
    rng = np.random.default_rng(effort.seed)
    tail = np.repeat(np.arange(len(homes)), np.diff(rows[0]))
    for turn in range(round(effort.rounds * areas)):
        if effort.remaining() <= 0:
            break
        chosen = _neighbourhood(_area_graph(rows, tail, label, areas), rng)
        trial = _anneal_some(rows, homes, label, chosen, band, effort, turn)
        if effort.polish_s > 0:
            pool.add(trial)
        if _better(rows, homes, trial, label, band):
            label = trial
    return label


def _better(rows: Rows, homes: Ints, trial: Ints, label: Ints, band: tuple[int, int]) -> bool:
    was, now = _misses(label, homes, band), _misses(trial, homes, band)
    return now < was or (now == was and cut_of(*rows, trial) < cut_of(*rows, label) - 1e-9)


def _misses(label: Ints, homes: Ints, band: tuple[int, int]) -> int:
    total = np.bincount(label, homes).astype(np.int64)
    return int((np.maximum(0, band[0] - total) + np.maximum(0, total - band[1])).sum())


def _anneal_some(
    rows: Rows, homes: Ints, label: Ints, chosen: Ints, band: tuple[int, int], effort: PartitionEffort, turn: int
) -> Ints:
    place = np.full(int(label.max()) + 1, -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    blocks = np.flatnonzero(place[label] >= 0)
    some = place[label[blocks]]
    bands = np.full(len(chosen), band[0], np.int64), np.full(len(chosen), band[1], np.int64)
    steps, heats = max(1024, effort.local_steps * len(chosen)), (effort.heats[1], effort.heats[2])
    nothing = np.empty((0, len(blocks)), np.int64)
    seed = (effort.seed * 1_000_003 + turn + 1) % (2**31)
    anneal_partition(*_sub_rows(rows, blocks), homes[blocks], some, *bands, heats, steps, effort.redraw, seed, nothing)
    trial = label.copy()
    trial[blocks] = chosen[some]
    return trial


def _neighbourhood(borders: csr_matrix, rng: np.random.Generator) -> Ints:
    """Pick an area at random and some around it, the likelier the longer the border they share."""
    areas = borders.shape[0]
    chosen = [int(rng.integers(areas))]
    wanted = min(areas, int(rng.integers(4, 13)))
    while len(chosen) < wanted:
        pull = np.asarray(borders[chosen].sum(axis=0)).ravel()
        pull[chosen] = 0
        if pull.sum() == 0:
            break
        chosen.append(int(rng.choice(areas, p=pull / pull.sum())))
    return np.sort(np.array(chosen, np.int64))


def _area_graph(rows: Rows, tail: Ints, label: Ints, areas: int) -> csr_matrix:
    cut = label[tail] != label[rows[1]]
    weight = rows[2][cut] + 1e-9
    return coo_matrix((weight, (label[tail[cut]], label[rows[1][cut]])), shape=(areas, areas)).tocsr()


def _sub_rows(rows: Rows, blocks: Ints) -> Rows:
    n = len(rows[0]) - 1
    if len(blocks) == n:
        return rows
    matrix = csr_matrix((rows[2], rows[1], rows[0]), shape=(n, n))[blocks][:, blocks].sorted_indices()
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(np.float64)


def _described(graph: AreaGraph, label: Ints, band: tuple[int, int], piece: Ints) -> Partition:
    """Put the areas in the order of their first block, and say where the band had to give way."""
    order = np.unique(label, return_index=True)[1]
    rank = np.empty(len(order), np.int64)
    rank[np.argsort(order)] = np.arange(len(order))
    label = rank[label]
    total = np.bincount(label, graph.homes).astype(np.int64)
    largest = np.zeros(len(total), np.int64)
    np.maximum.at(largest, label, graph.homes)
    in_piece = np.zeros(len(total), np.int64)
    in_piece[label] = np.bincount(piece, graph.homes).astype(np.int64)[piece]
    reason = [_why(int(t), int(m), int(p), band) for t, m, p in zip(total, largest, in_piece, strict=True)]
    return Partition(
        label=label, homes=total, low=np.minimum(band[0], total), high=np.maximum(band[1], total), reason=reason,
        cut_m=graph.cut_weight(label),
    )  # fmt: skip


def _why(total: int, largest: int, in_piece: int, band: tuple[int, int]) -> str:
    low, high = band
    if low <= total <= high:
        return ""
    if in_piece < low:
        return f"eiland van {in_piece} woningen: geen oversteek naar meer"
    if total > high and largest > high:
        return f"één gebouw of blok heeft {largest} woningen"
    if total == in_piece:
        return f"deel van {in_piece} woningen, dat niet in gebieden van de gevraagde maat op te delen is"
    return f"{total} woningen: grote gebouwen of oversteken laten hier geen verdeling binnen de maat toe"
