"""The undamaged seed of every form is read first; then nothing that is spoiled changes a table without a word."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from kansenkaart.acquire.readers import read
from kansenkaart.config import Source
from kansenkaart.tables import schemas
from tests.conftest import NIGHTLY
from tests.fuzz.campaign import OUTCOMES, SEEDS, heights_of, run_sheets, sheet, told_of
from tests.pinned import pinned, same_as_pinned

IDS = [one.name for one in SEEDS]
#: Forms with as many columns as another one that is spoiled at each change.
AT_NIGHT = {"buurt cbs-shp", "buurt wfs-2021-shp"}
#: At each change half of the faults of a column, at night all, as for new pins.
WHOLE = NIGHTLY or os.environ.get("KANSENKAART_PIN") == "1"


def _by_fault(told):
    return {name: words for names, words in told.items() for name in names.split(", ")}


@pytest.mark.parametrize("seed", SEEDS, ids=IDS)
def test_the_seed_itself_gives_its_rows_and_three_of_them_by_name(seed, tmp_path):
    frame, tally = seed.read(tmp_path)
    assert (tally.rows_in, tally.kept, len(frame)) == (len(seed.rows), seed.kept, seed.kept)
    key = schemas.get(seed.role).key[0] if seed.role in schemas.tables() else "buurtcode"
    times = pd.api.types.is_datetime64_any_dtype(frame[key])
    assert set(seed.named) <= set(frame[key].dt.strftime("%Y-%m-%dT%H:%M:%SZ") if times else frame[key])
    assert len(seed.named) == 3 or seed.form in ("footprint-shp", "points-shp")  # those have no names of their own


@pytest.mark.parametrize(
    "seed", [pytest.param(one, id=one.name, marks=[pytest.mark.nightly] * (one.name in AT_NIGHT)) for one in SEEDS]
)
def test_nothing_spoiled_is_silently_other(seed, tmp_path):
    pins = f"pins/readers/{SEEDS.index(seed):02d} {seed.name}.txt"
    told = told_of(seed, tmp_path, half=not WHOLE)
    outcomes = {words.partition("\n")[0] for name, words in told.items() if name != "sound"}
    assert outcomes <= set(OUTCOMES)
    assert outcomes - {"refused"}
    if WHOLE:
        same_as_pinned(pins, told)
    else:
        kept = _by_fault(pinned(pins))
        assert _by_fault(told) == {name: kept[name] for name in _by_fault(told)}


def test_a_height_sheet_gives_its_cells_and_no_fault_of_it_is_silent(tmp_path):
    cells, _ = heights_of(tmp_path, sheet(tmp_path / "s.tif"))
    assert cells["height"].iloc[[0, 1, 399]].tolist() == pytest.approx([2.0, 2.01, 5.99])
    done = run_sheets(tmp_path)
    assert {name: what for name, (_, what, _) in done.items() if what not in OUTCOMES} == {}
    told = {}
    for name, (_, what, said) in done.items():
        words = [one for one in said if not one.startswith("(")]
        told[name] = "\n".join([what, *words, f"{len(said) - len(words)} other cells"]).replace(str(tmp_path), "")
    same_as_pinned("pins/readers/sheets.txt", told)
    other = sheet(tmp_path / "other.tif", np.full((20, 10), 9, "float32"), west=100_005.0)
    both, tally = heights_of(tmp_path, tmp_path / "s.tif", other)
    assert both["height"].tolist() == cells["height"].tolist()  # the first counts
    assert [count for note, count in tally.noted.items() if "other.tif" in note] == [200]


@pytest.mark.parametrize(
    "name", ["pand bgt-gml", "buurt cbs-shp", "roof_face cityjson", "weather_daily knmi", "weather_hourly epw"]
)
def test_a_file_whose_name_ends_in_capitals_is_the_same_file(name, tmp_path):
    seed = SEEDS[IDS.index(name)]
    sound, tally = seed.read(tmp_path)
    for path in tmp_path.iterdir():
        path.rename(path.with_name(path.stem.split(".")[0] + path.name[path.name.index(".") :].upper()))
    (path,) = (one for one in tmp_path.iterdir() if one.suffix not in (".DBF", ".SHX", ".PRJ", ".CPG"))
    year = 2023 if seed.role == "buurt" else None
    source = Source(role=seed.role, publisher="x", origin="file", form=seed.form, path=path.name, year=year)
    frame, again = read(path, source)
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(sound))
    assert again == tally
