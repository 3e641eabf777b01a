"""The plan of the invented town: its main lines, the quarters between them, and the streets of each quarter.

``data/town.toml`` holds what the designer drew: a handful of curves (roads, canal, railway), and for each quarter the
direction, distance, bend and wave of its streets. Lines become faces, faces quarters, quarters streets; further towns
beside the first have other streets.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import shapely
from scipy.interpolate import CubicSpline
from shapely.geometry import LineString, MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from kansenkaart.sources.example.model import Body, Buurt, Floats, Pipe, Point, ground_level, place_at, turned

SEED, STEP_M, REACH_M, LEAST_STREET_M, STUB_M, DEAD_END_M = 330, 8.0, 520.0, 45.0, 3.0, 52.0
#: Half the width of the whole street, and the width of its carriageway [m].
WIDTHS = {"main": (9.0, 7.0), "outer": (7.0, 6.0), "collector": (6.0, 5.5), "lane": (5.0, 6.0)}
#: Lanes are so much narrower or wider than their quarter's [1], one after another.
LANES = (1.0, 0.86, 1.12, 0.92, 1.24)
CANAL_M, DITCH_M, RAIL_M = 18.0, 4.0, 11.0
#: What keeps lanes away from the roads around their quarter, and streets from water and rail [m].
EDGE_M, BANK_M = 27.0, 24.0


@dataclass(frozen=True)
class Way:
    """One piece of a named street: its street's key, its buurt, role, line and half width [m]."""

    key: str
    buurt: str
    role: str
    line: LineString
    half_m: float

    @property
    def carriage_m(self) -> float:
        """Width of the carriageway [m]."""
        return min(WIDTHS[self.role][1], 2 * self.half_m * (0.58 if self.role == "lane" else 1.0))

    @property
    def band(self) -> BaseGeometry:
        """The whole street."""
        return self.line.buffer(self.half_m, cap_style="flat")


@dataclass(frozen=True)
class Ground:
    """Ground that no street enters, as its row of the table says: its middle, angle [deg], outline and places to park."""

    row: dict[str, Any]
    outline: Polygon

    @property
    def parking(self) -> BaseGeometry:
        """Where people park."""
        at, angle = self.row["at"], self.row["angle"]
        places = self.row.get("parking", [])
        return shapely.union_all([rectangle(place_at(at, angle, u, v), size, angle) for u, v, *size in places])


@dataclass(frozen=True)
class Cell:
    """One quarter: its row of the table, the outline up to the middle of the roads around it, and where lots may be."""

    row: dict[str, Any]
    outline: Polygon
    inner: BaseGeometry


@dataclass(frozen=True)
class Plan:
    """The town before anything is built."""

    ways: tuple[Way, ...]
    pieces: tuple[Way, ...]
    cells: tuple[Cell, ...]
    grounds: tuple[Ground, ...]
    buurten: tuple[Buurt, ...]
    streets: dict[str, tuple[int, str]]
    canal: BaseGeometry
    ditches: BaseGeometry
    rail: BaseGeometry
    boats: tuple[Body, ...]
    size_m: Point

    @cached_property
    def water(self) -> BaseGeometry:
        """Canal and ditches."""
        return self.canal.union(self.ditches)


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """Read what the designer drew."""
    return tomllib.loads((files("kansenkaart") / "data" / "town.toml").read_text("utf-8"))


def _curve(points: list[list[float]]) -> LineString:
    """Draw a smooth line through points [m], a corner every 8 m."""
    at = np.array(points, dtype=float)
    along = np.concatenate([[0.0], np.hypot(*np.diff(at, axis=0).T).cumsum()])
    steps = np.union1d(np.arange(0.0, along[-1], STEP_M), along)
    return _simple(CubicSpline(along, at)(steps), 0.05)


def _simple(points: Any, tolerance_m: float) -> LineString:
    return LineString(shapely.get_coordinates(LineString(np.round(points, 2)).simplify(tolerance_m)))


def rectangle(at: Point, size: Sequence[float], angle_deg: float) -> Polygon:
    """Draw a rectangle around a place [m], of a length and width [m], its length at an angle from east [deg]."""
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(size) / 2.0
    return Polygon(turned(half, angle_deg, at))


