"""How a study stands after a run: ``status.json`` is there as long as its last run failed, and says what to do.

The tables, map and open data of the last good run stay as they are: every stage replaces a file whole or not at all. A run
that failed for something that may pass is planned again, as a run of its own: in between it holds nobody's place.
"""

from __future__ import annotations

import json
import logging
import os
import smtplib
import urllib.request
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefect.client.orchestration import get_client
from prefect.logging.loggers import flow_run_logger
from prefect.states import Scheduled

from flows.limits import passes
from flows.tell import run_name
from kansenkaart.config import STATUS, folders, study_path, template_and_code
from kansenkaart.errors import ConfigError, KansenkaartError, StoreError
from kansenkaart.publish.release import MARK, publication
from kansenkaart.tables.store import atomic
from kansenkaart.wording.messages import status_lines

#: After what may pass, such as a publisher that gives no answer, a run is planned again after so long [s].
AGAIN_AFTER_S = (600.0, 3600.0, 4 * 3600.0)
#: Of a run that was planned again: how often, as a tag.
AGAIN = "kansenkaart-opnieuw-"
#: Where a failure is sent as JSON, if the environment says so.
WEBHOOK_VARIABLE = "KANSENKAART_WEBHOOK"
#: To whom a failure is mailed, and by which server (``host:port``) when it is not that of this machine.
MAIL_VARIABLE, SMTP_VARIABLE = "KANSENKAART_MAIL", "KANSENKAART_SMTP"
_SEND_S = 10.0


def failed(flow: Any, flow_run: Any, state: Any) -> None:
    """Say that a flow run failed, and plan it again if that may help; the hook that the flows give to Prefect."""
    asked, why = flow_run.parameters, state.result(raise_on_failure=False, _sync=True)  # also in a loop
    path = write_status(
        str(asked.get("study", "")),
        str(asked.get("root", ".")),
        asked.get("code"),
        why=why,
        run=str(flow_run.name),
        again=plan_again(flow_run) if passes(why) else None,
    )
    if path is not None:
        logger = flow_run_logger(flow_run, flow) if flow is not None else logging.getLogger("kansenkaart")
        logger.error("%s", "\n".join(status_lines(json.loads(path.read_text("utf-8")))))


def plan_again(flow_run: Any) -> datetime | None:
    """Plan a failed run of a deployment again, later every time; return when, None where it was tried often enough.

    Parameters
    ----------
    flow_run : FlowRun
        The one that failed; one that was started by hand, outside a deployment, is not planned again.
    """
    before = [int(one.removeprefix(AGAIN)) for one in flow_run.tags if one.startswith(AGAIN)]
    times = max(before, default=0)
    if flow_run.deployment_id is None or times >= len(AGAIN_AFTER_S):
        return None
    when = datetime.now(UTC) + timedelta(seconds=AGAIN_AFTER_S[times])
    tags = [*(one for one in flow_run.tags if not one.startswith(AGAIN)), f"{AGAIN}{times + 1}"]
    with get_client(sync_client=True) as client:
        client.create_flow_run_from_deployment(
            flow_run.deployment_id,
            parameters=flow_run.parameters,
            state=Scheduled(scheduled_time=when),
            tags=tags,
            idempotency_key=f"{flow_run.id}-opnieuw",
        )
    return when


def broken_off(flow_run: Any) -> None:
    """Say of a run that was broken off with its planner that it failed, and plan it again.

    Parameters
    ----------
    flow_run : FlowRun
        The one that nobody ended.
    """
    asked, name = flow_run.parameters, str(flow_run.name)
    stopped = "it was broken off: the planner or the machine stopped"
    why = KansenkaartError("a run that ends", found=stopped, where=name, remedy="look at the log of this run")
    study, root, again = str(asked.get("study", "")), str(asked.get("root", ".")), plan_again(flow_run)
    write_status(study, root, asked.get("code"), why=why, run=name, again=again)


