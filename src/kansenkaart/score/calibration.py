"""Roofs whose model is taken away, scored anew and held against it: where priors and intervals of roofs come from.

A tile of 3DBAG is scored as it is (``lod22+dsm``: its own roofs, shaded by a surface raised from them with 5 cm of noise),
with that surface and footprints alone (``dsm``), and with footprints and years alone (``footprint``). The surface is
raised from the model itself, so what trees, eaves and a real laser add to ``dsm`` is not in it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio.transform import from_origin

from kansenkaart.core.solar.priors import LEAST_PLACES, OpenSun, fit_priors, footprint_shapes, too_few_places
from kansenkaart.crs import RD
from kansenkaart.errors import FormatError
from kansenkaart.score import panden, roofs, weather
from kansenkaart.score.surfaces import Faces
from kansenkaart.sources import bag3d, knmi
from kansenkaart.sources.tools.rawnames import reading
from kansenkaart.tables.assumptions import Assumptions, default
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Lineage, Store, atomic

CELL_M, NOISE_M, MARGIN_M, GROUND_BELOW_EAVE_M = 0.5, 0.05, 60.0, 3.0
BARE = Lineage("calibration", (), {}, {}, {})


@dataclass(frozen=True)
class Tile:
    """One tile with the place it stands for, its panden as the BAG gives them, and its roof faces."""

    name: str
    place: str
    pand: gpd.GeoDataFrame
    faces: gpd.GeoDataFrame


def tiles_in(paths: Iterable[Path]) -> list[Path]:
    """Return the CityJSON files among some files and folders, in a fixed order.

    Parameters
    ----------
    paths : iterable of Path
        Files count as they are, folders with all that lies in them.
    """
    listed: list[Path] = []
    for path in paths:
        listed += sorted(one for one in path.rglob("*.json") if one.is_file()) if path.is_dir() else [path]
    return listed


def place_of(path: Path) -> str:
    """Return the place of a tile: the first word of its name, or its folder where that is a number.

    Parameters
    ----------
    path : Path
        Such as ``utrecht_9-512-588.city.json`` or ``twente/2092.json``.
    """
    word = path.name.replace("-", "_").split("_")[0].split(".")[0]
    return path.parent.name if word.isdigit() or word == "3dbag" else word


def write_priors(paths: Iterable[Path], target: Path) -> dict[str, Any]:
    """Fit what roofs carry by the shape of their footprint on tiles of 3DBAG, under the typical year that is built in.

    Parameters
    ----------
    paths : iterable of Path
        Tiles with LoD2.2, or folders of them; `place_of` says of which place each is.
    target : Path
        The table, as a study takes it with ``roof_priors``.

    Returns
    -------
    dict
        ``file``, and the numbers of ``tiles``, ``places`` and ``panden`` [1].

    Raises
    ------
    FormatError
        If a file is no tile with LoD0 and LoD2.2.
    ConfigError
        If there are fewer than three places.
    """
    tiles = [read_tile(path, place=place_of(path)) for path in tiles_in(paths)]
    places = {one.place for one in tiles}
    if len(places) < LEAST_PLACES:
        raise too_few_places(len(places))
    lessons = learn(tiles, {"weather_hourly": knmi.typical_year()[0]}, default())
    names = ", ".join(one.name for one in tiles)
    with atomic(target) as part:
        part.write_text(
            f"# fitted on {names}\n{lessons.priors().round(4).to_csv(index_label='kind')}", encoding="utf-8"
        )
    return {"file": str(target), "tiles": len(tiles), "places": len(places), "panden": len(lessons.panden)}


def read_tile(path: Path, *, place: str) -> Tile:
    """Read a tile of 3DBAG with LoD2.2.

    Parameters
    ----------
    path : Path
        CityJSON.
    place : str
        Place that it lies in; intervals are judged by leaving places out.

    Raises
    ------
    FormatError
        If it is no single document of CityJSON, or has no panden with a footprint (LoD0) and a roof.
    """
    faces, _ = bag3d.read_roof_face(path)
    frame = panden_of(path, faces)
    if frame.empty:
        raise FormatError("panden with LoD0 and LoD2.2", found="none", where=path.name, remedy="take a tile of 3DBAG")
    return Tile(path.name, place, frame, faces[faces["pand_id"].isin(frame["pand_id"])].reset_index(drop=True))


def panden_of(tile: Path, faces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the panden of a tile that have a roof model, with LoD0 footprint and year; as the BAG gives them."""
    with reading(tile, "one document of CityJSON"):
        model = json.loads(tile.read_text("utf-8"))
        grid = model.get("transform") or {"scale": 1.0, "translate": 0.0}
        points = np.array(model["vertices"]) * np.array(grid["scale"]) + np.array(grid["translate"])
        rows = [
            {
                "pand_id": _id(name, thing),
                "bouwjaar": (thing.get("attributes") or {}).get("oorspronkelijkbouwjaar"),
                "geometry": shapely.union_all([_polygon(points, rings) for rings in flat["boundaries"]]),
            }
            for name, thing in model["CityObjects"].items()
            if thing["type"] == "Building"
            for flat in [one for one in thing.get("geometry") or [] if str(one.get("lod")) == "0"][:1]
        ]
    frame = gpd.GeoDataFrame(rows, columns=["pand_id", "bouwjaar", "geometry"], geometry="geometry", crs=RD)
    frame = frame[frame["pand_id"].isin(faces["pand_id"])].drop_duplicates("pand_id").reset_index(drop=True)
    year = pd.to_numeric(frame["bouwjaar"], errors="coerce")
    frame["bouwjaar"] = year.where(year % 1 == 0).astype("Int64")
    return frame.assign(
        status="Pand in gebruik",
        footprint_area_m2=frame.area,
        homes=pd.array([1] * len(frame), dtype="Int64"),
        buurtcode=None,
    )


