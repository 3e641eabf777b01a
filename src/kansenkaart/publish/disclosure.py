"""What readers may see of a study: no roofs on the opt-out list; in a public edition nothing finer than ten homes.

A `ReaderStore` reads like the store behind it, so map, factsheets and open layers all see the same and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.tables import fields, schemas
from kansenkaart.tables.provenance import sha256_of
from kansenkaart.tables.store import Store, atomic, save_table


def at_least(frame: gpd.GeoDataFrame, least: int) -> gpd.GeoDataFrame:
    """Keep the rows that stand for enough homes; unknown is not enough.

    Parameters
    ----------
    frame : GeoDataFrame
        Rows with `homes` [1].
    least : int
        Homes that a row must stand for [1].
    """
    homes = frame["homes"].astype("Float64").fillna(0.0).to_numpy(float)
    return frame[homes >= least].reset_index(drop=True)


def merged_blocks(frame: gpd.GeoDataFrame, least: int) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    """Join blocks of too few homes with the nearest one of the same area, until each has enough.

    Parameters
    ----------
    frame : GeoDataFrame
        Blocks with `block_id`, `homes` and, where areas were made, `gebied_id`.
    least : int
        Homes [1] that each must have.

    Returns
    -------
    tuple of GeoDataFrame and dict
        The joined blocks under the lowest number of their members, and for each block the number of the one it is in; an
        area with too few homes is left out.
    """
    homes = frame["homes"].astype("Float64").fillna(0.0).to_numpy(float)
    part = (
        frame["gebied_id"].astype("Int64").fillna(-1).to_numpy() if "gebied_id" in frame else np.zeros(len(frame), int)
    )
    points = shapely.get_coordinates(shapely.centroid(frame.geometry.to_numpy()))
    root = _joined(homes, part, points, least)
    ids = frame["block_id"].to_numpy()
    lowest = pd.Series(ids).groupby(root).transform("min").to_numpy()
    total = pd.Series(homes).groupby(root).transform("sum").to_numpy()
    whole = total >= least
    member = {str(one): str(group) for one, group, fine in zip(ids, lowest, whole, strict=True) if fine}
    return _summed(frame[whole], lowest[whole], "block_id"), member


def _joined(homes: Any, part: Any, points: Any, least: int) -> Any:
    """Return for each block the group that it is in: the smallest group joins the nearest one of its part, again and again."""
    root, size = np.arange(len(homes)), homes.copy()
    for one in np.unique(part):
        inside = np.flatnonzero(part == one)
        alive = list(inside)
        middle = {int(k): points[k] for k in inside}
        while len(alive) > 1:
            small = min(alive, key=lambda k: (size[k], k))
            if size[small] >= least:
                break
            others = [k for k in alive if k != small]
            gaps = [float(np.hypot(*(middle[int(k)] - middle[int(small)]))) for k in others]
            host = others[int(np.argmin(gaps))]
            root[root == small] = host
            size[host] += size[small]
            alive.remove(small)
    return root


def _summed(frame: gpd.GeoDataFrame, group: Any, key: str) -> gpd.GeoDataFrame:
    """Add rows up by group: amounts are summed (unknown if any is), homes weigh shares, texts stay where all agree."""
    if frame.empty:
        return frame.copy()
    rows = []
    for number, part in frame.groupby(group, sort=True):
        row = {name: _together(part, name) for name in frame.columns if name not in (key, "geometry")}
        rows.append({**row, key: number, "geometry": shapely.union_all(part.geometry.to_numpy())})
    return gpd.GeoDataFrame(pd.DataFrame(rows)[list(frame.columns)], geometry="geometry", crs=frame.crs)


def _together(part: pd.DataFrame, name: str) -> Any:
    values = part[name]
    if len(part) == 1:
        return values.iloc[0]
    one = fields.get(name)
    if name == "largest_homes":
        return values.max()
    if one.type == "bool":
        return bool(values.any())
    if one.type in ("str", "geometry") or (name.endswith(("_id", "_year")) and one.unit in ("-", "year")):
        texts = values.dropna().unique()
        return texts[0] if len(texts) == 1 and values.notna().all() else None
    if name.endswith(("_frac", "_pct", "_per_home")):
        return _weighed(values, part["homes"])
    return values.sum() if values.notna().all() else None


def _weighed(values: Any, homes: Any) -> Any:
    if values.isna().any() or not float(homes.sum()):
        return None
    return float((values.astype(float) * homes.astype(float)).sum() / float(homes.sum()))


def merged_borders(frame: pd.DataFrame, member: Mapping[str, str]) -> Any:
    """Return the borders between joined blocks; those inside one, or of a block that is left out, are gone.

    Parameters
    ----------
    frame : DataFrame
        Borders with `block_a` and `block_b`.
    member : mapping
        For each block the number of the joined block that it is in.
    """
    a, b = (frame[name].astype(str).map(dict(member)) for name in ("block_a", "block_b"))
    kept = a.notna() & b.notna() & (a != b)
    out = frame[kept].copy()
    out["block_a"], out["block_b"] = a[kept].astype("int64"), b[kept].astype("int64")
    return out.reset_index(drop=True)


def redrawn_areas(frame: gpd.GeoDataFrame, groups: gpd.GeoDataFrame, member: Mapping[str, str]) -> gpd.GeoDataFrame:
    """Give areas the joined blocks of which most homes are theirs, with those blocks' own sums: no difference is left to take.

    Parameters
    ----------
    frame : GeoDataFrame
        Areas with `block_ids`.
    groups : GeoDataFrame
        The joined blocks with their sums.
    member : mapping
        For each block the number of the joined block that it is in.
    """
    by_id = groups.set_index(groups["block_id"].astype(str))
    amounts = [
        name
        for name in frame.columns
        if name in groups.columns
        and fields.get(name).type in ("int", "float")
        and not name.endswith(("_id", "_frac", "_pct", "_year"))
    ]
    rows = []
    for _, area in frame.iterrows():
        blocks = [member[one] for one in str(area["block_ids"]).split(",") if one in member]
        inside = sorted({one for one in blocks if 2 * blocks.count(one) > list(member.values()).count(one)}, key=int)
        if inside:
            part = by_id.loc[inside]
            sums = {name: part[name].sum() if part[name].notna().all() else None for name in amounts}
            shape = shapely.union_all(part.geometry.to_numpy())
            rows.append({**area.to_dict(), **sums, "block_ids": ",".join(inside), "geometry": shape})
    if not rows:
        return frame.iloc[:0].copy()
    return gpd.GeoDataFrame(pd.DataFrame(rows)[list(frame.columns)], geometry="geometry", crs=frame.crs)


LEAST_HOMES = 10
#: What stays known of a pand whose roof is not shown.
_NOT_ROOF = ("pand_id", "buurtcode", "bouwjaar", "homes", "footprint_area_m2", "geometry")
#: Tables whose rows stand for homes each; a public edition leaves out the rows of fewer than ten.
_BY_HOMES = ("buurt_score", "gebied", "enterprise_case")
_STREETS = ("street_score", "street_water")
#: Tables of places in whose sums a roof may be the only one.
_SUMS = ("block", "gebied", "best_area", "best_variant", "buurt_score")


class ReaderStore(Store):
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
        """Tell whether a file is there and may be shown.

        Parameters
        ----------
        name : str
            Of a stored table.
        """
        return super().has(name) and (not self.public or name in _PUBLIC)

    def read(self, name: str) -> gpd.GeoDataFrame:
        """Read what may be shown of a table.

        Parameters
        ----------
        name : str
            Of a stored table.

        Raises
        ------
        StoreError
            If the table is missing or damaged.
        """
        if self.public and name not in _PUBLIC:
            return super().read(name).iloc[:0]
        if name not in self._kept:
            frame = super().read(name)
            if self.public:
                frame = _PUBLIC[name](self, frame)
            self._kept[name] = self._without_roofs(name, frame)
        return self._kept[name].copy()

    def whole(self, name: str) -> gpd.GeoDataFrame:
        """Read a table as it is stored, for what is made from it here.

        Parameters
        ----------
        name : str
            Of a stored table.

        Raises
        ------
        StoreError
            If the table is missing or damaged.
        """
        return super().read(name)

    def changes(self, name: str) -> bool:
        """Tell whether what is shown of a table may differ from what is stored.

        Parameters
        ----------
        name : str
            Of a stored table.
        """
        return self.public or (bool(self.opt_out) and name in ("roof_face_score", "pand_score", *_SUMS))

    def unknown(self) -> list[str]:
        """Return the ids on the opt-out list that no pand of the study has: a typing error would show a roof after all."""
        if not self.opt_out or not super().has("pand_score"):
            return []
        return sorted(self.opt_out - set(self.whole("pand_score")["pand_id"].astype(str)))

    def export(self, name: str, target: Path) -> dict[str, Any]:
        """Write what may be shown of a table, and return the lineage that goes with it.

        Parameters
        ----------
        name : str
            Of a stored table.
        target : Path
            File to write.
        """
        frame, lineage = self.read(name), self.describe(name)
        with atomic(target) as part:
            save_table(name, frame, part)
        reasons = {"not for readers": int(lineage["rows"]) - len(frame)}
        return {
            **lineage,
            "rows": len(frame),
            "sha256": sha256_of(target),
            "tally": {**lineage["tally"], "shown": reasons},
        }

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
        blank = [one for one in frame.columns if fields.get(one).of_roof and one in free]
        frame.loc[small, blank] = pd.NA
        return frame


def _same(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame


def _ten_homes(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return at_least(frame, LEAST_HOMES)


def _blocks(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return merged_blocks(frame, LEAST_HOMES)[0]


def _borders(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return merged_borders(frame, merged_blocks(store.whole("block"), LEAST_HOMES)[1])


def _best(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    groups, member = merged_blocks(store.whole("block"), LEAST_HOMES)
    return redrawn_areas(frame, groups, member)


def _pipes(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep pipes that serve ten homes or none: of the others the figures would be those of a few homes."""
    homes = frame["homes"].to_numpy(float)
    return frame[(homes == 0) | (homes >= LEAST_HOMES)].reset_index(drop=True)


def _street_homes(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    kept = at_least(frame, LEAST_HOMES)
    if "geometry" in kept and (kept.geom_type == "MultiPoint").any():
        kept["geometry"] = kept.geometry.centroid  # the places of the homes themselves are finer than a street
    return kept


_Maker = Callable[[ReaderStore, gpd.GeoDataFrame], gpd.GeoDataFrame]
_PUBLIC: dict[str, _Maker] = {
    **dict.fromkeys(_BY_HOMES, _ten_homes),
    **dict.fromkeys(_STREETS, _street_homes),
    "block": _blocks,
    "block_border": _borders,
    "best_area": _best,
    "pipe_water": _pipes,
    "sewer_pipe": _same,
    "buurt": _same,
    "terrain": _same,
}
