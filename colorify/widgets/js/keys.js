// Keys that work wherever one is in the studio.

import { brushKey } from "./region.js";
import { TOOLS } from "./tools.js";

const TYPING = "input[type=text], textarea, select";

export function watchKeys({ root, bus, store, place }) {
  function key(event) {
    const typing = event.target.matches?.(TYPING);
    if (event.ctrlKey || event.metaKey) {
      const name = event.key.toLowerCase();
      if (typing || !["z", "y"].includes(name)) return;
      bus.send(name === "y" || event.shiftKey ? "redo" : "undo");
      event.preventDefault();
      return void event.stopPropagation();
    }
    if (typing || event.altKey) return;
    if (brushKey(store, event.key)) return event.preventDefault();
    const found = Object.keys(TOOLS).find((name) => TOOLS[name][0] === event.key.toLowerCase());
    if (!found) return;
    store.set("tool", found);
    event.preventDefault();
  }
  root.dataset.lmSuppressShortcuts = "true"; // the keys of JupyterLab wait outside
  const target = place === "notebook" ? root : document;
  target.addEventListener("keydown", key);
  return () => target.removeEventListener("keydown", key);
}
