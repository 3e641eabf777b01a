// What the page shows now: theme, view, hidden classes, chosen feature. The link in the address bar holds it all.

/** @type {{theme: string, view: number, hidden: Set<number>, without: Set<string>, chosen: number, beside: number, units: Set<number>, target: number, weights: number[]}} */
const state = { theme: "", view: 0, hidden: new Set(), without: new Set(), chosen: -1, beside: -1, units: new Set(), target: 0, weights: [] };
/** @type {any} */
let map = null;
/** @type {any} */
let tiles = null;

/** @param {string | null} key @returns {ThemeSpec | undefined} */
const themeOf = (key) => spec.themes.find((theme) => theme.key === key);
/** @returns {ThemeSpec} */
const theme = () => themeOf(state.theme) || spec.themes[0];
const view = () => theme().views[state.view];
/** A layer that was unpacked. @param {string} name @returns {LayerData} */
const layerOf = (name) => layers.get(name);
const themeLayer = () => layerOf(theme().layer);

/** The place in the legend of what is not known: a class of its own where the view has one, else after all others. @param {ViewSpec} oneView */
const unknownAt = ({ classes }) => (classes.findIndex((one) => one.letter === "?") + 1 || classes.length + 1) - 1;

/** The class of each feature under a view: its place in the legend, or the last one for unknown. @param {LayerData} layer @param {ViewSpec} oneView */
function classify(layer, oneView) {
  const column = layer.column(oneView.column), { classes } = oneView, unknown = unknownAt(oneView);
  const placeOf = (value) => {
    const code = value === null ? unknown : classes.findIndex((one) => one.values.length
      ? one.values.includes(String(value))
      : (one.low === null || value >= one.low) && (one.high === null || value < one.high));
    return code < 0 ? unknown : code;
  };
  if (column.numbers && !classes.some((one) => one.values.length)) return classifyNumbers(column.numbers, classes);
  const out = new Uint8Array(layer.n);
  if (column.codes) {
    const places = [unknown, ...(column.words || []).map(placeOf)];
    for (let i = 0; i < layer.n; i++) out[i] = places[column.codes[i]];
  } else for (let i = 0; i < layer.n; i++) out[i] = placeOf(Number.isNaN(column.value(i)) ? null : column.value(i));
  return out;
}

/** The same for numbers in classes that tile the line: each low bound that is passed moves one class up. */
function classifyNumbers(numbers, classes) {
  const out = new Uint8Array(numbers.length), lows = Float64Array.from(classes, (one) => one.low ?? -Infinity);
  const last = classes.length - 1, end = classes[last].high ?? Infinity;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i];
    let code = last;
    while (code >= 0 && !(value >= lows[code])) code--;
    out[i] = code < 0 || value >= end ? classes.length : code;
  }
  return out;
}

const classesOf = new Map();

/** The classes of the view that is shown, worked out once. */
function shownClasses() {
  const key = state.theme + "/" + state.view;
  if (!classesOf.has(key)) classesOf.set(key, classify(themeLayer(), view()));
  return classesOf.get(key);
}

/** The classes of the view and the one for what is not known; a class that says so itself is hatched alike. @returns {LegendItem[]} */
const palette = () => {
  const own = view().classes.map((one) => (one.letter === "?" ? { ...one, hatch: true } : one));
  return [...own, ...(unknownAt(view()) < own.length ? [] : [{ letter: "?", label: "onbekend", color: spec.unknownColor, hatch: true }])].map(onScreen);
};

/** A class with its colour for the screen as it is: on a dark one more is lighter; paper is always light. */
function onScreen(item) {
  const other = isDark() && !document.documentElement.classList.contains("drukt") ? spec.darkColors[item.color] : undefined;
  return other ? { ...item, color: other } : item;
}

/** The texts by whose values features can be hidden, or null where the theme has none. */
const filterColumn = () => (theme().filter_column ? themeLayer().column(theme().filter_column) : null);
const filterText = (i) => filterColumn()?.value(i) ?? "";
const visible = (i) => !state.hidden.has(shownClasses()[i]) && !(state.without.size && state.without.has(filterText(i)));

/** The classes to paint: those that a reader has hidden are marked as such. */
function paintedClasses() {
  const codes = shownClasses();
  return state.hidden.size || state.without.size ? codes.map((code, i) => (visible(i) ? code : HIDDEN)) : codes;
}

