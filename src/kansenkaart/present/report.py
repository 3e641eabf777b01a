"""The frozen report: headings, words, tables and drawings, said once and then rendered as HTML and as PDF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import ClassVar

import geopandas as gpd
import shapely
from markupsafe import Markup

from kansenkaart.present.editionpages import page_of
from kansenkaart.wording.nl import MINUS, euros

INK, SOFT, GAIN, LOSS, PALE, PAPER = "#1a1a1a", "#5a5a5a", "#1b6e8a", "#b3541e", "#e8eef1", "#ffffff"
_SIGN_PT = 9.0  # a bar that is narrower has no room for its sign


@dataclass(frozen=True)
class Shape:
    """One mark of a drawing, y downwards: ``rect`` (x, y, width, height), ``line``, ``poly`` or ``text`` (x, y)."""

    kind: str
    points: tuple[float, ...]
    fill: str = INK
    text: str = ""
    anchor: str = "start"
    size: float = 9.0


@dataclass(frozen=True)
class Drawing:
    """A drawing of its own size [pt], with words for who cannot see it."""

    kind: ClassVar = "drawing"
    title: str
    alt: str
    width: float
    height: float
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Grid:
    """A table: caption, heads, rows of words; the first column names the row."""

    kind: ClassVar = "grid"
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()

    @property
    def right(self) -> tuple[int, ...]:
        """The columns of numbers, which stand to the right."""
        return tuple(n for n in range(len(self.head)) if _are_numbers(row[n] for row in self.rows))


def _are_numbers(cells: Iterable[str]) -> bool:
    plain = (cell.removeprefix("minder dan ").removeprefix("meer dan ") for cell in cells)
    return all(not cell or any(letter.isdigit() for letter in cell[:4]) or cell in ("-", "onbekend") for cell in plain)


@dataclass(frozen=True)
class Words:
    """A paragraph; ``strong`` for the line that must not be missed."""

    kind: ClassVar = "words"
    text: str
    strong: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of short sentences."""

    kind: ClassVar = "bullets"
    lines: tuple[str, ...]


Part = Words | Bullets | Grid | Drawing


@dataclass(frozen=True)
class Section:
    """One page of the report."""

    heading: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class ReportSpec:
    """A whole report: four sections, one on each page.

    Parameters
    ----------
    title, subtitle : str
        Of the document.
    note : str
        Line at the foot of each page: sources and edition.
    warning : str
        Said first, where the data are invented.
    sections : tuple of Section
        In order.
    downloads : tuple of (str, str)
        Words and file name of what lies beside the report.
    """

    title: str
    subtitle: str
    note: str
    sections: tuple[Section, ...]
    warning: str = ""
    downloads: tuple[tuple[str, str], ...] = field(default_factory=tuple)


def years_drawing(values: Sequence[float], *, title: str, what: str) -> Drawing:
    """Draw bars for the years from 0 on, above and below a line.

    Parameters
    ----------
    values : sequence of float
        One per year [EUR].
    title, what : str
        Heading, and what the bars are, for the words beside it.
    """
    width, height, left, top = 470.0, 130.0, 60.0, 12.0
    most = max(max(values), -min(values), 1.0)
    up, down = max(*values, 0.0), min(*values, 0.0)
    tall = (height - top - 20) / max(up - down, most * 0.1)
    zero = top + up * tall
    step = (width - left - 10) / len(values)
    marks = [Shape("line", (left, zero, width - 10, zero), SOFT)]
    for year, value in enumerate(values):
        y, high = (zero - value * tall, value * tall) if value >= 0 else (zero, -value * tall)
        marks.append(Shape("rect", (left + year * step + 2, y, step - 4, high), GAIN if value >= 0 else LOSS))
    fifths = range(0, len(values), 5)
    marks += [Shape("text", (left + (one + 0.5) * step, height - 4), INK, f"jaar {one}", "middle") for one in fifths]
    marks += [Shape("text", (left - 4, zero - one * tall + 3), INK, euros(one), "end", 8.0) for one in {up: 0, down: 0}]
    best, worst = max(values), min(values)
    alt = f"{what}: laagste jaar {values.index(worst)} met {euros(worst)}, hoogste jaar {values.index(best)} met {euros(best)}."
    return Drawing(title, alt, width, height, tuple(marks))


