"""A page opened as a file with the network off."""

from __future__ import annotations

import pytest

from kansenkaart.present.render import render_page
from tests.present.pictures import picture


@pytest.fixture
def opened(contexts, tmp_path):
    """Open a picture; afterwards there must be no console error, no page error and no request beyond the file."""
    seen: list[str] = []
    pages = []

    def opener(spec=None, *, html=None, fragment="", before="", width=1400, height=900, **options):
        path = tmp_path / "kaart.html"
        path.write_text(html or render_page(spec or picture()), encoding="utf-8")
        page = contexts(**options).new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.on("console", lambda message: seen.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(("file:", "blob:")) else seen.append(asked.url))
        if before:
            page.add_init_script(before)
        page.goto(path.as_uri() + fragment)
        if html is None:
            page.wait_for_selector("body[data-klaar=ja]", state="attached")
        return page

    opener.expected = []
    yield opener
    for page in pages:
        page.close()
    assert [one for one in seen if not any(word in one for word in opener.expected)] == []
