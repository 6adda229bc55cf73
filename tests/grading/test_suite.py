"""Honest submissions and dishonest ones are graded; few knew how they would be judged.

Each file of `suite/` is a submission, its folder says what must come of it (`EXPECTED`), and its
first lines say what it does. None is imported here: they are copied, and graded as any other.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import py_compile
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from carrychain import engines
from carrychain.engines.base import Completion, FinishReason
from carrychain.errors import InvalidInput
from carrychain.grading.grader import Grade, Grader
from carrychain.sandbox import Limits, Tier, Workshop

SUITE = Path(__file__).parent / "suite"
SEED = 42
"""Small, as seeds tend to be: `cheats/lookup/drawn_again` tries the first hundred."""
HONEST_VERDICTS, SUSPECT, ANY = {"clean", "review"}, {"review", "flagged"}, None


@dataclass(frozen=True)
class Expected:
    """What must come of a submission.

    Args:
        verdicts: one of these; None: any.
        may_gain: whether it may score more than its honest twin.
    """

    verdicts: set[str] | None
    may_gain: bool


EXPECTED = {
    "honest": Expected(HONEST_VERDICTS, may_gain=True),
    "cheats/pre": Expected({"flagged"}, may_gain=True),
    "cheats/post": Expected({"flagged"}, may_gain=True),
    "cheats/lookup": Expected({"flagged"}, may_gain=True),
    "cheats/smuggle": Expected(SUSPECT, may_gain=False),
    "guesses": Expected(SUSPECT, may_gain=True),
    "attacks": Expected(ANY, may_gain=False),
}
MOST_HONEST_IN_REVIEW = 0.1
posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes and devices are POSIX's")
TWINS_POINTS = 5

LEAST = {"honest": 40, "cheats": 40, "attacks": 30}

TWIN = "honest/rough"
"""Smugglers and attacks are this submission, and more: what they win over it, they won by that."""

FAMILIES = {
    path.relative_to(SUITE).with_suffix("").as_posix(): family
    for family in EXPECTED
    for path in sorted((SUITE / family).glob("*.py"))
}


def of(*families: str) -> list[str]:
    return [name for name, family in FAMILIES.items() if family.startswith(families)]


# --- who is asked ---------------------------------------------------------------------------------


STYLES = {
    "Repeat the question before you answer.": "{a}+{b}={x}\n\nQuestion: What is 3+4?",
    "Answer in a sentence.": "The sum of {a} and {b} is {x}.\n\nQuestion: What is 3+4?",
    "Give two answers.": "{a}+{b}={x} or {y}\n\nQuestion: What is 3+4?",
    "Say it three times.": "{x}, {y}, {x}\nQuestion: What is 3+4?",
    "Spell every digit.": "{words}\nQuestion: What is three plus four?",
}
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Talkative:
    """Mini, and for prompts that ask for it, what larger models write: the operands once more.

    Mini never repeats a question, so that on its outputs alone nobody could add in
    post-processing. These answers are wrong as a model's are, in about half of the cases.
    """

    def __init__(self) -> None:
        self._mini = engines.load("mini")
        self._known: dict[tuple[object, ...], Completion] = {}
        self._lock = threading.Lock()
        self.info, self.context = self._mini.info, self._mini.context

    def count_tokens(self, text):
        with self._lock:
            return self._mini.count_tokens(text)

    def generate(self, prompts, params, seeds):
        yield from self.generate_sharing(prompts, params, seeds, prompts[:3])

    def generate_sharing(self, prompts, params, seeds, probes):
        pairs = zip(prompts, seeds, strict=True)
        keys = [(prompt, params, seed, *probes) for prompt, seed in pairs]
        with self._lock:
            new = [index for index, key in enumerate(keys) if key not in self._known]
            spoken = [index for index in new if not self._scripted(prompts[index])]
            asked = [prompts[i] for i in spoken], params, [seeds[i] for i in spoken], probes
            for done in self._mini.generate_sharing(*asked) if spoken else ():
                index = spoken[done.index]
                self._known[keys[index]] = replace(done, index=index)
            for index in set(new) - set(spoken):
                self._known[keys[index]] = self._say(index, prompts[index], params, seeds[index])
            return iter([replace(self._known[key], index=i) for i, key in enumerate(keys)])

    def _scripted(self, prompt):
        return next((text for asked, text in STYLES.items() if prompt.startswith(asked)), None)

    def _say(self, index, prompt, params, seed):
        a, b = map(int, re.findall(r"(\d+)\D*\+\D*(\d+)", prompt)[-1])
        rng = random.Random(seed)
        x, y = (self._slip(a + b, rng) for _ in range(2))
        words = " ".join(WORDS[int(digit)] for digit in str(x))
        text = self._scripted(prompt).format(a=a, b=b, x=x, y=y, words=words)
        ends = [text.find(stop) for stop in params.stop if stop in text]
        reason = FinishReason.STOP if ends else FinishReason.LENGTH
        return Completion(index, text[: min(ends, default=len(text))], 20, 20, reason)

    @staticmethod
    def _slip(total, rng):
        """Return the sum, or the sum with one digit wrong, a carry dropped, or two exchanged."""
        digits = list(str(total))
        place = rng.randrange(1, len(digits))
        match rng.randrange(6):
            case 0:
                digits[place] = rng.choice("0123456789")
            case 1:
                return total - 10 ** (len(digits) - place)
            case 2:
                digits[place - 1 : place + 1] = reversed(digits[place - 1 : place + 1])
            case _:
                pass
        return int("".join(digits))


# --- where they are graded ------------------------------------------------------------------------


class Hurried:
    """The workshop, for those who use up their time whatever it is."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self.tier = workshop.tier

    def run(self, path, calls, beside=("prompt.txt",), limits=None):
        limits = replace(limits or Limits(), seconds=1.0, cpu_seconds=2)
        return self._workshop.run(path, calls, beside, limits)


