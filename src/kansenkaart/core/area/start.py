"""Where a partition starts: how many areas each walkable piece gets, and a METIS division made contiguous [1]_.

References
----------
.. [1] Karypis and Kumar (1998), A fast and high quality multilevel scheme for partitioning irregular graphs,
   doi:10.1137/S1064827595287997.
"""

from __future__ import annotations

import numpy as np
import pymetis
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from kansenkaart.core.area.graph import AreaGraph
from kansenkaart.core.area.kernel import Floats, Ints

# METIS weighs borders in whole numbers: tenths of a metre.
_PER_METRE = 10


def walk_rows(graph: AreaGraph) -> tuple[Ints, Ints, Floats]:
    """Compressed rows over passable borders: pointers, neighbours, weights [m]; parallel borders are summed."""
    use = graph.passable
    a, b, w = graph.a[use], graph.b[use], graph.weight[use]
    shape = (len(graph), len(graph))
    matrix = coo_matrix((np.r_[w, w], (np.r_[a, b], np.r_[b, a])), shape=shape).tocsr()
    matrix.sort_indices()
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(np.float64)


def areas_in(homes: Ints, *, target: int, low: int, high: int) -> int:
    """How many areas a connected piece is divided into: near the target, in the band on average where that can be."""
    rest = int(homes.sum())
    count = max(1, round(rest / target))
    while count > 1 and rest / count < low:
        count -= 1
    if rest / count > high and rest / (count + 1) >= low:
        count += 1
    return min(count, len(homes))


def start_labels(rows: tuple[Ints, Ints, Floats], homes: Ints, *, count: int, seed: int) -> Ints:
    """Divide one connected piece into contiguous parts of about equal homes: METIS, then its loose bits moved over."""
    indptr, nbr, weight = rows
    if count == 1 or len(homes) == 1:
        return np.zeros(len(homes), np.int64)
    if count >= len(homes):
        return np.arange(len(homes), dtype=np.int64)
    _, part = pymetis.part_graph(
        count,
        pymetis.CSRAdjacency(adj_starts=indptr, adjacent=nbr),
        eweights=np.maximum(1, np.round(weight * _PER_METRE)).astype(np.int64),
        vweights=homes,
        recursive=True,
        options=pymetis.Options(seed=seed),
    )
    return make_contiguous(rows, homes, np.asarray(part, np.int64))


def make_contiguous(rows: tuple[Ints, Ints, Floats], homes: Ints, label: Ints) -> Ints:
    """Give each loose bit of a part to the neighbour that it shares most border with; numbers close up."""
    indptr, nbr, weight = rows
    n = len(homes)
    tail = np.repeat(np.arange(n), np.diff(indptr))
    label = label.copy()
    while True:
        same = label[tail] == label[nbr]
        matrix = coo_matrix((np.ones(same.sum(), np.int8), (tail[same], nbr[same])), shape=(n, n))
        pieces, piece = connected_components(matrix, directed=False)
        size = np.bincount(piece, homes + 1.0 / n, minlength=pieces)
        of_piece = np.zeros(pieces, np.int64)
        of_piece[piece] = label
        order = np.lexsort((-size, of_piece))
        loose = order[1:][of_piece[order[1:]] == of_piece[order[:-1]]]
        if not len(loose):
            return np.unique(label, return_inverse=True)[1].astype(np.int64)
        smallest = loose[np.argmin(size[loose])]
        touch = (piece[tail] == smallest) & (piece[nbr] != smallest)
        shared = np.bincount(label[nbr[touch]], weight[touch] + 1.0 / n)
        label[piece == smallest] = int(np.argmax(shared))


def with_giants(rows: tuple[Ints, Ints, Floats], homes: Ints, *, bounds: tuple[int, int, int], seed: int) -> Ints:
    """Divide one connected piece to start from, in which a block that fills an area by itself is one.

    Parameters
    ----------
    rows : tuple[Ints, Ints, Floats]
        Compressed rows of the piece.
    homes : Ints
        Homes per block [home].
    bounds : tuple[int, int, int]
        Target, low and high [home].
    seed : int
        Same seed, same start.

    Returns
    -------
    Ints
        Area per block. What lies between giants and is too small for an area joins the neighbour it shares most with.
    """
    target, low, high = bounds
    giant = homes >= high
    if not giant.any():
        return start_labels(rows, homes, count=areas_in(homes, target=target, low=low, high=high), seed=seed)
    label = np.full(len(homes), -1, np.int64)
    label[giant] = np.arange(giant.sum())
    matrix = csr_matrix((rows[2], rows[1], rows[0]), shape=(len(homes), len(homes)))
    rest = np.flatnonzero(~giant)
    pieces, piece = connected_components(matrix[rest][:, rest], directed=False)
    for number in range(pieces):
        blocks = rest[piece == number]
        if homes[blocks].sum() < low:
            continue
        sub = matrix[blocks][:, blocks].sorted_indices()
        arrays = sub.indptr.astype(np.int64), sub.indices.astype(np.int64), sub.data.astype(np.float64)
        count = areas_in(homes[blocks], target=target, low=low, high=high)
        label[blocks] = label.max() + 1 + start_labels(arrays, homes[blocks], count=count, seed=seed)
    return _left_over(matrix, label)


def _left_over(matrix: csr_matrix, label: Ints) -> Ints:
    """Spread the labels over the blocks that have none, each time where most border is shared."""
    tail = np.repeat(np.arange(len(label)), np.diff(matrix.indptr))
    while (label < 0).any():
        reach = np.flatnonzero((label[tail] < 0) & (label[matrix.indices] >= 0))
        best = reach[np.argmax(matrix.data[reach])]
        label[tail[best]] = label[matrix.indices[best]]
    return label
