"""The class's leaderboard in the browser: ranks, pages, and what it must not tell."""

import html
import itertools
import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from carrychain.grading.class_folder import SEED, SETTINGS, ClassFolder, create
from carrychain.grading.inbox import HandIn
from carrychain.grading.integrity import Integrity
from carrychain.web.app import create_app
from carrychain.web.settings import Settings

STUDENTS = 120
HOSTILE = "<img src=x onerror=alert(1)>@example.edu"


def net_id_of(number):
    return f"zq{number:04}"


@pytest.fixture(scope="module")
def hand_in(a_grade):
    """`hand_in(store, net_id, key, ...)`: keep a grade that is the submission's alone."""
    grade = replace(a_grade, mae=1234567.0)

    def keep(store, net_id, key, **given):
        store.add(key, replace(grade, net_id=net_id, **given))
        name = f"their-folder/{net_id}.py"
        store.belongs(HandIn(name, program=key.encode()), key, [net_id])

    return keep


@pytest.fixture(scope="module")
def folder(tmp_path_factory, hand_in):
    """A class of 120, where the students number 10 to 12 do equally well."""
    folder = tmp_path_factory.mktemp("of-a-course") / "autumn"
    with create(folder, name="Autumn <b>course</b>").store() as store:
        for number in range(STUDENTS):
            acc = 0.9 - (10 if 10 <= number <= 12 else number) / 1000
            hand_in(store, net_id_of(number), f"key-{number}", acc=acc)
        hand_in(store, net_id_of(5), "worse", acc=0.1)
        hand_in(store, HOSTILE, "hostile", acc=0.01, integrity=Integrity("review", (), ()))
        hand_in(store, "zqflagged", "flagged", acc=1.0, integrity=Integrity("flagged", (), ()))
    return folder


@pytest.fixture(scope="module")
def alias_of(folder):
    with ClassFolder.open(folder).store() as store:
        return store.students()


def open_lab(tmp_path, class_folder):
    """A browser of a lab whose queue does not run: these pages need none."""
    settings = Settings(state=tmp_path, class_folder=class_folder)
    return TestClient(create_app(settings), "http://127.0.0.1", client=("127.0.0.1", 50000))


@pytest.fixture
def reader(folder, tmp_path):
    return open_lab(tmp_path, folder)


def rows(page):
    """Return (rank, name, score, accuracy, error, length) of each line."""
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in body.split("<tr>")[1:]]
    return [tuple(re.sub("<[^>]+>", "", cell) for cell in row) for row in cells]


def link(page, rel):
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return found and html.unescape(found[1])


@pytest.fixture
def pages(reader):
    """All pages, found by their links."""
    found = {}
    address = "/leaderboard"
    while address:
        found[address] = reader.get(address).text
        address = link(found[address], "next")
    return found


def test_every_ranked_student_stands_once_with_the_best_attempt(pages, alias_of):
    lines = [row for page in pages.values() for row in rows(page)]
    assert [len(rows(page)) for page in pages.values()] == [50, 50, 21]
    assert len({row[1] for row in lines}) == STUDENTS + 1
    assert lines[5][:4] == ("6", alias_of[net_id_of(5)], "30", ".90")
    assert alias_of["zqflagged"] not in str(pages)


def test_equals_share_a_rank_and_the_next_is_counted_past_them(pages, alias_of):
    lines = [row for page in pages.values() for row in rows(page)]
    assert [row[0] for row in lines[9:14]] == ["10", "11", "11", "11", "14"]
    assert {row[1] for row in lines[10:13]} == {alias_of[net_id_of(n)] for n in (10, 11, 12)}
    assert lines[50][0] == "51"


def test_error_and_length_are_coarse_as_on_gradescope(pages):
    assert rows(pages["/leaderboard"])[0][4:] == ("1,200,000", "42")


def test_the_links_back_lead_over_the_same_pages(pages, reader):
    addresses = list(pages)
    for before, address in itertools.pairwise(addresses):
        assert link(pages[address], "prev") == before
    assert link(pages[addresses[0]], "prev") is None
    assert link(pages[addresses[-1]], "next") is None


