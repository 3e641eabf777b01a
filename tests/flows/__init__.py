"""Tests of the Prefect side, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def at_once(client: Any) -> Callable[..., Any]:
    """Return a ``get_client`` that gives a client, as Prefect does: only to who asks for one that answers at once."""

    def get_client(*, sync_client: bool) -> Any:
        assert sync_client, "a client of a loop would answer with coroutines"
        return client

    return get_client
