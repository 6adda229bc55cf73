"""The marking sheet: what a spreadsheet may do to it, what is wrong by line, and the total."""

import pytest

from carrychain.errors import InvalidInput
from carrychain.grading.marking import QUESTIONS, WRITTEN, Marks, read_sheet, total, write_sheet

WEIGHTS = {"part1": 35, "q1": 10, "q2": 25, "q3": 30}
FULL = ",".join(f"{points:g}" for points in QUESTIONS.values())
CLASS = ["ab1234", "cd5678", "=evil"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "marks.csv"


@pytest.fixture
def sheet(path):
    """Write a sheet of the class, with these lines after the heading in place of empty ones."""

    def sheet(*lines):
        write_sheet(path, CLASS)
        heading = path.read_text().splitlines()[0]
        path.write_text("\n".join([heading, *lines]) + "\n")
        return path

    return sheet


def test_the_points_are_the_assignments():
    assert {part: sum(points.values()) for part, points in WRITTEN.items()} == {
        "part1": 35,
        "q1": 10,
        "q2": 25,
    }
    assert list(WRITTEN["part1"].values()) == [4, 4, 6, 6, 5, 10]


def test_a_fresh_sheet_has_a_line_each_and_nothing_marked(path):
    assert write_sheet(path, CLASS) == 3
    marks = read_sheet(path, CLASS)
    assert marks == dict.fromkeys(CLASS, Marks({}))
    assert "'=evil" in path.read_text()
    assert total(marks["ab1234"], 1.0, WEIGHTS) is None


def test_who_comes_later_gets_a_line_and_what_stands_there_stays(sheet):
    path = sheet(f"ab1234,{FULL}")
    assert write_sheet(path, CLASS) == 2
    assert write_sheet(path, CLASS) == 0
    marks = read_sheet(path, CLASS)
    assert marks["ab1234"].part("part1") == 35
    assert marks["cd5678"].part("part1") is None


def test_parts_join_to_a_hundred_by_the_weights(sheet):
    marks = read_sheet(sheet(f"ab1234,{FULL}", "cd5678,0,0,0,0,0,0,1,1.5,1,1.5" + ",0" * 4), CLASS)
    assert total(marks["ab1234"], 1.0, WEIGHTS) == 100
    assert total(marks["ab1234"], 0.5, WEIGHTS) == 85
    assert total(marks["cd5678"], 0.0, WEIGHTS) == 5
    assert total(marks["cd5678"], 0.0, WEIGHTS | {"q1": 50}) == 25
    assert total(marks["ab1234"], None, WEIGHTS) is None


def test_an_empty_cell_is_not_a_zero(sheet):
    marks = read_sheet(sheet("ab1234,4,,6,6,5,10,2,3,2,3,3,7,9,6"), CLASS)
    assert marks["ab1234"].part("part1") is None
    assert marks["ab1234"].part("q1") == 10


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_spreadsheet_may_write_other_separators_and_decimal_commas(path, sheet, separator):
    text = sheet(f"AB1234 ,{FULL}").read_text().replace(",", separator).replace("4", "3,5", 1)
    text = text.replace(f"{separator}10{separator}", f"{separator}9,5{separator}")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("3,5", "4", 1).replace("\n", "\r\n").encode())
    assert read_sheet(path, CLASS)["ab1234"].part("part1") == 34.5
    assert write_sheet(path, CLASS) == 2
    assert len(read_sheet(path, CLASS)) == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ab1234,5", "line 2: part1_1 is 5; it must be 0 to 4"),
        ("ab1234,-1", "line 2: part1_1 is -1; it must be 0 to 4"),
        ("ab1234,nan", "line 2: part1_1 is nan; it must be 0 to 4"),
        ("ab1234,good", "line 2: part1_1 is 'good'; it must be a number from 0 to 4"),
        ("ab1235", "line 2: ab1235 is not of this class; did you mean ab1234?"),
        (",4", "line 2 has no net id"),
        ("ab1234\n\nAB1234", "line 4: ab1234 stands in line 2 too"),
        (f"ab1234,{FULL},7", "line 2 has 16 cells, and the first line 15"),
    ],
)
def test_what_is_wrong_is_named_by_line(sheet, line, said):
    with pytest.raises(InvalidInput) as error:
        read_sheet(sheet(line), CLASS)
    assert f"marks.csv: {said}" in str(error.value)


def test_the_first_five_faults_are_told_at_once(sheet):
    with pytest.raises(InvalidInput, match=r"line 2: .*; line 6: .*; and 2 more"):
        read_sheet(sheet(*(f"x{k}" for k in range(7))), CLASS)


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("name,q1a", "there is no question 'name'"),
        ("q1a,q1b", "line 1 has no column net_id"),
        ("net_id,q1a,q1a (2)", "q1a comes twice"),
        ("net_id,q1e", "there is no question 'q1e'; did you mean q1"),
        ("", "no question ''|no column net_id"),
    ],
)
def test_a_heading_that_is_wrong_is_one_sentence(path, heading, said):
    path.write_text(heading + "\n")
    with pytest.raises(InvalidInput, match=said):
        read_sheet(path, CLASS)
    with pytest.raises(InvalidInput, match=said):
        write_sheet(path, CLASS)
