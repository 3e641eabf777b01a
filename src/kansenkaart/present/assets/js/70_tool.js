// The area tool: choose blocks, watch homes and gains add up against the target, rank the proposed areas.

const units = () => layerOf(spec.tool.layer);
const toolOpen = () => Boolean(spec.tool) && !byId("gereedschap").hidden;
const blocksText = (count) => counted(count, "blok", "blokken"), homesText = (count) => counted(count, "woning", "woningen");
/** Borders between blocks, by the places of the blocks. @type {{a: number, b: number, kind: BorderSpec, length: number, passable: boolean}[]} */
let neighbours = [];
/** What is being drawn. @type {any} */
let drawing = null;

function startTool() {
  const { a, b, kind, length, passable } = spec.tool.edges;
  neighbours = a.map((key, k) => ({ a: indexOf(units(), key), b: indexOf(units(), b[k]), kind: spec.tool.borders[kind[k]], length: length[k], passable: Boolean(passable[k]) }));
  byId("toolknop").hidden = false;
  byId("toolknop").addEventListener("click", () => {
    openTool(!toolOpen());
    if (toolOpen()) byId("gereedschap").querySelector("h2")?.focus();
  });
  byId("toolsluit").addEventListener("click", () => {
    openTool(false);
    byId("toolknop").focus();
  });
  drawTool();
  if (state.units.size || new URLSearchParams(location.hash.slice(1)).has("samen")) openTool(true, false);
}

/** What the map shows while an area is put together: no figures, but what is in it and what may be added. @type {LegendItem[]} */
const CHOICE = [{ letter: "", label: "kan erbij: + is het aantal woningen", color: "#dcecf1" }, { letter: "", label: "gekozen", color: "#2a7892" }];

function choiceClasses() {
  const out = new Uint8Array(units().n).fill(HIDDEN);
  for (const i of neighboursOfChoice()) out[i] = 0;
  for (const i of state.units) out[i] = 1;
  return out;
}

/** Enter or leave the mode of putting an area together; back leaves it too. */
function openTool(open, remember = true) {
  if (open === toolOpen()) return;
  if (open && remember) {
    writeLink();
    history.pushState(null, "", location.href);
  }
  byId("gereedschap").hidden = !open;
  byId("toolknop").setAttribute("aria-expanded", String(open));
  document.body.classList.toggle("samen", open);
  if (open && state.chosen >= 0) choose(-1);
  drawStart();
  drawLegend();
  openSheet(open ? 1 : 0);
  byId("paneel").scrollTo(0, 0);
  if (remember) refresh();
}

function drawTool() {
  const { tool } = spec;
  const slide = (event) => { state.target = Number(event.target.value); drawTotals(); drawRanking(); writeLinkSoon(); };
  fill(byId("toolinhoud"),
    h("p", {}, "Klik op blokken in de kaart, teken een vlak, of begin met een voorgesteld gebied."),
    h("div", { id: "totalen", "aria-live": "polite" }),
    h("p", { class: "knoppen" },
      h("button", { type: "button", id: "teken", "aria-pressed": "false", onclick: startDrawing }, "Teken een vlak"),
      h("button", { type: "button", id: "terug", disabled: !choices.past.length, onclick: () => step("past", "future") }, "Ongedaan maken"),
      h("button", { type: "button", id: "vooruit", disabled: !choices.future.length, onclick: () => step("future", "past") }, "Herhaal"),
      h("span", { id: "metkeuze", class: "knoppen" }, h("button", { type: "button", id: "leeg", onclick: () => { setUnits([]); byId("teken").focus(); } }, "Alles wissen"),
      h("button", { type: "button", id: "bewaar-geojson", onclick: saveGeojson }, "Bewaar als GeoJSON"),
      h("button", { type: "button", id: "bewaar-gebied", onclick: saveSelection }, "Bewaar als CSV"))),
    h("form", { id: "blokzoek", onsubmit: addByKey }, h("label", { for: "blok" }, "Blok toevoegen of weghalen"),
      h("input", { id: "blok", list: "blokken", autocomplete: "off" }), h("button", { type: "submit" }, "Wissel"),
      h("datalist", { id: "blokken" }, Array.from({ length: units().n }, (_, i) => h("option", { value: units().titleOf(i) })))),
    h("p", { class: "doel" }, h("label", { for: "doel" }, "Doel:"), " ", h("output", { id: "doelgetal", for: "doel" }, nl(state.target)), " woningen"),
    h("input", { type: "range", id: "doel", min: tool.targetLow, max: tool.targetHigh, step: 10, value: state.target, oninput: slide }),
    h("div", { id: "grenzen" }), h("div", { id: "rangorde" }));
  drawTotals();
  drawRanking();
}

