"""The best area of one window, proven: an integer programme with connectivity cuts added in rounds.

Where a solution falls apart, each loose piece gets the row: a block is in only if one of the blocks that separate it
from the centre is in [1]_. The solver has no lazy rows, so it is asked again; the bound of each round stays valid.

References
----------
.. [1] Carvajal, Constantino, Goycoolea, Vielma and Weintraub (2013), Imposing connectivity constraints in forest
   planning models, Operations Research 61(4), doi:10.1287/opre.2013.1183.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from kansenkaart.core.area.question import Effort
from kansenkaart.core.area.windows import Window
from kansenkaart.kernel import Flags, Floats, Ints

# The solver may stop within a cent [EUR/year] of its optimum.
_CENT = 0.01


@dataclass(frozen=True, eq=False)
class Proof:
    """Answer of one window: the best area met, its worth and what none can exceed [EUR/year]."""

    inside: Flags
    worth: float
    bound: float


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of the programme as triplets with their lower and upper sides."""

    row: Ints
    col: Ints
    val: Floats
    lower: Floats
    upper: Floats


def solve_window(window: Window, *, band: tuple[float, float], beat: float, bound: float, effort: Effort) -> Proof:
    """Solve a window to the end, or to the end of the rounds, nodes or time that the effort allows.

    Parameters
    ----------
    window : Window
        The members; those with `forced` -1 have been proven out.
    band : tuple[float, float]
        Homes, low and high [home].
    beat : float
        Worth that an area must exceed to be of use [EUR/year]; minus infinity where there is none yet.
    bound : float
        What has been proven that no area exceeds [EUR/year].
    effort : Effort
        Rounds of cuts, nodes per round, and time.

    Returns
    -------
    Proof
        `worth` is minus infinity where no connected area worth more than `beat` was met.
    """
    keep = np.flatnonzero(window.forced >= 0)
    solver = _model(window, keep, band, beat)
    walk = _walkable(window, keep)
    nothing = np.zeros(len(window.members), bool)
    solver.setOptionValue("mip_max_nodes", effort.nodes)
    for _ in range(effort.rounds):
        if (left := effort.remaining()) <= 0:
            break
        solver.setOptionValue("time_limit", solver.getRunTime() + left)
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Proof(nothing, -np.inf, beat)
        bound = min(bound, float(solver.getInfo().mip_dual_bound))
        if status != highspy.HighsModelStatus.kOptimal:
            break
        chosen = np.asarray(solver.getSolution().col_value[: len(keep)]) > 0.5
        if not _add_cuts(solver, walk, chosen):
            inside = nothing.copy()
            inside[keep[chosen]] = True
            worth = float(solver.getInfo().objective_function_value)
            return Proof(inside, worth, min(bound, worth + _CENT))
    return Proof(nothing, -np.inf, bound)


def _walkable(window: Window, keep: Ints) -> csr_matrix:
    """Return the passable borders among the members that are kept."""
    place = np.full(len(window.members), -1)
    place[keep] = np.arange(len(keep))
    tail = np.repeat(np.arange(len(window.members)), np.diff(window.indptr))
    use = window.walk & (place[tail] >= 0) & (place[window.head] >= 0)
    return coo_matrix(
        (np.ones(use.sum()), (place[tail[use]], place[window.head[use]])), shape=(len(keep), len(keep))
    ).tocsr()


