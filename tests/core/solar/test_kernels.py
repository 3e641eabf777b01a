"""Compiled loops never outlive a change of what they call; and the vectors have a plain twin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kansenkaart
from kansenkaart import kernel as compiling
from kansenkaart.core.solar import horizon_kernel, horizon_plain
from kansenkaart.core.solar.horizon_plain import CODES, DROPS, FIRST, LANES, LOW, MOST, POOL, SECOND, SLOPES, STATE
from kansenkaart.kernel import kernel

PACKAGE = Path(kansenkaart.__file__).parent

# `anneal_area` of window_search.py adds up what it starts from with `worth_of` of bound.py: four blocks in a row, all in.
ASK = """
import numpy as np
from kansenkaart.core.area.window_search import anneal_area
from kansenkaart.core.area.windows import Window
indptr, head, rev = np.array([0, 1, 3, 5, 6]), np.array([1, 0, 2, 1, 3, 2]), np.array([1, 0, 3, 2, 5, 4])
window = Window(
    members=np.arange(4), indptr=indptr, head=head, rev=rev, cost=np.ones(6), walk=np.ones(6, bool),
    profit=np.array([5.0, 4.0, 3.0, 2.0]), homes=np.full(4, 10.0), forced=np.array([1, 0, 0, 0]), share=np.zeros((2, 4)),
)
print(anneal_area(window, (10.0, 40.0), np.ones(4, bool), 200, 0))
"""

#: A loop that calls no other, so that it is compiled soon: the middle of three in a row goes over to its one neighbour there.
ASK_SMALL = """
import numpy as np
from kansenkaart.core.area.recombine import flip_gain
rows, row, heavy = np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1]), np.array([2.0, 2.0, 7.0, 7.0])
print(flip_gain(rows, row, heavy, np.array([0, 0, 1]), 1, 1))
"""


def asked_with(cache: Path, ask: str) -> subprocess.CompletedProcess[str]:
    """Run some lines in a process whose compiled loops are kept in a folder."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(PACKAGE.parent)}
    return subprocess.run([sys.executable, "-c", ask], env=env, cwd=cache, capture_output=True, text=True, check=False)


def worth_with(copy: Path) -> float:
    """Ask a copy of the package, in a process of its own."""
    paths = os.pathsep.join([str(copy), str(Path(__file__).parents[3])])
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"} | {"PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", ASK], env=env, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return float(done.stdout)


def test_a_loop_is_compiled_anew_when_a_loop_that_it_calls_in_another_file_changes(tmp_path: Path) -> None:
    copy = tmp_path / "kansenkaart"
    shutil.copytree(PACKAGE, copy)  # with what is compiled beside it: the content is the same, so it is used
    assert worth_with(tmp_path) == 14.0  # by hand: all four blocks, and no border
    wrecked = copy / "core" / "area" / "bound.py"
    text = wrecked.read_text(encoding="utf-8")
    assert text.count("worth += profit[u]\n") == 1
    wrecked.write_text(text.replace("worth += profit[u]\n", "worth += profit[u] + 100.0\n"), encoding="utf-8")
    assert worth_with(tmp_path) > 100.0


@pytest.mark.parametrize(
    ("first", "from_disk"),
    [
        ("", "1 0"),
        ("from kansenkaart import kernel; kernel._MAKER._able = False", "0 1"),
        ("import sys; sys.executable = '/bin/false'", "0 1"),  # of a program that is no Python: never started
        (
            "import subprocess, sys; from kansenkaart import kernel; pipe = subprocess.PIPE\n"
            "kernel._started = lambda: subprocess.Popen([sys.executable, '-c', ''], stdin=pipe, stdout=pipe)",
            "0 1",
        ),
    ],
    ids=["made elsewhere", "made here", "no python", "a process that ends"],
)
def test_what_is_not_on_disk_is_compiled_elsewhere_or_else_here(tmp_path: Path, first: str, from_disk: str) -> None:
    """What a compiler used stays with the process that compiled: in it the loop was missing, here it was on disk."""
    ask = f"{first}\n{ASK_SMALL}\nstats = flip_gain.stats\n"
    ask += "print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))\n"
    done = asked_with(tmp_path, ask)
    assert done.stdout.splitlines() == ["5.0", from_disk], done.stderr[-2000:]  # 7 less 2
    assert "Error" not in done.stderr


