"""Recombination: merge two neighbouring areas, draw a random spanning tree over them, and cut it in balance [1]_.

Of every tree the cheapest of all balanced cuts is taken, and its two halves then trade border blocks until none pays.

References
----------
.. [1] DeFord, Duchin and Solomon (2021), Recombination: a family of Markov chains for redistricting,
   doi:10.1162/99608f92.eb30390f.
"""

from __future__ import annotations

import numpy as np

from kansenkaart.core.area.kernel import Flags, Floats, Ints, kernel


@kernel
def gather(indptr: Ints, nbr: Ints, label: Ints, start: int, pair: tuple[int, int], members: Ints, place: Ints) -> int:
    """List the blocks of two neighbouring areas from a block of one; `place` must be -1 throughout; return how many."""
    members[0], place[start] = start, 0
    first, count = 0, 1
    while first < count:
        u = members[first]
        first += 1
        for k in range(indptr[u], indptr[u + 1]):
            v = nbr[k]
            if place[v] < 0 and (label[v] == pair[0] or label[v] == pair[1]):
                place[v] = count
                members[count] = v
                count += 1
    return count


@kernel
def grow_tree(
    indptr: Ints, nbr: Ints, weight: Floats, members: Ints, count: int, place: Ints, up: Ints, order: Ints
) -> None:
    """Draw a random spanning tree (Prim, keys random over weight): `up` = parent, `order` = visits."""
    key = np.full(count, np.inf)
    done = np.zeros(count, np.bool_)
    front = np.empty(count, np.int64)
    i, waiting = np.random.randint(0, count), 0  # noqa: NPY002 - the compiled generator
    up[i] = -1
    for visit in range(count):
        done[i] = True
        order[visit] = i
        u = members[i]
        for k in range(indptr[u], indptr[u + 1]):
            j = place[nbr[k]]
            if j >= 0 and not done[j]:
                wish = np.random.random() / (weight[k] + 1e-3)  # noqa: NPY002
                if key[j] == np.inf:
                    front[waiting] = j
                    waiting += 1
                if wish < key[j]:
                    key[j] = wish
                    up[j] = i
        if waiting == 0:
            return
        spot = 0
        for f in range(1, waiting):
            if key[front[f]] < key[front[spot]]:
                spot = f
        i = front[spot]
        waiting -= 1
        front[spot] = front[waiting]


@kernel
def best_tree_cut(
    indptr: Ints, nbr: Ints, weight: Floats, homes: Ints, members: Ints, count: int, place: Ints, up: Ints, order: Ints,
    bands: Floats,
) -> tuple[int, float]:  # fmt: skip
    """Find the tree edge whose cut is cheapest among those that leave both halves in their band.

    A half that hangs below block i cuts the sum of its blocks' weights less twice the borders that meet inside it,
    each counted at the lowest block above both its ends.

    Returns
    -------
    tuple[int, float]
        Place of the block below the cut (-1 where no cut balances) and the weight cut [m].
    """
    depth = np.zeros(count, np.int64)
    for visit in range(1, count):
        depth[order[visit]] = depth[up[order[visit]]] + 1
    below, cut = np.zeros(count, np.int64), np.zeros(count)
    for i in range(count):
        u = members[i]
        below[i] += homes[u]
        for k in range(indptr[u], indptr[u + 1]):
            j = place[nbr[k]]
            if j >= 0:
                cut[i] += weight[k]
                if i < j:
                    p, q = i, j
                    while p != q:
                        if depth[p] >= depth[q]:
                            p = up[p]
                        else:
                            q = up[q]
                    cut[p] -= 2 * weight[k]
    total = 0
    for i in range(count):
        total += below[i]
    best, least = -1, np.inf
    for visit in range(count - 1, 0, -1):
        i = order[visit]
        half = below[i]
        fits = bands[0, 0] <= half <= bands[0, 1] and bands[1, 0] <= total - half <= bands[1, 1]
        if fits and cut[i] < least:
            best, least = i, cut[i]
        below[up[i]] += half
        cut[up[i]] += cut[i]
    return best, least


@kernel
def whole_without(indptr: Ints, nbr: Ints, label: Ints, u: int, mark: Ints, queue: Ints, stamp: int) -> bool:
    """Whether the area of block u stays in one piece, and not empty, when u leaves."""
    own, wanted, start = label[u], 0, -1
    for k in range(indptr[u], indptr[u + 1]):
        v = nbr[k]
        if label[v] == own and mark[v] != stamp:
            mark[v] = stamp
            wanted += 1
            start = v
    if wanted <= 1:
        return wanted == 1
    mark[start], mark[u] = -stamp, -stamp
    queue[0] = start
    first, last, met = 0, 1, 1
    while first < last:
        v = queue[first]
        first += 1
        for k in range(indptr[v], indptr[v + 1]):
            w = nbr[k]
            if label[w] == own and mark[w] != -stamp:
                if mark[w] == stamp:
                    met += 1
                    if met == wanted:
                        return True
                mark[w] = -stamp
                queue[last] = w
                last += 1
    return False


