"""The bundle in the package is that of its sources, which stay small."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2] / "colorify" / "widgets"
SOURCES = HOME / "js"


@pytest.mark.parametrize("kind", ["js", "css"])
def test_the_bundle_is_that_of_the_sources(tmp_path, kind):
    local = SOURCES / "node_modules" / ".bin" / "esbuild"
    esbuild = str(local) if local.exists() else shutil.which("esbuild")
    version = re.search(r'"esbuild": "([\d.]+)"', (SOURCES / "package.json").read_text())[1]
    if not esbuild or subprocess.run([esbuild, "--version"], capture_output=True, text=True).stdout.strip() != version:
        pytest.skip(f"no esbuild {version} on this machine: make bundle")
    script = re.search(r'"build": "(.*)"', (SOURCES / "package.json").read_text())[1]
    (command,) = (part for part in script.split(" && ") if f"studio.{kind}" in part)
    options = [option for option in command.split()[1:] if not option.startswith("--outfile")]
    subprocess.run([esbuild, *options, f"--outfile={tmp_path / 'made'}", "--log-level=error"], cwd=SOURCES, check=True)
    assert (tmp_path / "made").read_text() == (HOME / f"studio.{kind}").read_text(), "run: make bundle"


def test_sources_are_small_and_ask_nobody():
    files = [*SOURCES.glob("*.js"), *SOURCES.glob("*.css")]
    assert len(files) > 20
    for path in files:
        text = path.read_text()
        assert len(text.splitlines()) < 300, path.name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), path.name
    assert "https://" not in (HOME / "studio.js").read_text()
