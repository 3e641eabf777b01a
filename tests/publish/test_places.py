"""The figures of places at their limits: whose case, how round, per which homes, which places are alike."""

from __future__ import annotations

import math
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from kansenkaart.publish import figures
from kansenkaart.publish.figures import ENDS, ROOFS_OF_HOMES, Around
from tests.publish.tables import Tables

PARTIES = ("stays", "household", "enterprise", "roof_owner", "municipality")


def case(kind, place, track="long", stays=1_000.0, half=3_000.0, **more):
    """Make a row of ``enterprise_case``: every amount is `stays`, its interval `half` to either side [EUR/year]."""
    ends = zip(ENDS, (0.0, -half, 10.0, half), strict=True)
    amounts = {f"{one}_eur_per_year{end}": stays + by for end, by in ends for one in PARTIES}
    each = {f"contribution_eur_per_participant{end}": 100.0 for end in ("", "_low", "_high")}
    names = {"place_kind": kind, "place_id": place, "track": track, "place_name": f"Plek {place}", "homes": 300}
    names |= {"contract_service": "green_maintenance", "contract_eur_per_year": 14_530.0, "services_nl": "groen"}
    return {**names, **amounts, **each, "earns_keep_frac": 0.5, "stays_if_owned_eur_per_year": math.nan, **more}


def squares(count=3, **more):
    """Draw squares of 10 m in a row."""
    shapes = [box(10 * k, 0, 10 * k + 10, 10) for k in range(count)]
    return gpd.GeoDataFrame({"gebied_id": range(count), "homes": 100, **more}, geometry=shapes, crs=28992)


def test_a_case_is_found_by_kind_id_and_track():
    rows = [case("gebied", "0"), case("gebied", "0", "short", 2_000.0), case("best", "0", stays=3_000.0)]
    store = Tables({"enterprise_case": pd.DataFrame(rows)})
    found = [
        figures.case_of(store, *asked)
        for asked in (("gebied", "0"), ("gebied", "0", "short"), ("best", "0"), ("best", "0", "short"), ("buurt", "0"))
    ]
    assert [None if one is None else one["stays_eur_per_year"] for one in found] == [
        1_000.0,
        2_000.0,
        3_000.0,
        None,
        None,
    ]
    assert {key: one["stays_eur_per_year"] for key, one in figures.cases_of(store).items()} == {
        ("gebied", "0"): 1_000.0,
        ("best", "0"): 3_000.0,
    }
    assert figures.cases_of(Tables({})) == {}
    assert figures.case_of(Tables({}), "gebied", "0") is None


def test_places_get_the_amounts_of_their_case_and_their_part_before_the_fixed_costs():
    rows = [case("gebied", "0", stays=-500.0), case("gebied", "0", "short", 9.0), case("best", "1", stays=7.0)]
    tables = {"enterprise_case": pd.DataFrame(rows)}
    out = figures.with_case(Tables(tables), squares(2), "gebied", "gebied_id")
    names = [f"{one}_eur_per_year{end}" for one in PARTIES for end in ENDS]
    assert list(out.columns) == ["gebied_id", "homes", "geometry", ROOFS_OF_HOMES, *names, "earns_keep_frac"]
    assert out.loc[0, names].tolist() == [-500.0, -3_500.0, -490.0, 2_500.0] * 5
    assert out.loc[1, names].isna().all()
    tables["block_facts"] = pd.DataFrame(
        {"block_id": [1, 2], "stays_fixed_eur_per_year": -8_000.0, "stays_part_eur_per_year": [40.0, 50.0]}
    )
    out = figures.with_case(Tables(tables), squares(2), "gebied", "gebied_id")
    assert out["stays_part_eur_per_year"].tolist() == pytest.approx([7_500.0, math.nan], nan_ok=True)
    blocks = squares(3).assign(block_id=[2, 1, 3])
    parts = figures.with_parts(Tables(tables), blocks)["stays_part_eur_per_year"]
    assert parts.tolist() == pytest.approx([50.0, 40.0, math.nan], nan_ok=True)
    assert figures.with_parts(Tables({}), blocks) is blocks
    bare = figures.with_case(Tables({}), squares(2), "gebied", "gebied_id")
    assert bare[ROOFS_OF_HOMES].tolist() == [True, True]
    assert list(bare.columns) == ["gebied_id", "homes", "geometry", ROOFS_OF_HOMES]