def tornado_drawing(rows: Sequence[tuple[str, float, float]], *, middle: float, title: str) -> Drawing:
    """Draw what the outcome becomes at either end of each figure, widest first: less in the hue of costs, + at its high end.

    Parameters
    ----------
    rows : sequence of (str, float, float)
        Words, outcome at the low end and at the high end [EUR/year].
    middle : float
        The outcome with all figures as they are [EUR/year].
    title : str
        Heading.
    """
    width, row, left = 470.0, 17.0, 215.0
    ends = [value for _, low, high in rows for value in (low, high)] + [middle]
    low, high = min(ends), max(ends)
    scale = (width - left - 20) / max(high - low, 1.0)
    marks, said = [], []
    for number, (words, at_low, at_high) in enumerate(rows):
        y = 4 + number * row
        marks.append(Shape("text", (left - 8, y + 10), INK, words, "end", 8.5))
        for value, sign in ((at_low, MINUS), (at_high, "+")):
            (first, last), color = sorted((value, middle)), LOSS if value < middle else GAIN
            wide = (last - first) * scale
            marks.append(Shape("rect", (left + (first - low) * scale, y + 2, wide, row - 5), color))
            if wide >= _SIGN_PT:
                inner = 5.0 if value < middle else -5.0
                marks.append(Shape("text", (left + (value - low) * scale + inner, y + 11), PAPER, sign, "middle", 8.5))
        said.append(f"{words}: {euros(at_low)} tot {euros(at_high)}")
    foot = 4 + len(rows) * row
    marks.append(Shape("line", (left + (middle - low) * scale, 2, left + (middle - low) * scale, foot), INK))
    for value, anchor in ((low, "start"), (high, "end")):
        marks.append(Shape("text", (left + (value - low) * scale, foot + 12), INK, euros(value), anchor, 8.5))
    return Drawing(title, "; ".join(said), width, foot + 18, tuple(marks))


def sketch_drawing(place: gpd.GeoSeries, around: gpd.GeoSeries, *, title: str, alt: str) -> Drawing:
    """Draw the outline of a place among its neighbours, north up, with a scale of 100 m.

    Parameters
    ----------
    place : GeoSeries
        One shape, in RD New [m].
    around : GeoSeries
        Shapes to draw behind it.
    title, alt : str
        Heading and words.
    """
    size, wide = 200.0, 470.0
    x0, y0, x1, y1 = place.total_bounds
    reach = max(x1 - x0, y1 - y0, 1.0) * 1.35
    cx, cy, scale = (x0 + x1) / 2, (y0 + y1) / 2, size / reach
    window = shapely.box(cx - reach * wide / size / 2, cy - reach / 2, cx + reach * wide / size / 2, cy + reach / 2)
    marks = [Shape("rect", (0, 0, wide, size), PALE)]
    for shapes, color in ((around.clip(window), "#c4d2d8"), (place, GAIN)):
        for part in shapes.simplify(reach / 300).explode(index_parts=False):
            if part.geom_type == "Polygon" and not part.is_empty:
                xy = [(wide / 2 + (x - cx) * scale, size / 2 - (y - cy) * scale) for x, y in part.exterior.coords]
                marks.append(Shape("poly", tuple(round(value, 1) for point in xy for value in point), color))
    bar = 100 * scale
    marks.append(Shape("line", (12, size - 10, 12 + bar, size - 10), INK))
    marks.append(Shape("text", (12, size - 14), INK, "100 meter", "start", 8.0))
    marks.append(Shape("text", (wide - 12, 16), INK, "noord is boven", "end", 8.0))
    return Drawing(title, alt, wide, size, tuple(marks))


def render_report(spec: ReportSpec) -> str:
    """Return the report as an HTML page.

    Parameters
    ----------
    spec : ReportSpec
        What it says.
    """
    drawings = [one for section in spec.sections for one in section.parts if isinstance(one, Drawing)]
    drawn = {one: Markup(drawing_svg(one)) for one in drawings}  # noqa: S704 - own marks, of which the texts are escaped
    return page_of("rapport.html.jinja", "report.css", house=None, spec=spec, drawn=drawn)


def drawing_svg(drawing: Drawing) -> str:
    """Write a drawing as SVG, for a page and for paper.

    Parameters
    ----------
    drawing : Drawing
        What it shows.
    """
    marks = "".join(map(_mark, drawing.shapes))
    return (
        f'<svg role="img" aria-label="{escape(drawing.alt)}" '
        f'viewBox="0 0 {drawing.width:g} {drawing.height:g}" font-family="system-ui,Roboto,sans-serif">{marks}</svg>'
    )


def _mark(one: Shape) -> str:
    at = one.points
    if one.kind == "rect":
        return f'<rect x="{at[0]:.1f}" y="{at[1]:.1f}" width="{at[2]:.1f}" height="{at[3]:.1f}" fill="{one.fill}"/>'
    if one.kind == "line":
        return f'<path d="M{at[0]:.1f} {at[1]:.1f}L{at[2]:.1f} {at[3]:.1f}" stroke="{one.fill}" stroke-width="1.2"/>'
    if one.kind == "poly":
        points = " ".join(f"{x:g},{y:g}" for x, y in zip(at[::2], at[1::2], strict=True))
        return f'<polygon points="{points}" fill="{one.fill}" stroke="#ffffff" stroke-width="0.8"/>'
    return (
        f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" fill="{one.fill}" font-size="{one.size:g}" '
        f'text-anchor="{one.anchor}">{escape(one.text)}</text>'
    )
