"""Sixteen 16-bit heights at once: the vector operations of the horizon sweep, written in LLVM's own vectors.

A compiler that is left to find them finds some of them; written down, they are one or two instructions each on any
processor (AVX2: ``vpsubw``, ``vpmaxsw``, ``vpcmpgtw``, ``vpblendvb``), and LLVM splits them where registers are shorter.

The sweep of one azimuth keeps its heights in one C-contiguous int16 array, the *pool*; every place is an offset in elements
from its start, and nothing here looks at bounds. A vector holds sixteen neighbouring lines, so that the shadows of one
slope on all lines stand side by side. (numba caches ``shadows.py`` by its own age: after a change here, touch it.)::

    pool     DROPS, a vector per slope | MOST | CODES | FIRST and SECOND, where lines cross a pair of rows | STATE, ROOM
             lines per slope
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

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
    found = [builder.phi(value.type) for value in ways[0][0]]
    for values, block in ways:
        for one, value in zip(found, values, strict=True):
            one.add_incoming(value, block)
    return found


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
    """Blend sixteen pairs of heights, near + (far - near) share / 65536; beside a hole take the other height."""

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
