// Small helpers: elements, Dutch numbers, announcements, downloads. Text reaches the page through text nodes only.

/** An element of the template, by its id; it is there. @param {string} id @returns {HTMLInputElement} */
const byId = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));

/** Make an element. Attributes that are functions become listeners; children are nodes or texts. @param {string} tag @param {Record<string, any>} attributes @param {any[]} children @returns {any} */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Text from the data, fenced off so that its writing direction cannot disturb its neighbours. */
const said = (text) => h("bdi", {}, String(text));

/** Replace all children. @template {Element} E @param {E} element @param {any[]} children @returns {E} */
function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Write a number the Dutch way @param {number | null | undefined} value @param {number} decimals @returns {string}; unknown is a word, never a zero. (`Intl` would load its tables first: a tenth of the start.) */
function nl(value, decimals = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return "onbekend";
  const [whole, part] = Math.abs(value).toFixed(decimals).split(".");
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, ".") + (part ? "," + part : "");
  return (value < 0 && /[1-9]/.test(digits) ? "\u2212" : "") + digits;
}

/** How many there are of something, by a word that fits the number. @param {number} count @param {string} one @param {string} many */
const counted = (count, one, many) => nl(count) + " " + (count === 1 ? one : many);

/** The unit to write behind a figure: a year and a share have none. */
const unitText = (unit) => (unit === "jaartal" || unit === "aandeel" ? "" : unit);

/** A figure that was written, with its unit; as with_unit of wording/nl.py. @param {string} text @param {string} unit */
const withUnit = (text, unit) => text + (unit === "%" || !unitText(unit) ? "" : "\u00a0") + (text === "1" && unit === "personen" ? "persoon" : unitText(unit));

/** Write a number of a column: a year stands without a point between its digits, a share as a percentage, a chance as chance of wording/nl.py. @param {{name?: string, unit: string, decimals: number}} column @param {number} value */
function figure(column, value) {
  if (column.name === "earns_keep_frac" && Number.isFinite(value)) return value < 0.01 ? "minder dan 1%" : value > 0.99 ? "meer dan 99%" : nl(100 * value) + "%";
  if (column.unit === "aandeel" && value !== null && !Number.isNaN(value)) return nl(100 * value, Math.max(column.decimals - 2, 0)) + "%";
  return column.unit === "jaartal" && value !== null && !Number.isNaN(value) ? String(Math.round(value)) : nl(value, column.decimals);
}

/** Write a value of a column with its unit. @param {ColumnAbout} column @param {any} value @returns {string} */
function shown(column, value) {
  if (value === null || Number.isNaN(value)) return "onbekend";
  if (column.kind === "text") return inWords(value, column.name);
  return withUnit(figure(column, value), column.unit);
}

/** @type {any} */
let announceTimer = 0;

/** Say something to screen readers, and show it for a moment where the page itself does not show it. @param {string} text @param {boolean} quiet */
function announce(text, quiet = false) {
  clearTimeout(announceTimer);
  const box = byId("melding");
  box.textContent = text;
  if (quiet) return box.classList.remove("zichtbaar");
  box.classList.add("zichtbaar");
  announceTimer = setTimeout(() => box.classList.remove("zichtbaar"), 4000);
}

/** Offer a text as a file. */
const download = (name, type, text) => saveBlob(name, new Blob([text], { type }));

function saveBlob(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** What the page says of its edition: invented, for internal use, or neither. */
const edition = () => (spec.example ? "voorbeeld" : document.querySelector("header .intern") ? "intern" : "");

/** A file name from the study's name and a subject; data that are invented or for internal use say so in the name too. */
function fileName(subject, extension) {
  const safe = (text) => text.toLowerCase().normalize("NFD").replace(/[^a-z0-9]+/g, "-").slice(0, 60);
  return [edition(), safe(spec.study), safe(subject)].filter(Boolean).join("_") + "." + extension;
}

/** Where a cell may begin, blanks of all kinds, and the signs that begin a formula; as LIVE_CELL of wording/nl.py. */
const LIVE = new RegExp("(^|[;,|\\t\\r\\n\\v\\f\\x85\\u2028\\u2029])"
  + "([\\s\\x00-\\x20\\x85\\xa0\\u180e\\u200b-\\u200f\\u2028-\\u202f\\u205f-\\u2064\\u3000\\ufeff]*)"
  + "(?=[=+\\-@\\uff1d\\uff0b\\uff0d\\uff20\\ufe66\\ufe62\\ufe63\\ufe6b])", "g");

/** Quote a cell for a spreadsheet; a text can never start a formula. */
function csvCell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "number") return String(value).replace(".", ",");
  return '"' + String(value).replace(LIVE, "$1$2'").replaceAll('"', '""') + '"';
}

/** Join rows as Dutch spreadsheets read them: semicolons, decimal commas. */
const csvText = (rows) => "\ufeff" + rows.map((row) => row.map(csvCell).join(";")).join("\r\n") + "\r\n";

/** Lower case without accents, for searching. */
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "");
/** A value by its own key: a word of data such as "constructor" finds nothing. @param {any} from @param {any} key */
const own = (from, key) => (from && Object.hasOwn(from, key) ? from[key] : undefined);
/** What tells a thing of a register apart: of an address on the web the part after the last # or /; as short_id of wording/names.py. @param {string} text */
const shortId = (text) => text.replace(/^https?:.*[#/](?=[^#/])/, "");
/** A coded text of a column, such as a basis, in words. @param {any} text @param {string} column @returns {string} */
const inWords = (text, column) => (text === null || text === undefined ? "onbekend" : own(own(spec.words, column), text) ?? shortId(text));
const noMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
const sourceOf = (key) => spec.sources.find((source) => source.key === key);

/** Where a figure comes from: year, source, basis; per feature where the column says so. @param {LayerData} layer @param {ColumnAbout} column */
function originOf(layer, column, index = -1) {
  const own = (name) => (name && index >= 0 ? layer.column(name).value(index) : null);
  const source = sourceOf(column.source);
  const year = own(column.yearColumn) ?? column.year;
  const basis = own(column.basisColumn) ?? column.basis;
  const from = source && !String(year).startsWith(source.title) ? source.title : "";
  return [year && String(year), from, basis && "gemaakt uit: " + inWords(basis, column.basisColumn)].filter(Boolean).join(" · ");
}
