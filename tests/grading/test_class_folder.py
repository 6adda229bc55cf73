"""The folder of a class: a secret that stays one, every attempt kept, faults in one sentence."""

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from carrychain.errors import InvalidInput
from carrychain.grading.class_folder import ClassFolder, create
from carrychain.grading.class_report import gather, write_report
from carrychain.grading.classroom import grade_class
from carrychain.grading.inbox import HandIn, Student
from carrychain.grading.integrity import Integrity, Reason
from carrychain.grading.store import Store

NASTY = "<script>alert(1)</script>|`x`\n# *y*"
TOKEN = "hf_" + "AbCdEfGhIjKlMnOp"
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.fixture
def room(tmp_path):
    return create(tmp_path / "hw3", name="Homework 3")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def names(room):
    return [(entry.called, entry.hand_in.name) for entry in room.entries()]


@pytest.mark.skipif(os.name == "nt", reason="there are no such permissions")
def test_the_seed_and_the_folder_are_their_owners_only(room):
    assert mode(room.folder / "seed") == 0o600
    assert mode(room.folder) == 0o700
    assert str(room.seed) not in repr(room)
    assert room.seed > 2**32


def test_every_class_has_a_seed_of_its_own(room, tmp_path):
    assert create(tmp_path / "other").seed != room.seed


@pytest.mark.skipif(os.name == "nt", reason="there are no such permissions")
def test_a_seed_that_others_can_read_is_refused(room):
    (room.folder / "seed").chmod(0o640)
    with pytest.raises(InvalidInput, match="can be read by others; make it yours: chmod 600"):
        ClassFolder.open(room.folder)


def test_a_class_without_its_seed_is_one_sentence(room):
    (room.folder / "seed").unlink()
    with pytest.raises(InvalidInput, match="hw3 has no seed"):
        ClassFolder.open(room.folder)


def test_a_seed_that_is_none_is_refused_without_showing_it(room):
    (room.folder / "seed").write_text("sesame\n")
    with pytest.raises(InvalidInput, match="holds no seed") as error:
        ClassFolder.open(room.folder)
    assert "sesame" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('time_zone = "UTC"', 'time_zone = "Mars"', "time_zone is 'Mars'"),
        ("after = 1.0", "after = 1.5", "late.after is 1.5"),
        ("steps = []", "steps = [{ hours = 0, keeps = 1.0 }]", "late.steps.1.hours is 0"),
        ("part1 = 35", "part1 = -1", "weights.part1 is -1"),
        ("part1 = 35", "part9 = 35", "weights.part1 is missing"),
        ("ranked = true", "ranked = true\nrank = 1", "late.rank is no key of a class"),
        ('counts = "best"', 'counts = "worst"', "counts is 'worst'"),
        ("# attempts_a_day = 5", "attempts_a_day = 0", "attempts_a_day is 0"),
        ("[late]", "[late", "is no TOML"),
    ],
)
def test_what_is_wrong_in_the_file_of_the_class_is_named(room, old, new, said):
    edit(room.folder / "class.toml", old, new)
    with pytest.raises(InvalidInput) as error:
        ClassFolder.open(room.folder)
    assert "class.toml" in str(error.value)
    assert said in str(error.value)


def test_rules_are_read_from_the_files(tmp_path):
    name = 'say "hi" \\ 😀\x7f'
    deadline = datetime(2026, 12, 1, 23, 59)
    room = create(
        tmp_path / "c", name=name, deadline=deadline, time_zone="Europe/Berlin", attempts_a_day=3
    )
    edit(room.folder / "class.toml", "# ab1234 = 2026", "AB1234 = 2026")
    edit(room.folder / "class.toml", 'model = "mini"', 'model = "smollm2"')
    room = ClassFolder.open(room.folder)
    assert room.settings.name == name
    assert room.policy.deadline == datetime(2026, 12, 1, 22, 59, tzinfo=UTC)
    assert room.policy.extensions == {"ab1234": datetime(2026, 12, 3, 22, 59, tzinfo=UTC)}
    assert room.policy.attempts_a_day == 3
    assert room.rubric.model == "smollm2"
    assert room.policy.integrity == room.rubric.integrity


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="is there already"):
        create(tmp_path)
    with pytest.raises(InvalidInput, match="is there already"):
        create(tmp_path / "mine.txt")
    with pytest.raises(InvalidInput, match="can't be made"):
        create(tmp_path / "none" / "c")
    with pytest.raises(InvalidInput, match="time_zone is 'Mars'"):
        create(tmp_path / "c", time_zone="Mars")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert create(tmp_path / "empty").settings.name == "empty"


def test_no_class_is_one_sentence(tmp_path):
    with pytest.raises(InvalidInput, match="is no folder of a class; `carrychain class new"):
        ClassFolder.open(tmp_path)


def test_every_attempt_is_kept_and_the_same_again_is_none(room):
    first, second = HandIn("in/a.py", b"1", handed_in=NOON), HandIn("in/a.py", b"2", b"prompt")
    some = [first, HandIn("in/../é b.py", b"3"), HandIn("x/submission.py", b"4")]
    assert [name for _, name in room.add(some)] == ["a-1", "b-1", "x-1"]
    assert [name for _, name in room.add([first, second, second])] == ["", "a-2", ""]
    assert [name for _, name in room.add([second, first])] == ["", "a-3"]
    kept = {entry.hand_in.name: entry.hand_in for entry in room.entries()}
    assert (kept["a-1"].program, kept["a-1"].handed_in) == (b"1", NOON)
    assert (kept["a-2"].program, kept["a-2"].prompt) == (b"2", b"prompt")
    assert kept["a-1"].digest == first.digest
    assert kept["a-2"].handed_in is not None


