"""Where a partition starts: how many areas each walkable piece gets, and a METIS division made contiguous [1]_.

References
----------
.. [1] Karypis and Kumar (1998), A fast and high quality multilevel scheme for partitioning irregular graphs,
   doi:10.1137/S1064827595287997.
"""

from __future__ import annotations

import numpy as np
import pymetis
from scipy.sparse import coo_matrix
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
    """How many areas a connected piece is divided into: near the target, in the band on average where that can be.

    A block that fills an area by itself takes one; what is left is divided.
    """
    alone = homes >= high
    rest = int(homes[~alone].sum())
    count = max(1, round(rest / target))
    while count > 1 and rest / count < low:
        count -= 1
    if rest / count > high and rest / (count + 1) >= low:
        count += 1
    if not alone.any():
        return min(count, len(homes))
    return min(int(alone.sum()) + (count if rest >= low else 0), len(homes))


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
