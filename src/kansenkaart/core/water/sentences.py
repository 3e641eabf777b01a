"""Plain Dutch about one street: why it scores as it does, and the sum in four lines. Grijswater and hemelwater stay apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

GREY_SENTENCES = {
    "no_homes": "Geen kans voor grijswater: in deze straat staan geen woningen.",
    "passes_through": "Hier staan geen woningen, maar het riool van andere straten loopt erdoor. Doen die straten mee, "
    "dan is hier een kleinere buis genoeg: dat scheelt {saving} euro bij de volgende vervanging.",
    "no_sewer": "Onbekend wat het riool bespaart: hier is geen vuilwaterriool of gemengd riool gevonden.",
    "unknown": "Onbekend wat het riool bespaart: {cause}.",
    "saves": "Zonder grijswater is een kleinere buis genoeg: dat scheelt {saving} euro bij de volgende vervanging.",
    "rain_sizes_it": "Geen besparing op de buis: door dit riool stroomt ook regen, en die bepaalt hoe groot de buis moet zijn.",
    "minimum_diameter": "Geen besparing: minimumdiameter. De kleinste buis die men in een straat legt, is al groot genoeg.",
    "same_size": "Geen besparing op de buis: ook zonder grijswater is dezelfde maat nodig, want buizen bestaan in vaste maten.",
}
RAIN_SENTENCES = {
    "no_sewer": "Onbekend wat afkoppelen van regenwater bespaart: hier is geen riool voor regenwater gevonden.",
    "already_separate": "Het regenwater heeft hier al een eigen riool. Afkoppelen is al gedaan.",
    "no_paving": "Geen kans voor regenwater: er ligt geen verharding die op dit riool loost.",
    "unknown": "Onbekend wat afkoppelen van regenwater bespaart: {cause}.",
    "saves": "Zonder regenwater is een kleinere buis genoeg: dat scheelt {saving} euro bij de volgende vervanging.",
    "minimum_diameter": "Geen besparing: minimumdiameter. De kleinste buis die men in een straat legt, is al groot genoeg.",
    "same_size": "Geen besparing op de buis: ook met minder regenwater is dezelfde standaardmaat nodig.",
}
CLEANSING_SENTENCES = {
    "clean": "Ook zonder grijswater stroomt het riool snel genoeg om zichzelf schoon te houden.",
    "shrinks": "In een kleinere buis stroomt het water sneller; zo blijft het riool schoon.",
    "keeps_size_may_silt": "Let op: de buis blijft even groot en krijgt minder water. Er kan vuil in blijven liggen.",
    "silts_already": "Volgens de berekening stroomt het water hier bij droog weer nu al te langzaam om het riool schoon "
    "te houden. Zonder grijswater stroomt het nog langzamer.",
    "not_foul": "",
    "unknown": "",
}
_RULE = {
    "maatwerk": "Lozen in de bodem mag hier niet zonder maatwerk: binnen 40 m ligt een riool. Zuiveren en hergebruiken kan wel.",
    "free": "Er ligt geen vuilwaterriool binnen 40 m; lozen in de bodem kan onder voorwaarden.",
    "unknown": "Of er een vuilwaterriool binnen 40 m ligt, is niet bekend.",
}
_NEW_SEWER = " Het riool is nog jong en wordt pas rond {year} vervangen."
_SAVES_IN_PART = (
    "In een deel van de straat is zonder grijswater een kleinere buis genoeg: "
    "dat scheelt {saving} euro bij de volgende vervanging."
)
_NO_SIZE = "de berekende stroom is te groot voor de grootste gewone buis"
_NO_YEAR = "de leeftijd van de buis is niet bekend"
_ON_EDGE = " Dit is een grensgeval: met iets andere aannames is de besparing nul."
_TOO_SMALL = " Let op: de buis die er nu ligt ({present} mm) is kleiner dan de berekening vraagt ({model} mm)."
_OVERSIZED = " De buis die er nu ligt ({present} mm) is groter dan nodig ({model} mm); dat komt niet door grijswater."
_GUESSED = " Er zijn hier geen rioolgegevens: het riool is geschat naar het bouwjaar van de woningen."
_FAR_AHEAD_YEARS = 40


def number(value: Any, *, unknown: str = "onbekend") -> str:
    """Write a whole number the Dutch way, or a word where it is unknown.

    Parameters
    ----------
    value : float
        Any number.
    unknown : str
        Word for unknown.
    """
    return unknown if pd.isna(value) else f"{round(float(value)):,}".replace(",", ".")


def grey_sentence(row: Mapping[str, Any]) -> str:
    """Why this street scores as it does for grey water.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    """
    code = "passes_through" if _passes_through(row) else row["reason_grey"]
    present, model = row["foul_present_mm"], row["foul_diameter_as_is_mm"]
    in_part = code == "saves" and model == row["foul_diameter_grey_off_100_mm"]
    text = _SAVES_IN_PART if in_part else GREY_SENTENCES[code]
    text = text.format(saving=number(row["saving_grey_off_eur"]), cause=_NO_SIZE if pd.isna(model) else _NO_YEAR)
    if code == "saves" and row["saving_grey_off_eur_low"] <= 1:
        text += _ON_EDGE
    if row["reason_grey"] != "no_homes" and pd.notna(present) and pd.notna(model) and present != model:
        beside = _OVERSIZED if present > model else _TOO_SMALL
        text += beside.format(present=round(present), model=round(model))
    return text + _age(row) + _guess(row)


def rain_sentence(row: Mapping[str, Any]) -> str:
    """Why this street scores as it does for rain water.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    """
    cause = _NO_SIZE if pd.isna(row["rain_diameter_as_is_mm"]) else _NO_YEAR
    text = RAIN_SENTENCES[row["reason_rain"]].format(saving=number(row["saving_rain_off_eur"]), cause=cause)
    return text + _guess(row) if row["reason_rain"] == "already_separate" else text + _age(row) + _guess(row)


def _guess(row: Mapping[str, Any]) -> str:
    return _GUESSED if row["sewer_basis"] == "era" else ""


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
    homes = "1 woning" if row["homes"] == 1 else f"{number(row['homes'])} woningen"
    water = (
        f"Grijswater: {number(row['grey_water_m3_per_year'])} m³ per jaar uit {homes}, "
        f"waarvan {number(row['reused_m3_per_year'])} m³ te hergebruiken."
    )
    # Rain does not size a foul sewer: there only one size says something.
    rain = (
        "" if row["foul_system"] == "vuilwater" else f", zonder regenwater {size(row['foul_diameter_rain_off_100_mm'])}"
    )
    pipe = (
        "Buis: welke maat nodig is, is niet bekend."
        if pd.isna(row["foul_diameter_as_is_mm"])
        else (
            f"Buis: nu {size(row['foul_present_mm'])}, nodig {size(row['foul_diameter_as_is_mm'])}; "
            f"zonder grijswater {size(row['foul_diameter_grey_off_100_mm'])}{rain}."
        )
    )
    money = (
        f"Geld: {spanned(row, 'yearly_eur')} per jaar aan drinkwater en zuivering, "
        f"{_saved(row)}; "
        f"kosten {spanned(row, 'cost_grey_eur')}."
    )
    return [water, pipe, money, _RULE[row["discharge_rule"]]]


def _saved(row: Mapping[str, Any]) -> str:
    if pd.isna(row["saving_grey_off_eur"]):
        return "wat de buis scheelt is niet bekend"
    return f"{spanned(row, 'saving_grey_off_eur')} op de buis bij vervanging in {year(row['replacement_year'])}"


def size(value: Any) -> str:
    """Write a diameter, or that it is unknown.

    Parameters
    ----------
    value : float
        Diameter [mm].
    """
    return "onbekend" if pd.isna(value) else f"{number(value)} mm"


def spanned(row: Mapping[str, Any], name: str) -> str:
    """Write an amount with its interval where that says more: 1.200 euro (900 tot 1.500).

    Parameters
    ----------
    row : mapping
        A row of the street table.
    name : str
        The amount [EUR].
    """
    text = f"{number(row[name])} euro"
    low, high = (row.get(f"{name}_{end}") for end in ("low", "high"))
    if pd.isna(row[name]) or low is None or high is None or pd.isna(low) or pd.isna(high) or round(low) == round(high):
        return text
    return f"{text} ({number(low)} tot {number(high)})"


def participation_line(row: Mapping[str, Any], *, parts: Sequence[int] = (25, 50, 75, 100)) -> str:
    """Say what the street gains when a quarter, half, three quarters or all of the homes take part.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    parts : sequence of int
        Shares of the homes [%].
    """
    if pd.isna(row["reused_m3_per_year"]) or row["homes"] == 0:
        return ""
    told = []
    for part in parts:
        saving = "saving_grey_off_eur" if part == 100 else f"saving_grey_off_{part}_eur"
        needed = row[f"foul_diameter_grey_off_{part}_mm"]
        unknown = pd.isna(needed) or pd.isna(row[saving])
        pipe = "" if unknown else f", buis {size(needed)}, {spanned(row, saving)} op de buis"
        told.append(f"{part}%: {number(part / 100 * row['reused_m3_per_year'])} m³ per jaar hergebruikt{pipe}")
    return "\n".join(told)


def year(value: Any) -> str:
    """Write a year, or a word where it is unknown.

    Parameters
    ----------
    value : float
        Year [year].
    """
    return "een onbekend jaar" if pd.isna(value) else str(round(float(value)))


def cleansing_sentence(row: Mapping[str, Any]) -> str:
    """Say what less water does to the cleaning of the sewer; nothing where slope and pipe are a guess.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    """
    word = row["cleansing"]
    return "" if pd.isna(word) or row["sewer_basis"] == "era" else CLEANSING_SENTENCES[word]
