"""A factsheet on paper: one page of A4 or A3, drawn with reportlab, with embedded fonts and without a clock."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A3, A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from kansenkaart.present.factsheet import (
    Frame,
    MapPart,
    Sheet,
    backdrop,
    bar_m,
    clipped,
    frame_of,
    ink_on,
    letter_at,
    outline_of,
)
from kansenkaart.wording.nl import number

Paper = Literal["A4", "A3"]
_PAGES = {"A4": A4, "A3": A3}
_PLAIN, _BOLD = "Vera", "VeraBd"
_INK, _SOFT, _BRAND = "#16202a", "#465260", "#0b5674"
_LAST = 0xFFFF


@dataclass
class _Pen:
    """A canvas with a place to write on: `y` [mm] from below, everything else scaled by `grow` to the paper."""

    canvas: Any
    width: float
    y: float
    grow: float
    left: float


def sheet_pdf(sheet: Sheet, paper: Paper = "A4", *, brand: str = _BRAND) -> bytes:
    """Draw a factsheet on one page.

    Parameters
    ----------
    sheet : Sheet
        What it says.
    paper : {"A4", "A3"}
        Size of the page, upright.
    brand : str, optional
        Colour of headings, as #rrggbb.

    Returns
    -------
    bytes
        The PDF; equal sheets give equal bytes.
    """
    for name in (_PLAIN, _BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(files("reportlab") / "fonts" / f"{name}.ttf")))
    target = io.BytesIO()
    size = _PAGES[paper]
    canvas = Canvas(target, pagesize=size, invariant=1, lang="nl-NL", pageCompression=1)
    canvas.setTitle(_plain(f"Factsheet {sheet.title}"))
    canvas.setSubject(_plain(sheet.study))
    canvas.setAuthor("kansenkaart")
    grow = size[0] / A4[0]
    pen = _Pen(canvas, size[0] / mm - 24 * grow, size[1] / mm - 12 * grow, grow, 12 * grow)
    _head(pen, sheet, brand)
    _map_and_figures(pen, sheet, brand)
    _table(
        pen,
        "Vergeleken met de omgeving",
        ["", *sheet.around],
        [[one.label, *one.texts] for one in sheet.compared],
        brand,
    )
    if sheet.moved:
        rows = [[one.label, one.low, one.middle, one.high, one.why] for one in sheet.moved]
        _table(pen, "Als de aannames schuiven", ["", "laag", "midden", "hoog", "door"], rows, brand)
    _texts(pen, "Wat dit niet zegt", [f"- {one}" for one in sheet.not_said], brand, 7.5)
    _texts(pen, "Bronnen", ["; ".join(sheet.sources) + f". Gegevens: {sheet.edition}."], brand, 6.5)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def _plain(text: str) -> str:
    """Leave out what a font cannot show and what would turn the line around; the page in HTML has it all."""
    kept = "".join(one if one.isprintable() and ord(one) <= _LAST else " " for one in text)
    return " ".join(kept.split())


def _write(pen: _Pen, x: float, y: float, text: str, size: float, *, bold: bool = False, color: str = _INK) -> None:
    pen.canvas.setFont(_BOLD if bold else _PLAIN, size * pen.grow)
    pen.canvas.setFillColor(HexColor(color))
    pen.canvas.drawString(x * mm, y * mm, _plain(text))


def _lines(pen: _Pen, text: str, width: float, size: float, *, bold: bool = False, most: int = 3) -> list[str]:
    """Break a text into lines [mm]; what does not fit ends in dots."""
    plain = _plain(text)
    font = _BOLD if bold else _PLAIN
    found: list[str] = [
        _cut(one, font, size * pen.grow, width * mm) for one in simpleSplit(plain, font, size * pen.grow, width * mm)
    ]
    return found if len(found) <= most else [*found[: most - 1], found[most - 1][:-1] + "…"]


def _cut(line: str, font: str, size: float, width: float) -> str:
    while line and pdfmetrics.stringWidth(line, font, size) > width:
        line = line[: max(len(line) * 9 // 10, 1)] if len(line) > 1 else ""
    return line


def _head(pen: _Pen, sheet: Sheet, brand: str) -> None:
    grow = pen.grow
    for line in _lines(pen, sheet.title, pen.width, 16, bold=True, most=2):
        pen.y -= 6 * grow
        _write(pen, pen.left, pen.y, line, 16, bold=True, color=brand)
    notes = [
        sheet.study,
        *(["Voorbeeld: deze wijk en alle cijfers zijn verzonnen"] if sheet.example else []),
        *(["Openbare uitgave"] if sheet.public else []),
    ]
    for line in _lines(pen, " · ".join(notes), pen.width, 8.5, most=2):
        pen.y -= 5 * grow
        _write(pen, pen.left, pen.y, line, 8.5, color=_SOFT)
    pen.y -= 3 * grow


def _map_and_figures(pen: _Pen, sheet: Sheet, brand: str) -> None:
    grow = pen.grow
    wide, high = 112 * grow, 96 * grow
    frame = frame_of(sheet.place, width_mm=wide, height_mm=high)
    bottom = pen.y - high
    _map(pen, sheet, frame, bottom)
    x, y = pen.left + wide + 5 * grow, pen.y
    room = pen.width - wide - 5 * grow
    for one in sheet.figures:
        y -= 3.6 * grow
        _write(pen, x, y, one.label, 7, color=_SOFT)
        for line in _lines(pen, one.text, room, 11, bold=True, most=1):
            y -= 5 * grow
            _write(pen, x, y, line, 11, bold=True, color=brand)
        for line in _lines(pen, one.origin, room, 5.5, most=2):
            y -= 2.6 * grow
            _write(pen, x, y, line, 5.5, color=_SOFT)
        y -= 1.8 * grow
    pen.y = min(bottom, y) - 5 * grow
    _legend(pen, sheet, frame)


def _map(pen: _Pen, sheet: Sheet, frame: Frame, bottom: float) -> None:
    canvas = pen.canvas
    canvas.saveState()
    canvas.translate(pen.left * mm, bottom * mm)
    box = canvas.beginPath()
    box.rect(0, 0, frame.width_mm * mm, frame.height_mm * mm)
    canvas.clipPath(box, stroke=0, fill=0)
    _fill(pen, backdrop(sheet.streets, frame), frame, "#ffffff", 1.0)
    letters: list[tuple[MapPart, tuple[float, float]]] = []
    for part, shapes in clipped(sheet, frame):
        canvas.setFillColor(HexColor(part.color or "#eef1f4"))
        canvas.setStrokeColor(HexColor("#7a8594"))
        canvas.setLineWidth(0.25)
        canvas.drawPath(_trace(canvas, shapes, frame), stroke=1, fill=1, fillMode=0)
        at = letter_at(shapes, frame) if part.letter else None
        letters += [(part, at)] if at else []
    _fill(pen, backdrop(sheet.buildings, frame), frame, _INK, 0.3)
    canvas.setStrokeColor(HexColor(_INK))
    canvas.setLineWidth(1.4)
    canvas.drawPath(_trace(canvas, outline_of(sheet, frame), frame), stroke=1, fill=0)
    for part, (x, y) in letters:
        _centred(pen, x, y - 1, part.letter, ink_on(part.color))
    _scale_bar(pen, frame)
    canvas.restoreState()
    canvas.setStrokeColor(HexColor(_SOFT))
    canvas.setLineWidth(0.5)
    canvas.rect(pen.left * mm, bottom * mm, frame.width_mm * mm, frame.height_mm * mm)


def _fill(pen: _Pen, shapes: Sequence[Any], frame: Frame, color: str, alpha: float) -> None:
    if not shapes:
        return
    pen.canvas.setFillColor(HexColor(color))
    pen.canvas.setFillAlpha(alpha)
    pen.canvas.drawPath(_trace(pen.canvas, shapes, frame), stroke=0, fill=1, fillMode=0)
    pen.canvas.setFillAlpha(1.0)


def _centred(pen: _Pen, x: float, y: float, text: str, color: str) -> None:
    pen.canvas.setFont(_BOLD, 7 * pen.grow)
    pen.canvas.setFillColor(HexColor(color))
    pen.canvas.drawCentredString(x * mm, y * mm, text)


def _trace(canvas: Any, shapes: Sequence[Any], frame: Frame) -> Any:
    path = canvas.beginPath()
    for shape in shapes:
        for ring in (shape.exterior, *shape.interiors):
            points = frame.paper(list(ring.coords)[:-1])
            path.moveTo(points[0][0] * mm, points[0][1] * mm)
            for x, y in points[1:]:
                path.lineTo(x * mm, y * mm)
            path.close()
    return path


def _scale_bar(pen: _Pen, frame: Frame) -> None:
    length = bar_m(frame)
    wide = length / frame.scale * 1000
    canvas = pen.canvas
    canvas.setFillColor(HexColor("#ffffff"))
    canvas.rect(1 * mm, 1 * mm, (wide + 4) * mm, 7 * pen.grow * mm, stroke=0, fill=1)
    canvas.setFillColor(HexColor(_INK))
    canvas.rect(3 * mm, 2.5 * mm, wide * mm, 1 * mm, stroke=0, fill=1)
    _write(pen, 3, 4.6, f"{number(length)} m", 6)
    _write(pen, frame.width_mm - 8 * pen.grow, frame.height_mm - 5 * pen.grow, "N", 8, bold=True)
    north = canvas.beginPath()
    x, y = frame.width_mm - 3.6 * pen.grow, frame.height_mm - 5 * pen.grow
    north.moveTo(x * mm, y * mm)
    north.lineTo((x + 2 * pen.grow) * mm, y * mm)
    north.lineTo((x + pen.grow) * mm, (y + 2.6 * pen.grow) * mm)
    north.close()
    canvas.drawPath(north, stroke=0, fill=1)


def _legend(pen: _Pen, sheet: Sheet, frame: Frame) -> None:
    scale = f"schaal 1:{number(frame.scale)}"
    _write(pen, pen.left, pen.y, f"{sheet.legend_title}; {scale}; noord is boven", 7, color=_SOFT)
    pen.y -= 5 * pen.grow
    step = pen.width / max(len(sheet.legend), 1)
    for k, one in enumerate(sheet.legend):
        x = pen.left + k * step
        pen.canvas.setFillColor(HexColor(one.color))
        pen.canvas.setStrokeColor(HexColor(_INK))
        pen.canvas.setLineWidth(0.4)
        pen.canvas.rect(
            x * mm, (pen.y - 0.8 * pen.grow) * mm, 4.5 * pen.grow * mm, 3.6 * pen.grow * mm, stroke=1, fill=1
        )
        _centred(pen, x + 2.25 * pen.grow, pen.y + 0.1, one.letter, ink_on(one.color))
        for line in _lines(pen, one.label, step - 6 * pen.grow, 6.5, most=1):
            _write(pen, x + 5.5 * pen.grow, pen.y, line, 6.5)
    pen.y -= 3 * pen.grow


def _title(pen: _Pen, text: str, brand: str) -> None:
    pen.y -= 5.5 * pen.grow
    _write(pen, pen.left, pen.y, text, 9.5, bold=True, color=brand)
    pen.y -= 1.2 * pen.grow


def _table(pen: _Pen, title: str, head: Sequence[str], rows: Sequence[Sequence[str]], brand: str) -> None:
    _title(pen, title, brand)
    widths = _widths(pen, len(head), wide_last=head[-1] == "door")
    for bold, row in [(True, head), *((False, one) for one in rows)]:
        cells = [_lines(pen, text, wide - 2, 7, bold=bold, most=3) for text, wide in zip(row, widths, strict=True)]
        x = pen.left
        for lines, wide in zip(cells, widths, strict=True):
            for j, line in enumerate(lines):
                _write(pen, x, pen.y - (3.4 + 3.0 * j) * pen.grow, line, 7, bold=bold)
            x += wide
        pen.y -= (1.6 + 3.0 * max(len(one) for one in cells)) * pen.grow
        pen.canvas.setStrokeColor(HexColor("#c6ccd6"))
        pen.canvas.setLineWidth(0.4)
        pen.canvas.line(pen.left * mm, (pen.y - 0.3) * mm, (pen.left + pen.width) * mm, (pen.y - 0.3) * mm)


def _widths(pen: _Pen, columns: int, *, wide_last: bool) -> list[float]:
    """Divide the width [mm] over the columns: the first is for words, and the last too where it says why."""
    first = (38 if wide_last else 58) * pen.grow
    last = 58 * pen.grow if wide_last else 0.0
    step = (pen.width - first - last) / max(columns - 1 - wide_last, 1)
    return [first, *[step] * (columns - 1 - wide_last), *([last] if wide_last else [])]


def _texts(pen: _Pen, title: str, texts: Sequence[str], brand: str, size: float) -> None:
    _title(pen, title, brand)
    for text in texts:
        for line in _lines(pen, text, pen.width, size, most=6):
            pen.y -= size * 0.47 * pen.grow
            _write(pen, pen.left, pen.y, line, size)
