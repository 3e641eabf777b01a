"""Sums that are written once: the same expression gives a number, a sample of numbers and a spreadsheet formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Expr:
    """One node of a sum; arithmetic on nodes builds larger nodes."""

    def __add__(self, other: Expr | float) -> Expr:
        return Op("+", self, lift(other))

    def __sub__(self, other: Expr | float) -> Expr:
        return Op("-", self, lift(other))

    def __mul__(self, other: Expr | float) -> Expr:
        return Op("*", self, lift(other))

    def __truediv__(self, other: Expr | float) -> Expr:
        return Op("/", self, lift(other))

    def __pow__(self, other: Expr | float) -> Expr:
        return Op("^", self, lift(other))


@dataclass(frozen=True)
class Number(Expr):
    """A plain number."""

    value: float


@dataclass(frozen=True)
class Input(Expr):
    """A fact, term or figure of a service, by its path (``terms.inflation_frac``)."""

    path: str


@dataclass(frozen=True)
class Row(Expr):
    """The value of another row, ``lag`` years ago; 0 before the first year."""

    name: str
    lag: Expr = field(default_factory=lambda: Number(0.0))


@dataclass(frozen=True)
class Year(Expr):
    """The year, counted from the decision: 0, 1, 2 …  [year]."""


@dataclass(frozen=True)
class Op(Expr):
    """Two nodes with ``+ - * / ^`` between them."""

    sign: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Call(Expr):
    """A function of nodes: MIN, MAX or INT (floor)."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class IfAtLeast(Expr):
    """``then`` where ``left >= right``, else ``other``."""

    left: Expr
    right: Expr
    then: Expr
    other: Expr


@dataclass(frozen=True)
class IfKnown(Expr):
    """``then`` where the input is known, else 0: what is unknown is left out of the sum and listed apart."""

    path: str
    then: Expr


def lift(value: Expr | float) -> Expr:
    """Return a node for a number or the node itself."""
    return value if isinstance(value, Expr) else Number(float(value))


def low(*arguments: Expr | float) -> Expr:
    """Return the smallest of the arguments as a node."""
    return Call("MIN", tuple(map(lift, arguments)))


def high(*arguments: Expr | float) -> Expr:
    """Return the largest of the arguments as a node."""
    return Call("MAX", tuple(map(lift, arguments)))


def floor(argument: Expr | float) -> Expr:
    """Return the largest whole number that is not above the argument, as a node."""
    return Call("INT", (lift(argument),))


def nearest(argument: Expr) -> Expr:
    """Return the nearest whole number (halves go up), as a node; for numbers of years."""
    return floor((argument * 2 + 1) / 2)


def total(parts: list[Expr]) -> Expr:
    """Return the sum of nodes; 0 of none."""
    result: Expr = Number(0.0)
    for part in parts:
        result = result + part
    return result


@dataclass(frozen=True)
class Scope:
    """What an expression may look at: inputs, rows, and the year or all years at once.

    Parameters
    ----------
    inputs : mapping of str to array
        Value by path; a scalar array, or one value per draw.
    rows : mapping of str to array
        Values by row name, (years, draws) or (years, 1).
    year : array
        The year that is summed, a scalar array, or a column of all years, (years, 1) [year].
    """

    inputs: Mapping[str, Array]
    rows: Mapping[str, Array]
    year: Array


def evaluate_rows(rows: Sequence[tuple[str, Expr]], inputs: Mapping[str, Array], *, years: int) -> dict[str, Array]:
    """Return all rows over all years; a row may look at rows before it, and at any row in years before.

    A row that looks only at rows before it is summed for all years at once; those from it to a row that it looks back at
    go year by year together.

    Parameters
    ----------
    rows : sequence of (str, Expr)
        Name and sum, in order.
    inputs : mapping of str to array
        Value by path; a scalar array, or one value per draw.
    years : int
        Number of years [1].

    Returns
    -------
    dict of str to array
        (years, draws), or (years, 1) where no draw plays a part.

    Raises
    ------
    KeyError
        If an input or row is unknown.
    """
    done: dict[str, Array] = {}
    column = np.arange(float(years))[:, None]
    looks = [(name, _looks_at(value)) for name, value in rows]
    for first, last in _together(looks):
        if first == last and looks[first][0] not in looks[first][1]:
            found = evaluate(rows[first][1], Scope(inputs, done, column))
            done[rows[first][0]] = np.broadcast_to(found, np.broadcast_shapes(found.shape, column.shape))
            continue
        block = rows[first : last + 1]
        wide = max([one.size for one in inputs.values()] + [one.shape[1] for one in done.values()])
        done |= {name: np.zeros((years, wide)) for name, _ in block}
        for year in range(years):
            for name, value in block:
                done[name][year] = evaluate(value, Scope(inputs, done, np.asarray(float(year))))
    return done


