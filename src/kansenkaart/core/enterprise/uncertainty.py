"""How sure an outcome is: seeded joint draws of terms, figures and facts, and which of them carry its variance.

Terms and figures of services are drawn once for all places; a fact moves by its own range in each place. Every draw has
its mirror image in the facts, so that the mean over the draws is exactly that of the facts as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kansenkaart.core.enterprise.case import Case, Span
from kansenkaart.errors import ConfigError

Array = NDArray[np.float64]
_WORK = ("present_price", "enterprise_price", "material_price", "hours_per_unit")
#: What moves together, whatever the service: by path of the terms.
_TOGETHER = {
    "electricity_price_eur_per_kwh": "power",
    "shared_price_eur_per_kwh": "power",
    "pv_price_eur_per_system": "panels",
    "pv_price_eur_per_kwp": "panels",
    "inverter_price_eur_per_kwp": "panels",
    "overhead_fixed_eur_per_year": "organisation",
    "overhead_home_eur_per_year": "organisation",
    "coordination_frac": "organisation",
    "wage_eur_per_hour": "wages",
    "outside_rate_eur_per_hour": "wages",
    "inflation_frac": "prices",
    "loan_rate_frac": "prices",
    "participation_frac": "participation",
    "members_frac": "participation",
    "association_meters_frac": "association",
    "association_common_frac": "association",
    "association_sharing_frac": "association",
}
_EIGHTY = 1.0 / (1.0 - np.sqrt(0.2))  # a symmetric triangle this wide has its 10th and 90th percentile at -1 and 1
_FIFTH = 0.2


def draw(case: Case, spans: Mapping[str, Span], *, draws: int, seed: int) -> dict[str, Array]:
    """Return triangular draws of inputs, peaked at the case's own value; unknown inputs are not drawn.

    Each group (:func:`group_of`) has its own stream, made from the seed and its name, so adding an input leaves the
    others' draws alone. The second half of the draws repeats the first: the facts are mirrored there.

    Parameters
    ----------
    case : Case
        The case in the middle.
    spans : mapping of str to Span
        Bounds by path.
    draws, seed : int
        Number of draws (even), and the seed.

    Returns
    -------
    dict of str to array
        By path, one value per draw, in its own unit.

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
            at = np.tile(_quantiles(group_of(path), draws // 2, seed), 2)
            result[path] = triangular_at(at, span, middle=given[path])
    return result


def draw_facts(groups: Sequence[str], *, draws: int, seed: int) -> dict[str, Array]:
    """Return for each group of facts how far it moves in each draw, in half widths of its 80 % interval [1].

    Parameters
    ----------
    groups : sequence of str
        Names; facts of one group move together.
    draws, seed : int
        Number of draws (even), and the seed. The second half mirrors the first, so each sums to nothing.
    """
    moved = {}
    for group in groups:
        half = triangular_at(_quantiles(f"facts.{group}", draws // 2, seed), Span(-_EIGHTY, _EIGHTY), middle=0.0)
        moved[group] = np.concatenate([half, -half])
    return moved


def _quantiles(name: str, count: int, seed: int) -> Array:
    """Return one quantile in each of so many equal steps, in an order of its own: the marginal is met exactly."""
    stream = np.random.default_rng([seed, *name.encode()])
    return np.asarray((stream.permutation(count) + stream.random(count)) / count)


def group_of(path: str) -> str:
    """Return with which others an input moves: prices and hours of one service, prices of panels, wages, and so on.

    Parameters
    ----------
    path : str
        Of an input of the case.
    """
    under, item = path.split(".")
    if under == "terms":
        return f"group.{_TOGETHER[item]}" if item in _TOGETHER else path
    return f"{under}.work" if item in _WORK and under != "facts" else path


def triangular_at(quantile: Array, span: Span, *, middle: float) -> Array:
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


def variance_shares(drawn: Mapping[str, Array], outcome: Array) -> pd.DataFrame:
    """Return what each group of inputs carries of the variance of an outcome, most first; together at most all of it.

    The input that follows the outcome most goes first; each next one has what it explains of what those before it left, so
    that chance likeness between inputs counts once. Of groups that move together one input stands for all. What is left over
    is curvature and interplay.

    Parameters
    ----------
    drawn : mapping of str to array
        By path (or ``group.name`` of facts), one value per draw.
    outcome : array
        The same draws [EUR/year].

    Returns
    -------
    pandas.DataFrame
        path (of the group), share [1], at_low_eur and at_high_eur: the mean outcome over the lowest and the highest fifth.
    """
    first: dict[str, Array] = {}
    for path, values in drawn.items():
        first.setdefault(group_of(path) if not path.startswith("group.") else path, values)
    few = max(int(len(outcome) * _FIFTH), 1)
    left, whole = outcome - outcome.mean(), float(outcome.var())
    inputs = {path: values - values.mean() for path, values in sorted(first.items())}
    shares: dict[str, float] = {}
    while inputs:
        taken = {path: _explained(one, left) for path, one in inputs.items()}
        path = max(taken, key=lambda one: taken[one])
        one = inputs.pop(path)
        shares[path] = taken[path] / whole if whole else 0.0
        left = left - one * (float((one * left).mean()) / (float((one * one).mean()) or 1.0))
    rows = []
    for path, share in shares.items():
        order = np.argsort(first[path], kind="stable")
        rows.append((path, share, float(outcome[order[:few]].mean()), float(outcome[order[-few:]].mean())))
    table = pd.DataFrame(rows, columns=["path", "share", "at_low_eur", "at_high_eur"])
    return table.sort_values(["share", "path"], ascending=[False, True], ignore_index=True)


def _explained(values: Array, left: Array) -> float:
    """Return how much of the variance of what is left goes along with an input around its mean [EUR2/year2]."""
    own = float((values * values).mean())
    return float((values * left).mean()) ** 2 / own if own else 0.0


def sobol_shares(outcome: Callable[[Array], Array], count: int, *, draws_log2: int, seed: int) -> tuple[Array, Array]:
    """Return the shares of the variance of an outcome that inputs carry alone, and with all their interplay.

    Parameters
    ----------
    outcome : callable
        From quantiles of the inputs, (draws, count) [1], to the outcome of each draw.
    count : int
        Number of inputs [1].
    draws_log2 : int
        Power of two of the draws of one sample; the outcome is asked ``count + 2`` times as many.
    seed : int
        Of the scrambled sequence.

    Returns
    -------
    tuple of array
        First-order and total shares [1]; 0 where the outcome does not move.

    References
    ----------
    Saltelli, A. et al. (2010), Variance based sensitivity analysis of model output, Computer Physics Communications 181,
    259-270, table 2, estimators b and f; the points are Sobol's, scrambled.
    """
    # A quarter of a second at every start, which a run that changes nothing need not spend.
    from scipy.stats import qmc

    points = qmc.Sobol(2 * count, scramble=True, seed=seed).random_base2(draws_log2)
    one, other = points[:, :count], points[:, count:]
    of_one, of_other = outcome(one), outcome(other)
    spread = float(np.concatenate([of_one, of_other]).var())
    first, total = np.zeros(count), np.zeros(count)
    if spread <= 0:
        return first, total
    middle = float(np.concatenate([of_one, of_other]).mean())
    for n in range(count):
        mixed = one.copy()
        mixed[:, n] = other[:, n]
        of_mixed = outcome(mixed)
        first[n] = float(((of_other - middle) * (of_mixed - of_one)).mean()) / spread
        total[n] = float(((of_one - of_mixed) ** 2).mean()) / 2 / spread
    return np.clip(first, 0.0, 1.0), np.clip(total, 0.0, 1.0)
