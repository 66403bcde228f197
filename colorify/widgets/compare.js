// A picture before and after, with a divider that can be moved, and hints that can be set, moved and taken away.
// State shared with Python: before, after (bytes), split (0..1), hints ([{x, y, color, name}]), pointed ({x, y, count}).

const NS = "http://www.w3.org/2000/svg";
const STEP = 0.01; // of the picture, for the arrow keys

const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
const within = (value) => Math.min(Math.max(value, 0), 1);

// ipywidgets shows the label of a slider or a colour beside it, but does not tell it to those who cannot see.
function name_controls() {
  for (const control of document.querySelectorAll(".colorify-studio :is(.noUi-handle, input[type=color]):not([aria-label])")) {
    const label = control.closest(".jupyter-widgets").querySelector(".widget-label");
    control.setAttribute("aria-label", label.textContent);
  }
}

function render({ model, el }) {
  el.classList.add("colorify-compare");
  const stage = document.createElement("div");
  stage.className = "colorify-stage";
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  const before = document.createElement("img");
  const after = document.createElement("img");
  before.alt = "before: gray";
  after.alt = "after: in colour";
  for (const image of [before, after]) image.draggable = false;
  const layer = document.createElementNS(NS, "svg");
  const cross = document.createElement("div");
  cross.className = "colorify-cross";
  stage.append(before, after, layer, cross);
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: 1, step: 0.01 });
  slider.setAttribute("aria-label", "divider between before and after");
  el.append(stage, slider);

  let place = { x: 0.5, y: 0.5 };

  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return { x: within((event.clientX - box.left) / box.width), y: within((event.clientY - box.top) / box.height) };
  };
  const point = (where) => {
    model.set("pointed", { ...where, count: (model.get("pointed").count || 0) + 1 });
    model.save_changes();
  };
  const change = (number, hint) => {
    const hints = model.get("hints").map((one) => ({ ...one }));
    if (hint) Object.assign(hints[number], hint);
    else hints.splice(number, 1);
    model.set("hints", hints);
    model.save_changes();
  };

  function show(image, name) {
    const old = image.src;
    image.src = URL.createObjectURL(new Blob([model.get(name)]));
    if (old) URL.revokeObjectURL(old);
  }
  function divide() {
    const split = model.get("split");
    slider.value = split;
    after.style.clipPath = `inset(0 0 0 ${split * 100}%)`;
  }
  function mark() {
    const focused = [...layer.children].indexOf(document.activeElement);
    layer.replaceChildren(
      ...model.get("hints").map((hint, number) => {
        const dot = document.createElementNS(NS, "circle");
        dot.setAttribute("cx", `${hint.x * 100}%`);
        dot.setAttribute("cy", `${hint.y * 100}%`);
        dot.setAttribute("r", 8);
        dot.setAttribute("fill", hint.color);
        dot.setAttribute("tabindex", 0);
        dot.setAttribute("role", "button");
        const where = `${Math.round(hint.x * 100)} % from the left, ${Math.round(hint.y * 100)} % from above`;
        dot.setAttribute("aria-label", `hint ${number + 1}, ${hint.name}, ${where}; arrows move it, Delete removes it`);
        dot.addEventListener("pointerdown", (event) => {
          event.stopPropagation();
          dot.setPointerCapture(event.pointerId);
          const move = (moved) => {
            const to = at(moved);
            dot.setAttribute("cx", `${to.x * 100}%`);
            dot.setAttribute("cy", `${to.y * 100}%`);
          };
          dot.addEventListener("pointermove", move);
          dot.addEventListener("pointerup", (up) => change(number, at(up)), { once: true });
          dot.addEventListener("pointercancel", mark, { once: true });
        });
        dot.addEventListener("keydown", (event) => {
          const arrow = ARROWS[event.key];
          if (arrow) change(number, { x: within(hint.x + arrow[0]), y: within(hint.y + arrow[1]) });
          else if (event.key === "Delete" || event.key === "Backspace") change(number, null);
          else return;
          event.preventDefault();
          event.stopPropagation();
        });
        return dot;
      }),
    );
    layer.children[focused]?.focus();
  }
  function aim() {
    cross.style.left = `${place.x * 100}%`;
    cross.style.top = `${place.y * 100}%`;
    const where = `${Math.round(place.x * 100)} % from the left, ${Math.round(place.y * 100)} % from above`;
    stage.setAttribute("aria-label", `picture; arrows move the cross, Enter chooses a colour at ${where}`);
  }

  stage.addEventListener("pointerdown", (event) => {
    place = at(event);
    aim();
    point(place);
  });
  stage.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (arrow) place = { x: within(place.x + arrow[0]), y: within(place.y + arrow[1]) };
    else if (event.key === "Enter" || event.key === " ") point(place);
    else return;
    aim();
    event.preventDefault();
    event.stopPropagation();
  });
  slider.addEventListener("input", () => {
    model.set("split", Number(slider.value));
    model.save_changes();
  });
  slider.addEventListener("keydown", (event) => event.stopPropagation()); // the notebook has its own arrows

  const parts = { "change:before": () => show(before, "before"), "change:after": () => show(after, "after") };
  Object.assign(parts, { "change:split": divide, "change:hints": mark });
  for (const [event, draw] of Object.entries(parts)) {
    model.on(event, draw);
    draw();
  }
  aim();
  const watch = new MutationObserver(name_controls);
  watch.observe(document.body, { childList: true, subtree: true });
  name_controls();
  return () => {
    watch.disconnect();
    for (const [event, draw] of Object.entries(parts)) model.off(event, draw);
    for (const image of [before, after]) URL.revokeObjectURL(image.src);
  };
}

export default { render };
