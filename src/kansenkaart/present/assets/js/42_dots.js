// Features of a few pixels: blended into the pixels by hand, which takes a tenth of the time of a path for each.

const SMALL_PX = 2.5, LEAST_PX = 0.8, DOTS_AT_ONCE = 4000;
/** @type {{image: any, pen: any}} */
const dots = { image: null, pen: null };

const isSmall = ({ kind, box }, i, k) => kind === "polygon" && (box[4 * i + 2] - box[4 * i]) * k < SMALL_PX && (box[4 * i + 3] - box[4 * i + 1]) * k < SMALL_PX;

const channels = (color) => [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));

/** Lay a colour over a rectangle; a pixel that is covered in part gets that part of it. */
function blend({ data, width, height }, x0, y0, x1, y1, [r, g, b]) {
  const px0 = Math.max(Math.floor(x0), 0), px1 = Math.min(Math.ceil(x1), width);
  for (let py = Math.max(Math.floor(y0), 0); py < Math.min(Math.ceil(y1), height); py++) {
    const high = Math.min(y1, py + 1) - Math.max(y0, py);
    for (let px = px0; px < px1; px++) {
      const q = 4 * (py * width + px), cover = high * (Math.min(x1, px + 1) - Math.max(x0, px));
      if (cover >= 1 || !data[q + 3]) {
        data[q] = r;
        data[q + 1] = g;
        data[q + 2] = b;
        data[q + 3] = 255 * cover;
        continue;
      }
      const under = (data[q + 3] / 255) * (1 - cover), all = cover + under;
      data[q] = (r * cover + data[q] * under) / all;
      data[q + 1] = (g * cover + data[q + 1] * under) / all;
      data[q + 2] = (b * cover + data[q + 2] * under) / all;
      data[q + 3] = 255 * all;
    }
  }
}

/** The steps that draw small polygons as their boxes, laid over the ground that is there. */
function* dotSteps(ctx, { layer, classOf, palette }, list, { k, ox, oy }) {
  if (!list.length) return;
  const { width, height } = ctx.canvas, { box } = layer, colors = palette.map((item) => channels(item.color)), ratio = width / TILE;
  if (!dots.image || dots.image.width !== width) {
    dots.image = ctx.createImageData(width, height);
    dots.pen = (window.OffscreenCanvas ? new OffscreenCanvas(width, height) : h("canvas", { width, height })).getContext("2d", { willReadFrequently: true });
  }
  const { image } = dots, m = k * ratio, least = LEAST_PX * ratio;
  image.data.fill(0);
  for (let n = 0; n < list.length; n++) {
    const b = 4 * list[n], x0 = box[b] * m - ox * ratio, y0 = oy * ratio - box[b + 3] * m;
    blend(image, x0, y0, x0 + Math.max((box[b + 2] - box[b]) * m, least), y0 + Math.max((box[b + 3] - box[b + 1]) * m, least), colors[classOf[list[n]]]);
    if (n % DOTS_AT_ONCE === DOTS_AT_ONCE - 1) yield;
  }
  dots.pen.putImageData(image, 0, 0);
  ctx.drawImage(dots.pen.canvas, 0, 0, TILE, TILE);
  yield;
}
