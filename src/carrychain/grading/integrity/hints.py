"""What a submission's source shows: hints beside the verdict, never the verdict itself."""

from __future__ import annotations

import ast

_IMPORTS = frozenset(
    "os sys gc inspect ctypes socket subprocess multiprocessing threading builtins importlib "
    "pickle shelve sqlite3 tempfile mmap operator decimal fractions".split()
)
_CALLS = frozenset("eval exec compile __import__ open globals vars sum".split())
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.BitXor: "^",
    ast.BitAnd: "&",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
_POST = "your_post_processing"


def hints(tree: ast.Module | None) -> tuple[str, ...]:
    r"""Return what of a submission's source deserves a look, in the order of its lines.

    Example:
        >>> hints(ast.parse("def your_post_processing(output):\n    return sum([1, 2])"))
        ('line 2: sum() is called',)
    """
    if tree is None:
        return ()
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) if name == _POST:
                found += _in_post(node)
            case ast.Import(names=names):
                found += [
                    (node.lineno, f"{alias.name} is imported")
                    for alias in names
                    if alias.name.split(".")[0] in _IMPORTS
                ]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in _IMPORTS:
                found.append((node.lineno, f"{module} is imported"))
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
                found.append((node.lineno, f"{name}() is called"))
            case ast.BinOp(op=op, left=left) if type(op) in _OPERATORS and not _is_text(left):
                found.append((node.lineno, f"{_OPERATORS[type(op)]} is used"))
            case ast.BinOp(op=ast.Add(), left=left, right=right) if _is_int(left) or _is_int(right):
                found.append((node.lineno, "+ is used on what int() returned"))
            case ast.Global():
                found.append((node.lineno, "a global name is assigned"))
            case _:
                pass
    return tuple(f"line {line}: {what}" for line, what in sorted(set(found)))


def _in_post(function: ast.FunctionDef) -> list[tuple[int, str]]:
    return [
        (node.lineno, f"the hand-out's rule: + in {_POST} (ast.Add)")
        for node in ast.walk(function)
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Add)
    ]


def _is_text(node: ast.expr) -> bool:
    """Whether it is a text, as what stands before a % or * of texts."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _is_int(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "int"
