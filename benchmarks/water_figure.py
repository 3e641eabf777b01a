"""Draw one sewer run before and after decoupling: `python benchmarks/water_figure.py` writes docs/methods/water_run.svg.

Twelve pipes of 50 m at 1:400; at each manhole 8 homes of 2.3 people join, with 200 m2 of paving a home. The upper panel
is a combined sewer, the lower one a foul sewer that also takes 1,250 homes at its head (where grey water does count).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from kansenkaart.core.water.design import DesignRules, design_diameters

PIPES, HOMES, PEOPLE, PAVED = 12, 8, 2.3, 200.0
SLOPE = 1 / 400
FOUL_HEAD_HOMES = 1250
CASES = (
    ("as_is", "nu"),
    ("grey_off_100", "zonder grijswater"),
    ("rain_off_100", "75 % regenwater eraf"),
    ("both_100", "beide"),
)
INK, FILL = "#1b2a41", ("#440154", "#3b528b", "#21918c", "#5ec962")


def run(system: str, head: int) -> pd.DataFrame:
    """Diameters of the run in each case [mm]."""
    homes = head + HOMES * np.arange(1, PIPES + 1)
    load = pd.DataFrame({"system": system, "people": homes * PEOPLE, "paved_m2": (homes - head) * PAVED})
    return design_diameters(load, slope=np.full(PIPES, SLOPE), rules=DesignRules())


def panel(title: str, found: pd.DataFrame, top: float) -> list[str]:
    """One drawing per case: pipe heights to scale, diameters [mm] in figures."""
    out = [f'<text x="16" y="{top:.0f}" font-size="15" font-weight="bold">{title}</text>']
    for row, ((case, label), fill) in enumerate(zip(CASES, FILL, strict=True)):
        middle = top + 34 + row * 46
        out.append(f'<text x="16" y="{middle + 4:.0f}">{label}</text>')
        for k, size in enumerate(found[f"diameter_{case}_mm"]):
            height, x = size / 20, 170 + k * 46
            out.append(f'<rect x="{x}" y="{middle - height / 2:.1f}" width="44" height="{height:.1f}" fill="{fill}"/>')
            out.append(
                f'<text x="{x + 22}" y="{middle + height / 2 + 11:.1f}" font-size="9" text-anchor="middle">{size:.0f}</text>'
            )
    return out


def main() -> None:
    """Write the figure."""
    body = panel("Gemengd riool: de regen bepaalt de maat", run("gemengd", 0), 24)
    body += panel(
        "Vuilwaterriool met 1.250 woningen bovenstrooms: grijswater telt", run("vuilwater", FOUL_HEAD_HOMES), 250
    )
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 460" font-family="sans-serif" font-size="12" role="img" '
        f'fill="{INK}"><title>Een rioolstreng voor en na afkoppelen: diameters in mm, water stroomt naar rechts</title>'
    )
    path = Path(__file__).parents[1] / "docs" / "methods" / "water_run.svg"
    path.write_text("\n".join([head, *body, "</svg>"]) + "\n", encoding="utf-8")
    for name, found in (("gemengd", run("gemengd", 0)), ("vuilwater", run("vuilwater", FOUL_HEAD_HOMES))):
        for case, label in CASES:
            print(name, label, [int(size) for size in found[f"diameter_{case}_mm"]])


if __name__ == "__main__":
    main()
