"""What went wrong and what became of a row, in Dutch for people: errors of the command line, reports on own data."""

from __future__ import annotations

import csv
import re
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from kansenkaart.config import STEERING, packaged_rows
from kansenkaart.wording.nl import counted, homes_nl, number

#: The time that readers are told.
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
#: A filling may be a sentence with fillings itself.
_DEEPEST = 2
#: What is noted of a source that gave nothing: not to be had, not to be read, or empty where the study lies.
NOT_HAD, NOT_READ, EMPTY = "niet te krijgen", "niet te lezen", "heeft hier niets (lege verzameling)"

_HOLE = re.compile(r"\{\}")
#: A list as the program writes it; people get the names with commas between.
_LIST = re.compile(r"\[('[^']*'(?:, '[^']*')*)\]")
_FEW_LETTERS = 6
_AREA_FIGURES = {
    "stays_eur_per_year": "euro per jaar blijft in de buurt (verwacht)",
    "yield_fit_kwh_per_year": "kWh per jaar van volle daken",
    "people": "inwoners",
    "stacked_homes": "gestapelde woningen",
}
#: Options by their earlier English name; they go on working, with a notice.
RENAMED = {
    "--accept": "--accepteer",
    "--point": "--punt",
    "--address": "--adres",
    "--low": "--minst",
    "--high": "--meest",
    "--radius": "--straal",
    "--owner-at-least": "--corporaties-minstens",
    "--owner-at-most": "--corporaties-hoogstens",
    "--with": "--met",
    "--without": "--zonder",
    "--by": "--naar",
    "--prices": "--prijzen",
    "--seconds": "--seconden",
    "--out": "--uit",
    "--all": "--alle",
}
_ROWS = {
    "matched": "gebruikt",
    "duplicate": "staat er dubbel; een keer geteld",
    "conflict": "dezelfde identificatie met andere gegevens; geen van beide is gebruikt: laat er een staan",
    "unknown_id": "deze identificatie staat niet in het register van dit gebied; niet gebruikt",
    "no_id": "geen identificatie; niet gebruikt: vul haar in",
    "unreadable": "niet te lezen als getal of jaar; deze cel telt als onbekend",
}
_HINTS = {
    "excel": "Excel heeft de identificatie afgerond (zoals 9,991E+14); niet gebruikt: maak de kolom tekst en vul haar opnieuw",
    "metres": "kleiner dan 5 mm: in meters geschreven? niet gebruikt: schrijf de maat in millimeters",
    "watts": "1.000 kWp of meer: in Wp geschreven? niet gebruikt: schrijf het vermogen in kWp",
    "hidden": "gebruikt; deze rij is in de werkmap verborgen",
    "two_readings": "kan op twee manieren gelezen worden (12.500 is 12500 of 12,5); niet gebruikt: schrijf 12500 of 12,5",
}


