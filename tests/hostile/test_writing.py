"""What is written goes where it should: through no link, under no name that can be foreseen, for whom it is meant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from kansenkaart.acquire.deliveries import example_folder
from kansenkaart.config import Folders, Study
from kansenkaart.errors import DiskError
from kansenkaart.present.mapspec import View
from kansenkaart.present.release import OpenLayer, write_layers
from kansenkaart.present.style import LegendClass
from kansenkaart.runs.study import Workplace, run_acquire
from kansenkaart.sources.tools import rawfolder
from kansenkaart.sources.tools.http import Http, download
from kansenkaart.sources.tools.rawfolder import one_at_a_time, write_atomic
from kansenkaart.tables import store as stores
from kansenkaart.tables.store import Lineage, Store, atomic, locked
from tests.loopback.server import serve

HTTP = Http(connect_timeout_s=2, read_timeout_s=2, attempts=2, wait_first_s=0.001)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "of_somebody_else"
    path.write_text("untouched", "utf-8")
    return path


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path, secret):
    for number, write in enumerate((lambda path: write_atomic(path, b"new"), _through_atomic)):
        target = tmp_path / f"target{number}"
        target.symlink_to(secret)
        write(target)
        assert secret.read_text("utf-8") == "untouched"
        assert not target.is_symlink()


def _through_atomic(path):
    with atomic(path) as part:
        part.write_bytes(b"new")


def test_open_data_does_not_follow_a_link(tmp_path, secret):
    frame = gpd.GeoDataFrame({"homes": [1]}, geometry=[shapely.box(0, 0, 1, 1)], crs=28992)
    target = tmp_path / "open"
    target.mkdir()
    names = ("block.parquet", "block.qml", "x.gpkg", ".x.gpkg.part.gpkg")
    for name in names:
        (target / name).symlink_to(secret)
    view = View("woningen", "homes", (LegendClass("1", "alle", "#dcecf1"),))
    layer = OpenLayer("block", frame, "blokken", "blocks", "een blok", "a block", ("homes",), (), views=(view,))
    write_layers("x", target, [layer], about={"moment": "2026-01-02T00:00:00.000Z"})
    assert secret.read_text("utf-8") == "untouched"
    assert not [name for name in names[:3] if (target / name).is_symlink()]


def test_a_download_goes_through_no_link(tmp_path, secret):
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "a.bin").write_bytes(b"fresh")
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in ("a.bin", ".a.bin.part", ".a.bin.part.tag", ".a.bin.0.part", ".a.bin.0.part.tag"):
        (kept / name).symlink_to(secret)
    (kept / "a.bin").unlink()
    with serve(tmp_path / "published") as server:
        download(f"{server.url}/a.bin", kept / "a.bin", http=HTTP)
    assert (kept / "a.bin").read_bytes() == b"fresh"
    assert secret.read_text("utf-8") == "untouched"


def test_a_lock_that_is_a_link_is_refused(tmp_path, secret):
    study = tmp_path / "study"
    study.mkdir()
    (study / ".lock").symlink_to(secret)
    with pytest.raises(DiskError), locked(study):
        pass
    (tmp_path / ".a.lock").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"), one_at_a_time(tmp_path / "a"):
        pass


def test_the_example_is_not_written_through_a_link(tmp_path, secret):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    raw = tmp_path / "raw"
    (raw / "proefveld").mkdir(parents=True)
    (raw / "proefveld" / "1").symlink_to(elsewhere)
    folder = example_folder(Folders(published=tmp_path, raw=raw, processed=tmp_path, maps=tmp_path))
    assert not list(elsewhere.iterdir())
    assert (folder / ".whole").is_file()
    assert not folder.is_symlink()


def test_what_a_killed_run_left_is_cleared_without_following_it(tmp_path, secret):
    study = tmp_path / "study"
    (study / ".a.part").mkdir(parents=True)
    (study / ".a.part" / "b").write_text("x", "utf-8")
    (study / ".b.part").symlink_to(secret.parent)
    with locked(study):
        pass
    assert secret.exists()
    assert sorted(one.name for one in study.iterdir()) == [".lock"]


KILLED = """
import os, signal, sys
from pathlib import Path
from kansenkaart.sources.tools import rawfolder
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
root = Path(sys.argv[1])
if sys.argv[2:]:
    rawfolder.keep_files(root, "bag", "1", "sheets", {"a.tif": b"new"})
rawfolder.write_atomic(root / "bag" / "b.json", b"{}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_what_a_client_left_that_was_killed_while_it_wrote_is_cleared_by_a_run_a_day_later(tmp_path, secret):
    raw = tmp_path / "raw"
    for more in ((), ("folder",)):
        done = subprocess.run([sys.executable, "-c", KILLED, str(raw), *more], check=False)
        assert done.returncode == -signal.SIGKILL
    assert [one.is_dir() for one in sorted(raw.rglob(".*.part"))] == [False, True, False]  # the last one in the folder
    (raw / "bag" / ".c.part").symlink_to(secret)
    for name in (".d.part", ".d.part.tag", "kept.json"):
        (raw / "bag" / name).write_text("x", "utf-8")
    places = Folders(published=tmp_path, raw=raw, processed=tmp_path, maps=tmp_path / "maps")
    place = Workplace(Study(name="leeg", title="Zonder bronnen", source=()), places, Store(tmp_path / "leeg"))
    before = sorted(raw.rglob("*"))
    run_acquire(place)
    assert sorted(raw.rglob("*")) == before  # another run may be writing it, or go on with it
    for path in before:
        os.utime(path, (0, 0), follow_symlinks=False)
    run_acquire(place)
    assert [one.name for one in raw.rglob("*") if not one.is_dir()] == ["kept.json"]
    assert secret.read_text("utf-8") == "untouched"


@pytest.mark.parametrize(("mask", "mode"), [(0o022, "644"), (0o077, "600"), (0o027, "640")])
def test_the_umask_says_who_may_read(tmp_path, mask, mode):
    code = (
        "import sys; from pathlib import Path; from kansenkaart.tables.store import atomic\n"
        "with atomic(Path(sys.argv[1])) as part: part.write_text('x')"
    )
    path = tmp_path / "a"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, umask=mask, env=os.environ)
    assert f"{path.stat().st_mode & 0o777:o}" == mode


def test_tables_with_names_of_people_are_for_their_owner_only(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "_UMASK", 0o022)
    store = Store(tmp_path)
    frame = pd.DataFrame(
        {
            "pand_id": ["0193100000000001"],
            "owner": ["J. Jansen"],
            "maintenance_year": [2031],
            "pv_installed_kwp": [None],
        }
    )
    store.write("own_pand", frame, Lineage("x"))
    for path in (store.path("own_pand"), store.sidecar("own_pand")):
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("theirs", "edition"), [(b"2", "1"), (b"3", "1-d4735e3a")])
def test_of_two_runs_that_keep_the_same_at_the_same_time_neither_fails(theirs, edition, tmp_path, monkeypatch):
    plain, target = rawfolder.write_atomic, tmp_path / "cbs-odata" / "1" / "kwb"

    def another_is_first(path, content):
        plain(path, content)
        plain(target / path.name, theirs)

    monkeypatch.setattr(rawfolder, "write_atomic", another_is_first)
    path, kept = rawfolder.keep_files(tmp_path, "cbs-odata", "1", "kwb", {"a": b"2"})
    assert (kept, (path / "a").read_bytes()) == (edition, b"2")
    assert (target / "a").read_bytes() == theirs
