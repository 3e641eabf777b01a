"""The figures that every sum rests on: one row, one number, with unit, range, year, source and quality."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from io import StringIO
from typing import Any

import pandas as pd

from kansenkaart.config import OwnFigure, packaged_rows
from kansenkaart.errors import AssumptionError

_SHOWN = 20
QUALITIES = ("measured", "norm", "estimate", "guess")
#: Quality of a figure that a study brings.
OWN = "own"
_COLUMNS = ["name", "value", "low", "high", "unit", "year", "quality", "source", "note"]


@dataclass(frozen=True)
class Assumption:
    """One figure: value and bounds in ``unit``; ``low`` and ``high`` are the value itself where no range is known."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    year: int | None
    quality: str
    source: str
    note: str


class Assumptions(Mapping[str, Assumption]):
    """All assumptions by name; asking for one always names its unit.

    Parameters
    ----------
    rows : mapping of str to Assumption
        The figures by name.
    """

    def __init__(self, rows: Mapping[str, Assumption]) -> None:
        self._rows = dict(rows)

    def __getitem__(self, name: str) -> Assumption:
        if name not in self._rows:
            raise AssumptionError(
                "an assumption that the table holds",
                found=name,
                where="assumptions.csv",
                remedy="add its row with unit, source and quality",
            )
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def value(self, name: str, unit: str) -> float:
        """Return one figure in the unit that the caller expects.

        Parameters
        ----------
        name : str
            Of the figure.
        unit : str
            The unit that the caller works in; another one is an error, never converted.

        Raises
        ------
        AssumptionError
            If there is no such figure, or it has another unit.
        """
        one = self[name]
        if one.unit != unit:
            raise AssumptionError(
                f"{name} [{unit}]",
                found=one.unit,
                where="assumptions.csv",
                remedy="correct the unit in the table or in the caller",
            )
        return one.value


@lru_cache(maxsize=1)
def default() -> Assumptions:
    """Return the project's own table, ``data/assumptions.csv``, with all money at one price level."""
    return at_price_level(parse(_packaged("assumptions.csv"), where="assumptions.csv"))


def with_own(own: Mapping[str, OwnFigure]) -> Assumptions:
    """Return the project's own table with the figures that a study puts in place of some of them.

    Parameters
    ----------
    own : mapping of str to OwnFigure
        As the study states them.

    Raises
    ------
    AssumptionError
        If the table has no such figure, or has it in another unit.
    """
    table = default()
    for name, one in own.items():
        unit = table[name].unit if name in table and name != LEVEL else None
        if unit is None or one.unit not in (None, unit):
            raise AssumptionError(
                "the name and unit of a figure of the table of assumptions",
                found=f"{name[:60]} [{one.unit or ''}]"[:100],
                where="assumptions of the study",
                remedy="correct the name or unit: data/assumptions.csv of the package has them",
            )
    return Assumptions({**table, **{name: _own(table[name], one) for name, one in own.items()}}) if own else table


def _own(now: Assumption, one: OwnFigure) -> Assumption:
    low, high = (one.value if end is None else end for end in (one.low, one.high))
    return replace(now, value=one.value, low=low, high=high, quality=OWN, source=one.source, note="")


def _packaged(name: str) -> str:
    return (files("kansenkaart") / "data" / name).read_text(encoding="utf-8")


#: The figure that names the price level: the year to which amounts are brought and discounted.
LEVEL = "reference_year"
CONSUMER, CIVIL_WORKS = "consumer", "civil works"
#: Figures that follow the prices of civil works; all other money follows consumer prices.
_OF_CIVIL_WORKS = ("decoupling_rain_cost", "rain_decoupling_investment_per_unit")


@lru_cache(maxsize=1)
def price_indices() -> Mapping[str, Mapping[int, Assumption]]:
    """Return the price indices of CBS by name and year, ``data/price_index.csv``."""
    out: dict[str, dict[int, Assumption]] = {}
    for row in packaged_rows("price_index.csv"):
        one = _row({**row, "name": row["index"], "unit": "1", "note": ""})
        out.setdefault(row["index"], {})[int(row["year"])] = one
    return out


def price_factor(index: str, *, year: int, level: int) -> tuple[float, float, float]:
    """Return what brings an amount of one year to a price level [1]: value, low and high.

    A year without a row takes the last row before it; a year before the first row, or after the level, is left as it is
    only where both fall on one row.

    Parameters
    ----------
    index : str
        ``consumer`` or ``civil works``.
    year, level : int
        Year of the amount and of the price level [year].

    Raises
    ------
    AssumptionError
        If there is no such index, or it begins after the year.
    """
    rows = price_indices().get(index, {})
    taken = [max((one for one in rows if one <= asked), default=None) for asked in (year, level)]
    if taken[0] is None or taken[1] is None:
        raise AssumptionError(
            f"a price index {index!r} from {min(year, level)} on",
            found=f"years {sorted(rows)}",
            where="price_index.csv",
            remedy="add the year's row, or give the figure at a later price level",
        )
    if taken[0] == taken[1]:
        return 1.0, 1.0, 1.0
    then, now = rows[taken[0]], rows[taken[1]]
    return now.value / then.value, now.low / then.high, now.high / then.low


