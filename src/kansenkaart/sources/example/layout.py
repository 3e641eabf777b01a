"""The plan of the invented neighbourhood: four quarters, their streets, the rows of buildings, and what all is called.

Everything is in metres in the frame of one neighbourhood (x to the east, y to the north); nothing here is a
measurement. A main road runs from west to east, a canal from south to north, and each quarter has its own
direction, so that roofs look at many points of the compass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from shapely.geometry import Polygon, box

from kansenkaart.sources.example.model import Buurt, Home, Line, Network, Point, Value
from kansenkaart.sources.example.sewer import Builder, densify, designed, shift

PITCH_X_M = 640.0
PITCH_Y_M = 580.0
MAIN_Y_M = 270.0
CANAL_X_M = 320.0
CANAL_WIDTH_M = 14.0
ROAD_WIDTH_M = 5.5
STREET_WIDTH_M = 12.0
MAIN_WIDTH_M = 14.0
LANE_V_M = (-70.0, 0.0, 70.0)
LANE_U_M = 122.0
ORIGIN_RD_M = (190000.0, 560000.0)
OFFSETS_M = {"vuilwater": 0.0, "gemengd": 0.0, "hemelwater": 1.5}
MAIN_OFFSETS_M = {"vuilwater": 0.0, "gemengd": -2.0}
EXIT_X_M = 638.0


@dataclass(frozen=True)
class Quarter:
    """One buurt: its name, the middle and direction of its plan, its people and its sewer."""

    key: str
    name: str
    centre: Point
    angle_deg: float
    collector_u_m: float
    household_size_persons: float
    sewer: str
    sewer_year: int

    def to_plan(self, u: float, v: float) -> Point:
        """Turn a place along (u) and across (v) the streets into x and y [m].

        Parameters
        ----------
        u : float
            Along the streets [m].
        v : float
            Across the streets [m].
        """
        a = math.radians(self.angle_deg)
        x = self.centre[0] + u * math.cos(a) - v * math.sin(a)
        y = self.centre[1] + u * math.sin(a) + v * math.cos(a)
        return (x, y)


@dataclass(frozen=True)
class Street:
    """One named street: its line from the far end to where its sewer leaves it."""

    key: str
    name: str
    quarter: str
    line: Line
    role: str = "lane"


@dataclass(frozen=True)
class Row:
    """Buildings side by side along one side of a lane.

    ``side`` is 1 to the left (v up) and -1 to the right of the lane; ``across`` turns the ridge away from the lane.
    """

    street: str
    side: int
    start_u_m: float
    count: int
    width_m: float
    depth_m: float
    roof: str
    tilt_deg: float
    eave_m: float
    bouwjaar: int
    owner: str
    setback_m: float = 4.0
    across: bool = False
    gap_m: float = 0.0
    group: int = 1
    floors: int = 1
    homes_per_floor: int = 1
    use: str = "woonfunctie"
    marks: frozenset[str] = field(default_factory=frozenset)


QUARTERS: tuple[Quarter, ...] = (
    Quarter("01", "Galerijbuurt (voorbeeld)", (158.0, 132.0), 4.0, LANE_U_M, 1.8, "gescheiden", 1969),
    Quarter("02", "Oude Buurt (voorbeeld)", (482.0, 132.0), -8.0, -LANE_U_M, 2.1, "gemengd", 1934),
    Quarter("03", "Nieuwe Buurt (voorbeeld)", (158.0, 408.0), 0.0, LANE_U_M, 2.6, "gescheiden", 2008),
    Quarter("04", "Parkbuurt (voorbeeld)", (482.0, 408.0), 7.0, -LANE_U_M, 2.2, "verbeterd_gescheiden", 1982),
)

LANE_NAMES = {
    "01": ("Galerijpad", "Passerlaan", "Liniaalstraat"),
    "02": ("Potloodstraat", "Gumstraat", "Inktpotlaan"),
    "03": ("Schetsweg", "Maquettelaan", "Ontwerpstraat"),
    "04": ("Palethof", "Penseelstraat", "Ezelplein"),
}
COLLECTOR_NAMES = {"01": "Tekenhaakweg", "02": "Kalkeerweg", "03": "Blauwdrukweg", "04": "Lijstweg"}
MAIN_NAME = "Voorbeeldweg"
OUTER_NAME = "Buitenproefweg"
RING_NAME = "Rondeel"
RING_U_V_M = (-126.0 + 5.0 * 248.0 / 6.0, 35.0)  # at a manhole of its lane
RING_RADIUS_M = 9.0
RING_HOUSE_RADIUS_M = 21.0
RING_HOUSES = 16
RING_SIDES = 24
OUTER_Y_M = 556.0
OUTER_X_M = (360.0, 600.0)
GEMAAL_X_M = 622.0


def quarter(key: str) -> Quarter:
    """Find a quarter by its two digits.

    Parameters
    ----------
    key : str
        ``01`` to ``04``.
    """
    return next(q for q in QUARTERS if q.key == key)


def _lanes(q: Quarter) -> list[Street]:
    sign = math.copysign(1.0, q.collector_u_m)
    lanes = []
    for number, v in enumerate(LANE_V_M):
        line = (q.to_plan(-sign * (LANE_U_M + 4.0), v), q.to_plan(q.collector_u_m, v))
        lanes.append(Street(f"{q.key}-{number}", LANE_NAMES[q.key][number], q.key, line))
    return lanes


def _collector(q: Quarter) -> Street:
    to_road = 1.0 if q.centre[1] < MAIN_Y_M else -1.0
    stops = [q.to_plan(q.collector_u_m, to_road * v) for v in (-70.0, 0.0, 70.0, 100.0)]
    line = (*stops, (stops[-1][0], MAIN_Y_M))
    return Street(f"{q.key}-c", COLLECTOR_NAMES[q.key], q.key, line, "collector")


def ring_line() -> Line:
    """Draw the round street of the new quarter: around the little park, then out to its lane."""
    q = quarter("03")
    u0, v0 = RING_U_V_M
    turns = [2.0 * math.pi * i / RING_SIDES - math.pi / 2.0 for i in range(RING_SIDES - 1, -1, -1)]
    ring = [q.to_plan(u0 + RING_RADIUS_M * math.cos(t), v0 + RING_RADIUS_M * math.sin(t)) for t in turns]
    return (*ring, q.to_plan(u0, 0.0))


def streets() -> list[Street]:
    """All streets; the main road first, then collectors, lanes, the ring and the outer road."""
    main = Street("m", MAIN_NAME, "", ((0.0, MAIN_Y_M), (PITCH_X_M, MAIN_Y_M)), "main")
    out = [main, *(_collector(q) for q in QUARTERS)]
    for q in QUARTERS:
        out.extend(_lanes(q))
    out.append(Street("03-r", RING_NAME, "03", ring_line(), "ring"))
    outer = ((OUTER_X_M[1], OUTER_Y_M), (OUTER_X_M[0], OUTER_Y_M))
    out.append(Street("04-b", OUTER_NAME, "04", outer, "outer"))
    for number, (west, east) in enumerate((("01", "02"), ("03", "04"))):
        line = (quarter(west).to_plan(LANE_U_M, 0.0), quarter(east).to_plan(-LANE_U_M, 0.0))
        out.append(Street(f"p{number}", ("Zuiderbrugpad", "Noorderbrugpad")[number], "", line, "path"))
    return out


def _terrace(street: str, side: int, **changes: object) -> Row:
    base: dict[str, object] = {
        "street": street,
        "side": side,
        "start_u_m": -112.0,
        "count": 38,
        "width_m": 5.4,
        "depth_m": 9.6,
        "roof": "gable",
        "tilt_deg": 35.0,
        "eave_m": 5.6,
        "bouwjaar": 1969,
        "owner": "eigenaar-bewoner",
    }
    return Row(**(base | changes))  # type: ignore[arg-type]


def _gallery_rows() -> list[Row]:
    corporation = "corporatie Voorbeeldwonen"
    flat = {
        "roof": "flat",
        "tilt_deg": 0.0,
        "depth_m": 12.0,
        "count": 1,
        "setback_m": 8.0,
        "owner": corporation,
    }
    return [
        _terrace("01-0", -1, **flat, start_u_m=-110.0, width_m=90.0, eave_m=24.0, floors=8, homes_per_floor=12),
        _terrace("01-0", 1, **flat, start_u_m=0.0, width_m=91.0, eave_m=21.0, floors=7, homes_per_floor=14),
        _terrace(
            "01-0",
            1,
            **(flat | {"owner": "gemeente"}),
            start_u_m=-100.0,
            width_m=48.0,
            eave_m=6.5,
            use="onderwijsfunctie",
        ),
        _terrace("01-1", 1, count=34, owner=corporation, tilt_deg=30.0),
        _terrace("01-1", -1, count=34, owner=corporation, tilt_deg=30.0),
        _terrace("01-2", -1, count=27, owner=corporation),
        _terrace("01-2", 1, count=41, marks=frozenset({"dormers"})),
    ]


def _old_rows() -> list[Row]:
    old = {"start_u_m": -100.0, "width_m": 5.2, "depth_m": 9.0, "tilt_deg": 50.0, "bouwjaar": 1934}
    trees = frozenset({"trees"})
    return [
        _terrace("02-0", -1, **old, count=40),
        _terrace("02-0", 1, **old, count=40, marks=trees),
        _terrace("02-1", -1, **(old | {"tilt_deg": 45.0, "bouwjaar": 1928}), count=40, marks=frozenset({"dormers"})),
        _terrace("02-1", 1, **(old | {"tilt_deg": 45.0, "bouwjaar": 1928}), count=40),
        _terrace("02-2", -1, **(old | {"tilt_deg": 45.0}), count=40, across=True),
        _terrace("02-2", 1, **(old | {"tilt_deg": 45.0}), count=36, across=True, marks=trees),
    ]


def _new_rows() -> list[Row]:
    new = {"bouwjaar": 2008, "tilt_deg": 30.0}
    flat = {"roof": "flat", "tilt_deg": 0.0, "bouwjaar": 2015, "eave_m": 8.6}
    return [
        _terrace("03-0", -1, **new),
        _terrace("03-0", 1, **new),
        _terrace("03-1", -1, **flat),
        _terrace("03-1", 1, **flat, count=22),
        _terrace("03-2", -1, bouwjaar=2008, roof="shed", tilt_deg=15.0, count=22),
        _terrace("03-2", 1, bouwjaar=2012, tilt_deg=35.0),
    ]


def _park_rows() -> list[Row]:
    semi = {"group": 2, "gap_m": 4.5, "count": 24, "width_m": 6.6, "bouwjaar": 1982, "start_u_m": -104.0}
    flat = {"roof": "flat", "tilt_deg": 0.0, "count": 1, "setback_m": 7.0, "bouwjaar": 1982}
    return [
        _terrace("04-0", -1, **semi),
        _terrace("04-0", 1, **semi, marks=frozenset({"trees"})),
        _terrace("04-1", -1, bouwjaar=1982, tilt_deg=30.0, start_u_m=-100.0),
        _terrace("04-1", 1, bouwjaar=1982, tilt_deg=30.0, start_u_m=-100.0, marks=frozenset({"dormers"})),
        _terrace(
            "04-2",
            1,
            **flat,
            start_u_m=-100.0,
            width_m=84.0,
            depth_m=11.0,
            eave_m=12.0,
            floors=4,
            homes_per_floor=12,
            owner="corporatie Voorbeeldwonen",
        ),
        _terrace(
            "04-2",
            1,
            **flat,
            start_u_m=10.0,
            width_m=26.0,
            depth_m=14.0,
            eave_m=4.5,
            use="winkelfunctie",
            owner="ondernemer",
        ),
        _terrace(
            "04-2",
            -1,
            **flat,
            start_u_m=-75.0,
            width_m=18.0,
            depth_m=18.0,
            eave_m=45.0,
            floors=15,
            homes_per_floor=4,
            owner="vereniging van eigenaren",
            marks=frozenset({"tower"}),
        ),
        _terrace("04-2", -1, bouwjaar=1982, start_u_m=-20.0, count=22),
    ]


def rows() -> list[Row]:
    """All rows of buildings, quarter by quarter."""
    return [*_gallery_rows(), *_old_rows(), *_new_rows(), *_park_rows()]


STREETS = {street.key: (n, street.name) for n, street in enumerate(streets())}
# Invented per quarter: WOZ, older than ten years, kWh, m3, district heat, solar, income, aged 65 and over (share)
FIGURES: dict[str, tuple[Value, ...]] = {
    "01": (198, 100, 2010, 780, 0.0, 9, 24.1, 0.31),
    "02": (287, 100, 2480, 1290, None, 21, 29.4, 0.17),
    "03": (412, 74, 2960, None, 38.5, 62, 36.8, 0.08),
    "04": (316, 100, 2540, 1010, 0.0, 33, 31.2, 0.21),
}


def _quarter_box(key: str) -> Polygon:
    west, south = key in ("01", "03"), key in ("01", "02")
    x = (0.0, CANAL_X_M) if west else (CANAL_X_M, PITCH_X_M)
    y = (0.0, MAIN_Y_M) if south else (MAIN_Y_M, PITCH_Y_M)
    return box(x[0], y[0], x[1], y[1])


def buurten() -> tuple[Buurt, ...]:
    """Return the quarters as areas of the statistics."""
    return tuple(
        Buurt(q.key, q.name, 0, _quarter_box(q.key), q.household_size_persons, FIGURES[q.key]) for q in QUARTERS
    )


def _main_stops(medium: str) -> Line:
    y = MAIN_Y_M + MAIN_OFFSETS_M[medium]
    keys = ("01", "03", "04") if medium == "vuilwater" else ("02",)
    ends = sorted({round(s.line[-1][0], 2) for s in streets() if s.role == "collector" and s.quarter in keys})
    return (*((x, y) for x in ends), (GEMAAL_X_M, MAIN_Y_M))


def _foul(build: Builder, by_quarter: dict[str, Quarter]) -> None:
    build.node("vuilwater", (GEMAAL_X_M, MAIN_Y_M), "Rioolgemaal")
    main = streets()[0]
    build.chain("vuilwater", "GescheidenStelsel", _main_stops("vuilwater"), main, 1982)
    build.chain("gemengd", "GemengdStelsel", _main_stops("gemengd"), main, 1934)
    for street in streets():
        if street.role not in ("collector", "lane", "ring"):
            continue
        q = by_quarter[street.quarter]
        medium = "gemengd" if q.sewer == "gemengd" else "vuilwater"
        line = street.line
        if medium == "gemengd" and street.role == "collector":
            line = (*line[:-1], (line[-1][0], MAIN_Y_M + MAIN_OFFSETS_M["gemengd"]))
        build.chain(medium, _system(q), line, street, q.sewer_year)


def _system(q: Quarter) -> str:
    return {"gemengd": "GemengdStelsel", "gescheiden": "GescheidenStelsel"}.get(q.sewer, "VerbeterdGescheidenStelsel")


def _rain(build: Builder, by_quarter: dict[str, Quarter]) -> None:
    for street in streets():
        if street.role not in ("collector", "lane", "ring") or by_quarter[street.quarter].sewer == "gemengd":
            continue
        q = by_quarter[street.quarter]
        moved = shift(street.line, OFFSETS_M["hemelwater"])
        if street.role == "collector":
            bank = CANAL_X_M + math.copysign(CANAL_WIDTH_M / 2, q.centre[0] - CANAL_X_M)
            end = (moved[-1][0], MAIN_Y_M + math.copysign(5.0, q.centre[1] - MAIN_Y_M))
            moved = (*moved[:-1], end, (bank, end[1]))
            build.node("hemelwater", moved[-1], "Uitlaatconstructie")
        else:
            moved = (*moved[:-1], _rain_joint(street, q))
        build.chain("hemelwater", _system(q), moved, street, q.sewer_year)


def _rain_joint(street: Street, q: Quarter) -> Point:
    target = "03-1" if street.role == "ring" else f"{q.key}-c"
    host = next(s for s in streets() if s.key == target)
    moved = shift(host.line, OFFSETS_M["hemelwater"])
    if street.role != "ring":
        nearest = min(range(len(host.line)), key=lambda i: math.dist(host.line[i], street.line[-1]))
        return moved[nearest]
    return min(densify((*moved[:-1], _rain_joint(host, q))), key=lambda p: math.dist(p, street.line[-1]))


def _extras(build: Builder) -> None:
    """Pressure main, pressure sewer with pump units, a drain and a pipe out of use."""
    by_key = {s.key: s for s in streets()}
    outer = by_key["04-b"]
    rest: list[tuple[str, Line, Street]] = [
        ("Persleiding", ((GEMAAL_X_M, MAIN_Y_M), (EXIT_X_M, MAIN_Y_M)), by_key["m"]),
        ("Drukleiding", (*outer.line, by_key["04-2"].line[-1]), outer),
        ("Drain", ((40.0, 305.0), (120.0, 305.0)), by_key["03-0"]),
        ("LozeLeiding", ((60.0, 274.0), (140.0, 274.0)), by_key["m"]),
    ]
    for kind, line, street in rest:
        medium = {"Persleiding": "vuilwater", "Drukleiding": "vuilwater"}.get(kind, kind)
        first = len(build.pipes)
        build.chain(medium, "Drukriolering" if kind == "Drukleiding" else "", line, street, 1998)
        for i in range(first, len(build.pipes)):
            build.pipes[i] = replace(build.pipes[i], kind=kind, diameter_mm=110, material="PE")
    for key, node in list(build.nodes.items()):
        if node.point[1] == OUTER_Y_M:
            build.nodes[key] = replace(node, kind="Pompunit")


def network(homes: list[Home]) -> Network:
    """Lay the sewer, connect each address to the nearest pipe of its own street, and size it all.

    Parameters
    ----------
    homes : list of Home
        All addresses of one neighbourhood.
    """
    by_quarter = {q.key: q for q in QUARTERS}
    build = Builder()
    _foul(build, by_quarter)
    _rain(build, by_quarter)
    _extras(build)
    return designed(build, homes, {q.key: q.household_size_persons for q in QUARTERS})
