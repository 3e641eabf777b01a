"""Many studies at once: each municipality or study is a partition on Dask and goes through the same stages.

A partition reads and writes its own folder only, so nothing is shuffled between workers and the outcome does not depend
on how many there are. Memory is bounded per worker; a partition that fails is tried once more, alone, and then reported.
What all of them published is then joined: layers with a part for each municipality, one catalogue and one page.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dask
from dask.utils import parse_bytes
from distributed import KilledWorker
from distributed.security import Security
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Crashed
from prefect_dask.task_runners import DaskTaskRunner

from flows.limits import ONCE_MORE, turn
from flows.places import discreet, opened
from flows.standing import recovered_study, write_status
from flows.tell import hearing, listener, run_name, show, told
from kansenkaart.config import folders
from kansenkaart.errors import ConfigError, KansenkaartError
from kansenkaart.runs import studies as many
from kansenkaart.runs import study as pipeline
from kansenkaart.sources.cbs_areas import municipality_codes

Part = tuple[str, str | None]
#: What all parts have published together lies here, below ``maps``.
TOGETHER = "landelijk"
_LOOPBACK = "127.0.0.1"
_GIB = 1 << 30
#: A worker that stops taking work while it is full waits for ever for memory that nothing frees; so it works on, and is stopped
#: at its limit: its partition is then tried again, alone.
_MEMORY = {"target": False, "spill": False, "pause": False, "terminate": 0.95}
_SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,  # one that waits at a worker that is stopped counts as failed with it
    **{f"distributed.worker.memory.{name}": value for name, value in _MEMORY.items()},
}
#: A place may wait longer than a step: it gets two more tries.
_TWICE_MORE: dict[str, Any] = {**ONCE_MORE, "retries": 2, "retry_delay_seconds": [30, 120]}
# Prefect cannot time out a task on a Dask worker thread, so the flow stops waiting for it; the cluster's end ends it.
LONGEST_S = 12 * 3600


@dataclass(frozen=True)
class Outcome:
    """How one partition went: its rows or its error, and in how many attempts [1]."""

    part: Part
    attempts: int
    found: Any

    @property
    def lost(self) -> bool:
        """Tell whether the partition failed."""
        return isinstance(self.found, BaseException)

    @property
    def key(self) -> str:
        """The code of the municipality, or the name of the study where it has one place only; of a part that of the part."""
        code = self.part[1]
        return code if code and code.startswith("GM") else "-".join(filter(None, self.part))

    def row(self) -> dict[str, Any]:
        """Return the outcome as plain values; memory is the most that its worker had until then [MiB]."""
        made = {} if self.lost else self.found
        return {
            "deel": " ".join(filter(None, self.part)),
            "status": "mislukt" if self.lost else "klaar",
            "pogingen": self.attempts,
            "gemaakt": sum(step["status"] == "gemaakt" for step in made.get("stappen", ())),
            "seconden": made.get("seconden"),
            "werker": made.get("werker", ""),
            "geheugen_mib": made.get("geheugen_mib"),
            "reden": f"{type(self.found).__name__}: {self.found}" if self.lost else "",
        }


@task(
    name="deel",
    task_run_name="deel {study} {code}",
    **_TWICE_MORE,
    cache_policy=NO_CACHE,
)
def partition(study: str, root: str, code: str = "", public: bool | None = None) -> dict[str, Any]:
    """Bring one study up to date, from publishers to map; returns a row per step, and what it took of its worker."""
    _require_folder(root)
    place, begun = replace(opened(study, root, code or None, public=public), turn=turn), time.monotonic()
    place.http.meter.listen = hearing()
    with discreet(place.study):
        made = pipeline.run_acquire(place, listen=listener("ophalen"))
        made += pipeline.run_score(place, listen=listener("berekenen"))
        made += pipeline.run_publish(place, listen=listener("publiceren"))
    took = {"werker": str(os.getpid()), "geheugen_mib": _peak_mib(), "seconden": round(time.monotonic() - begun, 1)}
    return {"stappen": told(made), **took}


@task(
    name="verdelen",
    task_run_name="verdelen {study} {code}",
    **_TWICE_MORE,
    cache_policy=NO_CACHE,
)
def division(study: str, root: str, code: str = "", most: int = 0) -> list[str]:
    """Return the codes under which a place goes: its own, or those of its parts where it has more homes than `most` [1]."""
    _require_folder(root)
    place = replace(opened(study, root, code or None), turn=turn)
    with discreet(place.study):
        parts = many.divide_study(place, most)
    return [_code_of((study, code), part) for part in parts] or [code]


def _code_of(place: Part, part: str) -> str:
    return "-".join(filter(None, (place[1], part)))


def _require_folder(root: str) -> None:
    if not Path(root).is_dir():  # a template travels with the package: it would be made on a disk that nobody else sees
        raise ConfigError(
            "the project folder, under one name on every worker",
            found="no such folder",
            where=root,
            remedy="mount it on each worker where it is for the flow: docs/how-to/schedule.md",
        )


def _peak_mib() -> int | None:
    """Return the most memory that this process ever had [MiB]; None on a system that does not say."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most / (1 << 20 if sys.platform == "darwin" else 1 << 10))


