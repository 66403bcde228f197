"""How long the studio takes to answer, beyond the network: every knob on a large photograph, in milliseconds.

What the page draws of it is measured in a browser, by tests/widgets/test_browser.py.

    python benchmarks/studio.py [--megapixels 12] [--repeats 9]

Medians; each time the knob has another value than the time before.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from statistics import median

from bench import ms, publish

from colorify import pictures
from colorify.data import samples
from colorify.hints import Hint
from colorify.inference import Colorizer
from colorify.knobs import Knobs
from colorify.widgets.session import Choice, Session


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    photo = dict(samples.color())["china"]
    scale = (given.megapixels * 1e6 / photo.width / photo.height) ** 0.5
    large = photo.resize((round(photo.width * scale), round(photo.height * scale)))
    session = Session({name: Colorizer.load(name) for name in ("highres", "lowres")})
    begun = time.perf_counter()
    session.open(pictures.from_pil(large))
    opened = time.perf_counter() - begun
    plain = Choice("highres")
    turns = {
        "saturation": lambda n: replace(plain, knobs=Knobs(saturation=1 + n / 100)),
        "blur": lambda n: replace(plain, knobs=Knobs(blur=10 + n / 10)),
        "temperature": lambda n: replace(plain, model="lowres", knobs=Knobs(temperature=0.3 + n / 100)),
        "share of two models": lambda n: replace(plain, other="lowres", blend=0.3 + n / 100),
        "a hint, moved": lambda n: replace(plain, knobs=Knobs(hints=(Hint(100 + 50 * n, 300, (40.0, 30.0)),))),
        "five hints, one moved": lambda n: replace(
            plain,
            knobs=Knobs(hints=tuple(Hint(200 * k + 50 * n * (k == 4), 400, (10.0 * k, 30.0)) for k in range(1, 6))),
        ),
    }
    rows = []
    for name, turned in turns.items():
        session.ab(turned(-1))  # the network, and the graph of the hints
        spent = []
        for number in range(given.repeats):
            begun = time.perf_counter()
            session.ab(turned(number))
            spent.append(time.perf_counter() - begun)
        rows.append([name, median(spent)])
    title = f"{large.width} x {large.height} pixels, opened in {opened:.2f} s"
    publish("studio", [(title, {"": str, "until its colors are sent": ms}, rows)])


if __name__ == "__main__":
    main()
