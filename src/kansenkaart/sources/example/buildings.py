"""Buildings, homes and roof faces of the invented neighbourhood, each with its exact shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kansenkaart.sources.example import layout

Floats = npt.NDArray[np.float64]

RING_BOUWJAAR = 2019
FARM_COUNT = 5
FARM_SPACING_M = 42.0
PLACEHOLDER_YEAR = 1005
STATUS_IN_USE = "Pand in gebruik"


@dataclass(frozen=True)
class Face:
    """One plane of a roof: its corners in x, y, z [m], tilt and azimuth [deg] and true area [m2]."""

    corners: Floats
    tilt_deg: float
    azimuth_deg: float
    area_m2: float


@dataclass(frozen=True)
class Pand:
    """One building: a rectangle ``length`` by ``width`` [m] whose ridge runs along ``angle`` [deg from east]."""

    number: int
    street: str
    quarter: str
    centre: layout.Point
    angle_deg: float
    length_m: float
    width_m: float
    roof: str
    tilt_deg: float
    ground_m: float
    eave_m: float
    bouwjaar: int
    status: str
    owner: str
    use: str
    floors: int
    homes_per_floor: int
    front: layout.Point
    marks: frozenset[str] = field(default_factory=frozenset)

    @property
    def footprint(self) -> Floats:
        """Corners of the footprint, anticlockwise, x and y [m]."""
        half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (self.length_m / 2, self.width_m / 2)
        return place(half, self)

    @property
    def ridge_height_m(self) -> float:
        """Height of the highest point of the roof above NAP [m]."""
        rise = {"gable": self.width_m / 2, "shed": self.width_m, "flat": 0.0}[self.roof]
        return self.ground_m + self.eave_m + rise * math.tan(math.radians(self.tilt_deg))


@dataclass(frozen=True)
class Home:
    """One address: number within the whole, its pand (or two), street, house number and place."""

    number: int
    panden: tuple[int, ...]
    street: str
    quarter: str
    house_number: int
    suffix: str
    floor_area_m2: int
    use: str
    status: str
    point: layout.Point
    owner: str


def ground_level(x: float) -> float:
    """Ground level [m NAP]: 1.0 m in the west, rising 0.8 mm per metre to the east.

    Parameters
    ----------
    x : float
        Place from west to east in the plan [m].
    """
    return round(1.0 + 0.0008 * x, 3)


def place(local: Floats, pand: Pand) -> Floats:
    """Turn coordinates along and across the ridge [m] into x and y [m].

    Parameters
    ----------
    local : array of float
        Along and across the ridge [m].
    pand : Pand
        The building.
    """
    a = math.radians(pand.angle_deg)
    turn = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    return np.asarray(np.round(local @ turn + np.array(pand.centre), 3), dtype=np.float64)


def roof_faces(pand: Pand) -> list[Face]:
    """Return the planes of the roof, without dormers and chimneys.

    Parameters
    ----------
    pand : Pand
        The building.
    """
    half_l, half_w = pand.length_m / 2, pand.width_m / 2
    low, high = pand.ground_m + pand.eave_m, pand.ridge_height_m
    tilt = math.radians(pand.tilt_deg)
    down = (-pand.angle_deg - 180.0) % 360.0
    if pand.roof == "gable":
        south = _face(pand, [(-half_l, -half_w, low), (half_l, -half_w, low), (half_l, 0, high), (-half_l, 0, high)])
        north = _face(pand, [(half_l, half_w, low), (-half_l, half_w, low), (-half_l, 0, high), (half_l, 0, high)])
        area = pand.length_m * half_w / math.cos(tilt)
        return [
            Face(south, pand.tilt_deg, down, area),
            Face(north, pand.tilt_deg, (down + 180.0) % 360.0, area),
        ]
    ring = [(-half_l, -half_w, low), (half_l, -half_w, low), (half_l, half_w, high), (-half_l, half_w, high)]
    azimuth = math.nan if pand.roof == "flat" else down
    return [Face(_face(pand, ring), pand.tilt_deg, azimuth, pand.length_m * pand.width_m / math.cos(tilt))]


def _face(pand: Pand, corners: list[tuple[float, float, float]]) -> Floats:
    local = np.array(corners)
    return np.column_stack([place(local[:, :2], pand), np.round(local[:, 2], 3)])


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
                first + i,
                row.street,
                quarter.key,
                centre,
                quarter.angle_deg + 90.0 * row.across,
                along,
                across,
                row.roof,
                row.tilt_deg,
                ground_level(centre[0]),
                row.eave_m,
                row.bouwjaar,
                STATUS_IN_USE,
                row.owner,
                row.use,
                row.floors,
                row.homes_per_floor,
                quarter.to_plan(u, v_front + row.side),
                row.marks,
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
            first + len(out),
            "03-r",
            "03",
            centre,
            quarter.angle_deg + turn + 90.0,
            6.0,
            6.0,
            "shed",
            15.0,
            ground_level(centre[0]),
            5.5,
            RING_BOUWJAAR,
            STATUS_IN_USE,
            "eigenaar-bewoner",
            "woonfunctie",
            1,
            1,
            front,
        )
        out.append(pand)
    return out


def _farm_panden(first: int) -> list[Pand]:
    out = []
    for i in range(FARM_COUNT):
        centre = (layout.OUTER_X_M[0] + 20.0 + FARM_SPACING_M * i, layout.OUTER_Y_M + 14.0)
        out.append(
            Pand(
                first + i,
                "04-b",
                "04",
                centre,
                90.0 * (i % 2),
                12.0,
                9.0,
                "gable",
                45.0,
                ground_level(centre[0]),
                3.0,
                1912,
                STATUS_IN_USE,
                "eigenaar-bewoner",
                "woonfunctie",
                1,
                1,
                (centre[0], centre[1] - 3.0),
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
    changes: dict[str, object] = {}
    if pand.street == "02-0" and position == 3:
        changes["bouwjaar"] = PLACEHOLDER_YEAR
    if pand.street == "03-2" and position == 21:
        changes["status"] = "Bouw gestart"
    if pand.street == "02-2" and position == 39:
        changes["status"] = "Pand gesloopt"
    return Pand(**(pand.__dict__ | changes)) if changes else pand


def _point_in(pand: Pand, share: float) -> layout.Point:
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
