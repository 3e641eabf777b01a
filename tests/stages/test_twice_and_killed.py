"""A second run does nothing and says so; a killed run is finished by the next with the same bytes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from kansenkaart.cli import cli
from kansenkaart.errors import LockedError
from kansenkaart.stages import pipeline
from kansenkaart.store import locked
from tests.stages.kill_campaign import campaign, finish, freeze
from tests.stages.places import all_bytes, project


def test_the_second_run_does_nothing_and_says_so(copied):
    before = all_bytes(copied, "data", "maps")
    stamps = {path: path.stat().st_mtime_ns for path in copied.rglob("*") if path.is_file() and path.name != ".lock"}
    result = CliRunner().invoke(cli, ["--map", str(copied), "demo"])
    assert result.exit_code == 0, result.output
    assert "gemaakt" not in result.output
    assert "Er is niets veranderd: alles staat er al." in result.output
    assert all_bytes(copied, "data", "maps") == before
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_a_fresh_project_elsewhere_gets_the_same_clean_tables(finished, tmp_path):
    place = pipeline.open_study("voorbeeld", root=project(tmp_path / "elsewhere", "voorbeeld"))
    pipeline.run_acquire(place)
    again = all_bytes(tmp_path / "elsewhere", "data/processed/voorbeeld/1_clean")
    assert again == all_bytes(finished, "data/processed/voorbeeld/1_clean")


def test_what_a_killed_run_left_half_written_is_cleared(copied):
    place = pipeline.open_study("voorbeeld", root=copied)
    before = all_bytes(copied, "data", "maps")
    for folder in (place.store.root / "1_clean", place.folders.maps / "voorbeeld"):
        (folder / ".something.abc.part").write_bytes(b"half")
    pipeline.run_all(place)
    assert all_bytes(copied, "data", "maps") == before


def test_two_runs_at_once_are_refused(copied):
    place = pipeline.open_study("voorbeeld", root=copied)
    with locked(place.store.root), pytest.raises(LockedError, match="one writer"):
        pipeline.run_score(place)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Run undisturbed in a process of its own; how long it took [s], libraries and all, and what it made."""
    folder = tmp_path_factory.mktemp("undisturbed")
    root, frozen = project(folder / "project", "voorbeeld"), freeze(folder)
    return frozen, finish(root, frozen), all_bytes(root, "data", "maps")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_three_kills_in_a_row_and_the_next_run_ends_with_the_same_bytes(undisturbed, tmp_path, seed):
    frozen, duration_s, expected = undisturbed
    outcome = campaign(tmp_path / "killed", frozen, expected, duration_s=duration_s, moments=3, seed=seed)
    assert outcome.struck >= 1
    assert outcome.different == ()
