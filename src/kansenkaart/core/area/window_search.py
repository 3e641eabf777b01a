"""A good area around one centre, quickly: annealed growth and trimming inside the window.

References
----------
.. [1] Kirkpatrick, Gelatt and Vecchi (1983), Optimization by simulated annealing, doi:10.1126/science.220.4598.671.
"""

from __future__ import annotations

import numpy as np

from kansenkaart.core.area.bound import worth_of
from kansenkaart.core.area.recombine import stays_whole
from kansenkaart.core.area.windows import Window
from kansenkaart.kernel import Flags, Ints, kernel


@kernel
def _walkable(window: Window) -> tuple[Ints, Ints]:
    """Compressed rows over the passable borders alone."""
    n = len(window.profit)
    indptr, nbr, last = np.zeros(n + 1, np.int64), np.empty(len(window.head), np.int64), 0
    for u in range(n):
        for k in range(window.indptr[u], window.indptr[u + 1]):
            if window.walk[k]:
                nbr[last] = window.head[k]
                last += 1
        indptr[u + 1] = last
    return indptr, nbr


@kernel
def _gain(window: Window, inside: Flags, u: int) -> tuple[float, bool]:
    """Gain of flipping one member [EUR/year], and whether a passable border ties it to the area."""
    indptr, head, walk, cost, profit = window.indptr, window.head, window.walk, window.cost, window.profit
    outward, tied = 0.0, False
    for k in range(indptr[u], indptr[u + 1]):
        if inside[head[k]]:
            outward += cost[k]
            tied = tied or walk[k]
        else:
            outward -= cost[k]
    return (-profit[u] - outward, tied) if inside[u] else (profit[u] + outward, tied)


@kernel
def _misses(homes: float, least: float, most: float, low: float, high: float) -> float:
    """How far the sums of an area are from the band and from the two rows of the ownership rule [home]."""
    return max(0.0, low - homes, homes - high) + max(0.0, -least - 1e-9) + max(0.0, -most - 1e-9)


@kernel
def anneal_area(window: Window, band: tuple[float, float], inside: Flags, steps: int, seed: int) -> float:
    """Improve a connected set that holds the centre; `inside` becomes the best in band.

    Parameters
    ----------
    window : Window
        The members to choose from.
    band : tuple[float, float]
        Homes, low and high [home].
    inside : Flags
        The set to start from; changed in place.
    steps : int
        Proposals [1].
    seed : int
        Same seed, same area.

    Returns
    -------
    float
        Worth of the best area met [EUR/year], minus infinity where none was in band.
    """
    np.random.seed(seed)  # noqa: NPY002 - the compiled generator
    homes, share, forced, (low, high) = window.homes, window.share, window.forced, band
    n = len(homes)
    indptr, nbr = _walkable(window)
    mark, queue = np.zeros(n, np.int64), np.empty(n, np.int64)
    best, best_worth, worth = inside.copy(), -np.inf, worth_of(window, window.profit, inside)
    total, least, most = homes[inside].sum(), share[0][inside].sum(), share[1][inside].sum()
    scale = np.abs(window.profit).sum() / n
    now = _misses(total, least, most, low, high)
    fine = 3.0 * np.abs(window.profit).sum() / max(1.0, homes.sum())
    for step in range(steps):
        u = np.random.randint(0, n)  # noqa: NPY002
        if forced[u] != 0:
            continue
        gain, tied = _gain(window, inside, u)
        if not tied:
            continue
        sign = -1.0 if inside[u] else 1.0
        then = _misses(total + sign * homes[u], least + sign * share[0, u], most + sign * share[1, u], low, high)
        rise = gain - fine * (then - now)
        if rise < 0:
            heat = scale * 0.7 * np.exp(-5.0 * step / steps)
            if np.random.random() >= np.exp(rise / heat):  # noqa: NPY002
                continue
        if inside[u] and not stays_whole(indptr, nbr, inside, u, mark, queue, step + 1):
            continue
        inside[u] = not inside[u]
        total += sign * homes[u]
        least += sign * share[0, u]
        most += sign * share[1, u]
        worth += gain
        now = then
        if then == 0.0 and worth > best_worth + 1e-7:
            best_worth = worth
            best[:] = inside
    inside[:] = best
    return best_worth


@kernel
def seed_set(window: Window, wanted: Flags) -> Flags:
    """Wanted members that the centre reaches over wanted members, with a path to every member that must be in.

    Parameters
    ----------
    window : Window
        The members.
    wanted : Flags
        Members to start from.
    """
    indptr, head, walk, forced = window.indptr, window.head, window.walk, window.forced
    n = len(forced)
    chosen, came, queue = np.zeros(n, np.bool_), np.full(n, -1, np.int64), np.empty(n, np.int64)
    for only_wanted in (True, False):
        came[:] = -1
        came[0], queue[0] = 0, 0
        first, last = 0, 1
        while first < last:
            u = queue[first]
            first += 1
            for k in range(indptr[u], indptr[u + 1]):
                v = head[k]
                if walk[k] and came[v] < 0 and forced[v] >= 0 and (wanted[v] or not only_wanted):
                    came[v] = u
                    queue[last] = v
                    last += 1
        for u in range(n):
            if came[u] >= 0 and (only_wanted or forced[u] == 1):
                v = u
                while not chosen[v]:
                    chosen[v] = True
                    v = came[v]
    return chosen


def quick_area(
    window: Window, *, band: tuple[float, float], wanted: Flags, effort: tuple[int, int], seed: int
) -> tuple[Flags, float]:
    """Find a good area in a window.

    Parameters
    ----------
    window : Window
        The blocks to choose from.
    band : tuple[float, float]
        Homes, low and high [home].
    wanted : Flags
        Members to start from; what the centre does not reach is left out.
    effort : tuple[int, int]
        Restarts and steps per restart [1].
    seed : int
        Same seed, same area.

    Returns
    -------
    tuple[Flags, float]
        The area and its worth [EUR/year]; minus infinity where none in band was met.
    """
    best, best_worth = np.zeros(len(window.members), bool), -np.inf
    for turn in range(effort[0]):
        inside = seed_set(window, wanted)
        worth = anneal_area(window, band, inside, effort[1], seed + turn)
        if worth > best_worth:
            best, best_worth = inside, float(worth)
    return best, best_worth
