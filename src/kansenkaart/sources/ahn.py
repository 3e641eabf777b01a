"""Opens windows of the Actueel Hoogtebestand Nederland: GeoTIFF sheets in RD New, heights in m NAP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from kansenkaart.crs import RD
from kansenkaart.errors import CrsError, FormatError
from kansenkaart.sources.tools.geofiles import TIFF_MAGIC, open_raster
from kansenkaart.sources.tools.rawnames import reading
from kansenkaart.tables.provenance import Tally

if TYPE_CHECKING:
    from pathlib import Path
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from kansenkaart.sources.publishers import delivery
from kansenkaart.sources.tools.http import Http, download, get_json, same_host
from kansenkaart.sources.tools.rawfolder import plain_name
from kansenkaart.tables.provenance import Provenance, sha256_of

#: What AHN writes where there is no height.
NODATA = 3.4028234663852886e38
#: Heights outside these [m NAP] are no heights: deepest pit and highest mast of the country with room to spare.
HEIGHT_LIMITS_M = (-100.0, 500.0)
_RD_CODES = (28992, 7415)
#: Cells of one window, 4 GiB in memory [1].
MOST_CELLS = 1 << 30
_TILE_CELLS = 256
#: Where sheets of RD New can lie [m]: west, south, east, north.
RD_LIMITS_M = (-10_000.0, 280_000.0, 310_000.0, 640_000.0)
_GRID_TOLERANCE = 1e-3


def open_window(
    paths: Sequence[Path], bounds: tuple[float, float, float, float], *, resolution_m: float | None = None
) -> tuple[NDArray[np.float32], Affine, Tally]:
    """Return the heights within bounds, put together from the sheets that cover them.

    Parameters
    ----------
    paths : sequence of Path
        GeoTIFF sheets; one that is not there is counted, not fatal. Where sheets overlap the first one counts.
    bounds : tuple of float
        West, south, east and north in RD New [m]; widened to whole cells.
    resolution_m : float or None
        Cell size that all sheets must have [m]; None takes the first sheet's.

    Returns
    -------
    heights : array of float32
        [m NAP], NaN where unknown.
    transform : Affine
        From cell to RD New [m].
    tally : Tally
        Sheets in, used, and left out by reason; cells without height are noted [1].

    Raises
    ------
    FormatError
        If no sheet is there, or their cells do not lie on one grid.
    CrsError
        If a sheet is not in RD New.
    """
    there = [path for path in paths if path.exists()]
    if not there:
        names = ", ".join(path.name for path in paths)
        raise FormatError("at least one AHN sheet", found="none", where=names, remedy="fetch the sheets again")
    left_out = Counter({"sheet missing": len(paths) - len(there)})
    heights, transform = _canvas(there[0], bounds, resolution_m)
    for path in there:
        used = _fill(heights, transform, path)
        left_out["sheet outside the window"] += not used
    kept = len(paths) - sum(left_out.values())
    return heights, transform, Tally(len(paths), kept, left_out, {"cells without height": int(np.isnan(heights).sum())})


def _canvas(
    path: Path, bounds: tuple[float, float, float, float], resolution_m: float | None
) -> tuple[NDArray[np.float32], Affine]:
    with reading(path, "an AHN GeoTIFF"), open_raster(path) as sheet:
        size, west0, north0 = float(sheet.transform.a), float(sheet.transform.c), float(sheet.transform.f)
    if resolution_m is not None and abs(size - resolution_m) > _GRID_TOLERANCE:
        raise _off_grid(path, f"cells of {size} m", f"cells of {resolution_m} m")
    if not all(map(np.isfinite, (size, west0, north0, *bounds))) or size <= 0:
        raise _off_grid(path, f"cells of {size} m from {west0}, {north0}", "cells of a size, on a grid")
    west, south, east, north = bounds
    cells = (east - west) / size * ((north - south) / size)  # a size squared may vanish
    if cells > MOST_CELLS:
        raise FormatError(
            f"a window of at most {MOST_CELLS} cells",
            found=f"{cells:.0f}",
            where=path.name,
            remedy="take a smaller window: divide the study",
        )
    first_column = int(np.floor((west - west0) / size))
    first_row = int(np.floor((north0 - north) / size))
    columns = int(np.ceil((east - west0) / size)) - first_column
    rows = int(np.ceil((north0 - south) / size)) - first_row
    transform = Affine(size, 0, west0 + first_column * size, 0, -size, north0 - first_row * size)
    return np.full((rows, columns), np.nan, dtype=np.float32), transform


def _fill(heights: NDArray[np.float32], transform: Affine, path: Path) -> bool:
    with reading(path, "an AHN GeoTIFF"), open_raster(path) as sheet:
        _require_grid(sheet, transform, path)
        column0 = round((sheet.transform.c - transform.c) / transform.a)
        row0 = round((sheet.transform.f - transform.f) / transform.e)
        top, left = max(row0, 0), max(column0, 0)
        bottom = min(row0 + sheet.height, heights.shape[0])
        right = min(column0 + sheet.width, heights.shape[1])
        if bottom <= top or right <= left:
            return False
        window = Window(left - column0, top - row0, right - left, bottom - top)
        read = sheet.read(1, window=window).astype(np.float32)
        nodata = sheet.nodata
    low, high = HEIGHT_LIMITS_M
    known = np.isfinite(read) & (read > low) & (read < high)
    if nodata is not None and not np.isnan(nodata):
        known &= read != np.float32(nodata)
    part = heights[top:bottom, left:right]
    empty = np.isnan(part) & known
    part[empty] = read[empty]
    return True


def _require_grid(sheet: Any, transform: Affine, path: Path) -> None:
    code = None if sheet.crs is None else sheet.crs.to_epsg()
    if code not in _RD_CODES and "Amersfoort / RD New" not in str(sheet.crs):
        raise CrsError(f"RD New ({RD})", found=str(sheet.crs), where=path.name, remedy="use the sheet as published")
    west, south, east, north = sheet.bounds
    if not (RD_LIMITS_M[0] <= west <= east <= RD_LIMITS_M[2] and RD_LIMITS_M[1] <= south <= north <= RD_LIMITS_M[3]):
        raise CrsError(
            f"coordinates in RD New ({RD})",
            found=str(tuple(sheet.bounds)),
            where=path.name,
            remedy="use the sheet as published",
        )
    shift = ((sheet.transform.c - transform.c) / transform.a, (sheet.transform.f - transform.f) / transform.e)
    same_size = abs(sheet.transform.a - transform.a) < _GRID_TOLERANCE
    if not same_size or any(abs(one - round(one)) > _GRID_TOLERANCE for one in shift):
        raise _off_grid(path, str(sheet.transform)[:60], f"cells of {transform.a} m on the grid of the first sheet")


def _off_grid(path: Path, found: str, expected: str) -> FormatError:
    return FormatError(expected, found=found, where=path.name, remedy="use sheets of one AHN edition and one cell size")


def write_clip(heights: NDArray[np.float32], transform: Affine, *, path: Path) -> None:
    """Write a window as a GeoTIFF with AHN's own nodata value.

    Parameters
    ----------
    heights : array of float32
        [m NAP], NaN where unknown.
    transform : Affine
        From cell to RD New [m].
    path : Path
        File to write.
    """
    profile = {
        "driver": "GTiff",
        "height": heights.shape[0],
        "width": heights.shape[1],
        "count": 1,
        "dtype": "float32",
        "crs": RD,
        "transform": transform,
        "nodata": NODATA,
        "compress": "deflate",
        "predictor": 3,
        "tiled": True,
        "blockxsize": _TILE_CELLS,
        "blockysize": _TILE_CELLS,
    }
    with rasterio.open(path, "w", **profile) as sheet:
        sheet.write(np.where(np.isnan(heights), np.float32(NODATA), heights).astype(np.float32), 1)


PUBLISHER = "ahn"
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
        From `kansenkaart.sources.publishers.base_url`.
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
            raise FormatError(
                "a shape of numbers for each sheet",
                found=str(geometry)[:80],
                where=index,
                remedy="the index changed its shape",
            ) from why
        if _touches(corners, bbox_m, index):
            yield same_host(urljoin(index, link), index)


def _object(feature: Any, name: str, index: str) -> dict[str, Any]:
    found = (feature.get(name) or {}) if isinstance(feature, dict) else feature
    if not isinstance(found, dict):
        raise FormatError(
            f"features with {name}", found=str(feature)[:80], where=index, remedy="the index changed its shape"
        )
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
