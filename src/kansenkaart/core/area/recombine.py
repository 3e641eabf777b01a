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
    indptr: Ints,
    nbr: Ints,
    weight: Floats,
    members: Ints,
    count: int,
    place: Ints,
    up: Ints,
    order: Ints,
    scratch: tuple[Floats, Ints, Flags],
) -> None:
    """Draw a random spanning tree (Prim, keys random over weight): `up` = parent, `order` = visits."""
    key, front, done = scratch
    for i in range(count):
        key[i], done[i] = np.inf, False
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
        spot, least = 0, key[front[0]]
        for f in range(1, waiting):
            if key[front[f]] < least:
                spot, least = f, key[front[f]]
        i = front[spot]
        waiting -= 1
        front[spot] = front[waiting]


@kernel
def _hanging(order: Ints, up: Ints, visit: int, count: int, half: Flags) -> None:
    """Mark in `half` the block visited as number `visit` and all that hangs below it."""
    for w in range(visit):
        half[order[w]] = False
    half[order[visit]] = True
    for w in range(visit + 1, count):
        half[order[w]] = half[up[order[w]]]


@kernel
def best_tree_cut(
    indptr: Ints,
    nbr: Ints,
    weight: Floats,
    homes: Ints,
    members: Ints,
    count: int,
    place: Ints,
    up: Ints,
    order: Ints,
    bands: Floats,
    below: Ints,
    half: Flags,
) -> tuple[int, float]:
    """Find the tree edge whose cut is cheapest among those that leave both halves in their band.

    Few edges of a tree leave both halves in band, so what a cut weighs is added up for those alone.

    Returns
    -------
    tuple[int, float]
        Visit of the block below the cut (-1 where no cut balances) and the weight cut [m].
    """
    total = 0
    for i in range(count):
        below[i] = homes[members[i]]
        total += below[i]
    best, least = -1, np.inf
    for visit in range(count - 1, 0, -1):
        i = order[visit]
        part = below[i]
        if bands[0, 0] <= part <= bands[0, 1] and bands[1, 0] <= total - part <= bands[1, 1]:
            _hanging(order, up, visit, count, half)
            cut = 0.0
            for w in range(visit, count):
                if half[order[w]]:
                    u = members[order[w]]
                    for k in range(indptr[u], indptr[u + 1]):
                        j = place[nbr[k]]
                        if j >= 0 and not half[j]:
                            cut += weight[k]
            if cut < least:
                best, least = visit, cut
        below[up[i]] += part
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
    indptr: Ints,
    nbr: Ints,
    weight: Floats,
    homes: Ints,
    label: Ints,
    total: Ints,
    low: Ints,
    high: Ints,
    members: Ints,
    count: int,
    pair: tuple[int, int],
    mark: Ints,
    queue: Ints,
    stamp: int,
) -> tuple[float, int]:
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
    indptr: Ints,
    nbr: Ints,
    weight: Floats,
    homes: Ints,
    label: Ints,
    total: Ints,
    low: Ints,
    high: Ints,
    start: int,
    other: int,
    heat: float,
    scratch: tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Floats, Flags, Flags],
    mark: Ints,
    stamp: int,
) -> tuple[float, int]:
    """Redraw the border of the area of block `start` with another; kept if it saves, or by chance against the heat [m].

    `scratch` comes from `scratch_for`.

    Returns
    -------
    tuple[float, int]
        Weight saved [m] and the last stamp used.
    """
    members, place, up, order, front, below, old, key, done, half = scratch
    pair = (label[start], other)
    count = gather(indptr, nbr, label, start, pair, members, place)
    bands = np.empty((2, 2))
    for i in range(2):  # an area out of band may stay as far out, never farther
        bands[i] = min(low[pair[i]], total[pair[i]]), max(high[pair[i]], total[pair[i]])
    grow_tree(indptr, nbr, weight, members, count, place, up, order, (key, front, done))
    visit, cut = best_tree_cut(indptr, nbr, weight, homes, members, count, place, up, order, bands, below, half)
    gain = 0.0
    if visit >= 0:
        _hanging(order, up, visit, count, half)
        was = (total[pair[0]], total[pair[1]])
        before = _divide(indptr, nbr, weight, homes, label, total, members, count, place, pair, half, old)
        saved, stamp = trade(indptr, nbr, weight, homes, label, total, low, high, members, count, pair, mark, up, stamp)
        gain = before - cut + saved
        if gain < 0 and np.random.random() >= np.exp(gain / heat):  # noqa: NPY002
            for i in range(count):
                label[members[i]] = old[i]
            total[pair[0]], total[pair[1]] = was
            gain = 0.0
    for i in range(count):
        place[members[i]] = -1
    return gain, stamp


