"""Measure a map page of many buildings in a real browser: size, time to interactive, work, frames and memory.

Run ``python benchmarks/map.py`` for our page, ``--peers`` to draw the same buildings with stock folium in the same run, and
``--page maps/voorburg/index.html`` for a page that was made before. The last line is JSON: one row per tool. Interactive is when
the frame with the whole first picture has been handed over, by the page's own clock. ``cpu_s`` is the time that the page's main
thread ran on a processor until then, and ``renderer_cpu_s`` all threads of its process; ``worst_frame_ms`` is the longest time
between two frames while panning and zooming, ``worst_task_cpu_ms`` the most work in one turn of the main thread meanwhile, and
``click_ms`` the time from a click to the panel that explains:
where other programs keep the processors busy, as the row of an empty page tells, only the work says something of the page. The
buildings are invented: squares with a notch on a jittered grid.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import shapely
from playwright.sync_api import Browser, Page, Route, sync_playwright

from kansenkaart.present.mapspec import Column, Credit, Layer, MapSpec, Source, Story, Theme, View
from kansenkaart.present.render import render_page, vendored
from kansenkaart.present.style import ramp_classes

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FRAMES = """() => { window.gaps = []; let last = performance.now();
  const tick = (now) => { window.gaps.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick); }"""
READY = """const seen = () => requestAnimationFrame(() => setTimeout(() => { window.klaarAt ||= performance.now(); }));
const look = () => document.body && document.body.dataset.klaar === "ja" && seen();
new MutationObserver(look).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-klaar"] });
document.addEventListener("DOMContentLoaded", look);"""
WHEN = """() => new Promise((say) => {
  const look = () => (window.klaarAt ? say(window.klaarAt) : setTimeout(look, 5));
  look(); })"""
#: From a click on the middle of the map to the frame that shows the panel [ms]; zoomed in first, to hit a building.
CLICK = """() => new Promise((say) => {
  const at = kaart.getCenter(), began = performance.now();
  kaart.fire("click", { latlng: at, containerPoint: kaart.latLngToContainerPoint(at) });
  const shown = () => say(document.getElementById("detail").hidden ? -1 : performance.now() - began);
  requestAnimationFrame(() => setTimeout(shown)); })"""
PITCH_M = 16.0
EMPTY = "<!DOCTYPE html><title>leeg</title><body data-klaar=ja><p>Niets</p></body>"


def buildings(count: int) -> gpd.GeoDataFrame:
    """Make buildings of seven corners with eight attributes, from a fixed seed."""
    rng = np.random.default_rng(7)
    side = int(np.ceil(np.sqrt(count)))
    place = np.stack(np.unravel_index(np.arange(count), (side, side)), axis=1) * PITCH_M + [150_000.0, 450_000.0]
    outline = np.array([(0, 0), (9, 0), (9, 5), (6, 5), (6, 8), (0, 8), (0, 0)], float)
    turn = rng.uniform(0, np.pi, count)
    spin = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], axis=1).reshape(-1, 2, 2)
    corners = np.einsum("nij,kj->nki", spin, outline) * rng.uniform(0.8, 1.2, (count, 1, 1)) + place[:, None, :]
    return gpd.GeoDataFrame(
        {
            "pand": [f"0518100{one:09d}" for one in rng.permutation(count * 3)[:count]],
            "year": rng.integers(1880, 2024, count),
            "roof_m2": rng.gamma(4, 20, count).round(1),
            "kwh": rng.gamma(3, 1500, count).round(),
            "tilt": rng.integers(0, 60, count),
            "homes": rng.poisson(1, count),
            "use": rng.choice(["wonen", "winkel", "kantoor", "anders"], count),
            "basis": rng.choice(["lod22+dsm", "lod22", "footprint"], count),
        },
        geometry=shapely.polygons(corners),
        crs=28992,
    )


def blocks_over(frame: gpd.GeoDataFrame) -> Layer:
    """Make square blocks of 20 by 20 buildings over all of them."""
    west, south, east, north = frame.total_bounds
    side = 20 * PITCH_M
    shapes = [
        shapely.box(x, y, x + side, y + side)
        for x in np.arange(west, east, side)
        for y in np.arange(south, north, side)
    ]
    block = gpd.GeoDataFrame(
        {"block": [f"b{k}" for k in range(len(shapes))], "value": np.arange(len(shapes)) % 5},
        geometry=shapes,
        crs=frame.crs,
    )
    columns = (Column("block", "blok", "b", kind="text"), Column("value", "waarde", "b"))
    return Layer("blokken", "Blokken", "polygon", block, columns, "block", "block")


def our_page(frame: gpd.GeoDataFrame, *, context: bool = False) -> str:
    """Draw the buildings with the project's own page; with a context, as what lies over blocks of 400 buildings."""
    text = {"pand", "use", "basis"}
    columns = tuple(
        Column(name, name, "b", kind="text" if name in text else "number", decimals=int(name == "roof_m2"))
        for name in frame.columns
        if name != "geometry"
    )
    layer = Layer("panden", "Panden", "polygon", frame, columns, "pand", "pand")
    view = View("Zon", "kwh", ramp_classes([2000, 4000, 6000, 8000], list("abcde")))
    theme = Theme("zon", "Zon", "panden", (view,), Story("a", "b", "c"), ("kwh", "year"), ("pand", "kwh"))
    source = Source("b", "Verzonnen panden", "kansenkaart", "1", "EUPL-1.2")
    credit = Credit("-", "")
    spec = MapSpec("Meting", "meting", "1", "Verzonnen.", True, (layer,), (theme,), (source,), (credit,))
    if context:
        over = View("Waarde", "value", ramp_classes([1, 2, 3, 4], list("abcde")), signs=False)
        first = Theme("blokken", "Blokken", "blokken", (over,), Story("a", "b", "c"), ("value",), ("block", "value"))
        spec = replace(spec, layers=(blocks_over(frame), layer), themes=(first, theme), context=("panden",))
    return render_page(spec)


