// The group `Hints` of the panel: colours, brush, the file of hints.

import { h, tool } from "./dom.js";

export function makeHintsGroup({ model, bus, store }) {
  const likely = h("div.cs-names", { role: "group", "aria-label": "Likely colours of the last place" });
  const used = h("div.cs-used", { role: "group", "aria-label": "Colours in use" });
  const count = h("p.cs-quiet", { "aria-live": "polite" });
  const clear = h("button.cs-button", { type: "button", title: "Remove all hints (undo brings them back)", onclick: () => bus.send("clear") }, "Clear");
  const save = h("button.cs-button", { type: "button", title: "As a CSV file, which colorify reads with --hints; of a film with the time of each", onclick: () => bus.send("save hints") }, "Save hints");
  const file = h("input", {
    type: "file",
    accept: ".csv",
    "aria-label": "Load hints",
    onchange: async () => {
      for (const one of file.files) await bus.upload(one);
      file.value = "";
    },
  });
  const load = h("label.cs-file.cs-button", { title: "A CSV file of x,y,color; of a film with time or frame" }, "Load hints", file);

  const swatch = (color, name, text) => h("button.cs-name", {
    type: "button",
    title: `Take ${name}`,
    onclick: () => store.set("color", color),
  }, h("i", { style: `background: ${color}` }), text);

  function update() {
    const hints = model.get("hints");
    const colors = new Map(hints.map(({ color, name }) => [color, name]));
    used.replaceChildren(...[...colors].map(([color, name]) => swatch(color, name, name)));
    count.textContent = hints.length ? `${hints.length} ${hints.length === 1 ? "hint" : "hints"} on the picture.` :
      "Choose Point or Brush above the picture, then a place: what looks alike takes the colour.";
    clear.disabled = save.disabled = !hints.length;
  }

  store.on("likely", (found) => {
    likely.replaceChildren(...(found ?? []).map(([color, share, name]) => swatch(color, name, `${name} ${Math.round(share * 100)} %`)));
    likely.hidden = !found?.length;
  });
  const el = () => h("div.cs-hints", {}, count, used, likely, h("div.cs-row", {}, clear, save, load));
  return { el, update };
}
