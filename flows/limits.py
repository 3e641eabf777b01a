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

from kansenkaart.errors import DiskError, FetchError, LockedError

PUBLISHERS = "kansenkaart-ophalen"
# Two runs at a time ask publishers for data: public services that others use too.
LIMITS = {PUBLISHERS: 2}


def make_limits() -> None:
    """Create the limits that the server does not have yet; one that somebody changed stays as it is."""
    with get_client(sync_client=True) as client:
        for name, limit in LIMITS.items():
            try:
                client.read_global_concurrency_limit_by_name(name)
            except ObjectNotFound:
                with contextlib.suppress(ObjectAlreadyExists):  # another run made it in between
                    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit))


@contextlib.contextmanager
def turn(name: str) -> Iterator[None]:
    """Wait for a place under a limit, and hold it; the limit must exist."""
    make_limits()
    with concurrency(name, strict=True, raise_on_lease_renewal_failure=False):
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
