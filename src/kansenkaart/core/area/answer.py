"""What a search may spend, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kansenkaart.core.area.kernel import Ints

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
    windows, rounds, nodes : int
        Windows closed per area, and per window rounds of cuts and nodes of the search tree [1]: a bound on the work that
        does not depend on the machine, so that the same question has the same answer everywhere.
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
    rounds: int = MANY
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
