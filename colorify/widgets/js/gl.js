// Draws on the graphics card: the luma once a view, as it lies on the canvas, and over it the chroma, a small texture.

import { glsl, LUMA, VEIL, VEILED } from "./lab.js";

const HEAD = `#version 300 es
precision highp float;
precision highp sampler2D;
uniform vec4 box; // x, y, width, height of the picture, in pixels of the canvas, from its upper left corner
uniform float height;
`;
const VERTEX = `#version 300 es
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }`;

const PLACE = `vec2 at = vec2(gl_FragCoord.x, height - gl_FragCoord.y);
  vec2 place = (at - box.xy) / box.zw;`;

const LAY = `${HEAD}
uniform sampler2D luma;
out vec4 code;
void main() {
  ${PLACE}
  code = texture(luma, place);
}`;

const COLOR = `${HEAD}
uniform sampler2D laid, right, left, curve, mask, own;
uniform float split;
uniform vec3 colored; // 1 where left, right and own have colours
uniform vec2 masked; // whether colours end with the mask, and how thick it is shown
uniform vec3 back;
out vec4 shown;
${glsl}
void main() {
  ${PLACE}
  shown = vec4(back, 1.0);
  if (any(lessThan(place, vec2(0.0))) || any(greaterThan(place, vec2(1.0)))) return;
  float code = texelFetch(laid, ivec2(gl_FragCoord.xy), 0).r;
  bool before = at.x < split;
  vec2 ab = vec2(0.0);
  if (before && colored.x > 0.0) ab = texture(left, place).rg;
  if (!before && colored.y > 0.0) ab = texture(right, place).rg;
  float share = masked.x + masked.y > 0.0 ? texture(mask, place).r : 1.0;
  if (!before && masked.x > 0.0) ab = ab * share + (colored.z > 0.0 ? texture(own, place).rg : vec2(0.0)) * (1.0 - share);
  vec3 rgb = joined(texelFetch(curve, ivec2(code * 255.0 + 0.5, 0), 0).r, ab);
  shown = vec4(mix(rgb, vec3(${VEIL.join(",")}), masked.y * (1.0 - share)), 1.0);
}`;

// Texture units; and the place of a plane in `colored`.
const UNITS = { luma: 0, right: 1, left: 2, curve: 3, mask: 4, own: 5, laid: 6 };
const PLANES = { left: 0, right: 1, own: 2 };

function compiled(gl, kind, text) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
  return shader;
}

// {program, at: the places of its uniforms by name}
function linked(gl, fragment) {
  const program = gl.createProgram();
  gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, fragment));
  gl.linkProgram(program);
  gl.useProgram(program);
  const at = {};
  for (let number = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) - 1; number >= 0; number--) {
    const { name } = gl.getActiveUniform(program, number);
    at[name] = gl.getUniformLocation(program, name);
    if (name in UNITS) gl.uniform1i(at[name], UNITS[name]);
  }
  return { program, at };
}

