// The panel beside the map: themes, story, ways to colour, legend, and the feature that was chosen.

/** Show another theme. */
async function openTheme(key) {
  if (!(await turnTo(themeOf(key) || theme()))) return false;
  turns.shown = turns.asked;
  if (toolOpen()) openTool(false, false); // another map is asked for: the mode is left, what was chosen stays
  Object.assign(state, { theme: key, view: 0, hidden: new Set(), without: new Set(), chosen: -1, beside: -1 });
  drawStart();
  drawPanel();
  byId("paneel").scrollTo(0, 0);
  keepWhole();
  refresh();
  announce("Kaart: " + theme().title, true);
  return true;
}

function drawPanel() {
  drawThemes();
  drawStory();
  drawViews();
  drawLegend();
  drawFilter();
  drawDetail();
  drawTable();
}

/** The questions of a reader, and under the one that is asked its maps. */
function drawThemes() {
  const asked = theme().question, pressed = document.activeElement?.closest("#vragen button, #themas button")?.textContent, firsts = Object.entries(spec.questions)
    .map(([key, words]) => ({ key, words, first: spec.themes.find((one) => one.question === key) }));
  fill(byId("vragen"), firsts.map(({ key, words, first }) => first && h("button", {
    type: "button", "aria-pressed": String(key === asked), onclick: () => openTheme(first.key),
  }, words)));
  const shown = spec.themes.filter((one) => !asked || one.question === asked);
  fill(byId("themas"), (shown.length > 1 ? shown : []).map((one) => h("button", {
    type: "button", "aria-pressed": String(one.key === state.theme), onclick: () => openTheme(one.key),
  }, one.title)));
  /** @type {NodeListOf<HTMLElement>} */
  const buttons = document.querySelectorAll("#vragen button, #themas button");
  if (pressed) [...buttons].find((one) => one.textContent === pressed)?.focus(); // the keyboard stays where it was
}

function drawStory() {
  const { story } = theme();
  const part = (title, text) => (text ? [h("h3", {}, title), h("p", {}, said(text))] : []);
  fill(byId("verhaal"), story.finding ? h("p", { class: "oog" }, said(theme().title)) : "", h("h2", {}, said(story.finding || theme().title)), h("p", { class: "kern" }, said(story.shows)),
    drawTop(), h("details", {}, h("summary", {}, "Hoe lees ik dit, en wat zegt het niet?"),
      part("Zo leest u de kaart", story.reading), part("Wat de kaart niet zegt", story.limits),
      part("Hoe het is berekend", story.method)));
}

const MOST_TOP = 5;

/** The figure by which the highest places are named: what colours the map, or what the theme says first. */
function topColumn() {
  const layer = themeLayer(), usable = (name) => {
    const about = layer.about.get(name);
    return about && about.kind === "number" && !["rank", "homes", "people"].includes(name) && about.unit !== "jaartal";
  };
  return layer.kind !== "line" && layer.n > 1 ? [view().column, theme().headline, ...theme().lead].find(usable) : undefined;
}

