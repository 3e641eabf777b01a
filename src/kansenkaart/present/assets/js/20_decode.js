// Unpack a layer: base64, gzip, variable-length integers, columns.

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The unpacker that the page carries for browsers without one; it stands in the page as text until then. */
function carriedUnpacker() {
  if (!window.fflate) document.head.append(h("script", {}, byId("uitpakker").textContent));
  return window.fflate;
}

async function gunzip(bytes) {
  if (typeof DecompressionStream === "undefined") return carriedUnpacker().gunzipSync(bytes);
  const pipe = new DecompressionStream("gzip"), writer = pipe.writable.getWriter();
  const [whole] = await Promise.all([new Response(pipe.readable).arrayBuffer(), writer.write(bytes), writer.close()]);
  return new Uint8Array(whole);
}

/** Read `count` zig-zag variable-length integers from `bytes` at `at`. */
function varints(bytes, at, count) {
  const out = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    let byte = bytes[at++], value = byte & 127, shift = 7;
    while (byte > 127) {
      byte = bytes[at++];
      value |= (byte & 127) << shift;
      shift += 7;
    }
    out[i] = (value >>> 1) ^ -(value & 1);
  }
  return out;
}

/** Running totals with a zero in front: counts become offsets. */
function offsets(counts) {
  const out = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) out[i + 1] = out[i] + counts[i];
  return out;
}

function runningSum(steps) {
  for (let i = 1; i < steps.length; i++) steps[i] += steps[i - 1];
  return steps;
}

/** Put byte planes together again. */
function planes(bytes, at, n, width) {
  if (width === 1) return bytes.subarray(at, at + n);
  const out = width === 2 ? new Uint16Array(n) : new Uint32Array(n);
  for (let plane = 0; plane < width; plane++) {
    const from = at + plane * n, shift = 8 * plane;
    for (let i = 0; i < n; i++) out[i] |= bytes[from + i] << shift;
  }
  return out;
}

/** One column, unpacked when first asked for. */
function readColumn(about, bytes, at, n, words) {
  const pad = (number, size) => String(number).padStart(size, "0");
  if (about.enc === "text") return { about, value: (i) => words[i] };
  if (about.enc === "digits") {
    const high = planes(bytes, at, n, about.width), low = planes(bytes, at + n * about.width, n, about.width2);
    return { about, value: (i) => pad(high[i], about.size - 8) + pad(low[i], 8) };
  }
  const codes = planes(bytes, at, n, about.width);
  if (about.enc === "dict") return { about, codes, words, value: (i) => (codes[i] ? words[codes[i] - 1] : null) };
  const numbers = new Float64Array(n), scale = 10 ** about.decimals;
  for (let i = 0; i < n; i++) numbers[i] = codes[i] ? (codes[i] - 1 + about.least) / scale : NaN;
  return { about, numbers, value: (i) => numbers[i] };
}

function lazyColumns(header, bytes, start) {
  let read = null;
  const columns = new Map(), texts = () => {
    const from = bytes.length - header.textBytes;
    return (read ||= JSON.parse(new TextDecoder().decode(bytes.subarray(from))));
  };
  let at = start;
  for (const about of header.columns) {
    const from = at;
    let column = null;
    columns.set(about.name, () => (column ||= readColumn(about, bytes, from, header.n, texts()[about.name])));
    at += about.bytes;
  }
  return columns;
}

/** The box of each feature in grid units: x low, y low, x high, y high. */
function boxes(layer) {
  const { n, partStart, ringStart, pointStart, x, y } = layer;
  const box = new Int32Array(4 * n);
  for (let i = 0; i < n; i++) {
    const from = pointStart[ringStart[partStart[i]]], to = pointStart[ringStart[partStart[i + 1]]];
    let x0 = 2147483647, y0 = x0, x1 = -x0, y1 = -x0;
    for (let p = from; p < to; p++) {
      if (x[p] < x0) x0 = x[p];
      if (x[p] > x1) x1 = x[p];
      if (y[p] < y0) y0 = y[p];
      if (y[p] > y1) y1 = y[p];
    }
    box[4 * i] = x0;
    box[4 * i + 1] = y0;
    box[4 * i + 2] = x1;
    box[4 * i + 3] = y1;
  }
  return box;
}

/** Let the browser breathe between two pieces of work, once it has something to show. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

/** Unpack a whole layer: geometry now, columns when asked for. */
async function unpack(header, base64) {
  const bytes = await gunzip(fromBase64(base64));
  const streams = [];
  let at = 0;
  for (let k = 0; k < 5; k++) {
    const [parts, rings, points, total] = header.counts;
    streams.push(varints(bytes, at, [parts, rings, points, total, total][k]));
    at += header.streams[k];
    if (k > 1 && header.counts[3] > 100000 && document.body.dataset.klaar) await breathe();
  }
  const [parts, rings, points, dx, dy] = streams;
  const columns = lazyColumns(header, bytes, at);
  const layer = {
    ...header, about: new Map(header.columns.map((column) => [column.name, column])),
    partStart: offsets(parts), ringStart: offsets(rings), pointStart: offsets(points),
    x: runningSum(dx), y: runningSum(dy),
    column: (name) => columns.get(name)(),
  };
  const titles = layer.about.get(header.title), numbered = titles.enc === "digits" ? titles.label + " " : "";
  layer.titleOf = (i) => numbered + (layer.column(header.title).value(i) ?? layer.column(header.key).value(i));
  layer.keyOf = (i) => layer.column(header.key).value(i);
  layer.box = boxes(layer);
  return layer;
}

const layers = new Map(), unpacking = new Map();

/** Unpack a layer that the page holds, once; its text is then given back to the memory. */
function need(name) {
  if (!unpacking.has(name)) {
    const place = spec.layers.findIndex((one) => one.name === name), block = byId("laag" + place);
    unpacking.set(name, unpack(spec.layers[place], block.textContent).then((layer) => layers.set(name, layer)));
    block.remove();
  }
  return unpacking.get(name);
}

/** Unpack what a theme cannot be shown without. */
async function needed({ layer, outlines }) {
  const always = [spec.tool && spec.tool.layer, spec.start && spec.start.layer].filter(Boolean);
  for (const name of new Set([layer, ...outlines, ...always])) await need(name);
}
