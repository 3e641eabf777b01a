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

import warnings
from typing import Any

import numpy as np
from llvmlite import ir
from numba import prange, types
from numba.core import cgutils
from numba.core.errors import NumbaError
from numba.extending import intrinsic

from kansenkaart.core.solar import horizon_plain as plain
from kansenkaart.core.solar.horizon_plain import (
    CODES,
    DROPS,
    FIRST,
    LANES,
    LEVEL,
    LOOKS_ROUND,
    LOW,
    MOST,
    POOL,
    ROOM,
    SCALE,
    SECOND,
    SLOPES,
    STATE,
    STRIP,
)
from kansenkaart.kernel import VECTORS_WANTED, kernel

_function: Any = cgutils.get_or_insert_function
_SHORT, _INT, _LONG = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_VECTOR, _WIDE, _PICK = ir.VectorType(_SHORT, LANES), ir.VectorType(_INT, LANES), ir.VectorType(_INT, LANES)
_FLOATS, _MASK = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(ir.IntType(1), LANES)


class _Memory:
    """One array, as the code that is being made sees it."""

    def __init__(self, context: Any, builder: Any, kind: Any, array: Any) -> None:
        self.builder, self.data = builder, context.make_array(kind)(context, builder, array).data

    def at(self, place: Any, kind: Any = _VECTOR, *, beyond: int = 0) -> Any:
        place = ir.Constant(_LONG, place) if isinstance(place, int) else place
        place = self.builder.add(place, ir.Constant(_LONG, beyond)) if beyond else place
        return self.builder.bitcast(self.builder.gep(self.data, [place]), kind.as_pointer())

    def load(self, place: Any, *, beyond: int = 0) -> Any:
        return self.builder.load(self.at(place, beyond=beyond), align=2)

    def store(self, value: Any, place: Any, *, beyond: int = 0) -> None:
        self.builder.store(value, self.at(place, value.type, beyond=beyond), align=2)


def _all(builder: Any, scalar: Any, kind: Any = _VECTOR) -> Any:
    blank = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(blank, scalar, ir.Constant(_INT, 0))
    return builder.shuffle_vector(one, blank, ir.Constant(_PICK, [0] * LANES))


def _same(value: int) -> Any:
    return ir.Constant(_VECTOR, [value] * LANES)


def _sames(value: float) -> Any:
    return ir.Constant(_FLOATS, [value] * LANES)


def _higher(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.icmp_signed(">", a, b), a, b)


def _lower(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.icmp_signed("<", a, b), a, b)


def _go(builder: Any, done: Any, over: Any) -> None:
    """Leave for ``done`` where no line is over; without a mask, leave."""
    if over is None:
        builder.branch(done)
        return
    further = builder.append_basic_block("further")
    some = builder.icmp_unsigned("!=", builder.bitcast(over, _SHORT), ir.Constant(_SHORT, 0))
    builder.cbranch(some, further, done)
    builder.position_at_end(further)


