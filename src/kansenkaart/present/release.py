"""The open layers: GeoParquet and GeoPackage that carry what their columns mean, and styles as the map has them.

Unit, label, definition, source, basis and licence travel in each file: as metadata of the Arrow fields and, for readers that
see no Arrow schema, as one text ``kansenkaart`` in the footer of the Parquet file; in the tables ``gpkg_data_columns``,
``gpkg_data_column_constraints``, ``gpkg_metadata`` and ``layer_styles`` of the GeoPackage. Equal layers give equal bytes:
every moment in a file is that of the newest delivery behind it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio

from kansenkaart.present.editionpages import environment
from kansenkaart.present.mapspec import View
from kansenkaart.present.style import UNKNOWN_COLOR, LegendClass
from kansenkaart.tables.store import atomic
from kansenkaart.wording.nl import english

#: Version of the shape of a release: of its files, their names and what they say.
SCHEMA_VERSION = "2.0"
#: Rows of a row group: enough to read fast, few enough to leave out what lies elsewhere [1].
ROWS_A_GROUP = 50_000
_ZSTD_LEVEL = 9
_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "time": "datetime",
    "list": "array",
    "geometry": "any",
}
_TABLE_SCHEMA = "https://datapackage.org/profiles/2.0/tableschema.json"


@dataclass(frozen=True)
class OpenField:
    """One column: what it holds, how to say it, where it comes from and what was known for it.

    `codes` holds the Dutch and the English label by code, `interval` the names of the columns with its bounds, `basis` the
    name of the column that says what it was made from, `sources` and `licences` those of the deliveries behind it.
    """

    name: str
    type: str
    unit: str
    label_nl: str
    label_en: str
    definition_nl: str
    definition_en: str
    origin: str
    sources: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    basis: str = ""
    interval: tuple[str, ...] = ()
    codes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    required: bool = False

    def plain(self) -> dict[str, Any]:
        """Return the column as a field of a Table Schema, with what that standard has no name for beside it."""
        limits: dict[str, Any] = {"required": True} if self.required else {}
        if self.type in ("int", "float"):
            ends = (("minimum", self.minimum), ("maximum", self.maximum))
            limits |= {word: _figure(end, self.type) for word, end in ends if end is not None}
        if self.codes and self.type == "str":
            limits["enum"] = list(self.codes)
        content: dict[str, Any] = {
            "name": self.name,
            "type": _TYPES[self.type],
            "title": self.label_en,
            "description": self.definition_en,
            "constraints": limits,
            "categories": [{"value": code, "label": words[1]} for code, words in self.codes.items()],
            "unit": self.unit,
            "title_nl": self.label_nl,
            "description_nl": self.definition_nl,
            "codes_nl": {code: words[0] for code, words in self.codes.items()},
            "origin": self.origin,
            "sources": list(self.sources),
            "licences": list(self.licences),
            "basis": self.basis,
            "interval": list(self.interval),
        }
        if self.type == "geometry":
            content["format"] = "wkb"
        if self.type == "list":
            content |= {"categories": [], "codes_en": {code: words[1] for code, words in self.codes.items()}}
        return {key: value for key, value in content.items() if value or key == "unit"}


@dataclass(frozen=True)
class OpenLayer:
    """One file of a release: its rows, what one row is, and how the map draws it (the first view unasked)."""

    name: str
    frame: pd.DataFrame
    title_nl: str
    title_en: str
    row_nl: str
    row_en: str
    key: tuple[str, ...]
    fields: tuple[OpenField, ...]
    references: tuple[tuple[str, str, str], ...] = ()
    views: tuple[View, ...] = ()
    lineage: Mapping[str, Any] = field(default_factory=dict)

    def schema(self) -> dict[str, Any]:
        """Return the Table Schema of the file: columns, key, and the files that its columns refer to."""
        keys = [
            {"fields": [column], "reference": {"resource": other, "fields": [theirs]}}
            for column, other, theirs in self.references
        ]
        return {
            "$schema": _TABLE_SCHEMA,
            "fields": [one.plain() for one in self.fields],
            "primaryKey": list(self.key),
            **({"foreignKeys": keys} if keys else {}),
        }


def _figure(end: float, kind: str) -> float | int:
    return int(end) if kind == "int" else end


def cited(place: str, row: pd.Series[Any], column: str, schema: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Say one number as a paper cites it: with place, unit, interval, meaning, basis in words, sources and edition.

    Parameters
    ----------
    place : str
        Layer and key of the row; the first name in the row comes behind it.
    row : Series
        The row, by column.
    column : str
        The figure.
    schema : mapping
        Table Schema of the layer.
    about : mapping
        What holds for the whole release.
    """
    columns = {one["name"]: one for one in schema["fields"]}
    said = columns[column]
    value, ends = row[column], [row[end] for end in said.get("interval", [])]
    unit = said["unit"].removeprefix("1").removeprefix("-")
    amount = "unknown" if pd.isna(value) else f"{_rounded(value)} {unit}".strip()
    interval = f" (80 % interval {' to '.join(map(_rounded, ends))})" if ends and not pd.isna(ends).any() else ""
    if said["type"] == "number" and not interval:
        interval = " (no interval is given for it)"
    name = next((str(row[one]) for one in columns if one.endswith(("naam", "_name")) and not pd.isna(row[one])), "")
    basis = [_worded(columns.get(one, {}), one, row[one]) for one in said.get("basis", "").split(", ") if one]
    parts = [
        f"{said['title']}, {place}{f' ({name})' if name else ''}: {amount}{interval}",
        said["description"].rstrip("."),
        f"basis: {', '.join(basis)}" if basis else "",
        f"sources: {', '.join(said['sources'])}",
        f"{about['title']}, edition {about['version']}" if "version" in about else str(about["title"]),
        f"{about['software']}, content {about['content'][:12]}",
    ]
    return "; ".join(filter(None, parts)) + "."


