"""The ground of an invented place: as BGT would draw it, and with all that stands on it as AHN would measure it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from rasterio import Affine
from rasterio.features import rasterize
from scipy.ndimage import uniform_filter
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from kansenkaart.crs import RD
from kansenkaart.sources.example.lots import Town
from kansenkaart.sources.example.model import STATUS_IN_USE, Body, Floats, Model, Pand, Part, Point, Tree, World
from kansenkaart.sources.example.town import Plan, polygons


def _less(shape: BaseGeometry, tree: shapely.STRtree, shapes: list[BaseGeometry]) -> BaseGeometry:
    """Take from a shape what others have of it already."""
    near = [shapes[i] for i in tree.query(shape, predicate="intersects")]
    if not near:
        return shape
    west, south, east, north = shape.bounds
    return shape.difference(
        shapely.union_all(shapely.make_valid(shapely.clip_by_rect(near, west - 1, south - 1, east + 1, north + 1)))
    )


def parts(plan: Plan, made: Town) -> list[Part]:
    """All BGT objects of the town: carriageways by piece, cycle paths, footpaths, rail, water, yards and green."""
    frame = box(0.0, 0.0, *plan.size_m)
    built = [one.outline for one in made.panden if one.status != "Pand gesloopt"]
    carriages = _carriages(plan)
    flat = [piece.line.buffer(piece.half_m, cap_style="flat") for piece in plan.pieces]
    bands = shapely.union_all([*flat, *(one.shape for one in carriages)]).intersection(frame)
    paths = bands.difference(shapely.union_all([one.shape for one in carriages]))
    mains = [way.line for way in plan.ways if way.role == "main"]
    cycles = shapely.union_all([line.buffer(7.6).difference(line.buffer(5.2)) for line in mains])
    wide = shapely.union_all([way.line.buffer(way.half_m) for way in plan.ways if way.role in ("main", "outer")])
    over = plan.rail.difference(bands)
    out = [
        *carriages,
        *_dry(paths.intersection(cycles), plan, ("wegdeel", "fietspad", "gesloten verharding")),
        *_dry(paths.difference(cycles).intersection(wide), plan, ("ondersteunendwegdeel", "berm", "groenvoorziening")),
        *_footpaths(plan, paths.difference(wide)),
        *(Part("wegdeel", one, "spoorbaan", "half verhard") for one in polygons(over)),
    ]
    streets = bands.union(plan.rail)
    tree = shapely.STRtree(built)
    shapely.prepare(streets)
    yards: list[BaseGeometry] = []
    for key, yard in made.yards:
        free = _less(yard.difference(streets), tree, built)
        yards.append(yard)
        out += [Part("onbegroeidterreindeel", one, "erf", "erf", 0, key) for one in polygons(free)]
    water = plan.water.difference(plan.rail)
    taken = [*built, *yards, streets, water]
    out += _green(plan, frame, taken)
    out += [Part("waterdeel", one, "waterloop", "") for one in polygons(water)]
    spans = shapely.union_all([one.shape.buffer(0.5, join_style="mitre") for one in out if one.level])
    return out + [Part("overbruggingsdeel", one, "brug", "", 1) for one in polygons(spans)]


def _footpaths(plan: Plan, paths: BaseGeometry) -> list[Part]:
    """Give each piece of street the footpath beside it, in one part on either side."""
    out: list[Part] = []
    for piece in (one for one in plan.pieces if one.role in ("collector", "lane")):
        band = piece.line.buffer(piece.half_m, cap_style="flat")
        near = shapely.make_valid(shapely.clip_by_rect(paths, *band.bounds)).intersection(band)
        out += _dry(near, plan, ("wegdeel", "voetpad", "open verharding"), piece.key)
    left = zip(out, _apart([part.shape for part in out]), strict=True)
    return [replace(part, shape=one) for part, own in left for one in polygons(own)]


def _apart(shapes: list[BaseGeometry]) -> Iterator[BaseGeometry]:
    """Let each shape leave out what an earlier one covers."""
    tree = shapely.STRtree(shapes)
    for n, shape in enumerate(shapes):
        before = [shapes[i] for i in tree.query(shape, predicate="intersects") if i < n]
        yield shape.difference(shapely.union_all(before)) if before else shape


def _carriages(plan: Plan) -> list[Part]:
    """Draw the carriageway of each piece of street, main roads first; what lies over water is raised, over rail a crossing."""
    frame = box(0.0, 0.0, *plan.size_m)
    order = sorted(plan.pieces, key=lambda one: (one.role not in ("main", "outer"), one.role == "lane", one.key))
    drawn = [piece.line.buffer(piece.carriage_m / 2, cap_style="square").intersection(frame) for piece in order]
    yards = {cell.row["buurt"] for cell in plan.cells if cell.row.get("woonerf")}
    whole, tree = shapely.union_all(drawn), shapely.STRtree(drawn)
    for corner in polygons(whole.buffer(CORNER_M).buffer(-CORNER_M).difference(whole).intersection(frame)):
        n = int(tree.nearest(corner))
        drawn[n] = drawn[n].union(corner)
    out: list[Part] = []
    for piece, own in zip(order, _apart(drawn), strict=True):
        wide = piece.role in ("main", "outer")
        function = "rijbaan regionale weg" if wide else "rijbaan lokale weg"
        function = "woonerf" if piece.buurt in yards and piece.role == "lane" else function
        surface = "gesloten verharding" if wide else "open verharding"
        crossings = polygons(own.intersection(plan.rail))
        out += [Part("wegdeel", one, "overweg", surface, 0, piece.key) for one in crossings]
        out += _dry(own.difference(plan.rail), plan, ("wegdeel", function, surface), piece.key)
    return out


def _dry(shape: BaseGeometry, plan: Plan, what: tuple[str, str, str], street: str = "") -> list[Part]:
    """Split a shape into what lies on land and, raised, over water."""
    (name, function, surface), water = what, plan.water
    levels = (polygons(shape.difference(water)), polygons(shape.intersection(water)))
    return [Part(name, one, function, surface, n, street) for n, level in enumerate(levels) for one in level]


def _green(plan: Plan, frame: Polygon, taken: list[BaseGeometry]) -> list[Part]:
    """Draw what is left, cut by the streets: own grounds, fields outside; in the quarters places to park, paths and green."""
    tree, placed = shapely.STRtree(taken), shapely.union_all([one.outline for one in plan.grounds])
    lanes = [one for one in plan.pieces if one.role in ("lane", "collector")]
    beside = shapely.union_all([one.line.buffer(one.half_m + PARKING_M, quad_segs=2) for one in lanes])
    quarters = shapely.union_all([cell.outline for cell in plan.cells])
    places = shapely.union_all([one.parking for one in plan.grounds])
    zones = [(one.outline.difference(places), "groenvoorziening") for one in plan.grounds]
    zones += [(one, "grasland agrarisch") for one in polygons(frame.difference(quarters).difference(placed))]
    left = [(one, what) for shape, what in zones for one in polygons(_less(shape, tree, taken))]
    out = [Part("begroeidterreindeel", one, "", what) for one, what in left]
    lots = polygons(_less(places, tree, taken))
    out += [Part("wegdeel", one, "parkeervlak", "open verharding") for one in lots]
    for cell in plan.cells:
        free = _less(cell.outline.difference(placed), tree, taken)
        wide = free.intersection(free.buffer(-PATH_M, join_style="mitre").buffer(PATH_M, join_style="mitre"))
        park = shapely.union_all([one for one in polygons(wide.intersection(beside)) if one.area > PLACE_M2])
        out += [Part("wegdeel", one, "voetpad", "open verharding") for one in polygons(free.difference(wide))]
        out += [Part("wegdeel", one, "parkeervlak", "open verharding") for one in polygons(park)]
        out += [Part("begroeidterreindeel", one, "", "groenvoorziening") for one in polygons(wide.difference(park))]
    return out


# Heights.

BLOCK = 256  # side of a tile in the file [cells]
CELL_M = 0.5
NODATA = np.float32(3.4028235e38)
TILES = {"compress": "deflate", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "predictor": 3}
PROFILE = {"driver": "GTiff", "dtype": "float32", "count": 1, "nodata": float(NODATA), "crs": RD, **TILES}
DORMER_M = (1.8, 1.4, 2.0)
CHIMNEY_M = (0.7, 1.2)
PANEL_M = 0.12
CROWN_SHARE = 0.6
LOBES = 0.06
SHRUB_CELLS, SHRUB_M, HEDGE_M, CAR_M = 5, 1.3, 1.5, 1.5
BRIDGE_M = 0.8
NOISE_M, ROUGH, SEED = 0.025, 0.1, 17
HOLES = ((300, 1000, 6, 9), (700, 200, 4, 4), (1105, 640, 3, 12))
GROUND_SLOPE = 0.0008
#: Beside a lane people park this deep; ground narrower than twice this is a path; no smaller place is one to park.
PARKING_M, PATH_M, PLACE_M2 = 4.0, 1.5, 12.0
CORNER_M = 4.0  # radius of the kerb at a junction
FLOWN_YEAR = 2021

Grid = npt.NDArray[np.float32]


class _Sheet:
    """Both grids of one place, north up, while they are painted; ``size`` is its width and height [m]."""

    def __init__(self, size: tuple[float, float], *, rough: bool) -> None:
        self.width, self.height = round(size[0] / CELL_M), round(size[1] / CELL_M)
        x = (np.arange(self.width) + 0.5) * CELL_M
        level = (1.0 + GROUND_SLOPE * x).astype(np.float32)
        self.level: Grid = np.broadcast_to(level, (self.height, self.width))
        noise = np.random.Generator(np.random.PCG64(SEED)).standard_normal((self.height, self.width), np.float32)
        self.rough, self.noise = rough, noise * np.float32(rough)
        self.dsm: Grid = self.level + NOISE_M * self.noise
        self.dtm: Grid = self.level.copy()

    def cells(self, shapes: list[BaseGeometry]) -> npt.NDArray[np.bool_]:
        """Cells whose middle lies in one of the shapes."""
        place = Affine(CELL_M, 0.0, 0.0, 0.0, -CELL_M, self.height * CELL_M)
        out_shape = (self.height, self.width)
        return np.asarray(rasterize(shapes, out_shape, transform=place, dtype="uint8")).astype(bool)

    def window(self, centre: Point, reach_m: float) -> tuple[slice, slice, Floats, Floats]:
        """Cells within reach of a place, and their offsets to it [m]."""
        west, east = ((centre[0] - reach_m) / CELL_M, (centre[0] + reach_m) / CELL_M)
        top, low = (self.height - (centre[1] + reach_m) / CELL_M, self.height - (centre[1] - reach_m) / CELL_M)
        cols = slice(max(0, math.floor(west)), max(0, min(self.width, math.ceil(east))))
        rows = slice(max(0, math.floor(top)), max(0, min(self.height, math.ceil(low))))
        dx = (np.arange(cols.start, cols.stop) + 0.5) * CELL_M - centre[0]
        dy = (self.height - np.arange(rows.start, rows.stop) - 0.5) * CELL_M - centre[1]
        return rows, cols, *np.meshgrid(dx, dy)

    def paint_body(self, body: Body) -> None:
        """Raise one body of a building, what stands on its roof included; the ground below it is not known."""
        rows, cols, dx, dy = self.window(body.centre, math.hypot(body.length_m, body.width_m) / 2 + CELL_M)
        a = math.radians(body.angle_deg)
        along, across = dx * math.cos(a) + dy * math.sin(a), dy * math.cos(a) - dx * math.sin(a)
        inside = (np.abs(along) <= body.length_m / 2) & (np.abs(across) <= body.width_m / 2)
        height = _roof_height(body, along, across)
        if isinstance(body, Pand):
            height = _with_obstacles(body, height, along, across)
        dsm = self.dsm[rows, cols]
        top = np.where(dsm < NODATA, np.maximum(height, dsm), height).astype(np.float32)  # houseboats lie on water
        self.dsm[rows, cols] = np.where(inside, top, dsm)
        self.dtm[rows, cols] = np.where(inside, NODATA, self.dtm[rows, cols])

    def paint_gardens(self, yards: list[BaseGeometry]) -> None:
        """Raise shrubs in patches, and hedges and fences around gardens with gaps in them."""
        patches = uniform_filter(self.noise, SHRUB_CELLS) * np.float32(SHRUB_CELLS)
        hedges = self.cells([yard.boundary.buffer(CELL_M) for yard in yards]) & (patches > -0.3)
        shrubs = np.where(self.cells(yards), SHRUB_M * np.clip(patches - 0.6, 0.0, 1.5), 0.0)
        self.dsm += np.where(hedges, np.float32(HEDGE_M) + 3 * NOISE_M * self.noise, shrubs).astype(np.float32)

    def park_cars(self, places: list[BaseGeometry]) -> None:
        """Raise a car on half of the places."""
        car = np.pad(np.full((8, 4), CAR_M, np.float32), ((0, 1), (0, 1)))
        there = np.kron(self.noise[: self.height // 9 + 1, : self.width // 5 + 1] > 0, car)
        self.dsm += np.where(self.cells(places), there[: self.height, : self.width], 0.0).astype(np.float32)

    def paint_tree(self, tree: Tree) -> None:
        """Raise an ellipsoid crown: its middle at 60 % below the top is the widest."""
        rows, cols, dx, dy = self.window(tree.point, tree.radius_m + CELL_M)
        turn = np.arctan2(dy, dx)
        lobes = 1.0 - LOBES * self.rough * (2.0 + np.sin(4 * turn + tree.point[0]) + np.sin(7 * turn + tree.point[1]))
        share = 1.0 - (dx**2 + dy**2) / (tree.radius_m * lobes) ** 2
        crown = tree.height_m * (1.0 - CROWN_SHARE / 2 + CROWN_SHARE / 2 * np.sqrt(np.maximum(share, 0.0)))
        top = (self.level[rows, cols] + crown * (1.0 - ROUGH * np.abs(self.noise[rows, cols]))).astype(np.float32)
        self.dsm[rows, cols] = np.where(share > 0.0, np.maximum(self.dsm[rows, cols], top), self.dsm[rows, cols])


def _roof_height(body: Body, along: Floats, across: Floats) -> Floats:
    slope = math.tan(math.radians(body.tilt_deg))
    eave = body.ground_m + body.eave_m
    if body.roof == "shed":
        return np.asarray(eave + slope * (across + body.width_m / 2))
    inward = body.width_m / 2 - np.abs(across)
    if body.roof == "hip":
        inward = np.minimum(inward, body.length_m / 2 - np.abs(along))
    return np.asarray(eave + slope * inward)


def _with_obstacles(pand: Pand, height: Floats, along: Floats, across: Floats) -> Floats:
    if "panels" in pand.marks:
        laid = (np.abs(along) < pand.length_m / 2 - 0.8) & (np.abs(across + pand.width_m / 4) < pand.width_m / 5)
        height = height + PANEL_M * laid
    if pand.roof != "gable" or "bare" in pand.marks:
        return height
    chimney = (np.abs(along + pand.length_m / 2 - 0.6) < CHIMNEY_M[0] / 2) & (np.abs(across) < CHIMNEY_M[0] / 2)
    chimney &= "capped" not in pand.marks
    height = np.where(chimney, pand.ridge_height_m + CHIMNEY_M[1], height)
    if "dormers" not in pand.marks or pand.number % 3:
        return height
    width, depth, rise = DORMER_M
    middle = -pand.width_m / 4
    box = (np.abs(along) < width / 2) & (np.abs(across - middle) < depth / 2)
    top = pand.ground_m + pand.eave_m + math.tan(math.radians(pand.tilt_deg)) * pand.width_m / 4 + rise / 2
    return np.where(box, np.maximum(height, top), height)


def _surfaces(model: Model, size: tuple[float, float], *, rough: bool = False) -> tuple[Grid, Grid]:
    """Return DSM and DTM of one place of a size [m], north up, with holes over water and where no laser returned.

    What was built after the flight is not there yet. Rough is as uneven as a laser sees ground and crowns.
    """
    sheet = _Sheet(size, rough=rough)
    if rough:
        sheet.paint_gardens([one.shape for one in model.parts if one.surface == "erf"])
        sheet.park_cars([one.shape.buffer(-CELL_M) for one in model.parts if one.function == "parkeervlak"])
    wet = sheet.cells([one.shape for one in model.parts if one.collection == "waterdeel"])
    sheet.dsm[wet], sheet.dtm[wet] = NODATA, NODATA
    for span in (one for one in model.parts if one.collection == "overbruggingsdeel"):
        deck = sheet.cells([span.shape])
        sheet.dsm[deck] = sheet.level[deck] + np.float32(BRIDGE_M)
    for pand in model.panden:
        if pand.status == STATUS_IN_USE and pand.bouwjaar <= FLOWN_YEAR:
            for body in pand.bodies:
                sheet.paint_body(body)
    for boat in model.boats:
        sheet.paint_body(boat)
    for tree in model.trees:
        sheet.paint_tree(tree)
    for row, col, tall, wide in HOLES:
        sheet.dsm[row : row + tall, col : col + wide] = NODATA
    return sheet.dsm, sheet.dtm


def write_heights(folder: Path, world: World) -> None:
    """Write DSM and DTM as so many sheets from west to east; cells outside every place have no data."""
    folder.mkdir(parents=True, exist_ok=True)
    columns, rows = world.shape
    wide, tall = round(world.width_m / CELL_M), round(world.height_m / CELL_M)
    whole = [np.full((rows * tall, columns * wide), NODATA, dtype=np.float32) for _ in range(2)]
    drawn: dict[int, tuple[Grid, Grid]] = {}
    for copy, model in enumerate(world.models):
        unit = drawn.get(id(model)) or _surfaces(model, (world.width_m, world.height_m), rough=world.rough)
        drawn = {id(model): unit}
        x, y = (copy % columns) * wide, (rows - 1 - copy // columns) * tall
        for target, grid in zip(whole, unit, strict=True):
            target[y : y + tall, x : x + wide] = grid
    for name, grid in zip(("dsm", "dtm"), whole, strict=True):
        for n, part in enumerate(np.array_split(np.arange(grid.shape[1]), world.sheets)):
            west, north = world.origin_rd_m[0] + part[0] * CELL_M, world.origin_rd_m[1] + grid.shape[0] * CELL_M
            path = folder / (f"{name}_{n + 1}.tif" if world.sheets > 1 else f"{name}.tif")
            facts = {
                "width": len(part),
                "height": len(grid),
                "transform": Affine(CELL_M, 0.0, west, 0.0, -CELL_M, north),
            }
            with rasterio.open(path, "w", **facts, **PROFILE) as target:
                target.write(grid[:, part[0] : part[-1] + 1], 1)
