"""The page of grades: what becomes of honest, dishonest and hostile uploads, and who sees it."""

import asyncio
import html
import io
import re
import secrets
import stat
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from carrychain.engines.base import Completion, EngineInfo, FinishReason
from carrychain.errors import CarrychainError
from carrychain.sandbox import Tier, Workshop
from carrychain.web import grading, grading_work
from carrychain.web.app import create_app
from carrychain.web.settings import Settings
from carrychain.web.worker import Cancelled

SUITE = Path(__file__).parents[1] / "grading" / "suite"
HONEST = (SUITE / "honest/first_number.py").read_bytes()
CHEAT = (SUITE / "cheats/post/ast_binop.py").read_bytes()
SMUGGLER = (SUITE / "cheats/smuggle/module_global.py").read_bytes()
MARKUP = (SUITE / "attacks/markup_as_net_id.py").read_bytes()
TOKENS = (SUITE / "attacks/token_everywhere.py").read_bytes()


def zipped(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def bomb():
    return zipped(**{"submission.py": bytes(200 << 20)})


def linked():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("submission.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return packed.getvalue()


UPLOADS = {
    "honest": ("../../x.py", HONEST),
    "cheat": ("<img src=x onerror=alert(1)>.py", CHEAT),
    "smuggler": ("a\N{RIGHT-TO-LEFT OVERRIDE}b.py", SMUGGLER),
    "markup": ("markup.py", MARKUP),
    "tokens": ("tokens.py", TOKENS),
    "packed": ("C:\\packed.zip", zipped(**{"hw3/submission.py": HONEST, "../../evil.py": b"x"})),
    "traversal": ("traversal.zip", zipped(**{"../../submission.py": HONEST})),
    "bomb": ("bomb.zip", bomb()),
    "linked": ("linked.zip", linked()),
    "no zip": ("no.zip", b"PK, almost"),
}
PLACES = {name: place for place, name in enumerate(UPLOADS, 1)}


def send(client, uploads, **data):
    return client.post(
        "/grade",
        data={"csrf": client.csrf, **data},
        files=[("files", upload) for upload in uploads],
        follow_redirects=False,
    )


def wait(client, page):
    """Return the stream of a job's events, once it has ended."""
    return client.get(f"/jobs/{page.rpartition('/')[2]}/events").text


@pytest.fixture(scope="module")
def owner(visitor):
    return visitor()


@pytest.fixture(scope="module")
def sent(owner):
    """The address of a page on which everything is graded."""
    response = send(owner, UPLOADS.values())
    assert response.status_code == 303
    wait(owner, response.headers["location"])
    return response.headers["location"]


@pytest.fixture(scope="module")
def page(owner, sent):
    return owner.get(sent).text


@pytest.fixture(scope="module")
def section(page):
    """The text of one submission's part of the page."""

    def of(name):
        start = page.index(f'<section id="submission-{PLACES[name]}"')
        return html.unescape(re.sub("<[^>]+>", " ", page[start : page.index("</section>", start)]))

    return of


def test_an_honest_submission_gets_its_points_tests_and_metrics(section):
    text = section("honest")
    assert re.search(r"score\s+30 of 30", text)
    assert re.search(r"accuracy\s+\.\d\d, 95% interval \.\d\d to \.\d\d", text)
    assert "test_full_score" in text
    assert "the model's own?  Clean" in text
    assert "tier isolated" in text or "tier " in text
    assert "mini (embedded teaching model)" in text


def test_the_grade_is_that_of_the_graders_own_with_the_public_seed(page, section):
    assert "public seed 0" in page
    assert re.search(r"accuracy\s+\.47, 95% interval \.30 to \.64", section("honest"))


def test_a_submission_that_computes_is_flagged_with_evidence(section):
    text = section("cheat")
    assert re.search(r"score\s+0 of 30", text)
    assert "the model's own?  Flagged" in text
    assert "is the sum of the operands" in text
    assert "an honest one returns" in text


def test_a_smuggler_is_not_called_clean(section):
    assert re.search("the model's own\\?  (Flagged|Review)", section("smuggler"))


def test_the_file_in_a_zip_is_graded_as_the_file_alone(section):
    assert re.search(r"score\s+30 of 30", section("packed"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("traversal", "there is no submission.py"),
        ("bomb", "submission.py is larger than 1,048,576 bytes"),
        ("linked", "submission.py is no ordinary file; links are not followed"),
        ("no zip", "the zip can't be read"),
    ],
)
def test_what_can_not_be_graded_is_a_sentence_and_the_rest_is_graded(name, why, section):
    assert f"Not graded: {why}" in section(name)


def test_names_and_net_ids_are_shown_as_text(page):
    assert "../../x.py" in page
    assert "&lt;img src=x onerror=alert(1)&gt;.py" in page
    assert "a\\u202eb.py" in page
    assert "<img" not in page
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page
    assert page.count("<script") == page.count('<script type="module" src="/static/')


def test_no_token_and_no_path_of_the_server_is_told(owner, sent, page, app_settings):
    told = page + wait(owner, sent) + owner.get(f"/jobs/{sent.rpartition('/')[2]}").text
    assert "hf_" not in told.replace("your_hf_token", "").replace("hf_token", "")
    assert str(app_settings.state) not in told
    assert "/carrychain-" not in told


def test_events_tell_checks_answers_and_grade_in_order(owner, sent):
    steps = re.findall(r'"submission": 0, "step": "(\w+)"', wait(owner, sent))
    assert steps == ["checked", *["asked"] * 30, "graded"]


def test_another_visitor_sees_nothing_of_it(visitor, sent):
    other = visitor()
    job = sent.rpartition("/")[2]
    for address in (sent, f"/jobs/{job}", f"/jobs/{job}/events"):
        response = other.get(address)
        assert response.status_code == 404
        assert "x.py" not in response.text
    assert other.post(f"{sent}/cancel", data={"csrf": other.csrf}).status_code == 404


def test_a_pasted_source_is_graded_and_waits_without_javascript(client):
    response = send(client, [], source=HONEST.decode().replace("\n", "\r\n"))
    page = client.get(response.headers["location"])
    assert '<noscript><meta http-equiv="refresh"' in page.text
    wait(client, response.headers["location"])
    page = client.get(response.headers["location"]).text
    assert "pasted source" in page
    assert "1 of 1 graded." in page
    assert "refresh" not in page


def left_on_disk(content):
    """Return the files of this machine's temporary folder that hold an upload."""
    folders = Path(tempfile.gettempdir()).glob("carrychain-*")
    paths = (path for folder in folders for path in folder.rglob("submission.*"))
    return [path for path in paths if holds(path, content)]


def holds(path, content):
    try:
        return path.read_bytes() == content
    except OSError:  # it has just been removed
        return False


def test_a_cancelled_upload_says_so_and_leaves_nothing(client):
    """A submission that sleeps holds its worker up, which is therefore killed."""
    upload = b"import time\ntime.sleep(3600)\n# " + secrets.token_hex(16).encode()
    address = send(client, [("a.py", upload)]).headers["location"]
    while not left_on_disk(upload):
        assert client.get(address).status_code == 200
    response = client.post(f"{address}/cancel", data={"csrf": client.csrf}, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, address)
    wait(client, address)
    assert "Cancelled; 0 of 1 graded." in client.get(address).text
    assert left_on_disk(upload) == []


@pytest.mark.parametrize(
    ("uploads", "data", "why"),
    [
        ([], {}, "there is nothing to grade"),
        ([("notes.txt", b"x")], {}, "notes.txt is no submission"),
        ([("..", b"x")], {}, ".. is no submission"),
        ([("a.py", b"x")] * 21, {}, "more than 20 submissions"),
        ([("a.py", b"x")], {"model": "<b>gpt"}, "there is no model <b>gpt here"),
    ],
)
def test_what_can_not_be_taken_is_said_on_the_form(uploads, data, why, client):
    response = send(client, uploads, **data)
    assert response.status_code == 422
    assert why in html.unescape(response.text)
    assert "<form" in response.text
    assert "<b>gpt" not in response.text


def test_a_form_that_is_refused_keeps_the_pasted_source(client):
    response = send(client, [("notes.txt", b"x")], source="</textarea>print(1 + 1)")
    assert response.status_code == 422
    assert "&lt;/textarea&gt;print(1 + 1)" in response.text


def test_a_form_of_another_site_is_not_taken(client):
    del client.headers["X-CSRF-Token"]
    response = client.post("/grade", data={"source": "x"}, follow_redirects=False)
    assert response.status_code == 403


def a_stranger(tmp_path):
    """A visitor at another machine, who knows the token."""
    settings = Settings(state=tmp_path, token="secret", hosts=frozenset({"lab"}))
    client = TestClient(create_app(settings), "http://lab", client=("192.0.2.7", 50000))
    login = client.get("/login").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', login)[1]
    data = {"csrf": csrf, "token": "secret"}
    assert client.post("/login", data=data, follow_redirects=False).status_code == 303
    client.csrf = csrf
    return client


def test_without_the_full_sandbox_other_machines_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "sandbox_tier", lambda: Tier.CONFINED)
    stranger = a_stranger(tmp_path)
    page = stranger.get("/grade")
    assert page.status_code == 200
    assert "Uploads from other machines are refused" in page.text
    assert "carrychain grade submission.py" in page.text
    assert "<form" not in page.text
    refused = send(stranger, [("a.py", HONEST)])  # the queue is not even running
    assert refused.status_code == 403
    assert "Uploads from other machines are refused" in refused.text


def test_without_the_full_sandbox_this_machine_is_told_the_tier(client, monkeypatch):
    monkeypatch.setattr(grading, "sandbox_tier", lambda: Tier.LIMITS)
    page = client.get("/grade").text
    assert "<form" in page
    assert "<b>limits</b>, which is not complete" in page


def test_with_the_full_sandbox_other_machines_get_the_form(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "sandbox_tier", lambda: max(Tier))
    assert "<form" in a_stranger(tmp_path).get("/grade").text


def test_what_another_machine_sends_runs_in_the_full_sandbox_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "sandbox_tier", lambda: max(Tier))
    stranger = a_stranger(tmp_path)
    orders = []

    def submit(owner, kind, request):
        orders.append(request)
        return SimpleNamespace(id="a-job")

    stranger.app.state.jobs = SimpleNamespace(submit=submit)
    assert send(stranger, [("a.py", HONEST)]).status_code == 303

    def falls_short(self):
        self.evidence, self.tier = (), Tier.LIMITS

    monkeypatch.setattr(Workshop, "_try_out", falls_short)
    monkeypatch.setattr(grading_work.engines, "load", lambda name, offline: Silent())
    with pytest.raises(CarrychainError, match="isolated"):
        grading_work.grade(orders[0], print, [])


