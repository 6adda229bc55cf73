"""A file that nobody trusts is run, limited and ended, and what goes wrong is told by line."""

import os
import sys
import time
from textwrap import dedent

import numpy as np
import pytest

from carrychain.errors import InvalidInput
from carrychain.sandbox.child import Answer, Failure, Limits, Sandbox
from carrychain.sandbox.protocol import Kind
from carrychain.sandbox.tiers import Tier

QUICK = Limits(seconds=1)
posix = pytest.mark.skipif(os.name != "posix", reason="the kernel's limits are POSIX's")
linux = pytest.mark.skipif(sys.platform != "linux", reason="calls Linux's C library")


@pytest.fixture
def sandbox(tmp_path):
    """Return a sandbox for a source."""
    boxes = []

    def make(source, limits=None):
        path = tmp_path / "student.py"
        path.write_text(dedent(source), "utf-8")
        boxes.append(Sandbox(path, limits))
        return boxes[-1].__enter__()

    yield make
    for box in boxes:
        box.__exit__(None, None, None)


def test_a_function_is_called_with_arrays_and_answers_with_arrays(sandbox):
    child = sandbox("def double(x, by): return {'twice': x * by, 'shape': x.shape}")
    x = np.random.default_rng(0).normal(size=(3, 4))
    answer = child.call("double", x, 2)
    assert isinstance(answer, Answer)
    assert np.array_equal(answer.value["twice"], 2 * x)
    assert answer.value["shape"] == (3, 4)


def test_a_constant_is_looked_up(sandbox):
    child = sandbox("LAYOUT = 'denominator'")
    assert child.get("LAYOUT") == Answer("denominator")
    assert child.get("OTHER").kind is Kind.MISSING


def test_calls_share_one_child_and_its_state(sandbox):
    child = sandbox("seen = []\ndef add(x):\n    seen.append(x)\n    return seen")
    child.call("add", 1)
    assert child.call("add", 2) == Answer([1, 2])


def test_the_parent_never_imports_the_file(sandbox):
    child = sandbox("import os\ndef pid(): return os.getpid()")
    answer = child.call("pid")
    assert answer.value != os.getpid()
    assert "student" not in sys.modules


@posix
def test_the_tier_reached_is_named(sandbox):
    child = sandbox("")
    assert child.load() is None
    assert child.tier >= Tier.LIMITS


# --- what goes wrong, and where -------------------------------------------------------------------


def failure(outcome) -> Failure:
    assert isinstance(outcome, Failure)
    return outcome


def test_an_exception_names_the_files_own_line(sandbox):
    child = sandbox("""\
        import json
        def parse(text):
            value = json.loads(text)
            return value
        """)
    got = failure(child.call("parse", "{"))
    assert (got.kind, got.exception) == (Kind.EXCEPTION, "JSONDecodeError")
    assert (got.line, got.code) == (3, "value = json.loads(text)")
    assert str(got).startswith("line 3 (value = json.loads(text)): JSONDecodeError: ")


@pytest.mark.parametrize(
    ("source", "line", "exception"),
    [
        ("x = 1\ny = x / 0\n", 2, "ZeroDivisionError"),
        ("x = 1\ndef f(:\n", 2, "SyntaxError"),
        ("\nimport no_such_module_here\n", 2, "ModuleNotFoundError"),
        ("raise SystemExit(3)\n", 1, "SystemExit"),
        ("raise KeyboardInterrupt\n", 1, "KeyboardInterrupt"),
        ("x = 1\n\treturn\n", 2, "IndentationError"),
    ],
)
def test_a_file_that_fails_to_import_is_told_by_line(sandbox, source, line, exception):
    child = sandbox(source)
    got = failure(child.load())
    assert (got.line, got.exception) == (line, exception)
    assert child.call("anything") == got


def test_exceptions_that_misbehave_themselves_are_told(sandbox):
    child = sandbox("""\
        class Rude(BaseException):
            def __str__(self): raise Rude
        def fail(): raise Rude
        def long(): raise ValueError("x" * 10**6 + chr(27))
        def escape(): raise ValueError(chr(27) + "[2J" + chr(10) + "second line")
        """)
    assert failure(child.call("fail")).kind in (Kind.EXCEPTION, Kind.DIED)
    assert len(failure(child.call("long")).message) <= 300
    assert "\x1b" not in failure(child.call("escape")).message
    assert "\n" not in failure(child.call("escape")).message


@pytest.mark.parametrize(
    ("returned", "said"),
    [("object()", "object"), ("{1: 2}", "key 1"), ("1j", "complex"), ("10**5000", "integer")],
)
def test_what_cannot_be_an_answer_is_told(sandbox, returned, said):
    got = failure(sandbox(f"def f(): return {returned}").call("f"))
    assert got.kind is Kind.VALUE
    assert said in got.message


