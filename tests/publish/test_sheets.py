"""A factsheet and a talk of a few places in memory, whole; and their limits one by one."""

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
from kansenkaart.publish import factsheets
from kansenkaart.tables.assumptions import default
from tests.pinned import same_as_pinned
from tests.publish.tables import Tables
from tests.publish.test_drawn import SOURCES, tables
from tests.publish.test_places import case, squares

STUDY = SimpleNamespace(
    title="Plaats", name="plaats", invented=False, contact="a@b.nl", areas=SimpleNamespace(target_homes=330)
)


def _sheet(one):
    shape = [f"{part.letter or '-'} {part.color}" for part in one.parts]
    rows = [one.title, one.study, one.edition, one.legend_title, one.around, one.not_said, one.sources, one.contact]
    rows += [one.example, one.public, one.talked, len(one.streets), len(one.buildings), shape]
    rows += [f"{a.letter} {a.label}" for a in one.legend]
    rows += [f"{a.label}: {a.text} | {a.origin}" for a in one.figures]
    rows += [f"{a.label}: {' | '.join(a.texts)}" for a in one.compared]
    rows += [f"{a.label}: {a.low} | {a.middle} | {a.high} | {a.why}" for a in one.moved]
    return "\n".join(map(str, rows))


def _talk(one):
    rows = [one.homes, one.stays, one.span, one.chance, one.condition, *one.parties]
    return "\n".join(map(str, [*rows, *one.partners]))


def _tables():
    every = tables()
    ends = {"yield_fit_kwh_per_year": [9e5, 2e5, None], "yield_fit_kwh_per_year_low": [7e5, 1e5, None]}
    ends |= {"yield_fit_kwh_per_year_high": [1.2e6, 4e5, None], "gas_use_m3_per_home": [900.0, None, 1_100.0]}
    ends |= {"gas_use_m3_per_home_year": [2024, None, 2023], "panden": [9, 8, 7], "corporation_pct": [30.0, 10.0, None]}
    ends |= {"grey_water_m3_per_year": [4_000.0, 3_000.0, None]}
    every["buurt_score"] = every["buurt_score"].assign(**ends)
    sure = {
        "sure_frac": [0.6, None],
        "sure_draws": [40, None],
        "candidates": [1, None],
        "grey_water_m3_per_year": [400.0, 50.0],
    }
    every["best_area"] = every["best_area"].assign(
        **sure, sun_kwh_per_year=[5e5, None], panden=4, blocks=2, homes=[100, 60]
    )
    every["block"] = every["block"].assign(buurtcode=every["buurt_score"]["buurtcode"])
    every["gebied"] = every["gebied"].assign(grey_water_m3_per_year=50.0, panden=3, homes=[100, 0])
    return every


def test_sheets_and_talks_are_as_they_were_read():
    store = Tables(_tables(), SOURCES)
    made = list(factsheets.sheets(store, STUDY, default()))
    said = {one.key: _sheet(one) for one in made}
    said |= {f"talk {one.sheet.key}": _talk(one) for one in factsheets.talks(store, made)}
    poor = {name: one for name, one in _tables().items() if name in ("buurt_score", "enterprise_case")}
    public = list(factsheets.sheets(Tables(poor, SOURCES), STUDY, default(), public=True))
    said |= {f"poor {one.key}": _sheet(one) for one in public}
    assert list(factsheets.talks(Tables(poor, SOURCES), public)) == []
    same_as_pinned("pins/sheets.txt", said)


def test_an_end_of_the_use_of_water_moves_the_amount_in_proportion():
    def said(low, high):
        one = factsheets._by_use("grey_water_m3_per_year", 1_000.0, SimpleNamespace(value=100.0, low=low, high=high))
        return one.low, one.middle, one.high, one.why

    assert said(80.0, 130.0) == (
        "800 m³ per jaar",
        "1.000 m³ per jaar",
        "1.300 m³ per jaar",
        "watergebruik van 80 of 130 liter per persoon per dag, waar wij met 100 rekenen",
    )
    assert said(100.0, 130.0)[0] == "-"
    assert said(80.0, 100.0)[2:] == ("-", "watergebruik van 80 liter per persoon per dag, waar wij met 100 rekenen")


