"""The typical year that is built in and the split into direct and diffuse light: laws, and what roofs get of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kansenkaart.core.solar.irradiance import open_plane_energy
from kansenkaart.core.solar.weather import Site, diffuse_frac, split_global, sun_path, typical_year
from kansenkaart.score import weather
from kansenkaart.sources import knmi
from kansenkaart.tables import assumptions

DE_BILT = Site(52.1, 5.18)
LOSSES = [name for name in assumptions.default() if name.startswith("pv_loss_")]
#: Per cent of the optimum, per orientation at 25, 40, 65 and 90 degrees: middles of the bands of 5 per cent that
#: energievooraltijd.nl publishes ("Invloed van richting en hoek op de opbrengst", table 2). Its row for 0 degrees
#: differs by orientation, which a level plane cannot, and is left out.
PUBLISHED = {
    0: (67.5, 57.5, 37.5, 32.5),
    45: (72.5, 62.5, 47.5, 42.5),
    90: (82.5, 77.5, 67.5, 57.5),
    135: (92.5, 92.5, 87.5, 67.5),
    180: (97.5, 97.5, 92.5, 72.5),
    225: (92.5, 92.5, 87.5, 67.5),
    270: (82.5, 77.5, 67.5, 57.5),
    315: (72.5, 62.5, 47.5, 42.5),
}
HALF_BAND, POINTS = 2.5, 3.0
#: Where we lie further below: a north slope, and walls away from the south (docs/methods/sun.md says why).
FURTHER = {(0, 40), (45, 90), (270, 90), (315, 90)}


@pytest.fixture(scope="module")
def hours():
    raw, tally, told = knmi.typical_year()
    assert (len(raw), tally.kept, told.licence, told.credit) == (8760, 8760, "CC BY 4.0", "KNMI")
    ready = weather._prepared(raw, DE_BILT)
    assert ready.minutes == 30.0
    return ready.frame


def test_a_south_roof_gets_what_dutch_systems_give(hours):
    planes = pd.DataFrame({"tilt_deg": [35.0, 0.0], "azimuth_deg": [180.0, 180.0]})
    south, level = open_plane_energy(hours, planes, site=DE_BILT).sum(axis=1)
    assert level == pytest.approx(1053, abs=3)  # the sum of the hours themselves
    kept = float(np.prod([1 - assumptions.default()[name].value / 100 for name in LOSSES])) if LOSSES else 0.8
    assert 980 <= south * kept <= 1060


def test_orientations_and_tilts_are_within_three_points_of_published_percentages(hours):
    tilts = (25, 40, 65, 90)
    planes = pd.DataFrame(
        [(tilt, facing) for facing in PUBLISHED for tilt in tilts], columns=["tilt_deg", "azimuth_deg"]
    )
    best = open_plane_energy(hours, pd.DataFrame({"tilt_deg": [36.0], "azimuth_deg": [180.0]}), site=DE_BILT).sum()
    found = 100 * open_plane_energy(hours, planes, site=DE_BILT).sum(axis=1).reshape(len(PUBLISHED), len(tilts)) / best
    off = {}
    for row, (facing, middles) in zip(found, PUBLISHED.items(), strict=True):
        for value, middle, tilt in zip(row, middles, tilts, strict=True):
            off[facing, tilt] = max(abs(value - middle) - HALF_BAND, 0.0)
    assert {place for place, points in off.items() if points > POINTS} == FURTHER
    assert max(off.values()) < 6


def test_the_split_closes_and_gives_the_share_of_diffuse_light_that_is_expected(hours):
    sun = sun_path(hours, DE_BILT)
    height = np.stack([np.maximum(np.sin(np.radians(elevation)), 0) for _, elevation in sun.places])
    lit = (height * sun.weight).sum(axis=0)
    assert set(sun.weight.sum(axis=0).round(12)) == {
        0.0,
        1.0,
    }  # by day a mean, though the sun was up for one part alone
    assert np.array_equal(sun.weight.sum(axis=0) > 0, height.max(axis=0) > 0)
    closed = hours["dhi_w_per_m2"] + hours["dni_w_per_m2"] * lit
    assert np.abs(closed - hours["ghi_w_per_m2"]).max() < 1e-6
    assert 0.50 <= diffuse_frac(hours) <= 0.54  # Erbs on the hours of De Bilt 2011-2024: 0.52
    assert (hours >= 0).all().all()
    assert hours["dni_w_per_m2"].max() < 1200  # no beam stronger than the sun


def _years(*suns):
    """Return whole years of the same days, each with its own factor of sun."""
    parts = []
    for year, factor in zip(range(2015, 2015 + len(suns)), suns, strict=True):
        index = pd.date_range(f"{year}-01-01", f"{year}-12-31 23:00", freq="h", tz="UTC")
        day = np.sin(np.pi * index.hour.to_numpy() / 24) * (1 + 0.3 * np.sin(index.dayofyear.to_numpy()))
        parts.append(
            pd.DataFrame(
                {"ghi_w_per_m2": factor * 400 * day, "air_temperature_degc": 10.0, "wind_speed_m_per_s": 4.0}, index
            )
        )
    return pd.concat(parts)


def test_the_most_usual_month_is_taken_and_a_month_with_gaps_is_not():
    hours = _years(0.5, 1.0, 1.5, 1.0, 0.6)  # 2016 and 2018 are the most usual
    assert set(typical_year(hours).years) <= {2016, 2018}
    hours.loc[(hours.index.year == 2016) & (hours.index.month == 5), "ghi_w_per_m2"] = np.nan
    made = typical_year(hours)
    assert made.years[4] != 2016
    assert (len(made.hours), made.hours.isna().sum().sum()) == (8760, 0)
    assert set(made.hours.index.year) == {2019}


def test_a_file_whose_diffuse_share_is_off_is_named(hours):
    assert weather._diffuse_said(hours, DE_BILT) == {}
    beam = hours["ghi_w_per_m2"] - hours["dhi_w_per_m2"]
    less = hours.assign(dhi_w_per_m2=hours["dhi_w_per_m2"] * 0.8)
    scale = (hours["ghi_w_per_m2"] - less["dhi_w_per_m2"]) / beam.where(beam > 0)
    less["dni_w_per_m2"] = (hours["dni_w_per_m2"] * scale).fillna(0)
    ((words, count),) = weather._diffuse_said(less, DE_BILT).items()
    assert count == len(hours)
    assert "met 43% diffuus licht, waar 53% volgt" in words
    assert "zuiddaken te gunstig" in words


def test_global_light_alone_serves_and_its_gaps_are_counted():
    raw, _, _ = knmi.typical_year()
    raw.loc[4000:4010, "ghi_w_per_m2"] = np.nan
    ready = weather._prepared(raw, DE_BILT)
    assert any("zonder meting" in words and count == 11 for words, count in ready.said.items())
    assert ready.frame.notna().all().all()
    assert split_global(ready.frame, site=DE_BILT)["dhi_w_per_m2"].notna().all()


def test_the_path_of_the_sun_is_followed_once_for_the_same_hours_and_anew_for_others():
    """Three steps ask for it; a path of another place or clock would shade the wrong side."""
    hours = pd.DataFrame(index=pd.date_range("2019-06-21 10:00", periods=3, freq="h", tz="UTC"))
    path = sun_path(hours, DE_BILT)
    assert sun_path(hours.copy(), DE_BILT) is path
    east = sun_path(hours, Site(DE_BILT.latitude_deg, DE_BILT.longitude_deg + 15.0))
    assert east.azimuth_deg[:-1] == pytest.approx(path.azimuth_deg[1:], abs=0.1)  # an hour of sun further
    later = sun_path(hours.tz_convert("Europe/Amsterdam"), DE_BILT)
    assert later.azimuth_deg.tolist() == path.azimuth_deg.tolist()
    assert str(later.times.tz) == "Europe/Amsterdam"
