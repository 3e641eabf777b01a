"""The map of a few places in memory, whole: every theme and layer, what lies beside them, and their limits one by one."""

from __future__ import annotations

import math
from functools import cache
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point, Polygon, box

from kansenkaart.errors import StoreError
from kansenkaart.present.mapspec import Column, Layer
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.map import spec, themes
from kansenkaart.tables.provenance import Provenance
from tests.pinned import same_as_pinned
from tests.publish.tables import Tables
from tests.publish.test_places import case, squares

MONTHS = {f"yield_fit_kwh_month_{k:02}": [10.0 * k, 0.0, None] for k in range(1, 13)}


class Shown(Tables, ReaderStore):
    """What readers see of tables in memory."""

    def __init__(self, tables, behind, *, public=True, member=None):
        super().__init__(tables, SOURCES)
        self.behind, self.public, self._member = Tables(behind), public, member or {}

    @property
    def member(self):
        """For each block the number under which it is shown."""
        return self._member


def _lines(count, **more):
    shapes = [LineString([(10 * k, 0), (10 * k + 10, 0)]) for k in range(count)]
    return gpd.GeoDataFrame(more, geometry=shapes, crs=28992)


def tables():
    """Return a table of each kind that the map draws, three rows or fewer."""
    return {name: frame.copy() for name, frame in _made().items()}


@cache
def _made():
    buurten = squares(3, people=[90.0, 80.0, None], score_basis=["lod22", "dsm", "lod22"]).drop(columns="gebied_id")
    stays = {"stays_part_eur_per_year": [5_000.0, 7_000.0, None], "stays_fixed_eur_per_year": -8_000.0}
    water = {"class_grey": ["A", "?", "C"], "class_rain": ["A", "B", "B"], "net_grey_eur": [900.0, None, -50.0]}
    water |= {"grey_water_m3_per_year": [400.0, 300.0, 90.0], "price_year": [2024, 2025, 2023]}
    water |= {"reused_m3_per_year": 90.0, "net_grey_home_eur_high": 5.0, "saving_rain_off_eur": 70.0}
    roofs = {"modules_fit": [4.0, 0.0, None], "modules_pay": [1.0, 0.0, None]}
    roofs |= {"yield_fit_kwh_per_year": [780.0, 0.0, None], "yield_pay_kwh_per_year": [300.0, 0.0, None], **MONTHS}
    pipes = {
        "pipe_id": ["a", "b"],
        "diameter_as_is_mm": [300.0, 250.0],
        "replacement_year": [2030, 2060],
        "homes": [40, 90],
        "system": "gemengd",
    }
    given = {
        "pipe_id": ["b", "b", "a"],
        "material": ["urn:x#Beton", "urn:x#PVC", None],
        "length_m": [4.0, 5.0, 6.0],
        "system": "gemengd",
    }
    best = {"best_id": [0, 1], "criterion": ["stays", "stays"], "rank": [1, 2], "best_name": ["Kade", "Oost"]}
    cases = [
        case(kind, key, track) for kind in ("gebied", "buurt") for key in ("0", "1") for track in ("long", "short")
    ]
    cases += [case("best", "0", stays=9_000.0), case("best", "1", stays=-4_000.0, earns_keep_frac=0.1)]
    shapes = [box(0, 0, 10 + k, 10) for k in range(len(cases))]
    return {
        "buurt_score": buurten.assign(
            buurtcode=["BU00010101", "BU00010102", "BU00020101"], buurtnaam=["Noord", "Zuid", "West"]
        ),
        "gebied": squares(2, gebied_name=["Een", "Twee"], sun_kwh_per_year=[5e6, None], blocks=1),
        "best_area": squares(2, **best, block_ids=["0,1", "2"]).drop(columns="gebied_id"),
        "best_border": _lines(
            2, best_border_id=[0, 1], best_id=[1, 0], border_class=["water", "local"], length_m=[8.0, 9.0]
        ),
        "block": squares(3, block_id=[0, 1, 2], streets=["Kade", "Laan", ""], place_name="Noord").assign(
            gebied_id=pd.array([0, 1, None], "Int64")
        ),
        "block_border": pd.DataFrame(
            {
                "block_a": [0, 1],
                "block_b": [1, 2],
                "border_class": ["main", "rail"],
                "length_m": 9.0,
                "passable": [1, 0],
            }
        ),
        "block_facts": pd.DataFrame({"block_id": [0, 1, 2], **stays}),
        "enterprise_case": gpd.GeoDataFrame(cases, geometry=shapes, crs=28992),
        "pand_score": squares(3, pand_id=["p1", "p2", "p3"], sun_class=["A", "C", None], score_basis="lod22", **roofs),
        "roof_face_score": squares(
            2, face_id=["f1", "f2"], pand_id=["p1", "p2"], sun_class=["A", "C"], tilt_deg=[35.0, 0.0], azimuth_deg=180.0
        ),
        "street_water": squares(3, street_id=["s1", "s2", "s3"], street_name=["Kade", "Laan", None], **water),
        "street_score": squares(
            3, street_key=["k1", "k2", "k3"], street=["Kade", "Laan", "123"], grey_water_m3_per_year=[40.0, 30.0, 9.0]
        ),
        "pipe_water": _lines(2, **pipes),
        "sewer_pipe": _lines(3, **given, street_name=None),
        "home": gpd.GeoDataFrame(
            {
                "home_id": ["h1", "h2", "h3", "h4"],
                "pand_id": ["p1", "p1", "p2", "p3"],
                "street_name": ["Kade", "Kade", "Laan", None],
                "house_number": [2, 1, 9, None],
                "house_letter": None,
                "house_addition": None,
                "postcode": ["1234AB", "1234AC", "1234AC", "1234AC"],
            },
            geometry=[Point(k, 1) for k in range(4)],
            crs=28992,
        ),
        "home_area": pd.DataFrame({"home_id": ["h1", "h2", "h3", "h4"], "block_id": pd.array([0, 1, 1, 2], "Int64")}),
        "pand": squares(3, pand_id=["p1", "p2", "p3"]),
        "terrain": squares(
            5,
            terrain_id=list("abcde"),
            kind=["waterdeel", "wegdeel", "begroeidterreindeel", "overig", "waterdeel"],
            relative_level=[0, None, 0, 0, 1],
        ),
    }