def at_price_level(table: Assumptions, level: int | None = None) -> Assumptions:
    """Return the table with every amount of money brought to one price level by the price indices.

    Money is what has EUR in its unit and a year. An amount without a year (a guess) or of the level or later stands.

    Parameters
    ----------
    table : Assumptions
        The figures as they were published.
    level : int, optional
        Price level [year]; the table's own reference year where none is given.
    """
    level = int(table[LEVEL].value) if level is None else level
    return Assumptions({name: _levelled(table[name], level) for name in table})


def _levelled(one: Assumption, level: int) -> Assumption:
    if not one.unit.startswith("EUR") or one.year is None or one.year >= level:
        return one
    index = CIVIL_WORKS if one.name in _OF_CIVIL_WORKS else CONSUMER
    factor = price_factor(index, year=one.year, level=level)[0]
    note = f"{one.value:g} at the price level of {one.year}" + (f"; {one.note}" if one.note else "")
    value, low, high = (factor * end for end in (one.value, one.low, one.high))
    return replace(one, value=value, low=low, high=high, year=level, note=note)


def parse(text: str, *, where: str) -> Assumptions:
    """Parse a table of assumptions.

    Parameters
    ----------
    text : str
        A table as CSV, with its header.
    where : str
        Name of the file, for messages.

    Returns
    -------
    Assumptions
        Its rows by name.

    Raises
    ------
    AssumptionError
        Once, with all that is wrong: columns, doubles, numbers, bounds, units, quality, source.
    """
    return _parsed(*rows_of(text, where=where), where=where)


def _parsed(names: Sequence[str], raws: Sequence[dict[str, str]], *, where: str) -> Assumptions:
    if list(names) != _COLUMNS:
        raise AssumptionError(
            f"the columns {_COLUMNS}", found=str(names)[:500], where=where, remedy="restore the header"
        )
    rows: dict[str, Assumption] = {}
    wrong: list[str] = []
    for number, raw in enumerate(raws, start=2):
        faults = list(_faults(raw, rows))
        wrong += [f"row {number} ({raw.get('name')}): {fault}" for fault in faults]
        if not faults:
            rows[raw["name"]] = _row(raw)
    if wrong:
        raise AssumptionError(
            "rows that hold together", found=listed(wrong), where=where, remedy="correct the rows named"
        )
    return Assumptions(rows)


def listed(faults: Sequence[str]) -> str:
    """Return faults as one sentence that can be read, the first ones in full.

    Parameters
    ----------
    faults : sequence of str
        Sentences.
    """
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return "; ".join(one[:300] for one in faults[:_SHOWN]) + more


