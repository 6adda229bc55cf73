"""The page of the gradient, without a browser: what it answers, and what it refuses."""

import io
import json
import math
import re
from base64 import b64decode
from html import unescape

import numpy as np
import pytest

from carrychain.errors import InvalidInput
from carrychain.rnn.flow import Settings, by_lag, measure
from carrychain.web import gradient_work
from carrychain.web.gradient import ARRAYS, CELLS, MOST_STEPS, Fields, read
from carrychain.web.gradient_work import GRID, frame, frames, positions

SMALL = {"hidden": "8", "steps": "12"}
PNG = b"\x89PNG\r\n\x1a\n"


def settings(**changed):
    return read(Fields(**SMALL | changed))


def norms_of(shown):
    """Unpack a frame's norms as the page does: (T+1, T+1), NaN above the diagonal."""
    T = shown["steps"]
    norms = np.full((T + 1, T + 1), np.nan)
    norms[np.tril_indices(T + 1)] = np.frombuffer(b64decode(shown["norms"]), "<f4")
    return norms


# --- the page ----------------------------------------------------------------------------------


def test_a_link_fills_the_form(client):
    page = client.get("/gradient?cell=lstm&hidden=16&size=s_max&value=1.41").text
    assert '<option value="lstm" selected>' in page
    assert '<option value="s_max" selected>' in page
    assert re.search(r'name="hidden"[^>]*value="16"', page)
    assert re.search(r'name="value"[^>]*value="1.41"', page)


def test_a_wrong_link_says_what_is_wrong_and_keeps_what_was_typed(client):
    answer = client.get("/gradient", params={"hidden": "<b>many</b>", "steps": "7"})
    assert answer.status_code == 422
    assert "<b>many" not in answer.text
    assert "a whole number from 1 to 256" in answer.text
    assert re.search(r'name="steps"[^>]*value="7"', answer.text)
    assert 'value="&lt;b&gt;many&lt;/b&gt;"' in answer.text


@pytest.mark.parametrize("cell", CELLS)
def test_without_a_script_the_form_answers_with_sentence_table_and_pictures(client, cell):
    answer = client.post("/gradient", data={**SMALL, "cell": cell, "csrf": client.csrf})
    assert answer.status_code == 200
    measured = measure(settings(cell=cell))
    page = unescape(answer.text)
    assert measured.meaning in page
    assert measured.title in page
    assert frame(measured)["alt_map"] in page
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>', page)
    assert rows == ["1", "2", "5", "10", "12"]
    for name in measured.bounds:
        assert f">{name}</th>" in page
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) == 2
    assert all(b64decode(picture).startswith(PNG) for picture in pictures)


def test_without_a_script_a_network_that_overflows_is_a_sentence(client):
    wild = {"cell": "relu", "hidden": "8", "steps": "256", "value": "100", "csrf": client.csrf}
    answer = client.post("/gradient", data=wild)
    assert answer.status_code == 422
    assert "overflows at step" in answer.text
    assert re.search(r'name="value"[^>]*value="100"', answer.text)


# --- frames ------------------------------------------------------------------------------------


def test_a_frame_is_what_the_command_measures(client):
    answer = client.post("/gradient/frame", json={**SMALL, "cell": "gru"}).json()
    measured, shown = measure(settings(cell="gru")), answer["frame"]
    expected = np.where(np.tri(13, dtype=bool), measured.flow.log_norms, np.nan) / math.log(10)
    np.testing.assert_allclose(norms_of(shown), expected, rtol=1e-6, atol=1e-9)
    assert shown["slope"] == pytest.approx(measured.slope)
    assert shown["meaning"] == measured.meaning
    median = [by * math.log(10) for by in shown["lags"]["median"]]
    np.testing.assert_allclose(median, by_lag(measured.flow.log_norms)[1], atol=1e-3)
    assert measured.s_max in answer["positions"]
    assert answer["positions"] == sorted(answer["positions"])
    assert 1 in answer["positions"]


def test_norms_of_exactly_0_stay_0_and_are_counted():
    shown = frame(measure(settings(value="0")))
    norms = norms_of(shown)
    assert np.isneginf(norms[np.tril_indices(13, -1)]).all()
    assert (np.diagonal(norms) == 0).all()
    assert shown["zeros"] == 78
    assert shown["lags"]["median"] == [0, *[None] * 12]
    assert shown["slope"] is None
    assert "exactly 0" in shown["alt_map"]
    assert json.dumps(shown, allow_nan=False)


@pytest.mark.parametrize("value", ["0.9", "2"])
def test_the_sentence_of_the_slope_says_its_sign_and_factor(value):
    shown = frame(measure(settings(init="orthogonal", size="s_max", value=value)))
    assert ("falls" if shown["slope"] < 0 else "rises") in shown["slope_words"]
    assert f"factor of {math.exp(shown['slope']):.3g}" in shown["slope_words"]


def test_the_alternative_text_names_the_least_and_the_largest_norm():
    measured = measure(settings())
    norms = np.where(np.tri(13, k=-1, dtype=bool), measured.flow.log_norms, np.nan)
    t, i = np.unravel_index(np.nanargmin(norms), norms.shape)
    assert f"(t = {t}, i = {i}) to" in frame(measured)["alt_map"]


def test_the_other_positions_come_from_the_nearest_outward_and_a_restart_repeats_none():
    request = {"settings": settings().__dict__, "around": 2.1}
    come = []
    frames(request, come.append, [])
    order = [shown["s_max"] for shown in come]
    assert sorted(order) == list(GRID)
    distances = [abs(math.log(s_max / 2.1)) for s_max in order]
    assert distances == sorted(distances)
    for shown in come:
        assert shown["title"].count(f"s_max {shown['s_max']:.3g}") == 1
    after = []
    frames(request, after.append, come[:15])
    assert [shown["s_max"] for shown in after] == order[15:]


