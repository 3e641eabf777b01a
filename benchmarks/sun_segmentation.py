"""Real roofs, told from a surface alone: a 3DBAG tile raised to a raster, segmented, compared face by face.

``python benchmarks/sun_segmentation.py path/to/tile.city.json [--cell 0.5] [--noise 0.05]``. Prints errors of tilt,
azimuth, area and kWh (median, 90th percentile).
Last line: JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from rasterio import features
from rasterio.transform import from_origin

from benchmarks.solar_roofs import face_planes, raise_surface
from benchmarks.solar_scene import SITE, clear_year
from kansenkaart.core.solar.cells import roof_planes
from kansenkaart.core.solar.irradiance import cumulative_irradiance
from kansenkaart.core.solar.segment import segment_faces


def read_tile(path: Path) -> tuple[list[Any], pd.DataFrame]:
    """Roof polygons of LoD2.2 and, per polygon, its pand and year."""
    data = json.loads(path.read_text())
    corners = np.array(data["vertices"]) * data["transform"]["scale"] + data["transform"]["translate"]
    objects, polygons, rows = data["CityObjects"], [], []
    for name, thing in objects.items():
        pand = (thing.get("parents") or [name])[0]
        for geometry in (g for g in thing.get("geometry", []) if str(g["lod"]) == "2.2"):
            values, kinds = geometry["semantics"]["values"], geometry["semantics"]["surfaces"]
            for shell, numbers in zip(geometry["boundaries"], values, strict=True):
                for rings, number in zip(shell, numbers, strict=True):
                    if number is not None and kinds[number]["type"] == "RoofSurface":
                        polygons.append(shapely.Polygon(corners[rings[0]], [corners[r] for r in rings[1:]]))
                        rows.append((pand, objects[pand]["attributes"]["oorspronkelijkbouwjaar"]))
    return polygons, pd.DataFrame(rows, columns=["pand_id", "bouwjaar"])


def compare(polygons: list[Any], faces: pd.DataFrame, *, cell: float, noise: float, table: Any) -> dict[str, Any]:
    """Raster, segment, and match each true face with the face found that covers most of it."""
    flat = [shapely.force_2d(p) for p in polygons]
    west, south, east, north = shapely.total_bounds(np.array(flat))
    shape = (int((north - south) / cell) + 20, int((east - west) / cell) + 20)
    corner = (west - 10 * cell, north + 10 * cell)
    place = from_origin(*corner, cell, cell)
    true = features.rasterize(zip(flat, range(len(flat)), strict=True), shape, fill=-1, transform=place, dtype="int32")
    code, _ = pd.factorize(faces["pand_id"])
    building = np.where(true >= 0, code.astype(np.int32)[np.maximum(true, 0)], np.int32(-1)).astype(np.int32)
    planes = faces[["a", "b", "c"]].to_numpy()
    surface = raise_surface(np.full(shape, -1.0), true, planes, origin_m=corner, cell_size_m=cell)
    surface += np.random.default_rng(0).normal(0, noise, shape).astype(np.float32)
    segment_faces(surface[:50, :50], building[:50, :50], cell_size_m=cell)
    start = time.process_time()
    label, found = segment_faces(surface, building, cell_size_m=cell)
    seconds = time.process_time() - start
    pairs = pd.crosstab(true[(true >= 0) & (label >= 0)], label[(true >= 0) & (label >= 0)])
    best = pd.Series(pairs.columns[pairs.to_numpy().argmax(axis=1)], index=pairs.index)
    partner = found.loc[best.to_numpy()].set_index(best.index).add_suffix("_found")
    both = pd.concat([faces.loc[best.index], partner], axis=1)
    shared = pairs.to_numpy().max(axis=1) * cell**2
    return {"seconds": seconds, **errors(both, shared, faces, found, label, building, table)}


def errors(
    both: pd.DataFrame, shared: Any, faces: pd.DataFrame, found: pd.DataFrame, label: Any, building: Any, table: Any
) -> dict[str, Any]:
    """Median and 90th percentile of the errors of faces of 8 m2 and more, and of the kWh of whole buildings."""
    big = (both["roof_area_m2"] >= 8).to_numpy()
    both, shared = both[big], shared[big]
    matched = (shared / both["plan_area_m2"]) > 0.5
    sloping = matched & (both["tilt_deg"] >= 10)
    turn = (both["azimuth_deg_found"] - both["azimuth_deg"] + 180) % 360 - 180
    kwh = [open_kwh(both, s, table) for s in ("", "_found")]
    pand = [open_kwh(f, "", table) for f in (faces, found)]
    code, _ = pd.factorize(faces["pand_id"])
    true_sum = np.bincount(code, np.nan_to_num(pand[0]))
    found_sum = np.bincount(found["building"], pand[1], minlength=len(true_sum))
    series = {
        "tilt_deg": (both["tilt_deg_found"] - both["tilt_deg"]).abs()[matched],
        "azimuth_deg": turn.abs()[sloping],
        "area_frac": (both["roof_area_m2_found"] / both["roof_area_m2"] - 1).abs()[matched],
        "kwh_frac": np.abs(kwh[1] / kwh[0] - 1)[matched.to_numpy()],
        "kwh_per_m2_frac": np.abs(kwh[1] / kwh[0] * both["roof_area_m2"] / both["roof_area_m2_found"] - 1)[matched],
        "pand_kwh_frac": np.abs(found_sum / true_sum - 1)[true_sum > 0],
    }
    out = {k: [float(np.nanmedian(v)), float(np.nanpercentile(v, 90))] for k, v in series.items()}
    return {
        "faces": len(both),
        "matched": int(matched.sum()),
        "unassigned_frac": float((label < 0)[building >= 0].mean()),
        "total_kwh_frac": float(found_sum.sum() / true_sum.sum() - 1),
        **out,
    }


def open_kwh(faces: pd.DataFrame, end: str, table: Any) -> np.ndarray:
    """Open irradiation of every face [kWh/year]."""
    planes = roof_planes(
        np.nan_to_num(faces["tilt_deg" + end].to_numpy()), faces["azimuth_deg" + end].to_numpy(), table=table
    )
    return np.asarray(planes.open_kwh_per_m2[:, 0] * faces["roof_area_m2" + end].to_numpy())


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tile", type=Path)
    parser.add_argument("--cell", type=float, default=0.5)
    parser.add_argument("--noise", type=float, default=0.05)
    args = parser.parse_args()
    table = cumulative_irradiance(clear_year(), site=SITE)
    polygons, rows = read_tile(args.tile)
    planes, tally = face_planes(polygons)
    fine = planes["fault"].isna().to_numpy()
    faces = pd.concat([planes, rows], axis=1)[fine].reset_index(drop=True)
    polygons = [p for p, ok in zip(polygons, fine, strict=True) if ok]
    print(f"{len(planes)} roof faces, left out: {dict(tally)}")
    result = compare(polygons, faces, cell=args.cell, noise=args.noise, table=table)
    for name, value in result.items():
        print(name, value)
    print(json.dumps({**result, "faces_per_s": float(fine.sum() / result["seconds"])}))


if __name__ == "__main__":
    main()
