"""One stage of the chain: run its notebook by papermill into ``reports/``; `dvc.yaml` calls it.

python -m colorify.chain regression laptop
"""

from __future__ import annotations

import sys
from pathlib import Path

from colorify import params, report


def run(stage: str, profile: str) -> Path:
    """Execute ``nbs/NN_STAGE.ipynb`` into ``reports/PROFILE/STAGE/`` and return the path of what was written."""
    import papermill

    (notebook,) = (params.root() / "nbs").glob(f"[0-9][0-9]_{stage}.ipynb")
    out = report.home(stage, profile) / notebook.name
    out.parent.mkdir(parents=True, exist_ok=True)
    papermill.execute_notebook(notebook, out, progress_bar=False, kernel_name="python3")
    report.slim(out)
    return out


if __name__ == "__main__":
    run(*sys.argv[1:])
