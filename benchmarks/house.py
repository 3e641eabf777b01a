"""Figures of the house: how many modules, who imports whom, how long, how well described, how many places a change touches.

``python benchmarks/house.py [ROOT] [--json]`` measures the package below a root, by its text alone, so that an older layout
can be set beside a newer one. ``tests/test_house.py`` holds the same figures to their limits.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONG_BODY, LONGEST_BODY = 25, 40
MOST_ARGUMENTS = 7
SPLINTER_LINES = 80
#: What exempts a line from the formatter; in two parts, so that this line is none.
EXEMPT = "# fmt: " + "skip"
#: Where names of sources, score columns and services stand, in any layout: table, and the column that holds them.
NAMED = {
    "source": ("sources.csv", "publisher"),
    "score column": ("fields/scored.csv", "name"),
    "service": ("services.csv", "service"),
}


@dataclass(frozen=True)
class Module:
    """One Python file: its dotted name, its text as lines, and its tree."""

    name: str
    path: Path
    lines: tuple[str, ...]
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether it is the door of a folder."""
        return self.path.name == "__init__.py"


@dataclass(frozen=True)
class Function:
    """One function or method: where, its node, and whether a reader may call it from elsewhere."""

    module: Module
    node: ast.FunctionDef | ast.AsyncFunctionDef
    public: bool

    @property
    def where(self) -> str:
        """Module and name, as in a traceback."""
        return f"{self.module.name}.{self.node.name}"

    @property
    def body_lines(self) -> int:
        """Lines from the first statement after the docstring to the end [1]; blank lines and comments do not count."""
        body = self.node.body[1:] if ast.get_docstring(self.node) is not None else self.node.body
        if not body:
            return 0
        lines = self.module.lines[body[0].lineno - 1 : self.node.end_lineno]
        return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))

    @property
    def arguments(self) -> list[str]:
        """Names of its arguments, without ``self`` and ``cls``."""
        asked = self.node.args
        names = [one.arg for one in (*asked.posonlyargs, *asked.args, *asked.kwonlyargs)]
        names += [one.arg for one in (asked.vararg, asked.kwarg) if one is not None]
        return [name for name in names if name not in ("self", "cls")]

    @property
    def lists_parameters(self) -> bool:
        """Whether its docstring has a section Parameters."""
        return bool(re.search(r"^\s*Parameters\n\s*-{3,}", ast.get_docstring(self.node) or "", re.M))


def modules(root: Path) -> list[Module]:
    """Return the modules of package and flows below a root, sorted by name.

    Parameters
    ----------
    root : Path
        Folder of the project.

    Returns
    -------
    list of Module
        Every Python file of ``src/kansenkaart`` and ``flows``.
    """
    found = []
    for top in (root / "src" / "kansenkaart", root / "flows"):
        for path in sorted(top.rglob("*.py")):
            parts = path.relative_to(top.parent).with_suffix("").parts
            text = path.read_text("utf-8")
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Module(name, path, tuple(text.splitlines()), ast.parse(text)))
    return found


def arrows(code: list[Module]) -> set[tuple[str, str]]:
    """Return who imports whom.

    Parameters
    ----------
    code : list of Module
        The modules of one root.

    Returns
    -------
    set of (str, str)
        Pairs of an importer and what it imports, both of the project.
    """
    names = {one.name for one in code}
    pairs = set()
    for one in code:
        for target in _imports(one.tree):
            while target and target not in names:
                target = target.rpartition(".")[0]
            if target and target != one.name:
                pairs.add((one.name, target))
    return pairs


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{one.name}" for one in node.names)


def rings(pairs: set[tuple[str, str]]) -> list[list[str]]:
    """Return the groups that import each other in a circle.

    Parameters
    ----------
    pairs : set of (str, str)
        Who imports whom.

    Returns
    -------
    list of list of str
        Each ring once, sorted; empty where there is none.
    """
    below: dict[str, set[str]] = {}
    for start, end in pairs:
        below.setdefault(start, set()).add(end)
    reach = {name: _reached(name, below) for name in below}
    groups = {
        tuple(sorted({name} | {other for other in reach[name] if name in reach.get(other, ())}))
        for name in below
        if name in reach[name]
    }
    return sorted(list(one) for one in groups)