STUDY = SimpleNamespace(title="Plaats", name="plaats", invented=False, areas=SimpleNamespace(target_homes=330))
_NAMED = {"cbs": ("statistics", 2024), "bag": ("home", None), "3dbag": ("roof_face", None)}
_SAID_ELSEWHERE = ("household", "enterprise", "roof_owner", "municipality", "contribution", "yield_fit_kwh_month")
SOURCES = tuple(
    Provenance(role, who, "CC0", f"(c) {who}", "2025", "x", "0" * 64, year) for who, (role, year) in _NAMED.items()
)


def _layer(one):
    frame = pd.DataFrame(one.frame.drop(columns="geometry"))
    frame = frame[[name for name in frame.columns if not name.startswith(_SAID_ELSEWHERE)]]
    rows = [
        f"{name}: {', '.join(f'{v:.4g}' if isinstance(v, float) else str(v) for v in frame[name])}" for name in frame
    ]
    columns = [
        f"{c.name} ({c.label}; {c.unit}; {c.kind}; {c.source}; {c.basis_column})"
        for c in one.columns
        if not c.name.startswith(_SAID_ELSEWHERE)
    ]
    size = [round(float(one.frame.area.sum()), 1), round(float(one.frame.length.sum()), 1)]
    head = f"{one.label} {one.kind} {one.key} {one.title_column} {one.arrows} {one.links} {size}"
    return "\n".join([head, *columns, *rows])


def _theme(one):
    views = [
        f"{view.label} [{view.column}] {view.note}: {' / '.join(c.label for c in view.classes)}" for view in one.views
    ]
    names = (
        "popup",
        "table",
        "outlines",
        "filter_column",
        "question",
        "lead",
        "headline",
        "parties",
        "months",
        "parts",
    )
    story = (one.story.shows, one.story.limits, one.story.method, one.story.finding)
    return "\n".join(
        [f"{one.title} {one.layer}", *views, *(f"{name}: {getattr(one, name)}" for name in names), *story]
    ).replace("_eur_per_year", "_")


def _tool(one):
    if one is None:
        return "none"
    rows = [one.layer, one.homes, one.totals, one.target, one.target_low, one.target_high, one.note, one.fixed]
    rows += [*one.borders, *one.areas, *one.criteria, one.edges.to_dict("list")]
    return "\n".join(map(str, rows))


def _whole(made):
    said = {f"layer {one.name}": _layer(one) for one in made.layers}
    said |= {f"theme {one.key}": _theme(one) for one in made.themes}
    search = (
        [] if made.search is None else [f"{a} ({b}) {p.x:g} {p.y:g}" for a, b, p in made.search.itertuples(index=False)]
    )
    rest = [made.title, made.study, made.edition, made.example, made.public, made.contact, made.pages, made.questions]
    rest += [made.context, *made.sources, *made.credits, *search, *sorted(made.words)]
    return {**said, "tool": _tool(made.tool), "rest": "\n".join(map(str, rest))}


