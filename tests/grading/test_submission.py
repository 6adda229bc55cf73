"""What a submission.py must be, and what a student is told where it is not."""

from __future__ import annotations

import pytest

from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput
from carrychain.grading import submission as submission_module
from carrychain.grading.redaction import redact
from carrychain.grading.submission import check, load
from carrychain.sandbox import Failure, Kind, Limits

PREFIX, SUFFIX = "Question: What is ", "?\nAnswer: "
TOKEN = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"[:34]


def codes(submission):
    return [finding.code for finding in submission.findings]


def errors(submission):
    return [finding.code for finding in submission.findings if finding.severity == "error"]


# --- files as students hand them in --------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"imports": "import json, collections, argparse, re\nimport numpy as np\nimport requests"},
        {"net_id": "def your_net_id():\n    YOUR_NET_ID = 'ab1234'\n    return YOUR_NET_ID"},
        {"prompt": f"def your_prompt():\n    print('hello')\n    return [{PREFIX!r}, {SUFFIX!r}]"},
        {"prompt": f"T = open('prompt.txt').read()\ndef your_prompt(): return T, {SUFFIX!r}"},
        {
            "prompt": "import os, pathlib\ndef your_prompt():\n"
            "    here = os.path.dirname(os.path.abspath(__file__))\n"
            "    assert pathlib.Path(__file__).with_name('prompt.txt').exists()\n"
            "    return open(os.path.join(here, 'prompt.txt')).read(), '?\\nAnswer: '"
        },
        {"post": "def your_post_processing(s): return np.int64(re.search(r'\\d+', s + ' 0')[0])"},
        {"post": "your_post_processing = lambda s: int(re.search(r'\\d+', s + ' 0')[0])"},
    ],
    ids=["plain", "imports", "net_id", "list", "prompt.txt", "__file__", "numpy", "lambda"],
)
def test_files_that_students_have_run_unchanged(write, workshop, tmp_path, parts):
    (tmp_path / "prompt.txt").write_text("Question: What is ")
    submission = check(write(**parts), workshop)
    assert submission.findings == ()
    assert submission.runnable
    assert submission.net_id == "ab1234"
    assert (submission.prefix, submission.suffix) == (PREFIX, SUFFIX)
    assert submission.sampling == SamplingParams()
    assert submission.pre(["1+2", "3+4"]) == ["1+2", "3+4"]
    assert submission.post(["12 x", "none"]) == [12, 0]


def test_a_file_of_earlier_years_has_an_api_key_in_place_of_net_id_and_token(write, workshop):
    key = "def your_api_key():\n    YOUR_API_KEY = 'YOUR_API_KEY'\n    return YOUR_API_KEY"
    submission = check(write(net_id=key, token=""), workshop)
    assert submission.runnable
    assert errors(submission) == []
    assert codes(submission) == ["empty-net-id", "empty-token"]


def test_numpy_values_in_the_config_are_taken_as_numbers(write, workshop):
    config = (
        "def your_config():\n    return dict(max_tokens=np.int64(60), temperature=np.float32(.5), "
        "top_k=np.int32(5), top_p=1, repetition_penalty=np.float64(1.2), stop=('\\n',))"
    )
    submission = check(write(config=config), workshop)
    assert submission.findings == ()
    assert submission.sampling == SamplingParams(60, 0.5, 5, 1, 1.2, ("\n",))


@pytest.mark.parametrize(
    ("stop", "strings", "found"),
    [
        ("None", (), []),
        ("''", (), []),
        ("'Q:'", ("Q:",), []),
        ("['\\n', 'Q:']", ("\n", "Q:"), []),
        ("['', 'Q:']", ("Q:",), ["empty-stop"]),
    ],
)
def test_stop_is_a_list_a_string_or_nothing(write, workshop, stop, strings, found):
    submission = load(write(config=config_with(f"'stop': {stop}")), workshop)
    assert submission.sampling.stop == strings
    assert codes(submission) == found


