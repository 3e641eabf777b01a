"""Roofs known by nothing but their footprint: what they carry on average, how far one roof and one place may be off.

A footprint tells how wide a building is, whether it stands in a row, how many corners it has and where it faces: slopes of
houses in a row face along their party walls, those of a free house across its longer side. The table of priors
(``data/roof_priors.csv``) holds per kind what roofs of known shape carry, and how far places that were left out lay off::

       row: ridge along the street        free: ridge along the longer side
         ____ ____ ____                       ______________
        |    |    |    |  faces up and       |______________|  faces up and down
        |----|----|----|  down the party     |              |
        |____|____|____|  walls              |______________|

Power on a kind is ``flat + slope * worth``: modules lie on flat parts, and on slopes as far as these are worth it (class A,
B or C of :mod:`kansenkaart.core.solar.classes`), which follows from tilt, direction and weather.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.special import ndtr

from kansenkaart.core.solar.classes import ClassRule
from kansenkaart.errors import ConfigError

Floats = NDArray[np.float64]
TOUCH_M = 0.3  # walls nearer than this are one party wall [m]
ROW_FROM_FRAC, ROW_ALONG_FRAC = 0.1, 0.5  # least share of the outline in party walls, and of these in one direction [1]
STRAIGHT_M = 0.3  # a corner that stands out less is none [m]
LEAST_WALL_OF_M2 = 30.0  # a smaller neighbour (a shed) makes no row [m2]
WIDTHS_M = (0.0, 3.0, 4.2, 5.2, 6.2, 7.5, 9.0, 12.0, 18.0, np.inf)  # narrow side
CORNERS = (0, 6, 11, 10**6)  # 4 or 5; 6 to 10; more
TILT_SHARES = (1 / 6, 1 / 2, 5 / 6)  # quantiles of tilt that stand for a third of the slopes each [1]
WORTH_SPREAD = 0.035  # spread of the sun on a slope of given tilt and direction, as a share of the best [1]
SHRINK_PANDEN = 2.0  # panden of a wider kind that weigh as much as one of its own [1]: least off on places left out
LEAST_PLACES = 3  # with fewer nothing can be said of a place that was left out [1]
LEAST_PANDEN = 30  # fewer panden have the spread of the wider kind [1]


@dataclass(frozen=True)
class OpenSun:
    """Irradiation of open planes at one station, on a grid, and what makes a slope worth its modules there.

    Attributes
    ----------
    months : numpy.ndarray
        (71, 72, 12) irradiation of planes of tilt 0, 1 .. 70 deg facing 0, 5 .. 355 deg [kWh/m2/month].
    flat_months : numpy.ndarray
        (12,) irradiation of modules on the racks of a flat roof, the mean of both ways [kWh/m2/month].
    best_kwh_per_m2 : float
        Of the best open plane of the region [kWh/m2/year].
    rule : ClassRule
        From which share of the best a slope carries modules.
    """

    months: Floats
    flat_months: Floats
    best_kwh_per_m2: float
    rule: ClassRule

    def at(self, tilt_deg: Floats, azimuth_deg: Floats) -> Floats:
        """Return the months of planes at the nearest point of the grid, (..., 12) [kWh/m2/month]."""
        tilt = np.clip(np.rint(tilt_deg), 0, self.months.shape[0] - 1).astype(int)
        turn = np.rint(np.asarray(azimuth_deg) / GRID_DEG).astype(int) % self.months.shape[1]
        return np.asarray(self.months[tilt, turn])


GRID_DEG, STEEPEST_OF_GRID_DEG = 5, 70


def open_grid() -> tuple[Floats, Floats]:
    """Return tilt and azimuth of the planes of :class:`OpenSun`, flattened [deg]."""
    tilt, azimuth = np.meshgrid(np.arange(STEEPEST_OF_GRID_DEG + 1.0), np.arange(0.0, 360.0, GRID_DEG), indexing="ij")
    return tilt.ravel(), azimuth.ravel()


def footprint_shapes(footprints: Sequence[Any]) -> pd.DataFrame:
    """Measure footprints: what a table of priors asks of them.

    Parameters
    ----------
    footprints : sequence of shapely Polygon or MultiPolygon
        All of a place, in RD [m]: neighbours make rows. None or empty ones give NaN.

    Returns
    -------
    pandas.DataFrame
        ``area_m2``, ``width_m`` (narrow side of the smallest rectangle around), ``in_row`` (bool), ``corners`` [1] and
        ``facing_deg`` (direction in which slopes lean, 0 = north, below 180).
    """
    shapes = np.array([one if one is not None and not one.is_empty else None for one in footprints], dtype=object)
    solid = shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[~solid & ~shapely.is_missing(shapes)] = shapely.buffer(shapes[~solid & ~shapely.is_missing(shapes)], 0)
    shapes[shapely.is_empty(shapes)] = None
    wide, long_deg = _rectangles(shapes)
    wall_frac, along_frac, wall_deg = _party_walls(shapes)
    row = (wall_frac >= ROW_FROM_FRAC) & (along_frac > ROW_ALONG_FRAC)
    return pd.DataFrame(
        {
            "area_m2": np.where(shapely.is_missing(shapes), np.nan, shapely.area(shapes)),
            "width_m": wide,
            "in_row": row,
            "corners": _corners(shapes),
            "facing_deg": np.where(row, wall_deg, (long_deg + 90) % 180),
        }
    )


def _rectangles(shapes: NDArray[Any]) -> tuple[Floats, Floats]:
    """Narrow side [m] and direction of the long side [deg] of the smallest rectangle around each shape."""
    wide, turn = np.full(len(shapes), np.nan), np.full(len(shapes), np.nan)
    boxes = shapely.oriented_envelope(shapes)
    kept = np.flatnonzero(shapely.get_type_id(boxes) == shapely.GeometryType.POLYGON)
    if len(kept):
        points = shapely.get_coordinates(boxes[kept]).reshape(len(kept), 5, 2)
        sides = np.diff(points[:, :3], axis=1)
        length = np.hypot(sides[..., 0], sides[..., 1])
        longest = sides[np.arange(len(kept)), length.argmax(axis=1)]
        wide[kept] = length.min(axis=1)
        turn[kept] = np.round(np.degrees(np.arctan2(longest[:, 0], longest[:, 1])), 6) % 180
    return wide, turn


def _corners(shapes: NDArray[Any]) -> NDArray[np.int64]:
    """Corners of the outer rings that stand out [1]."""
    rings = shapely.get_exterior_ring(shapely.simplify(shapely.get_geometry(shapes, 0), STRAIGHT_M))
    return np.maximum(shapely.get_num_points(rings) - 1, 0).astype(np.int64)


def _party_walls(shapes: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Share of the outline in party walls, of these along one direction [1], and that direction [deg], below 180."""
    points, owner = shapely.get_coordinates(
        shapely.get_exterior_ring(shapely.get_geometry(shapes, 0)), return_index=True
    )
    same = owner[1:] == owner[:-1]
    first, step, own = points[:-1][same], np.diff(points, axis=0)[same], owner[1:][same]
    length, count = np.hypot(step[:, 0], step[:, 1]), len(shapes)
    houses = np.flatnonzero(np.nan_to_num(shapely.area(shapes)) >= LEAST_WALL_OF_M2)
    middle = shapely.points(first + step / 2)
    at, by = shapely.STRtree(shapes[houses]).query(middle, predicate="dwithin", distance=TOUCH_M)
    wall = np.zeros(len(length))
    others = at[houses[by] != own[at]]
    wall[others] = length[others]
    turn = 2 * np.arctan2(step[:, 0], step[:, 1])
    total, outline = np.bincount(own, wall, count), np.bincount(own, length, count)
    cos, sin = np.bincount(own, wall * np.cos(turn), count), np.bincount(own, wall * np.sin(turn), count)
    along = np.hypot(cos, sin) / np.where(total > 0, total, 1.0)
    return total / np.where(outline > 0, outline, 1.0), along, np.round(np.degrees(np.arctan2(sin, cos)) / 2, 6) % 180


