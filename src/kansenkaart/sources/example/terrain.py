"""The ground of an invented place: as BGT would draw it, and with all that stands on it as AHN would measure it."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from rasterio import Affine
from rasterio.features import rasterize
from rasterio.windows import Window
from scipy.ndimage import uniform_filter
from scipy.spatial import Voronoi
from shapely.geometry import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from kansenkaart.crs import RD
from kansenkaart.sources.example.lots import Town
from kansenkaart.sources.example.model import STATUS_IN_USE, Body, Floats, Model, Pand, Part, Point, Tree, World
from kansenkaart.sources.example.town import Plan, Way, polygons, rectangle

#: What ground of a kind is called: its collection, function and surface.
Kind = tuple[str, str, str]
PATH, PLACE = ("wegdeel", "voetpad", "open verharding"), ("wegdeel", "parkeervlak", "open verharding")
LAWN, FIELD = ("begroeidterreindeel", "", "groenvoorziening"), ("begroeidterreindeel", "", "grasland agrarisch")
#: Beside a lane people park this deep; ground narrower than twice this is a path; no smaller place is one to park.
PARKING_M, PATH_M, PLACE_M2 = 4.0, 1.5, 12.0
#: Paths run behind rows longer than this, between yards no further apart; kerbs are kept free at a crossing, and round.
ROW_M, ACROSS_M, CROSSING_M, BAY_M, CORNER_M = 15.0, 24.0, 9.0, (21.0, 3.5, 1.9), 4.0


def _less(shape: BaseGeometry, tree: shapely.STRtree, shapes: list[BaseGeometry]) -> BaseGeometry:
    """Take from a shape what others have of it already."""
    near = [shapes[i] for i in tree.query(shape, predicate="intersects")]
    if not near:
        return shape
    clipped = shapely.clip_by_rect(near, *shape.buffer(1.0).bounds)
    return shape.difference(shapely.union_all(shapely.make_valid(clipped)))


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
    water = plan.water.difference(plan.rail)
    out += _grown(plan, made, [*built, bands.union(plan.rail), water])
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
        bays = shapely.union_all([] if wide or function == "woonerf" else list(_bays(piece)))
        out += _dry(own.intersection(bays).difference(plan.rail), plan, PLACE, piece.key)
        own = own.difference(bays)
        crossings = polygons(own.intersection(plan.rail))
        out += [Part("wegdeel", one, "overweg", surface, 0, piece.key) for one in crossings]
        out += _dry(own.difference(plan.rail), plan, ("wegdeel", function, surface), piece.key)
    return out


def _bays(piece: Way) -> Iterator[BaseGeometry]:
    """Set places to park apart along one side of a carriageway, some metres between them."""
    (long, between, deep), half = BAY_M, piece.carriage_m / 2 * (1 if piece.half_m < 5.0 else -1)
    for at in np.arange(CROSSING_M, piece.line.length - CROSSING_M - between, long + between):
        line = substring(piece.line, at, min(at + long, piece.line.length - CROSSING_M))
        if piece.carriage_m > 5.0:
            inner = line.buffer(half - math.copysign(deep, half), single_sided=True)
            yield line.buffer(1.2 * half, single_sided=True).difference(inner)


def _dry(shape: BaseGeometry, plan: Plan, what: tuple[str, str, str], street: str = "") -> list[Part]:
    """Split a shape into what lies on land and, raised, over water."""
    (name, function, surface), water = what, plan.water
    levels = (polygons(shape.difference(water)), polygons(shape.intersection(water)))
    return [Part(name, one, function, surface, n, street) for n, level in enumerate(levels) for one in level]


def _grown(plan: Plan, made: Town, taken: list[BaseGeometry]) -> list[Part]:
    """Draw what is left between streets and houses: own grounds, fields outside; gardens, paths, green and places to park."""
    tree, placed = shapely.STRtree(taken), shapely.union_all([one.outline for one in plan.grounds])
    lanes = [one for one in plan.pieces if one.role in ("lane", "collector") and one.line.length > 3 * CROSSING_M]
    ends = [substring(one.line, CROSSING_M, one.line.length - CROSSING_M) for one in lanes]
    flanks = [end.buffer(one.half_m + PARKING_M, cap_style="flat") for end, one in zip(ends, lanes, strict=True)]
    near = shapely.STRtree(flanks), shapely.STRtree(made.yards)
    quarters = shapely.union_all([cell.outline for cell in plan.cells])
    places = shapely.union_all([one.parking for one in plan.grounds])
    zones = [(one.outline.difference(places), LAWN) for one in plan.grounds]
    zones += [(box(0.0, 0.0, *plan.size_m).difference(quarters).difference(placed), FIELD), (places, PLACE)]
    ground = [(kind, _less(shape, tree, taken)) for shape, kind in zones]
    behind = _behind(made, taken[-2])
    for cell in plan.cells:
        free = _less(cell.outline.difference(placed), tree, taken)
        ground.append((PATH, free.intersection(behind)))
        for piece in polygons(free.difference(behind)):
            ground += _plot(piece, near, cell.row["garden"])
    return [Part(name, one, use, what) for (name, use, what), shape in ground for one in polygons(shape)]


def _plot(piece: Polygon, near: tuple[Any, ...], reach_m: float) -> Iterator[tuple[Kind, BaseGeometry]]:
    """Let yards grow over a piece between paths; the rest is green, and places to park at a street."""
    flanks, yards = (tree.geometries[tree.query(piece, predicate="intersects")] for tree in near)
    garden = piece.intersection(shapely.union_all([yard.buffer(reach_m, join_style="mitre") for yard in yards]))
    yield ("onbegroeidterreindeel", "erf", "erf"), garden
    for left in polygons(piece.difference(garden)):
        broad = left.buffer(-PATH_M, join_style="mitre").buffer(PATH_M, join_style="mitre")
        wide = shapely.union_all(polygons(left.intersection(broad)))
        beside = polygons(wide.intersection(shapely.union_all(flanks)))
        park = shapely.union_all([one for one in beside if one.area > PLACE_M2])
        yield from ((PATH, left.difference(wide)), (PLACE, park), (LAWN, wide.difference(park)))


def _behind(made: Town, streets: BaseGeometry) -> BaseGeometry:
    """Draw the paths around rows: where two yards are equally near, so that each path comes out at a street or another path."""
    yards, alone = made.yards, [one.outline for one in made.panden if one.floors > 1]
    every = shapely.segmentize([*yards, *alone], 3.0)
    rows = np.array([math.dist(*yard.exterior.coords[:2]) > ROW_M for yard in yards] + [False] * len(alone))
    at, owner = shapely.get_coordinates(every, return_index=True)
    cells = Voronoi(at)
    pairs, ends = cells.ridge_points, np.array(cells.ridge_vertices)
    keep = (owner[pairs[:, 0]] != owner[pairs[:, 1]]) & rows[owner[pairs]].any(axis=1) & (ends >= 0).all(axis=1)
    keep[keep] = np.hypot(*(at[pairs[keep, 0]] - at[pairs[keep, 1]]).T) < ACROSS_M
    shapely.prepare(streets)
    keep[keep] = ~shapely.intersects(streets, shapely.linestrings(at[pairs[keep]]))
    middles = shapely.line_merge(shapely.multilinestrings(cells.vertices[ends[keep]])).simplify(1.5)
    paths: BaseGeometry = middles.buffer(PATH_M / 2, cap_style="flat").difference(shapely.union_all(yards))
    return paths


# Heights.

BLOCK, CELL_M = 256, 0.5  # side of a tile in the file [cells], and of a cell
NODATA = np.float32(3.4028235e38)
TILES = {"compress": "deflate", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "predictor": 3}
PROFILE = {"driver": "GTiff", "dtype": "float32", "count": 1, "nodata": float(NODATA), "crs": RD, **TILES}
DORMER_M, CHIMNEY_M = (1.8, 1.4, 2.0), (0.7, 1.2)
PANEL_M, CROWN_SHARE, BRIDGE_M = 0.12, 0.6, 0.8
SHRUB_CELLS, SHRUB_M, HEDGE_M, CAR_M, RAGGED = 5, 1.3, 1.5, (4.3, 1.8, 1.5), 0.45
#: Ground that is not flat [m]: how far it swells, cells of a swell, a kerb, how much gardens lie higher, each metre of a bank.
SWELL_M, SWELL_CELLS, KERB_M, GARDEN_M, BANK_M = 0.06, 27, 0.13, 0.12, 0.3
NOISE_M, ROOFING_M, ROUGH, FENCE_M, SEED = 0.012, 0.02, 0.1, 12.0, 17
HOLES = ((300, 1000, 6, 9), (700, 200, 4, 4), (1105, 640, 3, 12))
GROUND_SLOPE, FLOWN_YEAR = 0.0008, 2021
LOW = ("rijbaan lokale weg", "rijbaan regionale weg", "woonerf", "parkeervlak")
Grid = npt.NDArray[np.float32]


class _Sheet:
    """Both grids of one place, north up, while they are painted; ``size`` is its width and height [m]."""

    def __init__(self, size: tuple[float, float], *, rough: bool) -> None:
        self.width, self.height = round(size[0] / CELL_M), round(size[1] / CELL_M)
        level = (1.0 + GROUND_SLOPE * ((np.arange(self.width) + 0.5) * CELL_M)).astype(np.float32)
        self.level: Grid = np.broadcast_to(level, (self.height, self.width))
        noise = np.random.Generator(np.random.PCG64(SEED)).standard_normal((self.height, self.width), np.float32)
        self.noise = noise * np.float32(rough)
        self.patches = uniform_filter(self.noise, SHRUB_CELLS) * np.float32(SHRUB_CELLS)
        self.dsm: Grid = self.level + NOISE_M * self.noise
        self.dtm: Grid = self.level.copy()

    def cells(self, shapes: Iterable[BaseGeometry]) -> npt.NDArray[np.bool_]:
        """Cells whose middle lies in one of the shapes."""
        place, shape = Affine(CELL_M, 0.0, 0.0, 0.0, -CELL_M, self.height * CELL_M), (self.height, self.width)
        return np.asarray(rasterize(shapes, shape, transform=place, dtype="uint8")).astype(bool)

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
        height = height + ROOFING_M * self.noise[rows, cols]
        dsm = self.dsm[rows, cols]
        top = np.where(dsm < NODATA, np.maximum(height, dsm), height).astype(np.float32)  # houseboats lie on water
        self.dsm[rows, cols] = np.where(inside, top, dsm)
        self.dtm[rows, cols] = np.where(inside, NODATA, self.dtm[rows, cols])

    def shape_ground(self, model: Model) -> None:
        """Let ground swell, lower roads by a kerb and banks towards water, and raise gardens."""
        swell = uniform_filter(uniform_filter(self.patches, SWELL_CELLS), SWELL_CELLS)
        wet = [part.shape for part in model.parts if part.collection == "waterdeel"]
        roads = self.cells([part.shape for part in model.parts if part.function in LOW])
        relief = np.float32(SWELL_M) / swell.std() * swell - np.float32(KERB_M) * roads
        relief += np.float32(GARDEN_M) * self.cells([one.shape for one in model.parts if one.surface == "erf"])
        for reach in (1.0, 2.0, 3.0):
            relief -= np.float32(BANK_M) * (self.cells([one.buffer(reach) for one in wet]) & ~roads)
        self.dsm, self.dtm = self.dsm + relief, self.dtm + relief

    def paint_gardens(self, model: Model) -> None:
        """Raise shrubs in patches, here more than there, and hedges and fences around and between gardens with gaps in them."""
        yards = [one.shape for one in model.parts if one.surface == "erf"]
        fences = [_fence(one) for one in model.panden if one.homes_per_floor and one.floors == 1]
        tended = uniform_filter(self.noise, 4 * SHRUB_CELLS) * np.float32(4 * SHRUB_CELLS)
        mine, around = self.cells(yards), self.cells([yard.boundary for yard in yards])
        hedges = (around | self.cells(fences) & mine) & (self.patches > -0.6)
        shrubs = np.where(mine, SHRUB_M * np.clip(self.patches + 0.7 * tended - 0.7, 0.0, 1.8), 0.0)
        self.dsm += np.where(hedges, np.float32(HEDGE_M) + 0.2 * self.noise, shrubs).astype(np.float32)

    def park_cars(self, places: list[BaseGeometry]) -> None:
        """Raise a car on half of the places: along a strip one behind the other, elsewhere side by side."""
        draw, (long, wide, high), cars = np.random.Generator(np.random.PCG64(SEED)), CAR_M, []
        for place in places:
            a, b, c = shapely.get_coordinates(shapely.oriented_envelope(place))[:3]
            a, b, c = (a, b, c) if math.dist(a, b) > math.dist(b, c) else (b, c, c + b - a)
            length, depth, down = math.dist(a, b), math.dist(b, c), math.degrees(math.atan2(*(b - a)[::-1]))
            turn, step = (0.0, long + 1.4) if depth < long else (90.0, wide + 0.8)
            count = int(length // step), max(1, int(depth // (long + 1.5)))
            for n, row in np.argwhere(draw.random(count) < 0.5):
                spot = a + (n + 0.5) * step / length * (b - a) + (row + 0.5) / count[1] * (c - b)
                cars.append(rectangle(tuple(spot), (long, wide), down + turn + draw.normal(0.0, 2.0)))
        self.dsm += (self.cells(cars) & self.cells(places)) * (np.float32(high) + 0.2 * self.patches)

    def paint_tree(self, tree: Tree) -> None:
        """Raise an ellipsoid crown: its middle at 60 % below the top is the widest."""
        rows, cols, dx, dy = self.window(tree.point, tree.radius_m + CELL_M)
        ragged = RAGGED * np.abs(self.patches[rows, cols] + self.noise[rows, cols] / 2)
        share = 1.0 - (dx**2 + dy**2) / tree.radius_m**2 - ragged
        crown = tree.height_m * (1.0 - CROWN_SHARE / 2 + CROWN_SHARE / 2 * np.sqrt(np.maximum(share, 0.0)))
        top = (self.level[rows, cols] + crown * (1.0 - ROUGH * np.abs(self.noise[rows, cols]))).astype(np.float32)
        self.dsm[rows, cols] = np.where(share > 0.0, np.maximum(self.dsm[rows, cols], top), self.dsm[rows, cols])


def _roof_height(body: Body, along: Floats, across: Floats) -> Floats:
    slope, eave = math.tan(math.radians(body.tilt_deg)), body.ground_m + body.eave_m
    if body.roof == "shed":
        return np.asarray(eave + slope * (across + body.width_m / 2))
    inward = body.width_m / 2 - np.abs(across)
    if body.roof in ("hip", "half hip"):
        inward = np.minimum(inward, body.length_m / 2 - (np.abs(along) if body.roof == "hip" else along))
    return np.asarray(eave + slope * inward)


def _with_obstacles(pand: Pand, height: Floats, along: Floats, across: Floats) -> Floats:
    if "panels" in pand.marks:
        laid = (np.abs(along) < pand.length_m / 2 - 0.8) & (np.abs(across + pand.width_m / 4) < pand.width_m / 5)
        height = height + PANEL_M * laid
    if pand.roof not in ("gable", "half hip") or "bare" in pand.marks:
        return height
    chimney = (np.abs(along + pand.length_m / 2 - 0.6) < CHIMNEY_M[0] / 2) & (np.abs(across) < CHIMNEY_M[0] / 2)
    chimney &= "capped" not in pand.marks
    height = np.where(chimney, pand.ridge_height_m + CHIMNEY_M[1], height)
    if "dormers" not in pand.marks or pand.number % 3:
        return height
    (width, depth, rise), middle = DORMER_M, -pand.width_m / 4
    box = (np.abs(along) < width / 2) & (np.abs(across - middle) < depth / 2)
    top = pand.ground_m + pand.eave_m + math.tan(math.radians(pand.tilt_deg)) * pand.width_m / 4 + rise / 2
    return np.where(box, np.maximum(height, top), height)


def _fence(pand: Pand) -> LineString:
    """Draw the line between the garden of a house and its neighbour's, from the house to so far behind it [m]."""
    centre, back = np.array(pand.centre), np.array(pand.centre) - np.array(pand.front)
    back = back / max(float(np.hypot(*back)), 1e-9)
    start = centre + np.array([back[1], -back[0]]) * min(pand.length_m, pand.width_m) / 2
    return LineString([start, start + back * (FENCE_M + max(pand.length_m, pand.width_m) / 2)])


