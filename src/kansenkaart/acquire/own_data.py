"""A municipality's or corporation's own data in a run: joined on ids, every row reported, estimates overridden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from kansenkaart.acquire.deliveries import Delivery
from kansenkaart.config import Source
from kansenkaart.sources.own import BUDGETS, PANDEN, SEWERS, OwnData, read_actuals, read_own
from kansenkaart.tables.assumptions import default_services
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product, Step
from kansenkaart.tables.store import Store
from kansenkaart.wording.messages import own_result_nl

ROLES = ("own_pand", "own_sewer", "own_budget", "own_actual")
REPORT = "own_report"
_INPUTS = ("pand", "sewer_pipe")
_PAST, _AHEAD = 1850, 2100
_ACTUALS_FROM = 2000
Part = tuple[Source, Delivery]
Reader = Callable[[Path, str | None, Store], OwnData]


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
    outputs = (*roles, REPORT)
    return [Step("eigen gegevens", outputs, lambda store: _read_all(store, mine, roles), _INPUTS, deliveries)]


def _read_all(store: Store, mine: Sequence[Part], roles: Sequence[str]) -> list[Product]:
    products, reports = [], []
    for role in roles:
        asked = [(delivery.paths[0], source.layer) for source, delivery in mine if source.role == role]
        read = [(path.name, _READERS[role](path, layer, store)) for path, layer in asked]
        table, report = join(read)
        reports.append(report.assign(role=role))
        tally = _tally(report)
        products.append(Product(role, _shaped(role, table), tally))
    every = pd.concat(reports, ignore_index=True)
    ids = every["role"] + ":" + every["file"] + ":" + every["row"].astype(str) + ":" + every["column"]
    report = pd.DataFrame(
        {
            "own_row_id": ids,
            "own_file": every["file"],
            "own_row": every["row"],
            "own_key": every["key"],
            "own_column": every["column"],
            "own_found": every["found"],
            "own_result": every["result"],
            "own_words": [own_result_nl(*pair) for pair in zip(every["result"], every["hint"], strict=True)],
        }
    )
    return [*products, Product(REPORT, report, _tally(every))]


def join(read: Sequence[tuple[str, OwnData]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join several files of one kind; an id about which two files differ is used from neither.

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
    torn = again.index[again.index.duplicated(keep=False)]
    report.loc[report["key"].isin(torn) & report["result"].eq("matched"), "result"] = "conflict"
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


def _bounds() -> dict[str, int]:
    return {"first_year": _PAST, "last_year": _AHEAD}


def _read_pand(path: Path, layer: str | None, store: Store) -> OwnData:
    return read_own(path, shape=PANDEN, known=_ids(store, "pand", "pand_id"), layer=layer, **_bounds())


def _read_sewer(path: Path, layer: str | None, store: Store) -> OwnData:
    return read_own(path, shape=SEWERS, known=_ids(store, "sewer_pipe", "pipe_id"), layer=layer, **_bounds())


def _read_budget(path: Path, layer: str | None, store: Store) -> OwnData:
    del store
    return read_own(path, shape=BUDGETS, known=[one.name for one in default_services()], layer=layer, **_bounds())


def _read_actual(path: Path, layer: str | None, store: Store) -> OwnData:
    del store
    return read_actuals(path, layer=layer, first_year=_ACTUALS_FROM, last_year=_AHEAD)


_READERS: dict[str, Reader] = {
    "own_pand": _read_pand,
    "own_sewer": _read_sewer,
    "own_budget": _read_budget,
    "own_actual": _read_actual,
}


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
    read = [(path.name, read_own(path, shape=SEWERS, known=known, layer=layer, **_bounds())) for path, layer in files]
    table, _ = join(read)
    out, noted = frame.copy(), dict(tally.noted)
    for column, name in (("laid_year", "laying_year"), ("diameter_mm", "diameter_mm")):
        given = frame["pipe_id"].map(table[name]).astype(float)
        out[column] = given.where(given.notna(), frame[column].astype(float))
        noted[f"{column} uit eigen gegevens"] = int(given.notna().sum())
    return out, Tally(tally.rows_in, tally.kept, tally.left_out, noted)
