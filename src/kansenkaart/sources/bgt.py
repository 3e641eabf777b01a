"""Reads surfaces and panden from the Basisregistratie Grootschalige Topografie.

Formats: ``ogc-geojson`` (OGC API Features of today), ``bgt-gml`` (the download of PDOK, a GML file per class) and
``bgt-2016-sqlite`` (the layers of 2016). They differ in their names only, and each is read whatever the form says.

References
----------
.. [1] Geonovum, Gegevenscatalogus BGT 1.2: classes, statuses and attributes.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from kansenkaart.config import packaged_rows
from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.cleaning import Sieve, bag_id
from kansenkaart.sources.tools.layers import LAYER, open_layer
from kansenkaart.sources.tools.rawnames import raw_names, squeezed, to_our_names, to_text
from kansenkaart.tables.provenance import Tally

EXISTING = "bestaand"
_ONE_LAYER = "a BGT file with one layer"
UNKNOWN_STATUS = "onbekend"
#: Classes of the register that hold surfaces [1]_, and how the download calls the layer of one (as CityGML does).
CLASSES = {row["class"]: row["citygml"] for row in packaged_rows("bgt_classes.csv")}
_BY_LAYER = {layer: one for one, layer in CLASSES.items() if layer}
_UNKNOWN = ("waardeOnbekend", "geenWaarde")


def read_terrain(path: Path, *, form: str = "ogc-geojson", kind: str | None = None) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return the surfaces of one BGT layer, as table ``terrain``.

    Parameters
    ----------
    path : Path
        File with one layer.
    form : str
        ``ogc-geojson``, ``bgt-gml`` or ``bgt-2016-sqlite``.
    kind : str or None
        Class of the register, such as ``wegdeel``, and the layer of that name where the file has several; None takes
        it from the name of the layer or of the file.

    Returns
    -------
    surfaces : GeoDataFrame
        Table ``terrain``; ``area_m2`` from the geometry [m2].
    tally : Tally
        Objects in, kept and left out: ended, not existing, without geometry [1].

    Raises
    ------
    FormatError
        If the file cannot be read, lacks a column of its format, or nothing says which class it holds.
    CrsError
        If the coordinates are not RD New.
    """
    raw_names("terrain", form)
    raw = open_layer(path, _ONE_LAYER, likely=likely_layers(kind))
    sieve = Sieve(to_our_names(raw, "terrain", form=form, where=path.name))
    _keep_existing(sieve)
    sieve.identify("terrain_id")
    sieve.drop_doubles("terrain_id", "same identification twice", keep="last")
    sieve.polygons(path.name)
    frame = sieve.frame.assign(kind=_class_of(kind, raw.attrs[LAYER], path), area_m2=sieve.frame.geometry.area)
    for name in ("function", "surface"):
        text = to_text(frame[name])
        frame[name] = text.where(~text.isin(_UNKNOWN))
    sieve.frame = frame
    sieve.frame["relative_level"] = sieve.numbers("relative_level", f"{path.name}, relative_level").round()
    sieve.blank_outside("relative_level")
    sieve.note("surface unknown", sieve.frame["surface"].isna().sum())
    return sieve.table("terrain", path)


def _class_of(kind: str | None, layer: str, path: Path) -> str:
    """Return the class of the register: as the study says, or as layer or file are called."""
    for name in (kind, layer, path.name.split(".")[0]):
        bare = squeezed(name or "").removeprefix("bgt").rstrip("0123456789")
        bare = _BY_LAYER.get(bare, bare)
        if bare in CLASSES:
            return bare
        if name and name == kind:
            break
    raise FormatError(
        f"a class of the BGT: {', '.join([*CLASSES][:6])}, …",
        found=f"layer {kind or layer}",
        where=path.name,
        remedy='say what the file holds: layer = "wegdeel" in the study',
    )


def read_pand(path: Path, *, form: str = "bgt-pand-sqlite", layer: str | None = None) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return panden from the BGT's own layer, as table ``pand``, for places without a BAG extract.

    Parameters
    ----------
    path : Path
        File with the layer of panden; the BAG identification is a number there.
    form : str
        ``bgt-pand-sqlite`` or ``bgt-gml``.
    layer : str or None
        Layer of the file; None takes the one of panden, or the only one.

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
    raw = open_layer(path, _ONE_LAYER, likely=likely_layers(layer or "pand"))
    sieve = Sieve(to_our_names(raw, "pand", form=form, where=path.name))
    _keep_existing(sieve)
    sieve.frame["pand_id"] = sieve.frame["pand_id"].map(bag_id)
    sieve.drop(sieve.frame["pand_id"].isna(), "no BAG identification")
    sieve.polygons(path.name)
    merged = sieve.frame.dissolve("pand_id", sort=True)
    sieve.drop(sieve.frame["pand_id"].duplicated(), "part of a pand, merged into it")
    shapes = merged.geometry.loc[sieve.frame["pand_id"]].to_numpy()
    sieve.frame = sieve.frame.set_geometry(gpd.GeoSeries(shapes, index=sieve.frame.index, crs=merged.crs))
    sieve.note("bouwjaar unknown", len(sieve.frame))
    status = to_text(sieve.frame["status"])
    sieve.note("status unknown", status.isna().sum())
    sieve.frame = sieve.frame.assign(
        status=status.fillna(UNKNOWN_STATUS),
        bouwjaar=None,
        homes=None,
        buurtcode=None,
        footprint_area_m2=sieve.frame.geometry.area,
    )
    return sieve.table("pand", path)


def _keep_existing(sieve: Sieve) -> None:
    sieve.drop_ended("registration ended")
    status = to_text(sieve.frame["status"])
    sieve.drop_by_name(status.notna() & (status.str.lower() != EXISTING), status, "status: ")


def likely_layers(kind: str | None) -> list[str]:
    """Return how the layer of a class is called in the deliveries: by the register, or by CityGML.

    Parameters
    ----------
    kind : str or None
        Such as ``wegdeel``.
    """
    return [kind, *filter(None, [CLASSES.get(squeezed(kind))])] if kind else []
