"""The tables of grades, and how their database is opened: SQLite, or a server."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from carrychain.errors import InvalidInput
from carrychain.io import StrPath

VERSION = 2
OLD_SUBMISSION = "submission_1"
"""The submissions of version 1, until they are moved over."""
ENVIRONMENT = "CARRYCHAIN_STORE"
"""The environment variable that may hold a database's URL, password and all."""

WRITES = "carrychain_writes"
"""The execution option of a connection that writes."""

_PATIENCE = 60.0
"""Seconds that a writer waits for the others, in SQLite, where one writes at a time."""
_CONNECT_SECONDS = 10
_LOCK = 0x6361_7272  # the advisory lock under which PostgreSQL's tables are made

NET_ID_LENGTH = 120
_key = sa.String(64)
_net_id = sa.String(NET_ID_LENGTH)
_moment = sa.String(32)  # ISO 8601 in UTC with microseconds, which sorts as text
_sortable = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")

metadata = sa.MetaData()
about = sa.Table(  # the schema's version, the secret of the public names, the rules for attempts
    "about",
    metadata,
    sa.Column("name", sa.String(20), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
grade = sa.Table(
    "grade",
    metadata,
    sa.Column("key", _key, primary_key=True),  # SHA-256 of the files and all that decides the grade
    sa.Column("net_id", sa.Text, nullable=False),  # as the submission says it
    sa.Column("acc", sa.Double),
    sa.Column("mae", sa.Double),
    sa.Column("res", sa.Double),
    sa.Column("prompt_length", sa.Integer),
    sa.Column("rendered_length", sa.Double),  # before the long record: SQLite reads up to it
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("max_score", sa.Double, nullable=False),
    sa.Column("verdict", sa.String(10), nullable=False),  # clean, flagged or review
    sa.Column("tier", sa.String(20), nullable=False),  # of the sandbox
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("graded_at", _moment, nullable=False),
    sa.Column("record", sa.Text, nullable=False),  # all of it as JSON: tests, findings, rows
)
reason = sa.Table(  # why a grade is flagged or for review
    "reason",
    metadata,
    sa.Column("key", _key, sa.ForeignKey("grade.key"), nullable=False, index=True),
    sa.Column("experiment", sa.Text, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("function", sa.Text, nullable=False),
    sa.Column("given", sa.Text, nullable=False),
    sa.Column("returned", sa.Text, nullable=False),
    sa.Column("expected", sa.Text, nullable=False),
)
student = sa.Table(
    "student",
    metadata,
    sa.Column("net_id", _net_id, primary_key=True),
    sa.Column("alias", sa.String(40), nullable=False, unique=True),  # the public name
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("merit", _sortable),  # the place; none where nothing may be ranked
    sa.Column("ranked", sa.Integer),  # three submissions: on the leaderboard,
    sa.Column("counts", sa.Integer),  # the one that gives the grade,
    sa.Column("latest", sa.Integer),  # and the last
    sa.Index("student_by_merit", "merit", "alias"),
)
submission = sa.Table(  # every attempt of every student
    "submission",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("net_id", _net_id, sa.ForeignKey("student.net_id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("digest", _key, nullable=False),  # SHA-256 of its two files
    sa.Column("key", _key, sa.ForeignKey("grade.key"), nullable=False),
    sa.Column("handed_in", _moment, nullable=False),
    sa.Column("time_from", sa.String(10), nullable=False),  # export, file or now
    sa.Column("verdict", sa.String(10)),  # what holds after an instructor's word
    sa.Column("score", sa.Double),
    sa.Column("late", sa.Double),  # seconds
    sa.Column("points", sa.Double),  # score less what lateness takes
    sa.Column("standing", sa.String(10)),  # ranked, late, flagged or beyond
    sa.Index("submission_by_student", "net_id", "handed_in"),
)
decision = sa.Table(  # an instructor's words, never changed
    "decision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("submission", sa.Integer, sa.ForeignKey("submission.id"), nullable=False, index=True),
    sa.Column("verdict", sa.String(10)),
    sa.Column("score", sa.Double),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", _moment, nullable=False),
)
LEADERBOARD = """
CREATE VIEW leaderboard AS
SELECT rank() OVER (ORDER BY student.merit) AS rank,
    submission.name, student.net_id, student.alias, submission.points AS score,
    grade.acc, grade.mae, grade.res, grade.rendered_length, submission.verdict
FROM student
JOIN submission ON submission.id = student.ranked
JOIN grade ON grade.key = submission.key
"""


def open_engine(where: StrPath) -> tuple[sa.Engine, str]:
    """Return a database and what it is called where a person reads it: without a password.

    Args:
        where: a file of SQLite, or a URL of SQLAlchemy.

    Raises:
        InvalidInput: it is no such URL, or the driver is not installed.
    """
    text = str(where)
    if "://" not in text:
        url, name = sa.URL.create("sqlite", database=text), text
    else:
        url = _read_url(text)
        name = _called(url)
    try:
        options = _options(url)
        engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True, **options)
    except NoSuchModuleError as error:
        raise InvalidInput(f"{name}: SQLAlchemy knows no database {url.drivername!r}") from error
    except ModuleNotFoundError as error:
        hint = "pip install 'carrychain[postgres]'" if "psycopg" in url.drivername else "install it"
        raise InvalidInput(f"{name} needs the driver {error.name}: {hint}") from error
    except (SQLAlchemyError, TypeError, ValueError) as error:
        raise InvalidInput(f"{name} can't be used as a database: its options are wrong") from error
    if engine.dialect.name == "sqlite":
        _set_up_sqlite(engine)
    return engine, name


def _options(url: sa.URL) -> dict[str, dict[str, object]]:
    """Return how long to wait: SQLite's writers for each other, a server for its answer."""
    backend = url.get_backend_name()
    if backend == "sqlite":
        return {"connect_args": {"timeout": _PATIENCE}}
    if backend == "postgresql" and "connect_timeout" not in url.query:
        return {"connect_args": {"connect_timeout": _CONNECT_SECONDS}}
    return {}


def _read_url(text: str) -> sa.URL:
    """Parse a URL; what is wrong is said without quoting it, for it may hold a password."""
    wrong = InvalidInput(
        "the database's URL can't be read; write it as in postgresql://user@host:5432/class, with "
        "@ : / ? in a password as %40 %3A %2F %3F"
    )
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise wrong from None
    if "@" in (url.host or "") or "@" in (url.database or ""):
        raise wrong
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    return url


def _called(url: sa.URL) -> str:
    """Write a URL without password and options, which may hold one too."""
    plain = sa.URL.create(
        url.get_backend_name(), url.username, None, url.host, url.port, url.database
    )
    return plain.render_as_string()


def _set_up_sqlite(engine: sa.Engine) -> None:
    """Have writers wait for each other from the start: a lock taken later could be refused."""

    @event.listens_for(engine, "connect")
    def connected(connection: DBAPIConnection, record: object) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None  # SQLAlchemy begins, see below
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def began(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    del connected, began


def why(error: Exception, url: sa.URL) -> str:
    """Say what a database said, on one line and without the password."""
    said = str(error.orig if isinstance(error, DBAPIError) else error) or type(error).__name__
    said = said.strip().splitlines()[0]
    hidden = [url.password, *(v for v in url.query.values() if isinstance(v, str))]
    for secret in hidden:
        if secret:
            said = said.replace(str(secret), "***")
    return said


def prepare(engine: sa.Engine, name: str, secret: str | None) -> bool:
    """Make the tables where there are none; return whether grades of version 1 wait to be moved.

    Args:
        engine: the database.
        name: what it is called.
        secret: of the public names, where the tables are made now; a fresh one where left out.

    Raises:
        InvalidInput: the database holds something else, or another version.
        SQLAlchemyError: it can't be reached, read or written.
    """
    with engine.connect() as reading:
        there = _is_current(reading, name)
    if not there:
        with engine.execution_options(**{WRITES: True}).begin() as writing:
            if engine.dialect.name == "postgresql":
                writing.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            if not _is_current(writing, name):  # another may have made them meanwhile
                _make(writing, secret or secrets.token_hex(32))
        if engine.dialect.name == "sqlite":
            _read_while_written(engine)
    with engine.connect() as reading:
        return sa.inspect(reading).has_table(OLD_SUBMISSION)


def _make(writing: sa.Connection, secret: str) -> None:
    """Make the tables; those of version 1 become ours, but for its submissions."""
    if _is_version_1(writing):
        writing.exec_driver_sql("DROP VIEW leaderboard")
        writing.exec_driver_sql(f"ALTER TABLE submission RENAME TO {OLD_SUBMISSION}")
        writing.exec_driver_sql("ALTER TABLE grade ADD COLUMN rendered_length FLOAT")
        writing.exec_driver_sql(
            "UPDATE grade SET rendered_length = json_extract(record, '$.rendered_length')"
        )
        for index in reason.indexes:
            index.create(writing)
    metadata.create_all(writing)
    writing.exec_driver_sql(LEADERBOARD)
    values = {"version": str(VERSION), "secret": secret, "policy": ""}
    writing.execute(about.insert(), [{"name": k, "value": v} for k, v in values.items()])
    if writing.dialect.name == "sqlite":
        writing.exec_driver_sql(f"PRAGMA user_version = {VERSION}")  # for a carrychain of then


def _read_while_written(engine: sa.Engine) -> None:
    """Switch to the write-ahead log; where others are at work at this moment, they do or will."""
    with contextlib.closing(engine.raw_connection()) as raw:
        cursor = raw.cursor()
        with contextlib.suppress(sqlite3.OperationalError):
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()


def _is_current(connection: sa.Connection, name: str) -> bool:
    """Whether the tables are there; False where they may be made.

    Raises:
        InvalidInput: there are others.
    """
    there = set(sa.inspect(connection).get_table_names())
    if not there or _is_version_1(connection):
        return False
    if not there.issuperset(metadata.tables):
        raise InvalidInput(f"{name} is no database of grades: it holds other tables; name another")
    found = connection.execute(sa.select(about.c.value).where(about.c.name == "version")).scalar()
    if found != str(VERSION):
        raise InvalidInput(
            f"{name} holds grades of version {found}, and this carrychain keeps version {VERSION}: "
            "use the carrychain that wrote it, or name another database"
        )
    return True


def _is_version_1(connection: sa.Connection) -> bool:
    """Whether it is SQLite as carrychain 0.1 wrote it."""
    if connection.dialect.name != "sqlite":
        return False
    (version,) = connection.exec_driver_sql("PRAGMA user_version").one()
    return version == 1 and {"grade", "reason", "submission"} == set(
        sa.inspect(connection).get_table_names()
    )
