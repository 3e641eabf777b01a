"""Fetches OGC API Features of PDOK: BAG, BGT, sewers, roads, and wijken and buurten, complete or not at all.

The services (server software gokoala) give no count, opaque cursors, a 400 on any parameter that a collection does not
name, and a 500 when a box holds too much. So the area is asked by boxes, each followed by its ``next`` links; a box
that fails for good, or is not complete, is asked again by its quarters. Pages and features stand on disk until the last
has come, so that a broken run goes on where it stopped and memory stays that of one box. A box counts as complete if no
id comes twice and ``numberMatched`` (where given) equals the ids; a full last page without a count is an end that the
quarters must confirm. Pages that came with an ETag or a date are asked for on that condition in the next run.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from kansenkaart.crs import RD
from kansenkaart.errors import CrsError, FetchError, FormatError, IncompleteError, TooMuchError
from kansenkaart.sources.publishers import delivery
from kansenkaart.sources.tools.archives import parse_json
from kansenkaart.sources.tools.http import Http, get_json, remember, remembered, validators
from kansenkaart.sources.tools.ogc import (
    CLOSING,
    OPENING,
    Choice,
    Page,
    canonical_feature,
    features_of,
    identify,
    paged,
    require_box,
    require_names,
)
from kansenkaart.sources.tools.rawfolder import edition_named, keep_draft, plain_name, unwritable, write_atomic
from kansenkaart.sources.tools.rawnames import raw_names
from kansenkaart.tables.provenance import Provenance

#: How PDOK names RD New [OGC API Features part 2, 7.1].
RD_URI = "http://www.opengis.net/def/crs/EPSG/0/28992"
#: Pages of a broken run are used again for so long [s]; later the register may have moved on.
RESUME_WITHIN_S = 6 * 3600.0
#: A box is halved in both directions at most so often [1].
MOST_SPLITS = 4
#: The same question is asked so often before boxes are made smaller [1].
SAME_AGAIN = 2
#: The servers clip a larger limit to this [1].
MOST_PER_PAGE = 1000

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Query:
    """What is asked of one collection: its address, the box in RD New [m], property filters, and the moment."""

    url: str
    bbox_m: Box | None
    filters: tuple[tuple[str, str], ...]
    page_size: int
    instant: str = ""

    def address(self) -> str:
        """Return the address of the first page."""
        asked = {"f": "json", "limit": str(self.page_size), "crs": RD_URI, **dict(self.filters)}
        if self.instant:
            asked["datetime"] = self.instant
        if self.bbox_m:
            asked |= {"bbox": ",".join(f"{one:.3f}" for one in self.bbox_m), "bbox-crs": RD_URI}
        return f"{self.url}?{urlencode(asked)}"


def needs_of(table: str) -> tuple[str, ...]:
    """Return the raw columns that the reader of a table cannot do without, ``a|b`` for a choice.

    Parameters
    ----------
    table : str
        Our name of the table.
    """
    return tuple(raw for raw in raw_names(table, "pdok-geojson").values() if raw and not raw.endswith("?"))


@dataclass(frozen=True)
class Layer:
    """One collection of one publisher.

    Attributes
    ----------
    publisher, collection : str
        As in ``data/sources.csv``; as the service names it, such as ``pand``.
    base_url : str
        From `kansenkaart.sources.publishers.base_url`.
    role : str
        For the provenance.
    needs : tuple of str
        Properties that must be there, ``a|b`` for a choice; see `needs_of`.
    edition : str, optional
        Without an edition of the publisher's own it is named after the bytes.
    year : int, optional
        The year that the figures speak of.
    current : bool
        Whether the register gives its history unless asked for one moment (``datetime``), as the BGT does.
    """

    publisher: str
    collection: str
    base_url: str
    role: str
    needs: tuple[str, ...] = ()
    edition: str | None = None
    year: int | None = None
    current: bool = False

    @property
    def url(self) -> str:
        """Return the address of the items."""
        return f"{self.base_url.rstrip('/')}/collections/{self.collection}/items"


def fetch_collection(
    folder: Path,
    *,
    layer: Layer,
    http: Http,
    bbox_m: Box | None = None,
    choice: Choice | None = None,
    open_pages: list[Path] | None = None,
) -> tuple[Path, Provenance]:
    """Fetch one collection, complete, as one GeoJSON file in RD New, sorted by id.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    layer : Layer
        What to ask for, and where.
    http : Http
        How to ask.
    bbox_m : tuple of float, optional
        Window in RD New [m].
    choice : Choice, optional
        Which part of it is asked, and what is kept of what comes.
    open_pages : list of Path, optional
        Gets the folder of the pages, which then stay until `close_pages`: a run that is killed later on asks none of
        them again.

    Returns
    -------
    path : Path
        ``<folder>/<publisher>/<edition>/<collection>_<area>.geojson``; without features where the publisher has none.
    provenance : Provenance
        With the sha256 of the file.

    Raises
    ------
    FetchError, IncompleteError
        If no usable or no complete answer came.
    CrsError
        If the answer is not in RD New.
    FormatError
        If features lack an id or a needed property.
    """
    choice = choice or Choice()
    query = Query(layer.url, bbox_m, tuple(sorted(choice.filters)), min(http.page_size, MOST_PER_PAGE))
    pages = folder / plain_name(layer.publisher) / f".pages-{hashlib.sha256(query.address().encode()).hexdigest()}"
    address = query.address()  # without the moment: the same question another day is the same delivery
    query = replace(query, instant=_instant(pages)) if layer.current else query
    pull = _Pull(f"{layer.publisher} {layer.collection}", http, pages, choice)
    try:
        with pull.sink:
            for box in choice.boxes or (bbox_m,):
                pull.complete(replace(query, bbox_m=box), 0)
            pull.require(layer.needs, where=layer.url)
            draft, digest = pull.write(folder / plain_name(layer.publisher))
    except (CrsError, FormatError):
        for refused in (pages, _known(pages)):  # a page that was refused must not come back in the next run
            shutil.rmtree(refused, ignore_errors=True)
        raise
    name = plain_name(f"{layer.collection}_{choice.name or _area_name(query)}") + ".geojson"
    edition = layer.edition or edition_named(digest)
    path, kept = keep_draft(folder, layer.publisher, edition, name, draft, digest)
    if open_pages is None:
        close_pages([pages])
    else:
        open_pages.append(pages)
    return path, delivery(
        layer.publisher, role=layer.role, edition=kept, address=address, sha256=digest, year=layer.year
    )


def queryables(base_url: str, collection: str, *, http: Http) -> frozenset[str]:
    """Return the properties by which a collection can be filtered; nothing where the service does not say.

    Parameters
    ----------
    base_url, collection : str
        Where, and which.
    http : Http
        How to ask.

    Raises
    ------
    FetchError
        If the service is out of order.
    """
    url = f"{base_url.rstrip('/')}/collections/{collection}/queryables"
    try:
        content, _ = get_json(url, http=http, params={"f": "json"})
    except FetchError:
        if not http.meter.life_of(url).good:
            raise
        return frozenset()
    properties = content.get("properties") if isinstance(content, dict) else None
    return frozenset(properties) if isinstance(properties, dict) else frozenset()


def close_pages(folders: Sequence[Path]) -> None:
    """End a whole run: pages with an ETag or a date are kept to be asked for on condition, the others go.

    Parameters
    ----------
    folders : sequence of Path
        As `fetch_collection` appends them.
    """
    for pages in folders:
        _remember(pages)


def _instant(pages: Path) -> str:
    """Return the moment that is asked for: of a broken run its own, so that its pages fit, else now."""
    path = pages / "instant"
    if path.exists() and abs(time.time() - path.stat().st_mtime) < RESUME_WITHIN_S:
        return path.read_text("utf-8")
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    write_atomic(path, now.encode())
    return now


def _area_name(query: Query) -> str:
    box = [f"{one:.0f}" for one in query.bbox_m] if query.bbox_m else []
    return "_".join([*(value for _, value in query.filters), *box]) or "all"


@dataclass
class _Pull:
    """One collection on its way: features go to a file beside the pages as soon as their box is complete."""

    source: str
    http: Http
    pages: Path
    choice: Choice
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    asked: int = 0

    def __post_init__(self) -> None:
        """Open the file of features, without a name: another run may ask the same at the same time."""
        try:
            self.pages.mkdir(parents=True, exist_ok=True)
            self.sink = tempfile.TemporaryFile(dir=self.pages)  # noqa: SIM115 - closed by who made the pull
        except OSError as why:
            raise unwritable(self.pages, why) from why

    def complete(self, query: Query, depth: int) -> set[str]:
        """Fetch one box, whole, and return its ids; by quarters where it fails for good or is not complete."""
        mark = self.pages / f"{hashlib.sha256(query.address().encode()).hexdigest()[:24]}.split"
        can_split = query.bbox_m is not None and depth < MOST_SPLITS
        own: set[str] = set()
        matched, trouble, attempt = 0, "", 0
        while not mark.exists() and attempt < SAME_AGAIN:
            try:
                own, trouble, matched = self._gather(query, fresh=attempt > 0, confirm=can_split)
            except TooMuchError:
                if not can_split:
                    raise
                break
            if not trouble:
                return own
            attempt = SAME_AGAIN if trouble == _UNSURE else attempt + 1
        if not can_split:
            raise _incomplete(trouble, query)
        if trouble != _UNSURE:
            write_atomic(mark, b"")
        for box in quarters(query.bbox_m or (0, 0, 0, 0)):
            own = own | self.complete(replace(query, bbox_m=box), depth + 1)
        if len(own) < matched:
            raise _incomplete(f"{len(own)} features in smaller boxes where numberMatched says {matched}", query)
        return own

    def _gather(self, query: Query, *, fresh: bool, confirm: bool) -> tuple[set[str], str, int]:
        found: dict[str, bytes] = {}
        names, ids = set[str](), set[str]()
        rows, sizes, matched, broken = 0, [0], set[int](), ""
        files: list[Path] = []
        try:
            for _, page in paged(query.address(), lambda url: self._ask(url, files, fresh=fresh)):
                features = features_of(page, where=query.url)
                if query.bbox_m and not rows:
                    require_box(features, query.bbox_m, where=query.url)
                returned = page.get("numberReturned")
                if isinstance(returned, int) and returned != len(features):
                    broken = f"{len(features)} features where numberReturned says {returned}"
                    break
                rows += len(features)
                sizes.append(len(features))
                ids.update(identify(one, where=query.url) for one in features)
                features = self.choice.of(features)
                found.update((identify(one, where=query.url), canonical_feature(one)) for one in features)
                names.update(name for one in features for name in one.get("properties") or {})
                if isinstance(page.get("numberMatched"), int):
                    matched.add(page["numberMatched"])
        except IncompleteError as why:
            broken = why.found
        trouble = broken or _trouble(len(ids), rows, matched)
        if trouble:
            for one in files:
                one.unlink(missing_ok=True)
            return set(), trouble, max(matched, default=0)
        self._take(found, names)
        full = sizes[-1] >= query.page_size or (len(sizes) > 2 and sizes[-1] == max(sizes))
        return ids, _UNSURE if full and confirm and not matched else "", max(matched, default=0)

    def _take(self, found: dict[str, bytes], names: set[str]) -> None:
        """Append the features of a box that are not there yet."""
        self.names |= names
        try:
            at = self.sink.seek(0, 2)
            for key, content in found.items():
                if key not in self.places:
                    self.sink.write(content)
                    self.places[key] = (at, len(content))
                    at += len(content)
        except OSError as why:
            raise unwritable(self.pages, why) from why

    def require(self, needs: Sequence[str], *, where: str) -> None:
        """Check the properties of what came, if anything came."""
        if self.places:
            require_names(self.names, needs, where=where)

    def write(self, folder: Path) -> tuple[Path, str]:
        """Write the features, sorted by id, as one file beside its place; return it and its sha256."""
        draft, digest = folder / f".{uuid.uuid4().hex}.part", hashlib.sha256()
        try:
            with draft.open("wb") as out:
                for content in self._parts():
                    digest.update(content)
                    out.write(content)
        except OSError as why:
            draft.unlink(missing_ok=True)
            raise unwritable(draft, why) from why
        return draft, digest.hexdigest()

    def _parts(self) -> Iterator[bytes]:
        yield OPENING
        for number, key in enumerate(sorted(self.places)):
            at, length = self.places[key]
            self.sink.seek(at)
            yield (b"," if number else b"") + self.sink.read(length)
        yield CLOSING

    def _ask(self, url: str, files: list[Path], *, fresh: bool) -> Page:
        """Return a page, of the disk where a broken run left it there, and remember where it lies."""
        files.append(self.pages / f"{hashlib.sha256(url.encode()).hexdigest()[:24]}.json")
        page = _page(url, self.http, files[-1], fresh=fresh)
        self.asked += 1
        self.http.meter.tell(self.source, f"{self.asked} pagina's, {len(self.places)} objecten")
        return page


_UNSURE = "a full last page without a next link"


def _trouble(ids: int, rows: int, matched: set[int]) -> str:
    if rows != ids:
        return f"{rows - ids} features twice across pages"
    if matched and matched != {ids}:
        return f"{ids} features where numberMatched says {sorted(matched)}"
    return ""


def _incomplete(found: str, query: Query) -> IncompleteError:
    return IncompleteError(
        "every feature once",
        found=found,
        where=query.address(),
        remedy="try again later, or use the publisher's bulk file; what was kept before stays in use",
    )


def quarters(box: Box) -> Iterator[Box]:
    """Yield the quarters of a box [m]."""
    x0, y0, x1, y1 = box
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    for low_x, high_x in ((x0, middle_x), (middle_x, x1)):
        for low_y, high_y in ((y0, middle_y), (middle_y, y1)):
            yield low_x, low_y, high_x, high_y


def _known(pages: Path) -> Path:
    """Return where the pages of the last complete answer lie, by which the publisher may say "unchanged"."""
    return pages.with_name(pages.name.replace(".pages-", ".known-"))


def _remember(pages: Path) -> None:
    """Keep the pages of a complete answer for the next run, if the publisher gave them an ETag or a date."""
    known = _known(pages)
    shutil.rmtree(known, ignore_errors=True)
    (pages / "instant").unlink(missing_ok=True)
    if any(pages.glob("*.http.json")):
        pages.replace(known)
    shutil.rmtree(pages, ignore_errors=True)


def _asked(url: str, http: Http, path: Path, *, fresh: bool) -> Any:
    known = _known(path.parent) / path.name
    notes = {} if fresh else remembered(known)
    kept = known.read_bytes() if notes else b""
    page, answer = get_json(url, http=http, known=notes)
    content = answer.content
    if page is None:
        content, page = kept, parse_json(kept, where=url)
    else:
        if (stated := answer.headers.get("content-crs")) and "28992" not in stated:
            remedy = "the service ignores crs=: use the bulk file"
            raise CrsError(f"an answer in RD New ({RD})", found=stated, where=url, remedy=remedy)
        notes = validators(answer.headers)
    write_atomic(path, content)
    if notes:
        remember(path, {**notes, "sha256": hashlib.sha256(content).hexdigest()})
    return page


def _page(url: str, http: Http, path: Path, *, fresh: bool) -> dict[str, Any]:
    if not fresh and path.exists() and abs(time.time() - path.stat().st_mtime) < RESUME_WITHIN_S:
        page = parse_json(path.read_bytes(), where=url)
    else:
        page = _asked(url, http, path, fresh=fresh)
    if not isinstance(page, dict) or not isinstance(page.get("features"), list):
        expected = "a page of OGC API Features: an object with a list of features"
        remedy = "the service changed its shape: read its /collections and adapt the client"
        raise FormatError(expected, found=str(page)[:80], where=url, remedy=remedy)
    return page
