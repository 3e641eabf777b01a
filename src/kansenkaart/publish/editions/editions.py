"""Editions of a study: what was published, kept as a small summary, and of the last one the tables to compare with.

``data/editions/<study>/<number>/`` holds ``edition.json`` and, of the last edition only, hard links to its tables (copies
where the disk has no links), so an edition costs no space until its successor differs. A folder takes its place whole.

Before it stands the gate between scores and readers: what fails it is not published, unless somebody accepts it by name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kansenkaart.config import packaged_rows
from kansenkaart.core.editions import Failure, Gate, failures, summarise
from kansenkaart.errors import ConfigError, GateError, KansenkaartError, StoreError
from kansenkaart.sources.tools.geofiles import open_raster
from kansenkaart.tables.provenance import oldest, sha256_of
from kansenkaart.tables.step import scoring_version
from kansenkaart.tables.store import PRIVATE, RASTERS, Store, atomic

FILE = "edition.json"
_NUMBER = re.compile(r"\d{4}")


@dataclass(frozen=True)
class Edition:
    """One edition of a study: its number [1], its key (hash of all its tables), what it says, and its own folder."""

    number: int
    key: str
    content: Mapping[str, Any] = field(repr=False)
    folder: Path

    @property
    def tables(self) -> dict[str, Any]:
        """Return the summary of each table."""
        return dict(self.content["tables"])

    @property
    def label(self) -> str:
        """Return the number, with the date of the oldest of its deliveries where they have one."""
        return f"{self.number} ({self.content['as_of']})" if self.content["as_of"] else str(self.number)


def editions(folder: Path) -> list[Edition]:
    """Return the editions of a study, the oldest first.

    Parameters
    ----------
    folder : Path
        ``data/editions/<study>``.

    Raises
    ------
    StoreError
        If one is damaged.
    """
    found = sorted(one for one in folder.glob("*") if one.is_dir() and _NUMBER.fullmatch(one.name))
    return [_read(one) for one in found]


def _read(folder: Path) -> Edition:
    where = f"editions/{folder.parent.name}/{folder.name}/{FILE}"
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        seal = content.pop("seal")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as why:
        raise _damaged(where, f"{type(why).__name__}: {why}") from why
    if seal != _seal(content):
        raise _damaged(where, "another summary than was written")
    return Edition(int(folder.name), str(content["key"]), content, folder)


def _damaged(where: str, found: str) -> StoreError:
    return StoreError(
        "the summary of an edition as it was written",
        found=found,
        where=where,
        remedy="put it back from a copy, or remove that folder to compare with the edition before it",
    )


def _seal(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def key_of(store: Store) -> str:
    """Return the hash of all stored tables and rasters: equal means the same edition.

    Parameters
    ----------
    store : Store
        Of a study.
    """
    return _seal({name: store.describe(name)["sha256"] for name in store.names()})


def proposed(
    store: Store, known: Sequence[Edition], said: Accepted | None, figures: Mapping[str, float]
) -> dict[str, Any] | None:
    """Judge what is stored, and return what to keep of it as an edition; None when the last edition is the same.

    Parameters
    ----------
    store : Store
        Of the study.
    known : sequence of Edition
        Those that stand, oldest first.
    said : Accepted or None
        Who accepts what a gate holds back, and why.
    figures : mapping of str to float
        The assumptions by name.

    Raises
    ------
    GateError
        If a gate fails and nobody accepts it.
    """
    key = key_of(store)
    if known and known[-1].key == key:
        return None
    names = [name for name in store.names() if name not in RASTERS and name not in PRIVATE]
    tables = {name: _summary(store, name) for name in names}
    last = known[-1] if known else None
    failed = judge(
        {**tables, **height_model(store), **statistics(store)},
        last.tables if last else {},
        study=store.root.name,
        last=last.number if last else None,
        said=said,
    )
    sources = store.sources_of(store.names())
    return {
        "key": key,
        "as_of": oldest(sources),
        "tables": tables,
        "sources": [one.to_dict() for one in sources],
        "assumptions": dict(sorted(figures.items())),
        "code": scoring_version(),
        "accepted": {"who": said.who, "why": said.why, "failures": failed} if said and failed else None,
    }


def _summary(store: Store, name: str) -> dict[str, Any]:
    try:
        frame: pd.DataFrame = store.read(name)
    except StoreError:
        raise
    except KansenkaartError as why:
        raise GateError(
            f"table {name} in its own shape", found=why.found, where=why.where or name, remedy=why.remedy
        ) from why
    return {"sha256": store.describe(name)["sha256"], **summarise(frame)}


def keep(store: Store, folder: Path, number: int, content: Mapping[str, Any], more: Mapping[str, str]) -> Path:
    """Keep an edition with its tables; its folder appears whole or not at all.

    Parameters
    ----------
    store : Store
        The tables.
    folder : Path
        ``data/editions/<study>``.
    number : int
        Of the edition [1].
    content : mapping
        As :func:`proposed` gives it.
    more : mapping of str to str
        Names and texts of files to keep beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft, target = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=folder)), folder / f"{number:04d}"
    part = draft / "new"
    (part / "tables").mkdir(parents=True)
    for path in _kept_of(store):
        _link(path, part / "tables" / path.name)
    texts = {FILE: json.dumps({**content, "seal": _seal(content)}, indent=1, sort_keys=True) + "\n", **more}
    for name, text in texts.items():
        with atomic(part / name) as written:
            written.write_text(text, encoding="utf-8")
    part.replace(target)
    draft.rmdir()
    return target


