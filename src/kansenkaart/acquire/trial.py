"""The live trial: some sixty small requests to every service of a study, each answer through our own reader, no map.

What a service really gives is held against what our readers need: a column that is gone, one that is new, one that
comes in but is lost on the way (another type), homes without their pand, an end that is no end. The answers are kept
without what could lead to a person: ids and streets replaced alike everywhere, coordinates moved.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd

from kansenkaart.acquire.forecast import COLLECTIONS, Expected, gives_history
from kansenkaart.acquire.live import Box, Errand
from kansenkaart.acquire.readers import read
from kansenkaart.config import Folders, Source, Study
from kansenkaart.errors import FormatError, KansenkaartError
from kansenkaart.sources import ahn, bag, cbs, knmi, pdok, publishers
from kansenkaart.sources.tools import bulk
from kansenkaart.sources.tools.geofiles import TIFF_MAGIC
from kansenkaart.sources.tools.http import Answer, Http, get, get_json, head, same_host
from kansenkaart.sources.tools.ogc import canonical, features_of, identify, next_link
from kansenkaart.sources.tools.rawnames import column_named, raw_names
from kansenkaart.tables.provenance import Tally
from kansenkaart.wording.messages import error_lines
from kansenkaart.wording.nl import number

#: Half the side of the box in which a few features are asked [m].
REACH_M = 150.0
FEW, MANY = 3, 200
#: A box in the North Sea: nothing is there, and an empty answer must be an answer [m].
AT_SEA: Box = (20_000.0, 600_000.0, 20_100.0, 600_100.0)
_HEADERS = ("content-type", "content-crs", "etag", "last-modified", "api-version", "x-rate-limit-remaining")
_FIRST_BYTES = 1024


@dataclass
class Verdict:
    """What became of one source.

    Attributes
    ----------
    source : str
        Publisher and collection, table or file.
    works : bool
        Whether a run would get it.
    words : list of str
        What was seen, in Dutch for people; what is wrong comes first.
    seconds : list of float
        Time of each answer [s].
    headers : dict of str to str
        Those that say something of the service.
    bodies : list of (str, dict)
        Addresses and answers, not yet cleaned.
    """

    source: str
    works: bool = True
    words: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    bodies: list[tuple[str, Any]] = field(default_factory=list)
    expected: Expected | None = None

    def fail(self, words: str) -> None:
        """Say to people what is wrong; the source would not work."""
        self.works = False
        self.words.insert(0, words)

    def note(self, answer: Answer, begun: float) -> None:
        """Remember headers of an answer, and the time since it was asked, by the monotonic clock [s]."""
        self.seconds.append(time.monotonic() - begun)
        self.headers |= {name: answer.headers[name] for name in _HEADERS if name in answer.headers}


@dataclass
class Trial:
    """All that one trial needs: the study, how to ask, and a folder for answers on their way through a reader."""

    study: Study
    http: Http
    folder: Path
    box: Box = AT_SEA
    window: Box = AT_SEA
    expected: dict[str, Expected] = field(default_factory=dict)
    listed: dict[str, set[str]] = field(default_factory=dict)

    def json(self, verdict: Verdict, url: str, params: Mapping[str, str] | None = None) -> Any:
        """Ask one address for JSON; the verdict gets time, headers and body."""
        begun = time.monotonic()
        content, answer = get_json(url, http=self.http, params=params)
        verdict.note(answer, begun)
        verdict.bodies.append((answer.url, content))
        return content


def try_services(study: Study, http: Http) -> tuple[list[Verdict], Box]:
    """Ask every service of a study a little, and say of each whether a run would work.

    Parameters
    ----------
    study : Study
        Such as the template ``gemeente``, with a code.
    http : Http
        How to ask.

    Returns
    -------
    verdicts : list of Verdict
        One per source; a file of the country and its web service are two.
    box : tuple of float
        Where a few features were asked [m].
    """
    with tempfile.TemporaryDirectory() as here:
        trial = Trial(study, replace(http, attempts=min(http.attempts, 2)), Path(here))
        first = _areas(trial)
        sources = [one for one in study.source if one.role != "buurt"]
        verdicts = [first, *(verdict for source in sources for verdict in _of(trial, source))]
    return verdicts, trial.box


def _areas(trial: Trial) -> Verdict:
    source = trial.study.sources("buurt")[0]
    verdict = Verdict(f"{source.publisher} buurten")
    here = Folders(published=trial.folder, raw=trial.folder, processed=trial.folder, maps=trial.folder)
    errand = Errand(trial.study, here, trial.http)
    begun = time.monotonic()
    try:
        trial.window = errand.window()
        path = errand.fetch(source)[0][0]
        verdict.seconds.append(time.monotonic() - begun)
        content = json.loads(path.read_bytes())
        verdict.bodies.append(
            (publishers.base_url(source.publisher), {**content, "features": content["features"][:FEW]})
        )
        frame, tally = read(path, source)
        if frame.empty:
            verdict.fail(f"geen enkele buurt bruikbaar: {_reasons(tally)}")
            return verdict
        _compare(verdict, source, content["features"], frame)
        fullest = frame["inhabitants"].astype("float64").fillna(0).to_numpy().argmax()
        spot = gpd.GeoDataFrame(frame).geometry.iloc[int(fullest)].representative_point()
        trial.box = (spot.x - REACH_M, spot.y - REACH_M, spot.x + REACH_M, spot.y + REACH_M)
        verdict.words.append(f"{tally.kept} buurten")
        trial.expected = {one.source: one for one in errand.expected()}
        verdict.expected = trial.expected.get(f"{source.publisher} {source.role}")
    except KansenkaartError as why:
        verdict.fail(_said(why))
    return verdict


def _said(why: KansenkaartError) -> str:
    lines = error_lines(why.expected, found=why.found, where="", remedy="")
    return " ".join(" ".join(lines).split())[:300]


def _of(trial: Trial, source: Source) -> Iterator[Verdict]:
    name = f"{source.publisher} {source.layer or COLLECTIONS.get(source.role, source.role)}"
    probes: list[tuple[str, Callable[[Trial, Source, Verdict], None]]] = []
    if source.origin == "bulk" or source.role == "roof_face":
        probes.append((f"{source.publisher} landelijk bestand voor {source.role}", _bulk))
    if source.role in _PROBES:
        probes.append((name, _PROBES[source.role]))
    for words, probe in probes:
        verdict = Verdict(words)
        whole_file = source.publisher == "bag" and probe is _bulk
        asked = source.publisher if whole_file else f"{source.publisher} {source.layer or source.role}"
        verdict.expected = trial.expected.get(asked)
        try:
            probe(trial, source, verdict)
        except KansenkaartError as why:
            verdict.fail(_said(why))
        yield verdict


def _collection(trial: Trial, source: Source, verdict: Verdict) -> None:
    base = publishers.base_url(source.publisher).replace("{year}", str(source.year or "")).rstrip("/")
    name = source.layer or COLLECTIONS[source.role]
    there = _listed(trial, verdict, base)
    if there and name not in there:
        verdict.fail(f"verzameling {name} bestaat niet meer; er zijn {', '.join(sorted(there)[:8])}")
        return
    url = f"{base}/collections/{name}/items"
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" if gives_history(source.publisher, name) else ""
    query = pdok.Query(url, trial.box, (), FEW, moment)
    page = trial.json(verdict, query.address())
    features = features_of(_page(page, url), where=url)
    following = next_link(page, where=url)
    if following:
        onward = trial.json(verdict, same_host(following, url))
        ids = {identify(one, where=url) for one in features}
        if ids & {identify(one, where=url) for one in features_of(_page(onward, url), where=url)}:
            verdict.fail("de volgende bladzijde begint niet waar de vorige ophield")
    if _page(trial.json(verdict, replace(query, bbox_m=AT_SEA).address()), url)["features"]:
        verdict.fail("een venster op zee geeft objecten: bbox wordt niet begrepen")
    begun = time.monotonic()
    whole = trial.json(verdict, replace(query, bbox_m=trial.window, page_size=pdok.MOST_PER_PAGE).address())
    count, took = len(_page(whole, url)["features"]), number(time.monotonic() - begun, 1)
    verdict.words.append(f"eerste bladzijde van de gemeente: {count} objecten in {took} s")
    verdict.bodies.pop()  # a thousand objects are not needed to recognise a shape
    _through_reader(trial, source, verdict, features)


def _listed(trial: Trial, verdict: Verdict, base: str) -> set[str]:
    if base not in trial.listed:
        listed = trial.json(verdict, f"{base}/collections", {"f": "json"})
        rows = (listed.get("collections") or []) if isinstance(listed, dict) else []
        trial.listed[base] = {str(one.get("id")) for one in rows if isinstance(one, dict)}
    return trial.listed[base]


def _page(content: Any, url: str) -> dict[str, Any]:
    if not isinstance(content, dict) or not isinstance(content.get("features"), list):
        raise FormatError("een bladzijde met features", found=str(content)[:80], where=url)
    return content


def _through_reader(trial: Trial, source: Source, verdict: Verdict, features: list[dict[str, Any]]) -> None:
    if not features:
        verdict.words.append("hier niets: een lege verzameling is een antwoord")
        return
    if source.role == "home":
        url = f"{publishers.base_url(source.publisher).rstrip('/')}/collections/{COLLECTIONS['pand']}/items"
        page, _ = get_json(pdok.Query(url, trial.box, (), MANY).address(), http=trial.http)
        panden = trial.folder / "panden.geojson"
        panden.write_bytes(canonical(_page(page, url)["features"]))
        features = bag.pand_names(panden).of(features)
    path = trial.folder / f"{source.role}.geojson"
    path.write_bytes(canonical(features))
    frame, tally = read(path, source.model_copy(update={"origin": "live"}))
    _compare(verdict, source, features, frame)
    verdict.words.append(f"{len(features)} gelezen, {tally.kept} gebruikt")
    if tally.kept == 0:
        verdict.fail(f"niets bruikbaar van {len(features)}: {_reasons(tally)}")
    elif source.role == "home" and frame["pand_id"].isna().all():
        verdict.fail("geen enkele woning heeft een pand: de dienst noemt panden op een andere manier")
    for name in _ESSENTIAL.get(source.role, ()) if tally.kept else ():
        if frame[name].isna().all() and not any(name in one or "ander type" in one for one in verdict.words):
            verdict.fail(f"{name} is nergens bekend: de kolom heet of schrijft anders")
    if any("ended" in why and count for why, count in tally.left_out.items()):
        verdict.fail("het antwoord heeft beeindigde objecten: de vraag naar het heden wordt niet begrepen")


#: Columns of which a run cannot do without all values, by role.
_ESSENTIAL = {
    "pand": ("bouwjaar",),
    "home": ("floor_area_m2", "street_name"),
    "terrain": ("surface",),
    "sewer_pipe": ("diameter_mm", "from_node"),
    "street_line": ("street_name",),
}


def _reasons(tally: Tally) -> str:
    return ", ".join(f"{count}x {why}" for why, count in tally.left_out.items() if count)


def _compare(verdict: Verdict, source: Source, features: Sequence[Mapping[str, Any]], frame: Any) -> None:
    """Hold the names and values that came against those that our reader knows, and against what it made of them."""
    properties = [one.get("properties") or {} for one in features]
    present = {name for one in properties for name in one}
    known: set[str] = {"id"}
    gone, typed = list[str](), list[str]()
    for ours, raw in raw_names(source.role, source.form).items():
        choices, hit = raw.removesuffix("?").split("|"), column_named(present, raw)
        known |= {one.casefold() for one in (*choices, hit or "")}
        if raw and hit is None:
            gone.append(choices[0])
        values = [one[hit] for one in properties if hit and one.get(hit) not in (None, "", -99997, -99995)]
        if not values or ours not in getattr(frame, "columns", ()) or frame.empty:
            continue
        if frame[ours].isna().all():
            verdict.fail(
                f"{hit} komt binnen als {values[0]!r} ({type(values[0]).__name__}) en gaat verloren: ander type"
            )
        elif isinstance(values[0], str) and frame[ours].dtype.kind in "if":
            typed.append(f"{hit} ({values[0]!r})")
    if typed:
        verdict.words.append(f"getallen als tekst, zo gelezen: {', '.join(typed[:6])}")
    if gone:
        verdict.words.append(f"niet gegeven, mag ontbreken: {', '.join(gone)}")
    if new := sorted(one for one in present if one.casefold() not in known):
        verdict.words.append(f"nieuw of ongebruikt: {', '.join(new[:12])}" + (" ..." if len(new) > 12 else ""))


def _bulk(trial: Trial, source: Source, verdict: Verdict) -> None:
    url = bulk.reachable(publishers.bulk_urls(source.publisher), http=trial.http)
    begun = time.monotonic()
    stated = head(url, http=trial.http)
    verdict.seconds.append(time.monotonic() - begun)
    verdict.headers |= {name: stated[name] for name in (*_HEADERS, "content-length") if name in stated}
    edition = bulk.stated_edition(url, stated, http=trial.http)
    magic = bag.SQLITE_MAGIC if source.publisher == "bag" else (b"fgb\x03fgb",)
    _first_bytes(trial, verdict, url, magic)
    if not edition:
        verdict.fail("geen dag, geen feed en geen ETag: de editie heeft geen naam")
    size = int(stated.get("content-length") or 0) / 1e6
    verdict.words.append(f"editie {edition or 'onbekend'}, {number(size)} MB, adres {url}")


def _first_bytes(trial: Trial, verdict: Verdict, url: str, magic: tuple[bytes, ...]) -> None:
    begun = time.monotonic()
    asked = {"Range": f"bytes=0-{_FIRST_BYTES - 1}", "Accept-Encoding": "identity"}
    answer = get(url, http=trial.http, kinds=(), headers=asked)
    verdict.note(answer, begun)
    if not answer.content.startswith(magic):
        verdict.fail(f"het bestand begint met {answer.content[:16]!r}: een ander soort bestand")
    if answer.status != 206:
        verdict.words.append("geen deel van het bestand te krijgen (range): alleen het geheel")


def _heights(trial: Trial, source: Source, verdict: Verdict) -> None:
    bases = publishers.base_urls(source.publisher)
    index = bulk.reachable([ahn.index_address(one, source.role) for one in bases], http=trial.http)
    content = trial.json(verdict, index)
    verdict.bodies.clear()
    links = ahn.sheets_in(content, trial.box, index)
    if not links:
        verdict.fail("geen blad in het venster")
        return
    _first_bytes(trial, verdict, links[0], TIFF_MAGIC)
    edition = bulk.Feed.beside(index, http=trial.http).edition()
    sheets = len(ahn.sheets_in(content, trial.window, index))
    verdict.words.append(f"editie {edition or 'niet genoemd in de feed'}, {sheets} bladen")


def _statistics(trial: Trial, source: Source, verdict: Verdict) -> None:
    row = publishers.publisher(source.publisher)
    table = source.layer or cbs.tables_until(row.known_editions, source.year)[-1]
    code = str(trial.study.place.gemeentecode)
    ways = {
        "v3": (cbs.fetch_v3, publishers.base_url(source.publisher)),
        "v4": (cbs.fetch_v4, publishers.second_url(source.publisher)),
    }
    works, begun = {}, time.monotonic()
    for way, (fetch, base) in ways.items():
        if not base:
            continue
        begun = time.monotonic()
        try:
            path, _ = fetch(trial.folder / way, base, [code], [table], trial.http)
            frame, tally = cbs.read_kwb(path)
            works[way] = frame
            verdict.words.append(f"OData {way}: {tally.kept} buurten in {number(time.monotonic() - begun, 1)} s")
        except KansenkaartError as why:
            verdict.words.append(f"OData {way}: {_said(why)}")
    verdict.seconds.append(time.monotonic() - begun)
    if not works:
        verdict.fail("geen van beide wegen naar CBS werkt")
    if len(works) > 1 and not works["v3"].equals(works["v4"]):
        verdict.fail("OData v3 en v4 geven niet dezelfde tabel")


def _weather(trial: Trial, source: Source, verdict: Verdict) -> None:
    west, south, east, north = trial.window
    station = knmi.nearest_station((west + east) / 2, (south + north) / 2)
    day = datetime.now(UTC) - timedelta(days=60)
    days = [f"{day - timedelta(days=back):%Y%m%d}" for back in (1, 0)]
    fetch = knmi.fetch_days if source.role == "weather_daily" else knmi.fetch_hours
    asked: dict[str, Any] = {"station": station, "first_day": days[0], "last_day": days[1]}
    begun = time.monotonic()
    path, _ = fetch(trial.folder, base_url=publishers.base_url(source.publisher), http=trial.http, **asked)
    verdict.seconds.append(time.monotonic() - begun)
    frame, tally = read(path, source.model_copy(update={"origin": "live"}))
    sun = "global_radiation_kwh_per_m2" if source.role == "weather_daily" else "ghi_w_per_m2"
    verdict.words.append(f"station {station}: {tally.kept} rijen van twee dagen")
    if frame[sun].isna().all():
        verdict.fail("geen zon in het antwoord")


#: What is asked of the publisher of a role, beside a file of the whole country.
_PROBES: dict[str, Callable[[Trial, Source, Verdict], None]] = {
    **dict.fromkeys(("pand", "home", "terrain", "street_line", "sewer_pipe", "sewer_node"), _collection),
    **dict.fromkeys(("dsm", "dtm"), _heights),
    **dict.fromkeys(("weather_daily", "weather_hourly"), _weather),
    "statistics": _statistics,
}
_DIGITS = re.compile(r"\b\d{16}\b")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_STREET = ("openbare_ruimte_naam", "openbare_ruimte_naam_kort", "stt_naam", "straatnaam")
_NUMBER = ("huisnummer", "huisletter", "toevoeging", "postcode")
#: Where the middle of what is kept is moved to [m]: the place of the invented neighbourhood.
_MOVED_TO_M = (190_320.0, 560_290.0)


class Cleaner:
    """Takes out of answers what could lead to a person: the same id becomes the same other one in every answer.

    Parameters
    ----------
    box : tuple of float
        The window that was asked [m]; its middle is moved to the invented neighbourhood.
    """

    def __init__(self, box: Box) -> None:
        self._ids: dict[str, str] = {}
        self._streets: dict[str, str] = {}
        self._by = (_MOVED_TO_M[0] - round((box[0] + box[2]) / 2), _MOVED_TO_M[1] - round((box[1] + box[3]) / 2))

    def clean(self, value: Any, name: str = "") -> Any:
        """Return a body of JSON, of the property of this name, without ids, streets, numbers and places of its own."""
        if isinstance(value, dict):
            return {
                key: self._moved(one) if key == "coordinates" else self.clean(one, key) for key, one in value.items()
            }
        if isinstance(value, list):
            return [self.clean(one, name) for one in value]
        if name in _STREET and value:
            return self._streets.setdefault(str(value), f"Voorbeeldstraat {len(self._streets) + 1}")
        if name in _NUMBER and value not in (None, ""):
            return {"huisnummer": 1, "postcode": "9999ZZ"}.get(name, "A")
        return _UUID.sub(self._other, _DIGITS.sub(self._other, value)) if isinstance(value, str) else value

    def _other(self, hit: re.Match[str]) -> str:
        found, number = hit[0], len(self._ids) + 1
        if "-" in found:
            return self._ids.setdefault(found, f"00000000-0000-5000-8000-{number:012d}")
        return self._ids.setdefault(found, f"9999{found[4:6]}{number:010d}")

    def _moved(self, nested: Any) -> Any:
        if isinstance(nested, list) and nested and isinstance(nested[0], int | float):
            return [nested[0] + self._by[0], nested[1] + self._by[1], *nested[2:]]
        return [self._moved(one) for one in nested] if isinstance(nested, list) else nested


def write_bodies(verdicts: Sequence[Verdict], box: Box, folder: Path) -> list[Path]:
    """Write the answers of a trial, cleaned, one file per source with address and day; return the files.

    Parameters
    ----------
    verdicts : sequence of Verdict
        Of `try_services`.
    box : tuple of float
        The window that was asked [m].
    folder : Path
        Where to.
    """
    cleaner, written = Cleaner(box), []
    folder.mkdir(parents=True, exist_ok=True)
    for verdict in [one for one in verdicts if one.bodies]:
        path = folder / (re.sub(r"[^a-z0-9]+", "-", verdict.source.lower()).strip("-") + ".json")
        answers = [{"address": address.split("?")[0], "body": cleaner.clean(body)} for address, body in verdict.bodies]
        told = {"source": verdict.source, "date": f"{datetime.now(UTC):%Y-%m-%d}", "answers": answers}
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        written.append(path)
    return written
