// Letters, names and remarks on the map, none over another: names are laid first, letters take what room is left.

const LETTER_PX = 24, INK = "#1a2230", SHIFTS = [0, 20, -20, 40, -40];
let taken = [];

/** Take a rectangle around a place for a text, if no other text has a part of it. */
function free(x, y, wide, high) {
  if (taken.some((one) => Math.abs(one.x - x) < one.wide + wide && Math.abs(one.y - y) < one.high + high)) return false;
  taken.push({ x, y, wide, high });
  return true;
}

/** Where a horizontal line lies inside a polygon, as pairs from west to east. */
function cutsAt(layer, i, level) {
  const { x, y, partStart, ringStart, pointStart } = layer, cuts = [];
  for (let r = ringStart[partStart[i]]; r < ringStart[partStart[i + 1]]; r++) {
    const to = pointStart[r + 1];
    for (let p = pointStart[r], q = to - 1; p < to; q = p++) {
      if (y[p] > level !== y[q] > level) cuts.push(((x[q] - x[p]) * (level - y[p])) / (y[q] - y[p]) + x[p]);
    }
  }
  return cuts.sort((a, b) => a - b);
}

const LEVELS = [0.5, 0.375, 0.625, 0.25, 0.75, 0.125, 0.875];

/** Where a letter fits in a polygon: in its middle; where that lies outside or it has several parts, in the widest stretch at one of seven heights. */
function roomiest(layer, i) {
  const [mx, my] = middle(layer, i), low = layer.box[4 * i + 1], high = layer.box[4 * i + 3];
  const whole = layer.partStart[i + 1] - layer.partStart[i] === 1;
  let best = [mx, my], widest = 0;
  for (const share of LEVELS) {
    const level = share === 0.5 ? my : low + share * (high - low), cuts = cutsAt(layer, i, level);
    for (let k = 0; k + 1 < cuts.length; k += 2) {
      if (whole && level === my && mx >= cuts[k] && mx <= cuts[k + 1]) return [mx, my];
      if (cuts[k + 1] - cuts[k] > widest) [widest, best] = [cuts[k + 1] - cuts[k], [(cuts[k] + cuts[k + 1]) / 2, level]];
    }
  }
  return best;
}

const AROUND_PX = 160;

/** The most room for a letter that any feature of a layer has: the narrow side of a polygon's box, the long side of another's [grid units]. */
function roomOf(layer) {
  if (layer.room !== undefined) return layer.room;
  const { box, n } = layer, least = layer.kind === "polygon" ? Math.min : Math.max;
  layer.room = 0;
  for (let k = 0; k < 4 * n; k += 4) layer.room = Math.max(layer.room, least(box[k + 2] - box[k], box[k + 3] - box[k + 1]));
  return layer.room;
}

/** Letters in features that are large enough for one, in ink that reads on the colour; those around the tile too, as they take room. */
function letters(ctx, { layer, classOf, palette }, coords) {
  const at = placing(layer, coords), { k, ox, oy } = at, { box } = layer;
  if (roomOf(layer) * k < (layer.kind === "polygon" ? LETTER_PX : 4 * LETTER_PX)) return;
  Object.assign(ctx, { font: "600 13px sans-serif", textAlign: "center", textBaseline: "middle", lineWidth: 3, lineJoin: "round" });
  for (const i of tileFeatures(layer, at, AROUND_PX)) {
    const wide = (box[4 * i + 2] - box[4 * i]) * k, high = (box[4 * i + 3] - box[4 * i + 1]) * k;
    if (classOf[i] === HIDDEN || (layer.kind === "polygon" ? Math.min(wide, high) < LETTER_PX : Math.max(wide, high) < 4 * LETTER_PX)) continue;
    const [mx, my] = layer.kind === "line" ? halfway(layer, i) : roomiest(layer, i), x = mx * k - ox, y = oy - my * k;
    const fits = (shift) => (!shift || (layer.kind === "polygon" && contains(layer, i, mx, my - shift / k))) && free(x, y + shift, 8, 9);
    const shift = SHIFTS.find(fits);
    if (shift === undefined) continue;
    const { letter, color } = palette[classOf[i]], onDark = dark(color) && layer.kind === "polygon";
    ctx.strokeStyle = onDark ? INK : "#fff";
    ctx.fillStyle = onDark ? "#fff" : INK;
    ctx.strokeText(letter, x, y + shift);
    ctx.fillText(letter, x, y + shift);
  }
}

function halfway(layer, i) {
  const ring = layer.ringStart[layer.partStart[i]], from = layer.pointStart[ring], to = layer.pointStart[ring + 1];
  const p = from + ((to - from - 1) >> 1), q = Math.min(p + 1, to - 1);
  return [(layer.x[p] + layer.x[q]) / 2, (layer.y[p] + layer.y[q]) / 2];
}

