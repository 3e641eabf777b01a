"""What an invented place is made of: bodies, panden, homes, ground, trees, sewers and areas, and what they are called.

Everything lies in metres in the frame of one place (x to the east, y to the north); a world is one place, or several
side by side. The writers know these types only, whoever designed the place.
"""

from __future__ import annotations

import math
import string
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]
Line = tuple[Point, ...]
Value = float | int | str | None

MUNICIPALITY_NAME = "Voorbeeldstad"
STATUS_IN_USE = "Pand in gebruik"
_TWO_DIGITS, _SIGNS = 100, string.digits + string.ascii_uppercase


def turned(local: Any, angle_deg: float, centre: Point) -> Floats:
    """Turn coordinates along and across a direction [deg from east] into x and y around a place, to the millimetre [m]."""
    a = math.radians(angle_deg)
    turn = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    return np.asarray(np.round(np.asarray(local, dtype=float) @ turn + np.array(centre), 3))


def place_at(centre: Point, angle_deg: float, along: float, across: float) -> Point:
    """Return the place so far along and across a direction [deg from east] from another [m]."""
    x, y = turned((along, across), angle_deg, centre)
    return float(x), float(y)


@dataclass(frozen=True)
class Body:
    """A rectangle ``length`` by ``width`` [m] under one roof, whose ridge runs along ``angle`` [deg from east].

    A roof is ``gable``, ``hip``, ``half hip`` (at the end that the ridge points to), ``shed`` or ``flat``.
    """

    centre: Point
    angle_deg: float
    length_m: float
    width_m: float
    roof: str
    tilt_deg: float
    ground_m: float
    eave_m: float

    @property
    def footprint(self) -> Floats:
        """Corners of the footprint, anticlockwise, x and y [m]."""
        half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (self.length_m / 2, self.width_m / 2)
        return self.place(half)

    @property
    def ridge_height_m(self) -> float:
        """Height of the highest point of the roof above NAP [m]."""
        rise = {"shed": self.width_m, "flat": 0.0}.get(self.roof, self.width_m / 2)
        return self.ground_m + self.eave_m + rise * math.tan(math.radians(self.tilt_deg))

    def place(self, local: Floats) -> Floats:
        """Turn coordinates along and across the ridge [m] into x and y [m]."""
        return turned(local, self.angle_deg, self.centre)


@dataclass(frozen=True, kw_only=True)
class Pand(Body):
    """One building: its main body, and what is built against it (``annexes``)."""

    number: int
    street: str
    quarter: str
    bouwjaar: int
    status: str = STATUS_IN_USE
    owner: str = ""
    use: str = "woonfunctie"
    floors: int = 1
    homes_per_floor: int = 1
    front: Point = (0.0, 0.0)
    marks: frozenset[str] = field(default_factory=frozenset)
    annexes: tuple[Body, ...] = ()

    @property
    def bodies(self) -> tuple[Body, ...]:
        """The main body and its annexes."""
        return (self, *self.annexes)

    @cached_property
    def outline(self) -> BaseGeometry:
        """The footprint of all bodies together."""
        shapes = [Polygon(one.footprint) for one in self.bodies]
        return shapes[0] if len(shapes) == 1 else shapely.union_all(shapes, grid_size=0.001)


@dataclass(frozen=True)
class Home:
    """One address: number within the whole, its pand (or two), street, house number and place."""

    number: int
    panden: tuple[int, ...]
    street: str
    quarter: str
    house_number: int
    floor_area_m2: int
    use: str
    status: str
    point: Point
    owner: str
    letters: str = "VB"

    @property
    def in_use(self) -> bool:
        """Whether it is a home in use."""
        return self.use == "woonfunctie" and self.status == "Verblijfsobject in gebruik"


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

    point: Point
    radius_m: float
    height_m: float
    overhang: bool = False


@dataclass(frozen=True)
class Node:
    """One manhole or work: its place, kind and ground level [m NAP]."""

    key: str
    kind: str
    point: Point
    ground_m: float


@dataclass(frozen=True)
class Pipe:
    """One pipe from ``start`` to ``end`` in the direction of flow, with its design."""

    number: int
    kind: str
    system: str
    start: str
    end: str
    line: Line
    street: str
    role: str
    year: int
    diameter_mm: int = 0
    material: str = "PVC"
    bob_start_m: float = math.nan
    bob_end_m: float = math.nan
    homes_upstream: int = 0
    people_upstream: float = 0.0

    @property
    def length_m(self) -> float:
        """Length of the pipe [m]."""
        return float(sum(math.dist(a, b) for a, b in pairwise(self.line)))


