"""How far a roof's yield is off when its roof model is taken away: LoD2.2 stripped, scored anew, held against itself.

``python benchmarks/calibration.py --weather FILE.epw [--days FILE.txt] TILE_OR_FOLDER [...]``

Every 3DBAG tile (CityJSON with LoD2.2) is scored three times by the steps of the pipeline: ``lod22+dsm`` (its own roof
model, shaded by a surface raised from it with 5 cm of noise), ``dsm`` (that surface and footprints alone) and
``footprint`` (footprints and years alone). A pand counts where its own roof model carries modules, or the stripped score
says that it does. Prints a row per tile, basis and kind; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio.transform import from_origin

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kansenkaart.crs import RD
from kansenkaart.score import panden, roofs
from kansenkaart.score.surfaces import Faces
from kansenkaart.sources import bag3d, knmi
from kansenkaart.tables import assumptions
from kansenkaart.tables.store import Lineage, Store

CELL_M, NOISE_M, MARGIN_M, GROUND_BELOW_EAVE_M = 0.5, 0.05, 60.0, 3.0
BASES = ("lod22+dsm", "dsm", "footprint")
_BARE = Lineage("calibration", (), {}, {}, {})


def tiles_in(paths: Iterable[Path]) -> list[Path]:
    """Return the CityJSON files among some files and folders, in a fixed order."""
    listed: list[Path] = []
    for path in paths:
        listed += sorted(one for one in path.rglob("*.json") if one.is_file()) if path.is_dir() else [path]
    return listed


def panden_of(tile: Path, faces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the panden of a tile that have a roof model, with LoD0 footprint and year; as the BAG gives them."""
    model = json.loads(tile.read_text("utf-8"))
    scale, shift = (np.array(model["transform"][name]) for name in ("scale", "translate"))
    points = np.array(model["vertices"]) * scale + shift
    rows = []
    for name, thing in model["CityObjects"].items():
        if thing["type"] != "Building" or not thing.get("geometry"):
            continue
        flat = next((one for one in thing["geometry"] if str(one["lod"]) == "0"), None)
        if flat is None:
            continue
        outline = shapely.union_all([_polygon(points, rings) for rings in flat["boundaries"]])
        year = thing["attributes"].get("oorspronkelijkbouwjaar")
        rows.append({"pand_id": _id(name, thing), "bouwjaar": year, "geometry": outline})
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=RD)
    frame = frame[frame["pand_id"].isin(faces["pand_id"])].drop_duplicates("pand_id").reset_index(drop=True)
    frame["bouwjaar"] = pd.array(pd.to_numeric(frame["bouwjaar"]), dtype="Int64")
    return frame.assign(
        status="Pand in gebruik",
        footprint_area_m2=frame.area,
        homes=pd.array([1] * len(frame), dtype="Int64"),
        buurtcode=None,
    )


def _polygon(points: np.ndarray, rings: Sequence[Sequence[int]]) -> Any:
    shape = shapely.Polygon(points[rings[0], :2], [points[one, :2] for one in rings[1:]])
    return shape if shape.is_valid else shape.buffer(0)


def _id(name: str, thing: dict[str, Any]) -> str:
    digits = "".join(sign for sign in str(thing["attributes"].get("identificatie", name)) if sign.isdigit())
    return digits[-16:].zfill(16)


def raise_surface(faces: gpd.GeoDataFrame, path: Path) -> None:
    """Write a surface model of the roofs over level ground, with noise as a laser has it [m NAP]."""
    west, south, east, north = faces.total_bounds + np.array([-1, -1, 1, 1]) * MARGIN_M
    shape = (int((north - south) / CELL_M), int((east - west) / CELL_M))
    place = from_origin(west, north, CELL_M, CELL_M)
    drawn = Faces(faces)
    label = drawn.label(shape, place)
    ground = float(faces["eave_height_m_nap"].min()) - GROUND_BELOW_EAVE_M
    surface = np.where(label >= 0, drawn.heights(label, place), ground)
    surface += np.random.default_rng(7).normal(0, NOISE_M, shape)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=shape[0],
        width=shape[1],
        count=1,
        dtype="float32",
        crs="EPSG:28992",
        transform=place,
        nodata=3.4028234663852886e38,
    ) as sheet:
        sheet.write(surface.astype(np.float32), 1)


def scored(tile: Path, weather: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Score the panden of one tile by every basis; one row per pand, columns ``kwp``, ``kwh``, ``low``, ``high`` of each."""
    faces, _ = bag3d.read_roof_face(tile)
    frame = panden_of(tile, faces)
    faces = faces[faces["pand_id"].isin(frame["pand_id"])].reset_index(drop=True)
    out = frame.set_index("pand_id")[["bouwjaar", "footprint_area_m2"]].copy()
    out["faces"] = faces.groupby("pand_id").size()
    known = assumptions.default()
    for basis in BASES:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            store.write("pand", frame, _BARE)
            for name, table in weather.items():
                store.write(name, table, _BARE)
            if basis == "lod22+dsm":
                store.write("roof_face", faces, _BARE)
            if basis != "footprint":
                raised = Path(folder) / "raised.tif"
                raise_surface(faces, raised)
                store.write_raster("dsm", raised, _BARE)
                store.write("roof_face_score", roofs.score_roofs(store, known)[0].content, _BARE)
            made = panden.score_panden(store, known)[0].content.set_index("pand_id")
        for short, column in (
            ("kwp", "kwp_fit"),
            ("kwh", "yield_fit_kwh_per_year"),
            ("low", "yield_fit_kwh_per_year_low"),
            ("high", "yield_fit_kwh_per_year_high"),
            ("basis", "score_basis"),
        ):
            out[f"{basis}:{short}"] = made[column].reindex(out.index)
    return out


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tiles", type=Path, nargs="+")
    parser.add_argument("--weather", type=Path, required=True, help="EPW file")
    parser.add_argument("--days", type=Path, help="daily file of KNMI, for the long-term months")
    parser.add_argument("--table", type=Path, help="write the rows of all panden here (parquet)")
    args = parser.parse_args()
    weather = {"weather_hourly": knmi.read_weather_hourly(args.weather, form="epw")[0]}
    if args.days:
        weather["weather_daily"] = knmi.read_weather_daily(args.days)[0]
    parts = []
    for tile in tiles_in(args.tiles):
        parts.append(scored(tile, weather).assign(tile=tile.name))
        print(tile.name, len(parts[-1]), flush=True)
    rows = pd.concat(parts)
    if args.table:
        rows.to_parquet(args.table)


if __name__ == "__main__":
    main()
