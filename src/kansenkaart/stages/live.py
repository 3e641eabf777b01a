"""Fetch what a study asks of the live services: buurten by municipality, the rest by the window of those buurten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd

from kansenkaart import publishers
from kansenkaart.config import Folders, Source, Study
from kansenkaart.errors import ConfigError
from kansenkaart.provenance import Provenance
from kansenkaart.sources import bag3d_api, cbs_api, pdok
from kansenkaart.web import Http

Box = tuple[float, float, float, float]
_COLLECTIONS = {
    "buurt": "buurten", "pand": "pand", "home": "verblijfsobject", "sewer_pipe": "beheerleiding", "sewer_node": "beheerput",
}  # fmt: skip
KWB_TABLES = 2


def fetch(source: Source, study: Study, folders: Folders, *, http: Http | None = None) -> tuple[Path, Provenance]:
    """Fetch one delivery into ``data/raw``.

    Raises
    ------
    ConfigError
        If the study names neither a municipality nor a window, or nobody fetches this role.
    FetchError, IncompleteError
        If the publisher gives no usable or no complete answer; what was fetched before stays as it was.
    """
    how = http or Http()
    fetchers: dict[str, Callable[[], tuple[Path, Provenance]]] = {
        "statistics": lambda: _statistics(source, study, folders, how),
        "buurt": lambda: _collection(source, study, folders, how, whole=True),
        "roof_face": lambda: bag3d_api.fetch_roofs(
            folders.raw, base_url=publishers.base_url("3dbag"), bbox_m=_window(study, folders, how), http=how
        ),
        **{role: lambda: _collection(source, study, folders, how, whole=False)
           for role in ("pand", "home", "terrain", "sewer_pipe", "sewer_node")},
    }  # fmt: skip
    if source.role not in fetchers:
        raise ConfigError(f"a role of {sorted(fetchers)} for a live source", found=source.role, where=f"study {study.name}",
                          remedy="give this source as a file")  # fmt: skip
    return fetchers[source.role]()


def _collection(source: Source, study: Study, folders: Folders, http: Http, *, whole: bool) -> tuple[Path, Provenance]:
    collection = source.layer or _COLLECTIONS[source.role]
    base = publishers.base_url(source.publisher).replace("{year}", str(source.year or ""))
    needs = pdok.needs_of(source.role) if source.role in ("pand", "home") else ()
    layer = pdok.Layer(source.publisher, collection, base, source.role, needs, _edition(source), source.year)
    if whole and study.place.gemeentecode:
        filters = [("gemeentecode", study.place.gemeentecode)]
        return pdok.fetch_collection(folders.raw, layer=layer, http=http, filters=filters)
    return pdok.fetch_collection(folders.raw, layer=layer, http=http, bbox_m=_window(study, folders, http))


def _edition(source: Source) -> str | None:
    return None if source.edition == "latest" else source.edition


def _statistics(source: Source, study: Study, folders: Folders, http: Http) -> tuple[Path, Provenance]:
    if not study.place.gemeentecode:
        raise ConfigError("a gemeentecode for statistics of CBS", found="none", where=f"study {study.name}",
                          remedy="add it under [place], or give --code")  # fmt: skip
    tables = publishers.publisher(source.publisher).known_editions[-KWB_TABLES:]
    base = publishers.base_url(source.publisher)
    return cbs_api.fetch_kwb(folders.raw, base_url=base, codes=[study.place.gemeentecode], tables=tables, http=http)


def _window(study: Study, folders: Folders, http: Http) -> Box:
    """Return the window of the study [m]: its own, or that of its buurten."""
    if study.place.bbox_m:
        return study.place.bbox_m
    buurten = next((one for one in study.sources("buurt") if one.origin == "live"), None)
    if buurten is None or not study.place.gemeentecode:
        raise ConfigError("a gemeentecode or bbox_m", found="neither", where=f"study {study.name}",
                          remedy="add one under [place], or give --code")  # fmt: skip
    path, _ = _collection(buurten, study, folders, http, whole=True)
    west, south, east, north = (float(one) for one in gpd.read_file(path).total_bounds)
    return west, south, east, north
