"""1_clean -> 2_scored -> 3_opportunity."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task

from flows.tell import told
from kansenkaart.stages import pipeline


@task(name="scores berekenen", retries=1, timeout_seconds=6 * 3600)
def score(study: str, root: str, code: str | None = None) -> list[dict[str, object]]:
    """Bring the scores of a study up to date; returns a row per table."""
    return told(pipeline.run_score(pipeline.open_study(study, root=Path(root), gemeentecode=code)))


@flow(name="bereken", log_prints=False)
def analyse(study: str, root: str = ".", code: str | None = None) -> list[dict[str, object]]:
    """Score one study."""
    return score(study, root, code)
