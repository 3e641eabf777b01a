"""Finds every sentence that the package can say to a person: errors, and reasons and notes of the tallies, by their AST.

A sentence is a template: ``{}`` stands for what is filled in. Names are followed to where they are given a value: in the
same function, as a constant of a module, or, for a parameter, at every call of the function.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HOLE = "{}"
#: Of which words of a call people read: methods of the sieve and of the tallies, with the place of the reason.
REASONS = {"drop": 1, "drop_named": 1, "note": 0, "_drop_named": 2}
PREFIXES = {"drop_by_name": 2, "_keep_only": 2}
#: What ends one try; its words become what an error has found.
TRIES = {"_Again"}
#: Counters by reason.
TALLIES = {"noted", "left_out", "seen", "notes", "left"}
FIELDS = ("expected", "found", "where", "remedy")
_DEEPEST = 5


@dataclass
class Package:
    """All modules of a package, parsed, with their functions, calls and constants by name."""

    root: Path
    trees: dict[Path, ast.Module] = field(default_factory=dict)
    calls: dict[str, list[tuple[ast.Call, ast.FunctionDef | None]]] = field(default_factory=dict)
    constants: dict[str, list[ast.expr]] = field(default_factory=dict)
    owners: dict[ast.AST, ast.FunctionDef] = field(default_factory=dict)
    modules: dict[ast.FunctionDef, str] = field(default_factory=dict)
    places: dict[ast.Call, str] = field(default_factory=dict)
    imports: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path) -> Package:
        """Parse every module below a folder."""
        self = cls(root)
        for path in sorted(root.rglob("*.py")):
            tree = self.trees[path] = ast.parse(path.read_text("utf-8"))
            for one in ast.walk(tree):
                if isinstance(one, ast.FunctionDef):
                    self.modules[one] = path.stem
                    self.owners |= dict.fromkeys(ast.walk(one), one)  # the innermost comes last: walk goes down
            for one in ast.walk(tree):
                if isinstance(one, ast.Call):
                    self.calls.setdefault(called(one), []).append((one, self.owners.get(one)))
                    self.places[one] = path.stem
                elif isinstance(one, ast.ImportFrom):
                    self.imports.setdefault(path.stem, set()).update(alias.name for alias in one.names)
            for one in tree.body:
                if isinstance(one, (ast.Assign, ast.AnnAssign)):
                    self._keep_constant(one)
        return self

    def _keep_constant(self, one: ast.Assign | ast.AnnAssign) -> None:
        for target in one.targets if isinstance(one, ast.Assign) else [one.target]:
            if isinstance(target, ast.Name) and one.value is not None:
                self.constants.setdefault(target.id, []).append(one.value)

    def sentences(self, errors: set[str]) -> Iterator[tuple[str, str]]:
        """Give every sentence with the module and line where it is said, for the names of the errors."""
        for path, tree in self.trees.items():
            for node in ast.walk(tree):
                wanted = list(self._read_by_people(node, errors))
                for one, ending in wanted:
                    for text in self.texts(one, self.owners.get(node)):
                        if words(text):
                            yield text + ending, f"{path.relative_to(self.root)}:{node.lineno}"

    def _read_by_people(self, node: ast.AST, errors: set[str]) -> Iterator[tuple[ast.expr, str]]:
        if isinstance(node, ast.Call):
            name = called(node)
            if name in errors or name in TRIES:
                yield from ((one, "") for one in [*node.args[:1], *(k.value for k in node.keywords if k.arg in FIELDS)])
            elif name in REASONS and len(node.args) > REASONS[name]:
                yield node.args[REASONS[name]], ""
            elif name in PREFIXES and len(node.args) > PREFIXES[name]:
                yield node.args[PREFIXES[name]], HOLE
            elif name in ("Tally", "_with_notes"):
                counters = [*node.args[1:4], *(one.value for one in node.keywords if one.arg in TALLIES)]
                yield from ((key, "") for one in counters for key in _keys(one))
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Subscript) and _name(target.value) in TALLIES:
                    yield target.slice, ""
                elif isinstance(target, ast.Name) and target.id in TALLIES:
                    yield from ((key, "") for key in _keys(node.value))

    def texts(self, node: ast.expr | None, inside: ast.FunctionDef | None, depth: int = 0) -> set[str]:
        """Return all templates that an expression can be."""
        if depth > _DEEPEST or node is None:
            return {HOLE}
        if isinstance(node, ast.Constant):
            return {node.value} if isinstance(node.value, str) else {HOLE}
        if isinstance(node, ast.JoinedStr):
            return {"".join(HOLE if isinstance(one, ast.FormattedValue) else str(one.value) for one in node.values)}
        if isinstance(node, ast.IfExp):
            return self.texts(node.body, inside, depth + 1) | self.texts(node.orelse, inside, depth + 1)
        if isinstance(node, ast.BoolOp):
            return set().union(*(self.texts(one, inside, depth + 1) for one in node.values))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = self.texts(node.left, inside, depth + 1), self.texts(node.right, inside, depth + 1)
            return {one + other for one, other in itertools.product(*sides)}
        if isinstance(node, ast.Name):
            return self._of_name(node.id, inside, depth)
        if isinstance(node, ast.Attribute):
            return set().union({HOLE}, *(self.texts(one, None, depth + 1) for one in self.constants.get(node.attr, [])))
        return {HOLE}

    def _of_name(self, name: str, inside: ast.FunctionDef | None, depth: int) -> set[str]:
        if inside is not None:
            given = [one for one in ast.walk(inside) if isinstance(one, ast.Assign)]
            hits = [one.value for one in given if any(_name(target) == name for target in one.targets)]
            if hits:
                return set().union(*(self.texts(one, inside, depth + 1) for one in hits))
            # What a public function is given is a value, not words; a method of ours may be given words.
            if name in (places := _parameters(inside)) and (
                inside.name.startswith("_") or places[0] in ("self", "cls")
            ):
                return self._of_parameter(inside, name, places.index(name), depth)
        if name in self.constants:
            return set().union(*(self.texts(one, None, depth + 1) for one in self.constants[name]))
        return {HOLE}

    def _calls(self, call: ast.Call, function: ast.FunctionDef) -> bool:
        """Say whether a call by this name can be of this function: a method, or a function of the module that is named."""
        here = self.places[call]
        if isinstance(call.func, ast.Name):
            return self.modules[function] == here or function.name in self.imports.get(here, set())
        method = _parameters(function)[:1] in (["self"], ["cls"])
        return method or _name(call.func.value) == self.modules[function]  # type: ignore[attr-defined]

    def _of_parameter(self, function: ast.FunctionDef, name: str, place: int, depth: int) -> set[str]:
        texts = {HOLE}
        for call, owner in self.calls.get(function.name, []):
            if not self._calls(call, function):
                continue
            at = place - (
                1 if isinstance(call.func, ast.Attribute) and _parameters(function)[0] in ("self", "cls") else 0
            )
            given = next((one.value for one in call.keywords if one.arg == name), None)
            if given is None and 0 <= at < len(call.args):
                given = call.args[at]
            if given is not None:
                texts |= self.texts(given, owner, depth + 1)
        return texts


def called(node: ast.Call) -> str:
    """Return the bare name of what is called."""
    return str(getattr(node.func, "id", getattr(node.func, "attr", "")))


def words(text: str) -> bool:
    """Say whether a template has words of its own."""
    return bool(re.search(r"[A-Za-z]{2,}", text.replace(HOLE, "")))


def _name(node: ast.expr) -> str:
    return str(getattr(node, "id", getattr(node, "attr", "")))


def _keys(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.IfExp):
        return [*_keys(node.body), *_keys(node.orelse)]
    if isinstance(node, ast.Dict):
        return [one for one in node.keys if one is not None]
    return [node.key] if isinstance(node, ast.DictComp) else []


def _parameters(function: ast.FunctionDef) -> list[str]:
    there = function.args
    return [one.arg for one in (*there.posonlyargs, *there.args, *there.kwonlyargs)]
