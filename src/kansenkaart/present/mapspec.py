"""The frozen picture: everything that a map page says, before any of it is drawn.

A `MapSpec` is built first and rendered last. Sources with their editions are fields of it that may not be
empty, and every column names its source, so no map can exist without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import geopandas as gpd
import pandas as pd

from kansenkaart.errors import SchemaError
from kansenkaart.present.style import LegendClass, style_faults


@dataclass(frozen=True)
class Answer:
    """One question of the first minute, its answer, and where that comes from; `folded` ones are for who asks on."""

    question: str
    answer: str
    origin: str = ""
    folded: bool = False


@dataclass(frozen=True)
class StartPlace:
    """One proposed place: what stays [EUR/year] with its interval and chance [1]; the rest is words, `words` all of it."""

    feature: str
    name: str
    middle: float
    low: float
    high: float
    chance: float
    words: str
    amount: str = ""
    span: str = ""
    homes: str = ""


@dataclass(frozen=True)
class Start:
    """The first minute: where to start, how many homes, what it brings, how sure, from what; and the units to show.

    `layer` and `feature` (its key) name the place on the map that is marked with the words of `mark`. `places` are the
    proposed ones in order, for one axis; `unknown` says what is not known, and who can tell.
    """

    title: str
    answers: tuple[Answer, ...]
    units: tuple[str, ...] = ()
    link: str = ""
    layer: str = ""
    feature: str = ""
    places: tuple[StartPlace, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    mark: str = "Begin hier"


@dataclass(frozen=True)
class Page:
    """A page or file beside the map, by its relative path."""

    label: str
    path: str


Kind = Literal["polygon", "line", "point"]


@dataclass(frozen=True)
class Source:
    """One publisher's delivery, as named in the source note."""

    key: str
    title: str
    publisher: str
    edition: str
    licence: str
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
class View:
    """One way to colour a theme.

    `signs` writes the signs of the classes on the map too: kinds, whose colours have no order, need that; amounts do not.
    """

    label: str
    column: str
    classes: tuple[LegendClass, ...]
    note: str = ""
    signs: bool = True


@dataclass(frozen=True)
class Story:
    """What a theme shows, how to read it and what it does not say; plain Dutch. `finding` is what it found, in a few words."""

    shows: str
    reading: str
    limits: str
    method: str = ""
    finding: str = ""


@dataclass(frozen=True)
class Theme:
    """One subject of the map: a layer, the ways to colour it, its story, its detail panel and its table.

    `filter_column` is a text column, such as the basis, by whose values a reader can hide features. `question` is the key of
    the question of the reader that it answers. `lead` are the figures of the panel that stand first, the others folded.
    `headline` is the column that the panel says first, where that is not what colours the map.
    `parties` are amounts [EUR/year] that stand side by side around 0: who wins and who pays. `months` are twelve columns with
    the share of each month in the year [1]. `parts` names a layer of which the features lie in those of this
    theme, and the column of it that holds the key of the feature that they belong to: the faces of a roof.
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
    question: str = ""
    lead: tuple[str, ...] = ()
    headline: str = ""
    parties: tuple[str, ...] = ()
    months: tuple[str, ...] = ()
    parts: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class BorderKind:
    """Why two units are apart (or together): the words for one kind of edge and how strongly it divides [1]."""

    key: str
    label: str
    explanation: str
    weight: float


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

    `sure_frac` [1] is how often it stays in the top under the weights that the page starts with. `link` names its
    factsheet. `homes` [1] is how many it has, where units may be left out of the page; None for the sum over its units.
    """

    key: str
    name: str
    units: tuple[str, ...]
    values: tuple[float, ...]
    note: str = ""
    sure_frac: float | None = None
    link: str = ""
    homes: float | None = None


