"""Faults of publishers and of the machine: some of the campaign, and a full, read-only, shared or timeless machine."""

from __future__ import annotations

import contextlib
import errno
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from kansenkaart.errors import DiskError, LockedError
from kansenkaart.runs import study
from kansenkaart.tables import store
from kansenkaart.tables.store import locked
from tests.loopback.server import serve
from tests.runs import fault_campaign
from tests.runs.places import HTTP, addresses, all_bytes, tables, twin


@pytest.mark.slow
def test_some_of_the_fault_campaign(tmp_path):
    found = list(fault_campaign.trials(tmp_path, chosen=fault_campaign.some(0.02, seed=4)))
    assert len(found) > 4
    assert [one for one in found if one.wrong] == []


@contextlib.contextmanager
def _no_file_larger_than(size_bytes):
    """Let every write beyond a size fail, as on a full disk (the system says: file too large)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size_bytes", [0, 100, 4_000, 20_000])
def test_a_disk_that_fills_up_is_named_and_nothing_is_lost(copied, size_bytes):
    place = study.open_study("proefveld", root=copied)
    for name in ("home", "street_score"):
        place.store.sidecar(name).unlink()
    shutil.rmtree(copied / "maps" / "proefveld" / "data")
    before = all_bytes(copied, "data", "maps")
    with _no_file_larger_than(size_bytes), pytest.raises(DiskError) as caught:
        study.run_all(place)
    assert "free disk space" in caught.value.remedy
    after = all_bytes(copied, "data", "maps")
    written = {name for name, one in after.items() if before.get(name) != one}
    assert written <= {f"data/processed/proefveld/{name}.json" for name in ("1_clean/home", "2_scored/street_score")}
    assert not [name for name in after if name.endswith(".part")]


def test_a_disk_with_too_little_room_is_named_before_anything_begins(copied, monkeypatch):
    usage = shutil.disk_usage(copied)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _path: usage._replace(free=1 << 20))
    before = all_bytes(copied, "data", "maps")
    with pytest.raises(DiskError, match="1 MiB"):
        study.run_all(study.open_study("proefveld", root=copied))
    assert all_bytes(copied, "data", "maps") == before


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_folder_that_may_not_be_written_is_named(copied, monkeypatch, number):
    place = study.open_study("proefveld", root=copied)
    place.store.path("home").unlink()
    before = all_bytes(copied, "data", "maps")

    def refuse(*_args, **_kw):
        raise OSError(number, "refused", "home.parquet")

    monkeypatch.setattr(store.tempfile, "mkstemp", refuse)
    with pytest.raises(DiskError) as caught:
        study.run_acquire(place)
    assert caught.value.exit_code == 5
    assert all_bytes(copied, "data", "maps") == before


def test_a_fault_of_the_program_is_not_taken_for_the_disk(tmp_path):
    with pytest.raises(FileNotFoundError), locked(tmp_path):
        (tmp_path / "nowhere" / "file").write_text("x")


def test_two_processes_never_write_one_study(copied):
    place = study.open_study("proefveld", root=copied)
    before = all_bytes(copied, "data", "maps")
    hold = (
        "import sys, time; from pathlib import Path; from kansenkaart.tables.store import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold, str(place.store.root)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        for stage in (study.run_acquire, study.run_score, study.run_publish):
            with pytest.raises(LockedError):
                stage(place)
        other.kill()
    assert study.run_acquire(place)  # the lock of a process that died counts for nothing
    assert all_bytes(copied, "data", "maps") == before


@pytest.mark.parametrize("jump_s", [-10 * 365 * 86_400, 10 * 365 * 86_400])
def test_a_clock_that_jumps_changes_no_byte(published_site, tmp_path, monkeypatch, jump_s):
    with serve(published_site) as server:
        for name, address in addresses(server.url).items():
            monkeypatch.setenv(name, address)
        first, second = twin(tmp_path / "a", "buurt", "pand"), twin(tmp_path / "b", "buurt", "pand")
        study.run_acquire(replace(first, http=HTTP))
        real, calls = time.time, []

        def jumping():
            calls.append(1)
            return real() + (jump_s if len(calls) % 2 else -jump_s)

        monkeypatch.setattr(time, "time", jumping)
        study.run_acquire(replace(second, http=HTTP))
    assert calls
    assert tables(first) == tables(second)
