"""Twenty years of payments between household, enterprise, owner of the roof, municipality and the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kansenkaart.core.enterprise.case import Case
from kansenkaart.core.enterprise.expr import (
    Array,
    Expr,
    IfAtLeast,
    IfKnown,
    Input,
    Number,
    Row,
    evaluate_rows,
    formula,
    high,
    nearest,
    total,
)
from kansenkaart.core.enterprise.services import (
    INDEX,
    ONE,
    YEAR,
    Line,
    Payment,
    common_lines,
    fact,
    service_lines,
    service_payments,
    sewer_payments,
    term,
)
from kansenkaart.core.enterprise.solar_rent import SMALLEST_RATE, solar_lines, solar_payments

SEWER_SAVINGS = {"grey_water": "sewer_saving_eur", "rain_decoupling": "sewer_saving_rain_eur"}


@dataclass(frozen=True)
class Plan:
    """All rows of the sums of a case, in the order in which they are worked out."""

    rows: tuple[Line, ...]
    payments: tuple[Payment, ...]


@dataclass(frozen=True)
class CashFlow:
    """The outcome of a case: one value per row, year and draw.

    Parameters
    ----------
    plan : Plan
        What was summed.
    by_row : mapping of str to array
        Per row, shape (years + 1, draws); money in euros of the year.
    unknown : tuple of str
        Services left out, each with the fact that is missing.
    discount : array
        Real value now of a euro of each year, shape (years + 1, draws) [1].
    given : mapping of str to array
        Every input by its path.
    """

    plan: Plan
    by_row: Mapping[str, NDArray[np.float64]]
    unknown: tuple[str, ...]
    discount: NDArray[np.float64]
    given: Mapping[str, Array]

    def party(self, name: str, *, kinds: tuple[str, ...] | None = None) -> NDArray[np.float64]:
        """Return what a party nets each year, received less paid, in euros of the year [EUR/year].

        Parameters
        ----------
        name : str
            One of ``PARTIES``.
        kinds : tuple of str, optional
            Only these kinds of payment.
        """
        result = np.zeros_like(self.discount)
        for one in self.plan.payments:
            if kinds is None or one.kind in kinds:
                result = result + self.by_row[one.name] * ((one.payee == name) - float(one.payer == name))
        return result

    def real(self, nominal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return euros of each year at prices of now [EUR/year]."""
        return nominal / self.by_row["price_index"]

    def present_value(self, name: str) -> NDArray[np.float64]:
        """Return what a party gains over the period, in money of now, one value per draw [EUR]."""
        return np.asarray((self.real(self.party(name)) * self.discount).sum(axis=0))

    def hours(self, which: str) -> NDArray[np.float64]:
        """Return the hours of all services: ``paid``, ``volunteer`` or ``outside`` [h/year]."""
        names = [one.name for one in self.plan.rows if one.name.endswith(f":hours_{which}")]
        return np.asarray(sum((self.by_row[name] for name in names), np.zeros_like(self.discount)))


def plan_of(case: Case) -> Plan:
    """Return the rows of a case: indices, each service, panels, sewer, overhead, loans and members' capital."""
    rows, payments = common_lines(), list[Payment]()
    for name in case.panels:
        rows += solar_lines(name)
        payments += solar_payments(name)
    for service in case.services:
        rows += service_lines(service)
        payments += service_payments(service)
        if service.name in SEWER_SAVINGS:
            saving = SEWER_SAVINGS[service.name]
            payments += sewer_payments(service.name, saving, period_years=case.period_years)
    payments += _overhead()
    invested: list[Expr] = [Row(one.name) for one in payments if one.kind == "investment"]
    rows += [Line(one.name, "EUR/year", one.guarded()) for one in payments]
    finance = _loan_lines(invested)
    money = [*_loan_payments(case.period_years), *_capital(case.period_years)]
    return Plan((*rows, *finance, *(Line(one.name, "EUR/year", one.value) for one in money)), (*payments, *money))


