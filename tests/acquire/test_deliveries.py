"""Neighbouring deliveries share objects: once where they agree, the newer where they do not, a question otherwise."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely.geometry import box

import kansenkaart
from kansenkaart.acquire import deliveries, live, own_data, readers, steps
from kansenkaart.acquire.deliveries import Delivery, Part, deliver, example_folder, has_example, join, raster_step
from kansenkaart.acquire.live import Errand
from kansenkaart.config import ROLES, Folders, Source, Study
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.runs import study as pipeline
from kansenkaart.sources import bag, bag3d, example
from kansenkaart.sources.example import statistics, town
from kansenkaart.sources.publishers import delivery
from kansenkaart.tables.provenance import sha256_of
from kansenkaart.tables.step import run
from kansenkaart.tables.store import Lineage, Store, alone
from tests.pinned import same_as_pinned
from tests.runs.places import STUDIES
from tests.sources.test_bag3d_reader import FLAT_WITH_HOLE, PAND, SOUTH_45, _model
from tests.sources.test_files_of_others import CBS
from tests.sources.test_files_of_people import LVBAG, save


def panden(path: Path, years: dict[int, int], edition: str = "x", shift: float = 0.0) -> Part:
    rows = [
        LVBAG
        | {
            "identificatie": f"050310000000000{n}",
            "oorspronkelijkBouwjaar": year,
            "geometry": box(1e5 + 20 * n + shift, 4.5e5, 1e5 + 20 * n + 10 + shift, 4.5e5 + 10),
        }
        for n, year in years.items()
    ]
    return Part(path.name, edition, *bag.read_pand(save(rows, path), form="lvbag-gpkg"))


def test_equal_copies_count_once(tmp_path):
    first = panden(tmp_path / "a.gpkg", {1: 1965, 2: 1970})
    second = panden(tmp_path / "b.gpkg", {2: 1970, 3: 2001}, shift=0.0002)  # less than a millimetre is no difference
    frame, tally = join("pand", [first, second])
    assert frame["pand_id"].str[-1].tolist() == ["1", "2", "3"]
    assert (tally.rows_in, tally.kept, dict(tally.left_out)["same object in another delivery"]) == (4, 3, 1)


@pytest.mark.parametrize("editions", [("2024-01", "2025-03-01"), ("2025-03-01", "2024-01"), ("v21.09.8", "2025-01")])
def test_of_two_that_differ_the_newer_counts_whatever_the_order(editions, tmp_path):
    years = {editions[0]: 1965, editions[1]: 1970}
    newest = max(editions, key=lambda one: one.replace("v21", "2021"))
    parts = [panden(tmp_path / f"{n}.gpkg", {1: years[one], n + 2: 1999}, one) for n, one in enumerate(editions)]
    frame, tally = join("pand", parts)
    assert frame.set_index("pand_id")["bouwjaar"].to_dict()["0503100000000001"] == years[newest]
    assert len(frame) == 3
    assert [reason for reason, n in tally.left_out.items() if n] == [
        f"older than {editions.index(newest)}.gpkg, which says otherwise: 0503100000000001"
    ]


def test_without_dates_a_contradiction_names_both_files_and_the_column(tmp_path):
    parts = [panden(tmp_path / "a.gpkg", {1: 1965}), panden(tmp_path / "b.gpkg", {1: 1970})]
    with pytest.raises(FormatError, match=r"0503100000000001: another bouwjaar.*a\.gpkg \(edition x\) and b\.gpkg"):
        join("pand", parts)


def test_all_faces_of_a_building_come_from_one_tile(tmp_path):
    def tile(name: str, faces: list, edition: str) -> Part:
        path = tmp_path / name
        path.write_text(json.dumps(_model(faces)), encoding="utf-8")
        return Part(name, edition, *bag3d.read_roof_face(path))

    old, new = (
        tile("a.city.json", [SOUTH_45, FLAT_WITH_HOLE], "v20230809"),
        tile("b.city.json", [SOUTH_45], "v20231008"),
    )
    frame, tally = join("roof_face", [old, new])
    assert frame["face_id"].tolist() == [f"{PAND[-16:]}-0-0"]
    assert sum(tally.left_out.values()) == 2
    assert len(join("roof_face", [old, old])[0]) == 2


def source(path: Path, role: str, form: str, layer: str | None = None) -> Source:
    return Source(role=role, publisher="bag", origin="file", form=form, path=path.name, layer=layer)


@pytest.mark.parametrize("change", [{"layer": "oud"}, {"form": "footprint-shp"}])
def test_another_layer_or_form_of_the_same_file_is_another_table(change, tmp_path):
    """The bytes are the same: what a study says of them decides too, or the table of before would stand unseen."""
    path = save([LVBAG], tmp_path / "bag.gpkg", layer="pand")
    save([LVBAG | {"identificatie": "0503100000000009"}], path, layer="oud")
    first = source(path, "pand", "lvbag-gpkg", "pand")
    store, places = (
        Store(tmp_path / "processed" / "x"),
        Folders(published=tmp_path, raw=tmp_path, processed=tmp_path, maps=tmp_path),
    )

    def panden_of(one):
        step = next(one for one in steps.steps(Study(name="x", title="x", source=(one,)), places) if one.name == "pand")
        return run(store, step).status, store.read("pand")["pand_id"].tolist()

    status, ids = panden_of(first)
    assert (status, panden_of(first)) == ("done", ("unchanged", ids))
    again, others = panden_of(first.model_copy(update=change))
    assert (again, set(others) & set(ids)) == ("done", set())


def test_what_lies_around_wijken_is_cut_anew_when_their_buurten_are_drawn_otherwise(tmp_path):
    here = box(80_000, 440_000, 81_000, 441_000)
    far = {"lokaal_id": "b", "functie": "voetpad", "geometry": box(82_000, 440_000, 82_010, 440_010)}
    save([far, {**far, "lokaal_id": "a", "geometry": here.centroid.buffer(5)}], tmp_path / "wegdeel.gpkg")
    two = (
        source(tmp_path / "b.gpkg", "buurt", "cbs-shp").model_copy(update={"year": 2020}),
        source(tmp_path / "wegdeel.gpkg", "terrain", "ogc-geojson"),
    )
    study = Study(name="x", title="x", place={"wijken": ["WK050300"]}, source=two)
    store, places = (
        Store(tmp_path / "processed" / "x"),
        Folders(published=tmp_path, raw=tmp_path, processed=tmp_path, maps=tmp_path),
    )

    def surfaces(shape):
        save([CBS | {"geometry": shape}], tmp_path / "b.gpkg", layer="buurten")
        for step in steps.steps(study, places):
            run(store, step)
        return sorted(store.read("terrain")["terrain_id"])

    assert (surfaces(here), surfaces(box(80_000, 440_000, 82_000, 441_000))) == (["a"], ["a", "b"])


def test_sheets_that_overlap_are_joined_anew_in_another_order(tmp_path):
    """Where sheets overlap the first one counts, so their order in the study is part of what a step depends on."""
    how = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "float32", "crs": 28992, "nodata": -1.0}
    sheets = []
    for name, height in (("a", 1.0), ("b", 2.0)):
        with rasterio.open(tmp_path / f"{name}.tif", "w", **how, transform=from_origin(1e5, 4.5e5, 0.5, 0.5)) as out:
            out.write(np.full((1, 2, 2), height, np.float32))
        told = delivery("ahn", role="dsm", edition="x", address=f"{name}.tif", sha256=name)
        sheets.append(Delivery((tmp_path / f"{name}.tif",), (told,)))
    store = Store(tmp_path / "processed" / "x")

    def height(order):
        report = run(store, raster_step("dsm", order, None))
        with rasterio.open(store.path("dsm")) as joined:
            return report.status, float(joined.read(1)[0, 0])

    assert height(sheets) == ("done", 1.0)
    assert height(sheets) == ("unchanged", 1.0)
    assert height(sheets[::-1]) == ("done", 2.0)


def test_tables_of_a_source_that_is_no_longer_in_the_study_are_gone_with_what_was_made_of_them(tmp_path):
    """Else scores go on with streets, heights or panden that the study does not name any more."""
    store, told = (
        Store(tmp_path / "processed" / "x"),
        {role: delivery("bag", role=role, edition="x", address=role, sha256=role) for role in ROLES},
    )
    made = {
        "pand": ("pand",),
        "terrain": ("terrain",),
        "weather_hourly": ("weather_hourly",),
        "street_line": ("street_line",),
    }
    made |= {"street_water": ("terrain", "pand"), "pand_score": ("pand",)}
    for name, roles in made.items():
        store.write(name, readers.empty(name), Lineage("x", tuple(told[role] for role in roles)))
    study = Study(
        name="x",
        title="x",
        source=(source(tmp_path / "p", "pand", "auto"), source(tmp_path / "s", "street_line", "auto")),
    )
    own_data.erase_left(study, store)
    assert set(store.names()) == {"pand", "street_line", "weather_hourly", "pand_score"}


def test_another_sheet_of_the_same_own_file_is_read():
    mine = source(Path("panden.xlsx"), "own_pand", "own")
    told = [
        own_data.steps([(mine.model_copy(update={"layer": one}), Delivery((), ()))])[0].parameters
        for one in ("A", "B", "B")
    ]
    assert told[0] != told[1] == told[2]


@pytest.mark.parametrize("form", ["auto", "pdok-geojson", "nlextract-gpkg"])
def test_the_form_is_seen_from_the_columns_and_said(form, tmp_path):
    row = LVBAG | {"identificatie": "0503010000000001", "status": "Verblijfsobject in gebruik"}
    row |= {"gebruiksdoel": "woonfunctie", "oppervlakte": 80, "pandref": "{NL.IMBAG.Pand.0503100000000001}"}
    row |= {
        "hoofdadresnummeraanduidingref": "0503200000000001",
        "geometry": box(1e5, 4.5e5, 1e5 + 1, 4.5e5 + 1).centroid,
    }
    path = save([row], tmp_path / "vbo.gpkg", layer="Verblijfsobject")
    homes, tally = readers.read(path, source(path, "home", form))
    assert homes[["home_id", "pand_id"]].to_numpy().tolist() == [["0503010000000001", "0503100000000001"]]
    assert tally.noted[f"form {form} in the study, read as lvbag-gpkg"] == 1
    assert tally.noted["no layer nummeraanduiding: address unknown"] == 1


def test_auto_knows_a_tile_a_set_of_hydx_and_weather_by_what_they_are(tmp_path):
    path = tmp_path / "t.city.json"
    path.write_text(json.dumps(_model([SOUTH_45])), encoding="utf-8")
    assert len(readers.read(path, source(path, "roof_face", "auto"))[0]) == 1
    with pytest.raises(ConfigError, match="pdok-geojson"):
        readers.read(path, source(path, "home", "bag-csv"))
    other = save([{"naam": "x", "geometry": box(1e5, 4.5e5, 1e5 + 1, 4.5e5 + 1)}], tmp_path / "x.gpkg")
    with pytest.raises(FormatError, match="the columns of one of the forms"):
        readers.read(other, source(other, "pand", "auto"))


NAMES = ("a.csv", "A.CSV", "a.zip", "A.Zip", "a.gpkg.zip", "A.GPKG.ZIP", "a.gpkg", "A.GML", "folder")


def test_the_form_of_every_role_is_asked_of_names_in_either_case_as_was_read(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "_by_columns", lambda path, source, sure: "by its columns")
    monkeypatch.setattr(readers.epw, "form_of", lambda path: "epw or knmi")
    (tmp_path / "folder").mkdir()
    for name in NAMES[:-1]:
        (tmp_path / name).touch()
    made = {}
    for role in [one for one in ROLES if not one.startswith("own_")]:
        forms = ("auto", readers.forms_of(role)[-1] if readers.forms_of(role) else "x", "bag-csv")
        rows = {
            form: [readers._form_of(tmp_path / name, source(tmp_path, role, form), True) for name in NAMES]
            for form in forms
        }
        made[role] = "\n".join(f"{form}: {', '.join(found)}" for form, found in rows.items())
    same_as_pinned("pins/forms.txt", made)


def test_a_layer_where_there_are_none_is_refused(tmp_path):
    for name in ("Knooppunt", "Verbinding", "Profiel"):
        (tmp_path / f"{name}.csv").write_text("UNI_IDE\n")
    with pytest.raises(ConfigError, match="no layer for form hydx-csv"):
        readers.read(tmp_path, source(tmp_path, "sewer_pipe", "hydx-csv", layer="x"))


def test_every_form_of_the_table_is_named_for_its_role():
    assert {"lvbag-gpkg", "pdok-geojson", "nlextract-gpkg", "bgt-gml", "footprint-shp"} <= set(readers.forms_of("pand"))


def test_every_form_of_a_role_stands_in_the_how_to_and_every_form_there_is_read():
    page = (Path(__file__).parents[2] / "docs/how-to/new-study.md").read_text("utf-8")
    table = page[page.index("| you have |") : page.index("Column names match")]
    there = {form for role in readers.ROLES_READ for form in readers.forms_of(role)}
    assert {form for form in there if f"`{form}`" not in table} == set()
    named = {
        word
        for line in table.splitlines()[2:]
        for word in re.findall(r"`([a-z0-9-]+)`", line.split("|")[3:4][0] if line.count("|") > 3 else "")
    }
    assert named - there <= {"geotiff", "own"}  # heights are no table, own data has no form


def test_a_link_where_the_example_belongs_is_replaced_and_what_it_leads_to_stays(tmp_path, monkeypatch):
    places = Folders(published=tmp_path, raw=tmp_path / "raw", processed=tmp_path, maps=tmp_path)
    monkeypatch.setattr(example, "write_example", lambda target, **_: (target / "ogc").mkdir(parents=True))
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "raw" / deliveries.EXAMPLE / deliveries.EXAMPLE_EDITION
    for one in (elsewhere, folder.parent):
        one.mkdir(parents=True)
    (elsewhere / "mine.txt").write_text("mine")
    folder.symlink_to(elsewhere)
    assert example_folder(places) == folder
    assert not folder.is_symlink()
    assert (folder / "ogc").is_dir()
    assert [one.name for one in elsewhere.iterdir()] == ["mine.txt"]


def test_an_example_that_another_version_wrote_is_written_anew(tmp_path):
    places = Folders(published=tmp_path, raw=tmp_path / "raw", processed=tmp_path, maps=tmp_path)
    folder = example_folder(places)
    before = (folder / "ogc" / "pand.geojson").stat().st_mtime_ns
    assert example_folder(places) == folder
    assert (folder / "ogc" / "pand.geojson").stat().st_mtime_ns == before  # the same version leaves it as it is
    (folder / ".whole").write_text("1\n", "utf-8")  # as a version of before left it
    (folder / "ogc").rename(folder / "oud")
    (folder.parent / ".abc.part" / "new" / "ogc").mkdir(
        parents=True
    )  # as a run leaves it that is killed while it writes
    assert not has_example(places)
    assert example_folder(places) == folder
    assert ((folder / "ogc" / "pand.geojson").is_file(), (folder / "oud").exists()) == (True, False)
    assert {one.name for one in folder.parent.iterdir()} == {folder.name, ".lock"}


def test_who_wants_an_example_that_another_study_writes_waits_for_it(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        example, "write_example", lambda folder, **_: written.append(folder) or folder.mkdir(parents=True)
    )
    places = Folders(published=tmp_path, raw=tmp_path / "raw", processed=tmp_path, maps=tmp_path)
    kept = places.raw / deliveries.EXAMPLE
    kept.mkdir(parents=True)
    with ThreadPoolExecutor(1) as apart:
        with alone(kept / ".lock", wait=False):
            waits = apart.submit(example_folder, places)
            with pytest.raises(TimeoutError):
                waits.result(timeout=0.5)
            assert written == []
        waits.result(timeout=60)
    assert len(written) == 1


def test_all_that_an_example_is_written_from_is_in_its_mark(tmp_path, monkeypatch):
    # The town's budget stands in data/example_constants.json: with another one a town of before is written anew.
    package, read = Path(kansenkaart.__file__).parent, set()

    def listening(plain):
        def listen(path, *how):
            read.update([path.relative_to(package).as_posix()] if path.is_relative_to(package / "data") else [])
            return plain(path, *how)

        return listen

    for name in ("read_text", "read_bytes"):
        monkeypatch.setattr(Path, name, listening(getattr(Path, name)))
    for cached in (example.world, town.table, statistics.constants, statistics._columns):
        cached.cache_clear()
    example.write_example(tmp_path)
    town.table()
    assert "data/example_constants.json" in read
    assert read - set(deliveries._WRITERS) == set()
    assert sorted(one for one in deliveries._WRITERS if not (package / one).exists()) == []


def test_a_height_model_that_cannot_be_read_leaves_nothing_half_written(tmp_path):
    broken, store = tmp_path / "M_30FN2.tif", Store(tmp_path / "processed")
    broken.write_bytes(b"II*\x00 cut off")
    step = raster_step("dsm", [Delivery((broken,), ())], (0.0, 0.0, 10.0, 10.0))
    with pytest.raises(FormatError):
        step.action(store)
    assert [path.name for path in store.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(("edition", "than"), [("2022-05", "2022"), ("2022", "2022-05"), ("2022-05-01", "2022-05")])
def test_a_year_and_a_month_of_it_do_not_say_which_is_newer(edition, than, tmp_path):
    parts = [panden(tmp_path / "a.gpkg", {1: 1965}, than), panden(tmp_path / "b.gpkg", {1: 1970}, edition)]
    with pytest.raises(FormatError, match="another bouwjaar in each file"):
        join("pand", parts)


@pytest.mark.parametrize(
    ("role", "name", "side", "other"),
    [
        ("pand", "PAND.SHP", "PAND.DBF", "wegen.dbf"),
        ("street_line", "roads.gml", "roads.xsd", "roads.txt"),
        ("sewer_pipe", "Knooppunt.csv", "Verbinding1.CSV", "leesmij.pdf"),
        ("sewer_pipe", "KNOOPPUNT.CSV", "Verbinding1.csv", "leesmij.pdf"),
    ],
)
def test_what_changes_in_a_file_that_is_read_beside_it_is_another_delivery(role, name, side, other, tmp_path):
    def sha256():
        study = Study(name="x", title="x", source=(source(tmp_path / name, role, "auto"),))
        places = Folders(published=tmp_path, raw=tmp_path, processed=tmp_path, maps=tmp_path)
        return deliver(study.source[0], Errand(study, places)).provenance[0].sha256

    for one in (name, side, other):
        (tmp_path / one).write_text("a")
    before = sha256()
    (tmp_path / other).write_text("b")
    assert sha256() == before
    (tmp_path / side).write_text("b")
    assert sha256() != before


def test_a_file_of_several_roles_is_hashed_once_a_run_and_anew_in_the_next(tmp_path, monkeypatch):
    hashed, path = [], tmp_path / "bag-light.gpkg"
    monkeypatch.setattr(live, "sha256_of", lambda *paths: hashed.append(paths) or sha256_of(*paths))
    two = tuple(source(path, role, "auto") for role in ("pand", "home"))
    study, places = (
        Study(name="x", title="x", source=two),
        Folders(published=tmp_path, raw=tmp_path, processed=tmp_path, maps=tmp_path),
    )
    for content in (b"a", b"b"):
        path.write_bytes(content)
        errand = Errand(study, places)
        told = [deliver(one, errand).provenance[0].sha256 for one in two]
        assert told == [hashlib.sha256(content).hexdigest()] * 2
    assert hashed == [(path,), (path,)]


HOME = {"identificatie": "0503010000000001", "status": "Verblijfsobject in gebruik", "gebruiksdoel": "woonfunctie"}
HOME |= {
    "huisnummer": 1,
    "oppervlakte": "veel",
    "pandidentificatie": "0503100000000001",
    "geometry": box(1e5, 4.5e5, 1e5 + 9, 4.5e5 + 9).centroid,
}


@pytest.mark.parametrize(
    ("homes", "dsm", "there"),
    [
        (lambda path: path.write_bytes(b"nonsense"), b"<html>", False),
        (lambda path: save([HOME], path, layer="verblijfsobject"), b"II*\0?", True),
    ],
)
def test_homes_and_heights_that_a_study_can_do_without_and_nobody_can_read_are_unknown_not_none(
    homes, dsm, there, tmp_path
):
    """A home that was not read is no home less: panden would have 0 of them, and a sheet that is none ended the run."""
    save([LVBAG], tmp_path / "p.gpkg", layer="pand")
    save([CBS], tmp_path / "b.gpkg", layer="buurten")
    homes(tmp_path / "h.gpkg")
    (tmp_path / "dsm.tif").write_bytes(dsm)
    rows = [
        ("b.gpkg", "buurt", "cbs-shp"),
        ("p.gpkg", "pand", "lvbag-gpkg"),
        ("h.gpkg", "home", "pdok-geojson"),
        ("dsm.tif", "dsm", "geotiff"),
    ]
    told = {"home": {"optional": True}, "dsm": {"optional": True}, "buurt": {"year": 2020}}
    parts = tuple(
        source(tmp_path / name, role, form).model_copy(update=told.get(role, {})) for name, role, form in rows
    )
    store, places = (
        Store(tmp_path / "processed" / "x"),
        Folders(published=tmp_path, raw=tmp_path, processed=tmp_path, maps=tmp_path),
    )
    for step in steps.steps(Study(name="x", title="x", source=parts), places):
        run(store, step)
    assert store.read("pand")["homes"].isna().all()
    assert (store.has("home"), store.has("dsm")) == (there, False)
    noted = [one for name in store.names() for one in store.describe(name)["tally"]["noted"] if "niet te lezen" in one]
    assert len(noted) == 2


def test_statistics_that_a_study_can_do_without_and_nobody_can_read_are_noted(tmp_path):
    path = save([CBS], tmp_path / "b.gpkg", layer="buurten")
    buurt = steps._Part(source(path, "buurt", "cbs-shp").model_copy(update={"year": 2020}), Delivery((path,), ()))
    (tmp_path / "kwb.csv").write_text("a;b\n1;2\n")
    told = source(tmp_path / "kwb.csv", "statistics", "statline-csv")
    figures = [
        steps._Part(told.model_copy(update={"optional": one}), Delivery((tmp_path / "kwb.csv",), ()))
        for one in (True, False)
    ]
    made = steps._make("buurt", Store(tmp_path), [buurt], figures[:1])
    assert made.content["inhabitants"].tolist() == [1000]
    assert [one for one in made.tally.noted if one.startswith("bag niet te lezen: ")]
    with pytest.raises(FormatError):
        steps._make("buurt", Store(tmp_path), [buurt], figures[1:])


def test_panden_and_homes_are_read_where_the_study_names_no_buurten(finished, tmp_path):
    study = tomllib.loads((STUDIES / "proefveld.toml").read_text("utf-8"))
    rows = ['name = "los"', 'title = "Zonder buurten"', "invented = true"]
    for source in study["source"]:
        if source["role"] in ("pand", "home"):
            rows += ["[[source]]", *(f"{key} = {json.dumps(value)}" for key, value in source.items())]
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "los.toml").write_text("\n".join(rows), "utf-8")
    place = pipeline.open_study("los", root=tmp_path)
    pipeline.run_acquire(place)
    whole = pipeline.open_study("proefveld", root=finished).store
    for table in ("pand", "home"):
        assert len(place.store.read(table)) == len(whole.read(table)) > 700
    assert place.store.read("home")["buurtcode"].isna().all()


def test_where_a_file_is_missing_eight_names_that_are_there_are_said(tmp_path):
    for k in range(9):
        (tmp_path / f"blad{k}.tif").touch()
    (tmp_path / ".verborgen").touch()
    there = ", ".join(f"blad{k}.tif" for k in range(8))
    assert deliveries._nearby(tmp_path / "blad.tif", tmp_path) == f"in {tmp_path.name}/ there is {there}"
    assert deliveries._nearby(tmp_path / "BLAD8.TIF", tmp_path).endswith("there is blad8.tif")
    gone = tmp_path / "no" / "data"
    assert deliveries._nearby(gone / "a.tif", gone) == "there is no data folder data"


@pytest.mark.parametrize("damaged", [b"", b"\xff", b"[]", b"{}", b'{"sources": 1}', b'{"sources": [1]}'])
def test_an_edition_of_which_nobody_can_tell_what_it_was_made_with_goes_too(tmp_path, damaged):
    edition = tmp_path / "edition.json"
    assert own_data._was_made_with(edition, {"own_pand"})  # it is not even there
    edition.write_bytes(damaged)
    assert own_data._was_made_with(edition, {"own_pand"})
    edition.write_text(json.dumps({"sources": [{"role": "own_sewer"}, {"role": "pand"}]}), "utf-8")
    assert not own_data._was_made_with(edition, {"own_pand"})
    assert own_data._was_made_with(edition, {"own_pand", "pand"})