@dataclass(frozen=True)
class Fixed:
    """What comes once to the sum of a column over any area: the amount that is printed is linear in the blocks [EUR/year].

    `low` and `high` estimate its bounds: a constant [EUR/year], a part of the sum [1] and per home [EUR/home/year]; or empty.
    """

    label: str
    column: str
    value: float
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class AreaTool:
    """The selection tool: units to choose from, what adds up, what borders mean, and areas to start from.

    `target` is the size of an area, `target_low` and `target_high` the least and most that may be asked for [homes].
    `edges` has the columns a, b (unit keys), kind (a `BorderKind` key), length_m [m] and passable (whether people cross it).
    """

    layer: str
    homes: str
    totals: tuple[str, ...]
    edges: pd.DataFrame
    borders: tuple[BorderKind, ...]
    areas: tuple[ProposedArea, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    target: int = field(kw_only=True)
    target_low: int = field(kw_only=True)
    target_high: int = field(kw_only=True)
    band_frac: float = 0.1
    top: int = 5
    note: str = ""
    fixed: Fixed | None = None


@dataclass(frozen=True)
class Credit:
    """A credit line that a licence asks for, with its link."""

    text: str
    url: str


@dataclass(frozen=True, eq=False)
class MapSpec:
    """A whole map page.

    `search` is a frame of points in RD New with the columns text and kind (street, buurt, address …), or None.
    `example` makes every part of the page say that its data are invented; `public` that nothing on it is finer than ten homes.
    `questions` are a reader's questions in order, by key: the themes stand under them. `context` names layers that are drawn
    under and over every theme, so that a reader knows the place: the ground (column `ground`: water, green or street), buildings.
    `contact` is whom a reader tells that something is wrong.
    `words` says per column its codes (a basis, for example) as a reader would. `style` and `dark` set CSS variables.

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
    start: Start | None = None
    pages: tuple[Page, ...] = ()
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    context: tuple[str, ...] = ()
    public: bool = False
    contact: str = ""

    def __post_init__(self) -> None:
        if found := "; ".join(_faults(self)):
            raise SchemaError("a map whose parts fit each other", found=found, where=f"map of study {self.study!r}")

    def layer(self, name: str) -> Layer:
        """Give the layer of that name.

        Parameters
        ----------
        name : str
            Of a layer of this map.
        """
        return next(layer for layer in self.layers if layer.name == name)


RD = 28992
#: A file beside the page: no scheme, no host, no way up.
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
_SHAPES = {"polygon": {"Polygon", "MultiPolygon"}, "line": {"LineString", "MultiLineString"}, "point": {"Point"}}


def _faults(spec: MapSpec) -> Iterator[str]:
    """Yield every fault of a map as a sentence."""
    yield from _whole(spec)
    names = {"layer": [one.name for one in spec.layers], "theme": [one.key for one in spec.themes]}
    for what, found in {**names, "source": [one.key for one in spec.sources]}.items():
        yield from _doubles(what, found)
    keys, layers = {source.key for source in spec.sources}, {layer.name: layer for layer in spec.layers}
    for layer in spec.layers:
        yield from _layer(layer, keys)
    for theme in spec.themes:
        yield from _theme(theme, layers, spec.questions)
    if spec.tool is not None:
        yield from _tool(spec.tool, layers)
    yield from style_faults(spec.style)
    yield from style_faults(spec.dark)
    yield from _paths(spec)


def _paths(spec: MapSpec) -> Iterator[str]:
    named = {page.path for page in spec.pages} | {area.link for area in (spec.tool.areas if spec.tool else ())}
    named |= {spec.start.link} if spec.start else set()
    for layer in spec.layers:
        for link in layer.links:
            if link.column not in {column.name for column in layer.columns if column.kind == "text"}:
                yield f"layer {layer.name!r} links through {link.column!r}, which is no text column of it"
            elif link.column in layer.frame.columns:
                named |= set(layer.frame[link.column].dropna().astype(str))
    for path in sorted(named - {""}):
        if not _PATH.fullmatch(path):
            yield f"{path[:80]!r} is no path of a file beside the page"
    if spec.start is not None and spec.start.layer and spec.start.layer not in {one.name for one in spec.layers}:
        yield f"the start marks a place in layer {spec.start.layer!r}, which does not exist"
    if spec.start is not None and spec.start.units and spec.tool is None:
        yield "the start shows units, but there is no tool to show them with"


def _whole(spec: MapSpec) -> Iterator[str]:
    if not spec.sources:
        yield "the map names no sources"
    for source in spec.sources:
        if not source.edition:
            yield f"source {source.key!r} has no edition"
    if not spec.themes:
        yield "the map has no theme"
    for name in set(spec.context) - {one.name for one in spec.layers}:
        yield f"the context draws unknown layer {name!r}"
    if spec.search is not None:
        if spec.search.crs is None or spec.search.crs.to_epsg() != RD:
            yield f"the search index is in {spec.search.crs}, not in EPSG:{RD}"
        for name in ("text", "kind"):
            if name not in spec.search.columns:
                yield f"the search index lacks column {name!r}"


def _doubles(what: str, names: Sequence[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{what} {name!r} occurs more than once"


def _layer(layer: Layer, sources: set[str]) -> Iterator[str]:
    at = f"layer {layer.name!r}"
    if layer.frame.crs is None or layer.frame.crs.to_epsg() != RD:
        yield f"{at} is in {layer.frame.crs}, not in EPSG:{RD}"
    missing = layer.frame.geometry.isna() | layer.frame.geometry.is_empty
    if missing.any():
        yield f"{at} has {int(missing.sum())} rows without geometry"
    if wrong := set(layer.frame.geometry[~missing].geom_type) - _SHAPES[layer.kind]:
        yield f"{at} of kind {layer.kind} holds {', '.join(sorted(wrong))}"
    names = [column.name for column in layer.columns]
    yield from _doubles(f"{at}: column", names)
    yield from _columns(layer, sources)
    for role in (layer.key, layer.title_column):
        if role not in names:
            yield f"{at} lacks its column {role!r}"
    if layer.key in layer.frame.columns and not layer.frame[layer.key].is_unique:
        yield f"{at}: keys in {layer.key!r} are not unique"
    if layer.arrows and layer.kind != "line":
        yield f"{at} of kind {layer.kind} cannot have arrows"


def _columns(layer: Layer, sources: set[str]) -> Iterator[str]:
    names = {column.name for column in layer.columns}
    for column in layer.columns:
        at = f"layer {layer.name!r}, column {column.name!r}"
        if column.name not in layer.frame.columns:
            yield f"{at} is not in the frame"
        if column.source not in sources:
            yield f"{at} names unknown source {column.source!r}"
        for other in (column.year_column, column.basis_column):
            if other and other not in names:
                yield f"{at} points at missing column {other!r}"


def _theme(theme: Theme, layers: dict[str, Layer], questions: Mapping[str, str]) -> Iterator[str]:
    at = f"theme {theme.key!r}"
    if theme.layer not in layers:
        yield f"{at} draws unknown layer {theme.layer!r}"
        return
    if not theme.views:
        yield f"{at} has no view"
    for name in theme.outlines:
        if name not in layers:
            yield f"{at} outlines unknown layer {name!r}"
    if theme.question and theme.question not in questions:
        yield f"{at} answers unknown question {theme.question!r}"
    names = {column.name for column in layers[theme.layer].columns}
    used = [view.column for view in theme.views]
    used += [
        *theme.popup,
        *theme.table,
        *theme.lead,
        *theme.parties,
        *theme.months,
        *([theme.headline] if theme.headline else []),
    ]
    for name in [*used, *([theme.filter_column] if theme.filter_column else [])]:
        if name not in names:
            yield f"{at} uses unknown column {name!r}"
    within, owner = theme.parts
    if within and owner not in {one.name for one in (layers[within].columns if within in layers else ())}:
        yield f"{at} has its parts in layer {within!r} by column {owner!r}, which does not exist"
    for view in theme.views:
        yield from _classes(f"{at}, view {view.label!r}", view.classes)


def _classes(at: str, classes: Sequence[LegendClass]) -> Iterator[str]:
    if not classes:
        yield f"{at} has no classes"
    yield from _doubles(f"{at}: letter", [item.letter for item in classes])
    ranged = [one for one in classes if not one.values]  # noqa: PD011 - no pandas
    for lower, upper in pairwise(ranged):
        if lower.high is None or lower.high != upper.low:
            yield f"{at}: classes {lower.letter} and {upper.letter} do not meet"


def _tool(tool: AreaTool, layers: dict[str, Layer]) -> Iterator[str]:
    if tool.layer not in layers:
        yield f"the area tool selects from unknown layer {tool.layer!r}"
        return
    layer = layers[tool.layer]
    numbers = {column.name for column in layer.columns if column.kind == "number"}
    for name in (tool.homes, *tool.totals, *([tool.fixed.column] if tool.fixed else [])):
        if name not in numbers:
            yield f"the area tool adds up {name!r}, which is no number of layer {tool.layer!r}"
    if layer.key not in layer.frame.columns:
        return  # as its layer says
    keys = set(layer.frame[layer.key].astype(str))
    for area in tool.areas:
        if strange := set(area.units) - keys:
            yield f"area {area.key!r} holds {len(strange)} unknown units, such as {min(strange)!r}"
        if len(area.values) != len(tool.criteria):
            yield f"area {area.key!r} has {len(area.values)} values for {len(tool.criteria)} criteria"
    if strange := {*tool.edges["a"], *tool.edges["b"]} - keys:
        yield f"the edges name {len(strange)} unknown units, such as {min(strange)!r}"
    if kinds := set(tool.edges["kind"].astype(str)) - {kind.key for kind in tool.borders}:
        yield f"the edges have unexplained kinds: {', '.join(sorted(kinds))}"
