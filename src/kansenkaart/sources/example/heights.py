"""DSM and DTM of the invented neighbourhood at 0.5 m: roofs, dormers, chimneys, trees, a bridge, holes; as AHN gives them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio import Affine

from kansenkaart.crs import RD
from kansenkaart.sources.example import layout
from kansenkaart.sources.example.buildings import Pand
from kansenkaart.sources.example.model import Model
from kansenkaart.sources.example.terrain import Part, Tree

BLOCK = 256  # side of a tile in the file [cells]
CELL_M = 0.5
NODATA = np.float32(3.4028235e38)
WIDTH = round(layout.PITCH_X_M / CELL_M)
HEIGHT = round(layout.PITCH_Y_M / CELL_M)
DORMER_M = (1.8, 1.4, 2.0)
CHIMNEY_M = (0.7, 1.2)
CROWN_SHARE = 0.6
HOLES = ((300, 1000, 6, 9), (700, 200, 4, 4), (1105, 640, 3, 12))
GROUND_SLOPE = 0.0008

Grid = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


def ground() -> Grid:
    """Ground level of every cell [m NAP]: the plane on which everything stands."""
    x = (np.arange(WIDTH) + 0.5) * CELL_M
    return np.broadcast_to((1.0 + GROUND_SLOPE * x).astype(np.float32), (HEIGHT, WIDTH)).copy()


def _window(centre: layout.Point, reach_m: float) -> tuple[slice, slice, Floats, Floats]:
    """Cells within reach of a place, and their offsets to it [m]."""
    west, east = ((centre[0] - reach_m) / CELL_M, (centre[0] + reach_m) / CELL_M)
    top, low = (HEIGHT - (centre[1] + reach_m) / CELL_M, HEIGHT - (centre[1] - reach_m) / CELL_M)
    cols = slice(max(0, math.floor(west)), min(WIDTH, math.ceil(east)))
    rows = slice(max(0, math.floor(top)), min(HEIGHT, math.ceil(low)))
    dx = (np.arange(cols.start, cols.stop) + 0.5) * CELL_M - centre[0]
    dy = (HEIGHT - np.arange(rows.start, rows.stop) - 0.5) * CELL_M - centre[1]
    return rows, cols, *np.meshgrid(dx, dy)


def _roof_height(pand: Pand, along: Floats, across: Floats) -> Floats:
    slope = math.tan(math.radians(pand.tilt_deg))
    eave = pand.ground_m + pand.eave_m
    if pand.roof == "gable":
        height = eave + slope * (pand.width_m / 2 - np.abs(across))
    else:
        height = eave + slope * (across + pand.width_m / 2)
    return _with_obstacles(pand, height, along, across)


def _with_obstacles(pand: Pand, height: Floats, along: Floats, across: Floats) -> Floats:
    if pand.roof != "gable" or pand.street == "04-b":
        return height
    chimney = (np.abs(along + pand.length_m / 2 - 0.6) < CHIMNEY_M[0] / 2) & (np.abs(across) < CHIMNEY_M[0] / 2)
    height = np.where(chimney, pand.ridge_height_m + CHIMNEY_M[1], height)
    if "dormers" not in pand.marks or pand.number % 3:
        return height
    width, depth, rise = DORMER_M
    middle = -pand.width_m / 4
    box = (np.abs(along) < width / 2) & (np.abs(across - middle) < depth / 2)
    top = pand.ground_m + pand.eave_m + math.tan(math.radians(pand.tilt_deg)) * pand.width_m / 4 + rise / 2
    return np.where(box, np.maximum(height, top), height)


def _paint_building(dsm: Grid, dtm: Grid, pand: Pand) -> None:
    rows, cols, dx, dy = _window(pand.centre, math.hypot(pand.length_m, pand.width_m) / 2 + CELL_M)
    a = math.radians(pand.angle_deg)
    along, across = dx * math.cos(a) + dy * math.sin(a), dy * math.cos(a) - dx * math.sin(a)
    inside = (np.abs(along) <= pand.length_m / 2) & (np.abs(across) <= pand.width_m / 2)
    height = _roof_height(pand, along, across).astype(np.float32)
    dsm[rows, cols] = np.where(inside, np.maximum(height, dsm[rows, cols]), dsm[rows, cols])
    dtm[rows, cols] = np.where(inside, NODATA, dtm[rows, cols])


def _paint_tree(dsm: Grid, tree: Tree, level: Grid) -> None:
    """Raise an ellipsoid crown: its middle at 60 % below the top is the widest."""
    rows, cols, dx, dy = _window(tree.point, tree.radius_m + CELL_M)
    share = 1.0 - (dx**2 + dy**2) / tree.radius_m**2
    crown = tree.height_m * (1.0 - CROWN_SHARE / 2 + CROWN_SHARE / 2 * np.sqrt(np.maximum(share, 0.0)))
    top = (level[rows, cols] + crown).astype(np.float32)
    dsm[rows, cols] = np.where(share > 0.0, np.maximum(dsm[rows, cols], top), dsm[rows, cols])


def surfaces(panden: list[Pand], trees: list[Tree], parts: list[Part]) -> tuple[Grid, Grid]:
    """Return DSM and DTM of one neighbourhood, north up, with holes over water and where no laser returned.

    Parameters
    ----------
    panden : list of Pand
        All buildings; those that do not stand are no obstacle.
    trees : list of Tree
        All trees.
    parts : list of Part
        All objects of the BGT: bridges lie above the water.
    """
    level = ground()
    dsm, dtm = level.copy(), level.copy()
    standing = [p for p in panden if p.status == "Pand in gebruik"]
    half = layout.CANAL_WIDTH_M / 2
    wet = slice(round((layout.CANAL_X_M - half) / CELL_M), round((layout.CANAL_X_M + half) / CELL_M))
    dsm[:, wet], dtm[:, wet] = NODATA, NODATA
    for span in (p for p in parts if p.collection == "overbruggingsdeel"):
        west, south, east, north = (round(b / CELL_M) for b in span.shape.bounds)
        dsm[HEIGHT - north : HEIGHT - south, west:east] = level[0, west:east] + np.float32(0.8)
    for pand in standing:
        _paint_building(dsm, dtm, pand)
    for tree in trees:
        _paint_tree(dsm, tree, level)
    for row, col, tall, wide in HOLES:
        dsm[row : row + tall, col : col + wide] = NODATA
    return dsm, dtm


def write(folder: Path, model: Model, scale: int) -> None:
    """Write ``dsm.tif`` and ``dtm.tif``; cells outside every copy have no data.

    Parameters
    ----------
    folder : Path
        Where to write; made where it is absent.
    model : Model
        All of one neighbourhood.
    scale : int
        How many copies of the neighbourhood [1].
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, unit in zip(("dsm", "dtm"), surfaces(model.panden, model.trees, model.parts), strict=True):
        _write_one(folder / f"{name}.tif", unit, scale)


def _write_one(path: Path, unit: Grid, scale: int) -> None:
    columns, rows = layout.shape_of(scale)
    west, south = layout.ORIGIN_RD_M
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "nodata": float(NODATA),
        "crs": RD,
        "width": columns * WIDTH,
        "height": rows * HEIGHT,
        "compress": "deflate",
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "predictor": 3,
        "transform": Affine(CELL_M, 0.0, west, 0.0, -CELL_M, south + rows * layout.PITCH_Y_M),
    }
    whole = np.full((profile["height"], profile["width"]), NODATA, dtype=np.float32)
    for copy in range(scale):
        x = (copy % columns) * WIDTH
        y = (rows - 1 - copy // columns) * HEIGHT
        whole[y : y + HEIGHT, x : x + WIDTH] = unit
    with rasterio.open(path, "w", **profile) as target:
        target.write(whole, 1)
