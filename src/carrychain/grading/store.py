"""Grades kept as they finish, with their evidence, every attempt, and the leaderboard over them.

A grade stands under a key of everything that decides it, so a run that was killed goes on where it
was, and a file that was changed is graded again. Two who hand in the same have one grade. Several
processes may write at once: a transaction holds what it needs, and a student's row is locked while
the student's standing is worked out.

>>> with Store("grades.sqlite") as store:  # doctest: +SKIP
...     store.add(key, grade)
...     store.belongs(hand_in, key, ["ab1234"])
...     print(store.leaderboard(limit=10))
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from carrychain.errors import CarrychainError, InvalidInput, nearest
from carrychain.grading import schema
from carrychain.grading.aliases import aliases
from carrychain.grading.deadlines import Attempt, Policy, Standing, judge
from carrychain.grading.grader import Grade
from carrychain.grading.inbox import HandIn
from carrychain.grading.integrity.verdict import Verdict
from carrychain.grading.merit import coarse
from carrychain.grading.redaction import redact
from carrychain.grading.rulings import Ruling, ruled
from carrychain.grading.schema import about, decision, reason, student, submission
from carrychain.grading.schema import grade as grades
from carrychain.io import Json, StrPath, jsonable

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the leaderboard; those who do equally well share a rank.

    Args:
        rank: from 1.
        alias: the student's public name.
        net_id: the student.
        name: the submission that stands here.
        score: its points, less what lateness takes.
        acc, mae, res: how it does.
        prompt_length: characters of prefix and suffix.
        rendered_length: characters as the model saw them; the shorter of equals comes first.
        verdict: clean or review.
        handed_in: when, in UTC.
        late: by how much.
        attempts: how many the student made.
    """

    rank: int
    alias: str
    net_id: str
    name: str
    score: float
    acc: float | None
    mae: float | None
    res: float | None
    prompt_length: int | None
    rendered_length: float | None
    verdict: Verdict
    handed_in: datetime
    late: timedelta
    attempts: int

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {
            "rank": self.rank,
            "alias": self.alias,
            "net_id": self.net_id,
            "submission": self.name,
            "score": self.score,
            "acc": self.acc,
            "mae": self.mae,
            "res": self.res,
            "prompt_length": self.prompt_length,
            "rendered_length": self.rendered_length,
            "verdict": self.verdict,
            "handed_in": self.handed_in.isoformat(timespec="seconds"),
            "late_seconds": self.late.total_seconds(),
            "attempts": self.attempts,
        }

    def public(self, review: bool) -> dict[str, Json]:
        """Return what everyone may see: Gradescope's three figures, as coarse as there.

        Args:
            review: whether it may be told that a person will look at the submission.
        """
        return {
            "rank": self.rank,
            "alias": self.alias,
            "score": self.score,
            "accuracy": None if self.acc is None else round(self.acc, 3),
            "mean absolute error": None if self.mae is None else coarse(self.mae),
            "prompt length": None if self.rendered_length is None else coarse(self.rendered_length),
            **({"review": self.verdict == "review"} if review else {}),
        }


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines of the leaderboard.

    Args:
        places: in order.
        after: what to go on after, `place.rank.alias`; None where this is the end.
    """

    places: tuple[Place, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt of a student, with what was measured, what holds, and why.

    Args:
        id: its number in the database.
        net_id: whose.
        name: the submission's.
        key: of its grade.
        handed_in, time_from: when, in UTC, and who says so: export, file or now.
        late: by how much.
        graded_verdict, graded_score, max_score: as the grader saw it.
        verdict, score: what holds after an instructor's word.
        points: score less what lateness takes.
        standing: whether it is ranked, or why not.
        acc, mae, res, prompt_length, rendered_length: how it does.
        says_net_id: the net id in the file.
        counts, ranked: whether it gives the student's grade, and the student's place.
        rulings: an instructor's words, in the order of deciding.
    """

    id: int
    net_id: str
    name: str
    key: str
    handed_in: datetime
    time_from: str
    late: timedelta
    graded_verdict: Verdict
    graded_score: float
    max_score: float
    verdict: Verdict
    score: float
    points: float
    standing: Standing
    acc: float
    mae: float | None
    res: float | None
    prompt_length: int
    rendered_length: float | None
    says_net_id: str
    counts: bool
    ranked: bool
    rulings: tuple[Ruling, ...]

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {
            "net_id": self.net_id,
            "submission": self.name,
            "handed_in": self.handed_in.isoformat(timespec="seconds"),
            "time_from": self.time_from,
            "late_seconds": self.late.total_seconds(),
            "graded": {"verdict": self.graded_verdict, "score": self.graded_score},
            "verdict": self.verdict,
            "score": self.score,
            "max_score": self.max_score,
            "points": self.points,
            "standing": self.standing,
            "acc": self.acc,
            "mae": self.mae,
            "res": self.res,
            "prompt_length": self.prompt_length,
            "rendered_length": self.rendered_length,
            "says_net_id": self.says_net_id,
            "counts": self.counts,
            "ranked": self.ranked,
            "decisions": [ruling.as_dict() for ruling in self.rulings],
        }