def test_what_is_for_review_is_marked(pages):
    assert rows(list(pages.values())[-1])[-1][1].endswith("(for review)")


@pytest.mark.parametrize(
    "cursor",
    [
        "0.0.{first}",
        "11.3.{eleventh}",
        "12.50.{fiftieth}",
        "999999999.50.{fiftieth}",
        "9" * 40 + ".50.{fiftieth}",
        "50.50.nobody-here",
        "50.50.{flagged}",
        "121.121.{last}",
        "x",
        "'; drop table student; --",
        "\0",
    ],
)
def test_no_cursor_shows_a_rank_that_is_not_held(cursor, reader, pages, alias_of, folder):
    alias_at = {
        "first": rows(pages["/leaderboard"])[0][1],
        "eleventh": rows(pages["/leaderboard"])[10][1],
        "fiftieth": rows(pages["/leaderboard"])[49][1],
        "last": alias_of[HOSTILE],
        "flagged": alias_of["zqflagged"],
    }
    response = reader.get("/leaderboard", params={"after": cursor.format(**alias_at)})
    assert response.status_code == 200
    assert "The leaderboard has changed" in response.text
    assert rows(response.text) == rows(pages["/leaderboard"])


def test_nothing_tells_who_is_who_nor_the_seed_nor_a_path(reader, pages, folder):
    secret = (folder / SEED).read_text().strip()
    asked = [*pages, "/leaderboard?after=x", "/grade", "/openapi.json", "/nothing"]
    for address in asked:
        response = reader.get(address)
        told = f"{response.headers}".encode() + response.content
        for private in ("zq0", "zqflagged", "example.edu", "their-folder", "of-a-course", secret):
            assert private.encode() not in told, address
            assert private not in address


def test_the_name_of_the_class_is_text(pages):
    assert "Autumn &lt;b&gt;course&lt;/b&gt;" in pages["/leaderboard"]


def test_a_new_grade_is_there_when_the_page_is_loaded_again(tmp_path, hand_in):
    made = create(tmp_path / "hw3")
    reader = open_lab(tmp_path / "state", tmp_path / "hw3")
    assert "Nobody of hw3 is ranked yet" in reader.get("/leaderboard").text
    with made.store() as store:
        hand_in(store, "ab1234", "key")
    assert len(rows(reader.get("/leaderboard").text)) == 1


def test_reviews_are_not_told_where_the_class_hides_them(tmp_path, hand_in):
    made = create(tmp_path / "hw3")
    rubric = tmp_path / "hw3" / "rubric.toml"
    rubric.write_text(rubric.read_text().replace('review = "shown"', 'review = "hidden"'))
    with made.store() as store:
        hand_in(store, "ab1234", "key", integrity=Integrity("review", (), ()))
    reader = open_lab(tmp_path / "state", tmp_path / "hw3")
    page = reader.get("/leaderboard").text
    assert len(rows(page)) == 1
    assert "review" not in page


def test_without_a_class_the_page_says_how_to_give_one(client):
    page = client.get("/leaderboard")
    assert page.status_code == 200
    assert "carrychain serve --class FOLDER" in page.text


def damage_settings(folder):
    (folder / SETTINGS).write_text("name = ")


def damage_database(folder):
    (folder / "grades.sqlite").write_bytes(b"no database" * 100)


def lose_it(folder):
    folder.rename(folder.with_name("elsewhere"))


def lose_the_seed(folder):
    (folder / SEED).unlink()


@pytest.mark.parametrize("damage", [damage_settings, damage_database, lose_it, lose_the_seed])
def test_a_class_that_can_not_be_read_is_one_sentence(damage, tmp_path, caplog):
    folder = tmp_path / "hw3"
    create(folder).store().close()
    damage(folder)
    page = open_lab(tmp_path / "state", folder).get("/leaderboard")
    assert page.status_code == 503
    assert "The class can't be read at this moment" in page.text
    assert str(tmp_path) not in page.text
    assert "the class's leaderboard can't be read" in caplog.text