/** The places with most of it, on one axis, each a way to its place on the map. */
function drawTop() {
  const layer = themeLayer(), name = topColumn();
  if (state.chosen >= 0 || !byId("begin").hidden) return "";
  if (!name) return drawShares();
  const about = layer.about.get(name), column = layer.column(name), most = [], ranked = view().column === "rank", rank = layer.column(view().column);
  for (let i = 0; i < layer.n; i++) {
    const value = column.value(i), order = ranked ? -rank.value(i) : value;
    if (value === null || Number.isNaN(value) || (most.length === MOST_TOP && order <= most[MOST_TOP - 1].order)) continue;
    most.push({ i, value, order });
    most.sort((a, b) => b.order - a.order);
    most.length = Math.min(most.length, MOST_TOP);
  }
  if (most.length < 2) return "";
  if (new Set(most.map((one) => layer.titleOf(one.i))).size < 3 && most.length > 2) return drawShares(); // names that tell nothing apart
  const rows = most.map(({ i, value }) => ({ i, value, low: numberOf(layer, i)(name + "_low"), high: numberOf(layer, i)(name + "_high") }));
  const sure = rows.every((one) => Number.isFinite(one.low) && Number.isFinite(one.high)), extent = extentOf(rows.flatMap((one) => (sure ? [one.low, one.high] : [one.value])));
  const bar = (one) => (sure ? intervalOn(extent, one.low, one.value, one.high, about.unit.startsWith("euro"))
    : h("span", { class: "as" }, piece("staaf " + (one.value < 0 ? "min" : "plus"), extent, Math.min(one.value, 0), Math.max(one.value, 0)), piece("nul", extent, 0)));
  const unit = unitText(about.unit), said_ = (one) => aboutAs(layer, about, one.i).replace(unit ? "\u00a0" + unit : "\u0000", "").replace("ongeveer ", "");
  const equal = sure && Math.min(...rows.map((one) => one.high)) >= Math.max(...rows.map((one) => one.low));
  return [h("h3", {}, (ranked ? "De eerste " : "De hoogste ") + (["", "", "twee", "drie", "vier", "vijf"][rows.length]) + ": ", h("small", { class: "naast-kop" }, said(about.label + (unit ? ", " + unit : "")))),
    h("ul", { class: "assen hoogste" }, rows.map((one) => h("li", {}, h("button", { type: "button", onclick: () => choose(one.i, { move: true }), "aria-label": layer.titleOf(one.i) + ": " + aboutAs(layer, about, one.i) },
      h("span", { class: "naam" }, said(begun(layer.titleOf(one.i)))), bar(one), h("span", { class: "kans" }, said_(one)))))),
    equal ? h("p", { class: "hint" }, "De marges overlappen: deze plekken verschillen minder dan wat we weten.") : ""];
}

/** How the features are divided over the classes of the view: where no figure of theirs makes a row. */
function drawShares() {
  const counts = new Uint32Array(palette().length), { n } = themeLayer();
  for (const code of shownClasses()) counts[code]++;
  const rows = palette().map((item, code) => ({ item, count: counts[code] })).filter((one) => one.count);
  if (rows.length < 2) return "";
  return [h("h3", {}, "Verdeling: ", h("small", { class: "naast-kop" }, "deel van de " + nl(n))), h("ul", { class: "assen hoogste" }, rows.map(({ item, count }) => {
    const bar = piece("staaf", { least: 0, most: n }, 0, count);
    bar.style.background = item.color;
    return h("li", { class: "rij" }, h("span", { class: "naam" }, said(begun(item.label))), h("span", { class: "as", "aria-hidden": "true" }, bar), h("span", { class: "kans" }, count / n < 0.01 ? "< 1%" : nl((100 * count) / n) + "%"));
  }))];
}

function drawViews() {
  const { views } = theme();
  if (views.length < 2) return fill(byId("weergaven"));
  return fill(byId("weergaven"), h("label", { for: "weergave" }, "Kleur naar"),
    h("select", { id: "weergave", onchange: (event) => chooseView(Number(event.target.value)) },
      views.map((one, i) => h("option", { value: i, selected: i === state.view }, begun(one.label)))));
}

function chooseView(place) {
  Object.assign(state, { view: place, hidden: new Set() });
  drawStory();
  drawViews();
  drawLegend();
  drawDetail();
  drawTable();
  refresh();
  byId("weergave").focus();
  announce("Kleur naar: " + view().label, true);
}

/** A label at the start of a line; as capital of wording/nl.py. */
const begun = (text) => (text.startsWith("\u00e9\u00e9") ? "E" : text.charAt(0).toUpperCase()) + text.slice(1);

/** The filter by basis: what a figure was made from, each with a switch. */
function drawFilter() {
  const texts = filterTexts(), box = byId("filter");
  box.hidden = texts.length < 2;
  if (box.hidden) return fill(box);
  const counts = new Map();
  for (let i = 0; i < themeLayer().n; i++) counts.set(filterText(i), (counts.get(filterText(i)) || 0) + 1);
  const flip = (text) => {
    if (!state.without.delete(text)) state.without.add(text);
    if (state.chosen >= 0 && !visible(state.chosen)) state.chosen = -1;
    drawDetail();
    drawTable();
    refresh();
  };
  const rows = texts.map((text, k) => h("li", {}, h("input", { type: "checkbox", id: "filter" + k, checked: !state.without.has(text), onchange: () => flip(text) }),
    h("label", { for: "filter" + k }, said(text ? inWords(text, theme().filter_column) : "onbekend"), " (" + nl(counts.get(text)) + ")")));
  return fill(box, h("h3", {}, begun(themeLayer().about.get(theme().filter_column).label)), h("p", { class: "hint" }, "Waar het cijfer van is gemaakt. Vink uit wat u niet wilt meenemen."),
    h("ul", { class: "vinkjes" }, rows));
}

