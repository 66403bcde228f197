// The region brush: what is coloured and what is left, painted on the picture; and its options, which lie over it.

import { h, icon, within } from "./dom.js";
import { trace } from "./trace.js";

const MODES = {
  white: ["Colour", "Paint what is coloured; all else is left as it was"],
  black: ["Leave", "Paint what is left as it was; all else is coloured"],
  erase: ["Erase", "Take paint away"],
};
const LINES = { white: "#fff", black: "#000", erase: "#8888" };
const [SMALLEST, LARGEST] = [3, 160]; // px of the screen: the radius

function send(stage, places) {
  const { store, view } = stage;
  const { width, height } = view.picture;
  const radius = Math.min(1, store.get("reach") / view.scale / Math.max(width, height));
  stage.lastStroke = places.at(-1);
  stage.bus.send("stroke", { places, radius, soft: store.get("soft"), mode: store.get("mode") });
}

// A gesture; with Shift the line begins where the last one ended.
export function paint(stage, from, straight) {
  const { store, view } = stage;
  const { box } = view;
  const last = straight && stage.lastStroke;
  const begun = last ? { x: box.x + last[0] * box.width, y: box.y + last[1] * box.height } : from;
  const line = trace(stage, begun, LINES[store.get("mode")], 2 * store.get("reach"));
  const places = [];
  const on = (to) => {
    const { x, y } = view.at(to.x, to.y);
    places.push([x, y]);
  };
  on(begun);
  if (last) {
    on(from);
    line.on(from);
  }
  return {
    move(to) {
      line.on(to);
      on(to);
    },
    end() {
      send(stage, places);
      setTimeout(line.gone, 250);
    },
    cancel: line.gone,
  };
}

// Where the brush is, and how wide.
function ring(stage) {
  const { store, over } = stage;
  const el = h("div.cs-ring", { "aria-hidden": "true" });
  over.append(el);
  over.addEventListener("pointermove", (event) => {
    const { x, y } = stage.where(event);
    el.style.translate = `${x}px ${y}px`;
  });
  store.on("reach", (reach) => el.style.setProperty("--reach", `${reach}px`));
  store.on("soft", (soft) => el.style.setProperty("--core", 1 - soft));
}

function slider(store, name, [label, sign], title, low, high, step, told) {
  const input = h("input", { type: "range", min: low, max: high, step, title, "aria-label": label, oninput: () => store.set(name, input.valueAsNumber) });
  store.on(name, (value) => {
    input.value = value;
    input.setAttribute("aria-valuetext", told(value));
  });
  return h("label.cs-option", {}, h("span", { "data-sign": sign }, label), input);
}

export function makeRegion(stage) {
  const { model, store } = stage;
  const modes = Object.entries(MODES).map(([name, [label, title]]) =>
    h("button.cs-button", { type: "button", title, onclick: () => store.set("mode", name) }, label));
  store.on("mode", (now) => {
    for (const [index, name] of Object.keys(MODES).entries()) modes[index].setAttribute("aria-pressed", String(name === now));
  });
  const options = h("div.cs-options", { role: "group", "aria-label": "Region brush" },
    h("div.cs-modes", { role: "group", "aria-label": "What it does" }, ...modes),
    slider(store, "reach", ["Size", "●"], "Half its width, in pixels of the screen: [ and ]", SMALLEST, LARGEST, 1, (value) => `${value} px`),
    slider(store, "soft", ["Soft edge", "◌"], "How much of it fades: { and }", 0, 1, 0.05, (value) => `${Math.round(value * 100)} %`));
  stage.el.append(options);
  ring(stage);
  store.on("tool", (tool) => {
    options.hidden = tool !== "region";
    stage.draw();
  });

  async function update() {
    const { mask, laid } = model.get("region");
    const now = (stage.asked = (stage.asked ?? 0) + 1);
    const bitmap = mask ? await createImageBitmap(new Blob([mask], { type: "image/png" })) : null;
    if (stage.asked !== now) return;
    stage.painter.mask(bitmap, laid);
    stage.paint();
  }

  return { update };
}

// Keys of the brush, while it is chosen; says whether it was one.
export function brushKey(store, key) {
  const size = (times) => store.set("reach", Math.round(within(store.get("reach") * times, SMALLEST, LARGEST)));
  const soften = (by) => store.set("soft", within(Math.round(20 * (store.get("soft") + by)) / 20));
  const keys = {
    "[": () => size(0.8),
    "]": () => size(1.25),
    "{": () => soften(-0.1),
    "}": () => soften(0.1),
    x: () => store.set("mode", store.get("mode") === "white" ? "black" : "white"),
  };
  if (store.get("tool") !== "region" || !(key in keys)) return false;
  keys[key]();
  return true;
}

// The buttons of the group `Region`.
export function regionButtons({ bus, store, model }) {
  const button = (text, title, onclick) => h("button.cs-button", { type: "button", title, onclick }, text);
  const paints = button("Paint", "Take the region brush (M)", () => store.set("tool", "region"));
  paints.prepend(icon("region"));
  const others = [
    button("Invert", "Colour what was left, and leave what was coloured", () => bus.send("invert")),
    button("Clear region", "Colour all of it (undo brings the region back)", () => bus.turn({ mask: [] })),
    button("Save region", "As a PNG file, which colorify reads with --mask", () => bus.send("save region")),
  ];
  const update = () => {
    for (const one of others) one.disabled = !model.get("region").painted;
  };
  return { el: () => h("div.cs-row", {}, paints, ...others), update };
}
