"""Pages on paper, set with Typst: factsheets, sheets to talk over and reports, tagged as PDF/UA; equal input gives equal bytes.

What a page says comes as data, its layout from a template beside those of the HTML pages, its map and drawings as the SVG
that the HTML pages show. A page that would run over takes a smaller type.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Any, cast
from unicodedata import category

from kansenkaart.errors import StoreError
from kansenkaart.present.factsheet import Amount, Axis, Sheet, Talk, drawing
from kansenkaart.present.render import vendored
from kansenkaart.present.report import Drawing, Grid, Part, ReportSpec, drawing_svg
from kansenkaart.present.style import ink_on
from kansenkaart.wording.nl import number

BRAND = "#0b5674"
#: The maps on the page [mm].
_MAP_MM = (112.0, 92.0)
_TALK_MM = (92.0, 70.0)
#: What the fonts in `assets/vendor` cannot show: all but Latin, Greek and Cyrillic with their signs.
_UNWRITTEN = re.compile(
    "[^ -~\xa0-\u024f\u0384-\u038a\u038e-\u03a1\u03a3-\u03ce\u0400-\u045f\u2010-\u2026"
    "\u02c6\u02c7\u02d8-\u02dd\u2030\u2039\u203a\u20ac\u2122\u2212\u2248\u2260\u2264\u2265]"
)
#: The longest word that is kept together [1]; no line breaks inside one.
_LONGEST = 40
#: Sizes of type that a factsheet is tried at first, as `passend` of the template would choose; 0 leaves it to that [1].
_SIZES = (1.0, 0.95, 0.9, 0.85, 0.8, 0)
#: Pages that one process sets before the next takes its place [1].
_PAGES_A_PROCESS = 16
#: What that process runs: a line of JSON with the files comes in, the PDF or the fault goes out after its length. Of the sizes
#: of type in `maten.json` the first counts at which the template does not refuse.
_SETTING = """
import json, sys, typst
fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[sys.argv[1]])
how = {"font_paths": fonts, "ignore_system_fonts": True, "pdf_standards": "ua-1", "timestamp": 0}
for line in sys.stdin.buffer:
    parts = {name: text.encode() for name, text in json.loads(line).items()}
    for size in json.loads(parts["maten.json"]):
        try:
            kind, made = "pdf", typst.compile({**parts, "maat.json": str(size).encode()}, **how)
        except typst.TypstError as why:
            kind, made = "fault", str(why).encode()
        if kind == "pdf" or b"een tweede blad" not in made:
            break
    sys.stdout.buffer.write(f"{kind} {len(made)}\\n".encode() + made)
    sys.stdout.buffer.flush()
