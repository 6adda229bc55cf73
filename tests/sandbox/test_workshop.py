"""Each run is a fresh child; what a file does to it is data for that run and nothing else."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import pytest

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.sandbox import Answer, Call, Failure, Get, Kind, Limits, Tier, Workshop, workshop

linux = pytest.mark.skipif(sys.platform != "linux", reason="the fork server is Linux's")
posix = pytest.mark.skipif(os.name != "posix", reason="only there can one select among pipes")


@pytest.fixture(scope="module", params=["forked", "spawned"])
def shop(request):
    """Return a workshop as Linux has it, and as other systems do."""
    if request.param == "forked" and sys.platform != "linux":
        pytest.skip("the fork server is Linux's")
    shop = Workshop(Limits(seconds=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workshop, "HAS_SERVER", request.param == "forked")
        shop.__enter__()
    yield shop
    shop.__exit__(None, None, None)


@pytest.fixture(scope="module")
def forked():
    with Workshop(Limits(seconds=1)) as shop:
        yield shop


@pytest.fixture
def written(tmp_path):
    def write(source, name="submission.py"):
        path = tmp_path / name
        path.write_text(dedent(source), "utf-8")
        return path

    return write


def failure(outcome) -> Failure:
    assert isinstance(outcome, Failure), outcome
    return outcome


# --- what a run is --------------------------------------------------------------------------------


def test_all_calls_are_answered_in_order_with_what_was_printed(shop, written):
    path = written("""\
        print("hello")
        PREFIX = "Q: "
        def pre(text): return text[::-1]
        """)
    ran = shop.run(path, [Call("pre", ("12+3",)), Get("PREFIX"), Call("post"), Call("pre", (1,))])
    assert ran.outcomes[:2] == [Answer("3+21"), Answer("Q: ")]
    assert failure(ran.outcomes[2]).kind is Kind.MISSING
    assert failure(ran.outcomes[3]).exception == "TypeError"
    assert ran.printed.strip() == "hello"
    assert ran.seconds > 0


def test_a_run_without_calls_runs_the_file(shop, written):
    ran = shop.run(written("print('run')"), [])
    assert (ran.outcomes, ran.printed.strip()) == ([], "run")


def test_it_sees_what_stands_beside_it_by_the_names_given(shop, written, tmp_path):
    (tmp_path / "prompt.txt").write_text("a\nb", "utf-8")
    (tmp_path / "answers.txt").write_text("42")
    path = written("""\
        import os
        from pathlib import Path
        text = open("prompt.txt").read()
        same = Path(__file__).with_name("prompt.txt").read_text() == text
        seen = sorted(os.listdir())
        """)
    ran = shop.run(path, [Get("text"), Get("same"), Get("seen")])
    assert ran.outcomes == [Answer("a\nb"), Answer(True), Answer(["prompt.txt", "submission.py"])]


def test_what_is_not_there_is_left_out(shop, written):
    ran = shop.run(written("import os\nseen = os.listdir()"), [Get("seen")])
    assert ran.outcomes == [Answer(["submission.py"])]


def test_a_file_that_fails_to_load_fails_every_call(shop, written):
    ran = shop.run(written("def f(): return 1\nx = 1 / 0"), [Call("f"), Call("f")])
    assert len(ran.outcomes) == 2
    for outcome in ran.outcomes:
        assert (failure(outcome).line, outcome.exception) == (2, "ZeroDivisionError")


def test_answers_before_a_childs_death_stand(shop, written):
    path = written("import os\ndef f(x):\n    if x == 2: os._exit(7)\n    return x")
    ran = shop.run(path, [Call("f", (x,)) for x in range(5)])
    assert ran.outcomes[:2] == [Answer(0), Answer(1)]
    assert {failure(each).kind for each in ran.outcomes[2:]} == {Kind.DIED}
    assert "status 7" in ran.outcomes[2].message


def test_large_arguments_and_answers_pass(shop, written):
    path = written("print('x' * 50_000)\ndef f(text): return text")
    texts = [str(i) * 50_000 for i in range(8)]
    ran = shop.run(path, [Call("f", (text,)) for text in texts])
    assert ran.outcomes == [Answer(text) for text in texts]


def test_no_state_passes_from_one_run_to_the_next(shop, written):
    path = written("""\
        import builtins, json, os, sys
        def leave(x):
            builtins.left = sys.left = json.left = x
            os.environ["LEFT"] = x
            json.dumps = None
        def find():
            found = [hasattr(each, "left") for each in (builtins, sys, json)]
            return [*found, "LEFT" in os.environ]
        """)
    shop.run(path, [Call("leave", ("secret",))])
    assert shop.run(path, [Call("find")]).outcomes == [Answer([False] * 4)]


def test_random_numbers_differ_between_runs(shop, written):
    path = written("""\
        import random, numpy as np
        x = [random.random(), float(np.random.rand())]
        """)
    first, second = (shop.run(path, [Get("x")]).outcomes[0].value for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_threads_may_run_files_at_once(shop, written):
    path = written("def f(x): return x")

    def ran(i):
        return shop.run(path, [Call("f", (i,)), Call("f", (-i,))]).outcomes

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ran, range(24))) == [[Answer(i), Answer(-i)] for i in range(24)]


def test_one_that_hangs_holds_up_no_other(forked, written):
    slow = written("def f():\n    while True: pass", "slow.py")
    quick = written("def f(): return 1", "quick.py")
    hanging = threading.Thread(target=forked.run, args=(slow, [Call("f")]))
    hanging.start()
    assert forked.run(quick, [Call("f")]).outcomes == [Answer(1)]
    assert hanging.is_alive()
    hanging.join()


def test_all_calls_share_the_time_limit(forked, written):
    path = written("import time\ndef f(): time.sleep(.3)")
    started = time.monotonic()
    ran = forked.run(path, [Call("f")] * 30)
    assert time.monotonic() - started < 3
    assert ran.outcomes[0] == Answer(None)
    assert failure(ran.outcomes[-1]).kind is Kind.TIME
    assert ran.outcomes[-1].line == 2


def test_a_names_clash_with_a_module_does_no_harm(shop, written):
    path = written("import json\nx = json.loads('[1]')", "json.py")
    assert shop.run(path, [Get("x")]).outcomes == [Answer([1])]


def test_nothing_of_a_workshop_is_left(written):
    with Workshop() as shop:
        shop.run(written("x = 1"), [Get("x")])
        folder = shop._folder
        process = shop._server._process if shop._server else None
        assert os.listdir(folder) != []
    assert not os.path.exists(folder)
    assert process is None or process.returncode == 0


@linux
def test_a_server_that_something_ends_is_replaced(written):
    path = written("x = 1")
    with Workshop() as shop:
        shop._server._process.kill()
        shop._server._process.wait()
        assert shop.run(path, [Get("x")]).outcomes == [Answer(1)]


@linux
def test_children_end_with_the_server(forked, written):
    with Workshop() as shop:
        running = shop.start(written("import os\npid = os.getpid()"))
        (answer,) = running.ask([Get("pid")])
        os.kill(answer.value, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(answer.value, 0)
    running.end()


@linux
def test_nothing_is_left_of_a_grader_that_is_killed(written):
    path = written("import os, time\npid = os.getpid()")
    program = (
        "import os, sys\nfrom carrychain.sandbox import Get, Workshop\n"
        "shop = Workshop().__enter__()\nrunning = shop.start(sys.argv[1])\n"
        "print(shop._folder, running.ask([Get('pid')])[0].value, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True)
    folder, child = done.stdout.split()
    deadline = time.monotonic() + 10
    while os.path.exists(folder) and time.monotonic() < deadline:
        pass
    assert not os.path.exists(folder)
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)


# --- what is refused before anything runs ---------------------------------------------------------


def test_links_are_not_followed_out_of_the_folder(shop, written, tmp_path):
    path = written("x = open('prompt.txt').read()")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "prompt.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput, match=r"prompt\.txt can't be read: it is a link"):
        shop.run(path, [Get("x")])
    (tmp_path / "link.py").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput, match=r"link\.py can't be read: it is a link"):
        shop.run(tmp_path / "link.py", [Get("x")])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_beside_it_does_not_hang_the_grader(shop, written, tmp_path):
    path = written("x = 1")
    os.mkfifo(tmp_path / "prompt.txt")
    with pytest.raises(InvalidInput, match="not a plain file"):
        shop.run(path, [Get("x")])


def test_a_file_of_many_bytes_is_not_read(shop, written, tmp_path):
    path = written("x = 1")
    with open(tmp_path / "prompt.txt", "wb") as file:
        file.truncate(10**10)
    with pytest.raises(InvalidInput, match="more than 1,048,576 bytes"):
        shop.run(path, [Get("x")])


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_what_cannot_be_read_is_one_sentence(shop, tmp_path, name):
    with pytest.raises(InvalidInput, match="can't be read"):
        shop.run(tmp_path / name, [])


def test_a_tier_that_is_not_reached_runs_nothing(monkeypatch):
    monkeypatch.setattr(workshop, "HAS_SERVER", False)
    with (
        pytest.raises(CarrychainError, match=r"tier isolated is required, .* reaches (limits|pro)"),
        Workshop(require=Tier.ISOLATED),
    ):
        pytest.fail("it opened")


def test_tiers_are_ordered():
    assert Tier.PROCESS < Tier.LIMITS < Tier.CONFINED < Tier.ISOLATED
    assert max(Tier) is Tier.ISOLATED
    assert str(Tier.ISOLATED) == "isolated"


# --- attacks that end as data of that run ---------------------------------------------------------

FORGE = """
import os, struct
def say(text):
    for fd in range(3, 64):
        try: os.write(fd, struct.pack(">Q", len(text)) + text)
        except OSError: pass
