"""3_opportunity -> maps and the data release."""

from __future__ import annotations

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.limits import ONCE_MORE
from flows.places import discreet, opened
from flows.standing import KEPT
from flows.tell import listener, told
from kansenkaart.runs import study as pipeline


@task(
    name="kaart en open data maken",
    task_run_name="publiceren {study}",
    **ONCE_MORE,
    timeout_seconds=3600,
    cache_policy=NO_CACHE,
)
def publish_study(
    study: str, root: str, code: str | None = None, accept: str | None = None, public: bool | None = None
) -> list[dict[str, object]]:
    """Bring map and open layers of a study up to date; returns a row per output.

    Parameters
    ----------
    study : str
        Name of the study.
    root : str
        Folder of the project.
    code : str, optional
        Municipality for a template.
    accept : str, optional
        ``who: why``, to publish although gates fail.
    public : bool, optional
        Whether pages are the public edition; False asks for the whole one, which is for internal use.
    """
    place = opened(study, root, code, public=public)
    with discreet(place.study):
        return told(pipeline.run_publish(place, accept=accept, listen=listener("publiceren")))


@flow(name="publiceer", **KEPT)
def publish(
    study: str,
    root: str = ".",
    code: str | None = None,
    accept: str | None = None,
    public: bool | None = None,
) -> list[dict[str, object]]:
    """Publish one study; ``accept`` (``who: why``) lets figures pass that fail a gate, for this run only.

    ``public = False`` makes the whole edition, for internal use, beside the public one.
    """
    return publish_study(study, root, code, accept, public)
