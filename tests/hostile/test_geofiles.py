"""Whatever a file of shapes or heights holds: it opens no other file, calls nobody, and stays within memory and time."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from kansenkaart.acquire import readers
from kansenkaart.config import OptOut, Source
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.present.style import read_house_style
from kansenkaart.sources import bag3d, own
from kansenkaart.sources.tools import geofiles
from kansenkaart.sources.tools.archives import parse_json
from kansenkaart.sources.tools.geofiles import layer_names, open_raster, read_vector
from kansenkaart.sources.tools.rawnames import reading
from tests.hostile.inputs import RASTERS, VECTORS, slow_column
from tests.hostile.watch import listening, opened

#: These hold a sound layer beside what is hostile, which is read without it.
READABLE = {
    "landing_page_as_json",
    "linked_system_in_geojson",
    "schema_at_an_address",
    "link_in_gml",
    "endless_view_unregistered",
    "trigger_in_package",
    "overview_beside",
    "system_at_an_address",
    "system_in_a_file",
    "system_of_gml_at_an_address",
    "projection_at_an_address",
    "shape_of_many_rings",
    "shape_in_a_shape",
    "table_of_many_rows",
    "shape_of_many_parts",
    "directory_that_goes_round",
}
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORKBOOK = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.'
    'openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName='
    '"/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override '
    'PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.'
    'worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_REL}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets>'
    "</workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
HEAD = f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode()
TAIL = b"</sheetData></worksheet>"
MOST_BYTES, MOST_S = 1 << 30, 60.0


@pytest.fixture
def secret(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "secret.csv"
    path.write_text("name,WKT\nJan Jansen,POINT (1 1)\n", encoding="utf-8")
    return path


def _read_all(path):
    if path.suffix == ".tif":
        with open_raster(path) as sheet:
            return [sheet.read(1), sheet.read(1, out_shape=(8, 8)), sheet.overviews(1)]
    return [layer_names(path), read_vector(path)]


@pytest.fixture(scope="module", autouse=True)
def largest_before():
    """Say how large this process and its largest child had been before the tests of this file [KiB]."""
    return {who: resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)}


@pytest.mark.parametrize("name", [*VECTORS, *RASTERS])
def test_a_file_opens_nothing_else(name, tmp_path, secret):
    with listening() as (port, calls):
        path = {**VECTORS, **RASTERS}[name](tmp_path, secret, port)
        started = time.monotonic()
        with opened(secret) as count:
            try:
                with warnings.catch_warnings(action="ignore"), reading(path, "what its ending says"):
                    _read_all(path)
            except FormatError:
                assert name not in READABLE
            else:
                assert name in READABLE
    assert not count
    assert not calls
    assert time.monotonic() - started < MOST_S


def test_none_took_more_memory_than_a_file_may(largest_before):
    """Runs after those above: the largest child so far, and this process, where tests of other files were not larger yet."""
    for who, before in largest_before.items():
        now = resource.getrusage(who).ru_maxrss
        assert now == before or now * 1024 < MOST_BYTES


def _commas(path):
    """Write a table of millions of cells: 8 MB that is more than a gigabyte as rows of a list."""
    path.write_bytes(b"pand_id;owner;maintenance_year\n" + b";;\n" * 3 + b";" * 2000 + b"\n" + b";;\n" * 8_000_000)
    return path


def _sheet(path):
    """Write a workbook of 60 MB in 1 MB: a cell is a hundred times as large in memory."""
    cells = b"<c><v>1</v></c>" * 2000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in WORKBOOK.items():
            made.writestr(name, text)
        made.writestr(
            "xl/worksheets/sheet1.xml",
            HEAD + (b"<row>" + cells + b"</row>") * 2000 + TAIL,
        )
    return path


@pytest.mark.parametrize(("make", "name"), [(_commas, "own.csv"), (_sheet, "own.xlsx")])
def test_a_table_of_ones_own_takes_no_more_than_a_file_may(make, name, tmp_path, monkeypatch):
    monkeypatch.setattr(geofiles, "MOST_CPU_S", 3)
    path, before = make(tmp_path / name), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FormatError, match="read within"):
        own.read_own(path, shape=own.PANDEN, known=(), first_year=2020, last_year=2060)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


UNDER_BOUNDS = """
import resource, sys
from pathlib import Path
from kansenkaart.sources.tools.geofiles import about_layer, layer_names
for one, most in ((resource.RLIMIT_CPU, 600), (resource.RLIMIT_DATA, 1 << 34)):
    resource.setrlimit(one, (most, most))
