"""Fetches OGC API Features of PDOK: BAG, BGT, sewers, and wijken and buurten, complete or not at all.

Pages are followed by their ``next`` link and kept on disk until the last has come, so that a broken run goes on where
it stopped. A collection counts as complete if no id comes twice, ``numberMatched`` (where given) equals the ids, and
no full last page lacks its ``next`` link; else it is asked again from the start, and then by smaller boxes. Pages that
came with an ETag or a date are asked for on that condition in the next run: what is unchanged is not sent again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from kansenkaart.errors import CrsError, FormatError, IncompleteError
from kansenkaart.sources.publishers import delivery
from kansenkaart.sources.tools.http import Http, get_json, parse_json, same_host, validators
from kansenkaart.sources.tools.ogc import (
    Feature,
    canonical,
    features_of,
    identify,
    next_link,
    require_properties,
    require_rd_header,
)
from kansenkaart.sources.tools.rawfolder import edition_of, keep_file, plain_name, write_atomic
from kansenkaart.sources.tools.rawnames import raw_names
from kansenkaart.tables.provenance import Provenance

#: How PDOK names RD New [OGC API Features part 2, 7.1].
RD_URI = "http://www.opengis.net/def/crs/EPSG/0/28992"
#: Pages of a broken run are used again for so long [s]; later the register may have moved on.
RESUME_WITHIN_S = 3600.0
#: A box is halved in both directions at most so often [1].
MOST_SPLITS = 4
#: The same question is asked so often before boxes are made smaller [1].
SAME_AGAIN = 2

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Query:
    """What is asked of one collection: its address, the box in RD New [m], and property filters."""

    url: str
    bbox_m: Box | None
    filters: tuple[tuple[str, str], ...]
    page_size: int

    def address(self) -> str:
        """Return the address of the first page."""
        asked = {"f": "json", "limit": str(self.page_size), "crs": RD_URI, **dict(self.filters)}
        if self.bbox_m:
            asked |= {"bbox": ",".join(f"{one:.3f}" for one in self.bbox_m), "bbox-crs": RD_URI}
        return f"{self.url}?{urlencode(asked)}"


def needs_of(table: str, form: str = "pdok-geojson") -> tuple[str, ...]:
    """Return the raw columns that the reader of a table cannot do without, ``a|b`` for a choice."""
    return tuple(raw for raw in raw_names(table, form).values() if raw and not raw.endswith("?"))


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
    """

    publisher: str
    collection: str
    base_url: str
    role: str
    needs: tuple[str, ...] = ()
    edition: str | None = None
    year: int | None = None


