"""One door for vector files and one for rasters: what a file may make GDAL do is decided here, never by the file.

GDAL guesses what a file is from its first bytes, whatever its name: a ``.gpkg`` that is a VRT opens any file of this
machine, one that is a WMS or WFS description calls any address of its network. So the ending that the study states names
the one driver, the first bytes must agree, and vectors are read in a second process that has no other drivers, no more
memory than `MOST_MEMORY_BYTES` and time than `MOST_CPU_S`, in proportion for a large file: GDAL cannot be stopped. Text
that people or stations deliver and workbooks are read there too (`aside`).

References
----------
.. [1] OGC 12-128r19, GeoPackage: header, application id, contents.
.. [2] GDAL, open options of its GML, GPKG and GeoJSON drivers; configuration options ``GDAL_SKIP``, ``GML_*``.
"""

from __future__ import annotations

import atexit
import contextlib
import glob
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.archives import seen_in
from kansenkaart.sources.tools.transport import shut_the_network

Box = tuple[float, float, float, float]
Read = TypeVar("Read")

#: What the second process may hold [byte] and use for one file [s]; one above the small gets more, in proportion, up to the
#: second. Of GeoJSON a municipality of 480,000 homes has 257 MB of them, which took 2.6 GiB, and 46 MB of manholes: 1.3.
MOST_MEMORY_BYTES, MOST_MEMORY_OF_ANY_BYTES, _SMALL_BYTES, MOST_CPU_S = 1 << 30, 8 << 30, 32 << 20, 45
#: A read that waits for a disk or a network folder is given up after this [s].
LONGEST_S = 600.0
#: The largest block of a raster that is decoded at once [byte]; a sheet of AHN has blocks of 256 or 512 cells square.
MOST_BLOCK_BYTES = 64 << 20
#: One feature of a GeoJSON file may be so large [MB]; the border of the largest municipality has 2 MB.
_LARGEST_FEATURE_MB = 16
_HEAD_BYTES, _CHUNK_BYTES = 1 << 10, 1 << 20
_SQLITE = b"SQLite format 3\x00"
_GPKG_IDS = (b"GPKG", b"GP10", b"GP11", b"GP12")
#: First bytes of TIFF and BigTIFF in both byte orders [TIFF 6.0, section 2].
TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_MODULES = frozenset({"rtree", "rtree_i32", "fts3", "fts4", "fts5", "virtualspatialindex", "virtualelementary"})
_TABLE = re.compile(r"(?i)create table ")  # as SQLite itself begins the text of each
_VIRTUAL = re.compile(r"(?i)create virtual table (?:\"(?:[^\"]|\"\")*\"|\w+)\s+using\s+\"?(\w+)\"?\s*(?:\(|$)")
_REGISTERS = {
    "gpkg_contents": "select table_name from gpkg_contents",
    "geometry_columns": "select f_table_name from geometry_columns",
}
_RESERVED = re.compile(r"gpkg_|geometry_columns|spatial_ref_sys")
_PLAIN_SCHEMA = re.compile(rb"[\w-]+\.xsd")
_SCHEMA = re.compile(rb"schemaLocation\s*=\s*[\"']([^\"']*)", re.IGNORECASE)


@dataclass(frozen=True)
class _Kind:
    """How one kind of file is opened: the only driver, how its first bytes go, and the driver's open options."""

    driver: str
    starts: re.Pattern[bytes]
    options: dict[str, str] = field(default_factory=dict)


