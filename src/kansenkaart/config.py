"""A study: the place, its sources and the size of area looked for, read from a TOML file."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import tomllib
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kansenkaart.errors import ConfigError


def packaged_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table that comes with the package.

    Parameters
    ----------
    name : str
        Of the file in ``data``, such as ``codes.csv``.
    """
    with (files("kansenkaart") / "data" / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


#: What a delivery is for, the rows ``role`` of data/codes.csv; clean tables are made in this order, each after what it needs.
ROLES = tuple(row["code"] for row in packaged_rows("codes.csv") if row["list"] == "role")
DATA_VARIABLE = "KANSENKAART_DATA"
#: What the scheduler says of a run that failed, beside the tables of the study.
STATUS = "status.json"
_PAND = re.compile(r"[A-Za-z0-9.\-_]{1,40}")
#: What no path in a study holds: a backslash, what TOML makes of one (\\b is a sign without a shape), or a drive.
_ODD_PATH = re.compile(r"[\x00-\x1f\\]|^[A-Za-z]:")
#: What a study may be called.
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
#: What a study is called whose place, or which part of it, came from elsewhere than its file.
_PLACED = re.compile(r"(.+?)-(gm\d{4}|(?:gm\d{4}-)?\d{1,3}-van-\d{1,3})")
#: Signs without a shape that end a line, turn it around or steer a terminal: no name of a place or person has them.
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
#: A study file is a page or two; a larger one is something else [byte].
MOST_BYTES = 1 << 20
_SHOWN_FAULTS = 20
#: The study that `kansenkaart demo` shows.
DEMO = "voorbeeld"
#: Studies that come with the package: the invented town and field, and two templates.
SHIPPED = (DEMO, "proefveld", "gemeente")


#: Extras of the package, and a library by which each is seen to be there.
EXTRAS = {"rapporten": "typst", "flows": "prefect"}


def has_extra(name: str) -> bool:
    """Tell whether an extra of the package is installed.

    Parameters
    ----------
    name : str
        Of the extra.
    """
    return find_spec(EXTRAS[name]) is not None


def require_extra(name: str) -> None:
    """Refuse what needs an extra of the package that is not installed.

    Parameters
    ----------
    name : str
        Of the extra.

    Raises
    ------
    ConfigError
        If it is not there.
    """
    if not has_extra(name):
        raise ConfigError(
            f"the extra {name} of this package",
            found="not installed",
            where=f"library {EXTRAS[name]}",
            remedy=f"pip install 'kansenkaart[{name}]'",
        )


def one_line(text: str) -> str:
    """Return a text as it is, if it can stand on a page, in a file of any form and on a terminal.

    Parameters
    ----------
    text : str
        Of a study, or of the command line.

    Raises
    ------
    ValueError
        If it has an end of a line in it, or another sign that steers what shows it.
    """
    if STEERING.search(text):
        raise ValueError("a text of one line, without signs that have no shape")
    return text


_Line = Annotated[str, AfterValidator(one_line)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(_Strict):
    """Where the study is: codes of the register, or a window in RD New [m].

    ``wijken`` makes a study of a part of its municipality: these wijken, whole, and what lies around them.
    """

    gemeentecode: str | None = Field(None, pattern=r"^GM\d{4}$")
    wijken: tuple[Annotated[str, Field(pattern=r"^WK\d{4}[0-9A-Z]{2}$")], ...] = ()
    bbox_m: tuple[float, float, float, float] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Place:
        if self.bbox_m and (self.bbox_m[0] >= self.bbox_m[2] or self.bbox_m[1] >= self.bbox_m[3]):
            raise ValueError("bbox_m must be x min, y min, x max, y max")
        return self


class Areas(_Strict):
    """The size of area looked for: homes [1] and walking radius [m] (Bilgaard: 330 homes)."""

    target_homes: int = Field(330, ge=50, le=2000)
    low_homes: int = Field(300, ge=1)
    high_homes: int = Field(360, le=5000)
    radius_m: float = Field(300.0, gt=0, le=2000)

    @model_validator(mode="after")
    def _band(self) -> Areas:
        if not self.low_homes <= self.target_homes <= self.high_homes:
            raise ValueError("low_homes <= target_homes <= high_homes must hold")
        return self


class OptOut(_Strict):
    """Panden whose roof is not shown: their ids, here or one per line in a file beside the study file."""

    panden: tuple[str, ...] = ()
    bestand: str | None = None

    @field_validator("panden")
    @classmethod
    def _ids(cls, panden: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [one for one in panden if not _PAND.fullmatch(one)]
        if wrong:
            raise ValueError(f"a pand id has no spaces or quotes and at most 40 signs; found {wrong[0]!r}")
        return panden

    @field_validator("bestand")
    @classmethod
    def _beside(cls, bestand: str | None) -> str | None:
        return _inside(bestand)

    def ids(self, folder: Path) -> frozenset[str]:
        """Return all pand ids; `#` starts a remark in the file.

        Parameters
        ----------
        folder : Path
            Where the study file lies.

        Returns
        -------
        frozenset of str
            Ids of panden.

        Raises
        ------
        ConfigError
            If the file is not there or holds something else than ids.
        """
        if self.bestand is None:
            return frozenset(self.panden)
        path = folder / self.bestand
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
                raise OSError("a link, or too large")  # a link may lead to a file that is not ours to read
            lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        except (OSError, UnicodeDecodeError) as why:
            raise ConfigError(
                "a readable list of pand ids",
                found=type(why).__name__,
                where=self.bestand,
                remedy="put the file beside the study file, one pand id a line",
            ) from why
        wrong = [(n, one) for n, one in enumerate(lines, start=1) if one and not _PAND.fullmatch(one)]
        if wrong:
            raise ConfigError(
                "one pand id a line",
                found="something else",  # never the line itself: it may be of another file
                where=f"{self.bestand}, line {wrong[0][0]}",
                remedy="correct the line, or start it with # if it is a remark",
            )
        return frozenset(self.panden) | {one for one in lines if one}


class OwnFigure(_Strict):
    """A figure that a study puts in the place of one of the package's: in the unit and at the price level of that one."""

    value: float = Field(allow_inf_nan=False)
    low: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)
    unit: str | None = None
    source: _Line = Field(min_length=3, max_length=300)

    @model_validator(mode="after")
    def _range(self) -> OwnFigure:
        low, high = (self.value if end is None else end for end in (self.low, self.high))
        if not low <= self.value <= high:
            raise ValueError("low <= value <= high must hold")
        return self


def _inside(path: str | None) -> str | None:
    if path is not None and (Path(path).is_absolute() or ".." in Path(path).parts):
        raise ValueError("a path must stay inside its folder: relative, without '..'")
    return path


class Source(_Strict):
    """One delivery: what for, by whom, where it comes from and in which form; ``optional`` if the study can do without."""

    role: str
    publisher: str
    origin: Literal["file", "live", "bulk", "example"]
    form: str
    path: str | None = None
    layer: _Line | None = None
    edition: _Line = "latest"
    year: int | None = Field(None, ge=1900, le=2100)
    optional: bool = False
    #: Added to the coordinates of a delivery that is drawn on a grid of its own [m].
    shift_m: tuple[float, float] = (0.0, 0.0)

    def reading(self) -> dict[str, Any]:
        """Return what decides, beside its bytes, what is read of a delivery: another layer of a file is another table."""
        return self.model_dump(
            mode="json", include={"role", "form", "layer", "shift_m", "optional"}, exclude_defaults=True
        )

    @field_validator("role")
    @classmethod
    def _role(cls, role: str) -> str:
        if role not in ROLES:
            raise ValueError(f"one of the roles {', '.join(ROLES)}")
        return role

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str | None) -> str | None:
        if path is not None and _ODD_PATH.search(path):
            raise ValueError("a path is written with /, such as map/bag.gpkg, and has no drive letter")
        if path is not None and (Path(path).is_absolute() or ".." in Path(path).parts):
            raise ValueError("a path must stay inside the data folder: relative, without '..'")
        return path

    @model_validator(mode="after")
    def _located(self) -> Source:
        if self.origin in ("file", "example") and not self.path:
            raise ValueError("a source from a file needs a path")
        return self


class Study(_Strict):
    """A study as its TOML file states it."""

    name: str
    title: _Line
    invented: bool = False
    place: Place = Place()
    areas: Areas = Areas()
    weglaten: OptOut = OptOut()
    assumptions: dict[str, OwnFigure] = Field(default={}, max_length=100)
    stijl: str | None = None
    contact: _Line | None = Field(default=None, max_length=200)
    #: Table of what roofs carry by the shape of their footprint, beside the study file; else that of the package.
    roof_priors: str | None = None
    source: tuple[Source, ...]

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError("a name has 1 to 40 lower-case letters, digits, - or _ and starts with a letter")
        return name

    @field_validator("stijl", "roof_priors")
    @classmethod
    def _beside(cls, stijl: str | None) -> str | None:
        return _inside(stijl)

    @model_validator(mode="after")
    def _budget_of_the_whole(self) -> Study:
        if self.place.wijken and self.sources("own_budget"):
            raise ValueError("a budget is of the whole municipality: a study of some wijken has no own_budget")
        return self

    def sources(self, role: str) -> tuple[Source, ...]:
        """Return the deliveries for one role, in the order of the file.

        Parameters
        ----------
        role : str
            One of ``ROLES``.

        Returns
        -------
        tuple of Source
            None where the study has no such delivery.
        """
        return tuple(one for one in self.source if one.role == role)


class Folders(_Strict):
    """Where things are kept: deliveries as published, what we make of them, and maps."""

    published: Path
    raw: Path
    processed: Path
    maps: Path


def folders(root: Path) -> Folders:
    """Return the folders under a root; published files lie where ``KANSENKAART_DATA`` says, else ``../shared/data``.

    Parameters
    ----------
    root : Path
        Folder of the project.
    """
    published = os.environ.get(DATA_VARIABLE)
    return Folders(
        published=Path(published) if published else root / ".." / "shared" / "data",
        raw=root / "data" / "raw",
        processed=root / "data" / "processed",
        maps=root / "maps",
    )


def shipped_studies() -> dict[str, Path]:
    """Return the studies that come with the package, by name: the embedded example and the templates.

    Returns
    -------
    dict of str to Path
        In a checkout those of the project itself.
    """
    package = Path(__file__).parent
    places = (package / "studies", package.parent.parent / "studies")
    found = next((one for one in places if one.is_dir()), None)
    return {} if found is None else {name: path for name in SHIPPED if (path := found / f"{name}.toml").is_file()}


def study_path(root: Path, name: str) -> Path:
    """Return where the file of a study lies: in the project, else with the package.

    Parameters
    ----------
    root : Path
        Folder of the project.
    name : str
        Of the study.

    Raises
    ------
    ConfigError
        If the name is not that of a study but, say, a path.
    """
    if not NAME.fullmatch(name):
        there = sorted({one.stem for one in (root / "studies").glob("*.toml")} | set(shipped_studies()))
        raise ConfigError(
            "the name of a study", found=repr(name[:60]), where="studies", remedy=f"choose one of {there}"
        )
    own = root / "studies" / f"{name}.toml"
    return own if own.exists() else shipped_studies().get(name, own)


def template_and_code(root: Path, name: str) -> tuple[str, str | None]:
    """Return the file that a study comes from, and the code of its place where that is no part of the file.

    Parameters
    ----------
    root : Path
        Folder of the project.
    name : str
        As its folders, pages and errors call it: ``voorburg``, or of a template with a code ``gemeente-gm0193``.

    Returns
    -------
    tuple of str
        The name of the file, and a code such as ``GM0193``, ``GM0363-2-van-6`` or ``2-van-6``; None without one.
    """
    hit = _PLACED.fullmatch(name)
    if hit is None or study_path(root, name).is_file():
        return name, None
    return hit[1], hit[2].replace("gm", "GM")


def read_study(path: Path, *, gemeentecode: str | None = None) -> Study:
    """Read a study file.

    Parameters
    ----------
    path : Path
        The TOML file.
    gemeentecode : str, optional
        Municipality that takes the place of the one in the file (for the template of a live run).

    Raises
    ------
    ConfigError
        If the file is missing, is not TOML, or has unknown keys or wrong values; names them all.
    """
    content = _toml(path)
    if gemeentecode:
        place = content.get("place", {})
        content = {**content, "place": {**place, "gemeentecode": gemeentecode} if isinstance(place, dict) else place}
    try:
        return Study.model_validate(content)
    except ValidationError as why:
        faults = [f"{_key(one['loc'])}: {one['msg'].removeprefix('Value error, ')[:200]}" for one in why.errors()]
        more = [f"and {len(faults) - _SHOWN_FAULTS} more"] if len(faults) > _SHOWN_FAULTS else []
        raise ConfigError(
            "a study without faults",
            found="; ".join(faults[:_SHOWN_FAULTS] + more),
            where=path.name,
            remedy="correct the keys named",
        ) from why


def _key(place: tuple[int | str, ...]) -> str:
    """Return where in a study a fault is, as people count: the second [[source]] is source 2."""
    if len(place) > 1 and isinstance(place[1], int):
        return f"{place[0]} {place[1] + 1}, {'.'.join(map(str, place[2:]))}".rstrip(", ")[:80]
    return ".".join(map(str, place))[:80]


def _toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        there = sorted({one.stem for one in path.parent.glob("*.toml")} | set(shipped_studies()))
        remedy = f"choose one of {there}, or make it: kansenkaart nieuw {path.stem}"
        raise ConfigError("a study file", found="no such file", where=f"studies/{path.name}", remedy=remedy)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
        content = path.read_bytes()
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return tomllib.loads(content.decode("utf-16"))
        # The mark that Windows Notepad puts at the start is no part of the first key.
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as why:
        raise ConfigError(
            "a TOML file in UTF-8",
            found=f"a byte that is not UTF-8, in line {len(content[: why.start].splitlines())}",
            where=path.name,
            remedy="save the file as UTF-8 (in Notepad: Save as, encoding UTF-8)",
        ) from why
    except (ValueError, RecursionError, OSError) as why:
        raise ConfigError("a TOML file", found=str(why)[:200], where=path.name, remedy=_cure(path, str(why))) from why


def _cure(path: Path, fault: str) -> str:
    """Return what to do about text that is no TOML: the two faults that people make without seeing them, or the line."""
    with contextlib.suppress(OSError):
        text = path.read_bytes()[:MOST_BYTES].decode("utf-8", "replace")
        if "\\" in fault:
            return "write / in paths instead of \\"
        if re.search("[\u201c\u201d\u201e\u2018\u2019]", text):
            return "put straight quotes around texts, as Notepad types them and Word does not"
    return "correct the line named"
