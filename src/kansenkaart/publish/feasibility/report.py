"""What a feasibility report says of one place: what, who, money, how sure, and what it rests on; plain Dutch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kansenkaart.config import Study, has_extra
from kansenkaart.core.enterprise.case import term_rows
from kansenkaart.core.enterprise.cashflow import CashFlow
from kansenkaart.core.enterprise.linear import PARTY_COUNT, Array
from kansenkaart.core.enterprise.package import ServiceResult
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.core.enterprise.setting import DRAWS
from kansenkaart.core.enterprise.tracks import Comparison, Track
from kansenkaart.core.enterprise.uncertainty import variance_shares
from kansenkaart.present.report import (
    Bullets,
    Grid,
    Part,
    ReportSpec,
    Section,
    Words,
    sketch_drawing,
    tornado_drawing,
    years_drawing,
)
from kansenkaart.publish.feasibility.sums import QUALITY_NL, PlaceSums, TrackSums, unit_nl
from kansenkaart.publish.figures import ENDS, contact_of
from kansenkaart.publish.map.legend import aged, editions_of
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Provenance
from kansenkaart.wording import enterprise as phrases
from kansenkaart.wording import nl
from kansenkaart.wording.enterprise import label, path_words, track_nl, unit_of_fact
from kansenkaart.wording.nl import chance as chance_of
from kansenkaart.wording.nl import euros, exact, homes_nl, listed, number, roughly, share, stepped, two_digits

Row = Mapping[str, Any]
_FITS_NL = {
    "short": "Het korte spoor past hier beter.",
    "long": "Het lange spoor past hier beter.",
    "equal": "Beide sporen passen even goed bij wat we weten.",
    "unknown": "Welk spoor beter past is niet te zeggen: daarvoor weten we te weinig.",
}
_RISKS = (
    "Gemeente of corporatie gunt het werk niet, of de budgetten liggen langer vast. "
    "Dan valt het grootste deel van het werk weg.",
    "Het werk kost meer uren dan gedacht. De marges zijn klein: een uur extra kost meer dan een klus oplevert.",
    "Minder woningen doen mee, of later. In Dieze-Oost was na de start 6 procent van de woningen lid.",
    "Regels: grijswater mag vaak niet de bodem in, warmte vraagt een vergunning, de kaart geeft geen toestemming.",
    "De gokken zijn van ons, niet van uw gemeente. "
    "Ze zijn niet onafhankelijk van elkaar: de echte spreiding kan groter zijn.",
)
_TORNADO_ROWS = 8
_LEAST_SHARE = 0.01  # what carries less is left out [1]; shares are rounded down, so that together they are at most all


def how_sure(place: PlaceSums) -> Section:
    """Say how far the outcome may lie off, which inputs carry that, which track fits and what may go wrong.

    Parameters
    ----------
    place : PlaceSums
        The place and its sums.
    """
    row, sums = place.rows[place.track], place.sums[place.track]
    table = variance_shares(sums.setting.inputs_drawn(), sums.stays)
    table = table[(table["share"] >= _LEAST_SHARE) | (table.index == 0)].head(_TORNADO_ROWS)
    columns = (table[one] for one in ("path", "share", "at_low_eur", "at_high_eur"))
    bars = [
        (f"{path_words(path)} ({share(math.floor(100 * part) / 100)})", low, high)
        for path, part, low, high in zip(*columns, strict=True)
    ]
    middle, low, half, high = (float(row[f"stays_eur_per_year{end}"]) for end in ENDS)
    around = " Een min betekent: er moet geld bij." if low < 0 else ""
    around += " Nul ligt binnen de marge." if low <= 0 <= high else ""
    amount, span = roughly(middle, low, high)
    doubts: tuple[Part, ...] = (Bullets(place.doubts),) if place.doubts else ()
    parts: list[Part] = [
        Words(
            f"Wat er in de buurt blijft is naar verwachting {amount} per jaar: het gemiddelde van "
            f"{DRAWS} berekeningen, elk met andere aannamen en feiten. In acht van de tien ligt het "
            f"{span.partition(',')[0]}, in de helft onder {stepped((half,), low, high)[0]} euro.{around} "
            f"De kans dat het wijkbedrijf zichzelf betaalt is {_chance(float(row['earns_keep_frac']))}."
        ),
        tornado_drawing(bars, middle=middle, title="Waar hangt het van af? Wat er per jaar in de buurt blijft"),
        Words(phrases.SPREAD_NL + (phrases.BEYOND_NL if phrases.owners_nl(place.rows) else "")),
        *(Words("Waar de scores van de hele kaart het meest van afhangen:") for _ in doubts),
        *doubts,
        Grid(
            "Past het korte of het lange spoor?",
            ("Voorwaarde", "spoor", "hier"),
            _conditions(place.tracks),
            (2.6, 1, 1),
        ),
        Words("Wat kan er misgaan?", strong=True),
        Bullets(_RISKS),
    ]
    return Section("3. Hoe zeker is dit?", tuple(parts))


def _conditions(tracks: Comparison) -> tuple[tuple[str, ...], ...]:
    words = {True: "ja", False: "nee", None: "onbekend"}

    def rows(track: Track) -> list[tuple[str, ...]]:
        return [
            (label("condition", one.name), label("track", track.name).split()[0], words[one.met])
            for one in track.conditions
        ]

    return (*rows(tracks.short), *rows(tracks.long))


def grounds(
    place: PlaceSums, known: Assumptions, sources: Sequence[Provenance], actual: pd.DataFrame | None, flow: CashFlow
) -> Section:
    """Say what is known of the place, which assumptions count most, the sources, and plan and actual where both are known."""
    facts = tuple((words, _fact(name, value)) for name, words, value in place.facts())
    workbook = (
        "Alle andere aannamen staan met hun bron in het rekenblad (.xlsx). Verander daar een geel vak; de uitkomst volgt. "
        if place.roofs_apart
        else "Daken staan bij elkaar en er is geen rekenblad: van een van de soorten zijn er hier minder dan tien. "
    )
    parts: list[Part] = []
    if actual is not None and len(actual):
        parts.append(_monitor(place, known, actual, flow))
    parts += [
        Grid("Wat we van deze plek weten", ("Feit", "waarde"), facts, (2, 1)),
        Words(
            (phrases.ROOFS_NL if phrases.owners_nl(place.rows) else "")
            + f"Grondslag: {place.rows[place.track]['case_basis']}. Onbekend blijft onbekend en telt niet als nul. "
            "Daken, panelen en grijswater staan hier voor alle woningen; de bedragen rekenen met wie er meedoet."
        ),
        Grid(
            "De aannamen die het meest tellen",
            ("Aanname", "waarde", "laag tot hoog", "eenheid", "wat het is"),
            _figures_used(place, known),
            (2.2, 0.7, 1.1, 0.9, 0.8),
        ),
        Words(
            workbook
            + "Bijna alle prijzen en uren van de diensten zijn gokken. Eigen cijfers van gemeente of corporatie gaan voor."
        ),
        Grid(
            "Bronnen",
            ("Gegevens", "uitgever", "editie", "van wanneer"),
            tuple((label("role", one.role), one.credit, one.edition, aged(one)) for one in _each(sources)),
            (1, 1.8, 1.2, 1.2),
        ),
        Words(
            "Niet in de sommen: btw op verhuur, belastingen, subsidies (de SCE vraagt volledige teruglevering) en de "
            "restwaarde van panelen na twintig jaar."
        ),
    ]
    return Section("4. Waarop het rust", tuple(parts))


def _figures_used(place: PlaceSums, known: Assumptions) -> tuple[tuple[str, ...], ...]:
    terms = (
        "participation_frac",
        "contracts_frac",
        "hours_factor",
        "wage_eur_per_hour",
        "outside_rate_eur_per_hour",
        "overhead_fixed_eur_per_year",
        "coordination_frac",
        "electricity_price_eur_per_kwh",
    )
    rows = term_rows(place.track)
    lines = []
    for name in terms:
        one = known[rows[name][0]]
        figures = [exact(figure) for figure in (one.value, one.low, one.high)]
        lines.append(
            (
                label("term", name),
                figures[0],
                f"{figures[1]} tot {figures[2]}",
                unit_nl(one.unit),
                QUALITY_NL[one.quality],
            )
        )
    return tuple(lines)


def _each(sources: Sequence[Provenance]) -> list[Provenance]:
    first: dict[tuple[str, str], Provenance] = {}
    for one in sources:
        first.setdefault((one.role, one.publisher), one)
    return list(first.values())


def _fact(name: str, value: float) -> str:
    if np.isnan(value):
        return "onbekend"
    if name.endswith("_frac"):
        return f"{number(value * 100)} procent {unit_of_fact(name)}"
    return f"{number(value)} {unit_of_fact(name)}".strip()


def _monitor(place: PlaceSums, known: Assumptions, actual: pd.DataFrame, flow: CashFlow) -> Grid:
    """Set plan beside actual for each year and item of which the actual is known; money in euros of the year."""
    case, start = place.sums[place.track].case, int(known.value("reference_year", "year"))
    invested = [flow.by_row[one.name] for one in flow.plan.payments if one.kind == "investment"]
    plan = {
        "households": flow.by_row["participation"] * case.facts.homes,
        "paid_hours": flow.hours("paid"),
        "volunteer_hours": flow.hours("volunteer"),
        "investment_eur": sum(invested, np.zeros_like(flow.discount)),
        "enterprise_eur": flow.party("enterprise"),
        "household_eur": flow.party("household"),
    }
    rows = []
    order = actual.sort_values(["actual_year", "actual_item"])
    for item, when, value in zip(order["actual_item"], order["actual_year"], order["actual_value"], strict=True):
        year = int(when) - start
        if 0 <= year <= case.period_years and not pd.isna(value):
            aim, got = float(plan[str(item)][year].mean()), float(value)
            words = f"{label('actual', str(item))}, {when}"
            rows.append((words, *(number(value) for value in (aim, got, got - aim))))
    return Grid("Plan en werkelijkheid", ("Wat en wanneer", "plan", "werkelijk", "verschil"), tuple(rows))


PARTY_ROWS = (
    ("household_eur_per_year", "Bewoners samen"),
    ("enterprise_eur_per_year", "Wijkbedrijf"),
    ("roof_owner_eur_per_year", "Eigenaar van de gebouwen"),
    ("municipality_eur_per_year", "Gemeente"),
)


def report_of(
    place: PlaceSums,
    *,
    study: Study,
    known: Assumptions,
    sources: Sequence[Provenance],
    actual: pd.DataFrame | None,
    name: str,
) -> ReportSpec:
    """Return the report of one place.

    Parameters
    ----------
    place : PlaceSums
        The place and its sums.
    study : Study
        For its title, and whether it is invented.
    known : Assumptions
        Figures.
    sources : sequence of Provenance
        Deliveries behind the figures.
    actual : DataFrame, optional
        What became of the plan: ``actual_year``, ``actual_item``, ``actual_value``.
    name : str
        File name without ending, for the links.
    """
    row, flow = place.rows[place.track], place.sums[place.track].flow()
    last = grounds(place, known, sources, actual, flow)
    downloads = [("Dit rapport als PDF", f"{name}.pdf")] if has_extra("rapporten") else []
    downloads += [("Rekenblad: verander zelf de aannamen", f"{name}.xlsx")] if place.roofs_apart else []
    return ReportSpec(
        title=f"Wijkbedrijf {row['place_name']}: kan het uit?",
        subtitle=f"{study.title}. {homes_nl(row['homes'])}. Rekent over {place.sums[place.track].case.period_years} jaar, "
        f"vanaf {known.value('reference_year', 'year'):.0f}, in geld van nu.",
        note=f"Een schatting om over te praten, geen begroting. Gemaakt met kansenkaart uit {editions_of(sources)}. "
        f"Klopt dit niet? {contact_of(study)}",
        warning="De gegevens van deze plek zijn verzonnen: dit is een voorbeeld." if study.invented else "",
        sections=(_what(place, row), _money(place, flow), how_sure(place), last),
        downloads=tuple(downloads),
    )


def verdict(row: Row) -> str:
    """Say in a few sentences what is expected to stay, whether the enterprise earns its keep, and how sure that is.

    Parameters
    ----------
    row : mapping
        Row of ``enterprise_case``.
    """
    if not isinstance(row["services_nl"], str):
        return "Geen van de diensten die we konden doorrekenen draagt zichzelf. Zonder steun komt een wijkbedrijf hier niet uit."
    stays, low, high = (float(row[f"stays_eur_per_year{end}"]) for end in ("", "_low", "_high"))
    left, least, most = (float(row[f"enterprise_eur_per_year{end}"]) for end in ("", "_low", "_high"))
    (first, span), own = phrases.left_nl(stays, low, high), nl.about(abs(left), nl.step_of(most - least))
    words = f"Naar verwachting {first} (bewoners en wijkbedrijf samen, na alle kosten; {span}). "
    words += f"Het wijkbedrijf zelf houdt {own} over. " if left >= 0 else f"Het wijkbedrijf zelf komt {own} tekort. "
    chance = float(row["earns_keep_frac"])
    return words + f"Bijna alle aannamen zijn gokken. De kans dat het zichzelf betaalt is {_chance(chance)}."


def _about(value: float) -> str:
    return f"ongeveer {number(two_digits(value))} euro"


def _chance(share: float) -> str:
    return chance_of(share).replace("%", " procent")


def _needs(rows: Mapping[str, Row], row: Row, larger: pd.Series[Any] | None) -> Bullets:
    carried, costs = (float(row[name]) for name in ("overhead_carried_eur_per_year", "overhead_eur_per_year"))
    lines = [
        f"De organisatie (bestuur, boekhouding, coördinatie) kost {_about(costs)} per jaar; de diensten kunnen "
        f"{_about(max(carried, 0.0))} dragen."
    ]
    needed = row["participation_needed_frac"]
    if pd.isna(needed):
        lines.append("Meer deelnemende woningen alleen lost het niet op: ook bij volle deelname komt het niet uit.")
        lines += [] if larger is None else [phrases.larger_nl(larger)]
    elif float(needed) > 0:
        lines.append(
            f"Het komt uit vanaf een deelname van ongeveer {number(float(needed) * 100)} procent van de woningen."
        )
    else:
        lines.append(
            "De contracten met gemeente en eigenaren dragen het wijkbedrijf; dat hangt niet af van de deelname."
        )
    if float(row["enterprise_eur_per_year"]) < 0:
        local = float(row["local_eur_per_year"])
        lines.append(f"Een bijdrage van {phrases.contribution_nl(row)} maakt het sluitend.")
        if pd.isna(local):
            lost = listed(party.lower() for name, party in PARTY_ROWS if pd.isna(row[name]))
            lines.append(
                f"Wat alle vier de partijen samen winnen of verliezen is onbekend: onbekend is het van {lost}."
            )
        else:
            lines.append(
                f"Alle vier de partijen samen {'winnen' if local >= 0 else 'verliezen'} {_about(abs(local))} per jaar"
                + (": er is dus iets te verdelen." if local > 0 else ": dan is bijdragen duurder dan niets doen.")
            )
    if owners := phrases.owners_nl(rows):
        lines.append(owners)
    if isinstance(row["social_nl"], str):
        lines.append(
            f"Verlies voor het wijkbedrijf, winst voor de buurt als geheel: {row['social_nl']}. "
            "Wie wint, kan besluiten mee te betalen."
        )
    return Bullets(tuple(lines))


def _what(place: PlaceSums, row: Row) -> Section:
    kind = "buurt" if place.place[0] == "buurt" else "gebied"
    shorter = {track: place.rows[track] for track in ("short", "long")}
    head = ("Per jaar", *(label("track", one) for one in shorter))
    rows = [
        ("Wijkbedrijf houdt over", *(euros(one["enterprise_eur_per_year"], 1) for one in shorter.values())),
        (
            "Blijft in de buurt (bewoners en wijkbedrijf)",
            *(euros(one["stays_eur_per_year"], 1) for one in shorter.values()),
        ),
        ("Kans dat het uitkomt", *(_chance(float(one["earns_keep_frac"])) for one in shorter.values())),
    ]
    parts: tuple[Part, ...] = (
        Words(verdict(row), strong=True),
        *_incomplete(row),
        Words(
            f"Dit rapport rekent uit wat een wijkbedrijf zou verdienen en besparen in {kind} {row['place_name']}. Een "
            "wijkbedrijf "
            "is van bewoners samen: het neemt werk over dat nu door anderen wordt gedaan, zoals groen en schoonmaak, en "
            "verhuurt bijvoorbeeld zonnepanelen. Het voorbeeld is Bilgaard in Leeuwarden, met 330 woningen."
        ),
        sketch_drawing(
            place.shape,
            place.around,
            title="Waar het is",
            alt=f"Omtrek van {row['place_name']}, tussen de andere plekken van deze studie.",
        ),
        Grid("Twee manieren om te beginnen", head, tuple(rows)),
        Words(
            "Kort spoor: één grote eigenaar en de gemeente leggen zich voor twintig jaar vast, bedrijven helpen, snelle "
            "diensten "
            "eerst. Lang spoor: een coöperatie van bewoners, veel eigenaren, budgetten komen later vrij. "
            + _FITS_NL[str(row["better_track"])]
        ),
        Words("Wat is er nodig?", strong=True),
        _needs(shorter, row, place.larger),
    )
    return Section("1. Wat en waar", parts)


def _left_out(row: Row, start: str = "niet meegerekend: ") -> list[str]:
    words = row["missing_nl"] if isinstance(row["missing_nl"], str) else ""
    return [one.removeprefix(start) for one in words.split("; ") if one.startswith(start)]


def _incomplete(row: Row) -> list[Part]:
    """Warn on the first page where services could not be summed, or a budget of one's own set no price."""
    idle = [Words(f"Let op: {phrases.IDLE_BUDGET}{one}.", strong=True) for one in _left_out(row, phrases.IDLE_BUDGET)]
    if not (lost := list(dict.fromkeys(one.split(" (")[0] for one in _left_out(row)))):
        return [*idle]
    count = "1 dienst" if len(lost) == 1 else f"{len(lost)} soorten diensten"
    words = (
        f"Let op: {count} konden we niet doorrekenen, omdat gegevens ontbreken: {', '.join(lost)}. De uitkomst is dus "
        "niet volledig en kan beter of slechter worden."
    )
    return [Words(words, strong=True), *idle]