def test_answers_nested_too_deeply_are_told(sandbox):
    child = sandbox("def f():\n    x = []\n    for _ in range(10**5): x = [x]\n    return x")
    assert failure(child.call("f")).kind is Kind.VALUE


def test_an_answer_that_is_too_large_is_not_read(sandbox):
    child = sandbox("def f(): return 'x' * 10**6", Limits(answer=10**5))
    assert failure(child.call("f")).kind is Kind.DIED


# --- limits ---------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n        try: [x for x in iter(int, 1)]\n        except BaseException: pass",
    ],
    ids=["loop", "loop that catches everything"],
)
def test_an_endless_loop_is_ended_and_its_line_told(sandbox, body):
    child = sandbox(f"def f():\n    {body}\ndef g(): return 7", QUICK)
    got = failure(child.call("f"))
    assert got.kind is Kind.TIME
    assert got.line >= 2
    assert "1 s" in got.message
    assert child.call("g") == Answer(7)  # in a new child


def test_an_endless_loop_in_c_is_ended(sandbox):
    child = sandbox("import itertools\ndef f(): return sum(itertools.repeat(0))", QUICK)
    start = time.monotonic()
    assert failure(child.call("f")).kind is Kind.TIME
    assert time.monotonic() - start < 20


def test_a_file_that_loops_when_imported_is_ended(sandbox):
    assert failure(sandbox("while True: pass", QUICK).load()).kind is Kind.TIME


@posix
def test_processor_time_is_limited_over_all_calls(sandbox):
    child = sandbox("def f():\n    for _ in range(10**10): pass", Limits(seconds=30, cpu_seconds=1))
    got = failure(child.call("f"))
    assert got.kind is Kind.TIME
    assert "1 s of the processor" in got.message


@posix
def test_memory_is_limited(sandbox):
    child = sandbox("import numpy as np\ndef f(): return np.ones(1 << 31).sum()")
    got = failure(child.call("f"))
    assert (got.kind, got.line) == (Kind.MEMORY, 2)


def test_printing_does_not_disturb_the_answers_and_is_kept(sandbox):
    child = sandbox("""\
        import os, sys
        print("loaded")
        def f():
            print("to stdout")
            sys.stderr.write("to stderr" + chr(10))
            os.write(1, b"to fd 1" + bytes([10]))
            return 7
        """)
    assert child.call("f") == Answer(7)
    child.__exit__(None, None, None)
    assert child.printed.splitlines() == ["loaded", "to stdout", "to stderr", "to fd 1"]


def test_endless_printing_is_ended(sandbox):
    child = sandbox("def f():\n    while True: print('x' * 1000)", Limits(seconds=20))
    got = failure(child.call("f"))
    assert got.kind is Kind.OUTPUT
    child.__exit__(None, None, None)
    assert len(child.printed) <= Limits().printed


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os._exit(3)", "status 3"),
        ("os.abort()", "SIGABRT"),
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("signal.raise_signal(40)", "signal 40"),
    ],
)
@posix
def test_a_child_that_dies_is_told(sandbox, body, said):
    child = sandbox(f"import ctypes, os, signal\ndef f(): {body}\ndef g(): return 7")
    got = failure(child.call("f"))
    assert got.kind is Kind.DIED
    assert said in got.message
    assert child.call("g") == Answer(7)


# --- what a file may not do -----------------------------------------------------------------------

FORBIDDEN = {
    "write": "open(target, 'w')",
    "append": "open(target, 'a')",
    "os.open": "os.open(target, os.O_RDWR | os.O_CREAT)",
    "pathlib": "pathlib.Path(target).write_text('x')",
    "numpy": "np.save(target, np.ones(3))",
    "delete": "os.remove(target)",
    "rename": "os.rename(target, 'x')",
    "folder": "os.mkdir('x')",
    "truncate": "os.truncate(target, 0)",
    "relative": "open('notes.txt', 'w')",
    "temporary": "tempfile.TemporaryFile()",
    "shell": "os.system('true')",
    "subprocess": "subprocess.run(['true'])",
    "fork": "os.fork()",
    "signal": "os.kill(os.getppid(), 9)",
    "network": "socket.create_connection(('127.0.0.1', 9))",
}


@posix
@pytest.mark.parametrize("act", FORBIDDEN.values(), ids=FORBIDDEN.keys())
@pytest.mark.parametrize("caught", [False, True], ids=["", "and hides it"])
def test_a_file_that_writes_or_reaches_out_is_told_with_its_line(sandbox, tmp_path, act, caught):
    target = tmp_path / "mine.txt"
    target.write_text("untouched")
    body = f"try: {act}\n    except Exception: pass" if caught else act
    child = sandbox(
        "import os, pathlib, socket, subprocess, tempfile\nimport numpy as np\n"
        f"target = {str(target)!r}\ndef f():\n    {body}\n    return 1\n"
    )
    got = failure(child.call("f"))
    assert (got.kind, got.line) == (Kind.FORBIDDEN, 5)
    assert got.message.startswith("tried to ")
    assert target.read_text() == "untouched"


