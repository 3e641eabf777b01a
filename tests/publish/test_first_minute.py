"""What is proposed first and said of it, whole, of a few places in memory; and its limits one by one."""

from __future__ import annotations

import math
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kansenkaart.publish.figures import Verdict
from kansenkaart.publish.map import ranking
from tests.pinned import same_as_pinned
from tests.publish.tables import Tables, tool_of
from tests.publish.test_places import case, squares


def areas(count=3, **more):
    """Areas of a division, with their names."""
    return squares(count, gebied_name=[f"Gebied {k}" for k in range(count)], **more)


def best(*rows, **more):
    """Best areas: rank, criterion and name of each."""
    named = [dict(zip(("rank", "criterion", "best_name"), row, strict=True)) for row in rows]
    frame = squares(len(rows)).drop(columns="gebied_id")
    return frame.assign(**pd.DataFrame(named), best_id=range(len(rows)), **more)


def test_best_areas_come_first_by_what_stays_then_by_power_then_the_division():
    rows = [(2, "stays", "b"), (1, "kwh", "k"), (1, "stays", "a"), (1, "border", "r")]
    tables = {"best_area": best(*rows), "gebied": areas()}
    found = ranking.proposed(Tables(tables))
    assert (found.kind, found.key, found.name) == ("best", "best_id", "best_name")
    assert found.frame["best_name"].tolist() == ["a", "b"]
    assert found.frame.index.tolist() == [0, 1]
    only = ranking.proposed(Tables({**tables, "best_area": best(*rows[1:2], rows[3])}))
    assert only.frame["best_name"].tolist() == ["k"]
    others = ranking.proposed(Tables({**tables, "best_area": best(rows[3])}))
    assert (others.kind, others.key, others.name, len(others.frame)) == ("gebied", "gebied_id", "gebied_name", 3)
    assert ranking.proposed(Tables({"gebied": areas().iloc[:0]})) is None
    assert ranking.proposed(Tables({})) is None


def test_grounds_are_four_that_are_known_and_no_part_of_another():
    names = ("sun_eur_per_year", "water_eur_per_year", "yield_pay_kwh_per_year", "yield_fit_kwh_per_year")
    names += ("sun_kwh_per_year", "grey_water_m3_per_year", "corporation_frac", "border_m")
    frame = pd.DataFrame({name: [1.0, None] for name in names})

    def found(given):
        return [one.name for one in ranking.grounds(given)]

    assert found(frame.assign(stays_eur_per_year=1.0)) == ["stays_eur_per_year", "corporation_frac", "border_m"]
    assert found(frame) == [
        "sun_eur_per_year",
        "water_eur_per_year",
        "yield_pay_kwh_per_year",
        "grey_water_m3_per_year",
    ]
    unknown = frame.assign(sun_eur_per_year=None, yield_pay_kwh_per_year=None)
    assert found(unknown) == [
        "water_eur_per_year",
        "yield_fit_kwh_per_year",
        "grey_water_m3_per_year",
        "corporation_frac",
    ]
    assert found(frame[["border_m", "sun_kwh_per_year"]]) == ["sun_kwh_per_year", "border_m"]
    assert found(pd.DataFrame({"homes": [1]})) == []


def _told(start):
    if start is None:
        return "none"
    answers = [f"{one.question} {one.answer} | {one.origin} | {one.folded}" for one in start.answers]
    places = [" ; ".join(map(str, asdict(one).values())) for one in start.places]
    rest = [start.title, start.mark, f"{start.layer} {start.feature} {start.link} {','.join(start.units)}"]
    return "\n".join([*rest, *answers, *places, *map(str, start.unknown)])


def _store(*, cases=(), **tables):
    more = {"enterprise_case": pd.DataFrame(list(cases))} if cases else {}
    return Tables({**tables, **more}, (SimpleNamespace(credit="(c) Kadaster"), SimpleNamespace(credit="CBS")))


def _cases(*stays, kind="best", half=3_000.0, **more):
    return [case(kind, str(k), track, one, half, **more) for k, one in enumerate(stays) for track in ("long", "short")]


