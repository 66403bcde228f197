// The handle on the picture: gray on its left, colour on its right.

import { h, icon, within } from "./dom.js";

const STEP = 0.02;

export function makeDivider(stage) {
  const { store } = stage;
  const handle = h("div.cs-divider", {
    role: "slider",
    tabIndex: 0,
    "aria-label": "Divider: before on the left, after on the right",
    "aria-valuemin": 0,
    "aria-valuemax": 100,
    "aria-orientation": "horizontal",
  }, h("span.cs-knob", {}, icon("divider")));

  const to = (event) => {
    const { left, width } = stage.visible();
    store.set("split", within((stage.where(event).x - left) / width));
  };
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = to;
  });
  for (const kind of ["pointerup", "pointercancel"]) handle.addEventListener(kind, () => (handle.onpointermove = null));
  handle.addEventListener("dblclick", () => store.set("split", 0.5));
  handle.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageUp: 0.1, PageDown: -0.1 };
    const ends = { Home: 0, End: 1 };
    if (event.key in steps) store.set("split", within(store.get("split") + steps[event.key]));
    else if (event.key in ends) store.set("split", ends[event.key]);
    else return;
    event.preventDefault();
  });
  store.on("split", (split) => {
    handle.setAttribute("aria-valuenow", Math.round(split * 100));
    handle.setAttribute("aria-valuetext", `${Math.round(split * 100)} % before`);
  });
  stage.el.append(handle);
}
