"""The Python door: its examples run, and what it gives is what a run of the example stored."""

from __future__ import annotations

import doctest
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from kansenkaart import api
from kansenkaart.errors import ConfigError, SchemaError


def test_the_examples_run():
    failed, tried = doctest.testmod(api, optionflags=doctest.ELLIPSIS, extraglobs=_terrace())
    assert tried > 20
    assert failed == 0


def test_the_lines_of_the_readme_run():
    failed, tried = doctest.testfile(
        str(Path(__file__).parent.parent / "README.md"), module_relative=False, encoding="utf-8"
    )
    assert tried == 9
    assert failed == 0


def _terrace():
    """Return the names that the module's own example makes, for the examples of its functions."""
    names: dict[str, object] = {}
    for one in doctest.DocTestParser().get_examples(api.__doc__ or ""):
        exec(one.source, names)  # noqa: S102 - our own text
    return {name: names[name] for name in ("panden", "homes")}


def test_every_name_of_the_door_is_described():
    assert [name for name in api.__all__ if not getattr(api, name).__doc__] == []


def test_a_release_has_units_and_is_what_was_stored(finished):
    release = api.open_release(finished / "maps" / "proefveld")
    place = api.open_study("proefveld", root=finished)
    assert {"buurt_score", "block"} <= set(release)
    frame, stored = release["buurt_score"], place.store.read("buurt_score")
    assert frame["homes"].tolist() == stored["homes"].tolist()
    assert frame.attrs["units"]["grey_water_m3_per_year"] == "m3/year"
    with pytest.raises(KeyError):
        release["nothing"]


def test_a_table_without_tilts_is_refused():
    with pytest.raises(SchemaError, match="tilt_deg"):
        api.score_roofs(gpd.GeoDataFrame({"azimuth_deg": [0.0]}), weather=pd.DataFrame(), site=api.Site(52.0, 5.0))


def test_roofs_without_weather_take_the_year_that_is_built_in():
    """A level roof gets what falls on the ground: 1,052.6 kWh/m2, the sum of Q in the file of KNMI's hours."""
    level = gpd.GeoDataFrame({"tilt_deg": [0.0], "azimuth_deg": [0.0]})
    assert api.score_roofs(level)["open_sky_kwh_per_m2_year"][0] == pytest.approx(1052.6, rel=0.005)
    with pytest.raises(ConfigError, match="its site"):
        api.score_roofs(level, site=api.Site(52.0, 5.0))


def test_the_map_is_a_whole_page(finished):
    page = api.render_map(api.open_study("proefveld", root=finished))
    assert page.startswith("<!DOCTYPE html>")
    assert "Proefveld" in page


def test_another_track_is_refused():
    with pytest.raises(ConfigError, match="short or long"):
        api.enterprise_case(api.AreaFacts(), track="middle")
