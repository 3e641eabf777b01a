"""Fetches the GeoTIFF sheets of AHN that touch a window, by the sheet index of PDOK's download service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from kansenkaart.errors import FormatError
from kansenkaart.provenance import Provenance, sha256_of
from kansenkaart.publishers import delivery
from kansenkaart.rawfolder import plain_name
from kansenkaart.sources.fetch import Http, download, get_json, same_host

PUBLISHER = "ahn"
#: First bytes of TIFF and BigTIFF in both byte orders [TIFF 6.0, section 2].
TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_SHEET = re.compile(r"[A-Za-z0-9_]{3,20}")
_PRODUCTS = {"dsm": "dsm_05m", "dtm": "dtm_05m"}

Box = tuple[float, float, float, float]


def fetch_sheets(
    folder: Path, *, base_url: str, role: str, edition: str, bbox_m: Box, http: Http
) -> tuple[list[Path], Provenance]:
    """Fetch the sheets of one surface that touch a window; sheets that are there and unchanged are not fetched again.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    base_url : str
        From `kansenkaart.publishers.base_url`.
    role : str
        ``dsm`` or ``dtm``.
    edition : str
        Such as ``AHN5``; a sheet that changed within an edition is refused.
    bbox_m : tuple of float
        Window in RD New [m].
    http : Http
        How to ask; ``max_bytes`` bounds one sheet.

    Returns
    -------
    paths : list of Path
        ``<folder>/ahn/<edition>/<product>/<file>.tif``, sorted.
    provenance : Provenance
        With the sha256 of all sheets in that order.

    Raises
    ------
    FetchError
        If a sheet or the index cannot be had.
    FormatError
        If the index has another shape, no sheet touches the window, or a sheet is no TIFF.
    StoreError
        If a kept sheet differs from the one on offer, or the disk is full.
    """
    if role not in _PRODUCTS:
        raise FormatError(f"one of {sorted(_PRODUCTS)}", found=role, where="study", remedy="correct the role")
    index = f"{base_url.rstrip('/')}/{_PRODUCTS[role]}/kaartbladindex.json"
    content, _ = get_json(index, http=http)
    links = sorted(set(_links(content, bbox_m, index)))
    if not links:
        raise FormatError("sheets in the window", found="none", where=index, remedy="check the window of the study")
    target = folder / PUBLISHER / plain_name(edition) / _PRODUCTS[role]
    paths = []
    for link in links:
        path = target / plain_name(Path(urlsplit(link).path).name)
        download(link, path, http=http, magic=TIFF_MAGIC)
        paths.append(path)
    digest = sha256_of(*paths)
    return paths, delivery(PUBLISHER, role=role, edition=edition, address=index, sha256=digest)


def _links(content: Any, bbox_m: Box, index: str) -> Iterator[str]:
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        raise FormatError("a GeoJSON index of sheets", found=str(content)[:80], where=index, remedy="adapt the client")
    for one in features:
        properties, geometry = (_object(one, name, index) for name in ("properties", "geometry"))
        sheet, link = str(properties.get("kaartbladNr") or ""), properties.get("url") or properties.get("href")
        if not _SHEET.fullmatch(sheet) or not isinstance(link, str):
            raise FormatError(
                "kaartbladNr and url", found=str(properties)[:80], where=index, remedy="the index changed its shape"
            )
        try:
            corners = list(_corners(geometry.get("coordinates") or []))
        except (TypeError, ValueError, LookupError, OverflowError, RecursionError) as why:
            raise FormatError("a shape of numbers for each sheet", found=str(geometry)[:80], where=index,
                              remedy="the index changed its shape") from why  # fmt: skip
        if _touches(corners, bbox_m, index):
            yield same_host(urljoin(index, link), index)


def _object(feature: Any, name: str, index: str) -> dict[str, Any]:
    found = (feature.get(name) or {}) if isinstance(feature, dict) else feature
    if not isinstance(found, dict):
        raise FormatError(f"features with {name}", found=str(feature)[:80], where=index,
                          remedy="the index changed its shape")  # fmt: skip
    return found


def _corners(nested: Any) -> Iterator[tuple[float, float]]:
    if nested and isinstance(nested[0], int | float):
        yield float(nested[0]), float(nested[1])
        return
    for one in nested:
        yield from _corners(one)


def _touches(corners: list[tuple[float, float]], box: Box, index: str) -> bool:
    if not corners:
        raise FormatError("a shape for each sheet", found="none", where=index, remedy="the index changed its shape")
    across, along = zip(*corners, strict=True)
    return bool(min(across) < box[2] and max(across) > box[0] and min(along) < box[3] and max(along) > box[1])
