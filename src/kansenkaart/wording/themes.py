"""The themes of the map as rows, with their words: ``data/themes.csv``, and ``data/views.csv`` for single ways to colour."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import pandas as pd

from kansenkaart.config import packaged_rows
from kansenkaart.errors import SchemaError
from kansenkaart.wording.nl import counted, energy, homes_nl, number, two_digits
from kansenkaart.wording.water import grey_headline, rain_headline

#: The three questions of a reader, and the maps beyond them, in order.
QUESTIONS = {"begin": "Waar beginnen?", "sun": "Zon op daken", "water": "Water", "more": "Meer kaarten"}


class ThemeRow(NamedTuple):
    """One theme: its question, the table and layer that it draws, and what it says; `columns` is its name in the dictionary."""

    theme: str
    question: str
    table: str
    columns: str
    layer: str
    geometry: str
    key: str
    title_column: str
    title_nl: str
    layer_nl: str
    shows_nl: str
    reading_nl: str
    limits_nl: str
    method_nl: str


class ViewRow(NamedTuple):
    """What one way to colour a theme says beyond the dictionary; `bounds` are fixed where places must be comparable."""

    theme: str
    column: str
    label_nl: str
    note_nl: str
    bounds: tuple[float, ...]
    labels_nl: tuple[str, ...]


def best_nl(count: int, target_homes: int) -> str:
    """Say which areas the map of the best ones shows.

    Parameters
    ----------
    count : int
        Of them [1].
    target_homes : int
        Homes of the areas looked for [1].
    """
    size = f"van ongeveer {homes_nl(target_homes)}"
    if count == 1:
        return f"Het beste gebied {size}."
    return f"De {number(count)} beste gebieden {size} die elkaar niet overlappen, beste eerst."


def sun_finding(frame: pd.DataFrame) -> str:
    """Say what fits on all roofs together that are known, and what pays for the homes under them.

    Parameters
    ----------
    frame : DataFrame
        Rows of ``pand_score``.
    """
    if "modules_fit" not in frame or not frame["modules_fit"].notna().any():
        return "Hoe de daken liggen is hier onbekend."
    fit, kwh = float(frame["modules_fit"].sum()), float(frame["yield_fit_kwh_per_year"].sum())
    some = of_known(frame["modules_fit"], "gebouw", "gebouwen")
    where = f"Op de daken die bekend zijn ({some})" if some else "Op alle daken samen"
    if not fit:
        return f"{where} past geen paneel."
    out = f"{where} {'past 1 paneel' if fit == 1 else f'passen ongeveer {_about(fit)} panelen'}: "
    out += f"{energy(two_digits(kwh))} per jaar."
    pay = float(frame["modules_pay"].sum()) if "modules_pay" in frame else 0.0
    if pay > 0:
        paid = energy(two_digits(float(frame["yield_pay_kwh_per_year"].sum())))
        some_pay = "loont er 1" if pay == 1 else f"lonen er ongeveer {_about(pay)}"
        out += f" Voor de woningen eronder {some_pay}: {paid} per jaar."
    return out


def _about(value: float) -> str:
    return number(two_digits(value))


def of_known(values: pd.Series[float], one: str, many: str) -> str:
    """Say of how many things a sum is, where it is not known of all; nothing where it is.

    Parameters
    ----------
    values : Series of float
        Of each thing; NaN where it is unknown.
    one, many : str
        What one of them is called, and what more are.
    """
    known = int(values.notna().sum())
    return "" if known == len(values) else f"{number(known)} van de {counted(len(values), one, many)}"


def _begun(frame: pd.DataFrame, place: str) -> str:
    """Say in how many places money stays, as the map colours them, and in how many an enterprise earns its keep as well."""
    rows = frame[frame["stays_eur_per_year"].notna()]
    if rows.empty:
        return ""
    stays = rows["stays_eur_per_year"] >= 0
    earns = int((stays & (rows["earns_keep_frac"] >= _HALF)).sum())
    if len(rows) == 1:
        alone = f"In {'de enige buurt' if place == 'buurt' else 'het enige gebied'} blijft"
        if not stays.all():
            return f"{alone} geen geld over"
        return (
            f"{alone} geld over {'en' if earns else 'maar'} betaalt een wijkbedrijf zichzelf{'' if earns else ' niet'}"
        )
    where = f"In {number(stays.sum())} van de {number(len(rows))} {place}en"
    if not stays.any():
        divided = " waarin de plaats is verdeeld" * (place == "gebied")  # the best areas are of another search
        return f"In geen van de {number(len(rows))} {place}en{divided} blijft geld over"
    if earns == stays.sum():
        return f"{where} blijft geld over en betaalt een wijkbedrijf zichzelf"
    return f"{where} blijft geld over; in {number(earns) if earns else 'geen'} betaalt een wijkbedrijf zichzelf"


def _roofs(frame: pd.DataFrame) -> str:
    fit = float(frame["modules_fit"].sum()) if "modules_fit" in frame else 0.0
    pay = float(frame["modules_pay"].sum()) if "modules_pay" in frame else 0.0
    if not fit:
        return ""
    fits = "Er past 1 paneel" if fit == 1 else f"Er passen {_about(fit)} panelen"
    pays = f"; {_about(pay)} daarvan {'loont' if pay == 1 else 'lonen'}" if pay else ""
    return fits + pays + ("" if frame["modules_fit"].notna().mean() >= _MOST else "; van andere daken is het onbekend")


def _with_homes(one: str, many: str) -> Callable[[pd.DataFrame], str]:
    def say(frame: pd.DataFrame) -> str:
        homes = float(frame["homes"].sum()) if "homes" in frame else 0.0
        return f"{counted(len(frame), one, many)} met {homes_nl(homes)}" if homes else ""

    return say


def _faces(frame: pd.DataFrame) -> str:
    classes = frame["sun_class"].astype(str)
    best, judged = int((classes == "A").sum()), classes.isin(list("ABCD")).any()
    return f"Zeer goed: {number(best)} van de {counted(len(frame), 'dakvlak', 'dakvlakken')}" if judged else ""


def _pipes(frame: pd.DataFrame) -> str:
    mixed, known = int((frame["system"] == "gemengd").sum()), int(frame["system"].notna().sum())
    if not known:
        return ""
    verb = "voert" if mixed == 1 else "voeren"
    some = (
        f"{number(mixed)} van de {counted(known, 'leiding', 'leidingen')} {verb}"
        if mixed
        else "Geen enkele leiding voert"
    )
    return f"{some} vuil en regen samen af"


_HALF = 0.5
#: Where less of the roofs is known [1, guess], a heading says so; the text below it says of how many they are known.
_MOST = 0.9
#: What a theme found, as its heading, by theme; others are headed by their name.
_HEADLINES: dict[str, Callable[[pd.DataFrame], str]] = {
    "wijkbedrijf_gebied": lambda frame: _begun(frame, "gebied"),
    "wijkbedrijf_buurt": lambda frame: _begun(frame, "buurt"),
    "gebieden": _with_homes("gebied", "gebieden"),
    "buurten": _with_homes("buurt", "buurten"),
    "blokken": _with_homes("bouwblok", "bouwblokken"),
    "panden": _roofs,
    "zon": _faces,
    "riool": _pipes,
    "grijswater": grey_headline,
    "hemelwater": rain_headline,
}


def headline(theme: str, frame: pd.DataFrame) -> str:
    """Say what a theme found in a few words, for its heading; nothing where its name says it best.

    Parameters
    ----------
    theme : str
        Key of the theme.
    frame : DataFrame
        What it draws.
    """
    return _HEADLINES[theme](frame) if theme in _HEADLINES else ""


@lru_cache(maxsize=1)
def themes() -> tuple[ThemeRow, ...]:
    """Return the themes in the order of the map.

    Returns
    -------
    tuple of ThemeRow
        One per row.

    Raises
    ------
    SchemaError
        If a theme stands twice or has a question that the map does not ask.
    """
    rows = tuple(ThemeRow(**row) for row in packaged_rows("themes.csv"))
    keys = [one.theme for one in rows]
    wrong = [one.theme for one in rows if one.question not in QUESTIONS or keys.count(one.theme) > 1]
    if wrong:
        raise SchemaError(
            f"every theme once, under one of {list(QUESTIONS)}",
            found=", ".join(wrong),
            where="data/themes.csv",
            remedy="correct the row",
        )
    return rows


@lru_cache(maxsize=1)
def views() -> dict[tuple[str, str], ViewRow]:
    """Return what is said of single ways to colour, by theme and column."""
    out = {}
    for row in packaged_rows("views.csv"):
        bounds, words = tuple(map(float, row.pop("bounds").split())), row.pop("labels_nl")
        labels = tuple(words.split("|")) if bounds else ()
        one = ViewRow(**row, bounds=bounds, labels_nl=labels)
        out[one.theme, one.column] = one
    return out
