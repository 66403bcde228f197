// The hints on the picture: dots that can be moved, coloured anew and removed, and the card of the last one.

import { h, tool, within } from "./dom.js";

const STEP = 0.005; // of the picture, for an arrow
const STOPS = 40; // dots that the Tab key stops at

export function makeHints(stage) {
  const { model, bus, store } = stage;
  const layer = h("div.cs-dots", { role: "group", "aria-label": "Hints" });
  const card = h("div.cs-card", { role: "group", "aria-label": "Colour of the hint", hidden: true });
  stage.over.after(layer);
  stage.el.append(card);
  let chosen = -1;

  const size = () => model.get("picture");
  const share = (hint) => ({ x: (hint.x + 0.5) / size().width, y: (hint.y + 0.5) / size().height });
  const spot = (place) => {
    const { box } = stage.view;
    return { x: box.x + place.x * box.width, y: box.y + place.y * box.height };
  };

  stage.dots = () => model.get("hints").map((hint, number) => ({
    ...spot(share(hint)),
    element: layer.children[number] ?? h("i"),
  }));

  function lay() {
    for (const { x, y, element } of stage.dots()) element.style.transform = `translate(${x}px, ${y}px)`;
    const hint = model.get("hints")[chosen];
    card.hidden = !hint;
    if (!hint) return;
    const { x, y } = spot(share(hint));
    const { width, height } = stage.view.stage;
    card.style.left = `${within(x - card.offsetWidth / 2, 8, Math.max(8, width - card.offsetWidth - 8))}px`;
    const below = y + 18 + card.offsetHeight < height;
    card.style.top = `${below ? y + 18 : Math.max(8, y - 18 - card.offsetHeight)}px`;
  }

  function choose(number) {
    chosen = number;
    const hint = model.get("hints")[number];
    if (hint) {
      store.set("color", hint.color);
      fill(hint, number);
    }
    for (const [index, dot] of [...layer.children].entries()) dot.classList.toggle("cs-chosen", index === number);
    lay();
  }

  function fill(hint, number) {
    const custom = h("input", {
      type: "color",
      value: hint.color,
      "aria-label": "Any colour",
      title: "Any colour",
      onchange: (event) => bus.send("recolor", { hint: number, color: event.target.value }),
    });
    card.replaceChildren(
      custom,
      h("div.cs-likely", { role: "group", "aria-label": "Likely colours" }, ...swatches(number)),
      tool("close", "Remove this hint", () => bus.send("erase", { hints: [number] })),
    );
  }

  const swatches = (number) => (store.get("likely") ?? []).slice(0, 6).map(([color, part, name]) => h("button.cs-swatch", {
    type: "button",
    title: `${name}, ${Math.round(part * 100)} % likely`,
    "aria-label": `${name}, ${Math.round(part * 100)} % likely`,
    style: `background: ${color}`,
    onclick: () => {
      store.set("color", color);
      bus.send("recolor", { hint: number, color });
    },
  }));

  function drag(dot, number, event) {
    event.preventDefault();
    event.stopPropagation();
    dot.focus({ preventScroll: true });
    dot.setPointerCapture(event.pointerId);
    const from = stage.where(event);
    let to = from;
    dot.onpointermove = (moved) => {
      to = stage.where(moved);
      dot.style.transform = `translate(${to.x}px, ${to.y}px)`;
    };
    dot.onpointerup = () => {
      dot.onpointermove = dot.onpointerup = null;
      const tool = store.get("tool");
      if (Math.hypot(to.x - from.x, to.y - from.y) > 3) bus.send("move", { hint: number, ...stage.view.at(to.x, to.y) });
      else if (tool === "eraser") bus.send("erase", { hints: [number] });
      else choose(number);
    };
    dot.onpointercancel = mark;
  }

  function key(number, event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const arrow = arrows[event.key];
    const { x, y } = share(model.get("hints")[number]);
    if (arrow) bus.send("move", { hint: number, x: within(x + arrow[0] * STEP), y: within(y + arrow[1] * STEP) });
    else if (event.key === "Delete" || event.key === "Backspace") bus.send("erase", { hints: [number] });
    else if (event.key === "Enter" || event.key === " ") choose(number);
    else if (event.key === "Escape") choose(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function mark() {
    const hints = model.get("hints");
    const focused = [...layer.children].indexOf(document.activeElement);
    layer.replaceChildren(...hints.map((hint, number) => {
      const { x, y } = share(hint);
      const where = `${Math.round(x * 100)} % from the left, ${Math.round(y * 100)} % from above`;
      const dot = h("button.cs-dot", {
        type: "button",
        tabIndex: number < STOPS ? 0 : -1,
        style: `--dot: ${hint.color}`,
        title: hint.name,
        "aria-label": `Hint ${number + 1}, ${hint.name}, ${where}: arrows move it, Delete removes it, Enter colours it`,
      });
      dot.addEventListener("pointerdown", (event) => drag(dot, number, event));
      dot.addEventListener("keydown", (event) => key(number, event));
      return dot;
    }));
    layer.children[Math.min(focused, hints.length - 1)]?.focus({ preventScroll: true });
    if (chosen >= hints.length) chosen = -1;
    if (chosen >= 0) fill(hints[chosen], chosen);
    lay();
  }

  store.on("likely", () => {
    const hint = model.get("hints")[chosen];
    if (hint) fill(hint, chosen);
  });
  stage.layers.push(lay);
  stage.over.addEventListener("pointerdown", () => choose(-1));
  return { mark, choose };
}
