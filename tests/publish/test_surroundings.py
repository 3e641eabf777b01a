"""A place beside its surroundings: sums per home and weighed means, by hand; what is said of what is not known."""

from __future__ import annotations

import math
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from kansenkaart.present.mapspec import View
from kansenkaart.present.style import ramp_classes
from kansenkaart.publish.factsheets import _by_use, _class_of, _legend, _parts, compared_with
from kansenkaart.publish.feasibility.report import PARTY_ROWS, _adds_up, _incomplete, _no_outcome, _work_nl
from kansenkaart.publish.figures import ROOFS_OF_HOMES, Around, each_home, figure_words, mean_of, mean_words, with_case
from kansenkaart.publish.map.ranking import _larger
from kansenkaart.wording.enterprise import contribution_nl


def buurten(**more):
    """Draw three buurten of 10 m: two in wijk WK000101 and one in wijk WK000102, all of gemeente GM0001."""
    return gpd.GeoDataFrame(
        {
            "buurtcode": ["BU00010101", "BU00010102", "BU00010201"],
            "buurtnaam": ["Noord", "Zuid", "West"],
            "homes": [100, 300, 600],
            **more,
        },
        geometry=[box(10 * k, 0, 10 * k + 10, 10) for k in range(3)],
        crs=28992,
    )


def test_sums_are_per_home_and_shares_are_weighed_by_homes():
    frame = buurten(grey_water_m3_per_year=[5_000.0, 9_000.0, 36_000.0], corporation_pct=[40.0, 20.0, 10.0])
    place = pd.Series({"homes": 50, "grey_water_m3_per_year": 2_000.0, "geometry": box(12, 0, 22, 10)})
    names, rows = compared_with(place, Around(frame, None))
    # The place lies for 8 of its 10 m in Zuid. Wijk: 14,000 / 400 = 35; gemeente: 50,000 / 1,000 = 50.
    assert names == ("hier", "buurt Zuid", "wijk (2 buurten in de studie)", "gemeente (3 buurten in de studie)")
    found = {one.label: one.texts for one in rows}
    assert found["Grijswater (aanbod) per woning"] == (
        "40 m³ per jaar",
        "30 m³ per jaar",
        "35 m³ per jaar",
        "50 m³ per jaar",
    )
    # 40 % of 100 and 20 % of 300 homes: 25 %; with 10 % of 600: 16 %. The place itself has no such figure.
    assert found["Corporatiewoningen"] == ("onbekend", "20%", "25%", "16%")


class _Panden:
    def __init__(self, pand):
        self.pand, self.asked = pand, 0

    def has(self, name):
        return name == "pand_score"

    def describe(self, name):
        return {"sha256": f"of {name}"}

    def read(self, name):
        self.asked += 1
        return self.pand


def test_a_sum_of_roofs_is_not_per_home_where_they_are_mostly_of_halls(tmp_path):
    """Noord: 8 of 10 MWh on homes; Zuid: 1 of 100 MWh, beside one farm with 4 homes; West: all."""
    frame = buurten(yield_fit_kwh_per_year=[10_000.0, 100_000.0, 60_000.0], people=[100.0, 600.0, 1_200.0])
    pand = gpd.GeoDataFrame(
        {"homes": [2, 0, 4, 0, 6], "yield_fit_kwh_per_year": [8_000.0, 2_000.0, 1_000.0, 99_000.0, 60_000.0]},
        geometry=[box(x, 1, x + 2, 3) for x in (1, 6, 11, 15, 21)],
        crs=28992,
    )
    store = _Panden(pand)
    with_case(store, frame.iloc[:1], "gebied", "buurtcode")
    frame = with_case(store, frame, "buurt", "buurtcode")
    assert store.asked == 1  # a point on each pand is sought once for all kinds of place
    assert frame[ROOFS_OF_HOMES].tolist() == [True, False, True]
    _, rows = compared_with(frame.iloc[1], Around(frame, None))
    found = {one.label: one.texts for one in rows}
    # Zuid itself none; its wijk 10,000 / 100; the gemeente (10,000 + 60,000) / (100 + 600).
    said = next(texts for label, texts in found.items() if label.startswith("Stroom"))
    assert said == ("niet per woning: vooral op andere gebouwen", "100 kWh per jaar", "100 kWh per jaar")
    assert math.isnan(each_home(frame.iloc[1], "yield_fit_kwh_per_year"))
    assert each_home(frame.iloc[0], "yield_fit_kwh_per_year") == 100.0
    assert each_home(frame.iloc[1], "people") == 2.0


def test_a_place_has_the_means_of_a_group_of_itself_and_those_of_its_gemeente_are_made_once():
    frame = buurten(grey_water_m3_per_year=[5_000.0, None, 36_000.0], corporation_pct=[40.0, 20.0, None])
    frame["homes"] = pd.array([100, 300, None], dtype="Int64")
    around = Around(frame, None)
    for at in range(3):
        alone = {name: mean_of(frame.iloc[at : at + 1], name) for name in around.own(frame.iloc[at])}
        assert {name: mean for name, (mean, _) in around.own(frame.iloc[at]).items()} == alone
    assert around.own(frame.iloc[0])["grey_water_m3_per_year"] == (50.0, "")
    assert around.own(frame.iloc[2])["grey_water_m3_per_year"] == (None, "onbekend")
    assert around.of("BU0001")["corporation_pct"] == (25.0, "")
    assert around.of("BU0001") is around.of("BU0001")