def _surfaces(model: Model, size: tuple[float, float], *, rough: bool = False) -> tuple[Grid, Grid]:
    """Return DSM and DTM of one place [m], as it stood at the flight, with holes over water and where no laser returned."""
    sheet = _Sheet(size, rough=rough)
    if rough:
        sheet.shape_ground(model)
        sheet.paint_gardens(model)
        sheet.park_cars([one.shape for one in model.parts if one.function == "parkeervlak"])
    wet = sheet.cells([one.shape for one in model.parts if one.collection == "waterdeel"])
    sheet.dsm[wet], sheet.dtm[wet] = NODATA, NODATA
    for span in (one for one in model.parts if one.collection == "overbruggingsdeel"):
        deck = sheet.cells([span.shape])
        sheet.dsm[deck] = sheet.level[deck] + np.float32(BRIDGE_M)
    standing = (one for one in model.panden if one.status == STATUS_IN_USE and one.bouwjaar <= FLOWN_YEAR)
    for body in (*(body for pand in standing for body in pand.bodies), *model.boats):
        sheet.paint_body(body)
    for tree in model.trees:
        sheet.paint_tree(tree)
    for row, col, tall, wide in HOLES:
        sheet.dsm[row : row + tall, col : col + wide] = NODATA
    return sheet.dsm, sheet.dtm


