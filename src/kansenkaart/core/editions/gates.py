"""Whether new tables may be published: what they are by themselves, and against the last edition that was."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Summary = Mapping[str, Any]
#: A spread of less than this part of the mean is taken as this part, so that a constant may change a little [1].
_LEAST_SPREAD_FRAC = 0.05


@dataclass(frozen=True)
class Gate:
    """One row of ``data/gates.csv``: a rule with its limits; a missing limit lets everything pass on that side.

    A rule that ``needs`` a table speaks of studies that have it only: without buurten no pand lies in one.
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
        Summary of each table, as :func:`kansenkaart.core.editions.summary.summarise` makes them; ``before`` is empty for a
        first edition, which is judged by itself only.
    gates : sequence of Gate
        Of the rules that speak of a table and column, the last one counts.
    """
    gates = [one for one in gates if not one.needs or one.needs in now]
    found = [Failure(_rule(gates, "gone", name), name, 1.0) for name in before if name not in now]
    for name, summary in now.items():
        found += _alone(name, summary, gates)
        if name in before:
            found += _against(name, summary, before[name], gates)
    return [*found, *_totals(now, gates)]


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


def _drift(rule: Gate, where: str, was: Summary, told: Summary) -> Iterator[Failure]:
    spread = max(was["spread"], _LEAST_SPREAD_FRAC * abs(was["mean"]))
    moved = told["mean"] - was["mean"]
    drift = moved / spread if spread else (0.0 if moved == 0 else float("inf"))
    if not _held(rule, drift):
        yield Failure(rule, where, drift, was["mean"], told["mean"])


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
