"""Real places from a surface model alone: segment the roofs, irradiate them, lay modules, draw what came out.

``python benchmarks/sun_places.py dsm.tif footprints.gpkg weather.epw --knmi etmgeg_278.txt --picture out.png``
Prints sums by direction beside published figures; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from PIL import Image, ImageDraw
from pvlib.iotools import read_epw
from rasterio import features

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.solar_roofs import usable_mask
from kansenkaart.core.solar.cells import irradiate, kernel_table, roof_planes
from kansenkaart.core.solar.classes import classify
from kansenkaart.core.solar.horizon import clean_surface, horizons, roof_cells
from kansenkaart.core.solar.irradiance import IrradianceTable, cumulative_irradiance
from kansenkaart.core.solar.panels import Layout, Module, lay_out
from kansenkaart.core.solar.segment import segment_faces
from kansenkaart.core.solar.weather import WEATHER_COLUMNS, Site, closing_minutes, scale_to_monthly

MODULE = Module(1.72, 1.13, 435.0)  # as in the assumptions
PERFORMANCE = 0.83  # as in the assumptions (guess)
VIRIDIS = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], float)


def station(epw: Path, knmi: Path | None) -> tuple[IrradianceTable, float]:
    """Table of a typical year, scaled to the mean months of 2016-2025 where a daily file is given; and its GHI."""
    data, meta = read_epw(epw)
    hourly = data[["ghi", "dni", "dhi"]].set_axis(list(WEATHER_COLUMNS), axis=1)
    hourly.index = hourly.index.map(lambda t: t.replace(year=2015))
    if knmi is not None:
        lines = knmi.read_text().splitlines()
        head = next(i for i, line in enumerate(lines) if line.startswith("# STN"))
        names = [n.strip() for n in lines[head].lstrip("# ").split(",")]
        rows = [
            dict(zip(names, (v.strip() for v in line.split(",")), strict=False))
            for line in lines[head + 1 :]
            if line.strip()
        ]
        days = pd.DataFrame(rows)[["YYYYMMDD", "Q"]].replace("", np.nan).dropna()
        days = days[days["YYYYMMDD"].str[:4].astype(int).between(2016, 2025)]
        month = days["YYYYMMDD"].str[4:6].astype(int)
        mean_day = days["Q"].astype(float).groupby(month).mean().to_numpy() / 360  # J/cm2 to kWh/m2
        length = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
        hourly = scale_to_monthly(hourly, monthly_ghi_kwh_per_m2=mean_day * length)
    site = Site(meta["latitude"], meta["longitude"])
    minutes = closing_minutes(hourly, site=site)
    print(f"the hours of this file lie {minutes:.0f} minutes after their timestamps (30 is usual)")
    table = cumulative_irradiance(hourly, site=replace(site, mid_interval_minutes=minutes))
    return table, float(table.ghi.sum())


def run(dsm: Path, footprints: Path, table: IrradianceTable) -> dict[str, Any]:
    """Segment, irradiate and fill every roof of a sheet."""
    with rasterio.open(dsm) as sheet:
        raw, place, size = sheet.read(1), sheet.transform, float(sheet.transform.a)
    surface, holes = clean_surface(raw)
    prints = gpd.read_file(footprints).geometry
    prints = prints[prints.intersects(shapely.box(*rasterio.transform.array_bounds(*raw.shape, place)))]
    building = features.rasterize(
        zip(prints, range(len(prints)), strict=True), raw.shape, fill=-1, transform=place, dtype="int32"
    )
    start = time.process_time()
    label, faces = segment_faces(surface, building, cell_size_m=size)
    y, x = np.mgrid[0 : raw.shape[0], 0 : raw.shape[1]]
    which = np.maximum(label, 0)
    a, b, c = (faces[k].to_numpy()[which] for k in "abc")
    plane = c + a * x * size - b * y * size
    free = usable_mask(label, plane_m=plane, surface_m=np.where(surface > -9000, surface, np.nan))
    kernel = kernel_table(table)
    planes = roof_planes(faces["tilt_deg"].to_numpy(), faces["azimuth_deg"].to_numpy(), table=table, kernel=kernel)
    cells = roof_cells(free, plane.astype(np.float32))
    own = label[cells.rows, cells.cols]
    energy = irradiate(horizons(surface, cells, cell_size_m=size), planes, own, table=kernel)[:, 0]
    count = np.bincount(own, minlength=len(faces))
    faces["kwh_per_m2"] = np.bincount(own, energy, len(faces)) / np.maximum(count, 1)
    faces["free_m2"] = count * size**2 / np.cos(np.radians(faces["tilt_deg"]))
    grown = gpd.GeoSeries(
        [shapely.geometry.shape(s) for s, v in features.shapes(label, transform=place, connectivity=4) if v >= 0]
    )
    names = [int(v) for _, v in features.shapes(label, transform=place, connectivity=4) if v >= 0]
    parts = grown.groupby(names).agg(lambda g: max(g, key=lambda p: p.area))
    blocked = np.argwhere((label >= 0) & ~free)
    marks = np.column_stack(
        [
            label[blocked[:, 0], blocked[:, 1]],
            place.c + (blocked[:, 1] + 0.5) * size,
            place.f - (blocked[:, 0] + 0.5) * size,
        ]
    )
    layout = lay_out(
        faces, polygons=parts.reindex(range(len(faces))).to_list(), module=MODULE, obstacles=marks, obstacle_size_m=size
    )
    seconds = time.process_time() - start
    image = np.full(raw.shape, np.nan)
    image[cells.rows, cells.cols] = energy
    return {
        "faces": faces,
        "layout": layout,
        "image": image,
        "surface": surface,
        "place": place,
        "holes": holes,
        "seconds": seconds,
        "best": float(planes.open_kwh_per_m2.max()),
    }


def summarise(found: dict[str, Any]) -> dict[str, Any]:
    """Yield by direction [kWh/kWp/year], shaded, of the faces that carry modules."""
    faces, layout = found["faces"], found["layout"]
    kwp, kwh = layout.faces["kwp"], layout.faces["kwp"] * faces["kwh_per_m2"] * PERFORMANCE
    facing = np.where(
        faces["tilt_deg"] < 10,
        "flat",
        np.where(
            np.cos(np.radians(faces["azimuth_deg"] - 180)) > 0.707,
            "south",
            np.where(np.cos(np.radians(faces["azimuth_deg"])) > 0.707, "north", "east or west"),
        ),
    )
    letters = classify(
        faces["kwh_per_m2"].to_numpy(), best_kwh_per_m2=found["best"], area_m2=faces["free_m2"].to_numpy()
    )
    return {
        "faces": len(faces),
        "holes": found["holes"],
        "cpu_s": round(found["seconds"], 2),
        "kwp": round(float(kwp.sum())),
        "kwh_per_kwp": (kwh.groupby(facing).sum() / kwp.groupby(facing).sum()).round().to_dict(),
        "classes": pd.Series(letters).value_counts().to_dict(),
    }


def draw(found: dict[str, Any], path: Path, *, zoom: int = 2, window: tuple[int, int, int, int] | None = None) -> None:
    """Draw the irradiation over a shaded relief, the modules as outlines; a window is row, col, rows, cols."""
    row, col, rows, cols = window or (0, 0, *found["image"].shape)
    spot = (slice(row, row + rows), slice(col, col + cols))
    relief = np.where(found["surface"] > -9000, found["surface"], 0)
    light = np.clip(150 + 40 * (np.gradient(relief)[0] + np.gradient(relief)[1]), 60, 230)[spot]
    image = np.repeat(light[:, :, None], 3, axis=2)
    value = found["image"][spot]
    share = np.clip((value - 400) / (found["best"] - 400), 0, 1) * (len(VIRIDIS) - 1)
    on = ~np.isnan(value)
    low = np.minimum(np.nan_to_num(share).astype(int), len(VIRIDIS) - 2)
    part = np.nan_to_num(share - low)[..., None]
    image[on] = (VIRIDIS[low] * (1 - part) + VIRIDIS[low + 1] * part)[on]
    picture = Image.fromarray(image.astype(np.uint8)).resize((cols * zoom, rows * zoom), Image.Resampling.NEAREST)
    pen, layout = ImageDraw.Draw(picture), found["layout"]
    assert isinstance(layout, Layout)
    for corners in layout.corners_m:
        columns, lines = ~found["place"] * (corners[:, 0], corners[:, 1])
        pen.polygon(
            [((u - col) * zoom, (v - row) * zoom) for u, v in zip(columns, lines, strict=True)], outline=(20, 20, 20)
        )
    picture.save(path, optimize=True)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("dsm", "footprints", "epw"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--knmi", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--zoom", type=int, default=2)
    parser.add_argument("--window", type=int, nargs=4)
    args = parser.parse_args()
    table, ghi = station(args.epw, args.knmi)
    found = run(args.dsm, args.footprints, table)
    for tilt, azimuth, name in (
        (35, 180, "south 35"),
        (35, 90, "east 35"),
        (12, 90, "east 12"),
        (12, 270, "west 12"),
        (0, 0, "flat"),
    ):
        open_sky = roof_planes(np.array([tilt]), np.array([azimuth]), table=table).open_kwh_per_m2[0, 0]
        print(f"open {name}: {open_sky:.0f} kWh/m2, {open_sky * PERFORMANCE:.0f} kWh/kWp")
    if args.picture:
        draw(found, args.picture, zoom=args.zoom, window=tuple(args.window) if args.window else None)
    print(json.dumps({"ghi": round(ghi), **summarise(found)}))


if __name__ == "__main__":
    main()
