"""Submissions that are alike: the same prompt, or the same code but for names, order and comments.

What is alike is listed for a person to look at, and takes no points: short code is alike by chance.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from carrychain.io import Json

SHORT = 40
"""Nodes of a syntax tree below which code may well be alike by chance."""

_GIVEN = {"your_netid", "your_net_id", "your_hf_token", "your_api_key", "your_config"}
_PROMPT = "your_prompt"
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Work:
    """One submission, as far as it is compared.

    Args:
        student: whose.
        name: the submission's.
        program: its file.
        prompt: what the model was shown, with {problem} in place of a problem; None where it was
            shown nothing.
    """

    student: str
    name: str
    program: str
    prompt: str | None


@dataclass(frozen=True, slots=True)
class Alike:
    """Submissions of different students that share something.

    Args:
        what: the prompt or the code.
        works: the students and their submissions, (student, submission).
        shared: the beginning of the prompt, or of the code as one of them wrote it.
        size: characters of the prompt, or nodes of the code's syntax tree.
    """

    what: Literal["prompt", "code"]
    works: tuple[tuple[str, str], ...]
    shared: str
    size: int

    @property
    def short(self) -> bool:
        """Whether it may well be chance."""
        return self.what == "code" and self.size < SHORT

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {
            "what": self.what,
            "works": [{"net_id": student, "submission": name} for student, name in self.works],
            "shared": self.shared,
            "size": self.size,
            "short": self.short,
        }


def alike(works: Sequence[Work]) -> list[Alike]:
    """Return the groups of students who share a prompt or code, the largest share first.

    The hand-out's template is nobody's own: its functions and its prompt are left aside.
    """
    template = _template()
    own = {unit for unit, _ in _units(template)}
    own_prompt = _plain(_template_prompt(template))
    groups: defaultdict[tuple[Literal["prompt", "code"], str], list[Work]] = defaultdict(list)
    shown: dict[str, tuple[str, int]] = {}
    for work in works:
        if work.prompt is not None and (plain := _plain(work.prompt)) != own_prompt:
            groups["prompt", plain].append(work)
            shown[plain] = work.prompt, len(work.prompt)
        tree = _parse(work.program)
        units = sorted(unit for unit in _units(tree) if unit[0] not in own) if tree else []
        if units:
            text = hashlib.sha256("\n".join(unit for unit, _ in units).encode()).hexdigest()
            groups["code", text].append(work)
            sources = (ast.unparse(node) for _, node in units)
            shown[text] = "\n\n".join(sources), sum(_size(node) for _, node in units)
    found: list[Alike] = []
    for (what, shared), members in groups.items():
        if len({work.student for work in members}) > 1:
            text, size = shown[shared]
            clipped = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            pairs = tuple(sorted({(work.student, work.name) for work in members}))
            found.append(Alike(what, pairs, clipped, size))
    return sorted(
        found, key=lambda group: (group.short, -len(group.works), group.what, group.works)
    )


def _plain(prompt: str) -> str:
    return " ".join(prompt.casefold().split())


def _template() -> ast.Module:
    return ast.parse(files("carrychain.handout").joinpath("submission.py").read_text("utf-8"))


def _template_prompt(tree: ast.Module) -> str:
    """Return the template's prompt around {problem}: the strings that its function assigns."""
    function = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == _PROMPT
    )
    parts = [
        statement.value.value
        for statement in function.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
    ]
    prefix, suffix = (part for part in parts if isinstance(part, str))
    return f"{prefix}{{problem}}{suffix}"


def _parse(program: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings(action="ignore"):  # of what the student wrote
            return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # it has no code to compare; the grade says what is wrong


def _units(tree: ast.Module) -> list[tuple[str, ast.stmt]]:
    """Return each function and statement at the top, normalised, beside how it was written.

    What everyone must write is left aside: who it is, the settings, the prompt, imports.
    """
    names = _names(tree)
    units: list[tuple[str, ast.stmt]] = []
    for node in tree.body:
        given = isinstance(node, ast.FunctionDef) and node.name in {*_GIVEN, _PROMPT}
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if given or text or isinstance(node, ast.Import | ast.ImportFrom):
            continue
        try:
            plain = _Plain(names).visit(ast.parse(ast.unparse(node)))
            units.append((ast.dump(plain), node))
        except RecursionError:
            continue
    return units


def _size(node: ast.AST) -> int:
    return sum(1 for _ in ast.walk(node))


def _names(tree: ast.Module) -> dict[str, str]:
    """Return the names that a file makes up, "" each, and what its imports really are called."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                names[name] = ""
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names[name] = ""
            case ast.ClassDef(name=name):
                names[name] = ""
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                names[name] = ""
            case _:
                pass
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names |= {each.asname or each.name: module + each.name for each in node.names}
    for contract in ("your_pre_processing", "your_post_processing"):
        names.pop(contract, None)
    return names


class _Plain(ast.NodeTransformer):
    """Takes away what does not change what code does: names, docstrings, annotations.

    Names are numbered as they come.
    """

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        self._numbers: dict[str, int] = {}

    def _new(self, name: str) -> str:
        if name not in self._names:
            return name
        return self._names[name] or f"_{self._numbers.setdefault(name, len(self._numbers))}"

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._new(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self._new(node.arg))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = node.name and self._new(node.name)
        return self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> ast.AST:
        node.name = node.name and self._new(node.name)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign([node.target], node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._new(node.name)
        node.returns = None
        node.body = list(_without_docstring(node.body))
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._new(node.name)
        node.body = list(_without_docstring(node.body))
        return self.generic_visit(node)


def _without_docstring(body: Sequence[ast.stmt]) -> Iterable[ast.stmt]:
    for place, statement in enumerate(body):
        text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not (text and place == 0):
            yield statement
