"""Reads panden and homes from the Basisregistratie Adressen en Gebouwen, in each of its published shapes.

Formats: ``pdok-geojson`` (OGC API Features, and the light GeoPackage of PDOK), ``lvbag-gpkg`` (BAG 2.0 extract, as GDAL
reads it: XML, zip or GeoPackage), ``nlextract-gpkg``, and for towns that publish geometry only ``footprint-shp`` (panden)
and ``points-shp`` (address points).

References
----------
.. [1] Catalogus BAG 2018, Ministerie van BZK: statuses, gebruiksdoelen, placeholder building years.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.crs import require_rd
from kansenkaart.errors import FormatError
from kansenkaart.sources.publishers import delivery
from kansenkaart.sources.tools.bulk import Box, keep_bulk, reachable
from kansenkaart.sources.tools.cleaning import Sieve, bag_id, bag_ids, shape_ids
from kansenkaart.sources.tools.geofiles import read_vector
from kansenkaart.sources.tools.http import Http
from kansenkaart.sources.tools.layers import layers_of, open_layer
from kansenkaart.sources.tools.ogc import Choice, Feature, canonical, require_names
from kansenkaart.sources.tools.rawfolder import keep_file, plain_name
from kansenkaart.sources.tools.rawnames import raw_names, reading, squeezed, to_our_names, to_text
from kansenkaart.tables import schemas
from kansenkaart.tables.provenance import Provenance, Tally, sha256_of

PAND_IN_USE = ("Pand in gebruik", "Pand in gebruik (niet ingemeten)", "Verbouwing pand")
HOME_IN_USE = (
    "Verblijfsobject in gebruik",
    "Verblijfsobject in gebruik (niet ingemeten)",
    "Verbouwing verblijfsobject",
)
#: Building years that mean "unknown": before registration (1005) and not yet known (9999) [1]_.
PLACEHOLDER_YEARS = (1005, 9999)
#: Floor areas outside these [m2] are placeholders: 0 and 1 for unmeasured, 999999 for unknown [1]_.
FLOOR_AREA_LIMITS_M2 = (2, 999_998)
UNKNOWN_STATUS = "onbekend"
_ENDED = "voorkomen ended or withdrawn"
#: Form of the places of houseboats, which are counted beside the homes.
BERTHS = "pdok-ligplaats"
#: A year that people keep as a date, such as 1965-01-01.
_DAY_OF_YEAR = r"^(\d{4})-\d{1,2}-\d{1,2}(?:[T ].*)?$"
#: Names of the layer in the register's own deliveries, the current objects first.
LAYERS = {
    "pand": ("pandactueelbestaand", "pand", "panden"),
    "home": ("verblijfsobjectactueelbestaand", "verblijfsobject", "verblijfsobjecten"),
    "address": ("nummeraanduidingactueelbestaand", "nummeraanduiding", "nummeraanduidingen"),
}


def read_pand(path: Path, *, form: str = "pdok-geojson", layer: str | None = None) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return the panden in use of one file, as table ``pand``; ``homes`` and ``buurtcode`` stay unknown here.

    Parameters
    ----------
    path : Path
        File as published.
    form : str
        ``pdok-geojson``, ``lvbag-gpkg``, ``nlextract-gpkg`` or ``footprint-shp``.
    layer : str or None
        Layer of the file; None takes the one with a name of the register, or the only one.

    Returns
    -------
    panden : GeoDataFrame
        Table ``pand``; ``footprint_area_m2`` [m2] from the geometry; placeholder years unknown.
    tally : Tally
        Panden in, kept, and left out by reason and status [1].

    Raises
    ------
    FormatError
        If the file cannot be read or lacks a column of its format.
    CrsError
        If the coordinates are not RD New.
    """
    if form == "footprint-shp":
        return _read_footprints(path, layer)
    sieve = Sieve(_load(path, "pand", form, layer))
    sieve.drop_ended(_ENDED)
    _keep_status(sieve, PAND_IN_USE)
    _identify(sieve, "pand_id")
    sieve.polygons(path.name)
    _blank_placeholder_years(sieve, path)
    return _finish_pand(sieve, path)


def _keep_status(sieve: Sieve, in_use: tuple[str, ...]) -> None:
    """Leave out what is not in use, in whatever case the status is written."""
    spelling = {squeezed(one): one for one in in_use}
    status = to_text(sieve.frame["status"])
    ours = status.map(lambda one: spelling.get(squeezed(one)))
    sieve.frame["status"] = ours.where(ours.notna(), status)
    sieve.drop_by_name(ours.isna(), status, "status: ")


