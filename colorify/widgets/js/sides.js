// What stands on either side of the divider, in the corners of the picture.

import { h } from "./dom.js";

export function makeSides({ model, bus, stage, store }) {
  const before = h("select", {
    "aria-label": "Compare with",
    title: "What is shown left of the divider",
    onchange: () => bus.send("compare", { name: before.value }),
  });
  const after = h("span.cs-side.cs-after");
  const near = h("span.cs-near", { title: "Where the colours are near those that the picture came with" });
  stage.el.append(h("span.cs-side.cs-before", {}, before), after, near);
  store.on("split", (split) => {
    stage.el.classList.toggle("cs-no-before", split < 0.02);
    stage.el.classList.toggle("cs-no-after", split > 0.98);
  });

  function update() {
    const { original } = model.get("picture");
    const models = (model.get("choices").model ?? []).filter(([name]) => name !== "gray");
    const values = [["gray", "Gray"], ...(original ? [["original", "Original"]] : []), ...models];
    before.replaceChildren(...values.map(([value, text]) => h("option", { value }, text)));
    before.value = model.get("left").name ?? "gray";
    const { model: name, other, blend } = model.get("knobs");
    after.textContent = other && blend ? `${name} + ${other}` : name === "gray" ? "your hints" : name;
    near.textContent = model.get("near");
    near.hidden = !model.get("near");
  }

  return { update };
}
