// The line that a stroke leaves until what it does is there.

const NS = "http://www.w3.org/2000/svg";

export function trace(stage, from, color, width) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("class", "cs-trace");
  const line = document.createElementNS(NS, "polyline");
  for (const [name, value] of Object.entries({ stroke: color, "stroke-width": width })) line.setAttribute(name, value);
  svg.append(line);
  stage.over.append(svg);
  const through = [];
  const on = ({ x, y }) => line.setAttribute("points", through.push(`${x},${y}`) && through.join(" "));
  on(from);
  on({ x: from.x + 0.1, y: from.y });
  return { on, gone: () => svg.remove() };
}
