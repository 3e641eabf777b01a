"""The best area of one window, proven: branch and bound on minimum cuts [1]_, compiled.

At each node the bound is that of the window with what has been fixed so far; every member whose opposite cannot beat the
best area is fixed, and what the centre no longer reaches is out. Where the set behind the bound falls apart, branched is on
the largest member beside the centre's piece: it leads to the rest, or is a wall. Else on the largest member that the two
sets at the proving price per home disagree on (one has too many homes, one too few). The centre's piece of each set is an
area where it answers the question.

References
----------
.. [1] Land and Doig (1960), An automatic method of solving discrete programming problems, doi:10.2307/1910129; for the
   bound Geoffrion (1974), Lagrangean relaxation for integer programming, doi:10.1007/BFb0120690.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kansenkaart.core.area.bound import best_closure, fix_members, leave_unreachable, worth_of
from kansenkaart.core.area.question import Effort
from kansenkaart.core.area.windows import Window
from kansenkaart.kernel import Flags, Floats, Ints, kernel

# Nodes between two looks at the clock [1].
_NODES_AT_ONCE = 500
_HAIR = 1e-7  # relative: two prices this near are one


@dataclass(frozen=True, eq=False)
class Proof:
    """Answer of one window: the best area met, its worth and what none can exceed [EUR/year]."""

    inside: Flags
    worth: float
    bound: float


class Tree(NamedTuple):
    """The open nodes of a search, the deepest last, and the best area met.

    Parameters
    ----------
    forced : Ints
        Per open node what is in, free and out, as in :class:`Window`.
    top : Floats
        What no area of the node exceeds [EUR/year].
    price : Floats
        Price per home that proved it [EUR/home].
    best : Flags
        The best area met.
    worth : Floats
        What an area has to exceed, and the worth of the best met, minus infinity where none was [EUR/year].
    """

    forced: Ints
    top: Floats
    price: Floats
    best: Flags
    worth: Floats


def solve_window(window: Window, *, band: tuple[float, float], beat: float, bound: float, effort: Effort) -> Proof:
    """Solve a window to the end, or to the end of the nodes or time that the effort allows.

    Parameters
    ----------
    window : Window
        The members; those with `forced` -1 have been proven out. `forced` is changed.
    band : tuple[float, float]
        Homes, low and high [home].
    beat : float
        Worth that an area must exceed to be of use [EUR/year]; minus infinity where there is none yet.
    bound : float
        What has been proven that no area exceeds [EUR/year].
    effort : Effort
        Nodes and time.

    Returns
    -------
    Proof
        `worth` is minus infinity where no connected area worth more than `beat` was met.
    """
    n = len(window.members)
    tree = Tree(
        np.zeros((n + 2, n), np.int64), np.empty(n + 2), np.zeros(n + 2), np.zeros(n, bool), np.array([beat, -np.inf])
    )
    tree.forced[0], tree.top[0] = window.forced, bound
    count, left = 1, effort.nodes
    while count and left > 0 and effort.remaining() > 0:
        count = _search(window, band, tree, count, min(left, _NODES_AT_ONCE))
        left -= _NODES_AT_ONCE
    return Proof(
        tree.best, float(tree.worth[1]), max(float(tree.top[:count].max(initial=-np.inf)), float(tree.worth[0]))
    )


@kernel
def _search(window: Window, band: tuple[float, float], tree: Tree, count: int, nodes: int) -> int:
    """Take open nodes, the deepest first; return how many are left open."""
    n, forced = len(window.profit), window.forced
    inside, more, less = np.empty(n, np.bool_), np.empty(n, np.bool_), np.empty(n, np.bool_)
    while count > 0 and nodes > 0:
        count -= 1
        nodes -= 1
        forced[:] = tree.forced[count]
        bound, mu, priced = _settled(window, band, tree, count, inside)
        if bound <= tree.worth[0]:
            continue
        hair = _HAIR * (1 + abs(mu))
        best_closure(window, priced - (mu - hair) * window.homes, more)
        best_closure(window, priced - (mu + hair) * window.homes, less)
        for chosen in (inside, more, less):
            _offer(window, band, tree, _reached(window, chosen))
        pick = _pick(window, inside, more, less)
        if bound <= tree.worth[0] + _HAIR * abs(tree.worth[0]) or pick < 0:
            continue
        likely = 1 if inside[pick] else -1
        for side in (-likely, likely):  # what comes last is taken first
            tree.forced[count] = forced
            tree.forced[count, pick] = side
            tree.top[count], tree.price[count] = bound, mu
            count += 1
    return count


@kernel
def _settled(
    window: Window, band: tuple[float, float], tree: Tree, node: int, inside: Flags
) -> tuple[float, float, Floats]:
    """Fix what can be fixed in a node; return its bound, the price per home and the members' profit with rules priced."""
    bound, mu, fixed, priced = tree.top[node], tree.price[node], 1, window.profit
    while fixed > 0 and bound > tree.worth[0]:
        leave_unreachable(window)
        reached = _reached(window, window.forced >= 0)
        for u in range(len(reached)):
            if window.forced[u] == 1 and not reached[u]:
                return -np.inf, mu, priced
        sharper, mu, fixed, priced = fix_members(window, band, tree.worth[0], mu, inside)
        bound = min(bound, sharper)
    return bound, mu, priced


@kernel
def _reached(window: Window, among: Flags) -> Flags:
    """Flag what the centre reaches over passable borders within a set; nothing where the centre is not in it."""
    indptr, head, walk = window.indptr, window.head, window.walk
    seen, queue = np.zeros(len(among), np.bool_), np.empty(len(among), np.int64)
    seen[0], queue[0] = among[0], 0
    first, last = 0, int(among[0])
    while first < last:
        u = queue[first]
        first += 1
        for k in range(indptr[u], indptr[u + 1]):
            if walk[k] and among[head[k]] and not seen[head[k]]:
                seen[head[k]] = True
                queue[last] = head[k]
                last += 1
    return seen


@kernel
def _offer(window: Window, band: tuple[float, float], tree: Tree, area: Flags) -> None:
    """Keep a connected set if it answers the question and is the best yet."""
    homes = window.homes[area].sum()
    if homes < band[0] - 1e-9 or homes > band[1] + 1e-9:
        return
    if window.share[0][area].sum() < -1e-9 or window.share[1][area].sum() < -1e-9:
        return
    for u in range(len(area)):
        if window.forced[u] == 1 and not area[u]:
            return
    worth = worth_of(window, window.profit, area)
    if worth > tree.worth[0]:
        tree.worth[:] = worth
        tree.best[:] = area


@kernel
def _pick(window: Window, inside: Flags, more: Flags, less: Flags) -> int:
    """Return the free member to branch on; -1 where all are fixed."""
    indptr, head, walk = window.indptr, window.head, window.walk
    seen, best, pick = _reached(window, inside), -1.0, -1
    torn = (seen != inside).any()
    for u in range(len(inside)):
        rank = window.homes[u]
        if more[u] != less[u]:
            rank += 1e6
        for k in range(indptr[u], indptr[u + 1]):
            if torn and not inside[u] and walk[k] and seen[head[k]]:
                rank += 2e6
                break
        if window.forced[u] == 0 and rank > best:
            best, pick = rank, u
    return pick
