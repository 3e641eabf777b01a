"""Serve the deployments of ``prefect.yaml`` on one machine: ``python -m flows.serve`` in the project folder.

Without ``PREFECT_API_URL`` it starts a server on this machine, reachable from this machine only, and ends it with itself.
"""

from __future__ import annotations

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
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.limits import make_limits
from kansenkaart.errors import ConfigError

FILE = "prefect.yaml"
# One study at a time on one machine; the others wait their turn.
RUNS_AT_A_TIME = 1


def deployments(root: Path) -> list[RunnerDeployment]:
    """Return the deployments that ``prefect.yaml`` lists, ready to be served.

    Raises
    ------
    ConfigError
        If the file is not there, or a deployment in it has no name or entrypoint.
    """
    path = root / FILE
    if not path.is_file():
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


@contextmanager
def local_server() -> Iterator[str]:
    """Give the address of the server: the one in the settings, or one that lives as long as this block."""
    known = PREFECT_API_URL.value()
    if known:
        yield known
        return
    with SubprocessASGIServer() as server, temporary_settings({PREFECT_API_URL: server.api_url}):
        yield server.api_url


def main() -> None:
    """Serve until stopped; schedules that were served are paused then."""
    with local_server():
        make_limits()
        serve(*deployments(Path()), limit=RUNS_AT_A_TIME)


if __name__ == "__main__":
    main()
