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
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from prefect import serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import ConcurrencyLimitConfig, FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, Schedule
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import Crashed

from flows import AUTH, home
from flows.limits import make_limits
from flows.standing import broken_off
from kansenkaart.errors import ConfigError, KansenkaartError, LockedError
from kansenkaart.tables.store import alone
from kansenkaart.wording.messages import AMSTERDAM, error_lines

FILE = "prefect.yaml"
# One study at a time on one machine; the others wait their turn.
RUNS_AT_A_TIME = 1
HOST = "127.0.0.1"
PORT_VARIABLE, PORT = "PREFECT_SERVER_API_PORT", 4200
CREDENTIAL, RUNNING = "kansenkaart-credential", "kansenkaart-plan"
#: How Prefect calls what has ended, what has not, and how we say it.
_ENDED = {StateType.COMPLETED: "klaar", StateType.FAILED: "mislukt", StateType.CRASHED: "afgebroken"}
_BUSY = {StateType.PENDING: "begint", StateType.RUNNING: "loopt", StateType.CANCELLING: "wordt afgebroken"}
_WAITING = {StateType.SCHEDULED: "gepland", **_BUSY}
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
            # Runs of long ago leave its database, as its events do.
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        },
        umask=0o077,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C and a stop of the unit are ours: it has to hear that its schedules are paused
    )
    ending = threading.Event()
    try:
        _wait_for(f"{api}/health", process, port)
        threading.Thread(target=_end_with, args=(process, ending), daemon=True).start()
        with temporary_settings({PREFECT_API_URL: api, PREFECT_API_AUTH_STRING: word}):
            clear_left()
            yield api
    finally:
        ending.set()
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with(process: subprocess.Popen[bytes], ending: threading.Event) -> None:
    """End the planner when its server ends first: it would go on planning nothing, and nobody would be told."""
    process.wait()
    if not ending.is_set():
        word = f"De server van de planner is gestopt ({process.returncode}); de planner stopt ook."
        print(word, file=sys.stderr, flush=True)  # noqa: T201
        os._exit(ConfigError.exit_code)


def clear_left() -> None:
    """Call the runs of a planner that was killed broken off, and free the places that they would hold for ever.

    Of a server that was started this very moment, so that nothing runs on it yet.
    """
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=_of(_BUSY), limit=_SHOWN):
            client.set_flow_run_state(run.id, Crashed(message="de planner of de machine is gestopt"), force=True)
            broken_off(run)
        for limit in client.read_global_concurrency_limits(limit=_SHOWN):
            if limit.active_slots:
                client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active_slots=0))


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
    """Serve until stopped; its server ends with it however early, and the other way around."""
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
    """End the planner of this installation, and wait until it has; a run that is busy is broken off, and planned again then.

    Raises
    ------
    ConfigError
        If none runs, or it goes on.
    """
    asked, end = False, time.monotonic() + _PATIENCE_S
    while True:
        try:
            with alone(home() / f"{RUNNING}.lock", wait=False):
                if not asked:
                    raise _none(str(home()))
            print("De planner is gestopt; er loopt niets meer en er begint niets tot hij weer start.")  # noqa: T201
            return
        except LockedError as why:
            if time.monotonic() > end:
                raise ConfigError(
                    "a planner that ends",
                    found=f"one that runs after {_PATIENCE_S:.0f} s",
                    where=str(home()),
                    remedy=f"end the process whose number stands in {RUNNING}.pid",
                ) from why
            if not asked:
                with contextlib.suppress(
                    FileNotFoundError, ProcessLookupError
                ):  # it ended by itself at this very moment
                    os.kill(int((home() / f"{RUNNING}.pid").read_text(encoding="ascii")), signal.SIGTERM)
                asked = True
            time.sleep(_POLL_S)


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


def _of(kinds: Mapping[StateType, str]) -> FlowRunFilter:
    return FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(kinds))))


def _said(run: FlowRun, words: dict[StateType, str], when: datetime | None) -> str:
    word = words[run.state_type] if run.state_type else ""
    return f"{word} {when.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}" if when else word


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
