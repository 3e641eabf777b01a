"""What raw names, cells and texts of files come to, by hand: which column is meant, which form, and what is unknown."""

from __future__ import annotations

import os
import zlib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from kansenkaart.errors import FormatError, StoreError
from kansenkaart.sources.tools import rawnames
from kansenkaart.sources.tools.rawnames import (
    bounded,
    column_named,
    fits,
    form_of,
    forms,
    has_ended,
    nearest_form,
    plain,
    raw_names,
    reading,
    some,
    squeezed,
    text_of,
    to_number,
    to_our_names,
    to_text,
)

#: A table of our own: two needed columns, four optional ones, two of history, and one that the format lacks.
ROWS = {
    "x_id": "identificatie|id",
    "year": "bouwjaar",
    "a": "eerste_kolom|first?",
    "b": "tweede?",
    "c": "derde?",
    "d": "vierde?",
    "ended": "eind_geldigheid?",
    "ended_2": "eind_registratie?",
    "occurrence": "voorkomen?",
    "lacks": "",
}
SHORT = {"x_id": "id", "year": "jaar", "a": "a?"}
FULL = ["ID", "Bouwjaar", "eersteKolom"]


@pytest.fixture(autouse=True)
def _names(monkeypatch):
    table = {("thing", "long"): ROWS, ("thing", "short"): SHORT, ("other", "long"): {"x_id": "nr"}}
    monkeypatch.setattr(rawnames, "_table", lambda: table)


def test_formats_are_those_of_a_table_and_another_is_refused_with_their_names():
    assert (forms("thing"), forms("other"), forms("none")) == (["long", "short"], ["long"], [])
    assert raw_names("thing", "short") == SHORT
    with pytest.raises(FormatError, match=r"one of the formats \['long', 'short'\] for table thing"):
        raw_names("thing", "none")


def test_names_are_compared_without_case_and_signs_and_no_further_than_a_thousand():
    assert squeezed("Eind_Registratie-2 é") == "eindregistratie2"
    assert squeezed("a" * 1001) == squeezed("a" * 1000) == "a" * 1000 != squeezed("a" * 999)
    assert squeezed(5) == "5"
    assert some("abcde") == "a, b, c, d, e"
    assert some("abcdef") == "a, b, c, d, e, …"
    assert some([1, 2, 3], most=2) == "1, 2, …"
    assert some([]) == ""


def test_the_first_choice_counts_in_its_nearest_spelling():
    there = ["ID", "i_d", "Naam", "na-am", 7]
    assert column_named(there, "id") == "ID"
    assert column_named(there, "i-d") == "ID"
    assert column_named([*there, "id"], "id") == "id"
    assert column_named(there, "weg|naam|id?") == "Naam"
    assert column_named(there, "7") == "7"
    assert column_named(there, "weg?") is None
    assert column_named(["", "x"], "") is None
    assert column_named(there, "weg||naam") == "Naam"


def test_a_cut_name_counts_where_it_can_mean_one_column():
    hits = rawnames._hits(["identifica", "bouwjaar", "eerste_kol", "eind_gelvi", "eindgeldig"], ROWS)
    assert {raw: hit for raw, hit in hits.items() if hit} == {
        "identificatie|id": "identifica",
        "bouwjaar": "bouwjaar",
        "eerste_kolom|first?": "eerste_kol",
        "eind_geldigheid?": "eindgeldig",
    }
    assert set(hits) == set(ROWS.values()) - {""}
    two = {"a": "straatnaam_lang", "b": "straatnaam_kort?", "ended": "datum_eind_a?", "ended_2": "datum_eind_b?"}
    assert rawnames._hits(["straatnaam", "datum_eind"], two) == {
        "straatnaam_lang": None,
        "straatnaam_kort?": None,
        "datum_eind_a?": "datum_eind",
        "datum_eind_b?": None,
    }
    mixed = {"ended": "datum_eind_a?", "begin": "datum_eind_b?"}
    assert set(rawnames._hits(["datum_eind"], mixed).values()) == {None}
    assert rawnames._hits(["identific"], ROWS)["identificatie|id"] is None  # nine characters are no cut
    assert rawnames._hits(["identificat"], ROWS)["identificatie|id"] is None
    both = rawnames._hits(["id", "identifica"], ROWS)
    assert both["identificatie|id"] == "id"  # one that is there already is not taken from
    assert rawnames._hits(["voorkomen1"], ROWS)["voorkomen?"] is None