def test_half_of_what_fits_on_roofs_of_homes_is_enough():
    kwh = [50.0, 50.0, 49.0, 51.0, None, 0.0]
    pand = gpd.GeoDataFrame(
        {"homes": [3, 0, 1, None, 2, 0], "yield_fit_kwh_per_year": kwh},
        geometry=[box(x, 1, x + 2, 3) for x in (1, 5, 11, 15, 21, 25)],
        crs=28992,
    )
    store = Tables({"pand_score": pand})
    assert figures._roofs_of_homes(store, squares(3)).tolist() == [True, False, True]
    public = SimpleNamespace(has=lambda _: False, behind=store)  # of the public edition, which holds no panden
    assert figures._roofs_of_homes(public, squares(3)).tolist() == [True, False, True]


def test_a_sum_is_of_at_least_one_home():
    row = {"homes": 0.0, "people": 3.0, "yield_fit_kwh_per_year": 8.0}
    assert figures.each_home(row, "people") == 3.0
    assert figures.each_home({**row, "homes": 2.0}, "yield_fit_kwh_per_year") == 4.0
    assert math.isnan(figures.each_home({**row, ROOFS_OF_HOMES: False}, "yield_fit_kwh_per_year"))
    names = ["people", "yield_fit_kwh_per_year", "yield_pay_kwh_per_year", "sun_eur_per_year", "kwp_pay"]
    assert [figures.divides(one) for one in names] == [True, False, True, True, False]


def _alike(low, high, chance):
    names = ("stays_eur_per_year_low", "stays_eur_per_year_high", "earns_keep_frac")
    first = pd.Series(dict(zip(names, (100.0, 200.0, 0.25), strict=True)))
    return bool(figures.alike(pd.DataFrame([dict(zip(names, (low, high, chance), strict=True))]), first)[0])


def test_places_are_alike_where_their_intervals_touch_and_their_chances_are_said_alike():
    assert [_alike(low, high, 0.25) for low, high in ((200.0, 300.0), (200.1, 300.0), (0.0, 100.0), (0.0, 99.9))] == [
        True,
        False,
        True,
        False,
    ]
    # 0.25 is said as 3 in 10, as is all from 0.25 to below 0.35.
    assert [_alike(100.0, 200.0, one) for one in (0.249, 0.25, 0.34, 0.35)] == [False, True, True, False]


def _verdict(stays, low, high, chance, count=1):
    row = {"name": "a", "stays_eur_per_year": stays, "earns_keep_frac": chance}
    row |= {"stays_eur_per_year_low": low, "stays_eur_per_year_high": high}
    return figures.verdict_of(pd.DataFrame([row] * count), "name")


def test_a_verdict_at_its_limits():
    assert len(_verdict(1.0, -1.0, 2.0, 0.5, 7).equal) == 5
    cases = [(1.0, 0.5), (1.0, 0.499), (0.0, 0.9), (0.5, 0.9)]
    assert [(one.earns, one.gains) for one in (_verdict(stays, -1.0, 2.0, chance) for stays, chance in cases)] == [
        (True, True),
        (False, True),
        (False, False),
        (True, True),
    ]
    ends = [(0.0, 5.0), (-5.0, 0.0), (0.1, 5.0), (-5.0, -0.1), (-1.0, 1.0)]
    assert [_verdict(1.0, low, high, 0.5).around_zero for low, high in ends] == [True, True, False, False, True]


def test_the_owner_turns_the_order_only_among_areas_on_the_short_track_by_more_than_is_known():
    def turned(*others, mine=100.0):
        owned = "stays_if_owned_eur_per_year"
        rows = [case("gebied", "0", "short", **{owned: mine}), case("gebied", "0", "long", **{owned: mine})]
        rows += [case(kind, "1", track, **{owned: value}) for kind, track, value in others]
        found = figures.turned_by_owner(Tables({"enterprise_case": pd.DataFrame(rows)}), "gebied", "0")
        return None if found is None else (found[0]["place_kind"], found[0][owned], found[1][owned])

    assert turned(("best", "short", 6_100.5)) == ("best", 6_100.5, 100.0)  # the interval is 6,000 wide
    assert turned(("best", "short", 6_100.0)) is None
    assert turned(("buurt", "short", 9_000.0), ("best", "long", 9_000.0)) is None
    assert turned(("best", "short", 0.5), mine=-6_000.0) == ("best", 0.5, -6_000.0)
    assert turned(("best", "short", 0.0), mine=-6_001.0) is None
    assert turned(("best", "short", 9_000.0), mine=math.nan) is None
    assert turned(("best", "short", math.nan), ("gebied", "short", 8_000.0)) == ("gebied", 8_000.0, 100.0)
    assert figures.turned_by_owner(Tables({}), "gebied", "0") is None


