"""Roofs and addresses: the planes of each roof with their exact shape, and who lives where behind which number."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely

from kansenkaart.sources.example.model import Body, Floats, Home, Pand, place_at
from kansenkaart.sources.example.town import Plan, Way

#: One house in so many has two homes behind its door.
TWO_DOORS_EVERY = 61
#: Ends of a ridge that slope as the sides do, by kind of roof.
HIPS = {"gable": 0, "half hip": 1, "hip": 2}
LETTERS = "ABCDEGHJKLMNPRSTVWXZ"


@dataclass(frozen=True)
class Face:
    """One plane of a roof: its corners in x, y, z [m], tilt and azimuth [deg] and true area [m2]."""

    corners: Floats
    tilt_deg: float
    azimuth_deg: float
    area_m2: float


def roof_faces(body: Body) -> list[Face]:
    """Return the planes of one roof, without dormers and chimneys."""
    half_l, half_w = body.length_m / 2, body.width_m / 2
    low, high = body.ground_m + body.eave_m, body.ridge_height_m
    cos = math.cos(math.radians(body.tilt_deg))
    down = (-body.angle_deg - 180.0) % 360.0
    hips = HIPS.get(body.roof)
    if hips is not None:
        east, west = half_l - half_w * (hips > 0), half_l - half_w * (hips > 1)
        area = (half_l + (east + west) / 2) * half_w / cos
        ends = [
            ([(half_l, -half_w, low), (half_l, half_w, low), (east, 0, high)], down - 90.0, half_w**2 / cos),
            ([(-half_l, half_w, low), (-half_l, -half_w, low), (-west, 0, high)], down + 90.0, half_w**2 / cos),
        ]
        planes = [
            ([(-half_l, -half_w, low), (half_l, -half_w, low), (east, 0, high), (-west, 0, high)], down, area),
            ([(half_l, half_w, low), (-half_l, half_w, low), (-west, 0, high), (east, 0, high)], down + 180.0, area),
            *ends[:hips],
        ]
        return [Face(_face(body, ring), body.tilt_deg, azimuth % 360.0, area) for ring, azimuth, area in planes]
    ring = [(-half_l, -half_w, low), (half_l, -half_w, low), (half_l, half_w, high), (-half_l, half_w, high)]
    azimuth = math.nan if body.roof == "flat" else down
    return [Face(_face(body, ring), body.tilt_deg, azimuth, body.length_m * body.width_m / cos)]


def _face(body: Body, corners: list[tuple[float, float, float]]) -> Floats:
    local = np.array(corners, dtype=float)
    return np.column_stack([body.place(local[:, :2]), np.round(local[:, 2], 3)])


def addresses(panden: list[Pand], plan: Plan) -> list[Home]:
    """Give every building of a town its addresses: odd numbers on one side of the street, even on the other."""
    out: list[Home] = []
    counters: dict[tuple[str, int], int] = {}
    lines: dict[str, list[Way]] = {}
    for way in plan.ways:
        lines.setdefault(way.key, []).append(way)
    spots = {pand: _spot(pand, lines[pand.street]) for pand in panden if pand.homes_per_floor}
    for pand in sorted(spots, key=lambda pand: (pand.street, spots[pand][0], pand.number)):
        odd, total = spots[pand][1], pand.floors * pand.homes_per_floor
        cut = total == 1 and pand.use == "woonfunctie" and "cluster" not in pand.marks
        count = 2 if cut and pand.number % TWO_DOORS_EVERY == 0 else total
        for i in range(count):
            number = counters.get((pand.street, odd), odd - 2 if odd else 0) + 2
            counters[pand.street, odd] = number
            out.append(_home(pand, (len(out), number), (i, count), plan.streets[pand.street][0]))
    return out


def _spot(pand: Pand, ways: list[Way]) -> tuple[float, int]:
    """Return how far along its street a building stands, and 1 to the left of it, 0 to its right."""
    here = shapely.Point(pand.front)
    n, way = min(enumerate(ways), key=lambda one: one[1].line.distance(here))
    at = way.line.project(here)
    (x0, y0), (x1, y1) = (way.line.interpolate(max(0.0, min(at + d, way.line.length))).coords[0] for d in (-1.0, 1.0))
    return n * 1e5 + at, int((x1 - x0) * (here.y - y0) - (y1 - y0) * (here.x - x0) > 0)


def _home(pand: Pand, numbers: tuple[int, int], turn: tuple[int, int], street: int) -> Home:
    number, house_number = numbers
    i, count = turn
    per_floor = max(pand.homes_per_floor, count if pand.floors == 1 else 1)
    share = ((i % per_floor) + 0.5) / per_floor
    reach = (share - 0.5) * pand.length_m * 0.94 if per_floor > 1 else 0.0
    base = pand.centre if per_floor > 1 else pand.front
    area = pand.length_m * pand.width_m / per_floor + sum(b.length_m * b.width_m for b in pand.annexes) / count
    storeys = 1.0 if pand.floors > 1 or pand.use != "woonfunctie" else 1.0 + min(1.4, pand.eave_m / 5.5)
    status = {"Bouw gestart": "Verblijfsobject gevormd", "Pand gesloopt": "Verblijfsobject ingetrokken"}
    size = max(18, round(area * storeys * (0.82 if pand.floors > 1 else 0.9)))
    deep = (i // per_floor - (pand.floors - 1) / 2) * pand.width_m / (pand.floors + 3)
    spot, state = place_at(base, pand.angle_deg, reach, deep), status.get(pand.status, "Verblijfsobject in gebruik")
    letters, where = LETTERS[street // 20 % 20] + LETTERS[street % 20], (pand.street, pand.quarter, house_number)
    return Home(number, (pand.number,), *where, size, pand.use, state, spot, pand.owner, letters)