@kernel
def scratch_for(n: int) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Floats, Flags, Flags]:
    """Give `recombine` its working space for a town of n blocks."""
    ints = np.empty((6, n), np.int64)
    flags = np.empty((2, n), np.bool_)
    return (
        ints[0],
        np.full(n, -1, np.int64),
        ints[1],
        ints[2],
        ints[3],
        ints[4],
        ints[5],
        np.empty(n),
        flags[0],
        flags[1],
    )


@kernel
def _divide(
    indptr: Ints,
    nbr: Ints,
    weight: Floats,
    homes: Ints,
    label: Ints,
    total: Ints,
    members: Ints,
    count: int,
    place: Ints,
    pair: tuple[int, int],
    half: Flags,
    old: Ints,
) -> float:
    """Give the half below the cut to the first area and the rest to the second; return the border that they had [m]."""
    before = 0.0
    for i in range(count):
        u = members[i]
        old[i] = label[u]
        for k in range(indptr[u], indptr[u + 1]):
            if place[nbr[k]] > i and label[nbr[k]] != label[u]:
                before += weight[k]
    total[pair[0]], total[pair[1]] = 0, 0
    for i in range(count):
        u = members[i]
        label[u] = pair[0] if half[i] else pair[1]
        total[label[u]] += homes[u]
    return before


@kernel
def cut_of(indptr: Ints, nbr: Ints, weight: Floats, label: Ints) -> float:
    """Weighted border between areas, each border once [m]."""
    cut = 0.0
    for u in range(len(label)):
        for k in range(indptr[u], indptr[u + 1]):
            if label[nbr[k]] != label[u]:
                cut += weight[k]
    return cut / 2


@kernel
def anneal_partition(
    indptr: Ints,
    nbr: Ints,
    weight: Floats,
    homes: Ints,
    label: Ints,
    low: Ints,
    high: Ints,
    heats: tuple[float, float],
    steps: int,
    redraw: int,
    seed: int,
) -> float:
    """Anneal a partition; `label` becomes the best met. An area out of band only ever comes nearer to it.

    Parameters
    ----------
    indptr, nbr, weight : arrays
        Compressed rows over passable borders and their weights [m].
    homes : Ints
        Homes per block [home].
    label : Ints
        Area per block, contiguous; changed in place.
    low, high : Ints
        Band per area [home].
    heats : tuple[float, float]
        Temperature at the start and at the end [m].
    steps : int
        Proposals [1].
    redraw : int
        Proposals between two recombinations [1].
    seed : int
        Same seed, same partition.

    Returns
    -------
    float
        Weighted border cut [m].
    """
    np.random.seed(seed)  # noqa: NPY002 - the compiled generator
    n, count = len(label), len(low)
    total = np.zeros(count, np.int64)
    for u in range(n):
        total[label[u]] += homes[u]
    mark, queue = np.zeros(n, np.int64), np.empty(n, np.int64)
    scratch = scratch_for(n)
    now = cut_of(indptr, nbr, weight, label)
    best, least, stamp = label.copy(), now, 0
    heat = heats[0]
    fade = (heats[1] / heats[0]) ** (1024.0 / steps)
    for step in range(steps):
        if step % 1024 == 0:
            heat *= fade
        u = np.random.randint(0, n)  # noqa: NPY002
        v = nbr[np.random.randint(indptr[u], indptr[u + 1])] if indptr[u] < indptr[u + 1] else u  # noqa: NPY002
        own, other = label[u], label[v]
        if own == other:
            continue
        if step % redraw == 0:
            gain, stamp = recombine(
                indptr, nbr, weight, homes, label, total, low, high, u, other, heat, scratch, mark, stamp
            )
            now -= gain
        else:
            relief = flip_relief(total, low, high, own, other, homes[u])
            if relief < 0:
                continue
            gain = flip_gain(indptr, nbr, weight, label, u, other)
            if relief == 0 and gain < 0 and np.random.random() >= np.exp(gain / heat):  # noqa: NPY002
                continue
            stamp += 1
            if not whole_without(indptr, nbr, label, u, mark, queue, stamp):
                continue
            label[u] = other
            total[own] -= homes[u]
            total[other] += homes[u]
            now -= gain
            if relief > 0:
                least = np.inf  # nearer to the band beats any shorter border
        if now < least - 1e-9:
            least = now
            best[:] = label
    label[:] = best
    return cut_of(indptr, nbr, weight, label)