def test_what_has_nothing_to_grade_is_kept_with_the_reason(room):
    students = (Student("Ada", "ada@x.edu", "1"),)
    bad = HandIn("s", problem="there is no submission.py", students=students, handed_in=NOON)
    assert [name for _, name in room.add([bad, bad])] == ["s-1", ""]
    (entry,) = room.entries()
    assert entry.hand_in == replace(bad, name="s-1")


def test_an_add_that_was_killed_leaves_nothing_that_counts(room):
    (room.folder / "submissions" / ".adding-1").mkdir()
    assert room.entries() == []
    (room.folder / "submissions" / "mine").mkdir()
    with pytest.raises(InvalidInput, match=r"entry\.json can't be read"):
        room.entries()


def test_grades_of_another_class_are_refused(room, tmp_path):
    room.store().close()
    other = create(tmp_path / "other", store=str(room.folder / "grades.sqlite"))
    with pytest.raises(InvalidInput, match="holds the grades of another class"):
        other.store()


def test_the_public_names_follow_from_the_seed_also_in_a_new_database(room, a_grade):
    aliases = []
    for _ in range(2):
        with room.store() as store:
            store.add("k", a_grade)
            store.belongs(HandIn("a"), "k", ["ab1234"])
            aliases.append(store.students())
        for file in room.folder.glob("grades.sqlite*"):
            file.unlink()
    assert aliases[0] == aliases[1]


@pytest.fixture
def graded(room, a_grade):
    """A class of which three are graded: one is clean, one is nasty and for review."""
    reason = Reason("selection", NASTY, "your_post_processing", TOKEN, "", "")
    room.folder.joinpath("class.toml").write_text(
        room.folder.joinpath("class.toml").read_text().replace("Homework 3", "A & <b>")
    )
    room = ClassFolder.open(room.folder)
    some = [
        HandIn("a.py", b"def your_post_processing(o):\n    return int(o[:7])\n"),
        HandIn("b.py", b"def your_post_processing(x):\n    return int(x[:7])\n"),
        HandIn("c.py", b"def f(:"),
        HandIn("d.py", problem=f"no {NASTY}"),
    ]
    list(room.add(replace(each, handed_in=NOON) for each in some))

    def grade(path):
        text = path.read_bytes()
        if b"o[:7]" in text:
            return replace(a_grade, net_id="ab1234")
        integrity = Integrity("review", (reason,), ())
        return replace(a_grade, net_id=NASTY, integrity=integrity, acc=0.1, score=5.0)

    with room.store() as store:
        hand_ins = [entry.hand_in for entry in room.entries()]
        grade_class(hand_ins, grade, lambda hand_in: hand_in.digest, store)
        yield room, store


def test_the_report_has_everyone_what_waits_and_who_is_alike(graded):
    room, store = graded
    report = gather(room, store)
    assert len(report.lines) == 2
    nasty = next(line.net_id for line in report.lines if line.net_id != "ab1234")
    assert [line.net_id for line in report.waiting] == [nasty]
    assert report.not_graded == (("d-1", f"no {NASTY}"),)
    assert [(group.what, len(group.works)) for group in report.alike] == [("code", 2)]
    assert {line.attempts for line in report.lines} == {1, 2}
    written = write_report(room, report, store)
    assert all(path.stat().st_size > 0 for path in written)
    assert len([path for path in written if path.suffix == ".png"]) == 4
    data = report.as_dict()
    assert data["class"] == "A & <b>"
    assert {student["rank"] for student in data["students"]} == {1, 2}


def test_the_report_escapes_whatever_a_student_wrote_and_tells_no_secret(graded):
    room, store = graded
    written = write_report(room, gather(room, store), store)
    page = (room.report / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<title>A &amp; &lt;b&gt;</title>" in page
    markdown = (room.report / "report.md").read_text()
    assert "<script" not in markdown
    assert "\n# *y*" not in markdown
    assert "```text\ndef your_post_processing" in markdown
    for path in written:
        content = path.read_bytes()
        assert str(room.seed).encode() not in content
        assert TOKEN.encode() not in content
    public = (room.report / "leaderboard-public.csv").read_text()
    assert "ab1234" not in public
    assert "script" not in public


def test_a_class_in_which_nobody_is_graded_has_a_report_too(room):
    with room.store() as store:
        report = gather(room, store)
        assert [path.suffix for path in write_report(room, report, store)].count(".png") == 0
    assert "0 students, 0 attempts" in (room.report / "report.md").read_text()


def test_a_class_can_be_kept_in_a_database_elsewhere(tmp_path, a_grade):
    where = f"sqlite:///{tmp_path}/elsewhere.sqlite"
    room = create(tmp_path / "c", store=where)
    with room.store() as store:
        store.add("k", a_grade)
        store.belongs(HandIn("a"), "k", ["ab1234"])
    assert not (room.folder / "grades.sqlite").exists()
    with Store(where) as store:
        assert store.students().keys() == {"ab1234"}
