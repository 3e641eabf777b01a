"""Join what is finer than a number of homes: rows left out, blocks merged with a neighbour of the same area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart import fields


def at_least(frame: gpd.GeoDataFrame, least: int) -> gpd.GeoDataFrame:
    """Keep the rows that stand for enough homes; unknown is not enough."""
    homes = frame["homes"].astype("Float64").fillna(0.0).to_numpy(float)
    return frame[homes >= least].reset_index(drop=True)


def merged_blocks(frame: gpd.GeoDataFrame, least: int) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    """Join blocks of too few homes with the nearest one of the same area, until each has enough.

    Parameters
    ----------
    frame : GeoDataFrame
        Blocks with `block_id`, `homes` and, where areas were made, `gebied_id`.
    least : int
        Homes [1] that each must have.

    Returns
    -------
    tuple of GeoDataFrame and dict
        The joined blocks under the lowest number of their members, and for each block the number of the one it is in; an
        area with too few homes is left out.
    """
    homes = frame["homes"].astype("Float64").fillna(0.0).to_numpy(float)
    part = (
        frame["gebied_id"].astype("Int64").fillna(-1).to_numpy() if "gebied_id" in frame else np.zeros(len(frame), int)
    )
    points = shapely.get_coordinates(shapely.centroid(frame.geometry.to_numpy()))
    root = _joined(homes, part, points, least)
    ids = frame["block_id"].to_numpy()
    lowest = pd.Series(ids).groupby(root).transform("min").to_numpy()
    total = pd.Series(homes).groupby(root).transform("sum").to_numpy()
    whole = total >= least
    member = {str(one): str(group) for one, group, fine in zip(ids, lowest, whole, strict=True) if fine}
    return _summed(frame[whole], lowest[whole], "block_id"), member


def _joined(homes: Any, part: Any, points: Any, least: int) -> Any:
    """Return for each block the group that it is in: the smallest group joins the nearest one of its part, again and again."""
    root, size = np.arange(len(homes)), homes.copy()
    for one in np.unique(part):
        inside = np.flatnonzero(part == one)
        alive = list(inside)
        middle = {int(k): points[k] for k in inside}
        while len(alive) > 1:
            small = min(alive, key=lambda k: (size[k], k))
            if size[small] >= least:
                break
            others = [k for k in alive if k != small]
            gaps = [float(np.hypot(*(middle[int(k)] - middle[int(small)]))) for k in others]
            host = others[int(np.argmin(gaps))]
            root[root == small] = host
            size[host] += size[small]
            alive.remove(small)
    return root


def _summed(frame: gpd.GeoDataFrame, group: Any, key: str) -> gpd.GeoDataFrame:
    """Add rows up by group: amounts are summed (unknown if any is), homes weigh shares, texts stay where all agree."""
    if frame.empty:
        return frame.copy()
    rows = []
    for number, part in frame.groupby(group, sort=True):
        row = {name: _together(part, name) for name in frame.columns if name not in (key, "geometry")}
        rows.append({**row, key: number, "geometry": shapely.union_all(part.geometry.to_numpy())})
    return gpd.GeoDataFrame(pd.DataFrame(rows)[list(frame.columns)], geometry="geometry", crs=frame.crs)


def _together(part: pd.DataFrame, name: str) -> Any:
    values = part[name]
    if len(part) == 1:
        return values.iloc[0]
    one = fields.get(name)
    if name == "largest_homes":
        return values.max()
    if one.type == "bool":
        return bool(values.any())
    if one.type in ("str", "geometry") or (name.endswith(("_id", "_year")) and one.unit in ("-", "year")):
        texts = values.dropna().unique()
        return texts[0] if len(texts) == 1 and values.notna().all() else None
    if name.endswith(("_frac", "_pct", "_per_home")):
        return _weighed(values, part["homes"])
    return values.sum() if values.notna().all() else None


def _weighed(values: Any, homes: Any) -> Any:
    if values.isna().any() or not float(homes.sum()):
        return None
    return float((values.astype(float) * homes.astype(float)).sum() / float(homes.sum()))


def merged_borders(frame: pd.DataFrame, member: Mapping[str, str]) -> Any:
    """Return the borders between joined blocks; those inside one, or of a block that is left out, are gone."""
    a, b = (frame[name].astype(str).map(dict(member)) for name in ("block_a", "block_b"))
    kept = a.notna() & b.notna() & (a != b)
    out = frame[kept].copy()
    out["block_a"], out["block_b"] = a[kept].astype("int64"), b[kept].astype("int64")
    return out.reset_index(drop=True)


def redrawn_areas(frame: gpd.GeoDataFrame, groups: gpd.GeoDataFrame, member: Mapping[str, str]) -> gpd.GeoDataFrame:
    """Give areas the joined blocks of which most homes are theirs, with those blocks' own sums: no difference is left to take."""
    by_id = groups.set_index(groups["block_id"].astype(str))
    amounts = [name for name in frame.columns if name in groups.columns and fields.get(name).type in ("int", "float")
               and not name.endswith(("_id", "_frac", "_pct", "_year"))]  # fmt: skip
    rows = []
    for _, area in frame.iterrows():
        blocks = [member[one] for one in str(area["block_ids"]).split(",") if one in member]
        inside = sorted({one for one in blocks if 2 * blocks.count(one) > list(member.values()).count(one)}, key=int)
        if inside:
            part = by_id.loc[inside]
            sums = {name: part[name].sum() if part[name].notna().all() else None for name in amounts}
            shape = shapely.union_all(part.geometry.to_numpy())
            rows.append({**area.to_dict(), **sums, "block_ids": ",".join(inside), "geometry": shape})
    if not rows:
        return frame.iloc[:0].copy()
    return gpd.GeoDataFrame(pd.DataFrame(rows)[list(frame.columns)], geometry="geometry", crs=frame.crs)