def tidy(store: Store, folder: Path, known: Sequence[Edition]) -> None:
    """Take away the tables of all editions but the last, and what a killed run left; mend the tables of the last.

    Parameters
    ----------
    store : Store
        Of the study.
    folder : Path
        Where its editions lie.
    known : sequence of Edition
        Those that stand, oldest first.
    """
    for left in folder.glob(".*.part"):
        shutil.rmtree(left, ignore_errors=True)
    for one in known[:-1]:
        shutil.rmtree(one.folder / "tables", ignore_errors=True)
    if known and known[-1].key == key_of(store):
        for path in _kept_of(store):
            _mend(path, known[-1].folder / "tables" / path.name)


def _kept_of(store: Store) -> list[Path]:
    """Return what an edition keeps: tables without names of people, and the lineage of tables and rasters."""
    names = [name for name in store.names() if name not in PRIVATE]
    return [*(store.path(name) for name in names if name not in RASTERS), *map(store.sidecar, names)]


def _mend(path: Path, kept: Path) -> None:
    if kept.is_file() and (kept.samefile(path) or sha256_of(kept) == sha256_of(path)):
        return
    kept.unlink(missing_ok=True)
    kept.parent.mkdir(exist_ok=True)
    _link(path, kept)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


_SAID = re.compile(r"\s*([^:\s][^:]{0,59}?)\s*:\s*(\S.{2,499})", re.DOTALL)
_SHOWN = 8
KINDS = {"rows", "known", "drift", "size", "moved", "invalid", "outside", "infinite", "gone", "covered", "same", "mean"}


@dataclass(frozen=True)
class Accepted:
    """Who lets a failed gate pass, and why; kept with the edition and with what is published."""

    who: str
    why: str


def accepted(said: str | None) -> Accepted | None:
    """Read ``--accepteer "who: why"``.

    Parameters
    ----------
    said : str, optional
        As given on the command line; None where nobody accepts anything.

    Raises
    ------
    ConfigError
        If it does not name who and why.
    """
    if said is None:
        return None
    hit = _SAID.fullmatch(said)
    if hit is None:
        raise ConfigError(
            'who accepts the new figures and why, as "who: why"',
            found=repr(said[:80]),
            where="--accepteer",
            remedy='say it like --accepteer "J. Jansen: new buurten of 2026"',
        )
    return Accepted(hit[1], " ".join(hit[2].split()))


@lru_cache(maxsize=1)
def gates() -> tuple[Gate, ...]:
    """Return the rules of ``data/gates.csv``.

    Raises
    ------
    ConfigError
        If a row names a gate that does not exist, or a limit that is no number.
    """
    return tuple(_gate(row, number) for number, row in enumerate(packaged_rows("gates.csv"), start=2))


def _gate(row: dict[str, Any], number: int) -> Gate:
    try:
        low, high = float(row["low"] or "-inf"), float(row["high"] or "inf")
        if row["gate"] not in KINDS or low > high:
            raise ValueError(str(row))
        return Gate(**{**row, "low": low, "high": high, "slack": float(row["slack"])})
    except ValueError as why:
        raise ConfigError(
            f"one of the gates {sorted(KINDS)} with low <= high",
            found=str(why),
            where=f"data/gates.csv, line {number}",
            remedy="correct the line",
        ) from why


