"""One stage of the chain: run its notebook by papermill into ``reports/``; `dvc.yaml` calls it.

python -m colorify.chain regression laptop
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from colorify import params, report


def sources(profile: str) -> Path:
    """Write ``data/sources/PROFILE.txt``: what `collect` reads of this machine, so that dvc sees a change."""
    from colorify.collect.sources import listing

    out = params.root() / "data" / "sources" / f"{profile}.txt"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(f"{line}\n" for line in listing(profile)), encoding="utf-8", newline="\n")
    return out


def run(stage: str, profile: str) -> Path:
    """Execute ``nbs/NN_STAGE.ipynb`` into ``reports/PROFILE/STAGE/`` and return the path of what was written.

    One with the same results as the one that is there does not replace it: git would keep hundreds of kB for each run.
    """
    import papermill

    (notebook,) = (params.root() / "nbs").glob(f"[0-9][0-9]_{stage}.ipynb")
    out = report.home(stage, profile) / notebook.name
    out.parent.mkdir(parents=True, exist_ok=True)
    before = out.read_bytes() if out.exists() else b""
    papermill.execute_notebook(notebook, out, progress_bar=False, kernel_name="python3")
    report.slim(out)
    if before and said(before) == said(out.read_bytes()):
        out.write_bytes(before)
    return out


def said(executed: bytes) -> list[tuple[str, list[dict]]]:
    """The source of each cell of an executed notebook, and its results: values, tables, pictures.

    Streams and displays that renew themselves hold times.
    """
    cells = json.loads(executed)["cells"]
    return [("".join(cell["source"]), [o["data"] for o in cell.get("outputs", ()) if _is_result(o)]) for cell in cells]


def _is_result(output: dict) -> bool:
    return output["output_type"] == "execute_result"


if __name__ == "__main__":
    sources(sys.argv[2]) if sys.argv[1] == "sources" else run(*sys.argv[1:])
