"""Which reader makes which clean table from which form; the one table in which publishers and tables meet."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
from shapely import box

from kansenkaart.config import Source
from kansenkaart.crs import RD, RD_BOUNDS_M, require_rd
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.sources import ahn, bag, bag3d, bgt, cbs, cbs_areas, epw, gwsw, knmi, nwb, zwolle
from kansenkaart.sources.tools.cleaning import UNNAMED
from kansenkaart.sources.tools.geofiles import aside
from kansenkaart.sources.tools.layers import about_of
from kansenkaart.sources.tools.rawnames import fits, form_of, forms, nearest_form
from kansenkaart.tables import schemas
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.store import RASTERS
from kansenkaart.wording.messages import EMPTY

Reading = tuple[pd.DataFrame, Tally]
Reader = Callable[[Path, Source], Reading]


def _zwolle(path: Path, source: Source) -> Reading:
    del source
    return zwolle.read_buurt(
        path / "energy_buurt_2023_mapped.geojson",
        klimaat=path / "klimaatmonitor" / "Thema's - 2022 - Buurten (2023) van Gemeente Zwolle.xlsx",
        cijfers=path / "cijfersoverzwolle" / "Thema's - 2024 - Buurten.xlsx",
    )


def _form(read: Callable[..., Reading]) -> Reader:
    """Call a reader with the form and the layer."""
    return lambda path, source: read(path, form=source.form, layer=source.layer)


def _sewer(read: Callable[..., Reading]) -> Reader:
    """Call a reader as `_form` does, with the shift of a set that is drawn on a grid of its own."""
    return lambda path, source: read(path, form=source.form, origin_m=source.shift_m, layer=source.layer)


def _station(read: Callable[..., Reading]) -> Reader:
    return lambda path, source: read(path, form=source.form, station=source.layer if source.origin == "file" else None)


_READERS: dict[tuple[str, str], Reader] = {
    ("buurt", "zwolle-geojson"): _zwolle,
    ("buurt", "*"): lambda path, source: cbs_areas.read_buurt(
        path, form=source.form, layer=source.layer, year=source.year
    ),
    ("statistics", "odata-v3"): lambda path, _: cbs.read_kwb(path),
    ("statistics", "statline-csv"): lambda path, source: cbs.read_kwb(path, year=source.year),
    ("pand", "bgt-pand-sqlite"): _form(bgt.read_pand),
    ("pand", "bgt-gml"): _form(bgt.read_pand),
    ("pand", "*"): _form(bag.read_pand),
    ("home", "*"): _form(bag.read_home),
    ("roof_face", "cityjson"): lambda path, source: bag3d.read_roof_face(path, lod=source.layer),
    ("roof_face", "cityjsonseq"): lambda path, source: bag3d.read_roof_face(path, lod=source.layer),
    ("terrain", "*"): lambda path, source: bgt.read_terrain(path, form=source.form, kind=source.layer),
    ("street_line", "*"): _form(nwb.read_street_line),
    ("sewer_pipe", "*"): _sewer(gwsw.read_sewer_pipe),
    ("sewer_node", "*"): _sewer(gwsw.read_sewer_node),
    ("weather_hourly", "*"): _station(knmi.read_weather_hourly),
    ("weather_daily", "knmi"): lambda path, source: knmi.read_weather_daily(
        path, station=source.layer if source.origin == "file" else None
    ),
}
#: Roles that have a reader.
ROLES_READ = frozenset(role for role, _ in _READERS)
AUTO = "auto"
#: Forms that are text of any size: read in the second process, within the memory and time of one file.
_IN_TEXT = ("hydx-csv", "knmi", "epw", "statline-csv")
_WITHOUT_LAYERS = ("hydx-csv", "epw", "zwolle-geojson", "odata-v3", "statline-csv")
#: Roles of which one form is all there is.
_ONLY_FORM = {"statistics": "odata-v3", "roof_face": "cityjson", "weather_daily": "knmi"}
#: Names of layers by which a role is known in a file with several, as the readers know them.
_LIKELY: dict[str, tuple[str, ...]] = {
    "pand": (*bag.LAYERS["pand"], "buildingpart"),
    "home": bag.LAYERS["home"],
    "sewer_pipe": gwsw.LAYERS["sewer_pipe"],
    "sewer_node": gwsw.LAYERS["sewer_node"],
    "buurt": cbs_areas.LAYERS,
    "street_line": nwb.LAYERS,
}
#: Forms that say themselves that a file has no columns to know it by, or is no file with layers.
_BY_WORD = ("footprint-shp", "points-shp", bag.BERTHS, "zwolle-geojson", "almere-gpkg", "wfs-2021-shp")


def read(path: Path, source: Source) -> Reading:
    """Read one delivery into its clean table.

    The form of the study is tried first. A file with layers whose columns are those of another form of the same role
    is read as that form, and the tally says so; ``form = "auto"`` leaves the choice to the columns.

    Parameters
    ----------
    path : Path
        The file.
    source : Source
        As the study states it: its role and form choose the reader.

    Returns
    -------
    tuple of DataFrame and Tally
        The clean table, and the count of its rows.

    Raises
    ------
    ConfigError
        If no reader knows the form, or ``layer`` is named where there are none.
    FormatError, CrsError, SchemaError
        If the file is not what its form says.
    """
    if _has_no_features(path):
        return empty(source.role), Tally(0, 0, {}, {f"{source.publisher} {EMPTY}": 1})
    settled = settle(path, source)
    form = settled.form
    frame, tally = aside(_read_here, path, settled) if form in _IN_TEXT else _read_here(path, settled)
    if form == source.form:
        return frame, tally
    return frame, replace(tally, noted={**tally.noted, f"form {source.form} in the study, read as {form}": 1})


def settle(path: Path, source: Source, *, sure: bool = False) -> Source:
    """Return a delivery with the form by which it will be read, by its columns or head; nothing but those is read.

    Parameters
    ----------
    path : Path
        The file.
    source : Source
        As the study states it.
    sure : bool
        Whether columns that are of no form are refused here; else reading the rows says what is wrong with them.

    Raises
    ------
    ConfigError, FormatError
        As `read`, where form, layer or columns are not right.
    """
    if source.role in RASTERS:
        ahn.require_sheet(path)
        return source
    form = _form_of(path, source, sure)
    settled = source.model_copy(update={"form": form})
    reader = _READERS.get((source.role, form)) or _READERS.get((source.role, "*"))
    if reader is None or form not in forms_of(source.role):
        raise ConfigError(
            f"a form of {forms_of(source.role)} for {source.role}",
            found=source.form,
            where=path.name,
            remedy='correct the form in the study, or write form = "auto"; docs/how-to/new-study.md says which is which',
        )
    if source.layer and source.origin == "file" and form in _WITHOUT_LAYERS:
        raise ConfigError(
            f"no layer for form {form}",
            found=f'layer = "{source.layer}"',
            where=path.name,
            remedy="leave layer out: there are no layers in this form",
        )
    if sure and form == "hydx-csv":
        gwsw.require_hydx(path, source.role)
    if sure and source.role == "roof_face":
        bag3d.require_tile(path)
    if sure and source.role in (*_LIKELY, "terrain") and form not in _WITHOUT_LAYERS:
        _require_rd(_layer(path, source), path)
    return settled


def require_readable(path: Path, source: Source) -> None:
    """Refuse a delivery that is not what its role and form say, by its head; raises as `read`.

    Parameters
    ----------
    path : Path
        The file.
    source : Source
        As the study states it.
    """
    if source.role in {*ROLES_READ, *RASTERS} and not _has_no_features(path):
        settle(path, source, sure=True)


def _require_rd(layer: gpd.GeoDataFrame, path: Path) -> None:
    """Refuse a layer in another system than RD New, as reading it would; of an unnamed one its extent must touch RD New."""
    system = None if layer.crs is None else layer.crs.to_authority()
    west, south, east, north = RD_BOUNDS_M
    if system not in UNNAMED or (len(layer) and not layer.intersects(box(west, south, east, north)).any()):
        require_rd(layer, where=path.name)


def _read_here(path: Path, settled: Source) -> Reading:
    reader = _READERS.get((settled.role, settled.form)) or _READERS[settled.role, "*"]
    return reader(path, settled)


def forms_of(role: str) -> list[str]:
    """Return all forms in which a role can be read, `AUTO` aside."""
    named = [form for name, form in _READERS if name == role and form != "*"]
    more = {
        "pand": ["footprint-shp"],
        "home": ["points-shp", bag.BERTHS],
        "sewer_pipe": ["hydx-csv"],
        "sewer_node": ["hydx-csv"],
    }
    wanted = [*named, *forms(role), *more.get(role, [])]
    return sorted(dict.fromkeys([*wanted, "almere-gpkg"] if role == "sewer_node" else wanted))


def _form_of(path: Path, source: Source, sure: bool) -> str:
    """Return the form to read by: the stated one, unless the columns say that it is another."""
    role, stated = source.role, source.form
    if stated == AUTO and role in _ONLY_FORM:
        return "statline-csv" if role == "statistics" and path.is_file() else _ONLY_FORM[role]
    if role == "weather_hourly":
        return stated if stated != AUTO else epw.form_of(path)
    if role in ("sewer_pipe", "sewer_node") and stated in (AUTO, "hydx-csv"):
        hydx = path.is_dir() or path.suffix.lower() == ".csv" or stated == "hydx-csv"
        if hydx or (path.suffix.lower() == ".zip" and not path.name.lower().endswith(".gpkg.zip")):
            return "hydx-csv"
    if role not in (*_LIKELY, "terrain") or stated in _BY_WORD or path.is_dir():
        return stated
    if stated != AUTO and stated not in forms(role):
        return stated
    return _by_columns(path, source, sure)


def _layer(path: Path, source: Source) -> gpd.GeoDataFrame:
    likely = bgt.likely_layers(source.layer) if source.role == "terrain" else _LIKELY[source.role]
    layer = None if source.role == "terrain" else source.layer
    return about_of(path, f"a file for role {source.role}", layer=layer, likely=likely)


def _by_columns(path: Path, source: Source, sure: bool) -> str:
    columns = [str(one) for one in _layer(path, source).columns if one != "geometry"]
    if source.form != AUTO and fits(columns, source.role, source.form):
        return source.form
    found = form_of(columns, source.role)
    if found is None and (source.form == AUTO or sure):
        nearest, missing = nearest_form(columns, source.role)
        raise FormatError(
            f"the columns of one of the forms {', '.join(forms_of(source.role))}",
            found=f"nearest is {nearest}, without {', '.join(missing)}; there are {', '.join(columns[:12]) or 'none'}",
            where=path.name,
            remedy="rename the columns as that form has them, or name the file that has them: docs/how-to/new-study.md"
            if columns
            else "put the .dbf of a shapefile beside it; shapes alone are form footprint-shp or points-shp",
        )
    return found or source.form


_EMPTY_BYTES = 400


def _has_no_features(path: Path) -> bool:
    """Say whether a publisher's answer is whole but empty: nothing there is an answer, not a fault."""
    if path.suffix != ".geojson" or not path.is_file() or path.stat().st_size > _EMPTY_BYTES:
        return False
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(content, dict) and content.get("features") == []


def empty(table: str) -> pd.DataFrame:
    """Return a table of the right shape without rows.

    Parameters
    ----------
    table : str
        Its name.
    """
    shape = schemas.get(table)
    frame = pd.DataFrame({name: [] for name in shape.columns})
    return schemas.conform(gpd.GeoDataFrame(frame, geometry="geometry", crs=RD) if shape.geometry else frame, table)
