"""Partitions to start from: METIS in about equal homes, made contiguous, with a large block as an area by itself."""

from __future__ import annotations

import numpy as np
import pymetis
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from kansenkaart.core.area.graph import WalkGraph
from kansenkaart.kernel import Ints

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
        A connected piece.
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
