"""Options that several commands share, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from carrychain.cli.console import note
from carrychain.engines.base import Engine, SamplingParams


@contextmanager
def on_cluster(
    address: str, model: str, dtype: str = "auto", offline: bool = False
) -> Generator[Engine]:
    """Give an engine whose prompts a Ray cluster answers."""
    from carrychain import cluster

    with cluster.connected(address):
        yield cluster.ClusterEngine(cluster.Model(model, dtype, offline))


F = TypeVar("F", bound=Callable[..., Any])

DEFAULTS = SamplingParams()
_SAMPLING = {
    "max_tokens": (int, "most tokens to generate"),
    "temperature": (float, "divides the logits; 0 is greedy"),
    "top_k": (int, "keep this many most likely tokens; 0 is off"),
    "top_p": (float, "keep the fewest tokens that reach this probability; 1 is off"),
    "repetition_penalty": (float, "lowers tokens already in prompt or output; 1 is off"),
}


def sampling_options(command: F) -> F:
    """Add the six decoding parameters; a value not given is None (or no stop string)."""
    stop = click.option(
        "--stop", multiple=True, help="End the text before this string; may be repeated."
    )
    command = stop(command)
    for name, (kind, text) in reversed(_SAMPLING.items()):
        flag = "--" + name.replace("_", "-")
        shown = f"{text[0].upper()}{text[1:]}.  [default: {getattr(DEFAULTS, name):g}]"
        command = click.option(flag, type=kind, help=shown)(command)
    return command


def sampling_from(given: dict[str, Any], **otherwise: Any) -> SamplingParams:
    """Build the parameters: what was given, else `otherwise` (a prompt's own), else the default."""
    values: dict[str, Any] = dict(otherwise)
    values |= {name: given[name] for name in _SAMPLING if given[name] is not None}
    if given["stop"]:
        values["stop"] = tuple(typed(s, "--stop") for s in given["stop"])
    return SamplingParams(**values)


def typed(text: str, where: str) -> str:
    r"""Take `\n` and `\t` in a shell argument as the characters, and say so."""
    from carrychain.addition.prompts import unescape

    characters = unescape(text)
    if characters != text:
        note(
            rf"{where}: \n and \t are taken as line break and tab (use --prompt-file to keep them)"
        )
    return characters


model_option = click.option(
    "--model", default="mini", show_default=True, help="The model; see `carrychain models`."
)
dtype_option = click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="Number format; auto is the checkpoint's own on a GPU, float32 on a CPU.",
)
ray_option = click.option(
    "--ray",
    "ray_address",
    metavar="ADDRESS",
    help="Use a Ray cluster: local starts one here, HOST:PORT is one that runs.",
)
offline_option = click.option(
    "--offline",
    is_flag=True,
    envvar="HF_HUB_OFFLINE",
    help="Ask no network: a hub model must have been downloaded before.",
)
