"""Own data that were given can be taken back: no byte of them stays under data or maps."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import re
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kansenkaart.acquire.own_data import forget
from kansenkaart.config import STATUS
from kansenkaart.errors import ConfigError
from kansenkaart.runs import study as pipeline

OWNER, STRANGER = "Woningstichting Adriaan Kwekkeboom", "Wilhelmina Zonneveld-Tak"
RELEASES = ("proefveld", "proefveld-intern", "proefveld-noord")
SOURCE = """
[[source]]
role = "own_pand"
publisher = "corporatie"
origin = "file"
form = "own"
path = "eigen/panden.csv"
edition = "2026-03"
"""


@pytest.fixture(scope="module")
def given(finished, once):
    """Run a small study with owners, twice, so that an edition is kept with its difference from the one before."""
    import os
    import shutil

    def run(folder):
        shutil.copytree(finished, folder, dirs_exist_ok=True)
        published = folder / "published"
        (published / "eigen").mkdir(parents=True)
        panden = pipeline.open_study("proefveld", root=folder).store.read("pand")["pand_id"].head(9)
        rows = [f"{one};{OWNER};2031" for one in panden] + [f"9999999999999999;{STRANGER};2031"]
        (published / "eigen" / "panden.csv").write_text(
            "pand_id;owner;maintenance_year\n" + "\n".join(rows) + "\n", "utf-8"
        )
        path = folder / "studies" / "proefveld.toml"
        path.write_text(path.read_text("utf-8") + SOURCE, "utf-8")
        os.environ["KANSENKAART_DATA"] = str(published)
        try:
            pipeline.run_all(pipeline.open_study("proefveld", root=folder))
        finally:
            del os.environ["KANSENKAART_DATA"]

    return once("given", run)


def inside(content):
    """Give bytes and all that is packed in them: zip (and so xlsx), gzip, base64 in pages, pages of Parquet."""
    yield content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            for one in opened.namelist():
                yield from inside(one.encode() + b"\n" + opened.read(one))
                yield from inside(opened.read(one))
    elif content.startswith(b"\x1f\x8b"):
        yield from inside(gzip.decompress(content))
    elif content.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(content))
        for name in table.column_names:
            yield name.encode()
            if not (pa.types.is_binary(table[name].type) or pa.types.is_struct(table[name].type)):
                yield "\n".join(set(map(str, table[name].to_pylist()))).encode()
        yield str(table.schema.metadata).encode()
    for packed in re.findall(rb"H4sI[A-Za-z0-9+/=]{40,}", content):
        with contextlib.suppress(ValueError, EOFError, OSError):
            yield from inside(gzip.decompress(base64.b64decode(packed)))


def _files_with(folder, *names):
    """Return the files that hold a name: as bytes, unpacked (free pages of a database are bytes too), or in their own name."""
    words = [form for name in names for form in (name.encode(), name.encode("utf-16-le"))]
    paths = [path for part in ("data", "maps", "uitgaven") for path in (folder / part).rglob("*")]
    return [
        str(path.relative_to(folder))
        for path in paths
        if any(one in path.name.encode() for one in words)
        or (path.is_file() and any(one in part for part in inside(path.read_bytes()) for one in words))
    ]


def test_the_search_looks_into_what_is_packed(tmp_path):
    (tmp_path / "data").mkdir()
    pd.DataFrame({"owner": [OWNER]}).to_parquet(tmp_path / "data" / "a.parquet", compression="zstd")
    (tmp_path / "data" / "b.gz").write_bytes(gzip.compress(OWNER.encode() * 3))
    with zipfile.ZipFile(tmp_path / "data" / "c.xlsx", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("inner.gz", gzip.compress((OWNER * 3).encode("utf-16-le")))
    page = base64.b64encode(gzip.compress((OWNER + "x" * 99).encode()))
    (tmp_path / "data" / "d.html").write_bytes(b"<script>" + page + b"</script>")
    (tmp_path / "data" / f"{OWNER}.txt").write_text("", "utf-8")
    (tmp_path / "data" / "f.txt").write_text("niets", "utf-8")
    assert sorted(name[5] for name in _files_with(tmp_path, OWNER)) == ["W", "a", "b", "c", "d"]


def test_names_are_in_own_tables_only_and_reports_do_not_repeat_them(given):
    assert set(_files_with(given, OWNER)) <= {"data/processed/proefveld/1_clean/own_pand.parquet"}
    assert _files_with(given, STRANGER) == []
    store = pipeline.open_study("proefveld", root=given).store
    assert store.read("own_pand")["owner"].tolist() == [OWNER] * 9
    assert OWNER not in store.read("own_report").to_csv()
    assert STRANGER not in store.read("own_report").to_csv()


def test_a_role_that_is_still_in_the_study_cannot_be_forgotten(given):
    place = pipeline.open_study("proefveld", root=given)
    with pytest.raises(ConfigError, match="take its"):
        forget(place.study, place.folders, "own_pand")
    with pytest.raises(ConfigError, match="a role of own data"):
        forget(place.study, place.folders, "pand")


@pytest.fixture
def left(given, tmp_path):
    """Copy the study and take the role out of it."""
    import shutil

    folder = shutil.copytree(given, tmp_path / "left")
    path = folder / "studies" / "proefveld.toml"
    path.write_text(path.read_text("utf-8").replace(SOURCE, ""), "utf-8")
    return folder


def test_forgetting_leaves_no_byte(left):
    place = pipeline.open_study("proefveld", root=left)
    assert "data/processed/proefveld/1_clean/own_pand.parquet" in _files_with(left, OWNER)
    # What a failed and a killed run leave, and releases: of this study, of another one, and of one with a longer name.
    (place.store.root / STATUS).write_text(f"found: {OWNER}", "utf-8")
    (place.store.root / "1_clean" / ".own_pand.parquet.1a.part").write_text(OWNER, "utf-8")
    editions = left / "data" / "editions" / "proefveld"
    for folder in (editions / ".x.part", *(left / "uitgaven" / f"{name}-2025-3" for name in RELEASES)):
        folder.mkdir(parents=True)
        (folder / "enterprise_case.csv").write_text(OWNER if "noord" not in folder.name else "", "utf-8")
    gone = forget(place.study, place.folders, "own_pand")
    assert _files_with(left, OWNER, STRANGER, "panden.csv") == []
    assert [one.name for one in (left / "uitgaven").iterdir()] == ["proefveld-noord-2025-3"]
    assert "data/processed/proefveld/1_clean/own_pand.parquet" in gone
    assert "data/processed/proefveld/1_clean/own_report.parquet" in gone
    assert not place.store.has("enterprise_case")  # made with the owners
    assert place.store.has("roof_face_score")  # made without
    assert [one for one in gone if one.startswith("data/editions")]
    assert not (left / "maps" / "proefveld").exists()
    assert forget(place.study, place.folders, "own_pand") == []


def test_a_role_that_left_the_study_is_erased_by_the_next_run(finished, left):
    place = pipeline.open_study("proefveld", root=left)
    pipeline.run_acquire(place)
    assert _files_with(left, OWNER) == []
    assert not place.store.has("own_pand")
    assert not place.store.has("own_report")
    assert not place.store.has("enterprise_case")
