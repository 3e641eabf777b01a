"""Own data of every role as people type them, with every fault, through the step that reads them: tables and report whole."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import shapely

from kansenkaart.acquire import own_data
from kansenkaart.acquire.deliveries import Delivery
from kansenkaart.config import Source
from kansenkaart.sources import own
from kansenkaart.tables.provenance import Tally
from tests.pinned import same_as_pinned

PANDEN = [f"01931000000000{number:02d}" for number in range(1, 11)]
PIPES = ["stelsel#a", "stelsel#b", "ander/b", "c"]
FILES = {
    "own_pand": {
        "een.csv": "Lijst van panden\n\nBAG-id;Eigenaar;Onderhoudsjaar;kWp\n"
        "0193100000000001;De Stee;1850;0\n193100000000002;De Stee;2100;12,5\n0193 1000 0000 0003;#N/B;1849;1.250,5\n"
        "0193100000000004;;2101;-1\n0193100000000004;;2101;-1\n1,931E+14;De Stee;2030;3\n;De Stee;2030;3\n"
        '="0193100000000005";De Stee;31-12-2031;12.500\n0193100000000006;Jansen;2031-05-01;1000\n9999;x;2030;1\n',
        "twee.csv": "pand,owner,maintenance_year\n0193100000000002,Een ander,2100\n0193100000000001,De Stee,1850\n"
        "0193100000000007,De Stee,2040.0\n",
        "watt.csv": "pand_id\towner\tmaintenance_year\tpv_installed_kwp\n0193100000000008\tA\t2030\t1000\n"
        "0193100000000009\tA\t2031\t999\n0193100000000010\tA\t2032\t3000\n",
    },
    "own_sewer": {
        "riool.csv": "streng;jaar aanleg;diameter\nSTELSEL#A;1968;300 mm\nb;1970;250\nc;'1971;0,3\nstelsel#b;1972;5\n"
        "ander/b;;4,99\nd;1980;200\n"
    },
    "own_budget": {
        "begroting.csv": "dienst;betaler;budget\nGROEN onderhouden;gemeente;€ 12.500,-\nhome_cleaning;gemeente;1.000.000\n"
        "Klein onderhoud aan woningen;#VERW!;-1\nniets;vve;1\n"
    },
    "own_actual": {
        "uitkomst.csv": "plaats;jaar;post;waarde\nbuurt:BU01931000;2000;households;120\nbuurt:BU01931000;1999;households;1\n"
        "buurt:BU01931000;2100;enterprise_eur;-5000,5\nbuurt:BU01931000;2101;households;3\nbest:1;2030;koffie;3\n"
        "best:1;2030;paid_hours;1.250\nbest:1;2031;paid_hours;veel\n"
    },
}


def _store():
    tables = {"pand": pd.DataFrame({"pand_id": PANDEN}), "sewer_pipe": pd.DataFrame({"pipe_id": PIPES})}
    return SimpleNamespace(has=tables.__contains__, read=tables.__getitem__)


def _source(role):
    return Source(role=role, publisher="x", origin="file", form="own", path="x")


def _lines(frame):
    return (
        frame.reset_index(drop="own_row_id" in frame.columns).to_csv(index=False, sep="|", lineterminator="\n").strip()
    )


def test_every_row_of_every_role_is_used_or_reported_as_was_read(tmp_path):
    parts = []
    for role, files in FILES.items():
        for name, text in files.items():
            (tmp_path / name).write_text(text, "utf-8")
            parts.append((_source(role), Delivery((tmp_path / name,), (name,))))
    step = own_data.steps([*parts, (_source("pand"), Delivery((), ()))])[0]
    assert (step.outputs, step.inputs) == ((*FILES, "own_report"), ("pand", "sewer_pipe"))
    assert list(step.deliveries) == [name for files in FILES.values() for name in files]
    made = {}
    for one in step.action(_store()):
        made[one.name] = _lines(one.content)
        made[f"{one.name}, counted"] = str(one.tally)
    same_as_pinned("pins/own.txt", made)
    assert own_data.steps([(_source("pand"), Delivery((), ()))]) == []


def test_an_id_with_two_stories_is_used_from_no_file_and_an_equal_row_counts_once(tmp_path):
    texts = {
        "een.csv": f"{PANDEN[0]};A;2030\n{PANDEN[0]};B;2030\n{PANDEN[1]};A;2030\n",
        "twee.csv": f"{PANDEN[0]};A;2030\n{PANDEN[1]};A;2030\n{PANDEN[2]};A;2031\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(f"pand_id;owner;maintenance_year\n{text}")
    step = own_data.steps([(_source("own_pand"), Delivery((tmp_path / name,), ())) for name in texts])[0]
    table, report = step.action(_store())
    assert table.content["pand_id"].tolist() == PANDEN[1:3]
    assert (table.tally.kept, table.tally.left_out) == (2, {"conflict": 3, "duplicate": 1})
    assert report.content["own_result"].tolist() == [
        "conflict",
        "conflict",
        "matched",
        "conflict",
        "duplicate",
        "matched",
    ]


def test_years_and_sizes_of_ones_own_take_the_place_of_those_in_the_register(tmp_path):
    pipes = pd.DataFrame(
        {"pipe_id": PIPES, "laid_year": [1950, None, 1960, None], "diameter_mm": [100.0, 200.0, None, None]}
    )
    frame = gpd.GeoDataFrame(pipes, geometry=[shapely.LineString([(0, 0), (1, 1)])] * 4, crs=28992)
    (tmp_path / "riool.csv").write_text(FILES["own_sewer"]["riool.csv"], "utf-8")
    out, tally = own_data.with_sewers(frame, Tally(4, 4, {}, {"a": 1}), [(tmp_path / "riool.csv", None)])
    assert out["laid_year"].fillna(0).tolist() == [1968, 1972, 1960, 1971]
    assert out["diameter_mm"].fillna(0).tolist() == [300, 5, 0, 0]
    assert tally == Tally(4, 4, {}, {"a": 1, "laid_year uit eigen gegevens": 3, "diameter_mm uit eigen gegevens": 2})
    assert own_data.with_sewers(frame, tally, [])[0] is frame


NUMBERS = {
    "a decimal comma somewhere": ["12.500", "0,5", "1.250,50"],
    "a decimal point somewhere": ["12.500", "0.5", "1,250.50"],
    "thousands by twos": ["1.250.000", "12.500"],
    "thousands with commas": ["1,250,000", "12,500"],
    "nobody tells": ["12.500", "7", "-3"],
    "both are told": ["1,5", "1.5", "12.500"],
    "with signs": ["€ 1 000,-", "Ø300", "+5", "1e3", "2,5E+2", "", "veel", "1.2.3", "0.125", "012.500"],
}


def test_numbers_as_people_type_them_are_read_as_was_read():
    made = {}
    for name, cells in NUMBERS.items():
        numbers, ambiguous = own.typed_numbers(pd.Series(cells, dtype="str"))
        made[name] = "\n".join(
            f"{cell!r}: {one:g}{' ?' * two}" for cell, one, two in zip(cells, numbers, ambiguous, strict=True)
        )
    same_as_pinned("pins/own_numbers.txt", made)
