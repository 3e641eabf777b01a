"""Sixteen 16-bit heights at once: the vector operations of the horizon sweep, written in LLVM's own vectors.

A compiler that is left to find them finds some of them; written down, they are one or two instructions each on any
processor (AVX2: ``vpsubw``, ``vpmaxsw``, ``vpmulhw``, ``vpmovmskb``), and LLVM splits them where registers are shorter.

The sweep of one azimuth keeps its heights in one C-contiguous int16 array, the *pool*, and its slopes in one of float32;
every place is an offset in elements from their start, and nothing here looks at bounds. (numba caches ``shadows.py`` by
its own age: after a change here, touch it.)::

    pool     DROPS  NOTHING  SCRATCH  HEIGHTS ...          numbers  17 rows of four, HELD ...
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
BATCH = 64  # roof cells that are read before they are solved together
LOW = -14000  # stands for "nothing there": below every surface
# In the pool: the fall along one row, no fall at all, the shadows on one cell, and what is kept of a batch.
DROPS, NOTHING, SCRATCH, HEIGHTS = 0, LANES, 2 * LANES, 4 * LANES
POOL_USED = HEIGHTS + 4 * BATCH
HELD = 4 * (LANES + 2)  # numbers of a batch, behind the table with a row of four for 0 to 16 shadows above the eye
_function: Any = cgutils.get_or_insert_function
_SHORT, _INT, _LONG = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_VECTOR, _WIDE, _PICK = ir.VectorType(_SHORT, LANES), ir.VectorType(_INT, LANES), ir.VectorType(_INT, LANES)
_FOUR_SHORTS, _FOUR_FLOATS = ir.VectorType(_SHORT, 4), ir.VectorType(ir.FloatType(), 4)


class _Memory:
    """One array, as the code that is being made sees it."""

    def __init__(self, context: Any, builder: Any, kind: Any, array: Any) -> None:
        self.builder, self.data = builder, context.make_array(kind)(context, builder, array).data

    def at(self, place: Any, kind: Any = _VECTOR) -> Any:
        place = ir.Constant(_LONG, place) if isinstance(place, int) else place
        return self.builder.bitcast(self.builder.gep(self.data, [place]), kind.as_pointer())

    def load(self, place: Any, kind: Any = _VECTOR) -> Any:
        return self.builder.load(self.at(place, kind), align=2)

    def store(self, value: Any, place: Any) -> None:
        self.builder.store(value, self.at(place, value.type), align=2)


def _all(builder: Any, scalar: Any) -> Any:
    blank = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(blank, scalar, ir.Constant(_INT, 0))
    return builder.shuffle_vector(one, blank, ir.Constant(_PICK, [0] * LANES))


def _higher(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.icmp_signed(">", a, b), a, b)


def _advance(_: Any, pool: Any, at: Any, first: Any, second: Any) -> Any:
    """Move the shadows of one line two rows nearer: s <- max(max(s - drops, first) - drops, second)."""

    def made(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        heights = _Memory(context, builder, sig.args[0], args[0])
        fall, shadow = heights.load(DROPS), heights.load(args[1])
        for top in args[2:]:
            shadow = _higher(builder, builder.sub(shadow, fall), _all(builder, top))
        heights.store(shadow, args[1])
        return context.get_dummy_value()

    return types.void(pool, types.int64, types.int16, types.int16), made


def _read(_: Any, pool: Any, numbers: Any, at: Any, lead: Any, first: Any, eye: Any, nth: Any) -> Any:
    """Find where the shadows of one line fall to the eye of a roof cell, the ``nth`` of its batch.

    The shadows that fall on the cell, max(s - lead, first) - drops, are set against its eye and those above it counted. The
    last two above and the first below go to HEIGHTS, the row of the table for that count to HELD.
    """

    def made(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        heights, slopes = (_Memory(context, builder, sig.args[n], args[n]) for n in range(2))
        at, lead, first, eye, nth = args[2:]
        shadow = _higher(builder, builder.sub(heights.load(at), heights.load(lead)), _all(builder, first))
        shadow = builder.sub(builder.sub(shadow, heights.load(DROPS)), _all(builder, eye))
        above = builder.bitcast(builder.icmp_signed(">", shadow, ir.Constant(_VECTOR, [0] * LANES)), _SHORT)
        counter = _function(builder.module, ir.FunctionType(_SHORT, [_SHORT]), "llvm.ctpop.i16")
        count = builder.zext(builder.call(counter, [above]), _LONG)
        heights.store(shadow, SCRATCH)
        two, four = ir.Constant(_LONG, 2), ir.Constant(_LONG, 4)
        last = builder.sub(_higher(builder, count, two), two)  # with fewer than two above, the table's row is all zeros
        to = builder.mul(nth, four)
        near = heights.load(builder.add(last, ir.Constant(_LONG, SCRATCH)), _FOUR_SHORTS)
        heights.store(near, builder.add(to, ir.Constant(_LONG, HEIGHTS)))
        slopes.store(slopes.load(builder.mul(count, four), _FOUR_FLOATS), builder.add(to, ir.Constant(_LONG, HELD)))
        return context.get_dummy_value()

    return types.void(pool, numbers, types.int64, types.int64, types.int16, types.int16, types.int64), made


def _blend(_: Any, z: Any, near: Any, far: Any, share: Any, ahead: Any, pool: Any, to: Any) -> Any:
    """Blend sixteen pairs of heights, near + (far - near) share / 65536; beside a hole take the other height.

    What lies ``ahead`` of the first is called into the cache meanwhile.
    """

    def made(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        _, near_at, far_at, share, ahead, _, to = args
        surface = _Memory(context, builder, sig.args[0], args[0])
        _fetch(builder, surface.at(builder.add(near_at, ahead), ir.IntType(8)))
        near, far = surface.load(near_at), surface.load(far_at)
        wide = builder.mul(builder.sext(builder.sub(far, near), _WIDE), builder.sext(_all(builder, share), _WIDE))
        between = builder.add(near, builder.trunc(builder.ashr(wide, ir.Constant(_WIDE, [16] * LANES)), _VECTOR))
        low = ir.Constant(_VECTOR, [LOW] * LANES)
        whole = builder.and_(builder.icmp_signed(">", near, low), builder.icmp_signed(">", far, low))
        height = builder.select(whole, between, _higher(builder, near, far))
        _Memory(context, builder, sig.args[5], args[5]).store(height, to)
        return context.get_dummy_value()

    return types.void(z, types.int64, types.int64, types.int16, types.int64, pool, types.int64), made


def _fetch(builder: Any, place: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [place.type, _INT, _INT, _INT])
    how = [ir.Constant(_INT, one) for one in (0, 3, 1)]  # to read, into the nearest cache, data
    builder.call(_function(builder.module, kind, "llvm.prefetch.p0"), [place, *how])


advance: Any = intrinsic(_advance)  # numba itself gives the first argument
read: Any = intrinsic(_read)
blend: Any = intrinsic(_blend)
