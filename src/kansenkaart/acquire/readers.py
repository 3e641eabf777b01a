"""Which reader makes which clean table from which form; the one table in which publishers and tables meet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from kansenkaart.config import Source
from kansenkaart.errors import ConfigError
from kansenkaart.sources import bag, bag3d, bgt, cbs, cbs_areas, gwsw, knmi, nwb, zwolle
from kansenkaart.tables.provenance import Tally

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
    return lambda path, source: read(path, form=source.form)


def _plain(read: Callable[..., Reading]) -> Reader:
    return lambda path, _: read(path)


_READERS: dict[tuple[str, str], Reader] = {
    ("buurt", "zwolle-geojson"): _zwolle,
    ("buurt", "*"): lambda path, source: cbs_areas.read_buurt(
        path, form=source.form, layer=source.layer, year=source.year
    ),
    ("statistics", "odata-v3"): _plain(cbs.read_kwb),
    ("pand", "bgt-pand-sqlite"): _form(bgt.read_pand),
    ("pand", "*"): _form(bag.read_pand),
    ("home", "*"): _form(bag.read_home),
    ("roof_face", "cityjson"): _plain(bag3d.read_roof_face),
    ("roof_face", "cityjsonseq"): _plain(bag3d.read_roof_face),
    ("terrain", "*"): lambda path, source: bgt.read_terrain(path, form=source.form, kind=source.layer),
    ("street_line", "*"): _form(nwb.read_street_line),
    ("sewer_pipe", "*"): _form(gwsw.read_sewer_pipe),
    ("sewer_node", "*"): _form(gwsw.read_sewer_node),
    ("weather_hourly", "*"): _form(knmi.read_weather_hourly),
    ("weather_daily", "knmi"): _plain(knmi.read_weather_daily),
}
#: Roles that have a reader.
ROLES_READ = frozenset(role for role, _ in _READERS)


def read(path: Path, source: Source) -> Reading:
    """Read one delivery into its clean table.

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
        If no reader knows the form.
    FormatError, CrsError, SchemaError
        If the file is not what its form says.
    """
    reader = _READERS.get((source.role, source.form)) or _READERS.get((source.role, "*"))
    if reader is None:
        known = sorted(form for role, form in _READERS if role == source.role)
        raise ConfigError(
            f"a form of {known} for {source.role}",
            found=source.form,
            where=path.name,
            remedy="correct the form in the study",
        )
    return reader(path, source)
