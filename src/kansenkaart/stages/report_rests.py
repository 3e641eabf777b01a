"""The second half of a feasibility report: how sure the sums are, what they rest on, and plan beside actual."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kansenkaart.assumptions import Assumptions
from kansenkaart.core.enterprise.case import AreaFacts, Case
from kansenkaart.core.enterprise.cashflow import CashFlow
from kansenkaart.core.enterprise.linear import yearly_equivalent
from kansenkaart.core.enterprise.tracks import Comparison, Track
from kansenkaart.core.enterprise.uncertainty import Span, break_evens, tornado
from kansenkaart.present.report import Bullets, Grid, Part, Section, Words, euro, tornado_drawing
from kansenkaart.provenance import Provenance
from kansenkaart.stages.enterprise_words import CONDITIONS_NL, FACT_UNITS, FACTS_NL, SERVICES_NL, TRACKS_NL
from kansenkaart.stages.feasibility import spans_of, term_rows
from kansenkaart.stages.report_place import Both

_TERMS_NL = {
    "participation_frac": "deelname van woningen", "contracts_frac": "deel van budgetten bij het wijkbedrijf",
    "hours_factor": "uren die het werk echt kost", "ramp_years": "jaren tot volle deelname",
    "wage_eur_per_hour": "loon per uur", "outside_rate_eur_per_hour": "uurtarief van een vakman",
    "overhead_fixed_eur_per_year": "vaste kosten van de organisatie", "overhead_home_eur_per_year": "administratie per woning",
    "coordination_frac": "uren coördinatie", "electricity_price_eur_per_kwh": "stroomprijs",
    "electricity_growth_frac": "groei van de stroomprijs", "export_value_eur_per_kwh": "waarde van teruggeleverde stroom",
    "pv_price_eur_per_kwp": "prijs van panelen", "pv_upkeep_frac": "onderhoud van panelen",
    "rent_share_frac": "huur voor panelen",
    "loan_rate_frac": "rente", "loan_frac": "deel geleend", "loan_term_years": "looptijd van leningen",
    "discount_real_frac": "rekenrente", "inflation_frac": "inflatie", "volunteer_fee_eur_per_hour": "vergoeding vrijwilligers",
    "inverter_price_eur_per_kwp": "prijs van omvormers", "inverter_life_years": "levensduur van omvormers",
    "member_capital_eur": "inleg van leden", "members_frac": "leden per woning", "roof_rent_eur_per_kwp": "huur van het dak",
    "sewer_pass_on_frac": "deel van de rioolbesparing dat de gemeente doorgeeft", "pv_degradation_frac": "slijtage van panelen",
    "volunteer_hours_per_year": "uren per vrijwilliger", "volunteer_fee_max_eur_per_year": "hoogste vergoeding",
    "own_use_frac": "eigen gebruik van zonnestroom",
}  # fmt: skip
_ITEMS_NL = {"work": "prijs en uren samen", "uptake_frac": "deel dat meedoet", "start_year": "begin", "life_years": "levensduur",
             "resident_frac": "werk door bewoners", "volunteer_frac": "werk door vrijwilligers",
             "investment_per_unit": "aanschaf"}  # fmt: skip
_ACTUAL_NL = {"households": "woningen die meedoen", "paid_hours": "betaalde uren", "volunteer_hours": "uren van vrijwilligers",
              "investment_eur": "investering (euro)", "enterprise_eur": "wijkbedrijf, netto (euro)",
              "household_eur": "bewoners, netto (euro)"}  # fmt: skip
_ROLES_NL = {
    "buurt": "buurten", "statistics": "cijfers per buurt", "pand": "gebouwen", "home": "woningen", "roof_face": "dakvlakken",
    "dsm": "hoogtemodel", "dtm": "maaiveld", "terrain": "groen en wegen", "street_line": "straten", "sewer_pipe": "riolen",
    "sewer_node": "putten", "gully": "kolken", "weather_hourly": "weer per uur", "weather_daily": "weer per dag",
    "own_pand": "eigen gegevens: panden", "own_sewer": "eigen gegevens: riolen", "own_budget": "eigen gegevens: budgetten",
    "own_actual": "eigen gegevens: voortgang",
}  # fmt: skip
_TORNADO_ROWS = 8
_LEAST = 0.01  # without any home that takes part there is no enterprise
#: Figures whose turning point is looked for, with the unit in which readers see it.
_TURNING = {
    "terms.participation_frac": "procent", "terms.contracts_frac": "procent", "facts.own_use_frac": "procent",
    "terms.rent_share_frac": "procent", "terms.electricity_price_eur_per_kwh": "euro per kWh",
    "terms.pv_price_eur_per_kwp": "euro per kWp", "terms.hours_factor": "keer het plan",
    "terms.overhead_fixed_eur_per_year": "euro per jaar",
}  # fmt: skip


def path_nl(path: str) -> str:
    """Say an input in words."""
    under, item = path.split(".")
    if under in ("terms", "facts"):
        return _TERMS_NL.get(item, FACTS_NL.get(item, item))
    return f"{SERVICES_NL.get(under, under)}: {_ITEMS_NL.get(item, item)}"


def how_sure(both: Both, known: Assumptions) -> Section:
    """Say how far the outcome may lie off, what it hangs on, which track fits and what may go wrong."""
    row, (setting, case, results, tracks) = both.rows[both.track], both.sums[both.track]
    used = {one.name for one in results if one.earns[0]}
    spans = {path: span for path, span in spans_of(case, assumptions=known, services=setting.services, track=both.track).items()
             if path.split(".")[0] in ("terms", "facts") or path.split(".")[0] in used}  # fmt: skip
    table = tornado(case, spans, outcome=lambda flow: yearly_equivalent(flow, "enterprise")).head(_TORNADO_ROWS)
    ends = zip(table["path"], table["at_low_eur"], table["at_high_eur"], strict=True)
    bars = [(path_nl(str(path)), float(low), float(high)) for path, low, high in ends if abs(high - low) > 1]
    middle = float(row["enterprise_eur_per_year"])
    low, high = float(row["enterprise_eur_per_year_low"]), float(row["enterprise_eur_per_year_high"])
    parts: list[Part] = [
        Words(f"Met de middelste aannamen is de uitkomst van het wijkbedrijf {euro(middle)} per jaar. In acht van de "
              f"tien trekkingen ligt dat tussen {euro(low)} en {euro(high)}. We trokken 500 keer alle aannamen tegelijk, elk "
              "tussen zijn laagste en hoogste waarde."),
        tornado_drawing(bars, middle=middle, title="Waar hangt het van af? Wat het wijkbedrijf per jaar overhoudt"),
        Words("Elke balk verandert één aanname, de rest blijft gelijk. Oranje: de laagste waarde. Blauw: de hoogste waarde."),
        *_turns(case),
        Grid("Past het korte of het lange spoor?", ("Voorwaarde", "spoor", "hier"), _conditions(tracks), (2.6, 1, 1)),
        Words("Wat kan er misgaan?", strong=True),
        Bullets((
            "Gemeente of corporatie gunt het werk niet, of de budgetten liggen langer vast. "
            "Dan valt het grootste deel van het werk weg.",
            "Het werk kost meer uren dan gedacht. De marges zijn klein: een uur extra kost meer dan een klus oplevert.",
            "Minder woningen doen mee, of later. In Dieze-Oost was na de start 6 procent van de woningen lid.",
            "Regels: grijswater mag vaak niet de bodem in, warmte vraagt een vergunning, de kaart geeft geen toestemming.",
            "De gokken zijn van ons, niet van uw gemeente. "
            "Ze zijn niet onafhankelijk van elkaar: de echte spreiding kan groter zijn.",
        )),
    ]  # fmt: skip
    return Section("3. Hoe zeker is dit?", tuple(parts))


def _turns(case: Case) -> list[Part]:
    """Say at which value of one figure, the others held, the enterprise just earns its keep."""
    given, rows = case.inputs(), []
    spans = {
        path: Span(_LEAST, 1.0) if unit == "procent" else Span(0.0, 2 * given[path]) for path, unit in _TURNING.items()
    }
    for path, turn, at_high in break_evens(case, spans).itertuples(index=False):
        if np.isnan(at_high):
            continue
        words = f"{'vanaf' if at_high > 0 else 'tot'} {_amount(turn, _TURNING[path])}" if not np.isnan(turn) else (
            "altijd" if at_high > 0 else "met deze aanname alleen niet")  # fmt: skip
        rows.append((path_nl(path), _amount(given[path], _TURNING[path]), words))
    return [Grid("Wanneer komt het precies uit?", ("Aanname", "nu", "het wijkbedrijf komt uit"), tuple(rows), (2.2, 1, 1.6)),
            Words("Per regel verandert één aanname, tussen nul en het dubbele van nu (een aandeel: van 1 tot 100 procent). "
                  "Het pakket van diensten blijft gelijk.")]  # fmt: skip


def _amount(value: float, unit: str) -> str:
    if unit == "procent":
        return f"{round(value * 100)} procent"
    return (
        f"{value:,.0f}".replace(",", ".") if value >= 100 else f"{value:.2f}".replace(".", ",")
    ) + f" {unit}".rstrip()


def _conditions(tracks: Comparison) -> tuple[tuple[str, ...], ...]:
    words = {True: "ja", False: "nee", None: "onbekend"}

    def rows(track: Track) -> list[tuple[str, ...]]:
        return [(CONDITIONS_NL[one.name], TRACKS_NL[track.name].split()[0], words[one.met]) for one in track.conditions]

    return (*rows(tracks.short), *rows(tracks.long))


def rests_on(
    both: Both, known: Assumptions, sources: Sequence[Provenance], actual: pd.DataFrame | None, flow: CashFlow
) -> Section:
    """Say what is known of the place, which assumptions count most, the sources, and plan beside actual where told."""
    case = both.sums[both.track][1]
    facts = tuple((FACTS_NL[name], _fact(name, float(getattr(case.facts, name)))) for name in AreaFacts().__dict__)
    terms = ("participation_frac", "contracts_frac", "hours_factor", "wage_eur_per_hour", "outside_rate_eur_per_hour",
             "overhead_fixed_eur_per_year", "coordination_frac", "electricity_price_eur_per_kwh")  # fmt: skip
    rows = term_rows(both.track)
    quality = {"guess": "gok", "estimate": "schatting", "measured": "gemeten", "norm": "norm"}
    told = []
    for name in terms:
        one = known[rows[name][0]]
        figures = [f"{figure:g}".replace(".", ",") for figure in (one.value, one.low, one.high)]
        told.append(
            (_TERMS_NL[name], figures[0], f"{figures[1]} tot {figures[2]}", _unit(one.unit), quality[one.quality])
        )
    parts: list[Part] = []
    if actual is not None and len(actual):
        parts.append(_monitor(both, known, actual, flow))
    parts += [
        Grid("Wat we van deze plek weten", ("Feit", "waarde"), facts, (2, 1)),
        Words(f"Grondslag: {both.rows[both.track]['case_basis']}. Onbekend blijft onbekend en telt niet als nul."),
        Grid("De aannamen die het meest tellen", ("Aanname", "waarde", "laag tot hoog", "eenheid", "wat het is"), tuple(told),
             (2.2, 0.7, 1.1, 0.9, 0.8)),
        Words("Alle andere aannamen staan met hun bron in het rekenblad (.xlsx). Verander daar een geel vak; de uitkomst volgt. "
              "Bijna alle prijzen en uren van de diensten zijn gokken. Eigen cijfers van gemeente of corporatie gaan voor."),
        Grid("Bronnen", ("Gegevens", "uitgever", "editie"),
             tuple((_ROLES_NL.get(one.role, one.role), one.credit, one.edition) for one in _each(sources)), (1, 2, 1.4)),
        Words("Niet in de sommen: btw op verhuur, belastingen, subsidies (de SCE vraagt volledige teruglevering) en de "
              "restwaarde van panelen na twintig jaar."),
    ]  # fmt: skip
    return Section("4. Waarop het rust", tuple(parts))


def _each(sources: Sequence[Provenance]) -> list[Provenance]:
    first: dict[tuple[str, str], Provenance] = {}
    for one in sources:
        first.setdefault((one.role, one.publisher), one)
    return list(first.values())


def _unit(unit: str) -> str:
    words = {"EUR": "euro", "year": "jaar", "h": "uur", "home": "woning", "1": "-"}
    return "/".join(words.get(one, one) for one in unit.split("/"))


def _fact(name: str, value: float) -> str:
    if np.isnan(value):
        return "onbekend"
    if name.endswith("_frac"):
        return f"{round(value * 100)} procent {FACT_UNITS[name]}"
    return f"{value:,.0f} {FACT_UNITS.get(name, '')}".replace(",", ".").strip()


def _monitor(both: Both, known: Assumptions, actual: pd.DataFrame, flow: CashFlow) -> Grid:
    """Set plan beside actual for each year and item that was told; money in euros of the year."""
    case, start = both.sums[both.track][1], int(known.value("reference_year", "year"))
    invested = [flow.by_row[one.name] for one in flow.plan.payments if one.kind == "investment"]
    plan = {
        "households": flow.by_row["participation"] * case.facts.homes, "paid_hours": flow.hours("paid"),
        "volunteer_hours": flow.hours("volunteer"), "investment_eur": sum(invested, np.zeros_like(flow.discount)),
        "enterprise_eur": flow.party("enterprise"), "household_eur": flow.party("household"),
    }  # fmt: skip
    rows = []
    told = actual.sort_values(["actual_year", "actual_item"])
    for item, when, value in zip(told["actual_item"], told["actual_year"], told["actual_value"], strict=True):
        year = int(when) - start
        if 0 <= year <= case.period_years and not pd.isna(value):
            aim, got = float(plan[str(item)][year, 0]), float(value)
            words = f"{_ACTUAL_NL[str(item)]}, {when}"
            rows.append((words, *(f"{value:,.0f}".replace(",", ".") for value in (aim, got, got - aim))))
    return Grid("Plan en werkelijkheid", ("Wat en wanneer", "plan", "werkelijk", "verschil"), tuple(rows))
