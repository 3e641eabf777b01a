"""Scores by published class tables: points per criterion, weighed; a criterion that is unknown is left out, never 0."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kansenkaart.core.water.arrays import Objects
from kansenkaart.errors import SchemaError

GREY, RAIN = "grijswater", "hemelwater"
_COLUMNS = ["score", "criterion", "unit", "low", "high", "points", "weight", "label_nl", "rule_nl"]
_CLASS = "class"


def check_classes(table: pd.DataFrame) -> None:
    """Refuse a class table with gaps, overlaps or changing weights.

    Parameters
    ----------
    table : DataFrame
        Rows of `water_classes.csv`: bounds low <= value < high; empty bounds are open.

    Raises
    ------
    SchemaError
        Naming the first criterion that does not tile its range.
    """
    if missing := [name for name in _COLUMNS if name not in table.columns]:
        raise SchemaError(f"columns {_COLUMNS}", found=f"no {missing}", where="water_classes")
    for key, rows in table.groupby(["score", "criterion"], sort=False):
        low, high = _bounds(rows)
        tiles = np.isneginf(low[0]) and np.isposinf(high[-1]) and (low[1:] == high[:-1]).all() and (low < high).all()
        if not tiles or len(set(rows["weight"])) != 1:
            raise SchemaError("classes that tile the range, one weight", found=str(key), where="water_classes")


def _bounds(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    low = pd.to_numeric(rows["low"]).to_numpy(dtype=float, copy=True)
    high = pd.to_numeric(rows["high"]).to_numpy(dtype=float, copy=True)
    low[np.isnan(low)], high[np.isnan(high)] = -np.inf, np.inf
    return low, high


def points_for(values: pd.Series, *, rows: pd.DataFrame) -> pd.Series:
    """Points [1] of one criterion; unknown stays unknown.

    Parameters
    ----------
    values : Series
        Criterion, in the unit of the rows.
    rows : DataFrame
        Classes of this criterion.
    """
    low, _ = _bounds(rows)
    number = values.to_numpy(dtype=float, na_value=np.nan)
    place = np.clip(np.searchsorted(low, number, side="right") - 1, 0, len(low) - 1)
    points = rows["points"].to_numpy(dtype=float)[place]
    return pd.Series(np.where(np.isnan(number), np.nan, points), index=values.index)


def score_by_classes(street: pd.DataFrame, *, table: pd.DataFrame, score: str, known_min: float = 0.5) -> pd.DataFrame:
    """Weighed mean of the points [0-100] and its class; unknown where less than a share of the weight is known.

    Parameters
    ----------
    street : DataFrame
        One column per criterion.
    table : DataFrame
        Rows of `water_classes.csv`, checked.
    score : str
        `grijswater` or `hemelwater`; never one word for both.
    known_min : float
        Least known share of the weights [1].

    Returns
    -------
    DataFrame
        `score` [0-100], `class` (A best), `known_frac` [1].
    """
    own = table[(table["score"] == score) & (table["criterion"] != _CLASS)]
    total = pd.Series(0.0, index=street.index)
    known, weights = total.copy(), 0.0
    for criterion, rows in own.groupby("criterion", sort=False):
        weight = float(rows["weight"].iloc[0])
        points = points_for(street[str(criterion)], rows=rows)
        total += points.fillna(0.0) * weight
        known += points.notna() * weight
        weights += weight
    value = (total / known.where(known > 0)).where(known >= known_min * weights)
    return pd.DataFrame(
        {"score": value, "class": classes_of(value, table=table, score=score), "known_frac": known / weights}
    )


def classes_of(value: pd.Series, *, table: pd.DataFrame, score: str) -> Objects:
    """Class letter of a score [0-100]; None where unknown.

    Parameters
    ----------
    value : Series
        Score [0-100].
    table : DataFrame
        Rows of `water_classes.csv`.
    score : str
        `grijswater` or `hemelwater`.
    """
    rows = table[(table["score"] == score) & (table["criterion"] == _CLASS)]
    low, _ = _bounds(rows)
    number = value.to_numpy(dtype=float)
    place = np.clip(np.searchsorted(low, number, side="right") - 1, 0, len(low) - 1)
    letters = rows["label_nl"].to_numpy(dtype=object)[place].copy()
    letters[np.isnan(number)] = None
    return np.asarray(letters, dtype=object)
