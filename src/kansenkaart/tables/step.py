"""A step: named inputs, named outputs, and what to do; skipped when nothing that it depends on has changed."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pandas as pd

from kansenkaart.errors import StoreError
from kansenkaart.tables.provenance import Provenance, Tally
from kansenkaart.tables.store import Lineage, Store


@dataclass(frozen=True)
class Product:
    """One output of a step: a table as a frame, or a raster as a path, with the count of rows."""

    name: str
    content: pd.DataFrame | Path
    tally: Tally | None = None


@dataclass(frozen=True)
class Step:
    """One piece of work between files.

    Attributes
    ----------
    name : str
        As people know it.
    outputs : tuple of str
        Tables or rasters that it makes.
    action : callable
        Gets the store, returns the products, one for each output.
    inputs : tuple of str
        Stored tables or rasters that it reads; those that are absent count as absent.
    deliveries : tuple of Provenance
        Deliveries that it reads.
    parameters : mapping
        Plain values that change the outcome.
    """

    name: str
    outputs: tuple[str, ...]
    action: Callable[[Store], Sequence[Product]]
    inputs: tuple[str, ...] = ()
    deliveries: tuple[Provenance, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a step did: ``done`` or ``unchanged``, the rows [1] of each output, how long it took [s], and why it was made.

    ``why`` is ``first``, ``inputs`` (with the names of those that differ), ``parameters``, ``other`` (code, a delivery or a
    damaged file), or nothing for a step that was skipped.
    """

    step: str
    status: str
    rows: Mapping[str, int]
    seconds: float | None = field(default=None, compare=False)
    why: str = field(default="", compare=False)


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the hash of all code and tables of the package: another version makes every step run again."""
    return _hash_of_package()


@lru_cache(maxsize=1)
def scoring_version() -> str:
    """Return the hash of what can move a score without being data or an assumption: pages and command line cannot."""
    return _hash_of_package("present", "house_style.csv", "kinds.csv", "cli.py", "assumptions.csv", "gates.csv")


@lru_cache(maxsize=1)
def commit() -> str:
    """Return the commit of the checkout that the package runs from, ``-dirty`` where it was changed since; else nothing."""
    folder = Path(__file__).resolve().parents[3]
    if not (folder / ".git").exists():
        return ""
    try:
        command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        asked = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return asked.stdout.strip()


@lru_cache
def version_of(*parts: str) -> str:
    """Return the hash of some parts of the package, such as what writes the embedded example.

    Parameters
    ----------
    *parts : str
        Folders or files of the package, such as ``sources/example``.
    """
    return _hash_of_package(parts=parts)


def _hash_of_package(*leave_out: str, parts: tuple[str, ...] = ("",)) -> str:
    digest = hashlib.sha256()

    def add(folder: Traversable) -> None:
        for item in sorted(folder.iterdir(), key=lambda one: one.name):
            if item.name in leave_out:
                continue
            if item.is_dir() and item.name != "__pycache__":
                add(item)
            elif item.is_file():
                keep(item)

    def keep(item: Traversable) -> None:
        digest.update(item.name.encode() + b"\0" + item.read_bytes() + b"\0")

    for part in parts:
        top = files("kansenkaart") / part if part else files("kansenkaart")
        add(top) if top.is_dir() else keep(top)
    return digest.hexdigest()


def is_current(store: Store, step: Step) -> bool:
    """Return whether a run would skip the step: its outputs are there, made from the same inputs, parameters and code.

    Parameters
    ----------
    store : Store
        Of the study.
    step : Step
        That a run would do.
    """
    mark = _fingerprint(store, step, _inputs(store, step))
    return all(_made(store, name, mark) for name in step.outputs)


def run(store: Store, step: Step) -> Report:
    """Do a step, unless its outputs are there and were made from the same inputs, parameters and code.

    Parameters
    ----------
    store : Store
        Where inputs are and outputs go.
    step : Step
        What to do.

    Returns
    -------
    Report
        Whether it was done, and the rows of each output [1].

    Raises
    ------
    StoreError
        If the step makes other outputs than it says.
    """
    inputs = _inputs(store, step)
    mark = _fingerprint(store, step, inputs)
    if all(_made(store, name, mark) for name in step.outputs):
        rows = {name: store.describe(name)["rows"] for name in step.outputs}
        return Report(step.name, "unchanged", rows)
    why = _why(store, step, inputs)
    products = step.action(store)
    made = tuple(product.name for product in products)
    if made != step.outputs:
        raise StoreError(f"the outputs {step.outputs}", found=str(made), where=step.name, remedy="correct the step")
    sources = _sources(store, step, inputs)
    for product in products:
        rows = product.tally.to_dict() if product.tally else {}
        lineage = Lineage(mark, tuple(sources), inputs, dict(step.parameters), rows)
        if isinstance(product.content, Path):
            store.write_raster(product.name, product.content, lineage)
        else:
            store.write(product.name, product.content, lineage)
    rows = {name: store.describe(name)["rows"] for name in step.outputs}
    return Report(step.name, "done", rows, why=why)


def _why(store: Store, step: Step, inputs: Mapping[str, str]) -> str:
    """Return what differs from what the outputs were made from."""
    try:
        old = [store.describe(name) for name in step.outputs if store.has(name)]
    except StoreError:
        return "other"
    if len(old) < len(step.outputs):
        return "first"
    differ = sorted({name for one in old for name, _ in dict(one["inputs"]).items() ^ inputs.items()})
    if differ:
        return f"inputs {', '.join(differ)}"
    plain = json.loads(json.dumps(dict(step.parameters)))
    return "parameters" if any(one["parameters"] != plain for one in old) else "other"


def _inputs(store: Store, step: Step) -> dict[str, str]:
    return {name: store.describe(name)["sha256"] for name in step.inputs if store.has(name)}


def _sources(store: Store, step: Step, inputs: Mapping[str, str]) -> list[Provenance]:
    return sorted({*step.deliveries, *store.sources_of(list(inputs))}, key=lambda one: json.dumps(one.to_dict()))


def _fingerprint(store: Store, step: Step, inputs: Mapping[str, str]) -> str:
    content = {
        "step": step.name,
        "inputs": dict(inputs),
        "parameters": dict(step.parameters),
        "code": code_version(),
        "sources": [one.to_dict() for one in _sources(store, step, inputs)],  # an edition may get another name alone
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def made_from(store: Store, names: Sequence[str], more: Sequence[object]) -> str:
    """Return the hash of what pages are made from: tables, the deliveries behind them, the code and plain values.

    Parameters
    ----------
    store : Store
        With the tables.
    names : sequence of str
        Those that are read.
    more : sequence
        What else counts, as JSON takes it.
    """
    content = {
        "code": code_version(),
        "tables": {name: store.describe(name)["sha256"] for name in names},
        "sources": [one.to_dict() for one in store.sources_of(names)],
        "more": list(more),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _made(store: Store, name: str, mark: str) -> bool:
    if not store.has(name):
        return False
    try:
        store.verify(name)
    except StoreError:
        return False
    return bool(store.describe(name)["fingerprint"] == mark)
