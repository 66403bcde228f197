// Files in: chosen, dropped anywhere, pasted, a path, or a sample.

import { h, shown } from "./dom.js";

const KINDS = "image/*,video/*,.csv,.tif,.tiff,.heic,.avif,.jxl,.dng,.mkv,.mxf";

export function makeOpener({ model, bus, root, place }) {
  const files = h("input", {
    type: "file",
    multiple: true,
    accept: KINDS,
    "aria-label": "Choose files",
    onchange: async () => {
      await take(files.files);
      files.value = "";
    },
  });
  const path = h("input", { type: "text", "aria-label": "A path on the machine of the notebook", placeholder: "/path/on/this/machine.jpg" });
  const form = h("form.cs-path", {
    onsubmit: (event) => {
      event.preventDefault();
      if (path.value) close(() => bus.send("path", { path: path.value }));
    },
  }, path, h("button.cs-button", {}, "Open path"));
  const samples = h("div.cs-samples", { role: "group", "aria-label": "Samples" });
  const dialog = h("dialog.cs-dialog", { "aria-label": "Open" },
    h("h3", {}, "Open pictures or a film"),
    h("p", {}, "Drop them anywhere, paste one, or choose:"),
    h("label.cs-file.cs-button.cs-primary", {}, "Choose files", files), form,
    h("h3", {}, "Or a free sample"), samples,
    h("button.cs-button", { type: "button", onclick: () => dialog.close() }, "Close"));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  const veil = h("div.cs-veil", { hidden: true, "aria-hidden": "true" }, "Drop to open");

  function close(then) {
    dialog.close();
    then();
  }

  async function take(list) {
    const chosen = [...list];
    if (dialog.open) dialog.close();
    for (const file of chosen) await bus.upload(file);
  }

  function fill() {
    samples.replaceChildren(...model.get("samples").map(({ name, image }) => h("button.cs-thumb", {
      type: "button",
      onclick: () => close(() => bus.send("sample", { name })),
    }, shown(h("img", { alt: "" }), image), h("span", {}, name))));
  }

  // The page is ours alone under Voila; JupyterLab's file browser takes drops of its own.
  const zone = place === "notebook" ? root : document;
  const has = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const ends = [];
  const on = (target, kind, listener) => {
    target.addEventListener(kind, listener);
    ends.push(() => target.removeEventListener(kind, listener));
  };
  on(zone, "dragover", (event) => {
    if (!has(event)) return;
    event.preventDefault();
    event.stopPropagation();
    veil.hidden = false;
  });
  on(zone, "dragleave", (event) => {
    if (!event.relatedTarget || !root.contains(event.relatedTarget)) veil.hidden = true;
  });
  on(zone, "drop", (event) => {
    veil.hidden = true;
    if (!has(event)) return;
    event.preventDefault();
    event.stopPropagation();
    take(event.dataTransfer.files);
  });
  on(document, "paste", (event) => {
    const ours = place !== "notebook" || root.contains(document.activeElement) || root.matches(":hover");
    if (!ours || !event.clipboardData?.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });

  return { dialog, veil, fill, open: () => dialog.showModal(), stop: () => ends.forEach((end) => end()) };
}
