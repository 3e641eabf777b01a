"""The numbers that core and scores assume where it is not told otherwise, in one list: a number that changes is seen by a reader.

Constants of modules, defaults of rules and of functions; each has its unit and source where it stands.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from types import ModuleType

import numpy as np

from tests.pinned import same_as_pinned

#: Whether loops are made of vectors depends on the processor.
_OF_THE_MACHINE = ("VECTORS",)


def _told(value: object) -> str | None:
    """Put a number, or a sequence or mapping of numbers and words, in words; nothing for what is none."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_told(one)}" for key, one in value.items())
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(str(_told(one)) for one in (sorted(value) if isinstance(value, frozenset) else value))
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value) if isinstance(value, int | str) else None


def _assumed(module: ModuleType) -> Iterator[tuple[str, object]]:
    for node in ast.parse(inspect.getsource(module)).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [one.id for one in targets if isinstance(one, ast.Name) and one.id.isupper()]
        yield from ((name, getattr(module, name)) for name in names if name not in _OF_THE_MACHINE)
    for name, one in inspect.getmembers(module):
        if getattr(one, "__module__", None) != module.__name__:
            continue
        if is_dataclass(one):
            yield from (
                (f"{name}.{field.name}", field.default) for field in fields(one) if field.default is not MISSING
            )
        elif callable(one) and not inspect.isclass(one):
            given = inspect.signature(getattr(one, "py_func", one)).parameters.values()
            yield from ((f"{name}({each.name})", each.default) for each in given if each.default is not each.empty)


def test_the_numbers_that_core_and_scores_assume_are_as_they_were() -> None:
    made = {}
    for room in ("core.area", "core.solar", "core.water", "score"):
        top = importlib.import_module(f"kansenkaart.{room}")
        for found in pkgutil.iter_modules(top.__path__):
            module = importlib.import_module(f"{top.__name__}.{found.name}")
            lines = [f"{name} = {said}" for name, value in _assumed(module) if (said := _told(value)) is not None]
            made[f"{room.removeprefix('core.')}.{found.name}"] = "\n".join(lines)
    same_as_pinned("pins/core_numbers.txt", made)