@flow(name="delen", flow_run_name="delen", log_prints=False)
def spread(places: list[Part], root: str, public: bool | None = None, most: int = 0) -> list[Outcome]:
    """Divide the places that are too large, then run all partitions side by side, and those that failed one by one again."""
    cut = _settled(division, places, root, most)
    parts = [(one.part[0], code or None) for one in cut if not one.lost for code in one.found]
    return [*(one for one in cut if one.lost), *_settled(partition, parts, root, public)]


def _settled(work: Any, parts: list[Part], root: str, more: Any) -> list[Outcome]:
    def submit(part: Part) -> Any:
        return work.submit(part[0], root, part[1] or "", more)

    futures = [submit(part) for part in parts]
    first = [_outcome(part, future, attempts=1) for part, future in zip(parts, futures, strict=True)]
    return [_outcome(one.part, submit(one.part), attempts=2) if one.lost else one for one in first]


@flow(name="land", flow_run_name=run_name, log_prints=False)
def country(
    studies: list[str] | None = None,
    codes: list[str] | None = None,
    root: str = ".",
    workers: int = 2,
    memory: str = "4GiB",
    address: str | None = None,
    public: bool | None = None,
) -> list[dict[str, Any]]:
    """Bring many studies, or one study for many municipalities, up to date on Dask.

    Parameters
    ----------
    studies : list of str, optional
        Names of files in ``studies/``; the template of a municipality when none are given.
    codes : list of str, optional
        Municipalities, by code or name, or ``alle`` for all of today: every study is run for each of them.
    root : str
        Project folder; on a real cluster a folder that all workers see under the same name.
    workers : int
        Worker processes on this machine [1].
    memory : str
        Memory of one worker, such as ``4GiB``; one that needs more is stopped and its partition fails. A place of more homes
        than it carries (25,000 a GiB, as CBS counts them) goes as parts of neighbouring wijken.
    address : str, optional
        Scheduler of a real cluster, such as ``tls://10.0.0.1:8786``; ``workers`` then says nothing, and ``memory`` only how
        places are divided. Who reaches a scheduler without TLS runs code on every worker.
    public : bool, optional
        Whether pages are the public edition; False asks for the whole one, which is for internal use.

    Returns
    -------
    list of dict
        A row per partition, also kept as a table artifact. What all of them have published lies joined in
        ``maps/landelijk``.

    Raises
    ------
    ConfigError
        If the address is not one with TLS, or a code is that of no municipality of today.
    KansenkaartError
        If partitions failed twice. All others are published, and the failed ones keep their last good edition.
    """
    root = str(Path(root).resolve())  # a worker has another working folder
    wanted: list[str | None] = [*municipality_codes(codes)] if codes else [None]
    parts = [(study, code) for study in studies or ["gemeente"] for code in wanted]
    with _known_server(), dask.config.set(_SETTINGS):
        on_dask = spread.with_options(task_runner=runner(workers, memory, address))  # type: ignore[arg-type]  # is one
        outcomes = on_dask(parts, root, public, int(parse_bytes(memory) / _GIB * many.HOMES_PER_GIB))
    for one in outcomes:
        _stand(one, root)
    rows, lost = [one.row() for one in outcomes], [one for one in outcomes if one.lost]
    show("land", "delen", rows, f"{len(rows)} delen, waarvan {len(lost)} mislukt")
    for row in rows:
        get_run_logger().info(", ".join(f"{name} {value}" for name, value in row.items() if value not in ("", None)))
    together(outcomes, root, public)
    if lost:
        why = "; ".join(f"{' '.join(filter(None, one.part))}: {one.found}" for one in lost)
        raise KansenkaartError(
            f"{len(rows)} partitions done",
            found=f"{len(lost)} failed twice: {why}",
            where="land",
            remedy="mend what each of them names, then run these studies again",
        )
    return rows


