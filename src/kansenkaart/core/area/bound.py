"""What the best area around every centre can be worth at most: one bound per window, in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kansenkaart.core.area.kernel import Flags, Floats, Ints, kernel
from kansenkaart.core.area.mincut import band_bound, best_closure, worth_of
from kansenkaart.core.area.windows import Window, cut_out, standing_profit

# A bound has to beat the incumbent by this much of it [1], or it is rounding.
ROUNDING = 1e-9


@kernel
def shared_bound(
    indptr: Ints, head: Ints, rev: Ints, cost: Floats, profit: Floats, homes: Floats, share: Floats, forced: Ints,
    low: float, high: float, enough: float, guess: float, inside: Flags,
) -> tuple[float, float, Floats]:  # fmt: skip
    """Bound as `band_bound`, with the ownership rule priced as well.

    Both rows of the rule ask share . x >= 0; the one broken most is priced. Its price nu >= 0 is doubled until the row
    holds, then halved in on; every price gives a valid bound, so stopping early only costs sharpness.

    Returns
    -------
    tuple[float, float, Floats]
        Bound [EUR/year], price per home [EUR/home], and the priced rule per member [EUR/year].
    """
    bound, mu = band_bound(indptr, head, rev, cost, profit, homes, forced, low, high, enough, guess, inside)
    priced = np.zeros(len(profit))
    broken = min(share[0][inside].sum(), share[1][inside].sum())
    if bound <= enough or broken >= 0:
        return bound, mu, priced
    row = share[0] if share[0][inside].sum() == broken else share[1]
    trial = inside.copy()
    less, more = 0.0, np.inf
    step = max(1.0, np.abs(profit).sum() / max(1.0, homes.sum()))
    for _ in range(14):
        nu = (less + more) / 2 if more < np.inf else less + step
        step *= 2
        value, price = band_bound(
            indptr, head, rev, cost, profit + nu * row, homes, forced, low, high, enough, mu, trial
        )
        if value < bound:
            bound, mu = value, price
            priced = nu * row
            inside[:] = trial
        if bound <= enough:
            break
        if row[trial].sum() >= 0:
            more = nu
        else:
            less = nu
    return bound, mu, priced


@kernel
def _bounds_of(
    centres: Ints, near_ptr: Ints, near: Ints, indptr: Ints, nbr: Ints, edge: Ints, passable: Flags, cost: Floats,
    worth: Floats, homes: Floats, share: Floats, pinned: Flags, low: float, high: float, enough: float,
) -> Floats:  # fmt: skip
    n = len(worth)
    place = np.full(n, -1, np.int64)
    out = np.full(len(centres), -np.inf)
    pins = pinned.sum()
    guess = 0.0
    for i in range(len(centres)):
        c = centres[i]
        members, rows, head, rev, number = cut_out(
            c, near[near_ptr[c] : near_ptr[c + 1]], indptr, nbr, edge, passable, place
        )
        forced = pinned[members].astype(np.int64)
        if forced.sum() < pins or homes[members].sum() < low:
            continue
        forced[0] = 1
        profit = standing_profit(members, rows, number, indptr, edge, cost, worth)
        inside = np.empty(len(members), np.bool_)
        out[i], guess, _ = shared_bound(
            rows,
            head,
            rev,
            cost[number],
            profit,
            homes[members],
            share[:, members].copy(),
            forced,
            low,
            high,
            enough,
            guess,
            inside,
        )
    return out


def window_bounds(
    centres: Ints, arrays: tuple[object, ...], *, band: tuple[float, float], enough: float, workers: int
) -> Floats:
    """Upper bound [EUR/year] on any area around each centre; at or below `enough` it may stop sharpening.

    Parameters
    ----------
    centres : Ints
        Block numbers.
    arrays : tuple
        The arrays of the question, in the order of the kernel (see `Question.arrays`).
    band : tuple[float, float]
        Homes, low and high [home].
    enough : float
        Worth of the best area known [EUR/year]: no need to prove more than that.
    workers : int
        Threads.

    Returns
    -------
    Floats
        Minus infinity where no area fits around the centre.
    """
    parts = np.array_split(centres, max(1, workers))
    with ThreadPoolExecutor(max(1, workers)) as pool:
        jobs = [pool.submit(_bounds_of, part, *arrays, *band, enough) for part in parts]  # type: ignore[call-arg, arg-type]
    return np.concatenate([job.result() for job in jobs])


@kernel
def fix_members(
    indptr: Ints, head: Ints, rev: Ints, cost: Floats, profit: Floats, homes: Floats, share: Floats, forced: Ints,
    low: float, high: float, enough: float, guess: float,
) -> tuple[float, float, int]:  # fmt: skip
    """Fix every member whose opposite cannot beat `enough`; `forced` is changed in place.

    Returns
    -------
    tuple[float, float, int]
        Bound with what was fixed [EUR/year], price per home, and the number fixed.
    """
    inside, trial = np.empty(len(profit), np.bool_), np.empty(len(profit), np.bool_)
    bound, mu, extra = shared_bound(
        indptr, head, rev, cost, profit, homes, share, forced, low, high, enough, guess, inside
    )
    if bound <= enough:
        return bound, mu, 0
    priced = profit - mu * homes + extra
    side = high if mu >= 0 else low
    count = 0
    for u in range(len(profit)):
        if forced[u] == 0:
            forced[u] = -1 if inside[u] else 1
            value = best_closure(indptr, head, rev, cost, priced, forced, trial) + mu * side
            if value <= enough:
                forced[u] = 1 if inside[u] else -1
                count += 1
            else:
                forced[u] = 0
    return bound, mu, count


@kernel
def leave_unreachable(indptr: Ints, head: Ints, walk: Flags, forced: Ints) -> int:
    """Force out the members that the centre no longer reaches over members not forced out; return how many."""
    n = len(forced)
    seen, queue = np.zeros(n, np.bool_), np.empty(n, np.int64)
    seen[0], queue[0] = True, 0
    first, last = 0, 1
    while first < last:
        u = queue[first]
        first += 1
        for k in range(indptr[u], indptr[u + 1]):
            v = head[k]
            if walk[k] and not seen[v] and forced[v] >= 0:
                seen[v] = True
                queue[last] = v
                last += 1
    count = 0
    for u in range(n):
        if not seen[u] and forced[u] == 0:
            forced[u] = -1
            count += 1
    return count


def worth_in(window: Window, inside: Flags) -> float:
    """Worth of a set of members [EUR/year]."""
    return float(worth_of(window.indptr, window.head, window.cost, window.profit, inside))
