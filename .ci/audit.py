"""Checks what the locks install: hashes, versions, licences; and keeps docs/reference/licences.md true.

``python .ci/audit.py`` needs no network: it reads the locks and what is installed. ``--write`` writes the page of licences
anew. ``--registry LOCK`` asks the package index, through pip, whether every release of a lock is still offered with the
same bytes and was not withdrawn. ``--sbom LOCK`` (run, flows, dev or build) prints what a lock installs as CycloneDX.
``--advisories FOLDER`` holds the locks against a copy of the advisory database of PyPI.
``--vulnerabilities`` asks pip-audit, whose service lies elsewhere; where it cannot be asked the check says that it was
skipped.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "run": "requirements/run.lock",
    "flows": "requirements/flows.lock",
    "dev": "requirements/dev.lock",
    "build": "requirements/build.lock",
}
STATED = ROOT / "requirements" / "licences.csv"
ASSETS = ROOT / "src" / "kansenkaart" / "present" / "assets"
PAGE = ROOT / "docs" / "reference" / "licences.md"
#: Licences under which something may be used beside, or linked with, a work under the EUPL-1.2: permissive ones, and
#: those of the EUPL's own appendix of compatible licences. "BSD" stands for one whose number of clauses is not stated.
ALLOWED = frozenset(
    [
        "0BSD",
        "Apache-2.0",
        "Artistic-1.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "PSF-2.0",
        "W3C-20150513",
        "Zlib",
        "EUPL-1.2",
        "GPL-2.0-or-later",
        "LGPL-2.1-or-later",
        "LGPL-3.0-or-later",
        "MPL-2.0",
    ]
)
#: A licence with one of these exceptions permits more than without it.
EXCEPTIONS = frozenset({"LLVM-exception"})
_SPELLED = {
    "mit": "MIT",
    "mit license": "MIT",
    "mit licence": "MIT",
    "the mit license (mit)": "MIT",
    "apache-2.0": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD",
    "new bsd": "BSD-3-Clause",
    "bsd license": "BSD",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "isc": "ISC",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mpl-2.0": "MPL-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mit or apache-2.0": "MIT OR Apache-2.0",
}
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)\s*(;\s*(?P<marker>[^\\]+?))?\s*\\?$"
)
_HASH = re.compile(r"^\s+--hash=sha256:[0-9a-f]{64}\s*\\?$")


@dataclass
class Pin:
    """One package of a lock: version, marker, and the hashes of its files."""

    name: str
    version: str
    marker: str
    hashes: list[str] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)

    @property
    def here(self) -> bool:
        """Whether this machine needs it."""
        return not self.marker or Marker(self.marker).evaluate()


def read_lock(text: str, *, where: str) -> tuple[list[Pin], list[str]]:
    """Return the packages of a lock, and what is wrong with its lines."""
    pins: list[Pin] = []
    wrong = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        pin = _PIN.match(line)
        if pin:
            pins.append(Pin(canonicalize_name(pin["name"]), pin["version"], (pin["marker"] or "").strip()))
        elif _HASH.match(line) and pins:
            pins[-1].hashes.append(line.split("sha256:")[1].strip(" \\"))
        else:
            wrong.append(f"{where} line {number}: neither a version nor a sha256: {line.strip()[:60]}")
    wrong += [f"{where}: {one.name} has no hash" for one in pins if not one.hashes]
    return pins, wrong


def read_locks(root: Path = ROOT) -> tuple[list[Pin], list[str]]:
    """Return all locked packages in order, and what is wrong with the locks or between them.

    A package may stand in a lock more than once: another version for another Python.
    """
    found: dict[tuple[str, str], Pin] = {}
    wrong = []
    for lock, path in LOCKS.items():
        pins, faults = read_lock((root / path).read_text("utf-8"), where=path)
        wrong += faults
        for pin in pins:
            found.setdefault((pin.name, pin.version), pin).locks.append(lock)
    here = sorted((pin for pin in found.values() if pin.here), key=lambda one: one.name)
    for name in sorted({pin.name for pin in here}):
        versions = [f"{pin.version} in {', '.join(pin.locks)}" for pin in here if pin.name == name]
        if len(versions) > 1:
            wrong.append(f"{name}: {' but '.join(versions)}")
    return [found[key] for key in sorted(found)], wrong


def installed_otherwise(pins: list[Pin]) -> list[str]:
    """Return the packages that are not installed in the version of their lock."""
    wrong = []
    for pin in pins:
        if not pin.here:
            continue
        try:
            there = metadata.version(pin.name)
        except metadata.PackageNotFoundError:
            there = "nothing"
        if there != pin.version:
            wrong.append(f"{pin.name}: {pin.version} is locked, {there} is installed")
    return wrong


def stated(path: Path = STATED) -> dict[str, tuple[str, str]]:
    """Return the licences that we looked up ourselves, each with the reason."""
    with path.open(encoding="utf-8") as handle:
        return {canonicalize_name(row["package"]): (row["licence"], row["reason"]) for row in csv.DictReader(handle)}


def licence_of(name: str, by_hand: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """Return the licence of a package as an expression, and who says so; an empty expression where nobody does."""
    if name in by_hand:
        return by_hand[name]
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "", ""
    if told.get("License-Expression"):
        return str(told["License-Expression"]), "its metadata"
    first = str(told.get("License") or "").strip().split("\n")[0].strip()
    if _SPELLED.get(first.lower()):
        return _SPELLED[first.lower()], "its metadata"
    ends = [one.rsplit(" :: ", 1)[-1].lower() for one in told.get_all("Classifier") or [] if one.startswith("License")]
    known = [_SPELLED.get(one, "") for one in ends]
    return (known[0], "its classifier") if len(known) == 1 else ("", "")


def allowed(expression: str) -> bool:
    """Tell whether an SPDX expression allows use here: all parts joined by AND, one of those joined by OR."""
    words = re.findall(r"\(|\)|[^\s()]+", expression)
    try:
        value, rest = _either(words)
    except IndexError:
        return False
    return value and not rest


def _either(words: list[str]) -> tuple[bool, list[str]]:
    value, rest = _both(words)
    while rest and rest[0] == "OR":
        more, rest = _both(rest[1:])
        value = value or more
    return value, rest


def _both(words: list[str]) -> tuple[bool, list[str]]:
    value, rest = _one(words)
    while rest and rest[0] == "AND":
        more, rest = _one(rest[1:])
        value = value and more
    return value, rest


def _one(words: list[str]) -> tuple[bool, list[str]]:
    if words[0] == "(":
        value, rest = _either(words[1:])
        return value and rest[0] == ")", rest[1:]
    value, rest = words[0] in ALLOWED, words[1:]
    if rest and rest[0] == "WITH":
        return value and rest[1] in EXCEPTIONS, rest[2:]
    return value, rest


def unlicensed(pins: list[Pin]) -> list[str]:
    """Return the packages whose licence is unknown or not on the list."""
    by_hand, names = stated(), sorted({pin.name for pin in pins})
    wrong = [f"requirements/licences.csv: {name} is not locked" for name in by_hand if name not in names]
    for name in names:
        expression, _ = licence_of(name, by_hand)
        if not allowed(expression):
            told = expression or "no licence that we can read"
            wrong.append(f"{name}: {told}; look it up and add it to requirements/licences.csv, or do without it")
    return wrong


def assets() -> list[dict[str, str]]:
    """Return the files of others that the map page carries."""
    with (ASSETS / "assets.csv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def changed_assets() -> Iterator[str]:
    """Yield what is wrong with the files of others: another hash, no licence text, a file that nobody names."""
    named = {row["file"] for row in assets()} | {row["licence_file"] for row in assets()}
    yield from (f"{path.name}: not in assets.csv" for path in (ASSETS / "vendor").iterdir() if path.name not in named)
    for row in assets():
        path, text = ASSETS / "vendor" / row["file"], ASSETS / "vendor" / row["licence_file"]
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            yield f"{row['file']}: not the file of {row['package']} {row['version']} that assets.csv names"
        if not text.is_file() or "Copyright" not in text.read_text("utf-8"):
            yield f"{row['file']}: no licence text {row['licence_file']}"
        if not allowed(row["licence"]):
            yield f"{row['file']}: {row['licence']} is not on the list"


def page(pins: list[Pin]) -> str:
    """Return the page of licences."""
    by_hand = stated()
    rows = []
    for pin in pins:
        expression, source = licence_of(pin.name, by_hand)
        use = "use" if "run" in pin.locks else "scheduler, tests" if "dev" in pin.locks else "build"
        rows.append([pin.name, pin.version, expression, source, use])
    carried = [
        [f"`{one['file']}`", f"{one['package']} {one['version']}", one["licence"], f"`{one['sha256'][:16]}…`"]
        for one in assets()
    ]
    return "\n".join(
        [
            _HEAD,
            _rows(["package", "version", "licence", "who says so", "needed for"], rows),
            _CARRIED,
            _rows(["file", "from", "licence", "sha256 begins with"], carried),
        ]
    )


def bill_of_materials(lock: str, pins: list[Pin]) -> dict[str, Any]:
    """Return what a lock installs as CycloneDX 1.6 [1]_: names, versions, licences, and the hashes of the files it may take.

    References
    ----------
    .. [1] ECMA-424, CycloneDX bill of materials; package-url/purl-spec for ``pkg:pypi``.
    """
    by_hand, components = stated(), []
    for pin in [one for one in pins if lock in one.locks]:
        expression, _ = licence_of(pin.name, by_hand)
        components.append(
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{pin.name}@{pin.version}",
                "name": pin.name,
                "version": pin.version,
                "purl": f"pkg:pypi/{pin.name}@{pin.version}",
                "licenses": [{"expression": expression}] if expression else [],
                "externalReferences": [
                    {
                        "type": "distribution",
                        "url": f"https://pypi.org/project/{pin.name}/{pin.version}/",
                        "hashes": [{"alg": "SHA-256", "content": one} for one in sorted(pin.hashes)],
                    }
                ],
                "properties": [{"name": "marker", "value": pin.marker}] if pin.marker else [],
            }
        )
    own = {"type": "application", "name": "kansenkaart", "version": metadata.version("kansenkaart")}
    seal = hashlib.sha256(json.dumps(components, sort_keys=True).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seal)}",
        "version": 1,
        "metadata": {"component": own, "properties": [{"name": "lock", "value": LOCKS[lock]}]},
        "components": components,
    }


_HEAD = """<!-- Made by .ci/audit.py --write: do not edit by hand. -->

