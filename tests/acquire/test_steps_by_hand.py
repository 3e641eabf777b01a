"""How deliveries become the rows of a study, on frames of a few rows: cut to their place, counted, and noted."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.acquire import steps
from kansenkaart.acquire.deliveries import Delivery, Part
from kansenkaart.acquire.forecast import Expected
from kansenkaart.acquire.live import Errand
from kansenkaart.config import Folders, Source, Study
from kansenkaart.errors import ConfigError, CrsError, FetchError, FormatError, SchemaError
from kansenkaart.sources.tools.http import Http
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product, Step

X, Y = 100_000, 450_000


def _source(role, publisher="bag", origin="file", **more):
    return Source(role=role, publisher=publisher, origin=origin, form="x", path="a.gpkg", **more)


def _part(role, edition="e", **more):
    told = SimpleNamespace(edition=edition, address=role)
    return steps._Part(_source(role, **more), Delivery((SimpleNamespace(name=f"{role}.x"),), (told,)))


def _store(**tables):
    noted = {name: {} for name in tables}
    return SimpleNamespace(
        has=tables.__contains__,
        read=tables.__getitem__,
        noted=noted,
        describe=lambda name: {"tally": {"noted": noted[name]}},
    )


def _points(*places, **columns):
    shapes = [shapely.Point(X + x, Y + y) for x, y in places]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=28992)


BUURT = gpd.GeoDataFrame(
    {"buurtcode": ["BU01930101", "BU01930102", "BU01930201"], "wijkcode": ["WK019301", None, None]},
    geometry=[shapely.box(X + x, Y, X + x + 100, Y + 100) for x in (0, 100, 200)],
    crs=28992,
)


def _folders(root):
    return Folders(published=root / "data", raw=root / "raw", processed=root / "processed", maps=root / "maps")


def test_rows_outside_a_window_or_a_place_are_counted():
    made = Product("x", _points((5, 5), (50, 5), (10, 10), n=[1, 2, 3]), None)
    cut = steps._within(made, (X, Y, X + 10, Y + 10))
    assert cut.content["n"].tolist() == [1, 3]  # the border is inside
    assert cut.content.index.tolist() == [0, 1]
    assert cut.tally == Tally(3, 2, {"outside the window": 1})
    kept = steps._kept(
        Product("x", pd.DataFrame({"n": [1, 2]}), Tally(5, 2, {"a": 3}, {"b": 1})), np.array([False, True]), "c"
    )
    assert kept.tally == Tally(5, 1, {"a": 3, "c": 1}, {"b": 1})
    assert steps._with_notes(Tally(1, 1, {}, {"a": 1, "b": 2}), {"b": 3}) == Tally(1, 1, {}, {"a": 1, "b": 3})


def test_what_lies_in_no_buurt_is_of_a_neighbour_or_noted():
    made = Product("home", _points((50, 50), (100, 50), (900, 50), n=[1, 2, 3]), None)
    here = steps._in_buurt(made, BUURT, None, within=True)
    assert here.content["buurtcode"].tolist() == ["BU01930101", "BU01930101"]  # on a border the first counts
    assert here.tally == Tally(3, 2, {"outside the place of the study": 1})
    whole = steps._in_buurt(made, BUURT, None, within=False)
    assert len(whole.content) == 3
    assert whole.tally == Tally(3, 3, {}, {"buiten alle buurten": 1})
    place = SimpleNamespace(buurt=BUURT)
    part = steps._in_buurt(made, BUURT.iloc[1:], place, within=True)  # by the buurten of all wijken it is of the first
    assert part.content["n"].tolist() == []


def test_the_place_of_some_wijken_keeps_what_lies_in_it_and_around_it(monkeypatch):
    monkeypatch.setattr(steps, "_read", lambda part: [Part("b", "e", BUURT, Tally(3, 3))])
    parts = [_part("buurt")]
    study = Study(name="x", title="x", place={"wijken": ["WK019301"]}, source=(_source("buurt"),))
    place = steps._Place.of(study, parts)
    assert place.codes == {"BU01930101", "BU01930102"}
    assert place.around.bounds == pytest.approx((X - 200, Y - 200, X + 400, Y + 300))
    assert (
        steps._Place.of(study.model_copy(update={"place": study.place.model_copy(update={"wijken": ()})}), parts)
        is None
    )
    strange = study.place.model_copy(update={"wijken": ("WK019301", "WK019309", "WK019308")})
    with pytest.raises(ConfigError) as why:
        steps._Place.of(study.model_copy(update={"place": strange}), parts)
    assert why.value.found == "WK019308, WK019309"
    outside = {"outside the place of the study": 1}
    store = _store(pand=pd.DataFrame({"pand_id": ["a"]}))
    buurt = place.keep("buurt", Product("buurt", BUURT), store)
    assert (buurt.content["buurtcode"].tolist(), buurt.tally.left_out) == (sorted(place.codes), outside)
    near = _points((399, 50), (401, 50), n=[1, 2])
    for table in ("terrain", "street_line", "sewer_pipe", "sewer_node"):
        kept = place.keep(table, Product(table, near), store)
        assert (kept.content["n"].tolist(), kept.tally.left_out) == ([1], outside)
    faces = Product("roof_face", near.assign(pand_id=["b", "a"]))
    assert place.keep("roof_face", faces, store).content["n"].tolist() == [2]
    assert place.keep("roof_face", faces, _store()) is faces
    assert place.keep("pand", faces, store) is faces


def test_what_can_be_done_without_is_left_out_in_words(monkeypatch):
    noted, turns, looked = [], [], []
    errand = SimpleNamespace(note=lambda source, words: noted.append(words))

    def turn(publisher):
        turns.append(publisher)
        return nullcontext()

    def failing(error):
        def fail(*_):
            raise error

        return fail

    monkeypatch.setattr(steps, "require_readable", lambda path, source: looked.append(path))
    monkeypatch.setattr(steps, "deliver", lambda source, errand: Delivery(("a", "b"), ()))
    for origin, optional in (("live", True), ("bulk", False), ("file", True), ("file", False)):
        source = _source("dsm", origin, origin, optional=optional)
        assert steps._part(source, errand, turn).source == source
    assert (turns, looked, noted) == (["live", "bulk"], ["a", "b"], [])
    optional = _source("dsm", origin="file", optional=True)
    for error in (FormatError("x", found="f" * 161), CrsError("x", found="c")):
        monkeypatch.setattr(steps, "require_readable", failing(error))
        assert steps._part(optional, errand, turn) is None
    monkeypatch.setattr(steps, "deliver", failing(FetchError("x", found="gone")))
    assert steps._part(optional, errand, turn) is None
    assert noted == [f"niet te lezen: {'f' * 160}", "niet te lezen: c", "niet te krijgen: gone"]
    with pytest.raises(FetchError):
        steps._part(_source("dsm"), errand, turn)
    monkeypatch.setattr(steps, "deliver", failing(ConfigError("x", found="gone")))
    with pytest.raises(ConfigError):
        steps._part(optional, errand, turn)


def test_a_file_that_can_be_done_without_and_is_not_read_is_an_empty_table(monkeypatch):
    def fail(*_):
        raise SchemaError("x", found="s" * 161)

    monkeypatch.setattr(steps, "read", fail)
    frame, tally = steps._reading("path", _source("pand", optional=True))
    assert (len(frame), "pand_id" in frame) == (0, True)
    assert tally == Tally(0, 0, {}, {f"bag niet te lezen: {'s' * 160}": 1})
    assert steps._reading("path", _source("dsm", optional=True))[0].shape == (0, 0)
    with pytest.raises(SchemaError):
        steps._reading("path", _source("pand"))
    monkeypatch.setattr(steps, "read", lambda path, source: ("frame", "tally"))
    assert steps._read(_part("pand")) == [Part("pand.x", "e", "frame", "tally")]
    bare = steps._Part(_source("pand", edition="2024"), Delivery((SimpleNamespace(name="a"),), ()))
    assert steps._read(bare)[0].edition == "2024"


def test_what_a_run_will_ask_is_said_beforehand():
    said = []
    rows = [Expected("bag pand", 1200, 2_000_001.0, 0.26)]
    meter = SimpleNamespace(listen=None, tell=lambda *words: said.append(words))
    errand = SimpleNamespace(http=SimpleNamespace(meter=meter), expected=lambda: rows)
    steps._foretell(errand)
    assert said == []
    meter.listen = print
    steps._foretell(errand)
    assert said == [("raming", "bag pand: 1.200 verzoeken, 3 MB, 0,3 minuten")]


def test_the_first_table_carries_what_could_not_be_had():
    step = Step("x", ("a", "b"), lambda store: [Product("a", 1, None), Product("b", 2, Tally(1, 1))], (), (), {"p": 1})
    assert steps._saying(step, {}) is step
    saying = steps._saying(step, {"dsm (ahn)": "niet te krijgen"})
    first, second = saying.action(None)
    assert first.tally == Tally(0, 0, {}, {"bron dsm (ahn): niet te krijgen": 1})
    assert second == Product("b", 2, Tally(1, 1))
    assert saying.parameters == {"p": 1, "said": {"dsm (ahn)": "niet te krijgen"}}
    told = Step("x", ("a",), lambda store: [Product("a", 1, Tally(2, 1, {"q": 1}, {"r": 1}))])
    assert steps._saying(told, {"s": "t"}).action(None)[0].tally == Tally(2, 1, {"q": 1}, {"r": 1, "bron s: t": 1})


def test_a_typical_year_takes_the_place_of_hours_that_lack():
    made = steps._typical({"a": 1})
    assert (made.name, len(made.content), made.tally.kept) == ("weather_hourly", 8760, 8760)
    assert made.tally.noted["a"] == 1
    assert made.tally.noted["geen weer per uur in de studie: ingebouwd typisch jaar van De Bilt"] == 8760


def _figures(**columns):
    return pd.DataFrame({"buurtcode": ["BU01930101", "BU01939999", "BU03440000"], **columns})


def test_statistics_fill_in_buurten_by_code_and_what_does_not_meet_is_noted(monkeypatch):
    buurt = BUURT.assign(inhabitants=[1.0, 2.0, 3.0], inhabitants_year=[2020] * 3)
    figures = _figures(inhabitants=[10.0, 11.0, 12.0], inhabitants_year=[2024] * 3)
    monkeypatch.setattr(steps, "_read", lambda part: [Part("b", "e", buurt, Tally(3, 3, {}, {"a": 1}))])
    monkeypatch.setattr(steps, "_reading", lambda path, source: (figures, Tally(3, 3, {}, {"n": 2})))
    monkeypatch.setattr(
        steps.cbs_areas, "merged_into", lambda code: ("2023", "GM0193", "Elders") if code == "GM0344" else None
    )
    made = steps._make("buurt", None, [_part("buurt")], [_part("statistics")])
    assert made.content["inhabitants"].tolist() == [10.0, 2.0, 3.0]
    assert made.tally.noted == {
        "a": 1,
        "statistics: n": 2,
        "buurt without statistics of its code (codes of another year?)": 2,
        "GM0344 went into Elders (GM0193) in 2023": 1,
        "statistics without a buurt of their code": 1,
    }
    monkeypatch.setattr(steps, "_reading", lambda path, source: (figures.drop(columns="inhabitants"), Tally(3, 3)))
    noted = steps._make("buurt", None, [_part("buurt")], [_part("statistics")]).tally.noted
    assert noted["panels without a buurt of their code"] == 1
    assert noted["buurt without panels of its code (codes of another year?)"] == 2
    monkeypatch.setattr(steps, "_reading", lambda path, source: (figures.head(0), Tally(0, 0, {}, {"why": 1})))
    none = steps._make("buurt", None, [_part("buurt")], [_part("statistics")])
    assert none.tally.noted == {"a": 1, "why": 1}
    whole = figures.assign(buurtcode=BUURT["buurtcode"])
    monkeypatch.setattr(steps, "_reading", lambda path, source: (whole, Tally(3, 3)))
    assert steps._make("buurt", None, [_part("buurt")], [_part("statistics")]).tally.noted == {"a": 1}
    asked = []
    monkeypatch.setattr(
        steps.own_data, "with_sewers", lambda frame, tally, files: asked.append(files) or (frame, tally)
    )
    extra = _part("own_sewer", layer="l")
    steps._make("sewer_pipe", None, [_part("sewer_pipe")], [extra])
    assert asked == [[(extra.delivery.paths[0], "l")]]


def test_homes_are_counted_by_pand_and_those_without_theirs_are_noted():
    panden = _points((1, 1), (2, 2), pand_id=["a", "b"])
    homes = pd.DataFrame({"home_id": list("pqrs"), "pand_id": ["a", "a", "z", None]})
    made = Product("pand", panden, Tally(2, 2))
    store = _store(home=homes)
    counted = steps._with_homes(made, store)
    assert counted.content["homes"].tolist() == [2, 0]
    assert counted.tally.noted == {"home whose pand is left out or not in the file": 1}
    store.noted["home"] = {"bag niet te lezen: x": 1}
    assert steps._with_homes(made, store) is made
    assert steps._with_homes(made, _store()) is made
    store = _store(home=homes.iloc[:2])
    assert steps._with_homes(made, store).tally.noted == {}
    assert steps._with_homes(Product("pand", panden, None), _store(home=homes)).tally is None


def test_a_step_reads_what_its_table_needs_and_depends_on_what_was_asked():
    parts = [_part(role) for role in ("buurt", "statistics", "pand", "home", "sewer_pipe", "own_sewer", "roof_face")]
    plain = Study(name="x", title="x", source=(_source("pand"),))
    town = plain.model_copy(update={"place": plain.place.model_copy(update={"gemeentecode": "GM0193"})})
    wijken = plain.model_copy(update={"place": plain.place.model_copy(update={"wijken": ("WK019301",)})})
    window = plain.model_copy(update={"place": plain.place.model_copy(update={"bbox_m": (1.0, 2.0, 3.0, 4.0)})})
    place = SimpleNamespace()

    def made(table, study, place=None, cut=None):
        step = steps._table_step(table, parts, study, place, cut)
        return (
            step.inputs,
            len(step.deliveries),
            {name: step.parameters[name] for name in step.parameters if name != "reading"},
        )

    assert made("pand", plain) == (("buurt", "home"), 1, {"bbox_m": []})
    assert made("home", town) == (("buurt",), 1, {"bbox_m": [], "within": "GM0193"})
    assert made("buurt", town) == ((), 2, {"bbox_m": []})
    assert made("sewer_pipe", plain) == ((), 2, {"bbox_m": []})
    assert made("roof_face", plain, cut=(5.0, 6.0, 7.0, 8.0)) == ((), 1, {"bbox_m": [5.0, 6.0, 7.0, 8.0]})
    assert made("roof_face", window, cut=(5.0, 6.0, 7.0, 8.0))[2] == {"bbox_m": [1.0, 2.0, 3.0, 4.0]}
    assert made("roof_face", wijken, place) == (("pand",), 1, {"bbox_m": [], "wijken": ["WK019301"]})
    assert made("sewer_pipe", wijken, place)[0] == ("buurt",)
    step = steps._table_step("sewer_pipe", parts, plain, None)
    assert step.parameters["reading"] == [{"role": "sewer_pipe", "form": "x"}, {"role": "own_sewer", "form": "x"}]
    assert (step.name, step.outputs) == ("sewer_pipe", ("sewer_pipe",))


def test_a_study_gets_the_steps_of_its_sources_in_the_order_of_what_needs_what(tmp_path, monkeypatch):
    window, around, lacks, notes = (1.0, 2.0, 3.0, 4.0), shapely.box(5, 6, 7, 8), set(), {}

    def part(source, errand, turn):
        errand.said.update(notes)
        return None if source.role in lacks else _part(source.role, origin=source.origin)

    monkeypatch.setattr(steps, "_part", part)
    monkeypatch.setattr(Errand, "window", lambda self: window)
    monkeypatch.setattr(Errand, "tiled", lambda self, source: source.origin == "bulk")

    def made(*sources, **place):
        given = tuple(_source(role, origin=origin) for role, _, origin in (one.partition(" ") for one in sources))
        study = Study(name="x", title="x", source=given, place=place)
        return {one.name: one.parameters.get("bbox_m") for one in steps.steps(study, _folders(tmp_path), http=Http())}

    every = ("dtm file", "dsm live", "own_pand file", "roof_face bulk", "pand file", "home file", "buurt file")
    assert made(*every) == {
        **{"buurt": [], "home": [], "pand": [], "roof_face": list(window), "weather_hourly": None},
        **{"eigen gegevens": None, "dsm": list(window), "dtm": []},
    }
    assert list(made(*every)) == [
        *("buurt", *[one for one in steps.ROLES if one in ("home", "pand", "roof_face")], "weather_hourly"),
        *("eigen gegevens", "dsm", "dtm"),
    ]
    assert made("roof_face file", "dsm bulk", bbox_m=(0, 0, 9, 9)) == {
        **{"roof_face": [0, 0, 9, 9], "weather_hourly": None, "dsm": list(window)},
    }
    assert list(made("pand file", "weather_hourly file")) == ["pand", "weather_hourly"]
    assert list(made("terrain file")) == ["terrain"]
    assert made("dtm file", bbox_m=(0, 0, 9, 9)) == {"dtm": [0, 0, 9, 9]}
    monkeypatch.setattr(steps._Place, "of", lambda study, parts: SimpleNamespace(around=around))
    assert made("dtm file", wijken=["WK019301"]) == {"dtm": [5, 6, 7, 8]}
    lacks.update(("pand", "dtm"))
    assert made("pand file", "dtm file") == {}
    notes["dtm (bag)"] = "niet te krijgen"
    study = Study(name="x", title="x", source=(_source("home"), _source("dsm")))
    first, second = steps.steps(study, _folders(tmp_path), http=Http())
    assert (first.parameters["said"], "said" in second.parameters) == ({"dtm (bag)": "niet te krijgen"}, False)


def test_what_is_read_is_cut_placed_and_counted_as_its_table_asks(monkeypatch):
    done = []

    def doing(name):
        return lambda made, *_, **more: (done.append((name, *more.values())), made)[1]

    for name in ("_within", "_in_buurt", "_with_homes"):
        monkeypatch.setattr(steps, name, doing(name))
    place = SimpleNamespace(keep=lambda table, made, store: doing("keep")(made))
    full, none = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": []})
    plain = Study(name="x", title="x", source=(_source("pand"),))
    town = plain.model_copy(update={"place": plain.place.model_copy(update={"gemeentecode": "GM0193"})})

    def run(table, content=full, study=plain, place=None, cut=None, buurt=True):
        done.clear()
        monkeypatch.setattr(steps, "_make", lambda *_: Product(table, content, Tally(1, 1, {}, {"n": 1})))
        (made,) = steps._table_step(table, [], study, place, cut).action(_store(**({"buurt": BUURT} if buurt else {})))
        return len(made.content), [*done]

    assert run("pand") == (1, [("_in_buurt", False), ("_with_homes",)])
    assert run("home", none, town) == (0, [("_in_buurt", True)])
    assert run("home", place=place) == (1, [("_in_buurt", True), ("keep",)])
    assert run("home", buurt=False) == (1, [])
    assert run("roof_face", place=place, cut=(0, 0, 1, 1)) == (1, [("_within",), ("keep",)])
    assert run("weather_hourly") == (1, [])
    assert run("weather_hourly", none) == (8760, [])
    assert run("terrain", none) == (0, [])
