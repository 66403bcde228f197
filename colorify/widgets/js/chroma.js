// The chroma as it comes, float16 pairs {width, height, ab}, made finer by Keys' cubic (a = -0.75, as OpenCV enlarges):
// what draws it may then go straight from one value to the next.

const FLOATS = Float32Array.from({ length: 65536 }, (_, half) => {
  const [sign, exponent, share] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + share / 1024) : 2 ** -14 * (share / 1024));
});
const SMALL = 1 << 15; // pairs: fewer are made thrice as fine, others twice

function weights(x) {
  const near = (d) => ((1.25 * d - 2.25) * d) * d + 1;
  const far = (d) => ((-0.75 * d + 3.75) * d - 6) * d + 3;
  return [far(x + 1), near(x), near(1 - x), far(2 - x)];
}

// Values `from`, `count` of them, `step` apart, become `times` as many in `to`; both planes of a pair.
function line(from, start, step, count, to, begin, stride, times, phases) {
  for (let at = 0; at < count; at++) {
    for (let phase = 0; phase < times; phase++) {
      const { base, taps } = phases[phase];
      let [a, b] = [0, 0];
      for (let tap = 0; tap < 4; tap++) {
        const place = start + step * Math.min(Math.max(at + base + tap - 1, 0), count - 1);
        a += taps[tap] * from[place];
        b += taps[tap] * from[place + 1];
      }
      const out = begin + stride * (at * times + phase);
      to[out] = a;
      to[out + 1] = b;
    }
  }
}

export function finer(plane) {
  const { width, height, ab } = plane;
  const bytes = new Uint8Array(ab.byteLength);
  bytes.set(new Uint8Array(ab.buffer, ab.byteOffset, ab.byteLength));
  const rough = Float32Array.from(new Uint16Array(bytes.buffer), (half) => FLOATS[half]);
  const times = width * height < SMALL ? 3 : 2;
  const phases = Array.from({ length: times }, (_, phase) => {
    const at = (phase + 0.5) / times - 0.5;
    return { base: Math.floor(at), taps: weights(at - Math.floor(at)) };
  });
  const wide = new Float32Array(2 * times * width * height);
  for (let y = 0; y < height; y++) line(rough, 2 * y * width, 2, width, wide, 2 * y * width * times, 2, times, phases);
  const fine = new Float32Array(times * wide.length);
  const row = 2 * width * times;
  for (let x = 0; x < row; x += 2) line(wide, x, row, height, fine, x, row, times, phases);
  return { width: width * times, height: height * times, ab: fine };
}
