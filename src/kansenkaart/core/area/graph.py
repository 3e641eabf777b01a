"""The graph of blocks: who borders on whom, over what, and how much of a border that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from kansenkaart.errors import ConfigError, SchemaError
from kansenkaart.kernel import Flags, Floats, Ints

BORDER_CLASSES = ("garden", "local", "collector", "main", "rail", "water")

_MOST = 10.0


@dataclass(frozen=True)
class BorderFactors:
    """How strongly a border counts against an area that is cut along it.

    Parameters
    ----------
    by_class : Mapping[str, float]
        Factor per border class [1]: a canal makes a better edge than a back street, so it counts less; a line through back
        gardens or a row of houses makes none, so it counts more than its length.
    buurt : float
        Extra factor on the border of a buurt [1].
    place_name : float
        Extra factor on the border between two named places [1].
    outer : float
        Factor on the outside of the city, where no block follows [1].
    """

    by_class: Mapping[str, float]
    buurt: float
    place_name: float
    outer: float

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> BorderFactors:
        """Read the factors from the rows of `border_factors.csv` (columns `name` and `factor` [1])."""
        if missing := {"name", "factor"} - set(table.columns):
            raise ConfigError("columns name and factor", found=f"no {sorted(missing)}", where="border_factors.csv")
        rows = dict(zip(table["name"].astype(str), table["factor"].astype(float), strict=True))
        needed = {*BORDER_CLASSES, "buurt_border", "place_name_border", "outer_border"}
        if missing := needed - set(rows):
            raise ConfigError(
                f"a row for each of {sorted(needed)}", found=f"no {sorted(missing)}", where="border_factors.csv"
            )
        if bad := [name for name in needed if not 0 <= rows[name] <= (_MOST if name == "garden" else 1)]:
            raise ConfigError(
                f"factors between 0 and 1 (garden: {_MOST:g})", found=f"{bad} outside", where="border_factors.csv"
            )
        return cls(
            by_class={name: rows[name] for name in BORDER_CLASSES},
            buurt=rows["buurt_border"],
            place_name=rows["place_name_border"],
            outer=rows["outer_border"],
        )


@dataclass(frozen=True, eq=False)
class AreaGraph:
    """Blocks and the borders between them, as arrays; the row number of a block is its number here.

    Parameters
    ----------
    homes : Ints
        Homes per block [home].
    value : Floats
        Opportunity value per block [EUR/year].
    owned : Floats
        Homes of the largest owner per block [home]; NaN where ownership is unknown.
    xy : Floats
        Point per block, n x 2, RD New [m].
    buurt : Ints
        Number of the buurt per block; -1 where there is none.
    ext : Floats
        Weighted length of border with nothing behind it [m].
    a, b : Ints
        Blocks at both sides of each border.
    length, weight : Floats
        Length and weighted length of each border [m].
    cls : npt.NDArray[np.str_]
        Class of each border, one of `BORDER_CLASSES`.
    passable : Flags
        Whether people walk across it.
    indptr, nbr, edge : Ints
        Compressed rows over all borders, both ways: neighbour and border number.
    """

    homes: Ints
    value: Floats
    owned: Floats
    xy: Floats
    buurt: Ints
    ext: Floats
    a: Ints
    b: Ints
    length: Floats
    weight: Floats
    cls: npt.NDArray[np.str_]
    passable: Flags
    indptr: Ints
    nbr: Ints
    edge: Ints

    def __len__(self) -> int:
        return len(self.homes)

    def with_value(self, value: Floats) -> AreaGraph:
        """Return the same graph with other values per block [EUR/year]."""
        return replace(self, value=np.ascontiguousarray(value, np.float64))

    def pieces(self) -> Ints:
        """Return the connected piece of each block, over passable borders."""
        return components(self, np.ones(len(self), bool))

    def cut_weight(self, label: npt.NDArray[np.int64]) -> float:
        """Weighted length of the passable borders between blocks with another label [m]."""
        cut = (label[self.a] != label[self.b]) & self.passable
        return float(self.weight[cut].sum())

    def border_weight(self, inside: Flags) -> float:
        """Weighted length of the whole border of one area, the city's outside included [m]."""
        cut = inside[self.a] != inside[self.b]
        return float(self.weight[cut].sum() + self.ext[inside].sum())


