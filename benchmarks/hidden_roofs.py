"""What a real flight hides: roofs labelled by eye in two blocks of AHN3, and roofs of known shape with crowns put over them.

``python benchmarks/hidden_roofs.py [TILE ...]`` finds faces in the height models of Delft (0.5 m) and Amsterdam (1 m) by
footprints alone and holds what is found against ``hidden_roofs.csv``: ``tree`` where a crown lies over a part of the roof,
``newer`` where the flight saw no building, ``clear`` else. Of Delft all panden of the block are labelled, of Amsterdam the 80
whose surface is most broken. On each tile of 3DBAG given, crowns are put over a third of the roofs: does the interval of what
is then read hold what the roof model carries under the same crowns? Draws the labelled trees; needs matplotlib.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from matplotlib import pyplot as plt
from matplotlib.colors import LightSource
from PIL import Image
from rasterio import features

from benchmarks.calibration import stripped
from kansenkaart.score import calibration
from kansenkaart.score.roofs import LEAST_FOUND_FRAC
from kansenkaart.score.surfaces import find_faces, height_model
from kansenkaart.sources import bgt, knmi
from kansenkaart.tables import assumptions

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
SHEETS = {"delft": DATA / "delft/ahn3/delft_dsm_0m5.tif", "amsterdam": DATA / "amsterdam/ahn3/ams_dsm_1m.tif"}
CROWNED, RADIUS_M, ABOVE_M, ROUGH_M, LEAST_M2, SEED = 1 / 3, (2.5, 8.0), (2.0, 6.0), 0.8, 25.0, 3
COLUMNS, MARGIN_M = 7, 5.0


def panden(place: str) -> gpd.GeoDataFrame:
    """Return the footprints of a block."""
    if place == "delft":
        return bgt.read_pand(DATA / "delft/bgt/bgt_pand.sqlite", form="bgt-pand-sqlite")[0]
    raw = gpd.read_file(DATA / "amsterdam/bag_pand.gpkg")
    return gpd.GeoDataFrame({"pand_id": raw["identificatie"].astype(str)}, geometry=raw.geometry.to_numpy(), crs=28992)


def judged() -> pd.DataFrame:
    """Return the labels with the share of each roof that is found [1] and its footprint."""
    parts = []
    for place, labels in pd.read_csv(ROOT / "benchmarks/hidden_roofs.csv", comment="#", dtype=str).groupby("place"):
        here = panden(str(place)).drop_duplicates("pand_id").set_index("pand_id").reindex(labels["pand_id"])
        found = find_faces(here.reset_index(), height_model(SHEETS[str(place)]))
        share = found.groupby("pand_id")["found_frac"].first()
        parts.append(labels.set_index("pand_id").assign(found_frac=share, geometry=here.geometry))
    return pd.concat(parts).fillna({"found_frac": 0.0})


def rule(labelled: pd.DataFrame) -> dict[str, Any]:
    """Return how roofs that are estimated by their footprint and roofs that something hides agree."""
    hidden, estimated = labelled["label"].ne("clear"), labelled["found_frac"].lt(LEAST_FOUND_FRAC)
    both = int((hidden & estimated).sum())
    return {
        "labelled": len(labelled),
        **labelled["label"].value_counts().to_dict(),
        "by_footprint": int(estimated.sum()),
        "recall": round(both / max(int(hidden.sum()), 1), 2),
        "precision": round(both / max(int(estimated.sum()), 1), 2),
        "found_of_trees": round(
            float(labelled.loc[labelled["label"].eq("tree"), "found_frac"].clip(upper=1).median()), 2
        ),
    }


def crowned(tile: calibration.Tile) -> dict[str, Any]:
    """Put crowns over a third of the roofs of a tile, score it by model and by surface, and say what the intervals hold."""
    rng = np.random.default_rng(SEED)
    large = tile.pand[tile.pand.area > LEAST_M2]
    under = large[rng.random(len(large)) < CROWNED]
    plain = calibration.raise_surface

    def with_crowns(faces: gpd.GeoDataFrame, path: Path) -> None:
        plain(faces, path)
        draw = np.random.default_rng(SEED)
        with rasterio.open(path, "r+") as sheet:
            z = sheet.read(1)
            for shape in under.geometry:
                middle = (
                    shape.exterior.interpolate(draw.random(), normalized=True)
                    if shape.geom_type == "Polygon"
                    else shape.centroid
                )
                crown = middle.buffer(draw.uniform(*RADIUS_M))
                on = features.rasterize([crown], z.shape, transform=sheet.transform) > 0
                top = np.percentile(z[on], 90) + draw.uniform(*ABOVE_M)
                z[on] = top + draw.normal(0, ROUGH_M, int(on.sum()))
            sheet.write(z, 1)

    calibration.raise_surface = with_crowns
    try:
        scored = stripped(tile, {"weather_hourly": knmi.typical_year()[0]}, assumptions.default())
    finally:
        calibration.raise_surface = plain
    scored = scored[scored["lod22+dsm:kwh"].gt(0) & scored["footprint_area_m2"].gt(LEAST_M2)]
    return {name: _held(scored[mine]) for name, mine in _classes(scored, under["pand_id"]).items()}


def _classes(scored: pd.DataFrame, under: pd.Series) -> dict[str, pd.Series]:
    tree, guessed = scored.index.isin(under), scored["dsm:faces"].isna()
    return {
        "no tree": pd.Series(~tree, scored.index),
        "tree, found for half or more": tree & ~guessed,
        "tree, by footprint": tree & guessed,
    }


def _held(part: pd.DataFrame) -> dict[str, float]:
    true, said = part["lod22+dsm:kwh"], part["dsm:kwh"]
    held = (true >= part["dsm:low"]) & (true <= part["dsm:high"])
    return {
        "panden": len(part),
        "covered": round(float(held.mean()), 3),
        "median_error": round(float((said / true - 1).median()), 3),
        "sum_bias": round(float(said.sum() / true.sum() - 1), 3),
    }


def draw(labelled: pd.DataFrame, target: Path) -> None:
    """Draw what is hidden: the height model in relief, the footprint in red."""
    rows = -(-len(labelled) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(14, 2.1 * rows))
    light = LightSource(315, 45)
    for axis in axes.ravel():
        axis.axis("off")
    for axis, one in zip(axes.ravel(), labelled.itertuples(), strict=False):
        with rasterio.open(SHEETS[one.place]) as sheet:
            west, south, east, north = one.geometry.buffer(MARGIN_M).bounds
            window = (
                rasterio.windows.from_bounds(west, south, east, north, sheet.transform).round_offsets().round_lengths()
            )
            z = np.where((z := sheet.read(1, window=window)) > 1e5, np.nan, z)
            left, low, right, top = rasterio.windows.bounds(window, sheet.transform)
            cell = sheet.res[0]
        z = np.where(np.isnan(z), np.nanmedian(z), z)
        bounds = {"vmin": np.percentile(z, 2), "vmax": np.percentile(z, 98)}
        axis.imshow(
            light.shade(z, plt.cm.viridis, blend_mode="soft", dx=cell, dy=cell, **bounds),
            extent=(left, right, low, top),
        )
        for part in shapely.get_parts(one.geometry):
            axis.plot(*part.exterior.xy, color="red", lw=1)
        axis.set_title(f"{one.place} {one.label} {one.found_frac:.2f}", fontsize=7, pad=2)
    figure.tight_layout(pad=0.3)
    figure.savefig(target, dpi=60)
    Image.open(target).convert("RGB").quantize(64).save(target, optimize=True)


def main() -> None:
    """Judge, draw and print; the last line is JSON."""
    warnings.simplefilter("ignore")
    labelled = judged()
    out: dict[str, Any] = {str(place): rule(part) for place, part in labelled.groupby("place")}
    draw(labelled[labelled["label"].ne("clear")], ROOT / "docs" / "methods" / "sun_hidden.png")
    for path in calibration.tiles_in(map(Path, sys.argv[1:])):
        out[path.name] = crowned(calibration.read_tile(path, place=calibration.place_of(path)))
    print(json.dumps(out))


if __name__ == "__main__":
    main()
