"""Height grids of the invented neighbourhood as AHN gives them: GeoTIFF, 0.5 m, deflate, tiled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio import Affine

from kansenkaart.crs import RD
from kansenkaart.sources.example import ids, layout, surface
from kansenkaart.sources.example.model import grids

BLOCK = 256


def write(folder: Path, scale: int) -> None:
    """Write ``dsm.tif`` and ``dtm.tif``; cells outside every copy have no data."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, unit in zip(("dsm", "dtm"), grids(), strict=True):
        _write_one(folder / f"{name}.tif", unit, scale)


def _write_one(path: Path, unit: surface.Grid, scale: int) -> None:
    columns, rows = ids.shape_of(scale)
    west, south = layout.ORIGIN_RD_M
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "nodata": float(surface.NODATA),
        "crs": RD,
        "width": columns * surface.WIDTH,
        "height": rows * surface.HEIGHT,
        "compress": "deflate",
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "predictor": 3,
        "transform": Affine(surface.CELL_M, 0.0, west, 0.0, -surface.CELL_M, south + rows * layout.PITCH_Y_M),
    }
    whole = np.full((profile["height"], profile["width"]), surface.NODATA, dtype=np.float32)
    for copy in range(scale):
        x = (copy % columns) * surface.WIDTH
        y = (rows - 1 - copy // columns) * surface.HEIGHT
        whole[y : y + surface.HEIGHT, x : x + surface.WIDTH] = unit
    with rasterio.open(path, "w", **profile) as target:
        target.write(whole, 1)