def test_the_slider_has_no_two_positions_that_look_alike():
    assert positions(0.9999999) == [0.9999999 if x == 1 else x for x in GRID]
    assert positions(0.0) == [0.0, *GRID]
    assert positions(50.0) == [*GRID, 50.0]


def test_frames_arrive_as_the_events_of_a_job(client):
    job = client.post("/gradient/frames", json={**SMALL, "around": 1.0}).json()["id"]
    with client.stream("GET", f"/jobs/{job}/events") as stream:
        text = "".join(stream.iter_text())
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    arrived = [event["s_max"] for event in events if event and "s_max" in event]
    assert sorted(arrived) == sorted(set(GRID) - {1.0})
    assert "event: done" in text


# --- files -------------------------------------------------------------------------------------


def test_the_npz_file_holds_what_the_page_says_and_needs_no_pickle(client):
    asked = {**SMALL, "cell": "lstm", "size": "s_max", "value": "1.5", "csrf": client.csrf}
    answer = client.post("/gradient/flow.npz", data=asked)
    assert answer.status_code == 200
    assert "carrychain-gradient.npz" in answer.headers["content-disposition"]
    measured = measure(settings(cell="lstm", size="s_max", value="1.5"))
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as arrays:
        names = {re.sub("^bound_.*", "bound_…", name) for name in arrays}
        assert names == set(ARRAYS)
        np.testing.assert_array_equal(arrays["log_norms"], measured.flow.log_norms)
        np.testing.assert_array_equal(arrays["certificate"], measured.flow.certificate)
        np.testing.assert_array_equal(arrays["states"], measured.flow.states)
        np.testing.assert_array_equal(arrays["W_hh"], measured.W_hh)
        assert arrays["W_hh"].shape == (32, 8)
        assert float(arrays["s_max"]) == pytest.approx(1.5)
        assert Settings(**json.loads(str(arrays["settings"]))) == measured.settings


def test_each_bound_is_in_the_npz_file_under_its_name():
    with np.load(io.BytesIO(gradient_work.npz(measure(settings())))) as arrays:
        bounds = [name for name in arrays if name.startswith("bound_")]
        assert len(bounds) == 3
        for name in bounds:
            assert (arrays[name] >= arrays["log_norms"] - 1e-9).all()


def test_the_picture_is_a_png(client):
    answer = client.post("/gradient/flow.png", data={**SMALL, "csrf": client.csrf})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(PNG)


def test_a_file_with_a_wrong_field_is_a_sentence(client):
    answer = client.post("/gradient/flow.npz", data={"hidden": "0", "csrf": client.csrf})
    assert answer.status_code == 422
    assert "the number of units is" in unescape(answer.text)


# --- what is refused ---------------------------------------------------------------------------


BAD = {
    "unknown cell": ({"cell": "transformer"}, ["no cell 'transformer'", "lstm"]),
    "unknown init": ({"init": "ortogonal"}, ["did you mean orthogonal?"]),
    "unknown size": ({"size": "scale"}, ["no size 'scale'"]),
    "no number": ({"value": "much"}, ["gain is 'much'", "0 to 100"]),
    "NaN": ({"value": "nan"}, ["gain is 'nan'"]),
    "infinite input": ({"input_std": "inf"}, ["standard deviation is 'inf'"]),
    "negative": ({"size": "s_max", "value": "-1"}, ["s_max is '-1'"]),
    "s_max 0": ({"size": "s_max", "value": "0"}, ["s_max is 0", "above 0"]),
    "half a unit": ({"hidden": "2.5"}, ["units is '2.5'", "1 to 256"]),
    "too wide": ({"hidden": "257"}, ["units is '257'", "1 to 256"]),
    "too long": ({"steps": "1000"}, ["steps is '1000'", "1 to 256"]),
    "endless number": ({"seed": "9" * 5000}, ["the seed is", "4294967295"]),
    "too much": ({"hidden": "256", "steps": "256"}, ["at most 48 steps", "or 84 units"]),
    "too much LSTM": ({"cell": "lstm", "hidden": "128", "steps": "256"}, ["or 42 units"]),
}


@pytest.mark.parametrize(("fields", "said"), BAD.values(), ids=BAD.keys())
def test_what_can_not_be_measured_is_one_short_sentence(client, fields, said):
    answer = client.post("/gradient/frame", json=fields)
    assert answer.status_code == 422
    sentence = answer.json()["error"]
    assert len(sentence) < 250
    for part in said:
        assert part in sentence


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("hidden", ["1", "64", "100", "256"])
def test_what_the_refusal_offers_is_taken(cell, hidden):
    steps, units = f"{MOST_STEPS}", hidden
    try:
        read(Fields(cell=cell, hidden=hidden, steps=f"{MOST_STEPS}"))
    except InvalidInput as error:
        steps, units = re.findall(r"(\d+) (?:steps with|units over so)", str(error))
    assert read(Fields(cell=cell, hidden=hidden, steps=steps)).steps == int(steps)
    assert read(Fields(cell=cell, hidden=units, steps=f"{MOST_STEPS}")).hidden == int(units)


def test_an_s_max_that_is_no_number_starts_no_job(client):
    answer = client.post("/gradient/frames", json={**SMALL, "around": "wide"})
    assert answer.status_code == 422
    assert client.post("/gradient/frames", json={**SMALL, "around": -1}).status_code == 422
