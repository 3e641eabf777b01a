"""The numbers and names that the modules of publishers assume, in one list: one that changes is seen by a reader."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil

import kansenkaart.sources
from tests.core.test_assumed_numbers import _told
from tests.pinned import same_as_pinned


def test_the_numbers_that_sources_assume_are_as_they_were():
    made = {}
    for found in pkgutil.iter_modules(kansenkaart.sources.__path__):
        if found.ispkg:
            continue
        module = importlib.import_module(f"kansenkaart.sources.{found.name}")
        tops = [one for one in ast.parse(inspect.getsource(module)).body if isinstance(one, ast.Assign | ast.AnnAssign)]
        names = [node.id for top in tops for node in ast.walk(top) if isinstance(node, ast.Name) and node.id.isupper()]
        said = {name: _told(getattr(module, name)) for name in dict.fromkeys(names) if hasattr(module, name)}
        made[found.name] = "\n".join(f"{name} = {one}" for name, one in said.items() if one is not None)
    same_as_pinned("pins/numbers_of_sources.txt", made)
