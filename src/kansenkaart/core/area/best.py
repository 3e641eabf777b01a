"""The best area: around a point, of a whole city, or the best few that do not overlap; always with its proven gap.

    bound every window (min cuts) --> anneal the few best --> branch and bound in those that might beat them --> anneal
    where that was cut short

An area belongs to the window of its centre block, so the best of the city is the best of all windows, and a window whose
bound is not above the best area so far needs no further look.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kansenkaart.core.area.bound import shared_bound, window_bounds, worth_of
from kansenkaart.core.area.exact import solve_window
from kansenkaart.core.area.graph import AreaGraph
from kansenkaart.core.area.question import Area, AreaQuestion, Effort, Search, prepare, split_homes
from kansenkaart.core.area.window_search import quick_area
from kansenkaart.core.area.windows import Window
from kansenkaart.errors import ConfigError, InfeasibleError
from kansenkaart.kernel import Flags, Ints

Place = tuple[int, int]  # number of the search, and the centre block
Bounds = dict[Place, float]
_Met = tuple[float, int, tuple[int, ...]]  # worth, centre and blocks of an area that was met

# A gap below this [1] is the rounding of sums, and counts as none.
_NO_GAP = 1e-6


def worth_of_area(graph: AreaGraph, question: AreaQuestion, blocks: Ints) -> float:
    """Worth of a set of blocks under a question [EUR/year]: value above the reference, less border, less split homes.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    question : AreaQuestion
        Prices.
    blocks : Ints
        Block numbers.
    """
    inside = np.zeros(len(graph), bool)
    inside[blocks] = True
    gain = graph.value[blocks].sum() - question.reference * graph.homes[blocks].sum()
    return float(
        gain - question.border_price * graph.border_weight(inside) - question.split_price * split_homes(graph, blocks)
    )


def best_around(graph: AreaGraph, *, centre: int, question: AreaQuestion, effort: Effort | None = None) -> Area:
    """Find the best area whose centre is a given block.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    centre : int
        Block at the point that was asked for (see `block_at`).
    question : AreaQuestion
        Bounds and prices.
    effort : Effort, optional
        How hard to look; with no time left only the quick answer and its bound are given.

    Raises
    ------
    InfeasibleError
        Nothing in reach of the block fits.
    """
    chase = _Chase(prepare(graph, question), effort or Effort())
    places = [(i, centre) for i, search in enumerate(chase.searches) if search.centres[centre]]
    return _best(chase, {place: chase.refresh(place) for place in places})


def best_areas(graph: AreaGraph, *, count: int, question: AreaQuestion, effort: Effort | None = None) -> list[Area]:
    """Find the best area, the best of what it leaves, and so on, each proven best among those that do not overlap.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    count : int
        How many areas are asked for [1]; fewer come where nothing more fits.
    question : AreaQuestion
        Bounds and prices.
    effort : Effort, optional
        How hard to look.

    Raises
    ------
    InfeasibleError
        Not one area fits.
    """
    turns = _best_in_turn(graph, question, effort or Effort())
    return [area for _, area in zip(range(count), turns, strict=False)]


def block_at(graph: AreaGraph, place: tuple[float, float], *, within_m: float) -> int:
    """Block with homes whose point is nearest to a place in RD New [m].

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    place : tuple of float
        x and y, RD New [m].
    within_m : float
        At most so far from the place [m].

    Raises
    ------
    ConfigError
        If no block with homes is so near.
    """
    distance = np.hypot(graph.xy[:, 0] - place[0], graph.xy[:, 1] - place[1])
    distance = np.where(graph.homes > 0, distance, np.inf)
    block = int(np.argmin(distance))
    if not distance[block] <= within_m:
        raise ConfigError(
            f"a place within {within_m:g} m of homes of the study",
            found=f"the nearest are {distance[block]:.0f} m away",
            where=f"{place[0]:.0f},{place[1]:.0f}",
            remedy="choose a place in the study",
        )
    return block


def _best_in_turn(graph: AreaGraph, question: AreaQuestion, effort: Effort) -> Iterator[Area]:
    """Yield the best area, then the best of the rest; bounds of the full graph stay valid for the rest."""
    searches = prepare(graph, question)
    bounds: Bounds = {}
    for i, search in enumerate(searches):
        centres = np.flatnonzero(search.centres).astype(np.int64)
        tops = window_bounds(centres, search.ground, band=question.band, enough=-np.inf, workers=effort.workers)
        bounds.update({(i, int(c)): float(top) for c, top in zip(centres, tops, strict=True) if np.isfinite(top)})
    chase = _Chase(searches, effort)
    yield _centred(graph, _best(chase, bounds))
    while chase.give_away() and any(chase.allowed[c] for _, c in bounds):
        try:
            yield _centred(graph, _best(chase, bounds))
        except InfeasibleError:
            return


def _centred(graph: AreaGraph, area: Area) -> Area:
    """Give an area the block as its centre from which its farthest block is nearest: many windows hold the same area."""
    x, y = graph.xy[area.blocks].T
    far = np.hypot(x[:, None] - x, y[:, None] - y).max(axis=1)
    return replace(area, centre=int(area.blocks[np.argmin(far)]))


class _Chase:
    """The best area so far, and the windows that might still hold a better one."""

    def __init__(self, searches: list[Search], effort: Effort) -> None:
        self.searches, self.effort, self.allowed = searches, effort, searches[0].allowed.copy()
        self.met: list[_Met] = []
        self.best: _Met = (-np.inf, -1, ())

    @property
    def worth(self) -> float:
        """Worth of the best area so far [EUR/year]."""
        return self.best[0]

    @property
    def enough(self) -> float:
        """What a window has to exceed [EUR/year]."""
        return self.worth + _NO_GAP * abs(self.worth) if np.isfinite(self.worth) else -np.inf

    def offer(self, window: Window, inside: Flags) -> None:
        """Keep an area if it is the best yet."""
        worth = float(worth_of(window, window.profit, inside))
        met = (worth, int(window.members[0]), tuple(np.sort(window.members[inside]).tolist()))
        self.met.append(met)
        if worth > self.worth:
            self.best = met

    def give_away(self) -> bool:
        """Take the best area's blocks out of the game and start anew with the best area met that is still whole."""
        self.allowed[list(self.best[2])] = False
        self.met = [met for met in self.met if self.allowed[list(met[2])].all()]
        self.best = max(self.met, default=(-np.inf, -1, ()))
        return bool(self.allowed.any())

    def window(self, place: tuple[int, int]) -> Window | None:
        """Window of a search and centre, without the blocks already given away."""
        return self.searches[place[0]].window(place[1], allowed=self.allowed)

    def refresh(self, place: tuple[int, int]) -> float:
        """Bound of a window as it is now [EUR/year]."""
        w = self.window(place)
        if w is None:
            return -np.inf
        inside = np.empty(len(w.members), bool)
        band = self.searches[0].question.band
        return float(shared_bound(w, band, self.enough, 0.0, inside)[0])

    def look(self, place: tuple[int, int]) -> None:
        """Anneal in a window, started from the blocks that its bound takes in."""
        w = self.window(place)
        if w is None:
            return
        band, inside = self.searches[0].question.band, np.empty(len(w.members), bool)
        shared_bound(w, band, -np.inf, 0.0, inside)
        effort = (self.effort.restarts, self.effort.steps)
        area, worth = quick_area(w, band=band, wanted=inside, effort=effort, seed=self.effort.seed)
        if np.isfinite(worth):
            self.offer(w, area)

    def prove(self, place: tuple[int, int], bound: float) -> float:
        """Close a window; return what it can still be worth [EUR/year]."""
        w = self.window(place)
        if w is None:
            return -np.inf
        band = self.searches[0].question.band
        proof = solve_window(w, band=band, beat=self.enough, bound=bound, effort=self.effort)
        if np.isfinite(proof.worth):
            self.offer(w, proof.inside)
        return proof.bound


