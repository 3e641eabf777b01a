"""A municipality's or corporation's own data: joined on ids, every row reported, estimates overridden; and withdrawn again."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kansenkaart.acquire.deliveries import Delivery
from kansenkaart.config import ROLES as STUDY_ROLES
from kansenkaart.config import STATUS, Folders, Source, Study
from kansenkaart.errors import ConfigError, StoreError
from kansenkaart.sources.own import ACTUALS, BUDGETS, PANDEN, SEWERS, OwnData, read_own
from kansenkaart.tables import schemas
from kansenkaart.tables.assumptions import default_services
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product, Step
from kansenkaart.tables.store import RASTERS, Store, locked
from kansenkaart.wording.messages import own_result_nl
from kansenkaart.wording.nl import codes

_SHAPES = {"own_pand": PANDEN, "own_sewer": SEWERS, "own_budget": BUDGETS, "own_actual": ACTUALS}
ROLES = tuple(_SHAPES)
REPORT = "own_report"
_INPUTS = ("pand", "sewer_pipe")
_PAST, _AHEAD = 1850, 2100
_ACTUALS_FROM = 2000
Part = tuple[Source, Delivery]


def steps(parts: Sequence[Part]) -> list[Step]:
    """Return the step that reads all own tables of a study and reports on their rows; none where there are none.

    Parameters
    ----------
    parts : sequence of Part
        Each source of the study with its delivery.

    Returns
    -------
    list of Step
        One, or none.
    """
    mine = [part for part in parts if part[0].role in ROLES]
    if not mine:
        return []
    roles = [role for role in ROLES if any(source.role == role for source, _ in mine)]
    deliveries = tuple(one for _, delivery in mine for one in delivery.provenance)
    told = {"reading": [source.reading() for source, _ in mine]}
    return [
        Step("eigen gegevens", (*roles, REPORT), lambda store: _read_all(store, mine, roles), _INPUTS, deliveries, told)
    ]


def _read_all(store: Store, mine: Sequence[Part], roles: Sequence[str]) -> list[Product]:
    products, reports = [], []
    for role in roles:
        asked = [(delivery.paths[0], source.layer) for source, delivery in mine if source.role == role]
        read = [(path.name, _read(role, path, layer, store)) for path, layer in asked]
        table, report = join(read)
        reports.append(report.assign(role=role))
        tally = _tally(report)
        products.append(Product(role, _shaped(role, table), tally))
    every = pd.concat(reports, ignore_index=True)
    ids = every["role"] + ":" + every["file"] + ":" + every["row"].astype(str) + ":" + every["column"]
    words = [own_result_nl(*pair) for pair in zip(every["result"], every["hint"], strict=True)]
    report = every[["file", "row", "key", "column", "found", "result"]].add_prefix("own_")
    report.insert(0, "own_row_id", ids)
    report = report.assign(own_words=words)
    return [*products, Product(REPORT, report, _tally(every))]


def join(read: Sequence[tuple[str, OwnData]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join several files of one kind; an id that has two stories, in one file or in two, is used from none.

    Parameters
    ----------
    read : sequence of tuple[str, OwnData]
        Name of each file with what was read from it.

    Returns
    -------
    tuple of DataFrame
        The usable rows by key, and the report of all rows with their file.
    """
    table = pd.concat([own.table for _, own in read])
    report = pd.concat([own.report.assign(file=name) for name, own in read], ignore_index=True)
    again = table[~table.reset_index().duplicated().to_numpy()]
    torn = {*again.index[again.index.duplicated()], *report.loc[report["result"].eq("conflict"), "key"]}
    used = report["result"].eq("matched")
    report.loc[used & report.duplicated(["key", "result"]), "result"] = "duplicate"
    report.loc[used & report["key"].isin(torn), "result"] = "conflict"
    return again[~again.index.isin(torn)], report


