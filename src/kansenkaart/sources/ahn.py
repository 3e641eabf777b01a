"""Opens windows of the Actueel Hoogtebestand Nederland: GeoTIFF sheets in RD New, heights in m NAP."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window, from_bounds

from kansenkaart.crs import RD
from kansenkaart.errors import CrsError, FetchError, FormatError
from kansenkaart.sources.publishers import delivery
from kansenkaart.sources.tools.bulk import Feed, RangeFile, reachable
from kansenkaart.sources.tools.cleaning import HIGHEST_GROUND_M_NAP, NAMED_RD, NORTH_OF_LIMBURG_M
from kansenkaart.sources.tools.geofiles import PLAIN, TIFF_MAGIC, open_raster, require_alone
from kansenkaart.sources.tools.http import Http, download, get_json, same_host
from kansenkaart.sources.tools.ogc import positions, touch
from kansenkaart.sources.tools.rawfolder import digest_of, edition_named, plain_name
from kansenkaart.sources.tools.rawnames import reading
from kansenkaart.tables.provenance import Provenance, Tally, sha256_of
from kansenkaart.tables.store import atomic

Box = tuple[float, float, float, float]
#: What AHN writes where there is no height.
NODATA = 3.4028234663852886e38
#: Heights outside these [m NAP] are no heights: deepest pit and highest mast of the country with room to spare.
HEIGHT_LIMITS_M = (-100.0, 500.0)
#: Above this a height is a filler of some program, not a height in another unit; two sheets agree within this [m].
_FILLERS, _SAME_M = 1e5, 0.01
_RD_CODES = (28992, 7415)
#: Cells of one window, 4 GiB in memory [1].
MOST_CELLS = 1 << 30
_TILE_CELLS = 256
#: Where sheets of RD New can lie [m]: west, south, east, north.
RD_LIMITS_M = (-10_000.0, 280_000.0, 310_000.0, 640_000.0)
_GRID_TOLERANCE = 1e-3
#: Units in which a sheet may say that its heights are, in metres; others are refused.
_UNITS_M = dict.fromkeys(("", "m", "metre", "meter"), 1.0) | {"ft": 0.3048, "foot": 0.3048, "feet": 0.3048}
_UNITS_M |= dict.fromkeys(("cm", "centimetre", "centimeter"), 0.01) | dict.fromkeys(
    ("mm", "millimetre", "millimeter"), 0.001
)
#: A sheet that names no filler and is 0 to the last digit in this part of its cells has 0 for "no height" [1] (guess).
_ZEROS_FRAC, _LOOK_CELLS = 0.1, 512


def require_sheet(path: Path) -> None:
    """Refuse a file that is no GeoTIFF in RD New, by its head; raises as `join_sheets`.

    Parameters
    ----------
    path : Path
        The sheet.
    """
    _grid(path, (0.0, 0.0, 0.0, 0.0))


def _grid(path: Path, bounds: Box) -> tuple[int, int, Affine]:
    with reading(path, "an AHN GeoTIFF"), open_raster(path) as sheet:
        _require_rd(sheet, path)
        size, west0, north0 = float(sheet.transform.a), float(sheet.transform.c), float(sheet.transform.f)
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
    return rows, columns, transform


def _fill(heights: NDArray[np.float32], transform: Affine, path: Path, seen: Counter[str]) -> bool:
    with reading(path, "an AHN GeoTIFF"), open_raster(path) as sheet:
        if _require_rd(sheet, path):
            seen[NAMED_RD] = 1
        _require_grid(sheet, transform, path)
        column0 = round((sheet.transform.c - transform.c) / transform.a)
        row0 = round((sheet.transform.f - transform.f) / transform.e)
        top, left = max(row0, 0), max(column0, 0)
        bottom = min(row0 + sheet.height, heights.shape[0])
        right = min(column0 + sheet.width, heights.shape[1])
        if bottom <= top or right <= left:
            return False
        read, stated = _metres(sheet, Window(left - column0, top - row0, right - left, bottom - top), path, seen)
        south = sheet.bounds.bottom
    low, high = HEIGHT_LIMITS_M
    known = stated & (read > low) & (read < high)
    high_up = int((known & (read > HIGHEST_GROUND_M_NAP)).sum()) if south > NORTH_OF_LIMBURG_M else 0
    if high_up and 2 * high_up >= known.sum() and np.median(read[known]) > HIGHEST_GROUND_M_NAP:
        seen[f"most of {path.name} above {HIGHEST_GROUND_M_NAP:g} m NAP, north of Limburg: another unit? unknown"] += 1
        known[:] = False
    part = heights[top:bottom, left:right]
    seen[f"cells above {high:g} m NAP in {path.name}: another unit? unknown"] += int(
        (stated & (read >= high) & (read < _FILLERS)).sum()
    )
    empty = np.isnan(part)
    if not empty.all():
        torn = known & ~empty & (np.abs(part - read) > _SAME_M)
        seen[f"cells with another height in {path.name} than in an earlier sheet, which counts"] += int(torn.sum())
    np.copyto(part, read, where=empty & known)
    return True


def _metres(sheet: Any, window: Window, path: Path, seen: Counter[str]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the heights of a window in metres, by the scale and unit that the sheet states, and which ones it states.

    Raises
    ------
    FormatError
        If the cells are whole numbers without a unit or scale (a picture, or centimetres), or in a unit that is not a length.
    """
    scale, offset, unit = sheet.scales[0], sheet.offsets[0], (sheet.units[0] or "").strip().lower().rstrip("s")
    whole = np.dtype(sheet.dtypes[0]).kind != "f"
    if unit not in _UNITS_M or (whole and scale == 1.0 and not unit):
        raise FormatError(
            "heights in metres, with decimals",
            found=f"unit {unit}" if unit else f"cells of type {sheet.dtypes[0]} without unit or scale",
            where=path.name,
            remedy="a picture or shaded map holds no heights: take the sheet of AHN; of centimetres: gdal_translate -ot Float32 "
            "-scale 0 100 0 1",
        )
    band = sheet.read(1, window=window, masked=True)
    stated = np.isfinite(band.data) & ~np.ma.getmaskarray(band)
    if sheet.count > 1:
        seen[f"{path.name} has {sheet.count} bands: the first is read"] = 1
    if sheet.nodata is None and _zero_is_filler(sheet):
        seen[f"cells of exactly 0 in {path.name}, which names no filler: unknown"] += int(
            (stated & (band.data == 0)).sum()
        )
        stated &= band.data != 0
    if _UNITS_M[unit] == 1.0 and scale == 1.0 and not offset:
        return band.data.astype(np.float32, copy=False), stated
    if _UNITS_M[unit] * scale != 1.0 or offset:
        seen[f"heights of {path.name} turned into metres, by the scale and unit that it states"] = 1
    return (band.data.astype(np.float64) * scale + offset).astype(np.float32) * np.float32(_UNITS_M[unit]), stated