def kind_of(shapes: pd.DataFrame) -> NDArray[np.int64]:
    """Return the kind of each footprint as its row in the table of priors; an unknown shape counts as the widest kind."""
    width = np.searchsorted(WIDTHS_M[1:-1], np.nan_to_num(shapes["width_m"].to_numpy(float), nan=np.inf), side="right")
    corners = np.searchsorted(CORNERS[1:-1], shapes["corners"].to_numpy(), side="right")
    kind = (width * 2 + shapes["in_row"].to_numpy(bool)) * (len(CORNERS) - 1) + corners
    return np.asarray(kind, dtype=np.int64)


def kinds() -> pd.DataFrame:
    """Return the kinds in order: bounds of the narrow side [m], whether in a row, bounds of the corners [1]."""
    rows = [
        {"width_from_m": low, "width_to_m": high, "in_row": row, "corners_from": few, "corners_to": many}
        for low, high in pairwise(WIDTHS_M)
        for row in (False, True)
        for few, many in pairwise(CORNERS)
    ]
    return pd.DataFrame(rows)


def estimate(shapes: pd.DataFrame, priors: pd.DataFrame, sun: OpenSun) -> pd.DataFrame:
    """Estimate what roofs carry and receive from the shape of their footprints.

    Parameters
    ----------
    shapes : pandas.DataFrame
        As :func:`footprint_shapes` gives them.
    priors : pandas.DataFrame
        One row per kind, as :func:`fit_priors` gives them.
    sun : OpenSun
        The station.

    Returns
    -------
    pandas.DataFrame
        ``kwp`` [kWp] with ``kwp_low`` and ``kwp_high`` (80 % of roofs of a place that was left out), ``flat_kwp`` of it
        on level roofs, ``open_kwh`` on the whole roof [kWh/year], and ``month_01`` .. ``month_12``: irradiation of the
        modules over the 1 kW/m2 at which they are rated, shaded by buildings [kWh/month before losses].
    """
    kind, area = kind_of(shapes), shapes["area_m2"].to_numpy(float)
    facing = np.rint(np.nan_to_num(shapes["facing_deg"].to_numpy(float)) / GRID_DEG).astype(int) % (180 // GRID_DEG)
    worth, months, year = (one[kind, facing] for one in _slopes(priors, sun))
    flat, slope, level, shade = (
        priors[name].to_numpy(float)[kind] for name in ("flat_kwp_per_m2", "slope_kwp_per_m2", "flat_frac", "sun_frac")
    )
    kwp = area * (flat + slope * worth)
    lit = (area * shade)[:, None] * (flat[:, None] * sun.flat_months + slope[:, None] * months)
    low, high = (priors[name].to_numpy(float)[kind] for name in ("low", "high"))
    out = pd.DataFrame({"kwp": kwp, "kwp_low": kwp * low, "kwp_high": kwp * high, "flat_kwp": area * flat})
    out["open_kwh"] = area * (level * sun.at(np.zeros(1), np.zeros(1)).sum() + (1 - level) * year)
    return out.assign(**{f"month_{number + 1:02d}": lit[:, number] for number in range(lit.shape[1])})


def _slopes(priors: pd.DataFrame, sun: OpenSun) -> tuple[Floats, Floats, Floats]:
    """Per kind and direction: share of the slopes worth modules, months on these, and the year per m2 of plan on all."""
    turn = np.arange(0, 180, GRID_DEG)
    main = priors["facing_frac"].to_numpy(float)
    shape = (len(priors), len(turn))
    worth, months, year = np.zeros(shape), np.zeros((*shape, sun.months.shape[-1])), np.zeros(shape)
    for name in ("tilt_low_deg", "tilt_deg", "tilt_high_deg"):
        tilt = np.broadcast_to(priors[name].to_numpy(float)[:, None], shape)
        for way, weight in ((0, main), (180, main), (90, 1 - main), (270, 1 - main)):
            part = weight[:, None] / 6
            lit = sun.at(tilt, np.broadcast_to(turn + way, shape))
            share = lit.sum(axis=-1) / sun.best_kwh_per_m2 * priors["sun_frac"].to_numpy(float)[:, None]
            carries = ndtr((share - sun.rule.fair_frac) / WORTH_SPREAD)
            worth += part * carries
            months += (part * carries)[..., None] * lit
            year += part * lit.sum(axis=-1) / np.cos(np.radians(tilt))
    return worth, months, year


def fit_priors(panden: pd.DataFrame, faces: pd.DataFrame, sun: OpenSun) -> pd.DataFrame:
    """Fit the table of priors on roofs of known shape, and its intervals on places left out one by one.

    A kind of few panden leans on the wider kind (all, width, width and row), as if that counted ``SHRINK_PANDEN`` more.

    Parameters
    ----------
    panden : pandas.DataFrame
        By ``pand_id``: ``place``, the columns of :func:`footprint_shapes`, and ``kwp`` on faces that are worth it [kWp].
    faces : pandas.DataFrame
        Roof faces: ``pand_id``, ``tilt_deg``, ``azimuth_deg``, ``roof_area_m2``, ``kwp_all`` on any face [kWp], ``kwp``
        [kWp] and ``sun_frac``: shaded over open irradiation [1].
    sun : OpenSun
        The station under which ``kwp`` was found.

    Raises
    ------
    ConfigError
        If there are fewer than three places: then nothing can be said of a place that was left out.
    """
    if panden["place"].nunique() < LEAST_PLACES:
        raise too_few_places(panden["place"].nunique())
    priors = _means(panden, faces)
    ratios = []
    for place in sorted(panden["place"].unique()):
        rest = panden["place"] != place
        left = _means(panden[rest], faces[faces["pand_id"].isin(panden.index[rest])])
        guess = estimate(panden[~rest], left.assign(low=0.0, high=0.0), sun)["kwp"].to_numpy()
        ratios.append(
            pd.DataFrame(
                {
                    "kind": kind_of(panden[~rest]),
                    "place": place,
                    "guess": guess,
                    "ratio": panden.loc[~rest, "kwp"].to_numpy(float) / np.maximum(guess, 1e-9),
                }
            )
        )
    return _with_intervals(priors, pd.concat(ratios, ignore_index=True))


def too_few_places(count: int) -> ConfigError:
    """Return the error of a table of priors that could not say how places differ."""
    return ConfigError(
        "roofs of at least three places", found=str(count), where="place", remedy="add tiles of other places"
    )


_LEVELS = 3  # all panden of a width, those in a row or not, and the kind itself


def _groups(kind: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Wider kinds of each kind, widest first."""
    corners = len(CORNERS) - 1
    return [np.zeros_like(kind), kind // (2 * corners), kind // corners, kind]


def _means(panden: pd.DataFrame, faces: pd.DataFrame) -> pd.DataFrame:
    """Return sums over sums per kind, shrunk towards the wider kinds."""
    kind = pd.Series(kind_of(panden), index=panden.index)
    table = kinds()
    area = panden["area_m2"].to_numpy(float)
    flat = faces["tilt_deg"].to_numpy(float) < 10.0
    plan = faces["roof_area_m2"].to_numpy(float) * np.cos(np.radians(faces["tilt_deg"].to_numpy(float)))
    lean = (faces["azimuth_deg"] - faces["pand_id"].map(panden["facing_deg"]) + 90).to_numpy(float) % 180 - 90
    own = faces["pand_id"]
    sums = {
        "flat_kwp_per_m2": (_per_pand(own, faces["kwp_all"].where(flat, 0.0), panden), area),
        "slope_kwp_per_m2": (_per_pand(own, faces["kwp_all"].where(~flat, 0.0), panden), area),
        "flat_frac": (_per_pand(own, np.where(flat, plan, 0.0), panden), _per_pand(own, plan, panden)),
        "facing_frac": (
            _per_pand(own, np.where(~flat & (np.abs(lean) < 45), plan, 0.0), panden),
            _per_pand(own, np.where(flat, 0.0, plan), panden),
        ),
        "sun_frac": (_per_pand(own, faces["kwp"] * faces["sun_frac"], panden), _per_pand(own, faces["kwp"], panden)),
    }
    for name, (top, bottom) in sums.items():
        table[name] = _shrunk(kind.to_numpy(), top, bottom, len(table))
    sloped = faces[~flat].assign(kind=faces["pand_id"].map(kind), plan=plan[~flat])
    for name, share in zip(("tilt_low_deg", "tilt_deg", "tilt_high_deg"), TILT_SHARES, strict=True):
        table[name] = _tilts(sloped, share, len(table))
    table["panden"] = np.bincount(kind, minlength=len(table))
    table["places"] = panden.groupby(kind)["place"].nunique().reindex(range(len(table)), fill_value=0).to_numpy()
    return table


def _per_pand(own: pd.Series, value: Any, panden: pd.DataFrame) -> Floats:
    return (
        pd.Series(np.asarray(value, float))
        .groupby(own.to_numpy())
        .sum()
        .reindex(panden.index, fill_value=0.0)
        .to_numpy()
    )


def _shrunk(kind: NDArray[np.int64], top: Floats, bottom: Floats, count: int) -> Floats:
    """Return sum over sum per kind, each level drawn to the one above by ``SHRINK_PANDEN`` panden of mean size."""
    every = np.arange(count)
    value = np.full(count, top.sum() / bottom.sum())
    pull = SHRINK_PANDEN * bottom.mean()
    for group, wide in zip(_groups(kind)[1:], _groups(every)[1:], strict=True):
        size = int(wide.max()) + 1
        a, b = np.bincount(group, top, size)[wide], np.bincount(group, bottom, size)[wide]
        value = (a + pull * value) / (b + pull)
    return value


def _tilts(sloped: pd.DataFrame, share: float, count: int) -> Floats:
    """Return a quantile of tilt by area per kind [deg]; of the wider kind where there are few panden."""
    every = np.arange(count)
    out = np.full(count, np.nan)
    for group, wide in reversed(list(zip(_groups(sloped["kind"].to_numpy()), _groups(every), strict=True))):
        for one in np.unique(wide[np.isnan(out)]):
            part = sloped[group == one].sort_values("tilt_deg")
            if part["pand_id"].nunique() >= LEAST_PANDEN or wide.max() == 0:
                weight = part["plan"].cumsum() / part["plan"].sum()
                out[(wide == one) & np.isnan(out)] = part["tilt_deg"].to_numpy()[np.searchsorted(weight, share)]
    return out


COVER_LOW, COVER_HIGH = (
    0.09,
    0.91,
)  # quantiles of what was found over what was said that bound 80 % with room for places
BARE_FRAC = 0.1  # where more roofs of a kind than this carry nothing, the low bound is nothing [1]


def _with_intervals(priors: pd.DataFrame, ratios: pd.DataFrame) -> pd.DataFrame:
    """Bound the power of each kind by what was found over what was said, every place left out weighing the same."""
    low, high = np.full(len(priors), np.nan), np.full(len(priors), np.nan)
    every = np.arange(len(priors))
    for group, wide in reversed(list(zip(_groups(ratios["kind"].to_numpy()), _groups(every), strict=True))):
        for one in np.unique(wide[np.isnan(low)]):
            part = ratios[group == one]
            carries = part[part["ratio"] > 0]
            if (len(carries) >= LEAST_PANDEN and carries["place"].nunique() > 2) or wide.max() == 0:
                bare = len(carries) < (1 - BARE_FRAC) * len(part)
                bounds = _quantiles(carries, (0.0, COVER_HIGH - COVER_LOW) if bare else (COVER_LOW, COVER_HIGH))
                mine = (wide == one) & np.isnan(low)
                low[mine], high[mine] = 0.0 if bare else bounds[0], bounds[1]
    return priors.assign(low=low, high=high)


def _quantiles(part: pd.DataFrame, shares: tuple[float, float]) -> Floats:
    weight = 1.0 / part.groupby("place")["ratio"].transform("size").to_numpy(float) ** 0.5
    order = np.argsort(part["ratio"].to_numpy(), kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    at = np.minimum(np.searchsorted(reached, shares), len(order) - 1)
    return np.asarray(part["ratio"].to_numpy(float)[order][at])


def model_interval(
    kwp: Floats, *, basis: NDArray[Any], faces: NDArray[Any], module_kwp: float, rules: pd.DataFrame
) -> tuple[Floats, Floats]:
    """Bound the power that fits on roofs whose faces are known or were found (80 %).

    Parameters
    ----------
    kwp : numpy.ndarray
        Power that fits [kWp].
    basis : numpy.ndarray
        What each was made from; one without a rule gives NaN.
    faces : numpy.ndarray
        Faces of the whole roof [1].
    module_kwp : float
        Power of a module [kWp].
    rules : pandas.DataFrame
        ``data/roof_intervals.csv``: bounds as factors of the power [1], or in modules per root of the modules.

    Returns
    -------
    tuple of numpy.ndarray
        Low and high [kWp].
    """
    low, high = np.full(len(kwp), np.nan), np.full(len(kwp), np.nan)
    step = np.sqrt(np.maximum(np.asarray(kwp, float), module_kwp) * module_kwp)
    for rule in rules.to_dict("records"):
        mine = (np.asarray(basis) == rule["basis"]) & ~(faces < rule["faces_from"]) & ~(faces > rule["faces_to"])
        if np.isnan(rule["low_frac"]):
            low[mine] = (kwp + rule["low_modules"] * step)[mine]
            high[mine] = (kwp + rule["high_modules"] * step)[mine]
        else:
            low[mine], high[mine] = (kwp * rule["low_frac"])[mine], (kwp * rule["high_frac"])[mine]
    return np.maximum(low, 0.0), high


def combined(middle: Floats, *bounds: tuple[Any, Any]) -> tuple[Floats, Floats]:
    """Join intervals that have nothing to do with each other, given as factors of a middle.

    Deviations add up as the root of the sum of their squares, below and above 1 apart.

    Parameters
    ----------
    middle : numpy.ndarray
        The middle values, any unit.
    bounds : tuple of (low, high)
        Factors of the middle [1], arrays or numbers.

    Returns
    -------
    tuple of numpy.ndarray
        Low (not below 0) and high, in the unit of the middle.
    """
    down = sum(np.maximum(1 - np.asarray(low, float), 0.0) ** 2 for low, _ in bounds)
    up = sum(np.maximum(np.asarray(high, float) - 1, 0.0) ** 2 for _, high in bounds)
    return middle * np.maximum(1 - np.sqrt(down), 0.0), middle * (1 + np.sqrt(up))
