"""Small faults of a module's text: where they may be, and the text that has one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
#: Parts of the text that say something, or refuse what never happens: faults there change no result.
_SAYING = ("expected", "found", "where", "remedy", "frozen", "strict")


@dataclass(frozen=True)
class Fault:
    """A stretch of the text, what takes its place, and both in words."""

    line: int
    start: int
    end: int
    text: str
    words: str


def faults_of(text: str) -> list[Fault]:
    """Return every fault that a module may get, in the order of its text.

    Parameters
    ----------
    text : str
        The module.
    """
    tree = ast.parse(text)
    starts = _line_starts(text)
    silent = {id(node) for part in _silent(tree) for node in ast.walk(part)}
    found = []
    for node in ast.walk(tree):
        if id(node) in silent or not isinstance(node, ast.expr):
            continue
        for new in _changed(node):
            start, end = (_at(text, starts, *one) for one in _span(node))
            old = " ".join(text[start:end].split())
            put = f"({ast.unparse(new)})" if not isinstance(new, ast.Constant) else ast.unparse(new)
            found.append(Fault(node.lineno, start, end, put, f"{old[:60]} -> {put[:60]}"))
    return sorted(found, key=lambda one: (one.start, one.end, one.text))


def spoil(text: str, fault: Fault) -> str:
    """Return the text with one fault in it.

    Parameters
    ----------
    text : str
        The module as it was when its faults were listed.
    fault : Fault
        One of them.
    """
    return text[: fault.start] + fault.text + text[fault.end :]


def _silent(tree: ast.Module) -> Iterator[ast.AST]:
    """Give the parts without effect: annotations, docstrings, words of errors, and what is there for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (part for part in (node.returns, *node.decorator_list) if part is not None)
        elif isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ):
            yield node
        elif isinstance(node, ast.keyword) and node.arg in _SAYING:
            yield node.value
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            yield node


def _changed(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            operators = [*node.ops[:at], _COMPARISONS[type(operator)](), *node.ops[at + 1 :]]
            yield ast.Compare(node.left, operators, node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        yield ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        yield ast.Constant(not node.value if isinstance(node.value, bool) else node.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _may_go(node.func.value):
        yield node.func.value


def _may_go(owner: ast.expr) -> bool:
    """Whether a method may be left out: not where its owner is a module or a class, by its name."""
    return not isinstance(owner, ast.Name) or (len(owner.id) > 4 and owner.id.islower())


def _span(node: ast.expr) -> tuple[tuple[int, int], tuple[int, int]]:
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _at(text: str, starts: list[int], line: int, column: int) -> int:
    """Turn a line and a column in bytes into a place in the text."""
    whole = text[starts[line - 1] : starts[line]]
    return starts[line - 1] + len(whole.encode()[:column].decode())
