"""Cases of an enterprise from the tables of assumptions and services, and the workbook of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from kansenkaart.core.enterprise.case import AreaFacts, Case, Service, Terms
from kansenkaart.core.enterprise.cashflow import payment_keys, sheet_formulas
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.core.enterprise.tracks import for_track
from kansenkaart.core.enterprise.uncertainty import Span
from kansenkaart.present.workbook import InputCell, PaymentRow, SumRow, WorkbookModel
from kansenkaart.tables.assumptions import Assumption, Assumptions, ServiceRows, default_services
from kansenkaart.tables.store import Store

PARTY_LABELS = {
    "household": "bewoners",
    "enterprise": "wijkbedrijf",
    "roof_owner": "eigenaar van het gebouw",
    "municipality": "gemeente",
    "others": "anderen (leveranciers, bank)",
}
_PERCENT, _PER_KILO = 0.01, 1000.0
TERM_ROWS: dict[str, tuple[str, str, float]] = {
    "participation_frac": ("enterprise_participation", "1", 1),
    "contracts_frac": ("enterprise_contracts", "1", 1),
    "hours_factor": ("enterprise_hours_factor", "1", 1),
    "ramp_years": ("enterprise_ramp", "year", 1),
    "inflation_frac": ("inflation", "%/year", _PERCENT),
    "discount_real_frac": ("discount_rate_real", "%/year", _PERCENT),
    "wage_eur_per_hour": ("enterprise_wage", "EUR/h", 1),
    "outside_rate_eur_per_hour": ("enterprise_outside_rate", "EUR/h", 1),
    "volunteer_fee_eur_per_hour": ("volunteer_fee", "EUR/h", 1),
    "volunteer_hours_per_year": ("volunteer_hours", "h/person/year", 1),
    "volunteer_fee_max_eur_per_year": ("volunteer_fee_max", "EUR/person/year", 1),
    "hours_per_job": ("hours_per_job", "h/year", 1),
    "loan_frac": ("enterprise_loan_frac", "1", 1),
    "loan_rate_frac": ("enterprise_loan_rate", "%/year", _PERCENT),
    "loan_term_years": ("enterprise_loan_term", "year", 1),
    "members_frac": ("enterprise_members", "1/home", 1),
    "member_capital_eur": ("enterprise_member_capital", "EUR/person", 1),
    "overhead_fixed_eur_per_year": ("enterprise_overhead", "EUR/year", 1),
    "overhead_home_eur_per_year": ("enterprise_overhead_home", "EUR/home/year", 1),
    "coordination_frac": ("enterprise_coordination", "1", 1),
    "electricity_price_eur_per_kwh": ("electricity_price_all_in", "EUR/kWh", 1),
    "electricity_growth_frac": ("electricity_price_growth", "%/year", _PERCENT),
    "export_value_eur_per_kwh": ("export_value_net", "EUR/kWh", 1),
    "pv_price_eur_per_kwp": ("pv_system_price_pitched", "EUR/Wp", _PER_KILO),
    "pv_degradation_frac": ("pv_degradation", "%/year", _PERCENT),
    "pv_upkeep_frac": ("pv_upkeep", "%/year", _PERCENT),
    "inverter_price_eur_per_kwp": ("pv_inverter_price", "EUR/kWp", 1),
    "inverter_life_years": ("pv_inverter_life", "year", 1),
    "rent_share_frac": ("solar_rent_share", "1", 1),
    "roof_rent_eur_per_kwp": ("roof_rent", "EUR/kWp/year", 1),
    "sewer_pass_on_frac": ("sewer_pass_on", "1", 1),
}
SHORT_ROWS = {
    "contracts_frac": ("enterprise_contracts_short", "1", 1),
    "ramp_years": ("enterprise_ramp_short", "year", 1),
    "members_frac": ("enterprise_members_short", "1/home", 1),
    "overhead_fixed_eur_per_year": ("enterprise_overhead_short", "EUR/year", 1),
}


def term_rows(track: str) -> dict[str, tuple[str, str, float]]:
    """Return for each term the row of the assumptions, its unit and the factor to the unit of the sums [1]."""
    return {**TERM_ROWS, **SHORT_ROWS} if track == "short" else TERM_ROWS


def case_from(
    facts: AreaFacts, *, assumptions: Assumptions, services: Sequence[ServiceRows], track: str = "long"
) -> Case:
    """Return the case of an area with the project's assumptions and services, as a track starts it.

    Parameters
    ----------
    facts : AreaFacts
        What is known of the area.
    assumptions : Assumptions
        Figures of the terms.
    services : sequence of ServiceRows
        Figures of the services; the short track leaves out those that wait for plans and budgets.
    track : str
        ``short`` or ``long``.

    Raises
    ------
    AssumptionError
        If a figure is missing or has another unit.
    """
    terms = Terms(**{name: assumptions.value(row, unit) * by for name, (row, unit, by) in term_rows(track).items()})
    period = int(assumptions.value("analysis_period", "year"))
    return for_track(Case(facts, terms, tuple(_service(one) for one in services), period), track)


def spans_of(
    case: Case,
    *,
    assumptions: Assumptions,
    services: Sequence[ServiceRows],
    track: str = "long",
    without: Sequence[str] = (),
) -> dict[str, Span]:
    """Return the bounds of every uncertain input of a case, stretched to hold the case's own value.

    Parameters
    ----------
    case : Case
        The case.
    assumptions : Assumptions
        Bounds of the terms, and the half width of the own use.
    services : sequence of ServiceRows
        Bounds of the services' figures.
    track : str
        ``short`` or ``long``: some terms have bounds of their own.
    without : sequence of str, optional
        Paths that are known for this area and are not drawn.
    """
    given = case.inputs()
    spans = {
        f"terms.{name}": Span(assumptions[row].low * by, assumptions[row].high * by)
        for name, (row, _, by) in term_rows(track).items()
    }
    for one in services:
        spans |= {f"{one.name}.{item}": Span(row.low, row.high) for item, row in one.figures.items()}
    half, own = assumptions.value("own_use_range", "1"), case.facts.own_use_frac
    spans["facts.own_use_frac"] = Span(max(own - half, 0.0), min(own + half, 1.0))
    held = {path: one for path, one in spans.items() if path in given and path not in without}
    return {path: Span(min(one.low, given[path]), max(one.high, given[path])) for path, one in held.items()}


def workbook_of(
    case: Case,
    *,
    title: str,
    source_note: str,
    assumptions: Assumptions,
    services: Sequence[ServiceRows],
    track: str = "long",
) -> WorkbookModel:
    """Return the workbook of a case: the same sums as formulas, every input with its bounds and source."""
    told = _told(assumptions, services, track)
    cells = tuple(_cell(path, value, told) for path, value in case.inputs().items())
    return WorkbookModel(
        title=title,
        source_note=source_note,
        inputs=cells,
        rows=tuple(SumRow(*row) for row in sheet_formulas(case)),
        payments=tuple(PaymentRow(name, of, payer, payee) for name, of, _, payer, payee in payment_keys(case)),
        parties=tuple((name, PARTY_LABELS[name]) for name in PARTIES),
        period_years=case.period_years,
        discount_path="terms.discount_real_frac",
        index_row="price_index",
    )


def _service(rows: ServiceRows) -> Service:
    figures = {item: row.value for item, row in rows.figures.items()}
    return Service(rows.name, rows.payer, rows.driver, rows.track == "short", **figures)


def _told(assumptions: Assumptions, services: Sequence[ServiceRows], track: str) -> dict[str, tuple[Assumption, float]]:
    told = {f"terms.{name}": (assumptions[row], by) for name, (row, _, by) in term_rows(track).items()}
    for one in services:
        told |= {f"{one.name}.{item}": (row, 1.0) for item, row in one.figures.items()}
    return told


def _cell(path: str, value: float, told: dict[str, tuple[Assumption, float]]) -> InputCell:
    if path not in told:
        source = "1 = doet mee, 0 = doet niet mee" if path.endswith("chosen") else "feiten van het gebied"
        return InputCell(path, value, value, value, "", "choice" if path.endswith("chosen") else "from the map", source)
    row, by = told[path]
    unit = row.unit if by == 1 else f"{row.unit} x {by:g}"
    return InputCell(path, value, row.low * by, row.high * by, unit, row.quality, row.source)


def services_of(store: Store, buurten: pd.DataFrame) -> tuple[ServiceRows, ...]:
    """Return the services; where the present budget is known it sets the price per unit, paid now and to the enterprise.

    Parameters
    ----------
    store : Store
        Tables of the study.
    buurten : DataFrame
        Facts of the buurten: a budget is for all of them together.
    """
    if not store.has("own_budget"):
        return default_services()
    budget = store.read("own_budget").set_index("service")["budget_eur_per_year"].dropna()
    return tuple(_with_budget(one, budget, buurten) for one in default_services())


def _with_budget(one: ServiceRows, budget: pd.Series, buurten: pd.DataFrame) -> ServiceRows:
    units = float(buurten[one.driver].sum(skipna=False)) if one.driver in buurten else np.nan
    if one.name not in budget.index or not units > 0:
        return one
    now = float(budget[one.name]) / units
    old = one.figures["present_price"].value
    ratio = one.figures["enterprise_price"].value / old if old > 0 else 1.0
    told = {"present_price": now, "enterprise_price": now * ratio}
    figures = dict(one.figures) | {item: _measured(one.figures[item], value) for item, value in told.items()}
    return replace(one, figures=figures)


def _measured(old: Assumption, value: float) -> Assumption:
    return replace(
        old, value=value, low=value, high=value, quality="measured", source="eigen begroting over de hele studie"
    )
