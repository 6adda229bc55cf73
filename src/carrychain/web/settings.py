"""How a server is set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What `carrychain serve` was asked, and the limits it keeps.

    Args:
        state: folder of the queue and of the secret that signs cookies; made where it is missing.
        models: names that the pages offer, the first beforehand; at least one.
        class_folder: the class whose leaderboard is shown.
        token: what a visitor must know; None where only this machine is served.
        hosts: names that a request may call this server, lower case, without a port.
        patience: seconds until a job that nobody looks at is cancelled.
        queue: most jobs that wait in a lane.
        each: most jobs that wait for one visitor.
        upload: most bytes of a request.
        short, long: most seconds of a job: that a page waits for, and a run or a grade.
        turn: seconds after which a run makes way for others that wait, and goes on after them.
        posts: most requests a minute that change something, from one visitor.
        body: seconds that a request's body may take, beside those of its size.
    """

    state: Path
    models: tuple[str, ...] = ("mini",)
    class_folder: Path | None = None
    token: str | None = None
    hosts: frozenset[str] = field(default=LOOPBACK)
    patience: float = 10.0
    queue: int = 200
    each: int = 4
    upload: int = 4_000_000
    short: float = 60.0
    long: float = 1_800.0
    turn: float = 60.0
    posts: int = 300
    body: float = 10.0

    @property
    def local(self) -> bool:
        """Whether only this machine is served."""
        return self.token is None
