"""The publishers of ``data/sources.csv``: title, licence, credit and the one place for their addresses."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from kansenkaart.config import packaged_rows
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.tables.provenance import Provenance

#: An address from the environment takes the place of the table's: ``KANSENKAART_URL_CBS_ODATA`` for ``cbs-odata``.
ADDRESS_VARIABLE = "KANSENKAART_URL_"
BULK_VARIABLE = "KANSENKAART_BULK_"
MIRROR_VARIABLE = "KANSENKAART_MIRROR_"
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Publisher:
    """One row of ``data/sources.csv``; ``bulk`` is a file of the whole country; ``known_editions`` runs from old to new."""

    name: str
    title: str
    licence: str
    credit: str
    address: str
    mirror: str
    bulk: str
    refresh: str
    known_editions: tuple[str, ...]
    note: str


@lru_cache(maxsize=1)
def sources_table() -> dict[str, Publisher]:
    """Return all publishers by name, as ``data/sources.csv`` has them."""
    found = {}
    for row in packaged_rows("sources.csv"):
        name = row.pop("publisher")
        found[name] = Publisher(name=name, known_editions=tuple(row.pop("known_editions").split()), **row)
    return found


def publisher(name: str) -> Publisher:
    """Return one publisher.

    Parameters
    ----------
    name : str
        Its key in the table.

    Raises
    ------
    ConfigError
        If ``data/sources.csv`` has no such row.
    """
    if name not in sources_table():
        raise ConfigError(
            f"one of the publishers {sorted(sources_table())}",
            found=name,
            where="publisher in the study file",
            remedy="correct the publisher in the study file",
        )
    return sources_table()[name]


def base_url(name: str) -> str:
    """Return where a publisher's service lives: ``KANSENKAART_URL_CBS_ODATA`` for ``cbs-odata``, else the table's.

    Parameters
    ----------
    name : str
        Key of the publisher.

    Raises
    ------
    ConfigError
        If the publisher is unknown or the address is not a plain http(s) address.
    """
    variable = _variable(ADDRESS_VARIABLE, name)
    return _plain_address(name, os.environ.get(variable) or publisher(name).address, variable)


def bulk_urls(name: str) -> tuple[str, ...]:
    """Return where a publisher's file of the whole country lies, the newest first: ``KANSENKAART_BULK_BAG``, or the table's.

    Parameters
    ----------
    name : str
        Key of the publisher.

    Raises
    ------
    ConfigError
        If the publisher has none, or an address is not a plain http(s) address.
    """
    variable = _variable(BULK_VARIABLE, name)
    stated = os.environ.get(variable) or publisher(name).bulk
    return tuple(_plain_address(name, one, variable) for one in stated.split() or [""])


def base_urls(name: str) -> tuple[str, ...]:
    """Return where a publisher's service lives and, where there is one, the second way to it.

    Parameters
    ----------
    name : str
        The publisher.
    """
    return tuple(filter(None, (base_url(name), second_url(name))))


def second_url(name: str) -> str:
    """Return the second way to the same data: ``KANSENKAART_MIRROR_CBS_ODATA`` for ``cbs-odata``, else the table's; or "".

    Parameters
    ----------
    name : str
        The publisher.

    Raises
    ------
    ConfigError
        If the address is not a plain http(s) address.
    """
    variable = _variable(MIRROR_VARIABLE, name)
    moved = os.environ.get(_variable(ADDRESS_VARIABLE, name))
    # A service that was moved on purpose has no second way but the one that is named with it; named empty, none has one.
    stated = os.environ.get(variable, "" if moved else publisher(name).mirror)
    return _plain_address(name, stated, variable) if stated else ""


def _variable(kind: str, name: str) -> str:
    return kind + name.upper().replace("-", "_")


def _plain_address(name: str, address: str, variable: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigError(
            "an http(s) address without user name, query or fragment",
            found=repr(address),
            where=f"address of {name}",
            remedy=f"correct data/sources.csv, the study or {variable}",
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigError(
            "https, or http to this machine only",
            found=repr(address),
            where=f"address of {name}",
            remedy=f"write https in {variable}: over http anybody on the way can change what comes",
        )
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def delivery(name: str, *, role: str, edition: str, address: str, sha256: str, year: int | None = None) -> Provenance:
    """Return the record of one delivery, with the publisher's licence and credit filled in.

    Parameters
    ----------
    name : str
        Key of the publisher.
    role : str
        What the delivery is for.
    edition : str
        The publisher's own date or version.
    address : str
        Where it came from, or the name of the file; never a path of the machine.
    sha256 : str
        Hash of its bytes.
    year : int, optional
        The year that its figures speak of [year].
    """
    row = publisher(name)
    return Provenance(role, name, row.licence, row.credit, edition, address, sha256, year)


def year_stated(info: Mapping[str, Any], *, where: str) -> int:
    """Return the year that a yearly table speaks of, from its ``Period``, else its ``Title``.

    Parameters
    ----------
    info : mapping of str to Any
        What the publisher says of the table.
    where : str
        Name of the table, for the message.

    Raises
    ------
    FormatError
        If neither holds a year.
    """
    stated = _YEAR.findall(str(info.get("Period") or "")) or _YEAR.findall(str(info.get("Title") or ""))
    if not stated:
        raise FormatError("a year in Period or Title", found=str(info)[:80], where=where, remedy="check the table")
    return int(stated[-1])
