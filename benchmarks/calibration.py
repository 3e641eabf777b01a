"""How far a roof's yield is off when its roof model is taken away: LoD2.2 stripped, scored anew, held against itself.

``python benchmarks/calibration.py TILE_OR_FOLDER [...] [--weather FILE.epw] [--days FILE.txt]``

A place is the folder of a tile, or what stands before the first ``_`` or ``-`` of its name. Priors of footprints and bounds of
``dsm`` are fitted on the *other* places before a place is judged; with ``--as-shipped``, or fewer than three others, the
tables in the package are judged instead. A file that is no tile with LoD2.2 is named and left out. A pand counts where its
own roof carries modules. Without ``--weather`` the typical year that is built in counts. Prints a row per tile, basis and
kind, a row per place, and what each place carries in sum; the last line is JSON, with the bounds of ``dsm`` that all places
together give, in doubts of a roof. ``kansenkaart daken`` writes the table of priors fitted on all places.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from kansenkaart.errors import FormatError
from kansenkaart.score import calibration, panden, roofs
from kansenkaart.sources import knmi
from kansenkaart.tables import assumptions

_ROUNDING = 1e-9
BASES = ("lod22+dsm", "dsm", "footprint")
KINDS = ((30.0, "shed"), (120.0, "house"), (400.0, "large"), (np.inf, "hall"))


_SHORT = {
    "faces": "faces",
    "kwp": "kwp_fit",
    "kwp_low": "kwp_fit_low",
    "kwp_high": "kwp_fit_high",
    "kwh": "yield_fit_kwh_per_year",
    "low": "yield_fit_kwh_per_year_low",
    "high": "yield_fit_kwh_per_year_high",
}


def stripped(
    tile: calibration.Tile,
    weather_tables: Mapping[str, pd.DataFrame],
    known: assumptions.Assumptions,
    *,
    priors: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Score the panden of a tile by every basis.

    Parameters
    ----------
    tile : Tile
        Panden and faces.
    weather_tables : mapping
        Tables of the weather by name.
    known : Assumptions
        Figures.
    priors : DataFrame, optional
        Priors of footprints; those of the package where none are given.

    Returns
    -------
    pandas.DataFrame
        By ``pand_id``: ``place``, ``tile``, ``faces`` [1], and per basis ``<basis>:faces`` [1],
        ``:kwp``, ``:kwp_low``, ``:kwp_high`` [kWp], ``:kwh``, ``:low`` and ``:high`` [kWh/year]; ``dsm:doubt`` are the modules
        in doubt [1].
    """
    out = tile.pand.set_index("pand_id")[["bouwjaar", "footprint_area_m2"]].copy()
    out["faces"] = tile.faces.groupby("pand_id").size()
    for basis in BASES:
        with tempfile.TemporaryDirectory() as folder:
            store = calibration.stored(Path(folder), tile, weather_tables, basis)
            if basis != "footprint":
                scored = calibration.table_of(roofs.score_roofs(store, known))
                store.write("roof_face_score", scored, calibration.BARE)
                out[f"{basis}:doubt"] = scored.groupby("pand_id")["modules_in_doubt"].sum(min_count=1).astype(float)
            made = calibration.table_of(panden.score_panden(store, known, priors=priors)).set_index("pand_id")
        for short, column in _SHORT.items():
            out[f"{basis}:{short}"] = made[column].astype(float).reindex(out.index)
    named: pd.DataFrame = out.assign(tile=tile.name, place=tile.place)
    return named


def rows_of(scored: pd.DataFrame) -> list[dict[str, Any]]:
    """Return figures per tile, basis and kind, and for all kinds together."""
    truth = scored["lod22+dsm:kwh"]
    kind = np.select(
        [scored["footprint_area_m2"] < top for top, _ in KINDS], [name for _, name in KINDS], default="unknown"
    )
    rows = []
    for basis in ("dsm", "footprint"):
        for tile in sorted(scored["tile"].unique()):
            for name in ("all", *dict.fromkeys(one for _, one in KINDS)):
                here = scored["tile"].eq(tile) & ((kind == name) | (name == "all"))
                mine = here & truth.gt(0)
                if mine.any():
                    rows.append(
                        {
                            "tile": tile,
                            "place": scored.loc[mine, "place"].iloc[0],
                            "basis": basis,
                            "kind": name,
                            **_figures(scored[here], scored[mine], basis),
                        }
                    )
    return rows