def recovered(flow: Any, flow_run: Any, state: Any) -> None:
    """Take ``status.json`` away after a good run."""
    asked = flow_run.parameters
    recovered_study(str(asked.get("study", "")), str(asked.get("root", ".")), asked.get("code"))


#: How the flows of a study are named, and what they leave word of when they fail and when they are well again.
KEPT: dict[str, Any] = {
    "flow_run_name": run_name,
    "log_prints": False,
    "on_failure": [failed],
    "on_crashed": [failed],
    "on_completion": [recovered],
}


def recovered_study(study: str, root: str, code: str | None) -> None:
    """Take the ``status.json`` of a study away."""
    path = _path(study, root, code)
    if path is not None:
        path.unlink(missing_ok=True)


def write_status(
    study: str, root: str, code: str | None, *, why: Any, run: str, again: datetime | None = None
) -> Path | None:
    """Write what failed, which edition is still published and when it is tried again; send it on where a webhook is set.

    Parameters
    ----------
    study, root, code
        As for :func:`flows.places.opened`.
    why : object
        The error of the run.
    run : str
        Name of the flow run, to find its log.
    again : datetime, optional
        When it is tried again.

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
        "again": again.isoformat(timespec="seconds") if again else None,
    }
    with atomic(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _send(content)
    return path


def _send(content: dict[str, Any]) -> None:
    """Post and mail a status as the environment says; who does not take it is said in the log, and no fault."""
    for name, send in ((WEBHOOK_VARIABLE, _post), (MAIL_VARIABLE, _mail)):
        try:
            if address := os.environ.get(name):
                send(content, address)
        except (OSError, ValueError) as why:  # of HTTP and SMTP as well
            logging.getLogger("kansenkaart").warning("%s: %s", name, why)


def _post(content: dict[str, Any], address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
        raise ValueError("niets verstuurd: het adres is niet van https, of van deze machine")
    head = {"Content-Type": "application/json"}
    asked = urllib.request.Request(address, json.dumps(content).encode(), head, method="POST")  # noqa: S310 - as above
    with urllib.request.urlopen(asked, timeout=_SEND_S):  # noqa: S310 - as above
        return


def _mail(content: dict[str, Any], address: str) -> None:
    host, _, port = (os.environ.get(SMTP_VARIABLE) or "127.0.0.1:25").rpartition(":")
    message = EmailMessage()
    message["Subject"] = f"kansenkaart: {content['study']} is mislukt"
    message["From"] = message["To"] = address
    message.set_content("\n".join(status_lines(content)))
    with smtplib.SMTP(host, int(port), timeout=_SEND_S) as smtp:
        smtp.send_message(message)


def _path(study: str, root: str, code: str | None) -> Path | None:
    try:
        file, own = template_and_code(Path(root), study)
        if not study_path(Path(root), file).is_file():
            return None
    except ConfigError:  # no name of a study
        return None
    name = f"{file}-{code.lower()}" if code and not own else study
    return folders(Path(root)).processed / name / STATUS if Path(name).name == name else None


def _told(why: Any) -> dict[str, str]:
    kind = type(why).__name__
    if not isinstance(why, KansenkaartError):
        why = KansenkaartError("a run without a fault", found=f"{kind}: {why}", remedy="look at the log of this run")
    return {"error": kind, "expected": why.expected, "found": why.found, "where": why.where, "remedy": why.remedy}


def _published(name: str, root: str) -> dict[str, str] | None:
    folder = folders(Path(root)).maps / name
    try:
        known = publication(folder)
    except StoreError as why:
        return {"page": f"maps/{name}/index.html", "damaged": why.found}
    if known is None:
        return None
    since = datetime.fromtimestamp((folder / MARK).stat().st_mtime, UTC).isoformat(timespec="seconds")
    return {"page": f"maps/{name}/index.html", "edition": known.fingerprint, "since": since}