def exchange(app, headers, parts):
    """Post to /grade as a client that sends `parts`.

    Returns:
        The status, how many parts were read before it was told, and how many in all.
    """
    read = until_told = 0
    started = []

    async def receive():
        nonlocal read
        read += 1
        return {"type": "http.request", "body": next(parts), "more_body": True}

    async def send(message):
        nonlocal until_told
        if message["type"] == "http.response.start":
            started.append(message["status"])
            until_told = read

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/grade",
        "raw_path": b"/grade",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }
    asyncio.run(app(scope, receive, send))
    return started, until_told, read


def a_gigabyte(boundary=b"b"):
    yield (
        b"--" + boundary + b'\r\nContent-Disposition: form-data; name="files"; '
        b'filename="a.py"\r\n\r\n'
    )
    for _ in range(1 << 10):
        yield bytes(1 << 20)


@pytest.mark.parametrize("told", [True, False], ids=["of a length that is told", "in chunks"])
def test_a_gigabyte_is_refused_before_it_is_read(told, app_settings):
    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    headers += [(b"content-length", b"1073741824")] if told else []
    statuses, read, in_all = exchange(create_app(app_settings), headers, a_gigabyte())
    assert statuses == [413]
    assert read <= app_settings.upload / (1 << 20) + 2
    assert in_all < 40, "what is still sent is thrown away for a while, not for ever"