def config_with(entry):
    return (
        "def your_config():\n    return {**{'max_tokens': 50, 'temperature': 0.7, 'top_k': 50, "
        f"'top_p': 0.6, 'repetition_penalty': 1, 'stop': []}}, {entry}}}"
    )


def config_without(key):
    whole = config_with("'stop': []")
    return (
        f"{whole}\nwhole = your_config\ndef your_config():\n"
        f"    config = whole()\n    del config[{key!r}]\n    return config"
    )


# --- findings ------------------------------------------------------------------------------------

FAULTS = {
    "no prompt": ({"prompt": ""}, "missing-function", ["your_prompt"]),
    "no config": ({"config": ""}, "missing-function", ["your_config"]),
    "no pre": ({"pre": ""}, "missing-function", ["your_pre_processing"]),
    "no post": ({"post": ""}, "missing-function", ["your_post_processing"]),
    "no net id": ({"net_id": ""}, "missing-function", ["your_netid", "your_net_id"]),
    "no token": ({"token": ""}, "missing-function", ["your_hf_token"]),
    "empty net id": ({"net_id": "def your_netid(): return ' '"}, "empty-net-id", ["your_netid"]),
    "placeholder": (
        {"net_id": "def your_net_id(): return 'YOUR_NET_ID'"},
        "empty-net-id",
        ["your_net_id"],
    ),
    "net id 5": ({"net_id": "def your_netid(): return 5"}, "net-id-not-a-string", ["one int"]),
    "wrong key": (
        {"config": config_with("'max_token': 50")},
        "wrong-key",
        ["'max_token'", "did you mean max_tokens"],
    ),
    "missing key": ({"config": config_without("top_p")}, "missing-key", ["'top_p'"]),
    "max_tokens 49": (
        {"config": config_with("'max_tokens': 49")},
        "max-tokens-below-50",
        ["49", "at least 50"],
    ),
    "max_tokens text": (
        {"config": config_with("'max_tokens': '50'")},
        "wrong-config-value",
        ["max_tokens is '50'", "whole number"],
    ),
    "max_tokens float": (
        {"config": config_with("'max_tokens': 50.0")},
        "wrong-config-value",
        ["50.0", "whole number"],
    ),
    "temperature": (
        {"config": config_with("'temperature': -1")},
        "wrong-config-value",
        ["temperature is -1"],
    ),
    "top_p": ({"config": config_with("'top_p': True")}, "wrong-config-value", ["top_p is True"]),
    "stop 5": ({"config": config_with("'stop': 5")}, "wrong-config-value", ["stop is 5"]),
    "stop [5]": ({"config": config_with("'stop': [5]")}, "wrong-config-value", ["stop is (5,)"]),
    "config list": (
        {"config": "def your_config(): return [50]"},
        "config-not-a-dictionary",
        ["1 values (int)", "dictionary"],
    ),
    "config of other keys": (
        {"config": "def your_config(): return {1: 2}"},
        "config-not-a-dictionary",
        ["the key 1"],
    ),
    "one string": (
        {"prompt": "def your_prompt(): return 'What is '"},
        "prompt-not-two-strings",
        ["one string", "two strings"],
    ),
    "three strings": (
        {"prompt": "def your_prompt(): return 'a', 'b', 'c'"},
        "prompt-not-two-strings",
        ["3 values"],
    ),
    "string and number": (
        {"prompt": "def your_prompt(): return 'a', 5"},
        "prompt-not-two-strings",
        ["2 values (str, int)"],
    ),
    "no return": (
        {"prompt": "def your_prompt(): 'a', 'b'"},
        "prompt-not-two-strings",
        ["nothing (None)"],
    ),
    "a set": (
        {"prompt": "def your_prompt(): return {'a', 'b'}"},
        "prompt-not-two-strings",
        ["set"],
    ),
    "half a pair": (
        {"prompt": "def your_prompt(): return 'a', '\\ud800'"},
        "prompt-not-two-strings",
        ["U+D800, half a character"],
    ),
    "a long prompt": (
        {"prompt": "def your_prompt(): return 'x' * 150_000, 'y' * 150_000"},
        "prompt-too-long",
        ["300,000 characters"],
    ),
    "two characters": (
        {"prompt": r"def your_prompt(): return 'What is ', '?\\nAnswer: '"},
        "literal-backslash-n",
        [r"\n as two characters"],
    ),
    "prompt raises": (
        {"prompt": "def your_prompt():\n    x = 1\n    return x / 0"},
        "exception",
        ["your_prompt raised ZeroDivisionError", "(return x / 0)", "division by zero"],
    ),
    "pre raises": (
        {"pre": "def your_pre_processing(s):\n    return s.split('-')[1]"},
        "exception",
        ["your_pre_processing raised IndexError on 2 of 2", "(return s.split('-')[1])"],
    ),
    "post raises": (
        {"post": "def your_post_processing(s):\n    return int(s.splitlines()[0].strip('?'))"},
        "exception",
        ["your_post_processing raised ", "return int("],
    ),
    "pre number": (
        {"pre": "def your_pre_processing(s): return 5"},
        "not-a-string",
        ["your_pre_processing returned what is not a string", "5 (int)"],
    ),
    "post text": (
        {"post": "def your_post_processing(s): return s[:8]"},
        "not-an-integer",
        ["your_post_processing returned what is not an integer", "the text '8888888"],
    ),
    "post float": (
        {"post": "def your_post_processing(s): return 5.0"},
        "not-an-integer",
        ["3 of 3", "5.0 (float)"],
    ),
    "post bool": ({"post": "def your_post_processing(s): return True"}, "not-an-integer", ["bool"]),
    "post None": ({"post": "def your_post_processing(s): pass"}, "not-an-integer", ["None"]),
    "no parameter": (
        {"post": "def your_post_processing(): return 5"},
        "exception",
        ["TypeError", "positional"],
    ),
    "import": (
        {"imports": "import re\nimport no_such_module"},
        "import-failed",
        ["line 2 (import no_such_module)", "No module named 'no_such_module'"],
    ),
    "syntax": ({"pre": "def your_pre_processing(s) return s"}, "import-failed", ["SyntaxError"]),
    "statement": ({"imports": "import re\nx = {}['k']"}, "import-failed", ["KeyError", "line 2"]),
    "exit": ({"imports": "import os, re\nos._exit(3)"}, "ended-itself", ["the file ended"]),
    "sys.exit": ({"imports": "import sys, re\nsys.exit(3)"}, "import-failed", ["SystemExit"]),
    "writes": (
        {"pre": "def your_pre_processing(s): return open('a.txt', 'w').write(s)"},
        "forbidden",
        ["tried what a submission may not do", "a.txt"],
    ),
}


