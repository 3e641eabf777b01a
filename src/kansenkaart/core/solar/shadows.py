"""The sweep behind ``horizon.py``: sixteen shadow heights per line, in 16-bit steps, from the far side to the near side.

Along parallel lines sixteen *shadow heights* are carried at once, one per slope t_k [1]: s_k <- max(s_k - t_k d, z), the
height under which a ray of slope t_k is blocked. Sixteen neighbouring lines are one vector, and so are sixteen neighbouring
roof cells, each read on the line that passes nearest. s(t) is convex and piecewise linear (its slope is the distance of the
obstacle), so the last two shadows above the eye, prolonged, give the horizon, exactly where one obstacle makes it; the chord
across the crossing bounds it. Lines cross rows between two cells: heights are blended linearly, as on a bilinear surface.

Heights are whole steps of a power of two [m]; a slope t_k is what its whole number of steps per row makes it, so nothing
drifts over a distance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from kansenkaart.core.solar.lanes import (
    CODES,
    DROPS,
    FIRST,
    LANES,
    LOW,
    MOST,
    POOL,
    SECOND,
    STATE,
    STRIP,
    advance,
    blend,
    fetch,
    look_first,
    look_second,
)

LOW_M = np.float32(-1.0e4)  # a hole in a surface
PAD = 24  # columns of nothing on either side: lines that leave the sheet, and whole vectors at its edge
REACH, MOST_DROP, LEAST_STEP_M = 13000, 5000, 2.0**-10  # steps above or below the middle, steps per row; [m]
LEVELS = np.array([-0.05, 0.0, 0.04, 0.09, 0.15, 0.22, 0.30, 0.40, 0.52, 0.68, 0.90, 1.2, 1.7, 2.7, 6.0, 25.0])
ONE, HALF = np.float32(1.0), np.float32(0.5)


@njit(cache=True, nogil=True)
def span(surface: Any, observer: Any) -> Any:
    """Lowest and highest height of a surface and its observers, holes left out [m]."""
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for row in surface:
        for z in row:
            low = z if LOW_M < z < low else low
            high = max(high, z)
    for eye in observer:
        low, high = min(low, eye), max(high, eye)
    return low, high


def step_m(relief_m: float, cell_size_m: float) -> float:
    """Height of one step [m]: the finest power of two at which the relief and the fall along one row fit."""
    wanted = max(relief_m / 2 / REACH, LEVELS[-1] * cell_size_m * np.sqrt(2) / MOST_DROP, LEAST_STEP_M)
    return float(2.0 ** np.ceil(np.log2(wanted)))


@njit(cache=True, nogil=True, parallel=True)
def steps(surface: Any, middle: Any, step: Any) -> Any:
    """Heights in steps above the middle, by row and by column, with nothing around them."""
    height, width = surface.shape
    by_row = np.full((height, width + 2 * PAD), LOW, np.int16)
    by_col = np.full((width, height + 2 * PAD), LOW, np.int16)
    per_m = ONE / step
    for block in prange((height + LANES - 1) // LANES):
        begin, end = block * LANES, min((block + 1) * LANES, height)
        for r in range(begin, end):
            for c in range(width):
                z = surface[r, c]
                by_row[r, PAD + c] = np.int16(np.floor((z - middle) * per_m + HALF)) if z > LOW_M else LOW
        for c in range(width):
            for r in range(begin, end):
                by_col[c, PAD + r] = by_row[r, PAD + c]
    return by_row, by_col


@njit(cache=True, nogil=True)
def observers(mask: Any, heights: Any, lift: Any) -> Any:
    """Rows, columns and raised heights of the cells of a mask, by row and then column."""
    starts = np.zeros(mask.shape[0] + 1, np.int64)
    for r in range(mask.shape[0]):
        starts[r + 1] = starts[r] + mask[r].sum()
    rows, cols = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32)
    observer = np.empty(starts[-1], np.float32)
    for r in range(mask.shape[0]):
        i = starts[r]
        if starts[r + 1] > i:
            for c in range(mask.shape[1]):
                if mask[r, c]:
                    rows[i], cols[i], observer[i] = r, c, heights[r, c] + lift
                    i += 1
    return rows, cols, observer


@njit(cache=True, nogil=True)
def roof_lists(rows: Any, cols: Any, eyes: Any, shape: Any) -> Any:
    """Cells by row and then column, and by column and then row.

    Each as a sheet of eyes like those of ``steps``, (along, number) of every cell, and where each line of them starts.
    """
    height, width = shape
    by_row, by_col = np.empty((rows.size, 2), np.int32), np.empty((rows.size, 2), np.int32)
    eyes_row, eyes_col = np.zeros((height, width + 2 * PAD), np.int16), np.zeros((width, height + 2 * PAD), np.int16)
    starts, starts_t = np.zeros(height + 1, np.int64), np.zeros(width + 1, np.int64)
    for i in range(rows.size):
        by_row[i, 0], by_row[i, 1] = cols[i], i
        eyes_row[rows[i], PAD + cols[i]] = eyes_col[cols[i], PAD + rows[i]] = eyes[i]
        starts[rows[i] + 1] += 1
        starts_t[cols[i] + 1] += 1
    starts, starts_t = np.cumsum(starts), np.cumsum(starts_t)
    place = starts_t.copy()
    for i in range(rows.size):
        p = place[cols[i]]
        by_col[p, 0], by_col[p, 1] = rows[i], i
        place[cols[i]] = p + 1
    return (eyes_row, by_row, starts), (eyes_col, by_col, starts_t)


@njit(cache=True, nogil=True, parallel=True)
def sweep_all(surfaces: Any, by_row: Any, by_col: Any, looks: Any, metres: Any, origin: Any, out: Any) -> None:
    """Sweep every azimuth, along rows or along columns, whichever its direction crosses faster."""
    for a in prange(looks.shape[0]):
        down, right = looks[a, 0], looks[a, 1]
        if abs(down) >= abs(right):
            _sweep(surfaces[0], by_row, (down, right), metres, (origin[0], origin[1]), out[a])
        else:
            _sweep(surfaces[1], by_col, (right, down), metres, (origin[1], origin[0]), out[a])


@njit(cache=True, nogil=True)
def _walk(count: int, sign: int, slope: float, origin: int) -> Any:
    """Whole cells that the lines have drifted sideways at every step of the walk, and the share of a cell beyond.

    In phase with the whole sheet, so that neighbouring tiles walk the same lines.
    """
    first = origin if sign > 0 else -(origin + count - 1)
    drift = (first + np.arange(count)) * slope
    whole = np.floor(drift)
    return whole.astype(np.int64), drift - whole


@njit(cache=True, nogil=True)
def _sweep(z: Any, roofs: Any, look: Any, metres: Any, origin: Any, out: Any) -> None:
    """Sweep one azimuth in strips of lines, from the far side of the look direction to the near side."""
    height, stride = z.shape
    eyes, cells, starts = roofs
    sign = 1 if look[0] < 0 else -1
    drift, share = _walk(height, sign, -look[1] / abs(look[0]), origin[0])
    last = -1
    for j in range(height):  # the walk ends at the last row that holds a roof
        row = j if sign > 0 else height - 1 - j
        last = j if starts[row + 1] > starts[row] else last
    run, step = metres[0] / abs(look[0]), metres[1]
    pool, per_row = np.empty(POOL, np.int16), np.float32(step / run)
    pool[MOST : MOST + LANES] = np.int16(min(metres[0] / step, 32767.0))
    for k in range(LEVELS.size):
        pool[DROPS + k * LANES : DROPS + (k + 1) * LANES] = np.int16(np.floor(LEVELS[k] * run / step + 0.5))
    flat, roof, cursor, width = z.ravel(), eyes.ravel(), starts.copy(), stride - 2 * PAD
    for left in range(min(-drift[0], -drift[last]) - 1, width + max(-drift[0], -drift[last]) + 1, STRIP):
        pool[STATE:] = LOW
        for j in range(0, last + 1, 2):
            pair = min(2, last + 1 - j)
            here, there = left + drift[j], left + drift[j + pair - 1]
            begin, end = max(0, -1 - max(here, there)), min(STRIP, width - min(here, there))
            if end <= begin:
                continue
            for m in range(pair):
                row, offset = j + m if sign > 0 else height - 1 - j - m, left + drift[j + m]
                base = row * stride + PAD
                _cross((flat, roof), base + offset, share[j + m], pool, (m, begin, end, 2 * sign * stride))
                fetch(cells, 2 * cursor[min(max(row + 2 * sign, 0), height - 1)])
                if starts[row + 1] > cursor[row]:
                    right = 1 if share[j + m] > 0.5 else 0  # the line on the left is nearest to the cell on its right
                    where = (cursor[row], starts[row + 1], offset + right, m, base)
                    cursor[row] = _observe(pool, (flat, roof), cells, where, per_row, out)
            for x in range(begin, end, LANES):
                advance(pool, x)


@njit(cache=True, nogil=True)
def _cross(sheets: Any, first: int, share: float, pool: Any, span: Any) -> None:
    """Height of every line where it crosses this row, between its two cells; fetch what lies ``ahead`` meanwhile."""
    z, roof = sheets
    m, begin, end, ahead = span
    near, far, part = (0, 1, share) if share <= 0.5 else (1, 0, 1.0 - share)
    weight = np.int16(min(part * 65536.0, 32767.0))
    for x in range(begin, end, LANES):
        fetch(z, first + x + ahead)
        fetch(roof, first + x + ahead)
        blend(z, first + x + near, first + x + far, weight, pool, (FIRST if m == 0 else SECOND) + x)


@njit(cache=True, nogil=True)
def _observe(pool: Any, sheets: Any, cells: Any, where: Any, per_row: Any, out: Any) -> Any:
    """Read the horizon of the roof cells of one row that lie in this strip, sixteen places at a time."""
    z, roof = sheets
    i, stop, left, m, base = where
    while i < stop and cells[np.uint64(i), 0] < left:
        i += 1
    while i < stop and cells[np.uint64(i), 0] < left + STRIP:
        first = np.int64(cells[np.uint64(i), 0])
        if m == 0:
            look_first(pool, z, roof, first - left, base + first, per_row)
        else:
            look_second(pool, z, roof, first - left, base + first, per_row)
        beyond = min(first + LANES, left + STRIP)
        while i < stop and cells[np.uint64(i), 0] < beyond:
            lane = np.uint64(cells[np.uint64(i), 0] - first)
            out[np.uint64(cells[np.uint64(i), 1])] = np.uint16(pool[np.uint64(CODES) + lane])
            i += 1
    return i
