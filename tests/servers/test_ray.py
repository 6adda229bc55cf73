"""A real Ray cluster of two nodes on this machine; one of them is killed in the middle."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial

import pytest

from carrychain import engines
from carrychain.addition.evaluation import evaluate
from carrychain.addition.problems import handout_pairs
from carrychain.addition.prompts import SHIPPED
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput
from carrychain.grading.classroom import OneAtATime, Result, grade_class, key_of
from carrychain.grading.grader import Grader
from carrychain.grading.inbox import HandIn
from carrychain.grading.rubric import load_rubric
from carrychain.grading.store import Store
from carrychain.sandbox import Workshop

ray = pytest.importorskip("ray")
cluster = pytest.importorskip("carrychain.cluster")

pytestmark = [pytest.mark.servers, pytest.mark.filterwarnings("ignore")]

CLASS = 300
PROGRAM = """
import re
def your_netid(): return "s{number}"
def your_hf_token(): return ""
def your_prompt(): return "Question: What is ", "?\\nAnswer: "
def your_config():
    return {{"max_tokens": 50, "temperature": 0.{temperature}, "top_k": 50, "top_p": 0.6,
            "repetition_penalty": 1.0, "stop": ["\\n"]}}
def your_pre_processing(s): return s
def your_post_processing(output):
    found = re.search(r"[0-9]+", output)
    return int(found[0]) if found else 0
"""


@pytest.fixture(scope="module")
def nodes():
    """A cluster: its head and one more node, each with one processor."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = made.add_node(num_cpus=1)
    yield made, second
    made.shutdown()


@pytest.fixture(scope="module")
def rubric(tmp_path_factory):
    """The package's rules, on three instances."""
    text = load_rubric().model_dump()
    text["instances"] |= {"drawn": 2, "manual": {"long_carry_chains": ["9999999+1000001"]}}
    return type(load_rubric()).model_validate(text)


def content(results: list[Result]) -> list[dict]:
    """Return the results as the command writes them, but for times."""
    said = json.loads(json.dumps([each.as_dict() for each in results], default=str))
    for each in said:
        each.pop("seconds", None)
    return said


def test_a_class_survives_the_loss_of_a_node_and_equals_the_run_on_one_machine(
    nodes, rubric, tmp_path
) -> None:
    made, second = nodes
    hand_ins = [
        HandIn(f"s{i}.py", PROGRAM.format(number=i, temperature=i % 9).encode())
        for i in range(CLASS)
    ]
    seen: Counter[str] = Counter()

    def on_result(result: Result) -> None:
        seen[result.hand_in.name] += 1
        if sum(seen.values()) == CLASS // 3:
            made.remove_node(second, allow_graceful=False)

    with cluster.connected(made.address), Store(tmp_path / "far.sqlite") as store:
        far = cluster.ClusterGrader(cluster.Grading(cluster.Model("mini"), rubric, 7, 1))
        key = partial(key_of, engine=far.info, rubric=rubric, seed=7, runs=1)
        spread = grade_class(hand_ins, far.grade, key, store, at_once=4, on_result=on_result)
        assert len(list(store.everyone_ranked())) == CLASS
    assert seen == Counter({each.name: 1 for each in hand_ins})
    assert all(each.grade is not None for each in spread)
    with Workshop() as workshop, Store(tmp_path / "near.sqlite") as store:
        engine = OneAtATime(engines.load("mini"))
        grader = Grader(engine, workshop, rubric, 7, 1)
        here = grade_class(hand_ins, grader.grade, key, store)
    assert content(spread) == content(here)


def test_an_evaluation_on_a_cluster_has_the_same_rows(nodes) -> None:
    shipped = SHIPPED["one-shot-7-digit"]
    asked = {
        "prompt": shipped.prompt,
        "problems": handout_pairs(0, 1_000_000, 9_999_999, 70),
        "sampling": SamplingParams(max_tokens=12),
    }
    with cluster.connected(nodes[0].address):
        far = evaluate(engine=cluster.ClusterEngine(cluster.Model("mini")), **asked)
    here = evaluate(engine=engines.load("mini"), **asked)
    assert far.rows == here.rows
    assert far.model == here.model


def test_what_the_model_refuses_is_said_as_on_one_machine(nodes) -> None:
    with cluster.connected(nodes[0].address):
        engine = cluster.ClusterEngine(cluster.Model("mini"))
        with pytest.raises(InvalidInput, match="context"):
            list(engine.generate(["1 " * 5000], SamplingParams(), [0]))


@pytest.mark.parametrize(
    ("address", "says"),
    [("127.0.0.1:1", "start one with `ray start --head`"), ("nowhere", "local, auto or HOST:PORT")],
)
def test_an_address_without_a_cluster_is_explained(address: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says), cluster.connected(address):
        pass
