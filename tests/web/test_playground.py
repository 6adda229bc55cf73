"""The playground as a browser without JavaScript sees it, and as its script does."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from carrychain.addition.comparison import compare
from carrychain.addition.evaluation import Evaluation
from carrychain.addition.evaluation import evaluate as evaluate_problems
from carrychain.addition.extraction import EXTRACTIONS
from carrychain.addition.prompts import PRE_PROCESSING, SHIPPED
from carrychain.assignment.words import paired
from carrychain.engines import load
from carrychain.errors import InvalidInput
from carrychain.grading.submission import check
from carrychain.sandbox import Workshop
from carrychain.web.playground import submission as playground_submission
from carrychain.web.playground import work as playground_work
from carrychain.web.playground.asked import Asked, Side, asked, fields_of
from carrychain.web.playground.shown import shown_row
from carrychain.web.worker import Cancelled

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}
MODELS = ("mini", "smollm2")
QUICK = {"n": "10", "digits": "2", "max_tokens": "50", "temperature": "0", "stop": "\\n"}


def run(client, **fields):
    """Start a run as a form without JavaScript does, wait for its end, return its address."""
    sent = client.post("/playground", data=fields, headers=HTML, follow_redirects=False)
    assert sent.status_code == 303, sent.text
    address = sent.headers["location"]
    ended(client, address)
    return address


def ended(client, address):
    job = address.rpartition("/")[2]
    latest = time.monotonic() + 60
    while time.monotonic() < latest:
        state = client.get(f"/jobs/{job}", headers=JSON).json()
        if state["status"] not in ("queued", "running"):
            return state
        time.sleep(0.02)
    pytest.fail("the run did not end")


@pytest.fixture(scope="module")
def two(visitor):
    """A browser and the address of its run of two prompts."""
    client = visitor()
    with_b = {f"b_{name}": value for name, value in QUICK.items() if name not in ("n", "digits")}
    return client, run(client, **QUICK, prompt="few-shot", compare="on", **with_b)


# --- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_prompt_filled_in_is_that_prompt_with_all_that_it_carries(name) -> None:
    shipped = SHIPPED[name]
    side = asked(fields_of(Side.shipped(shipped), "a"), MODELS).a
    assert (side.prompt, side.extract) == (shipped.prompt, shipped.extract)
    assert (side.pre_processing, side.name) == (shipped.pre_processing, name)
    for parameter, value in shipped.sampling.items():
        assert getattr(side.sampling, parameter) == value


FIELDS = [
    {},
    {"n": "1000", "seed": "7", "digits": "3", "model": "smollm2"},
    {"prompt": "best"},
    {"prompt": "best", "after": "Sum:", "temperature": "0", "stop": "\n\\n\\n\nQ:"},
    {"prefix": "\nQ & A: <b>\t%20+ ", "suffix": "=\n", "extract": "last-integer"},
    {"prefix": "", "suffix": ""},
    {"compare": "on", "b_prompt": "spaced", "b_top_k": "0", "top_p": "0.123456789012345678"},
    {"compare": "on", "prompt": "columns", "b_prompt": "columns", "b_repetition_penalty": "1e-3"},
]


@pytest.mark.parametrize("fields", FIELDS)
def test_a_link_and_a_form_and_a_job_repeat_what_was_asked(fields) -> None:
    now = asked(fields, MODELS)
    link = urlsplit(now.link(MODELS))
    query = dict(parse_qsl(link.query, keep_blank_values=True))
    assert (link.path, query.pop("run")) == ("/playground", "1")
    assert asked(query, MODELS) == now
    assert asked(now.as_fields(), MODELS) == now
    assert Asked.from_dict(json.loads(json.dumps(now.as_dict()))) == now


def test_a_link_names_only_what_differs_from_the_default() -> None:
    assert asked({}, MODELS).link(MODELS) == "/playground?run=1"
    link = asked({"prompt": "best", "n": "12"}, MODELS).link(MODELS)
    assert link == "/playground?prompt=best&n=12&run=1"


def test_a_prompt_too_long_for_a_link_has_none() -> None:
    assert asked({"prefix": "1+1=2 " * 2_000}, MODELS).link(MODELS) is None


def test_typed_escapes_and_a_forms_line_ends_are_line_breaks() -> None:
    side = asked({"prefix": "A\\nB\r\nC\\t", "suffix": "\\n"}, MODELS).a
    assert (side.prompt.prefix, side.prompt.suffix, side.prompt.length) == ("A\nB\nC\t", "\n", 7)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"n": "9"}, "n is 9; it must be 10 to 1,000"),
        ({"n": "1001"}, "n is 1001"),
        ({"n": "ten"}, "n is 'ten'; it must be a whole number"),
        ({"n": "1" * 5000}, "n is '1111"),
        ({"seed": "-1"}, "seed is -1"),
        ({"digits": "16"}, "digits is 16"),
        ({"temperature": ""}, "temperature is ''; it must be a number"),
        ({"temperature": "nan"}, "finite"),
        ({"top_p": "1.5"}, "top_p is 1.5"),
        ({"max_tokens": "0"}, "max_tokens is 0"),
        ({"compare": "on", "b_top_k": "-1"}, "of prompt B"),
        ({"extract": "luck"}, "no way 'luck'"),
        ({"extract": "after:"}, "after: needs the text"),
        ({"pre_processing": "luck"}, "no pre-processing 'luck'"),
        ({"prompt": "luck"}, "no shipped prompt 'luck'"),
        ({"model": "luck"}, "no model 'luck' here"),
        ({"prefix": "1" * 200_001}, "200,001 characters"),
    ],
)
def test_a_wrong_value_is_named(fields, said) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        asked({"suffix": "", **fields}, MODELS)


# --- the page -------------------------------------------------------------------------------------


def test_a_link_fills_in_the_form_and_keeps_a_first_line_break(client) -> None:
    page = client.get("/playground?prefix=%0A%0AQ:&n=99&run=1", headers=HTML).text
    box = re.search(r'<textarea id="prefix"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert unescape(box[1]) == "\n\n\nQ:"  # HTML drops the first
    assert 'name="n" min="10" max="1000" required value="99"' in page
    assert re.search(r"<form[^>]* data-run", page)
    assert not re.search(r"<form[^>]* data-run", client.get("/playground").text)


@pytest.mark.parametrize("query", ["n=5", "temprature=1", "prompt=%3Cb%3E"])
def test_a_wrong_link_is_explained_on_the_page(client, query) -> None:
    page = client.get(f"/playground?{query}", headers=HTML)
    assert page.status_code == 422
    assert '<p class="error" id="error" role="alert">' in page.text
    assert "<b>'" not in page.text


def test_what_was_typed_stays_beside_the_error(client) -> None:
    page = client.post("/playground", data={"n": "5", "prefix": "mine <"}, headers=HTML)
    assert page.status_code == 422
    assert "n is 5; it must be 10 to 1,000" in page.text
    assert "\nmine &lt;</textarea>" in page.text
    assert 'value="5"' in page.text


def test_a_script_is_told_errors_as_json(client) -> None:
    answer = client.post("/playground", data={"n": "5"}, headers=JSON)
    assert answer.status_code == 422
    assert answer.json() == {"error": "n is 5; it must be 10 to 1,000"}


def test_fill_in_leaves_everything_else(client) -> None:
    data = {"do": "fill_b", "b_prompt": "columns", "prefix": "mine", "n": "77"}
    page = client.post("/playground", data=data, headers=HTML)
    assert page.status_code == 200
    assert "Prompt B is now columns" in page.text
    assert "\nmine</textarea>" in page.text
    assert 'value="77"' in page.text
    assert re.search(r'name="compare" value="on" checked', page.text)
    assert "\n" + SHIPPED["columns"].prompt.prefix + "</textarea>" in unescape(page.text)


# --- a run ----------------------------------------------------------------------------------------


def test_a_run_is_the_evaluation_that_the_command_makes(two) -> None:
    client, address = two
    for letter, name in (("a", "few-shot"), ("b", "zero-shot")):
        given = client.get(f"{address}/{letter}/evaluation.json").json()
        evaluation = Evaluation.from_dict(given)
        assert evaluation.as_dict() == given
        assert evaluation.complete
        now = asked({**QUICK, "prompt": name}, MODELS)
        expected = evaluate_problems(
            prompt=SHIPPED[name].prompt,
            prompt_name=name,
            engine=load("mini", offline=True),
            problems=now.problems,
            origin=now.origin,
            sampling=now.a.sampling,
        )
        same = [(row.a, row.b, row.output, row.response, row.seed) for row in expected.rows]
        assert [(r.a, r.b, r.output, r.response, r.seed) for r in evaluation.rows] == same
        assert evaluation.metrics.acc_ci == expected.metrics.acc_ci


def test_a_saved_run_is_read_by_compare_and_the_page_says_what_it_says(two, tmp_path) -> None:
    client, address = two
    saved = {}
    for letter in "ab":
        path = tmp_path / f"{letter}.json"
        path.write_bytes(client.get(f"{address}/{letter}/evaluation.json").content)
        saved[letter] = Evaluation.load(path)
    sentence = paired(compare(saved["a"], saved["b"]), a="prompt A", b="prompt B")
    page = unescape(client.get(address, headers=HTML).text)
    assert sentence in page


def test_the_page_of_a_run_shows_rows_in_order_and_the_result(two) -> None:
    client, address = two
    page = client.get(address, headers=HTML).text
    assert "mini (embedded teaching model) has answered" in page
    assert re.findall(r'data-index="(\d+)"', page) == [str(i) for i in range(10)]
    assert page.count('form="tokens"') == 20
    assert "http-equiv" not in page
    for name in ("mean absolute error (mae)", "res", "95% interval"):
        assert f'<th scope="row">{name}</th>' in page


def test_the_rows_download_as_csv(two) -> None:
    client, address = two
    answer = client.get(f"{address}/b/rows.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="rows-b.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    saved = client.get(f"{address}/b/evaluation.json").json()["rows"]
    assert [row["output"] for row in rows] == [row["output"] for row in saved]


def test_a_rows_tokens_are_those_of_its_output(two) -> None:
    client, address = two
    row = client.get(f"{address}/a/evaluation.json").json()["rows"][2]
    told = client.get(f"{address}/tokens", params={"row": "a3"}, headers=JSON).json()
    text = "".join(token["text"] for token in told["tokens"])
    assert text.startswith(row["output"])
    assert len(told["tokens"]) == row["tokens"]
    for token in told["tokens"]:
        assert token["drawn"] == 1  # at temperature 0
        assert len(token["others"]) == 5
    assert told["next_token"].startswith("/next-token?model=mini&prompt=")
    page = client.get(f"{address}/tokens", params={"row": "a3"}, headers=HTML)
    assert page.text.count('<th class="number" scope="row">') == row["tokens"]


def test_a_downloaded_submission_passes_the_check_and_loads_back(client, tmp_path) -> None:
    fields = {"prompt": "best", "pre_processing": "commas", "n": "10", "digits": "1"}
    address = run(client, **fields)
    source = client.get(f"{address}/a/submission.py", params={"net_id": "ab1234"})
    path = tmp_path / "submission.py"
    path.write_bytes(source.content)
    with Workshop() as workshop:
        found = check(path, workshop)
    assert found.net_id == "ab1234"
    assert [each for each in found.findings if each.severity == "error"] == []
    now = asked(fields, MODELS).a
    assert (found.prompt, found.sampling) == (now.prompt, now.sampling)
    for answer in (
        client.post("/playground", data={"do": "load_a", "source": source.text}, headers=JSON),
        client.post(
            "/playground",
            data={"do": "load_a"},
            files={"submission": ("any/../name.py", source.content)},
            headers=JSON,
        ),
    ):
        assert asked(answer.json()["fields"], MODELS).a == now


def test_what_no_submission_may_have_is_not_written_into_one(client) -> None:
    address = run(client, n="10", digits="1", max_tokens="5")
    page = client.get(f"{address}/a/submission.py", params={"net_id": "ab1"}, headers=JSON)
    assert page.status_code == 422
    assert "at least 50" in page.json()["error"]
    nobody = client.get(f"{address}/a/submission.py", params={"net_id": " "}, headers=JSON)
    assert "net id" in nobody.json()["error"]


def test_a_run_is_its_visitors_alone(two, visitor) -> None:
    _, address = two
    stranger = visitor()
    for path in ("", "/tokens?row=a1", "/a/evaluation.json", "/a/rows.csv", "/a/submission.py"):
        assert stranger.get(address + path).status_code == 404
    assert stranger.post(f"{address}/cancel").status_code == 404


@pytest.mark.parametrize(
    "path", ["/tokens?row=a11", "/tokens?row=c1", "/tokens?row=", "/c/rows.csv"]
)
def test_what_a_run_has_not_is_refused(two, path) -> None:
    client, address = two
    assert client.get(address + path).status_code in (404, 422)


def test_a_prompt_that_does_not_fit_is_explained(client) -> None:
    address = run(client, n="10", prefix="1+1=2\n" * 500, suffix="")
    page = client.get(address, headers=HTML).text
    assert "the context of mini (embedded teaching model) is" in page


def test_texts_of_prompts_and_outputs_are_shown_as_text(client) -> None:
    address = run(client, n="10", digits="1", prefix="<script>alert(1)</script>‮ ", suffix="=")
    page = client.get(address, headers=HTML).text
    assert "<script>alert" not in page
    assert "‮" not in re.sub(r"<textarea.*?</textarea>", "", page, flags=re.DOTALL)


# --- loading a submission -------------------------------------------------------------------------

OWN = """
def your_netid():
    return "ab1234"
