"""Annealing of a partition by flips of one block and by recombination of two areas, compiled.

Recombination merges two neighbouring areas, draws a random spanning tree over them, and cuts it in balance [1]_. Of every
tree the cheapest of all balanced cuts is taken, and its two halves then trade border blocks until none pays.

References
----------
.. [1] DeFord, Duchin and Solomon (2021), Recombination: a family of Markov chains for redistricting,
   doi:10.1162/99608f92.eb30390f.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kansenkaart.core.area.graph import WalkGraph
from kansenkaart.kernel import Flags, Floats, Ints, kernel

_AT_ONE_HEAT = 1024  # proposals


class Areas(NamedTuple):
    """A partition in the making: area per block, and per area its homes and its band [home]."""

    label: Ints
    total: Ints
    low: Ints
    high: Ints


class Cooling(NamedTuple):
    """Temperature at the start and at the end [m], proposals, and proposals between two recombinations [1]."""

    first_m: float
    last_m: float
    steps: int
    redraw: int


class Met(NamedTuple):
    """The best partition met, and the weighted border of the present one and of the best [m]."""

    label: Ints
    cut: Floats


class Scratch(NamedTuple):
    """Working space for a graph of n blocks; `place` is -1 throughout between two uses, `stamp` holds the last mark."""

    members: Ints
    place: Ints
    up: Ints
    order: Ints
    front: Ints
    below: Ints
    old: Ints
    mark: Ints
    queue: Ints
    stamp: Ints
    key: Floats
    done: Flags
    half: Flags


@kernel
def scratch_for(n: int) -> Scratch:
    """Give working space for n blocks.

    Parameters
    ----------
    n : int
        Number of blocks [1].
    """
    ints, flags = np.empty((7, n), np.int64), np.empty((2, n), np.bool_)
    place, mark = np.full(n, -1, np.int64), np.zeros(n, np.int64)
    return Scratch(
        ints[0],
        place,
        ints[1],
        ints[2],
        ints[3],
        ints[4],
        ints[5],
        mark,
        ints[6],
        np.zeros(1, np.int64),
        np.empty(n),
        flags[0],
        flags[1],
    )


@kernel
def stays_whole(indptr: Ints, nbr: Ints, label: Ints | Flags, u: int, mark: Ints, queue: Ints, stamp: int) -> bool:
    """Whether the set that block u is in stays in one piece, and not empty, when u leaves.

    Parameters
    ----------
    indptr, nbr : Ints
        Compressed rows over passable borders.
    label : Ints or Flags
        Set of each block.
    u : int
        The block that leaves.
    mark, queue : Ints
        Scratch, as long as `label`; `mark` starts as zeros.
    stamp : int
        A number above 0 that was not used with these marks before.

    Returns
    -------
    bool
        True where its neighbours in the set reach each other without it; a search from one of them ends at the last.
    """
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
def _gather(walk: WalkGraph, label: Ints, start: int, pair: tuple[int, int], scratch: Scratch) -> int:
    """List the blocks of two neighbouring areas from a block of one; return how many."""
    indptr, nbr, members, place = walk.indptr, walk.nbr, scratch.members, scratch.place
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
def _grow_tree(walk: WalkGraph, count: int, scratch: Scratch) -> None:
    """Draw a random spanning tree (Prim, keys random over weight): `up` = parent, `order` = visits."""
    indptr, nbr, weight, members, place = walk.indptr, walk.nbr, walk.weight, scratch.members, scratch.place
    up, order, front, key, done = scratch.up, scratch.order, scratch.front, scratch.key, scratch.done
    key[:count], done[:count] = np.inf, False
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
def _hanging(visit: int, count: int, scratch: Scratch) -> None:
    """Mark in `half` the block visited as number `visit` and all that hangs below it."""
    order, up, half = scratch.order, scratch.up, scratch.half
    for w in range(visit):
        half[order[w]] = False
    half[order[visit]] = True
    for w in range(visit + 1, count):
        half[order[w]] = half[up[order[w]]]


@kernel
def _weight_of_cut(walk: WalkGraph, visit: int, count: int, scratch: Scratch) -> float:
    """Add up the border of what hangs below a visit, as marked in `half` [m]."""
    indptr, nbr, weight = walk.indptr, walk.nbr, walk.weight
    order, members, place, half = scratch.order, scratch.members, scratch.place, scratch.half
    cut = 0.0
    for w in range(visit, count):
        if half[order[w]]:
            u = members[order[w]]
            for k in range(indptr[u], indptr[u + 1]):
                j = place[nbr[k]]
                if j >= 0 and not half[j]:
                    cut += weight[k]
    return cut


@kernel
def _best_tree_cut(walk: WalkGraph, count: int, bands: Floats, scratch: Scratch) -> tuple[int, float]:
    """Find the tree edge whose cut is cheapest among those that leave both halves in their band.

    Few edges of a tree leave both halves in band, so what a cut weighs is added up for those alone.

    Returns
    -------
    tuple[int, float]
        Visit of the block below the cut (-1 where no cut balances) and the weight cut [m].
    """
    homes, members, below, order, up = walk.homes, scratch.members, scratch.below, scratch.order, scratch.up
    total = 0
    for i in range(count):
        below[i] = homes[members[i]]
        total += below[i]
    best, least = -1, np.inf
    for visit in range(count - 1, 0, -1):
        i = order[visit]
        part = below[i]
        if bands[0, 0] <= part <= bands[0, 1] and bands[1, 0] <= total - part <= bands[1, 1]:
            _hanging(visit, count, scratch)
            cut = _weight_of_cut(walk, visit, count, scratch)
            if cut < least:
                best, least = visit, cut
        below[up[i]] += part
    return best, least


@kernel
def _divide(walk: WalkGraph, areas: Areas, pair: tuple[int, int], count: int, scratch: Scratch) -> float:
    """Give the half below the cut to the first area and the rest to the second; return the border that they had [m]."""
    indptr, nbr, weight, homes = walk.indptr, walk.nbr, walk.weight, walk.homes
    label, total, members, place = areas.label, areas.total, scratch.members, scratch.place
    old, half = scratch.old, scratch.half
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
def flip_gain(indptr: Ints, nbr: Ints, weight: Floats, label: Ints, u: int, other: int) -> float:
    """How much less is cut when block u goes over to another area [m].

    Parameters
    ----------
    indptr, nbr, weight : arrays
        Compressed rows over passable borders and their weights [m].
    label : Ints
        Area per block.
    u, other : int
        The block, and the area that it goes to.
    """
    gain = 0.0
    for k in range(indptr[u], indptr[u + 1]):
        if label[nbr[k]] == other:
            gain += weight[k]
        elif label[nbr[k]] == label[u]:
            gain -= weight[k]
    return gain


@kernel
def _flip_relief(total: Ints, low: Ints, high: Ints, own: int, other: int, homes: int) -> int:
    """How many homes nearer to their bands two areas come together when `homes` go over [home]."""
    before = max(0, low[own] - total[own], total[own] - high[own])
    before += max(0, low[other] - total[other], total[other] - high[other])
    after = max(0, low[own] - total[own] + homes, total[own] - homes - high[own])
    return int(before - after - max(0, low[other] - total[other] - homes, total[other] + homes - high[other]))


@kernel
def _go_over(walk: WalkGraph, areas: Areas, u: int, other: int, scratch: Scratch) -> bool:
    """Move block u to another area, unless its own would fall apart; return whether it went."""
    label, total, homes, stamp = areas.label, areas.total, walk.homes, scratch.stamp
    stamp[0] += 1
    if not stays_whole(walk.indptr, walk.nbr, label, u, scratch.mark, scratch.queue, stamp[0]):
        return False
    total[label[u]] -= homes[u]
    total[other] += homes[u]
    label[u] = other
    return True


@kernel
def _trade(walk: WalkGraph, areas: Areas, pair: tuple[int, int], count: int, scratch: Scratch) -> float:
    """Let two areas trade blocks while it pays; return the weight saved [m]."""
    indptr, nbr, weight, homes = walk
    label, total, low, high = areas
    members, saved, moved = scratch.members, 0.0, True
    while moved:
        moved = False
        for i in range(count):
            u = members[i]
            other = pair[0] + pair[1] - label[u]
            relief = _flip_relief(total, low, high, label[u], other, homes[u])
            gain = flip_gain(indptr, nbr, weight, label, u, other)
            if relief >= 0 and gain > 1e-9 and _go_over(walk, areas, u, other, scratch):
                saved += gain
                moved = True
    return saved


@kernel
def _recombine(walk: WalkGraph, areas: Areas, start: int, other: int, heat: float, scratch: Scratch) -> float:
    """Redraw the border of the area of block `start` with another; kept if it saves, or by chance against the heat [m].

    Returns
    -------
    float
        Weight saved [m].
    """
    label, total, low, high, members = areas.label, areas.total, areas.low, areas.high, scratch.members
    pair = (label[start], other)
    count = _gather(walk, label, start, pair, scratch)
    bands = np.empty((2, 2))
    for i in range(2):  # an area out of band may stay as far out, never farther
        bands[i] = min(low[pair[i]], total[pair[i]]), max(high[pair[i]], total[pair[i]])
    _grow_tree(walk, count, scratch)
    visit, cut = _best_tree_cut(walk, count, bands, scratch)
    gain = 0.0
    if visit >= 0:
        _hanging(visit, count, scratch)
        was = (total[pair[0]], total[pair[1]])
        before = _divide(walk, areas, pair, count, scratch)
        gain = before - cut + _trade(walk, areas, pair, count, scratch)
        if gain < 0 and np.random.random() >= np.exp(gain / heat):  # noqa: NPY002
            for i in range(count):
                label[members[i]] = scratch.old[i]
            total[pair[0]], total[pair[1]] = was
            gain = 0.0
    for i in range(count):
        scratch.place[members[i]] = -1
    return gain


@kernel
def cut_of(walk: WalkGraph, label: Ints) -> float:
    """Weighted border between areas, each border once [m].

    Parameters
    ----------
    walk : WalkGraph
        Blocks and passable borders.
    label : Ints
        Area per block.
    """
    indptr, nbr, weight = walk.indptr, walk.nbr, walk.weight
    cut = 0.0
    for u in range(len(label)):
        for k in range(indptr[u], indptr[u + 1]):
            if label[nbr[k]] != label[u]:
                cut += weight[k]
    return cut / 2


@kernel
def _anneal_at(
    walk: WalkGraph, areas: Areas, heat: float, span: tuple[int, int, int], scratch: Scratch, met: Met
) -> None:
    """Make the proposals from one number to another at one temperature [m]; `span` ends in those between recombinations."""
    indptr, nbr, weight, homes = walk
    label, total, low, high = areas
    now, least = met.cut[0], met.cut[1]
    for step in range(span[0], span[1]):
        u = np.random.randint(0, len(label))  # noqa: NPY002 - the compiled generator
        if indptr[u] == indptr[u + 1]:
            continue
        other = label[nbr[np.random.randint(indptr[u], indptr[u + 1])]]  # noqa: NPY002
        if label[u] == other:
            continue
        if step % span[2] == 0:
            now -= _recombine(walk, areas, u, other, heat, scratch)
        else:
            relief = _flip_relief(total, low, high, label[u], other, homes[u])
            if relief < 0:
                continue
            gain = flip_gain(indptr, nbr, weight, label, u, other)
            if relief == 0 and gain < 0 and np.random.random() >= np.exp(gain / heat):  # noqa: NPY002
                continue
            if not _go_over(walk, areas, u, other, scratch):
                continue
            now -= gain
            least = np.inf if relief > 0 else least  # nearer to the band beats any shorter border
        if now < least - 1e-9:
            least = now
            met.label[:] = label
    met.cut[0], met.cut[1] = now, least


@kernel
def anneal_partition(walk: WalkGraph, label: Ints, bands: tuple[Ints, Ints], cooling: Cooling, seed: int) -> float:
    """Anneal a partition; `label` becomes the best met. An area out of band only ever comes nearer to it.

    Parameters
    ----------
    walk : WalkGraph
        Blocks, their homes [home] and their passable borders [m].
    label : Ints
        Area per block, contiguous; changed in place.
    bands : tuple[Ints, Ints]
        Least and most homes per area [home].
    cooling : Cooling
        Temperatures [m] and number of proposals [1].
    seed : int
        Same seed, same partition.

    Returns
    -------
    float
        Weighted border cut [m].

    References
    ----------
    Kirkpatrick, Gelatt and Vecchi (1983), Optimization by simulated annealing, doi:10.1126/science.220.4598.671.
    """
    np.random.seed(seed)  # noqa: NPY002 - the compiled generator
    areas, scratch = Areas(label, np.zeros(len(bands[0]), np.int64), bands[0], bands[1]), scratch_for(len(label))
    for u in range(len(label)):
        areas.total[label[u]] += walk.homes[u]
    met = Met(label.copy(), np.full(2, cut_of(walk, label)))
    heat = cooling.first_m
    fade = (cooling.last_m / cooling.first_m) ** (_AT_ONE_HEAT / cooling.steps)
    for start in range(0, cooling.steps, _AT_ONE_HEAT):
        heat *= fade
        span = (start, min(start + _AT_ONE_HEAT, cooling.steps), cooling.redraw)
        _anneal_at(walk, areas, heat, span, scratch, met)
    label[:] = met.label
    return cut_of(walk, label)
