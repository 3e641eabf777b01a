"""What a live run will ask of whom: boxes that hold few enough features, and requests, bytes and minutes beforehand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.config import Source, packaged_rows
from kansenkaart.sources.pdok import MOST_PER_PAGE, quarters

Box = tuple[float, float, float, float]
#: Under about 8,000 features PDOK's servers use their spatial index (seen in a client); a box is planned for fewer [1].
MOST_IN_BOX = 6000
#: A box is not planned smaller than this [m].
SMALLEST_M = 250.0
#: Where nothing is said of homes: as many on a km2 as in a dense town (guess), so that boxes are rather too small [1].
UNKNOWN_HOMES_PER_KM2 = 3000.0
PERSONS_PER_HOME = 2.1
#: 201 pages in 248 s (seen in a client) [s].
SECONDS_PER_PAGE = 1.25
#: How fast a large file comes (guess) [byte/s].
BULK_BYTES_PER_S = 10e6
_M2_PER_KM2 = 1e6
_HOMES = (("woningvoorraad", 1.0), ("aantal_huishoudens", 1.0), ("aantal_inwoners", 1 / PERSONS_PER_HOME))
_UNKNOWN_COLLECTION = ("", 1.5, 150.0, 1500.0)  # as much as the fullest row of the table (guess)
#: Requests and bytes of what is not a collection: per run, per 1,000 homes, per km2 (guesses but for the BAG file [SERVICES]).
_FILES: dict[str, tuple[float, float, float, float]] = {
    "statistics": (8, 3e6, 0.0, 0.0),
    "weather_daily": (1, 0.3e6, 0.0, 0.0),
    "weather_hourly": (10, 15e6, 0.0, 0.0),
    "bag": (2, 7.8e9, 0.0, 0.0),
    "roof_face": (1, 2e6, 4e6, 0.0),
    "dsm": (3, 0.0, 0.0, 13e6),
    "dtm": (3, 0.0, 0.0, 13e6),
}


@dataclass(frozen=True)
class Expected:
    """What one source will take: requests [1], bytes [byte] and minutes [min]."""

    source: str
    requests: int
    received: float
    minutes: float


@dataclass(frozen=True)
class Homes:
    """Where homes are: the buurten of a study with their number of homes."""

    shapes: NDArray[np.object_]
    count: NDArray[np.float64]

    @classmethod
    def of(cls, raw: gpd.GeoDataFrame) -> Homes:
        """Read them from buurten as published; where no figure is known a dense town is supposed."""
        count = pd.Series(np.nan, index=raw.index)
        for name, factor in _HOMES:
            stated = pd.to_numeric(raw[name], errors="coerce") if name in raw else pd.Series(np.nan, index=raw.index)
            count = count.fillna((stated * factor).where(stated >= 0))
        dense = raw.geometry.area / _M2_PER_KM2 * UNKNOWN_HOMES_PER_KM2
        return cls(raw.geometry.to_numpy(), np.asarray(count.fillna(dense), dtype=np.float64))

    def within(self, box: Box) -> tuple[float, float, bool]:
        """Return homes [1] and land [km2] in a box, and whether it touches a buurt at all."""
        window = shapely.box(*box)
        touched = shapely.intersects(self.shapes, window)
        part = shapely.area(shapely.intersection(self.shapes[touched], window))
        whole = shapely.area(self.shapes[touched])
        homes = float((self.count[touched] * part / np.maximum(whole, 1.0)).sum())
        return homes, float(part.sum()) / _M2_PER_KM2, bool(touched.any())


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], tuple[str, float, float, float]]:
    found = {}
    for row in packaged_rows("collections.csv"):
        per_home, per_km2, size = (float(row[name]) for name in ("per_home", "per_km2", "bytes"))
        found[row["publisher"], row["collection"]] = row["current"], per_home, per_km2, size
    return found


def gives_history(publisher: str, collection: str) -> bool:
    """Say whether a collection gives its history unless asked for one moment; for an unknown layer as its register's.

    Parameters
    ----------
    publisher, collection : str
        As in ``data/collections.csv``.
    """
    rows = [row for (one, name), row in _table().items() if one == publisher and name in (collection, *_first(one))]
    return any(row[0] == "yes" for row in rows)


def _first(publisher: str) -> tuple[str, ...]:
    return tuple(name for one, name in _table() if one == publisher)[:1]


def boxes(window: Box, homes: Homes | None, publisher: str, collection: str) -> list[Box]:
    """Divide a window into boxes that hold few enough features of a collection; what touches no buurt is left out.

    Parameters
    ----------
    window : tuple of float
        West, south, east, north in RD New [m].
    homes : Homes, optional
        Where homes are; without them a dense town is supposed everywhere.
    publisher, collection : str
        As in ``data/collections.csv``.
    """
    return list(_divide(window, homes, _table().get((publisher, collection), _UNKNOWN_COLLECTION)))


def _divide(box: Box, homes: Homes | None, row: tuple[str, float, float, float]) -> Iterator[Box]:
    _, per_home, per_km2, _ = row
    west, south, east, north = box
    km2 = (east - west) * (north - south) / _M2_PER_KM2
    count, land, touches = homes.within(box) if homes else (km2 * UNKNOWN_HOMES_PER_KM2, km2, True)
    if not touches:
        return
    if count * per_home + land * per_km2 <= MOST_IN_BOX or max(east - west, north - south) <= SMALLEST_M:
        yield box
        return
    for part in quarters(box):
        yield from _divide(part, homes, row)


def expect(sources: Sequence[Source], window: Box, homes: Homes | None, pause_s: float) -> list[Expected]:
    """Foresee what the live and bulk sources of a study will take, each delivery once.

    Parameters
    ----------
    sources : sequence of Source
        Of the study.
    window : tuple of float
        What is asked [m].
    homes : Homes, optional
        Where homes are.
    pause_s : float
        Between two requests [s].
    """
    found: dict[str, Expected] = {}
    for source in sources:
        if source.origin not in ("live", "bulk"):
            continue
        whole_file = source.origin == "bulk" and source.publisher == "bag"
        name = source.publisher if whole_file else f"{source.publisher} {source.layer or source.role}"
        if name not in found:
            requests, received = _of(source, window, homes, "bag" if whole_file else source.role)
            seconds = requests * (SECONDS_PER_PAGE + pause_s) + max(received - 3e6 * requests, 0.0) / BULK_BYTES_PER_S
            found[name] = Expected(name, requests, received, seconds / 60)
    return list(found.values())


def _of(source: Source, window: Box, homes: Homes | None, kind: str) -> tuple[int, float]:
    west, south, east, north = window
    area = (east - west) * (north - south) / _M2_PER_KM2
    count, land, _ = homes.within(window) if homes else (area * UNKNOWN_HOMES_PER_KM2, area, True)
    if kind in _FILES:
        requests, fixed, per_thousand, per_km2 = _FILES[kind]
        tiles = math.ceil(count / 1000) if kind == "roof_face" else math.ceil(area / 31) if per_km2 else 0
        return int(requests) + tiles, fixed + per_thousand * count / 1000 + per_km2 * area
    if source.role == "buurt":
        return 2, 2e6
    collection = COLLECTIONS.get(source.role, "") if not source.layer else source.layer
    row = _table().get((source.publisher, collection), _UNKNOWN_COLLECTION)
    features = count * row[1] + land * row[2]
    planned = len(boxes(window, homes, source.publisher, collection))
    return math.ceil(features / MOST_PER_PAGE) + planned, features * row[3]


#: Which collection serves a role, where the study names no layer.
COLLECTIONS = {
    "buurt": "buurten",
    "pand": "pand",
    "home": "verblijfsobject",
    "sewer_pipe": "beheerleiding",
    "sewer_node": "beheerput",
    "street_line": "wegvakken",
}