/** The legend doubles as a filter: every class is a switch. */
function drawLegend() {
  if (toolOpen()) return void fill(byId("legenda"), h("h2", {}, "Uw gebied"), h("ul", { class: "klassen" }, CHOICE.map(onScreen).map((item) => h("li", { class: "klasse" }, swatch(item), h("span", {}, item.label)))));
  const counts = new Uint32Array(palette().length), layer = themeLayer();
  for (const code of shownClasses()) counts[code]++;
  const about = layer.about.get(view().column), unit = unitText(about.unit);
  const isRank = view().column === "rank", blank = palette().every((item, code) => item.hatch || !counts[code]), filled = counts.filter(Boolean).length, sure = Boolean(layer.about.get(about.name + "_low"));
  const remark = !sure || layer.n < 2 ? "" : filled === 1 ? "Alles heeft \u00e9\u00e9n kleur: de verschillen zijn kleiner dan wat we weten." : "E\u00e9n kleur verschil kan binnen de onzekerheid vallen.";
  const rows = palette().map((item, code) => (counts[code] || (!blank && code < view().classes.length)) && h("li", {}, h("button", {
    type: "button", class: "klasse" + (counts[code] ? "" : " leeg"), "aria-pressed": String(!state.hidden.has(code)), onclick: () => toggleClass(code),
  }, swatch(item), h("span", {}, said(item.label)), isRank ? "" : h("span", { class: "aantal" }, nl(counts[code]), h("span", { class: "verborgen" }, " op de kaart")))));
  const open = byId("legenda").querySelector("details[open]") !== null;
  fill(byId("legenda"), h("div", { class: "legendakop" }, h("h2", {}, said(begun(view().label)), unit ? [" ", h("small", {}, said(unit))] : ""), isRank ? "" : h("small", { class: "aantal", "aria-hidden": "true" }, "aantal")),
    h("ul", { class: "klassen" }, rows.filter(Boolean)), remark ? h("p", { class: "hint" }, remark) : "",
    h("details", { open }, h("summary", {}, "Bron en uitleg"),
      h("p", { class: "herkomst" }, said(originOf(layer, about))),
      view().note ? h("p", { class: "herkomst" }, said(view().note)) : "",
      h("p", { class: "hint" }, "Klik op een klasse om die te verbergen of weer te tonen.")));
}

/** A link to a file beside this page. */
const fileLink = (label, path) => h("a", { href: path, target: "_blank", rel: "noopener" }, said(label));

function swatch(item) {
  if (view().column === "rank" && !item.hatch && !toolOpen()) return h("span", { class: "rang", "aria-hidden": "true" }, item.letter);
  if (themeLayer().kind === "line" && !toolOpen()) return lineSwatch(item);
  const signed = view().signs || item.hatch || /[A-E]/.test(item.letter);
  const mark = h("span", { class: "staal" + (item.hatch ? " onbekend" : ""), "aria-hidden": "true" }, signed ? item.letter : "");
  mark.style.background = item.color;
  mark.style.color = dark(item.color) ? "#fff" : "#1a2230";
  return mark;
}

/** A piece of line as the map draws it. */
function lineSwatch(item) {
  const ratio = 2, canvas = h("canvas", { class: "lijnstaal", width: 34 * ratio, height: 12 * ratio, "aria-hidden": "true" }), pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.beginPath();
  pen.moveTo(2, 6);
  pen.lineTo(32, 6);
  paintLine(pen, item, 16.2, "");
  return canvas;
}

function dark(color) {
  const [r, g, b] = channels(color);
  return 0.299 * r + 0.587 * g + 0.114 * b < 130;
}

