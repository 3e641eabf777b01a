"""What a run did and what a study holds, as plain rows for an artifact."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.exceptions import MissingContextError
from prefect.runtime import flow_run

from kansenkaart.tables.provenance import first_day
from kansenkaart.tables.step import Report

#: How far a source is, is said at most so often [s].
_BETWEEN_PAGES_S = 60.0
_STATUS = {"done": "gemaakt", "unchanged": "ongewijzigd"}
_WHY = {
    "first": "nog niet gemaakt",
    "inputs": "andere invoer:",
    "parameters": "andere instellingen",
    "other": "andere code of levering",
}


def told(reports: Iterable[Report]) -> list[dict[str, object]]:
    """Return a row per step: its name, what it did and why, the rows [1] of its outputs, how long it took [s], its outputs."""
    return [
        {
            "stap": one.step,
            "status": _STATUS[one.status],
            "rijen": sum(one.rows.values()),
            "seconden": None if one.seconds is None else round(one.seconds, 1),
            "waarom": why_of(one),
            "uitvoer": list(one.rows),
        }
        for one in reports
    ]


def why_of(report: Report) -> str:
    """Say why a step was made or skipped; nothing where that is not kept, as for pages."""
    if report.status == "unchanged":
        return "niets veranderd"
    kind, _, names = report.why.partition(" ")
    return f"{_WHY.get(kind, '')} {names}".strip()


def listener(stage: str) -> Callable[[Report], None]:
    """Return what writes a line per step to the log of the run, as soon as the step has ended.

    Parameters
    ----------
    stage : str
        As the task is called.
    """
    log = _log()

    def listen(report: Report) -> None:
        row = told([report])[0]
        took = "" if row["seconden"] is None else f", {row['seconden']} s"
        why = f" ({row['waarom']})" if row["waarom"] else ""
        rows = f", {row['rijen']} rijen" if report.rows else ""
        log.info("%s, %s: %s%s%s%s", stage, report.step, row["status"], why, rows, took)

    return listen


def hearing() -> Callable[[str, str], None]:
    """Return what writes to the log of the run what publishers send, or that one gives no answer; pages now and then."""
    log, said = _log(), dict[str, float]()

    def hear(source: str, progress: str) -> None:
        now = time.monotonic()
        if "pagina" not in progress or now - said.get(source, -math.inf) > _BETWEEN_PAGES_S:
            said[source] = now
            log.info("%s: %s", source, progress)

    return hear


def _log() -> Any:
    try:
        return get_run_logger()
    except MissingContextError:  # called without Prefect around it
        return logging.getLogger("kansenkaart")


def run_name() -> str:
    """Name a flow run: study, place and the moment that it was planned for (UTC), as ``gemeente GM0193 2026-11-29 06:00``."""
    asked = flow_run.parameters
    codes = asked.get("codes") or []
    many = [f"{len(codes)} gemeenten"] if len(codes) > 1 else [*codes, *filter(None, [asked.get("code")])]
    studies = asked.get("studies") or [asked.get("study") or "land"]
    return " ".join([*studies, *many, f"{flow_run.scheduled_start_time:%Y-%m-%d %H:%M}"])


def whole(
    steps: Sequence[Mapping[str, Any]], tables: Sequence[Mapping[str, object]]
) -> tuple[list[dict[str, Any]], str]:
    """Return one table of a run, and its summary: a row per stored table with the step that made it, then other outputs.

    Parameters
    ----------
    steps : sequence of mapping
        As :func:`told` gives them.
    tables : sequence of mapping
        As :func:`stock` gives them.
    """
    by_table = {name: one for one in reversed(steps) for name in one["uitvoer"]}  # open data name them once more
    makers = [by_table.get(str(one["tabel"])) for one in tables]
    rows = [{**one, **_step_of(maker)} for one, maker in zip(tables, makers, strict=True)]
    rows += [{"tabel": "", "rijen": one["rijen"], **_step_of(one)} for one in steps if one not in makers]
    made = sum(one["status"] == _STATUS["done"] for one in steps)
    ages = [int(str(one["ouderdom_dagen"])) for one in tables if one["ouderdom_dagen"] is not None]
    old = f"oudste gegevens {max(ages)} dagen" if ages else "geen gegevens met een datum"
    undated = sum(bool(one["zonder_datum"]) for one in tables)
    without = f", {undated} tabellen met gegevens zonder datum" if undated else ""
    return rows, f"{made} stappen gemaakt, {len(steps) - made} overgeslagen; {old}{without}"


def _step_of(step: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: step[name] if step else "" for name in ("stap", "status", "seconden", "waarom")}


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