def fetch_collection(
    folder: Path,
    *,
    layer: Layer,
    http: Http,
    bbox_m: Box | None = None,
    filters: Sequence[tuple[str, str]] = (),
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
    filters : sequence of (str, str)
        Property filters, such as ``("gemeentecode", "GM0193")``.

    Returns
    -------
    path : Path
        ``<folder>/<publisher>/<edition>/<collection>_<area>.geojson``.
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
    url = f"{layer.base_url.rstrip('/')}/collections/{layer.collection}/items"
    query = Query(url, bbox_m, tuple(sorted(filters)), http.page_size)
    asked = hashlib.sha256(query.address().encode()).hexdigest()
    pages = folder / plain_name(layer.publisher) / f".pages-{asked}"
    try:
        found = _complete(query, http, pages, 0)
        features = [found[key] for key in sorted(found)]
        require_properties(features, layer.needs, where=url)
        content = canonical(features)
    except (CrsError, FormatError):
        for refused in (pages, _known(pages)):  # a page that was refused must not come back in the next run
            shutil.rmtree(refused, ignore_errors=True)
        raise
    name = plain_name(f"{layer.collection}_{_area_name(query)}") + ".geojson"
    path, kept = keep_file(folder, layer.publisher, layer.edition or edition_of(content), name, content)
    _remember(pages)
    digest = hashlib.sha256(content).hexdigest()
    return path, delivery(
        layer.publisher, role=layer.role, edition=kept, address=query.address(), sha256=digest, year=layer.year
    )


def _area_name(query: Query) -> str:
    box = [f"{one:.0f}" for one in query.bbox_m] if query.bbox_m else []
    return "_".join([*(value for _, value in query.filters), *box]) or "all"


def _complete(query: Query, http: Http, pages: Path, depth: int) -> dict[str, Feature]:
    trouble, matched = "", 0
    for attempt in range(SAME_AGAIN):
        found, trouble, matched = _gather(query, http, pages if attempt == 0 else None)
        if not trouble:
            return found
        shutil.rmtree(pages, ignore_errors=True)
    if query.bbox_m is None or depth == MOST_SPLITS:
        raise _incomplete(trouble, query)
    union: dict[str, Feature] = {}
    for box in _quarters(query.bbox_m):
        union |= _complete(replace(query, bbox_m=box), http, pages, depth + 1)
    if len(union) < matched:
        raise _incomplete(f"{len(union)} features in smaller boxes where numberMatched says {matched}", query)
    return union


def _incomplete(found: str, query: Query) -> IncompleteError:
    return IncompleteError(
        "every feature once",
        found=found,
        where=query.address(),
        remedy="try again later, or use the publisher's bulk file; what was kept before stays in use",
    )


def _quarters(box: Box) -> Iterator[Box]:
    x0, y0, x1, y1 = box
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    for low_x, high_x in ((x0, middle_x), (middle_x, x1)):
        for low_y, high_y in ((y0, middle_y), (middle_y, y1)):
            yield low_x, low_y, high_x, high_y


def _gather(query: Query, http: Http, pages: Path | None) -> tuple[dict[str, Feature], str, int]:
    found: dict[str, Feature] = {}
    matched: set[int] = set()
    rows, last_rows, broken = 0, 0, ""
    try:
        for page in _walk(query, http, pages):
            features = features_of(page, where=query.url)
            rows, last_rows = rows + len(features), len(features)
            found.update((identify(one, where=query.url), one) for one in features)
            if isinstance(page.get("numberMatched"), int):
                matched.add(page["numberMatched"])
    except IncompleteError as why:
        broken = why.found
    most = max(matched, default=0)
    if broken:
        return found, broken, most
    if rows != len(found):
        return found, f"{rows - len(found)} features twice across pages", most
    if matched and matched != {len(found)}:
        return found, f"{len(found)} features where numberMatched says {sorted(matched)}", most
    if not matched and last_rows >= query.page_size:
        return found, "a full last page without a next link", most
    return found, "", most


def _walk(query: Query, http: Http, pages: Path | None) -> Iterator[dict[str, Any]]:
    url: str | None = query.address()
    seen: set[str] = set()
    while url:
        if url in seen:
            raise IncompleteError("pages that go on", found="a next link to an earlier page", where=url)
        seen.add(url)
        page = _page(url, http, pages)
        yield page
        link = next_link(page, where=url)
        if link and not page["features"]:
            raise IncompleteError("features, or the end", found="an empty page with a next link", where=url)
        url = same_host(link, url) if link else None


def _known(pages: Path) -> Path:
    """Return where the pages of the last complete answer lie, by which the publisher may say "unchanged"."""
    return pages.with_name(pages.name.replace(".pages-", ".known-"))


def _remember(pages: Path) -> None:
    """Keep the pages of a complete answer for the next run, if the publisher gave them an ETag or a date."""
    known = _known(pages)
    shutil.rmtree(known, ignore_errors=True)
    if any(pages.glob("*.http.json")):
        pages.replace(known)
    shutil.rmtree(pages, ignore_errors=True)


def _asked(url: str, http: Http, path: Path | None) -> Any:
    kept, notes = _told(_known(path.parent) / path.name) if path else (b"", {})
    page, answer = get_json(url, http=http, known=notes)
    content = answer.content
    if page is None:
        content, page = kept, parse_json(kept, where=url)
    else:
        require_rd_header(answer.headers.get("content-crs", ""), where=url)
        notes = validators(answer.headers)
    if path:
        write_atomic(path, content)
        if notes:
            told = {**notes, "sha256": hashlib.sha256(content).hexdigest()}
            write_atomic(path.with_suffix(".http.json"), json.dumps(told, sort_keys=True).encode())
    return page


def _told(page: Path) -> tuple[bytes, dict[str, str]]:
    """Return a page of the last complete answer and by what the publisher knows it; nothing if it is not whole."""
    try:
        content, notes = page.read_bytes(), json.loads(page.with_suffix(".http.json").read_bytes())
        whole = notes.pop("sha256") == hashlib.sha256(content).hexdigest()
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return b"", {}
    return (content, notes) if whole else (b"", {})


def _page(url: str, http: Http, pages: Path | None) -> dict[str, Any]:
    path = pages / f"{hashlib.sha256(url.encode()).hexdigest()[:24]}.json" if pages else None
    if path and path.exists() and abs(time.time() - path.stat().st_mtime) < RESUME_WITHIN_S:
        page = parse_json(path.read_bytes(), where=url)
    else:
        page = _asked(url, http, path)
    if not isinstance(page, dict) or not isinstance(page.get("features"), list):
        raise FormatError(
            "a page of OGC API Features: an object with a list of features",
            found=str(page)[:80],
            where=url,
            remedy="the service changed its shape: read its /collections and adapt the client",
        )
    return page
