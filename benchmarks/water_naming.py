"""How well hidden street names of sewer pipes are found back, and where not: `python benchmarks/water_naming.py`.

A fifth of the names of the real foul sewers of Almere is hidden, ten times over, and found back from the others (there is no
street map of the place in the data). The last line is JSON: one row per place of a pipe in its street.
"""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.core.water.naming import name_pipes
from kansenkaart.core.water.pipes import PipeLimits, clean_pipes

REAL = Path(__file__).parents[1].parent / "shared" / "data" / "almere" / "almere_dwa_inspectie.gpkg"
TOUCH_M = 0.5


def foul_sewers(path: Path = REAL) -> gpd.GeoDataFrame:
    """Foul sewers of Almere (inspections of 2008 to 2010) as a table `sewer_pipe`."""
    raw = gpd.read_file(path)
    number = {name: pd.to_numeric(raw[name], errors="coerce") for name in ("hoogte_mm", "jaar", "bob1", "bob2")}
    table = {
        "pipe_id": raw["streng"],
        "from_node": raw["kn1"],
        "to_node": raw["kn2"],
        "system": "vuilwater",
        "kind": "gravity",
        "diameter_mm": number["hoogte_mm"],
        "laid_year": number["jaar"],
        "bob_from_m_nap": number["bob1"],
        "bob_to_m_nap": number["bob2"],
        "street_name": raw["straat"],
        "status": None,
    }
    return gpd.GeoDataFrame(table, geometry=raw.geometry, crs=raw.crs)


def hidden_names(pipe: gpd.GeoDataFrame, *, seed: int, hidden_frac: float = 0.2) -> pd.DataFrame:
    """Hide names and find them back: per hidden pipe whether it is right, how sure, and where in its street it lies."""
    truth = pipe["street_name"].to_numpy(dtype=object)
    hidden = np.random.default_rng(seed).random(len(pipe)) < hidden_frac
    found = name_pipes(pipe.assign(street_name=pipe["street_name"].mask(hidden)))
    table = found.assign(right=found["street_name"].to_numpy() == truth, place=places(pipe, truth, hidden))
    return table[hidden]


def places(pipe: gpd.GeoDataFrame, truth: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Say where in its street each pipe lies, from the true names of the pipes that it touches."""
    shapes = pipe.geometry.to_numpy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=TOUCH_M)
    own = truth[left] == truth[right]
    at_end = {}
    for end in (0, -1):
        near = (left != right) & (shapely.distance(shapely.get_point(shapes, end)[left], shapes[right]) <= TOUCH_M)
        at_end[end] = [np.bincount(left[near & side], minlength=len(pipe)) > 0 for side in (own, ~own)]
    both = at_end[0][0] & at_end[-1][0]
    one = at_end[0][0] | at_end[-1][0]
    other = at_end[0][1] | at_end[-1][1]
    conditions = [~np.isin(truth, truth[~hidden]), ~one, both, other]
    words = [
        "no named pipe of its street",
        "touches no pipe of its street",
        "along its street",
        "end at another street",
    ]
    return np.select(conditions, words, default="dead end")


def main() -> None:
    """Print the shares found back; the last line is JSON."""
    pipe = clean_pipes(foul_sewers(), limits=PipeLimits(year_max=2026)).pipes
    found = pd.concat([hidden_names(pipe, seed=seed) for seed in range(10)])
    for sure in (0.0, 0.5, 0.8, 0.9, 0.95):
        told = found[found["sure_frac"] >= sure]
        print(f"sure {sure:.2f}: told {len(told) / len(found):.3f}, right {told['right'].mean():.3f}")
    one = pd.concat([hidden_names(pipe, seed=seed, hidden_frac=0.02) for seed in range(20)])
    print(f"with 2 % hidden: {one['right'].mean():.3f} of {len(one)}")
    rows = found.groupby("place")["right"].agg(["size", "mean"]).reset_index()
    whole = {"place": "all", "pipes": len(found), "right_frac": round(float(found["right"].mean()), 3)}
    each = [
        {"place": row["place"], "pipes": int(row["size"]), "right_frac": round(float(row["mean"]), 3)}
        for row in rows.to_dict("records")
    ]
    print(json.dumps([whole, *each]))


if __name__ == "__main__":
    main()
