"""The report as one HTML page: no request to anywhere, readable by a screen reader, printable on A4."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from kansenkaart.present.report import Bullets, Drawing, Grid, Part, ReportSpec, Section, Shape, Words

_CSS = """
body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:46rem;margin:0 auto;padding:1rem}
body{overflow-wrap:anywhere}h1{font-size:1.7rem;line-height:1.2;margin:0}
h2{font-size:1.3rem;margin:2rem 0 .5rem;border-top:2px solid #1b6e8a;padding-top:.6rem}
.sub{color:#454545;margin:.2rem 0 1rem}
.strong{font-weight:700;background:#e8eef1;padding:.6rem .8rem;border-left:4px solid #1b6e8a}
.warn{font-weight:700;background:#fff2cc;padding:.6rem .8rem;border-left:4px solid #b3541e}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:1rem 0;font-size:.92rem}
caption{text-align:left;font-weight:700;padding:.2rem 0}
th,td{border-bottom:1px solid #b9b9b9;padding:.25rem .5rem;text-align:right;vertical-align:top}
thead th{overflow-wrap:normal}td:not(.word){white-space:nowrap}tbody th{min-width:9rem}
th:first-child,td.word,th.word{text-align:left}thead th{border-bottom:2px solid #1a1a1a}tbody th{font-weight:400}
figure{margin:1rem 0}figcaption{font-weight:700}svg{width:100%;height:auto}
nav ul{padding-left:1.2rem}a{color:#0b4f6c}a:focus{outline:3px solid #b3541e}
footer{margin-top:2rem;font-size:.85rem;color:#454545}
@media print{body{font-size:10.5pt;max-width:none;padding:0}section{break-after:page}nav{display:none}h2{border:0}}
"""


def render_report(spec: ReportSpec) -> str:
    """Return the report as an HTML page.

    Parameters
    ----------
    spec : ReportSpec
        What it says.
    """
    digest = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    links = [f'<li><a href="#deel-{n}">{escape(one.heading)}</a></li>' for n, one in enumerate(spec.sections, 1)]
    links += [f'<li><a href="{escape(name)}">{escape(words)}</a></li>' for words, name in spec.downloads]
    warning = f'<p class="warn">{escape(spec.warning)}</p>' if spec.warning else ""
    body = "".join(_section(number, one) for number, one in enumerate(spec.sections, 1))
    return (
        '<!DOCTYPE html>\n<html lang="nl"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(spec.title)}</title><style>{_CSS}</style></head><body>"
        f'<header><h1>{escape(spec.title)}</h1><p class="sub">{escape(spec.subtitle)}</p></header>'
        f'<nav aria-label="Inhoud"><ul>{"".join(links)}</ul></nav><main>{warning}{body}</main>'
        f"<footer><p>{escape(spec.note)}</p></footer></body></html>\n"
    )


def _section(number: int, one: Section) -> str:
    head = (
        f'<section id="deel-{number}" aria-labelledby="kop-{number}"><h2 id="kop-{number}">{escape(one.heading)}</h2>'
    )
    return head + "".join(map(_part, one.parts)) + "</section>"


def _part(part: Part) -> str:
    if isinstance(part, Words):
        kind = ' class="strong"' if part.strong else ""
        return f"<p{kind}>{escape(part.text)}</p>"
    if isinstance(part, Bullets):
        return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in part.lines) + "</ul>"
    return _grid(part) if isinstance(part, Grid) else _figure(part)


def _grid(grid: Grid) -> str:
    words = [not _is_number([row[column] for row in grid.rows]) for column in range(len(grid.head))]
    kind = [' class="word"' if one else "" for one in words]
    head = "".join(f'<th scope="col"{kind[n]}>{escape(one)}</th>' for n, one in enumerate(grid.head))
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{kind[n]}>{escape(cell)}</td>" for n, cell in enumerate(row[1:], 1))
        + "</tr>"
        for row in grid.rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(grid.caption)}"><table>'
        f"<caption>{escape(grid.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _is_number(cells: list[str]) -> bool:
    return all(not cell or any(letter.isdigit() for letter in cell[:4]) or cell in ("-", "onbekend") for cell in cells)


def _figure(drawing: Drawing) -> str:
    marks = "".join(map(_mark, drawing.shapes))
    return (
        f"<figure><figcaption>{escape(drawing.title)}</figcaption>"
        f'<svg role="img" aria-label="{escape(drawing.alt)}" viewBox="0 0 {drawing.width:g} {drawing.height:g}">'
        f"{marks}</svg></figure>"
    )


def _mark(one: Shape) -> str:
    at = one.points
    if one.kind == "rect":
        return f'<rect x="{at[0]:.1f}" y="{at[1]:.1f}" width="{at[2]:.1f}" height="{at[3]:.1f}" fill="{one.fill}"/>'
    if one.kind == "line":
        return f'<path d="M{at[0]:.1f} {at[1]:.1f}L{at[2]:.1f} {at[3]:.1f}" stroke="{one.fill}" stroke-width="1.2"/>'
    if one.kind == "poly":
        points = " ".join(f"{x:g},{y:g}" for x, y in zip(at[::2], at[1::2], strict=True))
        return f'<polygon points="{points}" fill="{one.fill}" stroke="#ffffff" stroke-width="0.8"/>'
    return (
        f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" fill="{one.fill}" font-size="{one.size:g}" '
        f'text-anchor="{one.anchor}">{escape(one.text)}</text>'
    )