def test_more_homes_help_where_a_larger_buurt_lacks_less_than_half_for_each():
    each = "contribution_eur_per_participant"
    mine = case("gebied", "0", stays=-4_000.0)

    def found(*rows, of=mine):
        cases = pd.DataFrame(
            [case("buurt", key, homes=homes, **{each: one, f"{each}_low": low}) for key, homes, one, low in rows]
        )
        best = figures.with_more_homes(cases, of)
        return None if best is None else best["place_id"]

    assert found(("a", 301, 49.9, 10.0)) == "a"
    assert found(("a", 301, 50.0, 10.0)) is None  # half of 100 is no less than half
    assert found(("a", 300, 20.0, 10.0)) is None  # no larger
    assert found(("a", 301, 20.0, 0.0)) == "a"
    assert found(("a", 301, 20.0, -0.1)) is None  # it may need nothing: no amount to compare
    assert found(("a", 301, 30.0, 9.0), ("b", 400, 20.0, 9.0), ("c", 299, 10.0, 9.0)) == "b"
    lacking = ("a", 301, 20.0, 10.0)
    assert found(lacking, of={**mine, "enterprise_eur_per_year": 0.0}) is None
    assert found(lacking, of={**mine, f"{each}_low": -0.1}) is None
    assert found(lacking, of={**mine, f"{each}_low": 0.0}) == "a"


@pytest.mark.parametrize(
    ("name", "value", "width", "words"),
    [
        ("homes", 1_234.0, 0.0, "1.234"),  # counted
        ("people", 99.4, 0.0, "99 personen"),
        ("people", 99.5, 0.0, "100 personen"),  # as the map has it, then two digits
        ("people", 104.0, 0.0, "100 personen"),
        ("people", 105.0, 0.0, "110 personen"),
        ("people", -105.0, 0.0, "\u2212100 personen"),
        ("corporation_pct", 123.4, 0.0, "123%"),  # of a publisher
        ("stays_eur_per_year", 99.0, 30.0, "99 euro per jaar"),  # a step of 10 would leave little of it
        ("stays_eur_per_year", 96.0, 400.5, "100 euro per jaar"),
        ("stays_eur_per_year", 104.0, 30.0, "100 euro per jaar"),
        ("stays_eur_per_year", 154.0, 30.0, "150 euro per jaar"),
        ("stays_eur_per_year", 154.0, 400.0, "150 euro per jaar"),
        ("stays_eur_per_year", 154.0, 400.1, "200 euro per jaar"),
        ("stays_eur_per_year", -1_234.0, 0.0, "\u22121.200 euro per jaar"),
        ("kwp_pay", 12.34, 0.0, "12,3 kWp"),
        ("laid_year", 1987.0, 900.0, "1987"),
        ("earns_keep_frac", 0.126, 0.5, "13%"),
        ("people", math.nan, 4.0, "onbekend"),
        ("people", None, 0.0, "onbekend"),
    ],
)
def test_a_figure_is_no_more_exact_than_it_is_known(name, value, width, words):
    assert figures.figure_words(name, value, width) == words


def test_a_mean_has_two_digits_only_where_it_is_estimated():
    assert figures.mean_words("grey_water_m3_per_year", 1_234.0) == "1.200 m³ per jaar"
    assert figures.mean_words("gas_use_m3_per_home", 1_234.0) == "1.234 m³ per woning per jaar"
    assert figures.mean_words("stays_part_eur_per_year", math.nan) == "onbekend"


def test_an_interval_is_as_wide_as_from_low_to_high_and_nothing_where_an_end_is_unknown():
    def width(**row):
        return figures.width_of(pd.Series(row, dtype=float), "x")

    assert width(x_low=-1.0, x_high=4.0) == 5.0
    assert [width(x_low=1.0), width(x_high=1.0), width(x_low=math.nan, x_high=1.0), width(x_low=1.0, x_high=None)] == [
        0.0
    ] * 4


def _group(**more):
    return pd.DataFrame({"buurtcode": ["BU00010101", "BU00010102", "BU00020101"], "homes": [100.0, 300.0, 0.0], **more})


def test_a_mean_is_of_rows_that_know_both_their_homes_and_the_figure():
    frame = _group(
        people=[200.0, 900.0, 50.0], corporation_pct=[10.0, None, 99.0], yield_fit_kwh_per_year=[500.0, 1_500.0, 9.0]
    )
    assert figures.mean_of(frame, "people") == 1_100 / 400
    assert figures.mean_of(frame, "corporation_pct") == 10.0
    assert figures.mean_of(frame, "yield_fit_kwh_per_year") == 5.0
    mixed = frame.assign(**{ROOFS_OF_HOMES: [False, True, True]})
    assert figures.mean_of(mixed, "yield_fit_kwh_per_year") == 5.0
    assert figures.mean_of(mixed.assign(yield_fit_kwh_per_year=[9e9, 1_500.0, 9.0]), "yield_fit_kwh_per_year") == 5.0
    assert figures.mean_of(mixed, "people") == 1_100 / 400
    assert figures.mean_of(mixed, "corporation_pct") == 10.0
    for lacking in (
        frame.drop(columns="homes"),
        frame.drop(columns="people"),
        frame.iloc[2:],
        frame.assign(people=np.nan),
    ):
        assert figures.mean_of(lacking, "people") is None
    ints = frame.assign(homes=pd.array([100, None, 50], dtype="Int64"))
    assert figures.mean_of(ints, "people") == 250 / 150


