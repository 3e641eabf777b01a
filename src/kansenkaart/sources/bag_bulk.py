"""Cuts panden and verblijfsobjecten of one window from the BAG of the whole country (bag-light GeoPackage of PDOK)."""

from __future__ import annotations

import json
from pathlib import Path

import pyogrio

from kansenkaart.crs import require_rd
from kansenkaart.errors import FormatError
from kansenkaart.ogcpage import canonical, require_properties
from kansenkaart.provenance import Provenance, sha256_of
from kansenkaart.publishers import delivery
from kansenkaart.rawfolder import keep_file, plain_name
from kansenkaart.rawnames import reading
from kansenkaart.sources.bulk import Box, keep_bulk
from kansenkaart.sources.fetch import Http

PUBLISHER = "bag"
#: First bytes of an SQLite database, and so of a GeoPackage [OGC 12-128r19, clause 1.1.1].
SQLITE_MAGIC = (b"SQLite format 3\x00",)
_LAYERS = {"pand": "pand", "home": "verblijfsobject"}


def fetch_window(
    folder: Path, *, url: str, role: str, edition: str, bbox_m: Box, needs: tuple[str, ...], http: Http
) -> tuple[Path, Provenance]:
    """Cut one layer by a window through the file's spatial index, as the GeoJSON that the BAG's web service gives.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    url : str
        From `kansenkaart.publishers.bulk_url`.
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
        As `kansenkaart.sources.bulk.keep_bulk`.
    FormatError
        If the file is no GeoPackage, or lacks the layer or a column.
    CrsError
        If it is not in RD New.
    """
    if role not in _LAYERS:
        raise FormatError(f"one of {sorted(_LAYERS)}", found=role, where="study", remedy="correct the role")
    source, edition = keep_bulk(folder, publisher=PUBLISHER, url=url, edition=edition, http=http, magic=SQLITE_MAGIC)
    layer = _LAYERS[role]
    with reading(source, f"a GeoPackage with layer {layer}"):
        frame = pyogrio.read_dataframe(source, layer=layer, bbox=bbox_m)
    require_rd(frame, where=f"{source.name}, {layer}")
    if "identificatie" not in frame.columns:
        raise FormatError("a column identificatie", found=", ".join(frame.columns), where=f"{source.name}, {layer}",
                          remedy="the file changed its shape: read its columns and adapt the reader")  # fmt: skip
    ordered = frame.sort_values("identificatie", kind="stable", ignore_index=True)
    features = json.loads(ordered.to_json(na="null", drop_id=True))["features"]
    require_properties(features, needs, where=f"{source.name}, {layer}")
    name = plain_name("_".join([layer, *(f"{one:.0f}" for one in bbox_m)])) + ".geojson"
    path, kept = keep_file(folder, PUBLISHER, edition, name, canonical(features))
    return path, delivery(PUBLISHER, role=role, edition=kept, address=url, sha256=sha256_of(path))
