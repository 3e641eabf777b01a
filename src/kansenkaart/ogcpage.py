"""What a page of OGC API Features must be: features with ids, in RD New, with the properties that readers need."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from kansenkaart.crs import RD, RD_BOUNDS_M
from kansenkaart.errors import CrsError, FormatError

_ID_NAMES = ("identificatie", "lokaal_id", "lokaalid", "buurtcode", "wijkcode", "gemeentecode", "uri")

Feature = dict[str, Any]


def features_of(page: dict[str, Any], *, where: str) -> list[Feature]:
    """Return the features of a page whose coordinates are finite and RD New.

    Raises
    ------
    CrsError
        If the page names another system, or a coordinate lies outside RD New [m].
    """
    stated = json.dumps(page.get("crs") or "")
    if page.get("crs") and "28992" not in stated:
        raise _wrong_crs(stated, where=where)
    for one in page["features"]:
        geometry = one.get("geometry") if isinstance(one, dict) else None
        for x, y in _positions((geometry or {}).get("coordinates") or []):
            if not (RD_BOUNDS_M[0] <= x <= RD_BOUNDS_M[2] and RD_BOUNDS_M[1] <= y <= RD_BOUNDS_M[3]):
                raise _wrong_crs(f"coordinate {x}, {y} of {identify(one, where=where)}", where=where)
    return list(page["features"])


def _positions(nested: Any) -> Iterator[tuple[float, float]]:
    if nested and isinstance(nested[0], (int, float)):
        x, y = float(nested[0]), float(nested[1])
        yield (x, y) if math.isfinite(x) and math.isfinite(y) else (math.inf, math.inf)
        return
    for one in nested:
        yield from _positions(one)


def identify(feature: Feature, *, where: str) -> str:
    """Return the id of a feature: its own, else that of its register.

    Raises
    ------
    FormatError
        If it has none.
    """
    if not isinstance(feature, dict):
        raise FormatError("a feature", found=str(feature)[:80], where=where, remedy="adapt the client")
    properties = feature.get("properties") or {}
    found = next((properties[name] for name in _ID_NAMES if properties.get(name)), feature.get("id"))
    found = feature.get("id") if feature.get("id") not in (None, "") else found
    if found in (None, ""):
        raise FormatError(
            f"an id, or one of the properties {_ID_NAMES}",
            found=f"a feature with {sorted(properties)[:8]}",
            where=where,
            remedy="the service changed its shape: adapt the client",
        )
    return str(found)


def require_rd_header(stated: str, *, where: str) -> None:
    """Check the Content-Crs header, where there is one.

    Raises
    ------
    CrsError
        If it names another system.
    """
    if stated and "28992" not in stated:
        raise CrsError(
            f"an answer in RD New ({RD})",
            found=stated,
            where=where,
            remedy="the service ignores crs=: use the bulk file",
        )


def _wrong_crs(found: str, *, where: str) -> CrsError:
    return CrsError(
        f"coordinates in RD New ({RD}), finite and within {RD_BOUNDS_M} m",
        found=found,
        where=where,
        remedy="the service ignores crs= or sends wild coordinates: use the publisher's bulk file",
    )


def require_properties(features: list[Feature], needs: Sequence[str], *, where: str) -> None:
    """Check that each property asked for occurs somewhere in the features.

    Raises
    ------
    FormatError
        If one is gone.
    """
    if not features:
        return
    present = {name for one in features for name in one.get("properties") or {}}
    missing = [one for one in needs if not present & set(one.split("|"))]
    if missing:
        raise FormatError(
            f"the properties {missing}",
            found=str(sorted(present)[:12]),
            where=where,
            remedy="the service changed its shape: add the new spelling to data/raw_names.csv",
        )
