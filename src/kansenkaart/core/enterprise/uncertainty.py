"""How sure an outcome is: seeded draws of every input, what matters most, and from which value it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kansenkaart.core.enterprise.case import Case
from kansenkaart.core.enterprise.cashflow import CashFlow, evaluate_case
from kansenkaart.errors import ConfigError

Outcome = Callable[[CashFlow], NDArray[np.float64]]
_LOW, _MIDDLE, _HIGH = 0.1, 0.5, 0.9
_GRID, _ROUNDS = 101, 5


@dataclass(frozen=True)
class Span:
    """The bounds of one input, in its own unit."""

    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """Outcome over all draws [EUR]; chance that it is at least 0 [1]."""

    median: float
    low_10: float
    high_90: float
    chance: float
    draws: int


def enterprise_value(flow: CashFlow) -> NDArray[np.float64]:
    """Return what the enterprise keeps over the period, in money of now, per draw [EUR]."""
    return flow.present_value("enterprise")


def draw(case: Case, spans: Mapping[str, Span], *, draws: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return triangular draws of inputs, peaked at the case's own value; unknown inputs are not drawn.

    Each path has its own stream, made from the seed and its name, so adding an input leaves the others' draws alone.

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
            stream = np.random.default_rng([seed, *path.encode()])
            result[path] = stream.triangular(span.low, given[path], span.high, draws)
    return result


def simulate(
    case: Case, spans: Mapping[str, Span], *, outcome: Outcome = enterprise_value, draws: int = 2000, seed: int = 20
) -> Summary:
    """Return median, 80 % interval and chance of earning its keep.

    Parameters
    ----------
    case : Case
        The case in the middle.
    spans : mapping of str to Span
        Bounds by path.
    outcome : callable
        What to look at, per draw [EUR].
    draws, seed : int
        Number of draws, and the seed.
    """
    flow = evaluate_case(case, draw(case, spans, draws=draws, seed=seed))
    found = np.broadcast_to(outcome(flow), draws)
    low, middle, high = np.quantile(found, [_LOW, _MIDDLE, _HIGH])
    return Summary(float(middle), float(low), float(high), float((found >= 0).mean()), draws)


def tornado(case: Case, spans: Mapping[str, Span], *, outcome: Outcome = enterprise_value) -> pd.DataFrame:
    """Return the outcome at the low and the high end of each input alone, widest first [EUR].

    Returns
    -------
    pandas.DataFrame
        path, low, high (the bounds, own unit), at_low_eur, at_high_eur, width_eur.
    """
    given = case.inputs()
    free = [path for path in sorted(spans) if spans[path].low < spans[path].high and not np.isnan(given[path])]
    trial = {path: np.full(2 * len(free), given[path]) for path in free}
    for number, path in enumerate(free):
        trial[path][2 * number : 2 * number + 2] = spans[path].low, spans[path].high
    found = outcome(evaluate_case(case, trial)) if free else np.zeros(0)
    table = pd.DataFrame(
        {
            "path": free,
            "low": [spans[path].low for path in free],
            "high": [spans[path].high for path in free],
            "at_low_eur": found[0::2],
            "at_high_eur": found[1::2],
        }
    )
    table = table.assign(width_eur=(table["at_high_eur"] - table["at_low_eur"]).abs())
    return table.sort_values(["width_eur", "path"], ascending=[False, True], ignore_index=True)


def break_even(case: Case, path: str, *, span: Span, outcome: Outcome = enterprise_value) -> float:
    """Return the value of one input at which the outcome turns 0; NaN if it does not turn between the bounds.

    Five rounds of 101 values, each between the two where the sign first turned, so the answer is exact to 1e-10 of
    the interval; of several turning points it gives the lowest.

    Parameters
    ----------
    case : Case
        The case.
    path : str
        The input.
    span : Span
        Where to look.
    outcome : callable
        What has to turn 0 [EUR].
    """
    low, high = span.low, span.high
    if np.isnan(case.inputs()[path]):
        return float("nan")
    for _ in range(_ROUNDS):
        grid = np.linspace(low, high, _GRID)
        turns = np.flatnonzero(np.diff(np.signbit(outcome(evaluate_case(case, {path: grid})))))
        if not len(turns):
            return float("nan")
        low, high = float(grid[turns[0]]), float(grid[turns[0] + 1])
    return (low + high) / 2
