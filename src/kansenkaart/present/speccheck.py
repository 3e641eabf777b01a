"""What can be wrong with a `MapSpec`, said in sentences, all at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from kansenkaart.present.style import style_faults

if TYPE_CHECKING:
    from kansenkaart.present.mapspec import AreaTool, Layer, LegendClass, MapSpec, Theme

RD = 28992
#: A file beside the page: no scheme, no host, no way up.
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
GEOMETRY_NAMES = {
    "polygon": {"Polygon", "MultiPolygon"},
    "line": {"LineString", "MultiLineString"},
    "point": {"Point"},
}


def faults(spec: MapSpec) -> Iterator[str]:
    """Yield every fault of a map as a sentence.

    Parameters
    ----------
    spec : MapSpec
        The map.

    Yields
    ------
    str
        One fault.
    """
    yield from _whole(spec)
    keys = {source.key for source in spec.sources}
    for layer in spec.layers:
        yield from _layer(layer, keys)
    layers = {layer.name: layer for layer in spec.layers}
    for theme in spec.themes:
        yield from _theme(theme, layers)
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
    yield from _doubles("layer", [layer.name for layer in spec.layers])
    yield from _doubles("theme", [theme.key for theme in spec.themes])
    yield from _doubles("source", [source.key for source in spec.sources])
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
    wrong = set(layer.frame.geometry[~missing].geom_type) - GEOMETRY_NAMES[layer.kind]
    if wrong:
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


def _theme(theme: Theme, layers: dict[str, Layer]) -> Iterator[str]:
    at = f"theme {theme.key!r}"
    if theme.layer not in layers:
        yield f"{at} draws unknown layer {theme.layer!r}"
        return
    if not theme.views:
        yield f"{at} has no view"
    for name in theme.outlines:
        if name not in layers:
            yield f"{at} outlines unknown layer {name!r}"
    names = {column.name for column in layers[theme.layer].columns}
    used = [view.column for view in theme.views] + list(theme.popup) + list(theme.table)
    for name in [*used, *([theme.filter_column] if theme.filter_column else [])]:
        if name not in names:
            yield f"{at} uses unknown column {name!r}"
    for view in theme.views:
        yield from _classes(f"{at}, view {view.label!r}", view.classes)


def _classes(at: str, classes: Sequence[LegendClass]) -> Iterator[str]:
    if not classes:
        yield f"{at} has no classes"
    yield from _doubles(f"{at}: letter", [item.letter for item in classes])
    ranged = [item for item in classes if not item.values]
    for lower, upper in pairwise(ranged):
        if lower.high is None or lower.high != upper.low:
            yield f"{at}: classes {lower.letter} and {upper.letter} do not meet"


def _tool(tool: AreaTool, layers: dict[str, Layer]) -> Iterator[str]:
    if tool.layer not in layers:
        yield f"the area tool selects from unknown layer {tool.layer!r}"
        return
    layer = layers[tool.layer]
    numbers = {column.name for column in layer.columns if column.kind == "number"}
    for name in (tool.homes, *tool.totals):
        if name not in numbers:
            yield f"the area tool adds up {name!r}, which is no number of layer {tool.layer!r}"
    keys = set(layer.frame[layer.key].astype(str))
    for area in tool.areas:
        strange = set(area.units) - keys
        if strange:
            yield f"area {area.key!r} holds {len(strange)} unknown units, such as {min(strange)!r}"
        if len(area.values) != len(tool.criteria):
            yield f"area {area.key!r} has {len(area.values)} values for {len(tool.criteria)} criteria"
    strange = (set(tool.edges["a"].astype(str)) | set(tool.edges["b"].astype(str))) - keys
    if strange:
        yield f"the edges name {len(strange)} unknown units, such as {min(strange)!r}"
    kinds = set(tool.edges["kind"].astype(str)) - {kind.key for kind in tool.borders}
    if kinds:
        yield f"the edges have unexplained kinds: {', '.join(sorted(kinds))}"
    if tool.samples is not None and tool.samples.shape[1:] != (len(tool.areas), len(tool.criteria)):
        yield f"the samples have shape {tool.samples.shape}, not (n, {len(tool.areas)}, {len(tool.criteria)})"
