"""The store writes whole or not at all, reads only what it wrote, and says what is wrong with the rest."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.errors import DiskError, LockedError, SchemaError, StoreError
from kansenkaart.tables import step
from kansenkaart.tables import store as module
from kansenkaart.tables.provenance import Provenance, Tally, oldest, undated
from kansenkaart.tables.step import Product, Step, is_current, made_from, run, version_of
from kansenkaart.tables.store import Lineage, Store, atomic, locked

SOURCE = Provenance("weather_daily", "knmi", "CC BY 4.0", "KNMI", "2026", "etmgeg_278.txt", "ab" * 32, 2025)
AREAS = pd.DataFrame({"home_id": ["h1"], "block_id": [pd.NA], "gebied_id": [pd.NA]})
LINEAGE = Lineage("mark", (SOURCE,), {"a": "1"}, {"bbox_m": (1.5, 2), "0": None}, {"rows_in": 2})


def _buurten(codes=("BU01930001", "BU01930002")):
    import geopandas as gpd
    from shapely import box

    from kansenkaart.tables import fields, schemas

    blank = {"str": None, "int": pd.NA, "float": np.nan, "bool": pd.NA}
    shape = schemas.get("buurt")
    values = {name: [blank.get(fields.get(name).type)] * len(codes) for name in shape.columns if name != "geometry"}
    known = {"buurtcode": list(codes), "buurtnaam": list(codes), "gemeentecode": "GM0193", "gemeentenaam": "Zwolle"}
    squares = [box(200_000 + 10 * n, 500_000, 200_010 + 10 * n, 500_010) for n in range(len(codes))]
    return gpd.GeoDataFrame({**values, **known}, geometry=squares, crs="EPSG:28992")


@pytest.fixture
def store(tmp_path):
    one = Store(tmp_path / "proef")
    one.write("buurt", _buurten(), LINEAGE)
    return one


def test_what_was_written_is_read(store):
    assert list(store.read("buurt")["buurtcode"]) == ["BU01930001", "BU01930002"]
    assert store.names() == ["buurt"]
    told = store.describe("buurt")
    assert (told["rows"], told["fingerprint"], told["inputs"]) == (2, "mark", {"a": "1"})
    assert store.sources_of(["buurt"]) == (SOURCE,)


def test_the_order_of_rows_does_not_change_the_bytes(store, tmp_path):
    other = Store(tmp_path / "other")
    assert other.write("buurt", _buurten()[::-1], LINEAGE) == store.describe("buurt")["sha256"]


def test_a_table_that_breaks_its_schema_leaves_the_old_one(store):
    before = store.path("buurt").read_bytes()
    with pytest.raises(SchemaError, match="buurtcode"):
        store.write("buurt", _buurten(("BU01930001", "BU01930001")), LINEAGE)
    assert store.path("buurt").read_bytes() == before
    assert [path.name for path in store.path("buurt").parent.iterdir() if path.suffix == ".part"] == []


def test_a_writer_that_fails_leaves_the_old_file_and_no_scraps(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write():
        with atomic(target) as part:
            part.write_text("new")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_changed_figure_of_the_lineage_is_noticed(tmp_path_factory, place, change):
    store = _shared(tmp_path_factory)
    whole = store.sidecar("buurt").read_bytes()
    spoiled = bytearray(whole)
    spoiled[place % len(whole)] ^= change
    same = _reads_the_same(bytes(spoiled), whole)
    store.sidecar("buurt").write_bytes(bytes(spoiled))
    try:
        if same:  # another kind of white space changes nothing
            assert store.describe("buurt")["rows"] == 2
        else:
            with pytest.raises(StoreError, match="kansenkaart run"):
                store.verify("buurt")
    finally:
        store.sidecar("buurt").write_bytes(whole)


def _reads_the_same(one, other):
    try:
        return json.loads(one.decode("utf-8")) == json.loads(other.decode("utf-8"))
    except ValueError:
        return False


_KEPT: list[Store] = []


def _shared(factory):
    if not _KEPT:
        _KEPT.append(Store(factory.mktemp("lineage") / "proef"))
        _KEPT[0].write("buurt", _buurten(), LINEAGE)
    return _KEPT[0]


def test_a_missing_table_is_told_with_the_command_that_makes_it(store):
    with pytest.raises(StoreError, match=r"where: proef/1_clean/pand\.parquet; what to do: .*kansenkaart run proef"):
        store.read("pand")


@pytest.mark.parametrize(("file", "where"), [("/elsewhere/pand.parquet", "pand.parquet"), (None, "proef")])
def test_a_full_disk_is_named_by_the_file_or_else_the_folder(file, where, tmp_path):
    with pytest.raises(DiskError) as caught, locked(tmp_path / "proef"):
        raise OSError(errno.ENOSPC, "No space left on device", file)
    assert (caught.value.where, caught.value.found) == (where, "No space left on device")


def test_a_lock_is_no_link_and_a_disk_without_locks_is_refused(tmp_path, monkeypatch):
    (tmp_path / "proef").mkdir()
    (tmp_path / "proef" / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DiskError, match="permission"), locked(tmp_path / "proef"):
        pass
    assert not (tmp_path / "elsewhere").exists()

    def no_locks(fd, how):
        raise OSError(errno.ENOSYS, "no locks here")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(OSError, match="no locks here"), locked(tmp_path / "other"):
        pass


def test_a_second_run_ends_in_exit_code_6(tmp_path):
    ask = (
        "import sys; from pathlib import Path; from kansenkaart.tables import store\n"
        "try:\n    store.locked(Path(sys.argv[1])).__enter__()\nexcept store.LockedError as why:\n    sys.exit(why.exit_code)"
    )
    with locked(tmp_path / "proef"):
        assert subprocess.run([sys.executable, "-c", ask, str(tmp_path / "proef")], check=False).returncode == 6


def test_one_writer_at_a_time_and_a_freed_lock_counts_for_nothing(tmp_path):
    with locked(tmp_path / "proef"), pytest.raises(LockedError, match="one writer"), locked(tmp_path / "proef"):
        pass
    with locked(tmp_path / "proef"):
        assert (tmp_path / "proef" / ".lock").exists()


def _step(calls, **changes):
    def make(_store):
        calls.append(1)
        return [Product("buurt", _buurten(), Tally(2, 2))]

    return Step(**{"name": "buurt", "outputs": ("buurt",), "action": make, **changes})


def _ran(store, step):
    """Return whether a step is done beforehand, and what its run reports."""
    beforehand, report = is_current(store, step), run(store, step)
    assert (report.step, report.rows) == (step.name, {"buurt": 2})
    return beforehand, report.status, report.why


def test_a_step_runs_once_and_again_when_something_changed(tmp_path):
    store, calls = Store(tmp_path / "proef"), []
    reach = {"parameters": {"reach": 1, "box": (1, 2)}}
    assert _ran(store, _step(calls)) == (False, "done", "first")
    assert _ran(store, _step(calls)) == (True, "unchanged", "")
    assert _ran(store, _step(calls, **reach)) == (False, "done", "parameters")
    assert _ran(store, _step(calls, **reach)) == (True, "unchanged", "")
    assert _ran(store, _step(calls, **reach, deliveries=(SOURCE,))) == (False, "done", "other")
    assert _ran(store, _step(calls)) == (False, "done", "parameters")
    store.path("buurt").write_bytes(b"damaged")
    assert _ran(store, _step(calls)) == (False, "done", "other")
    store.sidecar("buurt").write_text("{}", "utf-8")
    assert _ran(store, _step(calls)) == (False, "done", "other")
    store.write("home_area", AREAS, LINEAGE)
    assert _ran(store, _step(calls, inputs=("home_area", "pand"))) == (False, "done", "inputs home_area")
    assert store.describe("buurt")["inputs"] == {"home_area": store.describe("home_area")["sha256"]}
    store.write("home_area", AREAS.assign(home_id="h2"), LINEAGE)
    assert _ran(store, _step(calls)) == (False, "done", "inputs home_area")
    assert len(calls) == 8


def test_a_lineage_holds_all_that_a_step_used_and_counted(tmp_path):
    store = Store(tmp_path / "proef")
    run(store, _step([], parameters={"reach": 1, "box": (1, 2)}, deliveries=(SOURCE,)))
    content = store.describe("buurt")
    assert {
        name: content[name] for name in ("table", "rows", "columns", "sources", "inputs", "parameters", "tally")
    } == {
        "table": "buurt",
        "rows": 2,
        "columns": list(_buurten().columns),
        "sources": [SOURCE.to_dict()],
        "inputs": {},
        "parameters": {"reach": 1, "box": [1, 2]},
        "tally": Tally(2, 2).to_dict(),
    }
    assert content["sha256"] == hashlib.sha256(store.path("buurt").read_bytes()).hexdigest()


def test_two_reports_of_the_same_rows_are_one_whatever_they_took_and_why():
    done = step.Report("home", "done", {"home": 3}, 1.5, "first time")
    assert done == replace(done, seconds=2.5) == replace(done, why="input pand")
    assert done != replace(done, rows={"home": 4})


def test_the_hash_of_a_part_is_of_names_and_bytes_of_its_files_in_order():
    package = Path(step.__file__).parents[1]
    files = [*sorted((package / "runs").glob("*.py")), package / "crs.py"]
    content = b"".join(one.name.encode() + b"\0" + one.read_bytes() + b"\0" for one in files)
    assert version_of("runs", "crs.py") == hashlib.sha256(content).hexdigest()
    assert len({step.code_version(), step.scoring_version(), version_of()}) == 3


def test_a_commit_is_that_of_the_own_checkout_and_says_what_was_changed_since(tmp_path, monkeypatch):
    own = tmp_path / "own" / "a" / "b"
    own.mkdir(parents=True)
    monkeypatch.setattr(step, "__file__", str(own / "c" / "step.py"))
    git = ["git", "-C", str(tmp_path / "own"), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    asked = step.commit.__wrapped__
    subprocess.run([*git[:2], str(tmp_path), "init", "-q"], check=True)
    subprocess.run([*git[:2], str(tmp_path), *git[3:], "commit", "-qm", "other", "--allow-empty"], check=True)
    assert asked() == ""  # of a project around an installed package nothing is said
    subprocess.run([*git, "init", "-q"], check=True)
    assert asked() == ""
    (own / "a.txt").write_text("a", "utf-8")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert asked() == head
    (own / "a.txt").write_text("b", "utf-8")
    assert asked() == f"{head}-dirty"


def test_what_a_killed_writer_left_goes_and_nothing_that_a_link_points_to(tmp_path):
    for folder in ("proef", "maps", "elsewhere"):
        (tmp_path / folder / "1_clean").mkdir(parents=True)
        (tmp_path / folder / ".x.part").mkdir()
        (tmp_path / folder / "1_clean" / ".a.json.part").touch()
        (tmp_path / folder / "1_clean" / "a.part").touch()
    (tmp_path / "maps" / ".link.part").symlink_to(tmp_path / "elsewhere")
    with locked(tmp_path / "proef", tmp_path / "maps"):
        pass
    left = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*part")}
    assert left == {
        "elsewhere/.x.part",
        "elsewhere/1_clean/.a.json.part",
        *(f"{folder}/1_clean/a.part" for folder in ("elsewhere", "maps", "proef")),
    }


def test_a_run_begins_with_128_mib_and_not_with_less(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=128 * 2**20))
    with locked(tmp_path / "proef"):
        pass
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=128 * 2**20 - 1))
    with pytest.raises(DiskError) as caught, locked(tmp_path / "proef"):
        pass
    assert (caught.value.expected, caught.value.found, caught.value.where) == (
        "at least 128 MiB of free disk",
        "127 MiB",
        "proef",
    )


def test_only_tables_with_names_of_people_are_for_their_owner_alone(tmp_path):
    for private, wanted in ((True, 0o600), (False, 0o644)):
        with atomic(tmp_path / "deep" / "a.txt", private=private) as part:
            part.write_text("a")
        assert (tmp_path / "deep" / "a.txt").stat().st_mode & 0o777 == wanted


def test_a_table_at_hand_is_given_as_a_copy_and_no_more_are_kept_than_fit(store, monkeypatch):
    first = store.read("buurt")
    first["buurtcode"] = "x"
    assert list(store.read("buurt")["buurtcode"]) == ["BU01930001", "BU01930002"]
    key = ("buurt", store.describe("buurt")["sha256"])
    size = store.path("buurt").stat().st_size
    assert module._AT_HAND[key][0] == size
    monkeypatch.setattr(module, "_AT_HAND", {("old", ""): (1, first)})
    monkeypatch.setattr(module, "_MOST_AT_HAND_BYTES", size + 1)
    store.read("buurt")
    assert list(module._AT_HAND) == [("old", ""), key]
    monkeypatch.setattr(module, "_MOST_AT_HAND_BYTES", size)
    store.read("buurt")
    assert list(module._AT_HAND) == [key]


def test_an_edition_that_gets_another_name_alone_reaches_all_that_is_made_of_it(tmp_path):
    store, named = Store(tmp_path / "proef"), replace(SOURCE, edition="2011-2025")
    later = Step("gebied", ("home_area",), lambda _: [Product("home_area", AREAS)], ("buurt",))
    marks = []
    for source in (SOURCE, named):
        statuses = [run(store, _step([], deliveries=(source,))).status, run(store, later).status]
        assert (statuses, store.sources_of(["home_area"])) == (["done", "done"], (source,))  # the same bytes
        marks.append(made_from(store, ["home_area"], ["title"]))
    assert run(store, later).status == "unchanged"
    assert marks[0] != marks[1] == made_from(store, ["home_area"], ["title"])
    assert made_from(store, ["home_area"], ["another title"]) != marks[1]


def test_a_step_that_makes_something_else_is_refused(tmp_path):
    with pytest.raises(StoreError, match="the outputs"):
        run(Store(tmp_path / "proef"), _step([], outputs=("pand",)))


def _of(edition, year=None):
    return Provenance("home", "bag", "-", "(c) BAG", edition, "-", "-", year)


@pytest.mark.parametrize(
    ("edition", "year", "up_to"),
    [
        ("2026-06-25", None, "2026-06-25"),
        ("20240115", None, "2024-01-15"),
        ("v2024.12.16", None, "2024-12-16"),
        ("2026-11", None, "2026-11"),
        ("2026-06-25T08:00:00Z", None, "2026-06-25"),
        # A period counts by its end; its two years are no day in the twentieth month.
        ("TMYx.2007-2021", None, "2021"),
        # Delivered in 2024, of the homes of 2022.
        ("2024-05-01", 2022, "2022"),
        ("2025-02-31", None, None),
        ("1134", None, None),
        ("extract", None, None),
        ("sha256-2019120155", None, None),
        ("etag-2019", None, None),
    ],
)
def test_a_delivery_says_up_to_when_its_figures_go(edition, year, up_to):
    assert _of(edition, year).up_to == up_to


def test_figures_are_as_old_as_the_oldest_delivery_behind_them():
    homes, weather, roofs = _of("2022", 2022), _of("2026-06-25"), _of("v21.09.8")
    assert oldest([weather, homes, roofs]) == "2022"
    assert undated([weather, homes, roofs]) == ["bag v21.09.8"]
    assert oldest([roofs]) is None
    assert oldest([_of("2022-03"), _of("2022")]) == "2022"


def test_rows_that_are_neither_kept_nor_left_out_with_a_reason_are_refused():
    assert Tally(5, 2, {"ended": 2, "no shape": 1}, {"odd": 9}).kept == 2
    for kept, lost in ((1, 1), (3, -1)):
        with pytest.raises(
            SchemaError, match=f"found {lost} rows unaccounted for of 5; where: {{'ended': 2, 'no shape': 1}}"
        ):
            Tally(5, kept, {"ended": 2, "no shape": 1})
    counted = Tally(3, 3, {"none": 0}, {"b": 1, "a": 2, "none": 0}).to_dict()
    assert counted == {"rows_in": 3, "kept": 3, "left_out": {}, "noted": {"a": 2, "b": 1}}
    assert list(counted["noted"]) == ["a", "b"]


def test_a_step_may_make_a_raster_which_is_moved_here_with_its_lineage(tmp_path):
    store, made = Store(tmp_path / "proef"), tmp_path / "made.tif"
    made.write_bytes(b"heights")
    heights = Step("dsm", ("dsm",), lambda _: [Product("dsm", made, Tally(1, 1))], parameters={"a": 1})
    assert (run(store, heights).status, run(store, heights).status) == ("done", "unchanged")
    assert (store.path("dsm").read_bytes(), made.exists()) == (b"heights", False)
    about = store.describe("dsm")
    assert [about[name] for name in ("columns", "rows", "parameters")] == [[], 0, {"a": 1}]
    assert about["sha256"] == hashlib.sha256(b"heights").hexdigest()
    assert store.names() == ["dsm"]