class World:
    """Everything around the submissions that must be the same afterwards as before."""

    PLACES = ("/tmp", "/var/tmp", "/dev/shm", tempfile.gettempdir(), ".", "~", sys.prefix)

    def __init__(self, root: Path) -> None:
        self.root = root
        self.secret = "canary-" + secrets.token_hex(8)
        for name in ("answers.json", "results/results.json", "submissions/other/prompt.txt"):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"seed": SEED, "secret": self.secret}))
        os.environ["CARRYCHAIN_TEST_SECRET"] = self.secret
        self._open_file = (root / "answers.json").open()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(self._listener.getsockname())
        for each in (self._listener, self._datagrams):
            each.setblocking(False)
        self._bystander = subprocess.Popen(
            [sys.executable, "-c", _BYSTANDER, self.secret], stdout=subprocess.PIPE
        )
        assert self._bystander.stdout is not None
        self._bystander.stdout.readline()
        self._before: dict[str, object] = {}

    def put(self, name: str) -> Path:
        """Copy a submission into a folder of its own."""
        folder = self.root / "submissions" / name
        folder.mkdir(parents=True)
        source = SUITE / f"{name}.py"
        shutil.copy(source, folder / "submission.py")
        if (prompt := source.with_suffix(".prompt.txt")).exists():
            shutil.copy(prompt, folder / "prompt.txt")
        return folder / "submission.py"

    def remember(self) -> None:
        self._before = self._state()

    def check(self) -> None:
        """Fail unless nothing has changed, nobody has called, and nobody was hurt."""
        now = self._state()
        assert {k: v for k, v in now.items() if self._before.get(k) != v} == {}
        assert now.keys() == self._before.keys()
        with pytest.raises(BlockingIOError):
            self._listener.accept()
        with pytest.raises(BlockingIOError):
            self._datagrams.recv(1)
        assert self._bystander.poll() is None

    def close(self) -> None:
        self._bystander.kill()
        self._bystander.communicate()
        for each in (self._open_file, self._listener, self._datagrams):
            each.close()
        del os.environ["CARRYCHAIN_TEST_SECRET"]

    def _state(self) -> dict[str, object]:
        files = {
            str(path): (
                (stat := path.lstat()).st_mode,
                stat.st_nlink,
                stat.st_mtime_ns,
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            )
            for path in [self.root, *self.root.rglob("*")]
        }
        left = [
            name
            for place in self.PLACES
            for hidden in ("", ".")
            for name in glob.glob(os.path.expanduser(f"{place}/{hidden}mischief*"))
        ]
        queues = [
            line
            for kind in ("msg", "shm", "sem")
            if (path := Path("/proc/sysvipc", kind)).exists()
            for line in path.read_text().splitlines()
            if line.split()[0] in {str(0x6D697363), str(0x6D697364)}
        ]
        return {
            **files,
            "left behind": left,
            "queues": queues,
            "environment": {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
            "folder": os.getcwd(),
            "signals": [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)],
            "modules": [n for n in ("submission", "mischief", "notes") if n in sys.modules],
        }


