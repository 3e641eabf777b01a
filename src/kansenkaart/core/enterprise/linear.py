"""Many places at once: the outcome of a case is a sum over its facts, so one unit of each is worked out once.

Each payment is a fact times something that hangs on terms and services only, and the loan follows what is invested. So
the outcome of any place is the sum of *units* (a home coached, a m2 mown, a kWp placed, a euro saved on a sewer), each
times what the place has of it. Draws are shared by all places, so that places can be compared draw by draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kansenkaart.core.enterprise.case import PANELS, AreaFacts, Case
from kansenkaart.core.enterprise.cashflow import SEWER_SAVINGS, CashFlow, evaluate_case
from kansenkaart.core.enterprise.solar_rent import MODELS, SMALLEST_RATE

Array = NDArray[np.float64]
OUTCOMES = ("household", "enterprise", "roof_owner", "municipality", "overhead", "investment", "paid", "volunteer")
PARTY_COUNT = 4
FIXED, HOME = "organisation:fixed", "organisation:homes"
_NO_OVERHEAD = {
    "terms.overhead_fixed_eur_per_year": 0.0,
    "terms.overhead_home_eur_per_year": 0.0,
    "terms.member_capital_eur": 0.0,
}


@dataclass(frozen=True)
class Units:
    """What one unit of each fact brings, per outcome and draw.

    Parameters
    ----------
    by_name : mapping of str to array
        Shape (outcomes, draws). Money as equal yearly amounts in money of now [EUR/year], but the investment as value
        now [EUR] and hours as the mean over the period [h/year].
    case : Case
        Whose terms and services they are.
    """

    by_name: Mapping[str, Array]
    case: Case

    @property
    def draws(self) -> int:
        """Number of draws."""
        return int(next(iter(self.by_name.values())).shape[1])

    def mean(self) -> Units:
        """Return the expected units: one draw, the mean over all."""
        return Units({name: one.mean(axis=1, keepdims=True) for name, one in self.by_name.items()}, self.case)


def yearly_factor(flow: CashFlow) -> Array:
    """Return the equal yearly amount that one euro of value now comes to over the period [1/year]."""
    years = float(len(flow.discount) - 1)
    rate = np.maximum(1 / flow.discount[1] - 1, SMALLEST_RATE)
    return np.asarray(rate / (1 - (1 + rate) ** -years))


def yearly_equivalent(flow: CashFlow, party: str) -> Array:
    """Return what a party gains as equal yearly amounts over the period, in money of now [EUR/year].

    The value now times the annuity factor at the real discount rate; so it has the sign of the value now.

    Parameters
    ----------
    flow : CashFlow
        The sums of a case.
    party : str
        One of ``PARTIES``.
    """
    return flow.present_value(party) * yearly_factor(flow)


def outcomes(flow: CashFlow) -> Array:
    """Return all outcomes of a cash flow in the order of ``OUTCOMES``, shape (outcomes, draws)."""
    factor, years = yearly_factor(flow), len(flow.discount) - 1
    money = [yearly_equivalent(flow, party) for party in OUTCOMES[:PARTY_COUNT]]
    overhead = _worth(flow, ("overhead", "accounts", "coordination")) * factor
    hours = [flow.hours(which).sum(axis=0) / years for which in ("paid", "volunteer")]
    return np.stack([*money, overhead, _worth(flow, ("investment",)), *hours])


def _worth(flow: CashFlow, kinds: tuple[str, ...]) -> Array:
    rows = [flow.by_row[one.name] for one in flow.plan.payments if one.kind in kinds]
    return np.asarray((flow.real(sum(rows, np.zeros_like(flow.discount))) * flow.discount).sum(axis=0))


def names_of(case: Case) -> tuple[str, ...]:
    """Return the services of a case, panels first."""
    return (*case.panels, *(one.name for one in case.services))


def units_of(case: Case, draws: Mapping[str, Array] | None = None) -> Units:
    """Return what one unit of each fact brings.

    Parameters
    ----------
    case : Case
        Terms and services; its facts and switches are not looked at.
    draws : mapping of str to array, optional
        Terms and figures of services with one value per draw.
    """
    trial = dict(draws or {})
    found: dict[str, Array] = {}
    for name in names_of(case):
        one = _alone(case, name)
        found |= {key: outcomes(_evaluate(one, facts, trial)) for key, facts in _unit_facts(one, name).items()}
    bare = replace(case, services=(), panels=())
    found[FIXED] = outcomes(_evaluate(bare, {"homes": 0.0}, trial))
    alone = bare.with_inputs({"terms.overhead_fixed_eur_per_year": 0.0})
    without = {path: values for path, values in trial.items() if path != "terms.overhead_fixed_eur_per_year"}
    found[HOME] = outcomes(_evaluate(alone, {"homes": 1.0}, without))
    size = max(one.shape[1] for one in found.values())
    return Units({name: np.broadcast_to(one, (len(OUTCOMES), size)) for name, one in found.items()}, case)


def _alone(case: Case, name: str) -> Case:
    services = tuple(replace(one, chosen=1.0) for one in case.services if one.name == name)
    one = replace(case, services=services, panels=tuple(panels for panels in case.panels if panels == name))
    return one.with_inputs(_NO_OVERHEAD | {f"terms.{panels}_chosen": 1.0 for panels in PANELS})


def _unit_facts(case: Case, name: str) -> dict[str, dict[str, float]]:
    """Return for each fact that a service follows the facts of a place that has one unit of it and nothing else."""
    names = facts_of_service(case, name)
    return {f"{name}:{one}": {**dict.fromkeys(names, 0.0), one: 1.0} for one in names}


def facts_of_service(case: Case, name: str) -> tuple[str, ...]:
    """Return the facts that the amounts of a service follow, its sewer saving included.

    Parameters
    ----------
    case : Case
        With the service.
    name : str
        The service.
    """
    if name in MODELS:
        return MODELS[name].needs
    driver = next(one.driver for one in case.services if one.name == name)
    return (driver, SEWER_SAVINGS[name]) if name in SEWER_SAVINGS else (driver,)


def _evaluate(case: Case, facts: Mapping[str, float], draws: Mapping[str, Array]) -> CashFlow:
    one = replace(case, facts=AreaFacts(**facts))
    known = one.inputs()
    fixed = [path for path in _NO_OVERHEAD if known[path] == 0.0]
    return evaluate_case(one, {path: values for path, values in draws.items() if path in known and path not in fixed})


def service_outcomes(units: Units, name: str, facts: Mapping[str, Array]) -> Array:
    """Return what one service brings in each place, shape (outcomes, places, draws); unknown facts count for nothing.

    Parameters
    ----------
    units : Units
        What one unit brings.
    name : str
        The service.
    facts : mapping of str to array
        Facts by name; one value per place, or per place and draw.
    """
    parts = {f"{name}:{one}": _column(facts[one]) for one in facts_of_service(units.case, name)}
    if name in MODELS:
        known = ~np.isnan(sum(parts.values()))
        return _sum({key: np.where(known, value, 0.0) for key, value in parts.items()}, units)
    return _sum({key: np.nan_to_num(value) for key, value in parts.items()}, units)


def organisation_outcomes(units: Units, homes: Array) -> Array:
    """Return what running the enterprise brings each party, shape (outcomes, places, draws)."""
    each = np.nan_to_num(_column(homes))
    return _sum({FIXED: np.ones_like(each), HOME: each}, units)


def _column(values: Array) -> Array:
    return values[:, None] if values.ndim == 1 else values


def _sum(parts: Mapping[str, Array], units: Units) -> Array:
    return np.asarray(sum(value[None] * units.by_name[key][:, None, :] for key, value in parts.items()))
