"""Pages about editions, for who looks after a study: what differs from the last one, and figures over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup, escape

from kansenkaart.present.style import HouseStyle, content_policy, css_variables, ink_on
from kansenkaart.wording.nl import codes, exact, number, say, unit_words, year


@dataclass(frozen=True)
class PlaceRow:
    """A place with a factsheet: its name, homes as text, and its files as (label, path)."""

    name: str
    homes: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DataRow:
    """An open layer: its file, what it holds, and how many rows as text."""

    path: str
    words: str
    rows: str


@dataclass(frozen=True)
class Known:
    """One kind of data: whether the study has it, and what that means."""

    what: str
    known: bool
    means: str


@dataclass(frozen=True)
class IndexPage:
    """All that the page says; lists may be empty."""

    title: str
    edition: str
    answers: tuple[tuple[str, str], ...]
    places: tuple[PlaceRow, ...]
    data: tuple[DataRow, ...]
    reports: tuple[PlaceRow, ...]
    known: tuple[Known, ...]
    sources: tuple[str, ...]
    example: bool = False
    public: bool = False
    contact: str = ""


def index_html(page: IndexPage, style: HouseStyle = ({}, {})) -> str:
    """Write the overview: HTML without script or request.

    Parameters
    ----------
    page : IndexPage
        What it says.
    style : tuple of dict
        House style for light and dark screens.
    """
    return page_of("overzicht.html.jinja", "sheet.css", house=style, page=page)


WIDTH_PX, HEIGHT_PX = 640, 220
_LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 90, 20, 16, 34


@dataclass(frozen=True)
class Series:
    """One figure over the editions: its values in the order of the editions, None where it is unknown."""

    label_nl: str
    unit: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Plot:
    """A series as points in a drawing: pixels across and down, and the ticks of the vertical axis."""

    lines: tuple[str, ...]
    points: tuple[tuple[float, float, str], ...]
    ticks: tuple[tuple[float, str], ...]


def difference_page(content: Mapping[str, Any], *, title: str, labels: tuple[str, str]) -> str:
    """Write the page about the difference between two editions.

    Parameters
    ----------
    content : mapping
        As ``kansenkaart.publish.editions.steps`` gives it.
    title : str
        Title of the study.
    labels : tuple of str
        The edition before and the new one, as people name them.
    """
    return page_of("verschil.html.jinja", title=title, labels=labels, difference=content, words=codes("change"))


def monitor_page(
    series: Sequence[Series], *, title: str, labels: Sequence[str], accepted: Sequence[tuple[str, str, str]]
) -> str:
    """Write the page with figures over the editions.

    Parameters
    ----------
    series : sequence of Series
        What to plot.
    title : str
        Title of the study.
    labels : sequence of str
        The editions, as people name them.
    accepted : sequence of tuple of str
        Edition, who and why, of editions that somebody let pass a gate.
    """
    plots = [(one, plotted(one.values, labels)) for one in series]
    content: dict[str, Any] = {"title": title, "labels": labels, "plots": plots, "accepted": accepted}
    content |= {"width": WIDTH_PX, "height": HEIGHT_PX, "left": _LEFT_PX, "right": WIDTH_PX - _RIGHT_PX}
    return page_of("cijfers.html.jinja", **content)


def plotted(values: Sequence[float | None], labels: Sequence[str]) -> Plot:
    """Return the points of a series, and a line through each run of known values; the axis holds zero or the range.

    Parameters
    ----------
    values : sequence of float or None
        One per edition; None where it is unknown.
    labels : sequence of str
        The editions, as people name them.
    """
    known = [one for one in values if one is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    margin = (high - low) * 0.1 or abs(high) * 0.05 or 1.0
    low, high = (max(low - margin, 0.0) if low >= 0 else low - margin), high + margin
    step = (WIDTH_PX - _LEFT_PX - _RIGHT_PX) / max(len(values) - 1, 1)

    def down(value: float) -> float:
        return round(_TOP_PX + (high - value) / (high - low) * (HEIGHT_PX - _TOP_PX - _BOTTOM_PX), 1)

    at = [None if one is None else (round(_LEFT_PX + i * step, 1), down(one)) for i, one in enumerate(values)]
    points = tuple((*spot, f"{labels[i]}: {_figure(values[i])}") for i, spot in enumerate(at) if spot is not None)
    ticks = tuple((down(tick), _figure(tick)) for tick in (low, (low + high) / 2, high))
    return Plot(tuple(_runs(at)), points, ticks)


def _runs(at: Sequence[tuple[float, float] | None]) -> Iterator[str]:
    run: list[tuple[float, float]] = []
    for spot in [*at, None]:
        if spot is not None:
            run.append(spot)
        elif run:
            yield " ".join(f"{x:g},{y:g}" for x, y in run)
            run = []


def _figure(value: float | None, unit: str = "") -> str:
    """Write a figure with as many digits as its size asks for; a year as a year."""
    if value is None or unit == "year":
        return year(value)
    return number(value, 0 if abs(value) >= 1000 or float(value).is_integer() else 3 if abs(value) < 1 else 1)


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Return what renders the templates of pages without a script."""
    loader = jinja2.PackageLoader("kansenkaart.present", "templates")
    made = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    made.filters |= {"getal": _figure, "eenheid": unit_words, "woord": lambda code, codelist: say(codelist, code)}
    made.globals.update(ink_on=ink_on, number=number)
    made.filters["gegeven"] = _given
    made.filters["bijeen"] = _together
    return made


def _given(value: Any) -> Any:
    """Return a figure as written, one with a range beside it (value, low, high) as both; what is no figure stays."""
    if isinstance(value, list) and len(value) == len(("value", "low", "high")):
        return "{} ({} tot {})".format(*map(exact, value))
    return exact(value) if isinstance(value, int | float) else value


def page_of(template: str, css: str = "edition.css", *, house: HouseStyle | None = ({}, {}), **content: Any) -> str:
    """Write a page of one of the templates: HTML without script or request.

    Parameters
    ----------
    template, css : str
        Names of its file and of its style sheet.
    house : tuple of dict, optional
        House style: CSS variables for light and for dark screens; none for a page that has its own colours.
    **content : Any
        What it tells.
    """
    style = (files("kansenkaart") / "present" / "assets" / css).read_text("utf-8")
    style = style if house is None else css_variables(*house) + style
    own = Markup(style)  # noqa: S704 - own style sheet and checked variables
    made = environment().get_template(template).render(policy=content_policy([], [style]), style=own, **content)
    return f"{made}\n"


def _together(text: str) -> Markup:
    """Escape a text, and keep a minus on the line of its euros."""
    return escape(text).replace("−€", "−\N{WORD JOINER}€")
