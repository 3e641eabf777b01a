"""The documents say what is there: commands, links, the ladder, exit codes, editions, generated pages."""

from __future__ import annotations

import inspect
import re
import runpy
import tomllib
from pathlib import Path

import click
import pytest
import yaml

import kansenkaart
from kansenkaart import cli, config, errors
from kansenkaart.config import ROLES, read_study
from kansenkaart.sources import ahn, bag3d, publishers
from kansenkaart.sources.tools import archives, bulk, geofiles, layers, rawnames
from kansenkaart.sources.tools.http import Http
from kansenkaart.tables import assumptions

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
#: Where the modules lie that a page may name.
ROOMS = ("src", "flows", "tests", "benchmarks", "docs", ".ci")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
_ids = pytest.mark.parametrize("page", PAGES, ids=lambda one: str(one.relative_to(ROOT)))


def test_reference_is_what_the_tables_and_fields_give():
    pages = runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["pages"]()
    behind = [path.name for path, text in pages.items() if path.read_text("utf-8") != text]
    assert behind == [], "run python docs/make_reference.py"


@_ids
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
    assert [one for one in links if "://" not in one and not (page.parent / one).exists()] == []


@_ids
def test_commands_exist(page):
    text = page.read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    assert set(re.findall(r"(?:^ +|`)make ([a-z]+)", text, re.M)) <= targets
    for line in re.findall(r"(?:^ *|`|/)kansenkaart ((?:[a-z]|--)[^`\n#]*)", text, re.M):
        name, options = line.split()[0], set(re.findall(r"--[a-z][a-z-]*", line))
        group = cli.cli.commands
        assert name in group or name in ("--map", "--help", "--version"), line
        spelled = {
            word
            for one in [cli.cli, *group.values()]
            for item in one.params
            for word in (*item.opts, *item.secondary_opts)
        }
        assert options <= spelled | {"--help"}, line


def test_readme_runs_the_two_commands_and_studies_that_are_there():
    text = (ROOT / "README.md").read_text("utf-8")
    assert "    make demo" in text
    assert "    make test" in text
    told = set(re.findall(r"^\| `([a-z]+)` \|", text, re.M))
    assert told == {path.stem for path in (ROOT / "studies").glob("*.toml")}


def test_readme_draws_the_ladder_that_is_checked():
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    drawn = "\n".join("    " + layer.replace("kansenkaart.", "") for layer in layers)
    assert drawn in (ROOT / "README.md").read_text("utf-8")


def test_every_error_stands_beside_its_exit_code():
    page = (ROOT / "docs/reference/exit-codes.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (\d) \|(.*)$", page, re.M))
    kinds = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.KansenkaartError)]
    assert [one.__name__ for one in kinds if f"`{one.__name__}`" not in rows[str(one.exit_code)]] == []
    for number in rows:
        assert re.search(rf"\b{number} [a-z]", cli.__doc__ or "")


def test_reserved_exit_code_is_reserved():
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py") if path.name != "errors.py")
    page = (ROOT / "docs/reference/exit-codes.md").read_text("utf-8")
    assert ("GateError(" in code) != ("Code 7 is reserved" in page)


def test_every_role_and_form_of_a_study_is_in_the_how_to():
    page = (ROOT / "docs/how-to/new-study.md").read_text("utf-8")
    studies = [read_study(path) for path in sorted((ROOT / "studies").glob("*.toml"))]
    words = {one.form for study in studies for one in study.source} | set(ROLES)
    assert sorted(word for word in words if f"`{word}`" not in page) == []


def test_example_study_of_the_how_to_reads(tmp_path):
    page = (ROOT / "docs/how-to/new-study.md").read_text("utf-8")
    block = re.search(r"```toml\n(.*?)```", page, re.S)
    assert block is not None
    path = tmp_path / "mijnwijk.toml"
    path.write_text(re.sub(r"^   ", "", block[1], flags=re.M), encoding="utf-8")
    study = read_study(path)
    assert study.name == path.stem
    assert {one.publisher for one in study.source} <= set(publishers.sources_table())


