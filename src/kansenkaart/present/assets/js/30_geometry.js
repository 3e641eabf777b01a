// Find features by place: boxes of bunches, point in polygon, distance to a line. Grid units throughout.

const HALF_WORLD = Math.PI * 6378137;

const BUNCH = 64;

/** The box of each bunch of features: they lie in Hilbert order, so those of one bunch are neighbours. */
function bunchBoxes({ n, box }) {
  const out = new Int32Array(4 * Math.ceil(n / BUNCH));
  for (let b = 0; b < out.length; b += 4) {
    let x0 = 2147483647, y0 = x0, x1 = -x0, y1 = -x0;
    for (let k = b * BUNCH; k < Math.min((b + 4) * BUNCH, box.length); k += 4) {
      if (box[k] < x0) x0 = box[k];
      if (box[k + 1] < y0) y0 = box[k + 1];
      if (box[k + 2] > x1) x1 = box[k + 2];
      if (box[k + 3] > y1) y1 = box[k + 3];
    }
    out[b] = x0;
    out[b + 1] = y0;
    out[b + 2] = x1;
    out[b + 3] = y1;
  }
  return out;
}

/** All features whose box meets the window, in drawing order. */
function within(layer, wx0, wy0, wx1, wy1) {
  const { box, n } = layer, bunches = (layer.bunches ||= bunchBoxes(layer)), found = [];
  for (let b = 0; b < bunches.length; b += 4) {
    if (bunches[b] > wx1 || bunches[b + 2] < wx0 || bunches[b + 1] > wy1 || bunches[b + 3] < wy0) continue;
    const to = Math.min((b / 4 + 1) * BUNCH, n);
    for (let i = (b / 4) * BUNCH; i < to; i++) {
      const k = 4 * i;
      if (box[k] <= wx1 && box[k + 2] >= wx0 && box[k + 1] <= wy1 && box[k + 3] >= wy0) found.push(i);
    }
  }
  return found;
}

/** Is the point in the feature? Holes are outside. */
function contains(layer, i, px, py) {
  const { x, y, partStart, ringStart, pointStart } = layer;
  let inside = false;
  for (let r = ringStart[partStart[i]]; r < ringStart[partStart[i + 1]]; r++) {
    const to = pointStart[r + 1];
    for (let p = pointStart[r], q = to - 1; p < to; q = p++) {
      if (y[p] > py !== y[q] > py && px < ((x[q] - x[p]) * (py - y[p])) / (y[q] - y[p]) + x[p]) inside = !inside;
    }
  }
  return inside;
}

/** Distance from a point to a line or point feature. */
function distanceTo(layer, i, px, py) {
  const { x, y, partStart, ringStart, pointStart } = layer;
  let best = Infinity;
  for (let r = ringStart[partStart[i]]; r < ringStart[partStart[i + 1]]; r++) {
    for (let p = pointStart[r]; p < pointStart[r + 1]; p++) {
      const q = Math.min(p + 1, pointStart[r + 1] - 1), dx = x[q] - x[p], dy = y[q] - y[p];
      const t = dx || dy ? Math.min(Math.max(((px - x[p]) * dx + (py - y[p]) * dy) / (dx * dx + dy * dy), 0), 1) : 0;
      best = Math.min(best, Math.hypot(x[p] + t * dx - px, y[p] + t * dy - py));
    }
  }
  return best;
}

/** The topmost feature at a place, or -1. `reach` is how near a line or point must be. */
function pick(layer, px, py, reach, visible) {
  const near = layer.kind === "polygon" ? 0 : reach;
  const candidates = within(layer, px - near, py - near, px + near, py + near).filter(visible);
  if (layer.kind === "polygon") {
    for (let k = candidates.length - 1; k >= 0; k--) if (contains(layer, candidates[k], px, py)) return candidates[k];
    return -1;
  }
  let best = -1, least = reach;
  for (const i of candidates) {
    const distance = distanceTo(layer, i, px, py);
    if (distance <= least) [best, least] = [i, distance];
  }
  return best;
}

/** The middle of the first ring of a feature (its centroid; the box's middle when it has no area). */
function middle(layer, i) {
  const { x, y, box } = layer, ring = layer.ringStart[layer.partStart[i]];
  const from = layer.pointStart[ring], to = layer.pointStart[ring + 1];
  let area = 0, mx = 0, my = 0;
  for (let p = from, q = to - 1; p < to; q = p++) {
    const cross = (x[q] - x[from]) * (y[p] - y[from]) - (x[p] - x[from]) * (y[q] - y[from]);
    area += cross;
    mx += (x[p] + x[q] - 2 * x[from]) * cross;
    my += (y[p] + y[q] - 2 * y[from]) * cross;
  }
  if (layer.kind !== "polygon" || !area) return [(box[4 * i] + box[4 * i + 2]) / 2, (box[4 * i + 1] + box[4 * i + 3]) / 2];
  return [x[from] + mx / (3 * area), y[from] + my / (3 * area)];
}

const SLIM = 8, SAMPLE = 200;

/** How thick the features of a layer are that is made of strips, such as streets [grid units]; 0 for one of other shapes. */
function slimness(layer) {
  if (layer.slim !== undefined) return layer.slim;
  const step = Math.max(1, Math.floor(layer.n / SAMPLE)), found = [];
  for (let i = 0; i < layer.n; i += step) {
    const ring = layer.ringStart[layer.partStart[i]], from = layer.pointStart[ring], to = layer.pointStart[ring + 1];
    let area = 0, length = 0;
    for (let p = from, q = to - 1; p < to; q = p++) {
      area += (layer.x[q] - layer.x[from]) * (layer.y[p] - layer.y[from]) - (layer.x[p] - layer.x[from]) * (layer.y[q] - layer.y[from]);
      length += Math.hypot(layer.x[p] - layer.x[q], layer.y[p] - layer.y[q]);
    }
    const thick = length ? Math.abs(area) / length : 0;
    found.push({ thick, long: thick ? length / 2 / thick : 0 });
  }
  const median = (name) => found.map((one) => one[name]).sort((a, b) => a - b)[found.length >> 1] || 0;
  layer.slim = median("long") > SLIM ? median("thick") : 0;
  return layer.slim;
}

/** From a place on the map (longitude, latitude) to the layer's grid, and back. */
function toGrid(layer, latlng) {
  const p = L.CRS.EPSG3857.project(latlng);
  return [p.x * layer.grid3857 - layer.origin[0], p.y * layer.grid3857 - layer.origin[1]];
}

function toLatLng(layer, gx, gy) {
  const point = L.point((gx + layer.origin[0]) / layer.grid3857, (gy + layer.origin[1]) / layer.grid3857);
  return L.CRS.EPSG3857.unproject(point);
}

/** The bounds of a set of features on the map. */
function boundsOf(layer, indices) {
  const { box } = layer;
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  for (const i of indices) {
    if (box[4 * i] < x0) x0 = box[4 * i];
    if (box[4 * i + 1] < y0) y0 = box[4 * i + 1];
    if (box[4 * i + 2] > x1) x1 = box[4 * i + 2];
    if (box[4 * i + 3] > y1) y1 = box[4 * i + 3];
  }
  if (x0 > x1) return L.latLngBounds([]);
  return L.latLngBounds(toLatLng(layer, x0, y0), toLatLng(layer, x1, y1));
}
