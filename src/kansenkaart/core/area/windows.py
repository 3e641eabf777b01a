"""Windows: the blocks within walking reach of a centre block, as small arrays that the kernels work on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from kansenkaart.core.area.graph import AreaGraph
from kansenkaart.kernel import Flags, Floats, Ints, kernel


class Ground(NamedTuple):
    """One question on one graph, as the compiled loops take it; every window is cut out of it.

    Parameters
    ----------
    near_ptr, near : Ints
        Blocks within reach of each block that may be in, as compressed rows.
    indptr, nbr, edge : Ints
        Compressed rows of the graph: neighbours and the number of each border.
    passable : Flags
        Whether each border is passable.
    cost : Floats
        Price of each border [EUR/year].
    worth : Floats
        Value above the reference per block, less its outer border and its split homes [EUR/year].
    homes : Floats
        Homes per block [home].
    share : Floats
        The two rows of the ownership rule per block [home].
    pinned : Flags
        Blocks that must be in.
    """

    near_ptr: Ints
    near: Ints
    indptr: Ints
    nbr: Ints
    edge: Ints
    passable: Flags
    cost: Floats
    worth: Floats
    homes: Floats
    share: Floats
    pinned: Flags


class Window(NamedTuple):
    """The blocks that an area around one centre may hold; the centre is member 0.

    Parameters
    ----------
    members : Ints
        Block numbers in the graph.
    indptr, head, rev : Ints
        Compressed rows among the members; `rev` is the place of the same border seen from the other side.
    cost : Floats
        Price of each border [EUR/year].
    walk : Flags
        Whether each border is passable.
    profit : Floats
        Worth of each member less the border that it always has: towards blocks outside the window [EUR/year].
    homes : Floats
        Homes per member [home].
    forced : Ints
        1 must be in, 0 free, -1 proven out.
    share : Floats
        Per row of the ownership rule (2) and member, what it adds; each row asks for a sum of 0 or more [home].
    """

    members: Ints
    indptr: Ints
    head: Ints
    rev: Ints
    cost: Floats
    walk: Flags
    profit: Floats
    homes: Floats
    forced: Ints
    share: Floats


def within_reach(graph: AreaGraph, *, radius_m: float, allowed: Flags) -> tuple[Ints, Ints]:
    """List per block the allowed blocks whose points lie within the radius [m], as compressed rows.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    radius_m : float
        Reach, as the crow flies [m].
    allowed : Flags
        Blocks that may be in.
    """
    numbers = np.flatnonzero(allowed)
    tree = cKDTree(graph.xy[numbers])
    # A hair wider, so that a block at exactly the radius is in, however the city lies on the grid.
    lists = tree.query_ball_point(graph.xy, radius_m * (1 + 1e-12) + 1e-9, return_sorted=True)
    counts = np.array([np.size(row) for row in lists], np.int64)
    near = np.concatenate([np.asarray(row, np.int64) for row in lists]) if counts.sum() else np.empty(0, np.int64)
    return np.r_[0, np.cumsum(counts)].astype(np.int64), numbers[near] if len(near) else near


@kernel
def window_around(ground: Ground, centre: int, near: Ints, place: Ints) -> Window:
    """Cut out of the ground what the centre reaches over passable borders within `near`.

    Parameters
    ----------
    ground : Ground
        The question.
    centre : int
        Block that becomes member 0.
    near : Ints
        Blocks to choose from, the centre among them.
    place : Ints
        Scratch, -1 for every block of the graph; left so.

    Returns
    -------
    Window
        With `forced` 1 for the pins only: the caller sees whether all are there, and forces the centre.
    """
    members = _reached(ground, centre, near, place)
    n, arcs = len(members), 0
    for u in members:
        arcs += ground.indptr[u + 1] - ground.indptr[u]
    rows, head, number = np.zeros(n + 1, np.int64), np.empty(arcs, np.int64), np.empty(arcs, np.int64)
    arcs = 0
    for i in range(n):
        for k in range(ground.indptr[members[i]], ground.indptr[members[i] + 1]):
            if place[ground.nbr[k]] >= 0:
                head[arcs], number[arcs] = place[ground.nbr[k]], ground.edge[k]
                arcs += 1
        rows[i + 1] = arcs
    place[near] = -1
    head, number = head[:arcs].copy(), number[:arcs].copy()
    return Window(
        members,
        rows,
        head,
        _opposite(rows, head, number),
        ground.cost[number],
        ground.passable[number],
        _standing_profit(ground, members, rows, number),
        ground.homes[members],
        ground.pinned[members].astype(np.int64),
        ground.share[:, members].copy(),
    )


@kernel
def _reached(ground: Ground, centre: int, near: Ints, place: Ints) -> Ints:
    """List what the centre reaches within `near`; `place` becomes the number of each member, -2 for the others near."""
    indptr, nbr, edge, passable = ground.indptr, ground.nbr, ground.edge, ground.passable
    place[near] = -2
    members = np.empty(len(near), np.int64)
    members[0], place[centre] = centre, 0
    n, first = 1, 0
    while first < n:
        u = members[first]
        first += 1
        for k in range(indptr[u], indptr[u + 1]):
            if passable[edge[k]] and place[nbr[k]] == -2:
                place[nbr[k]] = n
                members[n] = nbr[k]
                n += 1
    return members[:n].copy()


@kernel
def _opposite(rows: Ints, head: Ints, number: Ints) -> Ints:
    """Give per entry the place of the same border seen from the other side."""
    rev = np.empty(len(head), np.int64)
    for i in range(len(rows) - 1):
        for k in range(rows[i], rows[i + 1]):
            for j in range(rows[head[k]], rows[head[k] + 1]):
                if number[j] == number[k]:
                    rev[k] = j
    return rev


@kernel
def _standing_profit(ground: Ground, members: Ints, rows: Ints, number: Ints) -> Floats:
    """Worth of each member less the price of its borders that leave the window [EUR/year]."""
    indptr, edge, cost = ground.indptr, ground.edge, ground.cost
    profit = ground.worth[members]
    for i in range(len(members)):
        for k in range(indptr[members[i]], indptr[members[i] + 1]):
            profit[i] -= cost[edge[k]]
        for k in range(rows[i], rows[i + 1]):
            profit[i] += cost[number[k]]
    return profit
