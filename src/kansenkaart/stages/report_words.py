"""What a feasibility report says of one place: what, who, money, how sure, and what it rests on; plain Dutch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kansenkaart.assumptions import Assumptions
from kansenkaart.config import Study
from kansenkaart.core.enterprise.cashflow import CashFlow, evaluate_case
from kansenkaart.core.enterprise.linear import PARTY_COUNT, Array, yearly_equivalent
from kansenkaart.core.enterprise.package import ServiceResult
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.present.report import (
    Bullets,
    Grid,
    Part,
    ReportSpec,
    Section,
    Words,
    euro,
    sketch_drawing,
    years_drawing,
)
from kansenkaart.provenance import Provenance
from kansenkaart.stages.enterprise_words import SERVICES_NL, TRACKS_NL
from kansenkaart.stages.legend import editions_of
from kansenkaart.stages.report_place import Both, Row
from kansenkaart.stages.report_rests import how_sure, rests_on

PARTY_ROWS = (("household_eur_per_year", "Bewoners samen"), ("enterprise_eur_per_year", "Wijkbedrijf"),
              ("roof_owner_eur_per_year", "Eigenaar van de gebouwen"), ("municipality_eur_per_year", "Gemeente"))  # fmt: skip
_KINDS_NL = {"buurt": "buurt", "gebied": "gebied", "best": "gebied"}


def report_of(
    both: Both,
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
    both : Both
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
    row, flow = both.rows[both.track], evaluate_case(both.sums[both.track][1])
    sections = (
        _what(both, row),
        _money(both, flow),
        how_sure(both, known),
        rests_on(both, known, sources, actual, flow),
    )
    return ReportSpec(
        title=f"Wijkbedrijf {row['place_name']}: kan het uit?",
        subtitle=f"{study.title}. {row['homes']} woningen. Rekent over {both.sums[both.track][1].period_years} jaar, "
        f"vanaf {known.value('reference_year', 'year'):.0f}, in geld van nu.",
        note=f"Bron: kansenkaart, uit {editions_of(sources)}. Een schatting om over te praten, geen begroting.",
        warning="De gegevens van deze plek zijn verzonnen: dit is een voorbeeld." if study.invented else "",
        sections=sections,
        downloads=(("Dit rapport als PDF", f"{name}.pdf"), ("Rekenblad: verander zelf de aannamen", f"{name}.xlsx")),
    )


def verdict(row: Row) -> str:
    """Say in one or two sentences whether the enterprise earns its keep, and what it would take."""
    left, low, high, chance = (float(row[name]) for name in (
        "enterprise_eur_per_year", "enterprise_eur_per_year_low", "enterprise_eur_per_year_high", "earns_keep_frac"))  # fmt: skip
    if not isinstance(row["services_nl"], str):
        return "Geen van de diensten die we konden doorrekenen draagt zichzelf. Zonder steun komt een wijkbedrijf hier niet uit."
    outcome = (
        f"houdt het wijkbedrijf {euro(left)} per jaar over"
        if left >= 0
        else f"komt het wijkbedrijf {euro(-left)} per jaar tekort"
    )
    words = f"Met onze middelste aannamen {outcome}. Bijna alle aannamen zijn gokken: "
    words += f"het kan ook {euro(low)} of {euro(high)} zijn. "
    if high - left < left - low:
        words += "Tegenvallen is waarschijnlijker dan meevallen. "
    return words + f"De kans dat het zichzelf betaalt is ongeveer {_chance(chance)}."


def _chance(share: float) -> str:
    if share < 0.01:
        return "0 procent"
    return "100 procent" if share > 0.99 else f"{round(share * 100)} procent"


def _needs(row: Row) -> Bullets:
    carried, costs, homes = (
        float(row[name]) for name in ("overhead_carried_eur_per_year", "overhead_eur_per_year", "homes")
    )
    lines = [f"De organisatie (bestuur, boekhouding, coördinatie) kost {euro(costs)} per jaar; de diensten kunnen "
             f"{euro(max(carried, 0.0))} dragen."]  # fmt: skip
    needed = row["participation_needed_frac"]
    if pd.isna(needed):
        lines.append("Meer deelnemende woningen alleen lost het niet op: ook bij volle deelname komt het niet uit.")
    elif float(needed) > 0:
        lines.append(
            f"Het komt uit vanaf een deelname van ongeveer {round(float(needed) * 100)} procent van de woningen."
        )
    else:
        lines.append(
            "De contracten met gemeente en eigenaren dragen het wijkbedrijf; dat hangt niet af van de deelname."
        )
    gap = -float(row["enterprise_eur_per_year"])
    if gap > 0:
        local = sum(float(row[name]) for name, _ in PARTY_ROWS)
        lines.append(f"Een bijdrage van {euro(gap)} per jaar ({euro(gap / homes)} per woning) maakt het sluitend.")
        lines.append(f"Alle vier de partijen samen {'winnen' if local >= 0 else 'verliezen'} {euro(abs(local))} per jaar"
                     + (": er is dus iets te verdelen." if local > 0
                        else ": dan is bijdragen duurder dan niets doen."))  # fmt: skip
    if isinstance(row["social_nl"], str):
        lines.append(f"Verlies voor het wijkbedrijf, winst voor de buurt als geheel: {row['social_nl']}. "
                     "Wie wint, kan besluiten mee te betalen.")  # fmt: skip
    return Bullets(tuple(lines))


def _what(both: Both, row: Row) -> Section:
    kind = _KINDS_NL[both.place[0]]
    shorter = {track: both.rows[track] for track in ("short", "long")}
    head = ("Per jaar", *(TRACKS_NL[one] for one in shorter))
    rows = [("Wijkbedrijf houdt over", *(euro(float(one["enterprise_eur_per_year"])) for one in shorter.values())),
            ("Blijft in de wijk (bewoners en wijkbedrijf)",
             *(euro(float(one["stays_eur_per_year"])) for one in shorter.values())),
            ("Kans dat het uitkomt", *(_chance(float(one["earns_keep_frac"])) for one in shorter.values()))]  # fmt: skip
    track = {"short": "Het korte spoor past hier beter.", "long": "Het lange spoor past hier beter.",
             "equal": "Beide sporen passen even goed bij wat we weten."}.get(
        str(row["better_track"]), "Welk spoor beter past is niet te zeggen: daarvoor weten we te weinig.")  # fmt: skip
    parts: tuple[Part, ...] = (
        Words(verdict(row), strong=True), *_incomplete(row),
        Words(f"Dit rapport rekent uit wat een wijkbedrijf zou verdienen en besparen in {kind} {row['place_name']}. Een "
              "wijkbedrijf "
              "is van bewoners samen: het neemt werk over dat nu door anderen wordt gedaan, zoals groen en schoonmaak, en "
              "verhuurt bijvoorbeeld zonnepanelen. Het voorbeeld is Bilgaard in Leeuwarden, met 330 woningen."),
        sketch_drawing(both.shape, both.around, title="Waar het is",
                       alt=f"Omtrek van {row['place_name']}, tussen de andere plekken van deze studie."),
        Grid("Twee manieren om te beginnen", head, tuple(rows)),
        Words("Kort spoor: één grote eigenaar en de gemeente leggen zich voor twintig jaar vast, bedrijven helpen, snelle "
              "diensten "
              "eerst. Lang spoor: een coöperatie van bewoners, veel eigenaren, budgetten komen later vrij. " + track),
        Words("Wat is er nodig?", strong=True), _needs(row),
    )  # fmt: skip
    return Section("1. Wat en waar", parts)


def _left_out(row: Row) -> list[str]:
    told = row["missing_nl"] if isinstance(row["missing_nl"], str) else ""
    return [one.removeprefix("niet meegerekend: ") for one in told.split("; ") if one.startswith("niet meegerekend")]


def _incomplete(row: Row) -> list[Part]:
    """Warn on the first page where services could not be summed: the outcome is then that of the others only."""
    lost = [one.split(" (")[0] for one in _left_out(row)]
    if not lost:
        return []
    count = "1 dienst" if len(lost) == 1 else f"{len(lost)} diensten"
    return [Words(f"Let op: {count} konden we niet doorrekenen, omdat gegevens ontbreken: {', '.join(lost)}. De uitkomst is dus "
                  "niet volledig en kan beter of slechter worden.", strong=True)]  # fmt: skip


def _money(both: Both, flow: CashFlow) -> Section:
    row, results = both.rows[both.track], both.sums[both.track][2]
    parties = tuple(
        (words, euro(float(row[name])), euro(float(row[f"{name}_low"])), euro(float(row[f"{name}_high"])))
        for name, words in PARTY_ROWS
    )
    net = flow.real(flow.party("enterprise"))[:, 0]
    work = (f"Werk: gemiddeld {_one(row['paid_jobs'])} betaalde voltijdsbaan voor bewoners en {_one(row['volunteers'])} "
            "vrijwilligers met een vergoeding. "
            f"Investering in de hele looptijd: {euro(float(row['investment_eur']))}.")  # fmt: skip
    parts: list[Part] = [
        Words("Alle bedragen zijn per jaar en in geld van nu, voor het "
              f"{TRACKS_NL[both.track].replace(' ', 'e ')}. Een min betekent: die partij betaalt. "
              "Wat de één wint, betaalt een ander."),
        Grid("Wie wint en wie betaalt", ("Partij", "middelste aannamen", "laag", "hoog"), parties),
        Words("Laag en hoog: in acht van de tien trekkingen valt het bedrag daartussen. " + work),
        *_adds_up(results, flow),
        years_drawing([float(one) for one in net], title="Kas van het wijkbedrijf per jaar (geld van nu)",
                      what="Netto kas van het wijkbedrijf per jaar"),
    ]  # fmt: skip
    if net[-1] < 2 * net[1:-1].min() or net[-1] < 0 < net[-2]:
        parts.append(
            Words(
                "In het laatste jaar lost het wijkbedrijf af wat er nog van zijn leningen staat; panelen leven langer."
            )
        )
    if isinstance(row["missing_nl"], str) and "niet meegerekend" in row["missing_nl"]:
        lost = [
            one.removeprefix("niet meegerekend: ") for one in row["missing_nl"].split("; ") if one.startswith("niet")
        ]
        parts.insert(
            5, Words("Niet meegerekend, want gegevens ontbreken: " + "; ".join(lost) + ". Dat is iets anders dan nul.")
        )
    return Section("2. Wie wint, wie betaalt", tuple(parts))


def _adds_up(results: Sequence[ServiceResult], flow: CashFlow) -> list[Part]:
    """Set services against parties: each row sums to nothing, and the package with its organisation to the outcome."""
    told = [one for one in results if one.known[0] and np.abs(one.parties[:, 0]).sum() > 0]
    order = sorted(told, key=lambda one: (-float(one.enterprise[0]), one.name))
    package = [(SERVICES_NL[one.name], one.parties[:, 0]) for one in order if one.earns[0]]
    other = [(SERVICES_NL[one.name], one.parties[:, 0]) for one in order if not one.earns[0]]
    whole = np.array([float(yearly_equivalent(flow, party)[0]) for party in PARTIES[:PARTY_COUNT]])
    rest = whole - np.sum([values for _, values in package], axis=0)
    head = ("Dienst", "wijkbedrijf", "bewoners", "eigenaar", "gemeente", "anderen")
    widths = (2.6, 1, 1, 1, 1, 1)

    def rows(found: Sequence[tuple[str, Array]]) -> tuple[tuple[str, ...], ...]:
        return tuple(
            (name, *(euro(float(one)) for one in (*values[[1, 0, 2, 3]], -values.sum()))) for name, values in found
        )

    sums = [*package, ("organisatie en inleg van leden", rest), ("samen", whole)]
    parts: list[Part] = [
        Grid("Zo telt het op", head, rows(sums), widths),
        Words("In het pakket zitten alleen diensten die zichzelf dragen. Bewoners winnen door lagere rekeningen, loon en "
              "vergoedingen. Anderen zijn leveranciers, de bank en wie het werk nu doet: wat de wijk wint, missen zij. Elke "
              "regel telt op tot nul; door afronding op tientjes kan dat iets schelen."),
    ]  # fmt: skip
    if other:
        parts.append(Grid("Niet in het pakket: wat deze diensten apart zouden doen", head, rows(other), widths))
    return parts


def _one(value: float) -> str:
    return f"{float(value):.1f}".replace(".", ",")
