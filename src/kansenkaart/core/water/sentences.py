"""Plain Dutch about one street: why it scores as it does, and the sum in four lines. Grijswater and hemelwater stay apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

GREY_SENTENCES = {
    "no_homes": "Geen kans voor grijswater: in deze straat staan geen woningen.",
    "no_sewer": "Onbekend wat het riool bespaart: hier is geen vuilwaterriool of gemengd riool gevonden.",
    "unknown": "Onbekend wat het riool bespaart: leeftijd of maat van de buis is niet bekend.",
    "saves": "Zonder grijswater volstaat een kleinere buis: dat scheelt {saving} euro bij de volgende vervanging.",
    "rain_sizes_it": "Geen besparing op de buis: in dit gemengde riool bepaalt de regen de maat, niet het grijswater.",
    "minimum_diameter": "Geen besparing: minimumdiameter. De buis is al de kleinste die in een straat wordt gelegd.",
    "same_size": "Geen besparing op de buis: zonder grijswater is dezelfde standaardmaat nodig.",
}
RAIN_SENTENCES = {
    "no_sewer": "Onbekend wat afkoppelen van regenwater bespaart: hier is geen riool voor regenwater gevonden.",
    "already_separate": "Het regenwater gaat hier al niet naar het vuilwaterriool; afkoppelen is al gedaan.",
    "no_paving": "Geen kans voor regenwater: er ligt geen verharding die op dit riool loost.",
    "unknown": "Onbekend wat afkoppelen van regenwater bespaart: leeftijd of maat van de buis is niet bekend.",
    "saves": "Zonder regenwater volstaat een kleinere buis: dat scheelt {saving} euro bij de volgende vervanging.",
    "minimum_diameter": "Geen besparing: minimumdiameter. De buis is al de kleinste die in een straat wordt gelegd.",
    "same_size": "Geen besparing op de buis: ook met minder regenwater is dezelfde standaardmaat nodig.",
}
CLEANSING_SENTENCES = {
    "clean": "Het riool blijft zonder grijswater schoon genoeg.",
    "shrinks": "De kleinere buis houdt de stroomsnelheid op peil.",
    "keeps_size_may_silt": "Let op: dezelfde buis krijgt minder water en kan dichtslibben.",
    "silts_already": "Het riool stroomt nu al te traag om zichzelf schoon te houden.",
    "not_foul": "",
    "unknown": "",
}
_RULE = {
    "maatwerk": "Lozen in de bodem mag hier niet zonder maatwerk: binnen 40 m ligt een riool. Zuiveren en hergebruiken kan wel.",
    "free": "Er ligt geen vuilwaterriool binnen 40 m; lozen in de bodem kan onder voorwaarden.",
    "unknown": "Of er een vuilwaterriool binnen 40 m ligt, is niet bekend.",
}
_NEW_SEWER = " Het riool is nog jong en wordt pas rond {year} vervangen."
_OVERSIZED = " De buis die er ligt ({present} mm) is ruimer dan de berekening vraagt ({model} mm)."
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
    text = GREY_SENTENCES[row["reason_grey"]].format(saving=number(row["saving_grey_off_eur"]))
    present, model = row["foul_present_mm"], row["foul_diameter_as_is_mm"]
    if row["reason_grey"] != "no_homes" and pd.notna(present) and pd.notna(model) and present > model:
        text += _OVERSIZED.format(present=round(present), model=round(model))
    return text + _age(row)


def rain_sentence(row: Mapping[str, Any]) -> str:
    """Why this street scores as it does for rain water.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    """
    text = RAIN_SENTENCES[row["reason_rain"]].format(saving=number(row["saving_rain_off_eur"]))
    return text if row["reason_rain"] == "already_separate" else text + _age(row)


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
        f"Grijswater: {number(row['grey_m3_per_year'])} m³ per jaar uit {number(row['homes'])} woningen, "
        f"waarvan {number(row['reused_m3_per_year'])} m³ te hergebruiken."
    )
    pipe = (
        f"Buis: nu {number(row['foul_present_mm'])} mm, nodig {number(row['foul_diameter_as_is_mm'])} mm; "
        f"zonder grijswater {number(row['foul_diameter_grey_off_100_mm'])} mm, "
        f"zonder regenwater {number(row['foul_diameter_rain_off_100_mm'])} mm."
    )
    money = (
        f"Geld: {spanned(row, 'yearly_eur')} per jaar aan drinkwater en zuivering, "
        f"{spanned(row, 'saving_grey_off_eur')} op de buis bij vervanging in {year(row['replacement_year'])}; "
        f"kosten {spanned(row, 'cost_grey_eur')}."
    )
    return [water, pipe, money, _RULE[row["discharge_rule"]]]


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
        saving = row["saving_grey_off_eur" if part == 100 else f"saving_grey_off_{part}_eur"]
        told.append(
            f"{part}%: {number(part / 100 * row['reused_m3_per_year'])} m³ per jaar hergebruikt, "
            f"buis {number(row[f'foul_diameter_grey_off_{part}_mm'])} mm, {number(saving)} euro op de buis"
        )
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
    """Say what less water does to the cleaning of the sewer.

    Parameters
    ----------
    row : mapping
        A row of the street table.
    """
    word = row["cleansing"]
    return "" if pd.isna(word) else CLEANSING_SENTENCES[word]