@pytest.mark.parametrize(("parts", "code", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_one_finding_with_its_own_code_and_one_sentence(
    write, workshop, parts, code, said
):
    submission = check(write(**parts), workshop)
    assert set(codes(submission)) == {code}
    text = " ".join(map(str, submission.findings))
    for part in said:
        assert part in text
    for finding in submission.findings:
        assert "\n" not in str(finding)
        assert not finding.message.endswith(".")
        assert "Traceback" not in str(finding)


def test_every_fault_of_a_file_is_found_at_once(write, workshop):
    submission = check(
        write(
            net_id="def your_netid(): return ''",
            token="def your_hf_token(): return ''",
            prompt="def your_prompt(): return 'a'",
            config="def your_config(): return {'max_tokens': 8, 'top_k': 'x', 'seed': 1}",
            post="def your_post_processing(s): return '1'",
        ),
        workshop,
    )
    assert sorted(codes(submission)) == sorted(
        ["prompt-not-two-strings", "wrong-key", "wrong-config-value", "max-tokens-below-50"]
        + ["missing-key"] * 4
        + ["empty-net-id", "empty-token", "not-an-integer"]
    )
    assert not submission.runnable
    assert len(errors(submission)) == 10


def test_an_exception_on_an_output_without_a_number_is_a_warning(write, workshop):
    post = "def your_post_processing(s):\n    return int(re.findall(r'\\d+', s)[0])"
    submission = check(write(post=post), workshop)
    (finding,) = submission.findings
    assert (finding.code, finding.severity) == ("exception", "warning")
    assert "on 2 of 3 sample outputs" in finding.message
    assert (
        finding.line
        == write().read_text().splitlines().index("def your_post_processing(output_string):") + 2
    )
    assert errors(submission) == []


def test_a_key_too_much_leaves_the_submission_runnable_and_a_key_too_few_does_not(write, workshop):
    more = load(write(config=config_with("'seed': 1")), workshop)
    fewer = load(write(config=config_without("stop")), workshop)
    assert more.runnable
    assert more.sampling == SamplingParams()
    assert not fewer.runnable
    assert fewer.sampling is None


# --- what ends or hangs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("while True: pass", "timeout"),
        ("bytearray(1 << 40)", "out-of-memory"),
        ("import os; os._exit(0)", "ended-itself"),
        ("while True: print('x' * 9999)", "printed-too-much"),
    ],
)
@pytest.mark.parametrize("where", ["imports", "pre"])
def test_what_ends_or_hangs_is_a_finding(write, workshop, monkeypatch, where, work, code):
    monkeypatch.setattr(submission_module, "LIMITS", Limits(seconds=0.5))
    if where == "imports":
        path = write(imports=f"import re\n{work}")
    else:
        path = write(pre=f"def your_pre_processing(s):\n    {work}")
    assert set(codes(check(path, workshop))) == {code}