def folium_page(frame: gpd.GeoDataFrame) -> str:
    """Draw the same buildings the stock way: GeoJson with a style function."""
    world = frame.to_crs(4326)
    colors = np.array(["#fde725", "#5ec962", "#21918c", "#3b528b", "#440154"])
    world["color"] = colors[np.digitize(world["kwh"], [2000, 4000, 6000, 8000])]
    bounds = world.total_bounds
    page = folium.Map(location=[(bounds[1] + bounds[3]) / 2, (bounds[0] + bounds[2]) / 2], zoom_start=14, tiles=None)
    folium.GeoJson(
        world, style_function=lambda item: {"fillColor": item["properties"]["color"], "weight": 0.5, "fillOpacity": 0.8}
    ).add_to(page)
    ready = "<script>requestAnimationFrame(() => setTimeout(() => { document.body.dataset.klaar = 'ja'; }));</script>"
    return str(page.get_root().render()).replace("</html>", ready + "</html>")


def answer(route: Route) -> None:
    """Give stock folium the leaflet that it asks for; nothing else exists here."""
    name = Path(route.request.url).name
    if route.request.url.startswith("file:"):
        route.continue_()
    elif name in vendored():
        route.fulfill(body=vendored()[name], content_type="text/css" if name.endswith("css") else "text/javascript")
    else:
        route.fulfill(body="", content_type="text/css" if name.endswith("css") else "text/javascript")


def renderer(browser: Browser) -> int:
    """Give the process that draws the page: of the renderers, one of which is a spare, the one that holds most memory."""
    infos = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return max((int(one["id"]) for one in infos if one["type"] == "renderer"), key=resident_mib)


