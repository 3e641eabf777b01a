"""The sewer of an invented place: pipes and nodes with levels, and what each pipe was designed for.

Foul pipes are sized as the smallest standard diameter that carries the peak of the homes upstream half full,
combined pipes as the smallest that carries rain of 60 l/s/ha on 200 m2 per home full, both by Manning with
n = 0.013 (Chow, Open-Channel Hydraulics, 1959, table 5-6, concrete culvert pipe).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import shapely.affinity
import shapely.ops
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from kansenkaart.sources.example.model import Home, Line, Network, Node, Pipe, Point, ground_level
from kansenkaart.sources.example.town import Plan, Way, sewer_of, table

MANNING_N = 0.013
STANDARD_MM = (200, 250, 300, 400, 500, 600, 700, 800, 900, 1000, 1200)
MIN_MM = {"vuilwater": 200, "gemengd": 300, "hemelwater": 300}
PEAK_L_PER_PERSON_H, RAIN_L_PER_S_HA, PAVED_M2_PER_HOME = 12.0, 60.0, 200.0
SLOPES = {"lane": 0.003, "ring": 0.003, "collector": 0.002, "main": 0.0007, "outer": 0.002, "outfall": 0.002}
GEMAAL_KEY, GEMAAL_INVERT_M, OUTFALL_INVERT_M = "R", -3.0, -0.6
NODE_SPACING_M = 45.0


class _Builder:
    """Collects pipes and shares a node between pipes of one kind that meet."""

    def __init__(self) -> None:
        self.pipes: list[Pipe] = []
        self.nodes: dict[str, Node] = {}
        self._at: dict[tuple[str, float, float], str] = {}

    def node(self, medium: str, point: Point, kind: str = "Inspectieput") -> str:
        """Return the manhole at a place [m], made where there is none for this medium."""
        x, y = round(point[0], 2), round(point[1], 2)
        there = next((key for m in (medium[0], GEMAAL_KEY) if (key := self._at.get((m, x, y)))), None)
        if there:
            return there
        key = f"{GEMAAL_KEY if kind == 'Rioolgemaal' else medium[0]}{len(self.nodes) + 1:04d}"
        self.nodes[key] = Node(key, kind, (x, y), ground_level(x))
        self._at[(key[0], x, y)] = key
        return key

    def pipe(self, kind: str, system: str, ends: tuple[Point, Point], street: Way, year: int) -> None:
        """Lay one pipe between two places [m] in the direction of flow; pressure pipes have one size."""
        medium = _MEDIA.get(kind, "vuilwater")
        start, end = (self.node(medium, point) for point in ends)
        line = (self.nodes[start].point, self.nodes[end].point)
        size = 110 if kind in ("Drukleiding", "Persleiding") else 400 if kind == "Overstortleiding" else 0
        new = Pipe(len(self.pipes), kind, system, start, end, line, street.key, street.role, year, size)
        self.pipes.append(replace(new, material="PE" if size == 110 else "Beton"))


def _densify(line: Line) -> list[Point]:
    """Put a point at least every 45 m along a line, keeping its corners [m]."""
    out = [line[0]]
    for a, b in pairwise(line):
        parts = max(1, math.ceil(math.dist(a, b) / NODE_SPACING_M))
        out.extend((a[0] + (b[0] - a[0]) * i / parts, a[1] + (b[1] - a[1]) * i / parts) for i in range(1, parts + 1))
    return out


def designed(pipes: list[Pipe], nodes: dict[str, Node], homes: list[Home], persons: dict[str, float]) -> Network:
    """Connect each address to the nearest pipe of its street, level and size it all; persons are a household's by quarter [1]."""
    home_pipe = _nearest(homes, pipes, ("vuilwater", "gemengd", "Drukleiding"))
    flowing = _accumulate(pipes, homes, home_pipe, persons)
    return Network([_sized(p) for p in _levelled(flowing)], nodes, home_pipe)


def _nearest(homes: list[Home], pipes: list[Pipe], kinds: tuple[str, ...]) -> dict[int, int]:
    """Find the nearest pipe of some kinds in the street of each home, where there is one."""
    out: dict[int, int] = {}
    for street in dict.fromkeys(home.street for home in homes):
        mine = [home for home in homes if home.street == street]
        takes = [pipe for pipe in pipes if pipe.street == street and pipe.kind in kinds]
        if takes:
            lines = shapely.linestrings([(pipe.line[0], pipe.line[-1]) for pipe in takes])
            far = shapely.distance(shapely.points([home.point for home in mine])[:, None], lines)
            out |= {home.number: takes[n].number for home, n in zip(mine, far.argmin(axis=1), strict=True)}
    return out


def _downstream(pipes: list[Pipe]) -> dict[int, int]:
    """Map each pipe to the one that takes its water, where there is one."""
    leaving = {p.start: p.number for p in pipes if p.kind not in ("LozeLeiding", "Overstortleiding")}
    return {p.number: leaving[p.end] for p in pipes if p.end in leaving}


