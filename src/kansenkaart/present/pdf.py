"""Pages on paper, drawn with reportlab: a factsheet of one page, a report of four; equal input gives equal bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

from reportlab.graphics import shapes as rl
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A3, A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    KeepInFrame,
    ListFlowable,
    ListItem,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

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
from kansenkaart.present.report import GAIN, INK, PALE, Bullets, Drawing, Grid, Part, ReportSpec, Section, Shape, Words
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
        _table(pen, "Als de aannamen schuiven", ["", "laag", "midden", "hoog", "door"], rows, brand)
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
        *(["Openbare uitgave"] if sheet.public else [] if sheet.example else ["Intern: niet verspreiden"]),
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


_MARGIN = 18 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9.5, leading=12.5, spaceAfter=4, textColor=HexColor(INK))
_CELL = ParagraphStyle("cell", parent=_BODY, fontSize=8.5, leading=10.5, spaceAfter=0)
_NUMBER = ParagraphStyle("number", parent=_CELL, alignment=TA_RIGHT)
_STRONG = ParagraphStyle(
    "strong",
    parent=_BODY,
    fontName="Helvetica-Bold",
    backColor=HexColor(PALE),
    borderPadding=5,
    spaceBefore=6,
    spaceAfter=9,
)
_HEAD = ParagraphStyle("head", parent=_BODY, fontName="Helvetica-Bold", fontSize=15, leading=18, spaceAfter=6)
_SMALL_HEAD = ParagraphStyle(
    "small", parent=_BODY, fontName="Helvetica-Bold", fontSize=9.5, spaceBefore=5, spaceAfter=2
)
_TITLE = ParagraphStyle("title", parent=_HEAD, fontSize=19, leading=23, spaceAfter=1)


def write_pdf(spec: ReportSpec, path: Path) -> None:
    """Write the report as PDF, a page for each section.

    Parameters
    ----------
    spec : ReportSpec
        What it says.
    path : Path
        Where to write; an older file is replaced.
    """
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=14 * mm,
        bottomMargin=17 * mm,
        title=spec.title,
        author="kansenkaart",
        subject=spec.subtitle,
        lang="nl",
        invariant=1,
    )
    story: list[Any] = []
    for at, section in enumerate(spec.sections):
        story += [PageBreak()] if at else []
        parts = _page(spec, section, first=at == 0)
        # A page that would run over shrinks a little instead, so that a report is always four pages.
        story.append(KeepInFrame(_WIDTH, A4[1] - 31 * mm - 12, parts, mode="shrink"))
    foot = _footer(spec.note)
    document.build(story, onFirstPage=foot, onLaterPages=foot)


def _page(spec: ReportSpec, section: Section, *, first: bool) -> list[Any]:
    parts: list[Any] = []
    if first:
        parts += [Paragraph(escape(spec.title), _TITLE), Paragraph(escape(spec.subtitle), _BODY)]
        parts += [Paragraph(escape(spec.warning), _STRONG)] if spec.warning else []
    parts.append(Paragraph(escape(section.heading), _HEAD))
    return parts + [flowable for part in section.parts for flowable in _part(part)]


def _footer(note: str) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.setFont("Helvetica", 7)
        canvas.setFillColor(HexColor("#454545"))
        canvas.drawString(_MARGIN, 9 * mm, note[:150])
        canvas.drawRightString(A4[0] - _MARGIN, 9 * mm, f"bladzijde {document.page}")

    return draw


def _part(part: Part) -> list[Any]:
    if isinstance(part, Words):
        return [Paragraph(escape(part.text), _STRONG if part.strong else _BODY)]
    if isinstance(part, Bullets):
        items = [ListItem(Paragraph(escape(line), _BODY), leftIndent=12) for line in part.lines]
        return [ListFlowable(items, bulletType="bullet", bulletFontSize=6, start="circle", leftIndent=12), Spacer(1, 3)]
    if isinstance(part, Grid):
        return [Paragraph(escape(part.caption), _SMALL_HEAD), _grid(part), Spacer(1, 5)]
    return [Paragraph(escape(part.title), _SMALL_HEAD), _drawing(part), Spacer(1, 4)]


def _grid(grid: Grid) -> Table:
    numbers = [
        not any(letter.isalpha() for row in grid.rows for letter in row[column] if letter not in "onbekend")
        for column in range(len(grid.head))
    ]
    styles = [_NUMBER if one else _CELL for one in numbers]
    head = [Paragraph(f"<b>{escape(one)}</b>", styles[n]) for n, one in enumerate(grid.head)]
    rows = [[Paragraph(escape(cell), styles[n]) for n, cell in enumerate(row)] for row in grid.rows]
    shares = grid.widths or tuple([2.0] + [1.0] * (len(grid.head) - 1))
    widths = [share / sum(shares) * (_WIDTH - 12) for share in shares]
    look = TableStyle(
        [
            ("LINEBELOW", (0, 0), (-1, 0), 1, HexColor(INK)),
            ("LINEBELOW", (0, 1), (-1, -1), 0.3, HexColor("#b9b9b9")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
            ("LEFTPADDING", (0, 0), (-1, -1), 2),
            ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ]
    )
    return Table([head, *rows], colWidths=widths, repeatRows=1, style=look, hAlign="LEFT")


def _drawing(drawing: Drawing) -> rl.Drawing:
    page = rl.Drawing(drawing.width, drawing.height)
    for one in drawing.shapes:
        page.add(_mark(one, drawing.height))
    return page


def _mark(one: Shape, height: float) -> Any:
    at, color = one.points, HexColor(one.fill)
    if one.kind == "rect":
        return rl.Rect(at[0], height - at[1] - at[3], at[2], at[3], fillColor=color, strokeColor=None)
    if one.kind == "line":
        return rl.Line(at[0], height - at[1], at[2], height - at[3], strokeColor=color, strokeWidth=1.2)
    if one.kind == "poly":
        flipped = [value if n % 2 == 0 else height - value for n, value in enumerate(at)]
        return rl.Polygon(flipped, fillColor=color, strokeColor=white if one.fill != GAIN else color, strokeWidth=0.8)
    return rl.String(
        at[0], height - at[1], one.text, fontName="Helvetica", fontSize=one.size, fillColor=color, textAnchor=one.anchor
    )
