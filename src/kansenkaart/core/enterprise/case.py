"""What a case is made of: the facts of an area, the services, the terms; plain numbers all, put together from figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from kansenkaart.errors import ConfigError

UNKNOWN = math.nan
#: Whose roofs the rented panels lie on: of residents themselves, of an owners' association, of a corporation; of the last the
#: buildings with several homes apart from the houses, since one large roof carries itself and many small ones may not.
ROOFS = ("own", "association", "corporation", "corporation_house")
#: The ways in which panels are rented out; see :mod:`kansenkaart.core.enterprise.solar_rent`.
PANELS = (
    "solar_rent_own",
    "solar_rent_association",
    "solar_common",
    "solar_sharing",
    "solar_rent_corporation",
    "solar_rent_corporation_house",
)


@dataclass(frozen=True)
class AreaFacts:
    """What is known of one area or buurt; NaN where unknown, which is not 0.

    Parameters
    ----------
    homes, households, inhabitants, people_65_plus, gallery_flats, corporation_homes, owned_homes : float
        Counts [1].
    green_m2, paved_connected_m2, roof_area_m2 : float
        Areas; the paved area drains to the sewer today [m2].
    pv_own_systems, pv_association_systems, pv_corporation_systems, pv_corporation_house_systems : float
        Roofs with panels that the homes under them can use, by who signs for the roof [1].
    pv_own_kwp, pv_association_kwp, pv_corporation_kwp, pv_corporation_house_kwp : float
        Those panels [kWp].
    pv_own_kwh_per_year, pv_association_kwh_per_year, pv_corporation_kwh_per_year, pv_corporation_house_kwh_per_year : float
        Their yield when new [kWh/year].
    pv_own_used_kwh_per_year, pv_association_used_kwh_per_year, pv_corporation_used_kwh_per_year, \
