"""A second run does nothing and says so; a killed run is finished by the next with the same bytes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from kansenkaart.cli import cli
from kansenkaart.errors import LockedError
from kansenkaart.runs import study
from kansenkaart.tables.store import locked
from tests.conftest import NIGHTLY
from tests.runs.kill_campaign import Undisturbed, choose, digests, in_a_process
from tests.runs.places import all_bytes, project

#: A sample of the campaign of docs/reliability.md: one moment a commit, four at night, another draw each.
MOMENTS, SEED = (4, 1) if NIGHTLY else (1, 3)


def test_the_second_run_does_nothing_and_says_so(copied):
    before = all_bytes(copied, "data", "maps")
    stamps = {path: path.stat().st_mtime_ns for path in copied.rglob("*") if path.is_file() and path.name != ".lock"}
    result = CliRunner().invoke(cli, ["--map", str(copied), "run", "proefveld"])
    assert result.exit_code == 0, result.output
    assert "gemaakt" not in result.output
    assert "Er is niets veranderd: alles staat er al." in result.output
    assert all_bytes(copied, "data", "maps") == before
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_a_fresh_project_elsewhere_gets_the_same_clean_tables(finished, tmp_path):
    place = study.open_study("proefveld", root=project(tmp_path / "elsewhere", "proefveld"))
    study.run_acquire(place)
    again = all_bytes(tmp_path / "elsewhere", "data/processed/proefveld/1_clean")
    assert again == all_bytes(finished, "data/processed/proefveld/1_clean")


def test_what_a_killed_run_left_half_written_is_cleared(copied):
    place = study.open_study("proefveld", root=copied)
    before = all_bytes(copied, "data", "maps")
    for folder in (place.store.root / "1_clean", place.folders.maps / "proefveld"):
        (folder / ".something.abc.part").write_bytes(b"half")
    study.run_all(place)
    assert all_bytes(copied, "data", "maps") == before


def test_two_runs_at_once_are_refused(copied):
    place = study.open_study("proefveld", root=copied)
    with locked(place.store.root), pytest.raises(LockedError, match="one writer"):
        study.run_score(place)


@pytest.mark.slow
def test_after_a_kill_at_any_moment_the_next_run_ends_with_the_same_bytes():
    told = in_a_process(moments=MOMENTS, seed=SEED)
    assert told["tried"] == MOMENTS
    assert told["struck"] >= max(1, MOMENTS - 1)  # a kill in the last instant may come after the end
    assert told["other_bytes"] == 0
    assert told["redone_steps_that_had_ended"] == 0


def test_moments_are_drawn_over_the_whole_run_and_the_same_each_time():
    run = Undisturbed(steps=["long", "short", "told of with the next", "last"], seconds=[8.0, 0.5, 0.0, 1.5])
    drawn = choose(run, moments=400, seed=5)
    assert drawn == choose(run, moments=400, seed=5)
    assert drawn != choose(run, moments=400, seed=6)
    assert {one.ended for one in drawn} == {0, 1, 3}
    assert all(0 <= one.after_s <= run.seconds[one.ended] for one in drawn)
    assert sum(one.ended == 0 for one in drawn[::2]) > 130  # 8 of 10 seconds, of 200 moments
    assert sum(one.ended == 1 for one in drawn[1::2]) > 40  # one of three steps, of 200 moments


def test_a_file_that_differs_is_seen(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "maps").mkdir()
    for name, content in (("data/a", b"1"), ("maps/b", b"2"), ("data/.lock", b"")):
        (tmp_path / name).write_bytes(content)
    before = digests(tmp_path)
    (tmp_path / "maps" / "b").write_bytes(b"3")
    assert set(before) == {"data/a", "maps/b"}
    assert digests(tmp_path) != before