def resident_mib(process: int) -> float:
    """Give the resident memory of a process [MiB]."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(one for one in lines if one.startswith("VmRSS")).split()[1]) / 1024


def gestures(page: Page) -> None:
    """Pan with the mouse and zoom with the wheel."""
    for _ in range(3):
        page.mouse.move(900, 500)
        page.mouse.down()
        page.mouse.move(500, 300, steps=20)
        page.mouse.up()
    for step in (-400, -400, 400, 400):
        page.mouse.wheel(0, step)
        page.wait_for_timeout(700)


def worst_frame(page: Page) -> float:
    """Give the longest gap between frames during the gestures [ms]."""
    page.evaluate(FRAMES)
    gestures(page)
    return float(page.evaluate("Math.max(...window.gaps.slice(1))"))


def worst_task(browser: Browser, page: Page, process: int) -> float | None:
    """Give the most processor time that one task of the page's main thread takes during the gestures [ms]."""
    browser.start_tracing(page=page, categories=["toplevel"])
    gestures(page)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    tasks = [one for one in events if one["name"].endswith("RunTask") and one["pid"] == one["tid"] == process]
    return round(max(float(one.get("tdur", 0)) for one in tasks) / 1000, 1) if tasks else None


def click_ms(page: Page) -> float | None:
    """Give the time from a click to the panel that explains [ms]: the first click, when columns are still packed."""
    page.click("#heel")
    page.wait_for_timeout(1500)
    for step in range(20):
        page.evaluate(
            f"kaart.setView(kaart.getCenter(), 18, {{animate: false}}); kaart.panBy([{7 * step}, {3 * step}], {{animate: false}})"
        )
        page.wait_for_timeout(400)
        if (took := float(page.evaluate(CLICK))) >= 0:
            page.keyboard.press("Escape")
            page.click("#heel")
            page.wait_for_timeout(1500)
            return round(took, 1)
    return None


def measure(path: Path, tool: str, count: int, *, fragment: str = "", trace: bool = True) -> dict[str, Any]:
    """Open a page in a fresh browser and measure it."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        if tool != "kansenkaart":
            page.route("**/*", answer)
        page.add_init_script(READY)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(path.resolve().as_uri() + fragment, timeout=300_000, wait_until="commit")
        page.wait_for_selector("body[data-klaar=ja]", state="attached", timeout=300_000)
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        process = renderer(browser)
        click = click_ms(page) if tool == "kansenkaart" else None
        row = {
            "tool": tool,
            "features": count,
            "mb": round(path.stat().st_size / 1e6, 2),
            "interactive_s": round(page.evaluate(WHEN) / 1000, 2),
            "cpu_s": round(metrics["TaskDuration"], 2),
            "renderer_cpu_s": round(metrics["ProcessTime"], 2),
            "worst_frame_ms": round(worst_frame(page), 1),
            "click_ms": click,
            "renderer_mib": round(resident_mib(process)),
            "worst_task_cpu_ms": worst_task(browser, page, process) if trace else None,
            "load": os.getloadavg()[0],
        }
        browser.close()
    return row


def features_of(html: str) -> int:
    """Count the features of the largest layer of a page of ours."""
    return max(int(one) for one in re.findall(r'"kind":"(?:polygon|line|point)","n":(\d+)', html))


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=60_000)
    parser.add_argument("--peers", action="store_true", help="also draw with stock folium")
    parser.add_argument("--context", action="store_true", help="draw the buildings as context over blocks")
    parser.add_argument("--page", type=Path, help="measure this page of ours instead")
    parser.add_argument("--theme", default="", help="the theme to open that page with")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kaart.html"
        path.write_text(EMPTY, encoding="utf-8")
        rows = [measure(path, "empty page", 0)]
        if chosen.page:
            count = features_of(chosen.page.read_text("utf-8"))
            rows.append(
                measure(chosen.page, "kansenkaart", count, fragment=f"#thema={chosen.theme}" if chosen.theme else "")
            )
        else:
            frame = buildings(chosen.features)
            path.write_text(our_page(frame, context=chosen.context), encoding="utf-8")
            rows.append(measure(path, "kansenkaart", chosen.features))
            if chosen.peers:
                path.write_text(folium_page(frame), encoding="utf-8")
                rows.append(measure(path, "folium GeoJson", chosen.features, trace=False))
    for row in rows:
        print(row)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