pv_corporation_house_used_kwh_per_year : float
        What the homes under the roof use of it in the same hour [kWh/year].
        Where it is unknown whose a roof is, none of them holds it.
    reused_m3_per_year : float
        Light grey water that could be used again [m3/year].
    sewer_saving_eur : float
        What replacing the sewer within the period costs less if all take their grey water off it; spread evenly over the
        years, since condition and not age decides when [EUR].
    sewer_saving_rain_eur : float
        What it costs less on top of that if all take their rain water off it as well [EUR].
    sewer_saving_year : float
        Years from now to that replacement, for the track only [year].
    """

    homes: float = UNKNOWN
    households: float = UNKNOWN
    inhabitants: float = UNKNOWN
    people_65_plus: float = UNKNOWN
    gallery_flats: float = UNKNOWN
    corporation_homes: float = UNKNOWN
    owned_homes: float = UNKNOWN
    green_m2: float = UNKNOWN
    paved_connected_m2: float = UNKNOWN
    roof_area_m2: float = UNKNOWN
    pv_own_systems: float = UNKNOWN
    pv_own_kwp: float = UNKNOWN
    pv_own_kwh_per_year: float = UNKNOWN
    pv_own_used_kwh_per_year: float = UNKNOWN
    pv_association_systems: float = UNKNOWN
    pv_association_kwp: float = UNKNOWN
    pv_association_kwh_per_year: float = UNKNOWN
    pv_association_used_kwh_per_year: float = UNKNOWN
    pv_corporation_systems: float = UNKNOWN
    pv_corporation_kwp: float = UNKNOWN
    pv_corporation_kwh_per_year: float = UNKNOWN
    pv_corporation_used_kwh_per_year: float = UNKNOWN
    pv_corporation_house_systems: float = UNKNOWN
    pv_corporation_house_kwp: float = UNKNOWN
    pv_corporation_house_kwh_per_year: float = UNKNOWN
    pv_corporation_house_used_kwh_per_year: float = UNKNOWN
    reused_m3_per_year: float = UNKNOWN
    sewer_saving_eur: float = UNKNOWN
    sewer_saving_rain_eur: float = UNKNOWN
    sewer_saving_year: float = UNKNOWN


@dataclass(frozen=True)
class Service:
    """One thing that the enterprise does; amounts at prices of now, per unit of the driver and year.

    Parameters
    ----------
    name : str
        Short name, also the prefix of its inputs.
    payer : str
        Who pays now: ``household``, ``roof_owner`` or ``municipality``.
    driver : str
        The field of :class:`AreaFacts` that the amount follows.
    quick : bool
        Whether it can start at once (the short track) or waits for plans and budgets.
    present_price, enterprise_price, material_price : float
        Paid now; paid to the enterprise; paid by it to suppliers [EUR/unit/year].
    hours_per_unit : float
        Work [h/unit/year].
    resident_frac, volunteer_frac : float
        Share of the hours by residents; share of those by volunteers [1].
    investment_per_unit : float
        First cost [EUR/unit], spent again after ``life_years`` [year].
    uptake_frac : float
        Share of the driver served when participation is full [1].
    start_year : float
        Year before the first delivery [year].
    chosen : float
        1 where the service is part of the package, 0 where it is left out [1].
    """

    name: str
    payer: str
    driver: str
    quick: bool
    present_price: float
    enterprise_price: float
    material_price: float
    hours_per_unit: float
    resident_frac: float
    volunteer_frac: float
    investment_per_unit: float
    life_years: float
    uptake_frac: float
    start_year: float
    chosen: float = 1.0


@dataclass(frozen=True)
class Terms:
    """What holds for all services; prices of now, rates per year as fractions.

    Parameters
    ----------
    participation_frac, ramp_years : float
        Full participation of homes [1], reached in a straight line [year].
    contracts_frac : float
        Share of the budgets of municipality and owners that goes to the enterprise in the end, if any home takes part [1].
    hours_factor : float
        Hours that the work takes, against those planned [1].
    inflation_frac, discount_real_frac : float
        [1/year].
    wage_eur_per_hour, outside_rate_eur_per_hour, volunteer_fee_eur_per_hour : float
        Cost of a paid resident, a hired hand and a volunteer [EUR/h].
    wage_kept_frac : float
        Part of the cost of a paid resident that the household keeps; the rest leaves as tax and premiums [1].
    volunteer_hours_per_year, volunteer_fee_max_eur_per_year : float
        One volunteer's hours [h/year] and yearly maximum [EUR/year].
    hours_per_job : float
        Hours of one full-time job [h/year].
    loan_frac, loan_rate_frac, loan_term_years : float
        Share of the investment that is borrowed [1], nominal rate [1/year], term [year].
    members_frac, member_capital_eur : float
        Members per home [1] and what each puts in, paid back without interest in the last year [EUR].
    overhead_fixed_eur_per_year : float
        Books, insurance and board of the enterprise, whatever its size [EUR/year].
    overhead_home_eur_per_year : float
        Accounts and letters, per home that takes part [EUR/home/year].
    coordination_frac : float
        Hours of coordination, hired, per hour of work in the services [1].
    electricity_price_eur_per_kwh, electricity_growth_frac, export_value_eur_per_kwh : float
        Price saved, its real growth [1/year], and what an exported kWh earns net [EUR/kWh].
    pv_price_eur_per_system, pv_price_eur_per_kwp : float
        Panels: a fixed part per roof [EUR] and a part by size [EUR/kWp].
    pv_degradation_frac, pv_upkeep_frac : float
        Loss of yield [1/year], upkeep as share of the price [1/year].
    yield_factor, own_use_factor : float
        Yield against the map's [1], and use behind the meter against the map's [1].
    inverter_price_eur_per_kwp, inverter_life_years : float
        Replacement [EUR/kWp] after [year].
    rent_share_frac : float
        Part of the saved bill that the household pays as rent [1].
    roof_rent_eur_per_kwp : float
        Paid to the owner of the roof [EUR/kWp/year].
    sewer_pass_on_frac : float
        Part of the sewer saving that the municipality passes on [1].
    shared_price_eur_per_kwh : float
        Worth of a kWh shared over the grid: the bare supply price less what sharing costs; energy tax stays due [EUR/kWh].
    common_use_frac : float
        Part of the yield that the common meter of a building uses [1].
    association_meters_frac, association_common_frac, association_sharing_frac : float
        Share of the associations' roofs that join in the end: with panels behind each home's own meter, behind the common
        meter, and by energy sharing [1].
    solar_rent_own_chosen, solar_rent_association_chosen, solar_common_chosen, solar_sharing_chosen, \
