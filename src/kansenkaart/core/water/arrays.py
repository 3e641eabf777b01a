"""Small steps on arrays of objects in which None means unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]


def objects(values: pd.Series) -> Objects:
    """Values as Python objects, None where unknown.

    Parameters
    ----------
    values : Series
        Any kind of column.
    """
    plain = np.array(values.astype(object), dtype=object)
    plain[np.asarray(values.isna(), dtype=bool)] = None
    return plain


def taken(values: Any, position: Ints) -> Objects:
    """Values at positions; None where the position is -1.

    Parameters
    ----------
    values : array_like
        What to take from.
    position : array of int
        Row numbers; -1 takes nothing.
    """
    source = np.empty(len(values) + 1, dtype=object)
    source[:-1] = np.asarray(values, dtype=object)
    return np.asarray(source[position], dtype=object)


def kept(values: Objects, where: Bools) -> Objects:
    """Values where a condition holds, None elsewhere.

    Parameters
    ----------
    values : array of object
        Any values.
    where : array of bool
        Which to keep.
    """
    out = np.full(len(values), None, dtype=object)
    out[where] = values[where]
    return out
