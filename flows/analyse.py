"""1_clean -> 2_scored -> 3_opportunity."""

from __future__ import annotations

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.limits import ONCE_MORE
from flows.places import discreet, opened
from flows.standing import KEPT
from flows.tell import listener, told
from kansenkaart.runs import study as pipeline


@task(
    name="scores berekenen",
    task_run_name="berekenen {study}",
    **ONCE_MORE,
    timeout_seconds=6 * 3600,
    cache_policy=NO_CACHE,
)
def score(study: str, root: str, code: str | None = None) -> list[dict[str, object]]:
    """Bring the scores of a study up to date; returns a row per table.

    Parameters
    ----------
    study : str
        Name of the study.
    root : str
        Folder of the project.
    code : str, optional
        Municipality for a template.
    """
    place = opened(study, root, code)
    with discreet(place.study):
        return told(pipeline.run_score(place, listen=listener("berekenen")))


@flow(name="bereken", **KEPT)
def analyse(study: str, root: str = ".", code: str | None = None) -> list[dict[str, object]]:
    """Score one study."""
    return score(study, root, code)