def _read_footprints(path: Path, layer: str | None) -> tuple[gpd.GeoDataFrame, Tally]:
    sieve = Sieve(open_layer(path, "a file of footprints", layer=layer))
    sieve.polygons(path.name)
    sieve.frame["pand_id"] = shape_ids(sieve.frame.geometry.to_numpy(), prefix="grondvlak")
    sieve.drop(sieve.frame["pand_id"].duplicated(), "same footprint twice")
    sieve.frame["bouwjaar"] = None
    sieve.frame["status"] = UNKNOWN_STATUS
    sieve.note("identification made up from the shape", len(sieve.frame))
    sieve.note("bouwjaar unknown", len(sieve.frame))
    return _finish_pand(sieve, path)


def _finish_pand(sieve: Sieve, path: Path) -> tuple[gpd.GeoDataFrame, Tally]:
    sieve.frame = sieve.frame.assign(
        footprint_area_m2=sieve.frame.geometry.area, homes=None, buurtcode=None, status=to_text(sieve.frame["status"])
    )
    return sieve.table("pand", path)


def _blank_placeholder_years(sieve: Sieve, path: Path) -> None:
    written = to_text(sieve.frame["bouwjaar"])
    sieve.frame["bouwjaar"] = written.str.replace(_DAY_OF_YEAR, r"\1", regex=True)
    years = sieve.numbers("bouwjaar", f"{path.name}, bouwjaar")
    years = years.where(years.mod(1) == 0)
    for year in PLACEHOLDER_YEARS:
        sieve.note(f"bouwjaar unknown (placeholder {year})", (years == year).sum())
    sieve.note("bouwjaar unknown", years.isna().sum())
    sieve.frame["bouwjaar"] = years.where(~years.isin(PLACEHOLDER_YEARS))
    sieve.blank_outside("bouwjaar")