def _reached(start: str, below: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for one in below.get(waiting.pop(), ()):
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return seen


def single_importers(code: list[Module], pairs: set[tuple[str, str]]) -> dict[str, str]:
    """Return the modules that only one other imports.

    Parameters
    ----------
    code : list of Module
        The modules of one root.
    pairs : set of (str, str)
        Who imports whom.

    Returns
    -------
    dict of str to str
        Name of the module to its one importer; doors of folders are left out.
    """
    importers: dict[str, list[str]] = {one.name: [] for one in code if not one.is_package}
    for start, end in pairs:
        if end in importers:
            importers[end].append(start)
    return {name: who[0] for name, who in sorted(importers.items()) if len(who) == 1}


def functions(code: list[Module]) -> list[Function]:
    """Return every function and method of modules and classes, without those inside other functions.

    Parameters
    ----------
    code : list of Module
        The modules of one root.

    Returns
    -------
    list of Function
        In the order of the text.
    """
    found = []
    for one in code:
        open_room = not any(part.startswith("_") for part in one.name.split("."))
        for node in one.tree.body:
            inside = node.body if isinstance(node, ast.ClassDef) else [node]
            shown = open_room and not (isinstance(node, ast.ClassDef) and node.name.startswith("_"))
            found += [
                Function(one, item, shown and not item.name.startswith("_") and not _described_elsewhere(item))
                for item in inside
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
    return found


def _described_elsewhere(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether its parameters are described elsewhere: by options of the command line, or where an overload is made."""
    calls = [one.func for one in node.decorator_list if isinstance(one, ast.Call)]
    if any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list):
        return True
    return any(isinstance(one, ast.Attribute) and one.attr in ("command", "group") for one in calls)


def described(code: list[Module]) -> tuple[list[Function], list[Function]]:
    """Return the public functions that have parameters, and those of them that list them.

    Parameters
    ----------
    code : list of Module
        The modules of one root.

    Returns
    -------
    tuple of list of Function
        All that have parameters; and those whose docstring has a section Parameters.
    """
    asked = [one for one in functions(code) if one.public and one.arguments]
    return asked, [one for one in asked if one.lists_parameters]


def doors(code: list[Module]) -> list[Function]:
    """Return the functions of a room that another room uses: its doors.

    Parameters
    ----------
    code : list of Module
        The modules of one root.

    Returns
    -------
    list of Function
        Public functions with parameters, by the imports and the attributes of the importers.
    """
    used = {name for one in code for name in _used(one) if _room(name) != _room(one.name)}
    return [one for one in described(code)[0] if one.where in used]


def _room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def _used(module: Module) -> Iterator[str]:
    """Dotted names that a module imports, or takes from a module that it imports."""
    names: dict[str, str] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    yield from names.values()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield f"{names[node.value.id]}.{node.attr}"


def places(root: Path, kind: str) -> dict[str, int]:
    """Return in how many lines of code each source, score column or service is named outside its own rows.

    Parameters
    ----------
    root : Path
        Folder of the project.
    kind : str
        A key of ``NAMED``.

    Returns
    -------
    dict of str to int
        Name to lines of Python and JavaScript that name it [1]; the embedded example plays publishers and is left out.
    """
    table, column = NAMED[kind]
    with (root / "src" / "kansenkaart" / "data" / table).open(encoding="utf-8", newline="") as rows:
        names = {row[column] for row in csv.DictReader(rows)}
    words = [one for module in modules(root) if "example" not in module.name for one in _named(module)]
    scripts = (root / "src" / "kansenkaart" / "present" / "assets" / "js").glob("*.js")
    words += [set(re.findall(r"\w+", line)) for path in scripts for line in path.read_text("utf-8").splitlines()]
    return {name: sum(name in one for one in words) for name in sorted(names)}


def _named(module: Module) -> list[set[str]]:
    """Words of each line that are names or text, docstrings and comments apart."""
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    docs = {id(node.body[0].value) for node in ast.walk(module.tree) if isinstance(node, documented) and _has_doc(node)}
    lines: dict[int, set[str]] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            lines.setdefault(node.lineno, set()).update(re.findall(r"[\w-]+", node.value))
        for key in ("id", "attr", "arg", "name"):
            if isinstance(name := getattr(node, key, None), str) and hasattr(node, "lineno"):
                lines.setdefault(node.lineno, set()).add(name)
    return list(lines.values())


def _has_doc(node: ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def figures(root: Path) -> dict[str, float]:
    """Return every figure of one root.

    Parameters
    ----------
    root : Path
        Folder of the project.

    Returns
    -------
    dict of str to float
        Figure in words to its value [1].
    """
    code = modules(root)
    pairs = arrows(code)
    single = single_importers(code, pairs)
    short = {one.name: len(one.lines) for one in code}
    bodies = [one.body_lines for one in functions(code)]
    asked, listed = described(code)
    package = [one for one in code if one.name.startswith("kansenkaart")]
    found = {
        "python files of the package": len(package),
        "lines of the package": sum(len(one.lines) for one in package),
        "longest module [lines]": max(short.values()),
        "median module [lines]": statistics.median(n for one, n in short.items() if n > 1),
        "modules with one importer": len(single),
        f"of which under {SPLINTER_LINES} lines": sum(short[name] < SPLINTER_LINES for name in single),
        "arrows between modules": len(pairs),
        "rings": len(rings(pairs)),
        "fmt: skip": sum(EXEMPT in line for one in code for line in one.lines),
        f"functions with more than {LONG_BODY} lines": sum(n > LONG_BODY for n in bodies),
        f"functions with more than {LONGEST_BODY} lines": sum(n > LONGEST_BODY for n in bodies),
        "median body [lines]": statistics.median(bodies),
        f"functions with more than {MOST_ARGUMENTS} arguments": sum(
            len(one.arguments) > MOST_ARGUMENTS for one in functions(code)
        ),
        "public functions with parameters": len(asked),
        "of which list them [%]": round(100 * len(listed) / len(asked)),
    }
    wide = doors(code)
    found["doors between rooms, with parameters"] = len(wide)
    found["of which describe them [%]"] = round(100 * sum(one.lists_parameters for one in wide) / len(wide))
    for kind in NAMED:
        lines = places(root, kind)
        found[f"lines of code that name a {kind}, mean"] = round(statistics.mean(lines.values()), 1)
        found[f"lines of code that name a {kind}, most"] = max(lines.values())
    return found


def main() -> None:
    """Print the figures of one root."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = figures(asked.root)
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{value:>8g}  {name}")


if __name__ == "__main__":
    main()