class WalkGraph(NamedTuple):
    """Blocks and their passable borders, as the compiled loops take them; parallel borders are summed.

    Parameters
    ----------
    indptr, nbr : Ints
        Compressed rows: pointers and neighbours, ascending.
    weight : Floats
        Weighted length of each border [m].
    homes : Ints
        Homes per block [home].
    """

    indptr: Ints
    nbr: Ints
    weight: Floats
    homes: Ints

    @classmethod
    def of(cls, matrix: csr_matrix, homes: Ints) -> WalkGraph:
        """Take the borders [m] from a symmetric matrix and the homes per block [home]."""
        rows = matrix.sorted_indices()
        parts = rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data
        # A copy: the numbers of a frame are read-only, and for those every loop would be compiled once more.
        return cls(*parts, np.array(homes, np.int64))

    def matrix(self) -> csr_matrix:
        """Give the borders as a symmetric matrix [m]."""
        return csr_matrix((self.weight, self.nbr, self.indptr), shape=(len(self.homes), len(self.homes)))

    def part(self, blocks: Ints) -> WalkGraph:
        """Give the graph of some of the blocks, listed in ascending order."""
        if len(blocks) == len(self.homes):
            return self
        return WalkGraph.of(self.matrix()[blocks][:, blocks], self.homes[blocks])

    def tails(self) -> Ints:
        """Give the block that each entry of `nbr` is a neighbour of."""
        return np.repeat(np.arange(len(self.homes)), np.diff(self.indptr))


def walk_graph(graph: AreaGraph) -> WalkGraph:
    """Give the graph over passable borders alone.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    """
    use = graph.passable
    a, b, w = graph.a[use], graph.b[use], graph.weight[use]
    shape = (len(graph), len(graph))
    return WalkGraph.of(coo_matrix((np.r_[w, w], (np.r_[a, b], np.r_[b, a])), shape=shape).tocsr(), graph.homes)


class Borders(NamedTuple):
    """Borders between blocks: numbers at both sides, length and weighted length [m], class, and whether people cross."""

    a: Ints
    b: Ints
    length: Floats
    weight: Floats
    cls: npt.NDArray[np.str_]
    passable: Flags


def components(graph: AreaGraph, inside: Flags) -> Ints:
    """Return the piece of each block of a set, over passable borders; -1 outside the set.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    inside : Flags
        The set.
    """
    keep = graph.passable & inside[graph.a] & inside[graph.b]
    ones = np.ones(int(keep.sum()), np.int8)
    matrix = coo_matrix((ones, (graph.a[keep], graph.b[keep])), shape=(len(graph), len(graph)))
    label = connected_components(matrix, directed=False)[1].astype(np.int64)
    label[~inside] = -1
    label[inside] = np.unique(label[inside], return_inverse=True)[1]
    return label


def border_weights(edges: pd.DataFrame, *, factors: BorderFactors) -> Floats:
    """Weighted length per border [m]: length x class factor x buurt factor x place-name factor.

    Parameters
    ----------
    edges : pd.DataFrame
        Columns `length_m` [m], `cls`, `on_buurt_border` and, where known, `on_place_border`.
    factors : BorderFactors
        The table of factors [1].

    Raises
    ------
    SchemaError
        A border class that the table does not know.
    """
    if unknown := sorted(set(edges["cls"]) - set(factors.by_class)):
        raise SchemaError(f"border classes {BORDER_CLASSES}", found=str(unknown), where="edges.cls")
    weight = edges["length_m"].to_numpy(np.float64) * edges["cls"].map(dict(factors.by_class)).to_numpy(np.float64)
    on_buurt = edges["on_buurt_border"].to_numpy(bool)
    weight = np.where(on_buurt, weight * factors.buurt, weight)
    if "on_place_border" in edges:
        weight = np.where(edges["on_place_border"].to_numpy(bool), weight * factors.place_name, weight)
    return np.asarray(weight, np.float64)