def plan(copy: int = 0) -> Plan:
    """Draw one town, by its number; each has streets of its own."""
    rows, rng = table(), np.random.Generator(np.random.PCG64([SEED, copy]))
    lines = [(row, _curve(row["points"])) for row in rows["line"]]
    wide = {"canal": CANAL_M / 2, "ditch": DITCH_M / 2, "rail": RAIL_M / 2}
    frame = box(0.0, 0.0, *rows["size_m"])
    canal, ditches, rail = (
        shapely.union_all([line.buffer(wide[role], cap_style="flat") for row, line in lines if row["role"] == role])
        for role in ("canal", "ditch", "rail")
    )
    roads = [(f"m{n}", row["role"], line) for n, (row, line) in enumerate(lines) if row["role"] in ("main", "outer")]
    mains = [Way(key, "", role, line, WIDTHS[role][0]) for key, role, line in roads]
    grounds = tuple(Ground(row, rectangle(row["at"], row["size"], row["angle"])) for row in rows["place"])
    drawn = [line for row, line in lines if row["role"] != "ditch"]
    faces = polygons(shapely.polygonize([shapely.union_all([*drawn, frame.exterior])]))
    banks = [canal.buffer(BANK_M - CANAL_M / 2), rail.buffer(BANK_M - RAIL_M / 2), ditches.buffer(4.0)]
    closed = shapely.union_all(banks)
    cells = tuple(_cell(row, faces, (grounds, mains, closed)) for row in rows["cell"])
    ways = [*mains]
    for cell in cells:
        ways += _streets(_varied(cell.row, rng) if copy else cell.row, cell, grounds, closed)
    ways = _connected(ways)
    keys = sorted({way.key for way in ways})
    streets = {key: (n, _name(key)) for n, key in enumerate(keys)}
    buurten = _buurten(cells, faces, frame)
    size = (float(rows["size_m"][0]), float(rows["size_m"][1]))
    water = (canal.intersection(frame), ditches.intersection(frame), rail.intersection(frame))
    boats = tuple(_boats(rows["houseboats"], next(line for row, line in lines if row["role"] == "canal")))
    return Plan(tuple(ways), tuple(_pieces(ways)), cells, grounds, buurten, streets, *water, boats, size)


def _boats(row: dict[str, Any], canal: LineString) -> Iterator[Body]:
    """Moor houseboats along one bank of the canal."""
    for n in range(row["count"]):
        ends = [np.array(canal.interpolate(row["from"] + n * row["step"] + d).coords[0]) for d in (-1.0, 1.0)]
        (x, y), angle = ends[1] - ends[0], math.atan2(*(ends[1] - ends[0])[::-1])
        at = sum(ends) / 2.0 + np.array([y, -x]) / math.hypot(x, y) * (CANAL_M / 2.0 - row["width"] / 2.0 - 0.6)
        length = row["length"] + 1.6 * (n * 5 % 4)
        level = ground_level(float(at[0]))
        yield Body((float(at[0]), float(at[1])), math.degrees(angle), length, row["width"], "flat", 0.0, level, 2.6)


def _name(key: str) -> str:
    if key.startswith("m"):
        return str(table()["line"][int(key[1:])]["name"])
    buurt, number = key.split("-")
    names = next(row["names"] for row in table()["buurt"] if row["key"] == buurt)
    again = int(number) // len(names)
    return str(names[int(number) % len(names)]) + (f" {'I' * (again + 1)}" if again else "")


