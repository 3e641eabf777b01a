"""Prefect flows around the stages; delete this folder and a working project remains.

The settings below are set before Prefect is imported, and only where the environment does not say otherwise: nothing is
told to anybody, a flow runs without a server that somebody configured, and the server that Prefect then starts for the
length of the run gets more time than its 20 s, answers this run only and no page of another site, through no proxy.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from kansenkaart.config import has_extra

if not has_extra("flows"):  # named as our own, so that `python -m flows.serve` says it in one line
    raise ImportError("de planner vraagt de extra flows: pip install 'kansenkaart[flows]'", name=__name__)

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    # An empty list of origins would be read as "all"; no page has this one.
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "http://127.0.0.1:1",
    "PREFECT_SERVER_CORS_ALLOWED_METHODS": "GET,POST,PUT,PATCH,DELETE",
    "PREFECT_SERVER_CORS_ALLOWED_HEADERS": "authorization,content-type,x-prefect-ui,x-prefect-api-version",
}
AUTH = ("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING")


def home() -> Path:
    """Return the folder of Prefect: its settings, its database and the credential of this installation."""
    return Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect").expanduser()


def _names_a_server() -> bool:
    if os.environ.get("PREFECT_API_URL"):
        return True
    try:
        return "PREFECT_API_URL" in (home() / "profiles.toml").read_text("utf-8", errors="replace")
    except OSError:
        return False


def _past_proxies() -> None:
    """Ask the server of this machine directly: a proxy of the network would be given the credential."""
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    os.environ.update(dict.fromkeys(("no_proxy", "NO_PROXY"), f"{spared},127.0.0.1,localhost".lstrip(",")))


_past_proxies()
for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)
if not _names_a_server() and not any(os.environ.get(name) for name in AUTH):
    os.environ.update(dict.fromkeys(AUTH, f"kansenkaart:{secrets.token_urlsafe(32)}"))