def _moved(**row):
    known = {"water_use_total": SimpleNamespace(value=100.0, low=row.pop("low", 80.0), high=100.0)}
    scene = SimpleNamespace(known=known)
    given = row.pop("case", None)
    return [
        (one.label, one.low, one.middle, one.high)
        for one in factsheets._moved(scene, pd.Series(row, dtype=object), given)
    ]


def test_only_what_is_known_moves():
    ends = {"water_eur_per_year_low": 100.0, "water_eur_per_year": 200.0, "water_eur_per_year_high": 300.0}
    assert _moved(**ends) == [("Opbrengst water", "100 euro per jaar", "200 euro per jaar", "300 euro per jaar")]
    assert _moved(**{**ends, "water_eur_per_year_low": None}) == []
    assert _moved(**dict.fromkeys(ends, 200.0)) == []  # an interval of nothing
    water = {"grey_water_m3_per_year": 50.0}
    assert _moved(**water) == [("Grijswater (aanbod)", "40 m³ per jaar", "50 m³ per jaar", "-")]
    assert _moved(**water, low=100.0) == []
    assert _moved(grey_water_m3_per_year=math.nan) == []
    sure = {"sure_frac": 0.6, "sure_draws": 1_000, "candidates": 1}
    assert _moved(**sure) == [("Bij de beste vijf", "-", "60%", "-")]
    assert _moved(**{**sure, "sure_frac": None}) == []
    two = _moved(case=pd.Series(case("best", "0")))
    assert [label for label, *_ in two] == ["Bewoners", "Wijkbedrijf"]
    assert two[0][1:] == ("\u22122.000 euro per jaar", "1.000 euro per jaar", "4.000 euro per jaar")


def _missing(*texts, **row):
    compared = [SimpleNamespace(texts=texts)] if texts else []
    return [one.split(":")[0].split(",")[0] for one in factsheets._missing(pd.Series(row, dtype=object), compared)]


def test_what_is_not_said_is_named():
    light, power, money, bare = (
        "Zon op het dak is zonlicht",
        "Zon op daken",
        "Wat het in euro's oplevert",
        "Zonder marge",
    )
    assert _missing() == [power, money]
    assert _missing(sun_kwh_per_year=5.0) == [light, money, bare]
    assert _missing(open_sky_kwh_per_year=5.0) == [light, money]
    assert _missing(sun_kwh_per_year=None, yield_pay_kwh_per_year=3.0) == [money, bare]
    assert _missing("9 euro", "onbekend") == [power]
    assert _missing("onbekend", "9 euro") == [power, money]
    assert _missing(stays_eur_per_year=None) == [power, money]
    assert _missing(stays_eur_per_year=4.0, stays_eur_per_year_low=1.0) == [power]
    assert _missing(sun_eur_per_year=4.0) == [power, bare]
    assert _missing(water_eur_per_year=4.0, water_eur_per_year_low=None, yield_fit_kwh_per_year=None) == [power]


def test_six_figures_are_shown_those_that_are_known_first():
    names = factsheets.fields.on_sheet("figure")
    row = pd.Series(dict.fromkeys(names, 1.0))
    assert factsheets._shown(row) == names[:6]
    some = row.where(row.index.isin(names[4:6] + names[-1:]))
    assert factsheets._shown(some) == [*names[4:6], names[-1], "homes", "people", "sun_kwh_per_year"]
    assert factsheets._shown(some.dropna()) == factsheets._shown(some)
    assert len(factsheets._shown(pd.Series(dtype=float))) == 6


