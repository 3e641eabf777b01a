"""Take the pictures of docs/gallery: every theme of the maps that lie under ``maps``, as a reader would see them.

Run ``kansenkaart run`` for the studies first, then ``python docs/make_gallery.py voorbeeld voorburg delft``. It needs
Chromium and the packages of the extra ``dev``. The pictures are small on purpose. The README of the gallery is written
too.
"""

from __future__ import annotations

import argparse
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ROOT / "docs" / "gallery"
SIZE, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
WIDE_PX, QUALITIES, MOST_BYTES = 1100, (55, 45, 35), 60_000
FLAGS = ["--no-sandbox", "--disable-gpu"]
TITLES = """(place) => [...document.querySelectorAll(place + ' button')].map((one) => one.textContent)"""


def save(page: Page, target: Path, *, wide_px: int = WIDE_PX) -> None:
    """Write what the page shows as a small picture.

    Raises
    ------
    ValueError
        If the picture is larger than the gallery allows.
    """
    picture = Image.open(io.BytesIO(page.screenshot()))
    small = picture.resize((wide_px, round(picture.height * wide_px / picture.width)), Image.Resampling.LANCZOS)
    for quality in QUALITIES:
        small.save(target, "WEBP", quality=quality, method=6)
        if target.stat().st_size <= MOST_BYTES:
            break
    else:
        raise ValueError(f"{target.name} is {target.stat().st_size} bytes, may be {MOST_BYTES}")


def pictures(page: Page, study: str) -> list[tuple[str, str]]:
    """Take one picture of each theme; give its title and file."""
    taken = []
    for title, alone in titles(page):
        if not alone:
            page.locator("#themas").get_by_role("button", name=title, exact=True).click()
        page.locator("#heel").click()
        page.wait_for_timeout(1500)
        page.evaluate("document.getElementById('melding').classList.remove('zichtbaar')")
        name = page.evaluate("new URLSearchParams(location.hash.slice(1)).get('thema')")
        save(page, GALLERY / f"{study}_{name}.webp")
        taken.append((title, f"{study}_{name}.webp"))
    return taken


def titles(page: Page) -> Iterator[tuple[str, bool]]:
    """Ask each question of the page in turn, and give the titles of the maps under it; a map alone has that of its question."""
    for question in page.evaluate(TITLES, "#vragen"):
        page.locator("#vragen").get_by_role("button", name=question, exact=True).click()
        page.wait_for_timeout(500)
        own = page.evaluate(TITLES, "#themas")
        yield from [(title, False) for title in own] or [(question, True)]


def chosen(page: Page, question: str, title: str) -> bool:
    """Open a map and choose the first row of its table; say whether the study has that map."""
    asked = page.locator("#vragen").get_by_role("button", name=question, exact=True)
    if not asked.count():
        return False
    asked.click()
    page.wait_for_timeout(500)
    button = page.locator("#themas").get_by_role("button", name=title, exact=True)
    if not button.count():
        return False
    button.click()
    page.wait_for_timeout(500)
    page.locator("#tabelknop").click()
    page.locator("#tabel tbody button").first.click()
    page.locator("#tabelsluit").click()
    page.wait_for_timeout(1500)
    return True


def states(browser: Any, address: str, study: str) -> Iterator[str]:
    """Take a roof, two places, an area of one's own and the first screen of a phone; give their part of the README."""
    page = browser.new_page(viewport=SIZE)
    page.goto(address)
    page.wait_for_selector("body[data-klaar=ja]", state="attached")
    page.wait_for_timeout(1500)
    if chosen(page, "Zon op daken", "Gebouwen"):
        save(page, GALLERY / f"{study}_dak.webp")
        yield f"**A roof**, with its faces and panels.\n\n![A roof]({study}_dak.webp)\n"
    if chosen(page, "Waar beginnen?", "Beste gebieden"):
        page.locator("#naast").select_option(index=1)
        page.wait_for_timeout(1500)
        save(page, GALLERY / f"{study}_naast.webp")
        yield f"**Two places side by side.**\n\n![Two places]({study}_naast.webp)\n"
    if page.locator("#rangorde .gebied").count():
        page.goto("about:blank")
        page.goto(f"{address}#samen=1")
        page.wait_for_selector("body[data-klaar=ja]", state="attached")
        page.locator("#rangorde .gebied").first.click()
        page.wait_for_timeout(1500)
        page.locator("#paneel").evaluate("it => it.scrollTo(0, 0)")
        save(page, GALLERY / f"{study}_samen.webp")
        yield f"**An area of one's own.**\n\n![An area of one's own]({study}_samen.webp)\n"
    page.close()
    phone = browser.new_page(viewport=PHONE, has_touch=True, is_mobile=True)
    phone.goto(address)
    phone.wait_for_timeout(3000)
    save(phone, GALLERY / f"{study}_telefoon.webp", wide_px=PHONE["width"])
    yield f"**On a phone.**\n\n![On a phone]({study}_telefoon.webp)\n"
    phone.close()


def gallery(browser: Any, study: str) -> str:
    """Take all pictures of a study; give its part of the README."""
    page = browser.new_page(viewport=SIZE)
    whole = ROOT / "maps" / f"{study}-intern"  # the pictures show panden too, where the whole edition was made
    address = ((whole if whole.is_dir() else ROOT / "maps" / study) / "index.html").as_uri()
    page.goto(address)
    page.wait_for_selector("body[data-klaar=ja]", state="attached")
    page.wait_for_timeout(1500)
    save(page, GALLERY / f"{study}.webp")
    heading = page.locator("h1").inner_text()
    parts = [f"## {heading}\n", f"What opens first.\n\n![{heading}]({study}.webp)\n"]
    parts += [f"**{title}**\n\n![{title}, {heading}]({file})\n" for title, file in pictures(page, study)]
    page.close()
    return "\n".join([*parts, *states(browser, address, study)])


def main() -> None:
    """Take the pictures of the studies named and write the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+")
    chosen = parser.parse_args()
    GALLERY.mkdir(exist_ok=True)
    for old in GALLERY.glob("*.webp"):
        old.unlink()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        parts = [gallery(browser, study) for study in chosen.studies]
        browser.close()
    head = "# Pictures of the map\n\nEvery theme of these studies, taken by `docs/make_gallery.py`; looked at one by one.\n"
    (GALLERY / "README.md").write_text("\n".join([head, *parts]), encoding="utf-8")


if __name__ == "__main__":
    main()
