"""Publisher -> raw -> 1_clean, with retries; meant for a nightly or weekly schedule."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task

from flows.tell import told
from kansenkaart.stages import pipeline

RETRY_WAITS_S = [30.0, 120.0, 600.0]


@task(
    name="gegevens ophalen en lezen",
    retries=3,
    retry_delay_seconds=RETRY_WAITS_S,
    retry_jitter_factor=0.5,
    timeout_seconds=6 * 3600,
)
def acquire(study: str, root: str, code: str | None = None) -> list[dict[str, object]]:
    """Bring the clean tables of a study up to date; returns a row per table."""
    return told(pipeline.run_acquire(pipeline.open_study(study, root=Path(root), gemeentecode=code)))


@flow(name="ververs", log_prints=False)
def refresh(study: str, root: str = ".", code: str | None = None) -> list[dict[str, object]]:
    """Refresh the clean tables of one study."""
    return acquire(study, root, code)
