// Draw layers on the canvas tiles of a Leaflet GridLayer, in slices short enough to keep the page alive.

const SLICE_MS = 8, FIRST_MS = 500, BATCH = 250, TILE = 512, SLIM_PX = 3, HIDDEN = 255, UNSURE = "#7f8a94", CONTEXT_ZOOM = 12, SMALL_BATCH = 1500;

/** Add the outline of a feature to the canvas path. */
function trace(ctx, layer, i, at) {
  const { x, y, partStart, ringStart, pointStart, kind } = layer, { k, ox, oy } = at;
  if (kind === "point") {
    ctx.moveTo(x[pointStart[ringStart[partStart[i]]]] * k - ox + 5, oy - y[pointStart[ringStart[partStart[i]]]] * k);
    ctx.arc(x[pointStart[ringStart[partStart[i]]]] * k - ox, oy - y[pointStart[ringStart[partStart[i]]]] * k, 5, 0, 7);
    return;
  }
  for (let r = ringStart[partStart[i]]; r < ringStart[partStart[i + 1]]; r++) {
    const from = pointStart[r], to = pointStart[r + 1];
    ctx.moveTo(x[from] * k - ox, oy - y[from] * k);
    for (let p = from + 1; p < to; p++) ctx.lineTo(x[p] * k - ox, oy - y[p] * k);
    if (kind === "polygon") ctx.closePath();
  }
}

function traceAll(ctx, layer, list, at) {
  ctx.beginPath();
  for (const i of list) trace(ctx, layer, i, at);
}

/** How the layer's grid maps to the pixels of a tile. */
function placing(layer, coords) {
  const k = (128 * 2 ** coords.z) / HALF_WORLD / layer.grid3857;
  const half = HALF_WORLD * layer.grid3857;
  return { k, ox: coords.x * TILE - (layer.origin[0] + half) * k, oy: (half - layer.origin[1]) * k - coords.y * TILE };
}

function tileFeatures(layer, at, margin = 20) {
  const { k, ox, oy } = at, m = margin;
  return within(layer, (ox - m) / k, (oy - TILE - m) / k, (ox + TILE + m) / k, (oy + m) / k);
}

function chunks(list) {
  const out = [];
  for (let k = 0; k < list.length; k += BATCH) out.push(list.slice(k, k + BATCH));
  return out;
}

/** The steps that draw the coloured features of a theme on one tile. */
function* classSteps(ctx, pass, coords) {
  const { layer, classOf, palette } = pass, at = placing(layer, coords), groups = new Map(), small = [];
  for (const i of tileFeatures(layer, at)) {
    if (classOf[i] === HIDDEN) continue;
    if (isSmall(layer, i, at.k)) {
      small.push(i);
      continue;
    }
    if (!groups.has(classOf[i])) groups.set(classOf[i], []);
    groups.get(classOf[i]).push(i);
  }
  yield* dotSteps(ctx, pass, small, at);
  const thick = layer.kind === "polygon" ? slimness(layer) * at.k : 0;
  const edge = layer.kind === "polygon" && coords.z >= pass.edgeZoom && (!thick || thick > 5);
  const swell = thick && thick < SLIM_PX ? SLIM_PX - thick : 0;
  const halo = layer.kind === "line" ? cssColor("--vlak") : "", sorted = [...groups].sort((a, b) => a[0] - b[0]);
  for (const [code, list] of halo ? sorted : []) for (const part of chunks(list)) {
    traceAll(ctx, layer, part, at);
    paintLine(ctx, palette[code], coords.z, halo);
    yield;
  }
  for (const [code, list] of sorted) {
    for (const part of chunks(list)) {
      traceAll(ctx, layer, part, at);
      paintClass(ctx, layer, palette[code], edge, coords.z, swell);
      yield;
    }
  }
  if (layer.arrows) for (const list of groups.values()) yield* arrowSteps(ctx, layer, list, at, coords.z);
  if (pass.signs) letters(ctx, pass, coords);
  yield;
}

const ARROW_PX = 140, SHORTEST_PX = 28;

/** Where arrow heads go on one part of a line, and which way they point: [x, y, angle] in pixels of the tile. */
function arrowsOn(layer, r, at) {
  const { x, y, pointStart } = layer, from = pointStart[r], to = pointStart[r + 1], out = [], sizes = [];
  let total = 0;
  for (let p = from + 1; p < to; p++) {
    sizes.push(Math.hypot(x[p] - x[p - 1], y[p] - y[p - 1]) * at.k);
    total += sizes[sizes.length - 1];
  }
  if (total < SHORTEST_PX) return out;
  const count = Math.max(1, Math.round(total / ARROW_PX));
  let p = 0, passed = 0;
  for (let a = 0; a < count; a++) {
    const wanted = (total * (a + 0.5)) / count;
    while (p < sizes.length - 1 && passed + sizes[p] < wanted) passed += sizes[p++];
    const share = sizes[p] ? (wanted - passed) / sizes[p] : 0, u = from + p, v = u + 1;
    out.push([(x[u] + share * (x[v] - x[u])) * at.k - at.ox, at.oy - (y[u] + share * (y[v] - y[u])) * at.k,
      Math.atan2(y[u] - y[v], x[v] - x[u])]);
  }
  return out;
}

