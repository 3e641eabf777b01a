"""Whether the best areas come back when prices, bounds and assumptions move: as an area, and block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kansenkaart.core.area.best import best_areas
from kansenkaart.core.area.graph import AreaGraph
from kansenkaart.core.area.question import Area, Effort
from kansenkaart.core.area.sureness import Scenario
from kansenkaart.errors import ConfigError, InfeasibleError
from kansenkaart.kernel import Floats, Ints


@dataclass(frozen=True, eq=False)
class Recurrence:
    """How often each area came back.

    Parameters
    ----------
    area : Floats
        Share of the runs that have the area among their best [1].
    block : Floats
        Per area and block the share of the runs whose area nearest to it holds the block [1].
    runs : int
        Runs that had an answer [1].
    without : list[str]
        Names of the runs that had none.
    """

    area: Floats
    block: Floats
    runs: int
    without: list[str]


def recurrence(
    graph: AreaGraph, areas: Sequence[Area], *, runs: Sequence[Scenario], same: float, effort: Effort | None = None
) -> Recurrence:
    """Find the best areas anew in every run, and see which of the given ones are among them.

    Parameters
    ----------
    graph : AreaGraph
        The blocks, with the values as asked.
    areas : Sequence[Area]
        The best areas as asked.
    runs : Sequence[Scenario]
        Other ways to ask (see `scenarios`); each is asked for as many areas as are given.
    same : float
        Two areas are the same when the homes in both are at least this share of the homes in either [1].
    effort : Effort, optional
        How hard to look in each run.

    Raises
    ------
    ConfigError
        No runs, or a share that is not between 0 and 1.
    """
    if not runs or not 0 < same <= 1:
        raise ConfigError("at least one run and a share between 0 and 1", found=f"{len(runs)}, {same}", where="runs")
    hits, held, without = np.zeros(len(areas)), np.zeros((len(areas), len(graph))), []
    for run in runs:
        asked = graph if run.value is None else graph.with_value(run.value)
        try:
            again = best_areas(asked, count=len(areas), question=run.question, effort=effort)
        except InfeasibleError:
            without.append(run.name)
            continue
        for k, area in enumerate(areas):
            alike = np.array([homes_in_common(graph, area.blocks, other.blocks) for other in again])
            nearest = int(np.argmax(alike))
            hits[k] += alike[nearest] >= same
            if alike[nearest] > 0:
                held[k, again[nearest].blocks] += 1
    answered = len(runs) - len(without)
    return Recurrence(hits / max(answered, 1), held / max(answered, 1), answered, without)


def homes_in_common(graph: AreaGraph, first: Ints, second: Ints) -> float:
    """Homes in both areas as a share of the homes in either [1].

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    first, second : Ints
        Block numbers of each.
    """
    both = graph.homes[np.intersect1d(first, second)].sum()
    either = graph.homes[np.union1d(first, second)].sum()
    return float(both / max(int(either), 1))