_JSON = _Kind("GeoJSON", re.compile(rb"(\xef\xbb\xbf)?\s*\{"))
_KINDS = {
    ".geojson": _JSON,
    ".json": _JSON,
    ".gpkg": _Kind("GPKG", re.compile(re.escape(_SQLITE) + rb"(?s:.{52})(" + b"|".join(_GPKG_IDS) + rb")")),
    ".sqlite": _Kind("SQLite", re.compile(re.escape(_SQLITE))),
    ".shp": _Kind("ESRI Shapefile", re.compile(rb"\x00\x00\x27\x0a")),
    ".gml": _Kind(
        "GML",
        re.compile(
            rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(\w+:)?(FeatureCollection|CityModel)[\s>]",
            re.DOTALL,
        ),
        {"DOWNLOAD_SCHEMA": "NO", "WRITE_GFS": "NO", "SKIP_RESOLVE_ELEMS": "ALL"},
    ),
    ".xml": _Kind("LVBAG", re.compile(rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?<([\w-]+:)?bagStand[\s>]")),
    ".fgb": _Kind("FlatGeobuf", re.compile(rb"fgb\x03fgb")),
}
_SETTINGS = {
    "OGR_GEOJSON_MAX_OBJ_SIZE": str(_LARGEST_FEATURE_MB),
    "GML_SKIP_RESOLVE_ELEMS": "ALL",
    "OGR_SQLITE_LOAD_EXTENSIONS": None,
    "GDAL_HTTP_PROXY": "127.0.0.1:9",
}


def read_vector(
    path: Path, *, layer: str | None = None, bbox_m: Box | None = None, geometry: bool = True, dates: bool = True
) -> Any:
    """Read one layer of a vector file with the one driver that its ending names.

    Parameters
    ----------
    path : Path
        A ``.geojson``, ``.json``, ``.gpkg``, ``.sqlite``, ``.shp``, ``.gml``, ``.fgb`` or (of the BAG extract) ``.xml`` file.
    layer : str, optional
        Its layer; the first one when none is named.
    bbox_m : tuple of float, optional
        Only what touches this window, in the coordinates of the file [m].
    geometry : bool
        Whether shapes are read too.
    dates : bool
        Whether dates of GeoJSON become dates; without, they stay text, so that one date in the year 0 spoils nothing.

    Returns
    -------
    GeoDataFrame or DataFrame
        As `pyogrio.read_dataframe` gives it.

    Raises
    ------
    FormatError
        If the file is not what its ending says, asks for other files or addresses, or needs more memory or time than
        a file may; and what `pyogrio` raises.
    """
    import numpy as np

    with np.errstate(invalid="ignore"):  # a corner that is no number is left out later, with its name
        return _ASIDE.ask("read", _plain_file(path), layer, bbox_m, geometry, dates)


def layer_names(path: Path) -> list[str]:
    """Return the layers of a vector file; raises as `read_vector`."""
    return [str(one) for one in _glance("layers", path)]


def about_layer(path: Path, *, layer: str | None = None) -> tuple[list[str], str | None, Box | None]:
    """Return columns, reference system and bounds of one layer without reading its rows; None is not stated; raises as above."""
    names, crs, bounds = _glance("about", path, layer)
    return [str(one) for one in names], crs, bounds


def _glance(what: str, path: Path, *more: str | None) -> Any:
    """Ask once for as long as neither the file nor what lies beside it changes: GDAL reads GeoJSON whole for its columns."""
    plain, beside = _plain_file(path), [one.stat() for one in sorted(path.parent.glob(f"{glob.escape(path.stem)}.*"))]
    return _glanced(what, plain, tuple((one.st_size, one.st_mtime_ns, one.st_ino) for one in beside), *more)


@lru_cache(maxsize=64)
def _glanced(what: str, path: str, _stamps: tuple[tuple[int, ...], ...], *more: str | None) -> Any:
    return _ASIDE.ask(what, path, *more)


def aside(reader: Callable[..., Read], path: Path, *more: Any) -> Read:
    """Let a reader of text or a workbook do its work in the second process, within the memory and time of one file.

    Parameters
    ----------
    reader : callable
        A function of a module, that gets the path and what is more.
    path : Path
        What it reads: a file, or a folder of files.
    *more
        What can be sent to another process.

    Raises
    ------
    FormatError
        If the file needs more memory or time than a file may; and what the reader raises.
    """
    answer: Read = _ASIDE.ask("call", str(path.absolute()), reader, *more)
    return answer


def endings() -> frozenset[str]:
    """Return the endings of the files that `read_vector` reads, in lower case."""
    return frozenset(_KINDS)


#: How GDAL opens a raster: what lies beside it is not looked at, and no address is asked.
PLAIN = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
}


def require_alone(sheet: Any, path: Path) -> None:
    """Refuse an open raster that names another file for its overviews: GDAL opens that as soon as heights are read."""
    if sheet.tags(ns="OVERVIEWS"):
        raise _refused("heights in the sheet itself", "overviews in another file", path)


@contextlib.contextmanager
def open_raster(path: Path) -> Iterator[Any]:
    """Open a GeoTIFF, and nothing else, for reading; files that lie beside it are not looked at.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    FormatError
        If it is no TIFF, or one of its blocks would take more than `MOST_BLOCK_BYTES`; and what `rasterio` raises.
    """
    import rasterio

    head = _head_of(path)
    if not head.startswith(TIFF_MAGIC):
        raise _refused(
            "a GeoTIFF",
            seen_in(head),
            path,
            "unpack the sheet, or save it as GeoTIFF in RD New: gdal_translate -of GTiff -a_srs EPSG:28992",
        )
    with rasterio.Env(**PLAIN), rasterio.open(path.absolute(), driver="GTiff", sharing=False) as sheet:
        require_alone(sheet, path)
        depth = max(sheet.count, 1) * max(_bytes_of(one) for one in sheet.dtypes)
        largest = max((rows * columns * depth for rows, columns in sheet.block_shapes), default=0)
        if largest > MOST_BLOCK_BYTES:
            most, found = f"blocks of at most {MOST_BLOCK_BYTES} bytes", f"blocks of {largest} bytes"
            raise _refused(most, found, path, "tile it: gdal_translate -co TILED=YES")
        yield sheet


def _bytes_of(dtype: str) -> int:
    import numpy as np

    return 8 if dtype.startswith("complex_int") else int(np.dtype(dtype).itemsize)


def _plain_file(path: Path) -> str:
    """Return the path as text, if its ending and its first bytes say the same."""
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise _refused(
            f"one of the endings {', '.join(sorted(_KINDS))}",
            path.suffix or "no ending",
            path,
            "save the layer as GeoPackage in RD New (in QGIS: Export, Save Features As), and name that file in path",
        )
    head = _head_of(path)
    _vet_sides(path)
    if not kind.starts.match(head):
        raise _refused(
            f"a file of kind {kind.driver}, as its ending says",
            seen_in(head),
            path,
            "name the file that is meant in path, give it the ending of what it is, or export it anew, as UTF-8",
        )
    return str(path.absolute())


def _vet_sides(path: Path) -> None:
    """Refuse what lies beside a file under the same name, and GDAL opens unasked, if it is a link elsewhere or no file."""
    here = path.parent.resolve(), path.resolve().parent
    for one in path.parent.glob(f"{glob.escape(path.stem)}.*"):
        if not (one.is_file() or one.is_dir()) or one.resolve().parent not in here:
            raise _refused("a file that lies beside it itself", f"a link elsewhere: {one.name}", path)


def _head_of(path: Path) -> bytes:
    if not path.is_file():  # neither a device nor a pipe, which would wait for ever
        raise _refused("a file", "no such file" if not path.exists() else "no plain file", path)
    with path.open("rb") as handle:
        return handle.read(_HEAD_BYTES)


def _refused(expected: str, found: str, path: Path | str, remedy: str = "") -> FormatError:
    return FormatError(
        expected,
        found=found,
        where=Path(path).name,
        remedy=remedy or "do not trust this file: fetch it again from its publisher, or export it anew",
    )


class _Aside:
    """The second process, started at the first question and anew after one that it did not live through."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None
        self._owner = 0
        atexit.register(self.close)

    def ask(self, what: str, path: str, *more: Any) -> Any:
        """Return the answer to one question about one file, or raise what reading it raised."""
        with self._turn:
            line, most = self._open(), _most(path)
            try:
                line.send((what, path, most, *more))
                if not line.poll(LONGEST_S):
                    raise EOFError("no answer")
                fine, answer = line.recv()
            except BaseException as why:
                self.close()  # an answer that is still to come is not that of the next question
                if not isinstance(why, EOFError | OSError):
                    raise
                raise _refused(
                    f"a file that is read within {most[0]} s and {most[1] >> 20} MiB",
                    "more, or a fault in the library that reads it",
                    path,
                    "take a smaller area or a file with one layer; do not trust a small file that does this",
                ) from why
            if most[1] > MOST_MEMORY_BYTES:
                self.close()  # what it keeps of a large file would count against the next, smaller one
        if fine:
            return answer
        raise answer

    def _open(self) -> Connection:
        if self._line and self._process and self._process.poll() is None and self._owner == os.getpid():
            return self._line
        self.close()
        self._line, theirs = Pipe()
        end, windows = theirs.fileno(), os.name == "nt"  # which hands on what is marked, others what is named
        getattr(os, "set_handle_inheritable", lambda *_: None)(end, True)
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "kansenkaart.sources.tools.geofiles", str(end)],
            pass_fds=[] if windows else [end],
            close_fds=not windows,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))},
        )
        theirs.close()
        self._owner = os.getpid()
        return self._line

    def close(self) -> None:
        """End the second process; a copy of this one made by a fork leaves it alone."""
        if self._line is not None:
            self._line.close()
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._process = self._line = None


_ASIDE = _Aside()


def _serve(line: Connection) -> None:
    """Answer questions until the asker is gone; runs in the second process."""
    import pyogrio
    from pyogrio import _ogr

    skip = ",".join(set(pyogrio.list_drivers()) - {kind.driver for kind in _KINDS.values()})
    pyogrio.set_gdal_config_options({**_SETTINGS, "GDAL_SKIP": skip})
    _ogr._register_drivers()
    shut_the_network()
    with contextlib.suppress(EOFError):
        while True:
            what, path, most, *more = line.recv()
            _bound(*most)
            try:
                answer: tuple[bool, Any] = (True, _ANSWERS[what](Path(path), *more))
            except MemoryError:
                break
            except Exception as why:  # noqa: BLE001 - handed to the asker, who raises it again
                answer = (False, why)
            line.send(answer)
            del answer


def _most(path: str) -> tuple[int, int]:
    """Return what reading a file may take [s, byte]: in proportion for one that is large as it lies there."""
    size = Path(path).stat().st_size if Path(path).is_file() else 0
    memory = min(MOST_MEMORY_BYTES + 32 * max(size - _SMALL_BYTES, 0), MOST_MEMORY_OF_ANY_BYTES)
    return MOST_CPU_S * memory // MOST_MEMORY_BYTES, memory


def _bound(more_s: int, memory_bytes: int) -> None:
    """Bound memory and time; Windows has no such bounds, there the asker's patience (``LONGEST_S``) is the only one."""
    with contextlib.suppress(ImportError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        allowed = int(used.ru_utime + used.ru_stime) + more_s
        bounds = {resource.RLIMIT_CPU: allowed, resource.RLIMIT_DATA: memory_bytes, resource.RLIMIT_CORE: 0}
        for bound, most in bounds.items():
            hard = resource.getrlimit(bound)[1]  # that of the scheduler may be lower, and only it may raise that
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(bound, (least, hard))


def _open_options(path: Path) -> dict[str, str]:
    """Look into a file before GDAL does, and return how GDAL may open it."""
    kind = _KINDS[path.suffix.lower()]
    if kind.driver in ("GPKG", "SQLite"):
        return {**kind.options, **({"LIST_ALL_TABLES": "NO"} if _vetted_layers(path) is not None else {})}
    if kind.driver in ("GML", "LVBAG"):
        _vet_gml(path)
    return kind.options


def _vetted_layers(path: Path) -> list[str] | None:
    """Refuse a database whose layers are views, or that holds what makes SQLite open or run something else.

    Where there are views besides, which GDAL must not look at, the layers in its register are returned.
    """
    import sqlite3

    if any(path.with_name(f"{path.name}{end}").exists() for end in ("-journal", "-wal")):
        raise _refused("a database at rest", "a journal next to it", path, "close the program that writes it")
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as base:
            rows = base.execute("select type, name, coalesce(sql, ''), rootpage from sqlite_master").fetchall()
            there = {name for _, name, *_ in rows}
            asked = [query for registry, query in _REGISTERS.items() if registry in there]
            layers = [str(name) for query in asked for (name,) in base.execute(query).fetchall()]
    except sqlite3.Error as why:
        raise _refused("a sound database", str(why), path) from why
    views = {str(name).lower() for kind, name, *_ in rows if kind == "view"}
    odd = sorted({name for name in layers if name.lower() in views} | {one for one in views if _RESERVED.match(one)})
    if odd:
        raise _refused("layers that are tables", f"the view {odd[0]!r}", path, "export the layer as a table")
    for kind, name, sql, page in rows:
        virtual = _VIRTUAL.match(sql)
        if kind == "table" and not (page and _TABLE.match(sql)) and not (virtual and virtual[1].lower() in _MODULES):
            raise _refused("plain tables", f"{name!r} by a module", path, "export the layer as a table")
    return layers if views else None


def _vet_gml(path: Path) -> None:
    """Refuse a document type, and a schema that is a file elsewhere: those at an address are not fetched.

    A schema of a plain name beside the file, as ogr2ogr writes one, is looked at in the same way.
    """
    kept = b""
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK_BYTES):
            text = kept + chunk
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                raise _refused("XML without a document type", "one", path)
            for stated in _SCHEMA.findall(text):
                local = [one for one in stated.split()[-1::-2] if not one.lower().startswith((b"http://", b"https://"))]
                for name in local:
                    _vet_schema(path, name)
            kept = text[-_HEAD_BYTES * 4 :]


def _vet_schema(path: Path, name: bytes) -> None:
    if _PLAIN_SCHEMA.fullmatch(name) is None or path.suffix == ".xsd":
        raise _refused("schemas by address, or beside the file", f"the file {name[:80]!r}", path)
    beside = path.with_name(name.decode())
    if beside.exists():
        if beside.is_symlink() or not beside.is_file():
            raise _refused("a schema that lies beside the file itself", "a link elsewhere", beside)
        if beside.stat().st_size > _CHUNK_BYTES:
            raise _refused(f"a schema of at most {_CHUNK_BYTES} bytes", str(beside.stat().st_size), beside)
        _vet_gml(beside)


def _answer_read(path: Path, layer: str | None, bbox: Box | None, geometry: bool, dates: bool) -> Any:
    import pyogrio

    options = _open_options(path)
    if not dates and _KINDS[path.suffix.lower()] is _JSON:
        options = {**options, "DATE_AS_STRING": "YES"}
    # A shape that cannot be (a ring that does not close, by a corner that is no number) costs its own row, not the file.
    return pyogrio.read_dataframe(path, layer=layer, bbox=bbox, read_geometry=geometry, on_invalid="ignore", **options)


def _answer_layers(path: Path) -> list[str]:
    import pyogrio

    if _KINDS[path.suffix.lower()].driver in ("GPKG", "SQLite") and (layers := _vetted_layers(path)) is not None:
        return layers
    _open_options(path)
    return list(pyogrio.list_layers(path)[:, 0])


def _answer_about(path: Path, layer: str | None) -> tuple[list[str], str | None, Box | None]:
    import pyogrio

    told = pyogrio.read_info(path, layer=layer, **_open_options(path))
    return list(told["fields"]), told["crs"], told["total_bounds"]


_ANSWERS: dict[str, Callable[..., Any]] = {
    "call": lambda path, reader, *more: reader(path, *more),
    "read": _answer_read,
    "layers": _answer_layers,
    "about": _answer_about,
}

if __name__ == "__main__":
    _serve(type(Pipe()[0])(int(sys.argv[1])))  # on Windows a line of another kind