def _best(chase: _Chase, bounds: Bounds) -> Area:
    """Find the best area over the windows given; what is learned of them is kept in `bounds`."""
    heap = [(-bound, place) for place, bound in bounds.items() if chase.allowed[place[1]]]
    heapq.heapify(heap)
    for _, place in heapq.nsmallest(chase.effort.first, heap):
        chase.look(place)
    ceiling = _close(chase, heap, bounds)
    if not np.isfinite(chase.worth):
        centres = np.unique([c for _, c in bounds])
        raise _nothing_fits(chase.searches[0], centres, chase.allowed, proven=not np.isfinite(ceiling))
    return _area(chase, max(ceiling, chase.worth))


def _close(chase: _Chase, heap: list[tuple[float, Place]], bounds: Bounds) -> float:
    """Take the windows from the highest bound down until none can beat the best; return what is left open [EUR/year]."""
    fresh: set[Place] = set()
    ceiling, closed = -np.inf, 0
    while heap and -heap[0][0] > chase.enough:
        top, place = -heap[0][0], heapq.heappop(heap)[1]
        if chase.effort.remaining() <= 0 or closed >= chase.effort.windows:
            return max(ceiling, top)
        if place not in fresh:
            fresh.add(place)
            bounds[place] = min(top, chase.refresh(place))
            heapq.heappush(heap, (-bounds[place], place))
            continue
        closed += 1
        bounds[place] = min(top, chase.prove(place, top))
        if bounds[place] > chase.enough:  # the proof was cut short: a search may do better, or be enough
            chase.look(place)
        if bounds[place] > chase.enough:
            ceiling = max(ceiling, bounds[place])
    return ceiling


def _area(chase: _Chase, ceiling: float) -> Area:
    graph, question, blocks = chase.searches[0].graph, chase.searches[0].question, np.array(chase.best[2], np.int64)
    worth = worth_of_area(graph, question, blocks)
    inside = np.zeros(len(graph), bool)
    inside[blocks] = True
    gap = (ceiling - chase.worth) / max(abs(worth), 1.0)
    closed = gap <= _NO_GAP
    return Area(
        blocks=blocks,
        centre=chase.best[1],
        homes=int(graph.homes[blocks].sum()),
        value=float(graph.value[blocks].sum()),
        border_m=graph.border_weight(inside),
        split=split_homes(graph, blocks),
        worth=worth,
        bound=worth if closed else ceiling,
        gap=0.0 if closed else gap,
    )


def _nothing_fits(search: Search, centres: Ints, allowed: Flags, *, proven: bool) -> InfeasibleError:
    """Say what is in reach, and what to change."""
    q, graph = search.question, search.graph
    reach = [near[allowed[near]] for near in map(search.near, map(int, centres))]
    most = max((int(graph.homes[near].sum()) for near in reach), default=0)
    smallest = min((int(graph.homes[near].min()) for near in reach if len(near)), default=0)
    open_end = "" if proven else ", and none was met in the time given (there may be one)"
    coarse = smallest > q.high_homes
    return InfeasibleError(
        f"a connected area of {q.low_homes} to {q.high_homes} homes within {q.radius_m:g} m of a block",
        found=f"blocks of {smallest} homes or more"
        if coarse
        else f"at most {most} homes in reach that may be used{open_end}",
        where="around the point" if len(centres) == 1 else "every block",
        remedy="ask for an area of more homes: a block is not divided"
        if coarse
        else "widen the radius or the band of homes, loosen the owner's share, or drop pins",
    )
