"""Train `mini` from nothing: `python -m carrychain.mini.train --out DIR`.

One seeded, resumable command; no data is read, `corpus.py` writes it. The batch of step s depends on
(seed, s) alone, so a run that was cut off goes on from its last checkpoint as if it had not been.
The network is Llama's (Touvron et al. 2023), written here in the shape that compiles best on a CPU;
`export` saves it as transformers' LlamaForCausalLM, which a test compares with it.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import click
import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor, nn

from carrychain.mini.corpus import documents

BOS, EOS = "<s>", "</s>"


@dataclass(frozen=True)
class Architecture:
    """Sizes of the network."""

    vocabulary: int = 1024
    width: int = 192
    layers: int = 6
    heads: int = 6
    feed_forward: int = 512
    context: int = 1536
    rope_theta: float = 10_000.0


@dataclass(frozen=True)
class Stage:
    """A stretch of training at one context length."""

    steps: int
    rows: int
    context: int


@dataclass(frozen=True)
class Recipe:
    """What determines the weights, beside the machine's arithmetic."""

    seed: int = 0
    stages: tuple[Stage, ...] = (Stage(6000, 16, 256), Stage(1500, 4, 1216))
    muon_rate: float = 0.02
    adam_rate: float = 2e-3
    warmup: int = 200
    constant_until: float = 0.55
    final_rate: float = 0.02
    weight_decay: float = 0.1

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> Stage:
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        raise IndexError(step)

    def rate(self, step: int) -> float:
        """The learning rate's factor: linear warm-up, constant, then linear to `final_rate`."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step / self.steps - self.constant_until) / (1 - self.constant_until)
        return 1.0 if done <= 0 else 1.0 - done * (1 - self.final_rate)


# --- the network --------------------------------------------------------------------------------


class Block(nn.Module):
    """One layer: causal self-attention with rotary positions, then a gated feed-forward part."""

    def __init__(self, size: Architecture):
        super().__init__()
        width = size.width
        self.heads = size.heads
        self.attention_norm = nn.Parameter(torch.ones(width))
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.feed_forward_norm = nn.Parameter(torch.ones(width))
        self.gate = nn.Linear(width, size.feed_forward, bias=False)
        self.up = nn.Linear(width, size.feed_forward, bias=False)
        self.down = nn.Linear(size.feed_forward, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        B, T, C = x.shape
        y = _rms_norm(x, self.attention_norm)
        q, k, v = (
            proj(y).view(B, T, self.heads, C // self.heads).transpose(1, 2)  # (B, nh, T, hs)
            for proj in (self.q, self.k, self.v)
        )
        y = _attention(_rotate(q, cos, sin), _rotate(k, cos, sin), v)
        x = x + self.o(y.transpose(1, 2).reshape(B, T, C))
        y = _rms_norm(x, self.feed_forward_norm)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Mini(nn.Module):
    """Tokens (B, T) to logits (B, T, vocabulary)."""

    def __init__(self, size: Architecture):
        super().__init__()
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.norm = nn.Parameter(torch.ones(size.width))
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02)
        for block in self.blocks:
            for last in (block.o, block.down):
                nn.init.normal_(last.weight, std=0.02 / (2 * size.layers) ** 0.5)

    def forward(self, tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, cos, sin)
        return F.linear(_rms_norm(x, self.norm), self.embedding.weight)  # embeddings are tied


def rotary(size: Architecture, context: int, device: str) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the rotary embedding, each (context, hs / 2)."""
    half = size.width // size.heads // 2
    frequencies = size.rope_theta ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = torch.outer(torch.arange(context, dtype=torch.float32), frequencies)
    return angles.cos().to(device), angles.sin().to(device)


def _rms_norm(x: Tensor, scale: Tensor) -> Tensor:
    return F.rms_norm(x, scale.shape, scale.to(x.dtype), eps=1e-5)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)


def _attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    B, nh, T, hs = q.shape
    if q.device.type != "cpu" or T > 512:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    # On a CPU and for short rows the plain product is faster, its backward pass above all.
    mask = torch.full((T, T), float("-inf"), dtype=q.dtype).triu(1)
    q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)  # (B*nh, T, hs)
    scores = torch.baddbmm(mask.expand(B * nh, T, T), q, k.transpose(1, 2), alpha=hs**-0.5)
    return torch.bmm(scores.softmax(-1), v).view(B, nh, T, hs)


