"""The import contracts hold, and a planted wrong import is found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLANTED = {
    "core reads settings": ("core/scoring.py", "from kansenkaart import config\n"),
    "core uses the network": ("core/enterprise/cashflow.py", "import requests\n"),
    "a reader knows another": ("sources/bag.py", "from kansenkaart.sources import bgt\n"),
    "the store knows a step": ("tables/store.py", "from kansenkaart.score import steps\n"),
}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(folder)])}
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def house(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("src", "flows"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    return tmp_path


def test_the_contracts_hold_and_every_planted_import_breaks_one(house):
    whole = _lint(house)
    assert whole.returncode == 0, whole.stdout
    for name, (path, line) in PLANTED.items():
        target = house / "src" / "kansenkaart" / path
        content = target.read_text("utf-8")
        target.write_text(
            content.replace("from __future__ import annotations\n", f"from __future__ import annotations\n{line}")
        )
        spoiled = _lint(house)
        target.write_text(content)
        assert spoiled.returncode != 0, name
        assert "BROKEN" in spoiled.stdout, name
        assert f"kansenkaart.{path.removesuffix('.py').replace('/', '.')}" in spoiled.stdout, name
