"""Where a figure comes from: one record per delivery, and one count per step that drops rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kansenkaart.errors import SchemaError

CHUNK_BYTES = 1 << 20


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

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for a sidecar."""
        return asdict(self)


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
