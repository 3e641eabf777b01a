"""Which layer, sheet, head and cells of a file are meant, by hand: from zips in zips to workbooks as people fill them in."""

from __future__ import annotations

import datetime
import gzip
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest

from kansenkaart.errors import FormatError, StoreError
from kansenkaart.sources.tools import geofiles, layers
from kansenkaart.sources.tools.layers import Table, about_of, body_of, cells_of, column_at, layers_of, open_layer

WANTED = [{"pandid", "id"}, {"naam"}, {"jaar"}]


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    """Read where the test runs: none of these files needs to be kept apart."""
    here = SimpleNamespace(ask=lambda what, path, *more: geofiles._ANSWERS[what](Path(path), *more))
    monkeypatch.setattr(geofiles, "_ASIDE", here)


def _found(call, error=FormatError):
    with pytest.raises(error) as why:
        call()
    return why.value.expected, why.value.found, why.value.where


def _geojson(path, *rows, name=None, crs="urn:ogc:def:crs:EPSG::28992"):
    features = [
        {
            "type": "Feature",
            "properties": row,
            "geometry": {"type": "Point", "coordinates": [100_000 + number, 450_000]},
        }
        for number, row in enumerate(rows)
    ]
    told = {"type": "FeatureCollection", "features": features} | ({"name": name} if name else {})
    told |= {"crs": {"type": "name", "properties": {"name": crs}}} if crs else {}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def _chosen(names, layer=None, likely=(), path="a.gpkg"):
    return layers._choose(Path(path), {one: [Path(f"{one}.x")] for one in names}, layer, likely)


def test_the_layer_that_is_meant_is_named_likely_of_a_year_or_the_only_one():
    assert _chosen(["Pand", "pand_2", "weg"], "PAND") == "Pand"
    assert _chosen(["p_and", "Pand"], "pand") == "p_and"  # of two the first
    assert _chosen(["buurt_2022_v1", "wijk"], likely=("gemeente", "buurt")) == "buurt_2022_v1"
    assert _chosen(["buurt_2022", "buurt"], likely=("buurt",)) == "buurt"
    assert _chosen(["buurt_2022", "buurt_2023"], likely=("buurt",)) == "buurt_2022"
    assert _chosen(["wijk", "buurt"], likely=("buurt", "wijk")) == "buurt"
    assert _chosen(["weg"]) == "weg"
    there = {"a": [Path("bgt_pand.gml")], "b": [Path("weg.gml")]}
    assert layers._choose(Path("x.zip"), there, None, ("pand",)) == "a"
    assert _found(lambda: _chosen(["weg", "pad"], "pand"))[:2] == ("layer pand", "layers: weg, pad")
    assert _found(lambda: _chosen(["weg"], "pand"))[1] == "layers: weg"
    names = [f"l{number:02d}" for number in range(13)]
    assert _found(lambda: _chosen(names)) == (
        "one layer, or one of a name of the register",
        f"layers: {', '.join(names[:12])}",
        "a.gpkg",
    )
    assert _found(lambda: _chosen([]))[1] == "layers: none"
    with pytest.raises(FormatError, match="the file holds no layer"):
        _chosen([])


def test_a_file_is_opened_out_of_what_it_is_packed_in(tmp_path):
    bare = _geojson(tmp_path / "panden.geojson", {"a": 1, "day": "2020-01-01"}, {"a": 2, "day": "0000-00-00"})
    (tmp_path / "panden.geojson.gz").write_bytes(gzip.compress(bare.read_bytes()))
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as inner:
        inner.write(bare, "deep/panden.geojson")
        inner.writestr("deep/.hidden.geojson", "x")
        inner.writestr("lees.txt", "x")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.write(tmp_path / "inner.zip", "in\\ner.zip")
    for name in ("panden.geojson", "panden.geojson.gz", "inner.zip", "outer.zip"):
        frame = open_layer(tmp_path / name, "panden")
        assert (frame["a"].tolist(), frame["day"].tolist()) == ([1, 2], ["2020-01-01", "0000-00-00"]), name
        assert frame.attrs == {"layer": "panden", "notes": {}}
        assert layers_of(tmp_path / name, "panden") == ["panden"]
    plain = open_layer(bare, "panden", geometry=False)
    assert list(plain.columns) == ["a", "day"]


