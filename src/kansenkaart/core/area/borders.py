"""Why the border runs where it runs: each stretch of an area's edge with its class, its length and whether people know it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.area.kernel import Flags, Ints
from kansenkaart.errors import SchemaError

# Classes that are a line on everybody's map; a local street or a back garden is one only on a known border.
_KNOWN = ("main", "rail", "water")


def area_borders(edges: gpd.GeoDataFrame, *, label: Ints) -> gpd.GeoDataFrame:
    """Border stretches between areas, with the areas at both sides and whether the line is known.

    Parameters
    ----------
    edges : gpd.GeoDataFrame
        Borders of `build_blocks`.
    label : Ints
        Area per block; -1 for blocks in no area.

    Returns
    -------
    gpd.GeoDataFrame
        The rows of `edges` that are cut, with `area_a`, `area_b` and `known_line`.
    """
    if len(edges) and max(edges["a"].max(), edges["b"].max()) >= len(label):
        raise SchemaError("an area per block", found=f"{len(label)} areas", where="label")
    first, second = label[edges["a"].to_numpy()], label[edges["b"].to_numpy()]
    cut = first != second
    out = edges[cut].copy()
    out["area_a"], out["area_b"] = first[cut], second[cut]
    out["known_line"] = _known(out)
    return out


def border_reasons(edges: gpd.GeoDataFrame, *, inside: Flags) -> pd.DataFrame:
    """Length of one area's edge by class and by whether it is a known line.

    Returns
    -------
    pd.DataFrame
        `cls`, `known_line`, `length_m` [m], `share` [1] of the edge, longest first.
    """
    cut = area_borders(edges, label=np.where(inside, 0, -1).astype(np.int64))
    table = cut.groupby(["cls", "known_line"])["length_m"].sum().reset_index()
    table["share"] = table["length_m"] / max(float(table["length_m"].sum()), np.finfo(float).tiny)
    ordered: pd.DataFrame = table.sort_values(["length_m", "cls"], ascending=[False, True], ignore_index=True)
    return ordered


def _known(edges: pd.DataFrame) -> Flags:
    known = edges["cls"].isin(_KNOWN) | edges["on_buurt_border"].astype(bool)
    if "on_place_border" in edges:
        known |= edges["on_place_border"].astype(bool)
    return np.asarray(known, bool)