/** Add up a column over the chosen blocks; a block that is unknown is counted apart, never as zero. */
function totalOf(name) {
  const column = units().column(name), scale = 10 ** column.about.decimals;
  let sum = 0, unknown = 0;
  for (const i of state.units) {
    const value = column.value(i);
    if (Number.isNaN(value)) unknown++;
    else sum += Math.round(value * scale);
  }
  return { sum: sum / scale, unknown };
}

function drawTotals() {
  const { tool } = spec, drawn = totalOf(tool.homes).sum, whole = proposedNow(), homes = whole ? areaHomes(whole) : drawn, off = homes - state.target;
  const word = Math.abs(off) <= tool.bandFrac * state.target ? "past bij het doel" : off < 0 ? nl(-off) + " te weinig" : nl(off) + " te veel";
  byId("doelgetal").textContent = nl(state.target);
  const rows = [...(homes === drawn ? [tool.homes] : []), ...tool.totals].map((name) => {
    const about = units().about.get(name), { sum, unknown } = totalOf(name);
    const some = unknown < state.units.size || !state.units.size;
    return h("div", {}, h("dt", {}, said(begun(about.label))), h("dd", { "data-totaal": name, "data-waarde": sum },
      some ? inSteps(about, sum, twoDigits(about, sum)) : "onbekend", unknown && some ? h("small", {}, blocksText(unknown) + " onbekend") : ""));
  });
  const origin = commonest([tool.homes, ...tool.totals].map((name) => originOf(units(), units().about.get(name))));
  const meter = h("meter", { min: 0, max: 2 * state.target, low: state.target * (1 - tool.bandFrac), high: state.target * (1 + tool.bandFrac), optimum: state.target, value: homes, "aria-label": "Woningen tegenover het doel" });
  byId("metkeuze").hidden = !state.units.size;
  fill(byId("totalen"), h("h3", {}, state.units.size ? blocksText(state.units.size) + " gekozen" : "Nog geen blok gekozen"),
    state.units.size ? [h("p", { class: "oordeel" }, homesText(homes) + ": " + word + (whole ? "" : loose())), homes === drawn ? "" : h("p", { class: "hint" }, "Dit voorgestelde gebied; in de gekozen blokken op de kaart: " + homesText(drawn) + "."), meter, h("dl", {}, staysOf(homes), rows), tool.fixed ? "" : h("p", { class: "hint" }, "Wat er in euro's blijft, is van een zelf gekozen gebied hier niet te zeggen: daarvoor staan er geen bedragen per blok in deze uitgave."), document.querySelector(".openbaar") ? h("p", { class: "hint" }, "Blokken met minder dan tien woningen staan niet in deze openbare uitgave, en tellen hier dus niet mee.") : "", origin ? h("p", { class: "hint" }, said(origin)) : ""] : "");
  drawBorders();
}

/** The proposed area of which all blocks and no others are chosen, if any. */
function proposedNow() {
  return spec.tool.areas.find((one) => one.units.length === state.units.size && areaUnits(one).every((i) => state.units.has(i)));
}

