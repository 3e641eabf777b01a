"""The page in a real browser: opened as a file, without network, by mouse and by keyboard."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from kansenkaart.present.render import render_page, vendored
from tests.present.pages import HOSTILE, PIXELS, axe_faults, centred, everywhere
from tests.present.pictures import picture
from tests.present.test_page_controls import full

pytestmark = pytest.mark.browser


def canvas_colors(page) -> set[str]:
    """Give the colours that cover over a hundred pixels of the map."""
    return set(
        page.evaluate(
            "() => {"
            + PIXELS
            + """ const seen = {};
          for (const c of document.querySelectorAll('canvas.leaflet-tile')) {
            const d = pixels(c);
            for (let k = 0; k < d.length; k += 4) if (d[k+3] === 255) {
              const key = '#' + [0,1,2].map((j) => d[k+j].toString(16).padStart(2,'0')).join('');
              seen[key] = (seen[key] || 0) + 1; } }
          return Object.keys(seen).filter((key) => seen[key] > 100); }"""
        )
    )


def settled(page) -> None:
    """Wait until the paint queue is empty: two frames without work."""
    page.wait_for_timeout(250)


def test_opens_and_says_that_it_is_an_example(opened):
    page = opened()
    assert page.title().startswith("VOORBEELD")
    assert page.locator("html").get_attribute("lang") == "nl"
    assert "verzonnen" in page.locator("header").inner_text()
    # three classes of the ramp (first, middle, last) and the colour of unknown
    assert {"#dcecf1", "#62a5bb", "#0b4a61", "#c9ced6"} <= canvas_colors(page)


def test_real_data_is_not_called_an_example(opened):
    page = opened(picture(example=False))
    assert "verzonnen" not in page.locator("body").inner_text()


def test_fallback_when_the_browser_can_neither_unpack_nor_hand_over_a_picture(opened):
    page = opened(before="delete window.DecompressionStream; delete window.OffscreenCanvas")
    assert "#0b4a61" in canvas_colors(page)


def test_legend_filters_by_keyboard_and_mouse(opened):
    page = opened()
    row = page.locator("#legenda .klasse", has_text="veel")
    row.focus()
    page.keyboard.press("Space")
    settled(page)
    assert row.get_attribute("aria-pressed") == "false"
    assert "#0b4a61" not in canvas_colors(page)
    row.click()
    settled(page)
    assert "#0b4a61" in canvas_colors(page)


def test_theme_view_and_story(opened):
    page = opened()
    page.get_by_role("button", name="Grijswater", exact=True).press("Enter")
    assert page.locator("#verhaal h2").inner_text() == "Grijswater"
    page.get_by_role("button", name="Zon", exact=True).click()
    page.locator("#weergave").select_option("1")
    assert "Woningen" in page.locator("#legenda h2").inner_text()


def test_click_shows_figures_with_unit_year_and_source(opened):
    page = opened()
    centred(page)
    box = page.locator(".folium-map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2 - 200, box["y"] + box["height"] / 2)
    assert "4.002,0" in page.locator("#detail .klassezin").inner_text()  # what colours the map stands first
    page.locator("#detail summary").click()
    # A sum of several lines is shown in as many.
    assert page.locator("#detail dd > bdi").first.evaluate("it => getComputedStyle(it).whiteSpace") == "pre-line"
    text = page.locator("#detail").inner_text()
    # Left of the middle lies block 3: 40 homes, 4 x 1000.5 = 4,002.0 kWh, of 2020 + 3 mod 2 = 2021.
    assert "Blok 3" in text
    assert "40" in text
    assert "4.002,0" in text
    assert "2021" in text
    assert "Voorbeeldwijk Blok" in text
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()


def test_table_sorts_and_saves_the_numbers_of_the_layer(opened):
    page = opened()
    page.locator("#tabelknop").press("Enter")
    head = page.locator("#tabel thead button", has_text="woningen")
    head.click()
    head.click()
    assert page.locator("#tabel thead th", has_text="woningen").get_attribute("aria-sort") == "ascending"
    assert page.locator("#tabel tbody tr").first.locator("th").inner_text() == "Blok 0"
    with page.expect_download() as saved:
        page.locator("#bewaar-csv").click()
    rows = list(csv.reader(io.StringIO(Path(saved.value.path()).read_text("utf-8-sig")), delimiter=";"))
    assert saved.value.suggested_filename.startswith("voorbeeld")
    assert sum(int(row[1]) for row in rows[2:]) == 450  # 10 + 20 + … + 90
    assert [row[2] for row in rows[2:]][-1] == ""  # the sun of block 8 is unknown, not zero


def test_search_finds_a_street(opened):
    page = opened()
    page.locator("#zoektekst").fill("kade")
    page.keyboard.press("Enter")
    assert "Kade" in page.locator("#gevonden").inner_text() + page.locator("#melding").inner_text()


def choose_blocks(page, *keys: str) -> None:
    """Open the tool and add blocks by keyboard."""
    if page.locator("#gereedschap").is_hidden():
        page.locator("#toolknop").press("Enter")
    for key in keys:
        page.locator("#blok").fill(key)
        page.keyboard.press("Enter")


def total(page, name: str) -> float:
    return float(page.locator(f"[data-totaal={name}]").get_attribute("data-waarde"))


def test_selection_adds_up_to_the_layer(opened):
    page = opened()
    choose_blocks(page, "b0", "b1", "b8")
    assert total(page, "homes") == 120  # 10 + 20 + 90
    assert total(page, "sun") == 3001.5  # 1000.5 + 2001.0; block 8 is unknown
    assert "1 blok onbekend" in page.locator("#totalen").inner_text()
    assert "2 losse stukken" in page.locator("#totalen").inner_text()
    # Border: b0-b3 and b1-b4 and b1-b2, b8-b7 and b8-b5: five sides of 100 m.
    assert "500 m" in page.locator("#grenzen").inner_text()


def test_click_toggles_a_block_and_a_drawn_line_selects(opened):
    page = opened()
    choose_blocks(page)
    centred(page)
    page.evaluate("document.getElementById('teken').scrollIntoView()")
    box = page.locator(".folium-map").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x - 200, y)
    assert total(page, "homes") == 40
    page.locator("#teken").click()
    for dx, dy in [(-60, -60), (60, -60), (60, 60)]:
        page.mouse.click(x + dx, y + dy)
        page.wait_for_timeout(350)
    page.mouse.dblclick(x - 60, y + 60)
    assert total(page, "homes") == 50  # block 4, the one in the middle


def test_a_choice_can_be_undone_and_done_again(opened):
    page = opened()
    choose_blocks(page, "b0", "b1")  # 10 and 20 homes
    page.locator("#terug").click()
    assert total(page, "homes") == 10
    page.locator("#vooruit").click()
    assert total(page, "homes") == 30
    page.locator("#gereedschap h2").focus()
    page.keyboard.press("Control+z")
    assert total(page, "homes") == 10
    page.keyboard.press("Control+Shift+z")
    assert total(page, "homes") == 30


def test_saved_selection_is_geojson_with_totals_of_the_layer(opened):
    page = opened()
    choose_blocks(page, "b4")
    with page.expect_download() as saved:
        page.locator("#bewaar-geojson").click()
    content = json.loads(Path(saved.value.path()).read_text("utf-8"))
    (feature,) = content["features"]
    assert feature["properties"]["homes"] == 50
    assert len(feature["geometry"]["coordinates"][0]) == 2  # outer ring and the hole
    assert content["about"]["example"] is True
    lon, lat = feature["geometry"]["coordinates"][0][0][0]
    # RD (190 km, 560 km) lies in Friesland, near 5.9 east and 53.0 north.
    assert (round(lon), round(lat)) == (6, 53)


def test_weights_turn_the_ranking_and_sureness_is_said(opened):
    page = opened()
    choose_blocks(page)
    # Zuid has 60 homes and Noord 240 (hand sum of the blocks): at a target of 330 neither fits.
    assert "2 gebieden passen niet bij 330 woningen" in page.locator("#buitendoel").inner_text()
    page.locator("#doel").fill("250")
    rows = page.locator("#rangorde tbody tr")
    assert rows.count() == 1
    assert "Noord" in rows.first.inner_text()
    assert "100%" in rows.first.inner_text()  # as it was counted for these weights
    rows.first.locator("button").press("Enter")
    assert total(page, "homes") == 240


def test_ranking_follows_the_weights_at_once(opened):
    spec = picture()
    areas = (
        replace(spec.tool.areas[0], units=("b0", "b8"), values=(60.0, 20000.0)),
        replace(spec.tool.areas[1], units=("b1", "b7"), values=(240.0, 15008.0), link="factsheets/noord.html"),
    )
    page = opened(replace(spec, tool=replace(spec.tool, areas=areas, target=100, target_low=50)))
    choose_blocks(page)
    first = page.locator("#rangorde tbody tr").first
    page.locator("#rangorde summary").press("Enter")
    page.locator("#weging0").focus()
    page.keyboard.press("Home")  # only the sun counts
    assert "Zuid" in first.inner_text()
    assert "onbekend" in first.inner_text()  # how sure that is was counted for the first weights only
    page.locator("#weging0").focus()
    page.keyboard.press("End")
    page.locator("#weging1").focus()
    page.keyboard.press("Home")
    assert "Noord" in first.inner_text()
    assert first.locator("a").get_attribute("href") == "factsheets/noord.html"


def test_slider_by_keyboard_moves_the_target(opened):
    page = opened()
    choose_blocks(page, "b8")
    page.locator("#doel").focus()
    page.keyboard.press("Home")
    assert page.locator("#doelgetal").inner_text() == "150"
    page.keyboard.press("End")
    assert page.locator("#doelgetal").inner_text() == "600"
    assert page.locator("label output").count() == 0  # HTML allows in a label no output of another field


def test_link_restores_the_state(opened):
    page = opened()
    page.locator("#legenda .klasse", has_text="weinig").click()
    choose_blocks(page, "b0", "b4")
    page.locator("#doel").focus()
    page.keyboard.press("Home")
    settled(page)
    again = opened(fragment="#" + page.url.split("#")[1])
    assert total(again, "homes") == 60
    assert again.locator("#doelgetal").inner_text() == "150"
    again.locator("#toolsluit").click()
    assert again.locator("#legenda .klasse", has_text="weinig").get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize(
    "fragment", ["#thema=__proto__&weergave=99&blokken=%E0%A4%A", "#doel=1e9&plek=a_b_c&uit=-1.x", "#%"]
)
def test_nonsense_in_the_link_does_no_harm(opened, fragment):
    page = opened(fragment=fragment)
    assert page.locator("#verhaal h2").inner_text() == "Zon"


def test_hostile_text_is_only_text_wherever_it_stands(opened):
    spec = everywhere(full(HOSTILE), HOSTILE)
    spec = replace(
        spec, search=spec.search.assign(text=HOSTILE, kind=HOSTILE), tool=replace(spec.tool, target=60, target_low=50)
    )
    page = opened(spec, fragment="#doel=60")
    for theme in page.locator("#themas button").all():
        theme.click()
        page.locator("#verhaal summary").click()
        if page.locator("#tabelvak").is_hidden():
            page.locator("#tabelknop").click()
        page.locator("#tabel tbody button").first.click()
        assert "<img src=x onerror" in page.locator("#detail h2").inner_text()
    choose_blocks(page, "b0", "b1")
    page.locator("#rangorde summary").click()
    page.locator("#rangorde button.gebied").first.click()
    page.locator("footer summary").click()
    page.locator("#zoektekst").fill("</script>")
    page.keyboard.press("Enter")
    page.locator("#toolsluit").click()
    page.locator("#themas button").first.click()
    page.locator("#filter input").first.click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        settled(page)
        assert page.evaluate("window.hacked ?? null") is None
        assert page.locator("img").count() == 0
        wide = """[...document.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1
          && !one.closest('.schuif, .spring, .folium-map')).map((one) => one.tagName + '#' + one.id + '.' + one.className)"""
        assert page.evaluate(wide) == []
    # It stands as text in the heading, the start, the story, the legend, the filter, the table, the ranking and the sources.
    for place in (
        "h1",
        "#begin",
        "#verhaal",
        "#legenda",
        "#filter",
        "#tabel",
        "#rangorde",
        "#grenzen",
        "#bronnen",
        "#paginas",
    ):
        assert "</script><script>window.hacked=1</script>" in page.locator(place).first.inner_text(), place


@pytest.mark.parametrize("width", [1400, 320])
def test_axe_has_nothing_to_say(opened, width):
    page = opened(full(), width=width, bypass_csp=True)
    choose_blocks(page, "b0", "b1")
    page.locator("#tabelknop").click()
    page.locator("#tabel tbody button").first.click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe_faults(page) == [], scheme
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_prints_on_paper_with_its_sources(opened):
    page = opened()
    assert page.pdf(format="A4", landscape=True).startswith(b"%PDF")
    # No frame comes between the event and the paper: what is not visible at once is not printed.
    hidden = page.evaluate("""() => { dispatchEvent(new Event('beforeprint'));
      const tiles = [...document.querySelectorAll('canvas.leaflet-tile')];
      return tiles.length ? tiles.filter((tile) => getComputedStyle(tile).opacity !== '1').length : -1; }""")
    assert hidden == 0
    # The whole neighbourhood that was in view is on the paper, painted: all four colours.
    assert page.locator(".folium-map").bounding_box()["height"] == 540
    assert {"#dcecf1", "#62a5bb", "#0b4a61", "#c9ced6"} <= canvas_colors(page)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="print")
    assert page.locator("#legenda").is_visible()
    assert page.locator("#zoek").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


OVERLAPS = """() => { const boxes = [...document.querySelectorAll('header, .folium-map, #legenda, #begin, #verhaal, footer')]
  .filter((one) => one.offsetParent !== null).map((one) => [one.id || one.className || one.tagName, one.getBoundingClientRect()]);
  const out = [];
  for (let a = 0; a < boxes.length; a++) for (let b = a + 1; b < boxes.length; b++) {
    const [p, q] = [boxes[a][1], boxes[b][1]];
    const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (wide > 1 && high > 1) out.push(boxes[a][0] + ' over ' + boxes[b][0]);
  }
  return out; }"""


def test_nothing_lies_over_anything_on_paper(opened):
    page = opened(full())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate(OVERLAPS) == []


def test_a_browser_that_cannot_unpack_uses_the_unpacker_that_the_page_carries(browser, tmp_path):
    path = tmp_path / "kaart.html"
    path.write_text(render_page(picture()), encoding="utf-8")
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.add_init_script("delete window.DecompressionStream")
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-klaar=ja]", state="attached")
        assert page.evaluate("typeof window.fflate") == "object"


def test_signs_beyond_latin_1_are_written_in_another_way_and_read_the_same(browser, tmp_path):
    spec = picture()
    wide = replace(spec, title="Wijk “Ŝtúr” → 𝓍 €", intro="≤ 330 woningen – “hier”")
    path = tmp_path / "kaart.html"
    path.write_text(render_page(wide), encoding="utf-8")
    assert max(map(ord, path.read_text("utf-8"))) <= 0xFF
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-klaar=ja]", state="attached")
        assert page.locator("h1").text_content() == wide.title
        assert page.locator("header .titel p").text_content() == wide.intro
        assert wide.title in page.title()


def test_background_withdraws_when_its_tiles_do_not_come(browser, tmp_path):
    path = tmp_path / "kaart.html"
    path.write_text(render_page(picture()), encoding="utf-8")
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-klaar=ja]", state="attached")
        page.locator("#achtergrond").select_option("grijs")
        page.wait_for_selector("#melding.zichtbaar:has-text('niet bereikbaar')")
        assert page.locator("#achtergrond").input_value() == ""


def test_equal_pictures_have_equal_bytes_and_vendored_files_their_hash():
    assert render_page(picture()) == render_page(picture())
    assert set(vendored()) == {"leaflet.js", "leaflet.css", "fflate.js", "Roboto-Regular.ttf", "Roboto-Bold.ttf"}
