// Small drawings of figures: an axis with intervals, chances as dots, sums around 0, months. Each has its text beside it.

/** Round steps on an axis. @param {number} least @param {number} most @returns {number[]} */
function ticks(least, most, count = 4) {
  const raw = (most - least) / count || 1, power = 10 ** Math.floor(Math.log10(raw)), out = [];
  const step = [1, 2, 5, 10].map((k) => k * power).find((one) => one >= 0.999 * raw) || raw;
  for (let at = Math.ceil(least / step - 1e-9); at * step <= most + step / 1e6; at++) out.push(at * step);
  return out;
}

/** The ends of an axis that holds 0 and all these values, some of which may be unknown. @param {number[]} values */
function extentOf(values) {
  let least = 0, most = 0;
  for (const one of values) if (Number.isFinite(one)) [least, most] = [Math.min(least, one), Math.max(most, one)];
  return { least, most };
}

const placeOn = ({ least, most }, value) => (100 * (value - least)) / (most - least || 1) + "%";

/** A part of an axis. */
function piece(kind, extent, from, to) {
  const out = h("span", { class: kind });
  out.style.left = placeOn(extent, from);
  if (to !== undefined) out.style.width = `calc(${placeOn(extent, to)} - ${placeOn(extent, from)})`;
  return out;
}

/** An interval with its middle: left of 0 in the hue of costs where `signed`, else in that of amounts. */
function intervalOn(extent, low, middle, high, signed = true) {
  const band = (from, to, kind) => (to > from ? piece("band " + kind, extent, from, to) : "");
  return h("span", { class: "as" },
    signed ? [band(Math.min(low, 0), Math.min(high, 0), "min"), band(Math.max(low, 0), Math.max(high, 0), "plus")] : band(low, high, "plus"),
    piece("nul", extent, 0), piece("stip", extent, middle));
}

/** The figures below an axis, by thousands where they are large. */
function scaleOf(extent) {
  const by = Math.max(-extent.least, extent.most) >= 5000 ? 1000 : 1;
  const mark = (value) => {
    const out = piece("", extent, value);
    out.textContent = nl(value / by, Number.isInteger(value / by) ? 0 : 1);
    return out;
  };
  return { thousands: by > 1, marks: h("span", { class: "schaal", "aria-hidden": "true" }, ticks(extent.least, extent.most).map(mark)) };
}

/** How surely it pays, said as draws out of ten. @param {number} chance */
const chanceWords = (chance) => (chance < 0.05 ? "In bijna geen enkele berekening" : chance >= 0.95 ? "In bijna elke berekening" : "In " + Math.round(10 * chance) + " van de 10 berekeningen")
  + " betaalt het wijkbedrijf zichzelf.";

function chanceDots(chance) {
  const full = Math.round(10 * chance);
  return h("p", { class: "kansen" }, h("span", { "aria-hidden": "true" }, Array.from({ length: 10 }, (_, k) => h("i", { class: k < full ? "vol" : null }))), h("span", {}, chanceWords(chance)));
}

/** To which step an amount is rounded, as roundly as its interval is wide; as step_of of wording/nl.py. */
const stepOf = (width) => [[1e6, 1e5], [1e5, 1e4], [5000, 1000], [1500, 500], [400, 100]].find(([least]) => width > least)?.[1] || 10;
const rounded = (value, step) => Math.round(value / step) * step;

/** The step at which a figure keeps two digits that count; 0 below 100. @param {number} value */
const digitStep = (value) => (Math.abs(value) >= 100 ? 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1) : 0);

/** To which step a figure of a place is rounded: by its interval; else what was calculated to two digits that count; a count and a figure of a register stay as they are. As figure_words of publish/figures.py. */
function stepFor(layer, about, i) {
  const of = numberOf(layer, i), width = of(about.name + "_high") - of(about.name + "_low"), value = Math.abs(of(about.name)), step = stepOf(width);
  return Number.isFinite(width) && (value >= 100 || step > 10) ? step : twoDigits(about, value);
}

/** The step at which an estimate keeps two digits that count; 0 for a count and a figure of a register. @param {ColumnAbout} about @param {number} value */
const twoDigits = (about, value) => (about.source === "berekend" && /euro|m\u00b3|kWh|kWp|personen/.test(about.unit) ? digitStep(value) : 0);
/** An amount with its unit, said as roughly as a step. @param {ColumnAbout} about @param {number} value @param {number} step */
const inSteps = (about, value, step) => (step ? "ongeveer " + withUnit(nl(rounded(value, step)), about.unit) : shown(about, value));