def _varied(row: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Give a quarter of a further town streets of its own."""
    return row | {
        "angle": row["angle"] + float(rng.uniform(-14, 14)),
        "spacing": row["spacing"] * float(rng.uniform(0.96, 1.1)),
        "bend": row["bend"] * float(rng.uniform(-1.3, 1.3)),
        "wave": [row["wave"][0] * float(rng.uniform(0.6, 1.3)), row["wave"][1]],
        "cross": [one + float(rng.uniform(-25, 25)) for one in row["cross"]],
    }


def _cell(row: dict[str, Any], faces: list[Polygon], rest: tuple[tuple[Ground, ...], list[Way], BaseGeometry]) -> Cell:
    grounds, mains, closed = rest
    face = next(one for one in faces if one.contains(shapely.Point(row["at"])))
    shut = shapely.union_all([closed, *(one.outline for one in grounds), *(way.line.buffer(12.0) for way in mains)])
    return Cell(row, face, face.buffer(-2.0).difference(shut).intersection(_border().buffer(-4.0)))


def _border() -> Polygon:
    """Draw the border of the municipality."""
    return Polygon(_curve([*table()["border"], table()["border"][0]]).coords)


def lines_of(shape: BaseGeometry) -> list[LineString]:
    """Return the lines of a shape."""
    return [one for one in getattr(shape, "geoms", [shape]) if isinstance(one, LineString) and not one.is_empty]


def _streets(row: dict[str, Any], cell: Cell, grounds: tuple[Ground, ...], closed: BaseGeometry) -> list[Way]:
    """Draw cross streets from edge to edge of a quarter, and lanes that meet at least one of them."""
    a, centre = math.radians(row["angle"]), np.array(cell.outline.centroid.coords[0])
    turn = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    along = np.arange(-REACH_M, REACH_M + STEP_M, STEP_M)

    def drawn(u: Floats, v: Floats) -> LineString:
        return _simple(np.column_stack([u, v]) @ turn + centre, 0.08)

    places = shapely.union_all([one.outline.buffer(1.0) for one in grounds])
    reach = cell.outline.buffer(1.5).difference(closed).difference(places)
    inside = cell.outline.buffer(-EDGE_M).difference(closed.buffer(4.0)).difference(places.buffer(1.0))
    crosses = [drawn(at + 5.0 * np.sin(along / 150.0 + n), along) for n, at in enumerate(row["cross"])]
    through = [(n, piece) for n, line in enumerate(crosses) for piece in lines_of(line.intersection(reach))]
    kept = [(n, piece, "collector") for n, piece in through if piece.length > LEAST_STREET_M]
    met = shapely.union_all([piece for _, piece, _ in kept])
    ends = 0.0 if row.get("woonerf") else DEAD_END_M
    high, length = row["wave"]
    count = math.ceil(REACH_M / row["spacing"])
    for n, k in enumerate(range(-count, count + 1)):
        v = (k + 0.5) * row["spacing"] + row["bend"] * (along / 200.0) ** 2
        line = drawn(along, v + high * np.sin(2.0 * math.pi * along / length + 0.7 * k))
        pieces = [one for one in lines_of(line.intersection(inside)) if one.length > LEAST_STREET_M]
        kept += [(100 + n, _cut(one, met, ends), "lane") for one in pieces if one.intersects(met)]
    numbers = {one: n for n, one in enumerate(dict.fromkeys(one for one, _, _ in kept))}
    half, name = {n: row["lane"] / 2 * LANES[n % len(LANES)] for n, _, role in kept if role == "lane"}, row["buurt"]
    wide = WIDTHS["collector"][0]
    return [Way(f"{name}-{numbers[n]:02d}", name, role, line, half.get(n, wide)) for n, line, role in kept]


def _cut(line: LineString, others: BaseGeometry, most_m: float) -> LineString:
    """Let a street end where it last meets others, but for an end longer than so much [m]."""
    at = [line.project(shapely.Point(one)) for one in shapely.get_coordinates(line.intersection(others))]
    first, last = min(at) - 1.0, max(at) + 1.0
    start, end = max(first, 0.0) if first < most_m else 0.0, last if line.length - last < most_m else line.length
    return LineString(shapely.get_coordinates(substring(line, start, end)))


def _connected(ways: list[Way]) -> list[Way]:
    """Leave out what hangs together with no main road."""
    joined = shapely.union_all([way.line for way in ways if way.role in ("main", "outer")])
    left = [way for way in ways if way.role not in ("main", "outer")]
    while fresh := [way for way in left if way.line.intersects(joined)]:
        joined = shapely.union_all([joined, *(way.line for way in fresh)])
        left = [way for way in left if way not in fresh]
    return [way for way in ways if way not in left]


def _pieces(ways: list[Way]) -> list[Way]:
    """Cut all streets at their junctions; ends of a step beyond one fall away."""
    tree = shapely.STRtree([way.line for way in ways])
    cut = lines_of(shapely.union_all([way.line for way in ways]))
    meets = Counter(end for piece in cut for end in (piece.coords[0], piece.coords[-1]))
    out = []
    for piece in cut:
        if piece.length >= STUB_M or min(meets[piece.coords[0]], meets[piece.coords[-1]]) > 1:
            way = ways[int(tree.nearest(piece.interpolate(0.5, normalized=True)))]
            out.append(Way(way.key, way.buurt, way.role, piece, way.half_m))
    return out


def _buurten(cells: tuple[Cell, ...], faces: list[Polygon], frame: Polygon) -> tuple[Buurt, ...]:
    """Make areas of the statistics within the border: the face of each quarter, and what is left for the last one."""
    by_key: dict[str, BaseGeometry] = {cell.row["buurt"]: cell.outline for cell in cells}
    rows = table()["buurt"]
    last = rows[-1]["key"]
    by_key[last] = frame.difference(shapely.union_all([shape for key, shape in by_key.items() if key != last]))
    by_key = {key: shape.intersection(_border()) for key, shape in by_key.items()}
    out = []
    for row in rows:
        whole = by_key[row["key"]]
        figures = (*(None if one == "" else one for one in row["figures"]), round(whole.area / 1e4))
        out.append(Buurt(row["key"], row["name"], row["wijk"], whole, row["size"], figures))
    return tuple(out)


def sewer_of(key: str) -> tuple[str, int]:
    """Return the kind of sewer of a buurt and the year in which it was laid."""
    kind, year = next(row["sewer"] for row in table()["buurt"] if row["key"] == key)
    return str(kind), int(year)


def polygons(shape: BaseGeometry) -> list[Polygon]:
    """Return the polygons of a shape, on a grid of a millimetre and larger than a square metre."""
    snapped = shapely.set_precision(shape, 0.001)
    parts = snapped.geoms if isinstance(snapped, MultiPolygon) else getattr(snapped, "geoms", [snapped])
    return [one for one in parts if isinstance(one, Polygon) and one.area > 1.0]


def faults(pipes: list[Pipe]) -> tuple[frozenset[int], frozenset[int], dict[str, str]]:
    """Return what the registers have wrong: pipes not published, pipes with a wrong level, old codes of buurten."""
    row = table()["faults"]
    gravity = [pipe for pipe in pipes if pipe.kind in ("vuilwater", "gemengd", "hemelwater")]
    missing = {pipe.number for pipe in gravity if pipe.street.startswith(row["no_sewer"])}
    missing |= {pipe.number for pipe in gravity if pipe.number % row["gap_every"] == row["gap_every"] - 1}
    wrong = {pipe.number for pipe in gravity if pipe.number % row["wrong_level_every"] == row["wrong_level_every"] - 1}
    return frozenset(missing), frozenset(wrong - missing), dict(row["recoded"])
