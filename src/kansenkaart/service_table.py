"""The services of an enterprise as data: ``services.csv``, one row one number, checked like the assumptions."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import StringIO

from kansenkaart.assumptions import Assumption, listed, parse, rows_of
from kansenkaart.errors import AssumptionError

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
    """One service: who pays now, what drives the amount, its track, and its figures by item."""

    name: str
    payer: str
    driver: str
    track: str
    figures: Mapping[str, Assumption]


@lru_cache(maxsize=1)
def default_services() -> tuple[ServiceRows, ...]:
    """Return the project's own services, ``data/services.csv``."""
    return parse_services(
        (files("kansenkaart") / "data" / "services.csv").read_text(encoding="utf-8"), where="services.csv"
    )


def parse_services(text: str, *, where: str) -> tuple[ServiceRows, ...]:
    """Parse a table of services: the columns of the assumptions, then service, item, payer, driver and track.

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
    plain = StringIO()
    writer = csv.DictWriter(plain, columns[: -len(_EXTRA)], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    figures = parse(plain.getvalue(), where=where)
    names = list(dict.fromkeys(row["service"] for row in rows))
    wrong = [fault for name in names for fault in _faults(name, [row for row in rows if row["service"] == name])]
    if wrong:
        raise AssumptionError(
            "services that are whole", found=listed(wrong), where=where, remedy="correct the rows named"
        )
    return tuple(_service([row for row in rows if row["service"] == name], figures) for name in names)


def _faults(name: str, rows: list[dict[str, str]]) -> list[str]:
    items = [row["item"] for row in rows]
    wrong = [f"{name}: {item} is missing" for item in ITEMS if item not in items]
    wrong += [f"{name}: {item} is not an item" for item in items if item not in ITEMS]
    wrong += [f"{name}: {item} stands {items.count(item)} times" for item in set(items) if items.count(item) > 1]
    wrong += [f"{row['name']}: the name is not service and item" for row in rows if row["name"] != _key(row)]
    if len({(row["payer"], row["driver"], row["track"]) for row in rows}) > 1:
        wrong.append(f"{name}: payer, driver or track differs between its rows")
    if rows[0]["payer"] not in PAYERS or rows[0]["track"] not in TRACKS:
        wrong.append(f"{name}: payer is none of {PAYERS} or track none of {TRACKS}")
    return wrong


def _key(row: dict[str, str]) -> str:
    return f"{row['service']}_{row['item']}"


def _service(rows: list[dict[str, str]], figures: Mapping[str, Assumption]) -> ServiceRows:
    first = rows[0]
    by_item = {row["item"]: figures[row["name"]] for row in rows}
    return ServiceRows(first["service"], first["payer"], first["driver"], first["track"], by_item)
