"""Editions side by side: a table in a few figures, which rows came, went and changed, and whether the new may be published."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.crs import within_rd


def summarise(frame: pd.DataFrame) -> dict[str, Any]:
    """Return rows, figures per column and figures of the geometry of a table, as plain values.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Any table; geometry in RD New [m].

    Returns
    -------
    dict
        ``rows`` [1]; ``columns``: per column how many values are ``known`` [1], and of numbers their ``sum``, ``mean``
        and ``spread`` (standard deviation) in the column's own unit; ``geometry``: ``invalid`` and ``outside`` (beyond RD
        New, or not finite) [1], ``area_m2`` [m2], ``length_m`` [m] and the mean middle ``x_m``,
        ``y_m`` [m] of the shapes; None for a table without shapes.
    """
    plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    columns = {str(name): _column(plain[name]) for name in plain.columns}
    return {"rows": len(frame), "columns": columns, "geometry": _geometry(frame)}


def _column(values: pd.Series[Any]) -> dict[str, Any]:
    known = values.dropna()
    told: dict[str, Any] = {"known": len(known)}
    if not pd.api.types.is_numeric_dtype(values) or known.empty:
        return told
    numbers = known.to_numpy(dtype=float)
    finite = numbers[np.isfinite(numbers)]
    if len(finite) < len(numbers):
        told["infinite"] = len(numbers) - len(finite)
    if len(finite):
        told |= {"sum": float(finite.sum()), "mean": float(finite.mean()), "spread": float(finite.std())}
    return told


def _geometry(frame: pd.DataFrame) -> dict[str, float] | None:
    if not isinstance(frame, gpd.GeoDataFrame):
        return None
    shapes = frame.geometry.to_numpy()
    box = shapely.bounds(shapes)
    inside = within_rd(box[:, 0], box[:, 1]) & within_rd(box[:, 2], box[:, 3])
    return {
        "invalid": int((~shapely.is_valid(shapes)).sum()),
        "outside": int((~inside).sum()),
        "area_m2": float(np.nansum(shapely.area(shapes))),
        "length_m": float(np.nansum(shapely.length(shapes))),
        **_middle(box[inside]),
    }


def _middle(box: NDArray[np.float64]) -> dict[str, float]:
    if not len(box):
        return {}
    across, along = ((box[:, one] + box[:, one + 2]) / 2 for one in (0, 1))
    return {"x_m": float(across.mean()), "y_m": float(along.mean())}


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
    both = old.index.intersection(new.index)
    names = [name for name in new.columns if name in old.columns]
    old_both, new_both = old.loc[both], new.loc[both]
    different = {name: _different(old_both[name], new_both[name]) for name in names}
    moves = [
        _move(name, old_both[name], new_both[name], different[name])
        for name in names
        if different[name].any() and _is_figure(new_both[name])
    ]
    parts = [
        _listed(new.index.difference(old.index), "added"),
        _listed(old.index.difference(new.index), "gone"),
        _changed(both, different),
    ]
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
    unknown_old, unknown_new = old.isna(), new.isna()
    if _is_figure(old) and _is_figure(new):
        one, two = _floats(old), _floats(new)
        apart = ~np.isclose(one, two, rtol=_EQUAL_FRAC, atol=0.0, equal_nan=True)
    else:
        one, two = (values.astype(object).where(values.notna(), "").to_numpy() for values in (old, new))
        apart = one != two
    either = unknown_old | unknown_new
    return np.where(either, unknown_old != unknown_new, apart)


def _floats(values: pd.Series[Any]) -> NDArray[np.float64]:
    return values.to_numpy(dtype=float, na_value=np.nan)


def _move(name: str, old: pd.Series[Any], new: pd.Series[Any], moved: NDArray[np.bool_]) -> Move:
    one, two = _floats(old)[moved], _floats(new)[moved]
    keys = new.index.to_numpy()[moved]
    size = np.abs(np.nan_to_num(two) - np.nan_to_num(one))
    order = np.lexsort((keys.astype(str), -size))[:_LARGEST]
    largest = tuple((str(keys[i]), _finite(one[i]), _finite(two[i])) for i in order)
    return Move(name, int(moved.sum()), float(np.nansum(one)), float(np.nansum(two)), largest)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _listed(keys: pd.Index[Any], change: str) -> pd.DataFrame:
    return pd.DataFrame({"key": sorted(map(str, keys)), "change": change, "columns": ""})


def _changed(keys: pd.Index[Any], different: dict[str, NDArray[np.bool_]]) -> pd.DataFrame:
    any_of = np.zeros(len(keys), dtype=bool)
    for one in different.values():
        any_of |= one
    at = np.flatnonzero(any_of)
    columns = [" ".join(name for name, one in different.items() if one[i]) for i in at]
    return pd.DataFrame({"key": keys[at], "change": "changed", "columns": columns}).sort_values("key")


Summary = Mapping[str, Any]
#: A spread of less than this part of the mean is taken as this part, so that a constant may change a little [1].
_LEAST_SPREAD_FRAC = 0.05


@dataclass(frozen=True)
class Gate:
    """One row of ``data/gates.csv``: a rule with its limits; a missing limit lets everything pass on that side.

    A rule that ``needs`` a table, or known values in a column of one (``pand.bouwjaar``), speaks of studies that have
    it only: without buurten no pand lies in one.
    """

    gate: str
    table: str
    column: str
    low: float
    high: float
    slack: float
    unit: str
    needs: str
    why: str


@dataclass(frozen=True)
class Failure:
    """A gate that did not hold: where, what was found, what may be, and against which value."""

    gate: Gate
    where: str
    found: float
    before: float | None = None
    now: float | None = None

    def __str__(self) -> str:
        values = "" if self.before is None else f" ({self.before:g} before, {self.now:g} now)"
        return f"{self.gate.gate} of {self.where} is {self.found:.4g}{values}, may be {self.gate.low:g} to {self.gate.high:g}"


def failures(now: Mapping[str, Summary], before: Mapping[str, Summary], gates: Sequence[Gate]) -> list[Failure]:
    """Return the gates that do not hold.

    Parameters
    ----------
    now, before : mapping of str to mapping
        Summary of each table, as :func:`summarise` makes them; ``before`` is empty for a
        first edition, which is judged by itself only.
    gates : sequence of Gate
        Of the rules that speak of a table and column, the last one counts.
    """
    gates = [one for one in gates if not one.needs or _there(one.needs, now)]
    found = [Failure(_rule(gates, "gone", name), name, 1.0) for name in before if name not in now]
    for name, summary in now.items():
        found += _alone(name, summary, gates)
        if name in before:
            found += _against(name, summary, before[name], gates)
    return [*found, *_totals(now, gates)]


def _there(needed: str, now: Mapping[str, Summary]) -> bool:
    table, _, column = needed.partition(".")
    if table not in now or not column:
        return table in now
    return bool(now[table]["columns"].get(column, {}).get("known", 0))


def _rule(gates: Sequence[Gate], gate: str, table: str, column: str = "") -> Gate:
    fit = [
        one
        for one in gates
        if one.gate == gate and fnmatchcase(table, one.table) and (not column or fnmatchcase(column, one.column))
    ]
    anything = Gate(gate, "*", "*", float("-inf"), float("inf"), 0.0, "1", "", "no limit")
    return fit[-1] if fit else anything


def _held(rule: Gate, value: float) -> bool:
    return not (value < rule.low or value > rule.high)


def _alone(name: str, now: Summary, gates: Sequence[Gate]) -> Iterator[Failure]:
    rows = max(int(now["rows"]), 1)
    for kind in ("invalid", "outside") if now["geometry"] else ():
        rule, share = _rule(gates, kind, name), now["geometry"][kind] / rows
        if not _held(rule, share):
            yield Failure(rule, name, share)
    for column, told in now["columns"].items():
        if not _held(rule := _rule(gates, "infinite", name, column), told.get("infinite", 0)):
            yield Failure(rule, f"{name}.{column}", told["infinite"])
        covered = _rule(gates, "covered", name, column)
        if rows > covered.slack and not _held(covered, share := told["known"] / rows):
            yield Failure(covered, f"{name}.{column}", share)
        if "mean" in told and not _held(middle := _rule(gates, "mean", name, column), told["mean"]):
            yield Failure(middle, f"{name}.{column}", told["mean"])


def _against(name: str, now: Summary, before: Summary, gates: Sequence[Gate]) -> Iterator[Failure]:
    yield from _ratio(_rule(gates, "rows", name), name, before["rows"], now["rows"])
    if now["geometry"] and before["geometry"]:
        kind = "area_m2" if before["geometry"]["area_m2"] > 0 else "length_m"
        yield from _ratio(_rule(gates, "size", name), name, before["geometry"][kind], now["geometry"][kind])
        yield from _moved(_rule(gates, "moved", name), name, before["geometry"], now["geometry"])
    for column in [one for one in now["columns"] if one in before["columns"]]:
        told, was, where = now["columns"][column], before["columns"][column], f"{name}.{column}"
        yield from _known(_rule(gates, "known", name, column), where, (was, before["rows"]), (told, now["rows"]))
        drift = _rule(gates, "drift", name, column)
        if "mean" in told and "mean" in was and min(now["rows"], before["rows"]) >= drift.slack:
            yield from _drift(drift, where, was, told)


def _ratio(rule: Gate, where: str, before: float, now: float) -> Iterator[Failure]:
    if abs(now - before) <= rule.slack:
        return
    ratio = now / before if before else float("inf")
    if not _held(rule, ratio):
        yield Failure(rule, where, ratio, before, now)


def _moved(rule: Gate, where: str, before: Summary, now: Summary) -> Iterator[Failure]:
    if "x_m" not in before or "x_m" not in now:
        return
    distance = math.hypot(now["x_m"] - before["x_m"], now["y_m"] - before["y_m"])
    if not _held(rule, distance):
        yield Failure(rule, where, distance)


def _known(rule: Gate, where: str, before: tuple[Summary, int], now: tuple[Summary, int]) -> Iterator[Failure]:
    (was, rows_before), (told, rows) = before, now
    if not rows or not rows_before:
        return
    share_before, share = was["known"] / rows_before, told["known"] / rows
    small = abs(share - share_before) * rows <= rule.slack
    if not small and not _held(rule, share - share_before):
        yield Failure(rule, where, share - share_before, share_before, share)


def _drift(rule: Gate, where: str, before: Summary, now: Summary) -> Iterator[Failure]:
    spread = max(before["spread"], _LEAST_SPREAD_FRAC * abs(before["mean"]))
    moved = now["mean"] - before["mean"]
    drift = moved / spread if spread else (0.0 if moved == 0 else float("inf"))
    if not _held(rule, drift):
        yield Failure(rule, where, drift, before["mean"], now["mean"])


def _totals(now: Mapping[str, Summary], gates: Sequence[Gate]) -> Iterator[Failure]:
    for rule in [one for one in gates if one.gate == "same"]:
        total, parts = _total(now, rule.table), _total(now, rule.column)
        if total is None or parts is None:
            continue
        yield from _ratio(rule, f"{rule.table} to {rule.column}", parts, total)


def _total(now: Mapping[str, Summary], path: str) -> float | None:
    """Return the sum of a column of numbers, or how many values of a column of words are known."""
    table, column = path.split(".")
    told = now.get(table, {}).get("columns", {}).get(column)
    return None if told is None else float(told.get("sum", told["known"]))


def bridge(old: pd.DataFrame, new: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Say of each id of an earlier edition which ids its homes have now, and which ids have no predecessor.

    Parameters
    ----------
    old, new : DataFrame
        ``home_id``, and a column called after the kind with the id of its block or area.
    kind : str
        ``block`` or ``gebied``.

    Returns
    -------
    DataFrame
        ``place_kind``, ``old_uid``, ``new_uid``, ``shared_frac`` (of the old one's homes [1]) and ``bridge_change``:
        ``same``, ``changed`` (same id, other homes), ``moved``, ``gone`` or ``new``.
    """
    was, now = (one.dropna().rename(columns={kind: name}) for one, name in ((old, "old_uid"), (new, "new_uid")))
    many_was, many_now = was["old_uid"].value_counts(), now["new_uid"].value_counts()
    pairs = was.merge(now, on="home_id").groupby(["old_uid", "new_uid"], as_index=False).size()
    lasts = pairs["old_uid"] == pairs["new_uid"]
    whole = (
        lasts & (pairs["size"] == pairs["old_uid"].map(many_was)) & (pairs["size"] == pairs["new_uid"].map(many_now))
    )
    pairs["bridge_change"] = np.select([whole, lasts], ["same", "changed"], "moved")
    pairs["shared_frac"] = (pairs["size"] / many_was.reindex(pairs["old_uid"]).to_numpy()).round(2)
    gone = pd.DataFrame({"old_uid": sorted(set(many_was.index) - set(pairs["old_uid"]))})
    fresh = pd.DataFrame({"new_uid": sorted(set(many_now.index) - set(pairs["new_uid"]))})
    parts = [pairs, gone.assign(bridge_change="gone", shared_frac=0.0), fresh.assign(bridge_change="new")]
    out = pd.concat([one for one in parts if len(one)] or [pairs], ignore_index=True).assign(place_kind=kind)
    return out.reindex(columns=["place_kind", "old_uid", "new_uid", "shared_frac", "bridge_change"])