def test_a_form_fits_when_no_needed_column_misses_nor_all_optional_ones():
    assert fits(FULL, "thing", "long")
    assert not fits(FULL[:2], "thing", "long")  # four optional ones, of which none
    assert not fits([*FULL[:2], "voorkomen", "eind_geldigheid"], "thing", "long")  # those of history aside
    assert not fits(FULL[1:], "thing", "long")
    assert fits(["id", "jaar"], "thing", "short")  # one optional column may miss
    three = {"x_id": "id", **dict.fromkeys("abc", "none?")}
    assert not rawnames._all_optional_miss(three, dict.fromkeys(three.values()))
    four = {"x_id": "id", **{one: f"{one}?" for one in "abcd"}}
    assert rawnames._all_optional_miss(four, dict.fromkeys(four.values()))
    assert not rawnames._all_optional_miss(four, {**dict.fromkeys(four.values()), "d?": "d"})
    assert form_of(FULL, "thing") == "long"
    assert form_of(iter(["id", "jaar", "bouwjaar", "tweede"]), "thing") == "long"  # of which more is there
    assert form_of(["id", "jaar", "bouwjaar"], "thing") == "short"
    assert form_of(["id"], "thing") is None


def test_of_forms_with_as_many_columns_the_one_that_needs_most_is_meant(monkeypatch):
    table = {("thing", "few"): {"x_id": "id", "a": "a?", "b": ""}, ("thing", "many"): {"x_id": "id", "a": "a"}}
    monkeypatch.setattr(rawnames, "_table", lambda: table)
    assert form_of(["id", "a"], "thing") == "many"


def test_the_nearest_form_lacks_the_smallest_share_of_what_it_needs():
    assert nearest_form(iter(["jaar"]), "thing") == ("short", ["id"])
    assert nearest_form(["bouwjaar", "id"], "thing") == (
        "long",
        ["any of", "eerste_kolom", "tweede", "derde", "vierde"],
    )
    assert nearest_form(["bouwjaar"], "thing") == ("long", ["identificatie"])
    assert nearest_form([], "thing") == ("long", ["identificatie", "bouwjaar"])


def test_columns_get_our_names_and_what_is_not_there_is_noted():
    frame = pd.DataFrame(
        {"ID": [1, 2], "bouwjaar": [1990, None], "EERSTEKOLOM": [None, None], "tweede": [5, 6], "more": [0, 0]},
        index=[7, 8],
    )
    frame.attrs["notes"] = {"seen": 1}
    made = to_our_names(frame, "thing", form="long", where="f")
    assert list(made.columns) == list(ROWS)
    assert made.index.tolist() == [7, 8]
    assert made["x_id"].tolist() == [1, 2]
    assert made["b"].tolist() == [5, 6]
    assert made[["a", "c", "d", "ended", "ended_2", "occurrence", "lacks"]].isna().all(axis=None)
    assert made.attrs["notes"] == {
        "seen": 1,
        "column EERSTEKOLOM is empty: a unknown": 2,
        "no column derde: c unknown": 2,
        "no column vierde: d unknown": 2,
        "no column that says what has ended: all taken as current": 2,
    }
    assert frame.attrs == {"notes": {"seen": 1}}
    more = to_our_names(frame.assign(eind_registratie=None), "thing", form="long", where="f")
    assert "no column that says what has ended: all taken as current" not in more.attrs["notes"]
    assert not any("eind_registratie" in one for one in more.attrs["notes"])
    assert to_our_names(frame.rename(columns={"bouwjaar": "jaar"}), "thing", form="short", where="f").attrs[
        "notes"
    ] == {
        "seen": 1,
        "no column a: a unknown": 2,
    }


def test_a_frame_without_rows_has_all_columns_and_no_notes():
    made = to_our_names(pd.DataFrame({"z": []}), "thing", form="long", where="f")
    assert (list(made.columns), len(made), made.attrs) == (list(ROWS), 0, {"notes": {}})
    cut = to_our_names(pd.DataFrame({"identifica": [], "bouwjaar": []}), "thing", form="long", where="f")
    assert cut.attrs == {"notes": {}}