@dataclass(frozen=True)
class Network:
    """Pipes, nodes and the pipe number that each home (by its number) drains to."""

    pipes: list[Pipe]
    nodes: dict[str, Node]
    home_pipe: dict[int, int]


@dataclass(frozen=True)
class Buurt:
    """One buurt: its two digits, name, wijk within the place, outline, household size [person] and invented figures.

    The figures are WOZ [1,000 euro], share older than ten years [%], power [kWh], gas [m3], district heat [%], homes
    with solar power [%], income [1,000 euro] and share aged 65 and over [1]; None where nothing is published.
    """

    key: str
    name: str
    wijk: int
    outline: BaseGeometry
    household_size_persons: float
    figures: tuple[Value, ...]


@dataclass(frozen=True)
class Model:
    """Everything that stands, lies or flows in one place, in its own frame [m].

    ``cluster`` holds the numbers of the homes of its area like the first wijkbedrijf's: one large owner, renovation due;
    ``unpublished`` the pipes that the sewer register lacks, ``misread`` those with levels a metre sign wrong, and ``recoded`` the
    digits that a buurt had in the older statistics.
    """

    panden: list[Pand]
    homes: list[Home]
    parts: list[Part]
    trees: list[Tree]
    network: Network
    buurten: tuple[Buurt, ...]
    wijken: tuple[str, ...]
    streets: dict[str, tuple[int, str]]
    cluster: frozenset[int] = frozenset()
    unpublished: frozenset[int] = frozenset()
    misread: frozenset[int] = frozenset()
    recoded: dict[str, str] = field(default_factory=dict)
    boats: tuple[Body, ...] = ()


@dataclass(frozen=True)
class World:
    """One place or several side by side in a grid, each ``width`` by ``height`` [m], and what they are called.

    Identifiers are shaped as the registers shape theirs; municipality 9999 does not exist.
    """

    models: tuple[Model, ...]
    width_m: float
    height_m: float
    origin_rd_m: Point
    sheets: int = 1
    rough: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and rows of the grid [1]."""
        columns = math.ceil(math.sqrt(len(self.models)))
        return columns, math.ceil(len(self.models) / columns)

    def origin(self, copy: int) -> Floats:
        """South-west corner of a place, by its number from 0, in RD New [m]."""
        columns, _ = self.shape
        x0, y0 = self.origin_rd_m
        return np.array([x0 + self.width_m * (copy % columns), y0 + self.height_m * (copy // columns)])

    def wijkcode(self, copy: int, wijk: int = 0) -> str:
        """Code of a wijk by its number within its place: two digits, beyond them a letter and a digit or letter, as CBS does."""
        number = copy * len(self.models[0].wijken) + wijk
        if number < _TWO_DIGITS:
            return f"WK9999{number:02d}"
        first, second = divmod(number - _TWO_DIGITS, len(_SIGNS))
        return f"WK9999{_SIGNS[10 + first]}{_SIGNS[second]}"

    def buurtcode(self, copy: int, key: str) -> str:
        """Code of a buurt: the municipality, the wijk, its two digits."""
        wijk = next(one.wijk for one in self.models[copy].buurten if one.key == key)
        return f"BU{self.wijkcode(copy, wijk)[2:]}{key}"

    def street_name(self, copy: int, key: str) -> str:
        """Name of a street by its key in the plan."""
        return numbered(self.models[copy].streets[key][1], copy)

    def street_id(self, copy: int, key: str) -> str:
        """Identification of a street by its key in the plan."""
        return identifier("street", copy, self.models[copy].streets[key][0])


#: As registers shape theirs: municipality, object type (BAG: 30 openbare ruimte, 10 pand, 01, 02 ligplaats), place, number.
BAG_TYPES = {"street": "999930", "pand": "999910", "home": "999901", "boat": "999902"}
IDENTIFIERS = {"pipe": "vb{:02d}-L{:04d}", "node": "vb{:02d}-{}"} | {
    k: v + "{:04d}{:06d}" for k, v in BAG_TYPES.items()
}


def identifier(kind: str, copy: int, number: int | str) -> str:
    """Write what a register would call something, by its place (from 0) and its number within it; of a node its key."""
    return IDENTIFIERS[kind].format(copy, number)


def numbered(name: str, copy: int) -> str:
    """Give a name; in places beyond the first with the number of the place."""
    return name + (f" {copy + 1}" if copy else "")


def ground_level(x: float) -> float:
    """Ground level [m NAP]: 1.0 m in the west, rising 0.8 mm per metre to the east [m]."""
    return round(1.0 + 0.0008 * x, 3)
