"""Where a figure comes from: one record per delivery, and one count per step that drops rows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from kansenkaart.errors import SchemaError

CHUNK_BYTES = 1 << 20
#: A year, month or day within an edition; an edition named after a hash or a tag of the server has none.
_DAY = re.compile(
    r"(?<![0-9a-z])v?((?:19[5-9]|20\d)\d)(?:[-.]?(0[1-9]|1[0-2])(?:[-.]?(0[1-9]|[12]\d|3[01]))?)?(?![0-9a-su-z])", re.I
)
_NAMELESS = ("sha256-", "etag-")


@dataclass(frozen=True)
class Provenance:
    """One delivery by one publisher.

    Attributes
    ----------
    role : str
        What it is used for, such as ``pand`` or ``weather``.
    publisher, licence, credit : str
        As in ``data/sources.csv``.
    edition : str
        The publisher's own date or version of this delivery.
    address : str
        Where it was fetched, or the file's name as published; never a path of the machine.
    sha256 : str
        Hash of the bytes as published (of all parts in the order of their names).
    year : int or None
        The year that the figures speak of, where there is one.
    """

    role: str
    publisher: str
    licence: str
    credit: str
    edition: str
    address: str
    sha256: str
    year: int | None = None

    @property
    def named_day(self) -> str | None:
        """Return the last day, month or year that the edition names, such as ``2026-06-25`` or ``2021``; else None."""
        if self.edition.lower().startswith(_NAMELESS):
            return None
        found = ("-".join(filter(None, hit.groups())) for hit in _DAY.finditer(self.edition))
        return max(filter(_in_calendar, found), default=None)

    @property
    def up_to(self) -> str | None:
        """Return up to when the figures go: the year they speak of, or what the edition names; None is unknown."""
        return str(self.year) if self.year else self.named_day

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for a sidecar."""
        return asdict(self)


def _in_calendar(day: str) -> bool:
    try:
        first_day(day)
    except ValueError:
        return False
    return True


def first_day(day: str) -> date:
    """Return the first day of a year (``2022``) or month (``2022-11``), or the day itself.

    Parameters
    ----------
    day : str
        As :attr:`Provenance.up_to` has it.
    """
    return date.fromisoformat(f"{day}-01-01"[:10])


def oldest(sources: Iterable[Provenance]) -> str | None:
    """Return up to when the oldest of some deliveries goes; None where none of them says.

    What is made of several is as old as the oldest of them. A delivery without a date is not counted as new: see
    :func:`undated`.

    Parameters
    ----------
    sources : iterable of Provenance
        Deliveries behind a table, page or release.
    """
    return min((one.up_to for one in sources if one.up_to), key=first_day, default=None)


def undated(sources: Iterable[Provenance]) -> list[str]:
    """Return publisher and edition of the deliveries that do not say of when they are.

    Parameters
    ----------
    sources : iterable of Provenance
        Deliveries behind a table, page or release.
    """
    return sorted({f"{one.publisher} {one.edition}" for one in sources if not one.up_to})


@dataclass(frozen=True)
class Tally:
    """How many rows went in, how many were kept, and why the others were left out.

    Attributes
    ----------
    rows_in, kept : int
        Numbers of rows [1].
    left_out : mapping of str to int
        Reason to number of rows [1].
    noted : mapping of str to int
        Things seen in rows that were kept, such as ``bouwjaar unknown`` [1].
    """

    rows_in: int
    kept: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    noted: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lost = self.rows_in - self.kept - sum(self.left_out.values())
        if lost:
            raise SchemaError(
                "rows in = kept + left out",
                found=f"{lost} rows unaccounted for of {self.rows_in}",
                where=str(dict(self.left_out)),
                remedy="a step lost rows without a reason: report it",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values, in a fixed order."""
        return {
            "rows_in": int(self.rows_in),
            "kept": int(self.kept),
            "left_out": {key: int(self.left_out[key]) for key in sorted(self.left_out) if self.left_out[key]},
            "noted": {key: int(self.noted[key]) for key in sorted(self.noted) if self.noted[key]},
        }


def sha256_of(*paths: Path) -> str:
    """Hash files as one, in the order given.

    Parameters
    ----------
    *paths : Path
        The files.

    Returns
    -------
    str
        Sixty-four hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as handle:
            while chunk := handle.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
