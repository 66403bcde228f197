// Draws on the graphics card: the luma once as a texture, the chroma as a small one that is replaced.

import { glsl, LUMA } from "./lab.js";

const VERTEX = `#version 300 es
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler2D;
uniform sampler2D luma, right, left, curve;
uniform vec4 box; // x, y, width, height of the picture, in pixels of the canvas, from its upper left corner
uniform float height, split;
uniform vec2 colored; // 1 where a side has colours
uniform vec3 back;
out vec4 shown;
${glsl}
void main() {
  vec2 at = vec2(gl_FragCoord.x, height - gl_FragCoord.y);
  vec2 place = (at - box.xy) / box.zw;
  shown = vec4(back, 1.0);
  float code = texture(luma, place).r;
  if (any(lessThan(place, vec2(0.0))) || any(greaterThan(place, vec2(1.0)))) return;
  bool before = at.x < split;
  vec2 ab = vec2(0.0);
  if (before && colored.x > 0.0) ab = texture(left, place).rg;
  if (!before && colored.y > 0.0) ab = texture(right, place).rg;
  shown = vec4(joined(texelFetch(curve, ivec2(code * 255.0 + 0.5, 0), 0).r, ab), 1.0);
}`;

function compiled(gl, kind, text) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
  return shader;
}

function texture(gl, unit, filter) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const [key, value] of [["WRAP_S", "CLAMP_TO_EDGE"], ["WRAP_T", "CLAMP_TO_EDGE"], ["MIN_FILTER", filter],
    ["MAG_FILTER", "LINEAR"]]) gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${key}`], gl[value]);
}

const PLANES = { right: 1, left: 2 };

export class GlPainter {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.colored = [0, 0];
    this.program = gl.createProgram();
    gl.attachShader(this.program, compiled(gl, gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(this.program, compiled(gl, gl.FRAGMENT_SHADER, FRAGMENT));
    gl.linkProgram(this.program);
    gl.useProgram(this.program);
    texture(gl, 0, "LINEAR_MIPMAP_LINEAR");
    for (const [name, unit] of Object.entries(PLANES)) {
      texture(gl, unit, "LINEAR");
      this.ab(name, null);
    }
    texture(gl, 3, "NEAREST");
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, 256, 1, 0, gl.RED, gl.FLOAT, LUMA);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    for (const [unit, name] of ["luma", "right", "left", "curve"].entries()) gl.uniform1i(this.at(name), unit);
  }

  at(name) {
    return this.gl.getUniformLocation(this.program, name);
  }

  luma(bitmap) {
    const gl = this.gl;
    gl.activeTexture(gl.TEXTURE0);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, gl.RED, gl.UNSIGNED_BYTE, bitmap);
    gl.generateMipmap(gl.TEXTURE_2D);
  }

  // What `finer` made of an ab {width, height, ab}, or none.
  ab(side, plane) {
    const gl = this.gl;
    const { width, height, ab } = plane ?? { width: 1, height: 1, ab: new Float32Array(2) };
    gl.activeTexture(gl.TEXTURE0 + PLANES[side]);
    this.colored[side === "left" ? 0 : 1] = plane ? 1 : 0;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RG16F, width, height, 0, gl.RG, gl.FLOAT, ab);
  }

  // box: {x, y, width, height} and split in pixels of the canvas; back: r, g, b in 0..1.
  draw({ box, split, back, sharp }) {
    const { gl, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.activeTexture(gl.TEXTURE0);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, sharp ? gl.NEAREST : gl.LINEAR);
    gl.uniform4f(this.at("box"), box.x, box.y, box.width, box.height);
    gl.uniform1f(this.at("height"), canvas.height);
    gl.uniform1f(this.at("split"), split);
    gl.uniform2f(this.at("colored"), ...this.colored);
    gl.uniform3f(this.at("back"), ...back);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
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
