"""Fetch what a study asks of the publishers: buurten by municipality, the rest by the window of those buurten.

Live services serve one municipality; for the country the window is cut from files of the whole country (``bulk``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kansenkaart.config import Folders, Source, Study
from kansenkaart.errors import ConfigError
from kansenkaart.sources import ahn, bag, bag3d_api, bag3d_tiles, cbs, knmi, pdok, publishers
from kansenkaart.sources.tools.geofiles import bounds_of
from kansenkaart.sources.tools.http import Http
from kansenkaart.tables.provenance import Provenance

Box = tuple[float, float, float, float]
Fetched = tuple[tuple[Path, ...], Provenance]
_COLLECTIONS = {
    "buurt": "buurten",
    "pand": "pand",
    "home": "verblijfsobject",
    "sewer_pipe": "beheerleiding",
    "sewer_node": "beheerput",
}
KWB_TABLES = 2
_STATION = re.compile(r"\d{3}")
_PERIOD = re.compile(r"(\d{8})-(\d{8})")


@dataclass(frozen=True)
class Errand:
    """All that one run fetches for one study; each delivery is asked for once.

    Attributes
    ----------
    study : Study
        Whose live sources are fetched.
    folders : Folders
        Where ``raw`` keeps them.
    http : Http
        How to ask.
    """

    study: Study
    folders: Folders
    http: Http = field(default_factory=Http)
    _brought: dict[Source, Fetched] = field(default_factory=dict, repr=False)

    def fetch(self, source: Source) -> Fetched:
        """Fetch one delivery into ``data/raw``; its files (one, or several sheets) and where they come from.

        Parameters
        ----------
        source : Source
            A live or bulk source of the study.

        Raises
        ------
        ConfigError
            If the study names neither a municipality nor a window, or nobody fetches this role.
        FetchError, IncompleteError
            If the publisher gives no usable or no complete answer; what was fetched before stays as it was.
        """
        if source not in self._brought:
            self._brought[source] = self._fetcher(source)(source)
        return self._brought[source]

    def window(self) -> Box:
        """Return the window of the study [m]: its own, or that of its live buurten.

        Raises
        ------
        ConfigError
            If the study has neither.
        """
        if self.study.place.bbox_m:
            return self.study.place.bbox_m
        buurten = next((one for one in self.study.sources("buurt") if one.origin == "live"), None)
        if buurten is None or not self.study.place.gemeentecode:
            raise self._wrong("a gemeentecode or bbox_m", "neither", "add one under [place], or give --code")
        paths, _ = self.fetch(buurten)
        return bounds_of(paths[0])

    def _fetcher(self, source: Source) -> Callable[[Source], Fetched]:
        if source.origin == "bulk":
            return self._bulk
        known: dict[str, Callable[[Source], Fetched]] = {
            "statistics": self._statistics,
            "roof_face": self._roofs,
            "dsm": self._sheets,
            "dtm": self._sheets,
            "weather_daily": self._days,
            **dict.fromkeys(("buurt", "pand", "home", "terrain", "sewer_pipe", "sewer_node"), self._collection),
        }
        if source.role not in known:
            raise self._wrong(f"a role of {sorted(known)} for a live source", source.role, "give this source as a file")
        return known[source.role]

    def _collection(self, source: Source) -> Fetched:
        collection = source.layer or _COLLECTIONS.get(source.role)
        if collection is None:
            raise self._wrong(f"a layer for {source.role}", "none", "name the collection, such as layer = 'wegdeel'")
        base = publishers.base_url(source.publisher).replace("{year}", str(source.year or ""))
        needs = pdok.needs_of(source.role) if source.role in ("pand", "home") else ()
        edition = None if source.edition == "latest" else source.edition
        layer = pdok.Layer(source.publisher, collection, base, source.role, needs, edition, source.year)
        code, raw = self.study.place.gemeentecode, self.folders.raw
        if source.role == "buurt" and code:
            path, told = pdok.fetch_collection(raw, layer=layer, http=self.http, filters=[("gemeentecode", code)])
        else:
            path, told = pdok.fetch_collection(raw, layer=layer, http=self.http, bbox_m=self.window())
        return (path,), told

    def _statistics(self, source: Source) -> Fetched:
        if not self.study.place.gemeentecode:
            raise self._wrong("a gemeentecode for statistics of CBS", "none", "add it under [place], or give --code")
        tables = publishers.publisher(source.publisher).known_editions[-KWB_TABLES:]
        codes, base = [self.study.place.gemeentecode], publishers.base_url(source.publisher)
        path, told = cbs.fetch_kwb(self.folders.raw, base_url=base, codes=codes, tables=tables, http=self.http)
        return (path,), told

    def _roofs(self, source: Source) -> Fetched:
        base = publishers.base_url(source.publisher)
        path, told = bag3d_api.fetch_roofs(self.folders.raw, base_url=base, bbox_m=self.window(), http=self.http)
        return (path,), told

    def _bulk(self, source: Source) -> Fetched:
        """Cut the window of the study from files of the whole country."""
        raw, edition, window = self.folders.raw, source.edition, self.window()
        if source.role not in ("pand", "home", "roof_face"):
            raise self._wrong(
                "pand, home or roof_face for a bulk source", source.role, "ask this source live or as a file"
            )
        url = publishers.bulk_url(source.publisher)
        if source.role == "roof_face":
            return bag3d_tiles.fetch_tiles(raw, url=url, edition=edition, bbox_m=window, http=self.http)
        path, told = bag.fetch_window(
            raw,
            url=url,
            role=source.role,
            edition=edition,
            bbox_m=window,
            needs=pdok.needs_of(source.role),
            http=self.http,
        )
        return (path,), told

    def _sheets(self, source: Source) -> Fetched:
        newest = publishers.publisher(source.publisher).known_editions[-1]
        paths, told = ahn.fetch_sheets(
            self.folders.raw,
            base_url=publishers.base_url(source.publisher),
            role=source.role,
            bbox_m=self.window(),
            edition=newest if source.edition == "latest" else source.edition,
            http=self.http,
        )
        return tuple(paths), told

    def _days(self, source: Source) -> Fetched:
        """Fetch the days of one station: ``layer`` is its number, ``edition`` the period as 20150101-20241231."""
        period = _PERIOD.fullmatch(source.edition)
        if period is None or not _STATION.fullmatch(source.layer or ""):
            raise self._wrong(
                "the station as layer and the days as edition",
                f"{source.layer}, {source.edition}",
                "write layer = '278' and edition = '20150101-20241231'",
            )
        path, told = knmi.fetch_days(
            self.folders.raw,
            base_url=publishers.base_url(source.publisher),
            stations=[int(source.layer or 0)],
            first_day=period[1],
            last_day=period[2],
            http=self.http,
        )
        return (path,), told

    def _wrong(self, expected: str, found: str, remedy: str) -> ConfigError:
        return ConfigError(expected, found=found, where=f"study {self.study.name}", remedy=remedy)
