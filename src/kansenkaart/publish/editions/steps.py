"""Editions around publishing: judge before, and after it keep the edition, its difference and the figures over all."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from kansenkaart.config import Study
from kansenkaart.present.editionpages import Series, difference_page, monitor_page
from kansenkaart.publish.editions.difference import difference, readable
from kansenkaart.publish.editions.editions import Edition, editions, keep, proposed, tidy
from kansenkaart.publish.editions.gates import Accepted
from kansenkaart.tables import fields
from kansenkaart.tables.step import Report
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
        if known and known[-1].content.get("opt_out", "") != self._opt_out:
            # What an edition before the list was changed differs from the next one by, is the roof itself.
            for one in known:
                shutil.rmtree(one.folder)
            known = []
        self._content = proposed(self._store, known, said)
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
        return {"verschil.json": readable(found), "verschil.html": page, "verschil.csv": rows}

    def _monitor(self, known: Sequence[Edition]) -> None:
        figures, labels = series(known), [one.label for one in known]
        accepted = [
            (one.label, one.content["accepted"]["who"], one.content["accepted"]["why"])
            for one in known
            if one.content["accepted"]
        ]
        page = monitor_page(figures, title=self._study.title, labels=labels, accepted=accepted)
        for name, text in {PAGE: page, TABLE: _as_csv(figures, labels)}.items():
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
    with (files("kansenkaart") / "data" / "monitor.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    found = []
    for row in rows:
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


def _as_csv(figures: Sequence[Series], labels: Sequence[str]) -> str:
    return csv_text(["cijfer", "eenheid", *labels], [[one.label_nl, one.unit, *one.values] for one in figures])
