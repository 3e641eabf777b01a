"""A table in a few figures: enough to judge the next edition of it by, and to plot over the years."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

#: Bounds of RD New [m] as Kadaster gives them (RDNAPTRANS 2018): x_min, y_min, x_max, y_max.
RD_BOUNDS_M = (-7_000.0, 289_000.0, 300_000.0, 629_000.0)


def summarise(frame: pd.DataFrame) -> dict[str, Any]:
    """Return rows, figures per column and figures of the geometry of a table, as plain values.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Any table; geometry in RD New [m].

    Returns
    -------
    dict
        ``rows`` [1]; ``columns``: per column how many values are ``known`` [1], and of numbers their ``sum``, ``mean``
        and ``spread`` (standard deviation) in the column's own unit; ``geometry``: ``invalid`` and ``outside`` (beyond RD
        New, or not finite) [1], ``area_m2`` [m2], ``length_m`` [m] and the mean middle ``x_m``,
        ``y_m`` [m] of the shapes; None for a table without shapes.
    """
    plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    columns = {str(name): _column(plain[name]) for name in plain.columns}
    return {"rows": len(frame), "columns": columns, "geometry": _geometry(frame)}


def _column(values: pd.Series[Any]) -> dict[str, Any]:
    known = values.dropna()
    told: dict[str, Any] = {"known": len(known)}
    if not pd.api.types.is_numeric_dtype(values) or known.empty:
        return told
    numbers = known.to_numpy(dtype=float)
    finite = numbers[np.isfinite(numbers)]
    if len(finite) < len(numbers):
        told["infinite"] = len(numbers) - len(finite)
    if len(finite):
        told |= {"sum": float(finite.sum()), "mean": float(finite.mean()), "spread": float(finite.std())}
    return told


def _geometry(frame: pd.DataFrame) -> dict[str, float] | None:
    if not isinstance(frame, gpd.GeoDataFrame):
        return None
    shapes = frame.geometry.to_numpy()
    west, south, east, north = RD_BOUNDS_M
    box = shapely.bounds(shapes)
    inside = (box[:, 0] >= west) & (box[:, 1] >= south) & (box[:, 2] <= east) & (box[:, 3] <= north)
    return {
        "invalid": int((~shapely.is_valid(shapes)).sum()),
        "outside": int((~inside).sum()),
        "area_m2": float(np.nansum(shapely.area(shapes))),
        "length_m": float(np.nansum(shapely.length(shapes))),
        **_middle(box[inside]),
    }


def _middle(box: NDArray[np.float64]) -> dict[str, float]:
    if not len(box):
        return {}
    across, along = ((box[:, one] + box[:, one + 2]) / 2 for one in (0, 1))
    return {"x_m": float(across.mean()), "y_m": float(along.mean())}
