"""The street of a pipe that its register does not name, from the named pipes around it.

The candidates are the streets of the named pipes within reach. What speaks for a candidate (its pipes share one manhole or
both, lie close, run on in one line, were laid in the same years ...) is weighed by a conditional logit (McFadden, Conditional
logit analysis of qualitative choice behavior, 1974), learnt from the named pipes of the same place: as many of their names are
hidden as are missing, and found back. No weight is borrowed from elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from kansenkaart.core.water.arrays import Bools, Floats, Ints, Objects, objects

REACH_M = 250.0
LEAST_NAMED = 50
_JOINED_M = 0.5
_HIDINGS = 4
_HIDDEN_FRAC = (0.1, 0.5)
_RIDGE = 1e-3
_YEARS_MOST = 5.0
_NAME, _MOST, _LEAST = "street", "max", "min"


@dataclass(frozen=True)
class _Pairs:
    """Pipes within reach of each other, each pair both ways, and what lies between them."""

    left: Ints
    right: Ints
    tells: pd.DataFrame


def name_pipes(pipe: gpd.GeoDataFrame, *, sure_min: float = 0.0) -> pd.DataFrame:
    """Give each unnamed pipe the likeliest street of the named pipes around it.

    Parameters
    ----------
    pipe : GeoDataFrame
        Clean pipes: `street_name` (None where unknown), `laid_year`, lines [m RD New].
    sure_min : float
        Least sureness of a name that is given [1].

    Returns
    -------
    DataFrame
        In the order of the pipes: `street_name` (as given, or found, or None), `sure_frac` [1] (1 where given, 0 where none),
        `named_by` (register, run, none).
    """
    given = objects(pipe["street_name"])
    named = np.array([name is not None for name in given], dtype=bool)
    sure = named.astype(float)
    if named.sum() < LEAST_NAMED or named.all():
        return _answer(given, named, sure)
    code, names = pd.factorize(pd.Series(given, dtype="object"))
    pairs = _pairs(pipe)
    weight = _learnt(pairs, code, named)
    choice = _candidates(pairs, code, named, ~named)
    if weight is None or choice.empty:
        return _answer(given, named, sure)
    choice["chance"] = _chances(_tells(choice), weight, _places(choice["pipe"]))
    best = choice.sort_values(["chance", _NAME], ascending=[False, True]).drop_duplicates("pipe")
    best = best[best["chance"] >= sure_min]
    filled = given.copy()
    filled[best["pipe"]] = names[best[_NAME]]
    sure[best["pipe"]] = best["chance"]
    return _answer(filled, named, sure)


def _answer(names: Objects, named: Bools, sure: Floats) -> pd.DataFrame:
    by = np.where(named, "register", np.where(sure > 0, "run", "none"))
    return pd.DataFrame({"street_name": names, "sure_frac": sure, "named_by": by})


def _pairs(pipe: gpd.GeoDataFrame) -> _Pairs:
    shapes = pipe.geometry.to_numpy()
    first, last = shapely.get_point(shapes, 0), shapely.get_point(shapes, -1)
    start, end = shapely.get_coordinates(first), shapely.get_coordinates(last)
    near = cKDTree((start + end) / 2).query_pairs(REACH_M, output_type="ndarray")
    left, right = np.concatenate([near, near[:, ::-1]]).T
    along = (end - start) / np.maximum(np.hypot(*(end - start).T), 1e-6)[:, None]
    apart = (start + end)[left] / 2 - (start + end)[right] / 2
    year = pipe["laid_year"].to_numpy(dtype=float, na_value=np.nan)
    offset = np.log1p(np.abs(along[right][:, 0] * apart[:, 1] - along[right][:, 1] * apart[:, 0]))
    parallel = np.abs((along[left] * along[right]).sum(axis=1))
    tells = {
        "at_start": shapely.distance(first[left], shapes[right]) <= _JOINED_M,
        "at_end": shapely.distance(last[left], shapes[right]) <= _JOINED_M,
        "gap": np.log1p(shapely.distance(shapes[left], shapes[right])),
        "offset": offset,
        "parallel": parallel,
        "years": np.nan_to_num(np.minimum(np.abs(year[left] - year[right]), _YEARS_MOST), nan=1.0),
    }
    return _Pairs(left, right, pd.DataFrame(tells))


def _candidates(pairs: _Pairs, code: Ints, named: Bools, asked: Bools) -> pd.DataFrame:
    """One row per asked pipe and street of a named pipe within reach: the strongest of what speaks for it."""
    wanted = asked[pairs.left] & named[pairs.right]
    table = pairs.tells[wanted].assign(pipe=pairs.left[wanted])
    table[_NAME] = code[pairs.right[wanted]]
    best = {"at_start": _MOST, "at_end": _MOST, "gap": _LEAST, "offset": _LEAST, "parallel": _MOST, "years": _LEAST}
    groups = table.groupby(["pipe", _NAME])
    choice = groups.agg(best).assign(pipes=groups.size()).reset_index()
    through = _through_unnamed(pairs, code, named)
    return choice.merge(through, on=["pipe", _NAME], how="left").fillna({"through": 0.0})


def _through_unnamed(pairs: _Pairs, code: Ints, named: Bools) -> pd.DataFrame:
    """Streets that an unnamed pipe touches by way of another unnamed one."""
    joined = (pairs.tells["at_start"] | pairs.tells["at_end"]).to_numpy()
    links = pd.DataFrame({"pipe": pairs.left, "by": pairs.right})
    here, there = named[pairs.left], named[pairs.right]
    first = links[joined & ~here & ~there]
    second = links[joined & ~here & there].rename(columns={"pipe": "by", "by": _NAME})
    second[_NAME] = code[second[_NAME]]
    filled = first.merge(second, on="by").groupby(["pipe", _NAME]).size()
    return filled.clip(upper=2).astype(float).rename("through").reset_index()


def _tells(choice: pd.DataFrame) -> Floats:
    start, end = choice["at_start"].to_numpy(dtype=bool), choice["at_end"].to_numpy(dtype=bool)
    through = choice["through"].to_numpy()
    columns = [
        start & end,
        start ^ end,
        choice["gap"],
        choice["offset"],
        choice["offset"] * choice["parallel"],
        choice["years"],
        through,
        np.minimum(through, 1) * (start ^ end),
        np.log(choice["pipes"]),
    ]
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def _places(pipe: pd.Series) -> Ints:
    return np.unique(pipe.to_numpy(), return_inverse=True)[1].astype(np.int64)


def _chances(tells: Floats, weight: Floats, place: Ints) -> Floats:
    """Chance of each candidate among those of the same pipe."""
    strength = tells @ weight
    strongest = np.full(place.max() + 1, -np.inf)
    np.maximum.at(strongest, place, strength)
    odds = np.exp(strength - strongest[place])
    return np.asarray(odds / np.bincount(place, weights=odds)[place])


def _learnt(pairs: _Pairs, code: Ints, named: Bools) -> Floats | None:
    """Weights that find hidden names back best; None where nothing can be learnt."""
    draw = np.random.default_rng(0)
    hidden_frac = float(np.clip(1 - named.mean(), *_HIDDEN_FRAC))
    rows, right, place = [], [], []
    for hiding in range(_HIDINGS):
        visible = named & (draw.random(len(named)) >= hidden_frac)
        choice = _candidates(pairs, code, visible, named & ~visible)
        hit = code[choice["pipe"]] == choice[_NAME].to_numpy()
        can = pd.Series(hit).groupby(choice["pipe"].to_numpy()).transform("any").to_numpy(dtype=bool)
        rows.append(_tells(choice[can]))
        right.append(hit[can])
        place.append(choice["pipe"].to_numpy()[can] + hiding * len(named))
    tells, hits, at = np.concatenate(rows), np.concatenate(right), _places(pd.Series(np.concatenate(place)))
    return _fitted(tells, hits, at) if hits.any() else None


def _fitted(tells: Floats, hits: Bools, place: Ints) -> Floats:
    """Fit the conditional logit by maximum likelihood with a small ridge on scaled columns."""
    scale = np.maximum(tells.std(axis=0), 1e-9)
    scaled, count = tells / scale, place.max() + 1

    def lost(weight: Floats) -> tuple[float, Floats]:
        chance = _chances(scaled, weight, place)
        missed = -np.log(np.maximum(chance[hits], 1e-12)).sum() / count
        return missed + _RIDGE * weight @ weight, scaled.T @ (chance - hits) / count + 2 * _RIDGE * weight

    return np.asarray(minimize(lost, np.zeros(tells.shape[1]), jac=True, method="L-BFGS-B").x / scale)