def build_graph(
    blocks: pd.DataFrame,
    edges: pd.DataFrame,
    *,
    factors: BorderFactors,
    value: str | None = None,
    owned: str | None = None,
) -> AreaGraph:
    """Turn the block and border frames into the graph that both engines work on.

    Parameters
    ----------
    blocks : pd.DataFrame
        One row per block: `block_id`, `homes` [home], `x`, `y` [m], `buurtcode`, `ext_m` [m].
    edges : pd.DataFrame
        One row per border: `a`, `b` (block_id), `length_m` [m], `cls`, `passable`, `on_buurt_border`.
    factors : BorderFactors
        The table of factors [1].
    value, owned : str, optional
        Column of `blocks` with the value [EUR/year] and with the homes of the largest owner [home].

    Raises
    ------
    SchemaError
        A missing column, a border of an unknown block or of a block with itself, negative homes or an unknown value.
    """
    _check(blocks, edges)
    place = pd.Index(blocks["block_id"])
    n = len(blocks)
    a, b = place.get_indexer(edges["a"]), place.get_indexer(edges["b"])
    if (a < 0).any() or (b < 0).any() or (a == b).any():
        raise SchemaError(
            "borders between two known blocks", found="a border of an unknown block or of one block", where="edges.a, b"
        )
    unknown = np.full(n, np.nan)
    return graph_from_arrays(
        homes=blocks["homes"].to_numpy(np.int64),
        value=_numbers(blocks, value) if value else np.zeros(n),
        owned=_numbers(blocks, owned, may_be_unknown=True) if owned else unknown,
        xy=blocks[["x", "y"]].to_numpy(np.float64),
        buurt=pd.factorize(blocks["buurtcode"])[0].astype(np.int64),
        ext=blocks["ext_m"].to_numpy(np.float64) * factors.outer,
        borders=Borders(
            a=a.astype(np.int64),
            b=b.astype(np.int64),
            length=edges["length_m"].to_numpy(np.float64),
            weight=border_weights(edges, factors=factors),
            cls=edges["cls"].to_numpy(str),
            passable=edges["passable"].to_numpy(bool),
        ),
    )


def graph_from_arrays(
    *, homes: Ints, value: Floats, owned: Floats, xy: Floats, buurt: Ints, ext: Floats, borders: Borders
) -> AreaGraph:
    """Add the compressed rows to plain arrays; see `AreaGraph` for their meaning and units.

    Parameters
    ----------
    homes, value, owned, xy, buurt, ext : arrays
        Per block.
    borders : Borders
        Between blocks.
    """
    a, b = (np.ascontiguousarray(side, np.int64) for side in borders[:2])
    n, m = len(homes), len(a)
    tail, head, number = np.r_[a, b], np.r_[b, a], np.r_[np.arange(m), np.arange(m)]
    order = np.lexsort((number, head, tail))
    indptr = np.r_[0, np.cumsum(np.bincount(tail, minlength=n))].astype(np.int64)
    return AreaGraph(
        homes=homes,
        value=value,
        owned=owned,
        xy=np.ascontiguousarray(xy),
        buurt=buurt,
        ext=ext,
        a=a,
        b=b,
        length=borders.length,
        weight=borders.weight,
        cls=borders.cls,
        passable=borders.passable,
        indptr=indptr,
        nbr=head[order],
        edge=number[order].astype(np.int64),
    )


def _check(blocks: pd.DataFrame, edges: pd.DataFrame) -> None:
    for frame, name, columns in (
        (blocks, "blocks", {"block_id", "homes", "x", "y", "buurtcode", "ext_m"}),
        (edges, "edges", {"a", "b", "length_m", "cls", "passable", "on_buurt_border"}),
    ):
        if missing := columns - set(frame.columns):
            raise SchemaError(f"columns {sorted(columns)}", found=f"no {sorted(missing)}", where=name)
    if blocks["block_id"].duplicated().any():
        raise SchemaError("one row per block", found="a block_id twice", where="blocks.block_id")
    if blocks["homes"].isna().any() or (blocks["homes"] < 0).any():
        raise SchemaError("homes of 0 or more per block", found="unknown or negative homes", where="blocks.homes")


def _numbers(blocks: pd.DataFrame, column: str, *, may_be_unknown: bool = False) -> Floats:
    if column not in blocks:
        raise SchemaError(f"a column {column}", found=f"columns {sorted(map(str, blocks.columns))}", where="blocks")
    values = blocks[column].to_numpy(np.float64)
    if not may_be_unknown and not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise SchemaError(
            "a known value for every block",
            found=f"{count} unknown",
            where=f"blocks.{column}",
            remedy="score these blocks, or give them the value that your study accepts for the unknown",
        )
    return values
