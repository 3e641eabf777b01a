"""What readers are told of water, word for word: streets of every kind, their four lines, and whole places."""

from __future__ import annotations

from math import nan

import pandas as pd
import pytest

from kansenkaart.wording import water
from tests.core.water.test_water_engine import rain_row, row
from tests.pinned import same_as_pinned


def _amounts(name, *values):
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


_UNKNOWN = _amounts("net_grey_eur", nan, nan, nan)
_GAIN = _amounts("net_grey_home_eur", 9_000.0, 1_000.0, 21_000.0)
GREY = {
    "costs": {},
    "pays": {"class_grey": "A", **_amounts("net_grey_eur", 12_000.0, 2_000.0, 31_000.0)},
    "may pay": {"class_grey": "B", **_amounts("net_grey_eur", 4_000.0, -6_000.0, 13_000.0)},
    "costs, at best nothing": _amounts("net_grey_eur", -40_000.0, -60_000.0, 0.0),
    "pays indoors, what the pipe saves is unknown": {"class_grey": "A", **_UNKNOWN, **_GAIN},
    "no homes": {"class_grey": "-", "reason_grey": "no_homes", "saving_grey_off_eur": 1.0, "homes": 0},
    "no homes, saving unknown": {"class_grey": "-", "reason_grey": "no_homes", "saving_grey_off_eur": nan},
    "others pass, a young sewer": {"class_grey": "-", "reason_grey": "no_homes", "saving_grey_off_eur": 1.01}
    | {"years_to_replacement": 40.0, "replacement_year": 2065.6},
    "no sewer, gains indoors": {"class_grey": "?", "foul_system": None, **_GAIN, "waste_water_m3_per_day": 10.0},
    "too much flow, may gain indoors": {"class_grey": "?", "foul_diameter_as_is_mm": nan, "homes": 1, "people": nan}
    | {**_amounts("net_grey_home_eur", 9_000.0, 0.0, 21_000.0), "waste_water_m3_per_day": 9.94},
    "no year, costs indoors": {"class_grey": "?", **_amounts("net_grey_home_eur", -9_000.0, -12_000.0, 0.0)},
    "rain sizes it": {"reason_grey": "rain_sizes_it", "foul_present_mm": nan, "saving_grey_off_eur_low": 1.0},
    "smallest size, too small now": {"reason_grey": "minimum_diameter", "foul_present_mm": 200.0},
    "same size, too large now": {"reason_grey": "same_size", "foul_present_mm": 300.0},
    "saves for sure": {"saving_grey_off_eur_low": 1.01, "saving_grey_off_eur_high": 2_300.0},
    "saves on edge, nearly far ahead": {"saving_grey_off_eur_low": 1.0, "years_to_replacement": 39.9},
    "saves in part": {"foul_diameter_grey_off_100_mm": 250.0},
}
RAIN = {
    "costs": {},
    "pays": {"class_rain": "A", **_amounts("net_rain_eur", 40_000.0, 10_000.0, 90_000.0)},
    "may pay, same size": {"class_rain": "B", "reason_rain": "same_size"}
    | _amounts("net_rain_eur", 4_000.0, -10_000.0, 9_000.0),
    "smallest size": {"reason_rain": "minimum_diameter"},
    "apart": {"class_rain": "-", "reason_rain": "already_separate"},
    "no paving": {"class_rain": "-", "reason_rain": "no_paving"},
    "no sewer": {"class_rain": "?", "reason_rain": "no_sewer"},
    "no sewer, paving by home": {"class_rain": "?", "reason_rain": "no_sewer", "area_basis": "per home"},
    "no year": {"class_rain": "?", "reason_rain": "unknown"},
    "too much flow": {"class_rain": "?", "reason_rain": "unknown", "rain_diameter_as_is_mm": nan},
    "young, saves with an interval": {"years_to_replacement": 40.0, "replacement_year": 2065.6}
    | _amounts("saving_rain_off_eur", 1_500.0, 900.0, 1_900.0),
}
_SUMS = {
    "grey_water_m3_per_year": 512.4,
    "reused_m3_per_year": 387.0,
    "discharge_rule": "sewer_near",
    "foul_diameter_rain_off_100_mm": 200.0,
    **_amounts("yearly_eur", 910.0, 620.0, 1_240.0),
    **_amounts("cost_grey_eur", 61_000.0, 48_000.0, 75_000.0),
    "saving_grey_off_eur_high": 2_300.0,
    "price_year": 2025.0,
}
LINES = {
    "all is given": {},
    "no sewer": {"foul_system": None, **_UNKNOWN, "saving_grey_off_eur": nan, "discharge_rule": "unknown"},
    "no size, no saving": {"foul_diameter_as_is_mm": nan, "saving_grey_off_eur": 0.0}
    | {"discharge_rule": "no_sewer_near", "reused_m3_per_year": nan},
    "combined, one home, an interval of nothing": {"foul_system": "gemengd", "foul_present_mm": nan, "homes": 1}
    | {"replacement_year": nan, **_amounts("yearly_eur", 910.0, 909.6, 910.2)},
}
_PARTS = {f"foul_diameter_grey_off_{part}_mm": size for part, size in ((25, 250.0), (50, 250.0), (75, 200.0))} | {
    "saving_grey_off_25_eur": 0.0,
    "saving_grey_off_50_eur": nan,
    **_amounts("saving_grey_off_75_eur", 900.0, 400.0, 1_400.0),
}