def _zero_is_filler(sheet: Any) -> bool:
    """Say whether a sheet that names no filler is 0 to the last digit in more cells than ground can be."""
    shape = tuple(min(one, _LOOK_CELLS) for one in (sheet.height, sheet.width))
    return bool((sheet.read(1, out_shape=shape) == 0).mean() > _ZEROS_FRAC)


def _require_rd(sheet: Any, path: Path) -> bool:
    """Require square cells, north up, in RD New; say whether the sheet names no system, but lies where only RD New can."""
    grid = sheet.transform
    if grid.b or grid.d or abs(grid.a + grid.e) > _GRID_TOLERANCE:
        faults = {
            "turned cells": grid.b or grid.d,
            "rows from south to north": grid.e > 0,
            "cells that are not square": True,
        }
        raise _off_grid(path, next(name for name, there in faults.items() if there), "square cells, north up")
    west, south, east, north = sheet.bounds
    inside = RD_LIMITS_M[0] <= west <= east <= RD_LIMITS_M[2] and RD_LIMITS_M[1] <= south <= north <= RD_LIMITS_M[3]
    named = sheet.crs is not None and (sheet.crs.to_epsg() in _RD_CODES or "Amersfoort / RD New" in str(sheet.crs))
    if not inside or not (named or sheet.crs is None):
        raise CrsError(
            f"heights in RD New ({RD})",
            found=str(sheet.crs)
            if not named and sheet.crs
            else f"bounds {west:.0f}, {south:.0f}, {east:.0f}, {north:.0f}",
            where=path.name,
            remedy="use the sheet as published, or turn it into RD New: gdalwarp -t_srs EPSG:28992",
        )
    return not named


def _require_grid(sheet: Any, transform: Affine, path: Path) -> None:
    shift = ((sheet.transform.c - transform.c) / transform.a, (sheet.transform.f - transform.f) / transform.e)
    same_size = abs(sheet.transform.a - transform.a) < _GRID_TOLERANCE
    if not same_size or any(abs(one - round(one)) > _GRID_TOLERANCE for one in shift):
        own = f"cells of {sheet.transform.a:g} m from {sheet.transform.c:g}, {sheet.transform.f:g}"
        raise _off_grid(path, own, f"cells of {transform.a:g} m on the grid of the first sheet")


