"""Roofs known by nothing but their footprint: what they carry on average, how far one roof and one place may be off.

A footprint tells how wide a building is, whether it stands in a row, how many corners it has and where it faces: slopes of
houses in a row face along their party walls, those of a free house across its longer side. How much is built around it
tells town from open country, where roofs are pitched at every size; the year tells the flat roofs of their time. The table
of priors (``data/roof_priors.csv``) holds per kind what roofs of known shape carry, and how far places that were left out
lay off::

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
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
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
YEARS = (0, 1945, 1965, 2000, 10**6)  # building years; a fifth age is the unknown one
AROUND_M = 500.0  # within this distance of a building it counts how much is built [m]
BUILT_FRAC = 0.05  # of the land around, from which a building stands in a town (400 to 600 m and 5 to 7 % do alike) [1]
COARSE_M, HULL_M = 50.0, 20.0  # cell in which footprints are added up, and how far land reaches past the outermost [m]
TILT_SHARES = (1 / 6, 1 / 2, 5 / 6)  # quantiles of tilt that stand for a third of the slopes each [1]
WORTH_SPREAD = 0.035  # spread of the sun on a slope of given tilt and direction, as a share of the best [1]
FULL_KWP_PER_M2 = 0.25  # of footprint, what one roof of 1,859 passes [kWp/m2]
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


def footprint_shapes(footprints: Sequence[Any], bouwjaar: Sequence[Any] | None = None) -> pd.DataFrame:
    """Measure footprints: what a table of priors asks of them.

    Parameters
    ----------
    footprints : sequence of shapely Polygon or MultiPolygon
        All of a place, in RD [m]: neighbours make rows. None or empty ones give NaN.
    bouwjaar : sequence, optional
        Year of each; null where unknown.

    Returns
    -------
    pandas.DataFrame
        ``area_m2``, ``width_m`` (narrow side of the smallest rectangle around), ``in_row`` (bool), ``corners`` [1],
        ``facing_deg`` (direction in which slopes lean, 0 = north, below 180), ``built_frac`` (of the land within
        ``AROUND_M``, as far as there are footprints) and ``bouwjaar`` (NaN where unknown).
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
            "built_frac": _built_around(shapes),
            "bouwjaar": np.nan
            if bouwjaar is None
            else pd.to_numeric(pd.Series(bouwjaar)).to_numpy(float, na_value=np.nan),
        }
    )


