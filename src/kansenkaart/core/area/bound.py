"""What the best area around every centre can be worth at most: one bound per window, in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kansenkaart.core.area.windows import Ground, Window, window_around
from kansenkaart.kernel import Flags, Floats, Ints, kernel

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
def best_closure(window: Window, profit: Floats, inside: Flags) -> float:
    """Fill `inside` with the best set at these profits and return an upper bound on its worth [EUR/year].

    Parameters
    ----------
    window : Window
        Borders and their prices, and which members are forced in or out.
    profit : Floats
        Profit per member [EUR/year].
    inside : Flags
        Output.

    References
    ----------
    Goldberg and Tarjan (1988), A new approach to the maximum-flow problem, doi:10.1145/48014.61051; Picard (1976),
    Maximal closure of a graph, doi:10.1287/mnsc.22.11.1268.
    """
    indptr, head, rev, cost, forced = window.indptr, window.head, window.rev, window.cost, window.forced
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
def worth_of(window: Window, profit: Floats, inside: Flags) -> float:
    """Worth of a set [EUR/year]: its profit less the price of its border within the window.

    Parameters
    ----------
    window : Window
        The members.
    profit : Floats
        Profit per member [EUR/year].
    inside : Flags
        The set.
    """
    indptr, head, cost = window.indptr, window.head, window.cost
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
    window: Window, profit: Floats, band: tuple[float, float], enough: float, guess: float, inside: Flags
) -> tuple[float, float]:
    """Bound the worth of any set with homes in the band, and give the price per home that proves it.

    Kelley's cutting planes in one dimension: two sets, one above and one below the band, cross at the next price to
    try; each trial is one minimum cut. Stops as soon as the bound is not above `enough`.

    Parameters
    ----------
    window : Window
        The members.
    profit : Floats
        Profit per member [EUR/year].
    band : tuple[float, float]
        Homes, low and high [home].
    enough : float
        A bound at or below it need not be sharpened [EUR/year].
    guess : float
        Price per home to start from [EUR/home].
    inside : Flags
        Output.

    Returns
    -------
    tuple[float, float]
        Upper bound [EUR/year] and price mu [EUR/home]; `inside` holds the last set with homes at or below the band's
        far side (at the proving price).
    """
    homes, (low, high) = window.homes, band
    everything, needed = window.forced >= 0, window.forced == 1
    lines = np.empty((2, 2))  # worth and homes of the set left (too many homes) and right (too few) of the best price
    lines[0] = worth_of(window, profit, everything), homes[everything].sum()
    lines[1] = worth_of(window, profit, needed), homes[needed].sum()
    if lines[0, 1] < low or lines[1, 1] > high:
        return -np.inf, guess
    at_left, at_right = -np.inf, np.inf
    least, at, mu = np.inf, guess, guess
    trial = np.empty(len(profit), np.bool_)
    for _ in range(60):
        side = high if mu >= 0 else low
        bound = best_closure(window, profit - mu * homes, trial) + mu * side
        if bound < least:
            least, at = bound, mu
            inside[:] = trial
        h = homes[trial].sum()
        if least <= enough or (mu == 0.0 and low <= h <= high):
            break
        row = 0 if h > side else 1
        if (row == 0 and mu > at_left) or (row == 1 and mu < at_right):
            lines[row] = worth_of(window, profit, trial), h
            if row == 0:
                at_left = mu
            else:
                at_right = mu
        following = _next_price(lines, at_left, at_right)
        if abs(following - mu) <= 1e-9 * (1.0 + abs(mu)):
            break
        mu = following
    return least, at


@kernel
def shared_bound(
    window: Window, band: tuple[float, float], enough: float, guess: float, inside: Flags
) -> tuple[float, float, Floats]:
    """Bound as `band_bound`, with the ownership rule priced as well.

    Both rows of the rule ask share . x >= 0; the one broken most is priced. Its price nu >= 0 is doubled until the row
    holds, then halved in on; every price gives a valid bound, so stopping early only costs sharpness.

    Parameters
    ----------
    window : Window
        The members.
    band : tuple[float, float]
        Homes, low and high [home].
    enough, guess : float
        As in `band_bound`.
    inside : Flags
        Output.

    Returns
    -------
    tuple[float, float, Floats]
        Bound [EUR/year], price per home [EUR/home], and the priced rule per member [EUR/year].
    """
    profit, share = window.profit, window.share
    bound, mu = band_bound(window, profit, band, enough, guess, inside)
    priced = np.zeros(len(profit))
    broken = min(share[0][inside].sum(), share[1][inside].sum())
    if bound <= enough or broken >= 0:
        return bound, mu, priced
    row = share[0] if share[0][inside].sum() == broken else share[1]
    trial = inside.copy()
    less, more = 0.0, np.inf
    step = max(1.0, np.abs(profit).sum() / max(1.0, window.homes.sum()))
    for _ in range(14):
        nu = (less + more) / 2 if more < np.inf else less + step
        step *= 2
        value, price = band_bound(window, profit + nu * row, band, enough, mu, trial)
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
def _bounds_of(centres: Ints, ground: Ground, band: tuple[float, float], enough: float) -> Floats:
    """Bound the window around each centre, the price per home of one as the guess for the next [EUR/year]."""
    place = np.full(len(ground.worth), -1, np.int64)
    out = np.full(len(centres), -np.inf)
    pins, guess = ground.pinned.sum(), 0.0
    for i in range(len(centres)):
        c = centres[i]
        window = window_around(ground, c, ground.near[ground.near_ptr[c] : ground.near_ptr[c + 1]], place)
        if window.forced.sum() < pins or window.homes.sum() < band[0]:
            continue
        window.forced[0] = 1
        out[i], guess, _ = shared_bound(window, band, enough, guess, np.empty(len(window.members), np.bool_))
    return out


def window_bounds(centres: Ints, ground: Ground, *, band: tuple[float, float], enough: float, workers: int) -> Floats:
    """Upper bound [EUR/year] on any area around each centre; at or below `enough` it may stop sharpening.

    Parameters
    ----------
    centres : Ints
        Block numbers.
    ground : Ground
        The question.
    band : tuple[float, float]
        Homes, low and high [home].
    enough : float
        Worth of the best area so far [EUR/year]: no need to prove more than that.
    workers : int
        Threads.

    Returns
    -------
    Floats
        Minus infinity where no area fits around the centre.
    """
    parts = np.array_split(centres, max(1, workers))
    with ThreadPoolExecutor(max(1, workers)) as pool:
        jobs = [pool.submit(_bounds_of, part, ground, band, enough) for part in parts]
    return np.concatenate([job.result() for job in jobs])


@kernel
def fix_members(
    window: Window, band: tuple[float, float], enough: float, guess: float, inside: Flags
) -> tuple[float, float, int, Floats]:
    """Fix every member whose opposite cannot beat `enough`; `window.forced` is changed in place.

    Parameters
    ----------
    window : Window
        The members.
    band : tuple[float, float]
        Homes, low and high [home].
    enough, guess, inside :
        As in `band_bound`.

    Returns
    -------
    tuple[float, float, int, Floats]
        Bound before anything was fixed [EUR/year], price per home, the number fixed, and the members' profit with the
        ownership rule priced [EUR/year].
    """
    forced, trial = window.forced, np.empty(len(window.profit), np.bool_)
    bound, mu, extra = shared_bound(window, band, enough, guess, inside)
    profit = window.profit + extra
    if bound <= enough:
        return bound, mu, 0, profit
    priced = profit - mu * window.homes
    side = band[1] if mu >= 0 else band[0]
    count = 0
    for u in range(len(profit)):
        if forced[u] == 0:
            forced[u] = -1 if inside[u] else 1
            value = best_closure(window, priced, trial) + mu * side
            if value <= enough:
                forced[u] = 1 if inside[u] else -1
                count += 1
            else:
                forced[u] = 0
    return bound, mu, count, profit


@kernel
def leave_unreachable(window: Window) -> None:
    """Force out the free members that the centre no longer reaches over members not forced out.

    Parameters
    ----------
    window : Window
        The members; `forced` is changed in place.
    """
    indptr, head, walk, forced = window.indptr, window.head, window.walk, window.forced
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
    for u in range(n):
        if not seen[u] and forced[u] == 0:
            forced[u] = -1