def _off_grid(path: Path, found: str, expected: str) -> FormatError:
    remedy = (
        "use sheets of one AHN edition and one cell size, as published (or gdalwarp -t_srs EPSG:28992 -tr 0.5 0.5 -tap)"
    )
    return FormatError(expected, found=found, where=path.name, remedy=remedy)


#: Rows that are joined at a time, a whole number of tiles [1]: 2,048 rows of 30 km are 0.5 GB.
_STRIP_ROWS = 2048


def join_sheets(paths: Sequence[Path], bounds: Box, *, path: Path) -> Tally:
    """Write the window of some sheets as one GeoTIFF, strip by strip, so that memory stays that of a strip.

    Parameters
    ----------
    paths : sequence of Path
        GeoTIFF sheets; one that is not there is counted, not fatal. Where sheets overlap the first one counts.
    bounds : tuple of float
        West, south, east and north in RD New [m]; widened to whole cells.
    path : Path
        File to write.

    Returns
    -------
    tally : Tally
        Sheets in, used, and left out by reason; cells without height are noted [1].

    Raises
    ------
    FormatError
        If no sheet is there, or their cells do not lie on one grid.
    CrsError
        If a sheet is not in RD New.
    """
    there = [one for one in paths if one.exists()]
    if not there:
        names = ", ".join(one.name for one in paths)
        raise FormatError("at least one AHN sheet", found="none", where=names, remedy="fetch the sheets again")
    rows, columns, transform = _grid(there[0], bounds)
    used: set[Path] = set()
    empty, seen = 0, Counter[str]()
    with rasterio.open(path, "w", **_profile(rows, columns, transform)) as out:
        for top in range(0, rows, _STRIP_ROWS):
            height = min(_STRIP_ROWS, rows - top)
            strip = np.full((height, columns), np.nan, dtype=np.float32)
            place = transform * Affine.translation(0, top)
            used |= {one for one in there if _fill(strip, place, one, seen)}
            unknown = np.isnan(strip)
            empty += int(unknown.sum())
            strip[unknown] = NODATA
            out.write(strip, 1, window=Window(0, top, columns, height))
    left_out = {"sheet missing": len(paths) - len(there), "sheet outside the window": len(there) - len(used)}
    noted = {name: count for name, count in seen.items() if count}
    return Tally(len(paths), len(used), left_out, {"cells without height": empty, **noted})


def _profile(rows: int, columns: int, transform: Affine) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "height": rows,
        "width": columns,
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


PUBLISHER = "ahn"
_SHEET = re.compile(r"[A-Za-z0-9_]{3,20}")
_PRODUCTS = {"dsm": "dsm_05m", "dtm": "dtm_05m"}

#: A window of less than this part of a sheet is read from it by range requests [1]; of more, the sheet comes whole (guess).
MOST_BY_RANGES_FRAC = 0.5


