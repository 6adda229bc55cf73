"""The lanes: for each a thread that takes its jobs, and the worker process that does them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import tempfile
import threading
import time
from typing import Any, Literal, cast, get_args

from carrychain.io import Json
from carrychain.web import worker
from carrychain.web.jobs import Jobs, Status
from carrychain.web.settings import Settings
from carrychain.web.worker import WORK, Lane

GRACE = 5.0
"""Seconds that a cancelled job has to stop by itself before its worker is killed."""

log = logging.getLogger(__name__)


class Lanes:
    """All lanes of a server, at work from now on.

    Args:
        jobs: what there is to do.
        settings: how long a job may take, and which model is loaded beforehand.
    """

    def __init__(self, jobs: Jobs, settings: Settings) -> None:
        self._jobs = jobs
        self._threads = [_LaneThread(jobs, lane, settings) for lane in get_args(Lane)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop the workers; what ran goes on when a server is started on the same state."""
        self._jobs.stop()
        for thread in self._threads:
            thread.close()
        for thread in self._threads:
            thread.join()


class _LaneThread(threading.Thread):
    """Takes the jobs of a lane one after the other and has a worker process do them."""

    def __init__(self, jobs: Jobs, lane: Lane, settings: Settings) -> None:
        super().__init__(name=f"lane {lane}", daemon=True)
        self._lane: Lane = lane
        self._jobs = jobs
        self._model = None if lane == "file" else settings.models[0]
        self._most = settings.long if lane == "long" else settings.short
        self._turn = settings.turn
        self._context = multiprocessing.get_context("spawn")
        self._closing = threading.Event()
        self._process: Any = None
        self._connection: Any = None
        self._scratch = ""

    def run(self) -> None:
        self._start_worker()
        while (taken := self._jobs.take(self._lane)) is not None:
            job_id, kind, request, earlier = taken
            try:
                status, said = self._do(job_id, kind, request, earlier)
            except Exception:  # such as a full disk: the lane must go on
                log.exception("a job of the kind %s failed", kind)
                self._start_worker()
                status, said = "failed", worker.UNEXPECTED
            if status == "queued":
                self._jobs.give_way(job_id)
            else:
                self._jobs.end(job_id, status, said)
        self._stop_worker()

    def close(self) -> None:
        self._closing.set()

    def _do(
        self, job_id: str, kind: str, request: dict[str, Json], earlier: list[Json]
    ) -> tuple[Status, str]:
        """Have a job done; return how it ended and what is said of it.

        It is "queued" again where it makes way for others, having emitted something in its turn.
        """
        jobs = self._jobs
        began = time.monotonic()
        progress = False
        told_at = None
        try:
            if not self._process.is_alive():
                self._start_worker()
            self._connection.send((kind, request, earlier))
            while not self._closing.is_set():
                events: list[str] = []
                end = None
                wait = 0.1
                while len(events) < 256 and self._connection.poll(wait):
                    what, said = cast(tuple[Literal["item"] | Status, str], self._connection.recv())
                    wait = 0
                    if what != "item":
                        end = what, said
                        break
                    events.append(said)
                if events:
                    jobs.add(job_id, events)
                    progress = True
                cancelled = jobs.is_cancelled(job_id)
                if end is not None:
                    gives_way = end[0] == "cancelled" and not cancelled
                    return ("queued", "") if gives_way else end
                now = time.monotonic()
                if now > began + self._most:
                    self._start_worker()
                    return "failed", f"it took longer than {self._most:g} s; ask for less"
                turn_is_over = progress and now > began + self._turn
                if told_at is None and (
                    cancelled or (turn_is_over and jobs.others_wait(self._lane))
                ):
                    told_at = now
                    self._connection.send((worker.CANCEL, {}, []))
                if cancelled and told_at is not None and now > told_at + GRACE:
                    self._start_worker()
                    return "cancelled", ""
            return "cancelled", ""
        except (EOFError, OSError):
            self._process.join(GRACE)
            code = self._process.exitcode
            log.warning("the worker of the %s lane ended with %s", self._lane, code)
            self._start_worker()
            return "failed", (
                "the process that worked on this ended by itself (out of memory, perhaps); "
                "what had been finished is kept; run it again, or ask for less"
            )

    def _start_worker(self) -> None:
        self._stop_worker()
        self._connection, theirs = self._context.Pipe()
        self._scratch = tempfile.mkdtemp(prefix="carrychain-")
        os.chmod(self._scratch, 0o711)  # the sandbox's own user passes through, and sees no names
        self._process = self._context.Process(
            target=worker.main, args=(theirs, self._model, WORK, self._scratch), daemon=True
        )
        self._process.start()
        theirs.close()

    def _stop_worker(self) -> None:
        if self._process is None:
            return
        self._connection.close()
        self._process.kill()
        self._process.join()
        shutil.rmtree(self._scratch, ignore_errors=True)  # what a killed worker could not remove
