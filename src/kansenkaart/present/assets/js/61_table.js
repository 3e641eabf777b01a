// The table of a theme: the same figures without a map; sorted by any column, saved as CSV.

const ROWS_AT_ONCE = 100;
const sorting = { column: "", down: true, shown: ROWS_AT_ONCE };

function tableRows() {
  const layer = themeLayer(), rows = [];
  for (let i = 0; i < layer.n; i++) if (visible(i)) rows.push(i);
  const values = layer.column(sorting.column), sign = sorting.down ? -1 : 1;
  const unknown = (value) => value === null || Number.isNaN(value);
  return rows.sort((a, b) => {
    const p = values.value(a), q = values.value(b);
    if (unknown(p) || unknown(q)) return Number(unknown(p)) - Number(unknown(q)) || a - b;
    return sign * (typeof p === "number" ? p - q : p.localeCompare(q, "nl", { numeric: true })) || a - b;
  });
}

function drawTable() {
  const columns = theme().table.map((name) => themeLayer().about.get(name));
  if (!columns.some((one) => one.name === sorting.column)) {
    Object.assign(sorting, { column: theme().table.includes(view().column) ? view().column : theme().table[0], down: view().column !== "rank", shown: ROWS_AT_ONCE });
  }
  if (byId("tabelvak").hidden) return;
  const rows = tableRows(), part = rows.slice(0, sorting.shown);
  const head = h("tr", {}, columns.map((one) => h("th", { scope: "col", "aria-sort": sortWord(one) },
    h("button", { type: "button", onclick: () => sortBy(one.name) }, said(one.label),
      unitText(one.unit) ? [" ", h("small", {}, said(unitText(one.unit)))] : "",
      h("span", { "aria-hidden": "true" }, one.name === sorting.column ? (sorting.down ? " ▼" : " ▲") : "")))));
  fill(byId("tabel"),
    h("p", { id: "tabeltekst" }, nl(rows.length) + " van " + counted(themeLayer().n, "rij", "rijen") + (part.length < rows.length ? "; " + nl(part.length) + " getoond" : "") + "."),
    h("div", { class: "schuif", tabindex: "0", role: "region", "aria-labelledby": "tabeltekst" },
      h("table", {}, h("caption", {}, said(theme().title)), h("thead", {}, head),
        h("tbody", {}, part.map((i) => tableRow(columns, i))))),
    rows.length > part.length ? h("button", { type: "button", onclick: () => { sorting.shown += 10 * ROWS_AT_ONCE; drawTable(); } }, "Toon meer rijen") : "",
    h("button", { type: "button", id: "bewaar-csv", onclick: () => saveTable(columns, rows) }, "Bewaar als CSV"));
  markRow();
}

const sortWord = (one) => (one.name !== sorting.column ? "none" : sorting.down ? "descending" : "ascending");

function tableRow(columns, i) {
  const layer = themeLayer();
  const cells = columns.map((one, k) => {
    const value = layer.column(one.name).value(i);
    const text = one.kind === "number" ? figure(one, value) : inWords(value, one.name);
    if (k === 0) return h("th", { scope: "row" }, h("button", { type: "button", onclick: () => chooseRow(i) }, said(text)));
    return h("td", { class: one.kind === "number" ? "getal" : null }, said(text));
  });
  return h("tr", { "data-rij": i }, cells);
}

/** Choose a place from its row; on a phone, where the table lies over all else, that closes it. @param {number} i */
function chooseRow(i) {
  if (isPhone.matches) toggleTable();
  choose(i, { move: true });
}

function markRow() {
  /** @type {NodeListOf<HTMLElement>} */
  const rows = document.querySelectorAll("#tabel tr[data-rij]");
  for (const row of rows) {
    row.classList.toggle("gekozen", Number(row.dataset.rij) === state.chosen);
  }
}

function sortBy(name) {
  sorting.down = sorting.column === name ? !sorting.down : true;
  sorting.column = name;
  drawTable();
  const column = theme().table.indexOf(name);
  /** @type {NodeListOf<HTMLElement>} */
  const buttons = document.querySelectorAll("#tabel thead button");
  buttons[column].focus();
}

/** The whole table with its sources, so that a figure never travels without them. */
function saveTable(columns, rows) {
  const layer = themeLayer();
  const head = columns.map((one) => one.label + (unitText(one.unit) ? " (" + unitText(one.unit) + ")" : ""));
  const where = columns.map((one) => originOf(layer, one));
  const cell = (one, value) => (typeof value === "string" ? inWords(value, one.name) : value);
  const body = rows.map((i) => columns.map((one) => cell(one, layer.column(one.name).value(i))));
  download(fileName(theme().title, "csv"), "text/csv;charset=utf-8", csvText([head, where, ...body]));
  announce("De tabel is bewaard.");
}

function toggleTable() {
  const box = byId("tabelvak"), open = box.hidden;
  box.hidden = !open;
  byId("tabelknop").setAttribute("aria-expanded", String(open));
  document.body.classList.toggle("met-tabel", open);
  drawTable();
  map.invalidateSize();
  if (open) byId("tabelvak").querySelector("h2")?.focus();
}
