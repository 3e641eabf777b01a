"""The walk of the how-to: a score column is its computation and one row; a theme is one row more. Done on a copy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kansenkaart

PACKAGE = Path(kansenkaart.__file__).parent
#: What the how-to asks for: the computation, in the step that makes the table, and the row of the column.
COMPUTED = '    out["homes_per_pand"] = out["homes"].astype("float64") / out["panden"].astype("float64")\n'
ROW = (
    "homes_per_pand,float,1,0,,woningen per gebouw,Aantal woningen gedeeld door het aantal panden,homes per building,"
    "Number of homes divided by the number of buildings,calculated,2,,,,,buurten:500/50 stapeling:10/1,figure:15,buurt_score?\n"
)
THEME = (
    "stapeling,more,buurt_score,stapeling,stapeling,polygon,buurtcode,buurtnaam,Stapeling,Stapeling,"
    "Hoeveel woningen er in een gebouw zijn.,Donker is veel.,Niets over wie er woont.,\n"
)
LOOK = """
import json, sys
from pathlib import Path
import kansenkaart
from kansenkaart import config
from kansenkaart.publish.factsheets import sheets
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.map.spec import picture
from kansenkaart.publish.release import publish_release
from kansenkaart.score.steps import _buurten
from kansenkaart.tables import assumptions
from kansenkaart.tables.store import Lineage, Store

root, study = Path(sys.argv[1]), config.read_study(Path(sys.argv[2]))
store = Store(root)
for product in _buurten(store, assumptions.default()):
    store.write(product.name, product.content, Lineage("walk", sources=store.sources_of(["buurt", "pand"])))
spec = picture(store, study)
release = root / "walk" / "data"
publish_release(ReaderStore(store), study, release, ["buurt_score"], themes=spec.themes)
said = json.loads((release / "metadata.json").read_text())["tables"]["buurt_score"]["schema"]["fields"]
column = next(one for layer in spec.layers if layer.name == "buurten" for one in layer.columns if one.name == "homes_per_pand")
print(json.dumps({
    "package": kansenkaart.__file__,
    "themes": {one.key: [list(one.popup), [view.column for view in one.views]] for one in spec.themes},
    "column": [column.label, column.decimals],
    "sheet": [[one.label, one.text] for one in next(iter(sheets(store, study, assumptions.default()))).figures],
    "release": next(one for one in said if one["name"] == "homes_per_pand"),
}))
"""


def seen_on_a_copy(finished: Path, tmp_path: Path) -> dict:
    """Copy the package, do what the how-to says, and return what map, factsheet and release then hold."""
    package = tmp_path / "src" / "kansenkaart"
    shutil.copytree(PACKAGE, package)
    step = package / "score" / "steps.py"
    text = step.read_text(encoding="utf-8")
    at = text.index('    out["score_basis"] = ', text.index("def _buurten("))
    step.write_text(text[:at] + COMPUTED + text[at:], encoding="utf-8")
    with (package / "data" / "fields" / "scored.csv").open("a", encoding="utf-8") as rows:
        rows.write(ROW)
    with (package / "data" / "themes.csv").open("a", encoding="utf-8") as rows:
        rows.write(THEME)
    shutil.copytree(finished / "data" / "processed" / "proefveld", tmp_path / "store")
    command = [sys.executable, "-c", LOOK, str(tmp_path / "store"), str(finished / "studies" / "proefveld.toml")]
    shown = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(tmp_path / "src")}, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    seen = json.loads(shown.stdout.splitlines()[-1])
    assert seen["package"].startswith(str(tmp_path))
    return seen


@pytest.mark.slow
def test_a_score_column_is_its_computation_and_one_row_and_a_theme_is_one_row_more(finished, tmp_path):
    seen = seen_on_a_copy(finished, tmp_path)
    popup, views = seen["themes"]["buurten"]
    assert popup[-1] == "homes_per_pand"  # 500 stands after all others
    assert views[-1] == "homes_per_pand"
    assert seen["column"] == ["woningen per gebouw", 2]
    # Galerijbuurt (first in the table): its homes and panden are counted in the example's own plan.
    label, text = seen["sheet"][1]  # 15 stands between homes (10) and people (20)
    assert label == "Woningen per gebouw"
    assert float(text.replace(",", ".")) > 1
    assert seen["release"]["title"] == "homes per building"
    assert seen["themes"]["stapeling"] == [["homes_per_pand"], ["homes_per_pand"]]
