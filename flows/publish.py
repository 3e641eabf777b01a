"""3_opportunity -> maps and the data release."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task

from flows.tell import told
from kansenkaart.stages import pipeline


@task(name="kaart en open data maken", retries=1, timeout_seconds=3600)
def publish_study(study: str, root: str, code: str | None = None) -> list[dict[str, object]]:
    """Bring map and open layers of a study up to date; returns a row per output."""
    return told(pipeline.run_publish(pipeline.open_study(study, root=Path(root), gemeentecode=code)))


@flow(name="publiceer", log_prints=False)
def publish(study: str, root: str = ".", code: str | None = None) -> list[dict[str, object]]:
    """Publish one study."""
    return publish_study(study, root, code)
