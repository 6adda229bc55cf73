"""Grades kept in SQLite as they finish, with their evidence, and the leaderboard over them.

A grade stands under a key of everything that decides it, so a run that was killed goes on where it
was, and a file that was changed is graded again. Two who hand in the same have one grade.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter, ValidationError

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.grading.grader import Grade
from carrychain.grading.redaction import redact
from carrychain.io import StrPath, jsonable

_VERSION = 1
_SCHEMA = """
CREATE TABLE grade (
    key TEXT PRIMARY KEY,          -- SHA-256 of the files and of everything that decides the grade
    net_id TEXT NOT NULL,
    acc REAL, mae REAL, res REAL,
    prompt_length INTEGER,
    score REAL NOT NULL, max_score REAL NOT NULL,
    verdict TEXT NOT NULL,         -- clean, flagged or review
    tier TEXT NOT NULL,            -- of the sandbox
    model TEXT NOT NULL,
    seconds REAL NOT NULL,
    graded_at TEXT NOT NULL,       -- UTC
    record TEXT NOT NULL           -- the whole grade as JSON: tests, findings, rows
);
CREATE TABLE reason (              -- why a grade is flagged or for review
    key TEXT NOT NULL REFERENCES grade,
    experiment TEXT NOT NULL, sentence TEXT NOT NULL, function TEXT NOT NULL,
    given TEXT NOT NULL, returned TEXT NOT NULL, expected TEXT NOT NULL
);
CREATE TABLE submission (          -- whose grade it is: the latest under each name
    name TEXT PRIMARY KEY,
    key TEXT NOT NULL REFERENCES grade
);
CREATE VIEW leaderboard AS
    SELECT rank() OVER (ORDER BY score DESC, acc DESC, mae NULLS LAST, prompt_length) AS rank,
           name, net_id, score, acc, mae, res, prompt_length
    FROM submission JOIN grade USING (key)
    WHERE verdict <> 'flagged'
    ORDER BY rank, name;
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the leaderboard; those who do equally well share a rank."""

    rank: int
    name: str
    net_id: str
    score: float
    acc: float | None
    mae: float | None
    res: float | None
    prompt_length: int | None


class Store:
    """Grades in a file; one process writes, others may read meanwhile.

    Args:
        path: the database; it is made if it is not there.

    Raises:
        InvalidInput: it can't be opened, or is no database of grades.
    """

    def __init__(self, path: StrPath) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path, timeout=10)
            self._prepare()
        except sqlite3.Error as error:
            raise InvalidInput(f"{path} can't keep grades: {error}") from error

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if version == 0 and tables == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        elif version != _VERSION:
            raise InvalidInput(
                f"{self._path} is no database of grades of this version; name another"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._db.close()

    def find(self, key: str) -> Grade | None:
        """Return the grade under a key, None if there is none.

        Raises:
            InvalidInput: what stands there is no grade of this version.
        """
        row = self._db.execute("SELECT record FROM grade WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            return TypeAdapter(Grade).validate_json(row[0])
        except ValidationError as error:
            raise InvalidInput(f"{self._path} holds a grade that can't be read") from error

    def add(self, key: str, grade: Grade) -> None:
        """Keep a grade under its key, whole or not at all; tokens are hidden.

        Raises:
            CarrychainError: it can't be written.
        """
        record = _stored(json.dumps(jsonable(grade.as_dict()), ensure_ascii=False))
        values = (
            key,
            _stored(grade.net_id),
            grade.acc,
            grade.mae,
            grade.res,
            grade.prompt_length,
            grade.score,
            grade.max_score,
            grade.integrity.verdict,
            grade.sandbox.tier,
            grade.model,
            grade.seconds,
            datetime.now(UTC).isoformat(timespec="seconds"),
            record,
        )
        reasons = [(key, *map(_stored, astuple(reason))) for reason in grade.integrity.reasons]
        marks = ", ".join("?" * len(values))
        with self._writing():
            new = self._db.execute(f"INSERT OR IGNORE INTO grade VALUES ({marks})", values)
            if new.rowcount:
                self._db.executemany("INSERT INTO reason VALUES (?, ?, ?, ?, ?, ?, ?)", reasons)

    def belongs(self, name: str, key: str) -> None:
        """Say that the grade under a key is that of a submission now."""
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO submission VALUES (?, ?)", (name, key))

    def leaderboard(self) -> list[Place]:
        """Return who did best, by score, accuracy, error and length; nobody who is flagged."""
        return [Place(*row) for row in self._db.execute("SELECT * FROM leaderboard")]

    @contextmanager
    def _writing(self) -> Generator[None]:
        try:
            with self._db:
                yield
        except sqlite3.Error as error:
            raise CarrychainError(f"{self._path} can't keep a grade: {error}") from error


def _stored(text: str) -> str:
    """Return text without tokens, and without halves of surrogate pairs, which no file can hold."""
    return redact(text).encode("utf-8", "replace").decode()
