"""Small files of registers, and what a reader makes of one: its table and its counts, or what it refuses, as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry import box

from kansenkaart.errors import KansenkaartError

X, Y = 200_000, 470_000
#: Says RD New, as PDOK writes it.
_CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}


def square(number: int, side_m: float = 10.0) -> Any:
    """Return a square of so many metres, each number at a place of its own."""
    return box(X + 20 * number, Y, X + 20 * number + side_m, Y + side_m)


def saved(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as GeoJSON; a row without ``shape`` has none."""
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in row.items() if name != "shape"},
            "geometry": None if row.get("shape") is None else json.loads(shapely.to_geojson(row["shape"])),
        }
        for row in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": _CRS, "features": features}), "utf-8")
    return path


def whole(read: Any, *asked: Any, **more: Any) -> str:
    """Return a table, its shapes as text, and its counts; or what was refused, in full."""
    try:
        frame, tally = read(*asked, **more)
    except KansenkaartError as why:
        return f"{type(why).__name__}: {why}"
    table = pd.DataFrame(frame)
    if "geometry" in table:
        table["geometry"] = [shapely.to_wkt(one, rounding_precision=2) for one in frame.geometry]
    lines = table.to_csv(index=False, sep="|", lineterminator="\n", float_format="%.6g")
    return lines + "\n".join(f"{name}: {value}" for name, value in tally.to_dict().items())


def layers(path: Path, **layers: list[dict[str, Any]]) -> Path:
    """Write a GeoPackage of some layers, of rows as `saved` takes them."""
    for name, rows in layers.items():
        shapes = [row.get("shape") for row in rows]
        table = pd.DataFrame([{key: one for key, one in row.items() if key != "shape"} for row in rows])
        gpd.GeoDataFrame(table, geometry=shapes, crs=28992).to_file(path, layer=name, engine="pyogrio")
    return path
