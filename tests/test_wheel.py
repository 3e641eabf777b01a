"""The package works away from its checkout: studies that travel with it, and (at night) its wheel in an empty folder."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from kansenkaart import config
from kansenkaart.cli import cli
from kansenkaart.config import DEMO, read_study, shipped_studies
from kansenkaart.errors import KansenkaartError
from kansenkaart.runs.study import open_study
from kansenkaart.wording.messages import error_lines

ROOT = Path(__file__).parent.parent
NOBODY = 65534


def test_the_example_opens_in_an_empty_folder(tmp_path):
    place = open_study("proefveld", root=tmp_path)
    assert place.study.invented
    assert place.folders.maps == tmp_path / "maps"
    assert list(tmp_path.iterdir()) == []


def test_a_study_of_the_project_goes_before_the_one_of_the_package(tmp_path):
    (tmp_path / "studies").mkdir()
    own = shipped_studies()["proefveld"].read_text("utf-8").replace("Proefveld (verzonnen)", "Van mij")
    (tmp_path / "studies" / "proefveld.toml").write_text(own, "utf-8")
    assert open_study("proefveld", root=tmp_path).study.title == "Van mij"


@pytest.mark.parametrize("template", ["gemeente", "proefveld", "voorbeeld"])
def test_a_new_study_is_a_template_under_another_name(tmp_path, template):
    done = CliRunner().invoke(cli, ["--map", str(tmp_path), "nieuw", "mijnwijk", "--van", template])
    assert done.exit_code == 0, done.output
    made, old = read_study(tmp_path / "studies" / "mijnwijk.toml"), read_study(shipped_studies()[template])
    assert made == old.model_copy(update={"name": "mijnwijk"})


@pytest.mark.parametrize("words", [["a/b"], ["mijnwijk", "--van", "delft"], ["er-is-al"]])
def test_a_wrong_or_taken_name_writes_nothing(tmp_path, words):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "er-is-al.toml").write_text("x", "utf-8")
    done = CliRunner().invoke(cli, ["--map", str(tmp_path), "nieuw", *words])
    assert done.exit_code == 1  # the error itself; main() turns it into words and exit code 2
    assert done.exception.exit_code == 2
    assert [one.name for one in (tmp_path / "studies").iterdir()] == ["er-is-al.toml"]
    assert (tmp_path / "studies" / "er-is-al.toml").read_text("utf-8") == "x"


def _said(*words):
    """Run a command as `main` does, and return its exit code and what it said to people."""
    done = CliRunner().invoke(cli, words)
    why = done.exception
    if not isinstance(why, KansenkaartError):
        return done.exit_code, done.stderr
    return why.exit_code, "\n".join(error_lines(why.expected, found=why.found, where=why.where, remedy=why.remedy))


def test_without_the_extra_no_page_speaks_of_a_pdf(copied, monkeypatch):
    """Map, pages, workbooks and layers are made all the same; who asks for reports is told what to install."""
    monkeypatch.setitem(config.EXTRAS, "rapporten", "no_such_library")
    code, said = _said("--map", str(copied), "run", "proefveld", "--intern")
    assert (code, "pip install 'kansenkaart[rapporten]'" in said) == (0, True)
    maps = copied / "maps" / "proefveld"
    assert list(maps.rglob("*.pdf")) == []
    assert list((maps / "haalbaarheid").glob("*.xlsx"))
    assert [one.name for one in maps.rglob("*.html") if ".pdf" in one.read_text("utf-8")] == []
    code, said = _said("--map", str(copied), "haalbaarheid", "proefveld", "--alle")
    assert (code, "de extra rapporten van dit pakket" in said) == (2, True)
    assert "wat te doen: pip install 'kansenkaart[rapporten]'" in said


def test_the_scheduler_names_its_extra(monkeypatch):
    monkeypatch.setitem(config.EXTRAS, "flows", "no_such_library")
    with pytest.raises(ImportError, match=r"pip install 'kansenkaart\[flows\]'"):
        runpy.run_path(str(ROOT / "flows" / "__init__.py"))


@pytest.fixture(scope="module")
def installed():
    """Build the wheel and install it alone in a fresh environment that borrows what it needs from this one.

    Not below pytest's own folder: each session of pytest that begins shuts that to others than its user, also amid our run.
    """
    with tempfile.TemporaryDirectory(prefix="wheel-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        build = [*pip, "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(folder)]
        subprocess.run(build, check=True, capture_output=True, timeout=300)
        (wheel,) = folder.glob("kansenkaart-*.whl")
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        site = next((folder / "venv").glob("lib/python*/site-packages"))
        # A plain line adds the folder and reads no .pth in it: our own checkout does not come along.
        (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
        install = [*pip, "install", "--no-deps", "--no-compile", "--target", str(site), str(wheel)]
        subprocess.run(install, check=True, capture_output=True, timeout=300)
        yield wheel, folder / "venv" / "bin" / "python", site


def _others_may_run(python):
    """Whether an ordinary user reaches the interpreter and what it borrows: root may keep them to itself."""
    needed = (python, python.resolve(), Path(sysconfig.get_path("purelib")) / "any")
    return all(folder.stat().st_mode & 0o001 for path in needed for folder in path.parents)


def _as_user(python, code, folder, *words):
    """Run Python in a folder, as an ordinary user also where the tests run as root and others may run it."""
    home = folder.parent / "home"
    for one in (folder, home):
        one.mkdir(exist_ok=True)
    user = {}
    if os.geteuid() == 0 and _others_may_run(python):
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        for one in (folder, home):
            os.chown(one, NOBODY, NOBODY)
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    return subprocess.run(
        [python, "-c", code, *words],
        cwd=folder,
        env={**environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        **user,
    )


@pytest.mark.nightly
@pytest.mark.slow
def test_the_wheel_makes_the_map_of_the_example_in_an_empty_folder(installed, tmp_path_factory):
    wheel, python, site = installed
    folder = wheel.parent / "leeg"
    where = _as_user(python, "import kansenkaart, flows; print(kansenkaart.__file__, flows.__file__)", folder)
    assert where.stdout.split() == [str(site / "kansenkaart/__init__.py"), str(site / "flows/__init__.py")], (
        where.stderr
    )
    tmp_path_factory.getbasetemp().parent.chmod(0o700)  # as the start of another session of pytest does
    demo = "from kansenkaart.cli import main; main()"
    done = _as_user(python, demo, folder, "demo")
    assert done.returncode == 0, done.stderr[-4000:]
    page = folder / "maps" / DEMO / "index.html"
    assert f"Kaart: {page}" in done.stdout
    assert page.stat().st_size > 100_000
    assert "Er is niets veranderd" in _as_user(python, demo, folder, "demo").stdout


@pytest.mark.nightly
@pytest.mark.slow
def test_the_wheel_holds_what_it_needs_and_no_more(installed):
    names = {name.split("/")[0] for name in zipfile.ZipFile(installed[0]).namelist()}
    assert {one for one in names if not one.endswith(".dist-info")} == {"kansenkaart", "flows"}
    there = set(zipfile.ZipFile(installed[0]).namelist())
    assert {f"kansenkaart/studies/{name}.toml" for name in shipped_studies()} | {"flows/prefect.yaml"} <= there
    assert {one for one in there if "/__pycache__/" in one or one.endswith((".nbi", ".nbc"))} == set()