# --- data ---------------------------------------------------------------------------------------


def train_tokenizer(seed: int, vocabulary: int) -> Tokenizer:
    """Learn a byte-level BPE whose digits and spaces before digits are always single tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" ?\p{L}+|\p{N}|[^\s\p{L}\p{N}]+|\s"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = ("".join(s.text for s in d) for d in islice(documents(seed), 6000))
    tokenizer.train_from_iterator(texts, trainer)
    bos = tokenizer.token_to_id(BOS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, bos)]
    )
    return tokenizer


def batch(tokenizer: Tokenizer, seed: int, step: int, stage: Stage) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs, targets and loss weights of a step, each (rows, context).

    A row is filled with whole documents from its start; the last one is cut.
    """
    length = stage.context + 1
    tokens = np.zeros((stage.rows, length), dtype=np.int64)
    weights = np.zeros((stage.rows, length), dtype=np.float32)
    stream = documents(f"{seed}/{step}")
    for row in range(stage.rows):
        filled = 0
        while filled < length:
            ids, weight = encode(tokenizer, next(stream))
            end = min(filled + len(ids), length)
            tokens[row, filled:end] = ids[: end - filled]
            weights[row, filled:end] = weight[: end - filled]
            filled = end
    x = torch.from_numpy(tokens)
    return x[:, :-1], x[:, 1:], torch.from_numpy(weights)[:, 1:]


def encode(tokenizer: Tokenizer, document: list) -> tuple[list[int], list[float]]:
    """Tokenise a document whole and give each token the weight of the segment it ends in."""
    ends = np.cumsum([len(s.text) for s in document])
    weights = [s.weight for s in document]
    encoding = tokenizer.encode("".join(s.text for s in document))
    last = np.array([max(end - 1, 0) for _, end in encoding.offsets])
    which = np.searchsorted(ends, last, side="right")
    weighted = [weights[i] for i in which]
    weighted[0] = 0.0  # nothing predicts <s>
    return [*encoding.ids, tokenizer.token_to_id(EOS)], [*weighted, weights[-1]]


# --- training -----------------------------------------------------------------------------------


