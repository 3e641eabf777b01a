"""Measure a map page of many buildings in a real browser: size, time to interactive, work, frames and memory.

Run ``python benchmarks/map.py`` for our page, ``--peers`` to draw the same buildings with stock folium in the same run. The last
line is JSON: one row per tool. ``cpu_s`` is the task time of the page's main thread until interactive; ``worst_frame_ms`` the
longest time between two frames while panning and zooming. The buildings are invented: squares with a notch on a jittered grid.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
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

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
FRAMES = """() => { window.gaps = []; let last = performance.now();
  const tick = (now) => { window.gaps.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick); }"""
PITCH_M = 16.0


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


def our_page(frame: gpd.GeoDataFrame) -> str:
    """Draw the buildings with the project's own page."""
    text = {"pand", "use", "basis"}
    columns = tuple(Column(name, name, "b", kind="text" if name in text else "number", decimals=int(name == "roof_m2"))
                    for name in frame.columns if name != "geometry")  # fmt: skip
    layer = Layer("panden", "Panden", "polygon", frame, columns, "pand", "pand")
    view = View("Zon", "kwh", ramp_classes([2000, 4000, 6000, 8000], list("abcde")))
    theme = Theme("zon", "Zon", "panden", (view,), Story("a", "b", "c"), ("kwh", "year"), ("pand", "kwh"))
    source = Source("b", "Verzonnen panden", "kansenkaart", "1", "EUPL-1.2")
    credit = Credit("-", "")
    return render_page(MapSpec("Meting", "meting", "1", "Verzonnen.", True, (layer,), (theme,), (source,), (credit,)))


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


def resident_mib(browser: Browser) -> float:
    """Give the resident memory of the largest renderer [MiB]."""
    session = browser.new_browser_cdp_session()
    infos = session.send("SystemInfo.getProcessInfo")["processInfo"]
    sizes = [0.0]
    for info in infos:
        status = Path(f"/proc/{info['id']}/status")
        if info["type"] == "renderer" and status.exists():
            line = next(one for one in status.read_text().splitlines() if one.startswith("VmRSS"))
            sizes.append(int(line.split()[1]) / 1024)
    return max(sizes)


def worst_frame(page: Page) -> float:
    """Pan with the mouse and zoom with the wheel; give the longest gap between frames [ms]."""
    page.evaluate(FRAMES)
    for _ in range(3):
        page.mouse.move(900, 500)
        page.mouse.down()
        page.mouse.move(500, 300, steps=20)
        page.mouse.up()
    for step in (-400, -400, 400, 400):
        page.mouse.wheel(0, step)
        page.wait_for_timeout(700)
    return float(page.evaluate("Math.max(...window.gaps.slice(1))"))


def measure(html: str, tool: str, count: int) -> dict[str, Any]:
    """Open a page in a fresh browser and measure it."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "kaart.html"
        path.write_text(html, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        if tool != "kansenkaart":
            page.route("**/*", answer)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(path.as_uri(), timeout=300_000, wait_until="commit")
        page.wait_for_selector("body[data-klaar=ja]", state="attached", timeout=300_000)
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        row = {
            "tool": tool, "features": count, "mb": round(path.stat().st_size / 1e6, 2),
            "interactive_s": round(metrics["Timestamp"] - metrics["NavigationStart"], 2),
            "cpu_s": round(metrics["TaskDuration"], 2), "worst_frame_ms": round(worst_frame(page), 1),
            "renderer_mib": round(resident_mib(browser)),
        }  # fmt: skip
        browser.close()
    return row


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=60_000)
    parser.add_argument("--peers", action="store_true", help="also draw with stock folium")
    chosen = parser.parse_args()
    frame = buildings(chosen.features)
    rows = [measure(our_page(frame), "kansenkaart", chosen.features)]
    if chosen.peers:
        rows.append(measure(folium_page(frame), "folium GeoJson", chosen.features))
    for row in rows:
        print(row)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
