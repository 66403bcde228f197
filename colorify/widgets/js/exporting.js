// Files out, what is under way, and what there is to say.

import { h, icon } from "./dom.js";

export function exportButtons({ bus }) {
  const button = (text, tip, doing, kind = "") => h(`button.cs-button${kind}`, { type: "button", title: tip, onclick: () => bus.send(doing) },
    kind ? icon("save") : null, text);
  return h("div.cs-row", {},
    button("Save picture", "The whole picture, in full size", "export", ".cs-primary"),
    button("Save session", "A folder with all pictures, results, hints, and the commands that make them again", "session"));
}

// A message with a file becomes a download.
export function download(name, bytes) {
  const link = h("a", { download: name, href: URL.createObjectURL(new Blob([bytes])) });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function makeNotices({ model, bus }) {
  const text = h("span");
  const toast = h("div.cs-toast", { role: "status", "aria-live": "polite", hidden: true }, text,
    h("button.icon", { type: "button", "aria-label": "Close the message", onclick: () => (toast.hidden = true) }, icon("close")));
  const label = h("span");
  const bar = h("progress", { max: 1, "aria-label": "Progress" });
  const job = h("div.cs-job", { hidden: true }, label, bar,
    h("button.cs-button", { type: "button", onclick: () => bus.send("stop") }, "Stop"));

  function update() {
    const notice = model.get("notice");
    toast.hidden = !notice.text;
    toast.classList.toggle("cs-error", notice.kind === "error");
    toast.setAttribute("role", notice.kind === "error" ? "alert" : "status");
    text.textContent = notice.text ? notice.text[0].toUpperCase() + notice.text.slice(1) : "";
    const progress = model.get("progress");
    job.hidden = !progress.text;
    label.textContent = progress.text ? `${progress.text}: ${Math.round(progress.share * 100)} %` : "";
    bar.value = progress.share ?? 0;
  }

  return { toast, job, update };
}
