"""Minimum cuts in a window of about a hundred blocks: the closed answer to *which blocks, at this price per home*.

For a price mu [EUR/home] the best set without band and without contiguity, max over S of
sum_S (profit - mu homes) - cut(S), is a minimum cut [1]_. Minimising its value over mu gives the bound of the linear
programme with the band in it [2]_, without a linear programme. The flow is pushed by preflow-push with labels that start
exact (phase one only: the preflow's value bounds the flow's, so the bound holds whenever the loop stops).

References
----------
.. [1] Picard (1976), Maximal closure of a graph, Management Science 22(11), doi:10.1287/mnsc.22.11.1268.
.. [2] Geoffrion (1974), Lagrangean relaxation for integer programming, doi:10.1007/BFb0120690.
.. [3] Goldberg and Tarjan (1988), A new approach to the maximum-flow problem, doi:10.1145/48014.61051.
"""

from __future__ import annotations

import numpy as np

from kansenkaart.core.area.kernel import Flags, Floats, Ints, kernel

# A flow below this [EUR/year] is rounding: a thousandth of a cent.
_TINY = 1e-5


@kernel
def _relabel(indptr: Ints, head: Ints, rev: Ints, cap: Floats, sink: Floats, label: Ints, queue: Ints) -> None:
    """Set each label to the exact number of residual steps to an open sink, or n + 1 where there is none."""
    n = len(sink)
    last = 0
    for u in range(n):
        label[u] = n + 1
        if sink[u] > _TINY:
            label[u] = 1
            queue[last] = u
            last += 1
    first = 0
    while first < last:
        v = queue[first]
        first += 1
        for k in range(indptr[v], indptr[v + 1]):
            u = head[k]
            if label[u] == n + 1 and cap[rev[k]] > _TINY:
                label[u] = label[v] + 1
                queue[last] = u
                last += 1


@kernel
def _discharge(
    u: int, arcs: tuple[Ints, Ints, Ints], cap: Floats, flow: tuple[Floats, Floats], marks: tuple[Ints, Ints]
) -> float:
    """Push the surplus of one block on until it is gone or cut off; return what reached the sink."""
    indptr, head, rev = arcs
    surplus, sink = flow
    label, current = marks
    n = len(sink)
    drained = 0.0
    while surplus[u] > _TINY and label[u] <= n:
        if current[u] == indptr[u + 1]:
            low = n + 1
            for k in range(indptr[u], indptr[u + 1]):
                if cap[k] > _TINY and label[head[k]] + 1 < low:
                    low = label[head[k]] + 1
            label[u] = low
            current[u] = indptr[u]
            continue
        k = current[u]
        v = head[k]
        if cap[k] > _TINY and label[u] == label[v] + 1:
            step = min(surplus[u], cap[k])
            cap[k] -= step
            cap[rev[k]] += step
            surplus[u] -= step
            taken = min(step, sink[v])
            sink[v] -= taken
            drained += taken
            surplus[v] += step - taken
        else:
            current[u] += 1
    return drained


@kernel
def best_closure(
    indptr: Ints, head: Ints, rev: Ints, cost: Floats, profit: Floats, forced: Ints, inside: Flags
) -> float:
    """Fill `inside` with the best set at these profits and return an upper bound on its worth [EUR/year].

    Parameters
    ----------
    indptr, head, rev : Ints
        Compressed rows of the window, and per entry the place of the opposite entry.
    cost : Floats
        Price of cutting each border [EUR/year], equal both ways.
    profit : Floats
        Profit per block [EUR/year].
    forced : Ints
        1 = must be in, -1 = must be out, 0 = free.
    inside : Flags
        Output.
    """
    n = len(profit)
    much = 1.0 + cost.sum() + np.abs(profit).sum()
    cap = cost.copy()
    surplus, sink = np.zeros(n), np.zeros(n)
    label, current, queue = np.zeros(n, np.int64), indptr[:n].copy(), np.empty(n + 1, np.int64)
    bound, sure = 0.0, 0.0
    for u in range(n):
        if forced[u] == 1:
            surplus[u] = much
            sure += profit[u] - much
        elif forced[u] == -1:
            sink[u] = much
        elif profit[u] > 0:
            surplus[u] = profit[u]
        else:
            sink[u] = -profit[u]
        bound += surplus[u]
    arcs, flow, marks = (indptr, head, rev), (surplus, sink), (label, current)
    moved = True
    while moved:
        _relabel(indptr, head, rev, cap, sink, label, queue)
        current[:] = indptr[:n]
        moved = False
        for _ in range(4):
            for u in range(n):
                if surplus[u] > _TINY and label[u] <= n:
                    bound -= _discharge(u, arcs, cap, flow, marks)
                    moved = True
    inside[:] = label > n
    return bound + sure