"""
#: Texts longer than this are cut, with dots [1].
_MOST = 900


def sheet_pdf(sheet: Sheet, *, brand: str = BRAND) -> bytes:
    """Set a factsheet on one page of A4.

    Parameters
    ----------
    sheet : Sheet
        What it says.
    brand : str, optional
        Colour of headings, as #rrggbb.

    Returns
    -------
    bytes
        The PDF; equal sheets give equal bytes.
    """
    svg, frame = drawing(sheet, width_mm=_MAP_MM[0], height_mm=_MAP_MM[1])
    data = {
        **_common(sheet, brand),
        "map_mm": _MAP_MM[0],
        "map_alt": f"Kaart van {sheet.title}: {sheet.legend_title} met letters; de cijfers staan in de tabellen",
        "scale": f"; schaal 1:{number(frame.scale)}; noord is boven",
        "legend_title": sheet.legend_title,
        "legend": [
            {"letter": one.letter, "label": one.label, "color": one.color, "ink": ink_on(one.color)}
            for one in sheet.legend
        ],
        "figures": [asdict(one) for one in sheet.figures],
        "around": sheet.around,
        "compared": [asdict(one) for one in sheet.compared],
        "moved": [asdict(one) for one in sheet.moved],
        "not_said": sheet.not_said,
        "sources": sheet.sources,
    }
    return _typeset("factsheet", data, {"kaart.svg": svg, "maten.json": json.dumps(_SIZES)})


def talk_pdf(talk: Talk, *, brand: str = BRAND) -> bytes:
    """Set the sheets of a talk, each partner on a page of A4.

    Parameters
    ----------
    talk : Talk
        What they say.
    brand : str, optional
        Colour of headings, as #rrggbb.

    Returns
    -------
    bytes
        The PDF; equal talks give equal bytes.
    """
    svg, frame = drawing(talk.sheet, width_mm=_TALK_MM[0], height_mm=_TALK_MM[1], lettered=False)
    data = {
        **_common(talk.sheet, brand),
        "map_mm": _TALK_MM[0],
        "map_alt": f"Kaart van {talk.sheet.title}, schaal 1:{number(frame.scale)}",
        "homes": talk.homes,
        "stays": asdict(talk.stays),
        "axis": _on_axis(talk.stays, talk.axis),
        "span": talk.span,
        "chance": talk.chance,
        "condition": talk.condition,
        "parties": [{**asdict(one), **_on_axis(one, talk.around)} | {"middle": one.middle} for one in talk.parties],
        "partners": [asdict(one) for one in talk.partners],
    }
    return _typeset("gesprek", data, {"kaart.svg": svg})


def _on_axis(one: Amount, axis: Axis) -> dict[str, float]:
    """Say where an amount, its interval, 0 and the bar between stand on an axis [0 to 100]."""
    ends = sorted((axis.at(0.0), axis.at(one.middle)))
    places = {name: axis.at(getattr(one, name)) for name in ("low", "middle", "high")}
    return {**places, "zero": axis.at(0.0), "from": ends[0], "to": ends[1]}


def _common(sheet: Sheet, brand: str) -> dict[str, Any]:
    foot = f"Gegevens: {sheet.edition}. Gemaakt met kansenkaart. {sheet.contact}"
    return {
        "brand": brand,
        "title": sheet.title,
        "study": sheet.study,
        "edition": sheet.edition,
        "example": sheet.example,
        "public": sheet.public,
        "foot": foot,
    }


def write_pdf(spec: ReportSpec, path: Path) -> None:
    """Write the report as PDF, a page for each section.

    Parameters
    ----------
    spec : ReportSpec
        What it says.
    path : Path
        Where to write; an older file is replaced.
    """
    drawings: dict[str, str] = {}
    data = {
        "brand": BRAND,
        "title": spec.title,
        "study": spec.subtitle,
        "subtitle": spec.subtitle,
        "warning": spec.warning,
        "example": False,
        "public": False,
        "foot": spec.note,
        "sections": [
            {"heading": one.heading, "parts": [_part(part, drawings) for part in one.parts]} for one in spec.sections
        ],
    }
    path.write_bytes(_typeset("rapport", data, drawings))


def _part(part: Part, drawings: dict[str, str]) -> dict[str, Any]:
    """Give a part of a report as data; what is drawn goes to a file of its own."""
    if isinstance(part, Grid):
        widths = part.widths or (2.0,) + (1.0,) * (len(part.head) - 1)
        return {"kind": part.kind, **asdict(part), "right": part.right, "widths": widths}
    if not isinstance(part, Drawing):
        return {"kind": part.kind, **asdict(part)}
    name = f"tekening-{len(drawings)}.svg"
    shapes = tuple(replace(one, text=_plain(one.text)) for one in part.shapes)
    svg = drawing_svg(replace(part, alt=_plain(part.alt), shapes=shapes))
    drawings[name] = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return {"kind": part.kind, "title": part.title, "alt": part.alt, "width": part.width, "file": name}


def _typeset(template: str, data: Mapping[str, Any], drawings: Mapping[str, str]) -> bytes:
    """Set a template with its data and drawings."""
    folder = files("kansenkaart") / "present" / "templates"
    return _press(os.getpid()).set(
        {
            "main.typ": (folder / f"{template}.typ").read_text("utf-8"),
            "blad.typ": (folder / "blad.typ").read_text("utf-8"),
            "gegevens.json": json.dumps(_plain(data), ensure_ascii=False),
            "maten.json": "[0]",
            **drawings,
        }
    )


class _Press:
    """Typst in a process of its own: what it keeps of pages it has set (200 MB and more) is freed with that process."""

    def __init__(self) -> None:
        vendored()  # which holds the fonts against their hash
        self._fonts = str(files("kansenkaart") / "present" / "assets" / "vendor")
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        atexit.register(self._end)

    def set(self, parts: Mapping[str, str]) -> bytes:
        """Return the PDF of a folder of files, ``main.typ`` among them."""
        if self._process is None or self._made >= _PAGES_A_PROCESS:
            self._end()
            command = [sys.executable, "-c", _SETTING, self._fonts]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._made += 1
        ask, answer = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        try:
            ask.write(json.dumps(parts).encode() + b"\n")
            ask.flush()
            outcome, size = answer.readline().split()
        except (BrokenPipeError, ValueError) as why:
            self._end()
            raise _unset("a process that ended") from why
        made = answer.read(int(size))
        if outcome != b"pdf":
            raise _unset(made.decode())
        return made

    def _end(self) -> None:
        if self._process is not None:
            self._process.communicate()
        self._process, self._made = None, 0


@lru_cache(maxsize=1)
def _press(_pid: int) -> _Press:
    """Return the press of this process: one that was forked has its own."""
    return _Press()


def _unset(found: str) -> StoreError:
    return StoreError("a page set by Typst", found=found, remedy="free memory, then run again")


def _plain(value: Any) -> Any:
    """Leave out of all texts what the fonts cannot show and what would turn a line around; the page in HTML has it all."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if not isinstance(value, str):
        return value
    kept = _UNWRITTEN.sub(lambda sign: "" if category(sign[0]) == "Cf" else " ", value)
    words = (word[k : k + _LONGEST] for word in kept.split() for k in range(0, len(word), _LONGEST))
    text = " ".join(words)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"
