"""Serve the deployments of ``prefect.yaml`` on one machine: ``kansenkaart-plan`` in the project folder.

``kansenkaart-plan stop`` ends it from another window, ``kansenkaart-plan toon`` says what is due and how the last runs went.

Without ``PREFECT_API_URL`` it starts a server on this machine with its page, reachable from this machine only and with the
credential of this installation only, and ends it with itself. It is a whole server: the one that Prefect starts for the
length of a run has no scheduler, and plans nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml  # type: ignore[import-untyped]
from prefect import serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import ConcurrencyLimitConfig, FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, Schedule
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows import AUTH, home
from flows.limits import make_limits
from kansenkaart.errors import ConfigError, KansenkaartError, LockedError
from kansenkaart.tables.store import alone
from kansenkaart.wording.messages import error_lines

FILE = "prefect.yaml"
# One study at a time on one machine; the others wait their turn.
RUNS_AT_A_TIME = 1
HOST = "127.0.0.1"
PORT_VARIABLE, PORT = "PREFECT_SERVER_API_PORT", 4200
CREDENTIAL, RUNNING = "kansenkaart-credential", "kansenkaart-plan"
#: How Prefect calls what has ended, what has not, and how we say it.
_ENDED = {StateType.COMPLETED: "klaar", StateType.FAILED: "mislukt", StateType.CRASHED: "afgebroken"}
_WAITING = {StateType.SCHEDULED: "gepland", StateType.PENDING: "begint", StateType.RUNNING: "loopt"}
_AMSTERDAM = ZoneInfo("Europe/Amsterdam")
_SHOWN = 200
_USER = "kansenkaart"
_PATIENCE_S = 180.0
_POLL_S = 0.5
_KNOCK_S = 5.0


def deployments(root: Path) -> list[RunnerDeployment]:
    """Return the deployments that ``prefect.yaml`` lists, ready to be served: the project's own list, else the package's.

    Raises
    ------
    ConfigError
        If the file is not there, or a deployment in it has no name or entrypoint.
    """
    path = next((one for one in (root / FILE, Path(__file__).with_name(FILE)) if one.is_file()), None)
    if path is None:
        raise ConfigError(
            "the list of deployments", found="no such file", where=FILE, remedy="run this in the project folder"
        )
    return [_deployment(one) for one in yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]]


def _deployment(told: dict[str, Any]) -> RunnerDeployment:
    if not told.get("name") or not told.get("entrypoint"):
        raise ConfigError("a deployment with name and entrypoint", found=str(told), where=FILE, remedy="add what lacks")
    return RunnerDeployment.from_entrypoint(
        told["entrypoint"],
        name=told["name"],
        description=told.get("description"),
        parameters=told.get("parameters", {}),
        schedules=[_schedule(one) for one in told.get("schedules", [])],
        concurrency_limit=ConcurrencyLimitConfig(**told["concurrency_limit"]),
    )


def _schedule(told: dict[str, Any]) -> Schedule:
    if "interval" in told:
        return Interval(timedelta(seconds=float(told["interval"])), timezone=told["timezone"])
    return Cron(told["cron"], timezone=told["timezone"])


def credential(folder: Path) -> str:
    """Return the credential of this installation, made at random when it is not there yet.

    Parameters
    ----------
    folder : Path
        Folder of Prefect, in which it lies as ``kansenkaart-credential``, readable by its owner only.

    Returns
    -------
    str
        ``user:password``, as Prefect wants it.

    Raises
    ------
    ConfigError
        If the file is a link, somebody else's, readable by others, or holds something else.
    """
    path = folder / CREDENTIAL
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as new:
            new.write(f"{_USER}:{secrets.token_urlsafe(32)}\n")
    about, me = path.lstat(), getattr(os, "getuid", lambda: None)()  # Windows: whose profile it is, says who reads it
    fault = (
        "no plain file"
        if not stat.S_ISREG(about.st_mode)
        else "a file of somebody else"
        if me is not None and about.st_uid != me
        else "a file that others may read"
        if me is not None and about.st_mode & 0o077
        else ""
    )
    word = "" if fault else path.read_text("utf-8").strip()
    if fault or not word.startswith(f"{_USER}:") or len(word) < len(_USER) + 33:
        raise ConfigError(
            "a credential of this installation, for its owner only",
            found=fault or "something else",
            where=str(path),
            remedy="remove it; the next start makes a new one",
        )
    return word


@contextmanager
def local_server() -> Iterator[str]:
    """Give the address of the server's API: the one in the settings, or one that lives as long as this block.

    Raises
    ------
    ConfigError
        If the port is taken, the server does not start, or the credential is not for its owner only.
    """
    configured = PREFECT_API_URL.value()
    if configured:
        yield configured
        return
    port, word = int(os.environ.get(PORT_VARIABLE) or PORT), credential(home())
    _require_free(port)
    api = f"http://{HOST}:{port}/api"
    os.environ.update({**dict.fromkeys(AUTH, word), "PREFECT_API_URL": api})
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)],
        env={
            **os.environ,
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port}",
            "PREFECT_UI_API_URL": api,
            # Prefect copies its page to a folder before it serves it: not into the code, which is read-only.
            "PREFECT_UI_STATIC_DIRECTORY": str(home() / "ui"),
        },
        umask=0o077,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"{api}/health", process, port)
        with temporary_settings({PREFECT_API_URL: api, PREFECT_API_AUTH_STRING: word}):
            yield api
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _require_free(port: int) -> None:
    """Refuse a port on which somebody listens: it would be given the credential."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError as why:
            raise _no_server(port, f"{why.strerror}") from why


