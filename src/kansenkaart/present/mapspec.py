"""The frozen picture: everything that a map page says, before any of it is drawn.

A `MapSpec` is built first and rendered last. Sources with their editions are fields of it that may not be
empty, and every column names its source, so no map can exist without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.errors import SchemaError
from kansenkaart.present.startspec import Page, Start

Kind = Literal["polygon", "line", "point"]


@dataclass(frozen=True)
class Source:
    """One publisher's delivery, as named in the source note."""

    key: str
    title: str
    publisher: str
    edition: str
    licence: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True)
class Column:
    """One column of a layer, with all that a reader must know of its figures.

    `source` holds the key of a `Source`. `year_column` and `basis_column` name columns of the same layer that say it
    per feature, where it differs from feature to feature. Numbers are kept to `decimals` places.
    """

    name: str
    label: str
    source: str
    unit: str = ""
    year: str = ""
    basis: str = ""
    definition: str = ""
    kind: Literal["number", "text"] = "number"
    decimals: int = 0
    year_column: str = ""
    basis_column: str = ""


@dataclass(frozen=True)
class LinkColumn:
    """A text column that names a file beside the page, such as a factsheet or a report; unknown where there is none."""

    column: str
    label: str


@dataclass(frozen=True, eq=False)
class Layer:
    """One table of features in RD New (EPSG:28992): polygons (holes and many parts too), lines or points.

    `arrows` draws arrow heads on lines, in the direction of their points. `links` are shown as links, not as figures.
    """

    name: str
    label: str
    kind: Kind
    frame: gpd.GeoDataFrame
    columns: tuple[Column, ...]
    key: str
    title_column: str
    arrows: bool = False
    links: tuple[LinkColumn, ...] = ()


@dataclass(frozen=True)
class LegendClass:
    """One class of a legend: a letter beside the colour, and either bounds (low <= value < high) or values."""

    letter: str
    label: str
    color: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """One way to colour a theme. Views with one label and several years are one measure with a switch for its year."""

    label: str
    column: str
    classes: tuple[LegendClass, ...]
    note: str = ""
    year: str = ""


@dataclass(frozen=True)
class Story:
    """What a theme shows, how to read it and what it does not say; plain Dutch."""

    shows: str
    reading: str
    limits: str
    method: str = ""


@dataclass(frozen=True)
class Theme:
    """One subject of the map: a layer, the ways to colour it, its story, its detail panel and its table.

    `filter_column` is a text column, such as the basis, by whose values a reader can hide features.
    """

    key: str
    title: str
    layer: str
    views: tuple[View, ...]
    story: Story
    popup: tuple[str, ...]
    table: tuple[str, ...]
    outlines: tuple[str, ...] = ()
    filter_column: str = ""


@dataclass(frozen=True)
class BorderKind:
    """Why two units are apart (or together): the words for one kind of edge and how strongly it divides [1]."""

    key: str
    label: str
    explanation: str
    weight: float
    passable: bool = True


@dataclass(frozen=True)
class Criterion:
    """One ground on which proposed areas are ranked; `weight` [%] is where its slider starts."""

    key: str
    label: str
    unit: str
    definition: str
    weight: float
    higher_is_better: bool = True
    decimals: int = 0


@dataclass(frozen=True)
class ProposedArea:
    """A contiguous set of units, with one value per criterion; NaN is unknown and counts as the worst.

    `sure_frac` [1] is how often it stays in the top under the weights that the page starts with, where `AreaTool.samples`
    does not let the page work it out itself. `link` names its factsheet.
    """

    key: str
    name: str
    units: tuple[str, ...]
    values: tuple[float, ...]
    note: str = ""
    sure_frac: float | None = None
    link: str = ""


@dataclass(frozen=True, eq=False)
class AreaTool:
    """The selection tool: units to choose from, what adds up, what borders mean, and areas to start from.

    `edges` has the columns a, b (unit keys), kind (a `BorderKind` key) and length_m [m]. `samples` has the shape
    (samples, areas, criteria): the criteria's values with the assumptions moved within their ranges.
    """

    layer: str
    homes: str
    totals: tuple[str, ...]
    edges: pd.DataFrame
    borders: tuple[BorderKind, ...]
    areas: tuple[ProposedArea, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    samples: np.ndarray | None = None
    target: int = 330
    target_low: int = 150
    target_high: int = 600
    band_frac: float = 0.1
    top: int = 5
    note: str = ""


@dataclass(frozen=True)
class Credit:
    """A credit line that a licence asks for, with its link."""

    text: str
    url: str


@dataclass(frozen=True)
class Background:
    """A background that loads only when the reader asks for it."""

    key: str
    label: str
    url: str
    credit: str
    max_zoom: int = 19


#: The open background map and aerial photograph of PDOK; nothing is asked of PDOK before the reader presses the button.
PDOK_BACKGROUNDS = (
    Background(
        "grijs",
        "Kaart (PDOK, grijs)",
        "https://service.pdok.nl/brt/achtergrondkaart/wmts/v2_0/grijs/EPSG:3857/{z}/{x}/{y}.png",
        "Achtergrond: Kadaster, BRT Achtergrondkaart (CC BY 4.0)",
    ),
    Background(
        "luchtfoto",
        "Luchtfoto (PDOK)",
        "https://service.pdok.nl/hwh/luchtfotorgb/wmts/v1_0/Actueel_orthoHR/EPSG:3857/{z}/{x}/{y}.jpeg",
        "Luchtfoto: Beeldmateriaal Nederland, via PDOK (CC BY 4.0)",
        max_zoom=20,
    ),
)


@dataclass(frozen=True, eq=False)
class MapSpec:
    """A whole map page.

    `search` is a frame of points in RD New with the columns text and kind (street, buurt, address …), or None.
    `example` makes every part of the page say that its data are invented; `public` that nothing on it is finer than ten homes.
    `words` says texts of columns (a basis, for example) as a reader would. `style` and `dark` set CSS variables.

    Raises
    ------
    SchemaError
        When the parts do not fit each other; all faults are named at once.
    """

    title: str
    study: str
    edition: str
    intro: str
    example: bool
    layers: tuple[Layer, ...]
    themes: tuple[Theme, ...]
    sources: tuple[Source, ...]
    credits: tuple[Credit, ...]
    tool: AreaTool | None = None
    search: gpd.GeoDataFrame | None = None
    style: Mapping[str, str] = field(default_factory=dict)
    dark: Mapping[str, str] = field(default_factory=dict)
    backgrounds: tuple[Background, ...] = PDOK_BACKGROUNDS
    start: Start | None = None
    pages: tuple[Page, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    public: bool = False
    language: str = "nl"

    def __post_init__(self) -> None:
        from kansenkaart.present.speccheck import faults

        found = list(faults(self))
        if found:
            raise SchemaError(
                "a map whose parts fit each other", found="; ".join(found), where=f"map of study {self.study!r}"
            )

    def layer(self, name: str) -> Layer:
        """Give the layer of that name."""
        return next(layer for layer in self.layers if layer.name == name)
