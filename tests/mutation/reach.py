"""Notes which functions of the package each test reaches, so that a fault is shown to those tests only.

``python -m pytest -p tests.mutation.reach`` writes what it saw to the file that ``KANSENKAART_REACH`` names. The functions say
themselves that they begin: a statement is put into each when its module is imported. What a fixture of more than one
test reached counts for each test that asks for it. Caches are emptied before each test. Not seen is what another process
runs and what is compiled: there a fault is shown to every test of the room.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Generator, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

#: Wherever the package stands, its own or a copy.
_PACKAGE = f"{os.sep}kansenkaart{os.sep}"
_FLOWS = f"{os.sep}flows{os.sep}"
#: Functions reached since it was last emptied; every module finds it among the builtins.
_SAID: set[str] = set()
_NAME = "_kansenkaart_reached"


class Reach:
    """Functions reached by each shared fixture, and by each test that ended."""

    def __init__(self) -> None:
        self.fixtures: dict[str, set[str]] = {}
        self.tests: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Keep apart what a fixture of more than one test reaches."""
        if fixturedef.scope == "function":
            return (yield)
        outside = _taken()
        try:
            return (yield)
        finally:
            self.fixtures[fixturedef.argname] = set(_SAID)
            _SAID.update(outside)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Function) -> Generator[None, object, object]:
        """Follow one test, with what is made for it."""
        _forget()
        _taken()
        began = time.monotonic()
        try:
            return (yield)
        finally:
            shared = (self.fixtures.get(name, set()) for name in item.fixturenames)
            reached = sorted(_SAID.union(*shared))
            self.tests[item.nodeid] = {"seconds": round(time.monotonic() - began, 3), "reaches": reached}

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        Path(os.environ["KANSENKAART_REACH"]).write_text(json.dumps(self.tests), "utf-8")


def _taken() -> set[str]:
    """Return what was said so far, and begin anew."""
    said = set(_SAID)
    _SAID.clear()
    return said


def _telling(get_code: Callable[[SourceFileLoader, str], CodeType | None]) -> Callable[..., CodeType | None]:
    """Return a way to load modules by which the functions of the package say that they begin."""

    def loaded(self: SourceFileLoader, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        if not (file := _file_of(path)):
            return get_code(self, fullname)
        tree = ast.parse(self.get_data(path))
        _made_to_say(tree.body, f"{file.replace(os.sep, '/')}:")
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)

    return loaded


def _made_to_say(body: list[ast.stmt], before: str) -> None:
    """Begin every function, and every method, with a statement that tells its name; not where another compiler reads it."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            _made_to_say(node.body, f"{before}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _compiled(node):
            say = ast.parse(f"{_NAME}({before + node.name!r})").body[0]
            for each in ast.walk(say):
                ast.copy_location(each, node.body[0])
            node.body.insert(ast.get_docstring(node, clean=False) is not None, say)


def _compiled(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(name in ast.unparse(one) for one in node.decorator_list for name in ("kernel", "njit", "intrinsic"))


def _forget() -> None:
    """Empty every cache of the package: what an earlier test had made is reached anew."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of a folder that a cache kept until now
        for name in [one for one in sys.modules if one.partition(".")[0] == "kansenkaart"]:
            for one in [each for each in vars(sys.modules[name]).values() if hasattr(each, "cache_clear")]:
                one.cache_clear()


def _file_of(path: str) -> str:
    head, flows, file = path.rpartition(_FLOWS)
    if flows and not head.endswith(f"{os.sep}tests") and "site-packages" not in head:
        return f"flows{os.sep}{file}"
    _, package, file = path.rpartition(_PACKAGE)
    return file if package else ""


def function_at(text: str, line: int) -> str | None:
    """Return the qualified name of the outermost function that holds a line; None for what runs when a module is imported.

    Parameters
    ----------
    text : str
        The module.
    line : int
        From 1.
    """
    holder = _holder(ast.parse(text).body, line, "")
    return holder[0] if holder else None


def may_be_compiled(text: str, line: int) -> bool:
    """Return whether a line may be in a compiled loop: all but what is in a function without decorators.

    Parameters
    ----------
    text, line
        As :func:`function_at` takes them.
    """
    holder = _holder(ast.parse(text).body, line, "")
    return holder is None or bool(holder[1].decorator_list) or "llvmlite" in text


def _holder(body: list[ast.stmt], line: int, before: str) -> tuple[str, ast.FunctionDef | ast.AsyncFunctionDef] | None:
    for node in body:
        end = node.end_lineno or node.lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.body[0].lineno <= line <= end:
            return before + node.name, node
        if isinstance(node, ast.ClassDef) and node.lineno <= line <= end:
            return _holder(node.body, line, f"{before}{node.name}.")
    return None


def in_turn(tests: Mapping[str, Mapping[str, Any]], file: str, function: str | None) -> list[str]:
    """Return the tests that reach a function, the quickest first.

    Where no test was seen to reach it (it is compiled, or runs when the module is imported), all tests are returned, those
    that reach something in its module first.

    Parameters
    ----------
    tests : mapping
        What :class:`Reach` wrote, or the part of it that may be run.
    file : str
        Of the module, below the package.
    function : str, optional
        As :func:`function_at` names it.
    """
    near = {one for one, seen in tests.items() if any(name.startswith(f"{file}:") for name in seen["reaches"])}
    exact = [one for one, seen in tests.items() if f"{file}:{function}" in seen["reaches"]]
    return sorted(exact or tests, key=lambda one: (one not in near, tests[one]["seconds"]))


class Chosen:
    """Runs the tests of a list only, and in its order."""

    def __init__(self, chosen: list[str]) -> None:
        self.turn = {name: number for number, name in enumerate(chosen)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the others."""
        items[:] = sorted((one for one in items if one.nodeid in self.turn), key=lambda one: self.turn[one.nodeid])


def pytest_configure(config: pytest.Config) -> None:
    """Begin to note, where a file is named to write to."""
    if "KANSENKAART_REACH" in os.environ:
        setattr(builtins, _NAME, _SAID.add)
        SourceFileLoader.get_code = _telling(SourceFileLoader.get_code)  # type: ignore[method-assign]
        config.pluginmanager.register(Reach())