def fetch_sheets(
    folder: Path, *, base_urls: Sequence[str], role: str, edition: str, bbox_m: Box, http: Http
) -> tuple[list[Path], Provenance]:
    """Fetch what the sheets of one surface have in a window: by ranges where that is little, else whole sheets.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    base_urls : sequence of str
        From `kansenkaart.sources.publishers.base_urls`; the first whose index answers counts.
    role : str
        ``dsm`` or ``dtm``.
    edition : str
        Such as ``AHN4``, or ``latest``: what the feed names, with its day; else a name after the index.
    bbox_m : tuple of float
        Window in RD New [m].
    http : Http
        How to ask; ``max_bytes`` bounds one sheet.

    Returns
    -------
    paths : list of Path
        ``<folder>/ahn/<edition>/<product>/<file>.tif``, sorted; a part of a sheet has its window in its name.
    provenance : Provenance
        With the sha256 of all of them in that order.

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
    index = reachable([index_address(one, role) for one in base_urls], http=http)
    content, answer = get_json(index, http=http)
    links = sheets_in(content, bbox_m, index)
    if not links:
        raise FormatError("sheets in the window", found="none", where=index, remedy="check the window of the study")
    if edition == "latest":
        edition = Feed.beside(index, http=http).edition() or edition_named(digest_of({"": answer.content}))
    target = folder / PUBLISHER / plain_name(edition) / _PRODUCTS[role]
    west, south, east, north = bbox_m  # to whole metres, as the name of a part says: two windows of one name are one
    whole = (math.floor(west), math.floor(south), math.ceil(east), math.ceil(north))
    paths = [_part_or_sheet(link, target, whole, http) for link in links]
    digest = sha256_of(*paths)
    return paths, delivery(PUBLISHER, role=role, edition=edition, address=index, sha256=digest)


def index_address(base_url: str, role: str) -> str:
    """Return where the index of the sheets of a surface lies.

    Parameters
    ----------
    base_url : str
        Of the downloads.
    role : str
        ``dsm`` or ``dtm``.
    """
    return f"{base_url.rstrip('/')}/{_PRODUCTS[role]}/kaartbladindex.json"


def sheets_in(content: Any, bbox_m: Box, index: str) -> list[str]:
    """Return the addresses of the sheets that touch a window, sorted.

    Parameters
    ----------
    content : object
        The index as it came.
    bbox_m : tuple of float
        Window in RD New [m].
    index : str
        Its address.

    Raises
    ------
    FormatError
        If the index has another shape.
    """
    return sorted(set(_links(content, bbox_m, index)))


def _part_or_sheet(link: str, target: Path, bbox_m: tuple[int, int, int, int], http: Http) -> Path:
    sheet = target / plain_name(Path(urlsplit(link).path).name)
    box = "_".join(map(str, bbox_m))
    part = sheet.with_name(f"{sheet.stem}_{plain_name(box)}.tif")
    if part.exists():
        return part
    if not sheet.exists():
        try:
            if _read_part(link, part, bbox_m, http):
                return part
        except (FetchError, RasterioError):
            http.meter.tell(f"ahn {sheet.name}", "geen deel te lezen, het hele blad wordt gehaald")
    download(link, sheet, http=http, magic=TIFF_MAGIC)
    return sheet


def _read_part(link: str, part: Path, bbox_m: Box, http: Http) -> bool:
    """Read a window of a sheet on the server into a file of its own; not if the window is most of the sheet."""
    name = plain_name(Path(urlsplit(link).path).name)

    def opener(path: str, mode: str = "rb") -> RangeFile:
        if Path(path).name != name or "w" in mode:
            raise FileNotFoundError(path)  # GDAL looks for files beside it
        return RangeFile(link, http)

    with rasterio.Env(**PLAIN), rasterio.open(name, driver="GTiff", opener=opener) as sheet:
        require_alone(sheet, Path(name))
        west, south, east, north = bbox_m
        exact = from_bounds(west, south, east, north, sheet.transform)
        left, top = max(math.floor(exact.col_off), 0), max(math.floor(exact.row_off), 0)
        right = min(math.ceil(exact.col_off + exact.width), sheet.width)
        bottom = min(math.ceil(exact.row_off + exact.height), sheet.height)
        window = Window(left, top, right - left, bottom - top)
        if (
            window.width * window.height > MOST_BY_RANGES_FRAC * sheet.width * sheet.height
            or not sheet.profile["tiled"]
        ):
            return False
        heights, stated = sheet.read(1, window=window), (sheet.scales[:1], sheet.offsets[:1], sheet.units[:1])
        profile = {**sheet.profile, "width": window.width, "height": window.height}
        profile |= {"transform": sheet.window_transform(window), "blockxsize": _TILE_CELLS, "blockysize": _TILE_CELLS}
        profile["count"] = 1
    with atomic(part) as draft, rasterio.open(draft, "w", **profile) as out:
        out.write(heights, 1)
        out.scales, out.offsets, out.units = stated
    return True


def _links(content: Any, bbox_m: Box, index: str) -> Iterator[str]:
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        raise _changed("a GeoJSON index of sheets", content, index)
    for one in features:
        properties, geometry = (_object(one, name, index) for name in ("properties", "geometry"))
        sheet, link = str(properties.get("kaartbladNr") or ""), properties.get("url") or properties.get("href")
        if not _SHEET.fullmatch(sheet) or not isinstance(link, str):
            raise _changed("kaartbladNr and url", properties, index)
        corners = list(positions(geometry.get("coordinates") or [], where=index))
        if not corners:
            raise _changed("a shape for each sheet", "none", index)
        if touch(corners, bbox_m):
            yield same_host(urljoin(index, link), index)


def _changed(expected: str, found: object, index: str) -> FormatError:
    return FormatError(expected, found=str(found)[:80], where=index, remedy="the index changed its shape")


def _object(feature: Any, name: str, index: str) -> dict[str, Any]:
    found = (feature.get(name) or {}) if isinstance(feature, dict) else feature
    if not isinstance(found, dict):
        raise _changed(f"features with {name}", feature, index)
    return found