def _model(window: Window, keep: Ints, band: tuple[float, float], beat: float) -> highspy.Highs:
    place = np.full(len(window.members), -1)
    place[keep] = np.arange(len(keep))
    tail = np.repeat(np.arange(len(window.members)), np.diff(window.indptr))
    once = (tail < window.head) & (place[tail] >= 0) & (place[window.head] >= 0) & (window.cost > 0)
    a, b, cost = place[tail[once]], place[window.head[once]], window.cost[once]
    to_out = (place[tail] >= 0) & (place[window.head] < 0)
    profit = window.profit[keep] - np.bincount(place[tail[to_out]], window.cost[to_out], minlength=len(keep))
    rows = _rows(window, keep, (a, b), band)
    n, m = len(keep), len(a)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = n + m, len(rows.lower)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = np.r_[profit, -cost]
    lp.col_lower_ = np.r_[(window.forced[keep] == 1).astype(float), np.zeros(m)]
    lp.col_upper_ = np.ones(n + m)
    lp.row_lower_, lp.row_upper_ = rows.lower, rows.upper
    matrix = coo_matrix((rows.val, (rows.row, rows.col)), shape=(len(rows.lower), n + m)).tocsr()
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    lp.integrality_ = [highspy.HighsVarType.kInteger] * n + [highspy.HighsVarType.kContinuous] * m
    solver = _solver(lp)
    if np.isfinite(beat):
        solver.addRow(beat, np.inf, n + m, np.arange(n + m, dtype=np.int32), np.r_[profit, -cost])
    return solver


def _solver(lp: highspy.HighsLp) -> highspy.Highs:
    """Return a quiet solver on one thread, so that the same question takes the same path."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    options = {"output_flag": False, "threads": 1, "mip_rel_gap": 0.0, "mip_abs_gap": _CENT, "random_seed": 0}
    for name, value in options.items():
        solver.setOptionValue(name, value)
    solver.passModel(lp)
    return solver


def _rows(window: Window, keep: Ints, pairs: tuple[Ints, Ints], band: tuple[float, float]) -> _Rows:
    """Return both sides of each border, the band, the ownership rule, and a neighbour for each block."""
    n, m = len(keep), len(pairs[0])
    a, b, y, r = pairs[0], pairs[1], n + np.arange(m), np.arange(m)
    row, col = [r, r, r, m + r, m + r, m + r], [y, a, b, y, a, b]
    one = np.ones(m)
    val, lower, upper = [one, -one, one, one, one, -one], [np.zeros(2 * m)], [np.full(2 * m, np.inf)]
    count = 2 * m
    for values, low, high in ((window.homes[keep], *band), *((s[keep], 0.0, np.inf) for s in window.share if s.any())):
        row, col, val = [*row, np.full(n, count)], [*col, np.arange(n)], [*val, values]
        lower, upper = [*lower, np.array([low - 1e-9])], [*upper, np.array([high])]
        count += 1
    walk = _walkable(window, keep)
    for u in range(n):
        near = walk.indices[walk.indptr[u] : walk.indptr[u + 1]]
        if keep[u] != 0 and 0 not in keep[near]:
            row, col = [*row, np.full(len(near) + 1, count)], [*col, np.r_[near, u]]
            val = [*val, np.r_[np.ones(len(near)), -1.0]]
            lower, upper = [*lower, np.zeros(1)], [*upper, np.full(1, np.inf)]
            count += 1
    return _Rows(*(np.concatenate(part) for part in (row, col, val, lower, upper)))


def _add_cuts(solver: highspy.Highs, walk: csr_matrix, chosen: Flags) -> int:
    """Add a row per loose block; return how many."""
    inside = np.flatnonzero(chosen)
    _, piece = connected_components(walk[inside][:, inside], directed=False)
    added = 0
    for number in np.unique(piece):
        if number == piece[0]:
            continue
        loose = inside[piece == number]
        gate = _separator(walk, loose)
        for u in loose:
            solver.addRow(0.0, np.inf, len(gate) + 1, np.r_[gate, u].astype(np.int32), np.r_[np.ones(len(gate)), -1.0])
            added += 1
    return added


def _separator(walk: csr_matrix, loose: Ints) -> Ints:
    """Return the blocks next to the loose piece that the centre (number 0) reaches without crossing another of them."""
    near = np.setdiff1d(walk[loose].indices, loose)
    open_ground = np.ones(walk.shape[0], bool)
    open_ground[near] = False
    ground = np.flatnonzero(open_ground)
    if not open_ground[0]:
        return np.array([0])
    _, piece = connected_components(walk[ground][:, ground], directed=False)
    reached = ground[piece == piece[0]]
    return np.intersect1d(near, walk[reached].indices)
