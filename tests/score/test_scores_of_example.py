"""The example's scores against its own truth: shade, trees, homes on streets, areas that hold every home once."""

from __future__ import annotations

import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from kansenkaart.runs import study
from kansenkaart.tables.store import Lineage
from tests.pinned import require_as_pinned
from tests.truth import truth


@pytest.fixture(scope="module")
def tables(finished):
    root = finished / "data" / "processed" / "proefveld"
    names = ["roof_face_score", "street_water", "block", "gebied"]
    found = {name: gpd.read_parquet(next(root.rglob(f"{name}.parquet"))) for name in names}
    return {**found, "block_border": pd.read_parquet(next(root.rglob("block_border.parquet")))}


def test_shade_takes_sun_away_and_never_adds_it(tables):
    faces = tables["roof_face_score"]
    assert (faces["score_basis"] == "lod22+dsm").all()
    # 0.5 %: a sector of 10 degrees against the hourly sum of the open plane
    assert (faces["sun_kwh_per_m2_year"] <= faces["open_sky_kwh_per_m2_year"] * 1.005).all()
    assert (faces["free_area_m2"] <= faces["roof_area_m2"] + 1e-6).all()


def test_a_roof_under_a_tree_is_not_free(tables):
    under = truth().faces.groupby("pand_id")["under_tree"].any()
    faces = tables["roof_face_score"].groupby("pand_id")[["free_area_m2", "roof_area_m2"]].sum()
    lost = 1 - faces["free_area_m2"] / faces["roof_area_m2"]
    shaded = lost.index.isin(under.index[under])
    assert lost[shaded].median() > lost[~shaded].median()


def test_every_home_is_in_one_area_and_every_area_in_its_band(tables):
    blocks, areas = tables["block"], tables["gebied"]
    known = len(truth().homes)
    assert blocks["homes"].sum() == known == areas["homes"].sum()
    assert (areas["homes"] >= areas["band_low_homes"]).all()
    assert (areas["homes"] <= areas["band_high_homes"]).all()
    again = blocks.groupby("gebied_id")["homes"].sum()
    assert again.to_dict() == areas.set_index("gebied_id")["homes"].to_dict()


def test_areas_are_one_piece_over_borders_that_can_be_crossed(tables):
    border, blocks = tables["block_border"], tables["block"]
    area = blocks.set_index("block_id")["gebied_id"]
    inner = border[border["passable"] & (border["block_a"].map(area) == border["block_b"].map(area))]
    group = {one: one for one in area.index}

    def root(one: int) -> int:
        while group[one] != one:
            one = group[one]
        return one

    for a, b in zip(inner["block_a"], inner["block_b"], strict=True):
        group[root(a)] = root(b)
    pieces = pd.Series({one: root(one) for one in area.index})
    assert pieces.groupby(area).nunique().eq(1).all()


def test_the_first_wijkbedrijf_like_area_comes_out(tables):
    # The cluster of the example is a whole buurt of 330 homes: 194 gallery flats, 95 rented and 41 owned houses.
    areas, blocks = tables["gebied"], tables["block"]
    there = blocks["place_name"].str.startswith("Galerijbuurt")
    galerij = areas[areas["gebied_id"].isin(blocks.loc[there & (blocks["homes"] > 0), "gebied_id"])]
    assert galerij["homes"].tolist() == [330]
    assert np.allclose(galerij["main_buurt_frac"], 1.0)


def test_streets_hold_all_homes_and_people(tables):
    streets, homes = tables["street_water"], truth().homes
    assert streets["homes"].sum() == len(homes)
    assert streets["grey_water_m3_per_year"].sum() > 0
    assert streets["class_grey"].isin(list("ABC-?")).all()


def _scored(root):
    paths = sorted(path for part in ("2_scored", "3_opportunity") for path in (root / part).glob("*.parquet"))
    with_shapes = {"geometry", "geo"}
    return {
        path.stem: gpd.read_parquet(path) if with_shapes & set(pq.read_schema(path).names) else pd.read_parquet(path)
        for path in paths
    }


def test_every_column_of_every_scored_table_is_as_it_was(finished):
    require_as_pinned("field", _scored(finished / "data" / "processed" / "proefveld"))


def test_every_column_is_as_it_was_where_roofs_sewers_and_counts_of_people_lack(finished, tmp_path):
    """The same field from footprints, streets and norms: the lowest basis of everything."""
    shutil.copytree(finished / "studies", tmp_path / "studies")
    root = tmp_path / "data" / "processed" / "proefveld"
    shutil.copytree(finished / "data" / "processed" / "proefveld" / "1_clean", root / "1_clean")
    for path in root.rglob("*"):
        if path.stem in ("roof_face", "dsm", "dtm", "sewer_pipe", "sewer_node", "weather_hourly"):
            path.unlink()
    place = study.open_study("proefveld", root=tmp_path)
    buurt = place.store.read("buurt")
    unknown = {name: np.nan for name in ("inhabitants", "household_size_persons", "rented_pct") if name in buurt}
    place.store.write("buurt", buurt.assign(**unknown), Lineage("poor"))
    study.run_score(place)
    require_as_pinned("field_poor", _scored(root))
