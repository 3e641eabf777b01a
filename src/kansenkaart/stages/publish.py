"""From 2_scored to readers: one map page per study, and the open layers with their metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kansenkaart.config import Study
from kansenkaart.present.release import write_release
from kansenkaart.present.render import render_page
from kansenkaart.provenance import sha256_of
from kansenkaart.stages.picture import SHOWN, picture
from kansenkaart.stages.steps import Report, code_version
from kansenkaart.store import Store, atomic

PAGE = "index.html"
_MARK = ".publish.json"


def publish(store: Store, study: Study, target: Path) -> list[Report]:
    """Write map and data release of a study; nothing is written when nothing has changed.

    Parameters
    ----------
    store : Store
        Scored tables.
    study : Study
        For its title.
    target : Path
        Folder of the study under ``maps``.

    Returns
    -------
    list of Report
        One for the page, one for the release.
    """
    names = [name for name in SHOWN if store.has(name)]
    mark = _fingerprint(store, study, names)
    if _published(target, mark):
        return [Report(step, "unchanged", {}) for step in ("kaart", "open data")]
    spec = picture(store, study)
    with atomic(target / PAGE) as part:
        part.write_text(render_page(spec), encoding="utf-8")
    files = [target / PAGE, *write_release(store.root, target / "data", _described(store, names), title=study.title)]
    _write_mark(target, mark, files)
    rows = {name: int(store.describe(name)["rows"]) for name in names}
    return [Report("kaart", "done", rows), Report("open data", "done", {})]


def _described(store: Store, names: Sequence[str]) -> dict[str, tuple[Path, dict[str, Any]]]:
    for name in names:
        store.verify(name)
    return {name: (store.path(name), store.describe(name)) for name in names}


def _fingerprint(store: Store, study: Study, names: Sequence[str]) -> str:
    content = {
        "title": study.title,
        "code": code_version(),
        "tables": {name: store.describe(name)["sha256"] for name in names},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _published(target: Path, mark: str) -> bool:
    if not (target / _MARK).is_file():
        return False
    told = json.loads((target / _MARK).read_text(encoding="utf-8"))
    files: dict[str, str] = told["files"]
    return bool(
        told["fingerprint"] == mark
        and all((target / name).is_file() and sha256_of(target / name) == digest for name, digest in files.items())
    )


def _write_mark(target: Path, mark: str, files: Sequence[Path]) -> None:
    content = {"fingerprint": mark, "files": {str(one.relative_to(target)): sha256_of(one) for one in files}}
    with atomic(target / _MARK) as part:
        part.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n", encoding="utf-8")