function toggleClass(code) {
  if (!state.hidden.delete(code)) state.hidden.add(code);
  if (state.chosen >= 0 && !visible(state.chosen)) state.chosen = -1;
  const place = [...document.querySelectorAll("#legenda .klasse")].findIndex((one) => one === document.activeElement);
  drawLegend();
  /** @type {NodeListOf<HTMLElement>} */
  const buttons = document.querySelectorAll("#legenda .klasse");
  if (place >= 0 && buttons[place]) buttons[place].focus();
  drawDetail();
  drawTable();
  refresh();
}

/** What was shown before a place was chosen. @type {any} */
let before = null;

/** Keep what is shown now, for the way back. */
function remember() {
  before = { theme: state.theme, view: state.view, chosen: state.chosen, centre: map.getCenter(), zoom: map.getZoom() };
  writeLink();
  history.pushState(null, "", location.href);
}

/** Choose a place of a theme, which may be another one: back leads to what is shown now. @param {string} key @param {number} i */
async function goTo(key, i) {
  remember();
  if (key !== state.theme && !(await openTheme(key))) return;
  choose(i, { move: true, fresh: false });
}

/** Choose a feature of the theme: the panel explains it at its top, and the map goes there where it is small or out of sight. */
function choose(i, { move = false, fresh = true } = {}) {
  turns.shown = ++turns.asked; // what was still being unpacked is no longer asked for
  if (fresh && i >= 0 && state.chosen < 0) remember();
  Object.assign(state, { chosen: i, beside: -1 });
  drawDetail();
  drawStart();
  markRow();
  refresh();
  keepFocus(i >= 0 ? "#detail .sluit" : "#toonbegin");
  if (i < 0) return;
  byId("paneel").scrollTo(0, 0);
  openSheet(1);
  const bounds = boundsOf(themeLayer(), [i]), whole = map.getSize(), corner = (at) => map.latLngToContainerPoint(at);
  const size = corner(bounds.getSouthEast()).subtract(corner(bounds.getNorthWest()));
  const small = size.x < whole.x / 6 && size.y < whole.y / 6;
  if (move || small || isPhone.matches) moveMap(() => map.fitBounds(bounds.pad(0.25), { ...roomAround(), maxZoom: theme().parts[0] ? 20 : 18, animate: !noMotion }));
  announce("Gekozen: " + themeLayer().titleOf(i), true);
}

/** Where what had the keyboard is gone, give that to something that is there; else to the panel as a whole. @param {string} selector */
function keepFocus(selector) {
  const now = document.activeElement, seen = (one) => Boolean(one) && one.getClientRects().length > 0;
  if (now !== document.body && seen(now)) return;
  /** @type {HTMLElement | null} */
  const found = document.querySelector(selector);
  (found && seen(found) ? found : byId("paneel")).focus({ preventScroll: true });
}

/** Leave the chosen place: map and panel go back to what they showed. */
async function unchoose() {
  const at = before;
  before = null;
  if (at && at.theme !== state.theme) {
    if (!(await openTheme(at.theme))) return;
    state.view = at.view;
    drawPanel();
  }
  choose(at ? at.chosen : -1, { fresh: false });
  if (at) moveMap(() => map.setView(at.centre, at.zoom, { animate: !noMotion }));
}

/** The column that the panel says first: what a theme is about, else what colours the map. */
const leadColumn = () => theme().headline || view().column;

/** The figures of a feature by name; NaN where it has none or the layer lacks it. @param {LayerData} layer @param {number} i */
const numberOf = (layer, i) => (name) => (layer.about.get(name) && layer.about.get(name).kind === "number" ? layer.column(name).value(i) : NaN);

