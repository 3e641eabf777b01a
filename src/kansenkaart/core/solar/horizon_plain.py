"""What the vectors of ``horizon_kernel.py`` compute, written out lane by lane: their oracle, and the way out without them.

Every function does the same to the last bit, on 16-bit whole numbers that wrap and 32-bit floats that are not fused, but
takes some ten times as long. The memory (``pool``) of one sweep is one array of 16-bit numbers::

    DROPS: per slope the fall along a row | MOST: the eye goes along | CODES: sixteen answers
    FIRST, SECOND: height of every line in the first and second row of a pair | STATE: per slope every line's shadow

Names and arguments are those of the vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kansenkaart.kernel import kernel

LANES = 16  # lines in a vector
SLOPES = 16
STRIP = 512  # lines swept together, so that their shadow heights stay in the first cache
ROOM = STRIP + LANES
LOW = -14000  # stands for "nothing there": below every surface
DROPS, MOST = 0, SLOPES * LANES
CODES, FIRST = MOST + LANES, MOST + 2 * LANES
SECOND, STATE = FIRST + ROOM, FIRST + 2 * ROOM
POOL = STATE + SLOPES * ROOM
LEVEL = 1  # the slope that is level
LOOKS_ROUND = (4, 8, 11)  # slopes after which it is seen whether any line has shadows above the eye yet
SCALE = 65535.0  # a horizon is stored as round(SCALE * t / (1 + t)), t its slope


@kernel
def advance(pool: Any, x: int) -> None:
    """Move the shadows of sixteen lines two rows nearer: s <- max(max(s - drop, first) - drop, second).

    Parameters
    ----------
    pool : array of int16
        The memory of a sweep.
    x : int
        First of the sixteen lines.
    """
    for k in range(SLOPES):
        for i in range(LANES):
            fall, at = pool[DROPS + k * LANES + i], STATE + k * ROOM + x + i
            shadow = max(np.int16(pool[at] - fall), pool[FIRST + x + i])
            pool[at] = max(np.int16(shadow - fall), pool[SECOND + x + i])


@kernel
def look_first(pool: Any, surface: Any, roof: Any, x: int, at: int, per_row: Any) -> None:
    """Read the horizons of sixteen neighbouring cells of the first row of a pair; see ``horizon_kernel``.

    Parameters
    ----------
    pool, surface, roof : array of int16
        The memory, heights and eyes [steps].
    x, at : int
        First line, and first cell.
    per_row : float32
        Makes a slope of a drop.
    """
    _look(pool, surface, roof, (x, at), per_row, False)


@kernel
def look_second(pool: Any, surface: Any, roof: Any, x: int, at: int, per_row: Any) -> None:
    """Read the horizons of sixteen neighbouring cells of the second row of a pair; see ``horizon_kernel``.

    Parameters
    ----------
    pool, surface, roof : array of int16
        The memory, heights and eyes [steps].
    x, at : int
        First line, and first cell.
    per_row : float32
        Makes a slope of a drop.
    """
    _look(pool, surface, roof, (x, at), per_row, True)


@kernel
def _look(pool: Any, surface: Any, roof: Any, where: tuple[int, int], per_row: Any, second: bool) -> None:
    x, at = where
    eyes = np.empty(LANES, np.int16)
    for i in range(LANES):
        lift = np.int16(pool[(SECOND if second else FIRST) + x + i] - surface[at + i])
        near = max(lift, np.int16(-lift)) < pool[MOST + i]
        eyes[i] = np.int16(roof[at + i] + (lift if near else 0))
    slopes = _slopes_to_look_at(pool, eyes, x, second)
    for i in range(LANES):
        pool[CODES + i] = _code(pool, eyes[i], x + i, (i, slopes, second), per_row)


@kernel
def _shadow(pool: Any, line: int, lane: int, k: int, second: bool) -> Any:
    """Shadow height of a line at one slope in the row of the cells [steps]."""
    fall, shadow = pool[DROPS + k * LANES + lane], pool[STATE + k * ROOM + line]
    if second:
        shadow = max(np.int16(shadow - fall), pool[FIRST + line])
    return np.int16(shadow - fall)


@kernel
def _slopes_to_look_at(pool: Any, eyes: Any, x: int, second: bool) -> int:
    """Count the slopes up to the look round at which no line has a shadow above its eye; all of them at most."""
    for k in LOOKS_ROUND:
        over = False
        for i in range(LANES):
            over = over or bool(np.int16(_shadow(pool, x + i, i, k, second) - eyes[i]) > 0)
        if not over:
            return k + 1
    return SLOPES


@kernel(error_model="numpy")
def _code(pool: Any, eye: Any, line: int, how: tuple[int, int, bool], per_row: Any) -> Any:
    """Code of the slope at which the shadow falls to the eye: the secant of the last two above, up to the chord."""
    lane, slopes, second = how
    before, above, fall_before, fall_above = np.int16(0), np.int16(0), np.int16(0), np.int16(0)
    below, fall_below, level, over = np.int16(-32768), np.int16(32767), False, False
    for k in range(slopes):
        fall = pool[DROPS + k * LANES + lane]
        shadow = np.int16(_shadow(pool, line, lane, k, second) - eye)
        over = bool(shadow > 0)
        if over:
            before, above, fall_before, fall_above = above, shadow, fall_above, fall
        else:
            below, fall_below = max(below, shadow), min(fall_below, fall)
        level = over if k == LEVEL else level
    if not level:
        return np.int16(0)
    height, slope = np.float32(above), np.float32(fall_above)
    steep, flat = np.float32(np.int16(before - above)), height - np.float32(below)
    secant, chord = height * (slope - np.float32(fall_before)), height * (np.float32(fall_below) - slope)
    endless = over and slopes == SLOPES
    rise, run = (chord, flat) if chord * steep < secant * flat and not endless else (secant, steep)
    run = run + np.float32(1e-6)
    top = (slope * run + rise) * per_row
    return np.int16(np.int32(top * np.float32(SCALE) / (run + top) + np.float32(0.5)))


@kernel
def blend(surface: Any, near: int, far: int, share: Any, pool: Any, to: int) -> None:
    """Blend sixteen pairs of heights, near + (far - near) share / 65536; next to a hole take the other height.

    Parameters
    ----------
    surface : array of int16
        Heights [steps].
    near, far : int
        First of the sixteen at either side.
    share : int16
        Part of the way to the far side [1/65536].
    pool : array of int16
        The memory; filled.
    to : int
        Where to.
    """
    for i in range(LANES):
        a, b = surface[near + i], surface[far + i]
        if a > LOW and b > LOW:
            pool[to + i] = np.int16(a + np.int16((np.int32(np.int16(b - a)) * np.int32(share)) >> 16))
        else:
            pool[to + i] = max(a, b)


@kernel
def add_four(sums: Any, to: int, numbers: Any, at: int, weight: Any) -> None:
    """Add four float32 numbers to four sums, the last of them ``weight`` times.

    Parameters
    ----------
    sums, numbers : array of float32
        What is added to, and what is added.
    to, at : int
        Places in them.
    weight : float32
        Of the fourth number.
    """
    total, more = sums.reshape(sums.size), numbers.reshape(numbers.size)
    for i in range(3):
        total[to + i] += more[at + i]
    total[to + 3] += more[at + 3] * weight


@kernel
def fetch(array: Any, at: int) -> None:
    """Do nothing: where the vectors call a place into the cache, plain code just reads it.

    Parameters
    ----------
    array : array
        Any.
    at : int
        A place in it.
    """
