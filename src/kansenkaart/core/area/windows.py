"""Windows: the blocks within walking reach of a centre block, as small arrays that the kernels work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from kansenkaart.core.area.graph import AreaGraph
from kansenkaart.core.area.kernel import Flags, Floats, Ints, kernel


@dataclass(frozen=True, eq=False)
class Window:
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
        1 must be in, 0 free.
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

    def inside(self, blocks: Ints) -> Flags:
        """Flag the members that are in a list of block numbers."""
        return np.isin(self.members, blocks)


def within_reach(graph: AreaGraph, *, radius_m: float, allowed: Flags) -> tuple[Ints, Ints]:
    """List per block the allowed blocks whose points lie within the radius [m], as compressed rows."""
    numbers = np.flatnonzero(allowed)
    tree = cKDTree(graph.xy[numbers])
    # A hair wider, so that a block at exactly the radius is in, however the city lies on the grid.
    lists = tree.query_ball_point(graph.xy, radius_m * (1 + 1e-12) + 1e-9, return_sorted=True)
    counts = np.array([np.size(row) for row in lists], np.int64)
    near = np.concatenate([np.asarray(row, np.int64) for row in lists]) if counts.sum() else np.empty(0, np.int64)
    return np.r_[0, np.cumsum(counts)].astype(np.int64), numbers[near] if len(near) else near


@kernel
def cut_out(
    centre: int, near: Ints, indptr: Ints, nbr: Ints, edge: Ints, passable: Flags, place: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Members reachable from the centre among `near`, and their rows; `place` is scratch, -1 throughout.

    Returns
    -------
    tuple[Ints, Ints, Ints, Ints, Ints]
        members, indptr, head, rev, number of each border.
    """
    for u in near:
        place[u] = -2
    members = np.empty(len(near), np.int64)
    place[centre] = 0
    members[0] = centre
    n, first, arcs = 1, 0, 0
    while first < n:
        u = members[first]
        first += 1
        for k in range(indptr[u], indptr[u + 1]):
            if passable[edge[k]] and place[nbr[k]] == -2:
                place[nbr[k]] = n
                members[n] = nbr[k]
                n += 1
    for i in range(n):
        arcs += indptr[members[i] + 1] - indptr[members[i]]
    rows, head = np.zeros(n + 1, np.int64), np.empty(arcs, np.int64)
    rev, number = np.empty(arcs, np.int64), np.empty(arcs, np.int64)
    arcs = 0
    for i in range(n):
        for k in range(indptr[members[i]], indptr[members[i] + 1]):
            if place[nbr[k]] >= 0:
                head[arcs], number[arcs] = place[nbr[k]], edge[k]
                arcs += 1
        rows[i + 1] = arcs
    for i in range(n):
        for k in range(rows[i], rows[i + 1]):
            for j in range(rows[head[k]], rows[head[k] + 1]):
                if number[j] == number[k]:
                    rev[k] = j
    for u in near:
        place[u] = -1
    return members[:n].copy(), rows, head[:arcs].copy(), rev[:arcs].copy(), number[:arcs].copy()


@kernel
def standing_profit(
    members: Ints, rows: Ints, number: Ints, indptr: Ints, edge: Ints, cost: Floats, worth: Floats
) -> Floats:
    """Worth of each member less the price of its borders that leave the window [EUR/year]."""
    profit = np.empty(len(members))
    for i in range(len(members)):
        u = members[i]
        profit[i] = worth[u]
        for k in range(indptr[u], indptr[u + 1]):
            profit[i] -= cost[edge[k]]
        for k in range(rows[i], rows[i + 1]):
            profit[i] += cost[number[k]]
    return profit
