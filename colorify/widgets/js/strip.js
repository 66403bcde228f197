// The thumbnails: what a click takes, and what was opened.

import { h, pixelOf, shown, tool } from "./dom.js";

const WORDS = { gray: "Gray", yours: "Yours" };
const title = (name) => WORDS[name] ?? name[0].toUpperCase() + name.slice(1);

export function makeStrip({ model, bus, store }) {
  const row = h("div.cs-thumbs", { role: "group", "aria-label": "Results: one click takes one" });
  const more = h("button.cs-more", {
    type: "button",
    title: "Four more plausible results",
    onclick: () => bus.send("ideas"),
  }, "More ideas");
  const el = h("div.cs-strip", {}, row);
  const tiles = new Map();

  function tile(name) {
    const image = h("img", { alt: "", draggable: false });
    const button = h("button.cs-thumb", {
      type: "button",
      onclick: (event) => {
        if (store.get("tool") !== "pick" || !event.detail) return bus.turn({ model: name });
        store.set("color", pixelOf(image, event));
        store.set("tool", store.get("last"));
      },
    }, image, h("span", {}, title(name)));
    return { button, image };
  }

  function fill() {
    const strip = model.get("strip");
    const names = new Set(strip.map(({ name }) => name));
    for (const name of tiles.keys()) if (!names.has(name)) tiles.delete(name);
    for (const { name, image } of strip) {
      if (!tiles.has(name)) tiles.set(name, tile(name));
      const found = tiles.get(name);
      if (found.bytes !== image) shown(found.image, (found.bytes = image));
    }
    const ideas = Object.keys(model.get("disabled")).includes("doubt") ? [] : [more];
    row.replaceChildren(...strip.map(({ name }) => tiles.get(name).button), ...ideas);
    take();
  }

  function take() {
    const now = model.get("knobs").model;
    for (const [name, { button }] of tiles) button.setAttribute("aria-pressed", String(name === now));
  }

  return { el, fill, take };
}

// Pictures and films that were opened; one that is alone is not shown.
export function makeShelf({ model, bus }) {
  const el = h("div.cs-shelf", { role: "group", "aria-label": "Opened pictures", hidden: true });

  function fill() {
    const shelf = model.get("shelf");
    const now = model.get("picture").number;
    el.hidden = shelf.length < 2;
    el.replaceChildren(...shelf.map(({ number, name, image }) => h("div.cs-opened", {},
      h("button.cs-thumb", {
        type: "button",
        title: name,
        "aria-pressed": String(number === now),
        onclick: () => bus.send("pick", { item: number }),
      }, shown(h("img", { alt: "", draggable: false }), image), h("span", {}, name)),
      tool("close", `Close ${name}`, () => bus.send("close", { item: number })),
    )));
  }

  return { el, fill };
}