/** The numbers of places in a row, where that is what the map shows. @param {LayerData} layer */
function rankDiscs(layer) {
  if (view().column !== "rank") return [];
  return Array.from({ length: layer.n }, (_, i) => ({ i, text: nl(layer.column("rank").value(i)), feature: String(layer.keyOf(i)) })).filter((one) => visible(one.i));
}

/** What is painted, from the bottom up. @returns {Pass[]} */
function passes() {
  const layer = themeLayer(), classOf = paintedClasses();
  const edgeZoom = layer.n > 2000 ? 16 : 0;
  const context = spec.context.filter((name) => name !== layer.name && layerOf(name)).map(layerOf);
  const isGround = (one) => Boolean(one.about.get("ground"));
  /** @type {Pass[]} */
  const out = theme().outlines.map((name) => ({ kind: "context", layer: layerOf(name), color: cssColor("--land"), always: true }));
  out.push(...context.filter(isGround).map((one) => /** @type {Pass} */ ({ kind: "context", layer: one })));
  if (toolOpen()) out.push({ kind: "classes", layer: units(), classOf: choiceClasses(), palette: CHOICE.map(onScreen), edgeZoom: 0, signs: false });
  else out.push({ kind: "classes", layer, classOf, palette: palette(), edgeZoom, signs: view().signs && view().column !== "rank" && layer.kind !== "line" });
  for (const one of context.filter((one) => !isGround(one) && layer.name !== "dakvlakken")) out.push({ kind: "context", layer: one, color: cssColor("--pand") });
  for (const name of theme().outlines) {
    out.push({ kind: "outline", layer: layerOf(name), width: 2, color: cssColor("--rand"), dash: [6, 4] });
  }
  if (toolOpen()) {
    const beside = neighboursOfChoice(), homes = units().column(spec.tool.homes);
    out.push({ kind: "outline", layer: units(), width: 0.75, color: cssColor("--rand") });
    out.push({ kind: "names", layer: units(), label: (i) => (beside.has(i) && homes.value(i) ? "+" + nl(homes.value(i)) : ""), color: cssColor("--tekst"), halo: cssColor("--kaart") });
  }
  if (spec.tool && state.units.size) {
    const units = layerOf(spec.tool.layer);
    out.push({ kind: "marks", layer: units, marked: (i) => state.units.has(i), color: accent() });
  }
  const first = startPlace(), places = startPlaces(), numbers = new Set([first, ...places.map((one) => one.i)]);
  if (first >= 0) out.push({ kind: "marks", layer: layerOf(spec.start.layer), marked: (i) => numbers.has(i), color: accent() });
  if (state.chosen >= 0) out.push({ kind: "marks", layer, marked: (i) => i === state.chosen || i === state.beside, color: accent() });
  if (state.chosen >= 0 && theme().parts[0] && layerOf(theme().parts[0])) out.push({ kind: "roof", layer, at: state.chosen });
  for (const name of theme().outlines.filter((one) => one !== layer.name)) {
    out.push({ kind: "names", layer: layerOf(name), color: cssColor("--tekst"), halo: cssColor("--kaart") });
  }
  const ranks = rankDiscs(layer), numbered = places.length ? { layer: layerOf(spec.start.layer), discs: places } : ranks.length ? { layer, discs: ranks } : null;
  if (numbered) out.push({ kind: "discs", ...numbered, color: accent(), halo: cssColor("--vlak") });
  if (first >= 0) out.push({ kind: "words", layer: layerOf(spec.start.layer), at: first, text: spec.start.mark, color: accent(), halo: cssColor("--vlak") });
  return out;
}

const cssColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const accent = () => cssColor("--tekst");

/** Paint again after a change of state, and write the state in the link. */
function refresh() {
  tiles.passes = passes();
  tiles.repaint();
  writeLink();
}

/** @type {any} */
let linkTimer = 0;

/** The same when the map or a slider comes to rest: a browser takes its time for each new address. */
function writeLinkSoon() {
  clearTimeout(linkTimer);
  linkTimer = setTimeout(writeLink, 120);
}

/** How often a map was asked for, by a button or a link, and the last one that is shown: the last one asked for wins, and until it is there no link is written over. */
const turns = { asked: 0, shown: 0 };

