// The studio in the page: parts are made once, and each follows the traits that it shows.

import { makeBar } from "./bar.js";
import { makeBus } from "./bus.js";
import { makeDivider } from "./divider.js";
import { h } from "./dom.js";
import { download, exportButtons, makeNotices } from "./exporting.js";
import { filmButtons, makeTimeline } from "./film.js";
import { makeHints } from "./hints.js";
import { makeHintsGroup } from "./hintsgroup.js";
import { watchKeys } from "./keys.js";
import { makeOpener } from "./opener.js";
import { makePanel } from "./panel.js";
import { makeRegion, regionButtons } from "./region.js";
import { makeSides } from "./sides.js";
import { Stage } from "./stage.js";
import { Store } from "./store.js";
import { makeShelf, makeStrip } from "./strip.js";
import { watchTheme } from "./theme.js";

const where = () => (document.body.dataset.voila || document.querySelector("#rendered_cells") ? "page" : "notebook");

function render({ model, el }) {
  const place = where();
  const root = h("div.cs-studio", { "data-place": place });
  const store = new Store({ tool: "look", last: "point", color: "#c2452d", split: 0.5, eraser: 24, reach: 30, soft: 0.5, mode: "white", scale: 1, likely: [] });
  const bus = makeBus(model);
  const parts = { model, bus, store, root, place };
  const stage = (parts.stage = new Stage(parts));
  const opener = (parts.opener = makeOpener(parts));
  const hints = makeHints(stage);
  const group = makeHintsGroup(parts);
  const [region, paints] = [makeRegion(stage), regionButtons(parts)];
  makeDivider(stage);
  const sides = makeSides(parts);
  const [bar, strip, shelf, film, notices] = [makeBar, makeStrip, makeShelf, makeTimeline, makeNotices].map((make) => make(parts));
  const panel = makePanel(parts, { hints: group.el, region: paints.el, film: () => filmButtons(parts), export: () => exportButtons(parts) });
  stage.el.append(notices.toast, notices.job);
  const below = h("div.cs-below", {}, film.el, shelf.el, strip.el);
  root.append(h("div.cs-frame", {}, bar.el, stage.el, below, panel.el), opener.dialog, opener.veil);
  el.append(root);
  store.on("tool", (tool) => tool !== "pick" && tool !== "look" && store.set("last", tool));
  store.on("tool", (tool) => (root.dataset.tool = tool));

  const follow = {
    picture: () => {
      hints.choose(-1);
      store.set("likely", []);
      bar.update();
      shelf.fill();
      sides.update();
      stage.open();
    },
    color: () => stage.recolor("color"),
    left: () => {
      stage.recolor("left");
      sides.update();
    },
    knobs: () => {
      panel.update();
      strip.take();
      sides.update();
    },
    region: () => {
      region.update();
      paints.update();
    },
    panel: panel.build,
    choices: panel.update,
    disabled: panel.update,
    hints: () => {
      hints.mark();
      group.update();
    },
    strip: strip.fill,
    shelf: shelf.fill,
    samples: opener.fill,
    film: () => {
      film.update();
      panel.update();
    },
    stills: film.fill,
    clip: film.play,
    guides: panel.give,
    notice: notices.update,
    progress: notices.update,
    near: sides.update,
    can: bar.update,
  };
  const heard = (message, buffers) => {
    if (message.said === "file") download(message.name, buffers[0]);
    if (message.said === "likely") {
      const { width, height } = model.get("picture");
      store.set("likely", message.colors);
      const places = model.get("hints").map(({ x, y }) => [(x + 0.5) / width, (y + 0.5) / height]);
      const near = places.findIndex(([x, y]) => Math.abs(x - message.x) * width < 1 && Math.abs(y - message.y) * height < 1);
      hints.choose(near);
    }
  };
  for (const [name, draw] of Object.entries(follow)) {
    model.on(`change:${name}`, draw);
    draw();
  }
  model.on("msg:custom", heard);
  const ends = [watchTheme(root, (back) => stage.theme(back)), watchKeys(parts), opener.stop, bus.stop, () => stage.close()];
  return () => {
    for (const [name, draw] of Object.entries(follow)) model.off(`change:${name}`, draw);
    model.off("msg:custom", heard);
    for (const end of ends) end();
  };
}

export default { render };
