"""The controls of the page by mouse and by keyboard: first minute, basis, year, arrows, links, dark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import LineString

from kansenkaart.errors import SchemaError
from kansenkaart.present import render
from kansenkaart.present.mapspec import Answer, Column, LinkColumn, Page, Start, StartPlace
from kansenkaart.publish.figures import figure_words
from kansenkaart.publish.map.legend import unit_of
from kansenkaart.tables import fields
from kansenkaart.wording.nl import chance
from tests.present.pages import PIXELS, until
from tests.present.pictures import ORIGIN, picture

pytestmark = pytest.mark.browser


def full(name="Blok"):
    """Return the picture with a basis, links, arrows, a start and pages beside it."""
    spec = picture(name)
    units, lines = spec.layers
    frame = units.frame.assign(
        basis=["lod22"] * 6 + ["footprint"] * 2 + [None], sheet=["factsheets/b0.html", *[None] * 8]
    )
    extra = (
        Column("basis", "grondslag", "voorbeeld", kind="text"),
        Column("sheet", "factsheet", "voorbeeld", kind="text"),
    )
    units = replace(units, frame=frame, columns=(*units.columns, *extra), links=(LinkColumn("sheet", "Factsheet"),))
    zon = replace(spec.themes[0], filter_column="basis")
    start = Start(
        "Waar beginnen?",
        (Answer("Waar?", "Zuid", "het beste gebied"), Answer("Hoeveel?", "60 woningen")),
        ("b0", "b1", "b2"),
        "factsheets/b0.html",
        "blokken",
        "b0",
        places=(
            StartPlace("b0", "Zuid", 14_000.0, 6_000.0, 16_000.0, 0.3, "ongeveer 14.000 euro"),
            StartPlace("b4", "Noord", -500.0, -3_000.0, 2_000.0, 0.1, "ongeveer −500 euro"),
        ),
        unknown=(("Welk riool er ligt", "vraag de afdeling rioolbeheer"),),
    )
    return replace(
        spec,
        layers=(units, replace(lines, arrows=True)),
        themes=(zon, spec.themes[1]),
        start=start,
        pages=(Page("Overzicht", "overzicht.html"),),
        words={"basis": {"lod22": "dakvlakken in 3D", "footprint": "omtrek"}},
    )


def canvas_has(page, color: str) -> int:
    """Count the pixels of a colour on the map."""
    page.wait_for_timeout(250)
    return page.evaluate(
        "(color) => {"
        + PIXELS
        + """ let n = 0; const want = [1,3,5].map((k) => parseInt(color.slice(k, k+2), 16));
          for (const c of document.querySelectorAll('canvas.leaflet-tile')) {
            const d = pixels(c);
            for (let k = 0; k < d.length; k += 4)
              if (d[k] === want[0] && d[k+1] === want[1] && d[k+2] === want[2] && d[k+3] === 255) n++; }
          return n; }""",
        color,
    )


def test_first_minute_shows_the_place_and_its_homes(opened):
    page = opened(full())
    text = page.locator("#begin").inner_text()
    assert "Zuid" in text
    assert "60 woningen" in text
    assert page.locator("#begin a").get_attribute("href") == "factsheets/b0.html"
    # The place to begin with is marked: its outline and the remark above it are in ink.
    assert canvas_has(page, "#16202a") > 300
    page.locator("#toonbegin").press("Enter")
    assert page.locator("#detail h2").inner_text() == "Blok 0"
    assert page.evaluate("document.activeElement.className") == "sluit"  # the keyboard is not lost with the button
    assert page.locator("#begin").is_hidden()
    assert page.locator(
        "#gereedschap"
    ).is_hidden()  # showing a place opens no tool: the next click cannot change a choice
    page.go_back()
    until(page, "document.getElementById('detail').hidden")
    assert page.locator("#paginas a").get_attribute("href") == "overzicht.html"


def test_the_remark_stands_over_the_number_of_its_place_and_not_outside_it(opened):
    spec = full()
    page = opened(replace(spec, start=replace(spec.start, units=("b7",), feature="b7", places=())))
    page.wait_for_timeout(250)
    place = spec.layers[0].frame.iloc[[7]].to_crs(4326).geometry.iloc[0]
    inked = page.evaluate(
        "([lng, lat, north]) => {"
        + PIXELS
        + """ const box = kaart.getContainer().getBoundingClientRect(), at = kaart.latLngToContainerPoint([lat, lng]);
          const top = kaart.latLngToContainerPoint([north, lng]).y, found = {over: 0, outside: 0};
          for (const c of document.querySelectorAll('canvas.leaflet-tile')) {
            const tile = c.getBoundingClientRect(), d = pixels(c), by = c.width / tile.width;
            for (let k = 0; k < d.length; k += 4) {
              if (d[k] !== 0x16 || d[k+1] !== 0x20 || d[k+2] !== 0x2a) continue;
              const x = tile.left - box.left + ((k / 4) % c.width) / by;
              const y = tile.top - box.top + Math.floor(k / 4 / c.width) / by;
              if (Math.abs(x - at.x) > 70) continue;
              if (y > at.y - 36 && y < at.y - 14) found.over++;
              if (y > top - 28 && y < top - 6) found.outside++;
            } }
          return found; }""",
        [place.centroid.x, place.centroid.y, place.bounds[3]],
    )
    assert inked["over"] > 40
    assert inked["outside"] == 0


def test_proposed_places_stand_on_one_axis_with_their_interval(opened):
    page = opened(full())
    rows = page.locator("#begin .assen button")
    assert rows.count() == 2
    said = "Zuid: ongeveer 14.000 euro. In 3 van de 10 berekeningen betaalt het wijkbedrijf zichzelf."
    assert rows.first.get_attribute("aria-label") == said
    assert "3 van 10" in rows.first.inner_text()
    # From -3,000 to 16,000: 0 lies at 3 / 19 = 15.8 %, and only the second place has a part left of it.
    assert rows.first.locator(".nul").evaluate("it => it.style.left").startswith("15.78")
    assert rows.first.locator(".band.min").count() == 0
    assert rows.nth(1).locator(".band.min").count() == 1
    assert "vraag de afdeling rioolbeheer" in page.locator("#begin").inner_text()
    rows.nth(1).click()
    assert page.locator("#detail h2").inner_text() == "Blok 4"


def test_tiles_are_drawn_at_the_very_zoom_that_is_shown(opened):
    page = opened(full())
    assert page.url.rsplit("_", 1)[1] not in {"17", "18"}  # the whole place in view needs a part of a zoom
    scales = page.evaluate("""() => [...document.querySelectorAll('.leaflet-tile-container')].filter((one) => one.children.length)
      .map((one) => new DOMMatrix(getComputedStyle(one).transform).a)""")
    assert scales == [1]


def test_a_start_that_marks_nothing_is_refused():
    spec = full()
    with pytest.raises(SchemaError, match="the start marks a place"):
        replace(spec, start=replace(spec.start, layer="elders"))


def test_basis_filter_hides_on_map_in_table_and_in_the_link(opened):
    page = opened(full())
    assert "dakvlakken in 3D (6)" in page.locator("#filter").inner_text()
    assert "onbekend (1)" in page.locator("#filter").inner_text()
    box = page.get_by_label("dakvlakken in 3D (6)")
    box.focus()
    page.keyboard.press("Space")
    page.locator("#tabelknop").click()
    assert "3 van 9 rijen" in page.locator("#tabeltekst").inner_text()
    assert page.locator("#tabel thead th").last.inner_text().startswith("zon op het dak kWh per jaar")
    assert canvas_has(page, "#dcecf1") < 100  # the lowest class holds blocks 0 and 1 only, both of this basis
    assert "zonder=lod22" in page.url
    again = opened(full(), fragment="#" + page.url.split("#")[1])
    assert not again.get_by_label("dakvlakken in 3D (6)").is_checked()
    again.get_by_label("dakvlakken in 3D (6)").click()
    assert canvas_has(again, "#dcecf1") > 100


def test_unknown_basis_can_be_left_out_and_is_restored(opened):
    page = opened(full())
    page.get_by_label("onbekend (1)").click()
    again = opened(full(), fragment="#" + page.url.split("#")[1])
    assert not again.get_by_label("onbekend (1)").is_checked()
    assert again.get_by_label("omtrek (2)").is_checked()


def test_each_way_to_colour_is_one_option_and_keeps_the_keyboard(opened):
    page = opened(full())
    assert page.locator("#weergave option").all_inner_texts() == ["Zon op het dak", "Woningen"]
    page.locator("#weergave").select_option("1")
    assert page.locator("#legenda h2").inner_text() == "Woningen"
    assert page.evaluate("document.activeElement.id") == "weergave"


def test_links_of_a_feature_stand_in_its_panel(opened):
    page = opened(full())
    page.locator("#tabelknop").click()
    page.locator("#tabel tbody tr", has_text="Blok 0").locator("button").click()
    assert page.locator("#detail .knoppen a").get_attribute("href") == "factsheets/b0.html"
    page.locator("#tabel tbody tr", has_text="Blok 1").locator("button").click()
    assert page.locator("#detail .knoppen a").count() == 0


@pytest.mark.parametrize(
    "path", ["https://elders.nl/x", "//elders.nl", "../boven.html", "javascript:alert(1)", "a b.html"]
)
def test_links_lead_beside_the_page_only(path):
    with pytest.raises(SchemaError, match="no path of a file beside the page"):
        replace(picture(), pages=(Page("x", path),))


WHITE = (
    "() => {"
    + PIXELS
    + """ const out = [];
  for (const c of document.querySelectorAll('canvas.leaflet-tile')) {
    const box = c.getBoundingClientRect(), d = pixels(c);
    for (let y = 0; y < c.height; y++) for (let x = 0; x < c.width; x++) { const k = 4 * (y * c.width + x);
      if (d[k] === 255 && d[k+1] === 255 && d[k+2] === 255 && d[k+3] === 255) out.push((box.x + x) + '_' + (box.y + y)); } }
  return out; }"""
)


def test_arrows_point_along_the_line(opened):
    spec = full()
    lines = spec.layers[1]
    white = {}
    for name, way in (("east", 1), ("west", -1)):
        ends = [(ORIGIN[0] + 150 - way * 150, ORIGIN[1]), (ORIGIN[0] + 150 + way * 150, ORIGIN[1])]
        frame = lines.frame.assign(geometry=[LineString(ends), lines.frame.geometry.iloc[1]])
        page = opened(
            replace(spec, layers=(spec.layers[0], replace(lines, frame=frame))), fragment="#thema=water&scherm=donker"
        )
        page.wait_for_timeout(250)  # on a dark screen only the heads are white, not the rims of lines
        white[name] = set(page.evaluate(WHITE))

    def broad(pixels):
        """Correlate how far pixels of the heads of the line to the east lie off its axis with how far east they lie [1]."""
        places = np.array([[float(part) for part in one.split("_")] for one in pixels])
        x, y = places[places[:, 1] > np.median(places[:, 1])].T
        x, y = x[np.argsort(x)], y[np.argsort(x)]
        heads = np.cumsum(np.diff(x, prepend=x[0]) > 20)
        own = [
            np.corrcoef(x[heads == one], np.abs(y - y[heads == one].mean())[heads == one])[0, 1]
            for one in set(heads)
            if (heads == one).sum() > 5  # the rim of a head at the end of the line may show by a pixel
        ]
        assert len(own) >= 3
        return np.mean(own)

    # The broad end of a head lies behind its point.
    assert broad(white["east"]) < -0.1
    assert broad(white["west"]) > 0.1


def test_no_arrows_on_polygons():
    spec = picture()
    with pytest.raises(SchemaError, match="cannot have arrows"):
        replace(spec, layers=(replace(spec.layers[0], arrows=True), spec.layers[1]))


def test_dark_as_the_screen_asks_and_as_the_reader_chooses(opened):
    page = opened(full(), color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.getElementById('paneel')).backgroundColor")
    assert page.locator("#donker").get_attribute("aria-pressed") == "true"
    page.locator("#donker").press("Enter")
    light = page.evaluate("getComputedStyle(document.getElementById('paneel')).backgroundColor")
    assert (dark, light) == ("rgb(19, 28, 36)", "rgb(255, 255, 255)")
    page.locator("#donker").click()
    assert "scherm=donker" in page.url
    page.emulate_media(media="print")  # paper is light, whatever the screen is
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--tekst').trim()") == "#16202a"


def test_no_style_and_no_script_but_ours_may_run(opened):
    opened.expected.append("Content Security Policy")
    page = opened(full())
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert "unsafe" not in policy
    # A style and a script put into the page by somebody else do nothing.
    page.evaluate("""() => { const style = document.createElement('style'), script = document.createElement('script');
      style.textContent = 'h1 { color: rgb(1, 2, 3) }'; script.textContent = 'window.hacked = 1';
      document.body.append(style, script); }""")
    assert page.evaluate("[window.hacked ?? null, getComputedStyle(document.querySelector('h1')).color]")[0] is None
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") != "rgb(1, 2, 3)"


def test_the_whole_place_is_in_view_and_the_map_follows_its_box(opened):
    page = opened(full(), width=900)
    size = "() => { const one = kaart.getSize(), box = document.querySelector('.folium-map'); return [one.y, box.clientHeight]; }"
    known, real = page.evaluate(size)
    assert known == real
    page.locator("footer summary").click()  # the sources open below the map, which becomes lower
    until(page, f"({size})()[0] < {known}")
    known, real = page.evaluate(size)
    assert known == real


def crowded():
    """Return the picture with more rows and more areas than the page shows at once."""
    spec = full()
    units, lines = spec.layers
    many = lines.frame.loc[[0] * 120].reset_index(drop=True).assign(street=[f"straat {k}" for k in range(120)])
    areas = tuple(replace(spec.tool.areas[0], key=str(k), name=f"Gebied {k}") for k in range(12))
    tool = replace(spec.tool, areas=areas, target=60, target_low=50)
    return replace(spec, layers=(units, replace(lines, frame=many)), tool=tool)


def test_the_other_controls_by_keyboard(opened):
    page = opened(crowded())
    page.evaluate("window.print = () => { window.printed = true; }")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "spring"  # first of all: on to the words
    zoom = page.evaluate("kaart.getZoom()")
    page.locator(".leaflet-control-zoom-in").press("Enter")
    until(page, f"kaart.getZoom() > {zoom}")
    until(
        page, "!document.querySelector('.leaflet-zoom-anim')"
    )  # keys wait for nobody: leaflet drops them while it zooms
    page.locator(".leaflet-container").press("-")
    until(page, f"kaart.getZoom() <= {zoom}")
    page.evaluate("kaart.setZoom(12, {animate: false})")
    page.locator("#heel").press("Enter")
    until(page, f"kaart.getZoom() === {zoom}")
    until(page, "!document.querySelector('.leaflet-zoom-anim')")
    page.wait_for_timeout(300)  # the link is written when the map has come to rest
    page.locator("#druk").press("Enter")
    assert page.evaluate("window.printed")
    page.locator("#deel").press("Enter")
    assert page.locator("#link").input_value() == page.url.rsplit("/", 1)[1]  # no path of this computer
    assert page.evaluate("document.activeElement.id") == "link"


def test_long_lists_open_and_panels_close_by_keyboard(opened):
    page = opened(crowded(), fragment="#thema=water")
    page.locator("#tabelknop").press("Enter")
    assert page.locator("#tabel tbody tr").count() == 100
    page.get_by_role("button", name="Toon meer rijen").press("Enter")
    assert page.locator("#tabel tbody tr").count() == 120
    page.locator("#tabel tbody button").first.press("Enter")
    page.locator("#detail .sluit").press("Enter")
    assert page.locator("#detail").is_hidden()
    page.locator("#tabelsluit").press("Enter")
    assert page.locator("#tabelvak").is_hidden()
    assert page.evaluate("document.activeElement.id") == "tabelknop"
    page.locator("#toolknop").press("Enter")
    assert page.locator("#rangorde tbody tr").count() == 10
    page.locator("#allegebieden").press("Enter")
    assert page.locator("#rangorde tbody tr").count() == 12
    page.locator("#rangorde button.gebied").first.press("Enter")
    with page.expect_download() as saved:
        page.locator("#bewaar-gebied").press("Enter")
    rows = Path(saved.value.path()).read_text("utf-8-sig").splitlines()[2:]
    assert [row.replace('"', "").split(";")[:2] for row in rows] == [["b0", "10"], ["b1", "20"], ["b2", "30"]]
    page.locator("#leeg").press("Enter")
    assert page.locator("#totalen").inner_text() == "Nog geen blok gekozen"
    assert page.evaluate("document.activeElement.id") == "teken"  # not lost with the button


#: Column, value and width of its interval of 80 %; 0 where it has none. Halves, figures around 100, shares and one of a kind.
FIGURES = [
    *(("people", value, 0.0) for value in (1.0, 17.0, 53.99999, 104.5, 3_850.0, 9_250.0)),
    *(("kwp_pay", value, 0.0) for value in (27.36, 591.1389, 2_655.774, 1_250.0)),
    *(("grey_water_m3_per_year", value, 0.0) for value in (87.8061, 144.7, 1_249.7)),
    *(("stays_eur_per_year", *one) for one in ((57.0, 5_000.0), (57.0, 300.0), (144.7, 300.0), (-9_004.4, 6_557.0))),
    *(("yield_fit_kwh_per_year", *one) for one in ((2_500.0, 6_000.0), (888_686.0, 832_000.0), (93.4, 20.0))),
    *(("earns_keep_frac", value, 0.0) for value in (0.0, 0.004, 0.278, 0.994, 1.0)),
    ("corporation_pct", 17.0, 0.0),
    ("homes", 1_646.0, 0.0),
]


def test_the_page_says_a_figure_as_the_factsheet_does(opened):
    page = opened(html="<!DOCTYPE html><title>cijfers</title><p>", bypass_csp=True)
    folder = Path(render.__file__).parent / "assets" / "js"
    panel = (folder / "60_panel.js").read_text("utf-8")
    of = next(line for line in panel.splitlines() if line.startswith("const numberOf"))
    script = "const spec = { sources: [], words: {} };\n"
    script += "".join((folder / name).read_text("utf-8") for name in ("10_dom.js", "59_charts.js")) + of
    page.add_script_tag(content=script + "\nwindow.figureOf = (layer, about, i) => aboutAs(layer, about, i);")
    for name, value, width in FIGURES:
        one = fields.get(name)
        about = {"name": name, "unit": unit_of(one), "decimals": one.decimals, "kind": "number"}
        about["source"] = "berekend" if one.origin == "calculated" else "cbs-statistics"
        ends = {f"{name}_low": value - width / 2, f"{name}_high": value + width / 2} if width else {}
        packed = {key: round(end, one.decimals) for key, end in {name: value, **ends}.items()}  # as the layer holds it
        said = page.evaluate(
            """([about, values]) => { const column = (name) => ({ value: () => values[name] });
                const known = new Map(Object.keys(values).map((name) => [name, { ...about, name }]));
                return window.figureOf({ about: known, column }, about, 0); }""",
            [about, packed],
        )
        expected = chance(value) if name == "earns_keep_frac" else figure_words(name, value, width)
        assert said.replace("\u00a0", " ").removeprefix("ongeveer ") == expected, (name, value, width)


def test_blocks_apart_by_water_without_a_bridge_are_two_pieces(opened):
    spec = picture()
    edges = spec.tool.edges
    wet = edges.assign(passable=~((edges["a"] == "b0") & (edges["b"] == "b1")))
    page = opened(replace(spec, tool=replace(spec.tool, edges=wet)), fragment="#samen=1&blokken=b0~b1")
    assert "maar het zijn 2 losse stukken" in page.locator(".oordeel").inner_text()
    page = opened(spec, fragment="#samen=1&blokken=b0~b1")
    assert "losse stukken" not in page.locator(".oordeel").inner_text()


def test_a_table_says_a_chance_as_the_panel_does(opened):
    spec = picture()
    units = spec.layers[0]
    about = Column("earns_keep_frac", "kans dat het uitkomt", "voorbeeld", unit="aandeel", decimals=3)
    frame = units.frame.assign(earns_keep_frac=[0.0, 0.996, *[0.278] * 7])
    theme = replace(spec.themes[0], table=("earns_keep_frac", *spec.themes[0].table))
    layers = (replace(units, frame=frame, columns=(*units.columns, about)), *spec.layers[1:])
    page = opened(replace(spec, layers=layers, themes=(theme, *spec.themes[1:])))
    page.click("#tabelknop")
    said = set(page.locator("#tabel tbody tr th, #tabel tbody tr td").all_inner_texts())
    assert {"minder dan 1%", "meer dan 99%", "28%"} <= said
    assert not {"0%", "100%"} & said