@pytest.mark.parametrize(("homes", "made"), [(0, 0), (0.9, 0), (1, 1), (None, 0), (math.nan, 0)])
def test_a_place_without_a_home_has_no_sheet(homes, made, monkeypatch):
    monkeypatch.setattr(factsheets, "compared_with", lambda *_: (("hier",), ()))
    store = Tables({"buurt_score": _tables()["buurt_score"].iloc[:1].assign(homes=[homes])}, SOURCES)
    assert len(list(factsheets.sheets(store, STUDY, default()))) == made


def test_shapes_near_a_place_are_on_its_map_and_those_in_it_have_letters():
    units = squares(60).assign(homes=range(60))
    view = View("woningen", "homes", ramp_classes([5.0], ["tot 5", "5 en meer"]))
    scene = SimpleNamespace(units=units, buurten=None, view=view)
    parts = factsheets._parts(scene, box(0, 0, 64, 10))
    assert [one.letter for one in parts] == ["1"] * 5 + ["2"] + [
        ""
    ] * 41  # to 464 m; the seventh lies in it for less than half
    assert [one.shape.bounds[0] for one in parts] == [10.0 * k for k in range(47)]
    assert factsheets._parts(SimpleNamespace(units=None, buurten=None, view=view), box(0, 0, 1, 1)) == ()
    assert factsheets._parts(SimpleNamespace(units=None, buurten=units, view=None), box(0, 0, 1, 1)) == ()
    assert len(factsheets._parts(SimpleNamespace(units=None, buurten=units, view=view), box(0, 0, 1, 1))) == 41


def test_a_class_holds_its_lower_bound():
    view = View("woningen", "homes", ramp_classes([5.0, 9.0], ["tot 5", "5 tot 9", "9 en meer"]))
    assert [factsheets._class_of(one, view).letter for one in (-9.0, 4.4, 4.6, 5.0, 8.4, 9.0, 1e9, math.nan)] == list(
        "1122233?"
    )
    scene = SimpleNamespace(view=view, units=None)
    assert factsheets._legend(scene, ())[0] == "Woningen per buurt"
    scene = SimpleNamespace(view=View("stroom", "yield_fit_kwh_per_year", view.classes), units=squares(1))
    assert factsheets._legend(scene, ())[0] == "Stroom per bouwblok (kWh per jaar)"
    assert factsheets._legend(SimpleNamespace(view=None), ()) == ("Geen klassen bekend", ())


def test_what_is_compared_is_of_the_buurt_wijk_and_gemeente_in_the_study():
    frame = squares(
        4,
        buurtcode=["BU00010101", "BU00010111", "BU00011201", "BU00020101"],
        buurtnaam=list("abcd"),
        people=[200.0, 300.0, 400.0, 900.0],
    )
    around = factsheets.Around(frame, None)
    names, rows = factsheets.compared_with(frame.iloc[0], around)
    assert names == ("hier", "wijk (2 buurten in de studie)", "gemeente (3 buurten in de studie)")
    assert [(one.label, one.texts) for one in rows] == [
        ("Inwoners per woning", ("2 personen", "2,5 personen", "3 personen"))
    ]
    place = frame.iloc[3].drop("buurtnaam")
    assert factsheets.compared_with(place, around)[0] == (
        "hier",
        "buurt d",
        "wijk (1 buurt in de studie)",
        "gemeente (1 buurt in de studie)",
    )
    alone = factsheets.compared_with(place, factsheets.Around(None, None))
    assert alone[0] == ("hier",)
    assert factsheets.compared_with(frame.iloc[0].drop("people"), factsheets.Around(None, None))[1] == ()


def test_of_the_first_areas_there_is_a_sheet_and_of_five_a_talk(monkeypatch):
    monkeypatch.setattr(factsheets, "MOST_AREAS", 2)
    every = _tables()
    many = {
        "gebied": squares(7, gebied_id=[6, 5, 4, 3, 2, 1, 0]).assign(gebied_name="x"),
        "best_area": every["best_area"],
    }
    found = [(one.kind, one.frame[one.key].tolist()) for one in factsheets._proposals(Tables(many))]
    assert found == [("best", [0, 1]), ("gebied", [0, 1])]
    only = [
        (one.kind, one.frame[one.key].tolist()) for one in factsheets._proposals(Tables({"gebied": many["gebied"]}))
    ]
    assert only == [("gebied", [6, 5])]
    assert list(factsheets._proposals(Tables({}))) == []
    assert factsheets._talked(Tables({"gebied": many["gebied"]})) == {("gebied", str(k)) for k in (6, 5, 4, 3, 2)}
    assert factsheets._talked(Tables({})) == frozenset()


