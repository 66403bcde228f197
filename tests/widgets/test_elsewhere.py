"""The studio's page in another host: a bare page that loads the module as anywidget does, and may ask nobody."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import browser
from colorify.widgets.studio import Studio
from widgets.visitor import Visitor

pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.skipif(not browser.CHROMIUM, reason="no chromium on this machine: apt-get install chromium"),
    pytest.mark.long,
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(240),
    pytest.mark.flaky(reruns=2),
]
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' blob:;
  style-src 'unsafe-inline'; img-src blob: data:; media-src blob:">
<style>HOST</style><style>CSS</style><div id="here"></div>
<script id="module" type="text/plain">MODULE</script>
<script id="state" type="application/json">STATE</script>
<script type="module">
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (one) => one.charCodeAt()).buffer);
  const revived = (_, value) => (value?.bytes ? bytes(value.bytes) : value);
  const state = JSON.parse(document.querySelector("#state").textContent, revived);
  window.sent = [];
  const model = {
    get: (name) => state[name], set() {}, save_changes() {}, on() {}, off() {},
    send: (content, callbacks, buffers) => window.sent.push(content),
  };
  const text = document.querySelector("#module").textContent;
  const module = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  await module.default.render({ model, el: document.querySelector("#here") });
</script>"""
HOSTS = {
    "vscode, dark": (
        ":root { --vscode-editor-background: #1e1e1e; --vscode-editor-foreground: #d4d4d4;"
        "--jp-layout-color1: white; --jp-ui-font-color0: black; } body { background: #1e1e1e; }",
        "dark",
    ),
    "colab": ("", "light"),
}


def spelled(value: object) -> object:
    """As JSON takes it."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: spelled(one) for key, one in value.items()}
    return [spelled(one) for one in value] if isinstance(value, list | tuple) else value


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *said: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("host", HOSTS)
def test_it_is_at_home_there(choosy: Studio, tmp_path, host):
    """Its own styles, the colours of the host, the picture in colour, and messages alone."""
    choosy.wait()
    css, theme = HOSTS[host]
    traits = {name: spelled(getattr(choosy, name)) for name in choosy.traits(sync=True) if not name.startswith("_")}
    state = json.dumps({name: value for name, value in traits.items() if name not in ("layout", "tabbable", "tooltip")})
    made = PAGE
    for name, text in (("HOST", css), ("CSS", choosy._css), ("MODULE", choosy._esm), ("STATE", state)):
        made = made.replace(f">{name}<", f">{text}<".replace("</script", r"<\/script"), 1)
    (tmp_path / "index.html").write_text(made)
    with served(tmp_path) as address, browser.page((1100, 800)) as page:
        visitor = Visitor(page)
        page.goto(address)
        visitor.arrive()
        page.wait_for_function(f"document.querySelector('.cs-studio').dataset.theme == '{theme}'")
        page.get_by_role("slider", name="Divider").press("Home")
        visitor.until(lambda: np.ptp(visitor.screen()[250:400, 200:600], axis=-1).mean() > 2, "nothing is in colour")
        visitor.slide("Saturation", "End")
        visitor.tool("m")
        visitor.drag(visitor.at(0.2, 0.3), visitor.at(0.4, 0.6))
        assert [one["do"] for one in page.evaluate("window.sent")] == ["turn", "stroke"]
        assert page.locator(".cs-thumb img").evaluate_all("all => all.every((one) => one.naturalWidth > 0)")
        assert page.locator(".cs-frame").bounding_box()["height"] <= 800
        assert visitor.errors == [] and visitor.hosts <= {"127.0.0.1", "data", "blob", ""}