/** What stays in the chosen blocks, with its interval where areas of about that size tell it. @param {number} homes */
function staysOf(homes) {
  const { fixed, targetLow, targetHigh } = spec.tool, part = fixed && state.units.size ? totalOf(fixed.column) : null;
  if (!fixed || !part || part.unknown === state.units.size) return [];
  const bound = (rule) => rule[0] + rule[1] * part.sum + rule[2] * homes, middle = part.sum + fixed.value;
  const sure = fixed.low.length && homes >= targetLow && homes <= targetHigh;
  const [low, high] = sure ? [bound(fixed.low), bound(fixed.high)] : [NaN, NaN], step = sure ? stepOf(high - low) : 100, say = (value) => nl(rounded(value, step));
  const extent = extentOf([low, middle, high]);
  return [h("div", { class: "blijft" }, h("dt", {}, said(begun(fixed.label))), h("dd", {}, "ongeveer " + say(middle) + " euro per jaar",
    sure ? [h("small", {}, "tussen " + say(low) + " en " + say(high) + ", in 8 van de 10 berekeningen"), h("span", { class: "asblok", "aria-hidden": "true" }, intervalOn(extent, low, middle, high))] : "",
    h("small", {}, "naar verwachting, met de vaste kosten van \u00e9\u00e9n wijkbedrijf eraf; " + (sure ? "de marge is geschat naar die van de gebieden op deze kaart"
      : fixed.low.length ? "de marge is bekend bij " + nl(targetLow) + " tot " + nl(targetHigh) + " woningen" : "hoe zeker dat is, zegt een rapport"))))];
}

/** Say so when the chosen blocks are not one piece. */
function loose() {
  const pieces = countPieces();
  return pieces > 1 ? ", maar het zijn " + nl(pieces) + " losse stukken" : "";
}

/** The blocks that border on the chosen ones, where people can cross. */
function neighboursOfChoice() {
  const found = new Set();
  for (const { a, b, passable } of neighbours) if (passable && state.units.has(a) !== state.units.has(b)) found.add(state.units.has(a) ? b : a);
  return found;
}

function countPieces() {
  const left = new Set(state.units);
  let pieces = 0;
  while (left.size) {
    pieces++;
    const queue = [...left].slice(0, 1);
    left.delete(queue[0]);
    while (queue.length) {
      const at = queue.pop();
      for (const edge of neighbours) {
        const other = edge.a === at ? edge.b : edge.b === at ? edge.a : -1;
        if (other >= 0 && edge.passable && left.delete(other)) queue.push(other);
      }
    }
  }
  return pieces;
}

/** Why the border runs where it runs: its length by kind. */
function drawBorders() {
  const sums = new Map();
  for (const edge of neighbours) {
    if (state.units.has(edge.a) !== state.units.has(edge.b)) sums.set(edge.kind, (sums.get(edge.kind) || 0) + edge.length);
  }
  const rows = [...sums].sort((p, q) => q[1] - p[1]).map(([kind, length]) => h("li", {}, h("strong", {}, said(kind.label)), ": ", nl(length) + " m. ", said(kind.explanation)));
  fill(byId("grenzen"), state.units.size && rows.length ? [h("h3", {}, "Waarom deze grens"), h("ul", {}, rows)] : "");
}

/** Choices before the present one, and those that were undone. @type {{past: number[][], future: number[][]}} */
const choices = { past: [], future: [] };

/** Go back to the choice before, or forth again. @param {"past" | "future"} from @param {"past" | "future"} to */
function step(from, to) {
  const other = choices[from].pop();
  if (!other) return announce(from === "past" ? "Er is niets om ongedaan te maken." : "Er is niets om opnieuw te doen.");
  choices[to].push([...state.units]);
  return applyUnits(other);
}

function setUnits(indices) {
  choices.past.push([...state.units]);
  choices.future = [];
  applyUnits(indices);
}

function applyUnits(indices) {
  state.units = new Set(indices);
  byId("terug").disabled = !choices.past.length;
  byId("vooruit").disabled = !choices.future.length;
  drawTotals();
  refresh();
  announce(blocksText(state.units.size) + ", " + homesText(totalOf(spec.tool.homes).sum), true);
}

function toggleUnit(i) {
  const next = new Set(state.units);
  if (!next.delete(i)) next.add(i);
  setUnits(next);
}

function toggleUnitAt(latlng) {
  const [x, y] = toGrid(units(), latlng), i = pick(units(), x, y, 0, () => true);
  if (i >= 0) toggleUnit(i);
  return i >= 0;
}

