"""Damages valid inputs and feeds them to the drivers, in a process that may die; keeps what broke one.

    PYTHONPATH=tests python -m fuzz.fuzzer [--minutes 10] [--only picture]

A finding is an error that a driver does not expect, a crash, more than ten seconds, or more than 1 GiB above the start.
Writes reports/reliability/fuzz.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from reliability import publish

from .drivers import DRIVERS
from .seeds import seeds

CORPUS = Path(__file__).with_name("corpus")
SECONDS, MIB = 10, 1024
_NUMBERS = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"-1",
    b"1e999",
    b"NaN",
)


def damaged(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """A few of: flipped bits, odd numbers, parts lost, doubled, moved, or taken from another input."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at, length = chance.randrange(len(data) + 1), chance.choice((1, 2, 4, 16, 64))
        what = chance.randrange(7)
        if what == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            number = chance.choice(_NUMBERS)
            data[at : at + len(number)] = number
        elif what == 2:
            del data[at : at + length]
        elif what == 3:
            data[at:at] = data[at : at + length] * chance.choice((1, 2, 200))
        elif what == 4:
            data[at:at] = chance.randbytes(length)
        elif what == 5:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            data[at:] = other[start:]
        else:
            del data[at:]
    return bytes(data)


def kept(name: str) -> list[bytes]:
    """What once broke a driver."""
    return [path.read_bytes() for path in sorted(CORPUS.glob(f"{name}-*"))]


def inputs(name: str, seed: int = 0) -> Iterator[bytes]:
    """Damaged inputs of a driver, without an end."""
    valid = [*seeds()[name], *kept(name)]
    chance = random.Random(f"{name} {seed}")
    while True:
        yield damaged(chance.choice(valid), valid, chance)


class Slow(Exception):  # noqa: N818 (a finding, not an error of ours)
    """An input took too long."""


def attempt(name: str, content: bytes) -> None:
    """One input through its driver, within the limits."""

    def late(number: int, frame) -> None:
        raise Slow(f"more than {SECONDS} seconds")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    old = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        DRIVERS[name](content)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < MIB, f"memory rose by {grown:.0f} MiB"


def _work(name: str, seed: int, until: float, current: Path, tried, memory) -> None:
    for content in inputs(name, seed):
        if time.monotonic() > until:
            return
        current.write_bytes(content)  # whoever finds us dead finds it
        attempt(name, content)
        tried.value += 1
        memory.value = max(memory.value, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def _quiet(name: str, seed: int, until: float, current: Path, tried, memory) -> None:
    """The work, with what libraries write to stderr kept from the terminal; one input of each cause is kept."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        _work(name, seed, until, current, tried, memory)
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        cause = f"{type(error).__name__} in {Path(where.filename).name}, {where.name}"
        keep(current, name, cause, f"{cause}: {error}")
        os._exit(0)


def keep(current: Path, name: str, cause: str, said: str) -> None:
    """Store the input of a finding, unless there is one of its cause."""
    path = current.with_name(f"{name}-{sha256(cause.encode()).hexdigest()[:12]}")
    if not path.exists():
        print(f"  {path.name}: {said[:300]}", flush=True)
        path.write_bytes(current.read_bytes())


def hunt(name: str, seconds: float, folder: Path) -> tuple[int, int, int]:
    """Fuzz one driver for so long: inputs tried, new findings, which ``folder`` keeps, and the most memory in MiB."""
    context, until, seed = multiprocessing.get_context("fork"), time.monotonic() + seconds, time.time_ns()
    tried, memory = context.Value("L", 0), context.Value("L", 0)
    current, before = folder / f".{name}.current", len(kept(name))
    while time.monotonic() < until:
        process = context.Process(target=_quiet, args=(name, seed, until, current, tried, memory))
        process.start()
        process.join()
        if process.exitcode:
            keep(current, name, f"crash {process.exitcode}", f"the process died: {process.exitcode}")
        seed += 1
    current.unlink(missing_ok=True)
    return tried.value, len(kept(name)) - before, memory.value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="for all drivers together")
    parser.add_argument("--only", choices=DRIVERS)
    given = parser.parse_args()
    names = [given.only] if given.only else list(DRIVERS)
    broken = 0
    for name in names:
        tried, found, memory = hunt(name, given.minutes * 60 / len(names), CORPUS)
        print(f"{name}: {tried:,} inputs, {found} findings", flush=True)
        row = {"reader": name, "damaged inputs": tried, "new findings": found, "kept in the corpus": len(kept(name))}
        publish("fuzz", [row | {"peak memory, MiB": memory}], [f"{name}: {found} findings"] if found else [])
        broken += found
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
