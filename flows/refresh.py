"""Publisher -> raw -> 1_clean; meant for a nightly or weekly schedule.

The task is not tried again: a source that does not answer would hold the only place of a machine for as long. Its run fails
within two minutes of the first question, says so, and is planned again (`flows.standing`).
"""

from __future__ import annotations

from dataclasses import replace

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.limits import turn
from flows.places import discreet, opened
from flows.standing import KEPT
from flows.tell import hearing, listener, told
from kansenkaart.runs import study as pipeline


@task(
    name="gegevens ophalen en lezen",
    task_run_name="ophalen {study}",
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
    place = replace(opened(study, root, code, roles), turn=turn)
    place.http.meter.listen = hearing()
    with discreet(place.study):
        return told(pipeline.run_acquire(place, listen=listener("ophalen")))


@flow(name="ververs", **KEPT)
def refresh(
    study: str, root: str = ".", code: str | None = None, roles: list[str] | None = None
) -> list[dict[str, object]]:
    """Refresh the clean tables of one study, or those for some roles only."""
    return acquire(study, root, code, roles)
