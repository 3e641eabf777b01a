"""A design storm walked down the sewers by the time-area method, beside the stationary rain."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from kansenkaart.core.water.arrays import Floats, Ints
from kansenkaart.core.water.network import FlowForest
from kansenkaart.errors import ConfigError

# Bui 08, once in two years, 19.8 mm in an hour [mm per 5 minutes]: Leidraad Riolering, module C2100 (2004).
BUI_08_MM = (0.3, 0.6, 0.9, 1.2, 1.5, 2.1, 2.7, 3.3, 3.3, 2.1, 1.2, 0.6)
STEP_S = 300.0


@dataclass(frozen=True)
class Storm:
    """Rain in equal steps, and how it runs.

    Parameters
    ----------
    depths_mm : tuple of float
        Rain per step [mm].
    step_s : float
        Length of a step [s].
    velocity_m_per_s : float
        Speed of the wave in the pipes [m/s] (guess: 1; RIONED allows at most 1.5 in a full pipe).
    initial_loss_mm : float
        Rain that wets the surface and stays there [mm]; 0.5 for flat closed paving (NWRW run-off model).
    extra_steps : int
        Steps after the rain in which the water runs off [1].
    """

    depths_mm: tuple[float, ...] = BUI_08_MM
    step_s: float = STEP_S
    velocity_m_per_s: float = 1.0
    initial_loss_mm: float = 0.5
    extra_steps: int = 24

    def __post_init__(self) -> None:
        if not self.depths_mm or min(self.depths_mm) < 0 or min(self.step_s, self.velocity_m_per_s) <= 0:
            raise ConfigError("rain of 0 mm or more, step and speed above 0", found=str(self), where="Storm")


def net_rain(storm: Storm) -> Floats:
    """Rain that runs off in each step [mm], followed by the dry steps.

    Parameters
    ----------
    storm : Storm
        Rain and initial loss [mm].
    """
    fallen = np.cumsum(np.asarray(storm.depths_mm, dtype=float))
    left = np.diff(np.maximum(fallen - storm.initial_loss_mm, 0.0), prepend=0.0)
    return np.concatenate([left, np.zeros(storm.extra_steps)])


@numba.njit(cache=True)
def _route(
    order: Ints, next_pipe: Ints, tail: Ints, head: Ints, lag: Floats, area: Floats, rain: Floats
) -> tuple[Floats, Floats]:
    """Largest flow at the lower end of each pipe [m3/step] and the volume that arrives at each node [m3]."""
    steps = len(rain)
    at_node = np.zeros((len(next_pipe), steps))
    peak = np.zeros(len(tail))
    arrived = np.zeros(len(next_pipe))
    for p in range(len(tail)):
        if next_pipe[tail[p]] != p:
            for t in range(steps):
                wave = area[p] * rain[t]
                at_node[head[p], t] += wave
                peak[p] = max(peak[p], wave)
    for node in order:
        p = next_pipe[node]
        if p < 0:
            arrived[node] = at_node[node].sum()
            continue
        whole = int(lag[p])
        part = lag[p] - whole
        wave = area[p] * rain
        for t in range(steps):
            wave[min(t + whole, steps - 1)] += at_node[node, t] * (1 - part)
            wave[min(t + whole + 1, steps - 1)] += at_node[node, t] * part
        # The last step collects what would leave after the end: it keeps the volume but is no peak.
        for t in range(steps - 1):
            peak[p] = max(peak[p], wave[t])
        for t in range(steps):
            at_node[head[p], t] += wave[t]
    return peak, arrived


def storm_peaks(
    forest: FlowForest, *, paved_m2: npt.ArrayLike, length_m: Floats, storm: Storm
) -> tuple[Floats, Floats]:
    """Peak run-off of each pipe in a design storm [l/s] and the volume at each outlet [m3].

    Every pipe hands its inflow on after length / velocity (linear between steps); its own area enters at once.
    Volume is conserved.

    Parameters
    ----------
    forest : FlowForest
        Directions, from `orient`.
    paved_m2 : array_like
        Paved area that drains to each pipe itself [m2].
    length_m : array
        Length of each pipe [m].
    storm : Storm
        Rain and speed.
    """
    rain = net_rain(storm) / 1000
    lag = length_m / storm.velocity_m_per_s / storm.step_s
    area = np.ascontiguousarray(np.asarray(paved_m2, dtype=float))
    peak, arrived = _route(forest.order, forest.next_pipe, forest.tail, forest.head, lag, area, rain)
    return peak / storm.step_s * 1000, arrived
