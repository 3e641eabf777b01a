"""Names every processed file, writes it whole or not at all, and keeps beside it where it came from.

A table is a GeoParquet 1.1 file in Hilbert order with a bbox covering. Beside it lies ``<table>.json``, its lineage:
sources, inputs by hash, parameters, code version, rows in and out and why. No clock goes in, so equal input gives equal bytes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from filelock import FileLock, Timeout

from kansenkaart.errors import DiskError, LockedError, StoreError
from kansenkaart.tables import schemas
from kansenkaart.tables.provenance import Provenance, sha256_of

RASTERS = {"dsm": "1_clean", "dtm": "1_clean"}
#: A run does not begin with less room than this.
LEAST_FREE_BYTES = 128 << 20
#: One who waits for a lock asks again after this [s].
_POLL_S = 0.25
_DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ELOOP}
#: Tables with names of people: for their owner only.
PRIVATE = frozenset({"own_pand", "own_sewer", "own_budget", "own_actual", "own_report"})
_ROWS_A_GROUP = 5_000
#: Level 15 took four times the time of this one, for files that are 5 % smaller (measured at 55,836 homes).
_ZSTD_LEVEL = 9
#: Tables, with the hash of their bytes, whose values this process has checked; the same bytes need no second look.
_CHECKED: set[tuple[str, str]] = set()
#: Tables as they were read, by name and hash, the last one used at the end; files of so many bytes together stay at hand.
_AT_HAND: dict[tuple[str, str], tuple[int, pd.DataFrame]] = {}
_MOST_AT_HAND_BYTES = 8 << 20


@dataclass(frozen=True)
class Lineage:
    """Where one stored file comes from.

    Attributes
    ----------
    fingerprint : str
        Hash of inputs, parameters and code: equal means nothing to do.
    sources : tuple of Provenance
        Deliveries that went in, directly or through other tables.
    inputs : mapping of str to str
        Stored tables that went in, with their hash.
    parameters : mapping
        Plain values.
    rows : mapping
        Rows in, kept and left out with the reason, as :class:`kansenkaart.tables.provenance.Tally` gives it.
    """

    fingerprint: str
    sources: tuple[Provenance, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Any] = field(default_factory=dict)


class Store:
    """The processed folder of one study.

    Parameters
    ----------
    root : Path
        Folder of the study; made when the first file is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """Return where a table or raster lies, whether or not it is there.

        Parameters
        ----------
        name : str
            Of a table or raster.
        """
        if name in RASTERS:
            return self.root / RASTERS[name] / f"{name}.tif"
        return self.root / schemas.get(name).stage / f"{name}.parquet"

    def sidecar(self, name: str) -> Path:
        """Return where the lineage of a file lies.

        Parameters
        ----------
        name : str
            Of a table or raster.
        """
        return self.path(name).with_suffix(".json")

    def has(self, name: str) -> bool:
        """Tell whether a file and its lineage are there.

        Parameters
        ----------
        name : str
            Of a table or raster.
        """
        return self.path(name).is_file() and self.sidecar(name).is_file()

    def names(self) -> list[str]:
        """Return the names of all files that are there, in a fixed order."""
        return [name for name in [*schemas.tables(), *RASTERS] if self.has(name)]

    def write(self, name: str, frame: pd.DataFrame, lineage: Lineage) -> str:
        """Check a table, write it with its lineage, and return its hash.

        Parameters
        ----------
        name : str
            Of the table.
        frame : DataFrame
            Its rows, as the schema of the table asks.
        lineage : Lineage
            Where they come from.

        Returns
        -------
        str
            Hash of the bytes that were written.
        """
        ready = _ordered(schemas.conform(frame, name), schemas.get(name))
        digest = self._put(
            name, lambda path: _to_parquet(ready, path), lineage, columns=list(ready.columns), rows=len(ready)
        )
        _CHECKED.add((name, digest))
        return digest

    def write_raster(self, name: str, source: Path, lineage: Lineage) -> str:
        """Move a GeoTIFF here with its lineage, and return its hash.

        Parameters
        ----------
        name : str
            Of the raster.
        source : Path
            The GeoTIFF, on the same disk or another; it is gone from there afterwards.
        lineage : Lineage
            Where it comes from.

        Returns
        -------
        str
            Hash of the bytes that were written.
        """
        return self._put(name, lambda path: shutil.move(source, path), lineage, columns=[], rows=0)

    def _put(self, name: str, save: Callable[[Path], Any], lineage: Lineage, *, columns: list[str], rows: int) -> str:
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic(target, private=name in PRIVATE) as part:
            save(part)
            digest = sha256_of(part)
        content = {
            "table": name,
            "sha256": digest,
            "rows": rows,
            "columns": columns,
            "fingerprint": lineage.fingerprint,
            "sources": [one.to_dict() for one in lineage.sources],
            "inputs": dict(lineage.inputs),
            "parameters": dict(lineage.parameters),
            "tally": dict(lineage.rows),
        }
        sealed = {**content, "seal": _seal(content)}
        with atomic(self.sidecar(name), private=name in PRIVATE) as part:
            part.write_text(json.dumps(sealed, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        return digest

    def read(self, name: str) -> gpd.GeoDataFrame:
        """Read a table and check it against its hash and its schema.

        Parameters
        ----------
        name : str
            Of a table.

        Returns
        -------
        GeoDataFrame
            Its rows; a plain DataFrame where the table has no geometry.

        Raises
        ------
        StoreError
            If the file is missing, damaged or not the one that its lineage speaks of.
        """
        this = (name, self.verify(name))
        kept = _AT_HAND.pop(this) if this in _AT_HAND else self._fresh(name, checked=this in _CHECKED)
        _CHECKED.add(this)
        _AT_HAND[this] = kept
        while sum(one for one, _ in _AT_HAND.values()) > _MOST_AT_HAND_BYTES:
            del _AT_HAND[next(iter(_AT_HAND))]
        return kept[1].copy()

    def _fresh(self, name: str, *, checked: bool) -> tuple[int, pd.DataFrame]:
        reader, path = gpd.read_parquet if schemas.get(name).geometry else pd.read_parquet, self.path(name)
        return path.stat().st_size, schemas.conform(reader(path), name, where=self._where(name), checked=checked)

    def describe(self, name: str) -> dict[str, Any]:
        """Return the lineage of a file as plain values.

        Parameters
        ----------
        name : str
            Of a table or raster.

        Returns
        -------
        dict of str to Any
            Hash, rows [1], columns, fingerprint, sources, inputs, parameters and tally.

        Raises
        ------
        StoreError
            If the file or its lineage is missing, or the lineage is not, figure by figure, the one that was written.
        """
        if not self.has(name):
            raise StoreError(
                "a processed file with its lineage",
                found="nothing",
                where=self._where(name),
                remedy=f"make it again: kansenkaart run {self.root.name}",
            )
        try:
            content = json.loads(self.sidecar(name).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as why:
            raise self._damaged(name, f"lineage that is no JSON: {why}") from why
        seal = content.pop("seal", None) if isinstance(content, dict) else None
        if seal is None or seal != _seal(content):
            raise self._damaged(name, f"another lineage in {self.sidecar(name).name} than was written")
        return dict(content)

    def verify(self, name: str) -> str:
        """Check that a file is, byte for byte, the one that was written, and return its hash.

        Parameters
        ----------
        name : str
            Of a table or raster.

        Raises
        ------
        StoreError
            If it is another one, or its lineage was changed.
        """
        written = str(self.describe(name)["sha256"])
        present = sha256_of(self.path(name))
        if written != present:
            raise self._damaged(name, f"bytes with sha256 {present[:12]}… where {written[:12]}… was written")
        return written

    def sources_of(self, names: Sequence[str]) -> tuple[Provenance, ...]:
        """Return the deliveries behind some files, each once, in a fixed order.

        Parameters
        ----------
        names : sequence of str
            Of tables or rasters that are there.

        Returns
        -------
        tuple of Provenance
            Of all deliveries that went in, directly or through other tables.
        """
        rows = {json.dumps(one, sort_keys=True): one for name in names for one in self.describe(name)["sources"]}
        return tuple(Provenance(**rows[key]) for key in sorted(rows))

    def _where(self, name: str) -> str:
        return f"{self.root.name}/{self.path(name).parent.name}/{self.path(name).name}"

    def _damaged(self, name: str, found: str) -> StoreError:
        return StoreError(
            "a processed file as it was written",
            found=found,
            where=self._where(name),
            remedy=f"make it again: kansenkaart run {self.root.name}",
        )


def _seal(content: Mapping[str, Any]) -> str:
    """Return the hash by which a lineage shows that it was not changed."""
    as_read = json.loads(json.dumps(content))
    return hashlib.sha256(json.dumps(as_read, sort_keys=True).encode()).hexdigest()


def _ordered(frame: pd.DataFrame, shape: schemas.Table) -> pd.DataFrame:
    by_key: pd.DataFrame = frame.sort_values(list(shape.key), kind="stable", ignore_index=True)
    if not shape.geometry or by_key.empty:
        return by_key
    order = gpd.GeoDataFrame(by_key).hilbert_distance().to_numpy().argsort(kind="stable")
    nearby: pd.DataFrame = by_key.iloc[order].reset_index(drop=True)
    return nearby


def _to_parquet(frame: pd.DataFrame, path: Path) -> None:
    how: dict[str, Any] = {
        "compression": "zstd",
        "compression_level": _ZSTD_LEVEL,
        "row_group_size": _ROWS_A_GROUP,
        "index": False,
    }
    if isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(path, write_covering_bbox=True, schema_version="1.1.0", **how)
    else:
        frame.to_parquet(path, **how)


@contextlib.contextmanager
def atomic(target: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a path to write to; it takes the target's place only when all went well.

    The path has a name that nobody can foresee, so nobody can have put a link there; a link in the target's place is
    replaced, not followed.

    Parameters
    ----------
    target : Path
        The file to make or replace; its folder is made where it is absent.
    private : bool
        Whether its owner only may read it; else that is for the umask to say.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb+") as whole:
            os.fsync(whole.fileno())
        part.chmod(0o600 if private else 0o666 & ~_UMASK)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold a file as a lock that the system frees when its holder dies; never through a link that somebody put there.

    Parameters
    ----------
    path : Path
        The file; made where it is absent, and left there.
    wait : bool
        Whether to wait while another process holds it.

    Raises
    ------
    LockedError
        If another process that lives holds it, and nobody waits.
    OSError
        If it is a link, cannot be written, or lies on a disk without locks.
    """
    # A disk without locks is refused: a file that stands for one would outlive a holder that was killed.
    lock = FileLock(path, timeout=-1 if wait else 0, thread_local=False, poll_interval=_POLL_S, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout as why:
        raise LockedError(
            "one writer at a time",
            found="another run of this study",
            where=path.parent.name,
            remedy="wait until it ends, then run again",
        ) from why
    try:
        yield
    finally:
        lock.release()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


#: Read once: it can only be asked by setting it, which another thread would see.
_UMASK = _umask()


@contextlib.contextmanager
def locked(folder: Path, *more: Path) -> Iterator[None]:
    """Keep other writers out of a study's folder; the lock of a process that died counts for nothing.

    What a killed process left half written, here or in ``more`` folders of the same study, is cleared away.

    Parameters
    ----------
    folder : Path
        Of the study; the lock lies in it.
    *more : Path
        Other folders that the same study writes to.

    Raises
    ------
    LockedError
        If another process that lives holds the lock.
    DiskError
        If there is too little room to begin, or writing fails on the way: what stood there before still stands.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder / ".lock", wait=False):
            for left in [left for place in (folder, *more) for left in place.rglob(".*.part")]:
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink(missing_ok=True)
            _require_room(folder)
            yield
    except OSError as why:
        if why.errno not in _DISK_FAULTS:
            raise
        raise DiskError(
            "room and permission to write",
            found=why.strerror or str(why),
            where=_place_of(why, folder),
            remedy="free disk space or correct the permissions, then run again; what stood there before still stands",
        ) from why


def _require_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise DiskError(
            f"at least {LEAST_FREE_BYTES >> 20} MiB of free disk",
            found=f"{free >> 20} MiB",
            where=folder.name,
            remedy="free disk space, then run again; nothing was begun",
        )


def _place_of(why: OSError, folder: Path) -> str:
    return Path(str(why.filename)).name if why.filename else folder.name
