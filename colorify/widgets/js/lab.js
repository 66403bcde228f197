// Luma and chroma joined, for the canvas: the constants and steps of colorify.color, in GLSL and in JavaScript.

const TO_RGB = [
  [3.07998030, -1.53715152, -0.54282131],
  [-0.92124775, 1.87599000, 0.04524734],
  [0.05289046, -0.20404134, 1.15123201],
];
export const STEPS = 10; // of the bisection that brings a colour into the gamut

export const glsl = `
vec3 cube(vec3 f) {
  vec3 above = max(f - 0.206897, 0.0);
  return above * above * (f + 0.413794) + (f - 16.0 / 116.0) / 7.787;
}
vec3 light(float luma, vec2 ab) {
  float y = (luma + 16.0) / 116.0;
  return cube(vec3(y + ab.x / 500.0, y, y - ab.y / 200.0)) * mat3(${TO_RGB.flat().map((v) => v.toFixed(8)).join(",")});
}
bool outside(vec3 rgb) {
  return min(rgb.r, min(rgb.g, rgb.b)) < -1e-6 || max(rgb.r, max(rgb.g, rgb.b)) > 1.00015;
}
vec3 coded(vec3 rgb) {
  rgb = clamp(rgb, 0.0, 1.0);
  vec3 one = sqrt(rgb), two = sqrt(one), three = sqrt(two); // the curve to 0.001, without a power
  vec3 curve = 0.662002687 * one + 0.684122060 * two - 0.323583601 * three - 0.0225411470 * rgb;
  return mix(rgb * 12.92, curve, step(0.0031308, rgb));
}
vec3 joined(float luma, vec2 ab) {
  vec3 rgb = light(luma, ab);
  if (outside(rgb)) {
    float share = 0.0, width = 1.0;
    for (int step = 0; step < ${STEPS}; step++) {
      width *= 0.5;
      if (!outside(light(luma, ab * (share + width)))) share += width;
    }
    rgb = light(luma, ab * share);
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
  return Math.min(out[0], out[1], out[2]) >= -1e-6 && Math.max(out[0], out[1], out[2]) <= 1.00015;
}

// The same as `joined`, for a gray code 0..255: writes three bytes.
const rgb = new Float32Array(3);
export function join(code, a, b, data, at) {
  const luma = LUMA[code];
  if (!light(luma, a, b, rgb)) {
    let share = 0;
    for (let width = 0.5; width > 2 ** -STEPS / 2; width /= 2) {
      if (light(luma, a * (share + width), b * (share + width), rgb)) share += width;
    }
    light(luma, a * share, b * share, rgb);
  }
  for (let channel = 0; channel < 3; channel++) {
    data[at + channel] = CODES[Math.round(4096 * Math.min(Math.max(rgb[channel], 0), 1))];
  }
}
