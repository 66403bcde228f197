// What a pointer on the picture does, by the tool: a gesture {move, end, cancel} each.

import { paint } from "./region.js";
import { trace } from "./trace.js";

const STILL = 5; // px: less is a click
const APART = 0.035; // of the longer side: from hint to hint along a stroke

function pan(stage, from) {
  let last = from;
  return {
    move(to) {
      stage.view.pan(to.x - last.x, to.y - last.y);
      last = to;
      stage.draw();
    },
  };
}

// Where all of the picture is in sight a drag moves the divider, else the picture.
function look(stage, from) {
  if (!stage.view.fitted) return pan(stage, from);
  const { left, width } = stage.visible();
  const begun = stage.store.get("split");
  return {
    move(to) {
      if (Math.abs(to.x - from.x) < STILL && begun === stage.store.get("split")) return;
      stage.store.set("split", Math.min(Math.max((to.x - left) / width, 0), 1));
    },
  };
}

function set(stage, places) {
  stage.bus.send("hint", { places, color: stage.store.get("color") });
  const [x, y] = places.at(-1);
  stage.bus.send("likely", { x, y });
}

function point(stage, from) {
  const panning = pan(stage, from);
  let still = true;
  return {
    move(to) {
      still &&= Math.hypot(to.x - from.x, to.y - from.y) < STILL;
      if (!still) panning.move(to);
    },
    end(to) {
      if (!still || !stage.view.inside(to.x, to.y)) return;
      const { x, y } = stage.view.at(to.x, to.y);
      stage.spot = { x, y };
      set(stage, [[x, y]]);
    },
  };
}

function brush(stage, from) {
  const line = trace(stage, from, stage.store.get("color"), 10);
  const { view } = stage;
  const places = [view.at(from.x, from.y)];
  const { width, height } = view.picture;
  const apart = (one, other) => Math.hypot((one.x - other.x) * width, (one.y - other.y) * height);
  const step = (APART * Math.max(width, height)) / Math.max(1, view.scale / view.fitting);
  return {
    move(to) {
      line.on(to);
      const place = view.at(to.x, to.y);
      if (apart(place, places.at(-1)) >= step) places.push(place);
    },
    end() {
      set(stage, places.map(({ x, y }) => [x, y]));
      setTimeout(line.gone, 250);
    },
    cancel: line.gone,
  };
}

function eraser(stage, from) {
  const radius = stage.store.get("eraser");
  const line = trace(stage, from, "#8888", 2 * radius);
  const gone = new Set();
  const over = (to) => {
    for (const [number, dot] of stage.dots().entries()) {
      if (Math.hypot(dot.x - to.x, dot.y - to.y) > radius) continue;
      gone.add(number);
      dot.element.hidden = true;
    }
  };
  over(from);
  return {
    move(to) {
      line.on(to);
      over(to);
    },
    end() {
      line.gone();
      if (gone.size) stage.bus.send("erase", { hints: [...gone] });
    },
    cancel() {
      line.gone();
      for (const number of gone) stage.dots()[number].element.hidden = false;
    },
  };
}

function pick(stage, from) {
  const take = ({ x, y }) => stage.view.inside(x, y) && stage.store.set("color", stage.pick(x, y));
  take(from);
  return { move: take, end: () => stage.store.set("tool", stage.store.get("last") ?? "point") };
}

// By the keyboard: the tool at the cross.
function enter(stage, { x, y }, straight) {
  const { box } = stage.view;
  const place = { x: box.x + x * box.width, y: box.y + y * box.height };
  const tool = stage.store.get("tool");
  if (tool === "point" || tool === "brush") set(stage, [[x, y]]);
  if (tool === "region") paint(stage, place, straight).end();
  if (tool === "pick") pick(stage, place).end();
  if (tool === "eraser") eraser(stage, place).end();
}

const GESTURES = { hand: pan, look, point, brush, eraser, pick, region: paint, enter };
export const gesture = (tool, stage, from, straight) => GESTURES[tool](stage, from, straight);

// Name, key and tool tip of each.
export const TOOLS = {
  look: ["v", "Look: drag the divider, or the picture when it is larger"],
  point: ["p", "Point: a click sets the colour there, and what looks alike takes it"],
  brush: ["b", "Brush: paint a line of the colour"],
  eraser: ["e", "Eraser: wipe hints away"],
  pick: ["i", "Eye-dropper: take a colour from the picture"],
  region: ["m", "Region: paint what is coloured, or what is left as it was"],
};