function addByKey(event) {
  event.preventDefault();
  const asked = plain(byId("blok").value.trim()), titled = Array.from({ length: units().n }, (_, k) => k).find((k) => plain(String(units().titleOf(k))) === asked);
  const i = titled ?? indexOf(units(), byId("blok").value.trim());
  if (i < 0) announce("Dit blok bestaat niet in deze kaart.");
  else toggleUnit(i);
}

/** Draw a polygon: each click adds a corner, a double click closes it. */
function startDrawing() {
  const button = byId("teken");
  if (drawing) return stopDrawing();
  drawing = { corners: [], line: L.polyline([], { color: accent(), interactive: false }).addTo(map) };
  button.setAttribute("aria-pressed", "true");
  map.doubleClickZoom.disable();
  drawing.click = (event) => { drawing.corners.push(event.latlng); drawing.line.setLatLngs(drawing.corners); };
  drawing.close = () => {
    const corners = drawing.corners;
    stopDrawing();
    if (corners.length >= 3) setUnits(unitsInside(corners));
  };
  map.on("click", drawing.click).on("dblclick", drawing.close);
  return announce("Klik de hoeken aan; dubbelklik sluit het vlak.");
}

function stopDrawing() {
  map.off("click", drawing.click).off("dblclick", drawing.close);
  drawing.line.remove();
  drawing = null;
  byId("teken").setAttribute("aria-pressed", "false");
  setTimeout(() => map.doubleClickZoom.enable(), 400);
}

function unitsInside(corners) {
  const layer = units(), points = corners.map((corner) => toGrid(layer, corner)), found = [];
  for (let i = 0; i < layer.n; i++) {
    const [px, py] = middle(layer, i);
    let inside = false;
    for (let p = 0, q = points.length - 1; p < points.length; q = p++) {
      const [x1, y1] = points[p], [x2, y2] = points[q];
      if (y1 > py !== y2 > py && px < ((x2 - x1) * (py - y1)) / (y2 - y1) + x1) inside = !inside;
    }
    if (inside) found.push(i);
  }
  return found;
}

function saveGeojson() {
  const layer = units(), names = [spec.tool.homes, ...spec.tool.totals];
  const features = [...state.units].sort((a, b) => a - b).map((i) => ({
    type: "Feature", id: layer.keyOf(i), geometry: shapeOf(layer, i),
    properties: Object.fromEntries(names.map((name) => { const value = layer.column(name).value(i); return [name, Number.isNaN(value) ? null : value]; })),
  }));
  const about = { study: spec.study, edition: spec.edition, example: spec.example, sources: spec.sources };
  download(fileName("gebied", "geojson"), "application/geo+json", JSON.stringify({ type: "FeatureCollection", about, features }));
}

/** A polygon feature as GeoJSON in longitude and latitude. */
function shapeOf(layer, i) {
  const ring = (r) => {
    const points = [];
    for (let p = layer.pointStart[r]; p < layer.pointStart[r + 1]; p++) {
      const place = toLatLng(layer, layer.x[p], layer.y[p]);
      points.push([Number(place.lng.toFixed(6)), Number(place.lat.toFixed(6))]);
    }
    return [...points, points[0]];
  };
  const parts = [];
  for (let k = layer.partStart[i]; k < layer.partStart[i + 1]; k++) {
    parts.push(Array.from({ length: layer.ringStart[k + 1] - layer.ringStart[k] }, (_, r) => ring(layer.ringStart[k] + r)));
  }
  return { type: "MultiPolygon", coordinates: parts };
}

function saveSelection() {
  const layer = units(), names = [layer.key, spec.tool.homes, ...spec.tool.totals], about = names.map((name) => layer.about.get(name));
  const rows = [...state.units].sort((a, b) => a - b).map((i) => names.map((name) => layer.column(name).value(i)));
  const head = about.map((one) => one.label + (unitText(one.unit) ? " (" + unitText(one.unit) + ")" : ""));
  download(fileName("gebied", "csv"), "text/csv;charset=utf-8", csvText([head, about.map((one) => originOf(layer, one)), ...rows]));
}
