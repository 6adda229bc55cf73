"""A leaderboard of a million: how long a page takes, and how much memory.

A million students hand in once each, the hardest case for a leaderboard; their grades are written
straight into the tables, as `Store` would leave them. Then pages of 50 are asked for as a server
would: the first, those after it, and those deep down; and a student is added in between. The same
first page is asked of the ranking that SQL alone would compute, `rank() OVER` all students.

Run it with the Python that carrychain is installed in: python benchmarks/leaderboard.py
Another database: python benchmarks/leaderboard.py --store postgresql://user@host/empty
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from carrychain.grading import schema
from carrychain.grading.aliases import aliases
from carrychain.grading.inbox import HandIn
from carrychain.grading.merit import merit
from carrychain.grading.store import Store
from machine import machine

MOMENT = "2026-04-01T12:00:00.000000+00:00"
RECORD = json.dumps({"tests": ["a" * 500]})
BATCH = 20_000
PAGE = 50


def rows(count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Yield a grade, a student and a submission for each of so many students."""
    rng = random.Random(0)
    taken: set[str] = set()
    for number in range(count):
        key, net_id = f"{number:064x}", f"s{number:07}"
        acc = rng.randrange(31) / 30
        mae, length = rng.lognormvariate(12, 3), float(rng.randrange(20, 900))
        score = 30.0 if acc > 0.2 else 5.0 * rng.randrange(4)
        alias = next(name for name in aliases("secret", net_id) if name not in taken)
        taken.add(alias)
        flagged = rng.random() < 0.05
        verdict = "flagged" if flagged else "clean"
        shared = {"acc": acc, "mae": mae, "res": 0.001, "prompt_length": int(length)}
        yield (
            {
                **{"key": key, "net_id": net_id, **shared, "rendered_length": length},
                **{"score": score, "max_score": 30.0, "verdict": verdict, "tier": "isolated"},
                **{"model": "mini", "seconds": 1.0, "graded_at": MOMENT, "record": RECORD},
            },
            {
                **{"net_id": net_id, "alias": alias, "attempts": 1},
                "merit": None if flagged else merit(score, acc, mae, length),
                **{"ranked": None if flagged else number + 1, "counts": number + 1},
                "latest": number + 1,
            },
            {
                **{"id": number + 1, "net_id": net_id, "name": f"{net_id}.py", "digest": key},
                **{"key": key, "handed_in": MOMENT, "time_from": "file", "verdict": verdict},
                **{"score": score, "late": 0.0, "points": score},
                "standing": "flagged" if flagged else "ranked",
            },
        )


def fill(where: str, count: int) -> None:
    Store(where).close()
    engine, _ = schema.open_engine(where)
    tables = (schema.grade, schema.student, schema.submission)
    with engine.execution_options(**{schema.WRITES: True}).begin() as writing:
        chunk: list[tuple[dict[str, Any], ...]] = []
        for row in rows(count):
            chunk.append(row)
            if len(chunk) == BATCH:
                insert(writing, tables, chunk)
        if chunk:
            insert(writing, tables, chunk)
        if engine.dialect.name == "postgresql":  # the numbers above were given, not drawn
            writing.exec_driver_sql(
                "SELECT setval(pg_get_serial_sequence('submission', 'id'), max(id)) FROM submission"
            )
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def insert(writing: sa.Connection, tables: tuple[sa.Table, ...], chunk: list[Any]) -> None:
    for table, its in zip(tables, zip(*chunk, strict=True), strict=True):
        writing.execute(table.insert(), list(its))
    chunk.clear()


def timed(ask: Callable[[], object], times: int = 100) -> list[float]:
    """Return how long each of so many calls took, in milliseconds."""
    took: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - started))
    return took


def memory() -> float:
    return psutil.Process().memory_info().rss / 2**20


def by_sql_alone(store: Store) -> None:
    with store._engine.connect() as connection:
        connection.exec_driver_sql(
            f"SELECT * FROM leaderboard ORDER BY rank LIMIT {PAGE}"
        ).fetchall()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("-n", type=int, default=1_000_000, help="students")
    options.add_argument("--store", help="an empty database; a temporary SQLite file if left out")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = given.store or str(Path(folder) / "grades.sqlite")
        started = time.perf_counter()
        fill(where, given.n)
        print(f"{given.n:,} grades written in {time.perf_counter() - started:.0f} s; {machine()}")
        with Store(where) as store:
            store.leaderboard(PAGE)
            before = memory()
            said("first page of 50", timed(lambda: store.leaderboard(PAGE)))
            after: list[str | None] = [None]

            def next_page() -> None:
                after.append(store.leaderboard(PAGE, after[-1]).after)

            said("each of the 1,000 pages from there", timed(next_page, 1000))
            deep = deep_place(store, given.n * 9 // 10)
            said(
                f"the page after place {deep.split('.')[0]}",
                timed(lambda: store.leaderboard(PAGE, deep)),
            )
            print(f"memory: {memory() - before:+.1f} MiB after 1,200 pages, of {before:.0f}")
            last = f"s{given.n - 1:07}"
            said("a student's place, counted", timed(lambda: store.rank(last)))
            said("a student's history", timed(lambda: store.history(last)))
            key = f"{0:064x}"
            numbers = iter(range(10**9))
            said(
                "an attempt added",
                timed(lambda: store.belongs(HandIn(f"new{next(numbers)}"), key, ["new"])),
            )
            slow = timed(lambda: by_sql_alone(store), 3)
            said("the first page, ranked by SQL alone", slow)
            page = timed(lambda: store.leaderboard(PAGE))
            print(f"ratio: {statistics.median(slow) / statistics.median(page):,.0f}")


def deep_place(store: Store, place: int) -> str:
    """Return what to go on after at a place deep down, as the page before would say it."""
    ask = (
        sa.select(schema.student.c.alias)
        .where(schema.student.c.merit.is_not(None))
        .order_by(schema.student.c.merit, schema.student.c.alias)
        .offset(place - 1)
        .limit(1)
    )
    with store._engine.connect() as connection:
        return f"{place}.{place}.{connection.execute(ask).scalar_one()}"


def said(what: str, took: list[float]) -> None:
    """Print the median, and below what 99 of 100 lie."""
    most = sorted(took)[math.ceil(0.99 * len(took)) - 1]
    print(f"{what:<36} {statistics.median(took):8.2f} ms; 99 of 100 below {most:.2f}", flush=True)


if __name__ == "__main__":
    main()