solar_rent_corporation_chosen, solar_rent_corporation_house_chosen : float
        1 where such panels are part of the package, 0 where they are left out [1].
    """

    participation_frac: float
    contracts_frac: float
    hours_factor: float
    ramp_years: float
    inflation_frac: float
    discount_real_frac: float
    wage_eur_per_hour: float
    wage_kept_frac: float
    outside_rate_eur_per_hour: float
    volunteer_fee_eur_per_hour: float
    volunteer_hours_per_year: float
    volunteer_fee_max_eur_per_year: float
    hours_per_job: float
    loan_frac: float
    loan_rate_frac: float
    loan_term_years: float
    members_frac: float
    member_capital_eur: float
    overhead_fixed_eur_per_year: float
    overhead_home_eur_per_year: float
    coordination_frac: float
    electricity_price_eur_per_kwh: float
    electricity_growth_frac: float
    export_value_eur_per_kwh: float
    pv_price_eur_per_system: float
    pv_price_eur_per_kwp: float
    yield_factor: float
    own_use_factor: float
    pv_degradation_frac: float
    pv_upkeep_frac: float
    inverter_price_eur_per_kwp: float
    inverter_life_years: float
    rent_share_frac: float
    roof_rent_eur_per_kwp: float
    sewer_pass_on_frac: float
    shared_price_eur_per_kwh: float
    common_use_frac: float
    association_meters_frac: float
    association_common_frac: float
    association_sharing_frac: float
    solar_rent_own_chosen: float = 1.0
    solar_rent_association_chosen: float = 1.0
    solar_common_chosen: float = 1.0
    solar_sharing_chosen: float = 1.0
    solar_rent_corporation_chosen: float = 1.0
    solar_rent_corporation_house_chosen: float = 1.0


@dataclass(frozen=True)
class Case:
    """One area under one set of services and terms, over a number of years [year]; panels rented out in some ways."""

    facts: AreaFacts
    terms: Terms
    services: tuple[Service, ...]
    period_years: int = 20
    panels: tuple[str, ...] = PANELS

    def inputs(self) -> dict[str, float]:
        """Return every number of the case by its path; years of the period are not among them."""
        result = {f"facts.{key}": float(value) for key, value in vars(self.facts).items()}
        result |= {f"terms.{key}": float(value) for key, value in vars(self.terms).items()}
        for service in self.services:
            numbers = [one.name for one in fields(service) if one.type == "float"]
            result |= {f"{service.name}.{name}": float(getattr(service, name)) for name in numbers}
        return result

    def with_inputs(self, changes: Mapping[str, float]) -> Case:
        """Return a copy with other numbers.

        Raises
        ------
        ConfigError
            If a path names nothing in the case.
        """
        unknown = sorted(set(changes) - set(self.inputs()))
        if unknown:
            raise ConfigError(
                "paths that the case has", found=", ".join(unknown), where="case", remedy="see Case.inputs"
            )
        services = tuple(replace(one, **_under(one.name, changes)) for one in self.services)
        facts = replace(self.facts, **_under("facts", changes))
        return replace(self, facts=facts, terms=replace(self.terms, **_under("terms", changes)), services=services)


def _under(prefix: str, changes: Mapping[str, float]) -> dict[str, Any]:
    return {key.split(".")[1]: value for key, value in changes.items() if key.split(".")[0] == prefix}


class Figure(Protocol):
    """One figure with its bounds, in its own unit."""

    @property
    def value(self) -> float:
        """The figure itself."""

    @property
    def low(self) -> float:
        """Its lower bound."""

    @property
    def high(self) -> float:
        """Its upper bound."""


class Figures(Protocol):
    """Figures by name; asking for the value of one always names its unit."""

    def __getitem__(self, name: str, /) -> Figure:
        """Return one figure with its bounds."""

    def value(self, name: str, unit: str) -> float:
        """Return one figure in the unit that the caller expects."""


class ServiceFigures(Protocol):
    """One service: who pays now, what drives the amount, its track, and its figures by field of :class:`Service`."""

    @property
    def name(self) -> str:
        """Short name."""

    @property
    def payer(self) -> str:
        """``household``, ``roof_owner`` or ``municipality``."""

    @property
    def driver(self) -> str:
        """The field of :class:`AreaFacts` that the amount follows."""

    @property
    def track(self) -> str:
        """``short`` where it can start at once."""

    @property
    def figures(self) -> Mapping[str, Figure]:
        """Figures by item."""


@dataclass(frozen=True)
class Span:
    """The bounds of one input, in its own unit."""

    low: float
    high: float


_PERCENT = 0.01
_PANELS_PER_KWP = 1 / 0.435  # the panel of 435 Wp of which the price is known
TERM_ROWS: dict[str, tuple[str, str, float]] = {
    "participation_frac": ("enterprise_participation", "1", 1),
    "contracts_frac": ("enterprise_contracts", "1", 1),
    "hours_factor": ("enterprise_hours_factor", "1", 1),
    "ramp_years": ("enterprise_ramp", "year", 1),
    "inflation_frac": ("inflation", "%/year", _PERCENT),
    "discount_real_frac": ("discount_rate_real", "%/year", _PERCENT),
    "wage_eur_per_hour": ("enterprise_wage", "EUR/h", 1),
    "wage_kept_frac": ("enterprise_wage_kept", "1", 1),
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
    "pv_price_eur_per_system": ("pv_price_fixed", "EUR/system", 1),
    "pv_price_eur_per_kwp": ("pv_price_panel", "EUR/panel", _PANELS_PER_KWP),
    "yield_factor": ("pv_yield_factor", "1", 1),
    "own_use_factor": ("own_use_factor", "1", 1),
    "pv_degradation_frac": ("pv_degradation", "%/year", _PERCENT),
    "pv_upkeep_frac": ("pv_upkeep", "%/year", _PERCENT),
    "inverter_price_eur_per_kwp": ("pv_inverter_price", "EUR/kWp", 1),
    "inverter_life_years": ("pv_inverter_life", "year", 1),
    "rent_share_frac": ("solar_rent_share", "1", 1),
    "roof_rent_eur_per_kwp": ("roof_rent", "EUR/kWp/year", 1),
    "sewer_pass_on_frac": ("sewer_pass_on", "1", 1),
    "shared_price_eur_per_kwh": ("electricity_price_shared", "EUR/kWh", 1),
    "common_use_frac": ("pv_common_use", "1", 1),
    "association_meters_frac": ("association_meters", "1", 1),
    "association_common_frac": ("association_common", "1", 1),
    "association_sharing_frac": ("association_sharing", "1", 1),
}
SHORT_ROWS = {
    "contracts_frac": ("enterprise_contracts_short", "1", 1),
    "ramp_years": ("enterprise_ramp_short", "year", 1),
    "members_frac": ("enterprise_members_short", "1/home", 1),
    "overhead_fixed_eur_per_year": ("enterprise_overhead_short", "EUR/year", 1),
}


def term_rows(track: str) -> dict[str, tuple[str, str, float]]:
    """Return for each term the row of the assumptions, its unit and the factor to the unit of the sums [1].

    Parameters
    ----------
    track : str
        ``short`` or ``long``.
    """
    return {**TERM_ROWS, **SHORT_ROWS} if track == "short" else TERM_ROWS


def facts_of_row(row: Mapping[Any, Any]) -> AreaFacts:
    """Return the facts in a row that holds them by name; a fact that the row lacks is unknown.

    Parameters
    ----------
    row : mapping of str to float
        Facts by the names of the fields of :class:`AreaFacts`, in their units.
    """
    return AreaFacts(**{name: float(row[name]) for name in AreaFacts().__dict__ if name in row})


def case_from(
    facts: AreaFacts, *, assumptions: Figures, services: Sequence[ServiceFigures], track: str = "long"
) -> Case:
    """Return the case of an area with the figures of terms and services, as a track starts it.

    Parameters
    ----------
    facts : AreaFacts
        What is known of the area.
    assumptions : Figures
        Figures of the terms.
    services : sequence of ServiceFigures
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


def for_track(case: Case, name: str) -> Case:
    """Return a case as a track starts it: ``short`` with the quick services only, ``long`` with all of them.

    In the short track the slow services wait, so they take no part at all within the period.

    Parameters
    ----------
    case : Case
        With all services.
    name : str
        ``short`` or ``long``.
    """
    if name == "long":
        return case
    return replace(case, services=tuple(one for one in case.services if one.quick))


def spans_of(
    case: Case,
    *,
    assumptions: Figures,
    services: Sequence[ServiceFigures],
    track: str = "long",
    without: Sequence[str] = (),
) -> dict[str, Span]:
    """Return the bounds of every uncertain term and figure of a case, stretched to hold the case's own value.

    Parameters
    ----------
    case : Case
        The case.
    assumptions : Figures
        Bounds of the terms.
    services : sequence of ServiceFigures
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
    held = {path: one for path, one in spans.items() if path in given and path not in without}
    return {path: Span(min(one.low, given[path]), max(one.high, given[path])) for path, one in held.items()}


def _service(rows: ServiceFigures) -> Service:
    figures = {item: row.value for item, row in rows.figures.items()}
    return Service(rows.name, rows.payer, rows.driver, rows.track == "short", **figures)