def _accumulate(pipes: list[Pipe], homes: list[Home], taken: dict[int, int], persons: dict[str, float]) -> list[Pipe]:
    """Count what flows through each pipe: homes and people, and of rain pipes the homes whose yards drain to them."""
    after = _downstream(pipes)

    def flow(starts: Iterable[tuple[int, float]]) -> dict[int, float]:
        out: dict[int, float] = {}
        for start, weight in starts:
            at: int | None = start
            while at is not None:
                out[at] = out.get(at, 0) + weight
                at = after.get(at)
        return out

    lived = [home for home in homes if home.in_use]
    count = flow((taken[home.number], 1) for home in lived)
    people = flow((taken[home.number], persons[home.quarter]) for home in lived)
    count |= flow((pipe, 1) for pipe in _nearest(homes, pipes, ("hemelwater",)).values())
    loads = ((int(count.get(p.number, 0)), people.get(p.number, 0.0)) for p in pipes)
    return [replace(p, homes_upstream=n, people_upstream=load) for p, (n, load) in zip(pipes, loads, strict=True)]


def _levelled(pipes: list[Pipe]) -> list[Pipe]:
    """Give gravity pipes their levels from the pumping station and the outfalls upwards."""
    after = _downstream(pipes)
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
    """Capacity of a full round pipe [l/s] by inner diameter [mm] and fall per length [1]; Manning: Q = A R^(2/3) S^(1/2) / n."""
    d = diameter_mm / 1000.0
    return float(1000.0 * math.pi * d**2 / 4.0 * (d / 4.0) ** (2.0 / 3.0) * math.sqrt(slope) / MANNING_N)


def designed_diameter_mm(kind: str, homes: int, people: float, slope: float) -> int:
    """Choose the smallest standard diameter [mm] that carries so many homes [1] and people [person] at a fall per length [1]."""
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


HEAD_M, OVERFLOW_EVERY_M, LINK_MOST_M = 2.0, 260.0, 160.0
RELINED_EVERY, RELINED_YEAR = 19, 2009


@dataclass(frozen=True)
class _Graph:
    """Streets as points and the stretches between them [m]."""

    points: list[Point]
    edges: list[tuple[int, int, Way]]

    def distances(self, root: int) -> npt.NDArray[np.float64]:
        """Way to the root along the streets [m]; infinite where there is none."""
        if not self.edges:
            return np.zeros(len(self.points))
        a, b = np.array([edge[:2] for edge in self.edges]).T
        length = [math.dist(self.points[i], self.points[j]) for i, j in zip(a, b, strict=True)]
        net: Any = csr_matrix((length, (a, b)), shape=(len(self.points),) * 2)
        return np.asarray(dijkstra(net, directed=False, indices=np.array(root)))


def _graph(pieces: list[Way]) -> _Graph:
    numbers: dict[Point, int] = {}
    edges = []
    for piece in pieces:
        coords = [(round(x, 2), round(y, 2)) for x, y in piece.line.simplify(1.5).coords]
        stops = [numbers.setdefault((round(x, 2), round(y, 2)), len(numbers)) for x, y in _densify(tuple(coords))]
        edges += [(i, j, piece) for i, j in pairwise(stops) if i != j]
    return _Graph(list(numbers), edges)


def _lay(
    build: _Builder, graph: _Graph, root: int, what: Callable[[Way], tuple[str, str, int]], keep: Any = None
) -> None:
    """Let every stretch flow towards the root; one that no tree of shortest ways needs begins just beside its end."""
    far = graph.distances(root)
    onward: dict[int, int] = {}
    for n, (i, j, _) in enumerate(graph.edges):
        up, down = (i, j) if far[i] > far[j] else (j, i)
        reach = far[down] + math.dist(graph.points[i], graph.points[j])
        if np.isfinite(far[up]) and abs(reach - far[up]) < 1e-6:
            onward.setdefault(up, n)
    wanted = _wanted(graph, onward, far, keep)
    for n, (i, j, way) in enumerate(graph.edges):
        if n not in wanted or not np.isfinite(far[i]):
            continue
        up, down = (i, j) if (far[i], i) > (far[j], j) else (j, i)
        start, end = graph.points[up], graph.points[down]
        if onward.get(up) != n:
            share = min(HEAD_M / math.dist(start, end), 0.4)
            start = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
        medium, system, year = what(way)
        build.pipe(medium, system, (start, end), way, year)


def _wanted(graph: _Graph, onward: dict[int, int], far: npt.NDArray[np.float64], keep: Any) -> set[int]:
    """Return the stretches that are kept for their own sake, and those that their water flows through."""
    if keep is None:
        return set(range(len(graph.edges)))
    out: set[int] = set()
    for n, (_, _, way) in enumerate(graph.edges):
        at: int | None = n if keep(way) else None
        while at is not None and at not in out:
            out.add(at)
            a, b, _ = graph.edges[at]
            at = onward.get(a if (far[a], a) < (far[b], b) else b)
    return out


