"""Groups of neighbours: joined, merged by their ties, or divided in contiguous parts of about equal homes."""

from __future__ import annotations

import heapq

import numpy as np
import pymetis
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from kansenkaart.core.area.graph import WalkGraph
from kansenkaart.kernel import Floats, Ints


def joined(n: int, i: Ints, j: Ints) -> Ints:
    """Return the group of each of n things that the pairs (i, j) join.

    Parameters
    ----------
    n : int
        How many things [1].
    i, j : Ints
        Both sides of each pair.
    """
    matrix = coo_matrix((np.ones(len(i), np.int8), (i, j)), shape=(n, n))
    return connected_components(matrix, directed=False)[1].astype(np.int64)


def divided(group: Ints, homes: Ints, pairs: tuple[Ints, Ints, Floats], *, most: int) -> Ints:
    """Divide by building every group of more than `most` homes [home] into contiguous parts of about equal homes.

    A building of more than `most` homes becomes a part by itself.

    Parameters
    ----------
    group, homes : Ints
        Group and homes [home] of each building.
    pairs : tuple[Ints, Ints, Floats]
        Neighbouring buildings and the length of land that they share [m].
    most : int
        Homes above which a group is divided [home].
    """
    i, j, length = pairs
    group = np.where(homes > most, group.max() + 1 + np.arange(len(homes)), group)
    group = np.unique(group, return_inverse=True)[1].astype(np.int64)
    total = np.bincount(group, homes)
    inner = group[i] == group[j]
    i, j, length = i[inner], j[inner], length[inner]
    order = np.argsort(group[i], kind="stable")
    first = np.searchsorted(group[i][order], np.arange(len(total) + 1))
    place, following = np.full(len(homes), -1, np.int64), int(group.max()) + 1
    for number in np.flatnonzero(total > most):
        members = np.flatnonzero(group == number)
        if len(members) == 1:
            continue
        place[members] = np.arange(len(members))
        mine = order[first[number] : first[number + 1]]
        a, b, w = place[i[mine]], place[j[mine]], length[mine]
        borders = coo_matrix((np.r_[w, w], (np.r_[a, b], np.r_[b, a])), shape=(len(members), len(members)))
        walk = WalkGraph.of(borders.tocsr(), homes[members])
        part = start_labels(walk, count=int(np.ceil(total[number] / most)), seed=0)
        group[members[part > 0]] = following + part[part > 0] - 1
        following += int(part.max())
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def fewest(homes: Ints, pairs: tuple[Ints, Ints, Floats], *, most: int) -> Ints:
    """Put neighbours in as few contiguous groups of about equal homes as hold no more than `most` homes each [home].

    One of more than `most` homes is a group by itself, or with neighbours that have none.

    Parameters
    ----------
    homes : Ints
        Homes of each thing [home].
    pairs : tuple[Ints, Ints, Floats]
        Neighbours, each pair once, and the length of the border that they share [m]; all hang together.
    most : int
        Homes that a group holds at most [home].

    Returns
    -------
    Ints
        Group of each thing, numbered from 0 by its first one.
    """
    i, j, length = pairs
    ties = (np.r_[length, length], (np.r_[i, j], np.r_[j, i]))
    walk = WalkGraph.of(coo_matrix(ties, shape=(len(homes), len(homes))).tocsr(), homes)
    allowed = max(most, int(homes.max()))
    least = max(1, min(int(np.ceil(homes.sum() / most)), len(homes)))
    for count in range(least, len(homes) + 1):
        label = start_labels(walk, count=count, seed=0)
        if np.bincount(label, homes).max() <= allowed:
            break
    _, first, number = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number].astype(np.int64)


def agglomerated(
    homes: Ints, pairs: tuple[Ints, Ints, Floats], apart: tuple[Ints, Ints], *, aim: int, alone: int
) -> Ints:
    """Merge neighbours, those with the strongest tie first, while together they have no more than `aim` homes.

    Parameters
    ----------
    homes : Ints
        Homes per thing [home].
    pairs : tuple[Ints, Ints, Floats]
        Neighbours and the strength of their tie (larger = rather one block) [1].
    apart : tuple[Ints, Ints]
        Things that never come in one block: a street lies between.
    aim, alone : int
        Homes that a block is merged up to, and from which a thing stays alone [home]. Things without homes go with
        the neighbour that they are tied to most.

    Returns
    -------
    Ints
        Block per thing.
    """
    n = len(homes)
    parent, size = np.arange(n), homes.astype(np.int64).copy()
    ties: list[dict[int, float]] = [{} for _ in range(n)]
    for i, j, tie in zip(*(part.tolist() for part in pairs), strict=True):
        ties[i][j] = ties[j][i] = ties[i].get(j, 0.0) + tie
    foes: list[set[int]] = [set() for _ in range(n)]
    for i, j in zip(*(part.tolist() for part in apart), strict=True):
        if i != j:
            foes[i].add(j)
            foes[j].add(i)
    heap = [(-tie, i, j) for i, row in enumerate(ties) for j, tie in row.items() if i < j]
    heapq.heapify(heap)
    while heap:
        tie, i, j = heapq.heappop(heap)
        if parent[i] != i or parent[j] != j or ties[i].get(j) != -tie:
            continue
        if j in foes[i] or not _may_join(size[i], size[j], aim, alone):
            continue
        keep, gone = (i, j) if len(ties[i]) >= len(ties[j]) else (j, i)
        parent[gone] = keep
        size[keep] += size[gone]
        for other in foes[gone]:
            foes[other].add(keep)
        foes[keep] |= foes[gone]
        del ties[keep][gone]
        for other, more in ties[gone].items():
            if other != keep:
                del ties[other][gone]
                ties[keep][other] = ties[other][keep] = ties[keep].get(other, 0.0) + more
                heapq.heappush(heap, (-ties[keep][other], min(keep, other), max(keep, other)))
        ties[gone] = {}
    return _roots(parent)