def _money(place: PlaceSums, flow: CashFlow) -> Section:
    row, results = place.rows[place.track], place.results()
    parties = tuple((words, *(euros(row[f"{name}{end}"], 1) for end in ENDS)) for name, words in PARTY_ROWS)
    net = flow.real(flow.party("enterprise")).mean(axis=1)
    parts: list[Part] = [
        Words(
            "Alle bedragen zijn per jaar en in geld van nu, voor het "
            f"{track_nl(place.track)}. Een min betekent: die partij betaalt. "
            "Wat de één wint, betaalt een ander."
        ),
        Grid("Wie wint en wie betaalt", ("Partij", "verwacht", "laag", "midden", "hoog"), parties),
        Words(
            "Verwacht is het gemiddelde van de berekeningen, midden de middelste: de helft valt daaronder. Laag en hoog: in acht "
            "van de tien valt het bedrag daartussen. " + _no_outcome(place.sums[place.track], row) + _work_nl(row)
        ),
        *_adds_up(results, row),
        years_drawing(
            [float(one) for one in net],
            title="Kas van het wijkbedrijf per jaar (geld van nu)",
            what="Netto kas van het wijkbedrijf per jaar",
        ),
    ]
    if net[-1] < 2 * net[1:-1].min() or net[-1] < 0 < net[-2]:
        parts.append(
            Words(
                "In het laatste jaar lost het wijkbedrijf af wat er nog van zijn leningen staat; panelen leven langer."
            )
        )
    if lost := _left_out(row):
        parts.insert(
            5, Words("Niet meegerekend, want gegevens ontbreken: " + "; ".join(lost) + ". Dat is iets anders dan nul.")
        )
    return Section("2. Wie wint, wie betaalt", tuple(parts))