#: So many roofs are held against the height model: enough to see another unit or another place [1].
MOST_ROOFS = 2000


def height_model(store: Store) -> dict[str, Any]:
    """Return how the height model and the roofs of LoD2.2 agree, as the summary of a table ``height_model``.

    Parameters
    ----------
    store : Store
        Of the study.

    Returns
    -------
    dict
        Empty without both, or where no roof lies inside the model (then each is scored by itself, and the run says so);
        else ``height_m_nap``, known inside the model [m NAP], and ``median_above_roof_m``, what the model lies above the
        middle of the roofs, in the median [m].
    """
    if not (store.has("dsm") and store.has("roof_face")):
        return {}
    faces = store.read("roof_face").sort_values("face_id")
    faces = faces.iloc[:: max(len(faces) // MOST_ROOFS, 1)]
    inside = faces.geometry.representative_point()
    with open_raster(store.path("dsm")) as sheet:
        read = [one[0] for one in sheet.sample(zip(inside.x, inside.y, strict=True), masked=True)]
    heights = np.array([np.nan if np.ma.is_masked(one) else float(one) for one in read])
    if not np.isfinite(heights).any():
        return {}
    middle = (faces["ridge_height_m_nap"] + faces["eave_height_m_nap"]).to_numpy(float) / 2
    off = heights - middle
    median = np.where(np.isfinite(off), np.nanmedian(off), np.nan)
    return {"height_model": summarise(pd.DataFrame({"height_m_nap": heights, "median_above_roof_m": median}))}


#: How the tally of the buurten counts statistics whose buurt is not there [acquire].
HOMELESS = "statistics without a buurt of their code"


def statistics(store: Store) -> dict[str, Any]:
    """Return how many statistics found a buurt of their code, as the summary of a table ``statistics``.

    Parameters
    ----------
    store : Store
        Of the study.

    Returns
    -------
    dict
        Empty where the buurten were not asked of their service, which gives all of a municipality as the statistics do;
        else ``buurtcode``, known of those that found one.
    """
    told = store.describe("buurt") if store.has("buurt") else {"sources": []}
    if not any(one["role"] == "buurt" and str(one["address"]).startswith("http") for one in told["sources"]):
        return {}
    lost = int(told["tally"].get("noted", {}).get(HOMELESS, 0))
    at_home = store.read("buurt").dropna(subset="inhabitants")["buurtcode"]
    return {"statistics": summarise(pd.DataFrame({"buurtcode": [*at_home, *[None] * lost]}, dtype="object"))}


def judge(
    now: Mapping[str, Any], before: Mapping[str, Any], *, study: str, last: int | None, said: Accepted | None
) -> list[dict[str, Any]]:
    """Refuse new tables that fail a gate and that nobody accepts.

    Parameters
    ----------
    now, before : mapping
        Summaries of the tables, new and of the last edition.
    study : str
        Its name, for the message.
    last : int, optional
        Number of the last edition [1].
    said : Accepted, optional
        Who accepts failures, and why.

    Returns
    -------
    list of dict
        The failures that were accepted, as plain values.

    Raises
    ------
    GateError
        If gates fail and nobody accepts it; names them, with what was found and what may be.
    """
    failed = failures(now, before, gates())
    if failed and said is None:
        raise _refused(failed, study, last)
    return [
        {**asdict(one), "gate": one.gate.gate, "low": _plain(one.gate.low), "high": _plain(one.gate.high)}
        for one in failed
    ]


def _plain(limit: float) -> float | None:
    return limit if abs(limit) < float("inf") else None


def _refused(failed: Sequence[Failure], study: str, last: int | None) -> GateError:
    more = f"; and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    against = "a first edition" if last is None else f"an edition like edition {last}, which stays published"
    return GateError(
        against,
        found="; ".join(map(str, failed[:_SHOWN])) + more,
        where=f"study {study}",
        remedy="look at the tables and columns named (kansenkaart status shows what readers left out); if the "
        f'figures are right: kansenkaart run {study} --accepteer "who: why"',
    )
