"""A factsheet of one place: what stands on it, and the same figures as HTML and as PDF.

The map has a fixed scale in millimetres on paper, letters beside colours, a scale bar and the north. Equal sheets give equal
bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from kansenkaart.errors import SchemaError
from kansenkaart.present.editionpages import environment, page_of
from kansenkaart.present.style import HouseStyle, LegendClass

#: Scales that a map on paper may have; the largest at which the place fits is taken.
SCALES = (500, 1000, 2000, 2500, 5000, 10_000, 20_000, 25_000, 50_000, 100_000, 250_000)
FIGURES = 6
_MARGIN_FRAC = 0.04
#: Bends finer than this on paper [mm] are left out.
_FINEST_MM = 0.12
#: A building smaller than a square of this side on paper [mm] is left out; at smaller scales than this all of them are.
_LEAST_MM = 0.4
BACKDROP_SCALE = 10_000
#: Room that a letter needs on paper [mm].
_LETTER_MM = 4.0
_POLYGON = shapely.GeometryType.POLYGON.value


@dataclass(frozen=True)
class KeyFigure:
    """One figure with its unit in the text, and where it comes from."""

    label: str
    text: str
    origin: str


@dataclass(frozen=True)
class Compared:
    """One measure for the place and for what is around it, as text; unknown is a word."""

    label: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """One outcome when an assumption moves within its bounds."""

    label: str
    low: str
    middle: str
    high: str
    why: str


@dataclass(frozen=True, eq=False)
class MapPart:
    """One shape on the map in RD New [m], with the letter and colour of its class; without a letter it is context."""

    shape: BaseGeometry
    letter: str = ""
    color: str = ""


@dataclass(frozen=True, eq=False)
class Sheet:
    """All that a factsheet says; `talked` says whether there are sheets beside it to talk with partners.

    `contact` says whom to tell that something is wrong.

    Raises
    ------
    SchemaError
        When it has not six figures with a source each, or columns that do not match the comparison.
    """

    key: str
    title: str
    study: str
    edition: str
    place: BaseGeometry
    parts: tuple[MapPart, ...]
    legend_title: str
    legend: tuple[LegendClass, ...]
    figures: tuple[KeyFigure, ...]
    around: tuple[str, ...]
    compared: tuple[Compared, ...]
    moved: tuple[Moved, ...]
    not_said: tuple[str, ...]
    sources: tuple[str, ...]
    example: bool = False
    public: bool = False
    talked: bool = False
    contact: str = ""
    streets: tuple[BaseGeometry, ...] = ()
    buildings: tuple[BaseGeometry, ...] = ()

    def __post_init__(self) -> None:
        found = []
        if len(self.figures) != FIGURES or any(not one.origin for one in self.figures):
            found.append(
                f"{len(self.figures)} figures, of which {sum(not one.origin for one in self.figures)} without source"
            )
        if any(len(one.texts) != len(self.around) for one in self.compared):
            found.append("a comparison with another number of columns than places")
        if not self.sources or not self.not_said:
            found.append("no sources, or nothing that it does not say")
        if self.place.is_empty:
            found.append("a place without shape")
        if found:
            raise SchemaError(f"{FIGURES} figures with sources, and a place", found="; ".join(found), where=self.title)


@dataclass(frozen=True)
class Frame:
    """A window on the ground and its size on paper: scale 1:`scale`, `width_mm` by `height_mm`, from x, y [m]."""

    scale: int
    width_mm: float
    height_mm: float
    x: float
    y: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The window in RD New: least x and y, most x and y [m]."""
        per_mm = self.scale / 1000
        return (self.x, self.y, self.x + self.width_mm * per_mm, self.y + self.height_mm * per_mm)


def frame_of(place: BaseGeometry, *, width_mm: float, height_mm: float) -> Frame:
    """Choose the largest scale of `SCALES` at which a place fits in a box on paper, with the place in the middle.

    Parameters
    ----------
    place : BaseGeometry
        In RD New [m].
    width_mm, height_mm : float
        Size of the map on paper [mm].

    Raises
    ------
    SchemaError
        When no scale is small enough.
    """
    x0, y0, x1, y1 = place.bounds
    room = 1 - 2 * _MARGIN_FRAC
    needed = max((x1 - x0) / (width_mm * room), (y1 - y0) / (height_mm * room)) * 1000
    scale = next((one for one in SCALES if one >= needed), None)
    if scale is None:
        raise SchemaError(
            f"a place that fits at 1:{SCALES[-1]}", found=f"1:{math.ceil(needed)} needed", where="factsheet"
        )
    per_mm = scale / 1000
    return Frame(scale, width_mm, height_mm, (x0 + x1 - width_mm * per_mm) / 2, (y0 + y1 - height_mm * per_mm) / 2)