_THREE = [(1, "stays", "Kade"), (2, "stays", "Oost"), (3, "stays", "West")]
_SURE = {"sure_frac": 0.6, "sure_draws": 40, "candidates": 12, "bound_gap_frac": 0.0, "border_cost_eur_per_year": 900.0}
_SEWERS = pd.DataFrame({"class_grey": ["?", "A", "?"]})
_OWNED = {"stays_if_owned_eur_per_year": 22_000.0}


def _starts():
    short = {"earns_keep_frac": 0.1}
    tool = tool_of()
    linked = ranking.ProposedArea("best-0", "Kade", ("4", "5"), (), link="factsheets/best-0.html")
    buurt = case("buurt", "BU1", stays=21_000.0, homes=900)
    yield "earns, like others", _store(best_area=best(*_THREE), cases=_cases(3_100, 3_000, 2_000)), tool
    yield (
        "earns, alone, in a tool",
        _store(best_area=best(*_THREE, **_SURE), cases=_cases(9e3, 1e3, 5e2)),
        ranking.replace(tool, areas=(linked,)),
    )
    lacking = [*_cases(-4_000, -9_000, -40_000, **short), *_cases(-4_000, -4_100, kind="gebied", **short), buurt]
    yield "lacks, one of many", _store(best_area=best(*_THREE, score_basis=["lod22", None, "dsm"]), cases=lacking), None
    alone = _cases(-4_000, -19_000, -40_000, **short)
    yield "lacks, alone", _store(best_area=best(*_THREE), sewer_pipe=_SEWERS, street_water=_SEWERS, cases=alone), None
    owned = [
        *_cases(-4_000, -4_000, -4_000, **short, **_OWNED),
        case("best", "9", "short", **{"stays_if_owned_eur_per_year": 90_000.0}),
    ]
    yield "turned by an owner", _store(best_area=best(*_THREE), cases=owned), None
    gains = _cases(2_000, -30_000, half=900.0, **short)
    yield (
        "of a division",
        _store(gebied=areas(2, score_basis="lod22"), cases=[one | {"place_kind": "gebied"} for one in gains]),
        None,
    )
    worse = _cases(-30_000, 2_000, kind="gebied", half=900.0)
    yield "of a division, the second first", _store(gebied=areas(2), cases=worse), None
    yield "no sums", _store(gebied=areas(2, sun_eur_per_year=[100.0, 40_000.0])), None
    yield "nothing", _store(), None


def test_the_first_minute_says_what_was_read():
    made = {title: _told(ranking.first_minute(store, tool, store.sources)) for title, store, tool in _starts()}
    same_as_pinned("pins/first_minute.txt", made)


def test_without_a_case_the_first_figure_that_is_known_is_said():
    def said(**row):
        one = ranking._without_case(pd.Series({"homes": 100.0, "sun_eur_per_year": math.nan, **row}))
        return f"{one.answer}; {one.origin}"

    assert said(sun_eur_per_year=23_456.0, water_eur_per_year=9.0) == (
        "ongeveer 23.000 euro per jaar; ongeveer 230 euro per woning; alleen zon"
    )
    assert said(water_eur_per_year=50.0, homes=0.0) == (
        "ongeveer 50 euro per jaar; ongeveer 50 euro per woning; alleen grijswater"
    )
    assert (
        said(yield_pay_kwh_per_year=45_000.0, yield_fit_kwh_per_year=9e6)
        == "45 MWh stroom per jaar; in euro's nog onbekend"
    )
    assert said(yield_fit_kwh_per_year=90_000.0) == "90 MWh stroom per jaar; in euro's nog onbekend"
    nothing = "in euro's nog onbekend: er ontbreken gegevens over daken of riolen"
    assert said(grey_water_m3_per_year=1_234.0) == (
        f"ongeveer 1.200 m³ grijswater per jaar om te hergebruiken; {nothing}"
    )
    assert said() == f"onbekend; {nothing}"


