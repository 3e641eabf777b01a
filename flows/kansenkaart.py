"""The three stages in a row for one study, with a table of what was done; runs with or without a Prefect server."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.analyse import analyse
from flows.publish import publish
from flows.refresh import refresh


@flow(name="kansenkaart", log_prints=False)
def kansenkaart(study: str = "voorbeeld", root: str = ".", code: str | None = None) -> list[dict[str, object]]:
    """Refresh, score and publish one study.

    Parameters
    ----------
    study : str
        Name of a file in ``studies/``.
    root : str
        Project folder.
    code : str, optional
        Municipality for the template of a live run.

    Returns
    -------
    list of dict
        A row per step; the same rows are stored as a table artifact.
    """
    rows = [*refresh(study, root, code), *analyse(study, root, code), *publish(study, root, code)]
    key = "kansenkaart-" + "".join(sign if sign.isalnum() else "-" for sign in study.lower())
    create_table_artifact(key=key, table=rows, description=f"Wat er voor studie {study} is gedaan")
    return rows