def _advance(_: Any, pool: Any, x: Any) -> Any:
    """Move the shadows of sixteen lines two rows nearer: s <- max(max(s - drop, first) - drop, second)."""

    def made(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        heights, x = _Memory(context, builder, sig.args[0], args[0]), args[1]
        tops = [heights.load(x, beyond=FIRST), heights.load(x, beyond=SECOND)]
        for k in range(SLOPES):
            fall, shadow = heights.load(DROPS + k * LANES), heights.load(x, beyond=STATE + k * ROOM)
            for top in tops:
                shadow = _higher(builder, builder.sub(shadow, fall), top)
            heights.store(shadow, x, beyond=STATE + k * ROOM)
        return context.get_dummy_value()

    return types.void(pool, types.int64), made


def _look(second: bool) -> Any:
    """Read the horizons of sixteen neighbouring cells of the first or of the second row of a pair."""

    def look(_: Any, pool: Any, z: Any, eyes: Any, x: Any, at: Any, per_row: Any) -> Any:
        """Put the codes of the cells from ``at`` on in the pool; the lines from ``x`` pass nearest to them.

        ``per_row`` makes a slope of a drop. The roof slopes from cell to line: the eye goes along, unless by MOST or more.
        """

        def made(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            heights, surface, roof = (_Memory(context, builder, sig.args[n], args[n]) for n in range(3))
            x, at, per_row = args[3:]
            lift = builder.sub(heights.load(x, beyond=SECOND if second else FIRST), surface.load(at))
            far = _higher(builder, lift, builder.sub(_same(0), lift))
            near = builder.icmp_signed("<", far, heights.load(MOST))
            eye = builder.add(roof.load(at), builder.select(near, lift, _same(0)))
            crossing = _crossing(heights, x, eye, heights.load(x, beyond=FIRST) if second else None)
            heights.store(_code(builder, crossing, _all(builder, per_row, _FLOATS)), CODES)
            return context.get_dummy_value()

        return types.void(pool, z, eyes, types.int64, types.int64, types.float32), made

    return look


def _crossing(heights: _Memory, x: Any, eye: Any, first: Any) -> list[Any]:
    """Find where the shadows of lines fall to the eye: the last two above it and the first below, and their drops.

    Then whether a level ray is blocked, and whether all sixteen are. Slope by slope, until no line has a shadow above.
    """
    builder = heights.builder
    before = above = fall_before = fall_above = _same(0)
    below, fall_below = _same(-32768), _same(32767)
    level = never = ir.Constant(_MASK, [False] * LANES)
    done, ways = builder.append_basic_block("crossing"), []
    for k in range(SLOPES):
        fall, shadow = heights.load(DROPS + k * LANES), heights.load(x, beyond=STATE + k * ROOM)
        if first is not None:
            shadow = _higher(builder, builder.sub(shadow, fall), first)
        shadow = builder.sub(builder.sub(shadow, fall), eye)
        over = builder.icmp_signed(">", shadow, _same(0))
        level = over if k == LEVEL else level
        before, above = builder.select(over, above, before), builder.select(over, shadow, above)
        fall_before, fall_above = builder.select(over, fall_above, fall_before), builder.select(over, fall, fall_above)
        below = _higher(builder, below, builder.select(over, _same(-32768), shadow))
        fall_below = _lower(builder, fall_below, builder.select(over, _same(32767), fall))
        last = k == SLOPES - 1
        if last or k in LOOKS_ROUND:
            endless = over if last else never
            ways.append(([before, above, below, fall_before, fall_above, fall_below, level, endless], builder.block))
            _go(builder, done, None if last else over)
    builder.position_at_end(done)
    merged = [builder.phi(value.type) for value in ways[0][0]]
    for values, block in ways:
        for one, value in zip(merged, values, strict=True):
            one.add_incoming(value, block)
    return merged


def _code(builder: Any, crossing: list[Any], per_row: Any) -> Any:
    """Code of the slope at which the shadow falls to the eye: the secant of the last two above, up to the chord."""

    def number(value: Any) -> Any:
        return builder.sitofp(builder.sext(value, _WIDE), _FLOATS)

    before, above, below, fall_before, fall_above, fall_below, level, endless = crossing
    height, slope = number(above), number(fall_above)
    steep, flat = number(builder.sub(before, above)), builder.fsub(height, number(below))
    back, on = builder.fsub(slope, number(fall_before)), builder.fsub(number(fall_below), slope)
    secant, chord = builder.fmul(height, back), builder.fmul(height, on)
    nearer = builder.fcmp_ordered("<", builder.fmul(chord, steep), builder.fmul(secant, flat))
    nearer = builder.and_(nearer, builder.not_(endless))
    rise, run = builder.select(nearer, chord, secant), builder.select(nearer, flat, steep)
    run = builder.fadd(run, _sames(1e-6))
    top = builder.fmul(builder.fadd(builder.fmul(slope, run), rise), per_row)
    part = builder.fdiv(builder.fmul(top, _sames(SCALE)), builder.fadd(run, top))
    part = builder.select(level, builder.fadd(part, _sames(0.5)), _sames(0.0))
    return builder.trunc(builder.fptosi(part, _WIDE), _VECTOR)


def _blend(_: Any, z: Any, near: Any, far: Any, share: Any, pool: Any, to: Any) -> Any:
    """Blend sixteen pairs of heights, near + (far - near) share / 65536; next to a hole take the other height."""

    def made(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        _, near_at, far_at, share, _, to = args
        surface = _Memory(context, builder, sig.args[0], args[0])
        near, far = surface.load(near_at), surface.load(far_at)
        wide = builder.mul(builder.sext(builder.sub(far, near), _WIDE), builder.sext(_all(builder, share), _WIDE))
        between = builder.add(near, builder.trunc(builder.ashr(wide, ir.Constant(_WIDE, [16] * LANES)), _VECTOR))
        whole = builder.and_(builder.icmp_signed(">", near, _same(LOW)), builder.icmp_signed(">", far, _same(LOW)))
        height = builder.select(whole, between, _higher(builder, near, far))
        _Memory(context, builder, sig.args[4], args[4]).store(height, to)
        return context.get_dummy_value()

    return types.void(z, types.int64, types.int64, types.int16, pool, types.int64), made


def _add_four(_: Any, sums: Any, to: Any, numbers: Any, at: Any, weight: Any) -> Any:
    """Add four float32 numbers to four sums, the last of them ``weight`` times."""

    def made(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        four = ir.VectorType(ir.FloatType(), 4)
        total, more = (_Memory(context, builder, sig.args[n], args[n]).at(args[n + 1], four) for n in (0, 2))
        times = builder.insert_element(ir.Constant(four, [1.0] * 4), args[4], ir.Constant(_INT, 3))
        part = builder.fmul(builder.load(more, align=4), times)
        builder.store(builder.fadd(builder.load(total, align=4), part), total, align=4)
        return context.get_dummy_value()

    return types.void(sums, types.int64, numbers, types.int64, types.float32), made


def _fetch(_: Any, array: Any, at: Any) -> Any:
    """Call what stands at a place into the nearest cache, to read it soon."""

    def made(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = _Memory(context, builder, sig.args[0], args[0]).at(args[1], ir.IntType(8))
        kind = ir.FunctionType(ir.VoidType(), [place.type, _INT, _INT, _INT])
        how = [ir.Constant(_INT, one) for one in (0, 3, 1)]  # to read, into the nearest cache, data
        builder.call(_function(builder.module, kind, "llvm.prefetch.p0"), [place, *how])
        return context.get_dummy_value()

    return types.void(array, types.int64), made


advance: Any = intrinsic(_advance)  # numba itself gives the first argument
look_first: Any = intrinsic(_look(second=False))
look_second: Any = intrinsic(_look(second=True))
blend: Any = intrinsic(_blend)
add_four: Any = intrinsic(_add_four)
fetch: Any = intrinsic(_fetch)


@kernel
def _use_all(pool: Any, sums: Any) -> None:
    """Call each vector once, so that what this LLVM cannot make is seen before anything is swept."""
    fetch(pool, 0)
    blend(pool, FIRST, FIRST + 1, np.int16(0), pool, FIRST)
    advance(pool, 0)
    look_first(pool, pool, pool, 0, FIRST, np.float32(1.0))
    look_second(pool, pool, pool, 0, FIRST, np.float32(1.0))
    add_four(sums, 0, sums, 4, np.float32(1.0))


def _vectors_work() -> bool:
    """Whether the vectors are wanted and can be made here."""
    if not VECTORS_WANTED:
        return False
    try:
        _use_all(np.zeros(POOL, np.int16), np.zeros(8, np.float32))
    except (NumbaError, AttributeError, TypeError, ValueError, RuntimeError) as why:
        warnings.warn(
            f"sun: no vectors here, so the plain loops are used (ten times slower, same results): {why}",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True


VECTORS = _vectors_work()
if not VECTORS:
    add_four, advance, blend, fetch = plain.add_four, plain.advance, plain.blend, plain.fetch
    look_first, look_second = plain.look_first, plain.look_second
VARIANT = "" if VECTORS else "plain"  # what calls a vector is kept apart from what calls its plain twin


LOW_M = np.float32(-1.0e4)  # a hole in a surface
PAD = 24  # columns of nothing on either side: lines that leave the sheet, and whole vectors at its edge
REACH, MOST_DROP, LEAST_STEP_M = 13000, 5000, 2.0**-10  # steps above or below the middle, steps per row; [m]
LEVELS = np.array([-0.05, 0.0, 0.04, 0.09, 0.15, 0.22, 0.30, 0.40, 0.52, 0.68, 0.90, 1.2, 1.7, 2.7, 6.0, 25.0])
ONE, HALF = np.float32(1.0), np.float32(0.5)


def step_m(relief_m: float, cell_size_m: float) -> float:
    """Height of one step [m]: the finest power of two at which the relief and the fall along one row fit.

    Parameters
    ----------
    relief_m : float
        Highest less lowest [m].
    cell_size_m : float
        Side of a cell [m].
    """
    wanted = max(relief_m / 2 / REACH, LEVELS[-1] * cell_size_m * np.sqrt(2) / MOST_DROP, LEAST_STEP_M)
    return float(2.0 ** np.ceil(np.log2(wanted)))


@kernel(parallel=True)
def steps(surface: Any, middle: Any, step: Any) -> Any:
    """Heights in steps above the middle, by row and by column, with nothing around them.

    Parameters
    ----------
    surface : array
        Heights [m NAP], rows by columns.
    middle, step : float32
        Height of step 0, and of one step [m].
    """
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


@kernel
def roof_lists(rows: Any, cols: Any, eyes: Any, shape: Any) -> Any:
    """Cells by row and then column, and by column and then row.

    Each as a sheet of eyes like those of ``steps``, (along, number) of every cell, and where each line of them starts.

    Parameters
    ----------
    rows, cols : array
        Place of every eye.
    eyes : array
        Its height [steps].
    shape : tuple
        Rows and columns of the sheet.
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


@kernel(variant=VARIANT, parallel=True)
def sweep_all(surfaces: Any, by_row: Any, by_col: Any, looks: Any, metres: Any, origin: Any, out: Any) -> None:
    """Sweep every azimuth, along rows or along columns, whichever its direction crosses faster.

    Parameters
    ----------
    surfaces : tuple
        Heights by row and by column, of `steps`.
    by_row, by_col : tuple
        Eyes, of `roof_lists`.
    looks : array
        Direction (rows, columns) of each azimuth.
    metres : tuple
        Side of a cell, and of one step [m].
    origin : tuple
        Row and column of the first cell in the whole sheet.
    out : array
        Codes (azimuths, eyes); filled.
    """
    for a in prange(looks.shape[0]):
        down, right = looks[a, 0], looks[a, 1]
        if abs(down) >= abs(right):
            _sweep(surfaces[0], by_row, (down, right), metres, (origin[0], origin[1]), out[a])
        else:
            _sweep(surfaces[1], by_col, (right, down), metres, (origin[1], origin[0]), out[a])


@kernel
def _walk(count: int, sign: int, slope: float, origin: int) -> Any:
    """Whole cells that the lines have drifted sideways at every step of the walk, and the share of a cell beyond.

    In phase with the whole sheet, so that neighbouring tiles walk the same lines.
    """
    first = origin if sign > 0 else -(origin + count - 1)
    drift = (first + np.arange(count)) * slope
    whole = np.floor(drift)
    return whole.astype(np.int64), drift - whole


@kernel(variant=VARIANT)
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


@kernel(variant=VARIANT)
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


@kernel(variant=VARIANT)
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