@pytest.mark.parametrize(
    ("gap", "cost", "words"),
    [
        (0.0004, None, "brengt in het rekenmodel minder dan 0,1% meer op"),
        (0.0005, 0.49, "brengt in het rekenmodel hoogstens 0,1% meer op; zonder op de rand te letten niets meer"),
        (
            0.2,
            0.51,
            "brengt in het rekenmodel hoogstens 20,0% meer op; zonder op de rand te letten hoogstens €\u00a01 meer",
        ),
        (1.0, 1_234.0, "hoogstens 100,0% meer op; zonder op de rand te letten hoogstens €\u00a01.200 meer"),
    ],
)
def test_a_proof_says_how_far_off_another_area_may_be(gap, cost, words):
    assert ranking._proof(gap, cost).endswith(words)


@pytest.mark.parametrize(("left", "words"), [(0.0, "Niets extra"), (-0.1, "Elke woning die meedoet")])
def test_what_it_takes_turns_at_nothing(left, words):
    row = {"enterprise_eur_per_year": left, "enterprise_eur_per_year_low": left, "enterprise_eur_per_year_high": left}
    row |= {"contract_eur_per_year": math.nan, "homes": 50, "contract_service": None}
    row |= {f"contribution_eur_per_participant{end}": 20.0 for end in ("", "_low", "_high")}
    assert ranking._needs(pd.Series(row)).startswith(words)


def test_a_contract_and_what_lacks_without_it_are_rounded_by_the_width_of_the_interval():
    row = {"enterprise_eur_per_year": 1_234.0, "enterprise_eur_per_year_low": -2_000.0, "homes": 90}
    row |= {"enterprise_eur_per_year_high": 2_400.0, "contract_eur_per_year": 3_456.0}
    words = ranking._needs(pd.Series({**row, "contract_service": "green_maintenance"}))
    assert words.startswith("Een contract van de gemeente voor groen onderhouden: ongeveer 3.500 euro per jaar")
    assert words.endswith("Zonder dat contract is er ongeveer 2.000 euro tekort.")
    assert ranking._needs(pd.Series({**row, "contract_eur_per_year": 1_234.0})).startswith("Niets extra")


def test_a_contribution_is_next_to_nothing_where_its_step_leaves_none_of_it():
    ends = dict.fromkeys(("enterprise_eur_per_year_low", "enterprise_eur_per_year_high"), -800.0)

    def said(each, low, high):
        three = dict(zip(("", "_low", "_high"), (each, low, high), strict=True))
        row = {f"contribution_eur_per_participant{end}": value for end, value in three.items()}
        return ranking._needs(pd.Series({"enterprise_eur_per_year": -800.0, **ends, **row, "homes": 90}))

    assert said(5.0, 0.0, 400.0) == (
        "Elke woning die meedoet legt ongeveer 10 euro per jaar bij, tussen 0 en 400 euro (gerekend met 160 van de 90 woningen)."
    )
    assert said(4.4, 0.0, 400.0).startswith(
        "Bijna niets: het wijkbedrijf komt naar verwachting ongeveer 800 euro per jaar"
    )
    assert said(4.6, -0.1, 399.0).endswith("; misschien is er niets nodig (gerekend met 174 van de 90 woningen).")
    assert said(49.0, 0.0, 401.0).startswith("Bijna niets")
    assert said(50.0, 0.0, 401.0).startswith("Elke woning")


def test_a_larger_buurt_is_named_only_where_more_stays_there():
    def said(stays, homes=301, mine=-500.0, **more):
        cases = pd.DataFrame([case("buurt", "BU1", stays=stays, homes=homes, **more)])
        return ranking._larger(Tables({"enterprise_case": cases}), pd.Series(case("best", "0", stays=mine)))

    assert said(5_000.0).startswith("Dan kan het meer zijn: in Plek BU1 (301 woningen) blijft ongeveer 5.000 euro")
    assert said(5_000.0, half=300.0).endswith(
        "per jaar, tussen 4.700 en 5.300 euro, in 8 van de 10 berekeningen; "
        "de kans dat het wijkbedrijf zichzelf betaalt is daar 50%."
    )
    assert [said(5_000.0, homes=300), said(0.0), said(700.0, mine=700.0), said(5_000.0, track="short")] == [""] * 4
    assert said(0.1)
    assert said(700.1, mine=700.0)