def _may_join(first: int, second: int, aim: int, alone: int) -> bool:
    if first == 0 or second == 0:
        return True
    return bool(first < alone and second < alone and first + second <= aim)


def _roots(parent: Ints) -> Ints:
    while not (parent[parent] == parent).all():
        parent = parent[parent]
    return np.unique(parent, return_inverse=True)[1].astype(np.int64)


# METIS weighs borders in whole numbers: tenths of a metre.
_PER_METRE = 10


def areas_in(homes: Ints, *, target: int, low: int, high: int) -> int:
    """How many areas a connected piece is divided into: near the target, in the band on average where that can be.

    Parameters
    ----------
    homes : Ints
        Homes per block [home].
    target, low, high : int
        Homes aimed at and their band [home].

    Returns
    -------
    int
        At least 1, at most the number of blocks [1].
    """
    total = int(homes.sum())
    count = max(1, round(total / target))
    while count > 1 and total / count < low:
        count -= 1
    if total / count > high and total / (count + 1) >= low:
        count += 1
    return min(count, len(homes))


def start_labels(walk: WalkGraph, *, count: int, seed: int) -> Ints:
    """Divide one connected piece into contiguous parts of about equal homes: METIS, then its loose bits moved over.

    Parameters
    ----------
    walk : WalkGraph
        The piece.
    count : int
        Number of parts [1].
    seed : int
        Same seed, same parts.

    Returns
    -------
    Ints
        Part per block, numbered from 0; there may be fewer than asked for.
    """
    n = len(walk.homes)
    if count == 1 or n == 1:
        return np.zeros(n, np.int64)
    if count >= n:
        return np.arange(n, dtype=np.int64)
    _, part = pymetis.part_graph(
        count,
        pymetis.CSRAdjacency(adj_starts=walk.indptr, adjacent=walk.nbr),
        eweights=np.maximum(1, np.round(walk.weight * _PER_METRE)).astype(np.int64),
        vweights=walk.homes,
        recursive=True,
        options=pymetis.Options(seed=seed),
    )
    return make_contiguous(walk, np.asarray(part, np.int64))


def make_contiguous(walk: WalkGraph, label: Ints) -> Ints:
    """Give each loose bit of a part to the neighbour that it shares most border with; numbers close up.

    Parameters
    ----------
    walk : WalkGraph
        A piece; a bit of it that borders on nothing becomes a part by itself.
    label : Ints
        Part per block.

    Returns
    -------
    Ints
        Part per block, each in one piece.
    """
    n, tail, label = len(walk.homes), walk.tails(), label.copy()
    while True:
        same = label[tail] == label[walk.nbr]
        matrix = coo_matrix((np.ones(same.sum(), np.int8), (tail[same], walk.nbr[same])), shape=(n, n))
        pieces, piece = connected_components(matrix, directed=False)
        size = np.bincount(piece, walk.homes + 1.0 / n, minlength=pieces)
        of_piece = np.zeros(pieces, np.int64)
        of_piece[piece] = label
        order = np.lexsort((-size, of_piece))
        loose = order[1:][of_piece[order[1:]] == of_piece[order[:-1]]]
        if not len(loose):
            return np.unique(label, return_inverse=True)[1].astype(np.int64)
        smallest = loose[np.argmin(size[loose])]
        touch = (piece[tail] == smallest) & (piece[walk.nbr] != smallest)
        if not touch.any():  # an island: where a large building was taken out from between, say
            label[piece == smallest] = label.max() + 1
            continue
        shared = np.bincount(label[walk.nbr[touch]], walk.weight[touch] + 1.0 / n)
        label[piece == smallest] = int(np.argmax(shared))


def with_giants(walk: WalkGraph, *, bounds: tuple[int, int, int], count: int, seed: int) -> Ints:
    """Divide one connected piece to start from, in which a block that fills an area by itself is one.

    Parameters
    ----------
    walk : WalkGraph
        The piece.
    bounds : tuple[int, int, int]
        Target, low and high [home].
    count : int
        Areas to make where no block fills one by itself [1].
    seed : int
        Same seed, same start.

    Returns
    -------
    Ints
        Area per block. What lies between giants and is too small for an area joins the neighbour it shares most with.
    """
    target, low, high = bounds
    homes, giant = walk.homes, walk.homes >= high
    if not giant.any():
        return start_labels(walk, count=min(count, len(homes)), seed=seed)
    label = np.full(len(homes), -1, np.int64)
    label[giant] = np.arange(giant.sum())
    small = np.flatnonzero(~giant)
    pieces, piece = connected_components(walk.part(small).matrix(), directed=False)
    for number in range(pieces):
        blocks = small[piece == number]
        if homes[blocks].sum() < low:
            continue
        count = areas_in(homes[blocks], target=target, low=low, high=high)
        label[blocks] = label.max() + 1 + start_labels(walk.part(blocks), count=count, seed=seed)
    return _spread(walk, label)


def _spread(walk: WalkGraph, label: Ints) -> Ints:
    """Spread the labels over the blocks that have none, each time where most border is shared."""
    tail = walk.tails()
    while (label < 0).any():
        reach = np.flatnonzero((label[tail] < 0) & (label[walk.nbr] >= 0))
        best = reach[np.argmax(walk.weight[reach])]
        label[tail[best]] = label[walk.nbr[best]]
    return label
