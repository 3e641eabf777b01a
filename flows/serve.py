"""Serve the deployments of ``prefect.yaml`` on one machine: ``python -m flows.serve`` in the project folder.

Without ``PREFECT_API_URL`` it starts a server on this machine with its page, reachable from this machine only and with the
credential of this installation only, and ends it with itself. It is a whole server: the one that Prefect starts for the
length of a run has no scheduler, and plans nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, Schedule
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows import AUTH, home
from flows.limits import make_limits
from kansenkaart.errors import ConfigError

FILE = "prefect.yaml"
# One study at a time on one machine; the others wait their turn.
RUNS_AT_A_TIME = 1
HOST = "127.0.0.1"
PORT_VARIABLE, PORT = "PREFECT_SERVER_API_PORT", 4200
CREDENTIAL = "kansenkaart-credential"
_USER = "kansenkaart"
_PATIENCE_S = 180.0
_POLL_S = 0.5


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


def main() -> None:
    """Serve until stopped; schedules that were served are paused then."""
    with local_server() as api:
        make_limits()
        page = api.removesuffix("/api")
        print(f"Pagina van de planner: {page}  (wachtwoord: de regel in {home() / CREDENTIAL})", flush=True)  # noqa: T201
        serve(*deployments(Path()), limit=RUNS_AT_A_TIME)


if __name__ == "__main__":
    main()
