"""What was handed in is found in every form that it comes in, and nothing else is read."""

import os
import stat
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carrychain.errors import InvalidInput
from carrychain.grading import inbox
from carrychain.grading.inbox import find

METADATA = """\
submission_409194023:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1815'
    :email: ada@example.edu
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-04-26 17:34:00.861687000 Z
  :score: 2.0
  :results:
    output: |-
      submission_1: not an entry
submission_5:
  :submitters:
  - :name: Emmy Noether
    :sid: 1882
    :email: emmy@example.edu
  - :name: 'Blaise: Pascal'
    :sid: '1623'
"""


def write(path, content=b"x = 1\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def pack(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path("class")


def test_a_file_comes_with_the_prompt_beside_it(folder):
    write(folder / "mine.py", b"mine")
    write(folder / "prompt.txt", b"prompt")
    (found,) = find([folder / "mine.py"])
    assert (found.name, found.program, found.prompt) == ("class/mine.py", b"mine", b"prompt")


def test_a_folder_with_a_submission_is_that_submission_alone(folder):
    for name in ("submission.py", "run_tests.py", "helper.py"):
        write(folder / name, name.encode())
    (found,) = find([folder])
    assert (found.name, found.program, found.prompt) == ("class", b"submission.py", None)


def test_files_in_one_folder_do_not_see_a_prompt_that_may_be_anothers(folder):
    write(folder / "a.py")
    write(folder / "prompt.txt")
    (alone,) = find([folder])
    assert alone.prompt is not None
    write(folder / "b.py")
    said = []
    assert [each.prompt for each in find([folder], said.append)] == [None, None]
    assert "prompt.txt" in said[0]


def test_folders_zips_and_files_are_found_side_by_side(folder):
    write(folder / "a.py", b"a")
    write(folder / "b" / "hw3" / "submission.py", b"b")
    write(folder / "b" / "hw3" / "prompt.txt", b"prompt of b")
    pack(folder / "c.zip", **{"hw/submission.py": b"c", "hw/prompt.txt": b"prompt of c"})
    write(folder / "__pycache__" / "submission.py")
    write(folder / ".git" / "submission.py")
    write(folder / "earlier" / "grades.sqlite")
    found = find([folder])
    assert [(each.name, each.program, each.prompt) for each in found] == [
        ("class/a.py", b"a", None),
        ("class/b", b"b", b"prompt of b"),
        ("class/c.zip", b"c", b"prompt of c"),
    ]


def test_an_export_tells_whose_each_submission_is(folder):
    write(folder / "submission_metadata.yml", METADATA.encode())
    write(folder / "submission_409194023" / "submission.py", b"ada's")
    write(folder / "submission_77" / "submission.py", b"whose?")
    nobody, lost, adas = sorted(find([folder]), key=lambda each: each.name, reverse=True)
    assert (adas.program, adas.problem) == (b"ada's", "")
    assert adas.students == (inbox.Student("Ada Lovelace", "ada@example.edu", "1815"),)
    assert nobody.students == ()
    assert [str(each) for each in lost.students] == [
        "Emmy Noether <emmy@example.edu>",
        "Blaise: Pascal",
    ]
    assert "no such folder" in lost.problem


def test_the_submission_nearest_to_the_top_counts(folder):
    write(folder / "a" / "submission.py", b"top")
    write(folder / "a" / "old" / "submission.py", b"old")
    write(folder / "a" / "__MACOSX" / "submission.py", b"mac")
    (found,) = find([folder])
    assert found.program == b"top"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"notes.md": b""}, "there is no submission.py"),
        ({"a/submission.py": b"", "b/submission.py": b""}, "there are 2 submission.py"),
        ({"../submission.py": b""}, "there is no submission.py"),
        ({"/submission.py": b""}, "there is no submission.py"),
        ({"submission.py": b"#" * ((1 << 20) + 1)}, "larger than 1,048,576 bytes"),
        ({"submission_metadata.yml": b"", "x/submission.py": b""}, "whole Gradescope export"),
    ],
)
def test_a_zip_without_one_submission_is_a_problem_of_its_own(folder, files, said):
    write(folder / "good.py")
    pack(folder / "bad.zip", **files)
    bad, good = find([folder])
    assert said in bad.problem
    assert good.problem == ""


def test_a_zip_writes_nothing_and_only_two_files_of_it_are_read(folder, tmp_path):
    write(folder / "a.py")
    pack(
        folder / "z.zip",
        **{
            "submission.py": b"z",
            "../../evil.py": b"evil",
            "prompt.txt": b"p",
            "big": b"0" * 10**7,
        },
    )
    before = sorted(tmp_path.rglob("*"))
    found = find([folder])[1]
    assert (found.program, found.prompt) == (b"z", b"p")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_bomb_costs_no_more_than_the_limit(folder):
    folder.mkdir()
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", b"\0" * 10**8)
    data = bytearray((folder / "bomb.zip").read_bytes())
    size = (10**8).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:  # both headers lie about the size
        data[at : at + 4] = (10).to_bytes(4, "little")
    (folder / "bomb.zip").write_bytes(data)
    (found,) = find([folder])
    assert found.problem
    assert len(found.program) <= inbox.MOST_BYTES


