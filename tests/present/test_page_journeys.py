"""Journeys of a reader through the page: an address to its roof, two places side by side, a choice, a phone, a picture."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point, box

from kansenkaart.present.mapspec import Column, Fixed, Layer, Theme, View
from kansenkaart.present.style import QUALITY, LegendClass, ramp_classes
from tests.present.pages import axe_faults, until
from tests.present.pictures import ORIGIN, picture
from tests.present.test_page_controls import canvas_has, full

pytestmark = pytest.mark.browser
X, Y = ORIGIN
#: A house of 6 by 9 m with two faces of 30 deg: six panels to the south, two to the north; two of them pay.
HOUSE = box(X + 50, Y + 50, X + 56, Y + 59)
SHARES = [0.02, 0.04, 0.08, 0.11, 0.14, 0.15, 0.14, 0.12, 0.09, 0.06, 0.03, 0.02]


def roofs():
    """Return the picture with one house, its faces and its address."""
    spec = picture()
    classes = tuple(LegendClass(one, one, QUALITY[one], values=(one,)) for one in "ABCD")
    number = [
        Column(name, name, "voorbeeld", decimals=2)
        for name in (
            "homes",
            "modules_fit",
            "modules_pay",
            "yield_fit_kwh_per_year",
            "yield_fit_kwh_per_year_low",
            "yield_fit_kwh_per_year_high",
            "yield_pay_kwh_per_year",
            "own_use_pay_frac",
            "sun_eur_per_year",
        )
    ]
    values = dict(zip((one.name for one in number), (1, 8, 2, 3000, 2600, 3300, 800, 0.62, 54), strict=True))
    months = {f"month_{k:02}": share for k, share in enumerate(SHARES, start=1)}
    texts = [Column(name, name, "voorbeeld", kind="text") for name in ("pand_id", "pand_name", "sun_class")]
    more = [Column(name, "deel van het jaar", "voorbeeld", decimals=3) for name in months]
    house = gpd.GeoDataFrame(
        {"pand_id": ["p1"], "pand_name": ["Kade 2"], "sun_class": ["B"], **values, **months},
        geometry=[HOUSE],
        crs=28992,
    )
    panden = Layer("panden", "Panden", "polygon", house, (*texts, *number, *more), "pand_id", "pand_name")
    faces = gpd.GeoDataFrame(
        {
            "face_id": ["f1", "f2"],
            "face_name": ["Op het zuiden", "Op het noorden"],
            "pand_id": ["p1", "p1"],
            "sun_class": ["A", "C"],
            "tilt_deg": [30.0, 30.0],
            "azimuth_deg": [180.0, 0.0],
            "modules_fit": [6, 2],
            "yield_fit_kwh_per_year": [2400, 600],
        },
        geometry=[box(X + 50, Y + 50, X + 56, Y + 54.5), box(X + 50, Y + 54.5, X + 56, Y + 59)],
        crs=28992,
    )
    names = [Column(name, name, "voorbeeld", kind="text") for name in ("face_id", "face_name", "pand_id", "sun_class")]
    sizes = [
        Column(name, name, "voorbeeld") for name in ("tilt_deg", "azimuth_deg", "modules_fit", "yield_fit_kwh_per_year")
    ]
    dak = Layer("dakvlakken", "Dakvlakken", "polygon", faces, (*names, *sizes), "face_id", "face_name")
    story, view = spec.themes[0].story, View("Klasse zon", "sun_class", classes)
    theme = Theme("panden", "Gebouwen", "panden", (view,), story, ("homes",), ("pand_name", "homes"), question="sun")
    theme = replace(theme, months=tuple(months), parts=("dakvlakken", "pand_id"))
    sun = Theme("dak", "Zon op daken", "dakvlakken", (view,), story, ("modules_fit",), ("face_name",), question="sun")
    search = gpd.GeoDataFrame(
        {"text": ["Kade 2"], "kind": ["adres"]}, geometry=[Point(X + 53, Y + 53)], crs=spec.search.crs
    )
    first = replace(spec.themes[0], question="begin")
    return replace(
        spec,
        layers=(*spec.layers, panden, dak),
        themes=(first, sun, theme),
        search=search,
        questions={"begin": "Waar beginnen?", "sun": "Zon op daken"},
    )


def test_an_address_leads_to_its_roof_with_faces_panels_and_months(opened):
    page = opened(roofs())
    page.locator("#zoektekst").fill("kade 2")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#detail h2')?.textContent === 'Kade 2'")
    text = page.locator("#detail").inner_text()
    assert "Begin met 2 panelen; er passen er 8" in text
    assert "ongeveer 800 kWh per jaar" in text
    assert "62%" in text
    assert "ongeveer 50 euro per jaar" in text
    assert "Ongeveer 3.000 kWh per jaar, tussen 2.600 en 3.300" in text
    rows = page.locator("#detail .vlakken tbody tr")
    assert rows.first.locator("td").all_inner_texts() == [
        "6",
        "2.400",
    ]  # the face that gives most per panel stands first
    # June is 15 % of 3,000 and December 2 %.
    assert "van 60 tot 450 kWh" in page.locator("#detail .maanden").get_attribute("aria-label")
    assert "Of er al panelen liggen" in text
    assert "gekozen=p1" in page.url
    # From the roof to the area that it lies in.
    page.get_by_role("button", name="Mijn gebied").press("Enter")
    until(page, "document.querySelector('#detail h2').textContent === 'Blok 0'")


def test_two_places_stand_side_by_side_and_back_leaves_it(opened):
    page = opened(full())
    page.locator("#tabelknop").press("Enter")
    page.locator("#tabel tbody button").first.press("Enter")
    first = page.locator("#detail h2").inner_text()
    page.locator("#naast").focus()
    page.locator("#naast").select_option(label="Blok 4")
    assert page.locator("#detail .naast thead th").all_inner_texts() == [first, "Blok 4"]
    assert "naast=b4" in page.url
    again = opened(full(), fragment="#" + page.url.split("#")[1])
    assert again.locator("#detail .naast thead th").all_inner_texts() == [first, "Blok 4"]
    page.keyboard.press("Escape")
    assert page.locator("#detail h2").inner_text() == first
    page.locator("#naast").select_option(label="Blok 4")
    page.go_back()
    until(page, f"document.querySelector('#detail h2').textContent === {first!r}")


def test_an_area_of_ones_own_is_a_mode_that_is_entered_and_left_knowingly(opened):
    spec = full()
    tool = replace(spec.tool, fixed=Fixed("blijft", "sun", -1500.0))
    page = opened(replace(spec, tool=tool))
    page.locator("#toolknop").press("Enter")
    assert "samen=1" in page.url
    assert page.locator("#begin").is_hidden()
    page.locator("#blok").fill("b1")
    page.keyboard.press("Enter")
    # 2,001 of block 1 less 1,500 once, to whole hundreds.
    assert "ongeveer 500 euro per jaar" in page.locator("#totalen").inner_text()
    page.locator("#toolsluit").press("Enter")
    assert page.locator("#gereedschap").is_hidden()
    assert page.evaluate("document.activeElement.id") == "toolknop"
    page.locator("#toolknop").press("Enter")
    page.go_back()
    until(page, "document.getElementById('gereedschap').hidden")


def test_an_area_of_ones_own_has_its_interval_where_it_is_of_the_size_asked_for(opened):
    spec = full()
    # Of block 1: a sum of 2,001 and 20 homes. Low 0.5 x 2,001 - 3,000 - 10 x 20, high 2 x 2,001 + 10 x 20: 5,000 wide and more.
    fixed = Fixed("blijft", "sun", -1500.0, (-3000.0, 0.5, -10.0), (0.0, 2.0, 10.0))
    page = opened(replace(spec, tool=replace(spec.tool, fixed=fixed, target_low=10, target_high=100)))
    page.locator("#toolknop").press("Enter")
    page.locator("#blok").fill("b1")
    page.keyboard.press("Enter")
    homes = int(page.locator("[data-totaal=homes]").get_attribute("data-waarde"))
    low, high = 0.5 * 2001 - 3000 - 10 * homes, 2 * 2001 + 10 * homes
    said = page.locator("#totalen .blijft").inner_text()
    assert high - low > 5000
    assert f"tussen −{-round(low / 1000)}.000 en {round(high / 1000)}.000, in 8 van de 10 berekeningen" in said
    page.locator("#blok").fill("b2")
    page.keyboard.press("Enter")
    for block in ("b3", "b4", "b5", "b0"):
        page.locator("#blok").fill(block)
        page.keyboard.press("Enter")
    if int(page.locator("[data-totaal=homes]").get_attribute("data-waarde")) > 100:
        assert "de marge is bekend bij 10 tot 100 woningen" in page.locator("#totalen .blijft").inner_text()


def test_the_first_screen_of_a_laptop_needs_no_scrolling(opened):
    spec = full()
    places = tuple(replace(spec.start.places[0], name=f"Een gebied met een lange naam {k}") for k in range(5))
    page = opened(replace(spec, start=replace(spec.start, places=places)), width=1366, height=768)
    low = "(one) => document.querySelector(one).getBoundingClientRect().bottom"
    assert page.evaluate(low, "#toonbegin") < 768
    assert page.evaluate(low, "#begin .asvoet") < 768
    assert page.evaluate("document.getElementById('begin').nextElementSibling.id") == "themas"
    # The whole place is in view, and no corner of it lies under the legend.
    corners = gpd.GeoSeries([spec.layers[0].frame.union_all().envelope], crs=28992).to_crs(4326).iloc[0].exterior.coords
    legend, box = page.locator("#legendavak").bounding_box(), page.locator("#kaartvak").bounding_box()
    for lng, lat in corners:
        x, y = page.evaluate("(at) => { const p = kaart.latLngToContainerPoint(at); return [p.x, p.y]; }", [lat, lng])
        assert 0 <= x <= box["width"]
        assert 0 <= y <= box["height"]
        assert not (x < legend["x"] - box["x"] + legend["width"] and y > legend["y"] - box["y"])


def test_a_link_opens_in_another_folder(opened, tmp_path):
    page = opened(full())
    page.locator("#tabelknop").press("Enter")
    page.locator("#tabel tbody button").nth(3).press("Enter")
    chosen = page.locator("#detail h2").inner_text()
    page.locator("#deel").press("Enter")
    assert "Dit is geen internetadres" in page.locator("#melding").inner_text()
    link = page.locator("#link").input_value()
    assert "/" not in link.split("#")[0]
    elsewhere = tmp_path / "een map" / "kaart.html"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes((tmp_path / "kaart.html").read_bytes())
    page.goto(elsewhere.parent.as_uri() + "/" + link)
    page.wait_for_selector("body[data-klaar=ja]", state="attached")
    assert page.locator("#detail h2").inner_text() == chosen


def test_the_map_is_saved_as_a_picture_and_as_a_drawing(opened):
    page = opened(full())
    page.locator("#deel").press("Enter")
    assert page.locator("#frame").input_value().startswith("<iframe src=")
    with page.expect_download() as saved:
        page.locator("#bewaar-png").press("Enter")
    content = Path(saved.value.path()).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 5000
    with page.expect_download() as saved:
        page.locator("#bewaar-svg").press("Enter")
    drawing = Path(saved.value.path()).read_text("utf-8")
    assert drawing.count("<path") >= 4  # three classes and unknown, and the borders
    assert "Voorbeeld, verzonnen: Proefwijk" in drawing
    # Names of places, numbers of the proposed ones and a scale stand in it too.
    assert drawing.count("<circle") == 2
    assert re.search(r">\d+ m</text>", drawing)
    page = opened(full(), fragment="#thema=water")
    page.locator("#deel").press("Enter")
    with page.expect_download() as saved:
        page.locator("#bewaar-svg").press("Enter")
    assert ">Blok 1</text>" in Path(saved.value.path()).read_text("utf-8")
    assert not re.search(r"NaN|undefined|Infinity", drawing)


def test_on_a_phone_the_map_fills_the_screen_under_a_sheet_with_three_stops(opened):
    page = opened(full(), width=390, has_touch=True)
    heights = []
    for _ in range(3):
        page.wait_for_timeout(300)
        heights.append(page.locator("#paneel").bounding_box()["height"])
        page.locator("#greep").click()
    assert heights[0] == 176
    assert heights[0] < heights[1] < heights[2] == 860
    page.wait_for_timeout(300)
    assert page.locator("#kaartvak").bounding_box()["height"] > 700
    page.locator("#toonbegin").click()
    page.wait_for_timeout(300)
    box = page.locator("#detail h2").bounding_box()
    assert box["y"] + box["height"] < 900  # what was chosen is in view at once
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1366, 390])
def test_axe_has_nothing_to_say_of_a_roof_of_two_places_and_of_the_share_box(opened, width):
    roof = opened(roofs(), width=width, bypass_csp=True, fragment="#thema=panden&gekozen=p1")
    two = opened(full(), width=width, bypass_csp=True, fragment="#gekozen=b0&naast=b4")
    two.locator("#deel").press("Enter")
    two.evaluate("document.getElementById('paneel').scrollTo(0, 99999)")  # nothing half under the grip of the sheet
    assert roof.locator("#detail .maanden").is_visible()
    assert two.locator("#detail .naast").is_visible()
    for page in (roof, two):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert axe_faults(page) == [], scheme
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def calculated():
    """Return the picture with sun that was calculated, with one block of which it is not known."""
    spec = picture()
    columns = tuple(replace(one, source="berekend") if one.name == "sun" else one for one in spec.layers[0].columns)
    source = replace(spec.sources[0], key="berekend", title="berekend")
    return replace(
        spec, layers=(replace(spec.layers[0], columns=columns), spec.layers[1]), sources=(*spec.sources, source)
    )


def test_the_highest_places_are_named_and_lead_to_their_place_by_keyboard(opened):
    page = opened(calculated())
    rows = page.locator("#verhaal .hoogste button")
    assert rows.count() == 5
    assert rows.first.inner_text().split("\n")[0] == "Blok 7"  # of the eighth nothing is known: it ranks nowhere
    assert rows.first.get_attribute("aria-label") == "Blok 7: ongeveer 8.000\u00a0kWh per jaar"
    rows.first.press("Enter")
    assert page.locator("#detail h2").inner_text() == "Blok 7"
    assert page.locator(".klassezin strong").inner_text() == "ongeveer 8.000\u00a0kWh per jaar"
    assert page.locator("#detail dd", has_text="80").count() >= 1  # homes are counted, and stay as they are
    page.keyboard.press("Escape")
    assert page.locator("#verhaal h3").first.inner_text() == "De hoogste vijf: zon op het dak, kWh per jaar"


def test_ranked_places_are_named_in_the_order_of_their_rank(opened):
    spec = calculated()
    units, lines = spec.layers
    ranked = replace(
        units,
        frame=units.frame.assign(rank=[3, 1, 2, *range(4, 10)]),
        columns=(*units.columns, Column("rank", "plaats", "voorbeeld")),
    )
    view = View("plaats in de rij", "rank", ramp_classes([5], ["1 tot 4", "5 en meer"]))
    theme = replace(spec.themes[0], views=(view, *spec.themes[0].views), headline="sun")
    page = opened(replace(spec, layers=(ranked, lines), themes=(theme, spec.themes[1])))
    rows = page.locator("#verhaal .hoogste .naam")
    assert rows.all_inner_texts()[:3] == ["Blok 1", "Blok 2", "Blok 0"]
    assert page.locator("#verhaal h3").first.inner_text().startswith("De eerste vijf: ")
    page.locator("#weergave").select_option("1")
    assert rows.first.inner_text() == "Blok 7"


def test_small_shapes_leave_the_ground_that_lies_under_them(opened):
    spec = picture()
    spots = gpd.GeoDataFrame(
        {"spot": [f"s{k}" for k in range(9)], "value": range(9)},
        geometry=[box(X + 20 + 30 * k, Y + 150, X + 20.8 + 30 * k, Y + 150.8) for k in range(9)],
        crs=28992,
    )
    columns = (Column("spot", "plek", "voorbeeld", kind="text"), Column("value", "waarde", "voorbeeld"))
    layer = Layer("plekken", "Plekken", "polygon", spots, columns, "spot", "spot")
    view = View("Waarde", "value", (LegendClass("1", "alle", "#2a7892"),))
    theme = Theme("plekken", "Plekken", "plekken", (view,), spec.themes[0].story, ("value",), ("spot",), ("blokken",))
    page = opened(replace(spec, layers=(*spec.layers, layer), themes=(theme, *spec.themes)))
    assert canvas_has(page, "#f7f7f4") > 50_000


def test_what_is_unknown_stands_once_in_the_legend_and_a_line_as_it_is_drawn(opened):
    spec = roofs()
    panden = spec.layers[2]
    two = gpd.GeoDataFrame(
        {**{name: [panden.frame[name].iloc[0]] * 3 for name in panden.frame.columns if name != "geometry"}},
        geometry=[HOUSE, box(X + 70, Y + 50, X + 76, Y + 59), box(X + 90, Y + 50, X + 96, Y + 59)],
        crs=28992,
    ).assign(pand_id=["p1", "p2", "p3"], sun_class=["B", "?", None], homes=[1, None, 1], modules_pay=[2, None, 2])
    classes = (
        LegendClass("B", "goed", QUALITY["B"], values=("B",)),
        LegendClass("?", "onbekend", QUALITY["?"], values=("?",)),
    )
    theme = replace(spec.themes[2], views=(View("Klasse zon", "sun_class", classes),))
    layers = (*spec.layers[:2], replace(panden, frame=two), spec.layers[3])
    page = opened(replace(spec, layers=layers, themes=(*spec.themes[:2], theme)), fragment="#thema=panden&gekozen=p2")
    assert page.locator("#legenda .klasse").all_inner_texts() == [
        "B\ngoed\n1\nop de kaart",
        "?\nonbekend\n2\nop de kaart",
    ]
    # Whether homes are under this roof is not known: then nothing can be said of what pays.
    assert "weten we niet" in page.locator("#detail").inner_text()
    assert "terug" not in page.locator("#detail").inner_text().replace("Terug", "")
    page = opened(picture(), fragment="#thema=water")
    assert page.locator("#legenda canvas.lijnstaal").count() == page.locator("#legenda .klasse").count() > 1


def test_the_address_of_a_thing_in_a_register_is_not_its_name(opened):
    spec = picture("Kade")
    lines = spec.layers[1]
    frame = lines.frame.assign(pipe=["http://data.example.org/riool#L12", "L13"])
    columns = (*lines.columns, Column("pipe", "leiding", "voorbeeld", kind="text"))
    theme = replace(spec.themes[1], popup=("pipe", "water"))
    layers = (spec.layers[0], replace(lines, frame=frame, columns=columns))
    page = opened(
        replace(spec, layers=layers, themes=(spec.themes[0], theme)), fragment="#thema=water&gekozen=Kadestraat"
    )
    said = page.locator("#detail").text_content()
    assert "L12" in said
    assert "http" not in said


def test_what_stands_on_a_map_is_found_by_its_name_and_a_buurt_on_the_map_of_buurten(opened):
    spec = picture()
    frame = spec.layers[0].frame
    frame = frame.assign(name=frame["name"].str.replace("Blok", "Buurt"))
    buurten = replace(spec.layers[0], name="buurten", label="Buurten", frame=frame)
    theme = replace(spec.themes[0], key="buurten", title="Buurten", layer="buurten", outlines=())
    point = gpd.GeoDataFrame(
        {"text": ["Buurt 7"], "kind": ["buurt"]}, geometry=[Point(X + 150, Y + 250)], crs=spec.search.crs
    )
    page = opened(
        replace(spec, layers=(*spec.layers, buurten), themes=(*spec.themes, theme), search=point), fragment="#thema=zon"
    )
    for words, title, theme_key in (("blok 4", "Blok 4", "zon"), ("buurt 7", "Buurt 7", "buurten")):
        page.locator("#zoektekst").fill(words)
        page.locator("#zoektekst").press("Enter")
        until(page, f"document.querySelector('#detail h2')?.innerText === '{title}'")
        assert f"thema={theme_key}&" in page.evaluate("location.hash")
    page.locator("#zoektekst").fill("nergens")
    page.locator("#zoektekst").press("Enter")
    until(page, "document.getElementById('melding').textContent.startsWith('Niets gevonden')")


def test_the_mode_shows_what_is_chosen_and_what_may_be_added_and_nothing_else(opened):
    spec = picture()
    themes = tuple(replace(one, question=key) for one, key in zip(spec.themes, ("begin", "water"), strict=True))
    spec = replace(spec, themes=themes, questions={"begin": "Waar beginnen?", "water": "Water"})
    page = opened(spec, fragment="#thema=zon&samen=1&blokken=b0")
    legend = page.locator("#legenda")
    assert "gekozen" in legend.inner_text()
    assert "veel" not in legend.inner_text()
    assert canvas_has(page, "#2a7892") > 5_000  # one block of nine
    assert canvas_has(page, "#dcecf1") > 5_000  # its two neighbours
    page.locator("#toolsluit").press("Enter")
    assert "veel" in legend.inner_text()
    assert "gekozen" not in legend.inner_text()
    page.locator("#toolknop").press("Enter")
    page.locator(
        "#vragen button", has_text="Water"
    ).click()  # another map is asked for: the mode is left, the choice stays
    until(page, "document.getElementById('gereedschap').hidden")
    assert "blokken=b0" in page.evaluate("location.hash")


def test_the_way_back_from_a_place_of_another_map_is_the_first_screen_or_the_roof(opened):
    spec = full()
    sun = replace(spec.themes[0], key="elders", title="Elders", question="begin")
    first = replace(spec.themes[1], question="begin")
    page = opened(replace(spec, themes=(first, sun), questions={"begin": "Waar beginnen?"}))
    shown = page.evaluate("[kaart.getZoom(), kaart.getCenter().lat.toFixed(5)].join()")
    for leave in ("back", "Escape", "button"):
        page.locator("#toonbegin").press("Enter")
        until(page, "document.querySelector('#detail h2')?.textContent === 'Blok 0'")
        assert "thema=elders" in page.url
        if leave == "back":
            page.go_back()
        elif leave == "Escape":
            page.keyboard.press("Escape")
        else:
            page.locator("#detail .sluit").click()
        until(page, "!document.getElementById('begin').hidden")
        assert "thema=water" in page.evaluate("location.hash")
        page.wait_for_timeout(500)  # longer than the map zooms and than its link waits
        assert page.evaluate("[kaart.getZoom(), kaart.getCenter().lat.toFixed(5)].join()") == shown
    page = opened(roofs(), fragment="#thema=panden&gekozen=p1")
    page.get_by_role("button", name="Mijn gebied").press("Enter")
    until(page, "document.querySelector('#detail h2')?.textContent === 'Blok 0'")
    page.locator("#detail .sluit").click()
    until(page, "document.querySelector('#detail h2')?.textContent === 'Kade 2'")
    page.get_by_role("button", name="Mijn gebied").press("Enter")
    until(page, "document.querySelector('#detail h2')?.textContent === 'Blok 0'")
    page.go_back()
    until(page, "document.querySelector('#detail h2')?.textContent === 'Kade 2'")
    page.keyboard.press("Escape")
    until(page, "document.getElementById('detail').hidden")


def test_a_map_that_comes_to_rest_writes_nothing_over_a_link_that_is_under_way(opened):
    page = opened(full())
    first = page.evaluate("location.hash")
    page.locator("#toonbegin").press("Enter")
    until(page, "location.hash.includes('gekozen=')")
    page.wait_for_timeout(500)
    # The page is busy when the reader goes back: the link of a map that came to rest is due before the other one is read.
    page.evaluate(
        "() => { kaart.fire('moveend'); history.back(); for (const end = performance.now() + 400; performance.now() < end;); }"
    )
    until(page, "document.getElementById('detail').hidden")
    assert page.evaluate("location.hash") == first


def test_of_two_maps_asked_for_the_last_is_shown_though_the_first_takes_longer_to_unpack(opened):
    spec = picture()
    sun, water = spec.themes
    slow, quick = replace(sun, outlines=("straten", "blokken")), replace(water, outlines=())
    begun = replace(water, key="begun", title="Begin")
    page = opened(replace(spec, tool=None, start=None, themes=(begun, slow, quick)))
    page.evaluate(
        """() => { for (const words of ["Zon", "Grijswater"])
            [...document.querySelectorAll("#themas button")].find((one) => one.textContent === words).click(); }"""
    )
    until(page, "location.hash.includes('thema=water')")
    page.wait_for_timeout(300)
    assert "thema=water" in page.evaluate("location.hash")
    assert page.locator("#themas button[aria-pressed=true]").inner_text() == "Grijswater"


def test_the_jump_to_the_words_keeps_what_the_link_shows(opened):
    page = opened(picture("Kade"), fragment="#thema=water&gekozen=Kadestraat")
    heading = page.locator("#detail h2").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(page, "document.activeElement.id === 'paneel'")
    page.wait_for_timeout(300)
    assert page.locator("#detail h2").inner_text() == heading
    assert "thema=water&gekozen=" in page.evaluate("location.hash")


def test_a_postcode_is_found_with_or_without_its_blank_and_one_letter_leads_nowhere(opened):
    spec = picture()
    frame = spec.layers[0].frame
    frame = frame.assign(name=["bij 2592 VA", *frame["name"][1:]])
    page = opened(replace(spec, layers=(replace(spec.layers[0], frame=frame), spec.layers[1]), search=None))
    for words in ("2592VA", "2592 va"):
        page.locator("#zoektekst").fill(words)
        page.locator("#zoektekst").press("Enter")
        until(page, "document.querySelector('#detail h2')?.textContent === 'Bij 2592 VA'")
        page.keyboard.press("Escape")
    page.locator("#zoektekst").fill("nergens")
    page.locator("#zoektekst").press("Enter")
    until(page, "document.getElementById('melding').textContent.includes('staan geen straatnamen')")
    page = opened(picture("Zandweg"))
    page.locator("#zoektekst").fill("z")
    page.locator("#zoektekst").press("Enter")
    until(page, "document.querySelectorAll('#gevonden button').length === 1")
    assert page.locator("#detail").is_hidden()
    focused = "document.activeElement.id || document.activeElement.textContent"
    walk = [page.keyboard.press(key) or page.evaluate(focused) for key in ("ArrowDown", "ArrowDown", "ArrowUp")]
    assert walk == ["Zandwegstraat 1adres", "Zandwegstraat 1adres", "zoektekst"]


def test_where_all_is_unknown_the_legend_says_only_that_and_on_a_phone_what_is_not_there_is_left_out(opened):
    spec = picture()
    nothing = spec.layers[1].frame.assign(water=float("nan"))
    page = opened(
        replace(spec, layers=(spec.layers[0], replace(spec.layers[1], frame=nothing))), fragment="#thema=water"
    )
    assert page.locator("#legenda .klasse").all_inner_texts() == ["onbekend\n2\nop de kaart"]
    least = spec.layers[0].frame.assign(sun=1.0)
    page = opened(replace(spec, layers=(replace(spec.layers[0], frame=least), spec.layers[1])), width=390)
    assert page.locator("#legenda .klasse").count() == 3
    assert page.locator("#legenda .klasse:visible").count() == 1


def test_the_mode_is_entered_from_the_first_screen_and_from_any_other_map(opened):
    spec = full()
    themes = (replace(spec.themes[0], question="begin"), replace(spec.themes[1], question="water"))
    page = opened(replace(spec, themes=themes, questions={"begin": "Waar beginnen?", "water": "Water"}), width=1366)
    assert page.locator("#begin #toolknop").is_visible()
    page.locator("#vragen button", has_text="Water").click()
    until(page, "document.querySelector('#begin').hidden")
    assert page.locator("#toolknop").is_visible()
    page.locator("#toolknop").press("Enter")
    # What can be saved is offered once there is something; a block is asked for by its name or its number.
    assert page.locator("#bewaar-csv, #bewaar-gebied").first.is_hidden()
    page.locator("#blok").fill("blok 4")
    page.keyboard.press("Enter")
    assert page.locator("#bewaar-gebied").is_visible()
    assert "blokken=b4" in page.evaluate("location.hash")


def test_an_area_keeps_its_homes_where_a_public_page_leaves_small_blocks_out(opened):
    spec = picture()
    areas = (replace(spec.tool.areas[0], homes=331.0), replace(spec.tool.areas[1], homes=None))
    page = opened(replace(spec, tool=replace(spec.tool, areas=areas), public=True))
    page.locator("#toolknop").press("Enter")
    assert page.locator("#rangorde tbody th").all_inner_texts()[0].startswith("Zuid")
    assert page.locator("#rangorde tbody td").nth(1).inner_text() == "331"  # and so it fits the target of 330
    page.locator("#rangorde .gebied").first.press("Enter")
    assert "staan niet in deze openbare uitgave" in page.locator("#totalen").inner_text()
    assert "331 woningen" in page.locator("#totalen .oordeel").inner_text()
    assert page.locator("[data-totaal=homes]").count() == 0  # no second count of homes beside it
