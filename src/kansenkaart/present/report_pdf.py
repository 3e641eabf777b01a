"""The report as a PDF of four A4 pages; equal input gives equal bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.graphics import shapes as rl
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
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

from kansenkaart.present.report import GAIN, INK, PALE, Bullets, Drawing, Grid, Part, ReportSpec, Section, Shape, Words

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
    for number, section in enumerate(spec.sections):
        story += [PageBreak()] if number else []
        parts = _page(spec, section, first=number == 0)
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
        return [Paragraph(escape(part.caption), _SMALL_HEAD), _table(part), Spacer(1, 5)]
    return [Paragraph(escape(part.title), _SMALL_HEAD), _drawing(part), Spacer(1, 4)]


def _table(grid: Grid) -> Table:
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