"""
ATTACKS = {
    "SystemExit": "def f(x): raise SystemExit(0)",
    "KeyboardInterrupt": "def f(x): raise KeyboardInterrupt",
    "os._exit": "import os\ndef f(x): os._exit(0)",
    "SIGKILL": "import os, signal\ndef f(x): signal.raise_signal(9)",
    "SIGSTOP": "import signal\ndef f(x): signal.raise_signal(19)",
    "signals ignored": (
        "import signal\nfor each in (14, 15): signal.signal(each, signal.SIG_IGN)\n"
        "def f(x):\n    while True: pass"
    ),
    "segmentation fault": "import ctypes\ndef f(x): ctypes.string_at(0)",
    "deep recursion": "def f(x): return f(x)",
    "deep answer": "def f(x):\n    x = []\n    for _ in range(10**5): x = [x]\n    return x",
    "endless answer": "def f(x): return 'x' * 10**8",
    "endless output": "def f(x):\n    while True: print('x' * 10**5)",
    "10 GB": "def f(x): return len(bytearray(10**10))",
    "10 GB by NumPy": "import numpy as np\ndef f(x): return float(np.ones(10**10 // 8).sum())",
    "a million digits": "def f(x): return 10**10**6",
    "closed descriptors": "import os\ndef f(x): os.closerange(0, 64)",
    "garbage": f"{FORGE}\ndef f(x): say(b'junk'); os._exit(0)",
    "a length without end": (
        f"{FORGE}\ndef f(x):\n    for fd in range(3, 64):\n"
        "        try: os.write(fd, b'\\xff' * 8)\n        except OSError: pass\n    os._exit(0)"
    ),
    "a lying exception": (
        "class Lie(Exception):\n    def __str__(self): raise SystemExit\n"
        "    __class__ = int\ndef f(x): raise Lie"
    ),
    "a lying type": (
        "class Lie:\n    __class__ = str\n    def __eq__(self, other): return True\n"
        "def f(x): return Lie()"
    ),
    "json replaced": "import json\njson.dumps = lambda *_, **__: 'null'\ndef f(x): return x",
    "struct replaced": "import struct\nstruct.Struct = struct.pack = None\ndef f(x): raise OSError",
    "builtins replaced": (
        "import builtins\nbuiltins.isinstance = lambda *_: True\n"
        "builtins.str = builtins.len = None\ndef f(x): raise OSError"
    ),
    "modules gone": "import sys\nsys.modules.clear()\ndef f(x): raise OSError",
    "half a character": "def f(x): return '\\ud800'",
    "threads": (
        "import threading\ndef run():\n    while True: pass\n"
        "def f(x):\n    for _ in range(100): threading.Thread(target=run).start()\n"
        "    raise OSError"
    ),
    "fork bomb": "import os\ndef f(x):\n    while True: os.fork()",
    "unloadable": "while True: pass",
    "null bytes": "x = '\0'",
}


@linux
@pytest.mark.parametrize("source", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_is_that_runs_failure(forked, written, source):
    ran = forked.run(written(source), [Call("f", (1,)), Call("f", (2,))])
    assert [type(each) for each in ran.outcomes] == [Failure, Failure]
    path = written("def f(x): return x", "next.py")
    assert forked.run(path, [Call("f", (3,))]).outcomes == [Answer(3)]


def test_atexit_hooks_are_not_waited_for(shop, written):
    path = written("""\
        import atexit, time
        atexit.register(lambda: time.sleep(60))
        def f(): return 1
        """)
    ran = shop.run(path, [Call("f")])
    assert ran.outcomes == [Answer(1)]
    assert ran.seconds < 30


def test_forged_answers_are_the_childs_own_and_of_exact_types(shop, written):
    path = written(
        FORGE
        + "def f(x):\n    say(b'{\"value\": 7}')\n    say(b'{\"value\": 8}')\n    os._exit(0)\n"
    )
    ran = shop.run(path, [Call("f", (1,)), Call("f", (2,)), Call("f", (3,))])
    assert ran.outcomes[:2] == [Answer(7), Answer(8)]
    assert failure(ran.outcomes[2]).kind is Kind.DIED


@posix
def test_no_later_call_is_there_to_look_ahead_at(shop, written):
    path = written("""\
        import gc, os, select, stat, sys
        def waiting():
            "Pipes that something can be read from."
            found = []
            for fd in range(64):
                try:
                    if stat.S_ISFIFO(os.fstat(fd).st_mode):
                        found += select.select([fd], [], [], .05)[0]
                except OSError: pass
            return found
        def look(text):
            frame, seen = sys._getframe(), []
            while frame:
                seen += frame.f_locals.values()
                frame = frame.f_back
            seen += [each for each in gc.get_objects() if type(each) in (dict, list, tuple)]
            return [text in str(seen), text[::-1] in str(seen), waiting()]
        """)
    first, last = "4711-0815", "5180-1174"  # one is the other reversed
    ran = shop.run(path, [Call("look", (first,)), Call("look", (last,))])
    assert ran.outcomes[0] == Answer([True, False, []])


@linux
def test_a_child_finds_nothing_of_other_runs_in_its_memory(forked, written):
    forked.run(written("SECRET = 'planted-' + 'needle'\nx = SECRET", "first.py"), [Get("x")])
    path = written("""\
        import ctypes, gc
        def find():
            needle = "planted-" + "needle"
            return sum(type(each) is str and each == needle for each in gc.get_objects())
        def frames():
            import sys
            frame, names = sys._getframe(), []
            while frame:
                names += [name for name in frame.f_locals if "secret" in name.lower()]
                frame = frame.f_back
            return names
        """)
    assert forked.run(path, [Call("find"), Call("frames")]).outcomes == [Answer(0), Answer([])]