def bar_m(frame: Frame) -> float:
    """Choose the length of the scale bar [m]: 1, 2 or 5 times a power of ten, at most a third of the map's width.

    Parameters
    ----------
    frame : Frame
        The window and its scale.
    """
    most = frame.width_mm * frame.scale / 1000 / 3
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1, 2, 5) if step * power <= most)


def polygons(shape: BaseGeometry) -> list[shapely.Polygon]:
    """Give the polygons of a shape, each once.

    Parameters
    ----------
    shape : geometry
        Any; lines and points are left out.
    """
    return [one for one in shapely.get_parts(shape).tolist() if one.geom_type == "Polygon" and not one.is_empty]


def _near(shapes: Sequence[BaseGeometry], frame: Frame) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Return which shapes have a part inside the window, and those parts, without bends that paper cannot show."""
    every = np.array(shapes)
    box, (x0, y0, x1, y1) = shapely.bounds(every).T, frame.bounds
    near = np.flatnonzero((box[0] < x1) & (box[2] > x0) & (box[1] < y1) & (box[3] > y0))
    fine = shapely.simplify(every[near], _FINEST_MM * frame.scale / 1000)
    return near, shapely.clip_by_rect(fine, x0, y0, x1, y1)


def backdrop(shapes: Sequence[BaseGeometry], frame: Frame) -> list[shapely.Polygon]:
    """Give what lies under the letters, such as buildings: inside the window, without what paper cannot show.

    Parameters
    ----------
    shapes : sequence of BaseGeometry
        In RD New [m].
    frame : Frame
        The window and its scale; beyond 1:`BACKDROP_SCALE` there is no backdrop.
    """
    if frame.scale > BACKDROP_SCALE or not shapes:
        return []
    parts = shapely.get_parts(_near(shapes, frame)[1])
    drawn = (shapely.get_type_id(parts) == _POLYGON) & (shapely.area(parts) >= (_LEAST_MM * frame.scale / 1000) ** 2)
    return list(parts[drawn])


def letter_at(shapes: Sequence[shapely.Polygon], frame: Frame) -> tuple[float, float] | None:
    """Say where the letter of a part goes [mm]; None where it would not fit.

    Parameters
    ----------
    shapes : sequence of Polygon
        The part, in RD New [m].
    frame : Frame
        The window and its scale.
    """
    largest = max(shapes, key=lambda one: one.area)
    if math.sqrt(largest.area) < _LETTER_MM * frame.scale / 1000:
        return None
    point = shapely.point_on_surface(largest)
    return ((point.x - frame.x) * 1000 / frame.scale, (point.y - frame.y) * 1000 / frame.scale)


def sheet_html(sheet: Sheet, style: HouseStyle = ({}, {}), *, pdfs: Sequence[tuple[str, str]] = ()) -> str:
    """Write a factsheet as one HTML page without script or request.

    Parameters
    ----------
    sheet : Sheet
        What it says.
    style : tuple of dict
        House style: CSS variables for light and for dark screens.
    pdfs : sequence of (str, str)
        Label and path of the PDF files beside it.
    """
    frame = frame_of(sheet.place, width_mm=160.0, height_mm=120.0)
    return page_of("factsheet.html.jinja", "sheet.css", house=style, **_scene(sheet, frame), pdfs=pdfs)


def drawing(sheet: Sheet, *, width_mm: float, height_mm: float, lettered: bool = True) -> tuple[str, Frame]:
    """Draw the map of a sheet by itself, as SVG.

    Parameters
    ----------
    sheet : Sheet
        What it says.
    width_mm, height_mm : float
        Size of the map on paper [mm].
    lettered : bool
        Whether parts have their letter.

    Returns
    -------
    str and Frame
        The drawing, and its window and scale.
    """
    frame = frame_of(sheet.place, width_mm=width_mm, height_mm=height_mm)
    box = f'viewBox="0 0 {width_mm} {height_mm}" width="{width_mm}mm" height="{height_mm}mm"'
    inner = environment().get_template("kaart.svg.jinja").render(**_scene(sheet, frame), lettered=lettered)
    return f'<svg xmlns="http://www.w3.org/2000/svg" font-family="Roboto" {box}>{inner}</svg>', frame


def _scene(sheet: Sheet, frame: Frame) -> dict[str, object]:
    """Give what a template draws the map of a sheet from."""
    return {
        "sheet": sheet,
        "frame": frame,
        "parts": _drawn(sheet, frame),
        "outline": _path(polygons(shapely.simplify(sheet.place, _FINEST_MM * frame.scale / 1000)), frame),
        "bar": bar_m(frame),
        "streets": _path(backdrop(sheet.streets, frame), frame),
        "buildings": _path(backdrop(sheet.buildings, frame), frame),
    }


@dataclass(frozen=True)
class Amount:
    """A sum of money [EUR/year] with its interval, as drawn, and as said."""

    label: str
    middle: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Partner:
    """One sheet of a talk: for whom, what it gains, what is asked of it, and what only it can tell."""

    key: str
    label: str
    gains: tuple[str, ...]
    asks: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Talk:
    """The sheets to talk with partners over one place: its factsheet, what stays there, who wins and who pays."""

    sheet: Sheet
    homes: str
    stays: Amount
    span: str
    chance: str
    condition: str
    parties: tuple[Amount, ...]
    partners: tuple[Partner, ...]

    @property
    def axis(self) -> Axis:
        """The axis of what stays."""
        return Axis.of([self.stays])

    @property
    def around(self) -> Axis:
        """The axis that all parties share."""
        return Axis.of(self.parties)


def talk_html(talk: Talk, style: HouseStyle = ({}, {}), *, pdf: str = "") -> str:
    """Write the sheets of a talk as one HTML page, each partner on its own side of A4, without script or request.

    Parameters
    ----------
    talk : Talk
        What they say.
    style : tuple of dict
        House style: CSS variables for light and for dark screens.
    pdf : str
        Path of the same on paper, if it is there.
    """
    scene = _scene(talk.sheet, frame_of(talk.sheet.place, width_mm=100.0, height_mm=76.0))
    return page_of("gesprek.html.jinja", "sheet.css", house=style, **scene, talk=talk, pdf=pdf)


@dataclass(frozen=True)
class Axis:
    """An axis that holds 0, from `least` to `most` [EUR/year]; places on it are in hundredths of its length."""

    least: float
    most: float

    @classmethod
    def of(cls, amounts: Sequence[Amount]) -> Axis:
        """Make the axis that holds all these amounts with their intervals; unknown ones do not count.

        Parameters
        ----------
        amounts : sequence of Amount
            What is drawn on it [EUR/year].
        """
        known = [end for one in amounts for end in (one.low, one.middle, one.high) if math.isfinite(end)]
        return cls(min([0.0, *known]), max([0.0, *known]))

    def at(self, value: float) -> float:
        """Say where a value stands [0 to 100].

        Parameters
        ----------
        value : float
            [EUR/year].
        """
        return round(100 * (value - self.least) / ((self.most - self.least) or 1.0), 1)


def _drawn(sheet: Sheet, frame: Frame) -> list[tuple[MapPart, str, tuple[float, float] | None]]:
    """Return the parts of the map, context first, each with its path and where its letter goes."""
    parts = sorted(sheet.parts, key=lambda one: bool(one.letter))
    if not parts:
        return []
    near, drawn = _near([one.shape for one in parts], frame)
    out: list[tuple[MapPart, str, tuple[float, float] | None]] = []
    for part, shapes in ((parts[n], polygons(shape)) for n, shape in zip(near.tolist(), drawn, strict=True)):
        if not shapes:
            continue
        at = letter_at(shapes, frame) if part.letter else None
        out.append((part, _path(shapes, frame), (at[0], frame.height_mm - at[1]) if at else None))
    return out


def _path(shapes: Sequence[shapely.Polygon], frame: Frame) -> str:
    """Write polygons as an SVG path in millimetres, a tenth of a millimetre fine."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(list(shapes)), return_index=True)
    at = (corners - (frame.x, frame.y)) / (frame.scale / 1000)
    points = [f"{x:.1f} {frame.height_mm - y:.1f}" for x, y in at.tolist()]
    ends = [*(np.flatnonzero(np.diff(ring)) + 1), len(points)] if points else []
    rings = [points[first : end - 1] for first, end in pairwise([0, *ends])]
    drawn = ("L".join(one for one, before in zip(own, ["", *own], strict=False) if one != before) for own in rings)
    return "".join(f"M{one}Z" for one in drawn)
