"""Every protection is attacked from within, around Python's own hooks, with each mechanism gone.

The attacks call the C library directly: what stops them is the kernel, and the tier that is
reported says so.
"""

import ctypes
import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest

from carrychain.errors import CarrychainError
from carrychain.sandbox import Answer, Call, Failure, Tier, Workshop, explain
from carrychain.sandbox.tiers import NEEDED_FOR, Evidence, reached
from carrychain.sandbox.workshop import WITHOUT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")


@pytest.fixture(scope="module")
def shops():
    """Return workshops by the mechanisms that they do without."""
    opened = {}

    def get(*without):
        if without not in opened:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(WITHOUT, " ".join(without))
                opened[without] = Workshop().__enter__()
        return opened[without]

    yield get
    for shop in opened.values():
        shop.__exit__(None, None, None)


@pytest.fixture
def isolated(shops):
    shop = shops()
    if shop.tier is not Tier.ISOLATED:
        pytest.skip(f"this machine reaches {shop.tier}: {shop.evidence}")
    return shop


HEAD = """
import ctypes, errno, os, platform, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
FOLDER, NEW = os.O_DIRECTORY, os.O_CREAT | os.O_RDWR
X86 = platform.machine() == "x86_64"
def done(result):
    "Whether a call of the C library worked, or what it failed with."
    return True if result >= 0 else errno.errorcode[ctypes.get_errno()]
def sockaddr(port):
    return struct.pack("=HH4s8x", 2, (port >> 8) | (port & 255) << 8, bytes([127, 0, 0, 1]))
"""
# What each tries; `secret` is a file of the grader's, `pid` the grader, `port` one that listens.
ATTACKS = {
    "read the grader's file": "return done(libc.open(secret.encode(), os.O_RDONLY))",
    "read it through a link": (
        "linked = done(libc.symlink(secret.encode(), b'link'))\n"
        "    return done(libc.open(b'link', os.O_RDONLY)) if linked is True else linked"
    ),
    "list the grader's folder": "return done(libc.open(os.path.dirname(secret).encode(), FOLDER))",
    "list all processes": "return done(libc.open(b'/proc', FOLDER))",
    "read the grader's environment": "return done(libc.open(f'/proc/{pid}/environ'.encode(), 0))",
    "read the grader's memory": "return done(libc.open(f'/proc/{pid}/mem'.encode(), 0))",
    "read its memory by a call": (
        "one = struct.pack('=QQ', 0, 1)\n"
        "    result = libc.process_vm_readv(pid, one, 1, one, 1, 0)\n"
        "    return True if result < 0 and ctypes.get_errno() == errno.EFAULT else done(result)"
    ),
    "trace the grader": "return done(libc.ptrace(0x4206, pid, 0, 0))",
    "trace the server": "return done(libc.ptrace(0x4206, os.getppid(), 0, 0))",
    "signal the grader": "return done(libc.kill(pid, 0))",
    "signal the server": "return done(libc.kill(os.getppid(), 0))",
    "signal every process": "return done(libc.kill(-1, 0))",
    "signal by a descriptor": (
        "r, w = os.pipe()\n    return done(libc.fcntl(r, 8, pid))"  # F_SETOWN
    ),
    "write the grader's file": "return done(libc.open(secret.encode(), os.O_WRONLY))",
    "empty it": "return done(libc.truncate(secret.encode(), 0))",
    "empty it on reading": "return done(libc.open(secret.encode(), os.O_RDONLY | os.O_TRUNC))",
    "delete it": "return done(libc.unlink(secret.encode()))",
    "rename it": "return done(libc.rename(secret.encode(), (secret + 'x').encode()))",
    "change its mode": "return done(libc.chmod(secret.encode(), 0o777))",
    "write results.json": "return done(libc.open(b'results.json', NEW, 0o644))",
    "make a folder": "return done(libc.mkdir(b'x', 0o777))",
    "write to shared memory": "return done(libc.open(b'/dev/shm/x', NEW, 0o600))",
    "fork": "return done(libc.fork())",
    "clone": "return done(libc.syscall(56 if X86 else 220, 17, 0, 0, 0, 0))",
    "clone anew": "return done(libc.syscall(435, bytes(88), 88))",
    "start a program": "return done(libc.execv(b'/bin/true', None))",
    "TCP": "return done(libc.connect(libc.socket(2, 1, 0), sockaddr(port), 16))",
    "UDP": "return done(libc.sendto(libc.socket(2, 2, 0), b'x', 1, 0, sockaddr(port), 16))",
    "listen": "return done(libc.bind(libc.socket(2, 1, 0), sockaddr(0), 16))",
    "a local socket": "return done(libc.socket(1, 1, 0))",
    "raw packets": "return done(libc.socket(17, 3, 0))",
    "a pair of sockets": "return done(libc.socketpair(1, 1, 0, bytes(8)))",
    "io_uring": "return done(libc.syscall(425, 1, bytes(120)))",
    "BPF": "return done(libc.syscall(321 if X86 else 280, 0, bytes(120), 120))",
    "performance counters": (
        "return done(libc.syscall(298 if X86 else 241, bytes(112), 0, -1, -1, 0))"
    ),
    "another root": "return done(libc.chroot(b'.'))",
    "a mount": "return done(libc.mount(b'x', b'.', b'tmpfs', 0, 0))",
    "namespaces": "return done(libc.unshare(0x10000000))",
    "a file by its handle": "return done(libc.open_by_handle_at(-100, bytes(16), 0))",
    "faults by the user": "return done(libc.syscall(323 if X86 else 282, 1))",
    "root again": "return done(libc.setuid(0)) if os.getuid() else 'EPERM'",
    "the clock": "return done(libc.settimeofday(bytes(16), 0))",
    "the machine's name": "return done(libc.sethostname(b'x', 1))",
    "higher limits": (
        "return done(libc.setrlimit(9, struct.pack('=QQ', 2**64 - 1, 2**64 - 1)))"  # RLIMIT_AS
    ),
    "privileges by prctl": "return done(libc.prctl(4, 1, 0, 0, 0))",  # PR_SET_DUMPABLE
}
REFUSED = {"EPERM", "EACCES", "ENOSYS"}
DEADLY = {
    "make a file without a name": "return done(libc.memfd_create(b'x', 0))",
    "keys": "return done(libc.syscall(250 if X86 else 219, 0, -3, 0, 0, 0))",
    "shared memory of System V": "return done(libc.shmget(1, 4096, 0o1666))",
    "semaphores of System V": "return done(libc.semget(1, 1, 0o1666))",
    "messages of System V": "return done(libc.msgget(1, 0o1666))",
    "a message queue": "return done(libc.mq_open(b'/x', NEW, 0o600, 0))",
    "a thread": "import _thread; return done(_thread.start_new_thread(done, (0,)))",
}


