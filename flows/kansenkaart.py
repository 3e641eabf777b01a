"""The three stages in a row for one study, with one table of what was done; runs with or without a Prefect server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow

from flows.analyse import score
from flows.places import opened
from flows.publish import publish_study
from flows.refresh import acquire
from flows.standing import KEPT
from flows.tell import show, stock, whole
from kansenkaart.config import DEMO
from kansenkaart.errors import StoreError
from kansenkaart.runs import study as pipeline
from kansenkaart.runs.study import Workplace


@flow(name="kansenkaart", **KEPT)
def kansenkaart(
    study: str = DEMO,
    root: str = ".",
    code: str | None = None,
    roles: list[str] | None = None,
    public: bool | None = None,
) -> list[dict[str, object]]:
    """Refresh, score and publish one study: the map follows whenever a table has changed.

    Parameters
    ----------
    study : str
        Name of a file in ``studies/``.
    root : str
        Project folder.
    code : str, optional
        Municipality for the template of a live run.
    roles : list of str, optional
        Refresh the sources for these roles only; scores and map are brought up to date in any case.
    public : bool, optional
        Whether pages are the public edition; False asks for the whole one, which is for internal use.

    Returns
    -------
    list of dict
        A row per step. One table artifact keeps a row per stored table with the step that made it, and per other output.
    """
    place = opened(study, root, code, roles)
    before = _stored(place)
    rows = [*acquire(study, root, code, roles), *score(study, root, code)]
    rows += publish_study(study, root, code, public=public)
    name = place.study.name
    tables = stock(pipeline.status(place), before=before, today=datetime.now(UTC).date())
    both, summary = whole(rows, tables)
    show("kansenkaart", name, both, f"Studie {name}: {summary}")
    return rows


def _stored(place: Workplace) -> list[dict[str, Any]]:
    try:
        return pipeline.status(place)
    except StoreError:  # a damaged file is made again by this very run, which then has nothing to compare with
        return []
