"""Reads surfaces and panden from the Basisregistratie Grootschalige Topografie.

Formats: ``ogc-geojson`` (OGC API Features of today) and ``bgt-2016-sqlite`` (the layers of 2016 with their old names).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.cleaning import Sieve, bag_id
from kansenkaart.sources.tools.geofiles import layer_names, read_vector
from kansenkaart.sources.tools.rawnames import raw_names, reading, to_number, to_our_names, to_text
from kansenkaart.tables import fields, schemas

if TYPE_CHECKING:
    from pathlib import Path

    from kansenkaart.tables.provenance import Tally

EXISTING = "bestaand"
#: Layer names of the 2016 download beside the register's own class names.
OLD_LAYERS = {
    "trafficarea": "wegdeel",
    "auxiliarytrafficarea": "ondersteunendwegdeel",
    "plantcover": "begroeidterreindeel",
    "bridgeconstructionelement": "overbruggingsdeel",
    "tunnelpart": "tunneldeel",
    "buildingpart": "pand",
}
_UNKNOWN = ("waardeOnbekend", "geenWaarde")


def read_terrain(path: Path, *, form: str = "ogc-geojson", kind: str | None = None) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return the surfaces of one BGT layer, as table ``terrain``.

    Parameters
    ----------
    path : Path
        File with one layer.
    form : str
        ``ogc-geojson`` or ``bgt-2016-sqlite``.
    kind : str or None
        Class of the register, such as ``wegdeel``; None takes it from the layer's name.

    Returns
    -------
    surfaces : GeoDataFrame
        Table ``terrain``; ``area_m2`` from the geometry [m2].
    tally : Tally
        Objects in, kept and left out: ended, not existing, without geometry [1].

    Raises
    ------
    FormatError
        If the file cannot be read or lacks a column of its format.
    CrsError
        If the coordinates are not RD New.
    """
    raw_names("terrain", form)
    raw, layer = _open(path)
    sieve = Sieve(to_our_names(raw, "terrain", form=form, where=path.name))
    _keep_existing(sieve)
    sieve.drop(sieve.frame["terrain_id"].isna(), "no identification")
    sieve.drop(sieve.frame["terrain_id"].duplicated(keep="last"), "same identification twice")
    sieve.polygons(path.name)
    frame = sieve.frame.assign(kind=kind or OLD_LAYERS.get(layer, layer), area_m2=sieve.frame.geometry.area)
    for name in ("function", "surface"):
        text = to_text(frame[name])
        frame[name] = text.where(~text.isin(_UNKNOWN))
    sieve.frame = frame.assign(relative_level=to_number(frame["relative_level"], where=path.name))
    limits = fields.get("relative_level")
    sieve.blank_outside("relative_level", limits.minimum, limits.maximum)
    sieve.note("surface unknown", sieve.frame["surface"].isna().sum())
    return _finish(sieve, "terrain", path), sieve.tally()


def read_pand(path: Path, *, form: str = "bgt-pand-sqlite") -> tuple[gpd.GeoDataFrame, Tally]:
    """Return panden from the BGT's own layer, as table ``pand``, for places without a BAG extract.

    Parameters
    ----------
    path : Path
        File with the layer of panden; the BAG identification is a number there.
    form : str
        ``bgt-pand-sqlite``.

    Returns
    -------
    panden : GeoDataFrame
        Table ``pand``; ``bouwjaar`` is unknown; several BGT objects of one pand are merged; areas [m2].
    tally : Tally
        Objects in, kept and left out [1].

    Raises
    ------
    FormatError
        If the file cannot be read or lacks a column of its format.
    """
    raw_names("pand", form)
    sieve = Sieve(to_our_names(_open(path)[0], "pand", form=form, where=path.name))
    _keep_existing(sieve)
    sieve.frame["pand_id"] = sieve.frame["pand_id"].map(bag_id)
    sieve.drop(sieve.frame["pand_id"].isna(), "no BAG identification")
    sieve.polygons(path.name)
    merged = sieve.frame.dissolve("pand_id", sort=True)
    sieve.drop(sieve.frame["pand_id"].duplicated(), "part of a pand, merged into it")
    shapes = merged.geometry.loc[sieve.frame["pand_id"]].to_numpy()
    sieve.frame = sieve.frame.set_geometry(gpd.GeoSeries(shapes, index=sieve.frame.index, crs=merged.crs))
    sieve.note("bouwjaar unknown", len(sieve.frame))
    sieve.frame = sieve.frame.assign(
        bouwjaar=None, homes=None, buurtcode=None, footprint_area_m2=sieve.frame.geometry.area
    )
    return _finish(sieve, "pand", path), sieve.tally()


def _keep_existing(sieve: Sieve) -> None:
    for name in [one for one in sieve.frame.columns if one.startswith("ended")]:
        sieve.drop(to_text(sieve.frame[name]).notna(), "registration ended")
    status = to_text(sieve.frame["status"])
    sieve.drop_by_name(status.notna() & (status != EXISTING), status, "status: ")


def _open(path: Path) -> tuple[gpd.GeoDataFrame, str]:
    with reading(path, "a BGT file with one layer"):
        names = layer_names(path)
        if len(names) != 1:
            raise FormatError(
                "one layer", found=str(names), where=path.name, remedy="give each BGT layer as its own file"
            )
        return read_vector(path, layer=names[0]), names[0]


def _finish(sieve: Sieve, table: str, path: Path) -> Any:
    frame: pd.DataFrame = sieve.frame[list(schemas.get(table).columns)]
    return schemas.conform(frame, table, where=path.name)