def attack(body):
    return f"{HEAD}\ndef attack(secret, pid, port):\n    {body}\n"


@pytest.fixture
def secret(tmp_path_factory):
    """Return a file of the grader's that every user could read and write."""
    folder = tmp_path_factory.mktemp("grader")
    for path in (folder, folder.parent):
        path.chmod(0o777)
    path = folder / "secret.txt"
    path.write_text("secret")
    path.chmod(0o666)
    return path


@pytest.mark.parametrize("body", ATTACKS.values(), ids=ATTACKS.keys())
def test_the_kernel_refuses(isolated, secret, tmp_path, body):
    (tmp_path / "submission.py").write_text(attack(body))
    (outcome,) = isolated.run(
        tmp_path / "submission.py", [Call("attack", (str(secret), os.getpid(), 9))]
    ).outcomes
    assert isinstance(outcome, Answer), outcome
    assert outcome.value in REFUSED
    assert secret.read_text() == "secret"
    assert secret.stat().st_mode & 0o777 == 0o666
    assert [path.name for path in tmp_path.iterdir()] == ["submission.py"]


@pytest.mark.parametrize("body", DEADLY.values(), ids=DEADLY.keys())
def test_what_only_a_smuggler_calls_ends_the_child(isolated, tmp_path, body):
    (tmp_path / "submission.py").write_text(attack(body))
    (outcome,) = isolated.run(
        tmp_path / "submission.py", [Call("attack", ("", os.getpid(), 9))]
    ).outcomes
    assert isinstance(outcome, Failure), outcome
    assert outcome.message == "was ended by signal SIGSYS"