def test_a_file_that_is_no_python_text_is_a_finding(tmp_path, workshop):
    cases = {
        "bytes.py": b"\xff\xfe\x00",
        "zeros.py": b"x = 1\x00",
        "long.py": b"#" * 2_000_000,
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        (found,) = check(tmp_path / name, workshop).findings
        assert found.code in ("unreadable", "import-failed")
        assert found.message.startswith("the file ")


def test_a_link_is_not_followed(write, tmp_path, workshop):
    secret = write("secret.py")
    (tmp_path / "submission.py").symlink_to(secret)
    assert codes(check(tmp_path / "submission.py", workshop)) == ["unreadable"]
    (tmp_path / "prompt.txt").symlink_to("/etc/passwd")
    assert codes(check(secret, workshop)) == ["unreadable"]


def test_a_file_that_is_not_there_is_the_callers_mistake(tmp_path, workshop):
    with pytest.raises(InvalidInput, match=r"no\.py can't be read: No such file"):
        load(tmp_path / "no.py", workshop)


@pytest.mark.parametrize("deep", ["-" * 100_000 + "1", "a" + ".b" * 100_000, "(" * 100_000])
def test_a_source_too_deep_to_be_parsed_breaks_nothing(write, workshop, deep):
    submission = check(write(imports=f"import re\ndef f():\n    return {deep}"), workshop)
    assert set(codes(submission)) <= {"import-failed", "out-of-memory", "ended-itself"}
    assert not submission.runnable


# --- calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "value"),
    [
        ("np.int8(-5)", -5),
        ("np.uint64(2**64 - 1)", 2**64 - 1),
        ("np.array(7)", 7),
        ("10**1000", 10**1000),
        ("-3", -3),
        ("type('Lie', (int,), {'__eq__': lambda a, b: True})(4)", 4),
    ],
)
def test_integers_come_back_exactly_and_plain(write, workshop, returned, value):
    post = f"def your_post_processing(s):\n    return {returned}"
    (answer,) = load(write(post=post), workshop).post(["x"])
    assert type(answer) is int
    assert answer == value


@pytest.mark.parametrize(
    "returned",
    ["True", "np.True_", "5.0", "np.float64(5)", "'5'", "None", "[5]", "np.array([5])", "10**9999"],
)
def test_what_is_no_integer_is_a_failure(write, workshop, returned):
    post = f"def your_post_processing(s):\n    return {returned}"
    (answer,) = load(write(post=post), workshop).post(["x"])
    assert isinstance(answer, Failure)
    assert answer.kind is Kind.VALUE


