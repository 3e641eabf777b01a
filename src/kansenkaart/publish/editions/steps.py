"""Editions around publishing: judge before, and after it keep the edition, its figures over all, and what differs.

The difference tells rows that came, went and changed, scores that moved, and by what.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from kansenkaart.config import Study, packaged_rows
from kansenkaart.core.editions import Move, Rows, compare
from kansenkaart.present.editionpages import Series, difference_page, monitor_page
from kansenkaart.publish.editions.editions import Accepted, Edition, editions, keep, proposed, tidy
from kansenkaart.tables import assumptions, fields, schemas
from kansenkaart.tables.provenance import sha256_of
from kansenkaart.tables.step import Report, scoring_version
from kansenkaart.tables.store import Store, atomic
from kansenkaart.wording.nl import csv_text

PAGE, TABLE = "cijfers.html", "cijfers.csv"


class Editions:
    """The editions of a study, and the one that is about to be published.

    Parameters
    ----------
    store : Store
        Tables of the study.
    study : Study
        For its title.
    folder : Path
        ``data/editions/<study>``.
    opt_out : str
        By what its opt-out list is told from another; nothing for an empty one.
    """

    def __init__(self, store: Store, study: Study, folder: Path, *, opt_out: str = "") -> None:
        self._store, self._study, self._folder, self._opt_out = store, study, folder, opt_out
        self._content: dict[str, Any] | None = None
        #: Whether what was published before may hold a roof that is on the list now; known after `judge`.
        self.relisted = False

    def judge(self, said: Accepted | None) -> None:
        """Hold what is stored against the gates, before anything of it is published.

        Raises
        ------
        GateError
            If a gate fails and nobody accepts it.
        StoreError
            If the summary of an earlier edition is damaged.
        """
        known = editions(self._folder)
        figures = {name: one.value for name, one in assumptions.with_own(self._study.assumptions).items()}
        self.relisted = (known[-1].content.get("opt_out", "") if known else "") != self._opt_out
        if self.relisted:
            # What an edition before the list was changed differs from the next one by, is the roof itself.
            for one in known:
                shutil.rmtree(one.folder)
            known = []
        self._content = proposed(self._store, known, said, figures)
        if self._content is not None and self._opt_out:
            self._content["opt_out"] = self._opt_out

    def before(self) -> Path | None:
        """Return the folder with the tables of the previous edition; None where there is none, or nothing differs from it."""
        known = editions(self._folder)
        return known[-1].folder / "tables" if known and self._content is not None else None

    def keep(self) -> list[Report]:
        """Keep what was judged and is now published as an edition, with what differs from the one before."""
        known = editions(self._folder)
        content = self._content
        if content is not None:
            number = known[-1].number + 1 if known else 1
            more = self._differences(known[-1], number, content) if known else {}
            keep(self._store, self._folder, number, content, more)
            known = editions(self._folder)
        tidy(self._store, self._folder, known)
        self._monitor(known)
        status = "unchanged" if content is None else "done"
        return [Report("editie", status, {"edities": len(known)})]

    def _differences(self, last: Edition, number: int, content: Mapping[str, Any]) -> dict[str, str]:
        found = difference(self._store, last, number)
        label = f"{number} ({content['as_of']})" if content["as_of"] else str(number)
        page = difference_page(found.content, title=self._study.title, labels=(last.label, label))
        rows = csv_text([str(one) for one in found.rows.columns], found.rows.astype(object).to_numpy().tolist())
        plain = json.dumps(found.content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        return {"verschil.json": plain, "verschil.html": page, "verschil.csv": rows}

    def _monitor(self, known: Sequence[Edition]) -> None:
        figures, labels = series(known), [one.label for one in known]
        accepted = [
            (one.label, one.content["accepted"]["who"], one.content["accepted"]["why"])
            for one in known
            if one.content["accepted"]
        ]
        page = monitor_page(figures, title=self._study.title, labels=labels, accepted=accepted)
        rows = [[one.label_nl, one.unit, *one.values] for one in figures]  # noqa: PD011 - of a series, not of a frame
        for name, text in {PAGE: page, TABLE: csv_text(["cijfer", "eenheid", *labels], rows)}.items():
            path = self._folder / name
            if not path.is_file() or path.read_bytes() != text.encode():
                with atomic(path) as part:
                    part.write_bytes(text.encode())


def series(known: Sequence[Edition]) -> list[Series]:
    """Return the figures of ``data/monitor.csv`` over the editions; one that no edition knows is left out.

    Parameters
    ----------
    known : sequence of Edition
        Those that stand, oldest first.
    """
    found = []
    for row in packaged_rows("monitor.csv"):
        values = tuple(_value(one.tables.get(row["table"]), row["column"], row["how"]) for one in known)
        if any(one is not None for one in values):
            about = fields.get(row["column"]) if row["column"] else None
            label = row["label_nl"] or (about.label_nl if about else row["table"])
            found.append(Series(label, about.unit or "" if about else "", values))
    return found


def _value(summary: Mapping[str, Any] | None, column: str, how: str) -> float | None:
    if summary is None:
        return None
    if how == "rows":
        return float(summary["rows"])
    found = summary["columns"].get(column, {}).get(how)
    return None if found is None else float(found)


#: Tables that people ask after first.
_FIRST = ("home", "pand", "buurt_score", "pand_score", "street_score")


@dataclass(frozen=True)
class Difference:
    """The difference between two editions: plain values for JSON and pages, and a row per row that differs."""

    content: Mapping[str, Any]
    rows: pd.DataFrame


def difference(store: Store, last: Edition, number: int) -> Difference:
    """Compare what is stored with the last edition.

    Parameters
    ----------
    store : Store
        The new tables.
    last : Edition
        The edition before, with its tables.
    number : int
        Of the new edition [1].
    """
    lineages = _Lineages(store, last)
    tables, parts = [], []
    for name in _names(store, last):
        entry: dict[str, Any] = {"table": name, "title_nl": schemas.get(name).title_nl, "causes": lineages.causes(name)}
        entry["before"] = int(last.tables[name]["rows"]) if name in last.tables else None
        entry["now"] = store.describe(name)["rows"] if store.has(name) else None
        rows = _compared(store, last, name)
        if rows is None:
            entry["compared"] = False
        else:
            entry |= {"compared": True, **{kind: rows.count(kind) for kind in ("added", "gone", "changed")}}
            entry["moves"] = [_move(one) for one in rows.moves]
            parts.append(rows.changes.assign(table=name))
        tables.append(entry)
    listed = (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["key", "change", "columns", "table"])
    )
    content = {
        "edition": number,
        "before": last.number,
        "tables": tables,
        "assumptions": lineages.assumptions(),
        "deliveries": lineages.deliveries(),
        "code": lineages.code_changed,
    }
    return Difference(content, listed[["table", "key", "change", "columns"]])


def _names(store: Store, last: Edition) -> list[str]:
    """Return the tables of either edition whose bytes differ or that one of them lacks, homes and panden first."""
    old = {name: one["sha256"] for name, one in last.tables.items()}
    new = {name: store.describe(name)["sha256"] for name in store.names() if name in schemas.tables()}
    differ = [name for name in schemas.tables() if old.get(name) != new.get(name)]
    return sorted(differ, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))


def _compared(store: Store, last: Edition, name: str) -> Rows | None:
    """Return the difference in rows; None where a table is absent from an edition, damaged, or has another key now."""
    kept = last.folder / "tables" / f"{name}.parquet"
    known = name in last.tables and kept.is_file() and sha256_of(kept) == last.tables[name]["sha256"]
    if not known or not store.has(name):
        return None
    shape = schemas.get(name)
    before = gpd.read_parquet(kept) if shape.geometry else pd.read_parquet(kept)
    if not set(shape.key) <= set(before.columns):
        return None
    return compare(before, store.read(name), key=shape.key)


def _move(one: Move) -> dict[str, Any]:
    about = fields.get(one.column)
    return {
        "column": one.column,
        "label_nl": about.label_nl,
        "unit": about.unit,
        "moved": one.moved,
        "total_before": one.total_before,
        "total_now": one.total_now,
        "largest": [{"key": key, "before": before, "now": now} for key, before, now in one.largest],
    }


#: Parameters of steps that say how files are read: another one gives other data, and is no assumption.
_READING = {"reading", "order"}


class _Lineages:
    """What the tables of both editions were made from: deliveries, assumptions and code."""

    def __init__(self, store: Store, last: Edition) -> None:
        self._new = {name: store.describe(name) for name in store.names()}
        self._old = dict(_sidecars(last.folder / "tables"))
        self.code_changed = bool(last.content["code"] != scoring_version())

    def causes(self, name: str) -> list[str]:
        """Return by what a table moved: ``data``, ``assumption``, ``code``; more than one: together, not entry apart.

        A table that one of the editions lacks is held against all that the other one was made from.
        """
        both = name in self._old and name in self._new
        new, old = (self._chain(one, name) if both else one for one in (self._new, self._old))
        found = []
        moved = {parameter for _, parameter in _moved(_parameters(old), _parameters(new))}
        if _bytes(_deliveries(new)) != _bytes(_deliveries(old)) or moved & _READING:
            found.append("data")
        if moved - _READING:
            found.append("assumption")
        if self.code_changed:
            found.append("code")
        return found or ["unknown"]

    def assumptions(self) -> list[dict[str, Any]]:
        """Return the parameters of steps that have another value now, each change once."""
        new, old = _parameters(self._new), _parameters(self._old)
        moved = {(key[1], old[key], new[key]) for key in _moved(old, new) if key[1] not in _READING}
        return [{"name": name, "before": json.loads(one), "now": json.loads(two)} for name, one, two in sorted(moved)]

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the deliveries of which the bytes are others now, by role and publisher; another name alone is none."""
        new, old = _deliveries(self._new), _deliveries(self._old)
        now, before = _bytes(new), _bytes(old)
        keys = sorted(key for key in now.keys() | before.keys() if now.get(key) != before.get(key))
        return [
            {
                "role": role,
                "publisher": publisher,
                "before": _edition(old.get((role, publisher))),
                "now": _edition(new.get((role, publisher))),
            }
            for role, publisher in keys
        ]

    def _chain(self, lineages: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
        seen: dict[str, Mapping[str, Any]] = {}
        todo = [name]
        while todo:
            one = todo.pop()
            if one not in seen and one in lineages:
                seen[one] = lineages[one]
                todo += list(lineages[one]["inputs"])
        return seen


def _sidecars(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in sorted(folder.glob("*.json")):
        try:
            yield path.stem, json.loads(path.read_text(encoding="utf-8"))
        except ValueError:  # damaged: then nothing is known of what that table was made from
            continue


def _deliveries(lineages: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for lineage in lineages.values():
        for one in lineage["sources"]:
            found.setdefault((one["role"], one["publisher"]), set()).add((one["edition"], one["sha256"]))
    return {key: sorted(values) for key, values in found.items()}


def _bytes(found: Mapping[tuple[str, str], list[tuple[str, str]]]) -> dict[tuple[str, str], set[str]]:
    return {key: {digest for _, digest in files} for key, files in found.items()}


def _parameters(lineages: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    return {
        (table, name): json.dumps(value, sort_keys=True)
        for table, one in lineages.items()
        for name, value in one["parameters"].items()
    }


def _moved(old: Mapping[tuple[str, str], str], new: Mapping[tuple[str, str], str]) -> set[tuple[str, str]]:
    """Return the parameters that both editions have, with another value; those that came or went are code."""
    return {key for key in old.keys() & new.keys() if old[key] != new[key]}


def _edition(found: list[tuple[str, str]] | None) -> str | None:
    return None if found is None else ", ".join(f"{edition} ({digest[:12]})" for edition, digest in found)
