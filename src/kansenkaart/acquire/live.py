"""Fetch what a study asks of the publishers: buurten by municipality, the rest by the window of those buurten.

Live services serve one municipality by boxes; files of the whole country (``bulk``) are fetched once and cut by the
window. What the publishers give in a roundabout way (panden by the key of a feature) is named here, so that a delivery
on disk can be read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path

from kansenkaart.acquire.forecast import COLLECTIONS, Expected, Homes, boxes, expect, gives_history
from kansenkaart.config import Folders, Source, Study
from kansenkaart.errors import ConfigError, FetchError
from kansenkaart.sources import ahn, bag, bag3d_api, cbs, knmi, pdok, publishers
from kansenkaart.sources.tools.geofiles import read_vector
from kansenkaart.sources.tools.http import Http
from kansenkaart.sources.tools.ogc import CLOSING, OPENING, Choice, Feature
from kansenkaart.sources.tools.rawfolder import one_at_a_time
from kansenkaart.sources.tools.rawnames import raw_names
from kansenkaart.tables.provenance import Provenance, sha256_of

Box = tuple[float, float, float, float]
Fetched = tuple[tuple[Path, ...], Provenance]
#: The 3DBAG API serves small windows; it took 39 s a km2 and more where it was measured: above this the tiles [km2].
MOST_API_KM2 = 0.5
_M2_PER_KM2 = 1e6
#: From so many homes by CBS on the BAG cannot be empty (guess) [1].
_SURE_HOMES = 50
#: What shades the wijken of a study from around them, and where sewers and streets go on, is taken along so far (guess) [m].
AROUND_M = 200.0
_STATION = re.compile(r"\d{3}")
NEAREST = "dichtstbij"
_PERIOD = re.compile(r"(\d{8})-(\d{8})")


@dataclass
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
    today : date
        The day of the run: periods of "the last years" end before it.
    """

    study: Study
    folders: Folders
    http: Http = field(default_factory=Http.of_environment)
    today: date = field(default_factory=date.today)
    said: dict[str, str] = field(default_factory=dict)
    _brought: dict[Source, Fetched] = field(default_factory=dict, repr=False)
    _hashes: dict[tuple[Path, ...], str] = field(default_factory=dict, repr=False)
    _pages: list[Path] = field(default_factory=list, repr=False)
    _homes: Homes | None = field(default=None, repr=False)

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

    def hash_of(self, *paths: Path) -> str:
        """Return the sha256 of files as one; of those that serve several roles, such as the BAG, it is reckoned once.

        Parameters
        ----------
        *paths : Path
            The files.
        """
        if paths not in self._hashes:
            self._hashes[paths] = sha256_of(*paths)
        return self._hashes[paths]

    def close(self) -> None:
        """End the run once everything is there: the pages that a broken run would go on with are not needed any more."""
        pdok.close_pages(self._pages)

    def window(self) -> Box:
        """Return the window of the study [m]: its own, or that of its live buurten.

        Raises
        ------
        ConfigError
            If the study has neither.
        """
        if self.study.place.bbox_m:
            return self.study.place.bbox_m
        buurten = self._buurten()
        if buurten is None or not self.study.place.gemeentecode:
            raise self._wrong("a gemeentecode or bbox_m", "neither", "add one under [place], or give --code")
        paths, _ = self.fetch(buurten)
        frame, wijken = read_vector(paths[0]), self.study.place.wijken
        if wijken:
            named = raw_names("buurt", buurten.form)["wijkcode"].removesuffix("?").split("|")
            frame = frame[frame.reindex(columns=named).isin(wijken).any(axis=1)]
        if frame.empty:
            raise self._wrong("buurten", f"none in {self.study.place.gemeentecode}", "check the code and the year")
        self._homes = Homes.of(frame)
        west, south, east, north = (float(one) for one in frame.total_bounds)
        more = AROUND_M if wijken else 0.0
        return west - more, south - more, east + more, north + more

    def expected(self) -> list[Expected]:
        """Foresee what the run will ask of whom; the buurten are fetched for it, nothing else."""
        asked = any(one.origin in ("live", "bulk") for one in self.study.source)
        return expect(self.study.source, self.window(), self._homes, self.http.pause_s) if asked else []

    def tiled(self, source: Source) -> bool:
        """Say whether roofs come as whole tiles, which hold what lies around the window as well."""
        if source.origin not in ("live", "bulk") or source.role != "roof_face":
            return False
        west, south, east, north = self.window()
        return source.origin == "bulk" or (east - west) * (north - south) > MOST_API_KM2 * _M2_PER_KM2

    def _buurten(self) -> Source | None:
        return next((one for one in self.study.sources("buurt") if one.origin == "live"), None)

    def _fetcher(self, source: Source) -> Callable[[Source], Fetched]:
        known: dict[str, Callable[[Source], Fetched]] = {
            "buurt": self._areas,
            "statistics": self._statistics,
            "roof_face": self._roofs,
            "dsm": self._sheets,
            "dtm": self._sheets,
            "weather_daily": partial(self._weather, fetch=knmi.fetch_days),
            "weather_hourly": partial(self._weather, fetch=knmi.fetch_hours),
            **dict.fromkeys(("pand", "home", "terrain", "sewer_pipe", "sewer_node", "street_line"), self._collection),
        }
        if source.origin == "bulk":
            known = {"roof_face": self._roofs, "pand": self._bulk, "home": self._bulk}
        if source.role not in known:
            raise self._wrong(
                f"a role of {sorted(known)} for a {source.origin} source", source.role, "give this source as a file"
            )
        return known[source.role]

    def _layer(self, source: Source) -> pdok.Layer:
        collection = source.layer or COLLECTIONS.get(source.role)
        if collection is None:
            raise self._wrong(f"a layer for {source.role}", "none", "name the collection, such as layer = 'wegdeel'")
        base = publishers.base_url(source.publisher).replace("{year}", str(source.year or ""))
        needs = pdok.needs_of(source.role) if source.role in ("pand", "home") else ()
        edition = None if source.edition == "latest" else source.edition
        current = gives_history(source.publisher, collection)
        return pdok.Layer(source.publisher, collection, base, source.role, needs, edition, source.year, current)

    def _areas(self, source: Source) -> Fetched:
        """Fetch the buurten of a municipality: by the filter that the collection names, else from those of the country."""
        layer, code = self._layer(source), self.study.place.gemeentecode
        if not code:
            return self._collection(source)
        names = raw_names("buurt", source.form)["gemeentecode"].removesuffix("?").split("|")
        named = pdok.queryables(layer.base_url, layer.collection, http=self.http)
        by = next((one for one in names if one in named), None)

        def is_here(one: Feature) -> bool:
            return any((one.get("properties") or {}).get(name) == code for name in names)

        chosen = Choice(filters=[(by, code)] if by else (), name=code, keep=is_here)
        pages = None if self.study.place.wijken else self._pages
        with one_at_a_time(self.folders.raw / code):  # the other parts of the municipality ask the same
            path, told = pdok.fetch_collection(
                self.folders.raw, layer=layer, http=self.http, choice=chosen, open_pages=pages
            )
        return (path,), told

    def _collection(self, source: Source) -> Fetched:
        layer, window = self._layer(source), self.window()
        path, told = pdok.fetch_collection(
            self.folders.raw,
            layer=layer,
            http=self.http,
            bbox_m=window,
            choice=replace(
                self._with_panden(source) if source.role == "home" else Choice(),
                boxes=boxes(window, self._homes, layer.publisher, layer.collection),
            ),
            open_pages=self._pages,
        )
        self._require_homes(source, path, window)
        return (path,), told

    def _require_homes(self, source: Source, path: Path, window: Box) -> None:
        """Refuse an empty answer of the BAG where CBS counts homes: the service understood the question in another way."""
        count = self._homes.within(window)[0] if self._homes and source.role in ("pand", "home") else 0.0
        if count >= _SURE_HOMES and path.stat().st_size <= len(OPENING) + len(CLOSING):
            raise FetchError(
                f"objects where CBS counts {count:.0f} homes",
                found=f"an empty collection {source.role}",
                where=source.publisher,
                remedy='take the file of the country: origin = "bulk"; or run kansenkaart proef',
            )

    def _with_panden(self, source: Source) -> Choice:
        """Name the panden of each home: the service gives addresses that end in the key of the pand's feature."""
        live = [one for one in self.study.sources("pand") if one.origin in ("live", "bulk")]
        pand = live[0] if live else source.model_copy(update={"role": "pand", "layer": None})
        paths, _ = self.fetch(pand.model_copy(update={"origin": "live"}))
        return bag.pand_names(paths[0])

    def _statistics(self, source: Source) -> Fetched:
        if not self.study.place.gemeentecode:
            raise self._wrong("a gemeentecode for statistics of CBS", "none", "add it under [place], or give --code")
        row = publishers.publisher(source.publisher)
        path, told = cbs.fetch_kwb(
            self.folders.raw,
            base_url=publishers.base_url(source.publisher),
            second_url=publishers.second_url(source.publisher),
            codes=[self.study.place.gemeentecode],
            tables=[source.layer] if source.layer else cbs.tables_until(row.known_editions, source.year),
            http=self.http,
        )
        return (path,), told

    def _roofs(self, source: Source) -> Fetched:
        window = self.window()
        if self.tiled(source):
            url = publishers.bulk_urls(source.publisher)[0]
            return bag3d_api.fetch_tiles(
                self.folders.raw, url=url, edition=source.edition, bbox_m=window, http=self.http
            )
        base = publishers.base_url(source.publisher)
        path, told = bag3d_api.fetch_roofs(self.folders.raw, base_url=base, bbox_m=window, http=self.http)
        return (path,), told

    def _bulk(self, source: Source) -> Fetched:
        """Cut the window of the study from files of the whole country."""
        try:
            path, told = bag.fetch_window(
                self.folders.raw,
                urls=publishers.bulk_urls(source.publisher),
                role=source.role,
                edition=source.edition,
                bbox_m=self.window(),
                needs=pdok.needs_of(source.role),
                http=self.http,
            )
        except FetchError as why:
            self.note(source, f"landelijk bestand niet te krijgen, per bladzijde gevraagd ({why.found[:120]})")
            return self._collection(source.model_copy(update={"edition": "latest"}))
        return (path,), told

    def note(self, source: Source, words: str) -> None:
        """Remember, and pass on, what a reader should know of a source."""
        name = f"{source.role} {source.layer or ''}".strip() + f" ({source.publisher})"
        self.said[name] = words
        self.http.meter.tell(name, words)

    def _sheets(self, source: Source) -> Fetched:
        paths, told = ahn.fetch_sheets(
            self.folders.raw,
            base_urls=publishers.base_urls(source.publisher),
            role=source.role,
            bbox_m=self.window(),
            edition=source.edition,
            http=self.http,
        )
        return tuple(paths), told

    def _weather(self, source: Source, *, fetch: Callable[..., tuple[Path, Provenance]]) -> Fetched:
        """Fetch days or hours of one station: ``layer`` is its number or ``dichtstbij``, ``edition`` days or ``latest``."""
        station, days = source.layer or "", source.edition
        if station == NEAREST:
            west, south, east, north = self.window()
            station = str(knmi.nearest_station((west + east) / 2, (south + north) / 2))
        if days == "latest":
            days = f"{self.today.year - knmi.YEARS}0101-{self.today.year - 1}1231"
        period = _PERIOD.fullmatch(days)
        if period is None or not _STATION.fullmatch(station):
            raise self._wrong(
                "the station as layer and the days as edition",
                f"{source.layer}, {source.edition}",
                "write layer = '278' or 'dichtstbij', and edition = '20150101-20241231' or 'latest'",
            )
        path, told = fetch(
            self.folders.raw,
            base_url=publishers.base_url(source.publisher),
            station=int(station),
            first_day=period[1],
            last_day=period[2],
            http=self.http,
        )
        return (path,), told

    def _wrong(self, expected: str, found: str, remedy: str) -> ConfigError:
        return ConfigError(expected, found=found, where=f"study {self.study.name}", remedy=remedy)