def _tally(report: pd.DataFrame) -> Tally:
    rows = report[~report["cell"].astype(bool)]
    counts = rows["result"].value_counts(sort=False)
    left = {str(name): int(count) for name, count in counts.items() if name != "matched"}
    cells = report[report["cell"].astype(bool)]
    twice = int(cells["hint"].eq("two_readings").sum())
    noted = {"getal met twee lezingen, niet gebruikt": twice, "cel onleesbaar": len(cells) - twice}
    noted = {words: count for words, count in noted.items() if count}
    return Tally(len(rows), int(counts.get("matched", 0)), left, noted)


def _shaped(role: str, table: pd.DataFrame) -> pd.DataFrame:
    frame = table.reset_index()
    for name in ("owner", "payer"):
        if name in frame:
            frame[name] = frame[name].where(frame[name] != "", None)
    return frame if role != "own_actual" else frame.assign(actual_year=frame["actual_year"].astype(int))


def _ids(store: Store, table: str, column: str) -> list[str]:
    return store.read(table)[column].astype(str).tolist() if store.has(table) else []


def _read(role: str, path: Path, layer: str | None, store: Store) -> OwnData:
    if role == "own_budget":
        known = [one.name for one in default_services()]
        spelled = {word: name for name, word in codes("service").items() if name in known}
        return _read_own(role, path, layer, known, spelled)
    ids = {"own_pand": ("pand", "pand_id"), "own_sewer": ("sewer_pipe", "pipe_id")}.get(role)
    return _read_own(role, path, layer, _ids(store, *ids) if ids else ())


def _read_own(
    role: str, path: Path, layer: str | None, known: Sequence[str], spelled: Mapping[str, str] | None = None
) -> OwnData:
    first = _ACTUALS_FROM if role == "own_actual" else _PAST
    shape = _SHAPES[role]
    return read_own(path, shape=shape, first_year=first, last_year=_AHEAD, known=known, layer=layer, spelled=spelled)


def with_sewers(
    frame: pd.DataFrame, tally: Tally, files: Sequence[tuple[Path, str | None]]
) -> tuple[pd.DataFrame, Tally]:
    """Let the municipality's real laying years and diameters take the place of those in the register.

    Parameters
    ----------
    frame : DataFrame
        Pipes of the register.
    tally : Tally
        Their count.
    files : sequence of tuple
        Own tables of sewers, each with its layer or sheet (None for the first).
    """
    if not files:
        return frame, tally
    known = frame["pipe_id"].astype(str).tolist()
    read = [(path.name, _read_own("own_sewer", path, layer, known)) for path, layer in files]
    table, _ = join(read)
    out, noted = frame.copy(), dict(tally.noted)
    for column, name in (("laid_year", "laying_year"), ("diameter_mm", "diameter_mm")):
        given = frame["pipe_id"].map(table[name]).astype(float)
        out[column] = given.where(given.notna(), frame[column].astype(float))
        noted[f"{column} uit eigen gegevens"] = int(given.notna().sum())
    return out, Tally(tally.rows_in, tally.kept, tally.left_out, noted)


def forget(study: Study, folders: Folders, role: str) -> list[str]:
    """Erase own data of one role and all that was made from it; the next run makes the rest anew, without it.

    Parameters
    ----------
    study : Study
        The study.
    folders : Folders
        Where its tables, editions and pages are.
    role : str
        ``own_pand``, ``own_sewer``, ``own_budget`` or ``own_actual``.

    Returns
    -------
    list of str
        What was erased, as paths below the project folder.

    Raises
    ------
    ConfigError
        If it is no role of own data, or the study still names a file for it: then the next run would read it again.
    """
    if role not in ROLES:
        raise ConfigError(
            f"a role of own data: {', '.join(ROLES)}",
            found=role,
            where="kansenkaart vergeet",
            remedy="choose one of these",
        )
    if study.sources(role):
        raise ConfigError(
            f"a study without a source for {role}",
            found="a [[source]] of that role",
            where=f"study {study.name}",
            remedy=f"take its [[source]] out of the study file, remove the file itself, then: kansenkaart vergeet "
            f"{study.name} {role}",
        )
    store, root = Store(folders.processed / study.name), folders.maps.parent
    published = published_of(study, folders)
    with locked(store.root, *(one for one in published if one.parent == folders.maps)):
        gone = [*_erase_tables(store, {role}), *_erase_editions(store, {role}), *published]
        for folder in published:
            shutil.rmtree(folder)
        if (failed := store.root / STATUS).exists():  # it may repeat what was wrong with the file
            failed.unlink()
            gone.append(failed)
    return [str(one.relative_to(root)) for one in gone]