def test_names_that_were_cut_are_noted_and_shapes_stay():
    shapes = gpd.GeoSeries.from_xy([1.0], [2.0], crs=28992)
    frame = gpd.GeoDataFrame({"identifica": ["a"], "bouwjaar": [1], "eerste_kol": ["p"]}, geometry=shapes)
    made = to_our_names(frame, "thing", form="long", where="f")
    assert made.attrs["notes"]["column names cut to ten characters, read as identificatie, eerste_kolom"] == 1
    assert isinstance(made, gpd.GeoDataFrame)
    assert made.crs == 28992
    assert made.geometry.to_list() == shapes.to_list()
    assert list(made.columns) == [*ROWS, "geometry"]


def test_a_file_of_another_form_is_refused_with_what_to_write():
    told = {}
    for name, columns in {
        "another": ["id", "jaar"],
        "none": ["p", "q"],
        "half": [*FULL[:2], "p"],
        "empty": ["geometry"],
    }.items():
        with pytest.raises(FormatError) as why:
            to_our_names(pd.DataFrame({one: [1] for one in columns}), "thing", form="long", where="f")
        told[name] = (why.value.expected, why.value.found, why.value.remedy)
    needed, other = "the columns of form long: ", "choose the form that the file has, of long, short; "
    other += "docs/how-to/new-study.md says which is which"
    assert told == {
        "another": (f"{needed}bouwjaar", "other columns: id, jaar", 'write form = "short" in the study'),
        "none": (f"{needed}identificatie, bouwjaar", "other columns: p, q", other),
        "half": (
            "at least one of the columns of form long: eerste_kolom, tweede, derde, vierde",
            "other columns: ID, Bouwjaar, p",
            other,
        ),
        "empty": (f"{needed}identificatie, bouwjaar", "other columns: none", other),
    }


def test_two_columns_of_one_name_in_another_case_must_say_the_same():
    frame = pd.DataFrame({"id": [1, 2], "ID": [1, 2], "jaar": [1, None], "JAAR": [1, None], "j_aar": [9, 9]})
    assert to_our_names(frame, "thing", form="short", where="f")["x_id"].tolist() == [1, 2]
    with pytest.raises(FormatError, match="id and ID with different values"):
        to_our_names(frame.assign(ID=[1, 3]), "thing", form="short", where="f")


def test_numbers_with_every_spelling_of_unknown():
    given = {" 1.5 ": 1.5, "2,5": 2.5, "1.234,5": 1234.5, "-1.234.567,89": -1234567.89, "1.234": 1.234, "1e3": 1000.0}
    given |= dict.fromkeys(("", ".", "?", "-", "NaN", "None", "null", "-99999999", "-99995", "-99997", "-99996.0"))
    made = to_number(pd.Series(list(given)), where="f")
    assert [None if np.isnan(one) else one for one in made] == list(given.values())
    assert made.dtype == np.float64
    numbers = to_number(pd.Series([1, -99999999, -99995, -99996, -99997, -99998]), where="f")
    assert numbers[numbers.notna()].tolist() == [1.0, -99998.0]
    assert to_number(pd.Series(["x", "1", None]), where="f", lenient=True).isna().tolist() == [True, False, True]
    with pytest.raises(FormatError) as why:
        to_number(pd.Series(["1", "-", " 12 m", "x"], index=[4, 5, 6, 7]), where="f")
    assert (why.value.found, why.value.where) == ("'12 m'", "f, row 6")


def test_text_is_one_line_and_an_empty_one_is_unknown():
    made = to_text(pd.Series([" a\nb\u202ec ", "", None, 5, float("nan"), "  "], index=range(2, 8)))
    assert [one if isinstance(one, str) else None for one in made] == ["a b c", None, None, "5", None, None]
    assert made.index.tolist() == list(range(2, 8))
    assert to_text(pd.Series(["a\ud800b", "c"], dtype="object")).tolist() == ["a?b", "c"]
    assert to_text(pd.Series([], dtype="object")).tolist() == []


def test_whole_numbers_of_which_one_is_not_filled_in_have_no_point():
    for dtype in ("float64", "Float64"):
        assert to_text(pd.Series([193, None, 12], dtype=dtype)).fillna("unknown").tolist() == ["193", "unknown", "12"]
    assert to_text(pd.Series([1.5, 2.0])).tolist() == ["1.5", "2.0"]
    assert to_text(pd.Series([2.0**53, 1.0])).tolist() == ["9007199254740992.0", "1.0"]  # may stand for another as well
    assert to_text(pd.Series([2.0**53 - 1])).tolist() == ["9007199254740991"]
    assert to_text(pd.Series([float("inf"), 1.0])).tolist() == ["inf", "1.0"]
    assert to_text(pd.Series([None], dtype=float)).isna().all()