# Licences

What the locks install, by `python .ci/audit.py`, which `make test` runs. It refuses a package without hashes, in another
version than its lock says, or with a licence that is not on the list in that file: permissive licences, and those that
the EUPL-1.2 names as compatible. None of it is copied into this project; each is installed from its own package. A
package that stands here twice has another version for another Python; its licence is that of the version installed.
"""
_CARRIED = """
What the map page carries of others, with their licence texts beside them in `src/kansenkaart/present/assets/vendor`:
"""


def _rows(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def withdrawn(report: dict[str, Any]) -> list[str]:
    """Return the releases of pip's report that their makers withdrew."""
    return [
        f"{one['metadata']['name']} {one['metadata']['version']}: withdrawn by its maker"
        for one in report["install"]
        if one.get("is_yanked")
    ]


def ask_registry(lock: str) -> list[str]:
    """Ask the package index for every release of a lock, without installing; return what is wrong."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--no-deps",
        "--quiet",
        "--require-hashes",
        "--report",
        "-",
        "-r",
        lock,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return [f"{lock}: the package index does not give these bytes any more: {done.stderr.strip()[-300:]}"]
    return withdrawn(json.loads(done.stdout))


def ask_vulnerabilities() -> tuple[list[str], str]:
    """Ask pip-audit; return what it found, and why it was skipped where it could not be asked."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--disable-pip",
        "--require-hashes",
        "--progress-spinner",
        "off",
        "--format",
        "json",
        "-r",
        str(ROOT / LOCKS["dev"]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return [], (done.stderr.strip().splitlines() or ["no answer"])[-1][-200:]
    return [f"{one['name']} {one['version']}: {bug['id']}" for one in found for bug in one.get("vulns", [])], ""


def advised_against(pins: list[Pin], folder: Path) -> list[str]:
    """Return the packages that a copy of the advisory database of PyPI [1]_ speaks of, in their locked version.

    References
    ----------
    .. [1] github.com/pypa/advisory-database, in the format of osv.dev: folder ``vulns``.
    """
    wrong = []
    for pin in pins:
        for path in sorted((folder / "vulns" / pin.name).glob("*.yaml")):
            told = yaml.safe_load(path.read_text("utf-8"))
            if not told.get("withdrawn") and any(_hits(one, pin.version) for one in told.get("affected", [])):
                wrong.append(f"{pin.name} {pin.version}: {told['id']}")
    return wrong


def _hits(affected: dict[str, Any], version: str) -> bool:
    """Tell whether a version is listed, or lies in a range from what introduced a fault to what mended it."""
    inside, mine = False, Version(version)
    for span in (one for one in affected.get("ranges", []) if one["type"] == "ECOSYSTEM"):
        bad = False
        for event in span["events"]:
            if "introduced" in event:
                bad = bad or mine >= Version(event["introduced"])
            elif "fixed" in event:
                bad = bad and mine < Version(event["fixed"])
            elif "last_affected" in event:
                bad = bad and mine <= Version(event["last_affected"])
        inside = inside or bad
    return inside or version in affected.get("versions", [])


def main(arguments: list[str] | None = None) -> int:
    """Check all; return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/reference/licences.md anew")
    parser.add_argument("--registry", metavar="LOCK", action="append", default=[])
    parser.add_argument("--vulnerabilities", action="store_true")
    parser.add_argument("--advisories", metavar="FOLDER", type=Path)
    parser.add_argument("--sbom", metavar="LOCK", choices=sorted(LOCKS))
    asked = parser.parse_args(arguments)
    pins, wrong = read_locks()
    if asked.sbom:
        sys.stdout.write(json.dumps(bill_of_materials(asked.sbom, pins), indent=1) + "\n")
        return 0
    wrong += installed_otherwise(pins) + unlicensed(pins) + list(changed_assets())
    if asked.write:
        PAGE.write_text(page(pins), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text("utf-8") != page(pins):
        wrong.append("docs/reference/licences.md is behind: run python .ci/audit.py --write")
    for lock in asked.registry:
        wrong += ask_registry(lock)
    wrong += advised_against(pins, asked.advisories) if asked.advisories else []
    skipped = "not asked for"
    if asked.vulnerabilities:
        found, skipped = ask_vulnerabilities()
        wrong += found
    for one in wrong:
        sys.stdout.write(f"{one}\n")
    sys.stdout.write(f"{len(pins)} locked packages, {len(assets())} files of others: {len(wrong)} faults\n")
    sys.stdout.write(f"known vulnerabilities: {f'skipped: {skipped}' if skipped else 'asked'}\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