def _no_outcome(sums: TrackSums, row: Row) -> str:
    """Say of which parties the outcome is unknown, because what they would pay for could not be summed."""
    unknown = {one.name for one in sums.results if not one.known[0]}
    words = ""
    for name, party in PARTY_ROWS:
        lost = [one.name for one in sums.case.services if f"{one.payer}_eur_per_year" == name and one.name in unknown]
        if lost and pd.isna(row[name]):
            services = ", ".join(label("service", one) for one in lost)
            words += f"{party}: niet nul maar onbekend, want onbekend is wat zij wint of betaalt door {services}. "
    return words


def _work_nl(row: Row) -> str:
    least = 0.05
    if max(float(row["paid_jobs"]), float(row["volunteers"])) < least:
        work = "Werk: dit pakket geeft bewoners zo goed als geen werk."
    else:
        jobs, helpers = (round(float(row[name]), 1) for name in ("paid_jobs", "volunteers"))
        work = (
            f"Werk: gemiddeld {number(jobs, 1)} betaalde voltijds{'baan' if jobs <= 1 else 'banen'} voor bewoners en "
            f"{number(helpers, 1)} {'vrijwilliger' if helpers <= 1 else 'vrijwilligers'} met een vergoeding."
        )
    return f"{work} Investering in de hele looptijd: {_about(float(row['investment_eur']))}."


