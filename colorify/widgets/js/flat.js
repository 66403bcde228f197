// Draws without a graphics card: the same, on a 2D canvas, pixel by pixel.

import { join } from "./lab.js";

export class FlatPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.planes = { left: null, right: null };
  }

  luma(bitmap) {
    this.bitmap = bitmap;
  }

  ab(side, plane) {
    this.planes[side] = plane;
  }

  draw({ box, split, back, sharp }) {
    const { canvas, context } = this;
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
        const plane = this.planes[x + 0.5 < split ? "left" : "right"];
        if (plane) color(plane, (x + 0.5 - box.x) / box.width, (y + 0.5 - box.y) / box.height, image, x - left, y - top);
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

function color({ width, height, ab }, u, v, image, x, y) {
  const [px, py] = [Math.min(Math.max(u * width - 0.5, 0), width - 1), Math.min(Math.max(v * height - 0.5, 0), height - 1)];
  const [x0, y0] = [Math.floor(px), Math.floor(py)];
  const [x1, y1] = [Math.min(x0 + 1, width - 1), Math.min(y0 + 1, height - 1)];
  const [fx, fy] = [px - x0, py - y0];
  const [nw, ne, sw, se] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
  const [p, q, r, s] = [2 * (y0 * width + x0), 2 * (y0 * width + x1), 2 * (y1 * width + x0), 2 * (y1 * width + x1)];
  const a = nw * ab[p] + ne * ab[q] + sw * ab[r] + se * ab[s];
  const b = nw * ab[p + 1] + ne * ab[q + 1] + sw * ab[r + 1] + se * ab[s + 1];
  const at = 4 * (y * image.width + x);
  join(image.data[at], a, b, image.data, at);
}
