"""Tools of others that divide a town into areas, each called as its makers do, one connected piece at a time.

The tools ask for one connected graph, or hang or fail on several; so each piece of the town is given apart, with the
number of areas that its homes ask for, and a piece of fewer homes than an area is one area.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

TARGET, LOW, HIGH = 330, 297, 363


@dataclass(frozen=True, eq=False)
class Town:
    """Blocks as compressed rows over passable borders.

    Parameters
    ----------
    rows : csr_matrix
        Weighted border between blocks [m].
    homes : np.ndarray
        Homes per block [home].
    xy : np.ndarray
        Point per block, n x 2 [m].
    """

    rows: csr_matrix
    homes: np.ndarray
    xy: np.ndarray

    @property
    def count(self) -> int:
        """Number of areas that the homes ask for."""
        return max(1, round(int(self.homes.sum()) / TARGET))

    def near(self, unit: int) -> list[int]:
        """Neighbours of a block."""
        return self.rows.indices[self.rows.indptr[unit] : self.rows.indptr[unit + 1]].tolist()


Tool = Callable[[Town], np.ndarray]


def piecewise(tool: Tool) -> Tool:
    """Run a tool on each connected piece, and number the areas on."""

    def whole(town: Town) -> np.ndarray:
        pieces, piece = connected_components(town.rows, directed=False)
        label = np.zeros(len(town.homes), np.int64)
        first = 0
        for number in range(pieces):
            units = np.flatnonzero(piece == number)
            part = Town(town.rows[units][:, units].sorted_indices(), town.homes[units], town.xy[units])
            made = np.zeros(len(units), np.int64) if part.count == 1 else np.unique(tool(part), return_inverse=True)[1]
            label[units] = first + made
            first += int(made.max()) + 1
        return label

    return whole


@piecewise
def metis(town: Town) -> np.ndarray:
    """METIS, contiguous, by way of pymetis."""
    import pymetis

    options = pymetis.Options(contig=1, seed=0, ufactor=90, ncuts=10, niter=50)
    _, part = pymetis.part_graph(
        town.count,
        pymetis.CSRAdjacency(adj_starts=town.rows.indptr, adjacent=town.rows.indices),
        options=options,
        eweights=np.maximum(1, np.round(town.rows.data * 10)).astype(int),
        vweights=town.homes,
        recursive=False,
    )
    return np.asarray(part)


@piecewise
def gerrychain_tree(town: Town) -> np.ndarray:
    """Recursive spanning-tree partition of gerrychain."""
    import networkx as nx
    from gerrychain import Graph
    from gerrychain.partition import recursive_tree_part
    from gerrychain.tree import bipartition_tree

    random.seed(0)
    net = nx.Graph()
    for unit, homes in enumerate(town.homes.tolist()):
        net.add_node(unit, homes=homes)
    both = town.rows.tocoo()
    net.add_edges_from(zip(both.row.tolist(), both.col.tolist(), strict=True))
    split = partial(bipartition_tree, max_attempts=10_000)
    ideal = town.homes.sum() / town.count
    part = recursive_tree_part(
        Graph.from_networkx(net),
        range(town.count),
        ideal,
        "homes",
        (HIGH - TARGET) / TARGET - 0.01,
        bipartition_tree_fn=split,
    )
    return np.array([part[unit] for unit in range(len(town.homes))])


@piecewise
def spopt_max_p(town: Town) -> np.ndarray:
    """Max-p regions of spopt: at least LOW homes each, blocks alike in place."""
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    frame = gpd.GeoDataFrame(
        {"homes": town.homes, "x": town.xy[:, 0], "y": town.xy[:, 1]}, geometry=gpd.points_from_xy(*town.xy.T)
    )
    lists = {unit: town.near(unit) for unit in range(len(town.homes))}
    model = MaxPHeuristic(frame, W(lists, silence_warnings=True), ["x", "y"], "homes", LOW, 2)
    model.solve()
    return np.asarray(model.labels_)


@piecewise
def geoda_skater(town: Town) -> np.ndarray:
    """SKATER of pygeoda with a least number of homes."""
    import pygeoda

    count = len(town.homes)
    with tempfile.TemporaryDirectory() as folder:
        shape, gal = Path(folder) / "town.shp", Path(folder) / "town.gal"
        ids = np.arange(1, count + 1)
        gpd.GeoDataFrame({"ID": ids}, geometry=gpd.points_from_xy(*town.xy.T), crs=28992).to_file(shape)
        lists = {unit: town.near(unit) for unit in range(count)}
        rows = [f"{u + 1} {len(near)}\n{' '.join(str(v + 1) for v in near)}" for u, near in lists.items()]
        gal.write_text(f"0 {count} town ID\n" + "\n".join(rows) + "\n")
        weights = pygeoda.read_gal(str(gal), ids.astype(str).tolist())
        data = [town.xy[:, 0].tolist(), town.xy[:, 1].tolist()]
        got = pygeoda.skater(town.count, weights, data, bound_variable=town.homes.tolist(), min_bound=LOW)
    return np.asarray(got["Clusters"])


PEERS: dict[str, tuple[Tool, str]] = {
    "pymetis contig": (metis, "pymetis"),
    "gerrychain tree": (gerrychain_tree, "gerrychain"),
    "pygeoda skater": (geoda_skater, "pygeoda"),
    "spopt max-p": (spopt_max_p, "spopt"),
}