function texture(gl, unit, filter) {
  const made = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const [key, value] of [["WRAP_S", gl.CLAMP_TO_EDGE], ["WRAP_T", gl.CLAMP_TO_EDGE], ["MIN_FILTER", filter],
    ["MAG_FILTER", filter === gl.NEAREST ? filter : gl.LINEAR]]) gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${key}`], value);
  return made;
}

export class GlPainter {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.colored = [0, 0, 0];
    this.pairs = gl.getExtension("OES_texture_float_linear") ? gl.RG32F : gl.RG16F; // half floats take software twice the time
    this.lay = linked(gl, LAY);
    this.color = linked(gl, COLOR);
    texture(gl, UNITS.luma, gl.LINEAR_MIPMAP_LINEAR);
    for (const name of Object.keys(PLANES)) {
      texture(gl, UNITS[name], gl.LINEAR);
      this.ab(name, null);
    }
    texture(gl, UNITS.mask, gl.LINEAR);
    this.mask(null);
    texture(gl, UNITS.curve, gl.NEAREST);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, 256, 1, 0, gl.RED, gl.FLOAT, LUMA);
    this.frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    const laid = texture(gl, UNITS.laid, gl.NEAREST);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, laid, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.view = ""; // that the luma is laid for
  }

  luma(bitmap) {
    const gl = this.gl;
    gl.activeTexture(gl.TEXTURE0 + UNITS.luma);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, gl.RED, gl.UNSIGNED_BYTE, bitmap);
    gl.generateMipmap(gl.TEXTURE_2D);
    this.view = "";
  }

  // What `finer` made of an ab {width, height, ab}, or none, for a side, or as the picture's own.
  ab(side, plane) {
    const gl = this.gl;
    const { width, height, ab } = plane ?? { width: 1, height: 1, ab: new Float32Array(2) };
    gl.activeTexture(gl.TEXTURE0 + UNITS[side]);
    this.colored[PLANES[side]] = plane ? 1 : 0;
    gl.texImage2D(gl.TEXTURE_2D, 0, this.pairs, width, height, 0, gl.RG, gl.FLOAT, ab);
  }

  // A mask as a bitmap, or none; `laid`: colours end with it.
  mask(bitmap, laid) {
    const gl = this.gl;
    this.masked = [bitmap && laid ? 1 : 0, bitmap ? 1 : 0];
    gl.activeTexture(gl.TEXTURE0 + UNITS.mask);
    if (bitmap) gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, gl.RED, gl.UNSIGNED_BYTE, bitmap);
    else gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, 1, 1, 0, gl.RED, gl.UNSIGNED_BYTE, new Uint8Array([255]));
  }

  // box: {x, y, width, height} and split in pixels of the canvas; back: r, g, b in 0..1; veiled: the mask is shown.
  // `only`: that side alone is another, and all else as it was drawn before.
  draw({ box, split, back, sharp, veiled }, only) {
    const { gl, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    if (this.see(box, sharp)) only = undefined;
    gl.useProgram(this.color.program);
    const { at } = this.color;
    gl.uniform4f(at.box, box.x, box.y, box.width, box.height);
    gl.uniform1f(at.height, canvas.height);
    gl.uniform1f(at.split, split);
    gl.uniform3f(at.colored, ...this.colored);
    gl.uniform2f(at.masked, this.masked[0], veiled ? this.masked[1] * VEILED : 0);
    gl.uniform3f(at.back, ...back);
    const middle = Math.min(Math.max(Math.ceil(split - 0.5), 0), canvas.width); // the first column on the right
    const [left, right] = [only === "right" ? middle : 0, only === "left" ? middle : canvas.width];
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(left, 0, right - left, canvas.height);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.disable(gl.SCISSOR_TEST);
  }

  // Lays the luma as the canvas shows it, and says so, unless that is done.
  see(box, sharp) {
    const { gl, canvas } = this;
    const view = [canvas.width, canvas.height, sharp, ...Object.values(box)].join();
    if (view === this.view) return false;
    this.view = view;
    gl.activeTexture(gl.TEXTURE0 + UNITS.laid);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, canvas.width, canvas.height, 0, gl.RED, gl.UNSIGNED_BYTE, null);
    gl.activeTexture(gl.TEXTURE0 + UNITS.luma);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, sharp ? gl.NEAREST : gl.LINEAR);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.useProgram(this.lay.program);
    gl.uniform4f(this.lay.at.box, box.x, box.y, box.width, box.height);
    gl.uniform1f(this.lay.at.height, canvas.height);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    return true;
  }

  // The colour of a pixel of the canvas, just drawn: [r, g, b].
  pixel(x, y) {
    const { gl, canvas } = this;
    const found = new Uint8Array(4);
    gl.readPixels(Math.floor(x), canvas.height - 1 - Math.floor(y), 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, found);
    return [...found.slice(0, 3)];
  }

  most() {
    return this.gl.getParameter(this.gl.MAX_TEXTURE_SIZE);
  }
}
