"""Train `mini` from nothing: `python -m carrychain.mini.train --out DIR`.

One seeded, resumable command; no data is read, `corpus.py` writes it. The batch of step s depends
on (seed, s) alone, so a run that was cut off goes on from its last checkpoint as if it had not
been. The matrices are trained with Muon (Jordan et al. 2024), the rest with AdamW.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import Tokenizer
from torch import Tensor

from carrychain.mini.corpus import Segment, documents
from carrychain.mini.network import Architecture, Mini, export, rotary
from carrychain.mini.tokenizer import EOS, special_id, train_tokenizer


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


# --- data ----------------------------------------------------------------------------------


def batch(
    tokenizer: Tokenizer, seed: int, step: int, stage: Stage
) -> tuple[Tensor, Tensor, Tensor]:
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


def encode(tokenizer: Tokenizer, document: list[Segment]) -> tuple[list[int], list[float]]:
    """Tokenise a document whole and give each token the weight of the segment it ends in."""
    ends = np.cumsum([len(s.text) for s in document])
    weights = [s.weight for s in document]
    encoding = tokenizer.encode("".join(s.text for s in document))
    last = np.array([max(end - 1, 0) for _, end in encoding.offsets])
    which = np.searchsorted(ends, last, side="right")
    weighted = [weights[int(i)] for i in which]
    weighted[0] = 0.0  # nothing predicts <s>
    return [*encoding.ids, special_id(tokenizer, EOS)], [*weighted, weights[-1]]


# --- training -----------------------------------------------------------------------------------


class Trainer:
    """The state of a run: network, optimisers, step."""

    def __init__(
        self,
        out: Path,
        size: Architecture,
        recipe: Recipe,
        device: str = "cpu",
        compiled: bool = True,
    ):
        self.out, self.size, self.recipe, self.device = out, size, recipe, device
        self.step = 0
        torch.manual_seed(recipe.seed)
        self.model = Mini(size).to(device)
        matrices = [p for p in self.model.blocks.parameters() if p.ndim == 2]
        others = [p for p in self.model.parameters() if not any(p is m for m in matrices)]
        self.optimisers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                others, lr=recipe.adam_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True
            ),
            torch.optim.Muon(matrices, lr=recipe.muon_rate, weight_decay=recipe.weight_decay),
        ]
        self.peaks = [o.param_groups[0]["lr"] for o in self.optimisers]
        self.tokenizer = self._tokenizer()
        self._loss_of = torch.compile(self._loss) if compiled else self._loss

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
        x, y, w = (
            t.to(self.device) for t in batch(self.tokenizer, self.recipe.seed, self.step, stage)
        )
        cos, sin = rotary(self.size, stage.context, self.device)
        loss = self._loss_of(x, y, w, cos, sin)
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
            raise click.UsageError(
                f"{path} is of another recipe; choose another --out or remove it"
            )
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step = state["step"]
        return True


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory for the next step.

    By default it gives every large tensor back to the system, and the page faults of taking it
    again cost about as much as the arithmetic.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for option, value in (
            (_M_MMAP_THRESHOLD, 32 << 20),
            (_M_TRIM_THRESHOLD, 2**31 - 1),
            (_M_TOP_PAD, 256 << 20),
        ):
            libc.mallopt(option, value)


_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the run; a run that is there is gone on with.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the weights and of the corpus.")
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
@click.option("--save-every", default=200, show_default=True, help="Steps between checkpoints.")
@click.option("--stop-after", type=int, help="Stop, resumable, at this step.")
def main(out: Path, seed: int, device: str, save_every: int, stop_after: int | None) -> None:
    """Train the embedded teaching model from nothing and export it to OUT/export."""
    keep_freed_memory()
    out.mkdir(parents=True, exist_ok=True)
    size, recipe = Architecture(), Recipe(seed=seed)
    trainer = Trainer(out, size, recipe, device)
    if trainer.resume():
        click.echo(f"going on from step {trainer.step} of {recipe.steps}", err=True)
    last = min(recipe.steps, stop_after or recipe.steps)
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
    )
    with Progress(*columns) as progress, (out / "log.csv").open("a") as log:
        task = progress.add_task("training", total=recipe.steps, completed=trainer.step, status="")
        smooth, started = float("nan"), time.monotonic()
        while trainer.step < last:
            loss = trainer.train_step()
            smooth = loss if smooth != smooth else 0.98 * smooth + 0.02 * loss
            progress.update(task, completed=trainer.step, status=f"loss {smooth:.3f}")
            if trainer.step % 20 == 0:
                print(
                    trainer.step,
                    f"{smooth:.4f}",
                    f"{time.monotonic() - started:.1f}",
                    sep=",",
                    file=log,
                    flush=True,
                )
            if trainer.step % save_every == 0 or trainer.step == last:
                trainer.save()
    if trainer.step == recipe.steps:
        export(trainer.model, size, trainer.tokenizer, out / "export")
        click.echo(f"exported to {out / 'export'}", err=True)


if __name__ == "__main__":
    main()
