"""Build sdist and wheel, install the wheel into a fresh environment outside the checkout, use it.

`make test` runs this last. It finds what the checkout hides: a file that the wheel lacks, an import
of something that is not declared, a path that exists only here. The wheel is built from the sdist,
so that one is complete too. Everything is installed for real, from the constraints of the checkout.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
import zipfile
from pathlib import Path
from typing import Any, NoReturn

CHECKOUT = Path(__file__).resolve().parents[1]
WEIGHTS = "carrychain/mini/weights/"
MOST_WEIGHT_BYTES = 12_000_000
MOST_SDIST_BYTES = 20_000_000


def main() -> None:
    """Build, install and use the wheel in a temporary folder; leave with status 1 at a defect."""
    with tempfile.TemporaryDirectory(prefix="carrychain-wheel-") as name:
        folder = Path(name).resolve()
        started = time.monotonic()
        wheel = build(folder / "dist")
        check_contents(wheel)
        said(f"built {wheel.name}", started)

        started = time.monotonic()
        python = install(wheel, folder / "env")
        said("installed it", started)

        started = time.monotonic()
        check_use(python, folder / "elsewhere")
        said("used it: --help, models, rnn, assignment, handout, serve, evaluate", started)


def build(dist: Path) -> Path:
    """Build the sdist, the wheel from it, and return the wheel."""
    run([sys.executable, "-m", "build", "--outdir", str(dist), str(CHECKOUT)], cwd=CHECKOUT)
    (sdist,) = dist.glob("*.tar.gz")
    if sdist.stat().st_size > MOST_SDIST_BYTES:
        fail(
            f"the sdist has {sdist.stat().st_size:,} bytes; at most {MOST_SDIST_BYTES:,} are meant"
        )
    (wheel,) = dist.glob("*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    """Check that the wheel holds the package with the embedded model, within its size."""
    with zipfile.ZipFile(wheel) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    weights = {name: size for name, size in sizes.items() if name.startswith(WEIGHTS)}
    for suffix in (".safetensors", "tokenizer.json", "config.json", ".md"):
        if not any(name.endswith(suffix) for name in weights):
            fail(f"the wheel has no *{suffix} in {WEIGHTS}; it has {sorted(weights)}")
    if sum(weights.values()) >= MOST_WEIGHT_BYTES:
        fail(f"{WEIGHTS} has {sum(weights.values()):,} bytes; {MOST_WEIGHT_BYTES:,} is the limit")
    strangers = {name.split("/")[0] for name in sizes if not name.startswith("carrychain")}
    if strangers:
        fail(f"the wheel installs more than the package: {sorted(strangers)}")


def install(wheel: Path, env: Path) -> Path:
    """Install the wheel and all it requires into a new environment; return its Python.

    The environment needs no pip of its own, and bytecode is left to the first import: compiling
    all of torch costs more than the rest of the installation.
    """
    venv.create(env, with_pip=False)
    python = env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    constraints = str(CHECKOUT / "constraints.txt")
    to = ["--python", str(python), "install", "--no-compile", "-c", constraints, f"{wheel}[web]"]
    run([*pip, *to], cwd=env)
    return python


def check_use(python: Path, folder: Path) -> None:
    """Use the installed package as a user does who has neither checkout nor network nor caches."""
    folder.mkdir()
    settings = ("PYTHON", "VIRTUAL_ENV", "HF_", "XDG_", "CARRYCHAIN")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    clean |= {"HOME": str(folder), "USERPROFILE": str(folder), "HF_HUB_OFFLINE": "1"}

    def use(*command: str) -> str:
        return run(command, cwd=folder, env=clean)

    where = Path(use(str(python), "-c", "import carrychain; print(carrychain.__file__)").strip())
    if not where.is_relative_to(python.parents[1]):
        fail(f"carrychain is imported from {where}, not from the fresh environment")

    command = str(python.with_name("carrychain"))
    if "evaluate" not in use(command, "--help"):
        fail("carrychain --help does not list evaluate")
    if "mini" not in use(command, "models"):
        fail("carrychain models does not list mini")
    use(command, "rnn", "check", "--template", "derivation.py")
    flow = json.loads(use(command, "rnn", "flow", "--hidden", "8", "--steps", "5", "--json", "-"))
    require(("log_norms", "certificate", "lyapunov"), flow, "rnn flow")
    use(command, "assignment", "Q2b", "-n", "3", "--out", "report")
    use(command, "handout", "course")
    for made in ("report/report.html", "course/addition_prompting.ipynb", "course/run_tests.py"):
        if not (folder / made).exists():
            fail(f"the installed commands did not write {made}")
    check_pages(command, folder, clean)
    check_evaluation(
        json.loads(use(str(python), "-m", "carrychain", "evaluate", "-n", "3", "--json", "-"))
    )


def check_pages(command: str, folder: Path, env: dict[str, str]) -> None:
    """Check that the lab in the browser starts, has its pages and files, and ends."""
    serve = [command, "serve", "--no-browser", "--state", "state"]
    with subprocess.Popen(serve, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        for page in ("/", "/playground", "/gradient", "/static/page.css", "/static/plotly.js"):
            with urllib.request.urlopen(address + page, timeout=60) as answer:
                if answer.status != 200:
                    fail(f"{page} answers {answer.status}")
        server.send_signal(signal.SIGINT)
        if status := server.wait(timeout=60):
            fail(f"carrychain serve ended with status {status}")


def check_evaluation(result: dict[str, Any]) -> None:
    """Check that every field is there that others rely on."""
    fields = {
        "": ("model", "sampling", "prompt", "metrics", "anatomy", "rows", "timing"),
        "metrics": ("res", "acc", "acc_ci", "mae", "prompt_length", "unparsed"),
        "timing": ("seconds", "problems_per_second"),
    }
    for part, names in fields.items():
        require(names, result[part] if part else result, part or "the evaluation")
    if len(result["rows"]) != 3:
        fail(f"evaluate -n 3 gave {len(result['rows'])} rows")
    row = ("a", "b", "answer", "prompt", "output", "response", "correct", "finish_reason", "seed")
    for number, given in enumerate(result["rows"]):
        require(row, given, f"rows[{number}]")
        if given["a"] + given["b"] != given["answer"]:
            fail(f"rows[{number}] says {given['a']}+{given['b']} = {given['answer']}")


def require(names: tuple[str, ...], given: dict[str, Any], where: str) -> None:
    """Fail if one of the names is missing."""
    missing = [name for name in names if name not in given]
    if missing:
        fail(f"{where} lacks {', '.join(missing)}; it has {', '.join(given)}")


def run(command: list[str] | tuple[str, ...], cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return its output; fail with all it said if it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        fail(
            f"{' '.join(command)}\nended with status {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def said(what: str, started: float) -> None:
    """Tell one step and its time."""
    print(f"  {what} ({time.monotonic() - started:.0f} s)", flush=True)


def fail(message: str) -> NoReturn:
    """End with status 1 and the reason."""
    sys.exit(f"The wheel is not right: {message}")


if __name__ == "__main__":
    main()
