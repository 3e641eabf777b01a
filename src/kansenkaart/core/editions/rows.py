"""Which rows of a table came, went and changed between two editions, and how far its figures moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

_LARGEST = 10
# Two floats that differ by less are the same figure, summed in another order [1].
_EQUAL_FRAC = 1e-9


@dataclass(frozen=True)
class Move:
    """How one figure of a table moved, over the rows that both editions have.

    Attributes
    ----------
    column : str
        Its name.
    moved : int
        Rows in which it has another value, was unknown or became unknown [1].
    total_before, total_now : float
        Sum over those rows, in the column's own unit; unknown values count nowhere.
    largest : tuple
        Key, value before and value now of the rows that moved most, the largest first.
    """

    column: str
    moved: int
    total_before: float
    total_now: float
    largest: tuple[tuple[str, float | None, float | None], ...]


@dataclass(frozen=True)
class Rows:
    """What became of the rows of a table between two editions.

    Attributes
    ----------
    before, now : int
        Rows [1].
    changes : DataFrame
        A row per row that differs: ``key``, ``change`` (added, gone, changed) and ``columns`` (those that changed).
    moves : tuple of Move
        One per figure that moved.
    """

    before: int
    now: int
    changes: pd.DataFrame
    moves: tuple[Move, ...]

    def count(self, change: str) -> int:
        """Return how many rows were added, gone or changed [1]."""
        return int((self.changes["change"] == change).sum())


def compare(before: pd.DataFrame, now: pd.DataFrame, *, key: Sequence[str]) -> Rows:
    """Compare two editions of a table row by row.

    Parameters
    ----------
    before, now : DataFrame or GeoDataFrame
        The table in both editions; columns that one of them lacks are not compared.
    key : sequence of str
        Columns that tell a row from all others.
    """
    old, new = _keyed(before, key), _keyed(now, key)
    both = old.index.intersection(new.index, sort=False)
    names = [name for name in new.columns if name in old.columns]
    old_both, new_both = old.loc[both], new.loc[both]
    different = {name: _different(old_both[name], new_both[name]) for name in names}
    moves = [_move(name, old_both[name], new_both[name], different[name]) for name in names
             if different[name].any() and _is_figure(new_both[name])]  # fmt: skip
    parts = [_listed(new.index.difference(old.index), "added"), _listed(old.index.difference(new.index), "gone"),
             _changed(both, different)]  # fmt: skip
    return Rows(len(old), len(new), pd.concat(parts, ignore_index=True), tuple(moves))


def _keyed(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    if isinstance(frame, gpd.GeoDataFrame):
        plain["geometry"] = shapely.to_wkb(frame.geometry.to_numpy())
    index = plain[list(key)].astype(str).agg(" ".join, axis=1) if len(plain) else pd.Index([], dtype=str)
    return plain.drop(columns=list(key)).set_axis(pd.Index(index, name="key"), axis=0)


def _is_figure(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _different(old: pd.Series[Any], new: pd.Series[Any]) -> NDArray[np.bool_]:
    unknown_old, unknown_new = old.isna().to_numpy(), new.isna().to_numpy()
    if _is_figure(old) and _is_figure(new):
        one, two = _floats(old), _floats(new)
        apart = ~np.isclose(one, two, rtol=_EQUAL_FRAC, atol=0.0, equal_nan=True)
    else:
        apart = old.astype(object).to_numpy() != new.astype(object).fillna(False).to_numpy()
    either = unknown_old | unknown_new
    return np.where(either, unknown_old != unknown_new, apart).astype(bool)


def _floats(values: pd.Series[Any]) -> NDArray[np.float64]:
    return values.to_numpy(dtype=float, na_value=np.nan)


def _move(name: str, old: pd.Series[Any], new: pd.Series[Any], moved: NDArray[np.bool_]) -> Move:
    one, two = _floats(old)[moved], _floats(new)[moved]
    keys = new.index.to_numpy()[moved]
    size = np.abs(np.nan_to_num(two) - np.nan_to_num(one))
    order = np.lexsort((keys.astype(str), -size))[:_LARGEST]
    largest = tuple((str(keys[i]), _known(one[i]), _known(two[i])) for i in order)
    return Move(name, int(moved.sum()), float(np.nansum(one)), float(np.nansum(two)), largest)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _listed(keys: pd.Index[Any], change: str) -> pd.DataFrame:
    return pd.DataFrame({"key": sorted(map(str, keys)), "change": change, "columns": ""})


def _changed(keys: pd.Index[Any], different: dict[str, NDArray[np.bool_]]) -> pd.DataFrame:
    any_of = np.zeros(len(keys), dtype=bool)
    for one in different.values():
        any_of |= one
    at = np.flatnonzero(any_of)
    columns = [" ".join(name for name, one in different.items() if one[i]) for i in at]
    out = pd.DataFrame({"key": keys.to_numpy()[at].astype(str), "change": "changed", "columns": columns})
    return out.sort_values("key", ignore_index=True)
