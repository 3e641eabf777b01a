"""Faults are put where they can change something, one at a time, and the text stays one that Python reads."""

from __future__ import annotations

import ast

from tests.mutation.__main__ import PACKAGE, TESTS, drawn, near_first, room_of
from tests.mutation.faults import faults_of, spoil

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
    assert first != drawn("wording", mutants=5, seed=2)
    assert {room_of(path) for path, _ in first} == {"wording"}


def test_every_module_has_tests_that_look_at_its_room():
    assert {room_of(path) for path in PACKAGE.rglob("*.py")} <= set(TESTS)


def test_the_tests_that_name_a_module_come_first_and_the_room_follows():
    tests = near_first(PACKAGE / "publish" / "audit.py")
    assert tests[0] == "publish/test_audit.py"
    assert tests[-len(TESTS["publish"]) :] == TESTS["publish"]
