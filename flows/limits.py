"""How many runs may do a thing at the same time, wherever they run; and when another try makes sense."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.objects import State
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import PREFECT_API_URL

from kansenkaart.errors import DiskError, FetchError, LockedError
from kansenkaart.sources.publishers import sources_table

#: So many runs at a time ask one publisher for data [1]: a public service that others use too.
AT_A_TIME = 2


def limit_of(publisher: str) -> str:
    """Return the name of the limit on runs that ask a publisher.

    Parameters
    ----------
    publisher : str
        As a study names it.
    """
    return f"kansenkaart-{publisher}"


def make_limits() -> None:
    """Create the limits that the server does not have yet; one that somebody changed stays as it is."""
    with get_client(sync_client=True) as client:
        for name in [limit_of(one.name) for one in sources_table().values() if one.address]:
            try:
                client.read_global_concurrency_limit_by_name(name)
            except ObjectNotFound:
                with contextlib.suppress(ObjectAlreadyExists):  # another run made it in between
                    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=AT_A_TIME))


_MADE: set[str] = set()


@contextlib.contextmanager
def turn(publisher: str) -> Iterator[None]:
    """Wait until a publisher may be asked, and hold the place; files on disk need none."""
    server = str(PREFECT_API_URL.value())
    if server not in _MADE:
        make_limits()
        _MADE.add(server)
    with concurrency(limit_of(publisher), strict=True, raise_on_lease_renewal_failure=False):
        yield


def may_pass(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Tell of the state of a task whether another try can help, as `passes`."""
    # Not state.result(): that is a coroutine where something else runs an event loop in this thread.
    return passes(getattr(state.data, "result", state.data))


def passes(why: Any) -> bool:
    """Tell whether another try can help: publishers, locks, disks and slow runs recover, wrong data stays wrong.

    Parameters
    ----------
    why : object
        The error of a task or run.
    """
    return isinstance(why, FetchError | LockedError | DiskError | OSError)


#: A task that another try can help gets one, a minute later.
ONCE_MORE: dict[str, Any] = {
    "retries": 1,
    "retry_delay_seconds": 60,
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": may_pass,
}