def _built_around(shapes: NDArray[Any]) -> Floats:
    """Share of the land around each footprint that is built [1]: land within the hull of all footprints counts, no more."""
    out = np.full(len(shapes), np.nan)
    solid = ~shapely.is_missing(shapes)
    if not solid.any():
        return out
    points, area = shapely.get_coordinates(shapely.centroid(shapes[solid])), shapely.area(shapes[solid])
    corner = points.min(axis=0)
    cells, own = np.unique(((points - corner) // COARSE_M).astype(np.int64), axis=0, return_inverse=True)
    built, middle = np.bincount(own, area, len(cells)), corner + (cells + 0.5) * COARSE_M
    pairs = cKDTree(middle).query_pairs(AROUND_M, output_type="ndarray")
    total = built + sum(np.bincount(pairs[:, one], built[pairs[:, 1 - one]], len(cells)) for one in (0, 1))
    hull = shapely.buffer(shapely.convex_hull(shapely.multipoints(shapely.get_coordinates(shapes[solid]))), HULL_M)
    land = shapely.area(shapely.intersection(shapely.buffer(shapely.points(middle), AROUND_M), hull))
    out[solid] = (total / land)[own]
    return out


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


_AGES, _ROWS, _CORNERS = len(YEARS), 2, len(CORNERS) - 1
_BELOW = (_ROWS * _AGES * _CORNERS * (len(WIDTHS_M) - 1), _ROWS * _AGES * _CORNERS, _AGES * _CORNERS, _CORNERS, 1)


def kind_of(shapes: pd.DataFrame) -> NDArray[np.int64]:
    """Return the kind of each footprint as its row in the table of priors; an unknown shape counts as the widest kind."""
    town = ~(shapes["built_frac"].to_numpy(float) < BUILT_FRAC)
    width = np.searchsorted(WIDTHS_M[1:-1], np.nan_to_num(shapes["width_m"].to_numpy(float), nan=np.inf), side="right")
    year = shapes["bouwjaar"].to_numpy(float)
    age = np.where(np.isnan(year), _AGES - 1, np.searchsorted(YEARS[1:-1], year, side="right"))
    corners = np.searchsorted(CORNERS[1:-1], shapes["corners"].to_numpy(), side="right")
    parts = (town, width, shapes["in_row"].to_numpy(bool), age, corners)
    return np.asarray(sum(part * size for part, size in zip(parts, _BELOW, strict=True)), dtype=np.int64)


def kinds() -> pd.DataFrame:
    """Return the kinds in order: town or not, bounds of the narrow side [m], in a row or not, years, corners [1]."""
    names = ["in_town", "width_from_m", "width_to_m", "in_row", "year_from", "year_to", "corners_from", "corners_to"]
    ages = [*pairwise(YEARS), (np.nan, np.nan)]
    every = product((False, True), pairwise(WIDTHS_M), (False, True), ages, pairwise(CORNERS))
    return pd.DataFrame([(town, *wide, row, *age, *corners) for town, wide, row, age, corners in every], columns=names)


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
    most = np.maximum(np.minimum(kwp * high, area * FULL_KWP_PER_M2), kwp)
    out = pd.DataFrame({"kwp": kwp, "kwp_low": kwp * low, "kwp_high": most, "flat_kwp": area * flat})
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

    A kind of few panden leans on the wider kind (`_groups`), as if that counted ``SHRINK_PANDEN`` more; kinds of unknown age
    learn from panden of all ages.

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
    dated, undated = (_fitted(one, faces, sun) for one in (panden, panden.assign(bouwjaar=np.nan)))
    return dated.where(dated["year_from"].notna(), undated)


def _fitted(panden: pd.DataFrame, faces: pd.DataFrame, sun: OpenSun) -> pd.DataFrame:
    """Fit the table on panden of the ages given.

    The power of each kind is bounded by what was found over what was said on places left out, stretched to hold another place:
    as Romano, Patterson and Candes (2019), Conformalized quantile regression, arXiv:1905.03222, with whole places left out.
    """
    parts, table = [], _levelled(panden, faces, sun)
    for place in sorted(panden["place"].unique()):
        rest = panden["place"] != place
        left = _levelled(panden[rest], faces[faces["pand_id"].isin(panden.index[rest])], sun)
        guess = estimate(panden[~rest], left.assign(low=0.0, high=0.0), sun)["kwp"].to_numpy()
        ratio = panden.loc[~rest, "kwp"].to_numpy(float) / np.maximum(guess, 1e-9)
        parts.append(pd.DataFrame({"kind": kind_of(panden[~rest]), "place": place, "ratio": ratio}))
    ratios = pd.concat(parts, ignore_index=True)
    (low, high), stretch = _bounds(ratios, len(table), LEAST_PLACES_OF_KIND), _stretch(ratios, len(table))
    return table.assign(low=low**stretch, high=high**stretch)


def _levelled(panden: pd.DataFrame, faces: pd.DataFrame, sun: OpenSun) -> pd.DataFrame:
    """Set the power of each kind to what its roofs carry: which slopes are worth it follows from means of tilt and shade."""
    table = _means(panden, faces)
    guess = estimate(panden, table.assign(low=0.0, high=0.0), sun)["kwp"].to_numpy()
    level = _shrunk(kind_of(panden), panden["kwp"].to_numpy(float), guess, len(table))
    return table.assign(**{name: table[name] * level for name in ("flat_kwp_per_m2", "slope_kwp_per_m2")})


def too_few_places(count: int) -> ConfigError:
    """Return the error of a table of priors that could not say how places differ."""
    return ConfigError(
        "roofs of at least three places", found=str(count), where="place", remedy="add tiles of other places"
    )


def _groups(kind: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Wider kinds of each kind, widest first: all, in town or not, of a width, in a row or not, of an age, and itself."""
    return [np.zeros_like(kind), *(kind // size for size in _BELOW)]


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
    table[["tilt_low_deg", "tilt_deg", "tilt_high_deg"]] = _tilts(sloped, len(table))
    table["panden"] = np.bincount(kind, minlength=len(table))
    table["places"] = panden.groupby(kind)["place"].nunique().reindex(range(len(table)), fill_value=0).to_numpy()
    return table


def _per_pand(own: pd.Series, value: Any, panden: pd.DataFrame) -> Floats:
    sums = pd.Series(np.asarray(value, float)).groupby(own.to_numpy()).sum()
    return sums.reindex(panden.index, fill_value=0.0).to_numpy()


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


def _tilts(sloped: pd.DataFrame, count: int) -> Floats:
    """Return quantiles of tilt by area per kind (kinds, 3) [deg]; of the wider kind where there are few panden."""
    sloped, every = sloped.sort_values("tilt_deg"), np.arange(count)
    tilt, plan, own = (sloped[name].to_numpy() for name in ("tilt_deg", "plan", "pand_id"))
    out = np.full((count, len(TILT_SHARES)), np.nan)
    for group, wide in reversed(list(zip(_groups(sloped["kind"].to_numpy()), _groups(every), strict=True))):
        for one in np.intersect1d(wide[np.isnan(out[:, 0])], group):
            part = group == one
            if pd.Series(own[part]).nunique() >= LEAST_PANDEN or wide.max() == 0:
                weight = plan[part].cumsum() / plan[part].sum()
                out[(wide == one) & np.isnan(out[:, 0])] = tilt[part][np.searchsorted(weight, TILT_SHARES)]
    return out


COVER_LOW, COVER_HIGH = 0.09, 0.91  # quantiles of what was found over what was said, before they are stretched [1]
# Of the roofs of another place lie within the bounds that the other places give [1]: less than 0.8, for a whole table has a
# place more behind it than each of those by which it is stretched, and holds more (0.80 gave 0.84 on places left out).
HELD_FRAC = 0.78
LEAST_BOUNDED, LEAST_PLACES_OF_KIND = 15, 2  # panden and places of a kind with bounds of its own [1]
SURE_FRAC = 0.97  # no kind is surer than this (guess) [1]
BARE_FRAC = 0.1  # where more roofs of a kind than this carry nothing, the low bound is nothing [1]


def _bounds(ratios: pd.DataFrame, count: int, places: int) -> tuple[Floats, Floats]:
    """Quantiles of what was found over what was said per kind; of the wider kind where there are few panden or places."""
    low, high = np.full((2, count), np.nan)
    levels = list(zip(_groups(ratios["kind"].to_numpy()), _groups(np.arange(count)), strict=True))
    for group, wide in reversed(levels):
        for one in np.intersect1d(wide[np.isnan(low)], group):
            part = ratios[group == one]
            carries = part[part["ratio"] > 0]
            if (len(carries) >= LEAST_BOUNDED and carries["place"].nunique() >= places) or wide.max() == 0:
                bare = len(carries) < (1 - BARE_FRAC) * len(part)
                ends = _quantiles(carries, (0.0, COVER_HIGH - COVER_LOW) if bare else (COVER_LOW, COVER_HIGH))
                mine = (wide == one) & np.isnan(low)
                low[mine], high[mine] = 0.0 if bare else min(ends[0], SURE_FRAC), max(ends[1], 1 / SURE_FRAC)
    return low, high


def _stretch(ratios: pd.DataFrame, count: int) -> float:
    """How many times the bounds that other places give (logarithms) hold ``HELD_FRAC`` of the roofs of a place, places alike."""
    far, weight = [], []
    for place in ratios["place"].unique():
        away = ratios["place"] == place
        low, high = _bounds(ratios[~away], count, LEAST_PLACES_OF_KIND - 1)
        own = ratios[away & (ratios["ratio"] > 0)]
        kind, off = own["kind"].to_numpy(), np.log(own["ratio"].to_numpy(float))
        with np.errstate(divide="ignore"):  # a bound of nothing holds all that lies below
            far.append(off / np.log(np.where(off >= 0, high[kind], low[kind])))
        weight.append(np.full(len(own), len(own) ** -0.5))
    reach, share = np.concatenate(far), np.concatenate(weight)
    order = np.argsort(reach, kind="stable")
    held = int(np.searchsorted(np.cumsum(share[order]) / share.sum(), HELD_FRAC))
    return max(float(reach[order][min(held, len(order) - 1)]), 1.0)


def _quantiles(part: pd.DataFrame, shares: tuple[float, float]) -> Floats:
    weight = 1.0 / part.groupby("place")["ratio"].transform("size").to_numpy(float) ** 0.5
    order = np.argsort(part["ratio"].to_numpy(), kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    at = np.minimum(np.searchsorted(reached, shares), len(order) - 1)
    return np.asarray(part["ratio"].to_numpy(float)[order][at])


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
