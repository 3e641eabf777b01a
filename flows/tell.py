"""What a run did and what a study holds, as plain rows for an artifact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from prefect.artifacts import create_table_artifact

from kansenkaart.tables.provenance import first_day
from kansenkaart.tables.step import Report

_STATUS = {"done": "gemaakt", "unchanged": "ongewijzigd"}


def told(reports: Iterable[Report]) -> list[dict[str, object]]:
    """Return a row per step: its name, what it did, and the rows [1] of its outputs."""
    return [{"stap": one.step, "status": _STATUS[one.status], "rijen": sum(one.rows.values())} for one in reports]


def stock(
    now: Sequence[Mapping[str, Any]], *, before: Sequence[Mapping[str, Any]], today: date
) -> list[dict[str, object]]:
    """Return a row per stored table: its rows, the difference with the last edition, and the age of its data.

    Parameters
    ----------
    now, before : sequence of mapping
        Tables as :func:`kansenkaart.runs.study.status` tells of them, after and before the run.
    today : date
        The day to count from.

    Returns
    -------
    list of dict
        ``ouderdom_dagen`` [day] is that of the oldest delivery, from the first day of a year that is all it names; None
        where no delivery has a date. ``zonder_datum`` names those without one: the table may be older than it says.
    """
    earlier = {one["name"]: int(one["rows"]) for one in before}
    return [
        {
            "tabel": one["name"],
            "rijen": int(one["rows"]),
            "verschil": int(one["rows"]) - earlier[one["name"]] if one["name"] in earlier else None,
            "weggelaten": sum(one["tally"].get("left_out", {}).values()),
            "edities": ", ".join(one["editions"]),
            "oudste": one["as_of"],
            "ouderdom_dagen": age_days(one["as_of"], today),
            "zonder_datum": ", ".join(one["undated"]),
        }
        for one in now
    ]


def age_days(as_of: str | None, today: date) -> int | None:
    """Return how long ago the first day of a date, month or year is [day]; None where it is unknown."""
    return (today - first_day(as_of)).days if as_of else None


def show(kind: str, name: str, rows: list[dict[str, Any]], description: str) -> None:
    """Store rows as a table artifact; its key is made of the kind and the name."""
    key = "-".join(re.findall("[a-z0-9]+", f"{kind} {name}".lower()))
    create_table_artifact(key=key, table=rows, description=description)