/** The figure that colours the map, as roundly as its interval is wide, with that interval on an axis. */
function leadOf(layer, i) {
  const about = layer.about.get(leadColumn()), value = layer.column(about.name).value(i), of = numberOf(layer, i);
  const low = of(about.name + "_low"), high = of(about.name + "_high"), item = palette()[shownClasses()[i]], chance = of("earns_keep_frac");
  const known = value !== null && !Number.isNaN(value), sure = known && !Number.isNaN(low) && !Number.isNaN(high), say = spanWords(layer, about, i);
  const words = about.kind === "text" && known && item.letter === value ? (value === "?" ? "" : item.letter + ": ") + item.label : sure ? "ongeveer " + withUnit(say(value), about.unit) : aboutAs(layer, about, i);
  const lines = [h("p", { class: "klassezin" }, said(begun(about.name === view().column ? view().label : about.label)), h("strong", { class: known && value < 0 ? "tekort" : null }, said(words)))];
  if (!known && item.label !== "onbekend") lines.push(h("p", { class: "hint" }, said(item.label)));
  if (sure) {
    const extent = extentOf([low, high]), scale = scaleOf(extent), skew = Math.max(high - value, value - low) > 2 * Math.min(high - value, value - low);
    lines.push(h("p", { class: "hint" }, "Tussen " + say(low) + " en " + say(high) + ", in 8 van de 10 berekeningen."
      + (skew ? (value - low > high - value ? " Tegenvallen is waarschijnlijker dan meevallen." : " Meevallen is waarschijnlijker dan tegenvallen.") : "") + (scale.thousands ? " De as is in duizend " + about.unit.split(" ")[0] + "." : "")),
    h("div", { class: "asblok", "aria-hidden": "true" }, intervalOn(extent, low, value, high, about.unit.startsWith("euro")), scale.marks));
  }
  if (!Number.isNaN(chance)) lines.push(chanceDots(chance));
  return lines;
}

/** Who wins and who pays, and the months: what is drawn of a feature where its theme has it. */
function drawnOf(layer, i) {
  const of = numberOf(layer, i), parties = theme().parties.map((name) => ({ label: layer.about.get(name).label, value: of(name), width: of(name + "_high") - of(name + "_low") }));
  const about = layer.about.get(leadColumn()), isAmount = about.kind === "number" && about.name !== "rank" && about.unit !== "jaartal";
  return [besideBuurt(layer, i), parties.some((one) => Number.isFinite(one.value)) ? [h("h3", {}, "Wie wint, wie betaalt"), signedBars(parties), h("p", { class: "hint" }, "Euro per jaar, naar verwachting. Wat in de buurt blijft, is van bewoners en wijkbedrijf samen. Leveranciers en de bank staan er niet bij.")] : "",
    isAmount && layer.n > 2 ? amongOthers(layer, about.name, i) : ""];
}

/** What stays per home, here, in the buurt around it and in the middle of all: only so do places of different sizes compare. @param {LayerData} layer @param {number} i */
function besideBuurt(layer, i) {
  const name = "stays_eur_per_year", around = layerOf("wijkbedrijf_buurt");
  if (theme().headline !== name || !around || around === layer || !around.about.get("homes")) return "";
  const [mx, my] = middle(layer, i), [x, y] = toGrid(around, toLatLng(layer, mx, my)), at = pick(around, x, y, 0, () => true);
  const each = (one, k) => ["_low", "", "_high"].map((end) => numberOf(one, k)(name + end) / numberOf(one, k)("homes"));
  const all = Array.from({ length: layer.n }, (_, k) => each(layer, k)[1]).filter(Number.isFinite).sort((a, b) => a - b);
  if (at < 0 || all.length < 3 || ![...each(layer, i), ...each(around, at)].every(Number.isFinite)) return "";
  /** @type {[string, number[]][]} */
  const rows = [["Hier", each(layer, i)], ["Hele buurt " + around.titleOf(at), each(around, at)], ["Midden van alle " + nl(all.length), [NaN, all[all.length >> 1], NaN]]];
  const extent = extentOf(rows.flatMap(([, values]) => values)), step = stepOf(extent.most - extent.least);
  return [h("h3", {}, "Per woning, naast de buurt"), h("ul", { class: "assen hoogste" }, rows.map(([label, [low, mid, high]]) => h("li", { class: "rij" }, h("span", { class: "naam" }, said(label)),
    Number.isFinite(low) ? intervalOn(extent, low, mid, high) : h("span", { class: "as" }, piece("nul", extent, 0), piece("stip", extent, mid)), h("span", { class: "kans" }, nl(rounded(mid, extent.most - extent.least > 100 ? step : 1)))))),
    h("p", { class: "hint" }, "Euro per woning per jaar; band: 8 van de 10 berekeningen.")];
}

