"""What is asked of the best area, and the arrays that the search works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kansenkaart.core.area.graph import AreaGraph, components
from kansenkaart.core.area.windows import Ground, Window, window_around, within_reach
from kansenkaart.errors import ConfigError, InfeasibleError
from kansenkaart.kernel import Flags, Floats, Ints

MANY = 2**31 - 1


def no_limit() -> float:
    """Time left where there is no time box [s]."""
    return 1e9


@dataclass(frozen=True)
class Effort:
    """How hard to look.

    Parameters
    ----------
    restarts, steps : int
        Annealing runs per window and steps per run [1].
    first : int
        Windows annealed before anything is proven [1].
    workers : int
        Threads for the bounds [1].
    windows, nodes : int
        Windows closed per area, and per window nodes of the search tree [1]: a bound on the work that does not depend on
        the machine, so that the same question has the same answer everywhere.
    seed : int
        Same seed, same answer.
    remaining : Callable[[], float]
        Time left [s]; the proof stops when it is gone, the answer stands.
    """

    restarts: int = 3
    steps: int = 100_000
    first: int = 8
    workers: int = 2
    windows: int = MANY
    nodes: int = MANY
    seed: int = 0
    remaining: Callable[[], float] = no_limit


@dataclass(frozen=True, eq=False)
class Area:
    """One area and how good it is proven to be.

    Parameters
    ----------
    blocks : Ints
        Block numbers, ascending.
    centre : int
        The centre block.
    homes : int
        Homes [home].
    value : float
        Sum of the blocks' values [EUR/year].
    border_m : float
        Weighted border [m].
    split : int
        Homes outside the main buurt [home].
    worth : float
        What was maximised [EUR/year].
    bound : float
        No area that answers the question is worth more [EUR/year].
    gap : float
        (bound - worth) / |worth| [1]; 0 = proven best.
    """

    blocks: Ints
    centre: int
    homes: int
    value: float
    border_m: float
    split: int
    worth: float
    bound: float
    gap: float


@dataclass(frozen=True)
class AreaQuestion:
    """The bounds and prices of one question.

    Parameters
    ----------
    low_homes, high_homes : int
        Band of homes [home]; the default is that of the first wijkbedrijf, 330 less and more a tenth.
    radius_m : float
        All blocks lie within this distance of the centre block [m]: surveyable on foot.
    border_price : float
        Price of the weighted border [EUR/m/year].
    reference : float
        Value per home that any area would have [EUR/home/year]; only what is above it counts.
    split_price : float
        Price of each home outside the area's main buurt [EUR/home/year].
    owner_low, owner_high : float
        Bounds on the largest owner's share of the homes [1]; homes of unknown ownership count against the bound.
    pins_in, pins_out : tuple[int, ...]
        Blocks that must be in and must be out.
    """

    low_homes: int = 300
    high_homes: int = 360
    radius_m: float = 300.0
    border_price: float = 20.0
    reference: float = 0.0
    split_price: float = 0.0
    owner_low: float = 0.0
    owner_high: float = 1.0
    pins_in: tuple[int, ...] = ()
    pins_out: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        problems = []
        if not 0 < self.low_homes <= self.high_homes:
            problems.append(f"homes from {self.low_homes} to {self.high_homes}")
        if not 0 <= self.owner_low <= self.owner_high <= 1:
            problems.append(f"an owner's share from {self.owner_low} to {self.owner_high}")
        if not (self.radius_m > 0 and np.isfinite(self.radius_m)):
            problems.append(f"a radius of {self.radius_m} m")
        if not (self.border_price >= 0 and self.split_price >= 0 and np.isfinite(self.reference)):
            problems.append("a negative price or an unknown reference")
        if both := sorted(set(self.pins_in) & set(self.pins_out)):
            problems.append(f"blocks {both} both in and out")
        if problems:
            raise ConfigError("bounds that can hold together", found="; ".join(problems), where="the question")

    @property
    def band(self) -> tuple[float, float]:
        """Homes, low and high [home]."""
        return float(self.low_homes), float(self.high_homes)

    def without(self, blocks: Ints) -> AreaQuestion:
        """Ask the same with more blocks out."""
        return replace(self, pins_out=tuple(sorted({*self.pins_out, *blocks.tolist()})))


@dataclass(frozen=True, eq=False)
class Search:
    """A question on a graph, as the compiled loops take it; one per main buurt where splitting has a price.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    question : AreaQuestion
        What is asked.
    ground : Ground
        The same as arrays.
    allowed : Flags
        Blocks that may be in.
    centres : Flags
        Blocks worth asking around: where splitting has a price, those with a home of the main buurt in reach.
    """

    graph: AreaGraph
    question: AreaQuestion
    ground: Ground
    allowed: Flags
    centres: Flags

    def near(self, centre: int) -> Ints:
        """List the blocks within reach of a centre."""
        return self.ground.near[self.ground.near_ptr[centre] : self.ground.near_ptr[centre + 1]]

    def window(self, centre: int, *, allowed: Flags | None = None) -> Window | None:
        """Cut out the window around a centre; None where a pin or enough homes are out of reach."""
        near = self.near(centre)
        if allowed is not None:
            near = near[allowed[near]]
        if centre not in near:
            return None
        window = window_around(self.ground, centre, near, np.full(len(self.graph), -1, np.int64))
        pins = int(self.ground.pinned.sum())
        if window.forced.sum() < pins or window.homes.sum() < self.question.low_homes:
            return None
        window.forced[0] = 1
        return window


def prepare(graph: AreaGraph, question: AreaQuestion) -> list[Search]:
    """Turn a question into searches: one, or one per possible main buurt where splitting has a price.

    Raises
    ------
    InfeasibleError
        Too few homes in all, or pins that no block or piece of the city can satisfy.
    """
    n, q = len(graph), question
    pins = {*q.pins_in, *q.pins_out}
    if pins and not (min(pins) >= 0 and max(pins) < n):
        raise ConfigError(f"pins among the {n} blocks", found=str(sorted(pins)[-1]), where="the question")
    allowed, pinned = np.ones(n, bool), np.zeros(n, bool)
    allowed[list(q.pins_out)] = False
    pinned[list(q.pins_in)] = True
    _require_possible(graph, q, allowed, pinned)
    near_ptr, near = within_reach(graph, radius_m=q.radius_m, allowed=allowed)
    worth = graph.value - q.reference * graph.homes - q.border_price * graph.ext
    ground = Ground(
        near_ptr=near_ptr,
        near=near,
        indptr=graph.indptr,
        nbr=graph.nbr,
        edge=graph.edge,
        passable=graph.passable,
        cost=q.border_price * graph.weight,
        worth=worth,
        homes=graph.homes.astype(np.float64),
        share=_share_rows(graph, q),
        pinned=pinned,
    )
    base = Search(graph, q, ground, allowed, centres=allowed)
    if q.split_price == 0:
        return [base]
    seen_from = np.repeat(np.arange(n), np.diff(near_ptr))
    searches = []
    for main in np.unique(graph.buurt[graph.homes > 0]):
        mine = (graph.buurt == main) & (graph.homes > 0)
        centres = allowed & (np.bincount(seen_from[mine[near]], minlength=n) > 0)
        less = q.split_price * graph.homes * (graph.buurt != main)
        searches.append(replace(base, ground=ground._replace(worth=worth - less), centres=centres))
    return searches


def split_homes(graph: AreaGraph, blocks: Ints) -> int:
    """Homes of an area outside its main buurt [home]: the buurt with most of its homes.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    blocks : Ints
        Block numbers of the area.
    """
    per_buurt = np.bincount(graph.buurt[blocks] + 1, graph.homes[blocks])
    return int(graph.homes[blocks].sum() - per_buurt.max())


def _share_rows(graph: AreaGraph, question: AreaQuestion) -> Floats:
    rows = np.zeros((2, len(graph)))
    if question.owner_low > 0:
        rows[0] = np.nan_to_num(graph.owned, nan=0.0) - question.owner_low * graph.homes
    if question.owner_high < 1:
        rows[1] = question.owner_high * graph.homes - np.where(np.isnan(graph.owned), graph.homes, graph.owned)
    return rows


def _require_possible(graph: AreaGraph, question: AreaQuestion, allowed: Flags, pinned: Flags) -> None:
    low, high = question.low_homes, question.high_homes
    total = int(graph.homes[allowed].sum())
    if total < low:
        raise InfeasibleError(
            f"at least {low} homes to choose from",
            found=f"{total} homes in all",
            where="the whole place",
            remedy="lower the band of homes, or take a larger place",
        )
    if (taken := int(graph.homes[pinned].sum())) > high:
        raise InfeasibleError(
            f"at most {high} homes",
            found=f"{taken} homes in the blocks that must be in",
            where="pins_in",
            remedy="pin fewer blocks, or raise the band of homes",
        )
    piece = components(graph, allowed)
    if len(np.unique(piece[pinned])) > 1:
        raise InfeasibleError(
            "blocks that can be walked between",
            found="blocks that must be in on both sides of a border without a crossing",
            where="pins_in",
            remedy="pin blocks on one side only, or add the bridge that is missing",
        )
    if (largest := int(np.bincount(piece[allowed], graph.homes[allowed]).max())) < low:
        raise InfeasibleError(
            f"a connected part with at least {low} homes",
            found=f"the largest has {largest}",
            where="islands and exclaves",
            remedy="lower the band of homes, or add the bridges that are missing",
        )