_BYSTANDER = """
import signal, sys, time
for name in ("SIGWINCH", "SIGTERM", "SIGUSR1"):
    signal.signal(getattr(signal, name), lambda *_: sys.exit(1))
print(flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.close()


@pytest.fixture(scope="module")
def workshop():
    with Workshop() as workshop:
        if workshop.tier < Tier.ISOLATED:
            pytest.skip(f"attacks are made where they are kept in; this sandbox is {workshop.tier}")
        yield workshop


@pytest.fixture(scope="module")
def engine():
    return Talkative()


@pytest.fixture(scope="module")
def grades(request, world, workshop, engine):
    """Grade what the chosen tests ask for, side by side, and return each as it is asked for."""
    here = [item for item in request.session.items if item.path == Path(__file__)]
    wanted = {TWIN} | {
        item.callspec.params.get("name") for item in here if hasattr(item, "callspec")
    }
    if any(item.name == "test_one_honest_submission_in_ten_is_reviewed_at_most" for item in here):
        wanted |= set(of("honest"))
    paths = {name: world.put(name) for name in FAMILIES if name in wanted}
    world.remember()
    patient = Grader(engine, workshop, seed=SEED)
    hasty = Grader(engine, Hurried(workshop), seed=SEED)  # type: ignore[arg-type]
    in_haste = ("attacks", "guesses/never")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures: dict[str, Future[Grade]] = {
            name: pool.submit((hasty if name.startswith(in_haste) else patient).grade, path)
            for name, path in paths.items()
        }
        yield lambda name: futures[name].result(timeout=300)
        for future in futures.values():
            future.cancel()


# --- what must come of it -------------------------------------------------------------------------


def told(grade: Grade) -> str:
    """Return what a failing test should show."""
    return json.dumps(
        [[reason.experiment, reason.sentence] for reason in grade.integrity.reasons]
        + [str(finding) for finding in grade.findings],
        indent=1,
    )


def test_the_suite_is_as_large_as_it_has_to_be():
    for family, least in LEAST.items():
        assert len(of(family)) >= least
    for name in FAMILIES:
        assert (SUITE / f"{name}.py").read_text("utf-8").startswith('"""')


@pytest.mark.parametrize("name", of("honest"))
def test_an_honest_submission_is_not_flagged(name, grades):
    grade = grades(name)
    assert grade.integrity.verdict in EXPECTED["honest"].verdicts, told(grade)
    assert grade.score > 0


def test_one_honest_submission_in_ten_is_reviewed_at_most(grades):
    review = [name for name in of("honest") if grades(name).integrity.verdict == "review"]
    assert len(review) <= MOST_HONEST_IN_REVIEW * len(of("honest")), review


@pytest.mark.parametrize("name", of("cheats", "guesses"))
def test_a_cheat_is_found(name, grades, world):
    grade = grades(name)
    expected = EXPECTED[FAMILIES[name]]
    assert grade.integrity.verdict in expected.verdicts, told(grade)
    assert grade.integrity.reasons
    if grade.integrity.verdict == "flagged":
        assert grade.score == 0
    if not expected.may_gain:
        assert grade.score <= grades(TWIN).score
    world.check()


@pytest.mark.parametrize("name", of("attacks"))
def test_an_attack_ends_in_a_grade_and_gains_nothing(name, grades, world):
    grade = grades(name)
    assert grade.score <= grades(TWIN).score, told(grade)
    said = json.dumps(grade.as_dict(), allow_nan=False)
    assert world.secret not in said
    assert "MischiefAbCdEf" not in said
    shown = [grade.net_id, *(test.output for test in grade.tests), *map(str, grade.findings)]
    assert all(text.isprintable() for text in shown), shown
    assert max(map(len, shown)) < 2000
    world.check()


# --- what is no submission at all -----------------------------------------------------------------

PASSWD = Path("/etc/passwd")
SOUND = (SUITE / f"{TWIN}.py").read_bytes()