def _looks_at(node: Expr) -> frozenset[str]:
    """Names of the rows that an expression looks at."""
    match node:
        case Row(name, lag):
            return _looks_at(lag) | {name}
        case Op(_, left, right):
            return _looks_at(left) | _looks_at(right)
        case Call(_, arguments):
            return frozenset[str]().union(*map(_looks_at, arguments))
        case IfAtLeast(left, right, then, other):
            return _looks_at(left) | _looks_at(right) | _looks_at(then) | _looks_at(other)
        case IfKnown(_, then):
            return _looks_at(then)
    return frozenset()


def _together(rows: Sequence[tuple[str, frozenset[str]]]) -> list[tuple[int, int]]:
    """First and last place of the rows that must go year by year together: where one looks at itself or at a later one."""
    place = {name: number for number, (name, _) in enumerate(rows)}
    spans: list[tuple[int, int]] = []
    for number, (_, names) in enumerate(rows):
        last = max([number] + [place[name] for name in names if name in place])
        if spans and number <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], last)
        else:
            spans.append((number, last))
    return spans


def evaluate(node: Expr, scope: Scope) -> Array:
    """Return the value of an expression in one year or in all, for one case or for all draws at once.

    Raises
    ------
    KeyError
        If an input or row is unknown to the scope.
    """
    match node:
        case Number(value):
            return np.asarray(value)
        case Input(path):
            return scope.inputs[path]
        case Year():
            return scope.year
        case Row(name, Number(0.0)) if scope.year.ndim:
            return scope.rows[name]
        case Row(name, lag):
            return _lagged(scope.rows[name], scope.year - evaluate(lag, scope))
        case Op(sign, left, right):
            return _arithmetic(sign, evaluate(left, scope), evaluate(right, scope))
        case Call(function, arguments):
            return _call(function, [evaluate(one, scope) for one in arguments])
        case IfAtLeast(left, right, then, other):
            keep = evaluate(left, scope) >= evaluate(right, scope)
            return np.where(keep, evaluate(then, scope), evaluate(other, scope))
        case IfKnown(path, then):
            return np.where(np.isnan(scope.inputs[path]), 0.0, evaluate(then, scope))
    raise TypeError(type(node).__name__)


def _lagged(history: Array, year: Array) -> Array:
    """Values of a row in a year, one per draw or one per year and draw; 0 before the first."""
    if year.ndim == 0:
        return history[int(year)] if year >= 0 else np.zeros(1)
    wide = max(history.shape[1], year.shape[-1])
    table, wanted = np.broadcast_to(history, (len(history), wide)), np.broadcast_to(year, (*year.shape[:-1], wide))
    rows = np.clip(wanted.astype(int), 0, len(history) - 1)
    found = table[rows, np.arange(wide)] if year.ndim == 1 else np.take_along_axis(table, rows, axis=0)
    return np.where(wanted < 0, 0.0, found)


def _arithmetic(sign: str, left: Array, right: Array) -> Array:
    match sign:
        case "+":
            return np.asarray(np.add(left, right))
        case "-":
            return np.asarray(np.subtract(left, right))
        case "*":
            return np.asarray(np.multiply(left, right))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.divide(left, right) if sign == "/" else np.power(left, right))


def _call(function: str, values: list[Array]) -> Array:
    if function == "INT":
        return np.asarray(np.floor(values[0]))
    pick = np.minimum if function == "MIN" else np.maximum
    result = values[0]
    for value in values[1:]:
        result = pick(result, value)
    return np.asarray(result)


def formula(node: Expr) -> str:
    """Return the formula of an expression, without the leading ``=``.

    Returns
    -------
    str
        Tokens that whoever lays out the sheet replaces: ``{input:path}`` a cell that can be edited, ``{year}`` the
        year above the column, ``{row:name}`` the same column of a row, ``{range:name}`` the whole row.
    """
    match node:
        case Number(value):
            return repr(value)
        case Input(path):
            return f"{{input:{path}}}"
        case Year():
            return "{year}"
        case Row(name, lag):
            return _row(name, lag)
        case Op(sign, left, right):
            return f"({formula(left)}{sign}{formula(right)})"
        case Call(function, arguments):
            return f"{function}({','.join(map(formula, arguments))})"
        case IfAtLeast(left, right, then, other):
            return f"IF({formula(left)}>={formula(right)},{formula(then)},{formula(other)})"
        case IfKnown(path, then):
            return f"IF(ISNUMBER({{input:{path}}}),{formula(then)},0)"
    raise TypeError(type(node).__name__)


def _row(name: str, lag: Expr) -> str:
    if lag == Number(0.0):
        return f"{{row:{name}}}"
    back = formula(lag)
    return f"IF({{year}}>={back},INDEX({{range:{name}}},1,MAX({{year}}-{back},0)+1),0)"
