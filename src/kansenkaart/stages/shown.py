"""What readers may see of a study: no roofs on the opt-out list; in a public edition nothing finer than ten homes.

A `ShownStore` reads like the store behind it, so map, factsheets and open layers all see the same and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from kansenkaart import schemas
from kansenkaart.provenance import sha256_of
from kansenkaart.stages.grouping import at_least, merged_blocks, merged_borders, redrawn_areas
from kansenkaart.store import Store, atomic, save_table

LEAST_HOMES = 10
#: What stays known of a pand whose roof is not shown.
_NOT_ROOF = ("pand_id", "buurtcode", "bouwjaar", "homes", "footprint_area_m2", "geometry")
#: Tables whose rows stand for homes each; a public edition leaves out the rows of fewer than ten.
_BY_HOMES = ("buurt_score", "gebied", "enterprise_case")
_STREETS = ("street_score", "street_water")
#: Tables of places in whose sums a roof may be the only one, and what of a sum says something of roofs.
_SUMS = ("block", "gebied", "best_area", "best_variant", "buurt_score")
_OF_ROOFS = ("sun_", "open_sky_", "yield_", "kwp_", "modules_", "roof_area", "free_area", "own_use_", "value_")


class ShownStore(Store):
    """A store of which only what may be shown can be read; a table that is not known to be safe counts as absent.

    Parameters
    ----------
    behind : Store
        The whole store.
    opt_out : frozenset of str
        Ids of panden whose roof is not shown.
    public : bool
        Whether nothing may be finer than ten homes.
    """

    def __init__(self, behind: Store, *, opt_out: frozenset[str] = frozenset(), public: bool = False) -> None:
        super().__init__(behind.root)
        self.opt_out, self.public = opt_out, public
        self._kept: dict[str, gpd.GeoDataFrame] = {}

    def has(self, name: str) -> bool:
        """Tell whether a file is there and may be shown."""
        return super().has(name) and (not self.public or name in _PUBLIC)

    def read(self, name: str) -> gpd.GeoDataFrame:
        """Read what may be shown of a table."""
        if self.public and name not in _PUBLIC:
            return super().read(name).iloc[:0]
        if name not in self._kept:
            frame = super().read(name)
            if self.public:
                frame = _PUBLIC[name](self, frame)
            self._kept[name] = self._without_roofs(name, frame)
        return self._kept[name].copy()

    def whole(self, name: str) -> gpd.GeoDataFrame:
        """Read a table as it is stored, for what is made from it here."""
        return super().read(name)

    def changes(self, name: str) -> bool:
        """Tell whether what is shown of a table may differ from what is stored."""
        return self.public or (bool(self.opt_out) and name in ("roof_face_score", "pand_score", *_SUMS))

    def unknown(self) -> list[str]:
        """Return the ids on the opt-out list that no pand of the study has: a typing error would show a roof after all."""
        if not self.opt_out or not super().has("pand_score"):
            return []
        return sorted(self.opt_out - set(self.whole("pand_score")["pand_id"].astype(str)))

    def export(self, name: str, target: Path) -> dict[str, Any]:
        """Write what may be shown of a table, and return the lineage that goes with it."""
        frame, told = self.read(name), self.describe(name)
        with atomic(target) as part:
            save_table(name, frame, part)
        reasons = {"not for readers": int(told["rows"]) - len(frame)}
        return {**told, "rows": len(frame), "sha256": sha256_of(target), "tally": {**told["tally"], "shown": reasons}}

    def _without_roofs(self, name: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        if self.opt_out and name in _SUMS:
            return self._without_small_sums(name, frame)
        if not self.opt_out or "pand_id" not in frame.columns:
            return frame
        out = frame["pand_id"].astype(str).isin(self.opt_out)
        if name == "roof_face_score":
            return frame[~out].reset_index(drop=True)
        if name == "pand_score" and out.any():
            blank = [one for one in frame.columns if one not in _NOT_ROOF and one in schemas.get(name).nullable]
            frame.loc[out, blank] = pd.NA
            frame.loc[out, "score_basis"] = "footprint"
        return frame

    def _without_small_sums(self, name: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Leave sums of roofs unknown where fewer than ten homes share them with a roof that is not shown."""
        if frame.empty or not super().has("pand_score"):
            return frame
        panden = self.whole("pand_score")
        hidden = panden[panden["pand_id"].astype(str).isin(self.opt_out)].representative_point()
        few = frame["homes"].astype("Float64").fillna(0.0).to_numpy(float) < LEAST_HOMES
        if not few.any() or hidden.empty:
            return frame
        small = few & frame.intersects(hidden.union_all()).to_numpy(bool)
        free = schemas.get(name).nullable
        blank = [one for one in frame.columns if one.startswith(_OF_ROOFS) and one in free]
        frame.loc[small, blank] = pd.NA
        return frame


def _same(store: ShownStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame


def _ten_homes(store: ShownStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return at_least(frame, LEAST_HOMES)


def _blocks(store: ShownStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return merged_blocks(frame, LEAST_HOMES)[0]


def _borders(store: ShownStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return merged_borders(frame, merged_blocks(store.whole("block"), LEAST_HOMES)[1])


def _best(store: ShownStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    groups, member = merged_blocks(store.whole("block"), LEAST_HOMES)
    return redrawn_areas(frame, groups, member)


def _pipes(store: ShownStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep pipes that serve ten homes or none: of the others the figures would be those of a few homes."""
    homes = frame["homes"].to_numpy(float)
    return frame[(homes == 0) | (homes >= LEAST_HOMES)].reset_index(drop=True)


def _street_homes(store: ShownStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    kept = at_least(frame, LEAST_HOMES)
    if "geometry" in kept and (kept.geom_type == "MultiPoint").any():
        kept["geometry"] = kept.geometry.centroid  # the places of the homes themselves are finer than a street
    return kept


_Maker = Callable[[ShownStore, gpd.GeoDataFrame], gpd.GeoDataFrame]
_PUBLIC: dict[str, _Maker] = {
    **dict.fromkeys(_BY_HOMES, _ten_homes),
    **dict.fromkeys(_STREETS, _street_homes),
    "block": _blocks,
    "block_border": _borders,
    "best_area": _best,
    "pipe_water": _pipes,
    "sewer_pipe": _same,
    "buurt": _same,
}