def test_a_layer_without_rows_is_noted_and_one_without_shapes_is_refused(tmp_path):
    empty = open_layer(_geojson(tmp_path / "a.geojson"), "panden")
    assert (len(empty), empty.attrs["notes"]) == (0, {"layer without rows: a.geojson, a": 1})
    assert hasattr(empty, "geometry")
    rows = [{"type": "Feature", "properties": {"a": 1}, "geometry": None}]
    bare = tmp_path / "b.geojson"
    bare.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    made = layers.open_layer(bare, "panden", geometry=False)
    assert (type(made).__name__, made["a"].tolist()) == ("DataFrame", [1])


def test_one_layer_in_two_files_of_a_zip_is_refused_unless_it_is_of_the_bag_extract(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as out:
        for number in range(14):
            out.writestr(f"m{number:02d}/panden.geojson", _geojson(tmp_path / "panden.geojson", {"a": 1}).read_text())
    assert _found(lambda: open_layer(tmp_path / "two.zip", "panden")) == (
        "one file with layer panden in the zip",
        ", ".join(["panden.geojson"] * 12),
        "two.zip",
    )


def test_what_a_layer_holds_is_told_without_its_rows(tmp_path):
    path = _geojson(tmp_path / "a.geojson", {"x": 1, "y": "b"}, {"x": 2, "y": "c"})
    made = about_of(path, "panden")
    assert (list(made.columns), len(made), made.crs.to_epsg()) == (["x", "y", "geometry"], 1, 28992)
    assert made.geometry[0].bounds == (100_000, 450_000, 100_001, 450_000)
    assert made[["x", "y"]].isna().all(axis=None)
    assert len(about_of(_geojson(tmp_path / "b.geojson"), "panden")) == 0


def test_a_zip_unpacks_up_to_a_bound_and_its_papers_are_passed_by(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    stand = "<sl-bag-extract:bagStand>"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("9999PND.xml", "\ufeff" + stand)
        out.writestr("utf16.xml", stand.encode("utf-16"))
        out.writestr("Leveringsdocument.xml", "<levering>")
        out.writestr("a.shp", b"1234")
        out.writestr("a.dbf", b"12")
        out.writestr("b/a.shp", b"12")
        out.writestr("a.shp.pdf", b"1")
    parts = layers._unzipped(path, tmp_path / "out")
    assert [one.relative_to(tmp_path / "out").as_posix() for one in parts] == [
        "0/0/9999PND.xml",
        "0/0/a.shp",
        "0/0/utf16.xml",
        "0/1/a.shp",
    ]
    assert parts[0].read_bytes() == stand.encode()
    assert parts[2].read_bytes() == stand.encode("utf-16")
    total = len(stand) + len(stand.encode("utf-16")) + len("<levering>") + 8
    for room, fits in ((total, True), (total - 1, False)):
        monkeypatch.setattr(layers, "_MOST_UNPACKED", room)
        if fits:
            assert len(layers._unzipped(path, tmp_path / f"at{room}")) == 4
        else:
            with pytest.raises(ValueError, match="a zip of more than 0 GiB, or 200 times its size"):
                layers._unzipped(path, tmp_path / f"at{room}")
    monkeypatch.setattr(layers, "_MOST_UNPACKED", 8 << 30)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.shp", bytes(1 << 20))
    with pytest.raises(ValueError, match="times its size"):
        layers._unzipped(path, tmp_path / "swollen")
    with zipfile.ZipFile(path, "w") as out:
        for number in range(13):
            out.writestr(f"{number:02d}.dbf", b"")
    names = ", ".join(f"{number:02d}.dbf" for number in range(12))
    assert _found(lambda: layers._unzipped(path, tmp_path / "papers"))[1:] == (names, "a.zip")
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a.pdf", b"")
    assert _found(lambda: layers._unzipped(path, tmp_path / "none"))[1] == "none"


def test_a_mark_of_notepad_before_a_bag_extract_is_left_away_while_it_is_read(tmp_path):
    path = tmp_path / "9999PND.xml"
    path.write_bytes(b"\xef\xbb\xbf<bagStand>")
    with layers._plain(path, "x") as (bare,):
        assert (bare.name, bare.read_bytes()) == (path.name, b"<bagStand>")
    assert not bare.exists()
    path.write_bytes(b"<bagStand>")
    with layers._plain(path, "x") as parts:
        assert parts == [path]
    other = tmp_path / "a.gml"
    other.write_bytes(b"\xef\xbb\xbf<x>")
    with layers._plain(other, "x") as parts:
        assert parts == [other]


def test_a_column_is_that_of_the_first_spelling_and_of_the_first_cell():
    head = ["Naam", "ID_12", "naam", "i d"]
    assert column_at(head, ["naam"]) == 0
    assert column_at(head, ["id"]) == 3  # spelled whole before spelled with a number
    assert column_at(head[:3], ["id"]) == 1
    assert column_at(["ID_12", "id_13"], ["id"]) == 0
    assert column_at(head, ["id12"]) == 1
    assert column_at(head, ["weg", "naam", "id"]) == 0
    assert column_at(head, ["weg"]) is None
    assert layers._hits(head, WANTED) == 2


def test_the_head_is_the_row_of_the_first_twenty_that_names_most():
    rows = [(number, [""]) for number in range(1, 22)]
    head = ["id", "naam"]
    rows[4] = (5, ["id", "x"])
    rows[19] = (20, head)
    assert layers._found(rows, WANTED) == Table(rows, 19)
    rows[20] = (21, [*head, "jaar"])
    assert layers._found(rows, WANTED).at == 19
    rows[6] = (7, head)
    assert layers._found(rows, WANTED, frozenset({3})) == Table(rows, 6, frozenset({3}))
    assert layers._found([], WANTED) == Table([])
    assert Table([]).head == []
    assert Table(rows, 6).head == head


def test_the_rows_below_the_head_are_those_that_hold_something_and_are_no_longer_than_it(tmp_path):
    rows = [(1, ["t"]), (2, ["a", "b"]), (3, ["", ""]), (4, ["1"]), (6, ["1", "2", "", ""]), (7, ["", "0"])]
    assert body_of(Table(rows, 1), tmp_path / "f.csv") == [rows[3], rows[4], rows[5]]
    longer = [*rows, (8, ["1", "2", "3"]), (9, ["1", "2", "3", "4"])]
    assert _found(lambda: body_of(Table(longer, 1), tmp_path / "f.csv")) == (
        "at most 2 cells in each row, as in the head",
        "3 cells",
        "f.csv, row 8",
    )


@pytest.mark.parametrize("sign", [";", "\t", ",", "|"])
def test_text_is_cut_by_the_sign_that_names_most_columns_else_that_stands_most_in_a_line(tmp_path, sign):
    path = tmp_path / "a.csv"
    path.write_text(f"Panden; van, ons\n\nID{sign}naam\n 1 {sign}'p q'\n2{sign}\"r\ns\"\n", encoding="utf-8")
    made = layers._of_text(path, WANTED)
    assert (made.rows[made.at], made.rows[made.at + 1 :]) == (
        (3, ["ID", "naam"]),
        [(4, ["1", "'p q'"]), (5, ["2", "r\ns"])],
    )
    path.write_text(f"weg{sign}{sign}pad\n;\n", encoding="utf-8")
    assert layers._of_text(path, WANTED).rows[0] == (1, ["weg", "", "pad"])


def test_text_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id;naam\n" + "x" * 200_000 + ";1\n")
    assert _found(lambda: layers._of_text(path, WANTED)) == (
        "a table with a head and as many cells in each row",
        "field larger than field limit (131072)",
        "a.csv",
    )
    path.write_bytes(b"")
    assert layers._of_text(path, WANTED) == Table([])
    for name, found in (("a.xls", ".xls"), ("a", "no ending")):
        assert _found(lambda name=name: layers.read_table(tmp_path / name, WANTED))[:2] == (
            "a .csv, .xlsx or .gpkg file",
            found,
        )
    assert _found(lambda: layers.read_table(path, WANTED, sheet="A"))[:2] == ("no layer for a .csv file", "A")


def test_cells_are_text_and_a_first_row_that_is_longer_than_the_head_is_refused():
    made = cells_of("a;b\n 01; x\n;y\n", ";", keep_default_na=False)
    assert made.to_dict("list") == {"a": ["01", ""], "b": ["x", "y"]}
    assert made.index.tolist() == [0, 1]
    with pytest.raises(ValueError, match="more cells in the first row than in the head"):
        cells_of("a;b\n1;2;3\n", ";")


def _workbook(path):
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Leeg"
    hidden = book.create_sheet("Verborgen")
    hidden.append(["id", "naam", "jaar"])
    hidden.sheet_state = "hidden"
    main = book.create_sheet("Panden")
    main.append(["Onze panden"])
    main.append(["ID", "naam", "x"])
    main.append([1234567890123456, "p", datetime.datetime(2020, 5, 6, 7, 8)])
    main.append([2.0, " q ", datetime.date(2021, 1, 2)])
    main.append([2.125, None, "=1+1"])
    main.append([999999999999999, 1e15, -1e15])
    main.append([True, 2.5, 0.1])
    main.merge_cells("B4:B5")
    main.row_dimensions[5].hidden = True
    book.save(path)
    return path


def test_a_workbook_is_read_as_people_see_it(tmp_path, monkeypatch):
    path = _workbook(tmp_path / "a.xlsx")
    made = layers._of_workbook(path, WANTED, None)
    assert (made.head, made.hidden) == (["ID", "naam", "x"], {5})
    rows = [
        (3, ["1.2346E+15", "p", "2020-05-06"]),
        (4, ["2", "q", "2021-01-02"]),
        (5, ["2.1250", "q", "=1+1"]),
        (6, ["999999999999999", "1.0000E+15", "-1.0000E+15"]),
        (7, ["True", "2.5", "0.1"]),
    ]
    assert made.rows[2:] == rows
    assert layers._of_workbook(path, WANTED, "Verborgen").head == ["id", "naam", "jaar"]
    assert _found(lambda: layers._of_workbook(path, WANTED, "Weg")) == (
        "sheet Weg",
        "Leeg, Verborgen, Panden",
        "a.xlsx",
    )
    monkeypatch.setattr(layers, "_LIGHT_ABOVE", path.stat().st_size)
    assert layers._of_workbook(path, WANTED, None) == made
    monkeypatch.setattr(layers, "_LIGHT_ABOVE", path.stat().st_size - 1)
    light = layers._of_workbook(path, WANTED, None)
    assert (light.hidden, light.rows[2], light.rows[4]) == (frozenset(), rows[0], (5, ["2.1250", "", ""]))
    with zipfile.ZipFile(path) as opened:
        size = sum(one.file_size for one in opened.infolist())
    monkeypatch.setattr(layers, "_MOST_UNPACKED_BYTES", size)
    layers._of_workbook(path, WANTED, None)
    monkeypatch.setattr(layers, "_MOST_UNPACKED_BYTES", size - 1)
    assert f"more than {size - 1} bytes, unpacked" in _found(lambda: layers._of_workbook(path, WANTED, None))[1]


def test_of_a_workbook_whose_sheets_are_all_alike_the_first_that_holds_something_is_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Leeg"
    book.create_sheet("Vol").append(["p", "q"])
    book.save(tmp_path / "a.xlsx")
    assert layers._of_workbook(tmp_path / "a.xlsx", WANTED, None).rows == [(1, ["p", "q"])]


def test_a_cell_is_what_people_see():
    given = {None: "", " a ": "a", -0.5: "-0.5", 1.125: "1.1250", False: "False"}
    given |= {10**15: "1.0000E+15", 10**15 - 1: "999999999999999", 1e15: "1.0000E+15", -(10**15): "-1.0000E+15"}
    assert {one: layers._cell(one) for one in given} == given
    assert [layers._cell(one) for one in (7, 7.0, float("nan"))] == ["7", "7", "nan"]
    assert (layers._LIGHT_ABOVE, layers._MOST_UNPACKED_BYTES, layers._MOST_UNPACKED) == (2 << 20, 512 << 20, 8 << 30)


def test_no_room_for_what_is_packed_is_no_fault_of_the_file(tmp_path, monkeypatch):
    (tmp_path / "a.gml.gz").write_bytes(gzip.compress(b"x"))

    def full(*_, **__):
        raise OSError(28, "no room")

    monkeypatch.setattr(layers, "gunzip", full)
    with pytest.raises(StoreError, match="no room"):
        open_layer(tmp_path / "a.gml.gz", "x")