def your_hf_token():
    return "hf_abcdefgh1234"
def your_prompt():
    return "Add: ", "\\n= "
def your_config():
    return {"max_tokens": 60, "temperature": 0, "top_k": 5, "top_p": 1.0,
            "repetition_penalty": 1.1, "stop": ["\\n\\n", "Add"]}
def your_pre_processing(s):
    return s.replace("+", " plus ")
def your_post_processing(output_string):
    return 7
"""


def load_own(client, source=OWN):
    return client.post("/playground", data={"do": "load_b", "source": source}, headers=JSON)


def test_a_submissions_own_functions_are_said_not_to_run(client) -> None:
    answer = load_own(client).json()
    side = asked(answer["fields"], MODELS).b
    assert (side.prompt.prefix, side.prompt.suffix) == ("Add: ", "\n= ")
    assert side.sampling.stop == ("\n\n", "Add")
    assert side.sampling.repetition_penalty == 1.1
    assert sum("is not run here" in note for note in answer["notes"]) == 2
    assert "hf_abcdefgh" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os\nos._exit(3)", "can't be run"),
        ("x = (", "can't be run"),
        ("", "choose a submission.py"),
        (OWN.replace('"Add: "', '"Add\\\\\\\\n"'), "two characters"),
        (OWN.replace('"Add: "', '"Add\\r"'), "carriage return"),
    ],
)
def test_a_submission_that_the_form_cant_hold_is_refused(client, source, said) -> None:
    answer = load_own(client, source)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_no_two_ways_do_the_same_on_all_samples() -> None:
    for samples in (playground_submission.WRITTEN, playground_submission.READ):
        assert len({tuple(map(str, each)) for each in samples.values()}) == len(samples)
    assert set(playground_submission.WRITTEN) == set(PRE_PROCESSING)
    assert set(playground_submission.READ) >= set(EXTRACTIONS)


# --- a run that was interrupted -------------------------------------------------------------------


def test_an_interrupted_run_goes_on_and_ends_as_if_it_had_not_been() -> None:
    request = asked({**QUICK, "compare": "on", "b_temperature": "0.7"}, MODELS).as_dict()
    whole: list = []
    expected = playground_work.evaluate(request, whole.append, [])
    for kept in (1, 6, 15, len(whole)):
        events: list = json.loads(json.dumps(whole[:kept]))
        later: list = []
        result = playground_work.evaluate(request, later.append, events)
        assert len(events) + len(later) == 21
        rows = {(e["side"], e["row"]["index"]): e["row"]["output"] for e in whole[1:]}
        assert {
            (e["side"], e["row"]["index"]): e["row"]["output"] for e in [*events, *later][1:]
        } == rows
        assert result["sentences"] == expected["sentences"]
        for letter in "ab":
            metrics = result["sides"][letter]["evaluation"]["metrics"]
            assert metrics == expected["sides"][letter]["evaluation"]["metrics"]


def test_a_run_does_not_go_on_with_another_model() -> None:
    request = asked(QUICK, MODELS).as_dict()
    events: list = []
    playground_work.evaluate(request, events.append, [])
    events[0]["model"]["revision"] = "another"
    with pytest.raises(InvalidInput, match="revision"):
        playground_work.evaluate(request, events.append, events[:4])


def test_a_cancelled_run_stops_at_once() -> None:
    request = asked({**QUICK, "n": "200"}, MODELS).as_dict()
    events: list = []

    def emit(event) -> None:
        events.append(event)
        if len(events) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        playground_work.evaluate(request, emit, [])
    assert len(events) == 3


# --- how a row is shown ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "runs", "places", "verdict"),
    [
        (10160736, [["10160736", False]], [], "right"),
        (10150736, [["101", False], ["5", True], ["0736", False]], [5], "dropped carry"),
        (10160735, [["1016073", False], ["5", True]], [1], "one digit wrong"),
        (1016, [["101", True], ["6", False]], [2, 3, 4], "too short"),
        (None, [["nothing", False]], [], "no number"),
        (10**45, [["10000000000… (46 digits)", True]], [], "too long"),
    ],
)
def test_wrong_digits_are_told_apart(response, runs, places, verdict) -> None:
    request = asked(QUICK, MODELS)
    event = {
        "row": {
            "index": 0,
            "run": 0,
            "a": 6732655,
            "b": 3428081,
            "answer": 10160736,
            "output": "",
            "response": response,
            "correct": response == 10160736,
            "finish_reason": "stop",
            "seed": 0,
            "tokens": 1,
            "prompt_tokens": 1,
        }
    }
    shown = shown_row(playground_work.row_of(event, request.a))
    assert [list(each) for each in shown["response"]] == runs
    assert (shown["places"], shown["verdict"]) == (places, verdict)