def test_a_map_of_a_few_places_is_as_it_was_read():
    beside = spec.Companions(
        factsheets={"best-1": "f1", "buurt-BU00010101": "f2"},
        reports={"gebied-0": "r"},
        talks={"best-1": "t"},
        contact="Wie?",
    )
    made = _whole(spec.picture(Tables(tables(), SOURCES), STUDY, beside))
    bare = {
        name: one
        for name, one in tables().items()
        if name in ("street_score", "pand_score", "sewer_pipe", "block", "block_border", "pand")
    }
    bare["sewer_pipe"] = bare["sewer_pipe"].drop_duplicates("pipe_id")
    bare["pand_score"] = bare["pand_score"].drop(columns=[*MONTHS, "score_basis"])
    made |= {f"poor: {name}": text for name, text in _whole(spec.picture(Tables(bare, SOURCES), STUDY)).items()}
    blocks = {
        "block_border": tables()["block_border"],
        "block": tables()["block"].assign(yield_fit_kwh_per_year=[5e6, 1e6, 3e6], yield_pay_kwh_per_year=1e5),
    }
    public = Shown(blocks, tables(), member={"0": "0", "1": "1", "2": "1"})
    made |= {f"public: {name}": text for name, text in _whole(spec.picture(public, STUDY)).items()}
    same_as_pinned("pins/drawn.txt", made)


def test_nothing_to_draw_is_an_error_that_says_what_to_do():
    with pytest.raises(StoreError, match="status plaats"):
        spec.picture(Tables({}), STUDY)
    with pytest.raises(StoreError, match="run plaats --intern"):
        spec.picture(Shown({}, {}), STUDY)
    with pytest.raises(StoreError, match="status plaats"):
        spec.picture(Shown({}, {}, public=False), STUDY)


def test_the_ground_is_of_level_0_without_streets_where_there_is_much_and_without_specks(monkeypatch):
    ground = tables()["terrain"]
    speck = gpd.GeoDataFrame(
        {"terrain_id": ["z", "a"], "kind": "waterdeel", "relative_level": None},
        geometry=[Polygon(), box(0, 0, 9, 9)],
        crs=28992,
    )
    store = Tables({"terrain": pd.concat([ground, speck])})

    def drawn():
        return [
            (a, b)
            for made in spec._ground(store)
            for a, b in zip(made.frame["terrain_id"], made.frame["ground"], strict=True)
        ]

    assert drawn() == [("a", "water"), ("b", "street"), ("c", "green")]
    monkeypatch.setattr(spec, "_MOST_GROUND", 5)  # five are left: a, b, c, the speck and a second part of a
    assert ("b", "street") in drawn()
    monkeypatch.setattr(spec, "_MOST_GROUND", 4)
    assert drawn() == [("a", "water"), ("c", "green")]
    store.tables["terrain"] = speck.iloc[:1]
    assert spec._ground(store) == []
    assert spec._ground(Tables({})) == []


def test_outlines_of_buildings_are_those_of_the_register_without_a_name():
    pand = tables()["pand"]
    pand.loc[1, "geometry"] = Polygon()
    (made,) = spec._buildings(Tables({"pand": pand}))
    assert made.frame["building"].tolist() == ["1", "2"]
    assert made.frame.area.tolist() == [100.0, 100.0]
    assert made.frame.geometry.iloc[1].bounds == (20.0, 0.0, 30.0, 10.0)
    assert len(spec._buildings(Shown({}, {"pand": pand}))) == 1
    assert spec._buildings(Shown({"pand": pand}, {})) == []


@pytest.mark.parametrize(("rows", "words"), [(2, ""), (1, "Van de 2 staat er 1 niet"), (0, "Van de 2 staan er 2 niet")])
def test_rows_that_are_not_shown_are_counted(rows, words):
    row = next(one for one in themes.themes() if one.theme == "gebieden")
    store = Shown({"gebied": squares(rows)}, {})
    store.describe = lambda _name: {"rows": 2}
    said = themes._not_shown(store, row)
    assert said.startswith(words)
    assert bool(said) == bool(words)
    store.public = False
    assert themes._not_shown(store, row) == ""
    assert themes._not_shown(Tables({"gebied": squares(1)}), row) == ""
    assert themes._not_shown(Shown({}, {}), row) == ""
    block = next(one for one in themes.themes() if one.theme == "blokken")
    joined = Shown({"block": squares(3)}, {})
    joined.describe = lambda _name: {"rows": 5}
    assert themes._not_shown(joined, block).endswith("met een buurblok samengevoegd: van 5 naar 3.")


