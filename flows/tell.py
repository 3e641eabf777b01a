"""What a run did and what a study holds, as plain rows for an artifact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from prefect.artifacts import create_table_artifact

from kansenkaart.tables.step import Report

_STATUS = {"done": "gemaakt", "unchanged": "ongewijzigd"}
_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")


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
        ``ouderdom_dagen`` [day] is that of the oldest delivery; None where an edition is not a date.
    """
    earlier = {one["name"]: int(one["rows"]) for one in before}
    return [
        {
            "tabel": one["name"],
            "rijen": int(one["rows"]),
            "verschil": int(one["rows"]) - earlier[one["name"]] if one["name"] in earlier else None,
            "weggelaten": sum(one["tally"].get("left_out", {}).values()),
            "edities": ", ".join(one["editions"]),
            "ouderdom_dagen": _age_days(one["editions"], today),
        }
        for one in now
    ]


def _age_days(editions: Sequence[str], today: date) -> int | None:
    found = [_DAY.search(edition) for edition in editions]
    ages = [(today - date.fromisoformat(one.group(1))).days for one in found if one]
    return max(ages) if ages and len(ages) == len(editions) else None


def show(kind: str, name: str, rows: list[dict[str, Any]], description: str) -> None:
    """Store rows as a table artifact; its key is made of the kind and the name."""
    key = "-".join(re.findall("[a-z0-9]+", f"{kind} {name}".lower()))
    create_table_artifact(key=key, table=rows, description=description)
