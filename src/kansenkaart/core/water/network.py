"""The sewer as a graph: pipe ends snapped to shared nodes, and water, people and area added up along the flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from kansenkaart.core.water.arrays import Bools, Floats, Ints, objects
from kansenkaart.core.water.pipes import LAYERS
from kansenkaart.errors import SchemaError
from kansenkaart.kernel import kernel


@dataclass(frozen=True)
class SewerGraph:
    """Pipes between nodes; all arrays of pipes have one length, all arrays of nodes another.

    Parameters
    ----------
    pipe_id : array of str
        Identification of each pipe.
    start, end : array of int
        Node at the drawn start and end of each pipe.
    layer : array of int
        Position in `LAYERS`: foul (with combined), rain, pressure.
    length_m, diameter_mm, drop_m : array of float
        Length [m], inner diameter [mm, NaN unknown], level at start less level at end [m, NaN unknown].
    low_m_nap : array of float
        Lowest level of the pipes of each layer at each node: layers by nodes [m NAP, NaN unknown].
    xy : array
        Coordinates of the nodes [m RD New].
    kind : array of str
        Kind of each node; empty where no node was delivered.
    issues : DataFrame
        Faults found while snapping: `pipe_id`, `reason`, `action`.
    """

    pipe_id: npt.NDArray[np.object_]
    start: Ints
    end: Ints
    layer: Ints
    length_m: Floats
    diameter_mm: Floats
    drop_m: Floats
    low_m_nap: Floats
    xy: Floats
    kind: npt.NDArray[np.object_]
    issues: pd.DataFrame

    @property
    def pipes(self) -> int:
        """Number of pipes [1]."""
        return len(self.pipe_id)

    @property
    def nodes(self) -> int:
        """Number of nodes [1]."""
        return len(self.xy)


@dataclass(frozen=True)
class FlowForest:
    """Which way each pipe flows; every node has at most one way out, so what enters leaves once.

    Parameters
    ----------
    tail, head : array of int
        Node upstream and downstream of each pipe.
    oriented_by : array of str
        What the direction rests on.
    next_pipe : array of int
        Pipe by which each node empties; -1 at an outlet.
    order : array of int
        Nodes from the heads of the sewers to the outlets.
    closes_loop : array of bool
        True for pipes beside the main way; they carry their own load only.
    island : array of int
        Number of the connected part of its own layer that each pipe belongs to.
    issues : DataFrame
        Faults found while orienting: `pipe_id`, `reason`, `action`.
    """

    tail: Ints
    head: Ints
    oriented_by: npt.NDArray[np.object_]
    next_pipe: Ints
    order: Ints
    closes_loop: npt.NDArray[np.bool_]
    island: Ints
    issues: pd.DataFrame


def build_graph(
    pipe: gpd.GeoDataFrame,
    node: gpd.GeoDataFrame | None = None,
    *,
    structures: pd.DataFrame | None = None,
    snap_m: float = 0.5,
    node_reach_m: float = 5.0,
) -> SewerGraph:
    """Snap pipe ends and nodes within a distance to one another, and where a register names the same node.

    Parameters
    ----------
    pipe : GeoDataFrame
        `pipes` of `clean_pipes`.
    node : GeoDataFrame, optional
        Columns of the table `sewer_node`.
    structures : DataFrame, optional
        Weirs, pumps and orifices of `clean_pipes`: the two chambers of a weir or a pump stay apart however near they lie,
        those of an orifice are one.
    snap_m : float
        Ends closer than this are one node [m]; half the width of a manhole.
    node_reach_m : float
        Ends that name one node are joined only when closer than this to each other [m].

    Raises
    ------
    SchemaError
        If the pipes did not come from `clean_pipes`.
    """
    if "layer" not in pipe.columns:
        raise SchemaError("pipes from clean_pipes", found="no column layer", where="sewer_pipe")
    count = len(pipe)
    ends, names, kinds = _points(pipe, node)
    near = _near(ends, names, count, structures, snap_m)
    label = _snapped(ends, names, near, _joined(names, structures), node_reach_m=node_reach_m)
    start, end = label[:count], label[count : 2 * count]
    keep = start != end
    issues = pd.DataFrame({"pipe_id": pipe["pipe_id"].to_numpy()[~keep]})
    issues["reason"], issues["action"] = "both ends on one node", "left out"
    return _packed(pipe[keep].reset_index(drop=True), start[keep], end[keep], (ends, label, kinds), issues)


def _points(
    pipe: gpd.GeoDataFrame, node: gpd.GeoDataFrame | None
) -> tuple[Floats, npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    shapes = pipe.geometry.to_numpy()
    first = shapely.get_coordinates(shapely.get_point(shapes, 0))
    last = shapely.get_coordinates(shapely.get_point(shapes, -1))
    names = [
        objects(pipe["from_node"]),
        objects(pipe["to_node"]),
    ]
    kinds: list[Any] = [""] * (2 * len(pipe))
    parts = [first, last]
    if node is not None and len(node):
        here = node[node.geometry.notna() & ~node.geometry.is_empty]
        parts.append(shapely.get_coordinates(here.geometry.to_numpy()))
        names.append(objects(here["node_id"]))
        kinds += here["kind"].fillna("").tolist()
    return np.concatenate(parts), np.concatenate(names), np.array(kinds, dtype=object)


def _near(
    ends: Floats, names: npt.NDArray[np.object_], pipes: int, structures: pd.DataFrame | None, snap_m: float
) -> Ints:
    """Pairs of ends that lie together and are not held apart by their names or by a weir or pump between them."""
    if not len(ends):
        return np.empty((0, 2), dtype=np.int64)
    near = np.asarray(cKDTree(ends).query_pairs(snap_m, output_type="ndarray"), dtype=np.int64)
    code, known = pd.factorize(pd.Series(names, dtype="object"))
    near = near[~_apart(code, near, pipes)]
    if structures is None or structures.empty or not len(near):
        return near
    held = structures[structures["kind"] != "orifice"]
    pairs = np.sort(np.column_stack([pd.Index(known).get_indexer(held[name]) for name in ("from_node", "to_node")]))
    held_keys = pairs[:, 0] * len(known) + pairs[:, 1]
    two = np.sort(code[near], axis=1)
    between = np.isin(two[:, 0] * len(known) + two[:, 1], held_keys[pairs[:, 0] >= 0]) & (two[:, 0] >= 0)
    return np.asarray(near[~between])


def _joined(names: npt.NDArray[np.object_], structures: pd.DataFrame | None) -> Ints:
    """Pairs of ends on both sides of an orifice: one of each node is enough."""
    if structures is None or structures.empty:
        return np.empty((0, 2), dtype=np.int64)
    through = structures[structures["kind"] == "orifice"]
    first = pd.Series(np.arange(len(names)), index=pd.Index(names, dtype="object"))
    first = first[first.index.notna() & ~first.index.duplicated()]
    pairs = pd.DataFrame({name: through[name].map(first) for name in ("from_node", "to_node")}).dropna()
    return pairs.to_numpy(dtype=np.int64)


def _snapped(ends: Floats, names: npt.NDArray[np.object_], near: Ints, joined: Ints, *, node_reach_m: float) -> Ints:
    if not len(ends):
        return np.empty(0, dtype=np.int64)
    code, _ = pd.factorize(pd.Series(names, dtype="object"))
    order = np.argsort(code, kind="stable")
    order = order[code[order] >= 0]
    left, right = order[:-1], order[1:]
    same = code[left] == code[right]
    left, right = left[same], right[same]
    close = np.hypot(*(ends[left] - ends[right]).T) <= node_reach_m
    rows = np.concatenate([near[:, 0], left[close], joined[:, 0]])
    columns = np.concatenate([near[:, 1], right[close], joined[:, 1]])
    links = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(len(ends), len(ends)))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _apart(code: Ints, near: Ints, pipes: int) -> Bools:
    """Pairs of ends that lie close but name two manholes, each shared by pipes: a foul and a rain sewer side by side."""
    if code.max(initial=-1) < 0:
        return np.zeros(len(near), dtype=bool)
    coded = code[: 2 * pipes]
    shared = np.bincount(coded[coded >= 0], minlength=int(code.max(initial=-1)) + 1) > 1
    left, right = code[near[:, 0]], code[near[:, 1]]
    return np.asarray((left >= 0) & (right >= 0) & (left != right) & shared[left] & shared[right], dtype=bool)


def _packed(
    pipe: gpd.GeoDataFrame,
    start: Ints,
    end: Ints,
    points: tuple[Floats, Ints, npt.NDArray[np.object_]],
    issues: pd.DataFrame,
) -> SewerGraph:
    ends, label, kinds = points
    nodes = int(label.max()) + 1 if len(label) else 0
    xy = np.zeros((nodes, 2))
    xy[label] = ends
    kind = np.full(nodes, "", dtype=object)
    telling = np.asarray(kinds != "", dtype=bool)
    kind[label[telling & (kinds == "put")]] = "put"
    kind[label[telling & (kinds != "put")]] = kinds[telling & (kinds != "put")]
    first, last = pipe["bob_from_m_nap"].to_numpy(), pipe["bob_to_m_nap"].to_numpy()
    layer = pd.Categorical(pipe["layer"], categories=list(LAYERS)).codes.astype(np.int64)
    low = np.full((len(LAYERS), nodes), np.inf)
    for at, level in ((start, first), (end, last)):
        believed = ~np.isnan(level)
        np.minimum.at(low, (layer[believed], at[believed]), level[believed])
    return SewerGraph(
        pipe["pipe_id"].to_numpy(dtype=object),
        start,
        end,
        layer,
        pipe["length_m"].to_numpy(),
        pipe["diameter_mm"].to_numpy(),
        first - last,
        np.where(np.isinf(low), np.nan, low),
        xy,
        kind,
        issues,
    )


@kernel
def _add_up(order: Ints, next_pipe: Ints, tail: Ints, head: Ints, load: Floats) -> tuple[Floats, Floats]:
    """Add loads [any unit] down the forest: through each pipe, and what has arrived at each node."""
    through = load.copy()
    arrived = np.zeros((len(next_pipe), load.shape[1]))
    for p in range(len(tail)):
        if next_pipe[tail[p]] != p:
            arrived[head[p]] += load[p]
    for node in order:
        p = next_pipe[node]
        if p >= 0:
            through[p] += arrived[node]
            arrived[head[p]] += through[p]
    return through, arrived


def accumulate(forest: FlowForest, *, load: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Add loads that enter at the pipes all the way down to the outlets.

    Parameters
    ----------
    forest : FlowForest
        The directions, from `orient`.
    load : array_like
        What enters each pipe itself: pipes by kinds of load (people, m2, homes ...) [any unit].

    Returns
    -------
    through : array
        Load at the lower end of each pipe, own load included [unit of the load].
    arrived : array
        Load that ends at each outlet, 0 elsewhere; its sum is the sum of the loads [unit of the load].
    """
    loads = np.atleast_2d(np.asarray(load, dtype=float).T).T.copy()
    through, arrived = _add_up(forest.order, forest.next_pipe, forest.tail, forest.head, loads)
    arrived[forest.next_pipe >= 0] = 0.0
    return through, arrived
