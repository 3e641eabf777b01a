"""What a page of OGC API Features must be: features with ids, in RD New, with the properties that readers need."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kansenkaart.crs import RD, RD_BOUNDS_M, within_rd
from kansenkaart.errors import CrsError, FormatError, IncompleteError
from kansenkaart.sources.tools.transport import same_host

_ID_NAMES = ("identificatie", "lokaal_id", "lokaalid", "buurtcode", "wijkcode", "gemeentecode", "uri")

#: A multipolygon nests its positions four deep; one more for a service that wraps them.
_DEEPEST = 5

Feature = dict[str, Any]
Page = dict[str, Any]
_LATER = "try again later, or use the publisher's bulk file; what was kept before stays in use"


@dataclass(frozen=True)
class Choice:
    """Which part of a collection is asked, and what is kept of what comes.

    Attributes
    ----------
    filters : sequence of (str, str)
        Property filters, such as ``("gemeentecode", "GM0193")``; only names that `kansenkaart.sources.pdok.queryables` gives.
    boxes : sequence of tuple of float
        Boxes that together cover what is wanted of the window, each with few enough features [m].
    name : str
        Goes into the file's name where the choice leaves features out.
    keep : callable, optional
        Says of a feature whether it is wanted.
    adapt : callable, optional
        Returns the feature with what the service says elsewhere; the bytes that came stay in no other way.
    """

    filters: Sequence[tuple[str, str]] = ()
    boxes: Sequence[tuple[float, float, float, float]] = ()
    name: str = ""
    keep: Callable[[Feature], bool] | None = None
    adapt: Callable[[Feature], Feature] | None = None

    def of(self, features: list[Feature]) -> list[Feature]:
        """Return what is kept of a page."""
        kept = features if self.keep is None else [one for one in features if self.keep(one)]
        return kept if self.adapt is None else [self.adapt(one) for one in kept]


def features_of(page: dict[str, Any], *, where: str) -> list[Feature]:
    """Return the features of a page whose coordinates are finite and RD New.

    Parameters
    ----------
    page : dict of str to Any
        A page of a collection.
    where : str
        Its address, for messages.

    Raises
    ------
    CrsError
        If the page names another system, or a coordinate lies outside RD New [m].
    """
    stated = json.dumps(page.get("crs") or "")
    if page.get("crs") and "28992" not in stated:
        raise _wrong_crs(stated, where=where)
    for one in page["features"]:
        geometry = _require_feature(one, where=where).get("geometry")
        coordinates = (geometry or {}).get("coordinates") or []
        if _plainly_in_rd(coordinates):
            continue
        for x, y in positions(coordinates, where=where):
            if not within_rd(x, y):
                raise _wrong_crs(f"coordinate {x}, {y} of {identify(one, where=where)}", where=where)
    return list(page["features"])


def _plainly_in_rd(nested: Any) -> bool:
    """Say whether all positions are numbers within RD New; what is odd in any way is looked at one by one."""
    try:
        if not isinstance(nested[0], list):
            return bool(within_rd(*nested[:2]))
        if isinstance(nested[0][0], list):
            return all(_plainly_in_rd(one) for one in nested)
        across, along = [one[0] for one in nested], [one[1] for one in nested]
        return bool(within_rd(min(across), min(along)) and within_rd(max(across), max(along)))
    except (TypeError, LookupError, ValueError, RecursionError):
        return False


def require_box(features: Sequence[Feature], box: tuple[float, float, float, float], *, where: str) -> None:
    """Check that what came lies where it was asked: a service that ignores ``bbox`` would send the whole country.

    Parameters
    ----------
    features : sequence of Feature
        Of the first page, as `features_of` returns them.
    box : tuple of float
        West, south, east, north [m].
    where : str
        Address, for the message.

    Raises
    ------
    FormatError
        If not one of the first features touches the box.
    """
    shapes = [(one.get("geometry") or {}).get("coordinates") for one in features[:_LOOKED_AT]]
    spots = [spot for one in shapes if one and (spot := list(positions(one, where=where)))]
    near = (box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1)
    if spots and not any(touch(one, near) for one in spots):
        x, y = spots[0][0]
        words = f"{len(spots)} features elsewhere, such as at {x:.0f}, {y:.0f}"
        remedy = "the service does not understand bbox: use the publisher's bulk file"
        raise FormatError(
            f"features in the box {','.join(f'{one:.0f}' for one in box)}", found=words, where=where, remedy=remedy
        )


def touch(spots: list[tuple[float, float]], box: tuple[float, float, float, float]) -> bool:
    """Say whether places [m], of which there is one at least, span a piece of a box [m]; an edge in common is none."""
    across, along = zip(*spots, strict=True)
    return bool(min(across) < box[2] and max(across) > box[0] and min(along) < box[3] and max(along) > box[1])


#: So many features of a page are looked at for where they lie [1].
_LOOKED_AT = 20

#: How a file of features begins and ends; between them stand the features, with commas.
OPENING = b'{"crs":{"properties":{"name":"urn:ogc:def:crs:EPSG::28992"},"type":"name"},"features":['
CLOSING = b'],"type":"FeatureCollection"}\n'


def canonical(features: Sequence[Feature]) -> bytes:
    """Return features as one GeoJSON file in RD New, with the same bytes for the same content.

    Parameters
    ----------
    features : sequence of Feature
        Features of a collection.

    Raises
    ------
    FormatError
        If a text holds half a character, which no file can.
    """
    return OPENING + b",".join(map(canonical_feature, features)) + CLOSING


def canonical_feature(feature: Feature) -> bytes:
    """Return one feature as `canonical` writes it.

    Parameters
    ----------
    feature : dict
        As it came.

    Raises
    ------
    FormatError
        If a text holds half a character, which no file can.
    """
    if isinstance(feature.get("id"), int | float):  # a number is an id too, but libraries take it for a row number
        feature = {**feature, "id": str(feature["id"])}
    text = json.dumps(feature, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return encoded(text, where="the features")


def encoded(text: str, *, where: str) -> bytes:
    """Return text as UTF-8.

    Parameters
    ----------
    text : str
        As a service sent it, or what was made of that.
    where : str
        For the message.

    Raises
    ------
    FormatError
        If it holds half a character, which no file can.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as why:
        around = text[max(why.start - 40, 0) : why.start]
        raise FormatError(
            "texts of whole characters",
            found=f"half a character after {around!r}",
            where=where,
            remedy="the service sends damaged text: ask its publisher",
        ) from why


