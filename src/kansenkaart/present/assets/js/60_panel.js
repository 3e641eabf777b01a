// The panel beside the map: themes, story, ways to colour, legend, and the feature that was chosen.

/** Show another theme. */
function openTheme(key) {
  Object.assign(state, { theme: key, view: 0, hidden: new Set(), chosen: -1 });
  drawPanel();
  refresh();
  announce("Thema: " + theme().title);
}

function drawPanel() {
  drawThemes();
  drawStory();
  drawViews();
  drawLegend();
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
  const choose = (event) => {
    Object.assign(state, { view: Number(event.target.value), hidden: new Set() });
    drawLegend();
    refresh();
    announce("Kleur naar: " + view().label);
  };
  const options = views.map((one, i) => h("option", { value: i, selected: i === state.view }, one.label));
  return fill(byId("weergaven"), h("label", { for: "weergave" }, "Kleur naar"),
    h("select", { id: "weergave", onchange: choose }, options));
}

/** The legend doubles as a filter: every class is a switch. */
function drawLegend() {
  const counts = new Uint32Array(palette().length), layer = themeLayer();
  for (const code of shownClasses()) counts[code]++;
  const about = layer.about.get(view().column), unit = unitText(about.unit);
  const rows = palette().map((item, code) => (counts[code] || code < palette().length - 1) && h("li", {}, h("button", {
    type: "button", class: "klasse", "aria-pressed": String(!state.hidden.has(code)), onclick: () => toggleClass(code),
  }, swatch(item), h("span", {}, said(item.label)), h("span", { class: "aantal" }, nl(counts[code])))));
  fill(byId("legenda"), h("h2", {}, said(view().label + (unit ? " (" + unit + ")" : ""))),
    h("ul", { class: "klassen" }, rows.filter(Boolean)),
    h("p", { class: "herkomst" }, said(origin(layer, about))),
    view().note ? h("p", { class: "herkomst" }, said(view().note)) : "",
    h("p", { class: "hint" }, "Klik op een klasse om die te verbergen of weer te tonen."));
}

function swatch(item) {
  const mark = h("span", { class: "staal", "aria-hidden": "true" }, item.letter);
  mark.style.background = item.color;
  mark.style.color = dark(item.color) ? "#fff" : "#1a2230";
  return mark;
}

function dark(color) {
  const [r, g, b] = [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b < 130;
}

function toggleClass(code) {
  if (!state.hidden.delete(code)) state.hidden.add(code);
  if (state.chosen >= 0 && !visible(state.chosen)) state.chosen = -1;
  const place = [...document.querySelectorAll("#legenda .klasse")].indexOf(document.activeElement);
  drawLegend();
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
  const rows = theme().popup.map((name) => layer.about.get(name)).map((about) => h("div", {},
    h("dt", { title: about.definition || null }, said(about.label)),
    h("dd", {}, said(shown(about, layer.column(about.name).value(i))),
      h("small", {}, said(origin(layer, about, i))))));
  return fill(box, h("div", { class: "kop" }, swatch(item), h("h2", {}, said(layer.titleOf(i))),
    h("button", { type: "button", class: "sluit", "aria-label": "Sluit", onclick: () => choose(-1) }, "×")),
  h("p", { class: "klassezin" }, said(view().label + ": klasse " + item.letter + ", " + item.label)), h("dl", {}, rows));
}
