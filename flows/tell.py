"""What a stage did, as plain rows for an artifact."""

from __future__ import annotations

from collections.abc import Iterable

from kansenkaart.stages.steps import Report

_STATUS = {"done": "gemaakt", "unchanged": "ongewijzigd"}


def told(reports: Iterable[Report]) -> list[dict[str, object]]:
    """Return a row per step: its name, what it did, and the rows [1] of its outputs."""
    return [{"stap": one.step, "status": _STATUS[one.status], "rijen": sum(one.rows.values())} for one in reports]
