"""The ground of the invented neighbourhood as BGT would draw it: roads, paths, yards, green, water, bridges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from kansenkaart.sources.example import layout
from kansenkaart.sources.example.buildings import Pand

PATH_WIDTH_M = 3.0
PLOT_FRONT_M = 4.0
PLOT_BACK_M = 11.0
GRID_M = 0.001


@dataclass(frozen=True)
class Part:
    """One BGT object: its collection, shape, function, surface and relative level."""

    collection: str
    shape: Polygon
    function: str
    surface: str
    level: int = 0
    street: str = ""


@dataclass(frozen=True)
class Tree:
    """One tree: place, crown radius [m], height above ground [m]; ``overhang`` where it is meant to shade a roof."""

    point: layout.Point
    radius_m: float
    height_m: float
    overhang: bool


def canal() -> Polygon:
    """Outline of the canal."""
    half = layout.CANAL_WIDTH_M / 2
    return box(layout.CANAL_X_M - half, 0.0, layout.CANAL_X_M + half, layout.PITCH_Y_M)


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    snapped = shapely.set_precision(shape, GRID_M)
    parts = snapped.geoms if isinstance(snapped, MultiPolygon) else [snapped]
    return [p for p in parts if isinstance(p, Polygon) and p.area > 1.0]


def _width(street: layout.Street) -> tuple[float, float]:
    if street.role == "main":
        return layout.MAIN_WIDTH_M / 2, layout.MAIN_WIDTH_M / 2 + 1.0
    if street.role in ("path", "outer"):
        return PATH_WIDTH_M, PATH_WIDTH_M + 0.5
    edge = layout.STREET_WIDTH_M / 2
    return layout.ROAD_WIDTH_M, edge if street.role != "ring" else layout.ROAD_WIDTH_M / 2 + 1.5


def _bands(street: layout.Street) -> tuple[BaseGeometry, BaseGeometry]:
    """Return carriageway and whole street as polygons."""
    line = LineString(street.line)
    carriage, whole = _width(street)
    return line.buffer(carriage / 2, cap_style="flat"), line.buffer(whole, cap_style="flat")


FUNCTIONS = {"main": "rijbaan regionale weg", "path": "fietspad"}


def roads() -> list[Part]:
    """Carriageways and footpaths, each in one part per street; what lies over the canal is raised (level 1)."""
    drawn: list[tuple[layout.Street, BaseGeometry, BaseGeometry]] = [(s, *_bands(s)) for s in layout.streets()]
    carriages = shapely.union_all([c for _, c, _ in drawn])
    water = canal()
    taken: BaseGeometry = Polygon()
    out: list[Part] = []
    for street, carriage, _ in drawn:
        surface = "gesloten verharding" if street.role in ("main", "path", "outer") else "open verharding"
        function = FUNCTIONS.get(street.role, "rijbaan lokale weg")
        out += _split("wegdeel", carriage.difference(taken), water, (function, surface, street.key))
        taken = taken.union(carriage)
    for street, _, whole in drawn:
        edge = whole.difference(carriages).difference(taken)
        main = street.role == "main"
        kind = (
            ("ondersteunendwegdeel", "berm", "groenvoorziening") if main else ("wegdeel", "voetpad", "open verharding")
        )
        out += _split(kind[0], edge, water, (kind[1], kind[2], street.key))
        taken = taken.union(edge)
    return out


def _split(collection: str, shape: BaseGeometry, water: Polygon, what: tuple[str, str, str]) -> list[Part]:
    function, surface, street = what
    land = [Part(collection, p, function, surface, 0, street) for p in _polygons(shape.difference(water))]
    over = [Part(collection, p, function, surface, 1, street) for p in _polygons(shape.intersection(water))]
    return land + over


def plot(pand: Pand) -> Polygon:
    """Return the yard of a ground-bound home: its width, 4 m of front garden and 11 m of back garden.

    Parameters
    ----------
    pand : Pand
        The building.
    """
    ring = pand.footprint
    quarter = layout.quarter(pand.quarter)
    a = np.radians(quarter.angle_deg)
    out = np.array([-np.sin(a), np.cos(a)])
    v = (np.array(pand.front) - np.array(pand.centre)) @ out
    back = -np.sign(v) * out
    if pand.street[-1] in "rb":
        return Polygon(ring).buffer(3.0, join_style="mitre")
    moves = [np.zeros(2), back * PLOT_BACK_M, -back * PLOT_FRONT_M]
    corners = np.vstack([ring + move for move in moves])
    hull = shapely.MultiPoint(corners).convex_hull
    return Polygon(shapely.get_coordinates(hull))


def _land(panden: list[Pand], streets: BaseGeometry) -> list[Part]:
    built = shapely.union_all([Polygon(p.footprint) for p in panden])
    taken = streets.union(canal()).union(built)
    yards: list[Part] = []
    plots = [(p, plot(p)) for p in panden if p.use == "woonfunctie" and p.floors == 1]
    shapely.prepare(taken)
    for pand, yard in plots:
        free = yard.difference(taken)
        yards += [Part("onbegroeidterreindeel", q, "erf", "erf", 0, pand.street) for q in _polygons(free)]
        taken = taken if pand.street[-1] not in "rb" else taken.union(yard)
    whole = box(0.0, 0.0, layout.PITCH_X_M, layout.PITCH_Y_M)
    rest = whole.difference(taken.union(shapely.union_all([y for _, y in plots])))
    tiles = [box(x, y, x + 320.0, y + 145.0) for x in (0.0, 320.0) for y in np.arange(0.0, layout.PITCH_Y_M, 145.0)]
    green = [p for tile in tiles for p in _polygons(rest.intersection(tile))]
    return yards + [Part("begroeidterreindeel", p, "", "groenvoorziening") for p in green]


def parts(panden: list[Pand]) -> list[Part]:
    """All BGT objects of one neighbourhood.

    Parameters
    ----------
    panden : list of Pand
        All buildings of one neighbourhood.
    """
    road = roads()
    streets = shapely.union_all([p.shape for p in road])
    bridges = [p.shape.buffer(0.5, join_style="mitre") for p in road if p.level and p.collection == "wegdeel"]
    water = [Part("waterdeel", p, "waterloop", "") for p in _polygons(canal())]
    spans = [Part("overbruggingsdeel", p, "brug", "", 1) for p in _polygons(shapely.union_all(bridges))]
    return road + _land(panden, streets) + water + spans


def trees(panden: list[Pand]) -> list[Tree]:
    """Street trees every 24 m in the footpath, and tall garden trees whose crowns reach over marked roofs.

    Parameters
    ----------
    panden : list of Pand
        All buildings of one neighbourhood.
    """
    out: list[Tree] = []
    for q in layout.QUARTERS:
        for v in layout.LANE_V_M:
            places = [q.to_plan(u, v + 4.5) for u in np.arange(-110.0, 110.0, 24.0)]
            out += [Tree((float(x), float(y)), 1.5, 6.0, False) for x, y in places]
    for pand in panden:
        if "trees" in pand.marks and pand.number % 7 == 0:
            back = 2.0 * np.array(pand.centre) - np.array(pand.front)
            step = (back - np.array(pand.front)) / np.linalg.norm(back - np.array(pand.front))
            x, y = back + step * 2.5
            out.append(Tree((round(float(x), 3), round(float(y), 3)), 4.0, 13.0, True))
    return out
