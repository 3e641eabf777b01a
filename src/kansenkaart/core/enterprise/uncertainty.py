"""How sure an outcome is: seeded draws of every input, what matters most, and from which value it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kansenkaart.core.enterprise.case import Case, Span
from kansenkaart.core.enterprise.cashflow import CashFlow, evaluate_case
from kansenkaart.errors import ConfigError

Outcome = Callable[[CashFlow], NDArray[np.float64]]
_GRID, _ROUNDS = 33, 6
_WORK = ("present_price", "enterprise_price", "material_price", "hours_per_unit")


def enterprise_value(flow: CashFlow) -> NDArray[np.float64]:
    """Return what the enterprise keeps over the period, in money of now, per draw [EUR]."""
    return flow.present_value("enterprise")


def draw(case: Case, spans: Mapping[str, Span], *, draws: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return triangular draws of inputs, peaked at the case's own value; unknown inputs are not drawn.

    Each group has its own stream, made from the seed and its name, so adding an input leaves the others' draws alone.
    What work costs moves together within one service (:func:`group_of`): a lawn that asks more hours is paid more today.

    Parameters
    ----------
    case : Case
        The case in the middle.
    spans : mapping of str to Span
        Bounds by path.
    draws, seed : int
        Number of draws, and the seed.

    Raises
    ------
    ConfigError
        If a value lies outside its bounds or a path is unknown.
    """
    given, result = case.inputs(), {}
    for path, span in sorted(spans.items()):
        if path not in given or not (np.isnan(given[path]) or span.low <= given[path] <= span.high):
            raise ConfigError(
                "low <= value <= high for an input", found=f"{given.get(path)}, {span}", where=path, remedy="mend it"
            )
        if span.low < span.high and not np.isnan(given[path]):
            at = np.random.default_rng([seed, *group_of(path).encode()]).random(draws)
            result[path] = triangular_at(at, span, middle=given[path])
    return result


def group_of(path: str) -> str:
    """Return with which others an input moves: the prices and hours of one service together, all else alone."""
    service, item = path.split(".")
    return f"{service}.work" if item in _WORK and service not in ("facts", "terms") else path


def triangular_at(quantile: NDArray[np.float64], span: Span, *, middle: float) -> NDArray[np.float64]:
    """Return the values at some quantiles of a triangular distribution.

    Parameters
    ----------
    quantile : array
        Between 0 and 1 [1].
    span : Span
        Its ends, own unit.
    middle : float
        Its peak, own unit.
    """
    width = span.high - span.low
    peak = (middle - span.low) / width
    rising = span.low + width * np.sqrt(quantile * peak)
    falling = span.high - width * np.sqrt((1 - quantile) * (1 - peak))
    return np.where(quantile < peak, rising, falling)


def tornado(case: Case, spans: Mapping[str, Span], *, outcome: Outcome = enterprise_value) -> pd.DataFrame:
    """Return the outcome at the low and the high end of each input alone, widest first [EUR].

    Inputs that move together (:func:`group_of`) go to their ends together.

    Parameters
    ----------
    case : Case
        Facts, services and terms.
    spans : mapping of str to Span
        Low and high of each input.
    outcome : Outcome, optional
        What is looked at, from the cash flow.

    Returns
    -------
    pandas.DataFrame
        path (of the group), low, high (bounds of its first input, own unit), at_low_eur, at_high_eur, width_eur.
    """
    given = case.inputs()
    free = [path for path in sorted(spans) if spans[path].low < spans[path].high and not np.isnan(given[path])]
    groups = list(dict.fromkeys(map(group_of, free)))
    trial = {path: np.full(2 * len(groups), given[path]) for path in free}
    for path in free:
        at = 2 * groups.index(group_of(path))
        trial[path][at : at + 2] = spans[path].low, spans[path].high
    found = outcome(evaluate_case(case, trial)) if free else np.zeros(0)
    first = {group_of(path): spans[path] for path in reversed(free)}
    table = pd.DataFrame(
        {
            "path": groups,
            "low": [first[group].low for group in groups],
            "high": [first[group].high for group in groups],
            "at_low_eur": found[0::2],
            "at_high_eur": found[1::2],
        }
    )
    table = table.assign(width_eur=(table["at_high_eur"] - table["at_low_eur"]).abs())
    return table.sort_values(["width_eur", "path"], ascending=[False, True], ignore_index=True)


def break_evens(case: Case, spans: Mapping[str, Span], *, outcome: Outcome = enterprise_value) -> pd.DataFrame:
    """Return for each input alone the value at which the outcome turns 0, all others as they are.

    Six rounds of 33 values, each between the two where the sign first turned, so the answer is exact to 1e-9 of the
    interval; of several turning points it gives the lowest. All inputs share one evaluation per round.

    Parameters
    ----------
    case : Case
        The case.
    spans : mapping of str to Span
        Where to look, by path.
    outcome : callable
        What has to turn 0 [EUR].

    Returns
    -------
    pandas.DataFrame
        path, value (own unit; NaN if it does not turn between the bounds or the input is unknown), at_high_eur (outcome
        at the upper bound).
    """
    given = case.inputs()
    paths = [path for path in spans if not np.isnan(given[path])]
    ends = {path: (spans[path].low, spans[path].high) for path in paths}
    highest: dict[str, float] = {}
    for _ in range(_ROUNDS if paths else 0):
        grids = {path: np.linspace(*ends[path], _GRID) for path in ends}
        trial = {path: np.full(len(grids) * _GRID, given[path]) for path in grids}
        for number, (path, grid) in enumerate(grids.items()):
            trial[path][number * _GRID : (number + 1) * _GRID] = grid
        found = outcome(evaluate_case(case, trial)).reshape(len(grids), _GRID)
        for (path, grid), row in zip(grids.items(), found, strict=True):
            highest.setdefault(path, float(row[-1]))
            turns = np.flatnonzero(np.diff(np.signbit(row)))
            if len(turns):
                ends[path] = float(grid[turns[0]]), float(grid[turns[0] + 1])
            else:
                del ends[path]
        if not ends:
            break
    value = {path: (low + high) / 2 for path, (low, high) in ends.items()}
    rows = [(path, value.get(path, np.nan), highest.get(path, np.nan)) for path in spans]
    return pd.DataFrame(rows, columns=["path", "value", "at_high_eur"])