/** How to write a figure of a place and the bounds of its interval: all as roughly as the figure. @param {LayerData} layer @param {ColumnAbout} about @param {number} i */
function spanWords(layer, about, i) {
  const step = stepFor(layer, about, i);
  return (/** @type {number} */ value) => (step ? nl(rounded(value, step)) : figure(about, value));
}

/** A figure of a place with its unit, no more exact than it is known. @param {LayerData} layer @param {ColumnAbout} about @param {number} i */
function aboutAs(layer, about, i) {
  return inSteps(about, layer.column(about.name).value(i), about.kind === "number" ? stepFor(layer, about, i) : 0);
}

/** Bars on both sides of 0, each with its name and its amount, all as roughly as the widest of their intervals. @param {{label: string, value: number, width: number}[]} rows */
function signedBars(rows, extent = extentOf(rows.map((one) => one.value))) {
  const width = Math.max(0, ...rows.map((one) => one.width || 0)), most = Math.max(-extent.least, extent.most);
  const step = width ? stepOf(width) : most >= 1000 ? digitStep(most) : 10;
  return h("ul", { class: "staven" }, rows.map(({ label, value }) => h("li", {}, h("span", {}, said(begun(label))),
    h("span", { class: "as", "aria-hidden": "true" }, Number.isFinite(value) ? piece("staaf " + (value < 0 ? "min" : "plus"), extent, Math.min(value, 0), Math.max(value, 0)) : "", piece("nul", extent, 0)),
    h("span", { class: "getal" }, Number.isFinite(value) ? (rounded(value, step) > 0 ? "+" : "") + nl(rounded(value, step)) : "onbekend"))));
}

const MONTHS = ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"];

/** Twelve months as columns. @param {number[]} values @param {string} unit */
function monthBars(values, unit) {
  const most = Math.max(...values), step = most >= 1000 ? 100 : 10, least = Math.min(...values);
  const first = values.indexOf(most), last = values.indexOf(least), column = (value, k) => {
    const bar = h("i", {}), isEnd = k === first || k === last;
    bar.style.height = (56 * value) / (most || 1) + "px";
    return h("li", {}, h("small", {}, isEnd ? nl(rounded(value, step)) : ""), bar, h("span", { "aria-hidden": "true" }, MONTHS[k][0]));
  };
  const words = "Het meest in " + MONTHS[first] + ", het minst in " + MONTHS[last] + ": van " + nl(rounded(least, step)) + " tot " + nl(rounded(most, step)) + " " + unit + " per maand.";
  return [h("ol", { class: "maanden", "aria-label": words }, values.map(column))];
}

/** Where one feature stands among all of its layer: every other a thin line on one axis. @param {LayerData} layer @param {string} name @param {number} i */
function amongOthers(layer, name, i) {
  const column = layer.column(name), mine = column.value(i), values = (column.sorted ||= column.numbers?.filter(Number.isFinite).sort() || []);
  if (values.length < 3 || !Number.isFinite(mine)) return "";
  const width = numberOf(layer, i)(name + "_high") - numberOf(layer, i)(name + "_low");
  if (values[values.length - 1] - values[0] < width) return h("p", { class: "hint" }, "De andere " + nl(values.length - 1) + " verschillen minder van deze plek dan wat we weten.");
  const extent = extentOf([values[0], values[values.length - 1]]), scale = scaleOf(extent), step = Math.ceil(values.length / 400);
  const thin = Array.from(values.filter((_, k) => k % step === 0), (one) => piece("ander", extent, one));
  const higher = values.length - 1 - values.lastIndexOf(mine);
  return [h("h3", {}, "Naast de andere " + nl(values.length - 1)), h("span", { class: "as breed", "aria-hidden": "true" }, thin, piece("nul", extent, 0), piece("stip", extent, mine)), scale.marks,
    h("p", { class: "hint" }, "Plaats " + nl(higher + 1) + " van " + nl(values.length) + (scale.thousands ? "; as in duizend " + (layer.about.get(name).unit.split(" ")[0]) : "")
      + ". Het midden van alle is " + nl(rounded(values[values.length >> 1], stepFor(layer, layer.about.get(name), i) || 10 ** -layer.about.get(name).decimals), layer.about.get(name).decimals) + ".")];
}
