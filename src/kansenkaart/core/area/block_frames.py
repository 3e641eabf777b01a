"""The tables of block making: one row per block, one per border, with what people need to recognise them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.core.area.graph import BorderFactors, border_weights
from kansenkaart.core.area.kernel import Flags, Ints
from kansenkaart.core.area.tessellate import Ridges


def street_of(home: gpd.GeoDataFrame, number: Ints, panden: int) -> Ints:
    """Return the street with most homes of each pand; -1 where unknown."""
    out = np.full(panden, -1, np.int64)
    if "street_name" not in home:
        return out
    code = pd.factorize(home["street_name"])[0]
    known = (number >= 0) & (code >= 0)
    tally = pd.DataFrame({"pand": number[known], "code": code[known]}).value_counts(["pand", "code"]).reset_index()
    top = tally.sort_values(["count", "code"], ascending=[False, True]).drop_duplicates("pand")
    out[top["pand"].to_numpy()] = top["code"].to_numpy()
    return out


def block_frame(
    pand: gpd.GeoDataFrame, homes: Ints, block: Ints, shapes: np.ndarray, made: tuple[str, int, list[str]]
) -> gpd.GeoDataFrame:
    """Make one row per block; `made` is the basis, the homes of a large building [home], and the columns to add up."""
    basis, large_homes, sums = made
    count = int(block.max()) + 1
    centre = shapely.get_coordinates(shapely.centroid(pand.geometry.to_numpy()))
    weight = homes + 1e-3
    mass = np.bincount(block, weight)
    largest = np.zeros(count, np.int64)
    np.maximum.at(largest, block, homes)
    frame = gpd.GeoDataFrame(
        {
            "block_id": np.arange(count),
            "homes": np.bincount(block, homes).astype(np.int64),
            "panden": np.bincount(block),
            "buurtcode": _most_homes(pand["buurtcode"], weight, block),
            "x": np.bincount(block, weight * centre[:, 0]) / mass,
            "y": np.bincount(block, weight * centre[:, 1]) / mass,
            "large_building": largest >= large_homes,
            "largest_homes": largest,
            "basis": basis,
        },
        geometry=shapes,
        crs=pand.crs,
    )
    if "place_name" in pand:
        frame["place_name"] = _most_homes(pand["place_name"], weight, block)
    for column in sums:
        frame[column] = np.bincount(block, pand[column].to_numpy(np.float64))
    return frame


def _most_homes(code: pd.Series, weight: np.ndarray, block: Ints) -> np.ndarray:
    """Code with most homes per block; missing where no building has one."""
    table = pd.DataFrame({"block": block, "code": code.to_numpy(), "weight": weight}).dropna(subset="code")
    total = table.groupby(["block", "code"], sort=True)["weight"].sum().reset_index()
    top = (
        total.sort_values("weight", ascending=False, kind="stable").drop_duplicates("block").set_index("block")["code"]
    )
    return top.reindex(range(int(block.max()) + 1)).to_numpy(object)


def street_names(home: gpd.GeoDataFrame, number: Ints, block: Ints, count: int) -> list[str]:
    """Return the names of the streets per block, the one with most homes first."""
    names = [""] * count
    if "street_name" not in home:
        return names
    known = (number >= 0) & home["street_name"].notna().to_numpy()
    table = pd.DataFrame({"block": block[number[known]], "street": home["street_name"].to_numpy()[known]})
    tally = table.value_counts(["block", "street"]).reset_index()
    tally = tally.sort_values(["block", "count", "street"], ascending=[True, False, True])
    for key, street in zip(tally["block"], tally["street"], strict=True):
        names[key] += f"; {street}" if names[key] else str(street)
    return names


def edge_frame(
    ridges: Ridges, block: Ints, frame: gpd.GeoDataFrame, kind: tuple[np.ndarray, Flags], factors: BorderFactors
) -> gpd.GeoDataFrame:
    """One row per pair of blocks, class and passability, with the stretches that make it up."""
    side = np.where(ridges.j >= 0, block[ridges.j], -1)
    use = (side >= 0) & (side != block[ridges.i])
    part = pd.DataFrame(
        {
            "a": np.minimum(block[ridges.i], side)[use],
            "b": np.maximum(block[ridges.i], side)[use],
            "cls": kind[0][use],
            "passable": kind[1][use],
            "length_m": ridges.length[use],
        }
    )
    keys = ["a", "b", "cls", "passable"]
    group = part.groupby(keys, sort=True)
    edges = group["length_m"].sum().reset_index()
    index = group.ngroup().to_numpy()
    order = np.argsort(index, kind="stable")
    lines = shapely.multilinestrings(shapely.linestrings(ridges.ends[use])[order], indices=index[order])
    code = pd.factorize(frame["buurtcode"])[0]
    edges["on_buurt_border"] = code[edges["a"]] != code[edges["b"]]
    if "place_name" in frame:
        place = pd.factorize(frame["place_name"])[0]
        edges["on_place_border"] = place[edges["a"]] != place[edges["b"]]
    edges["weight_m"] = border_weights(edges, factors=factors)
    return gpd.GeoDataFrame(edges, geometry=lines, crs=frame.crs)