def test_what_is_not_there_is_unknown_or_of_other_buildings():
    halls = "niet per woning: vooral op andere gebouwen"
    frame = _group(yield_fit_kwh_per_year=[None, 1.0, None], people=1.0, **{ROOFS_OF_HOMES: False})
    assert figures.absent(frame, "yield_fit_kwh_per_year") == halls
    assert figures.absent(frame, "people") == "onbekend"
    assert figures.absent(frame, "sun_kwh_per_year") == "onbekend"
    assert figures.absent(frame.iloc[:1], "yield_fit_kwh_per_year") == "onbekend"
    assert figures.absent(frame.drop(columns=ROOFS_OF_HOMES), "yield_fit_kwh_per_year") == "onbekend"
    assert (
        figures.absent(frame.assign(**{ROOFS_OF_HOMES: [True, False, False]}), "yield_fit_kwh_per_year") == "onbekend"
    )


def test_what_places_are_compared_with_is_of_their_code_and_of_blocks_where_buurten_lack_it():
    units = pd.DataFrame(
        {
            "buurtcode": ["BU00010101", "BU00010102", "BU00020101", None],
            "homes": [10, 10, 10, 10],
            "water_eur_per_year": [20.0, 40.0, 600.0, 9_000.0],
        }
    )
    around = Around(_group(people=[200.0, 900.0, 50.0]), units)
    assert around.of("BU0001")["people"] == (2.75, "")
    assert around.of("BU0001")["water_eur_per_year"] == (3.0, "")
    assert around.of("BU00010102")["water_eur_per_year"] == (4.0, "")
    assert around.of("BU0001")["corporation_pct"] == (None, "onbekend")
    assert list(around.of("BU0001")) == figures.fields.on_sheet("compare")
    here = pd.Series({"buurtcode": "BU00010102", "buurtnaam": "Zuid", "homes": 300.0, "people": 900.0})
    assert around.own(here)["people"] == (3.0, "")
    assert around.own(here)["water_eur_per_year"] == (4.0, "")  # a buurt lacks it: of its blocks
    assert around.own(here.drop("buurtnaam"))["water_eur_per_year"] == (None, "onbekend")
    assert Around(_group(), None).own(here)["water_eur_per_year"] == (None, "onbekend")
    assert Around(_group(people=[200.0, 900.0, 50.0]), None).of("BU00010101")["people"] == (2.0, "")


def test_a_place_without_homes_has_no_means():
    def mean(name="people", **row):
        return figures._mean_here(
            pd.Series({"people": 6.0, "corporation_pct": 40.0, "homes": 2.0, **row}, dtype=object), name
        )

    assert (mean(), mean("corporation_pct")) == (3.0, 40.0)
    assert [mean(homes=0.0), mean(homes=None), mean(people=None), mean(homes=math.nan), mean("kwp_pay")] == [None] * 5
    assert mean(homes=1.0) == 6.0
    roofs = {"yield_fit_kwh_per_year": 8.0, ROOFS_OF_HOMES: False}
    assert mean("yield_fit_kwh_per_year", **roofs) is None


def test_a_place_is_of_the_buurt_that_it_holds_the_most_of():
    buurten = squares(3).assign(buurtcode=["BU1", "BU2", "BU3"])
    assert figures.buurt_of(buurten, pd.Series({"geometry": box(4, 0, 17, 10)})) == "BU2"
    assert figures.buurt_of(buurten, pd.Series({"geometry": box(4, 0, 15, 10)})) == "BU1"
    assert figures.buurt_of(buurten, pd.Series({"geometry": box(4, 0, 17, 10), "buurtcode": "BU9"})) == "BU9"
    assert figures.buurt_of(buurten, pd.Series({"geometry": box(21, 0, 29, 10), "buurtcode": None})) == "BU3"


def test_readers_are_told_whom_to_tell():
    wish = "Wilt u uw dak niet op de kaart? Vraag het daar ook: het verdwijnt uit de volgende uitgave."
    told = [
        figures.contact_of(SimpleNamespace(contact=who, invented=invented))
        for who, invented in (("a@b.nl", False), ("", True))
    ]
    assert told == [f"Meld het aan a@b.nl. {wish}", "Meld het aan degene van wie u deze kaart kreeg."]
