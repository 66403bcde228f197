// Where the picture lies on the stage: zoom and pan, in CSS pixels.

import { within } from "./dom.js";

const LARGEST = 32; // screen pixels for one of the picture

export class View {
  constructor() {
    this.stage = { width: 1, height: 1 };
    this.picture = { width: 1, height: 1 };
    this.fitted = true;
    this.scale = 1;
    this.x = this.y = 0; // of the upper left corner of the picture
  }

  get fitting() {
    const { stage, picture } = this;
    return Math.min(stage.width / picture.width, stage.height / picture.height, 4);
  }

  get box() {
    return { x: this.x, y: this.y, width: this.picture.width * this.scale, height: this.picture.height * this.scale };
  }

  resize(width, height) {
    this.stage = { width, height };
    this.settle();
  }

  take(width, height) {
    this.picture = { width, height };
    this.fit();
  }

  fit() {
    this.fitted = true;
    this.settle();
  }

  zoom(scale, x = this.stage.width / 2, y = this.stage.height / 2) {
    const next = within(scale, Math.min(this.fitting, 1) / 2, LARGEST);
    this.x = x - ((x - this.x) * next) / this.scale;
    this.y = y - ((y - this.y) * next) / this.scale;
    this.scale = next;
    this.fitted = false;
    this.settle();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
    this.settle();
  }

  // In the middle where there is room, else never so far that nothing is left to see.
  settle() {
    if (this.fitted) this.scale = this.fitting;
    const { box, stage } = this;
    const settled = (at, length, room) =>
      length <= room || this.fitted ? (room - length) / 2 : within(at, room / 2 - length, room / 2);
    this.x = settled(box.x, box.width, stage.width);
    this.y = settled(box.y, box.height, stage.height);
  }

  // Shares of the picture at a place of the stage, within it.
  at(x, y) {
    const { box } = this;
    return { x: within((x - box.x) / box.width), y: within((y - box.y) / box.height) };
  }

  inside(x, y) {
    const { box } = this;
    return x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height;
  }
}