def test_blocks_that_lie_scattered_are_one_pale_piece_with_no_figure_but_their_homes():
    block = squares(5, homes=[60, 3, 0, 4, 90]).assign(gebied_id=pd.array([0, None, None, None, 1], "Int64"))
    given = squares(
        2, gebied_name=["a", "b"], homes=[60, 90], blocks=[1, 1], band_reason_nl=None, sun_eur_per_year=[1.0, 2.0]
    )
    made = themes._areas(Tables({"block": block}), given)
    last = made.iloc[-1]
    assert (len(made), last["gebied_id"], last["gebied_name"], last["homes"], last["blocks"]) == (
        3,
        -1,
        "Verspreid liggend",
        7,
        2,
    )
    assert last["band_reason_nl"].startswith("Boerderijen en losse huizen")
    assert math.isnan(last["sun_eur_per_year"])
    assert last["geometry"].area == 200.0
    assert made["homes"].dtype == given["homes"].dtype
    assert made.crs == given.crs
    for none in (Tables({}), Tables({"block": block.assign(homes=0)}), Tables({"block": block.assign(gebied_id=0)})):
        assert len(themes._areas(none, given)) == 2
    assert len(themes._areas(Tables({"block": block}), given.iloc[:0])) == 0


def test_best_areas_are_drawn_by_what_stays_else_by_what_they_were_sought_by_first():
    frame = tables()["best_area"].assign(criterion=["kwh", "stays"])
    assert themes._best(Tables({}), frame)["best_name"].tolist() == ["Oost"]
    assert themes._best(Tables({}), frame.assign(criterion=["kwh", "border"]))["best_name"].tolist() == ["Kade"]
    assert themes._best(Tables({}), frame.iloc[:0]) is None
    borders = themes._best_borders(Tables(tables()), tables()["best_border"])
    assert borders["best_name"].tolist() == ["Oost", "Kade"]


def test_the_first_words_on_best_areas_say_whether_one_can_be_told_from_the_others():
    def said(*chances, stays=1_000.0, **more):
        rows = [
            {**case("best", str(k), stays=stays), "best_name": f"P{k}", "earns_keep_frac": one}
            for k, one in enumerate(chances)
        ]
        return themes._best_words(pd.DataFrame(rows).assign(**more))

    assert said(0.6, 0.2) == "Het beste gebied: P0"
    assert [said(*[0.6] * many) for many in (2, 5, 6)] == [
        f"{one} gebieden zijn even kansrijk" for one in ("Twee", "Vijf", "Vijf")
    ]
    assert said(0.2, 0.2, 0.9) == "Van de 3 beste gebieden ligt er geen aantoonbaar voor"
    assert said(0.2, 0.9) == "Nog geen gebied komt uit"
    assert said(0.6, None) == said(0.6, stays_eur_per_year_low=None) == ""
    assert themes._best_words(pd.DataFrame({"best_name": ["a"]})) == ""


def test_streets_are_points_only_where_no_water_was_scored():
    frame = tables()["street_score"]
    made = themes._street_points(Tables({}), frame)
    assert [(one.x, one.y) for one in made.geometry] == [(5.0, 5.0), (15.0, 5.0), (25.0, 5.0)]
    assert made.crs == frame.crs
    assert themes._street_points(Tables({"street_water": frame}), frame) is None


def test_sewers_are_those_that_were_scored_with_what_the_register_says_else_the_register():
    every = tables()
    made = themes._sewers(Tables(every), every["pipe_water"])
    assert made[["pipe_id", "material", "length_m"]].astype(object).where(made.notna(), None).to_numpy().tolist() == [
        ["a", None, 6.0],
        ["b", "Beton", 4.0],
    ]
    assert len(themes._sewers(Tables({"sewer_pipe": every["sewer_pipe"]}), None)) == 3
    alone = themes._sewers(Tables({}), every["pipe_water"])
    assert "material" not in alone
    assert themes._sewers(Tables({}), None) is None


def test_a_block_is_called_by_the_commonest_postcode_in_it():
    every = tables()
    assert themes._postcodes(Tables(every)).to_dict() == {"0": "1234AB", "1": "1234AC", "2": "1234AC"}
    shown = Shown({}, every, member={"0": "0", "1": "0", "2": "2"})
    assert themes._postcodes(shown).to_dict() == {"0": "1234AC", "2": "1234AC"}
    for gone in ("home", "home_area"):
        assert len(themes._postcodes(Tables({name: one for name, one in every.items() if name != gone}))) == 0