def test_of_two_runs_at_once_one_compiles_and_the_other_waits(tmp_path: Path) -> None:
    told = tmp_path / "told"
    first = (
        "from kansenkaart import kernel\n"
        "make = kernel._MAKER.make\n"
        f"kernel._MAKER.make = lambda key, types: open({str(told)!r}, 'a').write('made ') and make(key, types)\n"
    )
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept"), "PYTHONPATH": str(PACKAGE.parent)}
    runs = [
        subprocess.Popen([sys.executable, "-c", first + ASK_SMALL], env=env, cwd=tmp_path, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [run.communicate()[0] for run in runs] == [b"5.0\n"] * 2
    assert told.read_text() == "made "


def test_where_nothing_can_be_locked_each_run_compiles(tmp_path: Path) -> None:
    first = (
        "from kansenkaart import kernel\n"
        "def refuse(*_, **__):\n"
        "    raise OSError('no locks here')\n"
        "kernel.FileLock = refuse\n"
    )
    done = asked_with(tmp_path, first + ASK_SMALL)
    assert done.stdout == "5.0\n", done.stderr[-2000:]


def test_every_loop_of_the_core_is_compiled_by_one_decorator() -> None:
    assert [one.name for one in PACKAGE.rglob("*.py") if "njit(" in one.read_text(encoding="utf-8")] == ["kernel.py"]


def test_the_stamp_follows_the_content_of_the_room_and_nothing_else(tmp_path: Path) -> None:
    room, stamp = tmp_path / "room", compiling.stamp_of.__wrapped__
    room.mkdir()
    (room / "one.py").write_text("a = 1\n")
    first = stamp(room)
    os.utime(room / "one.py", (0, 0))
    assert stamp(room) == first
    (tmp_path / "shared.py").write_text("")
    second = stamp(room)
    (room / "two.py").write_text("")
    assert len({first, second, stamp(room)}) == 3


def test_without_a_folder_to_write_in_a_process_compiles_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr("numba.core.dispatcher.FunctionCache", refuse)
    assert kernel(lambda x: x + 1)(1) == 2


@kernel
def _advance(pool, plain):
    horizon_kernel.advance(pool, 16)
    horizon_plain.advance(plain, 16)


@kernel
def _blend(surface, share, pool, plain):
    horizon_kernel.blend(surface, 3, 40, share, pool, FIRST + 5)
    horizon_plain.blend(surface, 3, 40, share, plain, FIRST + 5)


@kernel
def _looks(pool, plain, surface, roof, per_row, second):
    if second:
        horizon_kernel.look_second(pool, surface, roof, 16, 7, per_row)
        horizon_plain.look_second(plain, surface, roof, 16, 7, per_row)
    else:
        horizon_kernel.look_first(pool, surface, roof, 16, 7, per_row)
        horizon_plain.look_first(plain, surface, roof, 16, 7, per_row)


@kernel
def _add_four(sums, plain, numbers, weight):
    horizon_kernel.add_four(sums, 4, numbers, 8, weight)
    horizon_plain.add_four(plain, 4, numbers, 8, weight)


def a_pool(random: np.random.Generator) -> np.ndarray:
    """Shadows as a sweep leaves them: the steeper the slope, the lower; holes here and there."""
    pool = np.zeros(POOL, np.int16)
    falls = np.sort(random.integers(-60, 5000, SLOPES)).astype(np.int16)
    pool[DROPS : DROPS + SLOPES * LANES] = np.repeat(falls, LANES)
    pool[MOST : MOST + LANES] = random.integers(1, 400)
    high = random.choice([40, 2_000, 13_000])
    surface = random.integers(-high, high, POOL - FIRST).astype(np.int16)
    pool[FIRST:] = np.where(random.random(POOL - FIRST) < 0.1, LOW, surface)
    shadows = pool[STATE:].reshape(SLOPES, -1)
    shadows[:] = np.sort(shadows, axis=0)[::-1]
    return pool


@pytest.mark.skipif(not horizon_kernel.VECTORS, reason="this machine has no vectors: the twin is all there is")
def test_vectors_and_plain_loops_agree_to_the_last_bit() -> None:
    random = np.random.default_rng(5)
    read = 0
    for turn in range(400):
        pool = a_pool(random)
        plain, surface = pool.copy(), random.integers(-13_000, 13_000, 80).astype(np.int16)
        surface[random.random(80) < 0.1] = LOW
        _blend(surface, np.int16(random.integers(0, 32_768)), pool, plain)
        np.testing.assert_array_equal(pool, plain)
        roof = np.where(random.random(80) < 0.5, surface, random.integers(-13_000, 13_000, 80)).astype(np.int16)
        surface[7:23] = pool[(SECOND if turn % 2 else FIRST) + 16 :][:LANES] + random.integers(-3, 4, LANES)
        _looks(pool, plain, surface, roof, np.float32(random.uniform(1e-3, 0.2)), bool(turn % 2))
        np.testing.assert_array_equal(pool, plain)
        read += int((pool[CODES : CODES + LANES] != 0).sum())
        _advance(pool, plain)
        np.testing.assert_array_equal(pool, plain)
        sums, numbers = random.random((4, 4), np.float32), random.random((4, 4), np.float32)
        other = sums.copy()
        _add_four(sums, other, numbers, np.float32(random.random()))
        np.testing.assert_array_equal(sums, other)
    assert 400 < read < 400 * LANES  # horizons of every kind, and level ones


@pytest.mark.nightly
def test_a_town_has_the_same_sun_without_vectors() -> None:
    ask = (
        "import hashlib, numpy as np\n"
        "from kansenkaart.core.solar.horizon import horizons, roof_cells\n"
        "from kansenkaart.core.solar.horizon_kernel import VECTORS\n"
        "from benchmarks.solar_scene import town\n"
        "scene = town(160, seed=3)\n"
        "codes = horizons(scene.surface_m, roof_cells(scene.face >= 0, scene.surface_m), cell_size_m=0.5, azimuths=12)\n"
        "print(VECTORS, hashlib.sha256(codes.tobytes()).hexdigest())\n"
    )
    said = []
    for vectors in ("1", "0"):
        env = os.environ | {"KANSENKAART_VECTORS": vectors}
        root = Path(__file__).parents[3]
        env["PYTHONPATH"] = os.pathsep.join([str(PACKAGE.parent), str(root)])
        done = subprocess.run(
            [sys.executable, "-c", ask], env=env, cwd=root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        said.append(done.stdout.split())
    assert said[1][0] == "False"
    assert said[0][1] == said[1][1]


def test_where_vectors_cannot_be_made_the_twin_takes_over_and_says_so(tmp_path: Path) -> None:
    ask = (
        "import warnings\n"
        "from llvmlite import ir\n"
        "del ir.IRBuilder.insert_element  # as a release of llvmlite might do\n"
        "from kansenkaart import kernel\n"
        "kernel._MAKER._able = False  # a process of its own would have one that is whole\n"
        "with warnings.catch_warnings(record=True) as said:\n"
        "    warnings.simplefilter('always')\n"
        "    from kansenkaart.core.solar import horizon_kernel, horizon_plain\n"
        "print(horizon_kernel.VECTORS, horizon_kernel.advance is horizon_plain.advance, 'no vectors' in str(said[0]))\n"
    )
    done = asked_with(tmp_path, ask)
    assert done.stdout.split() == ["False", "True", "True"], done.stderr[-2000:]
