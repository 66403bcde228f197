// The bar above the picture: open, tools, undo and redo, zoom, help.

import { h, icon, tool } from "./dom.js";
import { TOOLS } from "./tools.js";

const KEYS = [
  ["Drag, double click", "move the divider or the picture; fit or 100 %"],
  ["Wheel, pinch, + and −", "zoom; 0 fits, 1 is 100 %"],
  ["V P B E I M", "look, point, brush, eraser, eye-dropper, region"],
  ["Arrows, Enter", "on the picture: move the cross, set a hint; on a hint: move it"],
  ["[ ], { }, X", "region: size, soft edge, colour or leave; Shift paints a line from where the last one ended"],
  ["Delete", "remove a hint"],
  ["Ctrl Z, Ctrl Shift Z", "undo and redo hints and regions"],
  ["Double click on a slider", "back to its default"],
  ["Drop, Ctrl V", "open pictures, a film, or a CSV of hints"],
];

function makeTools(store) {
  const buttons = Object.entries(TOOLS).map(([name, [key, label]]) =>
    tool(name, `${label} (${key.toUpperCase()})`, () => store.set("tool", name), { "aria-keyshortcuts": key }));
  store.on("tool", (now) => {
    for (const [index, name] of Object.keys(TOOLS).entries()) buttons[index].setAttribute("aria-pressed", String(name === now));
  });
  const color = h("input.cs-color", {
    type: "color",
    "aria-label": "Colour of new hints",
    title: "Colour of new hints",
    oninput: (event) => store.set("color", event.target.value),
  });
  store.on("color", (value) => (color.value = value));
  return h("div.cs-tools", { role: "toolbar", "aria-label": "Tools" }, ...buttons, color);
}

function makeHelp() {
  const list = h("dl", {}, ...KEYS.flatMap(([keys, what]) => [h("dt", {}, keys), h("dd", {}, what)]));
  const dialog = h("dialog.cs-dialog", { "aria-label": "Help" }, h("h3", {}, "How to"), list,
    h("button.cs-button", { type: "button", onclick: () => dialog.close() }, "Close"));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return dialog;
}

export function makeBar({ model, bus, store, stage, opener }) {
  const open = h("button.cs-button.cs-primary", { type: "button", onclick: () => opener.open() }, icon("open"), "Open");
  const name = h("strong");
  const facts = h("span.cs-facts");
  const undo = tool("undo", "Undo (Ctrl Z)", () => bus.send("undo"));
  const redo = tool("redo", "Redo (Ctrl Shift Z)", () => bus.send("redo"));
  const zoom = h("button.cs-zoom", { type: "button", title: "Fit, or one pixel of the picture to one of the screen", onclick: () => stage.toggle() });
  const help = makeHelp();
  const el = h("header.cs-bar", {},
    open,
    h("div.cs-title", {}, name, facts),
    makeTools(store),
    h("div.cs-tools", { role: "toolbar", "aria-label": "Steps" }, undo, redo),
    h("div.cs-tools", { role: "toolbar", "aria-label": "Zoom" },
      tool("minus", "Smaller (−)", () => stage.zoom(0.8)), zoom, tool("plus", "Larger (+)", () => stage.zoom(1.25)),
      tool("fit", "Fit (0)", () => stage.fit())),
    tool("help", "Help", () => help.showModal()), help);
  store.on("scale", (scale) => {
    const percent = Math.round(scale * 100);
    zoom.textContent = `${percent} %`;
    zoom.setAttribute("aria-label", `${percent} %: fit, or 100 %`);
  });

  function update() {
    const picture = model.get("picture");
    name.textContent = name.title = picture.name ?? "";
    facts.textContent = picture.name ? `${picture.width} × ${picture.height}, ${picture.depth} bit` : "";
    const can = model.get("can");
    undo.disabled = !can.undo;
    redo.disabled = !can.redo;
  }

  return { el, update };
}
