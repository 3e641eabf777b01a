"""Runs the notebooks and keeps what they show: ``python docs/make_notebooks.py FOLDER`` with the folder of a release.

They are plain Python, so no kernel is needed: the cells of a notebook run in order, in one namespace, in this process.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

NOTEBOOKS = sorted((Path(__file__).parent / "notebooks").glob("*.ipynb"))


def executed(path: Path, release: Path) -> dict[str, Any]:
    """Return a notebook with what its cells show.

    Parameters
    ----------
    path : Path
        The notebook.
    release : Path
        Folder of the release that it reads.
    """
    book: dict[str, Any] = json.loads(path.read_text("utf-8"))
    names: dict[str, Any] = {"__name__": path.stem}
    before = os.environ.get("KANSENKAART_RELEASE")
    os.environ["KANSENKAART_RELEASE"] = str(release)
    try:
        for number, cell in enumerate((one for one in book["cells"] if one["cell_type"] == "code"), start=1):
            cell["execution_count"], cell["outputs"] = number, _shown("".join(cell["source"]), names, number)
    finally:
        os.environ.pop("KANSENKAART_RELEASE")
        if before is not None:
            os.environ["KANSENKAART_RELEASE"] = before
    return book


def _shown(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Run a cell; what it prints, and the value of its last line."""
    tree, printed, value = ast.parse(source), io.StringIO(), None
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), names)  # noqa: S102 - our own notebooks
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)  # noqa: S307
    out: list[dict[str, Any]] = []
    if text := printed.getvalue():
        out.append({"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)})
    if value is not None:
        told = {"execution_count": number, "metadata": {}, "output_type": "execute_result"}
        out.append({"data": _data(value), **told})
    return out


def _data(value: Any) -> dict[str, Any]:
    if hasattr(value, "savefig"):
        with io.BytesIO() as file:
            value.savefig(file, format="png", dpi=100, metadata={"Software": None})
            return _picture(file.getvalue())
    if hasattr(value, "_repr_png_"):
        return _picture(value._repr_png_())
    return {"text/plain": repr(value).splitlines(keepends=True)}


def _picture(png: bytes) -> dict[str, Any]:
    return {"image/png": base64.b64encode(png).decode(), "text/plain": ["a picture"]}


def main(release: Path) -> None:
    """Run all notebooks on a release, and write what they show into them."""
    for path in NOTEBOOKS:
        content = json.dumps(executed(path, release), indent=1, ensure_ascii=False)
        path.write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
