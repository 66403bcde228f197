// Elements in one line each, and the icons.

let count = 0;
export const unique = (name) => `cs-${name}-${++count}`;

// h("button.primary", { onclick, "aria-label": "..." }, ...children); what is null or false is left out.
export function h(what, options = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const made = document.createElement(tag || "div");
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && !key.includes("-") && key !== "list") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const PATHS = {
  open: "M4 19V6a1 1 0 0 1 1-1h4l2 2h8a1 1 0 0 1 1 1v2M4 19l3-9h14l-3 9z",
  look: "M9 11V5a1.5 1.5 0 0 1 3 0v5m0-6a1.5 1.5 0 0 1 3 0v6m0-4a1.5 1.5 0 0 1 3 0v8a6 6 0 0 1-6 6h-1a6 6 0 0 1-5-3l-3-5a1.5 1.5 0 0 1 2.500-1.600L9 14",
  point: "M12 21c4-5 6-8 6-11a6 6 0 0 0-12 0c0 3 2 6 6 11zM12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4",
  brush: "M20 4c-4 1-8 5-10 9l1 2 2 1c4-2 8-6 9-10zM9 15c-3 0-3 2-4 4-.4.700-1 1-2 1 2 1 7 1 8-2z",
  eraser: "M8 20l-4-4a1.400 1.400 0 0 1 0-2L14 4a1.400 1.400 0 0 1 2 0l5 5a1.400 1.400 0 0 1 0 2l-9 9zM8 20h12M9 9l7 7",
  pick: "M14 6l4 4M12 8l4 4-8 8H4v-4zM15 5l1-1a2.100 2.100 0 0 1 3 0l1 1a2.100 2.100 0 0 1 0 3l-1 1",
  region: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 4v16M12 8.500h6M12 12h7.500M12 15.500h6",
  undo: "M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10h-4",
  redo: "M16 5l4 4-4 4M20 9H10a5 5 0 0 0 0 10h4",
  fit: "M4 9V5a1 1 0 0 1 1-1h4M15 4h4a1 1 0 0 1 1 1v4M20 15v4a1 1 0 0 1-1 1h-4M9 20H5a1 1 0 0 1-1-1v-4",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  help: "M9 9a3 3 0 1 1 4 2.800c-.700.300-1 .9-1 2.200M12 17.500v.1",
  more: "M12 4l1.800 5.200L19 11l-5.200 1.800L12 18l-1.800-5.200L5 11l5.200-1.800z",
  close: "M6 6l12 12M18 6L6 18",
  reset: "M5 12a7 7 0 1 0 2-5M7 3v4h4",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
  play: "M8 5l11 7-11 7z",
  divider: "M9 7l-5 5 5 5M15 7l5 5-5 5",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = `<path d="${PATHS[name]}"/>`;
  return svg;
}

// A button with an icon, whose name is said to all: as its tool tip, and to screen readers.
export function tool(name, label, onclick, options = {}) {
  return h("button.icon", { type: "button", title: label, "aria-label": label, onclick, ...options }, icon(name));
}

// The bytes of a trait as something that an <img> or <video> shows; the last one is given back.
export function shown(element, bytes, type = "image/jpeg") {
  if (element.src?.startsWith("blob:")) URL.revokeObjectURL(element.src);
  element.src = URL.createObjectURL(new Blob([bytes], { type }));
  return element;
}

export const within = (value, low = 0, high = 1) => Math.min(Math.max(value, low), high);

// The colour of an <img> at a pointer, as #rrggbb.
export function pixelOf(image, event) {
  const box = image.getBoundingClientRect();
  const canvas = h("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const scale = Math.max(box.width / canvas.width, box.height / canvas.height); // object-fit: cover
  const x = (event.clientX - box.left - (box.width - canvas.width * scale) / 2) / scale;
  const y = (event.clientY - box.top - (box.height - canvas.height * scale) / 2) / scale;
  const [red, green, blue] = context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data;
  return `#${[red, green, blue].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
