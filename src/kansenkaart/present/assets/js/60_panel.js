// The panel beside the map: themes, story, ways to colour, legend, and the feature that was chosen.

/** Show another theme. */
async function openTheme(key) {
  await needed(themeOf(key) || theme());
  Object.assign(state, { theme: key, view: 0, hidden: new Set(), without: new Set(), chosen: -1 });
  const first = byId("begin").querySelector("details");
  if (first) first.open = false;
  drawPanel();
  refresh();
  announce("Thema: " + theme().title);
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

function drawThemes() {
  fill(byId("themas"), spec.themes.map((one) => h("button", {
    type: "button", "aria-pressed": String(one.key === state.theme), onclick: () => openTheme(one.key),
  }, one.title)));
}

function drawStory() {
  const { story } = theme();
  const part = (title, text) => (text ? [h("h3", {}, title), h("p", {}, said(text))] : []);
  fill(byId("verhaal"), h("h2", {}, said(theme().title)), h("p", { class: "kern" }, said(story.shows)),
    h("details", {}, h("summary", {}, "Hoe lees ik dit, en wat zegt het niet?"),
      part("Zo leest u de kaart", story.reading), part("Wat de kaart niet zegt", story.limits),
      part("Hoe het is berekend", story.method)));
}

function drawViews() {
  const { views } = theme();
  if (views.length < 2) return fill(byId("weergaven"));
  const labels = [...new Set(views.map((one) => one.label))], years = views.filter((one) => one.label === view().label);
  const measures = labels.map((label) => {
    const i = view().label === label ? state.view : views.findIndex((one) => one.label === label);
    return h("option", { value: i, selected: i === state.view }, begun(label));
  });
  const pick = (id, label, options) => [h("label", { for: id }, label),
    h("select", { id, onchange: (event) => chooseView(Number(event.target.value), id) }, options)];
  return fill(byId("weergaven"), labels.length > 1 ? pick("weergave", "Kleur naar", measures) : "",
    years.length > 1 ? pick("jaar", "Jaar", years.map((one) => h("option", { value: views.indexOf(one), selected: one === view() }, one.year))) : "");
}

function chooseView(place, id) {
  Object.assign(state, { view: place, hidden: new Set() });
  drawViews();
  drawLegend();
  drawDetail();
  drawTable();
  refresh();
  if (byId(id)) byId(id).focus();
  announce("Kleur naar: " + view().label + (view().year ? ", " + view().year : ""));
}

/** A label at the start of a line. */
const begun = (text) => text.charAt(0).toUpperCase() + text.slice(1);

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
  const counts = new Uint32Array(palette().length), layer = themeLayer();
  for (const code of shownClasses()) counts[code]++;
  const about = layer.about.get(view().column), unit = unitText(about.unit);
  const rows = palette().map((item, code) => (counts[code] || code < palette().length - 1) && h("li", {}, h("button", {
    type: "button", class: "klasse", "aria-pressed": String(!state.hidden.has(code)), onclick: () => toggleClass(code),
  }, swatch(item), h("span", {}, said(item.label)), h("span", { class: "aantal" }, nl(counts[code])))));
  fill(byId("legenda"), h("h2", {}, said(begun(view().label) + (view().year ? " " + view().year : "") + (unit ? " (" + unit + ")" : ""))),
    h("ul", { class: "klassen" }, rows.filter(Boolean)),
    h("p", { class: "herkomst" }, said(originOf(layer, about))),
    view().note ? h("p", { class: "herkomst" }, said(view().note)) : "",
    h("p", { class: "hint" }, "De letter staat ook op de kaart. Klik op een klasse om die te verbergen of weer te tonen."));
}

/** A link to a file beside this page. */
const fileLink = (label, path) => h("a", { href: path, target: "_blank", rel: "noopener" }, said(label));

function swatch(item) {
  const mark = h("span", { class: "staal", "aria-hidden": "true" }, item.letter);
  mark.style.background = item.color;
  mark.style.color = dark(item.color) ? "#fff" : "#1a2230";
  return mark;
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

/** Choose a feature of the theme, from the map, the table or the search box. */
function choose(i, { move = false } = {}) {
  state.chosen = i;
  drawDetail();
  markRow();
  refresh();
  if (i < 0) return;
  if (move) map.fitBounds(boundsOf(themeLayer(), [i]).pad(0.6), { maxZoom: 18, animate: !noMotion });
  announce("Gekozen: " + themeLayer().titleOf(i));
}

function drawDetail() {
  const box = byId("detail"), layer = themeLayer(), i = state.chosen;
  box.hidden = i < 0;
  if (i < 0) return fill(box);
  const item = palette()[shownClasses()[i]];
  const files = (layer.links || []).map((one) => [one.label, layer.column(one.column).value(i)]).filter(([, path]) => path);
  const rows = theme().popup.map((name) => layer.about.get(name)).map((about) => h("div", {},
    h("dt", { title: about.definition || null }, said(about.label)),
    h("dd", {}, said(shown(about, layer.column(about.name).value(i))),
      h("small", {}, said(originOf(layer, about, i))))));
  return fill(box, h("div", { class: "kop" }, swatch(item), h("h2", {}, said(layer.titleOf(i))),
    h("button", { type: "button", class: "sluit", "aria-label": "Sluit", onclick: () => choose(-1) }, "×")),
  h("p", { class: "klassezin" }, said(begun(view().label) + ": klasse " + item.letter + ", " + item.label)),
  files.length ? h("ul", { class: "bijlagen" }, files.map(([label, path]) => h("li", {}, fileLink(label, path)))) : "", h("dl", {}, rows));
}
