// The controls of the panel: a slider with its default marked, a choice, a check, a line of text.

import { h, icon, pixelOf, shown, unique } from "./dom.js";

const told = (control, value) => {
  const digits = control.step >= 1 ? 0 : control.step >= 0.1 ? 1 : 2;
  return `${Number(value).toFixed(digits)}${control.unit ? ` ${control.unit}` : ""}`;
};

function slider(control, id, turn) {
  const { low, step } = control;
  let { high } = control;
  const output = h("output", { htmlFor: id });
  const input = h("input", { type: "range", id, min: low, max: high, step });
  const back = h("button.cs-reset", {
    type: "button",
    title: "Back to the default",
    "aria-label": `${control.label}: back to ${told(control, control.default)}`,
    onclick: () => turn(control.default),
  }, icon("reset"));
  const place = (value) => (value - low) / (high - low);
  const wrap = h("div.cs-slider", { style: `--default: ${place(control.default)}` }, input);
  const show = (value) => {
    input.value = value;
    output.value = told(control, value);
    wrap.style.setProperty("--at", place(value));
    input.setAttribute("aria-valuetext", told(control, value));
    back.hidden = Math.abs(value - control.default) < step / 2;
  };
  input.addEventListener("input", () => {
    show(input.valueAsNumber);
    if (!control.late) turn(input.valueAsNumber);
  });
  input.addEventListener("change", () => control.late && turn(input.valueAsNumber));
  input.addEventListener("dblclick", () => {
    show(control.default);
    turn(control.default);
  });
  const reach = (most) => {
    if (!most || most === high) return;
    input.max = high = most;
    wrap.style.setProperty("--default", place(control.default));
  };
  return { head: [back, output], body: [wrap], input, show, reach, buttons: [back] };
}

function choice(control, id, turn) {
  const input = h("select", { id, onchange: () => turn(input.value) });
  let known = "";
  const offer = (values) => {
    if (!values || known === (known = JSON.stringify(values))) return;
    const now = input.value;
    input.replaceChildren(...values.map(([value, text]) => h("option", { value }, text)));
    input.value = now;
  };
  return { head: [], body: [input], input, show: (value) => (input.value = value ?? ""), offer };
}

function check(control, id, turn) {
  const input = h("input.cs-switch", { type: "checkbox", role: "switch", id, onchange: () => turn(input.checked) });
  return { head: [input], body: [], input, show: (value) => (input.checked = value) };
}

function text(control, id, turn) {
  const input = h("input", { type: "text", id, onchange: () => turn(input.value) });
  return { head: [], body: [input], input, show: (value) => (input.value = value ?? "") };
}

// Files that are given: a click takes one away, or a colour of it with the eye-dropper.
function files(control, id, turn, { bus, store }) {
  const input = h("input", {
    type: "file",
    id,
    accept: "image/*",
    multiple: control.high > 1,
    onchange: async () => {
      for (const file of input.files) await bus.upload(file, control.name);
      input.value = "";
    },
  });
  const row = h("div.cs-given", {});
  const add = h("label.cs-file.cs-button", {}, "Add", input);
  const give = (given) => {
    row.replaceChildren(...(given ?? []).map(({ path, name, image }) => h("button.cs-thumb", {
      type: "button",
      title: `${name}: click to take it away`,
      "aria-label": `Take away ${name}`,
      onclick: (event) => {
        const picture = event.currentTarget.firstChild;
        if (store.get("tool") !== "pick" || !event.detail) return turn(given.filter((one) => one.path !== path).map((one) => one.path));
        store.set("color", pixelOf(picture, event));
        store.set("tool", store.get("last"));
      },
    }, shown(h("img", { alt: "" }), image))));
  };
  return { head: [add], body: [row], input, show: () => {}, give };
}

const KINDS = { range: slider, choice, check, text, files };

// {el, show(value), offer(choices), reach(most), disable(reason)}
export function makeControl(control, turn, parts) {
  const id = unique(control.name);
  const made = KINDS[control.kind](control, id, turn, parts);
  const tip = h("span.cs-tip", { role: "tooltip", id: `${id}-tip` }, control.tip);
  const why = h("p.cs-why", { id: `${id}-why`, hidden: true });
  const el = h("div.cs-control", { "data-name": control.name },
    h("div.cs-head", {}, h("label", { htmlFor: id }, control.label), h("span.cs-space"), ...made.head),
    ...made.body, why, tip);
  made.input.setAttribute("aria-describedby", `${tip.id} ${why.id}`);
  const disable = (reason) => {
    for (const one of [made.input, ...(made.buttons ?? [])]) one.disabled = Boolean(reason);
    el.classList.toggle("cs-disabled", Boolean(reason));
    why.hidden = !reason;
    why.textContent = reason ? `${reason[0].toUpperCase()}${reason.slice(1)}.` : "";
  };
  return { ...made, el, disable, offer: made.offer ?? (() => {}), reach: made.reach ?? (() => {}), give: made.give ?? (() => {}) };
}