class Store:
    """Grades in a database; several processes may write at once.

    Args:
        where: a file of SQLite, or a URL of SQLAlchemy, such as postgresql://user@host/class; the
            tables are made if they are not there, and those of version 1 are moved over.
        secret: of the class, from which the public names are made; a database that was made with
            another is refused. None takes what is there, or a fresh one.

    Raises:
        InvalidInput: it can't be opened, is no database of grades of this version, or is another
            class's.
    """

    def __init__(self, where: StrPath, secret: str | None = None) -> None:
        self._engine, self.name = schema.open_engine(where)
        try:
            if schema.prepare(self._engine, self.name, secret):
                self._move_version_1()
            with self._engine.connect() as reading:
                kept = self._about(reading, "secret", locked=False)
            if secret is not None and secret != kept:
                raise InvalidInput(f"{self.name} holds the grades of another class; name another")
        except BaseException as error:  # Ctrl-C too: nobody else could let go of the database
            self._engine.dispose()
            if isinstance(error, SQLAlchemyError):
                said = schema.why(error, self._engine.url)
                raise InvalidInput(f"{self.name} can't keep grades: {said}") from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # --- grades -----------------------------------------------------------------------------------

    def find(self, key: str) -> Grade | None:
        """Return the grade under a key, None if there is none.

        Raises:
            InvalidInput: what stands there is no grade of this version.
        """
        with self._reading() as reading:
            record = reading.execute(
                sa.select(grades.c.record).where(grades.c.key == key)
            ).scalar_one_or_none()
        return None if record is None else self._grade(record)

    def _grade(self, record: str) -> Grade:
        try:
            return TypeAdapter(Grade).validate_json(record)
        except ValidationError as error:
            raise InvalidInput(f"{self.name} holds a grade that can't be read") from error

    def add(self, key: str, grade: Grade) -> None:
        """Keep a grade under its key, whole or not at all; tokens are hidden.

        Raises:
            CarrychainError: it can't be written.
        """
        values = {
            "key": key,
            "net_id": _stored(grade.net_id),
            "acc": grade.acc,
            "mae": grade.mae,
            "res": grade.res,
            "prompt_length": grade.prompt_length,
            "rendered_length": grade.rendered_length,
            "score": grade.score,
            "max_score": grade.max_score,
            "verdict": grade.integrity.verdict,
            "tier": grade.sandbox.tier,
            "model": grade.model,
            "seconds": grade.seconds,
            "graded_at": _moment(datetime.now(UTC)),
            "record": _stored(json.dumps(jsonable(grade.as_dict()), ensure_ascii=False)),
        }
        names = ("key", *(column.name for column in reason.columns if column.name != "key"))
        reasons = [
            dict(zip(names, (key, *map(_stored, astuple(each))), strict=True))
            for each in grade.integrity.reasons
        ]
        with self._writing() as writing:
            if _is_new(writing, grades.insert().values(values)) and reasons:
                writing.execute(reason.insert(), reasons)

    # --- attempts ---------------------------------------------------------------------------------

    def belongs(self, hand_in: HandIn, key: str, net_ids: Sequence[str]) -> None:
        """Say whose the grade under a key is. Said again of the same files, it is no new attempt.

        Args:
            hand_in: what was handed in, and when.
            key: of its grade, which is kept already.
            net_ids: of the students who handed it in.

        Raises:
            CarrychainError: it can't be written.
        """
        at = _moment(hand_in.handed_in or datetime.now(UTC))
        name = _stored(hand_in.name)
        for net_id in dict.fromkeys(map(as_net_id, net_ids)):
            with self._writing() as writing:
                self._lock(writing, net_id)
                self._attempt(writing, net_id, name, hand_in.digest, key, at, hand_in.time_from)
                self._judge(writing, net_id)

    def _attempt(
        self,
        writing: sa.Connection,
        net_id: str,
        name: str,
        digest: str,
        key: str,
        at: str,
        time_from: str,
    ) -> None:
        columns = submission.c
        latest = writing.execute(
            sa.select(columns.id, columns.digest, columns.key)
            .where(columns.net_id == net_id, columns.name == name)
            .order_by(columns.id.desc())
            .limit(1)
        ).one_or_none()
        if latest is not None and (latest.digest == digest or latest.key == key):
            same = submission.update().where(columns.id == latest.id)
            writing.execute(same.values(key=key, digest=digest))
        else:
            values = {"net_id": net_id, "name": name, "digest": digest, "key": key}
            values |= {"handed_in": at, "time_from": time_from}
            writing.execute(submission.insert().values(values))

    def _lock(self, writing: sa.Connection, net_id: str) -> None:
        """Have the student's row, made if it is not there, to ourselves till the transaction ends.

        The rules are kept from changing until then, too.
        """
        mine = sa.select(student.c.net_id).where(student.c.net_id == net_id).with_for_update()
        if writing.execute(mine).one_or_none() is None:
            for alias in aliases(self._about(writing, "secret"), net_id):
                values = {"net_id": net_id, "alias": alias, "attempts": 0}
                if _is_new(writing, student.insert().values(values)):
                    break
                if writing.execute(mine).one_or_none() is not None:
                    break
        self._about(writing, "policy")

    def _about(self, connection: sa.Connection, name: str, *, locked: bool = True) -> str:
        ask = sa.select(about.c.value).where(about.c.name == name)
        value = connection.execute(ask.with_for_update(read=True) if locked else ask).scalar_one()
        assert isinstance(value, str)
        return value

    def _judge(self, writing: sa.Connection, net_id: str) -> None:
        """Work out a student's standing anew; the student's row must be locked."""
        text = self._about(writing, "policy")
        policy = Policy.model_validate_json(text) if text else Policy()
        rows = writing.execute(
            sa.select(submission, grades.c.acc, grades.c.mae, grades.c.rendered_length)
            .add_columns(grades.c.verdict.label("graded_verdict"), grades.c.score.label("graded"))
            .join(grades, grades.c.key == submission.c.key)
            .where(submission.c.net_id == net_id)
        ).all()
        words = _rulings(writing, submission.c.net_id == net_id)
        attempts: list[Attempt] = []
        for row in rows:
            verdict, score = row.graded_verdict, row.graded
            if row.id in words:
                record = sa.select(grades.c.record).where(grades.c.key == row.key)
                tests = self._grade(writing.execute(record).scalar_one()).tests
                verdict, score = ruled(verdict, score, tests, words[row.id], policy.integrity)
            at = datetime.fromisoformat(row.handed_in)
            attempts.append(
                Attempt(row.id, at, verdict, score, row.acc, row.mae, row.rendered_length)
            )
        if not attempts:
            return
        outcome = judge(net_id, attempts, policy)
        for each in outcome.judged:
            values = {
                "verdict": each.attempt.verdict,
                "score": each.attempt.score,
                "late": each.late.total_seconds(),
                "points": each.points,
                "standing": each.standing,
            }
            its = submission.update().where(submission.c.id == each.attempt.id)
            writing.execute(its.values(values))
        ranked = outcome.ranked
        values = {
            "attempts": len(attempts),
            "merit": ranked and ranked.merit,
            "ranked": ranked and ranked.attempt.id,
            "counts": outcome.counts.attempt.id,
            "latest": outcome.latest.attempt.id,
        }
        writing.execute(student.update().where(student.c.net_id == net_id).values(values))

    # --- rules and rulings ------------------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        """The rules for attempts; those of no class where none were set."""
        with self._reading() as reading:
            text = self._about(reading, "policy", locked=False)
        return Policy.model_validate_json(text) if text else Policy()

    def set_policy(self, policy: Policy) -> None:
        """Have these rules for attempts from now on, and judge every student by them.

        Raises:
            CarrychainError: it can't be written.
        """
        text = policy.model_dump_json()
        with self._writing() as writing:
            ours = about.update().where(about.c.name == "policy", about.c.value != text)
            if not writing.execute(ours.values(value=text)).rowcount:
                return
        # Who was judged by the old rules is in the database by now, for they were locked.
        for net_id in self._net_ids():
            with self._writing() as writing:
                self._lock(writing, net_id)
                self._judge(writing, net_id)

    def _net_ids(self) -> list[str]:
        with self._reading() as reading:
            return list(
                reading.execute(sa.select(student.c.net_id).order_by(student.c.net_id)).scalars()
            )

    def decide(self, net_id: str, ruling: Ruling, name: str | None = None) -> Attempted:
        """Keep an instructor's word on an attempt, beside the grade, which stays as it was.

        Args:
            net_id: the student's.
            ruling: what is decided.
            name: the submission's; it may be left out where the student made one attempt.

        Returns:
            The attempt as it stands now.

        Raises:
            InvalidInput: there is no such student or submission, the score is beyond the grade's
                points, or the ruling has no reason or decides nothing.
        """
        attempts = self.history(net_id)
        named = [each for each in attempts if name is None or each.name == name]
        if not named:
            names = [each.name for each in attempts]
            raise InvalidInput(f"{net_id} has no submission {name!r}{nearest(name or '', names)}")
        if name is None and len(named) > 1:
            made = ", ".join(f"{each.name} ({each.verdict})" for each in named)
            raise InvalidInput(f"{net_id} made {len(named)} attempts; say which: {made}")
        chosen = named[-1]
        score = ruling.score
        if score is not None and not 0 <= score <= chosen.max_score:
            raise InvalidInput(f"the score is {score:g}; it must be 0 to {chosen.max_score:g}")
        if ruling.verdict is None and score is None:
            raise InvalidInput("nothing is decided: give a verdict, a score or both")
        if not ruling.reason.strip():
            raise InvalidInput("a decision needs a reason")
        values = {
            "submission": chosen.id,
            "verdict": ruling.verdict,
            "score": score,
            "reason": _stored(ruling.reason),
            "by": _stored(ruling.by),
            "at": _moment(ruling.at),
        }
        with self._writing() as writing:
            self._lock(writing, chosen.net_id)
            writing.execute(decision.insert().values(values))
            self._judge(writing, chosen.net_id)
        return next(each for each in self.history(net_id) if each.id == chosen.id)

    # --- what stands there ------------------------------------------------------------------------

    def leaderboard(self, limit: int = 50, after: str | None = None) -> Page:
        """Return who did best, by points, accuracy, error and length; nobody who is flagged.

        Args:
            limit: how many lines, at least 1.
            after: the `after` of the page before; None for the first page.

        Raises:
            InvalidInput: `limit` is below 1, or `after` is of no page.
        """
        if limit < 1:
            raise InvalidInput(f"limit is {limit}; it must be at least 1")
        columns = student.c
        some = sa.select(student).where(columns.merit.is_not(None))
        place, rank, merit = 0, 0, ""
        with self._reading() as reading:
            if after is not None:
                place, rank, alias = _read_cursor(after)
                merit = self._merit(reading, alias)
                here = sa.tuple_(columns.merit, columns.alias)
                some = some.where(here > sa.tuple_(sa.literal(merit), sa.literal(alias)))
            page = some.order_by(columns.merit, columns.alias).limit(limit + 1).subquery()
            rows = reading.execute(
                sa.select(
                    page.c.merit,
                    page.c.alias,
                    page.c.net_id,
                    page.c.attempts,
                    submission.c.name,
                    submission.c.points,
                    submission.c.verdict,
                    submission.c.handed_in,
                    submission.c.late,
                    *(grades.c[name] for name in ("acc", "mae", "res", "prompt_length")),
                    grades.c.rendered_length,
                )
                .select_from(page)
                .join(submission, submission.c.id == page.c.ranked)
                .join(grades, grades.c.key == submission.c.key)
                .order_by(page.c.merit, page.c.alias)
            ).all()
        places: list[Place] = []
        for row in rows[:limit]:
            place += 1
            rank = rank if row.merit == merit else place
            merit = row.merit
            places.append(
                Place(
                    rank=rank,
                    alias=row.alias,
                    net_id=row.net_id,
                    name=row.name,
                    score=row.points,
                    acc=row.acc,
                    mae=row.mae,
                    res=row.res,
                    prompt_length=row.prompt_length,
                    rendered_length=row.rendered_length,
                    verdict=row.verdict,
                    handed_in=datetime.fromisoformat(row.handed_in),
                    late=timedelta(seconds=row.late),
                    attempts=row.attempts,
                )
            )
        more = f"{place}.{rank}.{places[-1].alias}" if len(rows) > limit else None
        return Page(tuple(places), more)

    def _merit(self, reading: sa.Connection, alias: str) -> str:
        ask = sa.select(student.c.merit).where(student.c.alias == alias)
        merit = reading.execute(ask).scalar_one_or_none()
        if merit is None:
            raise InvalidInput(f"{alias} is not ranked any more: begin with the first page again")
        assert isinstance(merit, str)
        return merit

    def rank(self, net_id: str) -> int | None:
        """Return a student's place, None where there is none; it counts all who did better."""
        own = sa.select(student.c.merit).where(student.c.net_id == as_net_id(net_id))
        with self._reading() as reading:
            merit = reading.execute(own).scalar_one_or_none()
            if merit is None:
                return None
            better = sa.select(sa.func.count()).where(student.c.merit < merit)
            return 1 + reading.execute(better).scalar_one()

    def everyone_ranked(self) -> Iterator[Place]:
        """Yield the whole leaderboard, a page in memory at a time."""
        after = None
        while True:
            page = self.leaderboard(_PAGE, after)
            yield from page.places
            after = page.after
            if after is None:
                return

    def students(self) -> dict[str, str]:
        """Return each student's alias, by net id."""
        ask = sa.select(student.c.net_id, student.c.alias).order_by(student.c.net_id)
        with self._reading() as reading:
            return {row.net_id: row.alias for row in reading.execute(ask)}

    def history(self, net_id: str) -> list[Attempted]:
        """Return all attempts of a student, in the order of handing in.

        Raises:
            InvalidInput: there is no such student.
        """
        found = self.attempts(as_net_id(net_id))
        if not found:
            raise InvalidInput(
                f"no student here is called {net_id!r}{_like(net_id, self._net_ids())}"
            )
        return found

    def attempts(self, net_id: str | None = None) -> list[Attempted]:
        """Return all attempts, of one student or of all, by student and then as handed in."""
        columns = [grades.c[name] for name in ("acc", "mae", "res", "prompt_length")]
        ask = (
            sa.select(submission, *columns, grades.c.rendered_length, grades.c.max_score)
            .add_columns(grades.c.verdict.label("graded_verdict"), grades.c.score.label("graded"))
            .add_columns(grades.c.net_id.label("says"), student.c.counts, student.c.ranked)
            .join(grades, grades.c.key == submission.c.key)
            .join(student, student.c.net_id == submission.c.net_id)
            .order_by(submission.c.net_id, submission.c.handed_in, submission.c.id)
        )
        whose = sa.true() if net_id is None else submission.c.net_id == net_id
        with self._reading() as reading:
            rows = reading.execute(ask.where(whose)).all()
            words = _rulings(reading, whose)
        return [
            Attempted(
                id=row.id,
                net_id=row.net_id,
                name=row.name,
                key=row.key,
                handed_in=datetime.fromisoformat(row.handed_in),
                time_from=row.time_from,
                late=timedelta(seconds=row.late),
                graded_verdict=row.graded_verdict,
                graded_score=row.graded,
                max_score=row.max_score,
                verdict=row.verdict,
                score=row.score,
                points=row.points,
                standing=row.standing,
                acc=row.acc,
                mae=row.mae,
                res=row.res,
                prompt_length=row.prompt_length,
                rendered_length=row.rendered_length,
                says_net_id=row.says,
                counts=row.counts == row.id,
                ranked=row.ranked == row.id,
                rulings=words.get(row.id, ()),
            )
            for row in rows
        ]

    # --- the database -----------------------------------------------------------------------------

    def _move_version_1(self) -> None:
        """Make an attempt of each submission that version 1 kept, handed in when it was graded."""
        with self._writing() as writing:
            if not sa.inspect(writing).has_table(schema.OLD_SUBMISSION):  # another was faster
                return
            rows = writing.exec_driver_sql(
                f"SELECT old.name, key, net_id, graded_at FROM {schema.OLD_SUBMISSION} AS old "
                "JOIN grade USING (key) ORDER BY graded_at, old.name"
            ).all()
            for row in rows:
                net_id = as_net_id(row.net_id or row.name)
                at = _moment(datetime.fromisoformat(row.graded_at))
                self._lock(writing, net_id)
                self._attempt(writing, net_id, row.name, "", row.key, at, "now")
                self._judge(writing, net_id)
            writing.exec_driver_sql(f"DROP TABLE {schema.OLD_SUBMISSION}")

    @contextmanager
    def _reading(self) -> Generator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            said = schema.why(error, self._engine.url)
            raise CarrychainError(f"{self.name} can't be read: {said}") from error

    @contextmanager
    def _writing(self) -> Generator[sa.Connection]:
        """Give a transaction: all of it is kept, or nothing."""
        try:
            writer = self._engine.execution_options(**{schema.WRITES: True})
            with writer.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            said = schema.why(error, self._engine.url)
            raise CarrychainError(f"{self.name} can't keep a grade: {said}") from error