def _wait_for(address: str, process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise _no_server(port, f"a server that ended with {process.returncode}")
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(address, timeout=5):  # noqa: S310 - ours
            return
        time.sleep(_POLL_S)
    raise _no_server(port, f"no answer in {_PATIENCE_S:.0f} s")


def _no_server(port: int, found: str) -> ConfigError:
    return ConfigError(
        f"a server on {HOST}, port {port}",
        found=found,
        where=PORT_VARIABLE,
        remedy=f"end what uses this port, or choose another: {PORT_VARIABLE}=4201 python -m flows.serve",
    )


def start() -> None:
    """Serve until stopped; schedules that were served are paused then, and its server ends with it however early."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # Prefect's own answer to it comes later
    with _alone(), local_server() as api:
        make_limits()
        page = api.removesuffix("/api")
        print(f"Pagina van de planner: {page}  (wachtwoord: de regel in {home() / CREDENTIAL})", flush=True)  # noqa: T201
        serve(*deployments(Path()), limit=RUNS_AT_A_TIME)


@contextmanager
def _alone() -> Iterator[None]:
    """Be the only planner of this installation, and leave word which process that is."""
    home().mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with alone(home() / f"{RUNNING}.lock", wait=False):
            (home() / f"{RUNNING}.pid").write_text(str(os.getpid()), encoding="ascii")
            try:
                yield
            finally:
                (home() / f"{RUNNING}.pid").unlink(missing_ok=True)
    except LockedError as why:
        raise ConfigError(
            "one planner at a time", found="one that runs", where=str(home()), remedy="stop it: kansenkaart-plan stop"
        ) from why


def stop() -> None:
    """End the planner of this installation: its schedules are paused, and a run that is busy is broken off.

    Raises
    ------
    ConfigError
        If none runs.
    """
    try:
        with alone(home() / f"{RUNNING}.lock", wait=False):
            raise _none(str(home()))
    except LockedError:
        os.kill(int((home() / f"{RUNNING}.pid").read_text(encoding="ascii")), signal.SIGTERM)
        print("De planner stopt; zijn schema's staan op pauze.")  # noqa: T201


def _none(where: str) -> ConfigError:
    return ConfigError("a planner that runs", found="none", where=where, remedy="start it: kansenkaart-plan")


def show_plan() -> None:
    """Print a line per deployment: how its last run ended, what runs, and when the next one is due (in Amsterdam).

    Raises
    ------
    ConfigError
        If nothing listens where the planner of this machine would.
    """
    port = int(os.environ.get(PORT_VARIABLE) or PORT)
    ours = {} if PREFECT_API_URL.value() else {PREFECT_API_URL: f"http://{HOST}:{port}/api"}
    if ours:
        try:
            socket.create_connection((HOST, port), timeout=_KNOCK_S).close()
        except OSError as why:
            raise _none(f"{HOST}:{port}") from why
        ours[PREFECT_API_AUTH_STRING] = credential(home())
    with temporary_settings(ours), get_client(sync_client=True) as client:
        found = client.read_deployments()
        ended = client.read_flow_runs(flow_run_filter=_of(_ENDED), sort=FlowRunSort.END_TIME_DESC, limit=_SHOWN)
        waiting = client.read_flow_runs(
            flow_run_filter=_of(_WAITING), sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=_SHOWN
        )
    for one in sorted(found, key=lambda deployment: deployment.name):
        last = next((_said(run, _ENDED, run.end_time) for run in ended if run.deployment_id == one.id), "nog nooit")
        mine = [run for run in waiting if run.deployment_id == one.id]
        coming = next(
            (_said(run, _WAITING, run.start_time or run.expected_start_time) for run in mine), "niets gepland"
        )
        print(f"{one.name}: laatst {last}; {coming}{' (gepauzeerd)' if one.paused else ''}")  # noqa: T201


def _of(kinds: dict[StateType, str]) -> FlowRunFilter:
    return FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(kinds))))


def _said(run: FlowRun, words: dict[StateType, str], when: datetime | None) -> str:
    word = words[run.state_type] if run.state_type else ""
    return f"{word} {when.astimezone(_AMSTERDAM):%Y-%m-%d %H:%M}" if when else word


def main(arguments: Sequence[str] | None = None) -> None:
    """Start, stop or show the planner, as the command line says; what a user can mend is said in words.

    Parameters
    ----------
    arguments : sequence of str, optional
        ``start`` (the default), ``stop`` or ``toon``; those of the process when not given.
    """
    parser = argparse.ArgumentParser(prog=RUNNING, description="Start of stop de planner, of toon wat er gepland is.")
    parser.add_argument("wat", nargs="?", choices=["start", "stop", "toon"], default="start")
    try:
        {"start": start, "stop": stop, "toon": show_plan}[parser.parse_args(arguments).wat]()
    except KansenkaartError as why:
        lines = error_lines(why.expected, found=why.found, where=why.where, remedy=why.remedy)
        print("\n".join(lines), file=sys.stderr)  # noqa: T201
        sys.exit(why.exit_code)


if __name__ == "__main__":
    main()
