"""What a submission's source tells without being run: its names, its lines and its secrets."""

from __future__ import annotations

import ast
import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import decode_source
from pathlib import Path

from carrychain.errors import InvalidInput
from carrychain.io import StrPath

MOST_BYTES = 1 << 20

TOKEN = "your_hf_token"
API_KEY = "your_api_key"
"""In files of earlier years it stands in place of net id and token."""


@dataclass(frozen=True)
class Source:
    """A file of Python, read and never run.

    Args:
        text: what it says; empty where it has a fault.
        fault: why it can't be a submission, "" where it can.
        tree: its syntax tree; None where it has none, or one too deep to be built.
    """

    text: str
    fault: str = ""
    tree: ast.Module | None = field(default=None, repr=False, compare=False)

    @classmethod
    def read(cls, path: StrPath) -> Source:
        """Read a file.

        Raises:
            InvalidInput: there is no such file, or no permission to read it.
        """
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return cls("", "it is no plain file")
            with Path(path).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise InvalidInput(f"{path} can't be read: {error.strerror or error}") from error
        if len(content) > MOST_BYTES:
            return cls("", f"it has more than {MOST_BYTES:,} bytes, which no submission needs")
        try:
            text = decode_source(content)
        except (SyntaxError, UnicodeDecodeError, LookupError):
            return cls("", "it is no Python text")
        return cls(text, tree=_tree(text))

    def defines(self, name: str) -> bool:
        """Whether its own statements may bind a name; True where that can't be told."""
        return self.tree is None or not self._names.isdisjoint({name, "*"})

    @cached_property
    def _names(self) -> frozenset[str]:
        assert self.tree is not None
        return frozenset(name for node in self.tree.body for name in _bound(node))

    def function(self, name: str) -> ast.FunctionDef | None:
        """Return the last function of this name."""
        found = None
        for node in ast.walk(self.tree) if self.tree else ():
            if isinstance(node, ast.FunctionDef) and node.name == name:
                found = node
        return found

    def line(self, number: int) -> str:
        """Return a line, counted from 1, without its indentation; "" where there is none."""
        lines = self.text.splitlines()
        return lines[number - 1].strip() if 1 <= number <= len(lines) else ""

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """Texts in the functions that hold a token; placeholders and docstrings are none."""
        return tuple(
            node.value
            for name in (TOKEN, API_KEY)
            if (function := self.function(name))
            for node in ast.walk(function)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and not is_placeholder(node.value)
            and node.value != ast.get_docstring(function, clean=False)
        )

    @cached_property
    def token_is_empty(self) -> bool:
        """Whether the token is nothing, blank or a placeholder, as far as reading tells."""
        function = self.function(TOKEN) or self.function(API_KEY)
        if function is None:
            return False
        returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
        return all(self._is_empty(value, function) for value in returned)

    def _is_empty(self, value: ast.expr | None, function: ast.FunctionDef) -> bool:
        if isinstance(value, ast.Name):
            value = self._assigned(value.id, function)
        match value:
            case None | ast.Constant(value=None):
                return True
            case ast.Constant(value=str(text)):
                return is_placeholder(text)
            case _:
                return False

    def _assigned(self, name: str, function: ast.FunctionDef) -> ast.expr:
        """Return what a name was given last, in the function or else in the file."""
        value: ast.expr = ast.Name(name)
        assert self.tree is not None
        for statement in (*self.tree.body, *ast.walk(function)):
            match statement:
                case ast.Assign(targets=[ast.Name(id=target)], value=assigned) if target == name:
                    value = assigned
                case _:
                    pass
        return value


def is_placeholder(text: str) -> bool:
    """Whether a net id or token is blank, or what the template has in its place.

    Example:
        >>> is_placeholder("YOUR_HF_TOKEN"), is_placeholder(" "), is_placeholder("ab1234")
        (True, True, False)
    """
    return not text.strip() or text.strip().upper().replace(" ", "_").startswith("YOUR_")


def _tree(text: str) -> ast.Module | None:
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.parse(text)
    return None


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement may bind where it stands; functions keep theirs."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.alias(name=name, asname=asname):
            yield asname or name.split(".")[0]
        case ast.Lambda():
            pass
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _bound(child)
