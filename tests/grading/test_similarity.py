"""Who shares a prompt or code is listed, whatever was renamed, and the template is nobody's."""

from importlib.resources import files

import pytest

from carrychain.grading.similarity import Work, alike

CODE = '''
import re
LABEL = "Answer:"

def your_netid():
    return "one"

def last_line(text):
    """The last line with a digit."""
    lines = [line for line in text.split("\\n") if any(c.isdigit() for c in line)]
    return lines[-1] if lines else ""

def your_post_processing(output_string):
    # take what follows the label
    found = re.search(r"\\d+", last_line(output_string).split(LABEL)[-1].replace(",", ""))
    try:
        return int(found[0])
    except TypeError as error:
        return 0
'''

REWRITTEN = '''
"""My own work."""
import re as regex

def your_post_processing(o: str) -> int:
    """Read the number."""
    m = regex.search(r"\\d+", helper(o).split(MARK)[-1].replace(",", ""))
    try:
        return int(m[0])
    except TypeError as e:
        return 0

def helper(t):
    ls = [l for l in t.split("\\n") if any(x.isdigit() for x in l)]
    return ls[-1] if ls else ""

MARK: str = "Answer:"

def your_net_id():
    return "two"
'''
TEMPLATE = files("carrychain.handout").joinpath("submission.py").read_text("utf-8")


def groups(*works):
    named = [Work(f"s{k}", f"s{k}.py", *work) for k, work in enumerate(works)]
    return [(group.what, [student for student, _ in group.works]) for group in alike(named)]


def test_renamed_reordered_and_commented_code_is_the_same():
    assert groups((CODE, None), (REWRITTEN, None)) == [("code", ["s0", "s1"])]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[-1] if lines", "[0] if lines"),
        ('"Answer:"', '"Result:"'),
        ("isdigit", "isdecimal"),
        ("int(found[0])", "max(found[0])"),
        ("return 0", "return 1"),
    ],
)
def test_code_that_does_something_else_is_not_the_same(old, new):
    assert old in CODE
    assert groups((CODE, None), (CODE.replace(old, new), None)) == []


def test_prompts_are_compared_without_case_and_spaces():
    one, other = "Question:  What is {problem}?\nanswer: ", "question: what is {problem}? Answer:"
    assert groups(("", one), ("", other), ("", "Add {problem}")) == [("prompt", ["s0", "s1"])]


def test_the_handouts_template_is_nobodys_own():
    prompt = "Question: What is 3+7?\nAnswer: 10\nQuestion: What is {problem}?\nAnswer: "
    assert groups((TEMPLATE, prompt), (TEMPLATE, prompt)) == []
    own = TEMPLATE.replace('r"\\d+"', 'r"[0-9]{7,8}"')
    assert own != TEMPLATE
    assert groups((TEMPLATE, prompt), (own, prompt), (own, "mine {problem}")) == [
        ("code", ["s1", "s2"])
    ]


def test_one_students_own_attempts_are_no_group():
    works = [Work("a", "1", CODE, "p"), Work("a", "2", CODE, "p")]
    assert alike(works) == []
    both = alike([*works, Work("b", "3", CODE, "q")])
    assert [(group.what, group.works) for group in both] == [
        ("code", (("a", "1"), ("a", "2"), ("b", "3")))
    ]


def test_what_is_shared_is_told_and_short_code_is_said_to_be_short():
    short = "def your_post_processing(o):\n    return int(o.split()[0])\n"
    (group,) = alike([Work("a", "1", short, None), Work("b", "2", short, None)])
    assert group.short
    assert "int(o.split()[0])" in group.shared
    (group,) = alike([Work("a", "1", CODE, None), Work("b", "2", CODE, None)])
    assert not group.short
    assert len(group.shared) <= 201


@pytest.mark.parametrize(
    "program", ["def f(:", "\0", "(" * 5000, "x = " + "-" * 20000 + "1", "", "import re"]
)
def test_a_file_that_is_no_program_is_passed_over(program):
    assert groups((program, None), (program, None)) == []


def test_a_doubtful_escape_in_a_students_string_is_no_warning_of_ours():
    program = 'def your_post_processing(o):\n    return int(o.strip("\\d"))\n'
    assert groups((program, None), (program, None)) == [("code", ["s0", "s1"])]
