// Start: unpack the layers, make the map, bind the controls.

function makeMap() {
  L.Control.Attribution.prototype.options.prefix = false;
  map = window[spec.map];
  Object.assign(map.options, { zoomAnimation: !noMotion, zoomSnap: 0.125 });
  tiles = new CanvasTiles({ minZoom: 8, maxZoom: 21 }).addTo(map);
  map.invalidateSize({ animate: false });
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(byId("kaartvak"));
  for (const credit of spec.credits) map.attributionControl.addAttribution(creditLink(credit));
  L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  map.zoomControl.remove();
  L.control.zoom({ position: "topright", zoomInTitle: "Inzoomen", zoomOutTitle: "Uitzoomen" }).addTo(map);
  map.on("click", (event) => {
    if (drawing) return;
    const number = discAt(event.containerPoint);
    if (number) return void chooseFeature(number.feature);
    const layer = themeLayer(), [x, y] = toGrid(layer, event.latlng);
    const reach = (12 * toGrid(layer, map.layerPointToLatLng([1, 0]))[0] - 12 * toGrid(layer, map.layerPointToLatLng([0, 0]))[0]);
    const found = pick(layer, x, y, Math.abs(reach), visible);
    if (spec.tool && toolOpen() && toggleUnitAt(event.latlng)) return;
    choose(found);
  });
  map.on("mousemove", (event) => point(event.latlng, event.containerPoint));
  map.on("mouseout", () => { byId("wijzer").hidden = true; });
  map.on("moveend", () => state.theme && writeLinkSoon());
  map.on("zoomanim", () => { zooming = true; });
  map.on("zoomend", () => {
    const go = waiting;
    zooming = false;
    waiting = null;
    if (go) go();
  });
}

let zooming = false;
/** @type {(() => void) | null} */
let waiting = null;

/** Move the map: at once, or after the zoom that it is in, as Leaflet does nothing of what it is asked meanwhile. @param {() => void} go */
function moveMap(go) {
  if (zooming) waiting = go;
  else go();
}

/** The numbered place whose disc lies under a click, if any. */
function discAt(point) {
  if (spec.tool && toolOpen()) return undefined;
  const places = startPlaces(), spots = discSpots({ layer: layerOf(spec.start && spec.start.layer), discs: places }, map.getZoom());
  const origin = map.getPixelBounds().min, at = point.add(origin);
  return places.find((_, k) => Math.hypot(spots[k].x - at.x, spots[k].y - at.y) <= DISC_PX + 2);
}

let pointing = 0;

/** Name what lies under the mouse, with the figure that colours it; only what a click shows too. */
function point(latlng, at) {
  cancelAnimationFrame(pointing);
  pointing = requestAnimationFrame(() => {
    const mode = toolOpen(), layer = mode ? units() : themeLayer(), box = byId("wijzer"), [x, y] = toGrid(layer, latlng);
    const i = drawing ? -1 : pick(layer, x, y, 0, mode ? () => true : visible);
    box.hidden = i < 0;
    if (i < 0) return;
    const about = layer.about.get(mode ? spec.tool.homes : view().column);
    const value = about.kind === "text" ? palette()[shownClasses()[i]].label : mode ? homesText(layer.column(about.name).value(i)) : aboutAs(layer, about, i);
    fill(box, h("strong", {}, said(layer.titleOf(i))), h("span", {}, said(value)));
    box.style.transform = `translate(${Math.min(at.x + 14, map.getSize().x - 220)}px,${at.y + 14}px)`;
  });
}

function drawBackgrounds() {
  fill(byId("achtergrond"), h("option", { value: "" }, "geen achtergrond"), spec.backgrounds.map((one) => h("option", { value: one.key }, one.label)));
}

/** A credit as Leaflet wants it: markup made from text, never taken from data. */
function creditLink(credit) {
  if (!credit.url) return h("span", {}, credit.text).outerHTML;
  return h("a", { href: credit.url, rel: "noopener", target: "_blank" }, credit.text).outerHTML;
}

