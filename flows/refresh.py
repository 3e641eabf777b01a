"""Publisher -> raw -> 1_clean, with retries; meant for a nightly or weekly schedule."""

from __future__ import annotations

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.limits import PUBLISHERS, may_pass, turn
from flows.places import opened
from flows.standing import failed, recovered
from flows.tell import listener, run_name, told
from kansenkaart.runs import study as pipeline

RETRY_WAITS_S = [30.0, 120.0, 600.0]


@task(
    name="gegevens ophalen en lezen",
    task_run_name="ophalen {study}",
    retries=3,
    retry_delay_seconds=RETRY_WAITS_S,
    retry_jitter_factor=0.5,
    retry_condition_fn=may_pass,
    timeout_seconds=6 * 3600,
    cache_policy=NO_CACHE,
)
def acquire(study: str, root: str, code: str | None = None, roles: list[str] | None = None) -> list[dict[str, object]]:
    """Bring the clean tables of a study up to date; returns a row per table.

    Parameters
    ----------
    study : str
        Name of the study.
    root : str
        Folder of the project.
    code : str, optional
        Municipality for a template.
    roles : list of str, optional
        Roles to refresh; None for all.
    """
    place = opened(study, root, code, roles)
    with turn(PUBLISHERS):
        return told(pipeline.run_acquire(place, listen=listener("ophalen")))


@flow(
    name="ververs",
    flow_run_name=run_name,
    log_prints=False,
    on_failure=[failed],
    on_crashed=[failed],
    on_completion=[recovered],
)
def refresh(
    study: str, root: str = ".", code: str | None = None, roles: list[str] | None = None
) -> list[dict[str, object]]:
    """Refresh the clean tables of one study, or those for some roles only."""
    return acquire(study, root, code, roles)
