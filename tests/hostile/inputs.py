"""Files that are not what they seem: each is to be read as its ending says, and may open nothing else."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine

SQUARE = shapely.box(200_000, 500_000, 200_100, 500_100)
ENDLESS = "with recursive t(fid) as (select 1 union all select fid + 1 from t) select fid, null as geom from t"
Maker = Callable[[Path, Path, int], Path]  # folder, file that must stay shut, port that must stay silent
VECTORS: dict[str, Maker] = {}
RASTERS: dict[str, Maker] = {}


def _vector(make: Maker) -> Maker:
    VECTORS[make.__name__.strip("_")] = make
    return make


def _raster(make: Maker) -> Maker:
    RASTERS[make.__name__.strip("_")] = make
    return make


def _text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _vrt(secret: Path) -> str:
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource>'
        f"<SrcLayer>secret</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"
    )


for _ending in ("gpkg", "geojson", "json", "shp", "gml", "sqlite", "fgb"):

    def _make(folder: Path, secret: Path, port: int, ending: str = _ending) -> Path:
        return _text(folder / f"vrt.{ending}", _vrt(secret))

    VECTORS[f"vrt_as_{_ending}"] = _make


@_vector
def _wfs_as_gml(folder: Path, secret: Path, port: int) -> Path:
    return _text(folder / "wfs.gml", f"<OGRWFSDataSource><URL>http://127.0.0.1:{port}/wfs</URL></OGRWFSDataSource>")


@_vector
def _wfs_as_geojson(folder: Path, secret: Path, port: int) -> Path:
    return _text(folder / "wfs.geojson", f"<OGRWFSDataSource><URL>http://127.0.0.1:{port}/wfs</URL></OGRWFSDataSource>")


@_vector
def _pipeline_as_json(folder: Path, secret: Path, port: int) -> Path:
    command = f"gdal vector pipeline ! read {secret} ! write streamed_dataset"
    return _text(folder / "p.json", json.dumps({"type": "gdal_streamed_alg", "command_line": command}))


@_vector
def _landing_page_as_json(folder: Path, secret: Path, port: int) -> Path:
    links = [{"rel": rel, "href": f"http://127.0.0.1:{port}/{rel}"} for rel in ("data", "items", "next", "conformance")]
    return _text(folder / "landing.json", json.dumps({"type": "FeatureCollection", "features": [], "links": links}))


@_vector
def _linked_system_in_geojson(folder: Path, secret: Path, port: int) -> Path:
    crs = {"type": "link", "properties": {"href": f"http://127.0.0.1:{port}/crs", "type": "proj4"}}
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [2e5, 5e5]}}
    return _text(folder / "crs.geojson", json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}))


_GML = """<?xml version="1.0"?>{before}<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0"
 xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:a="http://a" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {schema}><wfs:member><a:road gml:id="r"><a:name>{name}</a:name>
 {more}<a:geom><gml:Point srsName="urn:ogc:def:crs:EPSG::28992"><gml:pos>200000 500000</gml:pos></gml:Point></a:geom>
 </a:road></wfs:member></wfs:FeatureCollection>"""


def _gml(path: Path, *, before: str = "", schema: str = "", name: str = "x", more: str = "") -> Path:
    return _text(path, _GML.format(before=before, schema=schema, name=name, more=more))


@_vector
def _schema_at_an_address(folder: Path, secret: Path, port: int) -> Path:
    return _gml(folder / "far.gml", schema=f'xsi:schemaLocation="http://a http://127.0.0.1:{port}/a.xsd"')


@_vector
def _schema_in_a_file(folder: Path, secret: Path, port: int) -> Path:
    return _gml(folder / "near.gml", schema=f'xsi:schemaLocation="http://a {secret}"')


@_vector
def _schema_in_a_file_late(folder: Path, secret: Path, port: int) -> Path:
    return _gml(folder / "late.gml", name="x" * (3 << 20), more=f'<a:b xsi:schemaLocation="http://a file://{secret}"/>')


@_vector
def _entity_from_a_file(folder: Path, secret: Path, port: int) -> Path:
    before = f'<!DOCTYPE a [<!ENTITY e SYSTEM "file://{secret}">]>'
    return _gml(folder / "entity.gml", before=before, name="&e;")


@_vector
def _entities_that_grow(folder: Path, secret: Path, port: int) -> Path:
    grown = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return _gml(folder / "laughs.gml", before=f'<!DOCTYPE a [<!ENTITY e0 "ha">{grown}]>', name="&e9;")


@_vector
def _link_in_gml(folder: Path, secret: Path, port: int) -> Path:
    return _gml(folder / "link.gml", more=f'<a:other xlink:href="http://127.0.0.1:{port}/x#y"/>')


def _package(path: Path, *statements: str) -> Path:
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[SQUARE], crs=28992).to_file(path, driver="GPKG", layer="good")
    with sqlite3.connect(path) as base:
        for one in statements:
            base.execute(one)
    base.close()
    return path


_REGISTER = (
    "insert into gpkg_contents(table_name, data_type, identifier, srs_id) values ('bad', 'features', 'bad', 28992)",
    "insert into gpkg_geometry_columns values ('bad', 'geom', 'POLYGON', 28992, 0, 0)",
)


@_vector
def _endless_view_as_layer(folder: Path, secret: Path, port: int) -> Path:
    return _package(folder / "view.gpkg", f"create view bad as {ENDLESS}", *_REGISTER)


@_vector
def _endless_view_unregistered(folder: Path, secret: Path, port: int) -> Path:
    return _package(folder / "hidden.gpkg", f"create view aaa as {ENDLESS}")


@_vector
def _endless_view_as_register(folder: Path, secret: Path, port: int) -> Path:
    return _package(
        folder / "register.gpkg", "drop table gpkg_ogr_contents", f"create view gpkg_ogr_contents as {ENDLESS}"
    )


@_vector
def _endless_view_in_sqlite(folder: Path, secret: Path, port: int) -> Path:
    path = folder / "view.sqlite"
    with sqlite3.connect(path) as base:
        base.execute("create table geometry_columns (f_table_name, f_geometry_column, geometry_type, srid)")
        base.execute(f"create view bad as {ENDLESS}")
        base.execute("insert into geometry_columns values ('bad', 'geom', 3, 28992)")
    base.close()
    return path


@_vector
def _table_from_a_file(folder: Path, secret: Path, port: int) -> Path:
    module = f"create virtual table bad using VirtualText('{secret}', 'UTF-8', 0, COMMA, NONE, ',')"
    path = _package(folder / "virtual.gpkg")
    with sqlite3.connect(path) as base:
        base.execute("pragma writable_schema = on")
        base.execute("insert into sqlite_master values ('table', 'bad', 'bad', 0, ?)", [module])
        base.execute(_REGISTER[0])
    base.close()
    return path


@_vector
def _trigger_in_package(folder: Path, secret: Path, port: int) -> Path:
    return _package(
        folder / "trigger.gpkg",
        "create trigger t after insert on good begin delete from good; end",
    )


@_vector
def _column_that_costs(folder: Path, secret: Path, port: int) -> Path:
    return _package(
        folder / "column.gpkg",
        "create table dear(fid integer primary key, geom blob)",
        "insert into dear(geom) values (null)",
        "alter table dear add column big text as (hex(zeroblob(400000000))) virtual",
        "update gpkg_contents set table_name = 'dear', identifier = 'dear'",
        "update gpkg_geometry_columns set table_name = 'dear'",
        "delete from gpkg_extensions",
    )


def slow_column(folder: Path) -> Path:
    """Make a table of which every row takes some 50 ms to compute."""
    return _package(
        folder / "slow.gpkg",
        "create table slow(fid integer primary key, geom blob)",
        "insert into slow(geom) with recursive t(n) as (select 1 union all select n + 1 from t limit 2000) "
        "select null from t",
        "alter table slow add column n integer as (length(replace(hex(zeroblob(9000000 + fid)), '0', 'ab'))) virtual",
        "update gpkg_contents set table_name = 'slow', identifier = 'slow'",
        "update gpkg_geometry_columns set table_name = 'slow'",
        "delete from gpkg_extensions",
    )


@_vector
def _one_large_feature(folder: Path, secret: Path, port: int) -> Path:
    numbers = ",".join(["[2e5,5e5]"] * 4_700_000)
    geometry = f'{{"type":"LineString","coordinates":[{numbers}]}}'
    feature = f'{{"type":"Feature","properties":{{}},"geometry":{geometry}}}'
    return _text(folder / "large.geojson", f'{{"type":"FeatureCollection","features":[{feature}]}}')


@_vector
def _field_per_feature(folder: Path, secret: Path, port: int) -> Path:
    point = '"geometry":{"type":"Point","coordinates":[200000,500000]}'
    rows = ",".join(f'{{"type":"Feature","properties":{{"f{n}":{n}}},{point}}}' for n in range(20_000))
    return _text(folder / "fields.geojson", f'{{"type":"FeatureCollection","features":[{rows}]}}')


@_vector
def _deep_geojson(folder: Path, secret: Path, port: int) -> Path:
    return _text(folder / "deep.geojson", '{"type":"FeatureCollection","features":' + "[" * 5_000_000)


@_vector
def _pipe_that_never_ends(folder: Path, secret: Path, port: int) -> Path:
    path = folder / "pipe.geojson"
    os.mkfifo(path)
    return path


@_vector
def _flatgeobuf_of_many(folder: Path, secret: Path, port: int) -> Path:
    path = folder / "many.fgb"
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[SQUARE], crs=28992).to_file(path, driver="FlatGeobuf")
    content = bytearray(path.read_bytes())
    content[8:12] = struct.pack("<I", 0x7FFFFFFF)
    path.write_bytes(content)
    return path


@_vector
def _shapefile_of_many(folder: Path, secret: Path, port: int) -> Path:
    path = folder / "many.shp"
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[SQUARE], crs=28992).to_file(path)
    index = path.with_suffix(".shx")
    content = bytearray(index.read_bytes())
    content[24:28] = struct.pack(">i", 0x3FFFFFFF)
    index.write_bytes(content)
    return path


def _with_module(path: Path, name: str, text: str) -> Path:
    """Write a table that a module makes, as no program writes it."""
    _package(path)
    with sqlite3.connect(path) as base:
        base.execute("pragma writable_schema = on")
        base.execute("insert into sqlite_master values ('table', ?, ?, 0, ?)", [name, name, text])
        base.execute(_REGISTER[0])
    base.close()
    return path


@_vector
def _module_in_brackets(folder: Path, secret: Path, port: int) -> Path:
    return _with_module(folder / "b.gpkg", "bad", f"create virtual table bad using [VirtualText]('{secret}')")


@_vector
def _module_behind_a_remark(folder: Path, secret: Path, port: int) -> Path:
    text = f"create/**/virtual/**/table bad using/**/VirtualText('{secret}')"
    return _with_module(folder / "r.gpkg", "bad", text)


@_vector
def _module_behind_a_name(folder: Path, secret: Path, port: int) -> Path:
    name = "a using rtree"
    return _with_module(folder / "n.gpkg", name, f"create virtual table [{name} (] using VirtualText('{secret}')")


def _with_blob(path: Path, blob: bytes) -> Path:
    """Write a shape by hand, past the triggers that would look at it."""
    _package(path)
    with sqlite3.connect(path) as base:
        for (name,) in base.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            base.execute(f'drop trigger "{name}"')
        base.execute("update good set geom = ?", [b"GP\x00\x01" + struct.pack("<i", 28992) + blob])
    base.close()
    return path


@_vector
def _shape_of_many_rings(folder: Path, secret: Path, port: int) -> Path:
    return _with_blob(folder / "rings.gpkg", b"\x01" + struct.pack("<II", 3, 0x7FFFFFFF))


@_vector
def _shape_in_a_shape(folder: Path, secret: Path, port: int) -> Path:
    return _with_blob(folder / "nested.gpkg", (b"\x01" + struct.pack("<II", 7, 1)) * 3_000_000)


def _system(path: Path, text: str) -> Path:
    _package(path)
    with sqlite3.connect(path) as base:
        base.execute(
            "update gpkg_spatial_ref_sys set organization = 'none', organization_coordsys_id = 99, definition = ? "
            "where srs_id = 28992",
            [text],
        )
    base.close()
    return path


@_vector
def _system_at_an_address(folder: Path, secret: Path, port: int) -> Path:
    return _system(folder / "far.gpkg", f"http://127.0.0.1:{port}/crs")


@_vector
def _system_in_a_file(folder: Path, secret: Path, port: int) -> Path:
    return _system(folder / "near.gpkg", str(secret))


@_vector
def _system_of_gml_at_an_address(folder: Path, secret: Path, port: int) -> Path:
    path = _gml(folder / "system.gml")
    return _text(path, path.read_text("utf-8").replace("urn:ogc:def:crs:EPSG::28992", f"http://127.0.0.1:{port}/crs"))


@_vector
def _entity_by_parameter(folder: Path, secret: Path, port: int) -> Path:
    return _gml(folder / "parameter.gml", before=f'<!DOCTYPE a [<!ENTITY % p SYSTEM "file://{secret}"> %p;]>')


@_vector
def _template_beside_is_a_link(folder: Path, secret: Path, port: int) -> Path:
    (folder / "linked.gfs").symlink_to(secret)
    return _gml(folder / "linked.gml")


@_vector
def _schema_beside_is_a_link(folder: Path, secret: Path, port: int) -> Path:
    (folder / "other.xsd").symlink_to(secret)
    return _gml(folder / "linked.gml", schema='xsi:schemaLocation="http://a other.xsd"')


@_vector
def _schema_of_the_bag_in_a_file(folder: Path, secret: Path, port: int) -> Path:
    names = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    return _text(folder / "bag.xml", f'<bagStand {names} xsi:schemaLocation="a {secret}"></bagStand>')


def _shapefile(folder: Path) -> Path:
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[SQUARE], crs=28992).to_file(folder / "s.shp")
    return folder / "s.shp"


for _side in ("dbf", "shx", "prj", "cpg", "qix"):

    def _link(folder: Path, secret: Path, port: int, side: str = _side) -> Path:
        path = _shapefile(folder)
        path.with_suffix(f".{side}").unlink(missing_ok=True)
        path.with_suffix(f".{side}").symlink_to(secret)
        return path

    VECTORS[f"link_as_{_side}"] = _link


@_vector
def _projection_at_an_address(folder: Path, secret: Path, port: int) -> Path:
    _text(_shapefile(folder).with_suffix(".prj"), f"http://127.0.0.1:{port}/crs")
    return folder / "s.shp"


def _patched(path: Path, at: int, new: bytes) -> Path:
    content = bytearray(path.read_bytes())
    content[at : at + len(new)] = new
    path.write_bytes(content)
    return path


@_vector
def _table_of_many_rows(folder: Path, secret: Path, port: int) -> Path:
    path = _shapefile(folder)
    _patched(path.with_suffix(".dbf"), 4, struct.pack("<I", 0x7FFFFFFF))
    return path


@_vector
def _shape_of_many_parts(folder: Path, secret: Path, port: int) -> Path:
    return _patched(_shapefile(folder), 144, struct.pack("<II", 0x7FFFFFFF, 0x7FFFFFFF))


def _tiff(path: Path, **how: object) -> Path:
    shape = {"height": 64, "width": 64, "count": 1, "dtype": "float32", "crs": 28992}
    place = Affine(0.5, 0.0, 200_000, 0.0, -0.5, 500_000)
    with rasterio.open(path, "w", driver="GTiff", transform=place, **{**shape, **how}) as sheet:
        if sheet.width * sheet.height < 1 << 20:
            sheet.write(np.ones((sheet.height, sheet.width), np.float32), 1)
    return path


def _raster_vrt(secret: Path) -> str:
    source = f'<SimpleSource><SourceFilename relativeToVRT="0">{secret}</SourceFilename><SourceBand>1</SourceBand>'
    band = f'<VRTRasterBand dataType="Float32" band="1">{source}</SimpleSource></VRTRasterBand>'
    return f'<VRTDataset rasterXSize="64" rasterYSize="64">{band}</VRTDataset>'


@_raster
def _raster_vrt_as_tif(folder: Path, secret: Path, port: int) -> Path:
    return _text(folder / "vrt.tif", _raster_vrt(secret))


@_raster
def _wms_as_tif(folder: Path, secret: Path, port: int) -> Path:
    service = f'<Service name="TMS"><ServerUrl>http://127.0.0.1:{port}/${{z}}</ServerUrl></Service>'
    window = "<DataWindow><SizeX>64</SizeX><SizeY>64</SizeY><TileLevel>0</TileLevel></DataWindow>"
    return _text(folder / "wms.tif", f"<GDAL_WMS>{service}{window}<BandsCount>1</BandsCount></GDAL_WMS>")


@_raster
def _mrf_as_tif(folder: Path, secret: Path, port: int) -> Path:
    size = '<Size x="64" y="64" c="1"/><PageSize x="64" y="64" c="1"/>'
    raster = f"<Raster>{size}<DataFile>{secret}</DataFile><IndexFile>{secret}</IndexFile></Raster>"
    return _text(folder / "mrf.tif", f"<MRF_META>{raster}</MRF_META>")


@_raster
def _package_as_tif(folder: Path, secret: Path, port: int) -> Path:
    _package(folder / "p.gpkg", f"create view bad as {ENDLESS}", *_REGISTER)
    return (folder / "p.gpkg").rename(folder / "gpkg.tif")


@_raster
def _overview_beside(folder: Path, secret: Path, port: int) -> Path:
    _text(folder / "over.tif.ovr", _raster_vrt(secret))
    _text(folder / "over.tif.msk", _raster_vrt(secret))
    more = f'<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{secret}</MDI></Metadata>'
    _text(folder / "over.tif.aux.xml", f"<PAMDataset>{more}</PAMDataset>")
    return _tiff(folder / "over.tif")


@_raster
def _one_large_block(folder: Path, secret: Path, port: int) -> Path:
    """Write a strip of 1.2 GB that packs to 1 MB; by hand, since no library should hold it."""
    side, packer = 17_000, zlib.compressobj(1)
    row = bytes(4 * side)
    strip = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])
    tags = [(256, 4, side), (257, 4, side), (258, 3, 32), (259, 3, 8), (262, 3, 1), (273, 4, 8 + 2 + 10 * 12 + 4)]
    tags += [(277, 3, 1), (278, 4, side), (279, 4, len(strip)), (339, 3, 3)]
    head = b"II*\x00" + struct.pack("<IH", 8, len(tags))
    fields = b"".join(struct.pack("<HHII", number, kind, 1, value) for number, kind, value in tags)
    path = folder / "block.tif"
    path.write_bytes(head + fields + struct.pack("<I", 0) + strip)
    return path


@_raster
def _pipe_as_tif(folder: Path, secret: Path, port: int) -> Path:
    path = folder / "pipe.tif"
    os.mkfifo(path)
    return path


def _overview(path: Path, name: str) -> Path:
    """Name another file in the sheet itself, of which the heights are to come at a smaller scale."""
    _tiff(path)
    with rasterio.open(path, "r+") as sheet:
        sheet.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=name)
    return path


@_raster
def _overview_in_a_file(folder: Path, secret: Path, port: int) -> Path:
    return _overview(folder / "near.tif", str(secret))


@_raster
def _overview_at_an_address(folder: Path, secret: Path, port: int) -> Path:
    return _overview(folder / "far.tif", f"/vsicurl/http://127.0.0.1:{port}/heights.tif")


def _tags(path: Path, *tags: tuple[int, int, int], after: int = 0) -> Path:
    head = b"II*\x00" + struct.pack("<IH", 8, len(tags))
    path.write_bytes(
        head + b"".join(struct.pack("<HHII", *one[:2], 1, one[2]) for one in tags) + struct.pack("<I", after)
    )
    return path


_SHEET = ((258, 3, 32), (259, 3, 1), (262, 3, 1))


@_raster
def _many_tiles(folder: Path, secret: Path, port: int) -> Path:
    side = 2_000_000_000
    tiles = ((277, 3, 1), (322, 3, 16), (323, 3, 16), (324, 4, 8), (325, 4, 8), (339, 3, 3))
    return _tags(folder / "tiles.tif", (256, 4, side), (257, 4, side), *_SHEET, *tiles)


@_raster
def _directory_that_goes_round(folder: Path, secret: Path, port: int) -> Path:
    strips = ((273, 4, 8), (277, 3, 1), (278, 4, 64), (279, 4, 16_384), (339, 3, 3))
    path = _tags(folder / "round.tif", (256, 4, 64), (257, 4, 64), *_SHEET, *strips, after=8)
    path.write_bytes(path.read_bytes() + bytes(20_000))
    return path