def _is_new(writing: sa.Connection, insert: sa.Insert) -> bool:
    """Insert a row unless its like is there; another may be inserting it at this moment."""
    try:
        with writing.begin_nested():
            writing.execute(insert)
    except IntegrityError:
        return False
    return True


def _rulings(
    connection: sa.Connection, whose: sa.ColumnElement[bool]
) -> dict[int, tuple[Ruling, ...]]:
    """Return the decisions on each submission that has any, in the order of deciding."""
    rows = connection.execute(
        sa.select(decision)
        .join(submission, submission.c.id == decision.c.submission)
        .where(whose)
        .order_by(decision.c.id)
    )
    found: defaultdict[int, list[Ruling]] = defaultdict(list)
    for row in rows:
        at = datetime.fromisoformat(row.at)
        found[row.submission].append(Ruling(row.verdict, row.score, row.reason, row.by, at))
    return {its_id: tuple(rulings) for its_id, rulings in found.items()}


def _read_cursor(after: str) -> tuple[int, int, str]:
    place, _, rest = after.partition(".")
    rank, _, alias = rest.partition(".")
    if not (place.isdecimal() and rank.isdecimal() and alias):
        raise InvalidInput(f"{after!r} is no place to go on after; give what the page before says")
    return int(place), int(rank), alias


def as_net_id(text: str) -> str:
    """Return a net id as it is kept: without spaces around it, in small letters, 120 at most."""
    stored = _stored(text).strip().lower()
    if len(stored) <= schema.NET_ID_LENGTH:
        return stored
    tail = hashlib.sha256(stored.encode()).hexdigest()[:16]
    return f"{stored[: schema.NET_ID_LENGTH - 17]}-{tail}"


def _like(name: str, names: Sequence[str]) -> str:
    if not names:
        return ": nothing was graded yet"
    return nearest(name, names) if len(names) <= 10 else ""


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _stored(text: str) -> str:
    """Return text without tokens, and without what no database holds: NUL, half a surrogate."""
    plain = redact(text).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return plain.encode("utf-8", "replace").decode()