def _figures(here: pd.DataFrame, mine: pd.DataFrame, basis: str) -> dict[str, Any]:
    true, said = mine["lod22+dsm:kwh"], mine[f"{basis}:kwh"].fillna(0.0)
    low, high = mine[f"{basis}:low"], mine[f"{basis}:high"]
    kwp = mine["lod22+dsm:kwp"]
    few, many = mine[f"{basis}:kwp_low"] - _ROUNDING, mine[f"{basis}:kwp_high"] + _ROUNDING
    return {
        "panden": len(mine),
        "covered": round(float(((true >= low) & (true <= high)).mean()), 3),
        "covered_kwp": round(float(((kwp >= few) & (kwp <= many)).mean()), 3),
        "median_error": round(float((said / true - 1).median()), 3),
        "sum_bias": round(float(here[f"{basis}:kwh"].sum() / here["lod22+dsm:kwh"].sum() - 1), 3),
        "interval_width": round(float(((high - low) / true).median()), 3),
    }


SHARE_OUT = 0.2  # of the places that may lie outside the bounds of a sum [1]
TAIL_FRAC = 0.1  # of the roofs of the other places below and above the bounds [1]


def dsm_bounds(scored: pd.DataFrame) -> tuple[float, float]:
    """Bound what roofs carry less what was read, in doubts of the roof (`roofs.doubt_of`), places weighing by root of panden."""
    part = scored[scored["dsm:doubt"].notna() & scored["lod22+dsm:kwp"].gt(0)]
    if part.empty:
        return np.nan, np.nan
    off = ((part["lod22+dsm:kwp"] - part["dsm:kwp"]) / _doubt(part)).sort_values()
    weight = 1.0 / part.groupby("place")["place"].transform("size").reindex(off.index) ** 0.5
    low, high = np.searchsorted(weight.cumsum() / weight.sum(), (TAIL_FRAC, 1 - TAIL_FRAC))
    return float(off.iloc[low]), float(off.iloc[high])


def _doubt(part: pd.DataFrame) -> pd.Series:
    return roofs.doubt_of(part["dsm:kwp"], part["dsm:doubt"], roofs.module_of(assumptions.default()).power_wp / 1000)


def bounded_by_others(scored: pd.DataFrame, known: assumptions.Assumptions) -> pd.DataFrame:
    """Put bounds that the other places give in the place of those of ``dsm``."""
    low, high = (scored[f"dsm:kwp_{end}"].copy() for end in ("low", "high"))
    for place in scored["place"].unique():
        mine = scored["place"].eq(place) & scored["dsm:doubt"].notna()
        down, up = dsm_bounds(scored[scored["place"].ne(place)])
        low[mine] = (scored["dsm:kwp"] + down * _doubt(scored))[mine].clip(lower=0.0)
        high[mine] = (scored["dsm:kwp"] + up * _doubt(scored))[mine]
    kwh, kwp = (scored[f"dsm:{name}"].fillna(0.0).to_numpy() for name in ("kwh", "kwp"))
    down_kwh, up_kwh = roofs.yield_bounds(kwh, kwp, low.fillna(0.0).to_numpy(), high.fillna(0.0).to_numpy(), known)
    return scored.assign(**{"dsm:kwp_low": low, "dsm:kwp_high": high, "dsm:low": down_kwh, "dsm:high": up_kwh})


