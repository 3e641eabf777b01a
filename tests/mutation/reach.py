"""Notes which functions of the package each test reaches, so that a fault is shown to those tests only.

``python -m pytest -p tests.mutation.reach`` writes what it saw to the file that ``KANSENKAART_REACH`` names. What a fixture
of more than one test reached counts for each test that asks for it. Caches are emptied before each test. Not seen is what
another process runs and what is compiled: there a fault is shown to every test of the room.
"""

from __future__ import annotations

import ast
import json
import os
import sys
import threading
import time
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

#: Wherever the package stands, its own or a copy.
_PACKAGE = f"{os.sep}kansenkaart{os.sep}"
_FLOWS = f"{os.sep}flows{os.sep}"


class Reach:
    """Functions reached so far: by the test that runs, by each shared fixture, and by each test that ended."""

    def __init__(self) -> None:
        self.now: dict[int, CodeType] = {}
        self.fixtures: dict[str, set[str]] = {}
        self.tests: dict[str, dict[str, Any]] = {}

    def trace(self, frame: FrameType, event: str, argument: object) -> None:
        """Note the function of a call; its lines are not followed."""
        self.now[id(frame.f_code)] = frame.f_code

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Keep apart what a fixture of more than one test reaches."""
        if fixturedef.scope == "function":
            return (yield)
        outside, self.now = self.now, {}
        try:
            return (yield)
        finally:
            self.fixtures[fixturedef.argname] = _named(list(self.now.values()))
            self.now = outside | self.now

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Function) -> Generator[None, object, object]:
        """Follow one test, with what is made for it."""
        _forget()
        self.now, began = {}, time.monotonic()
        sys.settrace(self.trace)
        threading.settrace(self.trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            shared = (self.fixtures.get(name, set()) for name in item.fixturenames)
            reached = sorted(_named(list(self.now.values())).union(*shared))
            self.tests[item.nodeid] = {"seconds": round(time.monotonic() - began, 3), "reaches": reached}

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        Path(os.environ["KANSENKAART_REACH"]).write_text(json.dumps(self.tests), "utf-8")


def _forget() -> None:
    """Empty every cache of the package: what an earlier test had made is reached anew."""
    for name in [one for one in sys.modules if one.partition(".")[0] == "kansenkaart"]:
        for one in [each for each in vars(sys.modules[name]).values() if hasattr(each, "cache_clear")]:
            one.cache_clear()


def _named(codes: Iterable[CodeType]) -> set[str]:
    """Return ``room/module.py:function`` for what is of the package, and ``flows/module.py:function``."""
    parts = ((_file_of(code), code.co_qualname) for code in codes)
    return {f"{file.replace(os.sep, '/')}:{name.partition('.<locals>')[0]}" for file, name in parts if file}


def _file_of(code: CodeType) -> str:
    head, flows, file = code.co_filename.rpartition(_FLOWS)
    if flows and not head.endswith(f"{os.sep}tests") and "site-packages" not in head:
        return f"flows{os.sep}{file}"
    _, package, file = code.co_filename.rpartition(_PACKAGE)
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
        config.pluginmanager.register(Reach())