def test_what_has_ended_has_a_date_that_is_no_filler():
    over = ["2020-01-01", "31-12-2019", " 1 ", "ja", "true"]
    current = ["", None, "-", "NaT", "False", "nee", "N", "0", "0.0", "9999-12-31", "31-12-9999", "0001-01-01"]
    current += ["00000000", "null", "-99997"]
    assert has_ended(pd.Series(over)).all()
    assert not has_ended(pd.Series(current)).any()


def test_text_is_read_in_the_encoding_that_it_was_saved_in():
    words = "naam;caféȀ\n"  # the last but one ends in a zero
    assert text_of(words.encode()) == (words, None)
    assert text_of(words.encode("utf-8-sig")) == (words, None)
    assert text_of("naam;café".encode("cp1252")) == ("naam;café", "Windows-1252")
    assert text_of(b"\x81\xe9") == ("\ufffdé", "Windows-1252")
    for name in ("utf-16", "utf-16-le", "utf-16-be"):
        assert text_of(words.encode(name))[0].lstrip("\ufeff") == words
        assert text_of(words.encode(name))[1] == "UTF-16"
    assert text_of(b"\xfe\xff" + words.encode("utf-16-be")) == (words, "UTF-16")
    assert text_of(b"") == ("", None)
    third = b"ab\x00" * 4
    assert text_of(third) == (third.decode(), None)  # a third of zeros is none
    assert text_of(third + b"\x00")[1] == "UTF-16"
    assert text_of(b"a" * 1024 + b"a\x00" * 4096)[1] is None  # its begin decides
    for line in ("sep=;\n", '"sep=,"\r\n', "SEP=;\n", "\ufeffsep=;\n"):
        assert text_of((line + "a;b\nsep=;\n").encode()) == ("a;b\nsep=;\n", None)


def test_a_pipe_is_refused_and_a_file_is_read_whole_up_to_a_limit(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FormatError, match="no plain file"):
        plain(tmp_path / "pipe")
    assert plain(tmp_path) == tmp_path
    assert plain(tmp_path / "none") == tmp_path / "none"
    (tmp_path / "file").write_bytes(b"12345")
    assert bounded(tmp_path / "file", most_bytes=5) == tmp_path / "file"
    with pytest.raises(FormatError) as why:
        bounded(tmp_path / "file", most_bytes=4)
    assert (why.value.expected, why.value.found) == ("at most 4 bytes in a file that is read whole", "5")
    assert rawnames.MOST_BYTES == 1024**3


@pytest.mark.parametrize(
    ("why", "found", "remedy"),
    [
        (OSError(2, "No such file or directory", "/home/a/b.csv"), "no such file", "correct path"),
        (RuntimeError("Set SHAPE_RESTORE_SHX to YES"), "no .shx beside the .shp", "keep the files"),
        (ValueError("'utf-8' codec can't decode byte"), "text that is not UTF-8", "as UTF-8"),
        (TypeError("File is not a zip file"), "no zip or workbook inside", "open it yourself"),
        (
            zlib.error("bad /tmp/dir-2/file.csv:\n 3. You might want to set X"),
            "something that cannot be read as such (error: bad file.csv: 3.)",
            "check that path",
        ),
        (KeyError("k" * 300), f"something that cannot be read as such (KeyError: '{'k' * 239})", "check that path"),
    ],
)
def test_a_failure_to_read_says_what_was_expected_and_what_to_do(tmp_path, why, found, remedy):
    with pytest.raises(FormatError) as told, reading(tmp_path / "f.csv", "a table"):
        raise why
    assert (told.value.expected, told.value.found, told.value.where) == ("a table", found, "f.csv")
    assert remedy in told.value.remedy
    assert told.value.__cause__ is why


def test_what_is_no_fault_of_the_file_is_no_fault_of_the_file(tmp_path):
    own = FormatError("p", found="q")
    with pytest.raises(FormatError) as told, reading(tmp_path / "f", "a table"):
        raise own
    assert told.value is own
    for number in (28, 122):  # ENOSPC and EDQUOT
        with pytest.raises(StoreError, match="no room"), reading(tmp_path / "f", "a table"):
            raise OSError(number, "no room")
    with pytest.raises(KeyboardInterrupt), reading(tmp_path / "f", "a table"):
        raise KeyboardInterrupt
