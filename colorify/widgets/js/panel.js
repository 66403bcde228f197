// The side panel: groups of controls, as Python lists them, and what else belongs to a group.

import { makeControl } from "./controls.js";
import { h } from "./dom.js";

export function makePanel(parts, extras) {
  const { model, bus } = parts;
  const el = h("aside.cs-panel", { "aria-label": "Settings" });
  const controls = new Map();
  const groups = new Map();

  function build() {
    controls.clear();
    groups.clear();
    el.replaceChildren(...model.get("panel").map(group));
    update();
  }

  function group({ name, title, controls: listed }) {
    const made = listed.map((control) => {
      const one = makeControl(control, (value) => bus.turn({ [control.name]: value }), parts);
      controls.set(control.name, one);
      return [control, one.el];
    });
    const shown = made.filter(([control]) => !control.more).map(([, one]) => one);
    const hidden = made.filter(([control]) => control.more).map(([, one]) => one);
    const found = h("details.cs-group", { open: true, "data-group": name },
      h("summary", {}, h("h3", {}, title)),
      h("div.cs-body", {}, ...shown,
        hidden.length ? h("details.cs-further", {}, h("summary", {}, "More"), ...hidden) : null,
        extras[name]?.() ?? null));
    groups.set(name, found);
    return found;
  }

  function update() {
    const [knobs, disabled, choices, reach] = ["knobs", "disabled", "choices", "reach"].map((name) => model.get(name));
    for (const [name, control] of controls) {
      control.offer(choices[name]);
      control.reach(reach[name]);
      if (!bus.turning(name)) control.show(knobs[name]);
      control.disable(disabled[name]);
    }
    if (groups.has("film")) groups.get("film").hidden = !model.get("film").name;
  }

  function give() {
    const guides = model.get("guides");
    for (const [name, control] of controls) control.give(guides[name]);
  }

  return { el, build, update, give };
}
