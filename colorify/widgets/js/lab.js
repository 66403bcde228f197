// Luma and chroma joined, for the canvas: the constants and steps of colorify.color, in GLSL and in JavaScript.

const TO_RGB = [
  [3.07998030, -1.53715152, -0.54282131],
  [-0.92124775, 1.87599000, 0.04524734],
  [0.05289046, -0.20404134, 1.15123201],
];
export const VEIL = [0.86, 0.16, 0.26]; // the red over what a mask leaves, r, g, b in 0..1, while it is painted
export const VEILED = 0.42; // how thick it is
export const STEPS = 5; // of the bisection that brings a colour into the gamut; a straight line does the rest, to 1/1024

const column = (at) => `vec3(${TO_RGB.map((row) => row[at].toFixed(8)).join(",")})`;

export const glsl = `
float cube(float f) {
  float above = max(f - 0.206897, 0.0);
  return above * above * (f + 0.413794) + (f * ${(1 / 7.787).toFixed(9)} - ${(16 / 116 / 7.787).toFixed(9)});
}
vec3 light(float y, vec3 gray, vec2 ab) { // of y, L* as CIE's f, and what its Y gives to r, g, b
  return gray + ${column(0)} * cube(y + ab.x * 0.002) + ${column(2)} * cube(y - ab.y * 0.005);
}
float outside(vec3 rgb) { // how far, above 0
  return max(-1e-6 - min(rgb.r, min(rgb.g, rgb.b)), max(rgb.r, max(rgb.g, rgb.b)) - 1.00015);
}
vec3 coded(vec3 rgb) {
  rgb = clamp(rgb, 0.0, 1.0);
  vec3 one = sqrt(rgb), two = sqrt(one), three = sqrt(two); // the curve to 0.001, without a power
  vec3 curve = 0.662002687 * one + 0.684122060 * two - 0.323583601 * three - 0.0225411470 * rgb;
  return mix(rgb * 12.92, curve, step(0.0031308, rgb));
}
vec3 joined(float luma, vec2 ab) {
  float y = (luma + 16.0) / 116.0;
  vec3 gray = ${column(1)} * cube(y);
  vec3 rgb = light(y, gray, ab);
  float above = outside(rgb);
  if (above > 0.0) {
    float share = 0.0, width = 1.0, below = min(outside(light(y, gray, vec2(0.0))), 0.0);
    for (int step = 0; step < ${STEPS}; step++) {
      width *= 0.5;
      float off = outside(light(y, gray, ab * (share + width)));
      if (off > 0.0) above = off;
      else {
        share += width;
        below = off;
      }
    }
    rgb = light(y, gray, ab * (share + width * below / (below - above)));
  }
  return coded(rgb);
}`;

// L* of a gray code.
export const LUMA = Float32Array.from({ length: 256 }, (_, code) => {
  const coded = code / 255;
  const y = coded <= 0.04045 ? coded / 12.92 : ((coded + 0.055) / 1.055) ** 2.4;
  return 116 * (y > 0.008856 ? Math.cbrt(y) : 7.787 * y + 16 / 116) - 16;
});
const CODES = Uint8ClampedArray.from({ length: 4097 }, (_, step) => {
  const light = step / 4096;
  return 255 * (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055);
});

function cube(f) {
  const above = Math.max(f - 0.206897, 0);
  return above * above * (f + 0.413794) + (f - 16 / 116) / 7.787;
}

function light(luma, a, b, out) {
  const y = (luma + 16) / 116;
  const [fx, fy, fz] = [cube(y + a / 500), cube(y), cube(y - b / 200)];
  for (let row = 0; row < 3; row++) out[row] = TO_RGB[row][0] * fx + TO_RGB[row][1] * fy + TO_RGB[row][2] * fz;
  return Math.max(-1e-6 - Math.min(out[0], out[1], out[2]), Math.max(out[0], out[1], out[2]) - 1.00015); // outside: above 0
}

// The same as `joined`, for a gray code 0..255: writes three bytes.
const rgb = new Float32Array(3);
export function join(code, a, b, data, at) {
  const luma = LUMA[code];
  let above = light(luma, a, b, rgb);
  if (above > 0) {
    let [share, width, below] = [0, 1, Math.min(light(luma, 0, 0, rgb), 0)];
    for (let step = 0; step < STEPS; step++) {
      width /= 2;
      const off = light(luma, a * (share + width), b * (share + width), rgb);
      if (off > 0) above = off;
      else [share, below] = [share + width, off];
    }
    share += (width * below) / (below - above);
    light(luma, a * share, b * share, rgb);
  }
  for (let channel = 0; channel < 3; channel++) {
    data[at + channel] = CODES[Math.round(4096 * Math.min(Math.max(rgb[channel], 0), 1))];
  }
}
