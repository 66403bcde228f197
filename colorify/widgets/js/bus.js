// Messages to Python. Each click is a message of its own; knobs that move faster than they are answered come together.

const PART = 4 << 20; // bytes of an upload in one message: servers take ten million
const PATIENCE = 8000; // ms

export function makeBus(model) {
  let number = Date.now();
  let waiting = 0; // number of the turn that is not yet answered
  let since = 0;
  let sent = {}; // its knobs
  let pending = null; // knobs that came meanwhile

  function send(doing, more = {}, buffers = []) {
    model.send({ do: doing, number: ++number, ...more }, undefined, buffers);
    return number;
  }

  function flush() {
    sent = pending;
    waiting = send("turn", { knobs: sent });
    since = performance.now();
    pending = null;
  }

  function turn(values) {
    pending = { ...pending, ...values };
    if (!waiting || performance.now() - since > PATIENCE) flush();
  }

  function answered() {
    if (model.get("answered") < waiting) return;
    waiting = 0;
    if (pending) flush();
  }

  async function upload(file, knob) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const of = Math.max(1, Math.ceil(bytes.length / PART));
    const upload = `${Date.now()}-${Math.random()}`;
    for (let part = 0; part < of; part++) {
      const piece = bytes.slice(part * PART, (part + 1) * PART);
      send("part", { upload, name: file.name || "pasted.png", part, of, knob }, [piece.buffer]);
    }
  }

  model.on("change:answered", answered);
  return {
    send,
    turn,
    upload,
    turning: (name) => name in (pending ?? {}) || (model.get("answered") < waiting && name in sent),
    stop: () => model.off("change:answered", answered),
  };
}