def laid(plan: Plan, homes: list[Home]) -> Network:
    """Lay the sewer of the town: combined with overflows, foul and rain, pressure pipes outside, one pumping station."""
    build = _Builder()
    kinds = {buurt.key: sewer_of(buurt.key) for buurt in plan.buurten}
    mixed = {key for key, (system, _) in kinds.items() if system == "GemengdStelsel"}
    mains = [piece for piece in plan.pieces if piece.role in ("main", "outer")]
    station = min(_graph(mains).points, key=lambda point: math.dist(point, table()["gemaal"]))
    for medium, keys in (("gemengd", mixed), ("vuilwater", set(kinds) - mixed)):
        graph = _graph([*(piece for piece in plan.pieces if piece.buurt in keys), *mains])
        root = graph.points.index(station)
        if medium == "gemengd":
            build.node("gemengd", station, "Rioolgemaal")

        def what(way: Way, medium: str = medium) -> tuple[str, str, int]:
            if way.role == "outer":
                return "Drukleiding", "Drukriolering", 1994
            alone = ("GemengdStelsel", 1931) if medium == "gemengd" else ("GescheidenStelsel", 1968)
            return (medium, *kinds.get(way.buurt, alone))

        _lay(build, graph, root, what, None if medium == "vuilwater" else lambda way: bool(way.buurt))
        if medium == "gemengd":
            _overflows(build, plan)
    for key in sorted(set(kinds) - mixed):
        _lay_rain(build, plan, key, kinds[key])
    _pressure_main(build, plan)
    persons = {buurt.key: buurt.household_size_persons for buurt in plan.buurten}
    network = designed(build.pipes, build.nodes, homes, persons)
    return replace(network, pipes=[_relined(pipe) for pipe in network.pipes])


def _relined(pipe: Pipe) -> Pipe:
    """Line one combined pipe in so many with resin: the register has the year and material of its lining only."""
    lined = pipe.kind == "gemengd" and pipe.number % RELINED_EVERY == 0
    return replace(pipe, year=RELINED_YEAR, material="GlasvezelversterktPolyester") if lined else pipe


def _overflows(build: _Builder, plan: Plan) -> None:
    """Give the combined sewer overflows where it comes near the canal, each at some distance from the other."""
    done: list[Point] = []
    street = next(way for way in plan.ways if way.role == "main")
    near = sorted(build.nodes.values(), key=lambda node: plan.canal.distance(shapely.Point(node.point)))
    for node in near:
        here = shapely.Point(node.point)
        if plan.canal.distance(here) > 75.0 or node.kind != "Inspectieput":
            continue
        if all(math.dist(node.point, other) > OVERFLOW_EVERY_M for other in done):
            done.append(node.point)
            build.nodes[node.key] = replace(node, kind="ExterneOverstortput")
            bank = shapely.ops.nearest_points(here, plan.canal)[1]
            build.pipe("Overstortleiding", "GemengdStelsel", (node.point, (bank.x, bank.y)), street, 1974)


def _lay_rain(build: _Builder, plan: Plan, key: str, kind: tuple[str, int]) -> None:
    """Lay the rain pipes of one quarter, all moved aside from the foul ones alike, each part to its nearest water."""
    aside = shapely.affinity.translate
    pieces = [replace(one, line=aside(one.line, 1.1, -0.9)) for one in plan.pieces if one.buurt == key]
    if not pieces:
        return
    graph, (system, year) = _graph(pieces), kind
    left = set(range(len(graph.points)))
    while left:
        there = sorted(left)
        spots = [plan.water.distance(shapely.Point(graph.points[i])) for i in there]
        root = there[int(np.argmin(spots))]
        far = graph.distances(root)
        joined = {i for i in there if np.isfinite(far[i])}
        left -= joined | {root}
        part = _Graph(graph.points, [edge for edge in graph.edges if edge[0] in joined])
        if not part.edges:
            continue
        _lay(build, part, root, lambda way: ("hemelwater", system, year))
        here = shapely.Point(graph.points[root])
        bank = shapely.ops.nearest_points(here, plan.water)[1]
        link = replace(part.edges[0][2], role="collector")
        end = (bank.x, bank.y) if here.distance(bank) < LINK_MOST_M else (here.x + 6.0, here.y)
        build.node("hemelwater", end, "Uitlaatconstructie")
        build.pipe("hemelwater", system, (graph.points[root], end), link, year)


def _pressure_main(build: _Builder, plan: Plan) -> None:
    x, y = next(node.point for node in build.nodes.values() if node.kind == "Rioolgemaal")
    street = next(way for way in plan.ways if way.role == "main")
    build.pipe("Persleiding", "", ((x, y), (plan.size_m[0] - 2.0, y + 30.0)), street, 1998)


_MEDIA = {"Overstortleiding": "gemengd", "hemelwater": "hemelwater", "gemengd": "gemengd"}