function wholeExtent() {
  const outline = layerOf(theme().outlines[0]) || themeLayer();
  return boundsOf(outline, outline.box.length ? new Uint32Array(outline.n).map((_, i) => i) : []);
}

/** The room that the legend, the buttons and the sheet leave of the map, for bounds to fit in. */
function roomAround() {
  const box = byId("legendavak"), size = map.getSize();
  if (!isPhone.matches) return { paddingTopLeft: [box.offsetWidth < size.x / 2 ? box.offsetWidth + 24 : 12, 12], paddingBottomRight: [60, 12] };
  return { paddingTopLeft: [12, box.offsetHeight + 8], paddingBottomRight: [12, Math.min(sheetHeight(), 0.6 * size.y) + 8] };
}

const FULL_PX = 12, FREE_STEPS = 16, PLACES = [[0.5, 0.5], [1, 0.5], [0.5, 0], [1, 0]];

/** Where the whole study fits largest without lying under the legend: its zoom and the corner of the map [px]; null where the legend takes it all. */
function freePlace() {
  const size = map.getSize(), box = byId("legendavak"), layer = layerOf(theme().outlines[0]) || themeLayer(), bounds = wholeExtent();
  const west = box.offsetLeft - FULL_PX, top = box.offsetTop - FULL_PX, east = box.offsetLeft + box.offsetWidth + FULL_PX, bottom = box.offsetTop + box.offsetHeight + FULL_PX;
  const step = Math.max(1, Math.floor(layer.x.length / 4000)), full = map.getBoundsZoom(bounds, false, L.point(FULL_PX + 60, 2 * FULL_PX));
  const points = Array.from({ length: Math.ceil(layer.x.length / step) }, (_, k) => map.project(toLatLng(layer, layer.x[k * step], layer.y[k * step]), full));
  const corner = map.project(bounds.getNorthWest(), full), far = map.project(bounds.getSouthEast(), full);
  for (let less = 0; less < FREE_STEPS; less++) {
    const scale = 2 ** (-0.125 * less), spare = [size.x - 60 - FULL_PX - scale * (far.x - corner.x), size.y - 2 * FULL_PX - scale * (far.y - corner.y)];
    for (const [right, down] of PLACES) {
      const dx = FULL_PX + right * spare[0], dy = FULL_PX + down * spare[1];
      const under = points.some((at) => { const x = dx + scale * (at.x - corner.x), y = dy + scale * (at.y - corner.y); return x > west && x < east && y > top && y < bottom; });
      if (!under) return { zoom: full - 0.125 * less, at: corner.multiplyBy(scale).subtract([dx, dy]) };
    }
  }
  return null;
}

/** What was in view when the whole study was last shown. @type {any} */
let wholeView = null;

/** Show the whole study: as large as the legend leaves room for. */
function showWhole(animate = false) {
  const place = isPhone.matches ? null : freePlace();
  if (!place) map.fitBounds(wholeExtent(), { animate, ...roomAround() });
  else map.setView(map.unproject(place.at.add(map.getSize().divideBy(2)), place.zoom), place.zoom, { animate });
  wholeView = animate ? null : map.getBounds();
}

/** Show it again after the legend has changed, as long as the reader has not gone elsewhere. */
function keepWhole() {
  if (wholeView && wholeView.equals(map.getBounds())) moveMap(() => showWhole());
}

function drawSources() {
  fill(byId("bronnen"), h("ul", {}, spec.sources.map((one) => h("li", {}, h("strong", {}, said(one.title)), ": ",
    said([one.publisher, "editie " + one.edition, one.licence, one.note].filter(Boolean).join("; "))))));
}

/** The background that is shown, if any. @type {any} */
let shownBackground = null;

