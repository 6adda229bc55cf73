"""Grades in a real PostgreSQL, which the test starts itself: several graders, and one is killed."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carrychain.errors import InvalidInput
from carrychain.grading.deadlines import Policy
from carrychain.grading.grader import Grade, Sandboxed, Test
from carrychain.grading.inbox import HandIn
from carrychain.grading.integrity import Integrity, Reason
from carrychain.grading.rulings import Ruling
from carrychain.grading.store import Store

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.name == "nt", reason="it is started as on Debian"),
]
PASSWORD = "s3cret: /@?"
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
GRADE = Grade(
    submission="submission.py",
    net_id="ab1234",
    model="mini",
    runs=1,
    acc=0.5,
    acc_ci=(0.3, 0.7),
    mae=10.0,
    res=0.001,
    prompt_length=40,
    rendered_length=41.5,
    score=30.0,
    max_score=30.0,
    tests=(Test("test_config_size", True, 30, 30, "six keys"),),
    integrity=Integrity("review", (Reason("a", "b\0c", "d", "e", "f", "g"),), ()),
    sandbox=Sandboxed("limits"),
    findings=(),
    rows=(),
    seconds=1.5,
)


def binary(name: str) -> str:
    """Find a program of PostgreSQL, which Debian keeps aside from the path."""
    found = [*Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    path = shutil.which(name) or (str(max(found)) if found else None)
    assert path, "install PostgreSQL first: apt-get install postgresql"
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Start a server in a folder of its own, as an ordinary user, and give its URL."""
    import tempfile

    root = os.geteuid() == 0
    user = "nobody" if root else pwd.getpwuid(os.geteuid()).pw_name
    account = pwd.getpwnam(user)
    drop = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    drop = drop if root else []
    with tempfile.TemporaryDirectory(prefix="carrychain-pg-") as name:
        folder = Path(name)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if root:
            for path in (folder, secret):
                os.chown(path, account.pw_uid, account.pw_gid)
        data = str(folder / "data")
        made = [binary("initdb"), "-D", data, "-U", "grader", "-A", "scram-sha-256"]
        made += ["--pwfile", str(secret), "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        subprocess.run([*drop, *made], check=True, capture_output=True, cwd=folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = ["-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
        options += ["-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
        process = subprocess.Popen(
            [*drop, binary("postgres"), *options],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ready = [binary("pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
        deadline = time.monotonic() + 60
        while subprocess.run(ready, check=False).returncode and time.monotonic() < deadline:
            assert process.poll() is None, "PostgreSQL did not start"
            time.sleep(0.1)
        quoted = PASSWORD.replace("%", "%25")
        for character in ":/@? ":
            quoted = quoted.replace(character, f"%{ord(character):02X}")
        yield f"postgresql://grader:{quoted}@127.0.0.1:{port}/"
        process.send_signal(signal.SIGINT)
        process.wait(30)


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """Make an empty database for this test."""
    import sqlalchemy as sa

    name = f"class_{abs(hash(request.node.name)) % 10**8}"
    where = sa.make_url(server).set(drivername="postgresql+psycopg", database="postgres")
    engine = sa.create_engine(where, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    engine.dispose()
    return server + name


WRITER = """
import os, signal, sys
from dataclasses import replace
from pydantic import TypeAdapter
from carrychain.grading.inbox import HandIn
from carrychain.grading.store import Grade, Store
where, record, writer, count, dies = sys.argv[1:]
grade = TypeAdapter(Grade).validate_json(record)
with Store(where) as store:
    for number in range(int(count)):
        key = f"{writer}-{number}"
        store.add("shared", grade)
        if dies and number == int(count) // 2:
            store._judge = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
        store.add(key, replace(grade, score=float(number)))
        store.belongs(HandIn(key, key.encode()), key, ["everyone", f"own{writer}"])
"""


def write(url: str, writer: int, count: int, dies: bool = False) -> subprocess.Popen[bytes]:
    record = json.dumps(GRADE.as_dict())
    arguments = [url, record, str(writer), str(count), "dies" if dies else ""]
    return subprocess.Popen([sys.executable, "-c", WRITER, *arguments])


def test_eight_graders_write_at_once_one_is_killed_and_nothing_is_lost_or_half_there(url: str):
    processes = [write(url, writer, 12, dies=writer == 3) for writer in range(8)]
    statuses = [process.wait(240) for process in processes]
    assert statuses == [0, 0, 0, -signal.SIGKILL, 0, 0, 0, 0]
    with Store(url) as store:
        everyone = store.history("everyone")
        wanted = {(w, n) for w in range(8) for n in range(6 if w == 3 else 12)}
        assert {tuple(map(int, a.name.split("-"))) for a in everyone} == wanted
        assert len(everyone) == len(wanted)
        assert store.students().keys() == {"everyone", *(f"own{writer}" for writer in range(8))}
        assert store.find("3-6") is not None  # its grade was kept before, and waits for its run
        places = {
            place.net_id: (place.attempts, place.score) for place in store.leaderboard().places
        }
        assert places["everyone"] == (90, 11.0)
        assert places["own3"] == (6, 5.0)
    assert write(url, 3, 12).wait(120) == 0  # and goes on where it was
    with Store(url) as store:
        assert len(store.history("everyone")) == 96
        assert len(store.history("own3")) == 12


def test_a_student_whom_a_killed_grader_was_writing_is_free_again(url: str):
    with Store(url) as store:
        store.add("k", GRADE)
        assert write(url, 9, 1, dies=True).wait(60) == -signal.SIGKILL
        store.belongs(HandIn("mine"), "k", ["everyone"])
        assert [a.name for a in store.history("everyone")] == ["mine"]


def test_all_that_the_store_does_it_does_there_too(url: str):
    with Store(url, secret="of the class") as store:
        store.add("k", GRADE)
        assert store.find("k").integrity.reasons[0].sentence.startswith("b")
        for number, name in enumerate(("b", "a", "B-2", "é")):
            store.belongs(HandIn(name, handed_in=NOON + timedelta(hours=number)), "k", [name])
        board = store.leaderboard(2)
        rest = store.leaderboard(2, board.after)
        assert [p.rank for p in (*board.places, *rest.places)] == [1, 1, 1, 1]
        aliases = [p.alias for p in (*board.places, *rest.places)]
        assert aliases == sorted(aliases)
        store.set_policy(Policy(deadline=NOON, attempts_a_day=1))
        assert store.history("a")[0].late == timedelta(hours=1)
        now = store.decide("a", Ruling("flagged", None, "I looked", "me", NOON))
        assert (now.verdict, now.score, now.graded_score) == ("flagged", 0.0, 30.0)
        assert store.rank("a") is None
    with Store(url, secret="of the class") as store:
        assert len(store.students()) == 4
    with pytest.raises(InvalidInput, match="another class"):
        Store(url, secret="of another")


def test_no_error_tells_the_password(url: str, server: str):
    import sqlalchemy as sa

    def said(where: str) -> str:
        with pytest.raises(InvalidInput) as error:
            Store(where)
        message = str(error.value)
        assert PASSWORD not in message
        assert "s3cret" not in message
        assert "\n" not in message
        return message

    assert "does not exist" in said(server + "none")
    assert "password authentication failed" in said(url.replace("s3cret", "s3crets"))
    where = sa.make_url(url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(where)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE mine (x int)")
    assert "holds other tables" in said(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE mine")
    Store(url).close()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE about SET value = '9' WHERE name = 'version'")
    assert "version 9" in said(url)
    engine.dispose()


def test_the_record_is_the_one_that_sqlite_keeps(url: str, tmp_path: Path):
    for where in (url, tmp_path / "grades.sqlite"):
        with Store(where) as store:
            store.add("k", GRADE)
            found = store.find("k")
            assert found is not None
            assert asdict(found) | {"integrity": None} == asdict(GRADE) | {"integrity": None}
