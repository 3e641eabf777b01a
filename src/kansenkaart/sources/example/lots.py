"""What stands in the invented town: rows of houses along its streets, buildings on their own grounds, homes and trees.

A row is laid along the chord of its street, where the ground is free; the kinds of buildings of each quarter and their
measures are rows of ``data/town.toml``, drawn from a fixed seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from rasterio import Affine
from rasterio.features import rasterize
from shapely.geometry import Polygon

from kansenkaart.sources.example import town
from kansenkaart.sources.example.model import STATUS_IN_USE as IN_USE
from kansenkaart.sources.example.model import Body, Floats, Model, Pand, Point, Tree, ground_level, place_at

CORPORATION = "corporatie Voorbeeldwonen"
OWNERS = {"gallery": CORPORATION, "tower": "vereniging van eigenaren"}
SHED_M, STAIRS_M = (2.3, 3.3), 18.0
CLUSTER_BUURT, CLUSTER_RENTED, CLUSTER_OWNED = "03", 95, 41
SPARE_M, NEW_YEAR = 0.6, 2023
#: Odd records, one in so many: a demolished pand, and a pand without a year.
WITHDRAWN_EVERY, PLACEHOLDER_EVERY, PLACEHOLDER_YEAR = 211, 37, 1005
TREE_STEP_M, YARD_M2_PER_TREE = 17.0, 190.0
LEAST_ROW, STEP_M = 3, 0.35
#: Chance that the next row is like the last, a house unlike its row, a roof without chimney, a house without kitchen built out.
AGAIN, OTHER, NO_CHIMNEY, EXTENDED = 0.55, 0.2, 0.6, 0.5
SOLAR = {"01": 0.08, "02": 0.15, "03": 0.1, "04": 0.1, "05": 0.25, "06": 0.5, "07": 0.45, "08": 0.1}


@dataclass
class Town:
    """What was built so far: panden, yards behind them, trees, and the free ground as cells of a metre."""

    plan: town.Plan
    rng: np.random.Generator
    later: np.random.Generator
    panden: list[Pand]
    yards: list[Polygon]
    trees: list[Tree]
    free: npt.NDArray[np.bool_]

    def _is_free(self, shape: tuple[Point, float, Floats]) -> bool:
        """Tell whether all of a rectangle is free: a corner, its direction [rad] and its reach along and across [m]."""
        columns, rows = self._cells(shape, SPARE_M)
        tall, wide = self.free.shape
        inside = (columns >= 0) & (columns < wide) & (rows >= 0) & (rows < tall)
        return bool(inside.all() and self.free[rows, columns].all())

    def _take(self, shape: tuple[Point, float, Floats]) -> None:
        """Let a rectangle be free no longer."""
        columns, rows = self._cells(shape, 0.0)
        self.free[rows, columns] = False

    def _cells(self, shape: tuple[Point, float, Floats], spare: float) -> tuple[Any, Any]:
        corner, a, (u0, u1, v0, v1) = shape
        u = np.linspace(u0 - spare, u1 + spare, math.ceil(u1 - u0) + 2)
        v = np.linspace(v0 - spare, v1 + spare, math.ceil(v1 - v0) + 2)[:, None]
        x, y = corner[0] + u * math.cos(a) - v * math.sin(a), corner[1] + u * math.sin(a) + v * math.cos(a)
        return np.floor(x).astype(int), np.floor(y).astype(int)


def _kind(name: str) -> dict[str, Any]:
    """Return the measures of a kind of building, those of its base included."""
    row = town.table()["kind"][name]
    return {**(_kind(row["base"]) if "base" in row else {}), **row}


def build(plan: town.Plan, copy: int = 0) -> Town:
    """Build a town, by its number: its own grounds first, then rows along all streets, farms, sheds and trees."""
    rng = np.random.Generator(np.random.PCG64([town.SEED + 1, copy]))
    later = np.random.Generator(np.random.PCG64([town.SEED + 2, copy]))
    made = Town(plan, rng, later, [], [], [], _free(plan))
    for ground in plan.grounds:
        _fill(made, ground)
    by_cell = {cell.row["buurt"]: cell.row for cell in plan.cells}
    for role in ("collector", "lane"):
        for way in plan.ways:
            if way.role == role:
                for side in (1, -1):
                    _line(made, way, side, by_cell[way.buurt])
    _along_mains(made)
    _farms(made)
    made.panden = _cluster([_odd(pand, rng) for pand in made.panden])
    _plant(made)
    return made


def _along_mains(made: Town) -> None:
    """Lay rows along the main roads that bound each quarter, on its own side."""
    for cell in made.plan.cells:
        for way in (one for one in made.plan.ways if one.role == "main"):
            for line in town.lines_of(way.line.intersection(cell.outline.buffer(1.0))):
                here = [line.offset_curve(side * 20.0).interpolate(0.5, normalized=True) for side in (1, -1)]
                side = 1 if cell.outline.contains(here[0]) else -1
                _line(made, replace(way, buurt=cell.row["buurt"], line=line), side, cell.row)


def _free(plan: town.Plan) -> npt.NDArray[np.bool_]:
    wide, tall = (round(one) for one in plan.size_m)
    inner = [cell.inner for cell in plan.cells if not cell.inner.is_empty]
    drawn = partial(rasterize, out_shape=(tall, wide), transform=Affine.identity(), all_touched=True, dtype="uint8")
    return np.asarray((drawn(inner) == 1) & (drawn([way.band for way in plan.ways]) == 0))


@dataclass(frozen=True)
class _Side:
    """One side of a street as places a metre apart, so that a row is laid without measuring the line again."""

    way: town.Way
    side: int
    points: Floats

    @classmethod
    def of(cls, way: town.Way, side: int) -> _Side:
        corners = np.array(way.line.coords)
        along = np.concatenate([[0.0], np.hypot(*np.diff(corners, axis=0).T).cumsum()])
        steps = np.arange(0.0, along[-1], 1.0)
        return cls(way, side, np.column_stack([np.interp(steps, along, corners[:, k]) for k in (0, 1)]))

    def chord(self, along: float, total: float) -> tuple[Point, float, Floats] | None:
        """Where a row begins that looks at the street, its direction [rad] and how far the street lies in it each metre [m]."""
        points = self.points[round(along) : round(along + total) + 1]
        if len(points) < 2 or along + total > len(self.points):
            return None
        points = points if self.side > 0 else points[::-1]
        step = points[-1] - points[0]
        length = math.hypot(*step)
        if length < 0.93 * (len(points) - 1):
            return None
        bends = (points - points[0]) @ np.array([-step[1], step[0]]) / length
        return (float(points[0][0]), float(points[0][1])), math.atan2(step[1], step[0]), bends


def _line(made: Town, way: town.Way, side: int, row: dict[str, Any]) -> None:
    """Lay rows along one side of a street, each as long as it finds room for."""
    names, weights = zip(*row["kinds"], strict=True)
    share = np.array(weights, dtype=float) / sum(weights)
    whole, along, name = _Side.of(way, side), 1.0, ""
    while along < len(whole.points) - 5.0:
        name = name if name and made.rng.random() < AGAIN else str(made.rng.choice(names, p=share))
        what = _kind(name)
        what |= {"back": 0.5 * what["back"]} if way.role == "collector" else {}
        count = int(made.rng.integers(what["run"][0], what["run"][1] + 1))
        low, high = what["width"]
        mixed = high - low > 2.0
        widths = made.rng.uniform(low, high, size=count if mixed else 1).repeat(1 if mixed else count).round(2)
        front = float(made.rng.uniform(*what["front"]))
        room = _room(made, whole, (along, front), widths, what)
        lengths = range(room, min(what["run"][0], LEAST_ROW) - 1, -1)
        laid = next((n for n in lengths if n and _try(made, whole, (along, front), widths[:n], what)), 0)
        along += float(widths[:laid].sum()) + float(made.rng.uniform(*what["gap"])) if laid else 4.0


def _room(made: Town, whole: _Side, at: tuple[float, float], widths: Floats, what: dict[str, Any]) -> int:
    """Return for how many houses the middle of the row is free, as a first look."""
    points = whole.points[round(at[0]) :]
    step = (points[min(8, len(points) - 1)] - points[0]) * whole.side
    out = np.array([-step[1], step[0]]) / max(math.hypot(*step), 1e-9)
    deep = whole.way.half_m + at[1] + what["depth"] / 2
    spots = np.floor(points[: math.ceil(widths.sum()) + 1] + out * deep).astype(int)
    tall, wide = made.free.shape
    inside = ((spots >= 0) & (spots < (wide, tall))).all(axis=1)
    spots = np.clip(spots, 0, (wide - 1, tall - 1))
    open_m = int(np.logical_and.accumulate(inside & made.free[spots[:, 1], spots[:, 0]]).sum())
    return int((widths.cumsum() <= open_m).sum())


def _try(made: Town, whole: _Side, at: tuple[float, float], widths: Floats, what: dict[str, Any]) -> bool:
    """Build a row if all of its ground is free, with a shorter garden if need be."""
    total = float(widths.sum())
    chord = whole.chord(at[0], total)
    if chord is None:
        return False
    corner, a, bends = chord
    edges = np.concatenate([[0.0], widths.cumsum()])
    edge = whole.way.half_m + max(0.0, float(bends.max()))
    front = edge + at[1]
    for back in (what["back"], 0.65 * what["back"]):
        end = front + what["depth"] + back
        if made._is_free((corner, a, np.array([0.0, total, max(front, edge + 2.2), end]))):
            steps = _steps(made, bends, (corner, a, edges), front)
            made._take((corner, a, np.array([0.0, total, edge, end])))
            _row(made, whole.way, (corner, a, front), widths, what | {"back": back, "steps": steps})
            return True
    return False


def _row(made: Town, way: town.Way, base: tuple[Point, float, float], widths: Floats, what: dict[str, Any]) -> None:
    """Build one row: houses wall to wall, their annexes, sheds and yard."""
    rng, (corner, a, front) = made.rng, base
    depth, angle = what["depth"], math.degrees(a)
    at = partial(place_at, corner, angle)
    year = int(rng.integers(what["years"][0], what["years"][1] + 1))
    style = _style(rng, what)
    owner = CORPORATION if rng.random() < what.get("owner", 0.0) else "eigenaar-bewoner"
    edges = np.concatenate([[0.0], widths.cumsum()])
    mixed = len({round(one, 3) for one in widths}) > 1
    turns = rng.random() < what.get("across", 0.0)
    last, hipped = len(widths) - 1, made.later.random() < what.get("hipped", 0.0)
    for n, width in enumerate(widths):
        style = _style(rng, what) if mixed and rng.random() < OTHER else style
        front = base[2] - what["steps"][n]
        middle = at((edges[n] + edges[n + 1]) / 2, front + depth / 2)
        hip = style["roof"] == "hip" and len(widths) == 1 and abs(width - depth) >= 0.4  # no party wall takes its water
        tall = width > depth or not (turns or hip)
        size = (float(width), depth) if tall else (depth, float(width))
        roof = "gable" if style["roof"] == "hip" and not hip else style["roof"]
        ends = hipped and last and n in (0, last) and tall and roof == "gable" and width > depth / 2 + 0.3
        turn = (0.0 if tall else 90.0) + 180.0 * (ends and n == 0)
        _add(
            made,
            (way.key, way.buurt),
            _body(middle, angle + turn, size, (style["eave_m"], style["tilt_deg"], "half hip" if ends else roof)),
            bouwjaar=year if not mixed else int(rng.integers(what["years"][0], what["years"][1] + 1)),
            owner=owner,
            use=what.get("use", "woonfunctie"),
            floors=what.get("floors", 1),
            homes_per_floor=what.get("per_floor", 1),
            front=at((edges[n] + edges[n + 1]) / 2, front + 1.0),
            marks=_marks(rng, what, way.buurt),
            annexes=_annexes(made, what, (at, angle), (edges[n], float(width), front)),
        )
    if what["back"] > 2.5 and what.get("floors", 1) == 1:  # around flats all is green
        total, end = float(widths.sum()), base[2] + depth + what["back"]
        ring = [at(0.0, way.half_m), at(total, way.half_m), at(total, end), at(0.0, end)]
        made.yards.append(Polygon(ring))
        _sheds(made, way, (at, angle, end), edges, (what, year))


def _steps(made: Town, bends: Floats, row: tuple[Point, float, Floats], front: float) -> list[float]:
    """Return how far each house steps out of its row towards a street that bends away, where it has room [m]."""
    (corner, a, edges), line, out = row, max(0.0, float(bends.max())), []
    for start, end in pairwise(edges):
        nearest = max(0.0, float(bends[math.floor(start) : math.ceil(end) + 1].max(initial=0.0)))
        step = math.floor((line - nearest) / STEP_M) * STEP_M
        out.append(step if step and made._is_free((corner, a, np.array([start, end, front - step, front]))) else 0.0)
    return out


def _style(rng: np.random.Generator, what: dict[str, Any]) -> dict[str, Any]:
    tilt, eave = round(float(rng.uniform(*what["tilt"])), 1), round(float(rng.uniform(*what["eave"])), 2)
    roof = str(rng.choice(what["roofs"]))
    most = {"flat": 0.0, "shed": 22.0}.get(roof, tilt)
    return {"roof": roof, "tilt_deg": min(tilt, most), "eave_m": eave}


def _marks(rng: np.random.Generator, what: dict[str, Any], buurt: str) -> frozenset[str]:
    marks = {"dormers"} if rng.random() < 3 * what.get("dormer", 0.0) else set()
    marks |= {"capped"} if rng.random() < NO_CHIMNEY else set()
    return frozenset(marks | ({"panels"} if rng.random() < SOLAR[buurt] else set()))


def _annexes(made: Town, what: dict[str, Any], frame: Any, lot: tuple[float, float, float]) -> tuple[Body, ...]:
    """Draw what is built behind, a kitchen as designed or later an extension, and bays; of flats the stairs."""
    (at, angle), (u, width, front), rng, later, out = frame, lot, made.rng, made.later, []
    if what.get("floors", 1) > 1:
        roof, each = (what["eave"][0] + 2.4, 0.0, "flat"), width / round(width / STAIRS_M)
        spots = np.arange(u + each / 2, u + width, each)
        return tuple(_body(at(float(spot), front - 0.7), angle, (3.4, 1.4), roof) for spot in spots)
    wide, deep, side = 0.0, 0.0, -1.0
    if rng.random() < what.get("annex", 0.0):
        wide, deep = width * float(rng.choice([0.55, 0.6, 0.999])), float(rng.uniform(2.2, 3.2))
    elif what.get("per_floor", "back" in what) == 1 and "use" not in what and later.random() < EXTENDED:
        wide, deep, side = width * later.uniform(0.35, 1.0), later.uniform(1.2, 3.4), later.choice([-1.0, 1.0])
    if wide:
        centre = at(u + (width + side * (width - wide)) / 2, front + what["depth"] + deep / 2)
        out.append(_body(centre, angle, (round(float(wide), 2), round(float(deep), 2)), (3.0, 0.0, "flat")))
    if rng.random() < what.get("bay", 0.0):
        centre = at(u + 0.62 * width, front - 0.35)
        out.append(_body(centre, angle, (2.4, 0.7), (3.3, 0.0, "flat")))
    return tuple(out)


def _sheds(made: Town, way: town.Way, place: Any, edges: Floats, what: tuple[dict[str, Any], int]) -> None:
    """Put sheds at the back of gardens: half of them as built, against the neighbour's, the others as each likes them."""
    (at, angle, end), (row, year) = place, what
    for n in range(len(edges) - 1):
        if made.rng.random() < row.get("sheds", 0.0) and row["back"] > 7.5:
            own = made.rng.choice(4, p=(0.5, 0.2, 0.2, 0.1)) > 0
            most = (0.75 * (edges[n + 1] - edges[n]), row["back"] - 4.5)
            wide, deep = np.round(made.later.uniform((1.8, 2.0), most) if own else SHED_M, 2).tolist()
            u = edges[n + 1] - wide / 2 if n % 2 == 0 else edges[n] + wide / 2
            v = end - deep / 2 - (0.2 if not own else float(made.later.choice([0.1, 0.1, 0.6, 1.0])))
            roof = (2.4, 24.0, "gable") if made.later.random() < 0.3 else (2.5, 0.0, "flat")
            since = year + 1 if not own else min(year + int(made.later.integers(2, 40)), NEW_YEAR - 1)
            _outbuilding(made, (way.key, way.buurt), _body(at(u, v), angle, (wide, deep), roof), since)


