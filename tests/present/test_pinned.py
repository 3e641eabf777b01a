"""Every kind of page but the map, every drawing and the rules of style, whole, as a person read them."""

from __future__ import annotations

import re

import geopandas as gpd
import shapely

from kansenkaart.present import report, style
from tests.pinned import same_as_pinned
from tests.present.kinds import PLACE, pages


def _body(page: str) -> str:
    """Return a page without its style and the hashes of that, a tag on a line."""
    plain = re.sub(r"<style>.*?</style>", "<style>", page, flags=re.DOTALL)
    plain = re.sub(r"sha256-[\w+/=]+", "sha256-", plain)
    return "\n".join(one.strip() for one in plain.replace("><", ">\n<").splitlines() if one.strip())


def test_every_kind_of_page_is_as_it_was_read():
    same_as_pinned("pins/kinds_pages.txt", {name: _body(page) for name, page in pages().items()})


def test_every_drawing_is_as_it_was_read():
    years = [100.0, -50.4, 0.0, 50.0, 12.0, 7.0, -3.0]
    place, odd = gpd.GeoSeries([PLACE], crs=28992), PLACE.difference(shapely.box(190_100, 560_100, 190_200, 560_200))
    beside = gpd.GeoSeries([shapely.box(190_300, 560_000, 191_900, 560_200), shapely.Point(0, 0)], crs=28992)
    made = {
        "years": report.years_drawing(years, title="t", what="over"),
        "years below": report.years_drawing([-1.0, -3.0], title="t", what="over"),
        "years of nothing": report.years_drawing([0.0, 0.0], title="t", what="over"),
        "tornado": report.tornado_drawing([("prijs", -100.0, 300.0), ("uren", 104.0, 96.0)], middle=100.0, title="t"),
        "tornado of nothing": report.tornado_drawing([("prijs", 5.0, 5.2)], middle=5.0, title="t"),
        "sketch": report.sketch_drawing(place, beside, title="t", alt="a"),
        "sketch with a bite": report.sketch_drawing(gpd.GeoSeries([odd], crs=28992), place, title="t", alt="a"),
    }
    drawn = {name: report.drawing_svg(one).replace("><", ">\n<") for name, one in made.items()}
    same_as_pinned("pins/kinds_drawings.txt", drawn)


def test_rules_of_style_and_contrasts_are_as_they_were_read():
    made = {
        "usual": style.css_variables({}),
        "of ones own": style.css_variables({"--merk": "#123456"}, {"--merk": "#abcdef"}),
        "policy": style.content_policy(["a", "b"], ["c"], images="data:"),
        "policy of nothing": style.content_policy([], []),
        "sampled": "\n".join(" ".join(style._sampled(count)) for count in range(9)),
    }
    pairs = (("#000", "#ffffff"), ("#fff", "#000"), ("#777", "#fff"), ("#0b4f6c", "#e8eef1"), ("#0a0a0a", "#0b0b0b"))
    made["contrast"] = "\n".join(f"{ink} {ground} {style.contrast(ink, ground):.4f}" for ink, ground in pairs)
    same_as_pinned("pins/kinds_style.txt", {name: text.replace("}", "}\n") for name, text in made.items()})