def test_calls_of_another_architecture_end_the_child(isolated, tmp_path):
    if os.uname().machine != "x86_64":
        pytest.skip("only x86_64 has a second table of system calls")
    (tmp_path / "submission.py").write_text(
        dedent("""
        import ctypes, mmap
        def attack():
            "Call getpid by its number for 32 bits."
            code = mmap.mmap(-1, 4096, prot=7)
            code.write(b"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3")
            address = ctypes.addressof(ctypes.c_char.from_buffer(code))
            return ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        """)
    )
    (outcome,) = isolated.run(tmp_path / "submission.py", [Call("attack")]).outcomes
    assert "SIGSYS" in outcome.message


def test_what_honest_files_do_is_allowed(isolated, tmp_path):
    (tmp_path / "submission.py").write_text(
        dedent("""
        import contextlib, decimal, io, json, os, random, re, statistics, sys, time
        import numpy as np, requests
        def work(text):
            with contextlib.redirect_stdout(open(os.devnull, "w")):
                print("unheard")
            with contextlib.suppress(ModuleNotFoundError):
                import no_such_module
            import colorsys, fractions, xml.dom.minidom
            random.random(), np.random.default_rng().random(), os.urandom(8), time.sleep(.001)
            np.linalg.svd(np.ones((50, 50)))
            time.localtime(), os.cpu_count(), sys.stdout.isatty(), os.getcwd(), os.listdir()
            return re.sub(r"\\D", "", text)
        """)
    )
    ran = isolated.run(tmp_path / "submission.py", [Call("work", ("12 + 3",))])
    assert ran.outcomes == [Answer("123")]
    assert ran.printed == ""


# --- what is lost without a mechanism -------------------------------------------------------------


def unenforced(shop):
    return {each.protection for each in shop.evidence if not each.enforced}


def test_without_landlock_files_are_read_and_the_tier_says_so(shops, isolated, secret, tmp_path):
    shop = shops("landlock")
    lost = unenforced(shop) - {"own user"}
    if os.geteuid() == 0:
        assert (shop.tier, lost) == (Tier.CONFINED, {"reading"})
    else:  # its child is the same user as the grader, whose memory is then a file like others
        assert (shop.tier, lost) == (Tier.LIMITS, {"reading", "other processes' memory"})
    (tmp_path / "submission.py").write_text(attack(ATTACKS["read the grader's file"]))
    arguments = (str(secret), os.getpid(), 9)
    ran = shop.run(tmp_path / "submission.py", [Call("attack", arguments)])
    assert ran.outcomes == [Answer(True)]
    (tmp_path / "submission.py").write_text(attack(ATTACKS["empty it on reading"]))
    shop.run(tmp_path / "submission.py", [Call("attack", arguments)])
    assert secret.read_text() == "secret"


def test_without_seccomp_the_network_is_open_and_the_tier_says_so(shops, isolated):
    shop = shops("seccomp")
    assert shop.tier is Tier.LIMITS
    assert "network" in unenforced(shop)
    assert "reading" not in unenforced(shop)


def test_without_anything_the_limits_hold(shops, tmp_path):
    shop = shops("user", "landlock", "seccomp")
    assert shop.tier is Tier.LIMITS
    assert {"writing", "network", "reading"} <= unenforced(shop)
    (tmp_path / "submission.py").write_text("def f(): return len(bytearray(10**10))")
    (outcome,) = shop.run(tmp_path / "submission.py", [Call("f")]).outcomes
    assert outcome.exception == "MemoryError"


def test_processes_that_leave_the_group_end_with_the_run_on_every_tier(shops, tmp_path):
    shop = shops("user", "landlock", "seccomp")
    (tmp_path / "submission.py").write_text(
        dedent("""
        import ctypes, os, time
        def daemon():
            libc = ctypes.CDLL(None)
            r, w = os.pipe()
            if libc.fork() == 0:
                libc.setsid()
                if libc.fork() != 0:
                    os._exit(0)
                os.write(w, str(os.getpid()).encode())
                while True: time.sleep(60)
            os.close(w)
            return int(os.read(r, 20) or 0)
        """)
    )
    (outcome,) = shop.run(tmp_path / "submission.py", [Call("daemon")]).outcomes
    if outcome.value == 0:
        pytest.skip("the limit on processes stopped it")
    with pytest.raises(ProcessLookupError):
        os.kill(outcome.value, 0)