/** Unpack what a theme needs; say whether nothing else was asked for meanwhile. @param {ThemeSpec} wanted */
async function turnTo(wanted) {
  const mine = ++turns.asked;
  await needed(wanted);
  return mine === turns.asked;
}

function writeLink() {
  clearTimeout(linkTimer);
  if (turns.shown < turns.asked) return;
  const parts = new URLSearchParams();
  parts.set("thema", state.theme);
  if (state.view) parts.set("weergave", String(state.view));
  if (state.hidden.size) parts.set("uit", [...state.hidden].sort().join("."));
  if (state.without.size) parts.set("zonder", [...state.without].sort().join("~"));
  if (document.documentElement.dataset.licht) parts.set("scherm", document.documentElement.dataset.licht);
  if (state.chosen >= 0) parts.set("gekozen", themeLayer().keyOf(state.chosen));
  if (state.chosen >= 0 && state.beside >= 0) parts.set("naast", themeLayer().keyOf(state.beside));
  if (spec.tool) {
    if (toolOpen()) parts.set("samen", "1");
    if (state.units.size) parts.set("blokken", unitKeys().join("~"));
    if (state.target !== spec.tool.target) parts.set("doel", String(state.target));
    if (state.weights.join(".") !== startWeights().join(".")) parts.set("weging", state.weights.join("."));
  }
  const centre = map.getCenter();
  parts.set("plek", [centre.lat.toFixed(5), centre.lng.toFixed(5), map.getZoom()].join("_"));
  history.replaceState(null, "", "#" + parts);
}

/** All values of the filter column, each once, in a fixed order; an unknown one is the empty text. */
function filterTexts() {
  if (!filterColumn()) return [];
  const found = new Set();
  for (let i = 0; i < themeLayer().n; i++) found.add(filterText(i));
  return [...found].sort();
}

const startWeights = () => (spec.tool ? spec.tool.criteria.map((one) => one.weight) : []);
const unitKeys = () => [...state.units].map((i) => layerOf(spec.tool.layer).keyOf(i)).sort();

/** The theme that the link asks for, or the first. @returns {ThemeSpec} */
const linkedTheme = () => themeOf(new URLSearchParams(location.hash.slice(1)).get("thema")) || spec.themes[0];

/** Read the state from the link; what does not exist here is left out. */
function readLink() {
  const parts = new URLSearchParams(location.hash.slice(1));
  state.theme = linkedTheme().key;
  const number = Number(parts.get("weergave"));
  state.view = Number.isInteger(number) && theme().views[number] ? number : 0;
  state.hidden = new Set((parts.get("uit") || "").split(".").filter(Boolean).map(Number).filter((n) => n < palette().length));
  const texts = new Set(filterTexts());
  state.without = new Set((parts.get("zonder") ?? "~").split("~").filter((text) => parts.has("zonder") && texts.has(text)));
  const screen = parts.get("scherm");
  if (screen === "licht" || screen === "donker") document.documentElement.dataset.licht = screen;
  state.chosen = indexOf(themeLayer(), parts.get("gekozen"));
  state.beside = state.chosen < 0 ? -1 : indexOf(themeLayer(), parts.get("naast"));
  if (spec.tool) {
    const target = Number(parts.get("doel"));
    state.target = target >= spec.tool.targetLow && target <= spec.tool.targetHigh ? target : spec.tool.target;
    const units = layerOf(spec.tool.layer);
    const found = (parts.get("blokken") || "").split("~").filter(Boolean).map((key) => indexOf(units, key));
    state.units = new Set(found.filter((i) => i >= 0));
    const weights = (parts.get("weging") || "").split(".").map(Number);
    const fits = weights.length === startWeights().length && weights.every((one) => one >= 0 && one <= 100);
    state.weights = fits && parts.has("weging") ? weights : startWeights();
  }
  const place = (parts.get("plek") || "").split("_").map(Number);
  return place.length === 3 && place.every(Number.isFinite) ? place : null;
}

const keyIndex = new Map();

/** The place of a key in a layer, or -1. @param {LayerData} layer @param {any} key @returns {number} */
function indexOf(layer, key) {
  if (key === null || key === undefined || key === "") return -1;
  if (!keyIndex.has(layer)) {
    const keys = new Map();
    for (let i = 0; i < layer.n; i++) keys.set(String(layer.keyOf(i)), i);
    keyIndex.set(layer, keys);
  }
  return keyIndex.get(layer).get(String(key)) ?? -1;
}