def _worded(said: Mapping[str, Any], name: str, code: object) -> str:
    labels = {one["value"]: one["label"] for one in said.get("categories", [])}
    return f"{name} {code} ({labels[code]})" if code in labels else f"{name} {code}"


def _rounded(value: Any) -> str:
    if not isinstance(value, int | float | np.number):
        return str(value)
    number = float(value)
    return english(number) if abs(number) >= 1000 or number.is_integer() else f"{number:.4g}"


def write_layers(name: str, target: Path, layers: Sequence[OpenLayer], *, about: Mapping[str, Any]) -> list[Path]:
    """Write the open layers of a study: a GeoParquet file each with its style beside it, and one GeoPackage of all.

    Parameters
    ----------
    name : str
        It names the GeoPackage.
    target : Path
        Folder to write to.
    layers : sequence of OpenLayer
        What to write.
    about : mapping
        What holds for the whole release; ``moment`` (of the newest delivery) is the moment in the files.

    Returns
    -------
    list of Path
        The files written.
    """
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for one in layers:
        with atomic(target / f"{one.name}.parquet") as part:
            _write_parquet(one, part, about)
        written.append(target / f"{one.name}.parquet")
        written += _write_style(one, target)
    if layers:
        _write_package(target / f"{name}.gpkg", layers, about)
        written.append(target / f"{name}.gpkg")
    return written


def _write_parquet(layer: OpenLayer, path: Path, about: Mapping[str, Any]) -> None:
    shaped: dict[str, Any] = {}
    if isinstance(layer.frame, gpd.GeoDataFrame):
        shaped = {"write_covering_bbox": True, "schema_version": "1.1.0"}
    plain = BytesIO()  # as geopandas makes it, with the metadata of its shapes; the file says what its columns mean too
    layer.frame.to_parquet(plain, index=False, compression=None, **shaped)
    table = pq.read_table(plain)
    known = {one.name: one for one in layer.fields}
    described = [_described(one, known.get(one.name)) for one in table.schema]
    said = {
        **_in_file(about),
        "table": layer.name,
        "row_en": layer.row_en,
        "row_nl": layer.row_nl,
        "schema": layer.schema(),
    }
    footer = {**(table.schema.metadata or {}), b"kansenkaart": _text(said).encode()}
    pq.write_table(
        table.cast(pa.schema(described, metadata=footer)),
        path,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        row_group_size=ROWS_A_GROUP,
    )