def table_lines(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table as lines with columns of one width.

    Parameters
    ----------
    head : list of str
        Names of the columns.
    rows : list of list of str
        Cells.
    """
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    return [STEERING.sub(" ", "  ".join(map(str.ljust, line, widths)).rstrip()) for line in [head, *rows]]


def own_result_nl(result: str, hint: str = "") -> str:
    """Return in Dutch what became of a row or cell of own data.

    Parameters
    ----------
    result, hint : str
        As in the report of `kansenkaart.sources.own.OwnData`.
    """
    return _HINTS.get(hint) or _ROWS.get(result, result)


@lru_cache(maxsize=1)
def catalogue() -> dict[str, str]:
    """Return the Dutch of each English sentence in errors, reasons and notes; ``{}`` stands for what is filled in."""
    return {row["english"]: row["dutch"] for row in packaged_rows("messages_nl.csv")}


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str, bool]]:
    """Return a pattern for each sentence with holes, those with most words of their own first, and if it is of columns.

    One of hardly any words of its own (``{} of {} {}``) fits names only, or it would take every sentence with that word.
    """
    with_holes = sorted((one for one in catalogue() if "{}" in one), key=lambda one: (-len(_HOLE.sub("", one)), one))
    found = []
    for one in with_holes:
        own = _HOLE.sub("", one)
        loose = (
            one.startswith(("{}", "no {}"))
            and len(own.replace(" ", "")) < _FEW_LETTERS
            and own.replace(" ", "").isalpha()
        )
        pattern = re.compile(("(\\S*?)" if loose else "(.*?)").join(map(re.escape, _HOLE.split(one))), re.DOTALL)
        found.append((pattern, catalogue()[one], "unknown" in own or "column" in own))
    return found


def in_dutch(text: str) -> str:
    """Return a sentence of an error, a reason or a note in Dutch; what the catalogue lacks stays as it is.

    Parameters
    ----------
    text : str
        As the program says it to programmers.
    """
    return STEERING.sub(" ", _LIST.sub(lambda hit: hit[1].replace("'", ""), _said(text)))


def _said(text: str, deep: int = 0, column: bool = False) -> str:
    if text in catalogue():
        return catalogue()[text]
    if text in _labels() and (column or "_" in text):
        return _labels()[text]
    several = "; " in text
    for pattern, dutch, of_columns in _patterns() if deep <= _DEEPEST else ():
        hit = pattern.fullmatch(text) if not several or ";" in pattern.pattern else None
        if hit is not None:
            return _filled(dutch, tuple(_said(one, deep + 1, of_columns) for one in hit.groups()))
    return "; ".join(_said(one, deep) for one in text.split("; ")) if several else text


@lru_cache(maxsize=1)
def _labels() -> dict[str, str]:
    """Return how readers call our columns."""
    found: dict[str, str] = {}
    for one in (files("kansenkaart") / "data" / "fields").iterdir():
        if one.name.endswith(".csv"):
            found |= {row["name"]: row["label_nl"] for row in csv.DictReader(one.read_text("utf-8").splitlines())}
    return {name: label for name, label in found.items() if label}


def _filled(dutch: str, fillings: tuple[str, ...]) -> str:
    parts = dutch.split("{}")
    return "".join(part + filling for part, filling in zip(parts, [*fillings, *[""] * len(parts)], strict=False))


def error_lines(expected: str, *, found: str, where: str, remedy: str) -> list[str]:
    """Return an error in Dutch, in lines: what was expected, what was there, where, and what to do.

    Parameters
    ----------
    expected, found, where, remedy : str
        The parts of a `kansenkaart.errors.KansenkaartError`.
    """
    lines = [f"Fout: verwacht: {in_dutch(expected)}", f"  gevonden: {in_dutch(found)}"]
    lines += [f"  waar: {in_dutch(RENAMED.get(where, where))}"] if where else []
    return lines + ([f"  wat te doen: {in_dutch(remedy)}"] if remedy else [])


def status_lines(content: dict[str, Any]) -> list[str]:
    """Return how a study stands whose last planned run failed, in lines of Dutch.

    Parameters
    ----------
    content : dict
        As of the ``status.json`` that the planner leaves beside the tables of the study.
    """
    error, stands = content["error"], content["published"]
    lines = [f"De geplande run van {content['study']} is mislukt, {_moment(content['at'])}."]
    expected, where = error.get("expected", "a run without a fault"), error.get("where", "")  # once left out
    lines += error_lines(expected, found=error["found"], where=where, remedy=error["remedy"])
    since = f", zoals gemaakt op {stands['since'][:10]}" if stands and "since" in stands else ""
    lines.append(f"  gepubliceerd blijft: {stands['page'] + since if stands else 'niets, want er was nog niets'}")
    return [*lines, f"  opnieuw: {_moment(content['again']) if content['again'] else 'niet vanzelf'}"]


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(AMSTERDAM):%Y-%m-%d %H:%M}"


def area_lines(told: dict[str, Any]) -> list[str]:
    """Return the answer about the best area around a point, in lines; what is unknown is called so.

    Parameters
    ----------
    told : dict
        As of `kansenkaart.runs.query.plain`.
    """
    area = told["area"]
    gap = area["bound_gap_frac"]
    proof = "bewezen het beste" if gap == 0 else f"hoogstens {number(100 * gap, 1)}% te verbeteren"
    lines = [f"{area['best_name']}: {homes_nl(area['homes'])} in {counted(area['blocks'], 'blok', 'blokken')}; {proof}"]
    for name, words in _AREA_FIGURES.items():
        lines.append(f"  {number(area[name])}  {words}")
    owned = area["corporation_frac"]
    lines.append(f"  {'onbekend' if owned is None else f'{owned:.0%}'}  van corporaties")
    lines.append(f"Waarom deze grens ({area['known_border_frac']:.0%} op een lijn die mensen kennen):")
    lines += [f"  {line['length_m']:5.0f} m  {line['border_reason_nl']}" for line in told["border"]]
    for one in told.get("prices", []):
        verb, price = "eruit" if one["inside"] else "erin", one["price_eur_per_year"]
        worth = "kan niet" if price is None else f"{number(price)} per jaar minder waard"
        lines.append(f"  blok {one['block_id']} {verb}: {worth}")
    return [*lines, f"Blokken: {area['block_ids']}"]