def test_months_are_shares_of_the_year_and_nothing_of_a_year_without_sun():
    frame = themes._panden(Tables({}), tables()["pand_score"])
    assert frame["month_12"].tolist() == pytest.approx([120 / 780, math.nan, math.nan], nan_ok=True)
    assert frame[[f"month_{k:02}" for k in range(1, 13)]].iloc[0].sum() == pytest.approx(1.0)
    made = themes._months(frame)
    assert [one.name for one in made] == [f"month_{k:02}" for k in range(1, 13)]
    assert {(one.label, one.unit, one.decimals) for one in made} == {("deel van het jaar", "aandeel", 3)}
    assert themes._months(frame.drop(columns="yield_fit_kwh_month_07")) == ()
    assert "month_01" not in themes._panden(Tables({}), tables()["pand_score"].drop(columns="yield_fit_kwh_per_year"))


def test_the_first_four_figures_of_a_panel_are_those_of_the_factsheet():
    names = ["block_id", "household_eur_per_year", "stays_eur_per_year_low", "stays_eur_per_year_median", "streets"]
    names += ["yield_fit_kwh_month_01", "kwp_room", "blocks", "people", "homes"]
    assert themes._lead(names) == ("homes", "people", "blocks", "kwp_room")
    assert themes._lead(names[:7]) == ("kwp_room",)


def test_what_pays_is_said_beside_what_fits_where_it_is_known():
    def said(**data):
        return themes._paying(Layer("x", "x", "polygon", pd.DataFrame(data), (), "x", "x"))

    assert said(yield_pay_kwh_per_year=[123_400.0, None]) == "; 120 MWh daarvan loont"
    assert said(yield_pay_kwh_per_year=[None, None]) == said(homes=[1]) == ""


def test_a_theme_is_filtered_by_the_first_ground_that_differs():
    frame = pd.DataFrame({"score_basis": ["lod22", "lod22"], "sewer_basis": ["gwsw", None], "block_basis": ["a", "b"]})
    columns = tuple(Column(name, "", "", kind="text") for name in frame.columns)
    layer, theme = Layer("x", "x", "polygon", frame, columns, "x", "x"), themes.Theme("t", "t", "x", (), None, (), ())
    assert spec._finished(theme, [layer], ("buurten",)).filter_column == "sewer_basis"
    assert spec._finished(themes.replace(theme, filter_column="own"), [layer], ()).filter_column == "own"
    alike = themes.replace(layer, frame=frame.iloc[:1])
    assert spec._finished(theme, [alike], ("buurten",)).outlines == ("buurten",)
    assert spec._finished(theme, [alike], ()).filter_column == ""


def _division(count, off=0.0):
    """Areas whose bounds follow half and twice their part; in one the lower bound is so far off [EUR/year]."""
    part = np.arange(count) * 1_000.0
    ends = {"_low": 0.5 * part - 3_000.0 + np.where(np.arange(count) == 3, off, 0.0), "_high": 2 * part + 3_000.0}
    homes = 300.0 + 10.0 * (np.arange(count) % 3)
    frame = {f"stays_eur_per_year{end}": values for end, values in ends.items()}
    return pd.DataFrame({**frame, "stays_part_eur_per_year": part, "homes": homes})


@pytest.mark.parametrize(
    ("count", "off", "kept"), [(8, 0.0, True), (7, 0.0, False), (9, 1_000.0, True), (9, 3_000.0, False)]
)
def test_bounds_are_a_rule_where_eight_places_or_more_follow_it(monkeypatch, count, off, kept):
    monkeypatch.setattr(themes, "with_case", lambda *_: _division(count, off))
    store = Tables({"gebied": pd.DataFrame(), "enterprise_case": pd.DataFrame()})
    assert bool(themes._bounds(store)) is kept
    assert (
        themes._bounds(Tables({"gebied": pd.DataFrame()}))
        == themes._bounds(Tables({"enterprise_case": pd.DataFrame()}))
        == ()
    )


def test_fixed_costs_come_off_any_area_where_blocks_know_their_part():
    every = tables()
    layer = Layer("blokken", "", "polygon", every["block"], (Column("stays_part_eur_per_year", "", ""),), "x", "x")
    made = themes._fixed(Tables({"block_facts": every["block_facts"]}), layer)
    assert made["note"] == "Van wat blijft gaan per gebied nog de vaste kosten af: ongeveer 8.000 euro per jaar."
    assert (made["fixed"].column, made["fixed"].value) == ("stays_part_eur_per_year", -8_000.0)
    assert themes._fixed(Tables({}), layer) == {}
    assert themes._fixed(Tables({"block_facts": every["block_facts"]}), themes.replace(layer, columns=())) == {}