def _in_file(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file says of its release: not the hash of all code, so that equal layers give equal bytes."""
    return {key: value for key, value in about.items() if key not in ("moment", "code")}


def _described(column: pa.Field, about: OpenField | None) -> pa.Field:
    """Give a field of Arrow what is known of it, and a list its type also where it is empty in every row."""
    if about is None:
        return column
    words = about.plain()
    texts = {key: value if isinstance(value, str) else _text(value) for key, value in words.items() if key != "name"}
    kind = pa.list_(pa.string()) if about.type == "list" else column.type
    return pa.field(column.name, kind, column.nullable, {key: str(value) for key, value in texts.items()})


def _text(content: Any) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


# Styles: a rule for each class of the map's own legend, so that amounts, classes and kinds are all drawn by one renderer.


def _shape(frame: pd.DataFrame) -> str:
    kinds = set(frame["geometry"].geom_type.dropna())
    return next((one for one in ("polygon", "line", "point") if any(one in kind.lower() for kind in kinds)), "polygon")


def qml(view: View, shape: str) -> str:
    """Return the style of QGIS for one way to colour: a rule a class, and one for what is unknown.

    Parameters
    ----------
    view : View
        Column and classes.
    shape : {"polygon", "line", "point"}
        Of the features.
    """
    rows = [(f"{one.letter}: {one.label}", _rule(view.column, one), one.color) for one in view.classes]
    rows.append(("onbekend", f'"{view.column}" IS NULL', UNKNOWN_COLOR))
    rules = [
        (label, rule, ",".join(str(int(color[at : at + 2], 16)) for at in (1, 3, 5))) for label, rule, color in rows
    ]
    return environment().get_template("stijl.qml.jinja").render(rules=rules, shape=shape) + "\n"


def _rule(column: str, one: LegendClass) -> str:
    if codes := one.values:  # noqa: PD011 - of a class of the legend, not of a frame
        listed = ", ".join("'" + code.replace("'", "''") + "'" for code in codes)
        return f'"{column}" IN ({listed})'
    ends = [f'"{column}" >= {one.low!r}'] if one.low is not None else []
    ends += [f'"{column}" < {one.high!r}'] if one.high is not None else []
    return " AND ".join(ends) or f'"{column}" IS NOT NULL'


def _write_style(layer: OpenLayer, target: Path) -> list[Path]:
    """Write the first way to colour a layer beside it under its name, where QGIS takes it unasked; all are in the GeoPackage."""
    if not layer.views:
        return []
    path = target / f"{layer.name}.qml"
    with atomic(path) as part:
        part.write_text(qml(layer.views[0], _shape(layer.frame)), encoding="utf-8")
    return [path]


_SPEC = "http://www.geopackage.org/spec131/#extension_"


def _write_package(package: Path, layers: Sequence[OpenLayer], about: Mapping[str, Any]) -> None:
    moment = str(about["moment"])
    folder = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=package.parent))
    part = folder / package.name
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment})
    try:
        for one in layers:
            version = {} if part.exists() else {"dataset_options": {"VERSION": "1.3"}}  # what older desktop tools read
            lists = [column.name for column in one.fields if column.type == "list"]
            frame = one.frame.assign(**{name: one.frame[name].map(_text, na_action="ignore") for name in lists})
            pyogrio.write_dataframe(frame, part, layer=one.name, driver="GPKG", append=part.exists(), **version)
        with closing(sqlite3.connect(part)) as file, file:
            # Tables of the standard (1.3, extensions Schema and Metadata) and of QGIS that GDAL does not write.
            file.executescript((files("kansenkaart") / "present" / "assets" / "geopackage.sql").read_text("utf-8"))
            for one in layers:
                _describe_layer(file, one, moment)
            _describe_whole(file, layers, about)
        part.replace(package)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
        shutil.rmtree(folder, ignore_errors=True)


def _describe_layer(file: sqlite3.Connection, layer: OpenLayer, moment: str) -> None:
    file.execute(
        "UPDATE gpkg_contents SET identifier = ?, description = ? WHERE table_name = ?",
        (layer.name, f"{layer.title_nl}: {layer.row_nl}. {layer.title_en}: {layer.row_en}.", layer.name),
    )
    for one in layer.fields:
        if one.type == "geometry":
            continue
        title = f"{one.label_nl} [{one.unit}]" if one.unit not in ("-", "1", "") else one.label_nl
        mime = "application/json" if one.type == "list" else None
        row = (layer.name, one.name, one.name, title, _all_words(one), mime, _constraint(file, one))
        file.execute("INSERT INTO gpkg_data_columns VALUES (?,?,?,?,?,?,?)", row)
    for number, view in enumerate(layer.views):
        style = qml(view, _shape(layer.frame))
        how = ("", "", layer.name, "geom", view.label, style, "", number == 0, view.note or view.label, "", "", moment)
        file.execute("INSERT INTO layer_styles VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?)", how)


def _all_words(one: OpenField) -> str:
    """Say all that is known of a column in one text, as desktop tools show it."""
    said = {
        "nl": one.definition_nl,
        "en": f"{one.label_en}: {one.definition_en}",
        "unit": one.unit,
        "interval": ", ".join(one.interval),
        "basis": one.basis,
        "source": "; ".join(one.sources),
        "licence": "; ".join(one.licences),
    }
    return "\n".join(f"{key}: {value}" for key, value in said.items() if value)


def _constraint(file: sqlite3.Connection, one: OpenField) -> str | None:
    """Write the enumeration or range of a column once, and return its name."""
    if one.codes and one.type == "str":
        name = f"codes_{one.name}"
        rows = [(name, "enum", code, None, None, None, None, f"{nl} / {en}") for code, (nl, en) in one.codes.items()]
    elif one.type in ("int", "float") and one.minimum is not None and one.maximum is not None:
        name = f"range_{one.name}"
        rows = [(name, "range", None, one.minimum, True, one.maximum, True, one.label_en)]  # type: ignore[list-item]
    else:
        return None
    there = file.execute("SELECT 1 FROM gpkg_data_column_constraints WHERE constraint_name = ?", (name,)).fetchone()
    if there is None:
        file.executemany("INSERT INTO gpkg_data_column_constraints VALUES (?,?,?,?,?,?,?,?)", rows)
    return name


def _describe_whole(file: sqlite3.Connection, layers: Sequence[OpenLayer], about: Mapping[str, Any]) -> None:
    moment, words = str(about["moment"]), _text(_in_file(about))
    whole = [("dataset", "https://datapackage.org/profiles/2.0/datapackage.json", words, "geopackage", None)]
    parts = [("featureType", _TABLE_SCHEMA, _text(one.schema()), "table", one.name) for one in layers]
    for number, (scope, standard, text, reference, table) in enumerate([*whole, *parts], start=1):
        row = (number, scope, standard, "application/json", text)
        file.execute("INSERT INTO gpkg_metadata VALUES (?,?,?,?,?)", row)
        parent = None if number == 1 else 1
        row_of = (reference, table, None, None, moment, number, parent)
        file.execute("INSERT INTO gpkg_metadata_reference VALUES (?,?,?,?,?,?,?)", row_of)
    extensions = {
        "gpkg_data_columns": "schema",
        "gpkg_data_column_constraints": "schema",
        "gpkg_metadata": "metadata",
        "gpkg_metadata_reference": "metadata",
    }
    for table, name in extensions.items():
        row_of_extension = (table, None, f"gpkg_{name}", _SPEC + name, "read-write")
        file.execute("INSERT INTO gpkg_extensions VALUES (?,?,?,?,?)", row_of_extension)
    row_of_styles = ("layer_styles", "attributes", "layer_styles", "stijlen voor QGIS", moment, 0)
    columns = "table_name,data_type,identifier,description,last_change,srs_id"
    file.execute(f"INSERT INTO gpkg_contents ({columns}) VALUES (?,?,?,?,?,?)", row_of_styles)  # noqa: S608