def test_of_a_street_every_sentence_is_as_it_was_read():
    made = {f"grey: {name}": water.grey_sentence(row(**what), renewal_pct=0.94) for name, what in GREY.items()}
    made |= {f"rain: {name}": water.rain_sentence(rain_row(**what)) for name, what in RAIN.items()}
    made |= {f"lines: {name}": "\n".join(water.four_lines(row(**_SUMS) | what)) for name, what in LINES.items()}
    made["parts of the homes"] = water.participation_line(row(**_SUMS) | _PARTS)
    made |= {f"cleansing: {word}": water.cleansing_sentence({"cleansing": word}) for word in (None, "clean", "shrinks")}
    same_as_pinned("pins/water_street.txt", made)


@pytest.mark.parametrize("without", [{"homes": 0}, {"reused_m3_per_year": nan}])
def test_where_nothing_is_reused_no_share_of_the_homes_is_said(without):
    assert water.participation_line(row(**_SUMS) | _PARTS | without) == ""


#: Class of each street, homes in it, and what grey water nets indoors at best.
PLACES = {
    "two of three pay": ("AAC", 5, 10.0),
    "one pays, one unknown": ("AC?", 5, 10.0),
    "two may pay": ("BBC", 5, 10.0),
    "one may pay, one unknown": ("B?", 5, 10.0),
    "all unknown, none gains indoors": ("??", 5, [0.0, -5.0]),
    "all unknown, one gains indoors": ("??", 5, [1.0, -5.0]),
    "one costs, one unknown": ("C?", 5, 10.0),
    "one costs, one unknown, none gains indoors": ("C?", 5, [-9.0, -5.0]),
    "one costs, one without homes": ("C-", [1, 0], 10.0),
    "apart and unknown": ("-?", [0, 5], 10.0),
    "apart": ("--", 0, 10.0),
    "pays where nobody lives": ("A-", [0, 1], 10.0),
    "pays for one home": ("AC", [1, 5], 10.0),
}


def test_of_a_whole_place_every_sentence_is_as_it_was_read():
    made = {}
    for name, (classes, homes, gain) in PLACES.items():
        frame = pd.DataFrame({"class_grey": list(classes), "class_rain": list(classes), "homes": homes})
        frame = frame.assign(reused_m3_per_year=101.7, net_grey_home_eur_high=gain)
        said = (water.grey_headline, water.grey_finding, water.rain_headline, water.rain_finding)
        made[name] = "\n".join(one(frame) for one in said)
    same_as_pinned("pins/water_place.txt", made)
