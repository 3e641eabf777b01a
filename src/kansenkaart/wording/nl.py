"""The one place where numbers, euros, shares, years, energy, units and codes become Dutch for readers.

First a figure is rounded, then it is written: thousands by points, a comma before decimals, a real minus sign, and the
word *onbekend* for what is not known. A year is written as it is: 1905, never 1.905.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from numbers import Real
from typing import Any

from kansenkaart.config import packaged_rows
from kansenkaart.errors import SchemaError

UNKNOWN = "onbekend"
MINUS = "\u2212"
_NO_BREAK = "\u00a0"
#: What a share of 1 is called where a unit is asked for; it is written as a percentage.
SHARE = "aandeel"
_UNITS = {
    "-": "",
    "1": "",
    "%": "%",
    "% of regional best": "% van het beste in de streek",
    "deg": "°",
    "person": "personen",
    "home": "woningen",
    "1/home": "per woning",
    "year": "jaartal",
    "EUR": "euro",
}
_PARTS = {
    "person": "persoon",
    "home": "woning",
    "household": "huishouden",
    "panel": "paneel",
    "system": "dak met panelen",
    "year": "jaar",
    "month": "maand",
    "day": "dag",
    "EUR": "euro",
    "h": "uur",
}
#: Units that are counted: of one they have another word.
_COUNTED = ("person", "home")
#: Steps in which people can picture energy [kWh].
_ENERGY = ((1e6, "GWh"), (1e3, "MWh"))


def _is_unknown(value: float | None) -> bool:
    """Say whether a figure is not known: none, not a number, or a missing value of a table."""
    try:
        return value is None or math.isnan(float(value))
    except TypeError:  # pandas.NA is no number
        return True


def number(value: float | None, decimals: int = 0) -> str:
    """Write a figure: first rounded (halves to even), then written.

    Parameters
    ----------
    value : float or None
        Any unit; infinite is written as unknown too, since nobody can picture it.
    decimals : int
        Digits behind the comma [1].

    Returns
    -------
    str
        Such as ``1.234,5`` or ``−12``, or ``onbekend``.
    """
    if _is_unknown(value) or math.isinf(float(value)):  # type: ignore[arg-type]
        return UNKNOWN
    known = float(value)  # type: ignore[arg-type]
    text = f"{abs(known):,.{decimals}f}".replace(",", "\0").replace(".", ",").replace("\0", ".")
    return f"{MINUS}{text}" if known < 0 and text.strip("0,") else text


def english(value: float) -> str:
    """Write a whole figure for a citation in English, where a point would make 5.253 of 5,253.

    Parameters
    ----------
    value : float
        Any unit.
    """
    return f"{value:,.0f}"


def bound(value: float) -> str:
    """Write a round bound of a class with the decimals that it needs and no more.

    Parameters
    ----------
    value : float
        A bound that was rounded to two digits that count; any unit.
    """
    if abs(value) >= 10 or value == int(value):
        return number(value)
    return number(value, len(f"{value:.2g}".partition(".")[2]))


def exact(value: float) -> str:
    """Write a given figure, such as an assumption, with the decimals that it was given with, at most six.

    Parameters
    ----------
    value : float
        Any unit.
    """
    return number(value, len(f"{value:.6f}".rstrip("0").partition(".")[2]))


def year(value: float | None) -> str:
    """Write a calendar year, without a point for thousands.

    Parameters
    ----------
    value : float or None
        The year [year].
    """
    return UNKNOWN if _is_unknown(value) else str(round(float(value)))  # type: ignore[arg-type]


_MONTHS = tuple("jan feb maart april mei juni juli aug sept okt nov dec".split())  # noqa: SIM905 - one line reads best


def day(written: str) -> str:
    """Write a date, month or year for a reader: ``2026-06-25`` is 25 juni 2026; long names are cut to fit a note.

    Parameters
    ----------
    written : str
        Year, month and day as far as they are there, with hyphens between.
    """
    parts = written.split("-")
    month = [_MONTHS[int(parts[1]) - 1]] if len(parts) > 1 else []
    return " ".join([*(str(int(one)) for one in parts[2:]), *month, parts[0]])


def share(value: float | None, decimals: int = 0) -> str:
    """Write a share as a percentage.

    Parameters
    ----------
    value : float or None
        The share [1], 0 to 1.
    decimals : int
        Digits behind the comma [1].
    """
    return UNKNOWN if _is_unknown(value) else f"{number(100 * float(value), decimals)}%"  # type: ignore[arg-type]


def chance(value: float | None) -> str:
    """Write a chance that was counted in draws: no more exact than they are.

    Parameters
    ----------
    value : float or None
        Share of the draws [1], 0 to 1.
    """
    if _is_unknown(value):
        return UNKNOWN
    least = 0.01
    if float(value) < least:  # type: ignore[arg-type]
        return "minder dan 1%"
    return "meer dan 99%" if float(value) > 1 - least else share(value)  # type: ignore[arg-type]


def euros(value: float | None, step: int = 10) -> str:
    """Write a sum of money with its sign, rounded to a step.

    Parameters
    ----------
    value : float or None
        Money [EUR].
    step : int
        What it is rounded to [EUR].

    Returns
    -------
    str
        Such as ``€ 1.230`` or ``−€ 40``; the space does not break.
    """
    if _is_unknown(value):
        return UNKNOWN
    rounded = to_step(float(value), step)  # type: ignore[arg-type]
    return f"{MINUS if rounded < 0 else ''}€{_NO_BREAK}{number(abs(rounded))}"


#: What a sum is rounded to [EUR], by the width of its interval [EUR]: no digit may promise more than is known.
_STEPS = ((1e6, 100_000), (1e5, 10_000), (5000.0, 1000), (1500.0, 500), (400.0, 100))


def step_of(width: float) -> int:
    """Say to which step an amount is rounded whose interval of 80 % is so wide.

    Parameters
    ----------
    width : float
        Of the interval, in the unit of the amount.
    """
    return next((step for least, step in _STEPS if width > least), 10)


def to_step(value: float, step: float) -> float:
    """Round to whole steps, halves up: as the page in a browser does (rounded of 59_charts.js), or two forms would differ.

    Parameters
    ----------
    value, step : float
        In one unit.
    """
    return math.floor(value / step + 0.5) * step


def stepped(values: Iterable[float], low: float, high: float) -> list[str]:
    """Write figures as roughly as an interval is wide, from whole ones: the page has no more of them.

    Parameters
    ----------
    values : iterable of float
        In one unit.
    low, high : float
        The 10th and 90th percentile of the same draws, in that unit.
    """
    step = step_of(high - low)
    return [number(to_step(round(one), step)) for one in values]


def two_digits(value: float) -> float:
    """Round to two digits that count, as a sum over many is known at best; below 100 there is nothing to round.

    Parameters
    ----------
    value : float
        Any unit.
    """
    return to_step(value, 10.0 ** (math.floor(math.log10(abs(value))) - 1)) if abs(value) >= 100 else value


def roughly(value: float, low: float, high: float) -> tuple[str, str]:
    """Say a sum of money as roundly as its interval is wide.

    Parameters
    ----------
    value, low, high : float
        Expected value, and the 10th and 90th percentile of the same draws [EUR].

    Returns
    -------
    tuple of str and str
        Such as ``ongeveer 14.000 euro`` and ``tussen 6.000 en 16.000 euro, in 8 van de 10 berekeningen``.
    """
    middle, least, most = stepped((value, low, high), low, high)
    return f"ongeveer {middle} euro", f"tussen {least} en {most} euro, in 8 van de 10 berekeningen"


def about(value: float, step: int) -> str:
    """Say a sum of money above nothing to a step; one that rounds to nothing as less than the step.

    Parameters
    ----------
    value : float
        Money [EUR].
    step : int
        What it is rounded to [EUR], as of `step_of`.
    """
    rounded = to_step(value, step)
    return f"ongeveer {number(rounded)} euro" if rounded else f"minder dan {number(step)} euro"


def energy(value: float | None) -> str:
    """Write an amount of energy in the unit in which people can picture it, by at least two digits and no decimals.

    Parameters
    ----------
    value : float or None
        Energy [kWh].
    """
    if _is_unknown(value):
        return UNKNOWN
    known = float(value)  # type: ignore[arg-type]
    by, unit = next(((by, unit) for by, unit in _ENERGY if abs(known) >= 10 * by), (1.0, "kWh"))
    return f"{number(known / by)} {unit}"


def unit_words(unit: str) -> str:
    """Say a unit of the dictionary as a Dutch reader would; counts and codes need none.

    Parameters
    ----------
    unit : str
        Such as ``m3/home/year``.

    Returns
    -------
    str
        Such as ``m³ per woning per jaar``.
    """
    if unit in _UNITS:
        return _UNITS[unit]
    words = " per ".join(_PARTS.get(word, word) for word in unit.split("/"))
    return words.replace("m2", "m²").replace("m3", "m³")


def amount(value: float | None, unit: str) -> str:
    """Write a figure with its unit; years as years.

    Parameters
    ----------
    value : float or None
        The figure.
    unit : str
        Its unit in the dictionary.
    """
    if _is_unknown(value):
        return UNKNOWN
    if unit == "year":
        return year(value)
    known = float(value)  # type: ignore[arg-type]
    return with_unit(number(known, 0 if abs(known) >= 100 or known == int(known) else 1), unit)


def with_unit(text: str, unit: str) -> str:
    """Put the unit of the dictionary behind a figure that was written: nothing between 12 and %, and one is *1 persoon*.

    Parameters
    ----------
    text : str
        As of `number`.
    unit : str
        Its unit in the dictionary.
    """
    if unit == "%":
        return f"{text}%"
    return f"{text} {_PARTS[unit] if text == '1' and unit in _COUNTED else unit_words(unit)}".strip()


def counted(count: float, one: str, many: str) -> str:
    """Say how many there are of something, by a word that fits the number.

    Parameters
    ----------
    count : float
        Whole number [1].
    one, many : str
        What one is called, and what more of them are, such as ``straat`` and ``straten``.
    """
    return f"{number(count)} {one if round(count) == 1 else many}"


def homes_nl(count: float) -> str:
    """Say how many homes there are.

    Parameters
    ----------
    count : float
        Homes [1].
    """
    return counted(count, "woning", "woningen")


def capital(text: str) -> str:
    """Write a label with a capital.

    Parameters
    ----------
    text : str
        A label of the dictionary; the capital of *één* has no accent.
    """
    return ("E" if text.startswith("éé") else text[:1].upper()) + text[1:]


def listed(names: Iterable[str]) -> str:
    """Name several things, each once and in order of the alphabet, with *en* before the last.

    Parameters
    ----------
    names : iterable of str
        Such as the credit lines of publishers.
    """
    each = sorted(set(names))
    return ", ".join(each[:-1]) + " en " + each[-1] if len(each) > 1 else "".join(each)


@lru_cache(maxsize=1)
def _lists() -> dict[str, dict[str, tuple[str, str]]]:
    out: dict[str, dict[str, tuple[str, str]]] = {}
    for row in packaged_rows("codes.csv"):
        codes = out.setdefault(row["list"], {})
        if row["code"] in codes or not row["label_nl"] or not row["label_en"]:
            raise SchemaError(
                "every code once, with a Dutch and an English label",
                found=f"{row['list']} {row['code']!r}",
                where="data/codes.csv",
                remedy="complete the row, or remove one of the two",
            )
        codes[row["code"]] = (row["label_nl"], row["label_en"])
    return out


def code_lists() -> tuple[str, ...]:
    """Return the names of the lists of codes."""
    return tuple(_lists())


def codes(name: str, language: str = "nl") -> dict[str, str]:
    """Return the codes of a list with their labels, in order.

    Parameters
    ----------
    name : str
        A list of ``data/codes.csv``.
    language : {"nl", "en"}
        Of the labels.

    Raises
    ------
    SchemaError
        If no list has that name.
    """
    if name not in _lists():
        raise SchemaError(
            f"one of the lists {sorted(_lists())}", found=name, where="data/codes.csv", remedy="add rows for the list"
        )
    return {code: labels[language == "en"] for code, labels in _lists()[name].items()}


def say(name: str, code: str) -> str:
    """Say a code of a list in Dutch; one that has no words stays as it is.

    Parameters
    ----------
    name : str
        A list of ``data/codes.csv``.
    code : str
        The code.
    """
    return codes(name).get(code, code)


# CSV for spreadsheets. A cell that begins with =, +, - or @ is a formula to them: also behind blanks, behind a separator
# when the file is read with another one, and in the full-width forms that some programs fold. The page writes by the same
# rules (present/assets/js/10_dom.js, csvCell); a test holds both to the same cells.
#: Where a cell may begin, blanks of all kinds, and the signs that begin a formula, full-width and small forms included.
LIVE_CELL = re.compile(
    "(^|[;,|\t\r\n\x0b\x0c\x85\u2028\u2029])"
    "([\\s\x00-\x20\x85\xa0\u180e\u200b-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]*)"
    "(?=[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b])"
)


def csv_text(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as CSV: a byte order mark, semicolons, decimal commas, every text in quotes and disarmed.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : iterable of sequence
        Cells: numbers, texts, or None and NaN for unknown, which is empty.

    Returns
    -------
    str
        Lines end in CR LF, as RFC 4180 asks.
    """
    return "\ufeff" + "".join(";".join(map(csv_cell, row)) + "\r\n" for row in (head, *rows))


def csv_cell(value: Any) -> str:
    """Return one cell of a CSV; a text can never start a formula.

    Parameters
    ----------
    value : object
        A number, a text, or None or NaN for unknown.
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, Real) and not isinstance(value, bool):
        plain = value.item() if hasattr(value, "item") else value
        return repr(plain).replace(".", ",")
    text = LIVE_CELL.sub(lambda hit: f"{hit[1]}{hit[2]}'", str(value))
    return '"' + text.replace('"', '""') + '"'
