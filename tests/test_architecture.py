"""The page of the architecture is that of the code: its picture, and every name in it."""

import importlib
import importlib.util
import re
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
WAYS = PAGE.partition("## The way of a picture")[2].partition("## If you want")[0]
NAMES = sorted(set(re.findall(r"`([a-z_]+(?:\.\w+)+)`", WAYS)) - {"params.yaml"})


@pytest.fixture(scope="module")
def architecture():
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_that_of_the_contract(architecture):
    assert architecture.drawn(PAGE) == PAGE, "run: python docs/architecture.py"


def test_every_floor_says_what_it_is_for(architecture):
    assert all(architecture.purpose(name) for names in architecture.floors() for name in names)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_on_the_way_is_one_of_the_package(name):
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        module = ".".join(["colorify", *parts[:count]])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        assert reduce(getattr, parts[count:], found) is not None
        return
    pytest.fail(f"{name}: no such module")


def test_what_the_table_names_is_there():
    tables = {
        "METHODS": "methods/registry",
        "METRICS": "metrics",
        "TABLE": "pictures/formats",
        "CODECS": "video/formats",
        "INTERLACED": "video/formats",
        "FITTING": "video/job",
    }
    changes = PAGE.partition("## If you want")[2]
    for name, module in tables.items():
        assert f"`{name}`" in changes and f"colorify/{module}.py" in changes
        assert hasattr(importlib.import_module(f"colorify.{module.replace('/', '.')}"), name)
    assert all((ROOT / path).exists() for path in re.findall(r"`(tests/[\w/]+\.py)`", changes))