def _body(centre: Point, angle: float, size: tuple[float, float], roof: tuple[float, float, str]) -> Body:
    """Return a body by its size and its eave [m], tilt [deg] and kind of roof."""
    eave, tilt, kind_of_roof = roof
    return Body(centre, angle, size[0], size[1], kind_of_roof, tilt, ground_level(centre[0]), eave)


def _add(made: Town, where: tuple[str, str], body: Body, **rest: Any) -> None:
    """Build one pand at a street of a buurt."""
    facts = {"front": body.centre, **rest}
    made.panden.append(Pand(**vars(body), number=len(made.panden), street=where[0], quarter=where[1], **facts))


def _outbuilding(made: Town, where: tuple[str, str], body: Body, year: int) -> None:
    """Build one pand without an address."""
    _add(made, where, body, bouwjaar=year, use="", homes_per_floor=0)


def _nearest_way(plan: town.Plan, point: Point, whose: str) -> town.Way:
    """Return the way of a buurt or role nearest to a place, else of the roads of all."""
    here, own = shapely.Point(point), [way for way in plan.ways if whose in (way.buurt, way.role)]
    return min(own or [way for way in plan.ways if not way.buurt], key=lambda way: way.line.distance(here))


def _fill(made: Town, ground: town.Ground) -> None:
    """Build what stands on its own ground, and plant the trees of it."""
    row, rng = ground.row, made.rng
    at = partial(place_at, row["at"], row["angle"])
    for u, v, length, width, eave, tilt, roof, use, floors, per_floor, year in row["buildings"]:
        centre, lot, what = at(u, v), (u - length / 2, length, v - width / 2), {"floors": floors, "eave": [eave]}
        _add(
            made,
            (_nearest_way(made.plan, centre, row["buurt"]).key, row["buurt"]),
            _body(centre, row["angle"], (length, width), (eave, tilt, roof)),
            bouwjaar=year,
            owner=OWNERS.get(row["kind"], "gemeente"),
            use=use,
            floors=floors,
            homes_per_floor=per_floor,
            marks=frozenset({"bare", row["kind"]}),
            annexes=_annexes(made, what, (at, row["angle"]), lot),
        )
    built = shapely.union_all([one.outline.buffer(4.0) for one in made.panden[-len(row["buildings"]) - 1 :]])
    for _ in range(row.get("trees", 0)):
        spot = rng.uniform(-0.48, 0.48, 2) * np.array(row["size"])
        if row["kind"] in ("sports", "brink", "school") and rng.random() < 0.8:  # along the edge
            spot[int(rng.random() < 0.5)] = 0.0
            spot = np.where(spot == 0.0, rng.choice([-0.46, 0.46]) * np.array(row["size"]), spot)
        if not built.contains(shapely.Point(at(*spot))):
            _tree(made, at(*spot), (2.4, 4.4))
    for n in range(row.get("sheds", 0)):
        spot = (np.array([n % 9, n // 9]) / np.array([8.0, 3.0]) - 0.5) * (np.array(row["size"]) - 16.0)
        here = at(*(spot + rng.uniform(-2, 2, 2)))
        street = _nearest_way(made.plan, here, row["buurt"])
        _outbuilding(made, (street.key, row["buurt"]), _body(here, row["angle"], (2.6, 3.4), (2.2, 0.0, "flat")), 1988)


def _farms(made: Town) -> None:
    for row in town.table()["farm"]:
        for n, (x, y) in enumerate(row["at"]):
            centre, angle = (float(x), float(y)), float(made.rng.uniform(-12, 12)) + 90.0 * (n % 2)
            way, marks = _nearest_way(made.plan, centre, "outer"), frozenset({"bare", "farm"})
            body, where = _body(centre, angle, (17.0, 11.0), (2.8, 46.0, "gable")), (way.key, row["buurt"])
            _add(made, where, body, bouwjaar=1868 + 9 * n, owner="eigenaar-bewoner", marks=marks)
            barn = place_at(centre, angle, 0.0, 19.0 * (-1) ** (n % 2))
            if 14.0 < barn[1] < made.plan.size_m[1] - 14.0 and 14.0 < barn[0] < made.plan.size_m[0] - 12.0:
                _outbuilding(made, where, _body(barn, angle, (22.0, 12.0), (4.2, 0.0, "flat")), 1978)


def _odd(pand: Pand, rng: np.random.Generator) -> Pand:
    """Make the odd records of real registers: no year, being built, demolished."""
    draw = rng.random()
    if pand.quarter == "01" and pand.homes_per_floor and draw < 1.0 / PLACEHOLDER_EVERY:
        return replace(pand, bouwjaar=PLACEHOLDER_YEAR)
    if pand.bouwjaar >= NEW_YEAR and draw < 0.5:
        return replace(pand, status="Bouw gestart")
    if pand.quarter in ("02", "04") and pand.floors == 1 and draw < 1.0 / WITHDRAWN_EVERY:
        return replace(pand, status="Pand gesloopt")
    return pand


def _cluster(panden: list[Pand]) -> list[Pand]:
    """Give the houses nearest to the gallery flats their owners: 95 rented from the corporation, 41 owned."""
    flats = [pand for pand in panden if "gallery" in pand.marks]
    middle = np.mean([pand.centre for pand in flats], axis=0)
    house = (CLUSTER_BUURT, 1, 1, IN_USE, "woonfunctie")
    houses = (p for p in panden if (p.quarter, p.floors, p.homes_per_floor, p.status, p.use) == house)
    near = sorted(houses, key=lambda pand: float(np.hypot(*(np.array(pand.centre) - middle))))
    mark = frozenset({"cluster"})
    changed = {pand.number: replace(pand, marks=pand.marks | mark) for pand in flats}
    for n, pand in enumerate(near[: CLUSTER_RENTED + CLUSTER_OWNED]):
        owner = CORPORATION if n < CLUSTER_RENTED else "eigenaar-bewoner"
        changed[pand.number] = replace(pand, owner=owner, marks=pand.marks | mark)
    return [changed.get(pand.number, pand) for pand in panden]


def _tree(made: Town, at: Any, radius: tuple[float, float]) -> None:
    size = float(made.rng.uniform(*radius))
    point = (round(float(at[0]), 2), round(float(at[1]), 2))
    made.trees.append(Tree(point, round(size, 2), round(3.0 + 2.6 * size + float(made.rng.uniform(0, 2)), 2)))


def _plant(made: Town) -> None:
    """Plant avenues, street trees, garden trees and what grows where nothing stands."""
    rng = made.rng
    for way in made.plan.ways:
        grand = way.role in ("main", "outer")
        share = 0.85 if grand else 0.6 if way.half_m >= 5.0 else 0.3
        for side in (1, -1):
            line = way.line.offset_curve(side * (way.half_m - 1.0))
            for at in np.arange(8.0 + 5.0 * side, line.length - 8.0, 13.0 if grand else TREE_STEP_M):
                if rng.random() < share:
                    _tree(made, line.interpolate(float(at)).coords[0], (2.2, 3.6) if grand else (1.3, 2.4))
    for yard in made.yards:
        ring = np.array(yard.exterior.coords[:4])
        for _ in range(int(rng.poisson(yard.area / YARD_M2_PER_TREE))):
            u, v = rng.uniform(0.05, 0.95), rng.uniform(0.72, 0.95)
            left, right = ring[0] + v * (ring[3] - ring[0]), ring[1] + v * (ring[2] - ring[1])
            _tree(made, left + u * (right - left), (0.7, 2.6))
    rows, columns = np.nonzero(made.free)
    for n in rng.choice(len(rows), size=min(len(rows), len(rows) // 330), replace=False):
        _tree(made, (columns[n] + 0.5, rows[n] + 0.5), (1.8, 4.2))
    built = shapely.STRtree([pand.outline for pand in made.panden])
    spots = [shapely.Point(tree.point).buffer(0.4) for tree in made.trees]
    hit = set(built.query(spots, predicate="intersects")[0].tolist())
    wet = shapely.union_all([made.plan.canal.buffer(1.0), made.plan.rail.buffer(2.0)])
    shapely.prepare(wet)
    made.trees = [tree for n, tree in enumerate(made.trees) if n not in hit and not wet.intersects(spots[n])]


def a_year_later(model: Model) -> Model:
    """Return the town a year on: what was being built is lived in, some houses are gone, a name is corrected."""
    row = town.table()["later"]
    gone = {
        pand.number
        for pand in model.panden
        if pand.quarter == row["demolished_in"] and pand.floors == 1 and pand.number % row["demolished_every"] == 0
    }
    new = {pand.number for pand in model.panden if pand.status == "Bouw gestart"}
    states = dict.fromkeys(new, IN_USE) | dict.fromkeys(gone, "Pand gesloopt")
    lived = dict.fromkeys(new, "Verblijfsobject in gebruik") | dict.fromkeys(gone, "Verblijfsobject ingetrokken")
    streets = {key: (n, row["renamed"].get(name, name)) for key, (n, name) in model.streets.items()}
    panden = [replace(pand, status=states.get(pand.number, pand.status)) for pand in model.panden]
    homes = [replace(home, status=lived.get(home.panden[0], home.status)) for home in model.homes]
    return replace(model, panden=panden, homes=homes, streets=streets)
