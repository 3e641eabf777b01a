"""A sewer where no register shows one: a tree along the streets, typed and dated by the age of the homes (basis `era`)."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from kansenkaart.core.water.arrays import Floats, Ints
from kansenkaart.errors import ConfigError


@dataclass(frozen=True)
class EraRules:
    """What the age of the homes says about their sewer.

    Parameters
    ----------
    combined_before : int
        Streets with a median bouwjaar before this have a combined sewer [year]: "before about 1970 mostly combined".
    separate_from : int
        From this on foul and rain sewers are apart [year]: "after 1990 mostly separate". In between counts as combined,
        with a wide interval.
    gap_m : float
        Streets closer than this are joined [m] (guess).
    """

    combined_before: int = 1970
    separate_from: int = 1990
    gap_m: float = 60.0

    def __post_init__(self) -> None:
        if self.combined_before > self.separate_from:
            raise ConfigError("combined_before <= separate_from", found=str(self), where="EraRules")


def synthetic_sewer(
    street: gpd.GeoDataFrame, *, bouwjaar: pd.Series, rules: EraRules | None = None
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Lay one pipe per street and system in a tree along neighbouring streets, and one outlet per connected part.

    The tree is the shortest that joins the streets (minimum spanning tree over the gaps between them); it empties at
    the street with the most neighbours in the tree. Levels and diameters stay unknown.

    Parameters
    ----------
    street : GeoDataFrame
        From `build_streets`.
    bouwjaar : Series
        Median bouwjaar by `street_id` [year]; unknown allowed.
    rules : EraRules, optional
        What an age means.

    Returns
    -------
    tuple of GeoDataFrame
        Pipes (table `sewer_pipe`, with `basis` era and `certainty` low or middle) and nodes (table `sewer_node`).
    """
    chosen = rules or EraRules()
    point = street.geometry.representative_point().to_numpy()
    parent, root = _tree(street, point, chosen.gap_m)
    xy = shapely.get_coordinates(point)
    foot = _feet(xy, parent)
    year = bouwjaar.reindex(street["street_id"]).to_numpy(dtype=float)
    separate = year >= chosen.separate_from
    combined = _pipes(street[~separate], xy[~separate], foot[~separate], year[~separate], "gemengd", chosen)
    parts = [combined]
    for number, system in enumerate(("vuilwater", "hemelwater")):
        part = _pipes(street[separate], xy[separate], foot[separate], year[separate], system, chosen)
        parts.append(
            part.set_geometry(part.geometry.translate(yoff=float(number)) if system == "hemelwater" else part.geometry)
        )
    pipe = pd.concat([part for part in parts if len(part)], ignore_index=True)
    ends = foot[root]
    node = gpd.GeoDataFrame(
        {"node_id": [f"era {number}" for number in range(len(ends))], "kind": "gemaal", "ground_level_m_nap": np.nan},
        geometry=shapely.points(ends),
        crs=street.crs,
    )
    return gpd.GeoDataFrame(pipe, geometry="geometry", crs=street.crs), node


def _tree(street: gpd.GeoDataFrame, point: Floats, gap_m: float) -> tuple[Ints, Ints]:
    """Next street down the tree (-1 at a root), and the roots."""
    shapes = street.geometry.to_numpy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=gap_m)
    away = left < right
    left, right = left[away], right[away]
    # A step is the gap plus a little of the way between the middles, so that touching streets still compare.
    weight = shapely.distance(shapes[left], shapes[right]) + shapely.distance(point[left], point[right]) / 10 + 1e-3
    links = coo_matrix((weight, (left, right)), shape=(len(street), len(street))).tocsr()
    tree = minimum_spanning_tree(links)
    both = (tree + tree.T).tocsr()
    part = connected_components(both, directed=False)[1]
    degree = np.diff(both.indptr)
    rank = np.lexsort((-degree, part))
    root = rank[np.unique(part[rank], return_index=True)[1]]
    parent = np.full(len(street), -1, dtype=np.int64)
    stack = [int(start) for start in root]
    seen = set(stack)
    while stack:
        here = stack.pop()
        for near in both.indices[both.indptr[here] : both.indptr[here + 1]]:
            if int(near) not in seen:
                seen.add(int(near))
                parent[near] = here
                stack.append(int(near))
    return parent, np.asarray(root, dtype=np.int64)


def _feet(xy: Floats, parent: Ints) -> Floats:
    """Lower end of each street's pipe [m RD New]: the middle of the next street; a metre aside at a root."""
    foot = xy[np.maximum(parent, 0)].copy()
    foot[parent < 0] = xy[parent < 0] + 1.0
    return foot


def _pipes(
    street: gpd.GeoDataFrame, top: Floats, foot: Floats, year: Floats, system: str, rules: EraRules
) -> gpd.GeoDataFrame:
    sure = (year < rules.combined_before) | (year >= rules.separate_from)
    lines = shapely.linestrings(np.stack([top, foot], axis=1)) if len(top) else np.empty(0, dtype=object)
    return gpd.GeoDataFrame(
        {
            "pipe_id": system + " " + street["street_id"].astype("string"),
            "from_node": None,
            "to_node": None,
            "system": system,
            "kind": "gravity",
            "diameter_mm": np.nan,
            "laid_year": year,
            "bob_from_m_nap": np.nan,
            "bob_to_m_nap": np.nan,
            "street_name": street["street_name"].to_numpy(),
            "status": None,
            "street_id": street["street_id"].to_numpy(),
            "basis": "era",
            "certainty": np.where(sure, "middle", "low"),
        },
        geometry=lines,
        crs=street.crs,
    )
