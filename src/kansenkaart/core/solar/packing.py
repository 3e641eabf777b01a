"""The numba kernels of the module layout: a fine raster per face, sum tables, and rows tried at every phase."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

FINE_M = 0.05  # raster of the layout
SIDE_LIMIT = 20_000  # cells along one side of a face; larger is not a roof


@njit(cache=True, nogil=True, parallel=True)
def fill(shapes: Any, turn: Any, ways: Any, obstacles: Any, out: Any) -> None:
    """Lay out every face by itself."""
    for f in prange(len(turn)):
        _lay_out(np.int64(f), shapes, turn[f], ways[f], obstacles, out)


@njit(cache=True, nogil=True)
def _lay_out(f: Any, shapes: Any, turn: Any, ways: Any, obstacles: Any, out: Any) -> None:
    """Lay out one face.

    Apart from the loop, and without whole rows of numbers, numba compiles it in half the time.
    """
    points, last, first = shapes
    blocked, blocked_first, size, off = obstacles
    counts, which, units, start = out
    if first[f + 1] - first[f] < 4:
        return
    ring = _to_plane(points[first[f] : first[f + 1]], turn)
    marks = _to_plane(blocked[blocked_first[f] : blocked_first[f + 1], 1:], turn)
    low, high = ring[0].copy(), ring[0].copy()
    for i in range(len(ring)):
        for side in range(2):
            low[side], high[side] = min(low[side], ring[i, side]), max(high[side], ring[i, side])
    shape = (int((high[0] - low[0]) / FINE_M) + 2, int((high[1] - low[1]) / FINE_M) + 2)
    if max(shape) > SIDE_LIMIT:
        return
    free = _free(ring, last[first[f] : first[f + 1]], marks, (low, shape, turn, size, off))
    best = np.empty((start[f + 1] - start[f], 2))
    trial = np.empty_like(best)
    for way in range(2):
        count = _pack(free, ways[way], trial, best, counts[f])
        if count > counts[f]:
            counts[f], which[f] = count, way
    for i in range(counts[f]):
        for side in range(2):
            units[start[f] + i, side] = best[i, side] + low[side]


@njit(cache=True, nogil=True)
def _to_plane(points: Any, turn: Any) -> Any:
    """Map to plane: u along the eave, v down the slope."""
    out = np.empty((len(points), 2))
    s, c = np.sin(turn[0]), np.cos(turn[0])
    for i in range(len(points)):
        out[i, 0] = points[i, 0] * c - points[i, 1] * s
        out[i, 1] = (points[i, 0] * s + points[i, 1] * c) * turn[1]
    return out


@njit(cache=True, nogil=True)
def _free(ring: Any, last: Any, marks: Any, how: Any) -> Any:
    """Sum table of the fine cells that are not free: outside, within the set-back, or by an obstacle."""
    low, shape, turn, size, off = how
    inside = np.zeros(shape, np.uint8)
    for j in range(shape[1]):
        v = low[1] + (j + 0.5) * FINE_M
        for i in range(len(ring) - 1):
            if last[i]:
                continue
            a, b = ring[i], ring[i + 1]
            if (a[1] > v) != (b[1] > v):
                cut = int(np.ceil((a[0] + (v - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) - low[0]) / FINE_M - 0.5))
                for k in range(max(cut, 0), shape[0]):
                    inside[k, j] ^= 1
    table = np.zeros((shape[0] + 1, shape[1] + 1), np.int32)
    _sum_table(inside, table)
    margin = int(np.ceil(turn[2] / FINE_M - 1e-9))
    bad = np.ones(shape, np.uint8)
    whole = (2 * margin + 1) ** 2
    for i in range(margin, shape[0] - margin):
        for j in range(margin, shape[1] - margin):
            if _box(table, i - margin, j - margin, 2 * margin + 1, 2 * margin + 1) == whole:
                bad[i, j] = 0
    half = size / 2 + off
    for m in marks:
        _mark(bad, _reach(m[0] - low[0], half, shape[0]), _reach(m[1] - low[1], half * turn[1], shape[1]))
    _sum_table(bad, table)
    return table


@njit(cache=True, nogil=True)
def _mark(cells: Any, along: Any, down: Any) -> None:
    """Set a box of cells to 1."""
    for i in range(along[0], along[1]):
        for j in range(down[0], down[1]):
            cells[i, j] = 1


@njit(cache=True, nogil=True)
def _reach(middle: float, half: float, end: int) -> Any:
    """First and last cell of a mark along one axis."""
    return max(int((middle - half) / FINE_M), 0), min(int((middle + half) / FINE_M) + 1, end)


@njit(cache=True, nogil=True)
def _sum_table(cells: Any, table: Any) -> None:
    """Add up all cells above and to the left."""
    for i in range(cells.shape[0]):
        row = 0
        for j in range(cells.shape[1]):
            row += cells[i, j]
            table[i + 1, j + 1] = table[i, j + 1] + row


@njit(cache=True, nogil=True)
def _box(table: Any, i: int, j: int, wide: int, deep: int) -> int:
    """Sum over a box of cells."""
    return int(table[i + wide, j + deep] - table[i, j + deep] - table[i + wide, j] + table[i, j])


@njit(cache=True, nogil=True)
def _pack(bad: Any, way: Any, trial: Any, best: Any, least: int) -> int:
    """Try every phase of the rows; keep the fullest in ``best`` if it beats ``least``."""
    wide, deep = int(np.ceil(way[0] / FINE_M - 1e-9)), int(np.ceil(way[1] / FINE_M - 1e-9))
    along, down = max(way[2] / FINE_M, wide), max(way[3] / FINE_M, deep)
    cells_u, cells_v = bad.shape[0] - 1, bad.shape[1] - 1
    top = least
    for phase in range(min(int(np.ceil(down)), max(cells_v - deep + 1, 0))):
        count, v = 0, float(phase)
        while int(v) + deep <= cells_v:
            u = 0.0
            while int(np.ceil(u)) + wide <= cells_u:
                i = int(np.ceil(u))
                if _box(bad, i, int(v), wide, deep) == 0 and count < len(trial):
                    trial[count, 0], trial[count, 1] = i * FINE_M, int(v) * FINE_M
                    count += 1
                    u = i + along
                else:
                    u = i + 1.0
            v += down
        if count > top:
            top = count
            for i in range(count):
                best[i, 0], best[i, 1] = trial[i, 0], trial[i, 1]
    return top if top > least else 0
