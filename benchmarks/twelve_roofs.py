"""Twelve real roofs with faces and modules, by the roof model beside by the height model alone, for docs/methods/sun.md.

``python benchmarks/twelve_roofs.py`` draws four roofs of Delft and four of Twente (3DBAG, LoD2.2; the height model is raised
from it with 5 cm of noise) and four of Amsterdam (AHN3 at 1 m and footprints of the BAG; no roof model). Needs matplotlib.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from matplotlib import pyplot as plt
from PIL import Image

from kansenkaart.core.solar.panels import LayoutRule, lay_out
from kansenkaart.score import calibration, roofs
from kansenkaart.sources import bag, knmi
from kansenkaart.tables import assumptions
from kansenkaart.tables.store import Store

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
DOCS = Path(__file__).resolve().parents[1] / "docs" / "methods"
TILES = {"Delft": DATA / "delft" / "3dbag_v210908_5912.city.json", "Twente": DATA / "twente" / "2092.json"}
AMSTERDAM = (DATA / "amsterdam" / "bag_pand.gpkg", DATA / "amsterdam" / "ahn3")
FACES = (2, 4, 6, 9)  # of the roof model: one roof each, of 60 to 250 m2
NEAR_M, PER_PLACE = 45.0, 4
COLORS = plt.get_cmap("tab20").colors


def chosen(tile: calibration.Tile) -> list[str]:
    """Return one pand per number of faces, the one of median size."""
    count = tile.faces.groupby("pand_id").size()
    size = tile.pand.set_index("pand_id")["footprint_area_m2"]
    size = size[size.between(60, 250)]
    picked = []
    for faces in FACES:
        mine = size[size.index.isin(count.index[count == faces])].sort_values()
        picked.append(str(mine.index[len(mine) // 2]))
    return picked


def around(tile: calibration.Tile, panden: list[str]) -> calibration.Tile:
    """Keep the panden near the chosen ones: what shades them and makes their rows."""
    middle = tile.pand[tile.pand["pand_id"].isin(panden)].centroid.buffer(NEAR_M).union_all()
    kept = tile.pand[tile.pand.intersects(middle)].reset_index(drop=True)
    faces = tile.faces[tile.faces["pand_id"].isin(kept["pand_id"])].reset_index(drop=True)
    return replace(tile, pand=kept, faces=faces)


def drawn(store: Store, known: assumptions.Assumptions) -> gpd.GeoDataFrame:
    """Score the faces of a store, with the modules on each as shapes seen from above."""
    faces = calibration._frame(roofs.score_roofs(store, known))
    rule = LayoutRule(
        setback_pitched_m=known.value("pv_setback_pitched", "m"),
        setback_flat_m=known.value("pv_setback_flat", "m"),
        rack_tilt_deg=known.value("pv_flat_tilt_east_west", "deg"),
    )
    shapes = [
        one if some > 0 else None for one, some in zip(faces.geometry, faces["modules_fit"].fillna(0), strict=True)
    ]
    shapes = [max(shapely.get_parts(one), key=lambda part: part.area) if one is not None else None for one in shapes]
    laid = lay_out(faces[["tilt_deg", "azimuth_deg"]], polygons=shapes, module=roofs.module_of(known), rule=rule)
    modules: list[list[Any]] = [[] for _ in range(len(faces))]
    for face, corners in zip(laid.face, laid.corners_m, strict=True):
        modules[int(face)].append(shapely.Polygon(corners))
    return faces.assign(modules=modules)


def panel(axis: Any, pand: Any, faces: gpd.GeoDataFrame, title: str) -> None:
    """Draw one roof."""
    for n, one in enumerate(faces.itertuples()):
        for part in shapely.get_parts(one.geometry):
            axis.fill(*part.exterior.xy, color=COLORS[n % 20], alpha=0.45, lw=0.4, ec="black")
        for module in one.modules:
            axis.plot(*module.exterior.xy, color="black", lw=0.5)
    for part in shapely.get_parts(pand):
        axis.plot(*part.exterior.xy, color="#c2410c", lw=1.0)
    axis.set_aspect("equal")
    axis.set_xticks([])
    axis.set_yticks([])
    kwp = faces["kwp_fit"].sum()
    axis.set_title(f"{title}: {len(faces)} faces, {kwp:.1f} kWp", fontsize=7)


def main() -> None:
    """Draw and print what each basis found."""
    known, rows = assumptions.default(), []
    weather = {"weather_hourly": knmi.typical_year()[0]}
    for place, path in TILES.items():
        tile = calibration.read_tile(path, place=place)
        panden = chosen(tile)
        tile = around(tile, panden)
        found = {}
        for basis in ("lod22+dsm", "dsm"):
            with tempfile.TemporaryDirectory() as folder:
                found[basis] = drawn(calibration._stored(Path(folder), tile, weather, basis), known)
        rows += [(place, one, tile.pand.set_index("pand_id").geometry[one], found) for one in panden]
    rows += amsterdam(weather, known)
    figure, axes = plt.subplots(6, 4, figsize=(9.6, 13.2))
    for n, (place, pand, shape, found) in enumerate(rows):
        for side, basis in enumerate(("lod22+dsm", "dsm")):
            axis = axes[n // 2, 2 * (n % 2) + side]
            if basis not in found:
                axis.axis("off")
                axis.set_title(f"{place}: no roof model", fontsize=7)
                continue
            mine = found[basis][found[basis]["pand_id"].eq(pand)]
            panel(axis, shape, mine, f"{n + 1} {place}, {basis}")
            print(n + 1, place, pand, basis, len(mine), round(float(mine["kwp_fit"].sum()), 2))
    figure.tight_layout()
    figure.savefig(DOCS / "sun_twelve.png", dpi=95)
    Image.open(DOCS / "sun_twelve.png").convert("RGB").quantize(48).save(DOCS / "sun_twelve.png", optimize=True)


def amsterdam(weather: dict[str, pd.DataFrame], known: assumptions.Assumptions) -> list[tuple[Any, ...]]:
    """Four roofs in the middle of the block of Amsterdam, of which there is a height model only."""
    footprints, folder = AMSTERDAM
    pand, _ = bag.read_pand(footprints, form="nlextract-gpkg")
    sheet = next(one for one in sorted(folder.iterdir()) if "dsm" in one.name.lower() and one.suffix == ".tif")
    west, south, east, north = pand.total_bounds
    middle = shapely.Point((west + east) / 2, (south + north) / 2)
    size = pand.area
    picked = pand[size.between(60, 250)].assign(away=pand.distance(middle)).sort_values("away").head(PER_PLACE)
    kept = pand[pand.distance(picked.union_all()) < NEAR_M].reset_index(drop=True)
    with tempfile.TemporaryDirectory() as place:
        store = Store(Path(place))
        store.write(
            "pand", kept.assign(homes=pd.array([1] * len(kept), dtype="Int64"), buurtcode=None), calibration._BARE
        )
        for name, table in weather.items():
            store.write(name, table, calibration._BARE)
        copy = Path(place) / "sheet.tif"
        copy.write_bytes(sheet.read_bytes())
        store.write_raster("dsm", copy, calibration._BARE)
        faces = drawn(store, known)
    return [("Amsterdam", one.pand_id, one.geometry, {"dsm": faces}) for one in picked.itertuples()]


if __name__ == "__main__":
    main()