def test_unknown_buurten_do_not_count_and_are_no_zero():
    frame = buurten(grey_water_m3_per_year=[5_000.0, None, None])
    assert mean_of(frame, "grey_water_m3_per_year") == 50.0
    assert mean_of(frame.iloc[1:], "grey_water_m3_per_year") is None


def test_what_buurten_lack_comes_from_their_blocks():
    blocks = pd.DataFrame(
        {
            "buurtcode": ["BU00010101", "BU00010101", "BU00010102"],
            "homes": [20, 30, 50],
            "water_eur_per_year": [1_000.0, 2_000.0, 7_000.0],
        }
    )
    place = pd.Series({"homes": 10, "water_eur_per_year": 500.0, "geometry": box(0, 0, 5, 5)})
    _, rows = compared_with(place, Around(buurten(), blocks))
    (row,) = [one for one in rows if one.label.startswith("Opbrengst water")]
    # 500 / 10; 3,000 / 50; 10,000 / 100 for the wijk and for the gemeente.
    assert row.texts == ("50 euro per jaar", "60 euro per jaar", "100 euro per jaar", "100 euro per jaar")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("gas_use_m3_per_home", 780.0, "780 m³ per woning per jaar"),
        ("corporation_frac", 0.071, "7%"),
        ("people", None, "onbekend"),
        ("people", 1.0, "1 persoon"),
        ("people", 53.99999, "54 personen"),  # the map has no decimals of people: a sum of parts shows none either
        ("people", 9_250.0, "9.300 personen"),  # halves up, as in a browser
        ("kwp_pay", 2_655.774, "2.700 kWp"),
        ("people", 701.3, "700 personen"),  # two digits: people are estimated from their homes
        ("yield_fit_kwh_per_year", 888_686.0, "890.000 kWh per jaar"),
        ("homes", 304, "304"),  # counted
    ],
)
def test_figures_are_said_with_their_unit(name, value, text):
    assert figure_words(name, value) == text


def test_a_mean_has_digits_that_its_figure_has_not():
    assert mean_words("people", 2.46) == "2,5 personen"
    assert mean_words("grey_water_m3_per_year", 41.72) == "41,7 m³ per jaar"
    assert mean_words("corporation_frac", 0.071) == "7%"
    assert mean_words("people", None) == "onbekend"


def test_a_figure_is_as_round_as_its_interval_is_wide():
    assert figure_words("stays_eur_per_year", -9004.0, 6_557.0) == "\u22129.000 euro per jaar"
    assert figure_words("stays_eur_per_year", -9004.0, 300.0) == "\u22129.000 euro per jaar"
    assert figure_words("stays_eur_per_year", -9044.0, 450.0) == "\u22129.000 euro per jaar"
    assert figure_words("yield_fit_kwh_per_year", 888_686.0, 832_000.0) == "890.000 kWh per jaar"
    assert figure_words("stays_eur_per_year", 57.0, 5_000.0) == "0 euro per jaar"
    assert figure_words("stays_eur_per_year", 4.0, 3.0) == "4 euro per jaar"  # not rounded to nothing


def test_an_end_that_is_the_use_of_water_itself_is_no_end_of_what_may_be():
    use = SimpleNamespace(value=128.0, low=112.0, high=128.0)
    moved = _by_use("grey_water_m3_per_year", 16_000.0, use)
    assert (moved.low, moved.middle, moved.high) == ("14.000 m³ per jaar", "16.000 m³ per jaar", "-")
    assert "112 liter" in moved.why


def test_a_party_whose_services_could_not_be_summed_has_no_outcome_of_0_euro():
    services = [
        SimpleNamespace(name="green_maintenance", payer="municipality"),
        SimpleNamespace(name="waste", payer="municipality"),
    ]
    known = [SimpleNamespace(name="green_maintenance", known=[False]), SimpleNamespace(name="waste", known=[True])]
    sums = SimpleNamespace(results=known, case=SimpleNamespace(services=services))
    row = {**{name: 0.0 for name, _ in PARTY_ROWS}, "municipality_eur_per_year": float("nan")}
    assert _no_outcome(sums, row) == (
        "Gemeente: niet nul maar onbekend, want onbekend is wat zij wint of betaalt door groen onderhouden. "
    )
    assert _no_outcome(sums, {**row, "municipality_eur_per_year": 5.0}) == ""


