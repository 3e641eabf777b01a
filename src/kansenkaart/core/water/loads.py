"""What enters each pipe itself: people from homes, paved area from streets; what finds no pipe is listed with the reason."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.water.arrays import objects, taken
from kansenkaart.core.water.assign import Reach, connect, nearest


@dataclass(frozen=True)
class Loads:
    """Loads that enter the pipes.

    Parameters
    ----------
    pipe : DataFrame
        By `pipe_id`: `homes` [1], `people` [person], `paved_m2` [m2] of the pipe itself.
    home : DataFrame
        By home: `home_id`, `street_id`, `people`, `pipe_id`, `connected_by`, `pipe_distance_m` [m].
    street_rain : DataFrame
        By street: `street_id`, `paved_m2` to the sewer, `connected_by`.
    """

    pipe: pd.DataFrame
    home: pd.DataFrame
    street_rain: pd.DataFrame

    def unassigned(self) -> pd.DataFrame:
        """Homes and paved streets without a sewer: `what`, `key`, `reason`, `amount`."""
        lost_home = self.home[self.home["pipe_id"].isna()]
        lost_rain = self.street_rain[self.street_rain["connected_by"].str.startswith("none")]
        homes = pd.DataFrame(
            {"what": "home", "key": lost_home["home_id"], "reason": lost_home["connected_by"], "amount": 1.0}
        )
        rain = pd.DataFrame(
            {
                "what": "paved_m2",
                "key": lost_rain["street_id"],
                "reason": lost_rain["connected_by"],
                "amount": lost_rain["paved_m2"],
            }
        )
        return pd.concat([part for part in (homes, rain) if len(part)] or [homes], ignore_index=True)


def enter_loads(
    *,
    home: gpd.GeoDataFrame,
    home_people: pd.DataFrame,
    pipe: gpd.GeoDataFrame,
    street: gpd.GeoDataFrame,
    paved_m2: pd.Series,
    reach: Reach,
) -> Loads:
    """Connect homes to the nearest foul sewer of their street, and each street's paving to its rain sewers by length.

    Parameters
    ----------
    home : GeoDataFrame
        `home_id` and points.
    home_people : DataFrame
        By home, in the same order: `home_id`, `street_id`, `people`.
    pipe : GeoDataFrame
        Clean pipes with `street_id`.
    street : GeoDataFrame
        From `build_streets`.
    paved_m2 : Series
        Paved area that drains to the sewer by `street_id` [m2]; None or NaN as key: no street.
    reach : Reach
        Distances [m].
    """
    foul = pipe[pipe["system"].isin(("vuilwater", "gemengd", "drukriool"))]
    found = connect(
        home.geometry.to_numpy(),
        street_id=objects(home_people["street_id"]),
        pipe=foul,
        pipe_street=objects(foul["street_id"]),
        reach_m=reach.sewer_m,
    )
    homes = pd.concat([home_people.reset_index(drop=True), found], axis=1)
    per_pipe = homes.groupby("pipe_id").agg(homes=("home_id", "size"), people=("people", "sum"))
    rain, street_rain = _rain(pipe, street, paved_m2, reach)
    table = per_pipe.reindex(pipe["pipe_id"]).fillna(0.0)
    table["paved_m2"] = rain.reindex(pipe["pipe_id"]).fillna(0.0).to_numpy()
    return Loads(table, homes, street_rain)


def _rain(
    pipe: gpd.GeoDataFrame, street: gpd.GeoDataFrame, paved_m2: pd.Series, reach: Reach
) -> tuple[pd.Series, pd.DataFrame]:
    """Paved area per pipe [m2], and per street how it was connected."""
    carriers = pipe[
        pipe["system"].isin(("hemelwater", "verbeterd_gescheiden", "gemengd")) & (pipe["layer"] != "pressure")
    ]
    known = paved_m2[np.asarray(paved_m2.index.notna()) & (paved_m2 > 0).to_numpy()]
    own = carriers[["pipe_id", "street_id", "length_m"]].dropna(subset=["street_id"])
    own = own.assign(paved_m2=own["street_id"].map(known).astype("float64")).dropna(subset=["paved_m2"])
    share = own["length_m"] / own.groupby("street_id")["length_m"].transform("sum")
    direct = (own["paved_m2"] * share).groupby(own["pipe_id"]).sum()
    rest = known[~known.index.isin(own["street_id"])]
    place = street.set_index("street_id").geometry.reindex(rest.index).to_numpy()
    near, _ = nearest(place, targets=carriers.geometry.to_numpy(), reach_m=reach.sewer_m)
    by_near = pd.Series(rest.to_numpy(), index=taken(carriers["pipe_id"], near), dtype=float)
    by_near = by_near[by_near.index.notna()].groupby(level=0).sum()
    rule = pd.Series("street", index=known.index)
    rule[rest.index] = np.where(near >= 0, "nearest", "none: no sewer for rain within reach")
    table = pd.DataFrame({"street_id": known.index, "paved_m2": known.to_numpy(), "connected_by": rule.to_numpy()})
    homeless = paved_m2[paved_m2.index.isna()]
    if len(homeless):
        lost = {
            "street_id": "no street",
            "paved_m2": float(homeless.sum()),
            "connected_by": "none: no street within reach",
        }
        table = pd.concat([table, pd.DataFrame([lost])], ignore_index=True)
    return direct.add(by_near, fill_value=0.0), table
