"""Ways to spoil a document, and the law that holds for all that reads one."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from kansenkaart.errors import KansenkaartError

DEEP = 3000
#: The longest error that a reader can take in [1].
LONGEST = 20_000


def survives(read: Callable[[], Any]) -> Any:
    """Read; what comes out is a result, or an error that says what was expected, found, where, and what to do."""
    try:
        return read()
    except KansenkaartError as why:
        told = why
    missing = [name for name in ("expected", "found", "where", "remedy") if not getattr(told, name)]
    assert not missing, f"{type(told).__name__} without {missing}: {told}"
    assert len(str(told)) < LONGEST, "an error that nobody can read"
    return told


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


_TEXTS = st.sampled_from(
    [
        "",
        " ",
        ".",
        "0",
        "-1",
        "1e400",
        "NaN",
        "-99997",
        "\0",
        "\ud800",
        "é\u0301",
        "x" * 5000,
        "2024-13-45",
        "99999999999999999999",
        "../..",
        "=1+1",
        "503100000000001",
        "NL.IMBAG.Pand.",
        "٣",
    ]
)
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            -1,
            -0.0,
            1.5,
            1e308,
            -1e308,
            10**19,
            10**300,
            float("nan"),
            float("inf"),
            float("-inf"),
            [],
            {},
            [[]],
            [None],
            {"a": 1},
            [1, "a", None],
        ]
    ),
    _TEXTS,
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from([40, 200]).map(_nested),
)


@st.composite
def spoilt_json(draw: st.DrawFn, content: bytes) -> bytes:
    """Return a JSON document of which up to three places are replaced, removed, doubled or renamed."""
    tree = copy.deepcopy(json.loads(content))
    for _ in range(draw(st.integers(1, 3))):
        tree = _spoil(draw, tree)
    return json.dumps(tree, ensure_ascii=True).encode()


def _spoil(draw: st.DrawFn, tree: Any) -> Any:
    holder, keys = {"": tree}, [""]
    at: Any = holder
    while isinstance(at[keys[-1]], (dict, list)) and at[keys[-1]] and draw(st.integers(0, 7)):
        at = at[keys[-1]]
        keys.append(draw(st.sampled_from(sorted(at) if isinstance(at, dict) else list(range(len(at))))))
    key, how = keys[-1], draw(st.sampled_from(["replace", "replace", "replace", "remove", "double", "rename"]))
    if how == "replace" or at is holder:
        at[key] = copy.deepcopy(draw(ODD))  # what is drawn may be spoilt in turn
    elif how == "remove":
        del at[key]
    elif isinstance(at, list):
        at.append(copy.deepcopy(at[key]))
    else:
        at[draw(_TEXTS)] = at.pop(key) if how == "rename" else copy.deepcopy(at[key])
    return holder[""]


@st.composite
def spoilt_json_lines(draw: st.DrawFn, content: bytes) -> bytes:
    """Return a text of JSON lines of which one is spoilt, or two have changed places."""
    lines = content.splitlines()
    at = draw(st.integers(0, len(lines) - 1))
    lines[at] = draw(spoilt_json(lines[at]))
    if draw(st.integers(0, 5)) == 0:
        lines.insert(0, lines.pop())
    return b"\n".join(lines)


@st.composite
def spoilt_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Return bytes that are cut, changed, doubled, or have something put between."""
    for _ in range(draw(st.integers(1, 3))):
        low = draw(st.integers(0, max(len(content) - 1, 0)))
        high = min(len(content), low + draw(st.integers(0, 40)))
        middle = draw(st.one_of(st.binary(max_size=6), st.just(b""), st.just(content[low:high] * 2)))
        content = content[:low] if draw(st.integers(0, 7)) == 0 else content[:low] + middle + content[high:]
    return content


@st.composite
def spoilt_table(draw: st.DrawFn, content: bytes, separator: str) -> bytes:
    """Return a text table of which up to three cells hold something odd, or a row is longer, shorter or doubled."""
    lines = [line.split(separator) for line in content.decode().split("\n")]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["cell", "cell", "cell", "more", "less", "double"]))
        if how == "cell":
            odd = draw(st.one_of(_TEXTS, st.text(max_size=6), st.integers().map(str), st.floats().map(str)))
            lines[row][draw(st.integers(0, len(lines[row]) - 1))] = odd
        elif how == "more":
            lines[row].append("1")
        elif how == "less":
            lines[row] = lines[row][:-1] or [""]
        else:
            lines.insert(row, lines[row])
    return "\n".join(separator.join(line) for line in lines).encode("utf-8", "surrogatepass")


@st.composite
def spoilt_zip(draw: st.DrawFn, content: bytes) -> bytes:
    """Return a zip of which one member is spoilt, or the archive itself."""
    if draw(st.booleans()):
        return draw(spoilt_bytes(content))
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        members = {one.filename: opened.read(one) for one in opened.infolist()}
    name = draw(st.sampled_from(sorted(members)))
    if draw(st.integers(0, 5)) == 0:
        del members[name]
    else:
        members[name] = draw(spoilt_bytes(members[name]))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for member, inside in members.items():
            opened.writestr(member, inside)
    return made.getvalue()


def spoilt(content: bytes) -> st.SearchStrategy[bytes]:
    """Return a JSON document spoilt in its tree, or now and then in its bytes."""
    return st.one_of(spoilt_json(content), spoilt_json(content), spoilt_json(content), spoilt_bytes(content))
