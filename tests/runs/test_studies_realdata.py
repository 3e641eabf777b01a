"""Studies of real places, whole: what came in is kept or left out with a reason, and stands beside what CBS counts."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kansenkaart.config import DATA_VARIABLE
from kansenkaart.errors import StoreError
from kansenkaart.runs import study
from tests.runs.places import project

DATA = Path(os.environ.get(DATA_VARIABLE) or Path(__file__).resolve().parents[3] / "shared" / "data")

pytestmark = pytest.mark.realdata


def _acquired(name, folder, factory, monkeypatch_context):
    if not (DATA / folder).is_dir():
        pytest.skip(f"real data not there: {DATA / folder}")
    monkeypatch_context.setenv(DATA_VARIABLE, str(DATA))
    place = study.open_study(name, root=project(factory.mktemp(name) / "project", name))
    study.run_acquire(place)
    return place


@pytest.fixture(scope="module")
def voorburg(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield _acquired("voorburg", "voorburg", tmp_path_factory, patch)


@pytest.fixture(scope="module")
def delft(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield _acquired("delft", "delft", tmp_path_factory, patch)


def test_voorburg_has_fourteen_buurten_with_figures_of_2022(voorburg):
    buurt = voorburg.store.read("buurt")
    assert len(buurt) == 14
    assert set(buurt["households_year"].dropna()) == {2022}


# Rows of the layers pand and verblijfsobject in the GeoPackage.
@pytest.mark.parametrize(("table", "rows"), [("pand", 15_380), ("home", 31_293)])
def test_voorburg_every_row_is_kept_or_left_out_with_a_reason(voorburg, table, rows):
    told = voorburg.store.describe(table)
    assert told["tally"]["rows_in"] == rows == told["tally"]["kept"] + sum(told["tally"]["left_out"].values())
    assert told["tally"]["kept"] == told["rows"] == len(voorburg.store.read(table))
    assert all(told["tally"]["left_out"])


#: Buurten where register and statistics differ by more, as the data have them: homes of the BAG, households of CBS.
EXCEPTIONS = {"Bovenveen noord": (1203, 985), "Bezuidenhout-Midden": (2508, 2675)}


def test_voorburg_homes_per_buurt_stand_beside_the_households_of_cbs(voorburg):
    buurt, home = voorburg.store.read("buurt"), voorburg.store.read("home")
    counted = home.groupby("buurtcode").size()
    beside = pd.DataFrame(
        {
            "homes": buurt.set_index("buurtcode").index.map(counted).to_numpy(float),
            "households": buurt["households"].to_numpy(float),
        },
        index=buurt["buurtnaam"],
    )
    for name, figures in EXCEPTIONS.items():
        assert tuple(beside.loc[name].astype(int)) == figures
    others = beside.drop(index=list(EXCEPTIONS))
    off = (others["homes"] / others["households"] - 1).abs()
    assert (off <= 0.05).sum() > len(off) / 2  # most within 5 %
    assert off.max() < 0.15
    outside = voorburg.store.describe("home")["tally"]["noted"].get("buiten alle buurten", 0)
    assert counted.sum() + outside == len(home)


def test_delft_has_roof_faces_of_375_buildings(delft):
    faces = delft.store.read("roof_face")
    told = delft.store.describe("roof_face")["tally"]
    assert faces["pand_id"].nunique() == 375
    assert told["rows_in"] == told["kept"] + sum(told["left_out"].values())
    assert faces["tilt_deg"].between(0, 90).all()
    slope = faces["tilt_deg"] > 0
    assert faces.loc[slope, "azimuth_deg"].between(0, 360).all()
    assert faces.loc[~slope, "azimuth_deg"].isna().all()
    # The true area of a face is that of its projection divided by the cosine of its tilt.
    leaning = faces[faces["tilt_deg"] < 80]
    expected = leaning.geometry.area / np.cos(np.radians(leaning["tilt_deg"]))
    assert (leaning["roof_area_m2"] / expected - 1).abs().median() < 0.01


def test_delft_without_statistics_and_homes_keeps_what_there_is(delft):
    assert "buurt" not in delft.store.names()
    assert "home" not in delft.store.names()
    assert {"pand", "roof_face", "terrain", "dsm", "dtm", "weather_hourly"} <= set(delft.store.names())
    assert study.check(delft) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["delft", "amsterdam", "bodegraven", "akersloot"])
def test_a_study_of_a_real_place_runs_to_its_map(name, tmp_path, monkeypatch):
    if not DATA.is_dir():
        pytest.skip(f"real data not there: {DATA}")
    monkeypatch.setenv(DATA_VARIABLE, str(DATA))
    # Without homes nothing can be held to ten of them: then there is the whole edition only, for internal use.
    public = name not in ("delft", "amsterdam", "akersloot")
    place = study.open_study(name, root=project(tmp_path / "project", name), public=public)
    reports = study.run_all(place)  # a gate that fails raises
    assert {one.status for one in reports} == {"done"}
    assert (
        tmp_path / "project" / "maps" / (name if public else f"{name}-intern") / "index.html"
    ).stat().st_size > 100_000
    again = study.run_all(study.open_study(name, root=tmp_path / "project", public=public))
    assert {one.status for one in again} == {"unchanged"}
    if name in ("delft", "amsterdam"):  # Akersloot has cases of whole buurten, by the figures of CBS, to publish
        with pytest.raises(StoreError, match="--intern"):
            study.run_publish(study.open_study(name, root=tmp_path / "project"))
