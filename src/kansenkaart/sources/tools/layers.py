"""Opens a layer of a vector file as people have it: named or found, zipped, gzipped, in capitals, empty."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pyogrio

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.rawnames import NOTES, reading, squeezed

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN = 12


def address(path: Path) -> str:
    """Return how GDAL opens the file: through its own unpacker for ``.zip`` and ``.gz``."""
    if path.suffix.lower() == ".zip":
        return f"/vsizip/{path}"
    if path.suffix.lower() == ".gz":
        return f"/vsigzip/{path}"
    return str(path)


def layer_names(path: Path, expected: str) -> list[str]:
    """Return the names of all layers.

    Raises
    ------
    FormatError
        If the file is missing, unreadable or of another kind.
    """
    with reading(path, expected), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [str(name) for name in pyogrio.list_layers(address(path))[:, 0]]


def choose_layer(path: Path, expected: str, *, layer: str | None = None, likely: Sequence[str] = ()) -> str:
    """Return the layer that is meant: the one named, else a likely one, else the only one.

    Parameters
    ----------
    path : Path
        File with layers.
    expected : str
        What the file should be, for the message.
    layer : str or None
        As the study names it; case, hyphens and underscores do not matter.
    likely : sequence of str
        Names that the register uses for what is asked, the most likely first.

    Raises
    ------
    FormatError
        If there is no such layer, or several of which none is likely.
    """
    names = layer_names(path, expected)
    by_name = {squeezed(name): name for name in reversed(names)}
    wanted = [layer] if layer else list(likely)
    hit = next((by_name[squeezed(one)] for one in wanted if squeezed(one) in by_name), None)
    if hit is None and layer is None and len(names) == 1:
        hit = names[0]
    if hit is None:
        shown = ", ".join(names[:_SHOWN]) or "none"
        raise FormatError(
            f"layer {layer}" if layer else "one layer, or one of a name of the register",
            found=f"layers: {shown}",
            where=path.name,
            remedy=f'write layer = "{names[0]}" (or another of these) in the study'
            if names
            else "the file holds no layer: export it again",
        )
    return hit


def open_layer(
    path: Path,
    expected: str,
    *,
    layer: str | None = None,
    likely: Sequence[str] = (),
    geometry: bool = True,
) -> Any:
    """Read one layer of a vector file; see `choose_layer` for which.

    Returns
    -------
    GeoDataFrame, or DataFrame without geometry
        Columns as published; ``attrs["notes"]`` says what was seen of the file as a whole.

    Raises
    ------
    FormatError
        If the file is missing, unreadable or of another kind, or has no such layer.
    """
    name = choose_layer(path, expected, layer=layer, likely=likely)
    # As text: one date in the year 0 would make the whole file unreadable.
    options = {"DATE_AS_STRING": "YES"} if path.suffix.lower() in (".json", ".geojson") else {}
    with reading(path, expected), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = pyogrio.read_dataframe(address(path), layer=name, read_geometry=geometry, **options)
    if geometry and not isinstance(frame, gpd.GeoDataFrame):
        if len(frame):
            raise FormatError(
                "a layer with geometry",
                found="a table without geometry",
                where=f"{path.name}, {name}",
                remedy="export the layer with its geometry, in RD New",
            )
        frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=None))
    if not len(frame):
        frame.attrs[NOTES] = {f"layer without rows: {path.name}, {name}": 1}
    return frame


def fields_of(path: Path, expected: str, *, layer: str | None = None, likely: Sequence[str] = ()) -> list[str]:
    """Return the names of the columns of one layer, without reading its rows.

    Raises
    ------
    FormatError
        As `open_layer`.
    """
    name = choose_layer(path, expected, layer=layer, likely=likely)
    with reading(path, expected), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [str(one) for one in pyogrio.read_info(address(path), layer=name)["fields"]]