def write_heights(folder: Path, world: World) -> None:
    """Write DSM and DTM as so many sheets from west to east; cells outside every place have no data.

    While they are drawn both lie on disk: a city of 480,000 homes has 700 million cells.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns, rows = world.shape
    wide, tall = round(world.width_m / CELL_M), round(world.height_m / CELL_M)
    with tempfile.TemporaryFile(dir=folder) as first, tempfile.TemporaryFile(dir=folder) as second:
        whole = [np.memmap(one, np.float32, "w+", shape=(rows * tall, columns * wide)) for one in (first, second)]
        drawn: dict[int, tuple[Grid, Grid]] = {}
        nothing = (np.full((tall, wide), NODATA, np.float32),) * 2
        for copy in range(rows * columns):
            unit = nothing
            if copy < len(world.models):
                model = world.models[copy]
                unit = drawn.get(id(model)) or _surfaces(model, (world.width_m, world.height_m), rough=world.rough)
                drawn = {id(model): unit}
            x, y = (copy % columns) * wide, (rows - 1 - copy // columns) * tall
            for target, grid in zip(whole, unit, strict=True):
                target[y : y + tall, x : x + wide] = grid
        for name, grid in zip(("dsm", "dtm"), whole, strict=True):
            for n, part in enumerate(np.array_split(np.arange(grid.shape[1]), world.sheets)):
                path = folder / (f"{name}_{n + 1}.tif" if world.sheets > 1 else f"{name}.tif")
                west, north = world.origin_rd_m[0] + part[0] * CELL_M, world.origin_rd_m[1] + len(grid) * CELL_M
                _write_sheet(path, grid[:, part[0] : part[-1] + 1], Affine(CELL_M, 0.0, west, 0.0, -CELL_M, north))


def _write_sheet(path: Path, grid: Grid, place: Affine) -> None:
    height, width = grid.shape
    with rasterio.open(path, "w", width=width, height=height, transform=place, **PROFILE) as target:
        for top in range(0, height, BLOCK):
            rows = min(BLOCK, height - top)
            target.write(grid[top : top + rows], 1, window=Window(0, top, width, rows))
