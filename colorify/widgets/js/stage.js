// The picture, large: canvas, zoom and pan, and what lies over it.

import { finer } from "./chroma.js";
import { h, within } from "./dom.js";
import { FlatPainter } from "./flat.js";
import { GlPainter } from "./gl.js";
import { gesture } from "./tools.js";
import { View } from "./view.js";

const STEP = 1.25; // of the zoom, for a key
const WHEEL = 0.0015;
const MOVE = 40; // px, for an arrow

function painter(canvas) {
  try {
    return new GlPainter(canvas);
  } catch {
    const fresh = canvas.cloneNode();
    canvas.replaceWith(fresh);
    return new FlatPainter(fresh);
  }
}

export class Stage {
  constructor({ model, bus, store, place }) {
    Object.assign(this, { model, bus, store, place });
    this.view = new View();
    this.layers = []; // what moves with the picture: functions of the stage
    this.cross = h("div.cs-cross");
    this.over = h("div.cs-over", {
      tabIndex: 0,
      role: "application",
      "aria-roledescription": "picture",
    }, this.cross);
    this.el = h("section.cs-stage", { "aria-label": "Picture" }, h("canvas", { "aria-hidden": "true" }), this.over);
    this.painter = painter(this.el.firstChild);
    this.spot = { x: 0.5, y: 0.5 }; // of the cross
    this.pointers = new Map();
    this.listen();
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.el);
    store.on("split", () => this.draw());
    store.on("tool", (tool) => {
      this.over.dataset.tool = tool;
      this.aim();
    });
  }

  // -- drawing

  async open() {
    const picture = this.model.get("picture");
    if (!picture?.luma) return;
    const bytes = new Blob([picture.luma], { type: "image/jpeg" });
    let bitmap = await createImageBitmap(bytes);
    const most = this.painter.most();
    if (Math.max(bitmap.width, bitmap.height) > most) {
      const share = most / Math.max(bitmap.width, bitmap.height);
      const [resizeWidth, resizeHeight] = [bitmap.width, bitmap.height].map((side) => Math.floor(side * share));
      bitmap = await createImageBitmap(bytes, { resizeWidth, resizeHeight, resizeQuality: "high" });
    }
    if (this.model.get("picture") !== picture) return;
    const same = this.name === picture.number && this.view.picture.width === picture.width;
    this.name = picture.number;
    this.painter.luma(bitmap);
    this.painter.ab("own", picture.own?.ab ? finer(picture.own) : null);
    if (!same) this.view.take(picture.width, picture.height);
    this.el.parentElement.style.setProperty("--aspect", picture.width / picture.height);
    this.recolor("color");
    this.recolor("left");
  }

  // The chroma of a side: `color` is that on the right.
  recolor(side) {
    const plane = this.model.get(side);
    const where = side === "left" ? "left" : "right";
    this.painter.ab(where, plane?.ab ? finer(plane) : null);
    this.paint(this.due ? undefined : where);
    this.el.dispatchEvent(new CustomEvent("recolored", { bubbles: true }));
  }

  draw() {
    this.due ??= requestAnimationFrame(() => this.paint());
  }

  // `only` that side, if nothing else is another.
  paint(only) {
    cancelAnimationFrame(this.due);
    this.due = undefined;
    const dpr = window.devicePixelRatio || 1;
    const scaled = Object.fromEntries(Object.entries(this.view.box).map(([key, value]) => [key, value * dpr]));
    for (const key of ["x", "y"]) scaled[key] = Math.round(scaled[key]); // pixels on pixels
    const split = this.divider() * dpr;
    const veiled = this.store.get("tool") === "region";
    this.painter.draw({ box: scaled, split, back: this.back ?? [0.1, 0.1, 0.1], sharp: this.view.scale * dpr >= 2, veiled }, only);
    this.el.style.setProperty("--split", `${this.divider()}px`);
    for (const layer of this.layers) layer(this);
    this.aim();
    this.store.set("scale", this.view.scale * dpr);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.el;
    if (!width || !height) return;
    const dpr = window.devicePixelRatio || 1;
    Object.assign(this.painter.canvas, { width: Math.round(width * dpr), height: Math.round(height * dpr) });
    this.view.resize(width, height);
    this.paint();
  }

  theme(back) {
    this.back = back;
    this.draw();
  }

  // The part of the stage with picture on it: what the divider moves in.
  visible() {
    const { box, stage } = this.view;
    const left = within(box.x, 0, stage.width);
    return { left, width: Math.max(1, within(box.x + box.width, 0, stage.width) - left) };
  }

  divider() {
    const { left, width } = this.visible();
    return left + this.store.get("split") * width;
  }

  // The colour that is seen at a place of the stage, as #rrggbb.
  pick(x, y) {
    this.paint();
    const dpr = window.devicePixelRatio || 1;
    return `#${this.painter.pixel(x * dpr, y * dpr).map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  }

  // -- pointer and keyboard

  where(event) {
    const box = this.el.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  listen() {
    const { over, pointers } = this;
    over.addEventListener("pointerdown", (event) => this.down(event));
    over.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) return;
      const before = pointers.get(event.pointerId);
      pointers.set(event.pointerId, this.where(event));
      if (pointers.size === 2) this.pinch(event.pointerId, before);
      else this.gesture?.move?.(this.where(event));
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      over.addEventListener(kind, (event) => {
        if (!pointers.delete(event.pointerId)) return;
        if (kind === "pointerup") this.gesture?.end?.(this.where(event));
        else this.gesture?.cancel?.();
        this.gesture = null;
      });
    }
    this.el.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    over.addEventListener("dblclick", () => {
      if (this.store.get("tool") === "look") this.toggle();
    });
    over.addEventListener("keydown", (event) => this.key(event));
    for (const kind of ["keyup", "blur"]) over.addEventListener(kind, () => (this.space = false));
  }

  down(event) {
    this.over.focus({ preventScroll: true, focusVisible: false });
    this.over.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.where(event));
    if (this.pointers.size > 1) {
      this.gesture?.cancel?.();
      this.gesture = null;
      return;
    }
    event.preventDefault();
    const tool = event.button === 1 || this.space ? "hand" : this.store.get("tool");
    this.gesture = gesture(tool, this, this.where(event), event.shiftKey);
  }

  pinch(moved, before) {
    const [other] = [...this.pointers].filter(([id]) => id !== moved).map(([, place]) => place);
    const now = this.pointers.get(moved);
    const apart = (one) => Math.hypot(one.x - other.x, one.y - other.y);
    this.view.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.view.zoom((this.view.scale * apart(now)) / Math.max(apart(before), 1), (now.x + other.x) / 2, (now.y + other.y) / 2);
    this.draw();
  }

  // Within a notebook the wheel scrolls it, until one works on the picture.
  wheel(event) {
    if (event.target.closest(".cs-player")) return;
    if (this.place === "notebook" && !event.ctrlKey && !this.el.contains(document.activeElement)) return;
    event.preventDefault();
    const { x, y } = this.where(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.view.zoom(this.view.scale * Math.exp(-event.deltaY * lines * WHEEL * (event.ctrlKey ? 5 : 1)), x, y);
    this.draw();
  }

  toggle() {
    if (this.view.fitted) this.whole();
    else this.fit();
  }

  fit() {
    this.view.fit();
    this.draw();
  }

  // One pixel of the picture is one of the screen.
  whole() {
    this.view.zoom(1 / (window.devicePixelRatio || 1));
    this.draw();
  }

  zoom(times) {
    this.view.zoom(this.view.scale * times);
    this.draw();
  }

  key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const zooms = { "+": STEP, "=": STEP, "-": 1 / STEP };
    const arrow = arrows[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrow && this.store.get("tool") === "look") this.view.pan(-arrow[0] * MOVE, -arrow[1] * MOVE);
    else if (arrow) this.step(arrow, event.shiftKey ? 10 : 1);
    else if (event.key in zooms) this.view.zoom(this.view.scale * zooms[event.key]);
    else if (event.key === "0") this.view.fit();
    else if (event.key === "1") return void (this.whole(), event.preventDefault());
    else if (event.key === "Enter") gesture("enter", this, this.spot, event.shiftKey);
    else if (event.key === " ") this.space = true;
    else return;
    event.preventDefault();
    this.draw();
  }

  // The cross, by a hundredth of the picture.
  step([dx, dy], times) {
    this.spot = { x: within(this.spot.x + 0.01 * times * dx), y: within(this.spot.y + 0.01 * times * dy) };
  }

  aim() {
    const { box } = this.view;
    this.cross.style.transform = `translate(${box.x + this.spot.x * box.width}px, ${box.y + this.spot.y * box.height}px)`;
    const what = this.store.get("tool") === "look" ? "Arrows move the picture, plus and minus zoom, 0 fits it." :
      `Arrows move the cross, Enter takes ${Math.round(this.spot.x * 100)} % from the left, ` +
      `${Math.round(this.spot.y * 100)} % from above.`;
    this.over.setAttribute("aria-label", `Picture. ${what}`);
  }

  close() {
    this.watch.disconnect();
    cancelAnimationFrame(this.due);
  }
}
