"""Set-partitioning polish: the best choice among all areas that were met, each block in exactly one [1]_.

References
----------
.. [1] Garfinkel and Nemhauser (1970), Optimal political districting by implicit enumeration techniques,
   doi:10.1287/mnsc.16.8.B495.
"""

from __future__ import annotations

from collections.abc import Iterable

import highspy
import numpy as np
from scipy.sparse import csc_matrix

from kansenkaart.core.area.kernel import Floats, Ints

# Half a centimetre of weighted border [m] is no better.
_SAME = 0.005


class Pool:
    """Areas met so far, each with half its weighted border, so that a partition's halves add up to its cut."""

    def __init__(self, rows: tuple[Ints, Ints, Floats], homes: Ints, band: tuple[int, int]) -> None:
        self.rows, self.homes, self.band = rows, homes, band
        self.tail = np.repeat(np.arange(len(homes)), np.diff(rows[0]))
        self.half: dict[bytes, float] = {}

    def add(self, label: Ints) -> None:
        """Keep the areas of a partition that are in band, or out of it for one block that fills an area by itself."""
        outside = label[self.tail] != label[self.rows[1]]
        border = np.bincount(label[self.tail[outside]], self.rows[2][outside], minlength=label.max() + 1) / 2
        total = np.bincount(label, self.homes)
        order = np.argsort(label, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(label))[:-1])
        for number, blocks in enumerate(parts):
            if self.band[0] <= total[number] <= self.band[1] or self.homes[blocks].max() >= self.band[1]:
                self.half[blocks.tobytes()] = float(border[number])

    def best(self, label: Ints, *, seconds: float) -> Ints:
        """Find the partition of least cut and as many areas that the pool can make, starting from one that it holds.

        Parameters
        ----------
        label : Ints
            A partition all of whose areas are in the pool, or the answer is this partition itself.
        seconds : float
            Time for the solver [s].

        Returns
        -------
        Ints
            Area per block.
        """
        start = [np.flatnonzero(label == k).tobytes() for k in range(label.max() + 1)]
        if seconds <= 0 or not all(key in self.half for key in start):
            return label
        keys = list(self.half)
        solver = self._model(keys, seconds, len(start))
        chosen = set(start)
        first = highspy.HighsSolution()
        first.col_value = [float(key in chosen) for key in keys]
        solver.setSolution(first)
        solver.run()
        value = np.asarray(solver.getSolution().col_value)
        taken = [key for key, x in zip(keys, value, strict=True) if x > 0.5]
        if sum(self.half[key] for key in taken) > sum(self.half[key] for key in start) - _SAME:
            return label
        return _labels(taken, len(label), fallback=label)

    def _model(self, keys: list[bytes], seconds: float, count: int) -> highspy.Highs:
        blocks = [np.frombuffer(key, np.int64) for key in keys]
        start = np.r_[0, np.cumsum([len(part) for part in blocks])]
        matrix = csc_matrix((np.ones(start[-1]), np.concatenate(blocks), start), shape=(len(self.homes), len(keys)))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(keys), len(self.homes)
        lp.col_cost_ = np.array([self.half[key] for key in keys])
        lp.col_lower_, lp.col_upper_ = np.zeros(len(keys)), np.ones(len(keys))
        lp.row_lower_ = lp.row_upper_ = np.ones(len(self.homes))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        lp.integrality_ = [highspy.HighsVarType.kInteger] * len(keys)
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, value in {"output_flag": False, "threads": 1, "random_seed": 0, "time_limit": seconds}.items():
            solver.setOptionValue(name, value)
        solver.passModel(lp)
        every = np.arange(len(keys), dtype=np.int32)
        solver.addRow(
            float(count), float(count), len(keys), every, np.ones(len(keys))
        )  # fewer areas would always cut less
        return solver


def _labels(keys: Iterable[bytes], n: int, *, fallback: Ints) -> Ints:
    label = np.full(n, -1, np.int64)
    for number, key in enumerate(keys):
        label[np.frombuffer(key, np.int64)] = number
    return label if (label >= 0).all() else fallback
