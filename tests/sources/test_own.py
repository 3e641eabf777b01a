"""Own data with every fault that such tables have: reported by row, nothing dropped in silence."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kansenkaart.errors import FormatError
from kansenkaart.sources import own as own_module
from kansenkaart.sources.own import ACTUALS, BUDGETS, PANDEN, SEWERS, OwnData, example_csv, read_own

ROWS = """pand_id;owner;maintenance_year
0193100000000001;corporatie;2028
0193100000000002;corporatie;volgend jaar
0193100000000003;corporatie;2030
0193100000000003;vve;2030
0193100000000001;corporatie;2028
9999;vve;2031
;vve;2031
"""
KNOWN = [f"019310000000000{number}" for number in range(1, 5)]


def read(path: Path) -> OwnData:
    return read_own(path, shape=PANDEN, known=KNOWN, first_year=2026, last_year=2100)


def test_every_row_is_told(tmp_path: Path) -> None:
    (tmp_path / "panden.csv").write_text(ROWS, encoding="utf-8")
    own = read(tmp_path / "panden.csv")
    told = own.report[own.report["column"] == "pand_id"].set_index("row")["result"]
    assert told.to_dict() == {
        2: "matched",
        3: "matched",
        4: "conflict",
        5: "conflict",
        6: "duplicate",
        7: "unknown_id",
        8: "no_id",
    }
    words = own.report[own.report["result"] == "unreadable"]
    assert words[["row", "found"]].to_numpy().tolist() == [[3, "volgend jaar"]]
    assert list(own.table.index) == KNOWN[:2]
    assert own.table["maintenance_year"].isna().tolist() == [False, True]


def test_geopackage_reads_the_same(tmp_path: Path) -> None:
    import pyogrio

    frame = pd.DataFrame({"pipe_id": ["a", "b"], "laying_year": [1971, 999], "diameter_mm": [300.0, 250.0]})
    pyogrio.write_dataframe(frame, tmp_path / "riolen.gpkg")
    own = read_own(tmp_path / "riolen.gpkg", shape=SEWERS, known=["a", "b"], first_year=1850, last_year=2030)
    assert own.table["laying_year"].tolist()[0] == 1971
    assert own.report[own.report["result"] == "unreadable"]["found"].tolist() == ["999"]  # a filler, not a year


def test_missing_column_names_itself(tmp_path: Path) -> None:
    (tmp_path / "panden.csv").write_text("pand_id,owner\n1,x\n", encoding="utf-8")
    with pytest.raises(FormatError, match="missing maintenance_year"):
        read(tmp_path / "panden.csv")


@pytest.mark.parametrize(
    ("role", "shape", "values"),
    [
        ("own_pand", PANDEN, ["Woningstichting Voorbeeld", 2031.0, None]),
        ("own_sewer", SEWERS, [1968.0, 300.0]),
        ("own_budget", BUDGETS, ["municipality", 12500.0]),
        ("own_actual", ACTUALS, ["buurt:BU01931000", "2027", "households", 120.0]),
    ],
)
def test_an_example_is_a_table_that_is_read(role, shape, values, tmp_path: Path) -> None:
    content = example_csv(role)
    assert content.startswith(b"\xef\xbb\xbf" + ";".join(shape.columns).encode() + b"\r\n")
    assert content.count(b"\r\n") == 2
    (tmp_path / "x.csv").write_bytes(content)
    known = [content.decode("utf-8-sig").splitlines()[1].split(";")[0]]
    own = read_own(tmp_path / "x.csv", shape=shape, known=known, first_year=1900, last_year=2100)
    row = own.table.iloc[0].tolist()
    assert [None if one != one else one for one in row] == values
    assert own.report["result"].unique().tolist() == ["matched"]


def test_a_column_twice_says_the_same_or_is_refused(tmp_path: Path) -> None:
    text = "pand_id;bag-id;eigenaar;maintenance_year;owner\n0193100000000001;0193100000000001;A;2030;A\n"
    (tmp_path / "x.csv").write_text(text)
    assert read(tmp_path / "x.csv").table["owner"].tolist() == ["A"]
    for wrong, said in (
        (text.replace("1;01", "2;01"), "pand_id and bag-id with different values"),
        (text.replace("30;A", "30;B"), "owner and eigenaar with different values"),
    ):
        (tmp_path / "x.csv").write_text(wrong)
        with pytest.raises(FormatError, match=said + r"; where: x\.csv, row 2"):
            read(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (["pand", "", "eigenaar"], "pand, eigenaar"),
        (["", ""], "an empty file"),
        (["Jansen", "0193100000000001"], "no names of columns"),
        (["a", "1,5E+3"], "no names of columns"),
        (["a1", "kwp 2"], "a1, kwp 2"),
    ],
)
def test_what_may_be_of_people_is_not_repeated(head, said) -> None:
    assert own_module._names_in(head) == said


def test_power_of_a_thousand_kwp_is_asked_only_where_half_of_a_column_is_so(tmp_path: Path) -> None:
    for cells, hints in (
        (["1000", "999", "1000"], ["watts", "", "watts"]),
        (["1000", "999", "1"], ["", "", ""]),
        (["1000", "1000", "999", "999"], ["", "", "", ""]),
        (["1000", "1001"], ["watts", "watts"]),
    ):
        rows = "".join(f"{KNOWN[at]};A;2030;{cell}\n" for at, cell in enumerate(cells))
        (tmp_path / "x.csv").write_text("pand_id;owner;maintenance_year;kwp\n" + rows)
        own = read(tmp_path / "x.csv")
        asked = own.report[own.report["column"] == "pv_installed_kwp"].set_index("row")["hint"].to_dict()
        assert [asked.get(at + 2, "") for at in range(len(cells))] == hints
        kept = own.table["pv_installed_kwp"].isna().tolist()
        assert kept == [bool(one) for one in hints]
