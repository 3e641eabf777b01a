"""What readers may see of a study: no roofs on the opt-out list; in a public edition nothing finer than ten homes.

A `ReaderStore` reads like the store behind it, so map, factsheets and open layers all see the same and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.publish import audit
from kansenkaart.publish.audit import LEAST_HOMES
from kansenkaart.tables import fields, schemas
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store


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
    """Add rows up by group: amounts are summed (unknown if any is), homes weigh shares and places, texts stay where all agree."""
    if frame.empty:
        return frame.copy()
    rows, names = [], [name for name in frame.columns if name not in (key, "geometry")]
    alone, shapes = {name: list(frame[name]) for name in names}, frame.geometry.to_numpy()
    for number, places in pd.Series(range(len(frame))).groupby(group, sort=True).indices.items():
        if len(places) > 1:
            part = frame.iloc[places]
            row = {name: _together(part, name) for name in names}
        else:
            row = {name: alone[name][places[0]] for name in names}
        rows.append({**row, key: number, "geometry": shapely.union_all(shapes[places])})
    return gpd.GeoDataFrame(pd.DataFrame(rows)[list(frame.columns)], geometry="geometry", crs=frame.crs)


def _together(part: pd.DataFrame, name: str) -> Any:
    values = part[name]
    one = fields.get(name)
    if name == "largest_homes":
        return values.max()
    if one.type == "bool":
        return bool(values.any())
    if one.type == "list":
        named = [item for text in values.dropna() for item in fields.parts(text)]
        return "; ".join(dict.fromkeys(named)) if values.notna().all() else None
    if one.type in ("str", "geometry") or (name.endswith(("_id", "_year")) and one.unit in ("-", "year")):
        texts = values.dropna().unique()
        return texts[0] if len(texts) == 1 and values.notna().all() else None
    if name.endswith(("_frac", "_pct", "_per_home")) or one.unit == "m RD":
        homes = part["homes"].astype(float)
        known = values.notna().all() and float(homes.sum())
        return float((values.astype(float) * homes).sum() / float(homes.sum())) if known else None
    return values.sum() if values.notna().all() else None


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


#: What stays known of a pand whose roof is not shown.
_NOT_ROOF = ("pand_id", "buurtcode", "bouwjaar", "homes", "footprint_area_m2", "geometry")
#: Tables whose rows stand for homes each; a public edition leaves out the rows of fewer than ten.
_BY_HOMES = ("buurt_score", "gebied", "enterprise_case")
#: Tables that tell of no homes; `sensitivity` holds shares of one sum over the whole place.
_AS_IT_IS = ("sewer_pipe", "buurt", "sensitivity", "terrain", "own_budget")
_STREETS = ("street_score", "street_water")
_OWN = "own_"
_SHOW_ROOFS = ("roof_face_score", "pand_score")
_NODE_M = 0.01


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
        self.behind = Store(behind.root)
        self.opt_out, self.public = opt_out, public
        self._kept: dict[str, gpd.GeoDataFrame] = {}
        self._shapes: dict[str, gpd.GeoDataFrame] = {}

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
            return self.behind.read(name).iloc[:0]
        if name not in self._kept:
            self._kept[name] = self._without_roofs(name, self._without_rests(name, self._shaped(name)))
        return self._kept[name].copy()

    def _shaped(self, name: str) -> gpd.GeoDataFrame:
        if not self.public:
            return self.behind.read(name)
        if name not in self._shapes:
            self._shapes[name] = _PUBLIC[name](self, self.behind.read(name))
        return self._shapes[name].copy()

    def _without_rests(self, name: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Leave out the rows of a public edition from which, with others, those of a few homes could be taken."""
        if not self.public or name not in audit.COARSE_TO_FINE:
            return frame
        gone = [(name, key) in self._left_out for key in audit.keys_of(name, frame)]
        return frame[~np.array(gone, bool)].reset_index(drop=True)

    @cached_property
    def _left_out(self) -> set[tuple[str, str]]:
        shaped = {one: self._shaped(one) for one in audit.COARSE_TO_FINE if self.has(one)}
        return audit.to_leave_out(shaped, self.homes)

    @cached_property
    def homes(self) -> audit.Homes:
        """The homes behind what is shown, and what each of them belongs to."""
        parts = [self.behind.read(name) for name in ("home_score", "home_area", "home_water") if self.behind.has(name)]
        names = ("home_id", "buurtcode", "street_key", "street_id", "block_id", "gebied_id")
        frame = pd.DataFrame({"home_id": []})
        for part in parts:
            own = pd.DataFrame(part)[[name for name in names if name in part.columns]]
            frame = own if frame.empty else frame.merge(own, on="home_id", how="outer", validate="1:1")
        best = {}
        if self.behind.has("best_area"):
            made = self.behind.read("best_area")
            best = {
                str(key): str(some).split(",") for key, some in zip(made["best_id"], made["block_ids"], strict=True)
            }
        return audit.Homes(frame, self.member, best)

    @property
    def member(self) -> dict[str, str]:
        """For each block the number under which it is shown."""
        return self.blocks[1] if self.behind.has("block") else {}

    @cached_property
    def blocks(self) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
        """The blocks as they are shown, and for each block the number under which it is."""
        frame = self.behind.read("block")
        one_by_one = {str(one): str(one) for one in frame["block_id"]}
        return merged_blocks(frame, LEAST_HOMES) if self.public else (frame, one_by_one)

    @cached_property
    def findings(self) -> list[audit.Finding]:
        """What readers could take from all that is shown together: nothing, if all is well.

        In a public edition the sums of one to nine homes; in every edition a roof that is not to be shown: in its own row,
        or in any sum, which holds its estimate from the footprint only if it was scored that way.
        """
        found = []
        if self.public:
            found += audit.audit({one: self.read(one) for one in audit.COARSE_TO_FINE if self.has(one)}, self.homes)
            found += pipe_findings(self.read("pipe_water")) if self.has("pipe_water") else []
        if self.opt_out and self.behind.has("pand_score"):
            scored = self.behind.read("pand_score")
            seen = scored[scored["pand_id"].astype(str).isin(self.opt_out) & scored["score_basis"].ne("footprint")]
            rows = [("pand_score", str(one)) for one in seen["pand_id"]]
            found += [audit.Finding("a roof on the opt-out list in the sums", (one,), 0, one) for one in rows]
        return found

    def changes(self, name: str) -> bool:
        """Tell whether what is shown of a table may differ from what is stored.

        Parameters
        ----------
        name : str
            Of a stored table.
        """
        return self.public or (bool(self.opt_out) and name in _SHOW_ROOFS)

    def unknown(self) -> list[str]:
        """Return the ids on the opt-out list that no pand of the study has: a typing error would show a roof after all."""
        if not self.opt_out or not self.behind.has("pand_score"):
            return []
        return sorted(self.opt_out - set(self.behind.read("pand_score")["pand_id"].astype(str)))

    def sources_of(self, names: Sequence[str]) -> tuple[Provenance, ...]:
        """Return the deliveries behind some files; a public edition names no file of own data."""
        return tuple(one for one in super().sources_of(names) if not (self.public and one.role.startswith(_OWN)))

    def lineage(self, name: str, rows: int) -> dict[str, Any]:
        """Return the lineage of what is shown of a table; a public edition names no file of own data.

        Parameters
        ----------
        name : str
            Of a stored table.
        rows : int
            How many of its rows are shown [1].
        """
        whole = self.describe(name)
        mine = [one for one in whole["sources"] if not (self.public and one["role"].startswith(_OWN))]
        gone = {"shown": {"not for readers": int(whole["rows"]) - rows}} if self.changes(name) else {}
        return {**whole, "sources": mine, "tally": {**whole["tally"], **gone}}

    def _without_roofs(self, name: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
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


def _borders(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep the borders between blocks that are both shown: one that is left out has no border either."""
    shown = set(store.read("block")["block_id"].astype(str)) if store.has("block") else set()
    return merged_borders(frame, {one: group for one, group in store.member.items() if str(group) in shown})


def _best(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Name the groups of blocks that lie whole in an area; its own sums and border stay those of its case and factsheet."""
    member = store.member
    size = pd.Series(member).value_counts()
    groups = []
    for text in frame["block_ids"]:
        inside = pd.Series([member[one] for one in str(text).split(",") if one in member], dtype=object).value_counts()
        groups.append(",".join(sorted((str(one) for one in inside[inside == size[inside.index]].index), key=int)))
    return at_least(frame.assign(block_ids=groups), LEAST_HOMES)


def _facts(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep the facts of places whose case is shown."""
    shown = set(audit.keys_of("enterprise_case", store.read("enterprise_case")))
    keep = [key in shown for key in audit.keys_of("enterprise_case", frame)]
    return frame[np.array(keep, bool)].reset_index(drop=True)


def _pipes(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep pipes that serve ten homes or none: of the others the figures would be those of a few homes."""
    homes = frame["homes"].to_numpy(float)
    enough = frame[(homes == 0) | (homes >= LEAST_HOMES)]
    left_out = pipes_to_leave_out(enough)
    return enough[~enough["pipe_id"].astype(str).isin(left_out)].reset_index(drop=True)


def pipe_findings(pipes: pd.DataFrame) -> list[audit.Finding]:
    """Return the nodes at which published pipes give away the one to nine homes that join there.

    Pipes are successive sums: at a node the largest less the others is what joins there.

    Parameters
    ----------
    pipes : GeoDataFrame
        ``pipe_id``, ``homes`` upstream [1] and lines.
    """
    return _at_nodes(_ends(pipes), pipes)


def pipes_to_leave_out(pipes: pd.DataFrame) -> set[str]:
    """Return the pipes to leave out so that no node gives away one to nine homes, nor two nodes without the pipe between them."""
    drawn, gone = _ends(pipes), np.zeros(len(pipes), bool)
    ends = drawn.copy()
    ids = {str(one): at for at, one in enumerate(pipes["pipe_id"])}
    while found := _at_nodes(ends[~gone], pipes[~gone]) or _at_nodes(drawn[~gone], pipes[~gone]):
        for one in found:
            at = ids[one.drop[1]]
            gone[at] = True
            low, high = sorted(ends[at])
            ends[ends == high] = low
    return {str(one) for one in pipes["pipe_id"][gone]}


def _ends(pipes: pd.DataFrame) -> NDArray[np.int64]:
    """Return the numbers of the two nodes of each pipe."""
    lines = pipes["geometry"].to_numpy()
    points = np.stack([shapely.get_point(lines, 0), shapely.get_point(lines, -1)], axis=1)
    coordinates = np.round(shapely.get_coordinates(points) / _NODE_M).astype(np.int64)
    return np.unique(coordinates, axis=0, return_inverse=True)[1].reshape(-1, 2).astype(np.int64)


def _at_nodes(ends: NDArray[np.int64], pipes: pd.DataFrame) -> list[audit.Finding]:
    homes, ids = pipes["homes"].to_numpy(int), pipes["pipe_id"].astype(str).to_numpy()
    at: dict[int, list[int]] = {}
    for row, (one, other) in enumerate(ends):
        if one != other:
            at.setdefault(int(one), []).append(row)
            at.setdefault(int(other), []).append(row)
    out = []
    for some in at.values():
        ranked = sorted(some, key=lambda row: (-homes[row], ids[row]))
        joins = [int(homes[ranked[0]] - sum(homes[row] for row in ranked[1:]))]
        joins += [int(homes[x] - homes[y]) for x, y in pairwise(ranked)]
        small = [one for one in joins if 0 < abs(one) < LEAST_HOMES]
        busy = [row for row in ranked if homes[row]]
        if small and len(busy) > 1:
            out.append(
                audit.Finding(
                    "pipes at a node",
                    tuple(("pipe_water", ids[row]) for row in ranked),
                    abs(small[0]),
                    ("pipe_water", ids[busy[-1]]),
                )
            )
    return out


def _street_homes(store: ReaderStore, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    kept = at_least(frame, LEAST_HOMES)
    if "geometry" in kept and (kept.geom_type == "MultiPoint").any():
        kept["geometry"] = kept.geometry.centroid  # the places of the homes themselves are finer than a street
    return kept


_PUBLIC: dict[str, Callable[[ReaderStore, gpd.GeoDataFrame], gpd.GeoDataFrame]] = {
    **dict.fromkeys(_BY_HOMES, lambda _, frame: at_least(frame, LEAST_HOMES)),
    **dict.fromkeys(_STREETS, _street_homes),
    **dict.fromkeys(_AS_IT_IS, lambda _, frame: frame),
    "block": lambda store, _: store.blocks[0],
    "block_border": _borders,
    "best_area": _best,
    "pipe_water": _pipes,
    "enterprise_facts": _facts,
}
