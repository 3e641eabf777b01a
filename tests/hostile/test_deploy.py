"""The files to install from hold what they say of themselves, as far as this machine can tell."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "kansenkaart.service"
MOST_EXPOSED = 3.0


def _exposure(unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(unit)], capture_output=True, text=True, check=False
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    return float(found[1])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_the_unit_is_closed(tmp_path):
    assert _exposure(UNIT) <= MOST_EXPOSED
    old = tmp_path / "old.service"
    kept = ("[", "User=", "ExecStart=", "ProtectSystem=", "NoNewPrivileges=")
    old.write_text("\n".join(line for line in UNIT.read_text("utf-8").splitlines() if line.startswith(kept)), "utf-8")
    assert _exposure(old) > MOST_EXPOSED


def test_the_unit_writes_to_data_maps_and_prefect_only():
    lines = dict(line.split("=", 1) for line in UNIT.read_text("utf-8").splitlines() if re.match(r"\w+=", line))
    assert lines["ReadWritePaths"] == "/srv/kansenkaart/data /srv/kansenkaart/maps"
    assert (lines["StateDirectory"], lines["UMask"], lines["ProtectHome"]) == ("kansenkaart", "0077", "yes")
    assert lines["ExecStart"].endswith("-m flows.serve")


def test_the_container_runs_as_another_user_with_the_lock_for_running():
    text = (ROOT / "deploy" / "Containerfile").read_text("utf-8")
    assert re.search(r"^USER 10001:10001$", text, re.M)
    assert "dev.lock" not in text
    assert "HEALTHCHECK" in text
    assert "EXPOSE" not in text
    for name in re.findall(r"requirements/\S+?\.lock", text):
        assert (ROOT / name).is_file()


def test_the_lock_for_running_holds_no_test_tool_and_nothing_that_is_not_tested():
    def pins(name):
        return set(re.findall(r"^(\S+==\S+)", (ROOT / f"requirements/{name}.lock").read_text("utf-8"), re.M))

    assert pins("flows") <= pins("dev")
    assert pins("run") <= pins("flows")
    assert not {one.split("==")[0] for one in pins("flows")} & {"pytest", "mypy", "ruff", "playwright", "hypothesis"}


@pytest.mark.parametrize("name", ["frame-ancestors 'none'", "nosniff", "max-age=31536000", "-intern", "autoindex off"])
def test_the_pages_are_hosted_with_headers_that_close_them(name):
    assert name in (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
