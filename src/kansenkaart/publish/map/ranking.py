"""The proposed places: which there are, on which grounds they are ranked, how sure that is, and what to say first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.present.mapspec import Answer, AreaTool, Criterion, ProposedArea, Start, StartPlace
from kansenkaart.publish.figures import (
    Verdict,
    case_of,
    each_home,
    headline_cases,
    unique_names,
    verdict_of,
    with_case,
)
from kansenkaart.publish.map.legend import unit_of
from kansenkaart.tables import fields
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import contribution_nl, label, owners_nl
from kansenkaart.wording.nl import (
    UNKNOWN,
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
#: What is not known where a study lacks a table, and who can tell.
_UNKNOWN = {
    "own_pand": ("Van wie de daken zijn", "telt het zwaarst; vraag de corporatie"),
    "roof_face": ("Hoe de daken liggen", "staat in 3DBAG"),
    "sewer_pipe": ("Welk riool er ligt", "vraag de afdeling rioolbeheer"),
    "dsm": ("Waar schaduw valt", "staat in het hoogtemodel (AHN)"),
    "terrain": ("Waar groen en verharding liggen", "staat in de BGT"),
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
    """The proposed places of a study in one form: their kind, table, and the columns of key and name."""

    kind: str
    table: str
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
                name = _name_of(part)
                full = with_case(store, part.assign(**{name: unique_names(part[name].astype(str))}), "best", "best_id")
                return Places("best", "best_area", full, "best_id", name)
    if store.has("gebied"):
        frame = with_case(store, store.read("gebied"), "gebied", "gebied_id")
        return Places("gebied", "gebied", frame, "gebied_id", "gebied_name") if len(frame) else None
    return None


def _name_of(frame: pd.DataFrame) -> str:
    return next(name for name in ("best_name", "name", "best_id") if name in frame.columns)


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
    weight = round(100 / max(len(rows), 1) / 5) * 5.0
    criteria = tuple(_criterion(one, weight) for one in rows)
    members = _members(store, places)
    areas = tuple(
        ProposedArea(
            f"{places.kind}-{row[places.key]}",
            str(row[places.name]),
            members[str(row[places.key])],
            tuple(each_home(row, one.name) if one.per_home else float(row[one.name]) for one in rows),
            _note(row),
            _known(row, "sure_frac"),
            links.get(f"{places.kind}-{row[places.key]}", ""),
            _known(row, "homes"),
        )
        for _, row in places.frame.iterrows()
        if members.get(str(row[places.key]))
    )
    return replace(tool, areas=areas, criteria=criteria, samples=None)


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
    grouped = blocks.dropna(subset=["gebied_id"]).groupby("gebied_id")["block_id"]
    return {str(key): tuple(map(str, one)) for key, one in grouped}


def _note(row: pd.Series[Any]) -> str:
    text = row.get("band_reason_nl")
    return text if isinstance(text, str) else ""


def _known(row: pd.Series[Any], name: str) -> float | None:
    value = row.get(name)
    return None if value is None or pd.isna(value) else float(value)


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
    alike = case is not None and _all_alike(store, case)
    key = f"{places.kind}-{row[places.key]}"
    area = next((one for one in tool.areas if one.key == key), None) if tool else None
    layer = "beste_gebieden" if places.kind == "best" else "gebieden"
    answers = (
        Answer("Waar?", str(row[places.name]), _why(places.kind, verdict, alike=alike)),
        Answer(
            "Hoeveel woningen?",
            homes_nl(row["homes"]),
            "geteld in het register van gebouwen (BAG)",
            folded=places.kind == "best",
        ),
        _without_case(row) if case is None else _gain(case, verdict, folded=places.kind == "best"),
        *(() if case is None else _sure(row, case)),
        *(() if case is None else _takes(store, places.kind, case)),
        Answer("Waaruit?", f"Berekend uit {listed(one.credit for one in sources)}.", _basis(frame), folded=True),
    )
    return Start(
        _title(verdict),
        answers,
        area.units if area else (),
        area.link if area else "",
        layer,
        str(row[places.key]),
        places=_on_one_axis(store, places) if places.kind == "best" else (),
        unknown=tuple(_unknown(store)),
        mark="Begin hier" if verdict is None or (verdict.earns and len(verdict.equal) == 1) else _MARKS[verdict.earns],
    )


def _title(verdict: Verdict | None) -> str:
    """Say what was found; where no sums were made, ask."""
    if verdict is None:
        return "Waar beginnen?"
    if not verdict.earns:
        return "Nog geen gebied komt uit"
    equal = len(verdict.equal)
    return f"{capital(_COUNTS[equal])} zijn even kansrijk" if equal > 1 else "Begin hier"


#: What stands at the first place on the map where it is no place to begin with, or not the only one.
_MARKS = {True: "Even kansrijk", False: "Minste geld bij"}
_COUNTS = ("", "één gebied", "twee gebieden", "drie gebieden", "vier gebieden", "vijf gebieden")


def _all_alike(store: Store, case: pd.Series[Any]) -> bool:
    """Tell whether all areas of the division lie closer together than the interval of this one is wide."""
    cases = headline_cases(store.read("enterprise_case"))
    stays = cases.loc[cases["place_kind"] == "gebied", "stays_eur_per_year"].astype(float).dropna()
    width = float(case["stays_eur_per_year_high"] - case["stays_eur_per_year_low"])
    return len(stays) > 1 and float(stays.max() - stays.min()) < width


def _why(kind: str, verdict: Verdict | None, *, alike: bool = False) -> str:
    """Say why this place stands first, and how many others it cannot be told from; the axis below has their names."""
    equal = 1 if verdict is None else len(verdict.equal)
    if verdict is not None and not verdict.earns:
        least = "hier moet naar verwachting het minste geld bij"
        if alike:
            return f"{least}, maar alle gebieden verschillen minder dan de marge"
        return f"{least}; {_COUNTS[equal]} verschillen minder dan de marge" if equal > 1 else least
    if equal > 1:
        return "een van de " + _COUNTS[equal].split()[0] + ": ze verschillen minder dan de marge"
    return "de beste plek die is gevonden" if kind == "best" else "van de voorgestelde gebieden staat dit bovenaan"


def _on_one_axis(store: Store, places: Places) -> tuple[StartPlace, ...]:
    """Give what stays in each of the first places, with its interval, where that was worked out; none where one lacks it."""
    out = []
    for _, row in places.frame.head(_MOST_PLACES).iterrows():
        case = case_of(store, places.kind, str(row[places.key]))
        names = ("stays_eur_per_year", "stays_eur_per_year_low", "stays_eur_per_year_high", "earns_keep_frac")
        if case is None or any(pd.isna(case.get(name)) for name in names):
            return ()
        middle, low, high, chance = (float(case[name]) for name in names)
        amount, span = roughly(middle, low, high)
        words = f"{capital(amount)} per jaar {_stays(middle)}, {span}; {label('begun', str(case['track']))}"
        out.append(
            StartPlace(
                str(row[places.key]),
                str(row[places.name]),
                middle,
                low,
                high,
                chance,
                words,
                amount,
                span,
                homes_nl(row["homes"]),
            )
        )
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
    span = f"{label('begun', str(case['track']))}; verwacht bedrag, na alle kosten; {between}"
    if verdict is not None and verdict.around_zero:
        span += ": het kan dus ook niets of minder zijn"
    span += f"; de middelste berekening: {roughly(float(case['stays_eur_per_year_median']), low, high)[0]}"
    return Answer("Wat levert het op?", f"{capital(amount)} per jaar {_stays(stays)}", span, folded)


def _stays(value: float) -> str:
    return "blijft in de buurt" if value > 0 else "(er moet geld bij)"


def _takes(store: Store, kind: str, case: pd.Series[Any]) -> Iterator[Answer]:
    """Say what it takes before the enterprise pays; folded, what that is to the euro, what else would help, and who knows."""
    short = case_of(store, kind, str(case["place_id"]), "short")
    both = {} if short is None else {"short": short, "long": case}
    owned = owners_nl({track: (float(one[_STAYS]), float(one[_OWNED])) for track, one in both.items()})
    yield Answer("Wat is ervoor nodig?", f"{_needs(case)}{_turns(store, short) if owned else ''}")
    if float(case["enterprise_eur_per_year"]) < 0:
        exact = f"Een bijdrage van {contribution_nl(case.to_dict())} maakt het wijkbedrijf sluitend."
        yield Answer("Welke bijdrage?", exact, folded=True)
    if larger := _larger(store, case):
        yield Answer("En met een hele buurt?", larger, folded=True)
    if owned:
        yield Answer("Van wie zijn de daken?", owned, folded=True)
    elif short is not None:
        middle, low, high = (float(short[f"stays_eur_per_year{end}"]) for end in ("", "_low", "_high"))
        amount, span = roughly(middle, low, high)
        more = f"Met één grote eigenaar en de gemeente vooraan blijft er {amount} per jaar, {span}."
        yield Answer("En met een grote eigenaar?", more, folded=True)
    yield Answer(
        "Wie weet wat wij niet weten?",
        "De corporatie (eigendom en jaar van groot onderhoud), de waterbeheerder (het echte riool) en bewoners (wie doet mee).",
        folded=True,
    )


_STAYS, _OWNED = "stays_eur_per_year", "stays_if_owned_eur_per_year"


def _turns(store: Store, short: pd.Series[Any] | None) -> str:
    """Say what becomes of the order of places when the roofs of unknown owner are of one corporation: that decides most."""
    if short is None or pd.isna(short[_OWNED]) or float(short[_OWNED]) <= 0:
        return " Op daken van een onbekende eigenaar tellen zonnepanelen nog niet mee."
    cases = store.read("enterprise_case")
    rivals = cases[(cases["track"] == short["track"]) & cases["place_kind"].isin(["best", "gebied"])]
    most = rivals.loc[rivals[_OWNED].astype(float).idxmax()]
    here, there = (number(two_digits(float(one[_OWNED]))) for one in (short, most))
    words = (
        f" Zijn de daken van één corporatie, dan tellen zonnepanelen mee en blijft hier ongeveer {here} euro per jaar"
    )
    if here == there:
        return f"{words}."
    return f"{words}; het meest in {most['place_name']}: {there}."


def _needs(case: pd.Series[Any]) -> str:
    """Say in one sentence what the enterprise lacks, for each home that takes part where that is an amount at all."""
    gap = -float(case["enterprise_eur_per_year"])
    if gap <= 0:
        return "Niets extra: het wijkbedrijf betaalt naar verwachting zichzelf."
    each, low, high = (float(case[f"contribution_eur_per_participant{end}"]) for end in ("", "_low", "_high"))
    if low < 0:
        return f"Bijna niets: het wijkbedrijf komt naar verwachting {euros(gap)} per jaar tekort."
    amount, span = roughly(each, low, high)
    return f"Elke woning die meedoet legt {amount} per jaar bij, {span.partition(',')[0]}."


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
    for name, words in (
        ("sun_eur_per_year", "alleen zon"),
        ("water_eur_per_year", "alleen grijswater"),
    ):
        value = _known(row, name)
        if value is not None and words:
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
        chance += f"; in {number(sure * draws)} van de {draws} trekkingen bij de beste vijf van {others}"
    return (Answer("Hoe zeker?", f"{chance}.", proof, folded=True),)


def _proof(gap: float, border_cost: float | None) -> str:
    """Say what is proven, and what it costs that the border has to be one that people recognise [EUR/year]."""
    percent = share(gap, 1)
    most = "minder dan 0,1%" if percent == "0,0%" else f"hoogstens {percent}"
    words = "binnen het rekenmodel bewezen: geen ander gebied met een even herkenbare rand brengt meer op"
    if gap > 0:
        words = f"een ander gebied met een even herkenbare rand brengt in het rekenmodel {most} meer op"
    if border_cost is None:
        return words
    more = f"hoogstens {euros(two_digits(border_cost), 1)} meer" if round(border_cost) else "niets meer"
    return f"{words}; zonder op de rand te letten {more}"


def _basis(frame: pd.DataFrame) -> str:
    grounds_of = [name for name in ("score_basis", "block_basis") if name in frame.columns]
    words = {say(name, str(one)) for name in grounds_of for one in frame[name].dropna().unique()}
    return "gemaakt uit: " + ", ".join(sorted(words)) if words else ""
