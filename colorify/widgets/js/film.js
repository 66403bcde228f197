// The time line of a film: stills, where shots begin, moments with hints, and where one is.

import { h, shown, tool } from "./dom.js";

const clock = (seconds) => {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}.${Math.floor((seconds % 1) * 10)}`;
};

export function makeTimeline({ model, bus, stage }) {
  const stills = h("div.cs-stills", { "aria-hidden": "true" });
  const marks = h("div.cs-marks");
  const now = h("output");
  const moment = h("input", {
    type: "range",
    min: 0,
    "aria-label": "Moment of the film",
    oninput: () => (now.value = clock(moment.valueAsNumber)),
    onchange: () => bus.send("moment", { time: moment.valueAsNumber }),
  });
  const video = h("video", { loop: true, muted: true, autoplay: true, playsInline: true, controls: true, "aria-label": "In colour" });
  const player = h("div.cs-player", { hidden: true }, video, tool("close", "Back to the picture", () => (player.hidden = true)));
  stage.el.append(player);
  const el = h("section.cs-film", { "aria-label": "Time line", hidden: true },
    h("div.cs-line", {}, stills, marks, moment), h("div.cs-times", {}, now, h("span.cs-key", {}, "")));
  const key = el.querySelector(".cs-key");

  const mark = (kind, label, length) => (time) => h("button", {
    type: "button",
    class: kind,
    title: `${label} ${clock(time)}`,
    "aria-label": `${label} ${clock(time)}`,
    style: `left: ${(100 * time) / length}%`,
    onclick: () => bus.send("moment", { time }),
  });

  function update() {
    const film = model.get("film");
    el.hidden = !film.name;
    if (!film.name) return void (player.hidden = true);
    const length = Math.max(film.length, film.step);
    Object.assign(moment, { max: Math.max(0, length - film.step), step: film.step });
    moment.value = film.moment;
    now.value = `${clock(film.moment)} of ${clock(film.length)}`;
    moment.setAttribute("aria-valuetext", clock(film.moment));
    key.textContent = `${film.shots.length || "…"} ${film.shots.length === 1 ? "shot" : "shots"}` +
      (film.keys.length ? `, ${film.keys.length} ${film.keys.length === 1 ? "key frame" : "key frames"} of yours` : "");
    marks.replaceChildren(...film.shots.slice(1).map(mark("cs-shot", "A shot begins at", length)),
      ...film.keys.map(mark("cs-keyframe", "Key frame with hints at", length)));
  }

  function fill() {
    stills.replaceChildren(...model.get("stills").map(({ image }) => shown(h("img", { alt: "" }), image)));
  }

  function play() {
    const clip = model.get("clip");
    player.hidden = !clip.film;
    if (!clip.film) return video.removeAttribute("src");
    shown(video, clip.film, "video/mp4");
    player.scrollIntoView({ block: "nearest" }); // on a phone the button is far below
  }

  return { el, update, fill, play };
}

// The buttons of the group `Film`.
export function filmButtons({ bus }) {
  const button = (text, tip, doing, kind = "") => h(`button.cs-button${kind}`, { type: "button", title: tip, onclick: () => bus.send(doing) }, text);
  return h("div.cs-row", {},
    button("Preview 2 s", "Two seconds in colour, from here on", "preview", ".cs-primary"),
    button("Colour from here", "As long as the slider says, to download", "stretch"),
    button("Colour all of it", "The whole film, to download: this can take long", "whole"));
}
