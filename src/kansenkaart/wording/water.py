"""Plain Dutch about one street: what it nets and why, and the sum in four lines. Grijswater and hemelwater stay apart.

The first words follow the class: *geen besparing* and *geen kans* are said of the lowest class and of nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kansenkaart.config import packaged_rows
from kansenkaart.wording import nl


def _sentences(kind: str) -> dict[str, str]:
    return {row["code"]: row["text_nl"] for row in packaged_rows("water_words.csv") if row["kind"] == kind}


GREY_SENTENCES, GREY_REASONS = _sentences("grey"), _sentences("grey_reason")
RAIN_SENTENCES, RAIN_REASONS = _sentences("rain"), _sentences("rain_reason")
CLEANSING_SENTENCES, _RULE = _sentences("cleansing"), _sentences("discharge")
_NEW_SEWER = " Het riool is nog jong en wordt pas rond {year} vervangen."
_IN_PART = (
    " In een deel van de straat is zonder grijswater een kleinere buis genoeg: "
    "dat scheelt ongeveer {saving} euro bij de volgende vervanging."
)
_NO_SEWER = "hier is geen vuilwaterriool of gemengd riool bekend"
_NO_SIZE = "de berekende stroom is te groot voor de grootste gewone buis"
_NO_YEAR = "het jaar van aanleg ontbreekt, dus wanneer de buis aan vervanging toe is, is niet te zeggen"
_RENEWAL = (
    " Landelijk wordt per jaar ongeveer {rate}% van de riolering vernieuwd; wanneer deze straat aan de beurt is, "
    "weet alleen de gemeente."
)
_ON_EDGE = " Dit is een grensgeval: met iets andere aannamen scheelt de buis niets."
_TOO_SMALL = " Let op: de buis die er nu ligt ({present} mm) is kleiner dan de berekening vraagt ({model} mm)."
_OVERSIZED = " De buis die er nu ligt ({present} mm) is groter dan nodig ({model} mm); dat komt niet door grijswater."
_FAR_AHEAD_YEARS = 40


def grey_sentence(row: Mapping[str, Any], *, renewal_pct: float) -> str:
    """Say what grey water nets in this street and why; of an unknown sewer what is known and whom to ask.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    renewal_pct : float
        Share of all sewers that is renewed in a year [%/year].
    """
    word = row["class_grey"]
    if _passes_through(row):
        return GREY_SENTENCES["passes_through"].format(saving=_amount(row, "saving_grey_off_eur")) + _age(row)
    if word == "?":
        return _unknown_sewer(row) + _RENEWAL.format(rate=nl.number(renewal_pct, 1))
    if word == "-":
        return GREY_SENTENCES["-"]
    known = pd.notna(row["net_grey_eur"])
    net = GREY_SENTENCES[word].format(**_net(row, "net_grey_eur" if known else "net_grey_home_eur", per=row["homes"]))
    return net + _pipe_words(row) + _age(row) if known else net


def _net(row: Mapping[str, Any], name: str, *, per: float = 1.0) -> dict[str, str]:
    """Write a net amount with its interval: as a loss where even the high end is one, else as a gain."""
    middle, low, high = (float(row[f"{name}{end}"]) / per for end in ("", "_low", "_high"))
    if high <= 0:
        middle, low, high = -middle, -high, -low
    net, least, most = nl.stepped((middle, low, high), low, high)
    return {"net": net, "span": f"{least} tot {most}"}


def _amount(row: Mapping[str, Any], name: str) -> str:
    """Write an amount as roughly as its interval is wide, or by two digits where it has none."""
    value, low, high = (row.get(f"{name}{end}") for end in ("", "_low", "_high"))
    if pd.isna(value) or pd.isna(low) or pd.isna(high):
        return nl.number(None if pd.isna(value) else nl.two_digits(float(value)))
    return nl.stepped((float(value),), float(low), float(high))[0]


def _unknown_sewer(row: Mapping[str, Any]) -> str:
    cause = _NO_SEWER if pd.isna(row["foul_system"]) else _cause(row["foul_diameter_as_is_mm"])
    low, high = row["net_grey_home_eur_low"], row["net_grey_home_eur_high"]
    words = _net(row, "net_grey_home_eur", per=row["homes"])
    if high <= 0:
        indoors = "kost grijswater in twintig jaar per woning ongeveer {net} euro meer dan het oplevert ({span})"
    elif low > 0:
        indoors = "brengt grijswater in twintig jaar per woning ongeveer {net} euro meer op dan het kost ({span})"
    else:
        indoors = "blijft van grijswater in twintig jaar per woning ongeveer {net} euro over ({span})"
    flow = nl.number(row["waste_water_m3_per_day"], 1 if row["waste_water_m3_per_day"] < 10 else 0)
    return GREY_SENTENCES["?"].format(
        cause=cause, homes=_homes(row), people=nl.number(row["people"]), flow=flow, indoors=indoors.format(**words)
    )


def _cause(size_mm: Any) -> str:
    return _NO_SIZE if pd.isna(size_mm) else _NO_YEAR


def _homes(row: Mapping[str, Any]) -> str:
    return nl.homes_nl(row["homes"])


def _pipe_words(row: Mapping[str, Any]) -> str:
    code, present, model = row["reason_grey"], row["foul_present_mm"], row["foul_diameter_as_is_mm"]
    text = GREY_REASONS.get(code, "")
    if code == "saves" and model == row["foul_diameter_grey_off_100_mm"]:
        text = _IN_PART
    text = text.format(saving=_amount(row, "saving_grey_off_eur"))
    if code == "saves" and row["saving_grey_off_eur_low"] <= 1:
        text += _ON_EDGE
    if pd.notna(present) and pd.notna(model) and present != model:
        words = _OVERSIZED if present > model else _TOO_SMALL
        text += words.format(present=round(present), model=round(model))
    return text


def rain_sentence(row: Mapping[str, Any]) -> str:
    """Say what taking rain off nets in this street and why.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    """
    word, reason = row["class_rain"], row["reason_rain"]
    if word == "-":
        return RAIN_SENTENCES[reason]
    if word == "?":
        measured = f" Bekend is {nl.number(row['paved_sewer_m2'])} m² verharding." if row["area_basis"] == "bgt" else ""
        paved, cause = measured, _cause(row["rain_diameter_as_is_mm"])
        return RAIN_SENTENCES["no_sewer" if reason == "no_sewer" else "unknown"].format(paved=paved, cause=cause)
    why = RAIN_REASONS.get(reason, "").format(saving=_amount(row, "saving_rain_off_eur"))
    return RAIN_SENTENCES[word].format(**_net(row, "net_rain_eur")) + why + _age(row)


def _passes_through(row: Mapping[str, Any]) -> bool:
    return bool(
        row["reason_grey"] == "no_homes" and pd.notna(row["saving_grey_off_eur"]) and row["saving_grey_off_eur"] > 1
    )


def _age(row: Mapping[str, Any]) -> str:
    ahead = row["years_to_replacement"]
    if pd.isna(ahead) or ahead < _FAR_AHEAD_YEARS:
        return ""
    return _NEW_SEWER.format(year=round(float(row["replacement_year"])))


def four_lines(row: Mapping[str, Any]) -> list[str]:
    """Write the sum of one street in four lines: water, pipe, money, rule.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    """
    water = (
        f"Grijswater: ongeveer {_volume(row['grey_water_m3_per_year'])} m³ per jaar uit {_homes(row)}, "
        f"waarvan {_volume(row['reused_m3_per_year'])} m³ te hergebruiken."
    )
    return [water, _pipe_line(row), _money_line(row), _RULE[row["discharge_rule"]]]


def _pipe_line(row: Mapping[str, Any]) -> str:
    if pd.isna(row["foul_system"]):
        return "Buis: riool onbekend; vraag de waterbeheerder naar stelsel, maat en jaar van aanleg."
    if pd.isna(row["foul_diameter_as_is_mm"]):
        return "Buis: welke maat nodig is, is niet bekend."
    # Rain does not size a foul sewer: there only one size says something.
    rain = (
        "" if row["foul_system"] == "vuilwater" else f", zonder regenwater {size(row['foul_diameter_rain_off_100_mm'])}"
    )
    return (
        f"Buis: nu {size(row['foul_present_mm'])}, nodig {size(row['foul_diameter_as_is_mm'])}; "
        f"zonder grijswater {size(row['foul_diameter_grey_off_100_mm'])}{rain}."
    )


def _money_line(row: Mapping[str, Any]) -> str:
    known = pd.notna(row["net_grey_eur"])
    net = _spanned(row, "net_grey_eur" if known else "net_grey_home_eur")
    return (
        f"Geld: in twintig jaar {net} onder de streep{'' if known else ', zonder het riool'}: "
        f"{_spanned(row, 'yearly_eur')} per jaar aan drinkwater en zuivering, {_saved(row)}, "
        f"kosten {_spanned(row, 'cost_grey_eur')} (prijspeil {round(row['price_year'])})."
    )


def _saved(row: Mapping[str, Any]) -> str:
    if pd.isna(row["saving_grey_off_eur"]):
        return "wat de buis scheelt is niet bekend"
    if row["saving_grey_off_eur"] == 0:
        return "niets op de buis"
    return f"{_spanned(row, 'saving_grey_off_eur')} op de buis bij vervanging in {year(row['replacement_year'])}"


def size(value: Any) -> str:
    """Write a diameter, or that it is unknown.

    Parameters
    ----------
    value : float
        Diameter [mm].
    """
    return "onbekend" if pd.isna(value) else f"{nl.number(value)} mm"


def _spanned(row: Mapping[str, Any], name: str) -> str:
    """Write an amount [EUR] with its interval where that says more, as roughly as that is wide: 1.200 euro (900 tot 1.500)."""
    low, high = (row.get(f"{name}_{end}") for end in ("low", "high"))
    if pd.isna(row[name]) or pd.isna(low) or pd.isna(high) or round(low) == round(high):
        return f"{_amount(row, name)} euro"
    middle, least, most = nl.stepped((float(row[name]), float(low), float(high)), float(low), float(high))
    return f"{middle} euro ({least} tot {most})"


def _volume(value: Any) -> str:
    return nl.number(None if pd.isna(value) else nl.two_digits(float(value)))


def participation_line(row: Mapping[str, Any]) -> str:
    """Say what the street gains when a quarter, half, three quarters or all of the homes take part.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    """
    if pd.isna(row["reused_m3_per_year"]) or row["homes"] == 0:
        return ""
    lines = []
    for part in (25, 50, 75, 100):  # of the homes [%]
        saving = "saving_grey_off_eur" if part == 100 else f"saving_grey_off_{part}_eur"
        needed = row[f"foul_diameter_grey_off_{part}_mm"]
        unknown = pd.isna(needed) or pd.isna(row[saving])
        pipe = "" if unknown else f", buis {size(needed)}, {_spanned(row, saving)} op de buis"
        lines.append(f"{part}%: {_volume(part / 100 * row['reused_m3_per_year'])} m³ per jaar hergebruikt{pipe}")
    return "\n".join(lines)


def year(value: Any) -> str:
    """Write a year, or a word where it is unknown.

    Parameters
    ----------
    value : float
        Year [year].
    """
    return "een onbekend jaar" if pd.isna(value) else str(round(float(value)))


def cleansing_sentence(row: Mapping[str, Any]) -> str:
    """Say what less water does to the cleaning of the sewer; nothing where there is no pipe.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    """
    word = row["cleansing"]
    return "" if pd.isna(word) else CLEANSING_SENTENCES[word]


def grey_finding(frame: pd.DataFrame) -> str:
    """Say of a whole study in how many streets grey water pays, and what else can be said of it.

    Parameters
    ----------
    frame : DataFrame
        Table `street_water`.
    """
    living = frame[frame["homes"] > 0]
    if living.empty:
        return "Aan de straten van deze studie staan geen woningen: grijswater is er niet."
    count = living["class_grey"].value_counts()
    pays, may, unknown = (int(count.get(letter, 0)) for letter in "AB?")
    if pays:
        text = f"Grijswater loont in {_part(pays, len(living))} met woningen."
    elif may:
        text = f"Grijswater loont in geen enkele straat zeker; in {_part(may, len(living))} kan het lonen."
    elif unknown == len(living) and (living["net_grey_home_eur_high"] <= 0).all():
        text = (
            "Grijswater loont in geen enkele straat van deze studie als het riool niet meetelt: "
            "de installatie kost in elke straat meer dan het drinkwater dat zij spaart."
        )
    elif unknown == len(living):
        text = "Of grijswater loont is onbekend, want het riool is onbekend."
    else:
        text = (
            f"Grijswater loont in geen enkele straat van deze studie{_WHERE_KNOWN if unknown else ''}: "
            "de installatie kost meer dan drinkwater, zuivering en riool samen schelen."
        )
    if unknown:
        text += f" {_without_sewer(unknown, 'met woningen ')}"
    reused = nl.number(nl.two_digits(float(living["reused_m3_per_year"].sum())))
    homes = int(living["homes"].sum())
    all_join = (
        "de woning aan deze straten meedoet" if homes == 1 else f"alle {nl.homes_nl(homes)} aan deze straten meedoen"
    )
    return f"{text} Wel: ongeveer {reused} m³ drinkwater per jaar is te vervangen als {all_join}."


_SEWER_UNKNOWN, _WHERE_KNOWN = "Welk riool hier ligt, weten we niet", ", waar we het riool kennen"


def grey_headline(frame: pd.DataFrame) -> str:
    """Say in a few words in how many streets grey water pays.

    Parameters
    ----------
    frame : DataFrame
        Table `street_water`.
    """
    living = frame[frame["homes"] > 0]
    pays, may, unknown = (int((living["class_grey"] == letter).sum()) for letter in "AB?")
    if pays:
        return f"Grijswater loont in {_part(pays, len(living))}"
    if may:
        return f"Grijswater kan lonen in {_streets(may)}; zeker is het nergens"
    if unknown and unknown == len(living):
        return _SEWER_UNKNOWN
    return f"Grijswater loont hier in geen enkele straat{_WHERE_KNOWN if unknown else ''}"


def rain_headline(frame: pd.DataFrame) -> str:
    """Say in a few words in how many streets taking rain off pays by the sewer alone.

    Parameters
    ----------
    frame : DataFrame
        Table `street_water`.
    """
    pays, may, loses, unknown = (int((frame["class_rain"] == letter).sum()) for letter in "ABC?")
    if pays:
        return f"Regen afkoppelen loont in {_part(pays, pays + may + loses)} met een gemengd riool"
    if may:
        return f"Regen afkoppelen kan lonen in {_streets(may)}; zeker is het nergens"
    if unknown == len(frame):
        return _SEWER_UNKNOWN
    said = "Regen afkoppelen loont hier nergens door het riool alleen" if loses else "De regen gaat hier al apart"
    return f"{said}{_WHERE_KNOWN if unknown else ''}"


def _without_sewer(count: int, which: str = "") -> str:
    """Say of how many streets the sewer is unknown."""
    have = "die heeft" if count == 1 else "die hebben"
    ask = "Vraag de afdeling rioolbeheer van de gemeente welk stelsel er ligt, hoe groot de buis is en van welk jaar."
    return f"Van {_streets(count)} {which}is het riool onbekend; {have} geen klasse. {ask}"


def _streets(count: int) -> str:
    return nl.counted(count, "straat", "straten")


def _part(count: int, whole: int) -> str:
    """Say how many of some streets, of none of them that it is none."""
    if whole == 1:
        return "de enige straat" if count else "geen enkele straat"
    return f"{nl.number(count) if count else 'geen'} van de {_streets(whole)}"


def rain_finding(frame: pd.DataFrame) -> str:
    """Say of a whole study in how many streets taking rain off pays by the sewer alone.

    Parameters
    ----------
    frame : DataFrame
        Table `street_water`.
    """
    count = frame["class_rain"].value_counts()
    pays, may, loses, apart, unknown = (int(count.get(letter, 0)) for letter in "ABC-?")
    parts = []
    than = "meer goedkoper {}dan het afkoppelen van regenwater kost"
    if may and pays + may + loses == 1:
        parts.append(
            f"In de enige straat met een gemengd riool kan het riool {than.format('worden ')}; zeker is het niet."
        )
    elif mixed := pays + may + loses:
        more = f"; in {nl.number(may)} kan dat" if may else ""
        parts.append(f"In {_part(pays, mixed)} met een gemengd riool wordt het riool {than.format('')}{more}.")
    if apart:
        parts.append(f"In {_streets(apart)} is de regen al apart of is er niets af te koppelen.")
    if unknown:
        parts.append(_without_sewer(unknown))
    return " ".join(parts)
