"""What the linters cannot say: lengths, splinters, described functions, one dictionary, assumptions in use, a pure core.

Limits that the house does not reach yet are ratchets: they stand here with what is left, and may only come down.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from benchmarks import house
from kansenkaart.config import read_study
from kansenkaart.sources import publishers
from kansenkaart.tables import assumptions, fields, schemas

ROOT = Path(__file__).parent.parent
HOUSE = house.modules(ROOT)
PACKAGE = [one for one in HOUSE if one.name.startswith("kansenkaart")]
SOURCES = [one.path for one in HOUSE]
LONGEST_MODULE = 500
IMPURE = {
    "pathlib",
    "os",
    "logging",
    "requests",
    "folium",
    "branca",
    "prefect",
    "time",
    "datetime",
    "io",
    "sys",
    "random",
}
#: Short modules with one importer that stay, and why.
SPLINTERS = {
    "kansenkaart.acquire.readers": "the one table in which publishers and tables meet; a new source adds its line there",
    "kansenkaart.sources.nwb": "one publisher, one module",
    "flows.analyse": "an entry that prefect.yaml may name",
    "flows.publish": "an entry that prefect.yaml names",
    "flows.refresh": "an entry that prefect.yaml may name",
}
#: Ratchets: lines of modules that are longer, of bodies that are longer, and arguments beyond seven.
LONGER_MODULES: dict[str, int] = {}
LONGER_BODIES = {
    "kansenkaart.score.enterprise._panden": 44,
}
MORE_ARGUMENTS = 0
#: Python files of the package; the aim is 165.
MOST_FILES = 174
#: Share that lists its parameters [%]: of all public functions that have any, and of the doors that another room uses (aim: 100).
DESCRIBED_PCT, DESCRIBED_DOORS_PCT = 78, 96


def test_modules_are_of_readable_length() -> None:
    long = {one.name: len(one.lines) for one in HOUSE if len(one.lines) > LONGER_MODULES.get(one.name, LONGEST_MODULE)}
    assert not long


def test_functions_are_of_readable_length() -> None:
    limits = {one.where: LONGER_BODIES.get(one.where, house.LONGEST_BODY) for one in house.functions(HOUSE)}
    assert not {one.where: one.body_lines for one in house.functions(HOUSE) if one.body_lines > limits[one.where]}


def test_functions_take_few_arguments() -> None:
    many = [one.where for one in house.functions(HOUSE) if len(one.arguments) > house.MOST_ARGUMENTS]
    assert len(many) <= MORE_ARGUMENTS, many


def test_splinters_belong_to_their_importer() -> None:
    lines = {one.name: len(one.lines) for one in HOUSE}
    single = house.single_importers(HOUSE, house.arrows(HOUSE))
    short = {name for name in single if lines[name] < house.SPLINTER_LINES}
    assert sorted(short - set(SPLINTERS)) == []


def test_there_are_few_modules_and_no_rings() -> None:
    assert len(PACKAGE) <= MOST_FILES
    assert house.rings(house.arrows(HOUSE)) == []


def test_public_functions_list_their_parameters() -> None:
    asked, listed = house.described(HOUSE)
    assert 100 * len(listed) / len(asked) >= DESCRIBED_PCT
    wide = house.doors(HOUSE)
    assert 100 * sum(one.lists_parameters for one in wide) / len(wide) >= DESCRIBED_DOORS_PCT


def test_the_formatter_decides_everywhere() -> None:
    paths = [
        path for top in ("src", "flows", "tests", "benchmarks", "docs", ".ci") for path in (ROOT / top).rglob("*.py")
    ]
    assert [path.name for path in paths if house.EXEMPT in path.read_text("utf-8")] == []


def test_every_room_stands_on_the_ladder() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    ladder = project["tool"]["importlinter"]["contracts"][0]
    assert ladder["exhaustive"]
    drawn = {name for line in ladder["layers"] for name in re.split(r"\W+", line)}
    rooms = {one.name.split(".")[1] for one in PACKAGE if "." in one.name}
    assert rooms == drawn


def test_tests_lie_in_the_rooms_of_the_package() -> None:
    rooms = {one.name.split(".")[1] for one in PACKAGE if "." in one.name} | {"flows"}
    kinds = {"fuzz", "hostile", "loopback", "mutation"}  # over all rooms: odd input, a played publisher, mutants
    folders = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("*/*.py")}
    assert folders - rooms - kinds == set()


def test_the_figures_find_what_is_planted(tmp_path: Path) -> None:
    """One ring of two, a splinter of five lines, a body of 41 lines with eight arguments, one of two functions described."""
    top = tmp_path / "src" / "kansenkaart"
    top.mkdir(parents=True)
    (top / "one.py").write_text("from kansenkaart import two\n\n\ndef bare(x):\n    return two.f(x)\n")
    body = "".join(f"    x{n} = {n}\n\n    # a remark\n" for n in range(41))
    doc = '    """Add.\n\n    Parameters\n    ----------\n    a : int\n        One [1].\n    """\n'
    (top / "two.py").write_text(f"import kansenkaart.one\n\n\ndef f(a, b, c, d, *, e, f, g, h):\n{doc}{body}")
    code = house.modules(tmp_path)
    pairs = house.arrows(code)
    assert house.rings(pairs) == [["kansenkaart.one", "kansenkaart.two"]]
    assert house.single_importers(code, pairs)["kansenkaart.one"] == "kansenkaart.two"
    assert {one.where: (one.body_lines, len(one.arguments)) for one in house.functions(code)} == {
        "kansenkaart.one.bare": (1, 1),
        "kansenkaart.two.f": (41, 8),
    }
    assert house.doors(code) == [one for one in house.functions(code) if one.where == "kansenkaart.two.f"]
    asked, listed = house.described(code)
    assert ([one.where for one in asked], [one.where for one in listed]) == (
        ["kansenkaart.one.bare", "kansenkaart.two.f"],
        ["kansenkaart.two.f"],
    )


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(
    "path", [one.path for one in HOUSE if one.name.startswith("kansenkaart.core")], ids=lambda one: one.stem
)
def test_core_is_pure(path: Path) -> None:
    assert not _imported(path) & IMPURE


def test_every_column_of_every_table_is_in_the_dictionary() -> None:
    assert schemas.tables()
    for table in schemas.tables().values():
        for name in table.columns:
            assert fields.get(name).label_nl, name
        assert set(table.key) <= set(table.columns)


def test_every_assumption_is_used_somewhere() -> None:
    code = "\n".join(path.read_text("utf-8") for path in SOURCES)
    tables = (path for path in (ROOT / "src/kansenkaart/data").glob("*.csv") if path.stem != "assumptions")
    words = set(re.findall(r'"([a-z0-9_]+)"', code)) | set(
        re.findall(r"[a-z0-9_]+", "\n".join(path.read_text("utf-8") for path in tables))
    )
    unused = [name for name in assumptions.default() if name not in words and not name.startswith(COMPOSED)]
    assert not unused


#: Figures whose names the code composes of a beginning and a word.
COMPOSED = ("water_use_", "pv_system_price_")


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.toml")), ids=lambda one: one.stem)
def test_every_study_reads_and_names_known_publishers(path: Path) -> None:
    study = read_study(path)
    assert study.name == path.stem
    assert {one.publisher for one in study.source} <= set(publishers.sources_table())


def test_no_address_stands_in_code_outside_the_presented_pages() -> None:
    allowed = {"style.py", "render.py", "spec.py", "release.py", "catalog.py"}  # the last two name standards
    code = [path for path in SOURCES if "example" not in path.parts]  # the example writes in the publishers' own words
    assert {path.name for path in code if "https://" in _strings(path)} <= allowed


def _strings(path: Path) -> str:
    tree = ast.parse(path.read_text("utf-8"))
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n".join(text for text in texts if text not in docs)