@task(name="samenvoegen", cache_policy=NO_CACHE)
def together(outcomes: list[Outcome], root: str, public: bool | None = None) -> dict[str, int]:
    """Join what the partitions have published, now or before; returns the rows [1] of each layer."""
    found: dict[str, Path] = {}
    for one in outcomes:
        with contextlib.suppress(KansenkaartError):  # a study with faults has no folder, and its own error already
            asked = opened(one.part[0], root, one.part[1], public=public)
            before = many.parts_of(asked) if one.lost else []  # of a place that could not be divided anew
            for each in [replace(one, part=(one.part[0], _code_of(one.part, part))) for part in before] or [one]:
                place = opened(each.part[0], root, each.part[1], public=public)
                if not one.lost or many.is_of(place):
                    found[each.key] = place.target
    whole = folders(Path(root)).maps / f"{TOGETHER}{'-intern' if public is False else ''}"
    failed = {one.key: type(one.found).__name__ for one in outcomes if one.lost}
    about = many.join_studies(found, whole, title="Kansenkaart: alle gemeenten", failed=failed)
    return {name: int(table["rows"]) for name, table in about["tables"].items()}


def runner(workers: int, memory: str, address: str | None = None) -> DaskTaskRunner:
    """Return a runner on the cluster at an address, or on worker processes of this machine, one partition each.

    On one machine scheduler, workers and client know each other by certificates made for this run; at an address by
    those that the settings of Dask name (``distributed.comm.tls``).

    Raises
    ------
    ConfigError
        If the address does not begin with ``tls://``.
    """
    if address:
        if not address.startswith("tls://"):
            raise ConfigError(
                "the address of a scheduler with TLS",
                found=address,
                where="address",
                remedy="start scheduler and workers with certificates: docs/how-to/schedule.md",
            )
        return DaskTaskRunner(address=address)
    return DaskTaskRunner(
        cluster_kwargs={
            "n_workers": workers,
            "threads_per_worker": 1,
            "processes": True,
            "memory_limit": memory,
            "host": _LOOPBACK,
            "protocol": "tls://",
            "security": Security.temporary(),  # type: ignore[no-untyped-call]  # theirs
            "dashboard_address": None,
        }
    )


@contextmanager
def _known_server() -> Iterator[None]:
    """Hand the workers the server of this run, also when it is one for the length of the run only."""
    with get_client(sync_client=True) as client:
        address = str(client.api_url)
    with temporary_settings({PREFECT_API_URL: address}):
        yield


def _outcome(part: Part, future: Any, *, attempts: int) -> Outcome:
    try:
        return Outcome(part, attempts, future.result(timeout=LONGEST_S, raise_on_failure=False))
    except (KilledWorker, TimeoutError) as why:
        # Its own process is gone or does not answer: nobody else says on the page that this task is not running any more.
        # The planner does not know one that had not begun.
        with get_client(sync_client=True) as client, contextlib.suppress(PrefectHTTPStatusError):
            client.set_task_run_state(future.task_run_id, Crashed(message=f"{type(why).__name__}: {why}"), force=True)
        return Outcome(part, attempts, _stopped(part) if isinstance(why, KilledWorker) else why)


def _stopped(part: Part) -> KansenkaartError:
    study, code = part
    apart = f"run this one apart with more memory: country({[study]}, {code and [code]}, workers=1, memory='16GiB')"
    if code and "-van-" in code:
        apart = f"run this part where there is more memory: kansenkaart run {study} --code {code}"
    return KansenkaartError(
        "a worker that ends what it began",
        found="its process was stopped, as is done with one near its memory limit",
        where=" ".join(filter(None, part)),
        remedy=apart,
    )


def _stand(one: Outcome, root: str) -> None:
    if one.lost:
        write_status(one.part[0], root, one.part[1], why=one.found, run="land")
    else:
        recovered_study(one.part[0], root, one.part[1])