/** The steps that draw arrow heads along lines, in the direction of their points. */
function* arrowSteps(ctx, layer, list, at, zoom) {
  const size = Math.max(4, zoom - 12.4 + 2.5);
  Object.assign(ctx, { lineWidth: 1, strokeStyle: "#16202a", fillStyle: "#fff", lineJoin: "round" });
  for (const part of chunks(list)) {
    ctx.beginPath();
    for (const i of part) for (let r = layer.ringStart[layer.partStart[i]]; r < layer.ringStart[layer.partStart[i + 1]]; r++) {
      for (const [px, py, turn] of arrowsOn(layer, r, at)) {
        ctx.moveTo(px + size * Math.cos(turn), py + size * Math.sin(turn));
        for (const side of [2.5, -2.5]) ctx.lineTo(px + size * Math.cos(turn + side), py + size * Math.sin(turn + side));
        ctx.closePath();
      }
    }
    ctx.stroke();
    ctx.fill();
    yield;
  }
}

/** Stroke lines in the width and the pattern of their kind, or their halo. @param {LegendItem} item @param {string} halo */
function paintLine(ctx, item, zoom, halo) {
  const [factor = 1, ...pattern] = item.hatch ? [1, 2, 1.5] : item.stroke || [], wide = Math.max(1.5, 0.85 * (zoom - 12.4)) * factor;
  Object.assign(ctx, { lineJoin: "round", lineCap: pattern.length ? "butt" : "round", lineWidth: halo ? wide + 2 : wide, strokeStyle: halo || (item.hatch ? UNSURE : item.color) });
  ctx.setLineDash(halo ? [] : pattern.map((one) => one * wide));
  ctx.stroke();
  ctx.setLineDash([]);
}

function paintClass(ctx, layer, item, edge, zoom, swell) {
  ctx.lineJoin = ctx.lineCap = "round";
  ctx.setLineDash([]);
  if (layer.kind === "line") return paintLine(ctx, item, zoom, "");
  ctx.fillStyle = item.color;
  ctx.fill("nonzero");
  if (item.hatch) {
    ctx.fillStyle = hatching(ctx);
    ctx.fill("nonzero");
  }
  if (swell) {
    ctx.lineWidth = swell;
    ctx.strokeStyle = item.hatch ? UNSURE : item.color; // too thin to be hatched: dashed
    if (item.hatch) ctx.setLineDash([4, 3]);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  if (!edge && layer.kind !== "point") return;
  ctx.lineWidth = zoom < 16 && layer.kind === "polygon" ? 0.4 : 0.75;
  ctx.strokeStyle = "rgba(26,34,48,.75)";
  ctx.stroke();
}

/** How the context is coloured: the ground by its kind, buildings as one. */
const GROUND = { water: "--water", green: "--groen", street: "--weg" };

/** The steps that draw buildings too small for their shape as their boxes. */
function* smallSteps(ctx, { box }, list, { k, ox, oy }, color) {
  for (let from = 0; from < list.length; from += SMALL_BATCH) {
    ctx.beginPath();
    for (const i of list.slice(from, from + SMALL_BATCH)) {
      const b = 4 * i;
      ctx.rect(box[b] * k - ox, oy - box[b + 3] * k, Math.max((box[b + 2] - box[b]) * k, 0.7), Math.max((box[b + 3] - box[b + 1]) * k, 0.7));
    }
    ctx.fillStyle = color;
    ctx.fill();
    yield;
  }
}

/** The steps that draw what a reader knows the place by: the ground under a theme, buildings over it. */
function* contextSteps(ctx, pass, coords) {
  const { layer } = pass, at = placing(layer, coords), ground = layer.about.get("ground") ? layer.column("ground") : null;
  if (!ground && !pass.always && coords.z < CONTEXT_ZOOM) return;
  const groups = new Map(), small = [];
  for (const i of tileFeatures(layer, at)) {
    const color = ground ? cssColor(GROUND[ground.value(i)]) : pass.color;
    if (isSmall(layer, i, at.k)) small.push(i);
    else {
      if (!groups.has(color)) groups.set(color, []);
      groups.get(color).push(i);
    }
  }
  if (!ground) yield* smallSteps(ctx, layer, small, at, pass.color);
  for (const [color, list] of groups) {
    for (const part of chunks(list)) {
      traceAll(ctx, layer, part, at);
      ctx.fillStyle = color;
      ctx.fill("nonzero");
      yield;
    }
  }
}

/** The steps that draw plain outlines, such as buurt borders. */
function* outlineSteps(ctx, pass, coords) {
  const at = placing(pass.layer, coords);
  for (const part of chunks(tileFeatures(pass.layer, at))) {
    traceAll(ctx, pass.layer, part, at);
    Object.assign(ctx, { lineWidth: pass.width, strokeStyle: pass.color });
    ctx.setLineDash(pass.dash || []);
    ctx.stroke();
    yield;
  }
  ctx.setLineDash([]);
}

/** The steps that mark chosen features, with a heavy double outline. */
function* markSteps(ctx, pass, coords) {
  const at = placing(pass.layer, coords);
  const list = tileFeatures(pass.layer, at).filter((i) => pass.marked(i));
  if (!list.length) return;
  traceAll(ctx, pass.layer, list, at);
  for (const [width, color] of [[6, cssColor("--vlak")], [3, pass.color]]) {
    Object.assign(ctx, { lineWidth: width, strokeStyle: color, lineJoin: "round" });
    ctx.stroke();
  }
  yield;
}

/** @type {any} */
let hatchTile = null;

/** The hatch of what is not known: 16 pixels, so that it runs on over the tiles. */
function hatching(ctx) {
  if (!hatchTile) {
    hatchTile = h("canvas", { width: 16, height: 16 });
    const pen = hatchTile.getContext("2d");
    Object.assign(pen, { strokeStyle: UNSURE, lineWidth: 1.5 });
    pen.beginPath();
    for (const d of [-16, 0, 16]) {
      pen.moveTo(d - 1, 17);
      pen.lineTo(d + 17, -1);
    }
    pen.stroke();
  }
  return ctx.createPattern(hatchTile, "repeat");
}