const FONTS = { names: "600 14px sans-serif", small: "600 12px sans-serif", words: "700 15px sans-serif" };

/** Lay the remarks of a tile before anything else; letters come next, and names take what room is left. */
function layWords(ctx, passes, coords) {
  taken = [];
  ctx.font = FONTS.words;
  for (const pass of passes.filter((one) => one.kind === "discs")) {
    pass.spots = discSpots(pass, coords.z).map(({ text, x, y }) => ({ text, x: x - coords.x * TILE, y: y - coords.y * TILE }));
    taken.push(...pass.spots.map(({ x, y }, k) => ({ x, y, wide: DISC_PX, high: DISC_PX, own: k === 0 })));
  }
  for (const pass of passes.filter((one) => one.kind === "words")) pass.spots = remark(ctx, pass, coords);
}

/** The names of a layer, each near the middle of its feature; one that does not fit is left out. */
function nameSpots(ctx, { layer, label }, coords) {
  const at = placing(layer, coords), { k, ox, oy } = at, spots = [];
  for (const i of tileFeatures(layer, at, AROUND_PX)) {
    const wide = (layer.box[4 * i + 2] - layer.box[4 * i]) * k, text = String(label ? label(i) : layer.titleOf(i)).slice(0, 40);
    if (!text) continue;
    const size = ctx.measureText(text).width;
    if (size > (isPhone.matches ? 1.6 : 1.1) * wide) continue;
    const [mx, my] = roomiest(layer, i), x = mx * k - ox, y = oy - my * k;
    const shift = SHIFTS.find((one) => free(x, y + one, size / 2, 9));
    if (shift !== undefined) spots.push({ text, x, y: y + shift });
  }
  return spots;
}

const DISC_PX = 13;

/** Where the numbers of the proposed places stand, in pixels of the world at a zoom: each in its place, or just beside it where another is. */
function discSpots({ layer, discs }, zoom) {
  const spots = [], gap = 2 * DISC_PX + 2, steps = [[0, 0], [gap, 0], [-gap, 0], [0, gap], [0, -gap]];
  for (const { i, text } of discs) {
    const at = map.project(toLatLng(layer, ...roomiest(layer, i)), zoom);
    const clear = (/** @type {number[]} */ [dx, dy]) => spots.every((one) => Math.hypot(one.x - at.x - dx, one.y - at.y - dy) >= gap - 2);
    const [dx, dy] = steps.find(clear) || steps[0];
    spots.push({ text, x: at.x + dx, y: at.y + dy });
  }
  return spots;
}

/** The step that draws the numbers of the proposed places, in a disc of ink. */
function* discSteps(ctx, { spots, color, halo }) {
  Object.assign(ctx, { font: "700 14px sans-serif", textAlign: "center", textBaseline: "middle", lineWidth: 2.5, strokeStyle: halo });
  for (const { text, x, y } of spots) {
    ctx.beginPath();
    ctx.arc(x, y, DISC_PX, 0, 7);
    ctx.fillStyle = color;
    ctx.fill();
    ctx.stroke();
    ctx.fillStyle = halo;
    ctx.fillText(text, x, y + 0.5);
  }
  yield;
}

/** A remark above the number of its feature: names give way to it, but where the number of another place stands it is left out; the panel says it too. */
function remark(ctx, { layer, at: i, text }, coords) {
  const { x, y: middle } = map.project(toLatLng(layer, ...roomiest(layer, i)), coords.z).subtract([coords.x * TILE, coords.y * TILE]);
  const wide = ctx.measureText(text).width / 2, high = 10, y = middle - DISC_PX - high - 1;
  if (taken.some((one) => !one.own && Math.abs(one.x - x) < one.wide + wide && Math.abs(one.y - y) < one.high + high)) return [];
  taken.push({ x, y, wide, high });
  return [{ text, x, y }];
}

/** The step that writes remarks or names. */
function* wordSteps(ctx, pass, coords) {
  const { kind, color, halo } = pass;
  Object.assign(ctx, { font: FONTS[kind === "names" && isPhone.matches ? "small" : kind], textAlign: "center", textBaseline: "middle", lineWidth: 4, lineJoin: "round" });
  Object.assign(ctx, { strokeStyle: halo, fillStyle: color });
  for (const { text, x, y } of kind === "names" ? nameSpots(ctx, pass, coords) : pass.spots) {
    ctx.strokeText(text, x, y);
    ctx.fillText(text, x, y);
  }
  yield;
}
