"""Faults are put where they can change something, one at a time, and the text stays one that Python reads."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.mutation import __main__ as campaign
from tests.mutation.__main__ import FLOWS, PACKAGE, ROOT, TESTS, drawn, room_of
from tests.mutation.faults import faults_of, spoil
from tests.mutation.reach import function_at, in_turn, may_be_compiled

TEXT = '''"""A doc with 1 < 2."""


def f(x: int = 3, *, where: str = "é") -> bool:
    """Say 4."""
    if x < 5 and not where:
        raise ValueError(f"at most {x - 1}")
    return x.strip() + 2 * x
'''


def test_every_kind_of_fault_is_found_and_nothing_that_only_says_something():
    assert [one.words for one in faults_of(TEXT)] == [
        "3 -> 4",
        "x < 5 -> (x <= 5)",
        "x < 5 and not where -> (x < 5 or not where)",
        "5 -> 6",
        "not where -> (where)",
        "x.strip() + 2 * x -> (x.strip() - 2 * x)",
        "2 -> 3",
        "2 * x -> (2 / x)",
    ]


def test_a_text_with_a_fault_differs_in_that_place_only():
    for one in faults_of(TEXT):
        spoilt = spoil(TEXT, one)
        assert ast.unparse(ast.parse(spoilt)) != ast.unparse(ast.parse(TEXT))
        assert spoilt[: one.start] == TEXT[: one.start]
        assert spoilt.endswith(TEXT[one.end :])


def test_a_seed_draws_the_same_faults_and_another_seed_others():
    first = drawn("wording", mutants=5, seed=1)
    assert first == drawn("wording", mutants=5, seed=1)
    assert drawn("wording", mutants=3, seed=1, skip=2) == first[2:]
    assert first != drawn("wording", mutants=5, seed=2)
    assert {room_of(path) for path, _ in first} == {"wording"}


def test_every_module_has_tests_that_look_at_its_room():
    assert {room_of(path) for path in PACKAGE.rglob("*.py")} | {"flows"} == set(TESTS)
    assert {path.parent for path, _ in drawn("flows", mutants=20, seed=1)} == {FLOWS}


def test_a_fault_in_the_flows_is_shown_to_their_tests_that_reach_it():
    reaches = {"tests/flows/test_a.py::test_it": ["flows/tell.py:show"], "tests/flows/test_a.py::test_other": []}
    seen = {name: {"seconds": 1.0, "reaches": reached} for name, reached in reaches.items()}
    line = (
        (FLOWS / "tell.py")
        .read_text("utf-8")
        .splitlines()
        .index('    key = "-".join(re.findall("[a-z0-9]+", f"{kind} {name}".lower()))')
    )
    assert campaign.tests_for(FLOWS / "tell.py", line + 1, seen) == ["tests/flows/test_a.py::test_it"]


CODE = """A = 1


def outer(x=2):
    def inner():
        return x
    return inner


class Box:
    size = 3

    def fits(self):
        return True
"""


@pytest.mark.parametrize(
    ("line", "name"), [(1, None), (4, None), (6, "outer"), (7, "outer"), (11, None), (14, "Box.fits")]
)
def test_a_fault_belongs_to_the_outermost_function_around_it(line, name):
    assert function_at(CODE, line) == name


def test_only_a_function_without_decorators_is_surely_not_compiled():
    assert [may_be_compiled(CODE, line) for line in (1, 7, 11, 14)] == [True, False, True, False]
    assert may_be_compiled(CODE.replace("def outer", "@kernel\ndef outer"), 8)
    assert may_be_compiled(f"from llvmlite import ir\n{CODE}", 8)


def test_where_no_loop_can_differ_the_stamp_is_that_of_the_same_room_in_the_package(tmp_path):
    kernel = SimpleNamespace(stamp_of=str)
    campaign.stamp_as_package(kernel, tmp_path)
    assert kernel.stamp_of(tmp_path / "kansenkaart" / "core" / "area") == str(PACKAGE / "core" / "area")
    assert kernel.stamp_of(tmp_path / "a loop of a test") == str(tmp_path / "a loop of a test")


SEEN = {
    "tests/core/area/test_a.py::test_long": {"seconds": 9.0, "reaches": ["core/area/blocks.py:cut"]},
    "tests/core/area/test_a.py::test_quick": {"seconds": 1.0, "reaches": ["core/area/blocks.py:cut"]},
    "tests/core/area/test_a.py::test_near": {"seconds": 5.0, "reaches": ["core/area/blocks.py:join"]},
    "tests/core/area/test_a.py::test_far": {"seconds": 0.1, "reaches": []},
}


def test_a_fault_is_shown_to_the_tests_that_reach_its_function_the_quickest_first():
    assert [name[-5:] for name in in_turn(SEEN, "core/area/blocks.py", "cut")] == ["quick", "_long"]


def test_a_fault_that_no_test_was_seen_to_reach_is_shown_to_all_of_them_the_near_ones_first():
    turn = [name.rpartition("_")[2] for name in in_turn(SEEN, "core/area/blocks.py", None)]
    assert turn == ["quick", "near", "long", "far"]


TESTS_OF_TWO = """
import pytest
from kansenkaart.wording import nl

@pytest.fixture(scope="module")
def shared():
    return nl.number(1)

def test_first(shared):
    pass

def test_second(shared):
    pass

def test_third():
    assert nl.share(0.5)
"""


def test_what_a_test_and_a_fixture_of_more_than_one_reach_is_noted(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS_OF_TWO, "utf-8")
    reach = tmp_path / "reach.json"
    paths = {"PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), str(ROOT)]), "KANSENKAART_REACH": str(reach)}
    command = [sys.executable, "-m", "pytest", "-p", "tests.mutation.reach", "--rootdir", tmp_path, tmp_path]
    subprocess.run(command, env={**os.environ, **paths}, check=True, capture_output=True)
    reached = {name[-5:]: what["reaches"] for name, what in json.loads(reach.read_text("utf-8")).items()}
    assert "wording/nl.py:number" in reached["first"]
    assert reached["econd"] == reached["first"]
    assert "wording/nl.py:share" in reached["third"]
    assert "wording/nl.py:share" not in reached["first"]


def test_a_run_tries_the_listed_tests_only_in_their_order_within_its_processor_time(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "ROOT", tmp_path)
    test = "def test_good():\n    pass\n\ndef test_bad():\n    assert 0\n\ndef test_long():\n    while True:\n        pass\n"
    (tmp_path / "test_it.py").write_text(test, "utf-8")
    good, bad, long = (f"test_it.py::test_{name}" for name in ("good", "bad", "long"))
    assert campaign.noticed(tmp_path, [good], seconds=60) == "passed"
    assert "1 failed, 1 passed" in campaign.noticed(tmp_path, [good, bad, long], seconds=60)
    assert campaign.noticed(tmp_path, [long, bad], seconds=2) == "too long"
    with pytest.raises(RuntimeError, match="no test was run"):
        campaign.noticed(tmp_path, ["test_it.py::test_gone"], seconds=60)
