"""Buildings, homes and roof faces of the invented neighbourhood, each with its exact shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from kansenkaart.sources.example import layout
from kansenkaart.sources.example.model import Body, Floats, Home, Pand, Point, ground_level
from kansenkaart.sources.example.town import Plan, Way

RING_BOUWJAAR = 2019
FARM_COUNT = 5
FARM_SPACING_M = 42.0
PLACEHOLDER_YEAR = 1005
#: One house in so many has two homes behind its door.
TWO_DOORS_EVERY = 61


@dataclass(frozen=True)
class Face:
    """One plane of a roof: its corners in x, y, z [m], tilt and azimuth [deg] and true area [m2]."""

    corners: Floats
    tilt_deg: float
    azimuth_deg: float
    area_m2: float


def roof_faces(body: Body) -> list[Face]:
    """Return the planes of one roof, without dormers and chimneys.

    Parameters
    ----------
    body : Body
        What is under the roof.
    """
    half_l, half_w = body.length_m / 2, body.width_m / 2
    low, high = body.ground_m + body.eave_m, body.ridge_height_m
    cos = math.cos(math.radians(body.tilt_deg))
    down = (-body.angle_deg - 180.0) % 360.0
    end = half_l - half_w if body.roof == "hip" else half_l
    if body.roof in ("gable", "hip"):
        area = (half_l + end) * half_w / cos
        planes = [
            ([(-half_l, -half_w, low), (half_l, -half_w, low), (end, 0, high), (-end, 0, high)], down, area),
            ([(half_l, half_w, low), (-half_l, half_w, low), (-end, 0, high), (end, 0, high)], down + 180.0, area),
        ]
        if body.roof == "hip":
            east = [(half_l, -half_w, low), (half_l, half_w, low), (end, 0, high)]
            west = [(-half_l, half_w, low), (-half_l, -half_w, low), (-end, 0, high)]
            planes += [(east, down - 90.0, half_w**2 / cos), (west, down + 90.0, half_w**2 / cos)]
        return [Face(_face(body, ring), body.tilt_deg, azimuth % 360.0, area) for ring, azimuth, area in planes]
    ring = [(-half_l, -half_w, low), (half_l, -half_w, low), (half_l, half_w, high), (-half_l, half_w, high)]
    azimuth = math.nan if body.roof == "flat" else down
    return [Face(_face(body, ring), body.tilt_deg, azimuth, body.length_m * body.width_m / cos)]


def _face(body: Body, corners: list[tuple[float, float, float]]) -> Floats:
    local = np.array(corners, dtype=float)
    return np.column_stack([body.place(local[:, :2]), np.round(local[:, 2], 3)])


def _row_panden(row: layout.Row, first: int) -> list[Pand]:
    quarter = layout.quarter(row.street[:2])
    v0 = layout.LANE_V_M[int(row.street[-1])]
    v_front = v0 + row.side * (layout.STREET_WIDTH_M / 2 + row.setback_m)
    v_mid = v_front + row.side * row.depth_m / 2
    along, across = (row.depth_m, row.width_m) if row.across else (row.width_m, row.depth_m)
    out = []
    for i in range(row.count):
        u = row.start_u_m + (i + 0.5) * row.width_m + (i // row.group) * row.gap_m
        centre = quarter.to_plan(u, v_mid)
        out.append(
            Pand(
                number=first + i,
                street=row.street,
                quarter=quarter.key,
                centre=centre,
                angle_deg=quarter.angle_deg + 90.0 * row.across,
                length_m=along,
                width_m=across,
                roof=row.roof,
                tilt_deg=row.tilt_deg,
                ground_m=ground_level(centre[0]),
                eave_m=row.eave_m,
                bouwjaar=row.bouwjaar,
                owner=row.owner,
                use=row.use,
                floors=row.floors,
                homes_per_floor=row.homes_per_floor,
                front=quarter.to_plan(u, v_front + row.side),
                marks=row.marks,
            )
        )
    return out


def _ring_panden(first: int) -> list[Pand]:
    quarter = layout.quarter("03")
    u0, v0 = layout.RING_U_V_M
    out: list[Pand] = []
    for i in range(layout.RING_HOUSES):
        turn = 360.0 * i / layout.RING_HOUSES - 90.0
        if i == 0:
            continue
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        r = layout.RING_HOUSE_RADIUS_M
        centre = quarter.to_plan(u0 + r * c, v0 + r * s)
        front = quarter.to_plan(u0 + (r - 2.0) * c, v0 + (r - 2.0) * s)
        pand = Pand(
            number=first + len(out),
            street="03-r",
            quarter="03",
            centre=centre,
            angle_deg=quarter.angle_deg + turn + 90.0,
            length_m=6.0,
            width_m=6.0,
            roof="shed",
            tilt_deg=15.0,
            ground_m=ground_level(centre[0]),
            eave_m=5.5,
            bouwjaar=RING_BOUWJAAR,
            owner="eigenaar-bewoner",
            front=front,
        )
        out.append(pand)
    return out


def _farm_panden(first: int) -> list[Pand]:
    out = []
    for i in range(FARM_COUNT):
        centre = (layout.OUTER_X_M[0] + 20.0 + FARM_SPACING_M * i, layout.OUTER_Y_M + 14.0)
        out.append(
            Pand(
                number=first + i,
                street="04-b",
                quarter="04",
                centre=centre,
                angle_deg=90.0 * (i % 2),
                length_m=12.0,
                width_m=9.0,
                roof="gable",
                tilt_deg=45.0,
                ground_m=ground_level(centre[0]),
                eave_m=3.0,
                bouwjaar=1912,
                owner="eigenaar-bewoner",
                front=(centre[0], centre[1] - 3.0),
                marks=frozenset({"bare"}),
            )
        )
    return out


def panden() -> list[Pand]:
    """All buildings, with the odd ones of real registers: placeholder years, not yet built, demolished."""
    out: list[Pand] = []
    for row in layout.rows():
        out.extend(_row_panden(row, len(out)))
    out.extend(_ring_panden(len(out)))
    out.extend(_farm_panden(len(out)))
    return [_odd(pand, out) for pand in out]


def _odd(pand: Pand, everything: list[Pand]) -> Pand:
    position = pand.number - next(p.number for p in everything if p.street == pand.street)
    changes: dict[str, Any] = {}
    if pand.street == "02-0" and position == 3:
        changes["bouwjaar"] = PLACEHOLDER_YEAR
    if pand.street == "03-2" and position == 21:
        changes["status"] = "Bouw gestart"
    if pand.street == "02-2" and position == 39:
        changes["status"] = "Pand gesloopt"
    return replace(pand, **changes)


def _point_in(pand: Pand, share: float) -> Point:
    """Return a place inside the pand near its front, at a share of its length along the street."""
    quarter = layout.quarter(pand.quarter)
    along = pand.length_m if abs(pand.angle_deg - quarter.angle_deg) < 1.0 else 0.0
    a = math.radians(quarter.angle_deg)
    shift = (share - 0.5) * along
    return (round(pand.front[0] + shift * math.cos(a), 3), round(pand.front[1] + shift * math.sin(a), 3))


def homes(all_panden: list[Pand]) -> list[Home]:
    """All addresses; one pand holds two homes, one home spans two panden, one address is withdrawn.

    Parameters
    ----------
    all_panden : list of Pand
        All buildings of one neighbourhood.
    """
    out: list[Home] = []
    counters: dict[str, int] = {}
    spanned = _spanned(all_panden)
    for pand in all_panden:
        if pand.number == spanned + 1:
            continue
        for i, n in enumerate(_addresses(pand, all_panden)):
            counters[pand.street] = counters.get(pand.street, 0) + 1
            members = (pand.number, pand.number + 1) if pand.number == spanned else (pand.number,)
            out.append(_home(pand, members, len(out), counters[pand.street], (i, n)))
    return out


def _spanned(all_panden: list[Pand]) -> int:
    return next(p.number for p in all_panden if p.street == "02-1") + 10


def _addresses(pand: Pand, all_panden: list[Pand]) -> list[int]:
    total = pand.floors * pand.homes_per_floor
    shared = next(p.number for p in all_panden if p.street == "02-1") + 20
    return [2] * 2 if pand.number == shared else [total] * total


def _home(pand: Pand, members: tuple[int, ...], number: int, house_number: int, turn: tuple[int, int]) -> Home:
    i, n = turn
    share = ((i % pand.homes_per_floor) + 0.5) / pand.homes_per_floor if pand.homes_per_floor > 1 else (i + 0.5) / n
    area = pand.length_m * pand.width_m / pand.homes_per_floor
    storeys = 1.0 if pand.floors > 1 or pand.use != "woonfunctie" else 2.2 / n
    building = pand.status == "Bouw gestart"
    gone = pand.status == "Pand gesloopt"
    status = "Verblijfsobject gevormd" if building else "Verblijfsobject in gebruik"
    return Home(
        number,
        members,
        pand.street,
        pand.quarter,
        house_number,
        "",
        round(area * storeys * len(members)),
        pand.use,
        "Verblijfsobject ingetrokken" if gone else status,
        _point_in(pand, share),
        pand.owner,
    )


def town_homes(panden: list[Pand], plan: Plan) -> list[Home]:
    """Give every building of a town its addresses: odd numbers on one side of the street, even on the other.

    Parameters
    ----------
    panden : list of Pand
        All buildings of the town.
    plan : Plan
        Its streets.
    """
    out: list[Home] = []
    counters: dict[tuple[str, int], int] = {}
    lines: dict[str, list[Way]] = {}
    for way in plan.ways:
        lines.setdefault(way.key, []).append(way)
    for pand in _in_order(panden, lines):
        odd = _is_odd(pand, lines[pand.street])
        total = pand.floors * pand.homes_per_floor
        cut = total == 1 and pand.use == "woonfunctie" and "cluster" not in pand.marks
        count = 2 if cut and pand.number % TWO_DOORS_EVERY == 0 else total
        for i in range(count):
            number = counters.get((pand.street, odd), odd - 2 if odd else 0) + 2
            counters[pand.street, odd] = number
            out.append(_town_home(pand, (len(out), number), (i, count), plan.streets[pand.street][0]))
    return out


def _in_order(panden: list[Pand], lines: dict[str, list[Way]]) -> list[Pand]:
    """Sort buildings by street, and along it."""

    def along(pand: Pand) -> tuple[str, float, int]:
        here = shapely.Point(pand.front)
        n, way = min(enumerate(lines[pand.street]), key=lambda one: one[1].line.distance(here))
        return (pand.street, n * 1e5 + way.line.project(here), pand.number)

    return sorted((pand for pand in panden if pand.homes_per_floor), key=along)


def _is_odd(pand: Pand, ways: list[Way]) -> int:
    """Return 1 to the left of the street and 0 to its right."""
    here = shapely.Point(pand.front)
    line = min((way.line for way in ways), key=lambda line: line.distance(here))
    at = line.project(here)
    (x0, y0), (x1, y1) = (line.interpolate(max(0.0, min(at + d, line.length))).coords[0] for d in (-1.0, 1.0))
    return int((x1 - x0) * (here.y - y0) - (y1 - y0) * (here.x - x0) > 0)


def _town_home(pand: Pand, numbers: tuple[int, int], turn: tuple[int, int], street: int) -> Home:
    number, house_number = numbers
    i, count = turn
    per_floor = max(pand.homes_per_floor, count if pand.floors == 1 else 1)
    share = ((i % per_floor) + 0.5) / per_floor
    a = math.radians(pand.angle_deg)
    reach = (share - 0.5) * pand.length_m * 0.94 if per_floor > 1 else 0.0
    base = pand.centre if per_floor > 1 else pand.front
    x, y = round(base[0] + reach * math.cos(a), 3), round(base[1] + reach * math.sin(a), 3)
    area = pand.length_m * pand.width_m / per_floor + sum(b.length_m * b.width_m for b in pand.annexes) / count
    storeys = 1.0 if pand.floors > 1 or pand.use != "woonfunctie" else 1.0 + min(1.4, pand.eave_m / 5.5)
    status = {"Bouw gestart": "Verblijfsobject gevormd", "Pand gesloopt": "Verblijfsobject ingetrokken"}
    return Home(
        number,
        (pand.number,),
        pand.street,
        pand.quarter,
        house_number,
        "",
        max(18, round(area * storeys * (0.82 if pand.floors > 1 else 0.9))),
        pand.use,
        status.get(pand.status, "Verblijfsobject in gebruik"),
        (x, y),
        pand.owner,
        "ABCDEGHJKLMNPRSTVWXZ"[street // 20 % 20] + "ABCDEGHJKLMNPRSTVWXZ"[street % 20],
    )
