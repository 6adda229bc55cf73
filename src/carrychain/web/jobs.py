"""Jobs that wait, run and end: a bounded queue in SQLite."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.io import Json
from carrychain.web.settings import Settings
from carrychain.web.worker import WORK, Lane

Status = Literal["queued", "running", "done", "failed", "cancelled"]

FILE = "jobs.sqlite"
KEPT_BYTES = 256_000_000
"""What jobs may take in all, with their requests, events and results; the oldest that ended go."""
KEPT_SECONDS = 86_400.0

_TABLES = """
create table if not exists job (
    number integer primary key autoincrement,
    id text not null unique,
    owner text not null,
    kind text not null,
    lane text not null,
    request text not null,
    status text not null,
    result text,
    error text,
    ended real,
    size integer not null
);
create index if not exists waiting on job (status, lane, number);
create table if not exists event (
    job text not null references job (id) on delete cascade,
    number integer not null,
    data text not null,
    primary key (job, number)
) without rowid;
"""


class Full(CarrychainError):
    """No further job is taken at this moment."""


class Missing(CarrychainError):
    """There is no such job, or it is another visitor's."""


class NotDone(CarrychainError):
    """A job that a page waited for has no result."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work that a visitor asked for.

    Args:
        id: its name in addresses, which can't be guessed.
        kind: what is done, a name in `worker.WORK`.
        request: what it is done with.
        status: how far it is.
        place: how many are before it in its lane, itself included; None once it runs.
        result: what came out, None unless it is done.
        error: why it failed, in a sentence; None unless it did.
    """

    id: str
    kind: str
    request: dict[str, Json]
    status: Status
    place: int | None
    result: Json
    error: str | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ("done", "failed", "cancelled")