def rows_of(text: str, *, where: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and the rows of a CSV table.

    Parameters
    ----------
    text : str
        A CSV file with a header.
    where : str
        Name of the file, for messages.

    Raises
    ------
    AssumptionError
        If a cell is longer than a table of figures can hold.
    """
    reader = csv.DictReader(StringIO(text))
    try:
        return list(reader.fieldnames or []), list(reader)
    except csv.Error as why:
        raise AssumptionError(
            "a CSV table",
            found=str(why),
            where=f"{where}, line {reader.reader.line_num}",
            remedy="correct the line named: a quote may be missing",
        ) from why


def _faults(raw: dict[str, str], seen: Mapping[str, Assumption]) -> Iterator[str]:
    if None in raw or None in raw.values():
        yield "too many or too few columns (quote text that holds a comma)"
        return
    if raw["name"] in seen:
        yield "the name stands twice"
    if not raw["unit"] or (not raw["source"] and raw["quality"] != "guess"):
        yield "no unit or no source"
    if raw["quality"] not in QUALITIES:
        yield f"quality {raw['quality']!r} is none of {QUALITIES}"
    try:
        numbers = _numbers(raw)
    except ValueError:
        yield "value, low, high or year is not a number"
        return
    if not all(map(math.isfinite, numbers)) or not numbers[1] <= numbers[0] <= numbers[2]:
        yield f"low <= value <= high does not hold: {numbers}"


def _numbers(raw: dict[str, str]) -> tuple[float, float, float]:
    value = float(raw["value"])
    _ = int(raw["year"]) if raw["year"] else None
    return value, float(raw["low"] or value), float(raw["high"] or value)


def _row(raw: dict[str, str]) -> Assumption:
    year, texts = int(raw["year"]) if raw["year"] else None, (raw["quality"], raw["source"], raw["note"])
    return Assumption(raw["name"], *_numbers(raw), raw["unit"], year, *texts)


PAYERS = ("household", "roof_owner", "municipality")
TRACKS = ("short", "long")
ITEMS = (
    "present_price",
    "enterprise_price",
    "material_price",
    "hours_per_unit",
    "resident_frac",
    "volunteer_frac",
    "investment_per_unit",
    "life_years",
    "uptake_frac",
    "start_year",
)
_EXTRA = ("service", "item", "payer", "driver", "track")


@dataclass(frozen=True)
class ServiceRows:
    """One service: who pays now, what drives the amount, track and figures by item; and the units of a budget without a price."""

    name: str
    payer: str
    driver: str
    track: str
    figures: Mapping[str, Assumption]
    idle_units: float | None = None


@lru_cache(maxsize=1)
def default_services() -> tuple[ServiceRows, ...]:
    """Return the project's own services, ``data/services.csv``."""
    return parse_services(_packaged("services.csv"), where="services.csv")


def parse_services(text: str, *, where: str) -> tuple[ServiceRows, ...]:
    """Parse a table of services: the columns of the assumptions, then service, item, payer, driver and track.

    Parameters
    ----------
    text : str
        A CSV file with a header.
    where : str
        Name of the file, for messages.

    Raises
    ------
    AssumptionError
        Once, with all rows that are wrong, doubled or missing.
    """
    columns, rows = rows_of(text, where=where)
    if tuple(columns[-len(_EXTRA) :]) != _EXTRA:
        raise AssumptionError(
            f"columns that end with {_EXTRA}", found=str(columns)[:500], where=where, remedy="restore the header"
        )
    plain = [{name: cell for name, cell in row.items() if name not in _EXTRA} for row in rows]
    figures = at_price_level(_parsed(columns[: -len(_EXTRA)], plain, where=where), int(default()[LEVEL].value))
    names = list(dict.fromkeys(row["service"] for row in rows))
    wrong = [
        fault for name in names for fault in _service_faults(name, [row for row in rows if row["service"] == name])
    ]
    if wrong:
        raise AssumptionError(
            "services that are whole", found=listed(wrong), where=where, remedy="correct the rows named"
        )
    return tuple(_service([row for row in rows if row["service"] == name], figures) for name in names)


def _service_faults(name: str, rows: list[dict[str, str]]) -> list[str]:
    items = [row["item"] for row in rows]
    wrong = [f"{name}: {item} is missing" for item in ITEMS if item not in items]
    wrong += [f"{name}: {item} is not an item" for item in items if item not in ITEMS]
    wrong += [f"{name}: {item} stands {items.count(item)} times" for item in set(items) if items.count(item) > 1]
    named = [(row["name"], f"{row['service']}_{row['item']}") for row in rows]
    wrong += [f"{one}: the name is not service and item" for one, asked in named if one != asked]
    if len({(row["payer"], row["driver"], row["track"]) for row in rows}) > 1:
        wrong.append(f"{name}: payer, driver or track differs between its rows")
    if rows[0]["payer"] not in PAYERS or rows[0]["track"] not in TRACKS:
        wrong.append(f"{name}: payer is none of {PAYERS} or track none of {TRACKS}")
    return wrong


def _service(rows: list[dict[str, str]], figures: Mapping[str, Assumption]) -> ServiceRows:
    first = rows[0]
    by_item = {row["item"]: figures[row["name"]] for row in rows}
    return ServiceRows(first["service"], first["payer"], first["driver"], first["track"], by_item)


def with_budgets(
    services: Sequence[ServiceRows], budgets: pd.DataFrame | None, facts: pd.DataFrame
) -> tuple[ServiceRows, ...]:
    """Return the services; where the present budget is known it sets the price per unit, paid now and to the enterprise.

    Parameters
    ----------
    services : sequence of ServiceRows
        As in the project's table.
    budgets : DataFrame or None
        The table ``own_budget``: what is spent now on a ``service`` in the whole study, ``budget_eur_per_year`` [EUR/year].
    facts : DataFrame
        Facts of all parts of the study, which sum to its units; a budget over units that are unknown in one part, or none,
        sets no price, and the service has those units as ``idle_units``.
    """
    if budgets is None:
        return tuple(services)
    spent = budgets.set_index("service")["budget_eur_per_year"].dropna()
    units = {one.driver: float(facts[one.driver].sum(skipna=False)) for one in services}
    return tuple(_with_budget(one, spent.get(one.name), units[one.driver]) for one in services)


def _with_budget(one: ServiceRows, budget: float | None, units: float) -> ServiceRows:
    if budget is None:
        return one
    if not units > 0:
        return replace(one, idle_units=units)
    now = budget / units
    old = one.figures["present_price"].value
    ratio = one.figures["enterprise_price"].value / old if old > 0 else 1.0
    told: dict[str, Any] = {"quality": "measured", "source": "eigen begroting over de hele studie"}
    figures = {
        item: replace(one.figures[item], value=price, low=price, high=price, **told)
        for item, price in (("present_price", now), ("enterprise_price", now * ratio))
    }
    return replace(one, figures={**one.figures, **figures})