def test_a_file_may_read_itself_and_what_is_installed(sandbox):
    child = sandbox("""\
        import json
        from pathlib import Path
        def f(): return [len(Path(path).read_text()) > 0 for path in (__file__, json.__file__)]
        """)
    assert child.call("f") == Answer([True, True])


@linux
def test_who_gets_around_the_hook_still_writes_nothing(sandbox, tmp_path):
    target = tmp_path / "raw.txt"
    child = sandbox(f"""\
        import ctypes
        def f():
            libc = ctypes.CDLL(None)
            fd = libc.open({str(target)!r}.encode(), 0o1101, 0o644)
            return libc.write(fd, b"abc", 3)
        """)
    child.call("f")
    assert not target.exists() or target.read_bytes() == b""


@linux
def test_processes_that_a_file_starts_end_with_it(sandbox):
    child = sandbox("""\
        import ctypes, time
        def f():
            pid = ctypes.CDLL(None).fork()
            if pid == 0:
                while True: time.sleep(60)
            return pid
        """)
    pid = child.call("f").value
    child.__exit__(None, None, None)
    if pid > 0:  # an ordinary user can't start any
        deadline = time.monotonic() + 5
        while _runs(pid) and time.monotonic() < deadline:
            pass
        assert not _runs(pid)


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_environment_is_not_passed_on(sandbox, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hf_planted")
    child = sandbox("import os\ndef f(): return dict(os.environ)")
    assert "hf_planted" not in child.call("f").value.values()


def test_it_runs_in_a_folder_of_its_own_that_is_gone_afterwards(sandbox):
    child = sandbox("import os\ndef f(): return [os.getcwd(), os.listdir('.')]")
    folder, content = child.call("f").value
    assert content == ["student.py"]
    assert os.path.realpath(folder) != os.path.realpath(os.getcwd())
    child.__exit__(None, None, None)
    assert not os.path.exists(folder)


@pytest.mark.parametrize(
    "forged",
    [
        b"junk" * 100,
        b"\xff" * 8,
        b"\x00" * 7 + b"\x02[]",
        b"\x00" * 7 + b"\x0c" + b'{"value": {}',
        b"\x00" * 7 + b"\x0d" + b'{"kind": "no"}'[:13],
        b"\x00" * 7 + b"\x1a" + b'{"value": {"array": [[]]}}',
    ],
)
def test_a_forged_answer_is_no_answer(sandbox, forged):
    child = sandbox(f"""\
        import os
        def f():
            for fd in range(3, 64):
                try: os.write(fd, {forged!r})
                except OSError: pass
            os._exit(0)
        """)
    assert failure(child.call("f")).kind is Kind.DIED


@posix
def test_who_stops_listening_is_ended_however_much_is_asked(sandbox):
    child = sandbox(
        """\
        import os, signal, struct
        def f():
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            for fd in range(3, 64):
                try: os.write(fd, struct.pack(">Q", 12) + b'{"value": 1}')
                except OSError: pass
            while True: pass
        def g(text): return len(text)
        """,
        QUICK,
    )
    assert child.call("f") == Answer(1)
    assert failure(child.call("g", "x" * 10**6)).kind is Kind.TIME
    assert child.call("g", "x" * 10**6) == Answer(10**6)


# --- files that can't be run ----------------------------------------------------------------------


def test_a_missing_file_is_one_sentence(tmp_path):
    with (
        Sandbox(tmp_path / "no.py") as child,
        pytest.raises(InvalidInput, match=r"no\.py can't be read: No such file"),
    ):
        child.load()


def test_a_folder_is_one_sentence(tmp_path):
    with Sandbox(tmp_path) as child, pytest.raises(InvalidInput, match="can't be read"):
        child.load()


def test_bytes_that_are_no_text_are_one_sentence(tmp_path):
    path = tmp_path / "x.py"
    path.write_bytes(b"\xff\xfe\x00")
    with Sandbox(path) as child, pytest.raises(InvalidInput, match="no Python text"):
        child.load()


def test_a_link_that_the_user_names_is_followed(tmp_path):
    (tmp_path / "x.py").write_text("x = 1")
    (tmp_path / "link.py").symlink_to(tmp_path / "x.py")
    with Sandbox(tmp_path / "link.py") as child:
        assert child.get("x") == Answer(1)


def test_null_bytes_are_told(sandbox):
    assert failure(sandbox("x = 1\0").load()).exception in ("SyntaxError", "ValueError")


def test_a_declared_encoding_is_heeded(tmp_path):
    path = tmp_path / "latin.py"
    path.write_bytes("# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"))
    with Sandbox(path) as child:
        assert child.get("name") == Answer("é")
