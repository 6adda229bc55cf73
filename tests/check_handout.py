"""Hand the assignment out and use it as a student does: install, run both notebooks, grade.

    python tests/check_handout.py

Everything is installed for real, from the hand-out's own requirements, into a fresh environment
outside the checkout; of the checkout only the pin of PyTorch's CPU build is used.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import venv
from pathlib import Path

from check_wheel import CHECKOUT, fail, run, said

NOTEBOOKS = ("rnn_gradients.ipynb", "addition_prompting.ipynb")
MOST_SECONDS = 600
"""For the notebooks and the grade, on two cores."""


def main() -> None:
    """Write, install and use the hand-out in a temporary folder; leave with 1 at a defect."""
    with tempfile.TemporaryDirectory(prefix="carrychain-handout-") as name:
        root = Path(name).resolve()
        folder = root / "assignment"
        started = time.monotonic()
        run([sys.executable, "-m", "carrychain", "handout", str(folder)], cwd=root)
        said("wrote the hand-out", started)

        started = time.monotonic()
        python = install(folder, root / "env")
        said("installed its requirements", started)

        started = time.monotonic()
        use(folder, python, root)
        if time.monotonic() - started > MOST_SECONDS:
            fail(f"the notebooks and the grade took more than {MOST_SECONDS} s")


def install(folder: Path, env: Path) -> Path:
    """Install the hand-out's requirements into a new environment; return its Python."""
    venv.create(env, with_pip=False)
    python = env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    to = ["--python", str(python), "install", "--no-compile"]
    pinned = ["-c", str(CHECKOUT / "constraints.txt"), "-r", "requirements.txt"]
    run([*pip, *to, *pinned], cwd=folder)
    return python


def use(folder: Path, python: Path, home: Path) -> None:
    """Run both notebooks and the tests of the submission, as shipped, without the checkout."""
    settings = ("PYTHON", "VIRTUAL_ENV", "HF_", "XDG_", "CARRYCHAIN", "JUPYTER", "IPYTHON")
    env = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    env |= {"HOME": str(home), "USERPROFILE": str(home), "HF_HUB_OFFLINE": "1"}
    jupyter = str(python.with_name("jupyter"))
    for name in NOTEBOOKS:
        started = time.monotonic()
        execute = [jupyter, "nbconvert", "--to", "notebook", "--execute", "--inplace", name]
        run(execute, cwd=folder, env=env)
        cells = json.loads((folder / name).read_text("utf-8"))["cells"]
        if not all(cell["execution_count"] for cell in cells if cell["cell_type"] == "code"):
            fail(f"{name} has cells that were not run")
        said(f"ran {name}", started)
    started = time.monotonic()
    run([str(python), "run_tests.py"], cwd=folder, env=env)
    results = json.loads((folder / "results" / "results.json").read_text("utf-8"))
    if results["num_tests"] != 7 or results["errors"]:
        fail(f"run_tests.py carried out {results}")
    said("ran run_tests.py", started)


if __name__ == "__main__":
    main()
