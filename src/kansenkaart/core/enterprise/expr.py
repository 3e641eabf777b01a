"""Sums that are written once: the same expression gives a number, a sample of numbers and a spreadsheet formula."""

from __future__ import annotations

from collections.abc import Mapping
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
    """What an expression may look at: inputs, the rows of earlier and this year, and the year.

    Parameters
    ----------
    inputs : mapping of str to array
        Value by path; a scalar array, or one value per draw.
    rows : mapping of str to list of array
        Values by row name, one per year so far.
    year : int
        The year that is summed [year].
    """

    inputs: Mapping[str, Array]
    rows: Mapping[str, list[Array]]
    year: int


def evaluate(node: Expr, scope: Scope) -> Array:
    """Return the value of an expression in one year, for one case or for all draws at once.

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
            return np.asarray(float(scope.year))
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


def _lagged(history: list[Array], year: Array) -> Array:
    if year.ndim == 0:
        return history[int(year)] if year >= 0 else np.asarray(0.0)
    table = np.stack([np.broadcast_to(one, year.shape) for one in history])
    rows = np.clip(year.astype(int), 0, len(history) - 1)
    return np.where(year < 0, 0.0, table[rows, np.arange(len(year))])


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