@kernel
def flip_gain(indptr: Ints, nbr: Ints, weight: Floats, label: Ints, u: int, other: int) -> float:
    """How much less is cut when block u goes over to another area [m]."""
    gain = 0.0
    for k in range(indptr[u], indptr[u + 1]):
        if label[nbr[k]] == other:
            gain += weight[k]
        elif label[nbr[k]] == label[u]:
            gain -= weight[k]
    return gain


@kernel
def flip_relief(total: Ints, low: Ints, high: Ints, own: int, other: int, homes: int) -> int:
    """How many homes nearer to their bands two areas come together when `homes` go over [home]."""
    before = max(0, low[own] - total[own], total[own] - high[own])
    before += max(0, low[other] - total[other], total[other] - high[other])
    after = max(0, low[own] - total[own] + homes, total[own] - homes - high[own])
    return int(before - after - max(0, low[other] - total[other] - homes, total[other] + homes - high[other]))


@kernel
def trade(
    indptr: Ints, nbr: Ints, weight: Floats, homes: Ints, label: Ints, total: Ints, low: Ints, high: Ints,
    members: Ints, count: int, pair: tuple[int, int], mark: Ints, queue: Ints, stamp: int,
) -> tuple[float, int]:  # fmt: skip
    """Let two areas trade blocks while it pays; returns the weight saved [m] and the last stamp used."""
    saved, moved = 0.0, True
    while moved:
        moved = False
        for i in range(count):
            u = members[i]
            own = label[u]
            other = pair[0] + pair[1] - own
            relief = flip_relief(total, low, high, own, other, homes[u])
            gain = flip_gain(indptr, nbr, weight, label, u, other)
            if relief < 0 or gain <= 1e-9:
                continue
            stamp += 1
            if whole_without(indptr, nbr, label, u, mark, queue, stamp):
                label[u] = other
                total[own] -= homes[u]
                total[other] += homes[u]
                saved += gain
                moved = True
    return saved, stamp


@kernel
def recombine(
    indptr: Ints, nbr: Ints, weight: Floats, homes: Ints, label: Ints, total: Ints, low: Ints, high: Ints,
    start: int, other: int, heat: float, scratch: tuple[Ints, Ints, Ints, Ints], mark: Ints, stamp: int,
) -> tuple[float, int]:  # fmt: skip
    """Redraw the border of the area of block `start` with another; kept if it saves, or by chance against the heat [m].

    Returns
    -------
    tuple[float, int]
        Weight saved [m] and the last stamp used.
    """
    members, place, _, _ = scratch
    pair = (label[start], other)
    count = gather(indptr, nbr, label, start, pair, members, place)
    gain, stamp = _redraw(indptr, nbr, weight, homes, label, total, low, high, pair, count, heat, scratch, mark, stamp)
    for i in range(count):
        place[members[i]] = -1
    return gain, stamp


@kernel
def _redraw(
    indptr: Ints, nbr: Ints, weight: Floats, homes: Ints, label: Ints, total: Ints, low: Ints, high: Ints,
    pair: tuple[int, int], count: int, heat: float, scratch: tuple[Ints, Ints, Ints, Ints], mark: Ints, stamp: int,
) -> tuple[float, int]:  # fmt: skip
    members, place, up, order = scratch
    before = 0.0
    for i in range(count):
        u = members[i]
        for k in range(indptr[u], indptr[u + 1]):
            if place[nbr[k]] > i and label[nbr[k]] != label[u]:
                before += weight[k]
    bands = np.empty((2, 2))
    for i in range(2):  # an area out of band may stay as far out, never farther
        bands[i] = min(low[pair[i]], total[pair[i]]), max(high[pair[i]], total[pair[i]])
    grow_tree(indptr, nbr, weight, members, count, place, up, order)
    root, cut = best_tree_cut(indptr, nbr, weight, homes, members, count, place, up, order, bands)
    if root < 0:
        return 0.0, stamp
    old = np.empty(count, np.int64)
    half: Flags = np.zeros(count, np.bool_)
    for visit in range(count):
        i = order[visit]
        half[i] = i == root or (up[i] >= 0 and half[up[i]])
    was = (total[pair[0]], total[pair[1]])
    total[pair[0]], total[pair[1]] = 0, 0
    for i in range(count):
        u = members[i]
        old[i] = label[u]
        label[u] = pair[0] if half[i] else pair[1]
        total[label[u]] += homes[u]
    saved, stamp = trade(indptr, nbr, weight, homes, label, total, low, high, members, count, pair, mark, up, stamp)
    gain = before - cut + saved
    if gain >= 0 or np.random.random() < np.exp(gain / heat):  # noqa: NPY002
        return gain, stamp
    for i in range(count):
        label[members[i]] = old[i]
    total[pair[0]], total[pair[1]] = was
    return 0.0, stamp