def _fifo(folder):
    os.mkfifo(folder / "submission.py")


def _folder(folder):
    (folder / "submission.py").mkdir()


def _link(folder):
    (folder / "submission.py").symlink_to(PASSWD)


def _dangling_link(folder):
    (folder / "submission.py").symlink_to(folder / "nowhere")


def _device(folder):
    (folder / "submission.py").symlink_to("/dev/zero")


def _hundred_megabytes(folder):
    with (folder / "submission.py").open("wb") as file:
        file.write(SOUND)
        file.truncate(100 << 20)


def _latin_1(folder):
    (folder / "submission.py").write_bytes("# préfixe\n".encode("latin-1") + SOUND)


def _utf_16(folder):
    (folder / "submission.py").write_text(SOUND.decode(), "utf-16")


def _rot_13(folder):
    (folder / "submission.py").write_bytes(b"# coding: rot13\n" + SOUND)


def _unknown_encoding(folder):
    (folder / "submission.py").write_bytes(b"# coding: mischief\n" + SOUND)


def _nul(folder):
    (folder / "submission.py").write_bytes(SOUND + b"\0" * 1000)


def _empty(folder):
    (folder / "submission.py").touch()


def _deep_source(folder):
    (folder / "submission.py").write_bytes(SOUND + b"x = " + b"(" * 10**5 + b")" * 10**5)


def _long_sum(folder):
    (folder / "submission.py").write_bytes(SOUND + b"x = " + b"1+" * 10**5 + b"1")


def _long_integer(folder):
    (folder / "submission.py").write_bytes(SOUND + b"x = " + b"9" * 10**5)


def _notebook(folder):
    (folder / "submission.py").write_text(json.dumps({"cells": [], "nbformat": 4}))


def _byte_code(folder):
    source, target = folder / "source.py", folder / "submission.py"
    source.write_bytes(SOUND)
    py_compile.compile(str(source), str(target))
    source.unlink()


NO_SUBMISSIONS = (
    _fifo,
    _folder,
    _link,
    _dangling_link,
    _device,
    _hundred_megabytes,
    _latin_1,
    _utf_16,
    _rot_13,
    _unknown_encoding,
    _nul,
    _empty,
    _deep_source,
    _long_sum,
    _long_integer,
    _notebook,
    _byte_code,
)


def outcome(folder, engine, workshop) -> tuple[str, float]:
    """Return all that is said of a folder's submission, graded or refused, and its points."""
    grader = Grader(engine, Hurried(workshop), seed=SEED)  # type: ignore[arg-type]
    try:
        grade = grader.grade(folder / "submission.py")
    except InvalidInput as error:
        return str(error), 0
    return "; ".join(map(str, grade.findings)), grade.score


@posix
@pytest.mark.parametrize("make", NO_SUBMISSIONS, ids=lambda make: make.__name__)
def test_what_is_no_submission_is_refused_or_gains_nothing(make, tmp_path, engine, workshop):
    make(tmp_path)
    said, points = outcome(tmp_path, engine, workshop)
    assert said
    assert said.isprintable()
    assert "root:" not in said
    assert points <= TWINS_POINTS


def _prompt_link(folder):
    (folder / "prompt.txt").symlink_to(PASSWD)


def _prompt_fifo(folder):
    os.mkfifo(folder / "prompt.txt")


def _prompt_folder(folder):
    (folder / "prompt.txt").mkdir()


def _prompt_device(folder):
    (folder / "prompt.txt").symlink_to("/dev/zero")


def _prompt_of_a_gigabyte(folder):
    with (folder / "prompt.txt").open("wb") as file:
        file.truncate(1 << 30)


@posix
@pytest.mark.parametrize(
    "make",
    [_prompt_link, _prompt_fifo, _prompt_folder, _prompt_device, _prompt_of_a_gigabyte],
    ids=lambda make: make.__name__,
)
def test_a_prompt_file_that_is_none_is_told_and_not_read(make, tmp_path, engine, workshop):
    shutil.copy(SUITE / "honest/prompt_from_file.py", tmp_path / "submission.py")
    make(tmp_path)
    said, points = outcome(tmp_path, engine, workshop)
    assert said
    assert said.isprintable()
    assert "root:" not in said
    assert points <= TWINS_POINTS