def test_nothing_passes_from_pre_to_post_but_in_one_child(write, workshop):
    pre = "seen = []\ndef your_pre_processing(s):\n    seen.append(s)\n    return s"
    post = "def your_post_processing(s):\n    return len(seen)"
    submission = load(write(pre=pre, post=post), workshop)
    assert submission.pre(["1+2", "3+4"]) == ["1+2", "3+4"]
    assert submission.post(["a", "b"]) == [0, 0]
    assert submission.pre_then_post(["1+2", "3+4"], ["a"]) == (["1+2", "3+4"], [2])


# --- tokens --------------------------------------------------------------------------------------


def test_the_token_is_never_called(write, workshop):
    token = "def your_hf_token():\n    import os\n    os._exit(1)\n    return 'x'"
    assert check(write(token=token), workshop).findings == ()


@pytest.mark.parametrize(
    ("body", "empty"),
    [
        ("return ''", True),
        ("return '  '", True),
        ("return None", True),
        ("pass", True),
        ("return 'YOUR_HF_TOKEN'", True),
        ("YOUR_HF_TOKEN = ''\n    return YOUR_HF_TOKEN", True),
        ("'''Your token.'''\n    return EMPTY", True),
        ("return 'hf_abcdefghijklmn'", False),
        ("token = 'hf_abcdefghijklmn'\n    return token", False),
        ("import os\n    return os.environ['HF_TOKEN']", False),
        ("return open('token.txt').read()", False),
    ],
)
def test_an_empty_token_is_read_from_the_source(write, workshop, body, empty):
    submission = check(write(token=f"EMPTY = ''\ndef your_hf_token():\n    {body}"), workshop)
    assert codes(submission) == ["empty-token"] * empty
    assert errors(submission) == []


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        "sk-proj-abcDEF123456_x",
        "ghp_abcdefghijklmnopqrst",
        "github_pat_11ABCDEFG_abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-123456789-abc",
        "0123456789abcdef" * 4,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_1",
    ],
)
def test_what_looks_like_a_token_is_hidden_at_its_length(text):
    for around in ("{}", "x = '{}'", "key={}, more", "({})\n"):
        line = around.format(text)
        assert text not in redact(line)
        assert redact(line) == around.format("*" * len(text))


@pytest.mark.parametrize(
    "text",
    [
        "Question: What is 1234567+7654321?\nAnswer: 8888888",
        "1" * 200,
        "your_hf_token is left empty",
        "hf_token = None",
        "risk-averse, task-oriented-learning",
    ],
)
def test_what_is_no_token_stands(text):
    assert redact(text) == text


PLANTED = "shh-MyOwnSecret42"


@pytest.mark.parametrize("secret", [TOKEN, PLANTED])
def test_a_planted_token_is_shown_nowhere(write, workshop, secret):
    token = f"SECRET = {secret!r}\ndef your_hf_token():\n    return {secret!r}"
    parts = {
        "net_id": "def your_netid(): return SECRET",
        "config": config_with("SECRET: SECRET, 'top_k': SECRET, 'stop': [SECRET, 5]"),
        "pre": f"def your_pre_processing(s): raise ValueError(SECRET)  # {secret}",
        "post": "def your_post_processing(s): print(SECRET); return SECRET",
    }
    for own in (parts, {"imports": f"raise ValueError({secret!r})"}):
        submission = check(write(token=token, **own), workshop)
        assert len(submission.findings) > 0
        shown = [submission.net_id, repr(submission.findings), repr(submission.pre(["1+2"]))]
        shown += [repr(finding.as_dict()) for finding in submission.findings]
        shown += [repr(submission.post(["x"]))]
        assert secret not in " ".join(shown)


def test_an_exception_named_after_what_it_saw_tells_it_only_as_a_detail(write, workshop):
    pre = "def your_pre_processing(s):\n    raise type('Saw' + s, (Exception,), {})('and ' + s)"
    submission = check(write(pre=pre), workshop)
    for finding in submission.findings:
        assert "1234567" not in finding.message
        assert "9999999" not in finding.message
    assert "Saw1234567+7654321" in submission.findings[0].detail
