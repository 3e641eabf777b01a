"""A whole wijk or municipality divided into areas of about 330 homes, with as little border as possible cut.

    METIS start --> annealing of the whole --> many of a few neighbouring areas at a time --+--> the shortest of all
    another METIS start --> the same -------------------------------------------------------+

A shorter border of one neighbourhood does not depend on the other side of town; so the second stage anneals eight to
twenty neighbouring areas at a time and keeps what is shorter, which a run over the whole rarely finds everywhere at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from kansenkaart.core.area.graph import AreaGraph, WalkGraph, walk_graph
from kansenkaart.core.area.grouping import areas_in, with_giants
from kansenkaart.core.area.recombine import Cooling, anneal_partition, cut_of
from kansenkaart.errors import ConfigError, InfeasibleError
from kansenkaart.kernel import Ints

_BRIEF = 16  # an annealing around areas out of band is so many times shorter than one for a shorter border (guess)


def _no_limit() -> float:
    return 1e9


@dataclass(frozen=True)
class PartitionEffort:
    """How hard to look; the defaults take about a second for 2,500 blocks.

    Parameters
    ----------
    steps : int
        Proposals per block in the annealing of the whole [1].
    starts, most_starts : int
        Times that the whole is annealed from another METIS start and improved; and how often at most while areas are out
        of band that are not proven to be, where there are no more areas than are annealed together [1].
    rounds : float
        Annealings of a few neighbouring areas, per area, after each start [1].
    local_steps : int
        Proposals per area in each of them [1].
    redraw : tuple[int, int]
        Proposals between two recombinations, of the whole and of a few areas [1].
    heats : tuple[float, float, float]
        Temperature of the whole, of a few areas, and at the end [m of weighted border].
    together : tuple[int, int]
        How many neighbouring areas are annealed at a time, from and to [1].
    mends : float
        Annealings around areas that are out of band after all starts, at most, per area (guess) [1].
    seed : int
        Same seed, same partition.
    remaining : Callable[[], float]
        Time left [s]; no new round begins when it is gone.
    """

    starts: int = 1
    most_starts: int = 24
    steps: int = 400
    rounds: float = 0.06
    local_steps: int = 50_000
    redraw: tuple[int, int] = (10, 40)
    heats: tuple[float, float, float] = (70.0, 60.0, 6.0)
    together: tuple[int, int] = (8, 20)
    mends: float = 5.0
    seed: int = 0
    remaining: Callable[[], float] = _no_limit


class Why(NamedTuple):
    """Why an area is out of band: ``island``, ``giant``, ``indivisible`` (all proven), ``not_met`` or nothing.

    `homes` are those of the island, of the largest block, or of the connected part that cannot be divided [home];
    `tries` says how often a division in the band was tried: starts, and annealings around areas out of band [1].
    """

    kind: str
    homes: int
    tries: int

    @property
    def proven(self) -> bool:
        """Whether no division of these blocks has this area in band, or it is in band."""
        return self.kind != "not_met"


@dataclass(frozen=True, eq=False)
class Partition:
    """Areas that hold every block once, but for the scattered ones.

    Parameters
    ----------
    label : Ints
        Area per block, numbered from 0; -1 where a block lies scattered: it is in no area.
    homes : Ints
        Homes per area [home].
    low, high : Ints
        Band that the area meets [home]: the band asked for, or the widened one.
    why : list[Why]
        Per area why its band was widened.
    cut_m : float
        Weighted length of the passable borders between areas [m].
    """

    label: Ints
    homes: Ints
    low: Ints
    high: Ints
    why: list[Why]
    cut_m: float


def partition(
    graph: AreaGraph,
    *,
    target_homes: int = 330,
    low_homes: int = 300,
    high_homes: int = 360,
    least_homes: int = 0,
    effort: PartitionEffort | None = None,
) -> Partition:
    """Divide all blocks into contiguous areas in the band.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    target_homes, low_homes, high_homes : int
        Homes aimed at and their band [home].
    least_homes : int
        A part of fewer homes that nothing connects to the rest lies scattered, and is in no area [home].
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
        Fewer homes than one area needs, or all of them scattered.
    """
    if not 0 < low_homes <= target_homes <= high_homes:
        raise ConfigError(
            "a band around the target", found=f"{low_homes} <= {target_homes} <= {high_homes}", where="homes"
        )
    if (total := int(graph.homes.sum())) < low_homes:
        raise InfeasibleError(
            f"at least {low_homes} homes",
            found=f"{total} homes in all",
            where="the whole place",
            remedy="lower the band of homes, or take a larger place",
        )
    effort = effort or PartitionEffort()
    walk, piece = walk_graph(graph), graph.pieces()
    in_piece = np.bincount(piece, graph.homes).astype(np.int64)
    if in_piece.max() < least_homes:
        raise InfeasibleError(
            f"a connected part of at least {least_homes} homes",
            found=f"{int(in_piece.max())} homes in the largest",
            where="the whole place",
            remedy="add the streets or bridges that are missing, or take a larger place",
        )
    label, tries = np.full(len(graph), -1, np.int64), np.zeros(len(in_piece), np.int64)
    for number in np.flatnonzero(in_piece >= least_homes):
        blocks = np.flatnonzero(piece == number)
        part, tries[number] = _divide(walk.part(blocks), (target_homes, low_homes, high_homes), effort)
        label[blocks] = part + label.max() + 1
    return _described(graph, label, (low_homes, high_homes), (piece, in_piece, tries))


def _divide(walk: WalkGraph, bounds: tuple[int, int, int], effort: PartitionEffort) -> tuple[Ints, int]:
    """Divide one connected piece; return its areas and the number of tries."""
    band = (bounds[1], bounds[2])
    least = _least_misses(walk.homes, band)
    best: Ints | None = None
    turn = 0
    # Another start may bring a few areas into the band all at once, never very many: those are mended below.
    many = bool(walk.homes.sum() > effort.together[1] * bounds[0])
    most = effort.starts if many else effort.most_starts
    while best is None or turn < effort.starts or (turn < most and _misses(best, walk.homes, band) > least):
        label = _annealed(walk, bounds, effort, turn)
        if int(label.max()) > 0:
            label = _improve_locally(walk, label, effort, band, turn)
        elif _misses(label, walk.homes, band) <= least:
            return label, turn + 1
        if best is None or _better(walk, label, best, band):
            best = label
        turn += 1
        if effort.remaining() <= 0:
            break
    best, mended = _mended(walk, best, effort, band, least) if many else (best, 0)
    return best, turn + mended


def _mended(
    walk: WalkGraph, label: Ints, effort: PartitionEffort, band: tuple[int, int], least: int
) -> tuple[Ints, int]:
    """Anneal briefly around areas out of band, until none is that need not be; return the areas and the number of tries."""
    areas, tail, rng = int(label.max()) + 1, walk.tails(), np.random.default_rng(effort.seed)
    brief = replace(effort, local_steps=effort.local_steps // _BRIEF)
    tries = round(effort.mends * areas)
    for turn in range(tries):
        if _misses(label, walk.homes, band) <= least or effort.remaining() <= 0:
            return label, turn
        total = np.bincount(label, walk.homes)
        outside = np.flatnonzero((total < band[0]) | (total > band[1]))
        chosen = _neighbourhood(_area_graph(walk, tail, label, areas), rng, effort.together, outside)
        trial = _anneal_some(walk, label, chosen, brief, band, turn + 1)
        if _better(walk, trial, label, band):
            label = trial
    return label, tries


def divisible(homes: int, band: tuple[int, int]) -> bool:
    """Whether a number of homes is the sum of some areas in the band, however they lie.

    Parameters
    ----------
    homes : int
        Homes of a connected part [home].
    band : tuple[int, int]
        Least and most homes of an area [home].

    Returns
    -------
    bool
        True where a whole number k has k x low <= homes <= k x high.
    """
    return (homes // band[0]) * band[1] >= homes


def _least_misses(homes: Ints, band: tuple[int, int]) -> int:
    """Homes that any division of a connected part is out of band at least [home]."""
    total, most = int(homes.sum()), int(np.maximum(0, homes - band[1]).sum())
    if most or divisible(total, band):
        return most
    count = total // band[0]
    return min(total - count * band[1], (count + 1) * band[0] - total)


def _annealed(walk: WalkGraph, bounds: tuple[int, int, int], effort: PartitionEffort, turn: int) -> Ints:
    """Divide with METIS and anneal the whole."""
    count = areas_in(walk.homes, target=bounds[0], low=bounds[1], high=bounds[2])
    if turn >= effort.starts:  # the band was not met: try one more or one less as well
        count = max(1, count + (0, 1, -1)[(turn - effort.starts) % 3])
    label = with_giants(walk, bounds=bounds, count=count, seed=effort.seed + turn)
    if (areas := int(label.max()) + 1) > 1:
        steps = max(1024, effort.steps * len(walk.homes))
        cooling = Cooling(effort.heats[0], effort.heats[2], steps, effort.redraw[0])
        anneal_partition(walk, label, _bands((bounds[1], bounds[2]), areas), cooling, effort.seed + turn)
    return label


def _bands(band: tuple[int, int], areas: int) -> tuple[Ints, Ints]:
    """Give every area the same band [home]."""
    return np.full(areas, band[0], np.int64), np.full(areas, band[1], np.int64)


def _improve_locally(walk: WalkGraph, label: Ints, effort: PartitionEffort, band: tuple[int, int], start: int) -> Ints:
    """Anneal a few neighbouring areas at a time and keep what is shorter."""
    areas, tail = int(label.max()) + 1, walk.tails()
    first = (effort.seed * 1_009 + start) * 1_000_003
    rng = np.random.default_rng(first)
    for turn in range(round(effort.rounds * areas)):
        if effort.remaining() <= 0:
            break
        chosen = _neighbourhood(_area_graph(walk, tail, label, areas), rng, effort.together)
        trial = _anneal_some(walk, label, chosen, effort, band, (first + turn + 1) % (2**31))
        rng.random()  # drawn by earlier versions: without it every area of every edition would move
        if _better(walk, trial, label, band):
            label = trial
    return label


def _better(walk: WalkGraph, trial: Ints, label: Ints, band: tuple[int, int]) -> bool:
    """Whether a partition misses the band by fewer homes than another, or by as many with less cut."""
    was, now = _misses(label, walk.homes, band), _misses(trial, walk.homes, band)
    return now < was or (now == was and cut_of(walk, trial) < cut_of(walk, label) - 1e-9)


def _misses(label: Ints, homes: Ints, band: tuple[int, int]) -> int:
    total = np.bincount(label, homes).astype(np.int64)
    return int((np.maximum(0, band[0] - total) + np.maximum(0, total - band[1])).sum())


def _anneal_some(
    walk: WalkGraph, label: Ints, chosen: Ints, effort: PartitionEffort, band: tuple[int, int], seed: int
) -> Ints:
    """Anneal the chosen areas among themselves; return the whole partition."""
    place = np.full(int(label.max()) + 1, -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    blocks = np.flatnonzero(place[label] >= 0)
    some = place[label[blocks]]
    steps = max(1024, effort.local_steps * len(chosen))
    cooling = Cooling(effort.heats[1], effort.heats[2], steps, effort.redraw[1])
    anneal_partition(walk.part(blocks), some, _bands(band, len(chosen)), cooling, seed)
    trial = label.copy()
    trial[blocks] = chosen[some]
    return trial


def _neighbourhood(
    borders: csr_matrix, rng: np.random.Generator, together: tuple[int, int], among: Ints | None = None
) -> Ints:
    """Pick an area at random, of some, and others around it, the likelier the longer the border they share."""
    areas = borders.shape[0]
    chosen = [int(rng.integers(areas)) if among is None else int(among[rng.integers(len(among))])]
    wanted = min(areas, int(rng.integers(together[0], together[1] + 1)))
    around = np.zeros(areas)
    while len(chosen) < wanted:
        last = slice(borders.indptr[chosen[-1]], borders.indptr[chosen[-1] + 1])
        around[borders.indices[last]] += borders.data[last]
        pull = around.copy()
        pull[chosen] = 0
        if pull.sum() == 0:
            break
        chosen.append(int(rng.choice(areas, p=pull / pull.sum())))
    return np.sort(np.array(chosen, np.int64))


def _area_graph(walk: WalkGraph, tail: Ints, label: Ints, areas: int) -> csr_matrix:
    """Weighted border between areas [m]."""
    cut = label[tail] != label[walk.nbr]
    weight = walk.weight[cut] + 1e-9
    return coo_matrix((weight, (label[tail[cut]], label[walk.nbr[cut]])), shape=(areas, areas)).tocsr()


def _described(graph: AreaGraph, label: Ints, band: tuple[int, int], parts: tuple[Ints, Ints, Ints]) -> Partition:
    """Put the areas in the order of their first block, and say why the band had to give way."""
    piece, in_piece, tries = parts
    inside = label >= 0
    order = np.unique(label[inside], return_index=True)[1]
    rank = np.empty(len(order), np.int64)
    rank[np.argsort(order)] = np.arange(len(order))
    label = np.where(inside, rank[label], -1)
    total = np.bincount(label[inside], graph.homes[inside]).astype(np.int64)
    largest, of_area = np.zeros(len(total), np.int64), np.zeros(len(total), np.int64)
    np.maximum.at(largest, label[inside], graph.homes[inside])
    of_area[label[inside]] = piece[inside]
    why = [
        _why(int(homes), int(block), int(in_piece[number]), band, int(tries[number]))
        for homes, block, number in zip(total, largest, of_area, strict=True)
    ]
    return Partition(
        label=label,
        homes=total,
        low=np.minimum(band[0], total),
        high=np.maximum(band[1], total),
        why=why,
        cut_m=graph.cut_weight(label),
    )


def _why(homes: int, largest: int, in_piece: int, band: tuple[int, int], tries: int) -> Why:
    """Give the proof that an area is out of band, or the number of tries where there is none."""
    low, high = band
    if low <= homes <= high:
        return Why("", homes, tries)
    if in_piece < low:
        return Why("island", in_piece, tries)
    if homes > high and largest > high:
        return Why("giant", largest, tries)
    if not divisible(in_piece, band):
        return Why("indivisible", in_piece, tries)
    return Why("not_met", in_piece, tries)
