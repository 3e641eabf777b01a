"""Whatever a file of shapes or heights holds: it opens no other file, calls nobody, and stays within memory and time."""

from __future__ import annotations

import re
import resource
import sys
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kansenkaart.acquire import readers
from kansenkaart.config import Source
from kansenkaart.errors import FormatError
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
            return sheet.read(1)
    return [layer_names(path), read_vector(path)]


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


def test_none_took_more_memory_than_a_file_may():
    """Runs after those above: the largest child so far, and this process."""
    for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF):
        assert resource.getrusage(who).ru_maxrss * 1024 < MOST_BYTES


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


@pytest.mark.parametrize(
    ("role", "form", "name"), [("weather_daily", "knmi", "days.txt"), ("sewer_node", "hydx-csv", "Knooppunt.csv")]
)
def test_text_of_stations_and_sewers_is_read_within_the_same_bounds(role, form, name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_bytes(b"x\n" * 100)
    asked = []
    monkeypatch.setattr(readers, "aside", lambda reader, path, source: asked.append(path.name) or reader(path, source))
    with pytest.raises(FormatError):
        readers.read(path, Source(role=role, publisher="knmi", origin="file", form=form, path=name, edition="1"))
    assert asked == [name]


def test_thirty_hostile_inputs():
    assert len(VECTORS) + len(RASTERS) >= 30


def test_the_second_process_knows_no_other_drivers(monkeypatch):
    assert geofiles.drivers_aside() == sorted(
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
    geofiles._bound(1)
