"""How a study stands after a run: ``status.json`` is there as long as its last run failed, and says what to do.

The tables, map and open data of the last good run stay as they are: every stage replaces a file whole or not at all.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kansenkaart.config import folders
from kansenkaart.errors import KansenkaartError, StoreError
from kansenkaart.publish.release import publication
from kansenkaart.tables.store import atomic

STATUS = "status.json"


def failed(flow: Any, flow_run: Any, state: Any) -> None:
    """Write ``status.json`` for the study of a failed flow run; the hook that the flows give to Prefect."""
    asked = flow_run.parameters
    write_status(
        str(asked.get("study", "")),
        str(asked.get("root", ".")),
        asked.get("code"),
        why=state.result(raise_on_failure=False),
        run=str(flow_run.name),
    )


def recovered(flow: Any, flow_run: Any, state: Any) -> None:
    """Take ``status.json`` away after a good run."""
    asked = flow_run.parameters
    recovered_study(str(asked.get("study", "")), str(asked.get("root", ".")), asked.get("code"))


def recovered_study(study: str, root: str, code: str | None) -> None:
    """Take the ``status.json`` of a study away."""
    path = _path(study, root, code)
    if path is not None:
        path.unlink(missing_ok=True)


def write_status(study: str, root: str, code: str | None, *, why: Any, run: str) -> Path | None:
    """Write what failed and which edition is still published.

    Parameters
    ----------
    study, root, code
        As for :func:`flows.places.opened`.
    why : object
        The error of the run.
    run : str
        Name of the flow run, to find its log.

    Returns
    -------
    Path or None
        The file; None for a study that does not exist, which has no folder either.
    """
    path = _path(study, root, code)
    if path is None:
        return None
    content = {
        "study": path.parent.name,
        "state": "failed",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run,
        "error": _told(why),
        "published": _published(path.parent.name, root),
    }
    with atomic(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _path(study: str, root: str, code: str | None) -> Path | None:
    if Path(study).name != study or not (Path(root) / "studies" / f"{study}.toml").is_file():
        return None
    name = f"{study}-{code.lower()}" if code else study
    return folders(Path(root)).processed / name / STATUS if Path(name).name == name else None


def _told(why: Any) -> dict[str, str]:
    if isinstance(why, KansenkaartError):
        return {
            "error": type(why).__name__,
            "expected": why.expected,
            "found": why.found,
            "where": why.where,
            "remedy": why.remedy,
        }
    return {"error": type(why).__name__, "found": str(why), "remedy": "look at the log of this run"}


def _published(name: str, root: str) -> dict[str, str] | None:
    try:
        known = publication(folders(Path(root)).maps / name)
    except StoreError as why:
        return {"page": f"maps/{name}/index.html", "damaged": why.found}
    return {"page": f"maps/{name}/index.html", "edition": known.fingerprint} if known else None