def _changed(expected: str, found: object, where: str) -> FormatError:
    remedy = "the service changed its shape: adapt the client"
    return FormatError(expected, found=str(found)[:80], where=where, remedy=remedy)


def _require_feature(one: Any, *, where: str) -> Feature:
    parts = [one.get(name) or {} for name in ("geometry", "properties")] if isinstance(one, dict) else [one]
    if not all(isinstance(part, dict) for part in parts):
        raise _changed("a feature with geometry and properties", one, where)
    return dict(one)


def positions(nested: Any, *, where: str, depth: int = 0) -> Iterator[tuple[float, float]]:
    """Yield the positions of a shape [m], however deep GeoJSON nests them; what is infinite or no number lies nowhere.

    Parameters
    ----------
    nested : list
        Its coordinates.
    where : str
        Address, for the message.
    depth : int
        How deep these are nested already [1].

    Raises
    ------
    FormatError
        If they are no numbers, or nested as no shape is.
    """
    if not isinstance(nested, list) or depth > _DEEPEST:
        raise _changed("coordinates as GeoJSON nests them", nested, where)
    if nested and not isinstance(nested[0], list):
        yield _position(nested, where=where)
        return
    for one in nested:
        yield from positions(one, where=where, depth=depth + 1)


def _position(numbers: list[Any], *, where: str) -> tuple[float, float]:
    try:
        x, y = (float(one) for one in numbers[:2])
    except (TypeError, ValueError, OverflowError) as why:
        raise _changed("a position of two or three numbers", numbers, where) from why
    return (x, y) if math.isfinite(x) and math.isfinite(y) else (math.inf, math.inf)


def paged(first: str, ask: Callable[[str], Page]) -> Iterator[tuple[str, Page]]:
    """Yield each page of an answer with its address, from link to link within the host, until one names no next page.

    Parameters
    ----------
    first : str
        Address of the first page.
    ask : callable
        Returns the page at an address, an object with ``features``, or of OData with ``value``.

    Raises
    ------
    IncompleteError
        If a link leads back to an earlier page, or on from an empty one.
    FormatError
        If the links are no list of links, or one leaves the host.
    """
    seen, url = set[str](), first
    while url:
        if url in seen:
            raise IncompleteError("pages that go on", found="a next link to an earlier page", where=url, remedy=_LATER)
        seen.add(url)
        page = ask(url)
        yield url, page
        link = next_link(page, where=url)
        if link and not page.get("features", page.get("value")):
            found = "an empty page with a next link"
            raise IncompleteError("features, or the end", found=found, where=url, remedy=_LATER)
        url = same_host(link, url) if link else ""


def next_link(page: Page, *, where: str) -> str | None:
    """Return the address of the page after this one, None on the last.

    Parameters
    ----------
    page : dict of str to Any
        A page of a collection.
    where : str
        Its address, for messages.

    Raises
    ------
    FormatError
        If the links are no list of links.
    """
    links = page.get("links") or []
    if not isinstance(links, list) or not all(isinstance(one, dict) for one in links):
        raise _changed("a list of links", links, where)
    link = next((one.get("href") for one in links if one.get("rel") == "next"), page.get("@odata.nextLink"))
    if link is not None and not isinstance(link, str):
        raise _changed("an address of the next page", link, where)
    return link


def identify(feature: Feature, *, where: str) -> str:
    """Return the id of a feature: its own, else that of its register.

    Raises
    ------
    FormatError
        If it has none.
    """
    properties = feature.get("properties") or {}
    found = [one for one in (feature.get("id"), *map(properties.get, _ID_NAMES)) if one not in (None, "")]
    if not found:
        raise _changed(
            f"an id, or one of the properties {_ID_NAMES}", f"a feature with {sorted(properties)[:8]}", where
        )
    return str(found[0])


def _wrong_crs(found: str, *, where: str) -> CrsError:
    return CrsError(
        f"coordinates in RD New ({RD}), finite and within {RD_BOUNDS_M} m",
        found=found,
        where=where,
        remedy="the service ignores crs= or sends wild coordinates: use the publisher's bulk file",
    )


def require_names(present: Collection[str], needs: Sequence[str], *, where: str) -> None:
    """Check that each property asked for, ``a|b`` for a choice, is among those present.

    Parameters
    ----------
    present : collection of str
        Names that came.
    needs : sequence of str
        Names asked for.
    where : str
        Address, for the message.

    Raises
    ------
    FormatError
        If one is gone.
    """
    missing = [one for one in needs if not set(present) & set(one.split("|"))]
    if missing:
        raise FormatError(
            f"the properties {missing}",
            found=str(sorted(present)[:12]),
            where=where,
            remedy="the service changed its shape: add the new spelling to data/raw_names.csv",
        )
