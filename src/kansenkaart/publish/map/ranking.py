"""The proposed places: which there are, on which grounds they are ranked, how sure that is, and what to say first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.enterprise.tracks import HEADLINE
from kansenkaart.present.mapspec import Answer, AreaTool, Criterion, ProposedArea, Start, StartPlace
from kansenkaart.publish.figures import (
    Verdict,
    alike,
    case_of,
    each_home,
    headline_cases,
    turned_by_owner,
    verdict_of,
    with_case,
    with_more_homes,
)
from kansenkaart.publish.map.legend import unit_of
from kansenkaart.tables import fields
from kansenkaart.tables.assumptions import default_services
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store
from kansenkaart.wording import enterprise as phrases
from kansenkaart.wording.enterprise import contribution_nl, label, owners_nl
from kansenkaart.wording.nl import (
    UNKNOWN,
    about,
    capital,
    counted,
    energy,
    euros,
    homes_nl,
    listed,
    number,
    roughly,
    say,
    share,
    step_of,
    to_step,
    two_digits,
)
from kansenkaart.wording.nl import chance as chance_of

#: Where the euros of a whole are known, its parts are not weighed beside it.
_IMPLIED = {
    "stays_eur_per_year": (
        "sun_eur_per_year",
        "water_eur_per_year",
        "yield_pay_kwh_per_year",
        "grey_water_m3_per_year",
    ),
    "yield_pay_kwh_per_year": ("yield_fit_kwh_per_year", "sun_kwh_per_year"),
    "yield_fit_kwh_per_year": ("sun_kwh_per_year",),
}
_MOST_GROUNDS = 4
#: Places that stand on one axis [1].
_MOST_PLACES = 5
#: What is not known where a study lacks a table, and who can tell; what stands open was not loaded for this study.
_UNKNOWN = {
    "own_pand": ("Van wie de daken zijn", "vraag de corporatie"),
    "sewer_pipe": ("Welk riool er ligt", "vraag de waterbeheerder"),
    "roof_face": ("Hoe de daken liggen", "open in 3DBAG, hier niet geladen"),
    "dsm": ("Waar schaduw valt", "open in AHN, hier niet geladen"),
    "terrain": ("Waar groen ligt", "open in BGT, hier niet geladen"),
}


#: What no table says, wherever it is.
_NEVER_KNOWN = ("Hoeveel woningen meedoen", "vraag de bewoners")


def _unknown(store: Store) -> Iterator[tuple[str, str]]:
    """Give what is not known, and who can tell: of tables that are not there, of streets without a sewer, and of everybody."""
    yield from (words for name, words in _UNKNOWN.items() if not store.has(name))
    if store.has("sewer_pipe") and store.has("street_water"):
        count = int(store.read("street_water")["class_grey"].astype(str).eq("?").sum())
        if count:
            yield f"Welk riool in {counted(count, 'straat', 'straten')} ligt", _UNKNOWN["sewer_pipe"][1]
    yield _NEVER_KNOWN


@dataclass(frozen=True)
class Places:
    """The proposed places of a study in one form: their kind, rows, and the columns of key and name."""

    kind: str
    frame: gpd.GeoDataFrame
    key: str
    name: str


def proposed(store: Store) -> Places | None:
    """Return the best single areas (by what stays where that is known), else the areas of the division; each with its case."""
    if store.has("best_area"):
        frame = store.read("best_area")
        for criterion in ("stays", "kwh"):
            part = frame[frame["criterion"] == criterion].sort_values("rank", ignore_index=True)
            if len(part):
                return Places("best", with_case(store, part, "best", "best_id"), "best_id", "best_name")
    if store.has("gebied"):
        frame = with_case(store, store.read("gebied"), "gebied", "gebied_id")
        return Places("gebied", frame, "gebied_id", "gebied_name") if len(frame) else None
    return None


def grounds(frame: pd.DataFrame) -> tuple[fields.Field, ...]:
    """Return the grounds on which these places differ and can be ranked, the most telling first.

    Parameters
    ----------
    frame : DataFrame
        The proposed places.

    Returns
    -------
    tuple of Field
        At most four columns of the dictionary; a part of what is ranked as a whole is not weighed again.
    """
    usable = [one for one in fields.grounds() if one.name in frame.columns and frame[one.name].notna().any()]
    implied = {name for one in usable for name in _IMPLIED.get(one.name, ())}
    return tuple(one for one in usable if one.name not in implied)[:_MOST_GROUNDS]


def ranked(tool: AreaTool, store: Store, links: Mapping[str, str]) -> AreaTool:
    """Return the tool with the proposed places of the study, their grounds, their sureness and their factsheets.

    Parameters
    ----------
    tool : AreaTool
        The tool over the blocks.
    store : Store
        Scored tables.
    links : mapping
        Factsheets by ``kind-id`` of their place.
    """
    places = proposed(store)
    if places is None:
        return tool
    rows = grounds(places.frame)
    criteria = tuple(
        _criterion(one, 0.0 if k else 100.0) for k, one in enumerate(rows)
    )  # in the order of the first screen
    members, homes = _members(store, places), store.read("block").set_index("block_id")["homes"]
    drawn = {key: int(homes[homes.index.astype(str).isin(some)].sum()) for key, some in members.items()}
    areas = tuple(
        ProposedArea(
            f"{places.kind}-{row[places.key]}",
            str(row[places.name]),
            members[str(row[places.key])],
            tuple(each_home(row, one.name) if one.per_home else float(row[one.name]) for one in rows),
            _note(row, drawn[str(row[places.key])]),
            _known(row, "sure_frac"),
            links.get(f"{places.kind}-{row[places.key]}", ""),
            _known(row, "homes"),
        )
        for _, row in places.frame.iterrows()
        if members.get(str(row[places.key]))
    )
    note = f"{tool.note} {_drawn_nl(store, int(homes.sum()))}".strip()
    return replace(tool, areas=areas, criteria=criteria, note=note)


def _drawn_nl(store: Store, drawn: int) -> str:
    """Say how many homes the blocks hold, where that is not all of them."""
    whole = int(store.read("buurt_score")["homes"].sum()) if store.has("buurt_score") else drawn
    if drawn >= whole:
        return ""
    small = (
        "Kleine blokken zijn samengevoegd of weggelaten"
        if getattr(store, "public", False)
        else "Niet elke woning ligt in een blok"
    )
    return f"{small}: de blokken op de kaart tellen {number(drawn)} van de {number(whole)} woningen."


def _criterion(one: fields.Field, weight: float) -> Criterion:
    label = f"{one.label_nl} per woning" if one.per_home else one.label_nl
    decimals = int(not one.per_home or one.unit.startswith("m3"))
    return Criterion(one.name, label, unit_of(one), one.definition_nl, weight, one.rank > 0, decimals)


def _members(store: Store, places: Places) -> dict[str, tuple[str, ...]]:
    if places.kind == "best":
        known = set(store.read("block")["block_id"].astype(str))
        return {
            str(row[places.key]): tuple(one for one in str(row["block_ids"]).split(",") if one in known)
            for _, row in places.frame.iterrows()
        }
    blocks = store.read("block")
    grouped = blocks.groupby("gebied_id")["block_id"]  # those of no area are in no group
    return {str(key): tuple(map(str, one)) for key, one in grouped}


def _note(row: pd.Series[Any], drawn: int) -> str:
    """Say why an area is larger or smaller than asked, and how many of its homes are in blocks that are drawn."""
    text = row.get("band_reason_nl")
    some = f"in blokken op de kaart: {homes_nl(drawn)}" if drawn < round(float(row["homes"])) else ""
    return "; ".join(one for one in (text, some) if isinstance(one, str) and one)


def _known(row: pd.Series[Any], name: str) -> float | None:
    value = row.get(name)
    return None if pd.isna(value) else float(value)


def first_minute(store: Store, tool: AreaTool | None, sources: Sequence[Provenance]) -> Start | None:
    """Say where to start, how many homes that is, what it brings, how sure that is, what it takes, and from what.

    Where nothing earns its keep it says so and does not call any place one to begin with; where places cannot be told
    apart it does not crown one.

    Parameters
    ----------
    store : Store
        Scored tables.
    tool : AreaTool or None
        For the blocks of the place.
    sources : sequence of Provenance
        Deliveries behind the figures.
    """
    places = proposed(store)
    if places is None:
        return None
    frame = places.frame
    if places.kind == "gebied":
        first = _leading(frame)
        frame = pd.concat([frame.iloc[[first]], frame.drop(index=frame.index[first])])
    row = frame.iloc[0]
    case = case_of(store, places.kind, str(row[places.key]))
    verdict = None if case is None else verdict_of(frame, places.name)
    key, best = f"{places.kind}-{row[places.key]}", places.kind == "best"
    area = next((one for one in tool.areas if one.key == key), None) if tool else None
    layer = "beste_gebieden" if best else "gebieden"
    turned = None if case is None else turned_by_owner(store, places.kind, str(row[places.key]))
    answers = (
        _where(str(row[places.name]), places.kind, verdict, _level(store, case)),
        Answer("Hoeveel woningen?", homes_nl(row["homes"]), "geteld in het register van gebouwen (BAG)", folded=best),
        _without_case(row) if case is None else _gain(case, verdict, folded=best),
        *(() if case is None else _sure(row, case)),
        *(() if turned is None else (Answer("Wat kan dit omdraaien?", phrases.turned_nl(*turned)),)),
        *(() if case is None else _takes(store, places.kind, case, turned=turned is not None)),
        Answer("Waaruit?", f"Berekend uit {listed(one.credit for one in sources)}.", _basis(frame), folded=True),
    )
    return Start(
        _title(verdict) if turned is None else "Eerst: van wie zijn de daken?",
        answers,
        area.units if area else (),
        area.link if area else "",
        layer,
        str(row[places.key]),
        places=_on_one_axis(places) if best else (),
        unknown=tuple(_unknown(store)),
        mark=_mark(verdict),
    )


def _title(verdict: Verdict | None) -> str:
    """Say what was found; where no sums were made, ask."""
    if verdict is None:
        return "Waar beginnen?"
    if not verdict.earns:
        return "Nog geen gebied komt uit"
    equal = len(verdict.equal)
    return f"{capital(_COUNTS[equal])} zijn even kansrijk" if equal > 1 else "Begin hier"


def _mark(verdict: Verdict | None) -> str:
    """Return what stands at the first place on the map: by whether it earns its keep, and whether others are equal to it."""
    if verdict is not None and len(verdict.equal) > 1:
        return "Even kansrijk" if verdict.earns else "Als voorbeeld"
    return "Begin hier" if verdict is None or verdict.earns else "Meeste over" if verdict.gains else "Minste geld bij"


_COUNTS = ("", "één gebied", "twee gebieden", "drie gebieden", "vier gebieden", "vijf gebieden")


def _level(store: Store, case: pd.Series[Any] | None) -> str:
    """Say how many areas of the division, which the map colours, cannot be told from a place; nothing where none is so."""
    if case is None:
        return ""
    cases = headline_cases(store.read("enterprise_case"))
    areas = cases[cases["place_kind"].eq("gebied") & cases["stays_eur_per_year"].notna()]
    many = int(alike(areas, case).sum())
    if many < 2:
        return ""
    some = f"alle {number(many)}" if many == len(areas) else f"{number(many)} van de {number(len(areas))}"
    return f"{some} gebieden op de kaart zijn binnen de marge gelijk"


def _where(name: str, kind: str, verdict: Verdict | None, level: str) -> Answer:
    """Say which place stands first, by the amount it is ranked by; or that none does, where the lead is less than is known."""
    equal = 1 if verdict is None else len(verdict.equal)
    if verdict is not None and not verdict.earns and equal > 1:
        why = level or f"{_COUNTS[equal]} zijn binnen de marge gelijk"
        return Answer("Waar?", "Geen gebied ligt aantoonbaar voor", f"{why}; als voorbeeld {name}")
    if equal > 1:
        one = f"een van de {_COUNTS[equal].split()[0]}"
        return Answer("Waar?", name, f"{one}: gelijke kans, en een verschil kleiner dan de marge")
    if kind != "best":
        return Answer("Waar?", name, "van de voorgestelde gebieden staat dit bovenaan")
    if verdict is None or verdict.earns:
        return Answer("Waar?", name, "de beste plek die is gevonden")
    verb, most = ("blijft", "meeste over") if verdict.gains else ("moet", "minste bij")
    return Answer("Waar?", name, f"van alle gebieden van deze grootte {verb} hier naar verwachting het {most}")


def _on_one_axis(places: Places) -> tuple[StartPlace, ...]:
    """Give what stays in each of the first places, with its interval, where that was worked out; none where one lacks it."""
    names = ["stays_eur_per_year", "stays_eur_per_year_low", "stays_eur_per_year_high", "earns_keep_frac"]
    first = places.frame.head(_MOST_PLACES).reindex(columns=[places.key, places.name, "homes", *names])
    if first[names].isna().any(axis=None):
        return ()
    begun, out = f"{label('track', HEADLINE)}: {label('begun', HEADLINE)}", []
    for key, name, homes, *figures in first.itertuples(index=False, name=None):
        middle, low, high, chance = map(float, figures)
        amount, span = roughly(middle, low, high)
        span = f"{span}; {begun}"
        words = f"{capital(amount)} per jaar {_stays(middle)}, {span}"
        out.append(StartPlace(str(key), str(name), middle, low, high, chance, words, amount, span, homes_nl(homes)))
    return tuple(out)


def _leading(frame: pd.DataFrame) -> int:
    """Return the position of the place with the most value per home, on the most telling ground that is known."""
    rows = grounds(frame)
    if not rows:
        return 0
    first = rows[0]
    each = (each_home(row, first.name) if first.per_home else float(row[first.name]) for _, row in frame.iterrows())
    values = np.nan_to_num(np.array(list(each)) * np.sign(first.rank), nan=-np.inf)
    return int(np.argmax(values))


def _gain(case: pd.Series[Any], verdict: Verdict | None, *, folded: bool = False) -> Answer:
    stays, low, high = (float(case[f"stays_eur_per_year{end}"]) for end in ("", "_low", "_high"))
    amount, between = roughly(stays, low, high)
    track = str(case["track"])
    span = f"{label('begun', track)}; verwacht bedrag, na alle kosten; {between}"
    if verdict is not None and verdict.around_zero:
        span += ": het kan dus ook niets of minder zijn"
    span += f"; de middelste berekening: {roughly(float(case['stays_eur_per_year_median']), low, high)[0]}"
    return Answer(
        "Wat levert het op?",
        f"{capital(amount)} per jaar {_stays(stays)}, op het {phrases.track_nl(track)}",
        span,
        folded,
    )


def _stays(value: float) -> str:
    return "blijft in de buurt" if value > 0 else "(er moet geld bij)"


def _takes(store: Store, kind: str, case: pd.Series[Any], *, turned: bool) -> Iterator[Answer]:
    """Say what it takes before the enterprise pays; folded, what that is in all, what else would help, and who knows."""
    short = case_of(store, kind, str(case["place_id"]), "short")
    owned = "" if short is None else owners_nl({"short": short, "long": case})
    counted_nl = (
        " Op daken van een onbekende eigenaar tellen zonnepanelen nog niet mee." if owned and not turned else ""
    )
    yield Answer("Wat is ervoor nodig?", f"{_needs(case)}{counted_nl}")
    if float(case["enterprise_eur_per_year"]) < 0:
        added = f"Een bijdrage van {contribution_nl(case.to_dict())} maakt het wijkbedrijf sluitend."
        yield Answer("Welke bijdrage?", added, folded=True)
    if (more := with_more_homes(store.read("enterprise_case"), case)) is not None:
        yield Answer("En met meer woningen?", phrases.larger_nl(more), folded=True)
    if larger := _larger(store, case):
        yield Answer("En met een hele buurt?", larger, folded=True)
    if short is not None:
        if owned:
            yield Answer("Van wie zijn de daken?", owned, folded=True)
        yield Answer("En op het korte spoor?", phrases.short_nl(short), folded=True)
    yield Answer(
        "Wie weet wat wij niet weten?",
        "De corporatie (eigendom en jaar van groot onderhoud), de waterbeheerder (het echte riool) en bewoners (wie doet mee).",
        folded=True,
    )


def _needs(case: pd.Series[Any]) -> str:
    """Say which contract carries the enterprise, or what it lacks: for each home that takes part where that is an amount."""
    left, low, high = (float(case[f"enterprise_eur_per_year{end}"]) for end in ("", "_low", "_high"))
    step = step_of(high - low)
    if left >= 0:
        brings = float(case["contract_eur_per_year"])
        if not brings > left:  # nor where it is unknown
            return "Niets extra: het wijkbedrijf betaalt naar verwachting zichzelf."
        payers = {one.name: one.payer for one in default_services()}
        return phrases.contract_nl(case["contract_service"], payers[case["contract_service"]], brings, left, step)
    each, low, high = (float(case[f"contribution_eur_per_participant{end}"]) for end in ("", "_low", "_high"))
    amount, span = roughly(each, low, high)
    if to_step(round(each), step_of(high - low)) <= 0:
        return f"Bijna niets: het wijkbedrijf komt naar verwachting {about(-left, step)} per jaar tekort."
    joining = f"gerekend met {number(-left / each)} van de {homes_nl(case['homes'])}"
    perhaps = "; misschien is er niets nodig" if low < 0 else f", {span.partition(',')[0]}"
    return f"Elke woning die meedoet legt {amount} per jaar bij{perhaps} ({joining})."


def _larger(store: Store, case: pd.Series[Any]) -> str:
    """Say which whole buurt earns more than a place that does not, where there is one."""
    cases = headline_cases(store.read("enterprise_case"))
    larger = cases[(cases["place_kind"] == "buurt") & (cases["homes"] > float(case["homes"]))]
    best = larger.nlargest(1, "stays_eur_per_year")
    if best.empty or float(best["stays_eur_per_year"].iloc[0]) <= max(float(case["stays_eur_per_year"]), 0.0):
        return ""
    row = best.iloc[0]
    middle, low, high = (float(row[f"stays_eur_per_year{end}"]) for end in ("", "_low", "_high"))
    amount, span = roughly(middle, low, high)
    chance = chance_of(row["earns_keep_frac"])
    return (
        f"Dan kan het meer zijn: in {row['place_name']} ({homes_nl(row['homes'])}) blijft {amount} "
        f"per jaar, {span}; de kans dat het wijkbedrijf zichzelf betaalt is daar {chance}."
    )


def _without_case(row: pd.Series[Any]) -> Answer:
    question = "Wat levert het op?"
    for name, words in (("sun_eur_per_year", "alleen zon"), ("water_eur_per_year", "alleen grijswater")):
        value = _known(row, name)
        if value is not None:
            each = f"ongeveer {number(two_digits(value / max(float(row['homes']), 1)))} euro per woning; {words}"
            return Answer(question, f"ongeveer {number(two_digits(value))} euro per jaar", each)
    kwh = next(
        (v for n in ("yield_pay_kwh_per_year", "yield_fit_kwh_per_year") if (v := _known(row, n)) is not None), None
    )
    if kwh is not None:
        return Answer(question, f"{energy(kwh)} stroom per jaar", "in euro's nog onbekend")
    water = _known(row, "grey_water_m3_per_year")
    reuse = (
        f"ongeveer {number(two_digits(water))} m³ grijswater per jaar om te hergebruiken"
        if water is not None
        else UNKNOWN
    )
    return Answer(question, reuse, "in euro's nog onbekend: er ontbreken gegevens over daken of riolen")


def _sure(row: pd.Series[Any], case: pd.Series[Any]) -> tuple[Answer, ...]:
    chance = f"De kans dat het wijkbedrijf zichzelf betaalt is {chance_of(case['earns_keep_frac'])}"
    sure, gap = _known(row, "sure_frac"), _known(row, "bound_gap_frac")
    proof = "" if gap is None else _proof(gap, _known(row, "border_cost_eur_per_year"))
    if sure is not None:
        draws, others = int(row["sure_draws"]), int(row["candidates"])
        chance += (
            f"; in {number(sure * draws)} van de {draws} berekeningen hoort het gebied bij de beste vijf van {others}"
        )
    return (Answer("Hoe zeker?", f"{chance}.", proof, folded=True),)


def _proof(gap: float, border_cost: float | None) -> str:
    """Say what is proven, and what it costs that the border has to be one that people recognise [EUR/year]."""
    percent = share(gap, 1)
    most = "minder dan 0,1%" if percent == "0,0%" else f"hoogstens {percent}"
    words = (
        "binnen het rekenmodel bewezen: geen ander gebied van deze grootte met een even herkenbare rand brengt meer op"
    )
    if gap > 0:
        words = (
            f"een ander gebied van deze grootte met een even herkenbare rand brengt in het rekenmodel {most} meer op"
        )
    if border_cost is None:
        return words
    more = f"hoogstens {euros(two_digits(border_cost), 1)} meer" if round(border_cost) else "niets meer"
    return f"{words}; zonder op de rand te letten {more}"


def _basis(frame: pd.DataFrame) -> str:
    grounds_of = [name for name in ("score_basis", "block_basis") if name in frame.columns]
    words = {say(name, str(one)) for name in grounds_of for one in frame[name].dropna().unique()}
    return "gemaakt uit: " + ", ".join(sorted(words)) if words else ""
