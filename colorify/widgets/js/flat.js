// Draws without a graphics card: the same, on a 2D canvas, pixel by pixel.

import { join, VEIL, VEILED } from "./lab.js";

export class FlatPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.planes = { left: null, right: null, own: null };
    this.region = null;
  }

  luma(bitmap) {
    this.bitmap = bitmap;
  }

  ab(side, plane) {
    this.planes[side] = plane;
  }

  mask(bitmap, laid) {
    this.region = bitmap ? { ...shares(bitmap), laid } : null;
  }

  draw({ box, split, back, sharp, veiled }) {
    const { canvas, context, region, planes } = this;
    context.fillStyle = `rgb(${back.map((value) => Math.round(value * 255)).join(",")})`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!this.bitmap) return;
    context.imageSmoothingEnabled = !sharp;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.bitmap, box.x, box.y, box.width, box.height);
    const [left, top] = [Math.max(0, Math.ceil(box.x)), Math.max(0, Math.ceil(box.y))];
    const right = Math.min(canvas.width, Math.floor(box.x + box.width));
    const bottom = Math.min(canvas.height, Math.floor(box.y + box.height));
    if (right <= left || bottom <= top) return;
    const image = context.getImageData(left, top, right - left, bottom - top);
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const [u, v] = [(x + 0.5 - box.x) / box.width, (y + 0.5 - box.y) / box.height];
        const at = 4 * ((y - top) * image.width + x - left);
        const before = x + 0.5 < split;
        let [a, b] = between(planes[before ? "left" : "right"], u, v);
        const share = region ? between(region, u, v)[0] : 1;
        if (region?.laid && !before && share < 1) {
          const own = between(planes.own, u, v);
          [a, b] = [a * share + own[0] * (1 - share), b * share + own[1] * (1 - share)];
        }
        if (a || b) join(image.data[at], a, b, image.data, at);
        if (veiled && share < 1) cover(image.data, at, VEILED * (1 - share));
      }
    }
    context.putImageData(image, left, top);
  }

  pixel(x, y) {
    return [...this.context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data.slice(0, 3)];
  }

  most() {
    return 8192;
  }
}

// A mask as pairs 0..1, the second of which says nothing.
function shares(bitmap) {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, ab: Float32Array.from({ length: 2 * width * height }, (_, at) => data[4 * (at >> 1)] / 255) };
}

function cover(data, at, thick) {
  for (let channel = 0; channel < 3; channel++) data[at + channel] += (255 * VEIL[channel] - data[at + channel]) * thick;
}

// The pair of a plane at a place, in shares of width and height.
function between(plane, u, v) {
  if (!plane) return [0, 0];
  const { width, height, ab } = plane;
  const [px, py] = [Math.min(Math.max(u * width - 0.5, 0), width - 1), Math.min(Math.max(v * height - 0.5, 0), height - 1)];
  const [x0, y0] = [Math.floor(px), Math.floor(py)];
  const [x1, y1] = [Math.min(x0 + 1, width - 1), Math.min(y0 + 1, height - 1)];
  const [fx, fy] = [px - x0, py - y0];
  const [nw, ne, sw, se] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
  const [p, q, r, s] = [2 * (y0 * width + x0), 2 * (y0 * width + x1), 2 * (y1 * width + x0), 2 * (y1 * width + x1)];
  return [
    nw * ab[p] + ne * ab[q] + sw * ab[r] + se * ab[s],
    nw * ab[p + 1] + ne * ab[q + 1] + sw * ab[r + 1] + se * ab[s + 1],
  ];
}
