"""Reads road sections from the Nationaal Wegenbestand."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from kansenkaart.sources.tools.cleaning import Sieve
from kansenkaart.sources.tools.layers import open_layer
from kansenkaart.sources.tools.rawnames import raw_names, to_our_names, to_text
from kansenkaart.tables.provenance import Tally

#: Names of the layer in the deliveries.
LAYERS = ("wegvakken", "wegvak")
#: Managers of main roads: the state (R) and the province (P).
MAIN_MANAGERS = ("R", "P")


def read_street_line(path: Path, *, form: str = "nwb-gml", layer: str | None = None) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return road sections with their street names, as table ``street_line``.

    The class is ``main`` for roads of state or province, ``collector`` for numbered roads of others, otherwise
    ``local``: a guess from the manager, because the file has no functional class.

    Parameters
    ----------
    path : Path
        GML, GeoJSON or GeoPackage as published.
    form : str
        ``nwb-gml``.
    layer : str or None
        Layer of the file; None takes the one of road sections, or the only one.

    Returns
    -------
    lines : GeoDataFrame
        Table ``street_line``; ``length_m`` from the geometry [m].
    tally : Tally
        Sections in, kept and left out [1].

    Raises
    ------
    FormatError
        If the file cannot be read or lacks a column of its format.
    CrsError
        If the coordinates are not RD New.
    """
    raw_names("street_line", form)
    raw = open_layer(path, "a file of NWB wegvakken", layer=layer, likely=LAYERS)
    sieve = Sieve(to_our_names(raw, "street_line", form=form, where=path.name))
    sieve.identify("street_line_id")
    sieve.drop(sieve.frame["street_line_id"].duplicated(), "same identification twice")
    sieve.lines(path.name)
    frame = sieve.frame
    name, number = to_text(frame["street_name"]), to_text(frame["number"])
    sieve.note("street name unknown", name.isna().sum())
    sieve.note("no road number: local unless its manager says otherwise", number.isna().sum())
    road_class = number.notna().map({True: "collector", False: "local"})
    road_class = road_class.where(~to_text(frame["manager"]).str.upper().isin(MAIN_MANAGERS), "main")
    sieve.frame = frame.assign(street_name=name, road_class=road_class, length_m=frame.geometry.length)
    return sieve.table("street_line", path)