def published_of(study: Study, folders: Folders) -> list[Path]:
    """Return the folders of pages and of releases of a study, of every edition.

    Parameters
    ----------
    study : Study
        The study.
    folders : Folders
        Where its pages are; releases lie beside them.
    """
    names = {study.name, f"{study.name}-intern", f"{study.name}-openbaar"}
    pages = [one for one in folders.maps.glob(f"{study.name}*") if one.name in names and _is_folder(one)]
    return [*pages, *(one for one in folders.maps.parent.glob("uitgaven/*") if _is_release_of(one, study.name))]


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_release_of(path: Path, name: str) -> bool:
    """Tell whether a folder is a release of a study, whatever went into it: that of a public edition names no own data."""
    named = re.fullmatch(rf"{re.escape(name)}(-intern)?-\d{{4}}[\d-]*", path.name)
    return _is_folder(path) and named is not None


def erase_left(study: Study, store: Store) -> None:
    """Erase the tables of roles that are no longer in the study, with what was made from them; a run begins with this.

    Of own data the editions that it went into as well. Hourly weather stays: a typical year takes its place.

    Parameters
    ----------
    study : Study
        The study.
    store : Store
        Its tables, whose folder is locked; its pages are made anew by the same run.
    """
    tables = [role for role in STUDY_ROLES if role in {*schemas.tables(), *RASTERS} and role != "weather_hourly"]
    left = {role for role in tables if store.path(role).exists() and not study.sources(role)}
    if left:
        _erase_tables(store, left)
    if mine := left & {*ROLES}:
        _erase_editions(store, mine)


def _erase_tables(store: Store, roles: set[str]) -> list[Path]:
    """Erase the tables of roles, the report on their rows, and every table that they are a source of; return the files."""
    names = [*roles, REPORT, *(name for name in store.names() if _comes_from(store, name, roles))]
    files = [path for name in dict.fromkeys(names) for path in (store.path(name), store.sidecar(name)) if path.exists()]
    for path in files:
        path.unlink()
    return files


def _comes_from(store: Store, name: str, roles: set[str]) -> bool:
    try:
        return _speaks_of(store.describe(name)["sources"], roles)
    except StoreError:  # damaged: the next run makes it anew in any case
        return True


def _speaks_of(sources: Any, roles: set[str]) -> bool:
    return any(one.get("role") in roles for one in sources)


def _was_made_with(edition: Path, roles: set[str]) -> bool:
    try:
        return _speaks_of(json.loads(edition.read_text(encoding="utf-8"))["sources"], roles)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # damaged: nobody can tell, so it goes
        return True


def _erase_editions(store: Store, roles: set[str]) -> list[Path]:
    """Erase the editions that were made with these roles: their tables, summaries and differences."""
    folder = store.root.parent.parent / "editions" / store.root.name
    gone = [one.parent for one in sorted(folder.glob("*/edition.json")) if _was_made_with(one, roles)]
    gone += [one for one in sorted(folder.glob(".*.part")) if one.is_dir()]  # of a run that was killed meanwhile
    pages = [path for path in (folder / "cijfers.html", folder / "cijfers.csv") if gone and path.exists()]
    for one in gone:
        shutil.rmtree(one)
    for path in pages:
        path.unlink()
    return [*gone, *pages]
