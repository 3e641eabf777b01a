"""The sewer of the invented neighbourhood: pipes and nodes with levels, and what each pipe was designed for.

Foul pipes are sized as the smallest standard diameter that carries the peak of the homes upstream half full,
combined pipes as the smallest that carries rain of 60 l/s/ha on 200 m2 per home full, both by Manning with
n = 0.013 (Chow, Open-Channel Hydraulics, 1959, table 5-6, concrete culvert pipe).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from kansenkaart.sources.example import layout
from kansenkaart.sources.example.buildings import Home, ground_level

MANNING_N = 0.013
STANDARD_MM = (200, 250, 300, 400, 500, 600, 700, 800, 900, 1000, 1200)
MIN_MM = {"vuilwater": 200, "gemengd": 300, "hemelwater": 300}
PEAK_L_PER_PERSON_H = 12.0
RAIN_L_PER_S_HA = 60.0
PAVED_M2_PER_HOME = 200.0
SLOPES = {"lane": 0.003, "ring": 0.003, "collector": 0.002, "main": 0.0007, "outer": 0.002, "outfall": 0.002}
OFFSETS_M = {"vuilwater": 0.0, "gemengd": 0.0, "hemelwater": 1.5}
MAIN_OFFSETS_M = {"vuilwater": 0.0, "gemengd": -2.0}
GEMAAL_KEY = "R"
GEMAAL_INVERT_M = -3.0
OUTFALL_INVERT_M = -0.6
NODE_SPACING_M = 45.0
EXIT_X_M = 638.0


@dataclass(frozen=True)
class Node:
    """One manhole or work: its place, kind and ground level [m NAP]."""

    key: str
    kind: str
    point: layout.Point
    ground_m: float


@dataclass(frozen=True)
class Pipe:
    """One pipe from ``start`` to ``end`` in the direction of flow, with its design."""

    number: int
    kind: str
    system: str
    start: str
    end: str
    line: layout.Line
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


class _Builder:
    """Collects pipes and shares a node between pipes of one kind that meet."""

    def __init__(self) -> None:
        self.pipes: list[Pipe] = []
        self.nodes: dict[str, Node] = {}

    def node(self, medium: str, point: layout.Point, kind: str = "Inspectieput") -> str:
        x, y = round(point[0], 2), round(point[1], 2)
        found = next(
            (n for n in self.nodes.values() if n.point == (x, y) and n.key[0] in (medium[0], GEMAAL_KEY)), None
        )
        if found:
            return found.key
        key = f"{GEMAAL_KEY if kind == 'Rioolgemaal' else medium[0]}{len(self.nodes) + 1:04d}"
        self.nodes[key] = Node(key, kind, (x, y), ground_level(x))
        return key

    def chain(self, medium: str, system: str, line: layout.Line, street: layout.Street, year: int) -> None:
        points = densify(line)
        keys = [self.node(medium, point) for point in points]
        for start, end in pairwise(keys):
            ends = (self.nodes[start].point, self.nodes[end].point)
            number = len(self.pipes)
            self.pipes.append(Pipe(number, medium, system, start, end, ends, street.key, street.role, year))


def densify(line: layout.Line) -> list[layout.Point]:
    """Put a point at least every 45 m along a line, keeping its corners.

    Parameters
    ----------
    line : layout.Line
        Points [m].
    """
    out = [line[0]]
    for a, b in pairwise(line):
        parts = max(1, math.ceil(math.dist(a, b) / NODE_SPACING_M))
        out.extend((a[0] + (b[0] - a[0]) * i / parts, a[1] + (b[1] - a[1]) * i / parts) for i in range(1, parts + 1))
    return out


def shift(line: layout.Line, offset_m: float) -> layout.Line:
    """Move a line sideways to its right, corners on the bisector.

    Parameters
    ----------
    line : layout.Line
        Points [m].
    offset_m : float
        How far to the right of its direction [m].
    """
    pts = np.array(line)
    step = np.diff(pts, axis=0)
    normal = np.column_stack([step[:, 1], -step[:, 0]]) / np.hypot(*step.T)[:, None]
    at = np.vstack([normal[:1], (normal[1:] + normal[:-1]) / 2, normal[-1:]])
    at /= np.hypot(*at.T)[:, None]
    return tuple((float(x), float(y)) for x, y in pts + offset_m * at)


def _main_stops(medium: str) -> layout.Line:
    y = layout.MAIN_Y_M + MAIN_OFFSETS_M[medium]
    keys = ("01", "03", "04") if medium == "vuilwater" else ("02",)
    ends = sorted({round(s.line[-1][0], 2) for s in layout.streets() if s.role == "collector" and s.quarter in keys})
    return (*((x, y) for x in ends), (layout.GEMAAL_X_M, layout.MAIN_Y_M))


def _foul(build: _Builder, by_quarter: dict[str, layout.Quarter]) -> None:
    build.node("vuilwater", (layout.GEMAAL_X_M, layout.MAIN_Y_M), "Rioolgemaal")
    main = layout.streets()[0]
    build.chain("vuilwater", "GescheidenStelsel", _main_stops("vuilwater"), main, 1982)
    build.chain("gemengd", "GemengdStelsel", _main_stops("gemengd"), main, 1934)
    for street in layout.streets():
        if street.role not in ("collector", "lane", "ring"):
            continue
        q = by_quarter[street.quarter]
        medium = "gemengd" if q.sewer == "gemengd" else "vuilwater"
        line = street.line
        if medium == "gemengd" and street.role == "collector":
            line = (*line[:-1], (line[-1][0], layout.MAIN_Y_M + MAIN_OFFSETS_M["gemengd"]))
        build.chain(medium, _system(q), line, street, q.sewer_year)


def _system(q: layout.Quarter) -> str:
    return {"gemengd": "GemengdStelsel", "gescheiden": "GescheidenStelsel"}.get(q.sewer, "VerbeterdGescheidenStelsel")


def _rain(build: _Builder, by_quarter: dict[str, layout.Quarter]) -> None:
    for street in layout.streets():
        if street.role not in ("collector", "lane", "ring") or by_quarter[street.quarter].sewer == "gemengd":
            continue
        q = by_quarter[street.quarter]
        moved = shift(street.line, OFFSETS_M["hemelwater"])
        if street.role == "collector":
            bank = layout.CANAL_X_M + math.copysign(layout.CANAL_WIDTH_M / 2, q.centre[0] - layout.CANAL_X_M)
            end = (moved[-1][0], layout.MAIN_Y_M + math.copysign(5.0, q.centre[1] - layout.MAIN_Y_M))
            moved = (*moved[:-1], end, (bank, end[1]))
            build.node("hemelwater", moved[-1], "Uitlaatconstructie")
        else:
            moved = (*moved[:-1], _rain_joint(street, q))
        build.chain("hemelwater", _system(q), moved, street, q.sewer_year)


def _rain_joint(street: layout.Street, q: layout.Quarter) -> layout.Point:
    target = "03-1" if street.role == "ring" else f"{q.key}-c"
    host = next(s for s in layout.streets() if s.key == target)
    moved = shift(host.line, OFFSETS_M["hemelwater"])
    if street.role != "ring":
        nearest = min(range(len(host.line)), key=lambda i: math.dist(host.line[i], street.line[-1]))
        return moved[nearest]
    return min(densify((*moved[:-1], _rain_joint(host, q))), key=lambda p: math.dist(p, street.line[-1]))


def _extras(build: _Builder) -> None:
    """Pressure main, pressure sewer with pump units, a drain and a pipe out of use."""
    streets = {s.key: s for s in layout.streets()}
    outer = streets["04-b"]
    rest: list[tuple[str, layout.Line, layout.Street]] = [
        ("Persleiding", ((layout.GEMAAL_X_M, layout.MAIN_Y_M), (EXIT_X_M, layout.MAIN_Y_M)), streets["m"]),
        ("Drukleiding", (*outer.line, streets["04-2"].line[-1]), outer),
        ("Drain", ((40.0, 305.0), (120.0, 305.0)), streets["03-0"]),
        ("LozeLeiding", ((60.0, 274.0), (140.0, 274.0)), streets["m"]),
    ]
    for kind, line, street in rest:
        medium = {"Persleiding": "vuilwater", "Drukleiding": "vuilwater"}.get(kind, kind)
        first = len(build.pipes)
        build.chain(medium, "Drukriolering" if kind == "Drukleiding" else "", line, street, 1998)
        for i in range(first, len(build.pipes)):
            build.pipes[i] = replace(build.pipes[i], kind=kind, diameter_mm=110, material="PE")
    for key, node in list(build.nodes.items()):
        if node.point[1] == layout.OUTER_Y_M:
            build.nodes[key] = replace(node, kind="Pompunit")


def network(homes: list[Home]) -> Network:
    """Lay the sewer, connect each address to the nearest pipe of its own street, and size it all.

    Parameters
    ----------
    homes : list of Home
        All addresses of one neighbourhood.
    """
    by_quarter = {q.key: q for q in layout.QUARTERS}
    build = _Builder()
    _foul(build, by_quarter)
    _rain(build, by_quarter)
    _extras(build)
    home_pipe = {home.number: _nearest(home, build.pipes) for home in homes}
    pipes = _accumulate(build.pipes, homes, home_pipe, by_quarter)
    return Network([_sized(p) for p in _levelled(pipes)], build.nodes, home_pipe)


def _nearest(home: Home, pipes: list[Pipe]) -> int:
    takes = ("vuilwater", "gemengd", "Drukleiding")
    mine = [p for p in pipes if p.street == home.street and p.kind in takes]
    return min(mine, key=lambda p: (_distance(home.point, p.line), p.number)).number


def _distance(point: layout.Point, line: layout.Line) -> float:
    (ax, ay), (bx, by) = line[0], line[-1]
    t = ((point[0] - ax) * (bx - ax) + (point[1] - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
    t = min(1.0, max(0.0, t))
    return math.dist(point, (ax + t * (bx - ax), ay + t * (by - ay)))


def downstream(pipes: list[Pipe]) -> dict[int, int]:
    """Map each pipe to the one that takes its water, where there is one.

    Parameters
    ----------
    pipes : list of Pipe
        All pipes of the network.
    """
    leaving = {p.start: p.number for p in pipes if p.kind != "LozeLeiding"}
    return {p.number: leaving[p.end] for p in pipes if p.end in leaving}


def _accumulate(
    pipes: list[Pipe], homes: list[Home], home_pipe: dict[int, int], quarters: dict[str, layout.Quarter]
) -> list[Pipe]:
    count = dict.fromkeys(range(len(pipes)), 0)
    people = dict.fromkeys(range(len(pipes)), 0.0)
    after = downstream(pipes)
    for home in homes:
        if home.use != "woonfunctie" or home.status != "Verblijfsobject in gebruik":
            continue
        at: int | None = home_pipe[home.number]
        while at is not None:
            count[at] += 1
            people[at] += quarters[home.quarter].household_size_persons
            at = after.get(at)
    rain = _rain_homes(pipes, homes, after)
    return [
        replace(p, homes_upstream=count[p.number] or rain.get(p.number, 0), people_upstream=people[p.number])
        for p in pipes
    ]


def _rain_homes(pipes: list[Pipe], homes: list[Home], after: dict[int, int]) -> dict[int, int]:
    """Count the homes whose yards drain to each rain pipe, by the nearest pipe of their own street."""
    out: dict[int, int] = {}
    for home in homes:
        mine = [p for p in pipes if p.street == home.street and p.kind == "hemelwater"]
        at = min(mine, key=lambda p: (_distance(home.point, p.line), p.number)).number if mine else None
        while at is not None:
            out[at] = out.get(at, 0) + 1
            at = after.get(at)
    return out


def _levelled(pipes: list[Pipe]) -> list[Pipe]:
    """Give gravity pipes their levels from the pumping station and the outfalls upwards."""
    after = downstream(pipes)
    done: dict[int, Pipe] = {}

    def level(p: Pipe) -> Pipe:
        if p.number in done or p.kind not in MIN_MM:
            return done.setdefault(p.number, p)
        follow = after.get(p.number)
        follows = level(pipes[follow]) if follow is not None else None
        base = OUTFALL_INVERT_M if p.kind == "hemelwater" else GEMAAL_INVERT_M
        end = base if follows is None or math.isnan(follows.bob_start_m) else follows.bob_start_m
        start = round(end + SLOPES[p.role] * p.length_m, 3)
        done[p.number] = replace(p, bob_start_m=start, bob_end_m=round(end, 3))
        return done[p.number]

    return [level(p) for p in pipes]


def full_capacity_l_per_s(diameter_mm: float, slope: float) -> float:
    """Capacity of a full round pipe by Manning [l/s]: Q = A R^(2/3) S^(1/2) / n.

    Parameters
    ----------
    diameter_mm : float
        Inner diameter [mm].
    slope : float
        Fall per length [1].
    """
    d = diameter_mm / 1000.0
    return float(1000.0 * math.pi * d**2 / 4.0 * (d / 4.0) ** (2.0 / 3.0) * math.sqrt(slope) / MANNING_N)


def designed_diameter_mm(kind: str, homes: int, people: float, slope: float) -> int:
    """Choose the smallest standard diameter that carries the design flow [mm].

    Parameters
    ----------
    kind : str
        ``vuilwater``, ``gemengd`` or ``hemelwater``.
    homes : int
        That drain through it [1].
    people : float
        Who live there [person].
    slope : float
        Fall per length [1].
    """
    foul = people * PEAK_L_PER_PERSON_H / 3600.0
    rain = homes * PAVED_M2_PER_HOME / 10000.0 * RAIN_L_PER_S_HA
    need = 2.0 * foul if kind == "vuilwater" else rain + (foul if kind == "gemengd" else 0.0)
    able = (mm for mm in STANDARD_MM if mm >= MIN_MM[kind] and full_capacity_l_per_s(mm, slope) >= need)
    return next(able, STANDARD_MM[-1])


def _sized(p: Pipe) -> Pipe:
    if p.kind not in MIN_MM:
        return p
    size = designed_diameter_mm(p.kind, p.homes_upstream, p.people_upstream, SLOPES[p.role])
    return replace(p, diameter_mm=size, material="Beton" if p.kind == "gemengd" or size >= 400 else "PVC")