function drawDetail() {
  const box = byId("detail"), layer = themeLayer(), i = state.chosen;
  box.hidden = i < 0;
  document.body.classList.toggle("vergelijkt", i >= 0 && state.beside >= 0);
  if (i < 0) return fill(box);
  if (state.beside >= 0) return drawCompare(box, layer);
  const open = box.querySelector("details[open]") !== null;
  const files = (layer.links || []).map((one) => [one.label, layer.column(one.column).value(i)]).filter(([, path]) => path);
  const columns = theme().popup.map((name) => layer.about.get(name));
  const isSentence = (about) => about.name.endsWith("_nl");
  const sentences = columns.filter((about) => isSentence(about) && layer.column(about.name).value(i))
    .flatMap((about) => [h("h3", {}, said(begun(about.label))), h("p", { class: "zin" }, said(layer.column(about.name).value(i)))]);
  const row = (about, small) => h("div", {}, h("dt", { title: about.definition || null }, said(begun(about.label))),
    h("dd", {}, said(aboutAs(layer, about, i)), small ? h("small", {}, said(small)) : ""));
  const figures = columns.filter((about) => !isSentence(about)), origins = figures.map((about) => originOf(layer, about, i)), most = commonest(origins);
  const rows = figures.map((about, k) => row(about, origins[k] === most ? "" : origins[k]));
  const first = theme().lead.filter((name) => name !== leadColumn()).map((name) => row(layer.about.get(name), ""));
  const roof = theme().parts[0] && layer.about.get("modules_fit") ? roofOf(layer, i) : null;
  return fill(box, h("div", { class: "kop" }, h("button", { type: "button", class: "sluit", "aria-label": "Sluit en ga terug", onclick: unchoose }, "\u2039 Terug"), h("small", {}, said(layer.label))),
    h("h2", {}, said(begun(layer.titleOf(i)))),
    roof || [leadOf(layer, i), theme().parties.length ? "" : sentences, h("dl", { class: "eerste" }, first)],
    h("div", { class: "knoppen" }, files.map(([label, path]) => fileLink(label, path)), elsewhere(layer, i), layer.n > 1 && layer.kind === "polygon" ? compareList(layer, i) : ""),
    roof ? "" : drawnOf(layer, i), theme().parties.length ? sentences : "", h("details", { open }, h("summary", {}, "Alle cijfers, met jaar en bron"), most ? h("p", { class: "hint" }, "Waar niets anders staat: ", said(most), ".") : "", h("dl", {}, rows)));
}

/** The text that stands most often among these, if it stands more than once. @param {string[]} texts */
function commonest(texts) {
  const counts = new Map();
  for (const one of texts) counts.set(one, (counts.get(one) || 0) + 1);
  const [first] = [...counts].sort((a, b) => b[1] - a[1]);
  return first && first[1] > 1 ? first[0] : "";
}

/** Ways from this place to the street and the area that it lies in: where the page has those maps. */
function elsewhere(layer, i) {
  if (!theme().parts[0]) return "";
  const [mx, my] = middle(layer, i), at = toLatLng(layer, mx, my), street = layer.titleOf(i).replace(/ \d.*/, "");
  const ways = [["water", "Mijn straat"], ["begin", "Mijn gebied"]];
  return ways.map(([question, label]) => {
    const own = spec.themes.find((one) => one.question === question && layerOf(one.layer));
    if (!own) return "";
    const found = nearestIn(layerOf(own.layer), at, street);
    return found < 0 ? "" : h("button", { type: "button", onclick: () => goTo(own.key, found) }, label);
  });
}

const NEAR_M = 80;

/** The feature at a place, or the nearest within reach; before all the nearest of that name, or called after it. @param {LayerData} layer @param {any} latlng @param {string} name */
function nearestIn(layer, latlng, name = "") {
  const [x, y] = toGrid(layer, latlng), reach = (NEAR_M * layer.grid3857) / Math.cos((latlng.lat * Math.PI) / 180), inside = pick(layer, x, y, 0, () => true);
  const nearest = (places) => places.map((i) => ({ i, far: distanceTo(layer, i, x, y) })).sort((a, b) => a.far - b.far)[0];
  for (const fits of name ? [(title) => title === name, (title) => title.endsWith(" bij " + name)] : []) {
    const own = nearest(Array.from({ length: layer.n }, (_, i) => i).filter((i) => fits(String(layer.titleOf(i)))));
    if (own) return own.i;
  }
  if (inside >= 0) return inside;
  const near = nearest(within(layer, x - reach, y - reach, x + reach, y + reach));
  return near && near.far <= reach ? near.i : -1;
}