def order(*names):
    uploads = tuple(grading_work.Upload(name=name, suffix=".py", content="") for name in names)
    return grading_work.Order(model="mini", uploads=uploads, full_sandbox=False).model_dump()


class Silent:
    info = EngineInfo("silent", "silent (a script)")
    context = 1000

    def count_tokens(self, text):
        return len(text)

    def generate(self, prompts, params, seeds):
        for index, prompt in enumerate(prompts):
            yield Completion(index, "", 0, len(prompt), FinishReason.EOS)


@pytest.fixture
def silent(monkeypatch):
    monkeypatch.setattr(grading_work.engines, "load", lambda name, offline: Silent())


def test_after_a_restart_only_the_others_are_graded(silent):
    events = []
    earlier = [
        {"submission": 0, "step": "checked", "findings": []},
        {"submission": 0, "step": "refused", "problem": "it was"},
        {"submission": 1, "step": "checked", "findings": []},
    ]
    grading_work.grade(order("a.py", "b.py"), events.append, earlier)
    assert [(each["submission"], each["step"]) for each in events] == [
        (1, "checked"),
        (1, "graded"),
    ]


def test_a_defect_of_the_grader_stays_with_one_submission(silent, monkeypatch):
    events = []

    def fail(path, workshop):
        raise ZeroDivisionError("private")

    monkeypatch.setattr(grading_work, "check", fail)
    grading_work.grade(order("a.py", "b.py"), events.append, [])
    assert [each["step"] for each in events] == ["refused", "refused"]
    assert "private" not in str(events)


def test_cancelling_ends_the_grading(silent):
    def emit(event):
        raise Cancelled

    with pytest.raises(Cancelled):
        grading_work.grade(order("a.py"), emit, [])