def evaluate_case(case: Case, draws: Mapping[str, Array] | None = None) -> CashFlow:
    """Return the cash flow of a case.

    Parameters
    ----------
    case : Case
        Facts, services and terms.
    draws : mapping of str to array, optional
        Inputs with one value per draw; the others keep their single value.
    """
    given = {path: np.asarray(value) for path, value in case.inputs().items()} | dict(draws or {})
    plan, size = plan_of(case), max((len(one) for one in (draws or {}).values()), default=1)
    found = evaluate_rows([(one.name, one.value) for one in plan.rows], given, years=case.period_years + 1)
    values = {name: np.broadcast_to(one, (len(one), size)) for name, one in found.items()}
    years = np.arange(case.period_years + 1.0)[:, None]
    discount = np.broadcast_to((1 + given["terms.discount_real_frac"]) ** -years, (len(years), size))
    return CashFlow(plan, values, _unknown(plan, case), discount, given)


def sheet_formulas(case: Case) -> list[tuple[str, str, str]]:
    """Return name, unit and formula (with tokens, see :func:`formula`) of every row of a case.

    Parameters
    ----------
    case : Case
        Facts, services and terms.
    """
    return [(one.name, one.unit, formula(one.value)) for one in plan_of(case).rows]


def payment_keys(case: Case) -> list[tuple[str, str, str, str, str]]:
    """Return row name, service, kind, payer and payee of every payment of a case.

    Parameters
    ----------
    case : Case
        Facts, services and terms.
    """
    return [(one.name, one.service, one.kind, one.payer, one.payee) for one in plan_of(case).payments]


def _unknown(plan: Plan, case: Case) -> tuple[str, ...]:
    given = case.inputs()
    missing = [(one.service, path) for one in plan.payments for path in one.needs if np.isnan(given[path])]
    return tuple(dict.fromkeys(f"{service}: {path.removeprefix('facts.')}" for service, path in missing))


def _active(value: Expr) -> Expr:
    return IfAtLeast(Number(0.0), Input("terms.participation_frac"), Number(0.0), value)


def _overhead() -> list[Payment]:
    """Return what running the enterprise costs: a fixed part from year 1 on, and a part per home that takes part."""
    fixed = IfAtLeast(YEAR, ONE, term("overhead_fixed_eur_per_year") * INDEX, Number(0.0))
    each = term("overhead_home_eur_per_year") * fact("homes") * Row("participation") * INDEX
    return [
        Payment("organisation", "overhead", "enterprise", "others", _active(fixed)),
        Payment("organisation", "accounts", "enterprise", "others", each, ("facts.homes",)),
    ]


def _loan_lines(invested: list[Expr]) -> list[Line]:
    drawn = total(invested) * term("loan_frac")
    rate, years = high(term("loan_rate_frac"), 0), high(nearest(term("loan_term_years")), 1)
    factor = IfAtLeast(Number(SMALLEST_RATE), rate, ONE / years, rate / (ONE - (ONE + rate) ** (Number(0.0) - years)))
    running = Row("loan:drawn_so_far", ONE) - Row("loan:drawn_so_far", years + 1)
    return [
        Line("loan:drawn", "EUR/year", drawn),
        Line("loan:drawn_so_far", "EUR", Row("loan:drawn_so_far", ONE) + Row("loan:drawn")),
        Line("loan:annuity_factor", "1/year", factor),
        Line("loan:annuity", "EUR/year", running * Row("loan:annuity_factor")),
        Line("loan:debt", "EUR", Row("loan:debt", ONE) * (ONE + rate) + Row("loan:drawn") - Row("loan:annuity")),
    ]


def _loan_payments(period_years: int) -> list[Payment]:
    settled = IfAtLeast(YEAR, Number(float(period_years)), Row("loan:debt"), Number(0.0))
    return [
        Payment("finance", "loan", "others", "enterprise", Row("loan:drawn")),
        Payment("finance", "repayment", "enterprise", "others", Row("loan:annuity")),
        Payment("finance", "settlement", "enterprise", "others", settled),
    ]


def _capital(period_years: int) -> list[Payment]:
    paid_in = _active(IfKnown("facts.homes", fact("homes") * term("members_frac") * term("member_capital_eur")))
    first = IfAtLeast(Number(0.0), YEAR, paid_in, Number(0.0))
    last = IfAtLeast(YEAR, Number(float(period_years)), paid_in, Number(0.0))
    return [
        Payment("finance", "capital", "household", "enterprise", first),
        Payment("finance", "capital_back", "enterprise", "household", last),
    ]