def test_level_counts_areas_of_the_division_that_are_alike_from_two_on():
    def said(*stays):
        cases = pd.DataFrame(_cases(*stays, kind="gebied") + _cases(1_000.0, kind="buurt"))
        return ranking._level(Tables({"enterprise_case": cases}), pd.Series(case("best", "0")))

    assert said(1_000.0, 2_000.0) == "alle 2 gebieden op de kaart zijn binnen de marge gelijk"
    assert said(1_000.0, 2_000.0, 90_000.0) == "2 van de 3 gebieden op de kaart zijn binnen de marge gelijk"
    assert said(1_000.0, 2_000.0, math.nan) == "alle 2 gebieden op de kaart zijn binnen de marge gelijk"
    assert said(1_000.0, 90_000.0) == ""
    assert ranking._level(Tables({}), None) == ""


@pytest.mark.parametrize(
    ("verdict", "level", "kind", "said"),
    [
        (None, "", "best", ("Plein", "de beste plek die is gevonden")),
        (None, "", "gebied", ("Plein", "van de voorgestelde gebieden staat dit bovenaan")),
        (Verdict(True, True, False, ("Plein",)), "", "best", ("Plein", "de beste plek die is gevonden")),
        (
            Verdict(True, True, False, ("Plein",)),
            "",
            "gebied",
            ("Plein", "van de voorgestelde gebieden staat dit bovenaan"),
        ),
        (
            Verdict(False, True, False, ("Plein",)),
            "alle 3",
            "gebied",
            ("Plein", "van de voorgestelde gebieden staat dit bovenaan"),
        ),
        (
            Verdict(True, True, False, ("Plein", "Laan", "Pad")),
            "alle 3",
            "gebied",
            ("Plein", "een van de drie: gelijke kans, en een verschil kleiner dan de marge"),
        ),
    ],
)
def test_which_place_stands_first_is_said_with_why(verdict, level, kind, said):
    one = ranking._where("Plein", kind, verdict, level)
    assert (one.answer, one.origin) == said


def test_titles():
    assert [ranking._title(Verdict(True, True, False, ("a",) * many)) for many in (1, 2, 5)] == [
        "Begin hier",
        "Twee gebieden zijn even kansrijk",
        "Vijf gebieden zijn even kansrijk",
    ]
    assert ranking._title(None) == "Waar beginnen?"


def test_places_on_one_axis_are_five_at_most_and_all_known():
    frame = best(*[(k, "stays", f"P{k}") for k in range(6)])
    store = Tables({"enterprise_case": pd.DataFrame(_cases(*[1_000.0 * k for k in range(6)]))})
    places = ranking.Places("best", ranking.with_case(store, frame, "best", "best_id"), "best_id", "best_name")
    made = ranking._on_one_axis(places)
    assert [(one.feature, one.middle, one.low, one.high, one.chance) for one in made] == [
        (str(k), 1_000.0 * k, 1_000.0 * k - 3_000, 1_000.0 * k + 3_000, 0.5) for k in range(5)
    ]
    assert [("blijft in de buurt" in one.words, "er moet geld bij" in one.words) for one in made[:2]] == [
        (False, True),
        (True, False),
    ]
    places.frame.loc[4, "earns_keep_frac"] = None
    assert ranking._on_one_axis(places) == ()
    assert ranking._on_one_axis(ranking.replace(places, frame=frame)) == ()


def test_the_area_that_leads_has_the_most_for_each_home_or_the_shortest_border():
    frame = areas(3, homes=[100, 10, 50], sun_eur_per_year=[900.0, 800.0, None])
    assert ranking._leading(frame) == 1  # 9, 80 and unknown a home
    assert ranking._leading(areas(3, border_m=[300.0, 200.0, 100.0])) == 2
    assert ranking._leading(areas(3, border_m=[None, 200.0, 100.0])) == 2
    assert ranking._leading(areas(3, stays_eur_per_year=[-3.0, -1.0, -2.0], homes=[1, 100, 1])) == 1
    assert ranking._leading(areas(3)) == 0


