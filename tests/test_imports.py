"""Imports go one way, are declared, and keep `import carrychain` light."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCE = CHECKOUT / "src"

# Each part of the package and the parts that it may import, all of them further up in this table.
# A part is a module or folder directly in the package.
PLAIN = "errors text stats io wheel"
MAY_IMPORT = {
    "errors": "",
    "handout": "",  # what a student receives, scripts that use the package: imported by nobody
    "text": "",
    "stats": "errors",
    "io": "errors",
    "wheel": "errors",
    "sandbox": "errors",
    "engines": PLAIN,
    "addition": f"{PLAIN} engines",
    "rnn": f"{PLAIN} sandbox",
    "mini": f"{PLAIN} addition",
    "api": f"{PLAIN} engines addition",
    "peers": f"{PLAIN} engines addition api",  # other people's evaluators
    "grading": f"{PLAIN} engines addition sandbox api",
    "cluster": f"{PLAIN} engines sandbox grading",
    "search": f"{PLAIN} engines addition sandbox api grading",
    "assignment": f"{PLAIN} engines addition rnn sandbox api grading",
    "web": f"{PLAIN} engines addition mini rnn sandbox api grading search assignment",
    "cli": f"{PLAIN} engines addition mini rnn sandbox api peers grading cluster search assignment"
    " web",
    "__main__": "cli",
}
FACADE = "carrychain"  # its __init__ names what is public, and imports it when it is asked for
FACADE_OFFERS = {"__version__"}


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_of(root: Path) -> dict[str, str]:
    """Return every module's name and source."""
    files = (p for p in (root / FACADE).rglob("*.py") if p.parent.name != "handout")
    return {module_name(p, root): p.read_text("utf-8") for p in files}


def imports_of(module: str, source: str, is_package: bool) -> Iterator[tuple[int, str, str]]:
    """Yield (line, module, name in it or "") for each import, inside functions and by name too."""
    home = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name, "") for alias in names)
            case ast.ImportFrom(module=target, names=names, level=level):
                base = home[: len(home) - level + 1] if level else []
                full = ".".join([*base, *([target] if target else [])])
                yield from ((node.lineno, full, alias.name) for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(target)), *_],
            ):
                yield node.lineno, target, ""
            case _:
                pass


def part_of(module: str) -> str | None:
    """Return the part that a module belongs to, None where the table has no such part."""
    name = module.removeprefix(f"{FACADE}.").split(".")[0]
    return name if name in MAY_IMPORT else None


def wrong_imports(modules: Mapping[str, str]) -> list[str]:
    """Return a sentence for each import that goes the wrong way."""
    wrong: list[str] = []
    for module, source in modules.items():
        if module == FACADE:
            continue
        part = part_of(module)
        if part is None:
            wrong.append(f"{module} has no place in MAY_IMPORT: say what it may import")
            continue
        is_package = any(other.startswith(f"{module}.") for other in modules)
        for line, target, name in imports_of(module, source, is_package):
            if target.split(".")[0] != FACADE:
                continue
            imported = f"{target}.{name}" if f"{target}.{name}" in modules else target
            if imported == FACADE:
                if name not in FACADE_OFFERS:
                    wrong.append(f"{module}:{line} imports {name or FACADE} from the facade")
            elif part_of(imported) not in {part, *MAY_IMPORT[part].split()}:
                wrong.append(f"{module}:{line} imports {imported}")
    return wrong


def test_imports_go_one_way() -> None:
    assert wrong_imports(modules_of(SOURCE)) == []


def test_the_table_of_parts_has_no_circle() -> None:
    seen: set[str] = set()
    for part, others in MAY_IMPORT.items():
        assert set(others.split()) <= seen, f"{part} may import a part that is not above it"
        seen.add(part)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("carrychain.engines.base", "from carrychain.addition import problems"),
        ("carrychain.engines.base", "from carrychain.addition.problems import Problem"),
        ("carrychain.engines.base", "from ..addition.problems import Problem"),
        ("carrychain.engines.base", "from .. import addition"),
        ("carrychain.engines.base", "from carrychain.mini.corpus import documents"),
        ("carrychain.errors", "import carrychain.stats"),
        ("carrychain.stats", "def f():\n    import carrychain.engines.base as base"),
        ("carrychain.stats", "import importlib\nimportlib.import_module('carrychain.engines')"),
        ("carrychain.rnn", "import carrychain.addition.problems"),
        ("carrychain.addition.problems", "from carrychain import rnn"),
        ("carrychain.addition.problems", "from carrychain import evaluate"),
        ("carrychain.addition.problems", "import carrychain"),
        ("carrychain.addition.problems", "from carrychain.cli.main import cli"),
        ("carrychain.odds_and_ends", ""),
    ],
)
def test_an_import_the_wrong_way_is_found(module: str, source: str) -> None:
    names = [
        *("carrychain", "carrychain.engines", "carrychain.engines.base", "carrychain.rnn"),
        *("carrychain.addition", "carrychain.addition.problems", "carrychain.cli.main"),
        *("carrychain.errors", "carrychain.stats", "carrychain.mini", "carrychain.mini.corpus"),
    ]
    assert len(wrong_imports({**dict.fromkeys(names, ""), module: source})) == 1


def test_every_imported_package_is_declared() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    of_users = [r for name, extra in extras.items() if name != "dev" for r in extra]
    declared = {
        re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")
        for requirement in [*project["dependencies"], *of_users]
    }
    distributions = packages_distributions()
    undeclared: set[str] = set()
    for module, source in modules_of(SOURCE).items():
        for line, target, _ in imports_of(module, source, is_package=False):
            package = target.split(".")[0]
            if package in (FACADE, "") or package in sys.stdlib_module_names:
                continue
            names = {d.lower().replace("_", "-") for d in distributions.get(package, [package])}
            if not names & declared:
                undeclared.add(f"{module}:{line} imports {package}")
    assert undeclared == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import carrychain",
        "import carrychain.cli.main",
        "from carrychain.cli.main import cli; cli(['--help'], standalone_mode=False)",
    ],
)
def test_the_package_and_its_help_load_nothing_heavy(statement: str) -> None:
    ask = f"import json, sys; {statement}; print(); print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "carrychain" in loaded
    assert loaded & {"torch", "transformers", "matplotlib"} == set()
