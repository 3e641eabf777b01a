"""Own data that were given can be taken back: no byte of them stays under data or maps."""

from __future__ import annotations

import pytest

from kansenkaart.acquire.own_data import forget
from kansenkaart.errors import ConfigError
from kansenkaart.runs import study as pipeline

OWNER, STRANGER = "Woningstichting Adriaan Kwekkeboom", "Wilhelmina Zonneveld-Tak"
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


def _files_with(folder, *names):
    words = [form for name in names for form in (name.encode(), name.encode("utf-16-le"))]
    paths = [path for part in ("data", "maps") for path in (folder / part).rglob("*") if path.is_file()]
    return [str(path.relative_to(folder)) for path in paths if any(one in path.read_bytes() for one in words)]


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
    gone = forget(place.study, place.folders, "own_pand")
    assert _files_with(left, OWNER, STRANGER, "panden.csv") == []
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
