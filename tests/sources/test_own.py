"""Own data with every fault that such tables have: reported by row, nothing dropped in silence."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kansenkaart.errors import FormatError
from kansenkaart.sources.own import PANDEN, SEWERS, OwnData, read_own

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
