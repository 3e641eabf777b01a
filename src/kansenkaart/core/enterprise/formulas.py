"""Spreadsheet formulas of the sums, with tokens where a sheet has its own cells."""

from __future__ import annotations

from kansenkaart.core.enterprise.expr import Call, Expr, IfAtLeast, IfKnown, Input, Number, Op, Row, Year


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
