"""Training: resumable without a trace, and exported as the same function."""

from dataclasses import replace

import click
import pytest
import torch

from carrychain.mini.corpus import ANSWER_WEIGHT, QUESTION_WEIGHT, Segment
from carrychain.mini.network import Architecture, Mini, export, rotary
from carrychain.mini.tokenizer import train_tokenizer
from carrychain.mini.train import Recipe, Stage, Trainer, batch, encode

SMALL = Architecture(width=32, layers=2, heads=2, feed_forward=64, context=128)
SHORT = Recipe(seed=1, stages=(Stage(4, 2, 48), Stage(4, 1, 96)), warmup=2)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(seed=1, vocabulary=SMALL.vocabulary)


@pytest.fixture
def run_folder(tmp_path, tokenizer):
    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        tokenizer.save(str(folder / "tokenizer.json"))
        return folder

    return make


def trained(folder, steps, resume=False):
    trainer = Trainer(folder, SMALL, SHORT, compiled=False)
    assert trainer.resume() == resume
    losses = [trainer.train_step() for _ in range(steps - trainer.step)]
    trainer.save()
    return trainer, losses


def test_a_run_that_was_cut_off_ends_with_the_same_weights(run_folder):
    whole, losses = trained(run_folder("whole"), SHORT.steps)
    folder = run_folder("cut")
    _, first = trained(folder, 3)
    resumed, second = trained(folder, SHORT.steps, resume=True)
    assert first + second == losses
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_of_another_recipe_is_refused(run_folder):
    folder = run_folder("other")
    trained(folder, 1)
    with pytest.raises(click.UsageError, match="another recipe"):
        Trainer(folder, SMALL, replace(SHORT, seed=2), compiled=False).resume()


def test_the_loss_falls(run_folder):
    recipe = replace(SHORT, stages=(Stage(60, 4, 64),), warmup=5)
    trainer = Trainer(run_folder("falls"), SMALL, recipe, compiled=False)
    losses = [trainer.train_step() for _ in range(60)]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_the_exported_checkpoint_is_the_same_function(tmp_path, tokenizer):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(3)
    model = Mini(SMALL)
    for parameter in model.parameters():  # exported as bfloat16, so that is what is compared
        parameter.data = parameter.data.bfloat16().float()
    export(model, SMALL, tokenizer, tmp_path)
    llama = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    ids = AutoTokenizer.from_pretrained(tmp_path)(
        "Question: What is 12+9?\nAnswer: 21", return_tensors="pt"
    )["input_ids"]
    ours = model(ids, *rotary(SMALL, ids.shape[1], "cpu"))
    assert torch.allclose(llama(ids).logits, ours, atol=1e-5)


def test_digits_and_the_space_before_them_are_single_tokens(tokenizer):
    tokens = tokenizer.encode("Answer: 1234567 + 89\n").tokens
    digits = [t for t in tokens if any(c.isdigit() for c in t)]
    assert digits == list("123456789")
    assert tokens[tokens.index("1") - 1] == "Ġ"


@pytest.mark.parametrize("text", ["Answer: ~10 million", "Größe 3\\n\t½ 🙂", ""])
def test_any_text_survives_the_tokenizer(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_answers_weigh_more_than_questions(tokenizer):
    document = [
        Segment("Q: 1+2 A: ", QUESTION_WEIGHT),
        Segment("3", ANSWER_WEIGHT),
        Segment("\n", QUESTION_WEIGHT),
    ]
    ids, weights = encode(tokenizer, document)
    by_token = list(zip(map(tokenizer.id_to_token, ids), weights, strict=True))
    assert ("3", ANSWER_WEIGHT) in by_token
    assert by_token[0] == ("<s>", 0.0)
    assert sum(w == ANSWER_WEIGHT for w in weights) == 1


def test_targets_are_inputs_moved_by_one(tokenizer):
    x, y, w = batch(tokenizer, seed=0, step=5, stage=Stage(1, 3, 40))
    assert x.shape == y.shape == w.shape == (3, 40)
    assert torch.equal(x[:, 1:], y[:, :-1])


def test_the_rate_warms_up_stays_and_falls():
    recipe = Recipe()
    rates = [recipe.rate(step) for step in range(recipe.steps)]
    assert rates[0] < 0.01
    assert max(rates) == 1.0
    assert rates[int(0.5 * recipe.steps)] == 1.0
    assert rates[-1] == pytest.approx(recipe.final_rate, abs=1e-3)