class Jobs:
    """The jobs of a server. One at a time runs in each lane, in the order of their coming."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._work = threading.Condition(self._lock)
        self._db = _open(settings)
        self._watchers: dict[str, set[_Watcher]] = {}
        self._seen: dict[str, float] = {}
        self._stop: set[str] = set()
        self._closing = False
        self.leaving = False
        with self._lock, self._db:
            self._db.execute("update job set status = 'queued' where status = 'running'")
            now = time.monotonic()
            for (each,) in self._db.execute("select id from job where status = 'queued'"):
                self._seen[each] = now

    # --- what pages ask for -----------------------------------------------------------------------

    def submit(self, owner: str, kind: str, request: dict[str, Json]) -> Job:
        """Put a job at the end of its lane.

        Args:
            owner: who asks, as the guard knows them.
            kind: a name in `worker.WORK`.
            request: what the work's function receives; JSON.

        Raises:
            Full: too many wait, for this visitor or in all.
        """
        lane, job_id = WORK[kind][0], secrets.token_urlsafe(16)
        with self._lock, self._db:
            waiting, own = self._db.execute(
                "select count(*), coalesce(sum(owner = ?), 0) from job"
                " where status = 'queued' and lane = ?",
                (owner, lane),
            ).fetchone()
            if own >= self._settings.each:
                raise Full(
                    f"{own} of your jobs wait already, the most that one visitor may have; "
                    "cancel one or wait for it"
                )
            if waiting >= self._settings.queue:
                raise Full(f"{waiting} jobs wait, and no more are taken; try again in a minute")
            text = json.dumps(request)
            self._db.execute(
                "insert into job (id, owner, kind, lane, request, status, size)"
                " values (?,?,?,?,?,?,?)",
                (job_id, owner, kind, lane, text, "queued", len(text)),
            )
            self._seen[job_id] = time.monotonic()
            self._work.notify_all()
        return self.require(owner, job_id)

    def get(self, owner: str, job_id: str) -> Job | None:
        """Return a job, None if there is none or it is another's; whoever asks looks at it."""
        with self._lock:
            row = self._db.execute(
                "select id, kind, request, status, result, error, lane, number from job"
                " where id = ? and owner = ?",
                (job_id, owner),
            ).fetchone()
            if row is None:
                return None
            job_id, kind, request, status, result, error, lane, number = row
            if job_id in self._seen:
                self._seen[job_id] = time.monotonic()
            place = None
            if status == "queued":
                (place,) = self._db.execute(
                    "select count(*) from job where status = 'queued' and lane = ? and number <= ?",
                    (lane, number),
                ).fetchone()
        return Job(
            id=job_id,
            kind=kind,
            request=json.loads(request),
            status=status,
            place=place,
            result=None if result is None else json.loads(result),
            error=error,
        )

    def require(self, owner: str, job_id: str) -> Job:
        """Do what `get` does.

        Raises:
            Missing: there is none, or it is another's.
        """
        job = self.get(owner, job_id)
        if job is None:
            raise Missing("there is no such job here; it may have been kept too long ago")
        return job

    def events(self, job_id: str, after: int = 0) -> list[tuple[int, Json]]:
        """Return what a job emitted, each with its number from 1, those after a number."""
        with self._lock:
            rows = self._db.execute(
                "select number, data from event where job = ? and number > ? order by number",
                (job_id, after),
            ).fetchall()
        return [(number, json.loads(data)) for number, data in rows]

    def count(self, job_id: str) -> int:
        """Return how many events a job has emitted."""
        with self._lock:
            return self._db.execute(
                "select count(*) from event where job = ?", (job_id,)
            ).fetchone()[0]

    def cancel(self, owner: str, job_id: str) -> None:
        """End a job that waits or runs; one that has ended stays as it is.

        Raises:
            Missing: there is none, or it is another's.
        """
        self.require(owner, job_id)
        self._cancel(job_id)

    async def finished(self, owner: str, job_id: str) -> Job:
        """Wait until a job has ended or the server does, looking at it meanwhile."""
        with self.watching(job_id) as watcher:
            while True:
                job = self.require(owner, job_id)
                if job.ended or self.leaving:
                    return job
                await watcher.changed()

    async def answer(self, owner: str, kind: str, request: dict[str, Json]) -> Json:
        """Have a job done while a page waits for it; return its result, and keep neither.

        Args:
            owner, kind, request: as `submit` takes them.

        Raises:
            Full: too many wait.
            NotDone: it failed or was cancelled; the message says why.
        """
        job_id = self.submit(owner, kind, request).id
        job = await self.finished(owner, job_id)
        with self._lock, self._db:
            self._db.execute("delete from job where id = ?", (job_id,))
        if job.status != "done":
            raise NotDone(job.error or "the work was cancelled; ask once more")
        return job.result

    @contextlib.contextmanager
    def watching(self, job_id: str) -> Generator[_Watcher]:
        """Look at a job, from within an event loop, for as long as the block lasts."""
        watcher = _Watcher(asyncio.get_running_loop())
        with self._lock:
            self._watchers.setdefault(job_id, set()).add(watcher)
        try:
            yield watcher
        finally:
            with self._lock:
                self._watchers[job_id].discard(watcher)
                if not self._watchers[job_id]:
                    del self._watchers[job_id]
                if job_id in self._seen:
                    self._seen[job_id] = time.monotonic()

    # --- what the server sees to ------------------------------------------------------------------

    def sweep(self) -> None:
        """Cancel what nobody has looked at for a while, and forget what ended long ago."""
        before = time.monotonic() - self._settings.patience
        with self._lock:
            for job_id, seen in list(self._seen.items()):
                if seen < before and job_id not in self._watchers:
                    self._cancel(job_id)
            with self._db:
                self._db.execute(
                    "delete from job where ended is not null and (ended < ? or number in ("
                    " select number from (select number, sum(size) over (order by number desc)"
                    "  as total from job) where total > ?))",
                    (time.time() - KEPT_SECONDS, KEPT_BYTES),
                )

    def leave(self) -> None:
        """Have nobody wait for a job any longer, because the server ends."""
        self.leaving = True
        with self._lock:
            self._notify_all()

    def stop(self) -> None:
        """Give the lanes nothing more to do; what runs is left as it is, to be taken up again."""
        with self._lock:
            self._closing = True
            self._work.notify_all()

    def close(self) -> None:
        """Close the file, once the lanes have stopped."""
        with self._lock:
            self._db.close()

    # --- what the lanes do ------------------------------------------------------------------------

    def take(self, lane: Lane) -> tuple[str, str, dict[str, Json], list[Json]] | None:
        """Wait for a job of a lane and set it running.

        Returns:
            Its id, kind and request, and what it emitted in an earlier turn; None after `stop`.
        """
        with self._work:
            while not self._closing:
                row = self._db.execute(
                    "select id, kind, request from job where status = 'queued' and lane = ?"
                    " order by number limit 1",
                    (lane,),
                ).fetchone()
                if row is not None:
                    job_id, kind, request = row
                    with self._db:
                        self._db.execute(
                            "update job set status = 'running' where id = ?", (job_id,)
                        )
                    self._notify_all()
                    earlier = [event for _, event in self.events(job_id)]
                    return job_id, kind, json.loads(request), earlier
                self._work.wait()
        return None

    def add(self, job_id: str, events: list[str]) -> None:
        """Keep what a job has emitted, each event as JSON."""
        with self._lock:
            with self._db:
                (last,) = self._db.execute(
                    "select coalesce(max(number), 0) from event where job = ?", (job_id,)
                ).fetchone()
                self._db.executemany(
                    "insert into event values (?, ?, ?)",
                    [(job_id, last + i, event) for i, event in enumerate(events, 1)],
                )
                self._db.execute(
                    "update job set size = size + ? where id = ?", (sum(map(len, events)), job_id)
                )
            self._notify(job_id)

    def end(self, job_id: str, status: Status, said: str = "") -> None:
        """Note how a job ended.

        Args:
            job_id: which.
            status: done, failed or cancelled.
            said: the result as JSON, or why it failed.
        """
        with self._lock:
            if self._closing and status != "done":
                return  # it goes on when the server is back
            with self._db:
                self._db.execute(
                    "update job set status = ?, result = ?, error = ?, ended = ?, size = size + ?"
                    " where id = ?",
                    (
                        status,
                        said if status == "done" else None,
                        said if status == "failed" else None,
                        time.time(),
                        len(said),
                        job_id,
                    ),
                )
            self._seen.pop(job_id, None)
            self._stop.discard(job_id)
            self._notify(job_id)

    def _cancel(self, job_id: str) -> None:
        with self._lock:
            (status,) = self._db.execute(
                "select status from job where id = ?", (job_id,)
            ).fetchone() or ("cancelled",)
            if status == "queued":
                self.end(job_id, "cancelled")
                self._notify_all()
            elif status == "running":
                self._stop.add(job_id)

    def give_way(self, job_id: str) -> None:
        """Put a job that has run for its turn behind those that wait."""
        with self._lock, self._db:
            self._db.execute(
                "update job set status = 'queued', number = (select max(number) + 1 from job)"
                " where id = ?",
                (job_id,),
            )
            self._notify_all()

    def others_wait(self, lane: Lane) -> bool:
        """Return whether a job of a lane waits."""
        with self._lock:
            return bool(
                self._db.execute(
                    "select exists (select 1 from job where status = 'queued' and lane = ?)",
                    (lane,),
                ).fetchone()[0]
            )

    def is_cancelled(self, job_id: str) -> bool:
        """Return whether a job that runs is no longer wanted."""
        with self._lock:
            return job_id in self._stop

    def _notify(self, job_id: str) -> None:
        for watcher in self._watchers.get(job_id, ()):
            watcher.wake()

    def _notify_all(self) -> None:
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.wake()


class _Watcher:
    """Wakes an event loop when a job changes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    async def changed(self) -> None:
        """Wait for the next change since the last wait."""
        await self._event.wait()
        self._event.clear()

    def wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(self._event.set)


def check_file(settings: Settings) -> None:
    """Raise InvalidInput unless jobs can be kept in the state's folder."""
    try:
        _open(settings).close()
    except sqlite3.Error as error:
        raise InvalidInput(
            f"jobs can't be kept in {settings.state / FILE}: {error}; "
            "move it away, or give another folder with --state FOLDER"
        ) from error


def _open(settings: Settings) -> sqlite3.Connection:
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.state / FILE
    path.touch(mode=0o600)
    db = sqlite3.connect(path, check_same_thread=False)
    db.executescript("pragma journal_mode = wal; pragma synchronous = normal; " + _TABLES)
    db.execute("pragma foreign_keys = on")
    return db