@kernel
def worth_of(indptr: Ints, head: Ints, cost: Floats, profit: Floats, inside: Flags) -> float:
    """Worth of a set [EUR/year]: its profit less the price of its border within the window."""
    worth = 0.0
    for u in range(len(profit)):
        if inside[u]:
            worth += profit[u]
            for k in range(indptr[u], indptr[u + 1]):
                if not inside[head[k]]:
                    worth -= cost[k]
    return worth


@kernel
def _next_price(lines: Floats, at_left: float, at_right: float) -> float:
    """Price at which the two lines cross, not stepping over zero, where the band's other side takes over."""
    spread = lines[0, 1] - lines[1, 1]
    crossing = (lines[0, 0] - lines[1, 0]) / spread if spread > 0 else 0.0
    if at_left < 0 < at_right:
        one_sided = (at_left == -np.inf and crossing > 0) or (at_right == np.inf and crossing < 0)
        return crossing if one_sided else 0.0
    return max(crossing, 0.0) if at_left >= 0 else min(crossing, 0.0)


@kernel
def band_bound(
    indptr: Ints, head: Ints, rev: Ints, cost: Floats, profit: Floats, homes: Floats, forced: Ints,
    low: float, high: float, enough: float, guess: float, inside: Flags,
) -> tuple[float, float]:  # fmt: skip
    """Bound the worth of any set with homes in the band, and give the price per home that proves it.

    Kelley's cutting planes in one dimension: two sets, one above and one below the band, cross at the next price to
    try; each trial is one minimum cut. Stops as soon as the bound is not above `enough`.

    Returns
    -------
    tuple[float, float]
        Upper bound [EUR/year] and price mu [EUR/home]; `inside` holds the last set with homes at or below the band's
        far side (at the proving price).
    """
    everything, needed = forced >= 0, forced == 1
    lines = np.empty((2, 2))  # worth and homes of the set left (too many homes) and right (too few) of the best price
    lines[0] = worth_of(indptr, head, cost, profit, everything), homes[everything].sum()
    lines[1] = worth_of(indptr, head, cost, profit, needed), homes[needed].sum()
    if lines[0, 1] < low or lines[1, 1] > high:
        return -np.inf, guess
    at_left, at_right = -np.inf, np.inf
    least, at, mu = np.inf, guess, guess
    trial = np.empty(len(profit), np.bool_)
    for _ in range(60):
        side = high if mu >= 0 else low
        bound = best_closure(indptr, head, rev, cost, profit - mu * homes, forced, trial) + mu * side
        if bound < least:
            least, at = bound, mu
            inside[:] = trial
        h = homes[trial].sum()
        if least <= enough or (mu == 0.0 and low <= h <= high):
            break
        row = 0 if h > side else 1
        if (row == 0 and mu > at_left) or (row == 1 and mu < at_right):
            lines[row] = worth_of(indptr, head, cost, profit, trial), h
            if row == 0:
                at_left = mu
            else:
                at_right = mu
        following = _next_price(lines, at_left, at_right)
        if abs(following - mu) <= 1e-9 * (1.0 + abs(mu)):
            break
        mu = following
    return least, at
