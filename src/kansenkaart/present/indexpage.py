"""The page that lists all there is of a study: the map, factsheets, open layers, reports, and what is known and unknown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from kansenkaart.present.csp import content_policy
from kansenkaart.present.style import css_variables


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
    reports: tuple[tuple[str, str], ...]
    known: tuple[Known, ...]
    sources: tuple[str, ...]
    example: bool = False
    public: bool = False


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("kansenkaart.present", "templates")
    page = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return page.get_template("overzicht.html.jinja")


def index_html(page: IndexPage, *, style: dict[str, str] | None = None, dark: dict[str, str] | None = None) -> str:
    """Write the page: HTML without script or request.

    Parameters
    ----------
    page : IndexPage
        What it says.
    style, dark : dict, optional
        House style for light and dark screens.

    Returns
    -------
    str
        The page.
    """
    css = css_variables(style or {}, dark) + (files("kansenkaart") / "present" / "assets" / "sheet.css").read_text(
        "utf-8"
    )
    return str(_template().render(page=page, policy=content_policy([], [css]), style=Markup(css)))  # noqa: S704 - own style