def test_a_damaged_zip_and_an_encrypted_one_are_problems(folder):
    write(folder / "a.zip", b"no zip at all")
    pack(folder / "b.zip", **{"submission.py": b"x"})
    data = bytearray((folder / "b.zip").read_bytes())
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    (folder / "b.zip").write_bytes(data)
    damaged, encrypted = find([folder])
    assert "can't be read" in damaged.problem
    assert "encrypted" in encrypted.problem


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_links_are_not_followed(folder, tmp_path):
    secret = write(tmp_path / "secret.txt", b"secret")
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "submission.py").symlink_to(secret)
    write(folder / "b" / "submission.py")
    (folder / "b" / "prompt.txt").symlink_to(secret)
    (folder / "c").symlink_to(tmp_path)
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        link = zipfile.ZipInfo("submission.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(secret))
    os.mkfifo(folder / "e.py")
    found = find([folder])
    assert [Path(each.name).name for each in found] == ["a", "b", "d.zip", "e.py"]
    assert all("links are not followed" in each.problem for each in found)
    assert all(b"secret" not in each.program for each in found)


def test_the_digest_is_of_the_content_and_of_both_files():
    one = inbox.HandIn("a", b"ab", b"c")
    assert one.digest == inbox.HandIn("b", b"ab", b"c").digest
    others = [("ab", None), ("ab", b""), ("a", b"bc"), ("abc", None)]
    digests = {inbox.HandIn("a", p.encode(), q).digest for p, q in others}
    assert len(digests | {one.digest}) == 5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "none.py", "no such file or folder"),
        (lambda folder: write(folder / "notes.txt"), "is no submission"),
        (lambda folder: write(folder / "notes.txt").parent, "holds no submission"),
        (lambda folder: write(folder / "submission_metadata.yml", b"- 1").parent, "no list"),
        (lambda folder: write(folder / "submission_metadata.yml", b"a: [").parent, "no YAML"),
        (lambda folder: write(folder / "submission_metadata.yml", b"").parent, "without any"),
    ],
)
def test_a_path_that_holds_nothing_is_one_sentence(folder, make, said):
    with pytest.raises(InvalidInput, match=said) as raised:
        find([make(folder)])
    assert "\n" not in str(raised.value)


def test_a_submission_given_twice_is_refused(folder):
    write(folder / "a.py")
    with pytest.raises(InvalidInput, match="given twice"):
        find([folder, folder / "a.py"])


def test_an_export_says_when_and_elsewhere_the_files_own_time_does(folder):
    write(folder / "submission_metadata.yml", METADATA.encode())
    write(folder / "submission_409194023" / "submission.py")
    changed = write(folder / "submission_5" / "submission.py")
    os.utime(changed, (1e9, 1e9))
    by_export, by_file = find([folder])
    assert by_export.handed_in == datetime(2026, 4, 26, 17, 34, 0, 861687, UTC)
    assert by_export.time_from == "export"
    assert by_file.handed_in == datetime.fromtimestamp(1e9, UTC)
    assert by_file.time_from == "file"


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-04-26 17:34:00 Z", 17),
        ("2026-04-26 17:34:00.861687000 -07:00", 24),
        ("2026-04-26T17:34:00.5+02:00", 15),
        ("2026-04-26 17:34:00", 17),
        ("last week", None),
        ("2026-99-26 17:34:00 Z", None),
    ],
)
def test_times_of_an_export_are_read_in_every_form(folder, text, hour):
    write(folder / "submission_metadata.yml", f"s:\n  :created_at: {text}\n".encode())
    (found,) = find([folder])
    midnight = datetime(2026, 4, 26, tzinfo=UTC)
    at = found.handed_in
    assert at == (
        hour and midnight + timedelta(hours=hour, minutes=34, microseconds=at.microsecond)
    )


def test_a_zips_own_time_counts_and_not_what_it_says_of_its_files(folder):
    folder.mkdir()
    path = pack(folder / "a.zip", **{"submission.py": "x"})
    os.utime(path, (1e9, 1e9))
    future = write(folder / "b.py")
    os.utime(future, (1e11, 1e11))
    zipped, later = find([folder])
    assert zipped.handed_in == datetime.fromtimestamp(1e9, UTC)
    assert later.handed_in <= datetime.now(UTC)