def place_bounds(ratios: pd.Series) -> tuple[float, float]:
    """Bound what all roofs of another place carry over what was said of them (80 %): Student's t on the logarithms."""
    logs, count = np.log(ratios), len(ratios)
    if count < calibration.LEAST_PLACES:
        return np.nan, np.nan
    far = t.ppf(1 - SHARE_OUT / 2, count - 1) * logs.std(ddof=1) * np.sqrt(1 + 1 / count)
    return float(np.exp(logs.mean() - far)), float(np.exp(logs.mean() + far))


def place_sums(scored: pd.DataFrame) -> list[dict[str, Any]]:
    """Return per basis and place what its roofs carry over what was said, beside the bounds that the other places give."""
    rows = []
    for basis in ("dsm", "footprint"):
        sums = scored.groupby("place")[["lod22+dsm:kwp", f"{basis}:kwp"]].sum()
        sums = sums[sums.gt(0).all(axis=1)]
        ratio = sums["lod22+dsm:kwp"] / sums[f"{basis}:kwp"]
        for place in ratio.index:
            others = ratio.drop(place)
            low, high = place_bounds(others)
            rows.append(
                {
                    "place": place,
                    "basis": basis,
                    "carries_over_said": round(ratio[place], 3),
                    "low": round(low, 3),
                    "high": round(high, 3),
                    "within": None if np.isnan(low) else bool(low <= ratio[place] <= high),
                }
            )
        low, high = place_bounds(ratio)
        rows.append({"place": "another", "basis": basis, "low": round(low, 3), "high": round(high, 3)})
    return rows


def read_tiles(paths: list[Path]) -> list[calibration.Tile]:
    """Read the tiles among files and folders; what cannot be read is named and left out."""
    tiles = []
    for path in calibration.tiles_in(paths):
        try:
            tiles.append(calibration.read_tile(path, place=calibration.place_of(path)))
        except FormatError as why:
            sys.stderr.write(f"left out: {why}\n")
    return tiles


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tiles", type=Path, nargs="+")
    parser.add_argument("--weather", type=Path, help="EPW file; else the built-in year")
    parser.add_argument("--days", type=Path, help="daily file of KNMI, for the long-term months")
    parser.add_argument("--as-shipped", action="store_true", help="judge the priors of the package")
    parser.add_argument("--table", type=Path, help="write the rows of all panden here (parquet)")
    args = parser.parse_args()
    hours = knmi.read_weather_hourly(args.weather, form="epw")[0] if args.weather else knmi.typical_year()[0]
    tables = {"weather_hourly": hours}
    if args.days:
        tables["weather_daily"] = knmi.read_weather_daily(args.days)[0]
    known = assumptions.default()
    tiles = read_tiles(args.tiles)
    if not tiles:
        sys.exit("no tile of 3DBAG with LoD2.2 in what was given")
    places = {tile.place for tile in tiles}
    shipped = args.as_shipped or len(places) <= calibration.LEAST_PLACES
    if shipped:
        sys.stderr.write("as shipped: the tables of the package are judged\n")
    lessons = None if shipped else calibration.learn(tiles, tables, known)
    fitted = {one: lessons.priors(without=one) for one in places} if lessons else {}
    parts = [stripped(tile, tables, known, priors=fitted.get(tile.place)) for tile in tiles]
    scored = pd.concat(parts).reset_index()
    if not shipped:
        scored = bounded_by_others(scored, known)
    if args.table:
        scored.to_parquet(args.table)
    rows = rows_of(scored)
    sums = place_sums(scored)
    whole = pd.DataFrame(rows_of(scored.assign(tile=scored["place"]))).query("kind == 'all'")
    sys.stdout.write(pd.DataFrame(rows).to_string(index=False) + "\n")
    sys.stdout.write(whole.to_string(index=False) + "\n")
    sys.stdout.write(pd.DataFrame(sums).to_string(index=False) + "\n")
    last = json.dumps({"dsm_bounds": dsm_bounds(scored), "place_sums": sums, "rows": rows})
    sys.stdout.write(last.replace("NaN", "null") + "\n")


if __name__ == "__main__":
    main()