function background(key) {
  const wanted = spec.backgrounds.find((one) => one.key === key);
  if (shownBackground) shownBackground.remove();
  shownBackground = null;
  if (!wanted) return;
  let faults = 0;
  shownBackground = L.tileLayer(wanted.url, { attribution: h("span", {}, wanted.credit).innerHTML, maxZoom: 21, maxNativeZoom: wanted.maxZoom });
  shownBackground.setZIndex(0);
  shownBackground.on("tileerror", () => {
    if (++faults !== 3 || !shownBackground) return;
    shownBackground.remove();
    shownBackground = null;
    byId("achtergrond").value = "";
    announce("De achtergrondkaart is niet bereikbaar en is weer weggehaald.");
  });
  shownBackground.addTo(map);
}

/** Give the map the size of the paper, or of the screen again, with the same places in view. */
function fitPaper(paper, bounds) {
  document.documentElement.classList.toggle("drukt", paper);
  tiles.passes = passes();
  tiles.repaint();
  map.invalidateSize({ animate: false });
  map.fitBounds(bounds, { animate: false });
  tiles.flush();
}

function bind() {
  byId("tabelknop").addEventListener("click", toggleTable);
  byId("tabelsluit").addEventListener("click", () => { toggleTable(); byId("tabelknop").focus(); });
  byId("zoek").addEventListener("submit", search);
  byId("zoek").addEventListener("keydown", walkFound);
  byId("donker").setAttribute("aria-pressed", String(isDark()));
  byId("donker").addEventListener("click", toggleDark);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawColors);
  byId("heel").addEventListener("click", () => moveMap(() => showWhole(!noMotion)));
  byId("druk").addEventListener("click", () => window.print());
  byId("deel").addEventListener("click", toggleShare);
  byId("achtergrond").addEventListener("change", () => background(byId("achtergrond").value));
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && spec.tool && toolOpen() && !typing) {
      event.preventDefault();
      if (event.shiftKey) step("future", "past");
      else step("past", "future");
    }
    if (event.key !== "Escape") return;
    if (state.chosen >= 0) state.beside >= 0 ? compareWith(-1) : unchoose();
    else if (drawing) stopDrawing();
    else if (!byId("tabelvak").hidden) byId("tabelsluit").click();
    else if (toolOpen()) byId("toolsluit").click();
  });
  let seen = null;
  window.addEventListener("beforeprint", () => {
    seen = map.getBounds();
    fitPaper(true, seen.contains(wholeExtent()) ? wholeExtent().pad(0.02) : seen);
  });
  window.addEventListener("afterprint", () => fitPaper(false, seen));
  window.addEventListener("popstate", () => (document.getElementById(location.hash.slice(1)) ? writeLink() : follow())); // a jump within the page is no other map
}

/** Go where the link says, without opening the page anew. */
async function follow() {
  if (!(await turnTo(linkedTheme()))) return;
  const mine = turns.asked;
  await new Promise(requestAnimationFrame); // a zoom that was asked for begins in a frame
  if (mine < turns.asked) return;
  const place = readLink();
  if (before && before.theme === state.theme && before.chosen === state.chosen) before = null; // the way back was taken
  if (place) moveMap(() => map.setView([place[0], place[1]], place[2], { animate: false }));
  if (spec.tool) {
    openTool(new URLSearchParams(location.hash.slice(1)).has("samen"), false);
    drawTool();
  }
  drawStart();
  drawPanel();
  turns.shown = mine;
  refresh();
}

async function start() {
  await needed(linkedTheme());
  drawSources();
  drawPages();
  drawBackgrounds();
  makeMap();
  const place = readLink();
  if (place) map.setView([place[0], place[1]], place[2], { animate: false });
  bind();
  startSheet();
  if (spec.tool) startTool();
  drawStart();
  drawPanel();
  if (!place) showWhole();
  refresh();
  tiles.once("painted", async () => {
    document.body.dataset.klaar = "ja";
    await breathe();
    for (const name of spec.context) await need(name);
    if (spec.context.length) refresh();
    for (const { name } of spec.layers) await need(name);
  });
}

start().catch((why) => {
  byId("melding").textContent = "De kaart kon niet worden geopend: " + why.message;
  byId("melding").classList.add("zichtbaar");
  throw why;
});