@pytest.mark.parametrize(
    ("required", "without"),
    [
        (Tier.ISOLATED, "landlock"),
        (Tier.ISOLATED, "seccomp"),
        (Tier.CONFINED, "seccomp"),
        (Tier.CONFINED, "user landlock seccomp"),
    ],
)
def test_a_requirement_fails_closed(monkeypatch, required, without):
    monkeypatch.setenv(WITHOUT, without)
    said = f"tier {required} is required, and this machine reaches"
    with pytest.raises(CarrychainError, match=said), Workshop(require=required):
        pytest.fail("it opened")


def test_a_protection_that_is_lost_later_fails_closed(monkeypatch, isolated, tmp_path):
    (tmp_path / "submission.py").write_text("print('it ran')")
    with Workshop(require=Tier.ISOLATED) as shop:
        monkeypatch.setenv(WITHOUT, "landlock")
        shop._server._process.kill()
        shop._server._process.wait()
        with pytest.raises(CarrychainError, match="was there and is not now"):
            shop.run(tmp_path / "submission.py", [])


def test_explain_tells_of_every_protection_what_was_tried():
    evidence = explain()
    assert [each.protection for each in evidence] == list(NEEDED_FOR)
    assert all(each.sentence for each in evidence)


def test_the_tier_is_the_highest_whose_protections_all_hold():
    def tier(*gone):
        return reached(Evidence(name, name not in gone, "") for name in NEEDED_FOR)

    assert tier() is Tier.ISOLATED
    assert tier("own user") is Tier.ISOLATED
    assert tier("reading") is Tier.CONFINED
    assert tier("network") is Tier.LIMITS
    assert tier("memory") is Tier.PROCESS
    assert reached([]) is Tier.PROCESS


# --- users ----------------------------------------------------------------------------------------


def test_roots_children_have_a_user_of_their_own(isolated, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    (tmp_path / "submission.py").write_text(
        "import os\ndef ids(): return [*os.getresuid(), *os.getresgid()], os.getgroups()"
    )
    seen = [isolated.run(tmp_path / "submission.py", [Call("ids")]).outcomes[0] for _ in range(2)]
    (first, groups), (second, _) = (each.value for each in seen)
    assert len(set(first)) == len(set(second)) == 1
    assert 0 not in first
    assert first != second
    assert groups == []


def become_nobody():
    """Drop root, but for reading and entering folders, in case Python lies in root's home."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(8, 1, 0, 0, 0)  # keep capabilities
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    header, read = (ctypes.c_uint32 * 2)(0x20080522, 0), 1 << 2
    libc.capset(header, (ctypes.c_uint32 * 6)(read, read, read))
    libc.prctl(47, 2, 2, 0, 0)  # pass it on


AS_USER = """
import json, os, sys
from carrychain.sandbox import Call, Failure, Workshop
path, secret = sys.argv[1:]
with Workshop() as shop:
    ran = shop.run(path, [Call("attack", (secret, os.getpid(), 9))], beside=())
    held = [each.protection for each in shop.evidence if each.enforced]
    print(json.dumps([os.geteuid(), shop.tier.value, held, ran.outcomes[0].value]))
"""


@pytest.mark.parametrize("name", ["read the grader's file", "signal the grader", "fork", "TCP"])
def test_an_ordinary_user_is_kept_in_as_well(isolated, secret, name):
    if os.geteuid() != 0:
        pytest.skip("the other tests are run by an ordinary user already")
    path = secret.with_name("submission.py")
    path.write_text(attack(ATTACKS[name]))
    done = subprocess.run(
        [sys.executable, "-c", AS_USER, path, secret],
        preexec_fn=become_nobody,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    user, tier, held, answer = json.loads(done.stdout)
    assert (user, tier) == (65534, "isolated")
    assert set(held) == NEEDED_FOR.keys() - {"own user"}
    assert answer in REFUSED
