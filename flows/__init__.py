"""Prefect flows around the stages; delete this folder and a working project remains.

The settings below are set before Prefect is imported, and only where the environment does not say otherwise: nothing is
told to anybody, a flow runs without a server that somebody configured, and the server that Prefect then starts for the
length of the run gets more time than its 20 s.
"""

from __future__ import annotations

import os

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}
for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)
