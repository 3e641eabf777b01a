"""Municipalities by name or code, those of before and slips of the pen."""

from __future__ import annotations

import pytest

from kansenkaart.errors import ConfigError
from kansenkaart.sources import cbs_areas


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Zwolle", ("GM0193", "Zwolle")),
        ("  zwolle ", ("GM0193", "Zwolle")),
        ("gm0193", ("GM0193", "Zwolle")),
        ("Den  Haag", ("GM0518", "'s-Gravenhage")),
        ("'s-gravenhage", ("GM0518", "'s-Gravenhage")),
        ("den bosch", ("GM0796", "'s-Hertogenbosch")),
        (" gm9999 ", ("GM9999", "GM9999")),
        ("GM99999", None),
        ("Zwole", None),
    ],
)
def test_a_municipality_is_known_by_its_name_or_code(text, found):
    assert cbs_areas.municipality(text) == found


def test_one_that_went_into_another_is_refused_with_its_name():
    assert cbs_areas.merged_into(" brielle ") == cbs_areas.merged_into("gm0501") == ("2023", "GM1992", "Voorne aan Zee")
    assert cbs_areas.merged_into("Zwolle") is None
    with pytest.raises(ConfigError, match=r"found Brielle: part of Voorne aan Zee \(GM1992\) since 2023"):
        cbs_areas.municipality(" Brielle")


@pytest.mark.parametrize(
    ("text", "meant"),
    [("zwole", "Zwolle"), (" ZWOLE ", "Zwolle"), ("Zwol", ""), ("GM0193", ""), ("amersfort", "Amersfoort"), ("", "")],
)
def test_a_slip_of_the_pen_is_like_a_name_by_more_than_four_fifths(text, meant):
    assert cbs_areas.municipality_like(text) == meant


def test_codes_come_once_each_in_the_order_asked_or_all_342_sorted():
    assert cbs_areas.municipality_codes(["zwolle", "GM0014", "GM0193", "Den Haag"]) == ["GM0193", "GM0014", "GM0518"]
    every = cbs_areas.municipality_codes(["x", "alle"])
    assert (len(every), every[0], every == sorted(every)) == (342, "GM0014", True)
    with pytest.raises(ConfigError, match="found Zwole, y;"):
        cbs_areas.municipality_codes(["Zwole", "Zwolle", "y"])
    assert cbs_areas.municipality_codes([]) == []