def test_every_edition_of_a_study_is_in_the_changelog():
    rows = re.findall(r"^\| (\S+) \| (.+?) \|", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    studies = [read_study(path) for path in sorted((ROOT / "studies").glob("*.toml"))]
    assert sorted({(one.publisher, one.edition) for study in studies for one in study.source} - set(rows)) == []


def test_citation_and_changelog_name_the_version():
    version = PROJECT["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert kansenkaart.__version__ == version
    assert f"\n### {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_what_is_run_is_what_is_tested():
    run, dev = (_locked(ROOT / f"requirements/{name}.lock") for name in ("run", "dev"))
    assert run
    assert {name for name, version in run.items() if dev.get(name) != version} == set()


def _locked(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", path.read_text("utf-8"), re.M))


def test_qualities_of_figures_are_explained():
    page = (ROOT / "docs/begrippen.md").read_text("utf-8")
    assert [one for one in assumptions.QUALITIES if f"`{one}`" not in page] == []


@_ids
def test_modules_that_a_page_names_are_there(page):
    there = {path.relative_to(ROOT).as_posix() for top in ROOMS for path in (ROOT / top).rglob("*.py")}
    ends = {"/".join(one.split("/")[-depth:]) for one in there for depth in range(1, one.count("/") + 2)}
    named = re.findall(r"`((?:[a-z_0-9]+/)*[a-z_0-9]+\.py)`", _present(page))
    assert [one for one in named if one not in ends] == []


def _present(page: Path) -> str:
    """Return the text of a page without tables of what was where before."""
    return re.sub(r"^\| was \| is \|\n(?:\|.*\n)+", "", page.read_text("utf-8"), flags=re.M)


@_ids
def test_no_path_of_one_machine(page):
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|work|Users)/", page.read_text("utf-8")) == []


def test_help_is_dutch_and_names_every_command():
    told = click.Context(cli.cli).get_help()
    assert [name for name in cli.cli.commands if name not in told] == []
    assert "buurt" in told


def _asked() -> list[str]:
    return [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["rapporten"]]


def test_the_conda_recipe_needs_what_the_package_needs():
    recipe = (ROOT / "deploy" / "conda-recipe.yaml").read_text("utf-8")
    asked = dict(re.findall(r"^    - ([a-z0-9-]+) (>=\S+)$", recipe, re.M))
    other = {"typst": "typst-py", "pvlib": "pvlib-python", "pandera[geopandas]": "pandera-geopandas"}
    ours = dict(re.match(r"([^>]+)(.*)", one).groups() for one in _asked())
    assert {other.get(name, name): bounds for name, bounds in ours.items()} == {
        k: v for k, v in asked.items() if k != "python"
    }
    assert f'version: "{PROJECT["project"]["version"]}"' in recipe
    scripts = [f"{name} = {where}" for name, where in PROJECT["project"]["scripts"].items()]
    assert yaml.safe_load(recipe)["build"]["python"]["entry_points"] == scripts


def test_bounds_of_input_are_those_that_hold():
    """The table of what is taken at most, in the units in which it is said."""
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    table = page[page.index("| bound | at most | then |") : page.index("## Killed at any moment")]
    said = [tuple(one.strip() for one in line.split("|")[1:3]) for line in table.splitlines()[2:] if line]
    whole = f"{rawnames.MOST_BYTES >> 30} GiB"
    document, sequence = f"{archives.MOST_JSON_BYTES >> 20} MiB", f"{archives.MOST_SEQUENCE_BYTES >> 30} GiB"
    workbook, study = f"{layers._MOST_UNPACKED_BYTES >> 20} MiB", f"{config.MOST_BYTES >> 20} MiB"
    block, swollen = f"{geofiles.MOST_BLOCK_BYTES >> 20} MiB", f"{archives.MOST_RATIO} times its size"
    memory = f"{geofiles.MOST_MEMORY_BYTES >> 30} to {geofiles.MOST_MEMORY_OF_ANY_BYTES >> 30} GiB"
    country = f"{bulk.MOST_BYTES >> 30} GiB in {bulk.LONGEST_S / 3600:g} hours"
    assert [bound for _, bound in said] == [
        whole,
        f"{document}; {sequence}",
        f"{bag3d.MOST_FACES:,}",
        f"{workbook}; {study}",
        f"{ahn.MOST_CELLS:,} cells; {block}",
        f"{layers._MOST_UNPACKED >> 30} GiB, {swollen}",
        f"{memory}; {geofiles.MOST_CPU_S} s and more; {geofiles.LONGEST_S:g} s",
        f"{Http.max_bytes >> 30} GiB; {country}",
    ]