print(*layer_names(Path(sys.argv[1])), about_layer(Path(sys.argv[1]))[0])
"""


def test_a_file_is_read_under_the_bounds_of_a_scheduler_that_nobody_may_raise(tmp_path):
    (tmp_path / "a.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    command = [sys.executable, "-c", UNDER_BOUNDS, str(tmp_path / "a.geojson")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["a", "[]"], done.stderr


@pytest.mark.parametrize(
    ("role", "form", "name"),
    [
        ("weather_daily", "knmi", "days.txt"),
        ("sewer_node", "hydx-csv", "Knooppunt.csv"),
        ("statistics", "statline-csv", "buurten.csv"),
    ],
)
def test_text_of_stations_and_sewers_is_read_within_the_same_bounds(role, form, name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_bytes(b"x\n" * 100)
    asked = []
    monkeypatch.setattr(readers, "aside", lambda reader, path, source: asked.append(path.name) or reader(path, source))
    with pytest.raises(FormatError):
        readers.read(path, _source(role, form, name))
    assert asked == [name]


def _source(role, form, name):
    year = 2022 if role == "statistics" else None
    return Source(role=role, publisher="knmi", origin="file", form=form, path=name, edition="1", year=year)


def _read_as(role, form, path):
    if role == "own_pand":
        own.read_own(path, shape=own.PANDEN, known=(), first_year=2020, last_year=2060)
    elif form == "toml":
        read_house_style(path)
    elif form == "text":
        OptOut(bestand=path.name).ids(path.parent)
    else:
        readers.read(path, _source(role, form, path.name))


@pytest.mark.parametrize(
    ("role", "form", "name"),
    [
        ("roof_face", "cityjson", "a.city.json"),
        ("roof_face", "cityjson", "a.city.json.gz"),
        ("weather_hourly", "epw", "a.epw"),
        ("weather_daily", "knmi", "a.txt"),
        ("sewer_node", "hydx-csv", "Knooppunt.csv"),
        ("statistics", "statline-csv", "a.csv"),
        ("pand", "auto", "a.zip"),
        ("pand", "auto", "a.gpkg"),
        ("own_pand", "own", "a.csv"),
        ("own_pand", "own", "a.xlsx"),
        ("house style", "toml", "a.toml"),
        ("opt-out list", "text", "a.txt"),
    ],
)
def test_a_pipe_or_a_device_is_not_waited_for(role, form, name, tmp_path):
    """It would never end, and has no size that says so."""
    os.mkfifo(tmp_path / name)
    (tmp_path / "device").mkdir()
    (tmp_path / "device" / name).symlink_to("/dev/zero")
    for path in (tmp_path / name, tmp_path / "device" / name):
        began = time.monotonic()
        with pytest.raises((FormatError, ConfigError)):
            _read_as(role, form, path)
        assert time.monotonic() - began < MOST_S


def _book(path, port, secret):
    """Write a workbook with a link to a program, and one to another workbook."""
    link = f'<externalLink xmlns="{_MAIN}"><ddeLink xmlns:r="{_REL}" ddeService="cmd" ddeTopic="/c x"/></externalLink>'
    far = f'<Relationship Id="rId1" Type="{_REL}/externalLinkPath" Target="http://127.0.0.1:{port}/x" TargetMode="External"/>'
    named = (
        f'<Relationship Id="rId9" Type="{_REL}/externalLink" Target="externalLinks/externalLink1.xml"/></Relationships>'
    )
    rels = f'<Relationships xmlns="{_PACKAGE}/relationships">'
    cells = "".join(f'<c t="inlineStr"><is><t>{one}</t></is></c>' for one in own.PANDEN.columns)
    parts = {
        **WORKBOOK,
        "xl/workbook.xml": WORKBOOK["xl/workbook.xml"].replace(
            "</sheets>", '</sheets><externalReferences><externalReference r:id="rId9"/></externalReferences>'
        ),
        "xl/_rels/workbook.xml.rels": WORKBOOK["xl/_rels/workbook.xml.rels"].replace("</Relationships>", named),
        "xl/externalLinks/externalLink1.xml": link,
        "xl/externalLinks/_rels/externalLink1.xml.rels": f"{rels}{far}</Relationships>",
        "xl/worksheets/sheet1.xml": (HEAD + f"<row>{cells}</row>".encode() + TAIL).decode(),
    }
    with zipfile.ZipFile(path, "w") as made:
        for name, text in parts.items():
            made.writestr(name, text)
    return lambda: own.read_own(path, shape=own.PANDEN, known=(), first_year=2020, last_year=2060)


def _entities(path, port, secret):
    grown = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    kinds = f'<!DOCTYPE a [<!ENTITY f SYSTEM "file://{secret}"><!ENTITY e0 "ha">{grown}]>'
    sheet = kinds.encode() + HEAD + b'<row><c t="inlineStr"><is><t>&f;&e9;</t></is></c></row>' + TAIL
    with zipfile.ZipFile(path, "w") as made:
        for name, text in {**WORKBOOK, "xl/worksheets/sheet1.xml": sheet.decode()}.items():
            made.writestr(name, text)
    return lambda: own.read_own(path, shape=own.PANDEN, known=(), first_year=2020, last_year=2060)


def _textures(path, port, secret):
    far = f"http://127.0.0.1:{port}"
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [1, 1, 1], "translate": [0, 0, 0]},
        "metadata": {"referenceSystem": f"{far}/crs/EPSG/0/7415"},
        "extensions": {"x": {"url": f"{far}/x.json", "version": "1"}},
        "appearance": {"textures": [{"type": "PNG", "image": one} for one in (f"{far}/a.png", f"file://{secret}")]},
        "CityObjects": {},
        "vertices": [],
    }
    path.write_text(json.dumps(document), "utf-8")
    return lambda: bag3d.read_roof_face(path)


def _brackets(path, port, secret):
    path.write_text('{"type":"CityJSON","vertices":' + "[" * 2_000_000, "utf-8")
    return lambda: bag3d.read_roof_face(path)


def _bomb(path, port, secret):
    with gzip.open(path, "wb", 1) as sink:
        for _ in range(700):
            sink.write(bytes(1 << 20))
    return lambda: bag3d.read_roof_face(path)


def _slip(path, port, secret):
    with zipfile.ZipFile(path, "w") as made:
        for name in (f"../elsewhere/{secret.name}", str(secret), "..\\..\\secret.gpkg"):
            made.writestr(name, "x")
        link = zipfile.ZipInfo("a.gpkg")
        link.external_attr = 0o120777 << 16
        made.writestr(link, str(secret))
    return lambda: readers.read(path, _source("pand", "auto", path.name))


@pytest.mark.parametrize(
    ("make", "name", "readable"),
    [
        (_book, "links.xlsx", True),
        (_entities, "entities.xlsx", False),
        (_textures, "textures.city.json", True),
        (_brackets, "brackets.city.json", False),
        (_bomb, "bomb.city.json.gz", False),
        (_slip, "slip.zip", False),
    ],
)
def test_a_workbook_a_model_and_an_archive_open_nothing_else(make, name, readable, tmp_path, secret):
    with listening() as (port, calls):
        read = make(tmp_path / name, port, secret)
        before, words = time.monotonic(), secret.read_text("utf-8")
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with opened(secret) as count:
            if readable:
                read()
            else:
                with pytest.raises(FormatError):
                    read()
        took = time.monotonic() - before
    assert (count, calls, secret.read_text("utf-8")) == ([], [], words)
    assert took < MOST_S
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) * 1024 < 0.8 * MOST_BYTES


def test_thirty_hostile_inputs():
    assert len(VECTORS) + len(RASTERS) >= 30


def _drivers(_path):
    import pyogrio

    return sorted(pyogrio.list_drivers())


def test_the_second_process_knows_no_other_drivers(monkeypatch):
    assert geofiles.aside(_drivers, Path()) == sorted(
        ["ESRI Shapefile", "FlatGeobuf", "GML", "GPKG", "GeoJSON", "LVBAG", "SQLite"]
    )


def test_a_read_that_takes_too_long_is_given_up_and_the_next_one_goes_well(tmp_path, monkeypatch):
    path = VECTORS["trigger_in_package"](tmp_path, tmp_path, 0)
    slow = slow_column(tmp_path)
    monkeypatch.setattr(geofiles, "MOST_CPU_S", 1)
    with pytest.raises(FormatError, match="read within"):
        read_vector(slow)
    monkeypatch.undo()
    assert list(read_vector(path)["name"]) == ["x"]


def test_a_raster_in_small_blocks_is_read(tmp_path):
    path = RASTERS["overview_beside"](tmp_path, tmp_path / "no.tif", 0)
    with open_raster(path) as sheet:
        assert np.all(sheet.read(1) == 1)


@pytest.mark.parametrize(("dtype", "size"), [("uint8", 1), ("float64", 8), ("complex_int16", 8)])
def test_a_block_is_measured_by_the_bytes_of_its_cells_in_all_bands(dtype, size, tmp_path, monkeypatch):
    """A pair of whole numbers is read as a pair of single precision."""
    path, bands = tmp_path / "x.tif", 3
    how = {"width": 16, "height": 32, "count": bands, "tiled": True, "blockxsize": 16, "blockysize": 16}
    how["transform"] = rasterio.Affine(1, 0, 85_000, 0, -1, 447_000)
    with rasterio.open(path, "w", driver="GTiff", dtype=dtype, **how):
        pass
    most = 16 * 16 * bands * size
    monkeypatch.setattr(geofiles, "MOST_BLOCK_BYTES", most)
    with open_raster(path) as sheet:
        assert sheet.dtypes == (dtype,) * bands
    monkeypatch.setattr(geofiles, "MOST_BLOCK_BYTES", most - 1)
    with pytest.raises(FormatError, match=f"blocks of {most} bytes"), open_raster(path):
        pass


def test_json_of_many_small_values_is_refused_before_it_takes_its_memory(tmp_path):
    path = tmp_path / "many.city.json"
    path.write_bytes(b'{"type":"CityJSON","vertices":[' + b"[]," * 15_000_000 + b"[]]}")  # 45 MB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FormatError, match="JSON whose values take at most"):
        bag3d.read_roof_face(path)
    with pytest.raises(FormatError, match="JSON whose values take at most"):
        parse_json(path.read_bytes(), where="many")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10


def test_no_other_module_opens_a_file_of_shapes_or_heights_to_read():
    package = Path(geofiles.__file__).parents[2]
    # Writing is no door; a sheet that is read in ranges has one driver and gets its bytes from the one door to the network.
    doors = re.compile(
        r"pyogrio\.(read|list|open)|gpd\.read_file|fiona|"
        r"rasterio\.open\((?!\s*\w+,\s*\"w\")(?!\w+, driver=\"GTiff\", opener=opener\))"
    )
    open_elsewhere = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if path.name != "geofiles.py" and doors.search(path.read_text("utf-8"))
    ]
    assert open_elsewhere == []


def test_a_system_without_bounds_still_reads(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows, where importing it fails
    before = resource.getrlimit(resource.RLIMIT_DATA)
    geofiles._bound(1, 1 << 30)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize(
    ("size", "seconds", "memory_mib"),
    [(0, 45, 1024), (32 << 20, 45, 1024), (64 << 20, 90, 2048), (256 << 20, 360, 8192), (9 << 30, 360, 8192)],
)
def test_a_large_file_may_take_more_and_what_swells_may_not(tmp_path, size, seconds, memory_mib):
    path = tmp_path / "homes.geojson"
    with path.open("wb") as handle:
        handle.truncate(size)
    assert geofiles._most(str(path)) == (seconds, memory_mib << 20)


def test_what_a_large_file_leaves_behind_does_not_count_against_the_next(tmp_path, monkeypatch):
    path = tmp_path / "homes.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    geofiles.read_vector(path)
    first = geofiles._ASIDE._process
    geofiles.read_vector(path)
    assert geofiles._ASIDE._process is first
    monkeypatch.setattr(geofiles, "_SMALL_BYTES", 8)
    geofiles.read_vector(path)
    assert geofiles._ASIDE._process is None


def test_after_a_large_file_a_small_one_may_take_no_more_than_before(tmp_path, monkeypatch):
    held = []
    monkeypatch.setattr(resource, "setrlimit", lambda bound, most: held.append((bound, most)))
    for memory in (4 << 30, 1 << 30):
        geofiles._bound(45, memory)
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    allowed = [most for bound, most in held if bound == resource.RLIMIT_DATA]
    assert allowed == [(4 << 30, hard), (1 << 30, hard)]


def test_a_file_is_glanced_at_once_until_it_is_replaced(tmp_path, monkeypatch):
    asked, ask, path = [], geofiles._ASIDE.ask, tmp_path / "a.geojson"
    monkeypatch.setattr(geofiles._ASIDE, "ask", lambda *what: asked.append(what[0]) or ask(*what))
    for name in ("one", "two"):
        features = f'[{{"type": "Feature", "properties": {{"{name}": 1}}, "geometry": null}}]'
        path.write_text(f'{{"type": "FeatureCollection", "features": {features}}}')
        assert [geofiles.about_layer(path)[0] for _ in range(3)] == [[name]] * 3
    assert asked == ["about", "about"]


def test_after_a_question_that_was_broken_off_the_next_gets_its_own_answer(tmp_path, monkeypatch):
    assert geofiles.aside(_named, tmp_path / "a") == "a"

    def interrupted(*_):
        monkeypatch.undo()
        raise KeyboardInterrupt  # as in a notebook, while the answer is on its way

    monkeypatch.setattr(type(geofiles._ASIDE._line), "poll", interrupted)
    with pytest.raises(KeyboardInterrupt):
        geofiles.aside(_named, tmp_path / "b")
    assert geofiles.aside(_named, tmp_path / "c") == "c"


def _named(path):
    return path.name