def _tool(store):
    return ranking.ranked(tool_of(note="Let op."), store, {"gebied-1": "f.html"})


def test_areas_of_the_division_stand_in_the_tool_with_their_blocks_grounds_and_links():
    block = squares(4).assign(
        block_id=[7, 8, 9, 10], gebied_id=pd.array([0, 1, None, 1], dtype="Int64"), homes=[60, 40, 9, 50]
    )
    given = areas(3, homes=[100, 90, 5], sun_eur_per_year=[900.0, 180.0, 1.0], corporation_frac=[0.25, None, 0.5])
    made = _tool(Tables({"gebied": given, "block": block}))
    assert [(one.key, one.name, one.units, one.note, one.sure_frac, one.link, one.homes) for one in made.areas] == [
        ("gebied-0", "Gebied 0", ("7",), "in blokken op de kaart: 60 woningen", None, "", 100.0),
        ("gebied-1", "Gebied 1", ("8", "10"), "", None, "f.html", 90.0),
    ]
    mine = [one.values for one in made.areas]  # noqa: PD011 - of areas, not of a frame
    assert mine[0] == (9.0, 0.25)
    assert np.isnan(mine[1][1])
    assert [
        (one.key, one.label, one.unit, one.weight, one.higher_is_better, one.decimals) for one in made.criteria
    ] == [
        ("sun_eur_per_year", "zon als alle daken meedoen per woning", "euro per jaar", 100.0, True, 0),
        ("corporation_frac", "deel van corporaties", "aandeel", 0.0, True, 1),
    ]
    assert made.note == "Let op."
    bare = tool_of()
    assert ranking.ranked(bare, Tables({}), {}) is bare


def test_grounds_are_said_with_their_unit_and_which_way_is_better():
    names = ("grey_water_m3_per_year", "border_m", "stays_eur_per_year")
    made = [ranking._criterion(ranking.fields.get(name), 0.0) for name in names]
    assert [(one.higher_is_better, one.decimals, one.label.endswith(" per woning")) for one in made] == [
        (True, 1, True),
        (False, 1, False),
        (True, 1, False),
    ]


@pytest.mark.parametrize(
    ("whole", "public", "said"), [(99, False, ""), (100, False, ""), (101, False, "Niet elke"), (101, True, "Kleine")]
)
def test_homes_that_are_in_no_block_are_told_of(whole, public, said):
    store = Tables({"buurt_score": pd.DataFrame({"homes": [whole - 40, 40]})})
    if public:
        store.public = public
    words = ranking._drawn_nl(store, 100)
    assert words.startswith(said)
    assert bool(words) == bool(said)
    assert ranking._drawn_nl(Tables({}), 100) == ""


def test_who_can_tell_what_is_not_known():
    every = dict.fromkeys(ranking._UNKNOWN, pd.DataFrame())
    streets = {**every, "street_water": _SEWERS}
    assert list(ranking._unknown(Tables(every))) == [ranking._NEVER_KNOWN]
    assert list(ranking._unknown(Tables(streets))) == [
        ("Welk riool in 2 straten ligt", "vraag de waterbeheerder"),
        ranking._NEVER_KNOWN,
    ]
    streets["street_water"] = _SEWERS.iloc[:2]
    assert next(ranking._unknown(Tables(streets)))[0] == "Welk riool in 1 straat ligt"
    streets["street_water"] = _SEWERS.iloc[1:2]
    assert list(ranking._unknown(Tables(streets))) == [ranking._NEVER_KNOWN]
    assert [words for words, _ in ranking._unknown(Tables({}))] == [
        "Van wie de daken zijn",
        "Welk riool er ligt",
        "Hoe de daken liggen",
        "Waar schaduw valt",
        "Waar groen ligt",
        "Hoeveel woningen meedoen",
    ]