def test_where_a_party_is_unknown_what_others_miss_is_unknown_too():
    parties = np.array([[310.0], [65.0], [0.0], [0.0]])  # residents, enterprise, owner, municipality
    one = SimpleNamespace(name="collective_purchase", chosen=True, known=[True], parties=parties, enterprise=[65.0])
    row = {"household_eur_per_year": 458.0, "enterprise_eur_per_year": -9_451.0}
    row |= {"roof_owner_eur_per_year": math.nan, "municipality_eur_per_year": math.nan}
    service, organisation, whole = _adds_up([one], row)[0].rows
    assert service[1:] == ("€\xa065", "€\xa0310", "€\xa00", "€\xa00", "−€\xa0375")
    assert organisation[1:] == ("−€\xa09.516", "€\xa0148", "€\xa00", "€\xa00", "€\xa09.368")
    assert whole[1:] == ("−€\xa09.451", "€\xa0458", "onbekend", "onbekend", "onbekend")


@pytest.mark.parametrize(
    ("jobs", "helpers", "words"),
    [
        (0.4, 1.0, "0,4 betaalde voltijdsbaan voor bewoners en 1,0 vrijwilliger met"),
        (2.3, 1.1, "2,3 betaalde voltijdsbanen voor bewoners en 1,1 vrijwilligers met"),
    ],
)
def test_more_than_one_job_is_jobs(jobs, helpers, words):
    assert words in _work_nl({"paid_jobs": jobs, "volunteers": helpers, "investment_eur": 52_000.0})


def test_a_block_of_which_nothing_is_known_has_a_letter_on_the_map_and_one_at_a_bound_the_letter_of_the_page():
    classes = ramp_classes([30_000.0], ["tot 30.000", "30.000 en meer"])
    view = View("stroom", "yield_fit_kwh_per_year", classes)
    letters = [_class_of(one, view).letter for one in (29_999.4, 29_999.6, 30_000.0, math.nan, None)]
    assert letters == ["1", "2", "2", "?", "?"]  # the page holds whole kWh: 29,999.6 is 30,000 there
    place = box(0, 0, 20, 10)
    units = gpd.GeoDataFrame(
        {"yield_fit_kwh_per_year": [12_000.0, None]}, geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], crs=28992
    )
    scene = SimpleNamespace(units=units, view=view)
    parts = _parts(scene, place)
    assert [one.letter for one in parts] == ["1", "?"]
    assert [one.label for one in _legend(scene, parts)[1]] == ["tot 30.000", "30.000 en meer", "onbekend"]
    assert [one.label for one in _legend(scene, parts[:1])[1]] == ["tot 30.000", "30.000 en meer"]


def test_what_could_not_be_summed_is_named_once():
    names = (
        "zonnepanelen verhuren (eigen daken)",
        "zonnepanelen verhuren (VvE)",
        "groen onderhouden (onbekend: groen)",
    )
    (said,) = _incomplete({"missing_nl": "; ".join(f"niet meegerekend: {one}" for one in names)})
    assert "Let op: 2 soorten diensten" in said.text
    assert said.text.count("zonnepanelen verhuren") == 1


def test_a_contribution_is_said_over_all_homes_and_over_those_that_join():
    ends = {"": 231.4, "_low": 78.0, "_high": 512.0}
    case = {f"contribution_eur_per_participant{end}": value for end, value in ends.items()}
    case |= {"enterprise_eur_per_year_low": -15_000.0, "enterprise_eur_per_year_high": -3_000.0}
    case |= {"enterprise_eur_per_year": -8_330.0, "homes": 360.0}
    span = "tussen 100 en 500 euro, in 8 van de 10 berekeningen"
    each = (
        "ongeveer 8.000 euro per jaar (over alle woningen ongeveer 20 euro; per woning die meedoet ongeveer 200 euro, "
    )
    assert contribution_nl(case) == f"{each}{span})"
    case["contribution_eur_per_participant_low"] = -60.0
    assert contribution_nl(case).endswith(
        "tussen \N{MINUS SIGN}100 en 500 euro, in 8 van de 10 berekeningen: onder 0 is er geen nodig)"
    )


def test_a_whole_buurt_that_earns_more_is_named_beside_a_place_that_does_not(monkeypatch):
    names = ("stays_eur_per_year", "stays_eur_per_year_low", "stays_eur_per_year_high", "earns_keep_frac")
    rows = [
        ("buurt", "Buitengebied", 7, 21_000.0, 9_000.0, 33_000.0, 0.93),  # seven homes are no larger place
        ("buurt", "Oost", 5304, 14_344.0, 2_000.0, 26_000.0, 0.62),
        ("best", "Plek 1", 360, -7_000.0, -11_000.0, -4_000.0, 0.0),
    ]
    cases = pd.DataFrame(rows, columns=["place_kind", "place_name", "homes", *names]).assign(track="long")
    store = SimpleNamespace(read=lambda name: cases)
    words = _larger(store, cases.iloc[2])
    assert "in Oost (5.304 woningen) blijft ongeveer 14.000 euro per jaar" in words
    assert words.endswith("de kans dat het wijkbedrijf zichzelf betaalt is daar 62%.")
    assert _larger(store, cases.iloc[1]) == ""
    store.read = lambda name: cases.assign(stays_eur_per_year=-1.0)
    assert _larger(store, cases.iloc[2]) == ""  # no buurt earns anything either
