"""Many studies at once: each municipality or study is a partition on Dask and goes through the same stages.

A partition reads and writes its own folder only, so nothing is shuffled between workers and the outcome does not depend
on how many there are. Memory is bounded per worker; a partition that fails is tried once more, alone, and then reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dask
from distributed import KilledWorker
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_dask.task_runners import DaskTaskRunner

from flows.limits import PUBLISHERS, turn
from flows.places import opened
from flows.standing import recovered_study, write_status
from flows.tell import show, told
from kansenkaart.errors import KansenkaartError
from kansenkaart.stages import pipeline

Part = tuple[str, str | None]
_LOOPBACK = "127.0.0.1"


@task(name="deel", task_run_name="deel {study} {code}", timeout_seconds=12 * 3600, cache_policy=NO_CACHE)
def partition(study: str, root: str, code: str | None = None) -> list[dict[str, object]]:
    """Bring one study up to date, from publishers to map; returns a row per step."""
    place = opened(study, root, code)
    with turn(PUBLISHERS):
        clean = pipeline.run_acquire(place)
    return told([*clean, *pipeline.run_score(place), *pipeline.run_publish(place)])


@flow(name="delen", log_prints=False)
def spread(parts: list[Part], root: str) -> list[dict[str, Any]]:
    """Run all partitions side by side, then those that failed one after the other; returns a row per partition."""
    futures = [(part, partition.submit(part[0], root, part[1])) for part in parts]
    rows = [_outcome(part, future, attempt=1) for part, future in futures]
    for number, row in enumerate(rows):
        if row["status"] == "mislukt":
            part = parts[number]
            rows[number] = _outcome(part, partition.submit(part[0], root, part[1]), attempt=2)
    return rows


@flow(name="land", log_prints=False)
def country(
    studies: list[str] | None = None,
    codes: list[str] | None = None,
    root: str = ".",
    workers: int = 2,
    memory: str = "4GiB",
    address: str | None = None,
) -> list[dict[str, Any]]:
    """Bring many studies, or one study for many municipalities, up to date on Dask.

    Parameters
    ----------
    studies : list of str, optional
        Names of files in ``studies/``; the template of a live run when none are given.
    codes : list of str, optional
        Municipalities: every study is run for each of them.
    root : str
        Project folder; on a real cluster a folder that all workers see under the same name.
    workers : int
        Worker processes on this machine [1].
    memory : str
        Memory of one worker, such as ``4GiB``; one that needs more is stopped and its partition fails.
    address : str, optional
        Scheduler of a real cluster, such as ``tcp://10.0.0.1:8786``; ``workers`` and ``memory`` then say nothing.

    Returns
    -------
    list of dict
        A row per partition, also kept as a table artifact.

    Raises
    ------
    KansenkaartError
        If partitions failed twice. All others are published, and the failed ones keep their last good edition.
    """
    wanted: list[str | None] = [*codes] if codes else [None]
    parts = [(study, code) for study in studies or ["gemeente"] for code in wanted]
    with _known_server(), dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        on_dask = spread.with_options(task_runner=runner(workers, memory, address))  # type: ignore[arg-type]  # is one
        rows = on_dask(parts, root)
    for part, row in zip(parts, rows, strict=True):
        _stand(part, root, row)
    show("land", "delen", rows, f"{len(rows)} delen, waarvan {_lost(rows)} mislukt")
    if _lost(rows):
        lost = "; ".join(f"{row['deel']}: {row['reden']}" for row in rows if row["status"] == "mislukt")
        raise KansenkaartError(f"{len(rows)} partitions done", found=f"{_lost(rows)} failed twice: {lost}", where="land",
                               remedy="mend what each of them names, then run these studies again")  # fmt: skip
    return rows


def runner(workers: int, memory: str, address: str | None = None) -> DaskTaskRunner:
    """Return a runner on the cluster at an address, or on worker processes of this machine, one partition each."""
    if address:
        return DaskTaskRunner(address=address)
    return DaskTaskRunner(cluster_kwargs={
        "n_workers": workers, "threads_per_worker": 1, "processes": True, "memory_limit": memory, "host": _LOOPBACK,
        "dashboard_address": None,
    })  # fmt: skip


@contextmanager
def _known_server() -> Iterator[None]:
    """Hand the workers the server of this run, also when it is one for the length of the run only."""
    with get_client(sync_client=True) as client:
        address = str(client.api_url)
    with temporary_settings({PREFECT_API_URL: address}):
        yield


def _outcome(part: Part, future: Any, *, attempt: int) -> dict[str, Any]:
    try:
        found = future.result(raise_on_failure=False)
    except KilledWorker as why:
        found = why
    row = {"deel": " ".join(filter(None, part)), "status": "klaar", "pogingen": attempt, "gemaakt": 0, "reden": ""}
    if isinstance(found, BaseException):
        return {**row, "status": "mislukt", "reden": f"{type(found).__name__}: {found}"}
    return {**row, "gemaakt": sum(step["status"] == "gemaakt" for step in found)}


def _stand(part: Part, root: str, row: dict[str, Any]) -> None:
    if row["status"] == "mislukt":
        write_status(part[0], root, part[1], why=row["reden"], run="land")
    else:
        recovered_study(part[0], root, part[1])


def _lost(rows: Sequence[dict[str, Any]]) -> int:
    return sum(row["status"] == "mislukt" for row in rows)