def test_a_partner_hears_the_amount_with_its_margin_or_that_it_is_unknown():
    row = pd.Series(case("best", "0", stays=9_000.0, half=2_600.0))
    amount, span = factsheets._amount("stays", row)
    assert (amount.text, amount.middle, amount.low, amount.high) == ("ongeveer 9.000 euro", 9_000.0, 6_400.0, 11_600.0)
    assert span == "tussen 6.000 en 12.000 euro, in 8 van de 10 berekeningen"
    line = SimpleNamespace(column="stays_eur_per_year", text="U krijgt {amount}.")
    assert factsheets._line(line, row, "") == "U krijgt ongeveer 9.000 euro per jaar (tussen 6.000 en 12.000 euro)."
    none = row.where(~row.index.str.startswith("stays"))
    assert factsheets._line(line, none, "") == "U krijgt nog onbekend."
    unknown, span = factsheets._amount("stays", none)
    assert (unknown.text, unknown.middle, unknown.low, unknown.high, span) == ("nog onbekend", 0.0, 0.0, 0.0, "")
    assert factsheets._line(SimpleNamespace(column="", text="Zie: {water}"), row, "nat") == "Zie: nat"


def test_a_talk_says_what_one_large_owner_would_change():
    def said(stays, **more):
        rows = [case("best", "0"), *([] if stays is None else [case("best", "0", "short", stays)])]
        store = Tables({"enterprise_case": pd.DataFrame(rows), **more})
        made = factsheets._talk(store, pd.Series(rows[0]), SimpleNamespace())
        return made.condition, " ".join(text for one in made.partners for text in (*one.gains, *one.asks, *one.unknown))

    assert (
        said(9_000.0)[0]
        == "Met één grote eigenaar en de gemeente vooraan: ongeveer 9.000 euro per jaar. Uw deelname maakt het verschil."
    )
    assert said(0.0)[0] == "Met één grote eigenaar en de gemeente vooraan: ongeveer 0 euro per jaar."
    assert said(0.5)[0].endswith(" Uw deelname maakt het verschil.")
    assert said(None)[0] == ""
    assert "welk riool hier ligt, is onbekend" in said(None)[1]
    assert "staat per straat op de kaart" in said(None, sewer_pipe=pd.DataFrame())[1]


def test_roofs_of_an_area_rest_on_what_those_of_its_buurt_rest_on():
    buurten = _tables()["buurt_score"]
    row = pd.Series({"geometry": box(11, 0, 19, 10)})
    assert factsheets._roof_basis(SimpleNamespace(buurten=buurten), row) == "dsm"
    assert factsheets._roof_basis(SimpleNamespace(buurten=buurten.assign(score_basis=None)), row) is None
    assert factsheets._roof_basis(SimpleNamespace(buurten=None), row) is None
    elsewhere = pd.Series({"geometry": row["geometry"], "buurtcode": "BU9"})
    assert factsheets._roof_basis(SimpleNamespace(buurten=buurten), elsewhere) is None


def test_what_lies_near_a_place_is_given_in_its_order():
    scene = object.__new__(factsheets._Scene)
    near = scene.near(
        gpd.GeoDataFrame(geometry=[box(x, 0, x + 1, 1) for x in (500.0, 0.0, 400.9, 401.1, -399.0)]), box(0, 0, 1, 1)
    )
    assert [one.bounds[0] for one in near] == [0.0, 400.9, -399.0]
    assert scene.near(None, box(0, 0, 1, 1)) == ()
    assert np.all([one.area == 1.0 for one in near])
