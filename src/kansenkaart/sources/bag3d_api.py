"""Fetches roofs from 3DBAG: from its API, page by page, or as the tiles of the whole country that touch a window."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from kansenkaart.errors import CrsError, FormatError, IncompleteError
from kansenkaart.sources.publishers import delivery
from kansenkaart.sources.tools.archives import gunzip
from kansenkaart.sources.tools.bulk import Box, keep_bulk
from kansenkaart.sources.tools.geofiles import read_vector
from kansenkaart.sources.tools.http import Http, download, get_json, same_host
from kansenkaart.sources.tools.ogc import paged
from kansenkaart.sources.tools.rawfolder import digest_of, edition_named, keep_file, one_at_a_time, plain_name
from kansenkaart.sources.tools.rawnames import reading
from kansenkaart.tables.provenance import Provenance, sha256_of

PUBLISHER = "3dbag"
#: The service gives at most so many features a page (its own description) [1].
MOST_PER_PAGE = 100
_CODES = ("7415", "28992")


def fetch_roofs(folder: Path, *, base_url: str, bbox_m: Box, http: Http) -> tuple[Path, Provenance]:
    """Fetch the buildings of a window as ``.city.jsonl``, sorted by id.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    base_url : str
        From `kansenkaart.sources.publishers.base_url`.
    bbox_m : tuple of float
        Window in RD New [m].
    http : Http
        How to ask.

    Returns
    -------
    path : Path
        ``<folder>/3dbag/<version>/pand_<box>.city.jsonl``: a CityJSON header line, then a feature a line.
    provenance : Provenance
        With the version that the service states as edition, else one named after the bytes.

    Raises
    ------
    FetchError, IncompleteError
        If no usable answer came, or features are double or missing.
    CrsError
        If the answer is not in RD New with NAP heights.
    FormatError
        If the answer has another shape.
    """
    box, limit = ",".join(f"{one:.3f}" for one in bbox_m), min(http.page_size, MOST_PER_PAGE)
    address = f"{base_url.rstrip('/')}/collections/pand/items?bbox={box}&limit={limit}"
    try:
        header, features = _walk(address, http)
    except IncompleteError:  # a last page of one feature never comes: by other pages there is none
        header, features = _walk(f"{address.removesuffix(str(limit))}{max(limit - 1, 1)}", http)
    lines = [header, *(features[key] for key in sorted(features))]
    content = "".join(json.dumps(one, sort_keys=True, separators=(",", ":")) + "\n" for one in lines).encode()
    version = header["metadata"].get("version")
    name = "pand_" + "_".join(f"{one:.0f}" for one in bbox_m) + ".city.jsonl"
    sha256 = digest_of({"": content})
    path, kept = keep_file(folder, PUBLISHER, version or edition_named(sha256), name, content)
    return path, delivery(PUBLISHER, role="roof_face", edition=kept, address=address, sha256=sha256)


def _walk(address: str, http: Http) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the head of the first page, and the features of all pages by their ids."""
    head, features = dict[str, Any](), dict[str, dict[str, Any]]()
    rows, matched = 0, set[int]()
    for url, page in paged(address, lambda url: get_json(url, http=http)[0]):
        if not isinstance(page, dict) or not isinstance(page.get("features"), list):
            raise _changed("a page with features", page, url)
        own = _header(page, url)
        head = head or own
        for one in page["features"]:
            if not isinstance(one, dict) or not one.get("id") or "CityObjects" not in one or "vertices" not in one:
                raise _changed("CityJSONFeatures", one, url)
            features[str(one["id"])] = _move(one, own["transform"], head["transform"], url)
        rows += len(page["features"])
        matched |= {stated for stated in (page.get("numberMatched"),) if isinstance(stated, int)}
    if rows != len(features):
        raise _incomplete(f"{rows - len(features)} features twice across pages", address)
    if matched and matched != {rows}:
        raise _incomplete(f"{rows} features where numberMatched says {max(matched)}", address)
    return head, features


def _header(page: dict[str, Any], url: str) -> dict[str, Any]:
    given = _object(page.get("metadata"), url)
    metadata = _object(given.get("metadata"), url)
    transform = _object(given.get("transform") or page.get("transform"), url)
    if not _three_numbers(transform.get("scale")) or not _three_numbers(transform.get("translate")):
        raise _changed("a transform with scale and translate", transform, url)
    system = str(metadata.get("referenceSystem") or "")
    if system and not system.endswith(_CODES):
        raise CrsError("RD New with NAP heights (EPSG:7415)", found=system, where=url, remedy="check the address")
    return {
        "type": "CityJSON",
        "version": str(given.get("version") or "2.0"),
        "transform": transform,
        "CityObjects": {},
        "vertices": [],
        "metadata": metadata,
    }


def _changed(expected: str, found: object, url: str) -> FormatError:
    return FormatError(expected, found=str(found)[:80], where=url, remedy="adapt the client")


def _object(value: Any, url: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise _changed("an object", value, url)
    return value or {}


def _three_numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(type(one) in (int, float) for one in value)


def _move(feature: dict[str, Any], given: dict[str, Any], wanted: dict[str, Any], url: str) -> dict[str, Any]:
    """Express the vertices of a page in the transform of the first page: v' = (v s + t - t') / s', rounded."""
    if given == wanted:
        return feature
    try:
        moved = [
            [
                round((value * scale + shift - other_shift) / other_scale)
                for value, scale, shift, other_scale, other_shift in zip(
                    vertex, given["scale"], given["translate"], wanted["scale"], wanted["translate"], strict=True
                )
            ]
            for vertex in feature["vertices"]
        ]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError) as why:
        raise FormatError("finite vertices", found=str(why), where=url, remedy="fetch it again") from why
    return {**feature, "vertices": moved}


def _incomplete(found: str, where: str) -> IncompleteError:
    return IncompleteError(
        "every building once", found=found, where=where, remedy="try again later, or use the tiles of data.3dbag.nl"
    )


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
        Address of the index; from `kansenkaart.sources.publishers.bulk_urls`.
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
        raise _changed("columns tile_id and cj_download", ", ".join(rows.columns), url)
    if rows.empty:
        raise FormatError("tiles in the window", found="none", where=url, remedy="check the window of the study")
    target = folder / PUBLISHER / plain_name(edition) / "tiles"
    paths = tuple(sorted({_tile(row, target, url, http) for row in rows.to_dict("records")}))
    return paths, delivery(PUBLISHER, role="roof_face", edition=edition, address=url, sha256=sha256_of(*paths))


def _tile(row: dict[str, Any], target: Path, url: str, http: Http) -> Path:
    name, link = str(row["tile_id"]), row["cj_download"]
    if not _TILE.fullmatch(name) or not isinstance(link, str):
        raise _changed("a tile_id such as 9/444/728 and an address", f"{name!r}, {link!r}", url)
    packed = target / f"{plain_name(name.replace('/', '-'))}.city.json.gz"
    path = packed.with_suffix("")
    with one_at_a_time(path):
        download(same_host(urljoin(url, link), url), packed, http=http, magic=GZIP_MAGIC)
        if not path.exists() or path.stat().st_mtime_ns < packed.stat().st_mtime_ns:
            gunzip(packed, path, most_bytes=http.max_bytes)
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
