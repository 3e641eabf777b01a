"""The street of a pipe that its register does not name, from the named pipes around it.

Two pipes lie in one street more often when they share a manhole, run on in one line, lie close, were laid in one year and have
one diameter. How much each of these tells is learnt from the named pipes of the same place (logistic regression, Hastie,
Tibshirani and Friedman, The Elements of Statistical Learning, 2009, section 4.4), so no weight is borrowed from elsewhere.
Then the named neighbours vote; a name found counts, with its sureness, in the next round, so names walk along a run.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from kansenkaart.core.water.arrays import Bools, Floats, Ints, Objects, objects

REACH_M = 250.0
LEAST_NAMED = 50
_ROUNDS = 3
_RIDGE = 1e-3
_NEWTON_STEPS = 40
_YEARS_MOST = 5.0
_SURE_MOST = 0.999


def name_pipes(pipe: gpd.GeoDataFrame, *, sure_min: float = 0.0) -> pd.DataFrame:
    """Give each unnamed pipe the street of the named pipes around it.

    Parameters
    ----------
    pipe : GeoDataFrame
        Clean pipes: `street_name` (None where unknown), `diameter_mm`, `laid_year`, lines [m RD New].
    sure_min : float
        Least sureness of a name that is given [1].

    Returns
    -------
    DataFrame
        In the order of the pipes: `street_name` (as given, or found, or None), `sure_frac` [1] (1 where given, 0 where none),
        `named_by` (register, run, none).
    """
    given = objects(pipe["street_name"])
    known = np.array([name is not None for name in given], dtype=bool)
    left, right = _pairs(pipe)
    if known.sum() < LEAST_NAMED or known.all() or not len(left):
        return _told(given, known, np.where(known, 1.0, 0.0), known)
    code = pd.factorize(pd.Series(given, dtype="object"))[0]
    tells = _features(pipe, left, right)
    both = known[left] & known[right]
    alike = _chance(tells, _fitted(tells[both], (code[left] == code[right])[both].astype(float)))
    found, sure = code.astype(np.int64), known.astype(float)
    for _ in range(_ROUNDS):
        found, sure = _vote(code, found, sure, known, left, right, alike)
    names = pd.unique(pd.Series(given, dtype="object").dropna())
    enough = (found >= 0) & (sure >= sure_min)
    out = np.array([names[one] if good else None for one, good in zip(found, enough, strict=True)], dtype=object)
    return _told(out, known, np.where(enough, sure, 0.0), enough)


def _told(names: Objects, known: Bools, sure: Floats, found: Bools) -> pd.DataFrame:
    by = np.where(known, "register", np.where(found, "run", "none"))
    return pd.DataFrame({"street_name": names, "sure_frac": sure, "named_by": by})


def _pairs(pipe: gpd.GeoDataFrame) -> tuple[Ints, Ints]:
    """Pipes whose middles lie within reach, each pair both ways."""
    middle = shapely.line_interpolate_point(pipe.geometry.to_numpy(), 0.5, normalized=True)
    near = cKDTree(shapely.get_coordinates(middle)).query_pairs(REACH_M, output_type="ndarray")
    return np.concatenate([near[:, 0], near[:, 1]]), np.concatenate([near[:, 1], near[:, 0]])


def _features(pipe: gpd.GeoDataFrame, left: Ints, right: Ints) -> Floats:
    """Describe each pair of pipes: shared end, parallelism, gap, offset from the other's line, year and diameter."""
    shapes = pipe.geometry.to_numpy()
    start = shapely.get_coordinates(shapely.get_point(shapes, 0))
    end = shapely.get_coordinates(shapely.get_point(shapes, -1))
    along = (end - start) / np.maximum(np.hypot(*(end - start).T), 1e-6)[:, None]
    middle = (start + end) / 2
    gap = shapely.distance(shapes[left], shapes[right])
    parallel = np.abs((along[left] * along[right]).sum(axis=1))
    apart = middle[left] - middle[right]
    offset = np.abs(along[right][:, 0] * apart[:, 1] - along[right][:, 1] * apart[:, 0])
    year, size = (pipe[name].to_numpy(dtype=float, na_value=np.nan) for name in ("laid_year", "diameter_mm"))
    years = np.nan_to_num(np.minimum(np.abs(year[left] - year[right]), _YEARS_MOST), nan=1.0)
    joined = gap <= 0.5
    columns = [np.ones(len(left)), joined, joined * parallel, parallel, np.log1p(gap), parallel * np.log1p(offset), years,
               size[left] == size[right]]  # fmt: skip
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def _fitted(tells: Floats, alike: Floats) -> Floats:
    """Weights of a logistic regression with a small ridge, by Newton steps."""
    weight = np.zeros(tells.shape[1])
    for _ in range(_NEWTON_STEPS):
        chance = _chance(tells, weight)
        bend = (tells * (chance * (1 - chance))[:, None]).T @ tells / len(tells) + _RIDGE * np.eye(len(weight))
        step = np.linalg.solve(bend, tells.T @ (chance - alike) / len(tells) + _RIDGE * weight)
        weight = weight - step
        if np.abs(step).max() < 1e-8:
            break
    return weight


def _chance(tells: Floats, weight: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(tells @ weight, -30, 30))))


def _vote(
    code: Ints, found: Ints, sure: Floats, known: Bools, left: Ints, right: Ints, alike: Floats
) -> tuple[Ints, Floats]:
    """One round: the street for which the chance that no neighbour is right is smallest."""
    counts = (found[right] >= 0) & ~known[left]
    doubt = np.log1p(-np.minimum(alike[counts] * sure[right[counts]], _SURE_MOST))
    votes = pd.DataFrame({"pipe": left[counts], "street": found[right[counts]], "doubt": doubt})
    total = votes.groupby(["pipe", "street"])["doubt"].sum().reset_index().sort_values(["doubt", "street"])
    best = total.drop_duplicates("pipe")
    new, sureness = code.astype(np.int64), known.astype(float)
    new[best["pipe"]] = best["street"]
    sureness[best["pipe"]] = 1 - np.exp(best["doubt"])
    return new, sureness
