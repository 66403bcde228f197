// Light or dark, as the page around is: the colours are VS Code's or JupyterLab's own variables where there are any.

export function watchTheme(root, changed) {
  function look() {
    const [red, green, blue] = pixel(getComputedStyle(root).backgroundColor);
    root.dataset.theme = 0.3 * red + 0.59 * green + 0.11 * blue < 128 ? "dark" : "light";
    changed(pixel(getComputedStyle(root.querySelector(".cs-stage")).backgroundColor).map((value) => value / 255));
  }
  const watch = new MutationObserver(() => setTimeout(look, 50));
  for (const one of [document.body, document.documentElement]) watch.observe(one, { attributes: true });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", look);
  const frame = requestAnimationFrame(look);
  const late = setTimeout(look, 1000); // style sheets of the page may come after us
  return () => {
    watch.disconnect();
    media.removeEventListener("change", look);
    cancelAnimationFrame(frame);
    clearTimeout(late);
  };
}

function pixel(color) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}