def read_home(path: Path, *, form: str = "pdok-geojson", layer: str | None = None) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return the homes of one file, as table ``home``: verblijfsobjecten in use with ``woonfunctie``.

    Parameters
    ----------
    path, form, layer
        As of `read_pand`; of address points ``points-shp``, of houseboats (counted, no homes) ``pdok-ligplaats``.

    Returns
    -------
    homes : GeoDataFrame
        Table ``home``; ``pand_id`` is the first of the sorted ``pand_ids``; ``floor_area_m2`` [m2].
    tally : Tally
        Verblijfsobjecten in, kept, and left out by reason, status and gebruiksdoel [1].

    Raises
    ------
    FormatError, CrsError
        As `read_pand`.
    """
    if form == "points-shp":
        return _read_points(path, layer)
    if form == BERTHS:
        return _count_berths(path, layer)
    sieve = Sieve(_load(path, "home", form, layer))
    sieve.drop_ended(_ENDED)
    _keep_status(sieve, HOME_IN_USE)
    _keep_homes(sieve)
    _identify(sieve, "home_id")
    sieve.points(path.name)
    if "address" in sieve.frame:
        _join_addresses(sieve, path)
    _link_panden(sieve)
    return _finish_home(sieve, path)


def _keep_homes(sieve: Sieve) -> None:
    uses = sieve.frame["use"].map(_words).map(lambda words: [word.lower() for word in words])
    names = uses.map(lambda words: ",".join(sorted(words)) or "unknown")
    sieve.drop_by_name(~uses.map(lambda words: "woonfunctie" in words).astype(bool), names, "gebruiksdoel: ")


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return [word.strip(" \"'") for word in re.split(r"[,;|/]", value.strip("{}[]")) if word.strip(" \"'")]
    return [str(word) for word in value] if isinstance(value, (list, tuple, np.ndarray)) else []


def _link_panden(sieve: Sieve) -> None:
    ids = sieve.frame["panden"].map(bag_ids)
    count = ids.map(len).astype("int64")
    sieve.note("home in more than one pand", (count > 1).sum())
    sieve.note("home without a pand that can be identified", (count == 0).sum())
    sieve.frame["pand_id"] = ids.map(lambda some: some[0] if some else None)
    sieve.frame["pand_ids"] = ids.map(lambda some: ",".join(some) or None)
    sieve.frame["pand_count"] = count.where(count > 0)


def _join_addresses(sieve: Sieve, path: Path) -> None:
    """Add street, number and postcode from the layer of addresses; without that layer they stay unknown."""
    names = ("street_id", "postcode", "house_number", "letter", "addition")
    own = [name for name in names if name in sieve.frame]
    layers = {squeezed(one): one for one in layers_of(path, "a BAG file")}
    layer = next((layers[one] for one in LAYERS["address"] if one in layers), None)
    if layer is None:
        sieve.note("no layer nummeraanduiding: address unknown", len(sieve.frame) if not own else 0)
        sieve.frame = sieve.frame.assign(**{name: None for name in names if name not in sieve.frame})
        return
    raw = open_layer(path, f"a BAG file with layer {layer}", layer=layer, geometry=False)
    addresses = Sieve(to_our_names(raw, "address", form="lvbag-gpkg", where=f"{path.name}, {layer}"))
    addresses.drop_ended(_ENDED)
    _identify(addresses, "address")
    known = addresses.frame.set_index("address")
    keys = sieve.frame["address"].map(bag_id)
    sieve.note("address unknown", (~keys.isin(known.index)).sum())
    for name in names:
        sieve.frame[name] = keys.map(known[name]).to_numpy()


def _finish_home(sieve: Sieve, path: Path) -> tuple[gpd.GeoDataFrame, Tally]:
    frame = sieve.frame
    letter, addition = (to_text(frame[name]).fillna("").astype("object") for name in ("letter", "addition"))
    joined = pd.Series(["-".join(filter(None, pair)) or None for pair in zip(letter, addition, strict=True)])
    area = sieve.numbers("floor_area_m2", f"{path.name}, oppervlakte")
    number = sieve.numbers("house_number", f"{path.name}, huisnummer")
    known = area.between(*FLOOR_AREA_LIMITS_M2)
    sieve.note("floor area unknown", (~known).sum())
    street = frame["street_id"].map(bag_id)
    sieve.note("street_id is no identification, unknown", (to_text(frame["street_id"]).notna() & street.isna()).sum())
    sieve.frame = frame.assign(
        house_letter=joined,
        street_id=street,
        floor_area_m2=area.where(known),
        house_number=number.where((number.mod(1) == 0) & (number >= 0)),
        buurtcode=None,
        **{name: to_text(frame[name]) for name in ("status", "street_name", "postcode")},
    )
    return sieve.table("home", path)


def _read_points(path: Path, layer: str | None) -> tuple[gpd.GeoDataFrame, Tally]:
    sieve = Sieve(open_layer(path, "a file of address points", layer=layer))
    sieve.points(path.name)
    ids = pd.Series(shape_ids(sieve.frame.geometry.to_numpy(), prefix="punt"))
    nth = ids.groupby(ids).cumcount()
    sieve.note("address point counted as a home: gebruiksdoel and status unknown", len(ids))
    sieve.note("address point on the same place as another", (nth > 0).sum())
    unknown = dict.fromkeys(schemas.get("home").nullable)
    sieve.frame = sieve.frame.assign(home_id=ids + "-" + nth.astype(str), status=UNKNOWN_STATUS, **unknown)
    return sieve.table("home", path)


def _count_berths(path: Path, layer: str | None) -> tuple[gpd.GeoDataFrame, Tally]:
    """Count houseboats by the status of their ligplaats: it has no gebruiksdoel and no pand, and is no verblijfsobject."""
    sieve = Sieve(open_layer(path, "a BAG file with a layer of ligplaats", layer=layer, likely=("ligplaats",)))
    status = sieve.frame.get("status", pd.Series(UNKNOWN_STATUS, index=sieve.frame.index))
    sieve.drop_by_name([True] * len(status), to_text(status).fillna(UNKNOWN_STATUS), "ligplaats: ")
    sieve.frame = sieve.frame.assign(**dict.fromkeys(set(schemas.get("home").columns) - {"geometry"}))
    return sieve.table("home", path)


def _identify(sieve: Sieve, name: str) -> None:
    """Normalise identifications to 16 digits and keep the last voorkomen of each."""
    sieve.frame[name] = sieve.frame[name].map(bag_id)
    sieve.drop(sieve.frame[name].isna(), "identification is not 16 digits")
    order = pd.to_numeric(sieve.frame["occurrence"], errors="coerce").fillna(0)
    newest = order.groupby(sieve.frame[name]).transform("max")
    sieve.drop(order < newest, "same identification twice")  # an earlier voorkomen
    sieve.drop_doubles(name, "same identification twice", keep="last")


def _load(path: Path, table: str, form: str, layer: str | None) -> gpd.GeoDataFrame:
    raw_names(table, form)
    raw = open_layer(path, f"a BAG file with a layer of {table}", layer=layer, likely=LAYERS[table])
    return to_our_names(raw, table, form=form, where=path.name)


PUBLISHER = "bag"
#: First bytes of an SQLite database, and so of a GeoPackage [OGC 12-128r19, clause 1.1.1].
SQLITE_MAGIC = (b"SQLite format 3\x00",)
_BULK_LAYERS = {"pand": "pand", "home": "verblijfsobject"}


def pand_names(path: Path) -> Choice:
    """Return how homes of the web service get the identificatie of their panden.

    A verblijfsobject names its panden by addresses that end in the key (UUID) of a feature, never by identificatie; the
    panden carry both. What the addresses name stands afterwards in ``pand_identificatie``, with commas between; a pand
    that did not come (outside the window) stays without a name and is counted by the reader.

    Parameters
    ----------
    path : Path
        Panden as `kansenkaart.sources.pdok.fetch_collection` keeps them.

    Raises
    ------
    FormatError
        If the file cannot be read.
    """
    with reading(path, "panden as the web service gives them"):
        raw = read_vector(path, geometry=False)
    known = {"id", "identificatie"} <= set(raw.columns)
    names = dict(zip(raw["id"].astype(str), raw["identificatie"].astype(str), strict=True)) if known else {}

    def adapt(home: Feature) -> Feature:
        told = home.get("properties") or {}
        links = told.get("pand.href")
        if not links or told.get("pand_identificatie") or told.get("pandidentificatie"):
            return home
        keys = [str(one).rstrip("/").rsplit("/", 1)[-1] for one in ([links] if isinstance(links, str) else links)]
        ids = sorted({names[key] for key in keys if key in names})
        return {**home, "properties": {**told, "pand_identificatie": ",".join(ids)}} if ids else home

    return Choice(adapt=adapt)


def fetch_window(
    folder: Path, *, urls: Sequence[str], role: str, edition: str, bbox_m: Box, needs: tuple[str, ...], http: Http
) -> tuple[Path, Provenance]:
    """Cut one layer by a window through the file's spatial index, as the GeoJSON that the BAG's web service gives.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    urls : sequence of str
        From `kansenkaart.sources.publishers.bulk_urls`; the first that answers counts.
    role : str
        ``pand`` or ``home``.
    edition : str
        Such as ``2026-11-01``, or ``latest``.
    bbox_m : tuple of float
        Window in RD New [m]; what touches it is taken.
    needs : tuple of str
        Columns that must be there, ``a|b`` for a choice.
    http : Http
        How to ask.

    Returns
    -------
    path : Path
        ``<folder>/bag/<edition>/<layer>_<box>.geojson``, sorted by identificatie.
    provenance : Provenance
        With the sha256 of the cut.

    Raises
    ------
    FetchError, StoreError
        As `kansenkaart.sources.tools.bulk.keep_bulk`.
    FormatError
        If the file is no GeoPackage, or lacks the layer or a column.
    CrsError
        If it is not in RD New.
    """
    if role not in _BULK_LAYERS:
        raise FormatError(f"one of {sorted(_BULK_LAYERS)}", found=role, where="study", remedy="correct the role")
    url = reachable(urls, http=http)
    source, edition = keep_bulk(folder, publisher=PUBLISHER, url=url, edition=edition, http=http, magic=SQLITE_MAGIC)
    layer = _BULK_LAYERS[role]
    with reading(source, f"a GeoPackage with layer {layer}"):
        frame = read_vector(source, layer=layer, bbox_m=bbox_m)
    require_rd(frame, where=f"{source.name}, {layer}")
    if "identificatie" not in frame.columns:
        raise FormatError(
            "a column identificatie",
            found=", ".join(frame.columns),
            where=f"{source.name}, {layer}",
            remedy="the file changed its shape: read its columns and adapt the reader",
        )
    require_names(frame.columns, needs, where=f"{source.name}, {layer}")
    ordered = frame.sort_values("identificatie", kind="stable", ignore_index=True)
    features = json.loads(ordered.to_json(na="null", drop_id=True, default=str))["features"]
    name = plain_name("_".join([layer, *(f"{one:.0f}" for one in bbox_m)])) + ".geojson"
    path, kept = keep_file(folder, PUBLISHER, edition, name, canonical(features))
    return path, delivery(PUBLISHER, role=role, edition=kept, address=url, sha256=sha256_of(path))
