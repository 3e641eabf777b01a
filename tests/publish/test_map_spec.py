"""The map of the example as a frozen spec: questions, context, legends, and what can be searched."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest

from kansenkaart.config import read_study
from kansenkaart.present.editionpages import PlaceRow
from kansenkaart.present.style import AMOUNT, COSTS, GAINS, QUALITY, STROKES, ramp_classes
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.map import legend as legends
from kansenkaart.publish.map import themes
from kansenkaart.publish.map.legend import view_of
from kansenkaart.publish.map.spec import picture
from kansenkaart.publish.steps import overview
from kansenkaart.tables.store import Store
from tests.present.pictures import picture as drawn


@pytest.fixture(scope="module")
def spec(finished):
    store = Store(finished / "data" / "processed" / "proefveld")
    return picture(store, read_study(finished / "studies" / "proefveld.toml"))


def test_every_theme_stands_under_a_question_and_the_first_says_where_to_begin(spec):
    assert list(spec.questions) == ["begin", "sun", "water", "more"]
    assert {one.question for one in spec.themes} == set(spec.questions)
    assert spec.themes[0].question == "begin"


def test_the_place_is_drawn_from_the_layers_of_the_study(spec):
    assert spec.context == ("ondergrond", "panden")
    ground = spec.layer("ondergrond").frame
    assert set(ground["ground"]) == {"water", "green", "street"}
    assert "terrain" in " ".join(one.key for one in spec.sources)  # its licence asks for its name


def test_addresses_are_found_by_house_number_but_not_in_the_public_edition(finished, spec):
    addresses = spec.search[spec.search["kind"] == "adres"]
    assert len(addresses) == 1034  # the example's plan has 1,034 homes, each with an address of its own
    assert addresses["text"].str.fullmatch(r"\D+ \d+.*").all()
    store = ReaderStore(Store(finished / "data" / "processed" / "proefveld"), public=True)
    public = picture(store, read_study(finished / "studies" / "proefveld.toml"))
    assert "adres" not in set(public.search["kind"])


def test_each_source_says_up_to_when_its_figures_go(finished, spec):
    notes = {one.key: one.note for one in spec.sources}
    assert notes["proefveld-statistics"] == "cijfers over 2025"
    assert notes["proefveld-home"] == "leeftijd niet genoemd"  # its edition is 1: no date, so not taken for new
    text = next((finished / "maps" / "proefveld").glob("overzicht*.html")).read_text("utf-8")
    assert "editie 1, cijfers over 2025" in text
    assert "editie 1, leeftijd niet genoemd" in text


def test_a_report_without_a_factsheet_is_named_after_its_place_with_all_its_forms(finished):
    store = ReaderStore(Store(finished / "data" / "processed" / "proefveld"), public=True)
    study = read_study(finished / "studies" / "proefveld.toml")
    case = store.read("enterprise_case").set_index("place_kind").loc["gebied"].iloc[0]
    stem = f"gebied-{case['place_id']}"
    about = overview(
        store, study, (), start=None, layers={}, reports=(f"{stem}.html", f"{stem}.xlsx"), folder="proefveld"
    )
    assert about.reports == (
        PlaceRow(
            f"Gebied {case['place_name']}",
            str(case["homes"]),
            (("lezen", f"haalbaarheid/{stem}.html"), ("rekenblad", f"haalbaarheid/{stem}.xlsx")),
        ),
    )


def test_codes_are_said_per_column(spec):
    assert spec.words["score_basis"]["footprint"] == "omtrek van gebouwen; daken onbekend"
    assert spec.words["pipe_basis"]["gwsw"] == "riool zoals de gemeente het opgeeft"
    assert "homes" not in spec.words


def legend(name: str, values: list, **more):
    return view_of(pd.DataFrame({name: values, **more}), name).classes


def test_more_is_darker_and_a_is_best_and_darkest():
    amounts = legend("homes", [1, 10, 100, 1000, 10_000, 20_000])
    assert [one.color for one in amounts] == list(AMOUNT)
    assert [one.letter for one in amounts] == ["1", "2", "3", "4", "5"]
    classes = legend("sun_class", ["A", "D"])
    assert [one.letter for one in classes] == ["A", "B", "C", "D", "-", "?"]
    assert classes[0].color == QUALITY["A"] == AMOUNT[-1]


def test_euros_below_nothing_have_another_hue():
    classes = legend("enterprise_eur_per_year", [-4000.0, -3000.0, -1000.0, 500.0, 2000.0, 9000.0])
    below = [one for one in classes if one.high is not None and one.high <= 0]
    assert {one.color for one in below} <= set(COSTS)
    assert {one.color for one in classes if one not in below} <= set(GAINS)
    assert any(one.low == 0.0 for one in classes)


@pytest.mark.parametrize(("below", "bounds"), [(-14.0, [-15.0, 0.0]), (-16.0, [0.0])])
def test_a_class_in_which_nothing_lies_is_none(below, bounds):
    """Bounds are rounded: no amount lies between -15 and 0 where the three below nothing are -16 each."""
    assert legends._around_0(pd.Series([below] * 3 + [0.0] * 3), 0.0) == bounds


def test_no_class_is_narrower_than_the_figures_are_sure():
    middle = [-9000.0, -6100.0, -3900.0, -2000.0, -300.0, 1000.0]
    sure = legend(
        "enterprise_eur_per_year", middle, enterprise_eur_per_year_low=middle, enterprise_eur_per_year_high=middle
    )
    assert len([one for one in sure if one.low is not None and one.high is not None]) == 3  # the case without doubt
    wide = {
        "enterprise_eur_per_year_low": [one - 5000.0 for one in middle],
        "enterprise_eur_per_year_high": [one + 5000.0 for one in middle],
    }
    classes = legend("enterprise_eur_per_year", middle, **wide)
    assert [(one.low, one.high) for one in classes] == [(None, 0.0), (0.0, None)]


def test_places_that_differ_less_than_is_known_have_one_colour():
    middle = [-9400.0, -9100.0, -8900.0, -8600.0]
    bounds = {
        f"stays_eur_per_year{end}": [one + by for one in middle] for end, by in (("_low", -3000), ("_high", 3000))
    }
    classes = legend("stays_eur_per_year", middle, **bounds)
    assert [(one.low, one.high) for one in classes] == [(None, 0.0), (0.0, None)]


def test_bounds_are_figures_that_people_can_hold():
    classes = legend("homes", [11, 13, 17, 23, 29, 47, 53, 71])
    assert [one.low for one in classes[1:]] == [15.0, 20.0, 30.0, 50.0]


def test_a_rank_is_a_number_with_a_name_and_no_colour_of_its_own():
    classes = legend("rank", [2, 1, 3], best_name=["Oost, zuid", "Kade", "West"])
    assert [(one.letter, one.label) for one in classes] == [("1", "Kade"), ("2", "Oost, zuid"), ("3", "West")]
    assert len({one.color for one in classes}) == 1


def test_kinds_of_lines_differ_in_pattern_too():
    for name in ("system", "pipe_change", "border_class"):
        patterns = [pattern for (of, _), pattern in STROKES.items() if of == name]
        assert len(set(patterns)) == len(patterns) > 3


def test_where_no_roof_is_shown_blocks_answer_the_question_on_sun():
    layer, theme = drawn().layers[0], drawn().themes[0]
    view = replace(
        theme.views[0], column="yield_fit_kwh_per_year", classes=ramp_classes([40.0], ["tot 40", "40 en meer"])
    )
    frame = layer.frame.assign(yield_fit_kwh_per_year=51_000.0)
    blocks = (replace(layer, frame=frame), replace(theme, key="blokken", question="more", views=(*theme.views, view)))
    made = themes.with_sun([blocks])
    assert [(one.key, one.question) for _, one in made] == [("blokken", "more"), ("zon_blokken", "sun")]
    assert made[1][1].views == (view,)
    assert made[1][1].story.finding == "De daken kunnen samen ongeveer 460 MWh per jaar geven"  # 9 x 51 = 459
    assert themes.with_sun(made) == made  # a study that shows roofs has its own
    some = frame.assign(yield_fit_kwh_per_year=[51_000.0, 51_000.0, *[None] * (len(frame) - 2)])
    made = themes.with_sun([(replace(blocks[0], frame=some), blocks[1])])
    assert made[1][1].story.finding == (  # what is unknown is no roof that gives nothing
        "De daken van 2 van de 9 blokken kunnen samen ongeveer 100 MWh per jaar geven; van de andere is het onbekend"
    )
    alike = [(blocks[0], replace(blocks[1], views=(*theme.views, replace(view, classes=view.classes[:1]))))]
    assert themes.with_sun(alike) == alike  # one class for all is no answer


def test_years_have_no_point_and_kinds_no_ramp():
    years = legend("laid_year", [1905, 1950, 1968, 1987, 2001, 2020])
    assert not any("." in one.label for one in years)
    assert years[-1].label.endswith(" en later")
    kinds = legend("system", ["gemengd", "hemelwater"])
    assert not {one.color for one in kinds} & set(AMOUNT)
    assert len({one.letter for one in kinds}) == len(kinds)


def test_panden_without_roofs_in_3d_still_make_a_map(finished, monkeypatch):
    has = Store.has
    monkeypatch.setattr(Store, "has", lambda self, name: name != "roof_face_score" and has(self, name))
    made = picture(
        Store(finished / "data" / "processed" / "proefveld"), read_study(finished / "studies" / "proefveld.toml")
    )
    assert {one.layer for one in made.themes} >= {"panden"}
    assert not {one.parts for one in made.themes} - {("", "")}


def test_sewers_that_were_not_scored_leave_nothing_out_of_a_public_edition(tmp_path):
    row = next(one for one in themes.themes() if one.theme == "riool")
    assert themes._not_shown(ReaderStore(Store(tmp_path), public=True), row) == ""


class _Stored:
    """A store that has every table."""

    def has(self, name):
        return True

    def read(self, name):
        return name


def _areas(count=9, off=0.0):
    """Areas whose bounds follow 0.5 and 2 times their sum, 10 euro a home below and 40 a home above; one of them `off` it."""
    part, homes = [1000.0 * k for k in range(count)], [300 + 7 * (k % 4) for k in range(count)]
    low = [0.5 * one - 10 * many - 3000 for one, many in zip(part, homes, strict=True)]
    high = [2 * one + 40 * many for one, many in zip(part, homes, strict=True)]
    low[0] += off
    return pd.DataFrame(
        {
            "stays_part_eur_per_year": part,
            "homes": homes,
            "stays_eur_per_year_low": low,
            "stays_eur_per_year_high": high,
        }
    )


def test_bounds_of_any_area_follow_those_of_the_division_or_are_left_out(monkeypatch):
    monkeypatch.setattr(themes, "with_case", lambda *_: _areas())
    low, high = themes._bounds(_Stored())
    assert low == pytest.approx((-3000.0, 0.5, -10.0))
    assert high == pytest.approx((0.0, 2.0, 40.0), abs=1e-6)
    monkeypatch.setattr(themes, "with_case", lambda *_: _areas(7))
    assert themes._bounds(_Stored()) == ()
    monkeypatch.setattr(themes, "with_case", lambda *_: _areas(off=9_000.0))
    assert themes._bounds(_Stored()) == ()


def test_a_share_of_all_is_not_said_to_be_more_than_all():
    labels = [one.label for one in legend("main_buurt_frac", [0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0])]
    assert labels[-1] == "100%"
    assert labels[0].startswith("tot ")
    rare = legend("earns_keep_frac", [0.0, 0.0, 0.004, 0.008, 0.02, 0.05])
    assert [one.label for one in rare if one.low is None] == ["tot 0,4%"]  # below 0% lies nothing


@pytest.mark.parametrize(
    ("theme", "rows", "shows"),
    [
        ("beste", 1, "Het beste gebied van ongeveer 500 woningen."),
        ("beste", 4, "De 4 beste gebieden van ongeveer 500 woningen die elkaar niet overlappen, beste eerst."),
        (
            "gebieden",
            2,
            "De plaats verdeeld in aaneengesloten gebieden van ongeveer 500 woningen (het eerste wijkbedrijf had er 330).",
        ),
    ],
)
def test_areas_are_said_to_be_as_large_as_was_asked_and_of_one_what_is_true_of_one(theme, rows, shows):
    row = next(one for one in themes.themes() if one.theme == theme)
    frame = pd.DataFrame({"gebied_id": range(rows), "homes": 480})
    assert themes._story(frame, row, "", 500).shows == shows


def test_homes_that_lie_scattered_are_no_area():
    row = next(one for one in themes.themes() if one.theme == "gebieden")
    frame = pd.DataFrame({"gebied_id": [0, 1, -1], "homes": [320, 340, 55]})
    assert themes._story(frame, row, "", 330).finding == "2 gebieden met 660 woningen"


@pytest.mark.parametrize(("gone", "words"), [(1, "Van de 9 staat er 1 niet in"), (2, "Van de 9 staan er 2 niet in")])
def test_rows_that_readers_do_not_get_are_counted_in_words_that_fit(tmp_path, monkeypatch, gone, words):
    row = next(one for one in themes.themes() if one.theme == "gebieden")
    monkeypatch.setattr(ReaderStore, "has", lambda *_: True)
    monkeypatch.setattr(ReaderStore, "describe", lambda *_: {"rows": 9})
    monkeypatch.setattr(ReaderStore, "read", lambda *_: range(9 - gone))
    assert themes._not_shown(ReaderStore(Store(tmp_path), public=True), row).startswith(words)


def test_the_slider_reaches_around_the_size_that_a_study_asks_for(finished):
    store = Store(finished / "data" / "processed" / "proefveld")
    layer = next(layer for layer, theme in themes.drawn(store, (), target_homes=330) if theme.key == "blokken")
    ends = {target: themes.tool_of(store, layer, target) for target in (330, 1_000)}
    assert [(one.target_low, one.target, one.target_high) for one in ends.values()] == [
        (150, 330, 600),
        (450, 1_000, 1_820),
    ]
    border = store.read("block_border")
    assert ends[330].edges["passable"].tolist() == border["passable"].tolist()


def test_layers_get_the_colours_of_the_map_each_once(spec):
    views = themes.views_by_table(spec.themes)
    assert set(views["enterprise_case"]) == {"wijkbedrijf_gebied", "wijkbedrijf_buurt"}
    assert set(views["block"]) == {"blokken"}
    (rank,) = (one for one in views["best_area"]["beste"] if one.column == "rank")
    assert [one.label for one in rank.classes][:2] == [
        "plaats 1",
        "plaats 2",
    ]  # a style of QGIS holds no name of others
    zon = replace(next(one for one in spec.themes if one.key == "blokken"), key="zon_blokken")
    assert themes.views_by_table([*spec.themes, zon]) == views  # one that is made of another theme adds none


def test_round_figures_that_bounds_begin_with_are_each_at_most_a_third_more():
    assert legends._HANDY[0] * 10 == legends._HANDY[-1]
    assert max(after / before for before, after in pairwise(legends._HANDY)) <= 4 / 3
