"""Fetches the CityJSON tiles of 3DBAG that touch a window, by its index of tiles (FlatGeobuf)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from kansenkaart.errors import FormatError
from kansenkaart.sources.publishers import delivery
from kansenkaart.sources.tools.archives import Bounds, gunzip
from kansenkaart.sources.tools.bulk import Box, keep_bulk, one_at_a_time
from kansenkaart.sources.tools.geofiles import read_vector
from kansenkaart.sources.tools.http import Http, download, same_host
from kansenkaart.sources.tools.rawfolder import plain_name
from kansenkaart.sources.tools.rawnames import reading
from kansenkaart.tables.provenance import Provenance, sha256_of

PUBLISHER = "3dbag"
#: First bytes of FlatGeobuf (its specification) and of gzip [RFC 1952].
FLATGEOBUF_MAGIC = (b"fgb\x03fgb",)
GZIP_MAGIC = (b"\x1f\x8b",)
_TILE = re.compile(r"[0-9]{1,3}(?:[/-][0-9]{1,6}){1,3}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch_tiles(
    folder: Path, *, url: str, edition: str, bbox_m: Box, http: Http
) -> tuple[tuple[Path, ...], Provenance]:
    """Fetch and unpack the tiles of a window; those that are there and unchanged are not sent again.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    url : str
        Address of the index; from `kansenkaart.sources.publishers.bulk_url`.
    edition : str
        Such as ``2025-09-03``, or ``latest``: the day of the index.
    bbox_m : tuple of float
        Window in RD New [m].
    http : Http
        How to ask; ``max_bytes`` bounds one tile, packed and unpacked.

    Returns
    -------
    paths : tuple of Path
        ``<folder>/3dbag/<edition>/tiles/<tile>.city.json``, sorted; each holds whole tiles, so also what lies around.
    provenance : Provenance
        With the sha256 of all tiles in that order.

    Raises
    ------
    FetchError, StoreError
        As `kansenkaart.sources.tools.bulk.keep_bulk`.
    FormatError
        If the index has another shape, no tile touches the window, or a tile is damaged or not what its sha256 says.
    """
    index, edition = keep_bulk(folder, publisher=PUBLISHER, url=url, edition=edition, http=http, magic=FLATGEOBUF_MAGIC)
    with reading(index, "an index of tiles (FlatGeobuf)"):
        rows = read_vector(index, bbox_m=bbox_m, geometry=False)
    if not {"tile_id", "cj_download"} <= set(rows.columns):
        raise FormatError(
            "columns tile_id and cj_download",
            found=", ".join(rows.columns),
            where=url,
            remedy="the index changed its shape: adapt the client",
        )
    if rows.empty:
        raise FormatError("tiles in the window", found="none", where=url, remedy="check the window of the study")
    target = folder / PUBLISHER / plain_name(edition) / "tiles"
    paths = tuple(sorted({_tile(row, target, url, http) for row in rows.to_dict("records")}))
    return paths, delivery(PUBLISHER, role="roof_face", edition=edition, address=url, sha256=sha256_of(*paths))


def _tile(row: dict[str, Any], target: Path, url: str, http: Http) -> Path:
    name, link = str(row["tile_id"]), row["cj_download"]
    if not _TILE.fullmatch(name) or not isinstance(link, str):
        raise FormatError(
            "a tile_id such as 9/444/728 and an address",
            found=f"{name!r}, {link!r}"[:80],
            where=url,
            remedy="the index changed its shape: adapt the client",
        )
    packed = target / f"{plain_name(name.replace('/', '-'))}.city.json.gz"
    path = packed.with_suffix("")
    with one_at_a_time(path):
        download(same_host(urljoin(url, link), url), packed, http=http, magic=GZIP_MAGIC)
        if not path.exists() or path.stat().st_mtime_ns < packed.stat().st_mtime_ns:
            gunzip(packed, path, bounds=Bounds(max_bytes=http.max_bytes))
            _require_whole(packed, path, str(row.get("cj_sha256") or ""))
    return path


def _require_whole(packed: Path, path: Path, stated: str) -> None:
    """Refuse a tile whose sha256 is stated and is that of neither the packed nor the unpacked file."""
    if not _SHA256.fullmatch(stated) or stated in (sha256_of(packed), sha256_of(path)):
        return
    found = sha256_of(packed)
    for one in (packed, path, packed.with_name(f"{packed.name}.http.json")):
        one.unlink(missing_ok=True)
    raise FormatError(f"sha256 {stated}", found=found, where=packed.name, remedy="run again to fetch this tile anew")
