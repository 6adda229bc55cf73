"""Files are written whole or not at all; what can't be read or written is said in one sentence."""

from __future__ import annotations

import csv
import json
import math
import os
import stat
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain import io
from carrychain.errors import InvalidInput

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_anything_becomes_json_that_a_strict_reader_reads(data):
    text = json.dumps(io.jsonable(data), allow_nan=False)
    assert json.loads(text) == io.jsonable(data)


def test_numbers_that_are_not_finite_are_null_and_large_integers_stay_exact(tmp_path):
    path = tmp_path / "out.json"
    io.write_json(path, {"x": [math.inf, -math.inf, math.nan, 1.5], "big": 10**31, "t": (1, 2)})
    assert io.read_json(path) == {"x": [None, None, None, 1.5], "big": 10**31, "t": [1, 2]}


def test_what_has_no_place_in_json_is_refused():
    with pytest.raises(TypeError, match="set"):
        io.jsonable({"x": {1, 2}})


@given(st.text(st.characters()))
def test_any_text_of_a_model_survives_json(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "out.json"
    io.write_json(path, {"output": text + "\ud800"})
    assert io.read_json(path)["output"] == text + "\ud800"


def test_csv_reads_back(tmp_path):
    path = tmp_path / "rows.csv"
    rows = [
        {"a": 1, "output": 'x,"y"\nz', "response": None},
        {"a": 10**31, "output": "", "response": 3},
    ]
    io.write_csv(path, rows)
    with path.open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert read == [
        {"a": "1", "output": 'x,"y"\nz', "response": ""},
        {"a": str(10**31), "output": "", "response": "3"},
    ]
    io.write_csv(path, [])
    assert path.read_bytes().strip() == b""


def test_a_write_that_fails_leaves_the_earlier_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_text("earlier")

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(InvalidInput, match="No space left"):
        io.write_text(path, "later")
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_no_draft(tmp_path, monkeypatch):
    def interrupt(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        io.write_text(tmp_path / "out.txt", "text")
    assert list(tmp_path.iterdir()) == []


@POSIX
def test_permissions_links_and_devices_stay_what_they_are(tmp_path):
    path, link = tmp_path / "out.txt", tmp_path / "link.txt"
    path.write_text("earlier")
    path.chmod(0o640)
    link.symlink_to(path)
    io.write_text(link, "later")
    assert link.is_symlink()
    assert path.read_text() == "later"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    io.write_text(os.devnull, "nothing")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@POSIX
def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    io.write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_path_that_cannot_be_written_is_found_before_the_work(tmp_path):
    io.check_writable(tmp_path / "new.json")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidInput, match="is a folder"):
        io.check_writable(tmp_path)
    with pytest.raises(InvalidInput, match="no folder"):
        io.check_writable(tmp_path / "missing" / "out.json")
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="can't be written"):
        io.check_writable(tmp_path / "file" / "out.json")


def test_a_folder_without_permission_is_found_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(tmp_path.resolve()))
    with pytest.raises(InvalidInput, match="no permission to write in"):
        io.check_writable(tmp_path / "out.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1]", "JSON list"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b'{"x": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_a_file_that_is_no_json_object_is_named(tmp_path, content, said):
    path = tmp_path / "in.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=said) as error:
        io.read_json(path)
    assert str(path) in str(error.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(InvalidInput, match="No such file"):
        io.read_text(tmp_path / "missing")
    with pytest.raises(InvalidInput, match="can't be read"):
        io.read_json(tmp_path)


def test_a_file_from_windows_reads_like_any_other(tmp_path):
    path = tmp_path / "prompt.txt"
    path.write_bytes(b"\xef\xbb\xbfWhat is\r\n{problem}?")
    assert io.read_text(path) == "What is\n{problem}?"