class Trainer:
    """The state of a run: network, optimisers, step."""

    def __init__(self, out: Path, size: Architecture, recipe: Recipe, device: str):
        self.out, self.size, self.recipe, self.device = out, size, recipe, device
        self.step = 0
        torch.manual_seed(recipe.seed)
        self.model = Mini(size).to(device)
        matrices = [p for p in self.model.blocks.parameters() if p.ndim == 2]
        others = [p for p in self.model.parameters() if not any(p is m for m in matrices)]
        self.optimisers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                others, lr=recipe.adam_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True
            )
        ]
        if recipe.muon_rate > 0:
            self.optimisers.append(
                torch.optim.Muon(matrices, lr=recipe.muon_rate, weight_decay=recipe.weight_decay)
            )
        else:
            self.optimisers.append(
                torch.optim.AdamW(
                    matrices, lr=recipe.adam_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay, fused=True
                )
            )
        self.peaks = [o.param_groups[0]["lr"] for o in self.optimisers]
        self.tokenizer = self._tokenizer()
        self._compiled = torch.compile(self._loss)

    def _tokenizer(self) -> Tokenizer:
        path = self.out / "tokenizer.json"
        if not path.exists():
            tokenizer = train_tokenizer(self.recipe.seed, self.size.vocabulary)
            tokenizer.save(str(path))
        return Tokenizer.from_file(str(path))

    def _loss(self, x: Tensor, y: Tensor, w: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            logits = self.model(x, cos, sin)
        each = F.cross_entropy(logits.float().flatten(0, 1), y.flatten(), reduction="none")
        return (each * w.flatten()).sum() / w.sum()

    def train_step(self) -> float:
        stage = self.recipe.stage(self.step)
        x, y, w = (t.to(self.device) for t in batch(self.tokenizer, self.recipe.seed, self.step, stage))
        cos, sin = rotary(self.size, stage.context, self.device)
        loss = self._compiled(x, y, w, cos, sin)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        factor = self.recipe.rate(self.step)
        for optimiser, peak in zip(self.optimisers, self.peaks, strict=True):
            optimiser.param_groups[0]["lr"] = peak * factor
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        return float(loss.detach())

    def save(self) -> None:
        state = {
            "step": self.step,
            "size": asdict(self.size),
            "recipe": asdict(self.recipe),
            "model": self.model.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
        }
        partial = self.out / "checkpoint.pt.partial"
        torch.save(state, partial)
        os.replace(partial, self.out / "checkpoint.pt")

    def resume(self) -> bool:
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return False
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["recipe"] != asdict(self.recipe) or state["size"] != asdict(self.size):
            raise click.UsageError(f"{path} is of another recipe; choose another --out or remove it")
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step = state["step"]
        return True


def export(model: Mini, size: Architecture, tokenizer: Tokenizer, folder: Path) -> None:
    """Save the network as a bfloat16 transformers checkpoint with its tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    config = LlamaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        intermediate_size=size.feed_forward,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=size.context,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": size.rope_theta},
        tie_word_embeddings=True,
        bos_token_id=tokenizer.token_to_id(BOS),
        eos_token_id=tokenizer.token_to_id(EOS),
        dtype="bfloat16",
    )
    llama = LlamaForCausalLM(config)
    llama.load_state_dict(llama_state(model), strict=False)
    llama.tie_weights()
    llama.bfloat16().save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, clean_up_tokenization_spaces=False
    ).save_pretrained(folder)


def llama_state(model: Mini) -> dict[str, Tensor]:
    """Return the parameters under the names of transformers' LlamaForCausalLM."""
    state = {
        "model.embed_tokens.weight": model.embedding.weight,
        "lm_head.weight": model.embedding.weight,
        "model.norm.weight": model.norm,
    }
    for i, block in enumerate(model.blocks):
        for ours, theirs in _LLAMA_NAMES.items():
            state[f"model.layers.{i}.{theirs}"] = block.get_parameter(ours)
    return {name: tensor.detach().float().cpu() for name, tensor in state.items()}


_LLAMA_NAMES = {
    "attention_norm": "input_layernorm.weight",
    "q.weight": "self_attn.q_proj.weight",
    "k.weight": "self_attn.k_proj.weight",
    "v.weight": "self_attn.v_proj.weight",
    "o.weight": "self_attn.o_proj.weight",
    "feed_forward_norm": "post_attention_layernorm.weight",
    "gate.weight": "mlp.gate_proj.weight",
    "up.weight": "mlp.up_proj.weight",
    "down.weight": "mlp.down_proj.weight",
}


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the run; a run that is there is gone on with.")
@click.option("--seed", default=0, show_default=True, help="Seed of the weights and of the corpus.")
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
@click.option("--save-every", default=200, show_default=True, help="Steps between checkpoints.")
@click.option("--stop-after", type=int, help="Stop, resumable, at this step.")
def main(out: Path, seed: int, device: str, save_every: int, stop_after: int | None) -> None:
    """Train the embedded teaching model from nothing and export it to OUT/export."""
    out.mkdir(parents=True, exist_ok=True)
    size, recipe = Architecture(), Recipe(seed=seed)
    trainer = Trainer(out, size, recipe, device)
    if trainer.resume():
        click.echo(f"going on from step {trainer.step} of {recipe.steps}", err=True)
    last = min(recipe.steps, stop_after or recipe.steps)
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[status]}"))
    with Progress(*columns) as progress, (out / "log.csv").open("a") as log:
        task = progress.add_task("training", total=recipe.steps, completed=trainer.step, status="")
        smooth, started = float("nan"), time.monotonic()
        while trainer.step < last:
            loss = trainer.train_step()
            smooth = loss if smooth != smooth else 0.98 * smooth + 0.02 * loss
            progress.update(task, completed=trainer.step, status=f"loss {smooth:.3f}")
            if trainer.step % 20 == 0:
                print(trainer.step, f"{smooth:.4f}", f"{time.monotonic() - started:.1f}", sep=",", file=log, flush=True)
            if trainer.step % save_every == 0 or trainer.step == last:
                trainer.save()
    if trainer.step == recipe.steps:
        export(trainer.model, size, trainer.tokenizer, out / "export")
        click.echo(f"exported to {out / 'export'}", err=True)


if __name__ == "__main__":
    main()