def _polygon(points: np.ndarray, rings: Sequence[Sequence[int]]) -> Any:
    shape = shapely.Polygon(points[rings[0], :2], [points[one, :2] for one in rings[1:]])
    return shape if shape.is_valid else shapely.make_valid(shape, method="structure", keep_collapsed=False)


def _id(name: str, thing: dict[str, Any]) -> str:
    digits = "".join(sign for sign in str((thing.get("attributes") or {}).get("identificatie", name)) if sign.isdigit())
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


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="calibration-")


def stored(folder: Path, tile: Tile, weather_tables: Mapping[str, pd.DataFrame], basis: str) -> Store:
    """Put into a store what a basis has; the table of the station is worked out once for all.

    Parameters
    ----------
    folder : Path
        Of the store.
    tile : Tile
        Panden and faces.
    weather_tables : mapping
        Tables of the weather by name.
    basis : str
        ``lod22+dsm``, ``dsm`` or ``footprint``.
    """
    store = Store(folder)
    (folder / weather.KEPT).symlink_to(_kept().name)
    store.write("pand", tile.pand, BARE)
    for name, table in weather_tables.items():
        store.write(name, table, BARE)
    if basis == "lod22+dsm":
        store.write("roof_face", tile.faces, BARE)
    if basis != "footprint":
        raised = folder / "raised.tif"
        raise_surface(tile.faces, raised)
        store.write_raster("dsm", raised, BARE)
    return store


def table_of(products: Sequence[Product]) -> pd.DataFrame:
    """Return the one table of a step.

    Parameters
    ----------
    products : sequence of Product
        What it made.
    """
    content = products[0].content
    assert isinstance(content, pd.DataFrame)  # noqa: S101 - these steps make tables
    return content


@dataclass(frozen=True)
class Lessons:
    """What tiles teach: their panden and faces with the power on them, and the sun under which that was found."""

    panden: pd.DataFrame
    faces: pd.DataFrame
    sun: OpenSun

    def priors(self, *, without: str = "") -> pd.DataFrame:
        """Fit the priors of footprints, leaving out one place.

        Raises
        ------
        ConfigError
            If fewer than three places remain.
        """
        rest = self.panden[self.panden["place"] != without]
        return fit_priors(rest, self.faces[self.faces["pand_id"].isin(rest.index)], self.sun)


def learn(tiles: Sequence[Tile], weather_tables: Mapping[str, pd.DataFrame], known: Assumptions) -> Lessons:
    """Score tiles as they are and keep what priors are fitted on.

    Parameters
    ----------
    tiles : sequence of Tile
        Of several places.
    weather_tables : mapping
        Tables of the weather by name.
    known : Assumptions
        Figures.
    """
    parts = [_lesson(tile, weather_tables, known) for tile in tiles]
    with tempfile.TemporaryDirectory() as folder:
        store = stored(Path(folder), tiles[0], weather_tables, "footprint")
        sun = panden.open_sun(weather.station_of(store, known), known)
    shapes, faces = (pd.concat(list(one)) for one in zip(*parts, strict=True))
    shapes = shapes[~shapes.index.duplicated()]
    return Lessons(shapes, faces.reset_index(drop=True), sun)


def _lesson(
    tile: Tile, weather_tables: Mapping[str, pd.DataFrame], known: Assumptions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Panden and faces of one tile as :func:`fit_priors` wants them."""
    with tempfile.TemporaryDirectory() as folder:
        store = stored(Path(folder), tile, weather_tables, "lod22+dsm")
        scored = table_of(roofs.score_roofs(store, known))
        every = table_of(roofs.score_roofs(store, known, worth="ABCD"))
    faces = pd.DataFrame(
        {
            "pand_id": scored["pand_id"],
            "tilt_deg": scored["tilt_deg"],
            "azimuth_deg": scored["azimuth_deg"].fillna(0.0),
            "roof_area_m2": scored["roof_area_m2"],
            "kwp": scored["kwp_fit"].fillna(0.0),
            "kwp_all": every["kwp_fit"].fillna(0.0),
            "sun_frac": (1 - scored["shade_frac"]).fillna(1.0),
        }
    )
    shapes = footprint_shapes(tile.pand.geometry.to_list(), tile.pand["bouwjaar"]).set_index(tile.pand["pand_id"])
    kwp = faces.groupby("pand_id")["kwp"].sum().reindex(shapes.index, fill_value=0.0)
    return shapes.assign(place=tile.place, kwp=kwp), faces
