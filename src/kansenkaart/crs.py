"""Reference systems: RD New for everything we compute, NAP for heights, WGS84 only at the edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kansenkaart.errors import ConfigError, CrsError

if TYPE_CHECKING:
    import geopandas as gpd

RD = "EPSG:28992"
RD_NAP = "EPSG:7415"
WGS84 = "EPSG:4326"

# Area of use of RD New, [m]: Dutch land and territorial waters (EPSG registry, area 1275, rounded outwards).
RD_BOUNDS_M = (-7_000.0, 289_000.0, 300_000.0, 629_000.0)

_RD_CODES = {28992, 7415}


def require_rd(frame: gpd.GeoDataFrame, *, where: str = "") -> gpd.GeoDataFrame:
    """Return the frame if its coordinates are RD New, refuse it otherwise; nothing is reprojected silently.

    Parameters
    ----------
    frame : GeoDataFrame
        Any number of rows; an empty frame still needs its reference system.
    where : str
        File or table, for the message.

    Raises
    ------
    CrsError
        If the system is unknown, another one, or the coordinates lie outside its area of use [m].
    """
    found = frame.crs
    if found is None:
        raise CrsError(
            f"coordinates in RD New ({RD})",
            found="no reference system",
            where=where,
            remedy="set the reference system in the source, or name it in the study file",
        )
    horizontal = found.sub_crs_list[0] if found.is_compound else found
    if found.to_epsg() not in _RD_CODES and horizontal.to_epsg() not in _RD_CODES:
        raise CrsError(
            f"coordinates in RD New ({RD})",
            found=str(found.to_string()),
            where=where,
            remedy="reproject the file to RD New before reading it, for instance with ogr2ogr -t_srs EPSG:28992",
        )
    _require_bounds(frame, where)
    return frame


def within_rd(x: Any, y: Any) -> Any:
    """Return whether places lie within the area of use of RD New, its border included; what is no number does not.

    Parameters
    ----------
    x, y : float or array
        Coordinates [m].
    """
    west, south, east, north = RD_BOUNDS_M
    return (west <= x) & (x <= east) & (south <= y) & (y <= north)


def rd_point(place: Any, *, where: str) -> tuple[float, float]:
    """Return the coordinates [m] of a place in RD New.

    Parameters
    ----------
    place : pair of float or Point
        x and y [m].
    where : str
        For the message.

    Raises
    ------
    ConfigError
        If it is no pair of numbers, or lies outside the area of use of RD New.
    """
    try:
        x, y = map(float, place.coords[0] if hasattr(place, "coords") else place)
    except (TypeError, ValueError):
        x = y = float("nan")
    if not within_rd(x, y):
        raise ConfigError(
            "a point in RD New [m], x first",
            found=str(place)[:80],
            where=where,
            remedy="such as 155000,463000; degrees are not taken",
        )
    return x, y


def _require_bounds(frame: gpd.GeoDataFrame, where: str) -> None:
    if (frame.geometry.is_empty | frame.geometry.isna()).all():
        return
    x0, y0, x1, y1 = frame.total_bounds
    if within_rd(x0, y0) and within_rd(x1, y1):
        return
    raise CrsError(
        f"RD New coordinates within {RD_BOUNDS_M} m",
        found=f"bounds {x0:.1f}, {y0:.1f}, {x1:.1f}, {y1:.1f}",
        where=where,
        remedy="the file says RD New but holds other coordinates (degrees, or x and y swapped): mend the source",
    )