def _adds_up(results: Sequence[ServiceResult], row: Row) -> list[Part]:
    """Set services against parties: each row sums to nothing, and the package with its organisation to the outcome."""
    counted = [one for one in results if one.known[0] and np.abs(one.parties[:, 0]).sum() > 0]
    order = sorted(counted, key=lambda one: (-float(one.enterprise[0]), one.name))
    package = [(label("service", one.name), one.parties[:, 0]) for one in order if one.chosen]
    other = [(label("service", one.name), one.parties[:, 0]) for one in order if not one.chosen]
    whole = np.array([float(row[f"{party}_eur_per_year"]) for party in PARTIES[:PARTY_COUNT]])
    rest = whole - np.sum([values for _, values in package], axis=0)
    rest[2:] = np.nan_to_num(rest[2:])  # an owner or municipality of whom the outcome is unknown pays nothing for it
    head = ("Dienst", "wijkbedrijf", "bewoners", "eigenaar", "gemeente", "anderen")
    widths = (2.6, 1, 1, 1, 1, 1)

    def rows(found: Sequence[tuple[str, Array]]) -> tuple[tuple[str, ...], ...]:
        return tuple(
            (name, *(euros(float(one), 1) for one in (*values[[1, 0, 2, 3]], -values.sum()))) for name, values in found
        )

    sums = [*package, ("organisatie en inleg van leden", rest), ("samen", whole)]
    parts: list[Part] = [
        Grid("Zo telt het op", head, rows(sums), widths),
        Words(
            "Verwachte bedragen. Het pakket is gelijk voor alle plekken van deze studie: wat zichzelf draagt over alle samen. "
            "Bewoners winnen door lagere rekeningen, loon en "
            "vergoedingen. Anderen zijn leveranciers, de bank en wie het werk nu doet: wat de buurt wint, missen zij. Elke "
            "regel telt op tot nul; door afronding kan dat iets schelen."
        ),
    ]
    if other:
        parts.append(Grid("Niet in het pakket: wat deze diensten apart zouden doen", head, rows(other), widths))
    return parts
