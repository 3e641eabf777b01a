"""The locks hash what they install, it is what is installed, and its licences are allowed and listed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_SPEC = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
audit = importlib.util.module_from_spec(_SPEC)
sys.modules["audit"] = audit
_SPEC.loader.exec_module(audit)
HASH = "    --hash=sha256:" + "0" * 64


def test_the_locks_the_installation_and_the_licences_agree(capsys):
    assert audit.main([]) == 0, capsys.readouterr().out
    assert "skipped: not asked for" in capsys.readouterr().out


def test_the_bill_of_materials_names_every_package_of_a_lock_with_its_hashes(capsys):
    assert audit.main(["--sbom", "run"]) == 0
    made = json.loads(capsys.readouterr().out)
    text = (ROOT / "requirements" / "run.lock").read_text("utf-8")
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    names = {f"{one['name']}=={one['version']}" for one in made["components"]}
    assert names == {f"{one.name}=={one.version}" for one in audit.read_lock(text, where="run")[0]}
    pandas = next(one for one in made["components"] if one["name"] == "pandas")
    assert pandas["purl"] == f"pkg:pypi/pandas@{pandas['version']}"
    assert pandas["licenses"] == [{"expression": "BSD-3-Clause"}]
    hashes = {one["content"] for one in pandas["externalReferences"][0]["hashes"]}
    assert hashes
    assert all(one in text for one in hashes)


@pytest.mark.parametrize(
    ("version", "found"), [("1.9", False), ("2.0", True), ("2.3", True), ("2.4", False), ("3.0", True)]
)
def test_an_advisory_is_found_by_range_and_by_list(tmp_path, version, found):
    folder = tmp_path / "vulns" / "leaky"
    folder.mkdir(parents=True)
    events = [{"introduced": "2.0"}, {"fixed": "2.4"}]
    told = {"id": "PYSEC-1", "affected": [{"ranges": [{"type": "ECOSYSTEM", "events": events}], "versions": ["3.0"]}]}
    (folder / "PYSEC-1.yaml").write_text(json.dumps(told), encoding="utf-8")
    pins, _ = audit.read_lock(f"leaky=={version} \\\n{HASH}\n", where="x")
    assert audit.advised_against(pins, tmp_path) == ([f"leaky {version}: PYSEC-1"] if found else [])


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("MIT", True),
        ("", False),
        ("SSPL-1.0", False),
        ("MIT AND SSPL-1.0", False),
        ("MIT OR SSPL-1.0", True),
        ("SSPL-1.0 AND MIT OR MIT", True),
        ("SSPL-1.0 AND (MIT OR MIT)", False),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("Apache-2.0 WITH Commons-Clause", False),
        ("(MIT", False),
        ("MIT MIT", False),
        ("MIT AND", False),
    ],
)
def test_a_licence_expression_is_weighed(expression, answer):
    assert audit.allowed(expression) is answer


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("numpy==2.0.0\n", "numpy has no hash"),
        (f"numpy==2.0.0 \\\n{HASH}\npandas==3.0.0\n", "pandas has no hash"),
        (f"numpy>=2.0.0\n{HASH}\n", "neither a version nor a sha256"),
        ("--index-url https://elsewhere\n", "neither a version nor a sha256"),
        (f"numpy @ https://elsewhere/numpy.whl\n{HASH}\n", "neither a version nor a sha256"),
        ("numpy==2.0.0 \\\n    --hash=md5:00\n", "neither a version nor a sha256"),
    ],
)
def test_a_lock_that_does_not_hold_is_seen(text, fault):
    _, wrong = audit.read_lock(text, where="a.lock")
    assert any(fault in one for one in wrong)


def test_a_lock_is_read_with_extras_markers_and_several_versions():
    text = (
        f"# made\nPandera[geopandas]==0.3.0 \\\n{HASH} \\\n{HASH}\n"
        f"numpy==2.5.0 ; python_full_version >= '3.99' \\\n{HASH}\n"
    )
    pins, wrong = audit.read_lock(text, where="a.lock")
    assert wrong == []
    assert [(one.name, one.version, len(one.hashes), one.here) for one in pins] == [
        ("pandera", "0.3.0", 2, True),
        ("numpy", "2.5.0", 1, False),
    ]


def test_another_version_or_an_unknown_licence_is_named():
    pins = [
        audit.Pin("pytest", "0.0.1", ""),
        audit.Pin("of-nobody", "1", ""),
        audit.Pin("elsewhere", "1", "extra == 'x'"),
    ]
    told = audit.installed_otherwise(pins)
    assert len(told) == 2
    assert told[0].startswith("pytest: 0.0.1 is locked, ")
    assert told[1] == "of-nobody: 1 is locked, nothing is installed"
    assert any(one.startswith("of-nobody: no licence that we can read") for one in audit.unlicensed(pins))


def test_a_changed_file_of_others_is_seen(tmp_path, monkeypatch):
    (tmp_path / "vendor").mkdir()
    for path in audit.ASSETS.rglob("*"):
        if path.parent.name == "vendor" or path.name == "assets.csv":
            (tmp_path / path.relative_to(audit.ASSETS)).write_bytes(path.read_bytes())
    monkeypatch.setattr(audit, "ASSETS", tmp_path)
    assert list(audit.changed_assets()) == []
    with (tmp_path / "vendor" / "leaflet.js").open("ab") as handle:
        handle.write(b" ")
    (tmp_path / "vendor" / "stray.js").write_text("1")
    (tmp_path / "vendor" / "fflate.LICENSE.txt").unlink()
    told = "\n".join(audit.changed_assets())
    assert "leaflet.js: not the file of leaflet" in told
    assert "stray.js: not in assets.csv" in told
    assert "fflate.js: no licence text" in told


def test_a_release_that_its_maker_withdrew_is_named():
    report = json.loads(
        '{"install": [{"is_yanked": true, "metadata": {"name": "a", "version": "1"}},'
        ' {"is_yanked": false, "metadata": {"name": "b", "version": "2"}}]}'
    )
    assert audit.withdrawn(report) == ["a 1: withdrawn by its maker"]
