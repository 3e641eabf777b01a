"""Which way the water goes: by levels where known, else along the topology to pumping stations, outfalls or big pipes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from kansenkaart.core.water.arrays import Bools, Floats, Ints
from kansenkaart.core.water.network import FlowForest, SewerGraph
from kansenkaart.kernel import kernel

FOUL, RAIN, PRESSURE = 0, 1, 2

_FOUL_OUTLETS = ("gemaal", "lozing")
_RAIN_OUTLETS = ("gemaal", "lozing", "uitlaat", "overstort")
_PRESSURE_OUTLETS = ("lozing", "uitlaat")


@dataclass(frozen=True)
class OrientRules:
    """How strongly levels and diameters pull.

    Parameters
    ----------
    against_levels : float
        How much longer a pipe counts when it is walked against its levels [1].
    drop_min_m : float
        Smaller level differences say nothing [m].
    """

    against_levels: float = 50.0
    drop_min_m: float = 0.001


@dataclass
class _State:
    flip: Bools
    by: npt.NDArray[np.object_]
    next_pipe: Ints
    island: Ints


def orient(graph: SewerGraph, *, rules: OrientRules | None = None) -> FlowForest:
    """Give every pipe a direction and every node one way out.

    Per layer and connected part the shortest way to an outlet is sought; a pipe walked against its levels counts
    `against_levels` times longer, a wide pipe counts shorter. Outlets: pumping stations and discharges (foul);
    also outfalls, overflows and joints with foul sewers (rain); for pressure parts the places where they
    empty into gravity sewers. A part without outlet empties at its lowest level, else at its largest pipe, else at its centre.

    Parameters
    ----------
    graph : SewerGraph
        From `build_graph`.
    rules : OrientRules, optional
        How strongly levels pull.

    Returns
    -------
    FlowForest
        `oriented_by` is one of levels, against_levels, outlet, lowest_level, larger_pipe, centre, drawn.
    """
    chosen = rules or OrientRules()
    state = _State(
        np.zeros(graph.pipes, dtype=bool),
        np.full(graph.pipes, "drawn", dtype=object),
        np.full(graph.nodes, -1, dtype=np.int64),
        np.full(graph.pipes, -1, dtype=np.int64),
    )
    for layer in (FOUL, RAIN, PRESSURE):
        if (graph.layer == layer).any():
            _orient_layer(graph, layer, chosen, state)
    tail = np.where(state.flip, graph.end, graph.start)
    head = np.where(state.flip, graph.start, graph.end)
    cut = _cut_cycles(graph, state.next_pipe, tail, head)
    order = _ordered(state.next_pipe, head)[0]
    way = np.zeros(graph.pipes, dtype=bool)
    way[state.next_pipe[state.next_pipe >= 0]] = True
    way[cut] = True
    return FlowForest(tail, head, state.by, state.next_pipe, order, ~way, state.island, _issues(graph, cut, state.by))


def _touching(graph: SewerGraph, layers: tuple[int, ...]) -> Bools:
    here = np.zeros(graph.nodes, dtype=bool)
    pipes = np.isin(graph.layer, layers)
    here[graph.start[pipes]] = True
    here[graph.end[pipes]] = True
    return here


def _outlets(graph: SewerGraph, layer: int) -> Bools:
    kinds = (_FOUL_OUTLETS, _RAIN_OUTLETS, _PRESSURE_OUTLETS)[layer]
    outlets = np.isin(graph.kind, kinds)
    if layer == RAIN:
        outlets |= _touching(graph, (FOUL,))
    elif layer == PRESSURE:
        outlets |= _touching(graph, (FOUL, RAIN)) & (graph.kind != "gemaal")
    return np.asarray(outlets & _touching(graph, (layer,)), dtype=bool)


def _orient_layer(graph: SewerGraph, layer: int, rules: OrientRules, state: _State) -> None:
    pipes = np.flatnonzero(graph.layer == layer)
    start, end = graph.start[pipes], graph.end[pipes]
    links = csr_matrix((np.ones(len(pipes)), (start, end)), shape=(graph.nodes, graph.nodes))
    part = connected_components(links, directed=False)[1].astype(np.int64)
    outlets, basis = _with_fallbacks(graph, layer, part, _outlets(graph, layer))
    drop = np.where(np.abs(graph.drop_m[pipes]) >= rules.drop_min_m, graph.drop_m[pipes], np.nan)
    away, parent = _ways(graph, pipes, drop, np.flatnonzero(outlets), rules)
    levelled = ~np.isnan(drop)
    uphill = away[start] < away[end]
    level = away[start] == away[end]
    flip = np.where(levelled, drop < 0, uphill)
    by = np.where(levelled, "levels", np.where(level, "drawn", basis[part[start]])).astype(object)
    at = np.flatnonzero(parent >= 0)
    tree = parent[at]
    should = graph.end[pipes[tree]] == at
    against = levelled[tree] & (flip[tree] != should)
    by[tree[against]] = "against_levels"
    by[tree[~levelled[tree]]] = basis[part[at[~levelled[tree]]]]
    flip[tree] = should
    state.flip[pipes], state.by[pipes], state.island[pipes] = flip, by, part[start]
    state.next_pipe[at] = pipes[tree]


def _with_fallbacks(graph: SewerGraph, layer: int, part: Ints, outlets: Bools) -> tuple[Bools, npt.NDArray[np.object_]]:
    """Outlets of every part, and per part what they rest on."""
    here = _touching(graph, (layer,))
    basis = np.full(int(part.max()) + 1, "outlet", dtype=object)
    served = np.zeros(len(basis), dtype=bool)
    served[part[outlets]] = True
    orphans = np.flatnonzero(here & ~served[part])
    if not len(orphans):
        return outlets, basis
    wide = _widest(graph, layer)[orphans]
    low = np.where(layer == PRESSURE, np.nan, graph.low_m_nap[layer, orphans])
    own = part[orphans]
    middle = pd.DataFrame(graph.xy[orphans]).groupby(own).transform("mean").to_numpy()
    far = np.hypot(*(graph.xy[orphans] - middle).T)
    pumped = graph.kind[orphans] == "gemaal"
    # Of equally wide places a dead end is the likelier outlet; without diameters the centre is.
    through = np.where(np.isnan(wide), False, _degree(graph, layer)[orphans] > 1)
    rank = np.lexsort((far, through, -np.nan_to_num(wide), np.nan_to_num(low, nan=np.inf), pumped, own))
    first = rank[np.unique(own[rank], return_index=True)[1]]
    spread = pd.Series(wide).groupby(own).agg(np.ptp).reindex(own[first]).to_numpy() > 0
    basis[own[first]] = np.where(~np.isnan(low[first]), "lowest_level", np.where(spread, "larger_pipe", "centre"))
    all_outlets = outlets.copy()
    all_outlets[orphans[first]] = True
    return all_outlets, basis


def _degree(graph: SewerGraph, layer: int) -> Ints:
    pipes = graph.layer == layer
    ends = np.concatenate([graph.start[pipes], graph.end[pipes]])
    return np.bincount(ends, minlength=graph.nodes).astype(np.int64)


def _widest(graph: SewerGraph, layer: int) -> Floats:
    wide = np.full(graph.nodes, -np.inf)
    pipes = (graph.layer == layer) & ~np.isnan(graph.diameter_mm)
    for ends in (graph.start, graph.end):
        np.maximum.at(wide, ends[pipes], graph.diameter_mm[pipes])
    return np.where(np.isinf(wide), np.nan, wide)


def _ways(graph: SewerGraph, pipes: Ints, drop: Floats, outlets: Ints, rules: OrientRules) -> tuple[Floats, Ints]:
    """Distance of each node to its outlet [m, weighted], and the position in `pipes` of its way out (-1: none)."""
    start, end = graph.start[pipes], graph.end[pipes]
    size = graph.diameter_mm[pipes]
    usual = np.nanmedian(size) if (~np.isnan(size)).any() else 1.0
    cost = np.maximum(graph.length_m[pipes], 1e-6) * usual / np.where(np.isnan(size), usual, size)
    # The search walks up from the outlets: entry (v, u) is the cost of water going from u down to v.
    row, column = np.concatenate([end, start]), np.concatenate([start, end])
    weight = np.concatenate(
        [np.where(drop < 0, cost * rules.against_levels, cost), np.where(drop > 0, cost * rules.against_levels, cost)]
    )
    which = np.tile(np.arange(len(pipes)), 2)
    rank = np.lexsort((weight, column, row))
    key = row[rank] * graph.nodes + column[rank]
    best = np.concatenate([[True], key[1:] != key[:-1]])
    rank, key = rank[best], key[best]
    links = csr_matrix((weight[rank], (row[rank], column[rank])), shape=(graph.nodes, graph.nodes))
    away, parent, _ = dijkstra(links, indices=outlets, min_only=True, return_predecessors=True)
    reached = np.flatnonzero(parent >= 0)
    position = np.searchsorted(key, parent[reached].astype(np.int64) * graph.nodes + reached)
    way = np.full(graph.nodes, -1, dtype=np.int64)
    way[reached] = which[rank[position]]
    return np.asarray(away), way


@kernel
def _ordered(next_pipe: Ints, head: Ints) -> tuple[Ints, Ints]:
    """Nodes from heads to outlets, and how many ways in each node still waits for (above 0 only on a cycle)."""
    nodes = len(next_pipe)
    waits = np.zeros(nodes, dtype=np.int64)
    for node in range(nodes):
        if next_pipe[node] >= 0:
            waits[head[next_pipe[node]]] += 1
    order = np.empty(nodes, dtype=np.int64)
    done = 0
    for node in range(nodes):
        if waits[node] == 0:
            order[done] = node
            done += 1
    read = 0
    while read < done:
        p = next_pipe[order[read]]
        read += 1
        if p >= 0:
            waits[head[p]] -= 1
            if waits[head[p]] == 0:
                order[done] = head[p]
                done += 1
    return order[:done], waits


def _cut_cycles(graph: SewerGraph, next_pipe: Ints, tail: Ints, head: Ints) -> Ints:
    """Cut each ring of pressure mains at its longest main, in place; the cut pipes."""
    cut: list[int] = []
    left = set(np.flatnonzero(_ordered(next_pipe, head)[1] > 0).tolist())
    while left:
        ring = [left.pop()]
        while head[next_pipe[ring[-1]]] != ring[0]:
            ring.append(int(head[next_pipe[ring[-1]]]))
            left.discard(ring[-1])
        ways = next_pipe[np.array(ring)]
        pressed = ways[graph.layer[ways] == PRESSURE]
        among = pressed if len(pressed) else ways
        worst = int(among[np.argmax(graph.length_m[among])])
        next_pipe[tail[worst]] = -1
        cut.append(worst)
    return np.array(cut, dtype=np.int64)


def _issues(graph: SewerGraph, cut: Ints, by: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Name the rings that were cut, and the pipes whose levels contradict the only way out: they flow there all the same."""
    against = np.flatnonzero(by == "against_levels")
    parts = (
        (cut, "ring of pressure mains", "cut here"),
        (against, "levels contradict the only way out", "flows to the outlet"),
    )
    rows = [pd.DataFrame({"pipe_id": graph.pipe_id[k], "reason": why, "action": done}) for k, why, done in parts]
    return pd.concat(rows, ignore_index=True)
