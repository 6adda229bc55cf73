"""carrychain in inspect_ai: the task `carrychain/addition` and the models `carrychain/NAME`.

inspect_ai finds this module by its entry point; nothing in carrychain imports it.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import anyio
from anyio import to_thread
from inspect_ai import Task, task
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    modelapi,
)
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    Score,
    Scorer,
    Target,
    accuracy,
    ci_wilson,
    mean,
    scorer,
    stderr,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolChoice, ToolInfo
from rich.markup import escape

from carrychain import engines
from carrychain.addition.evaluation import request_seed
from carrychain.addition.extraction import extractor
from carrychain.addition.problems import PROBES
from carrychain.addition.prompts import Prompt, ShippedPrompt, pre_processor, shipped, unescape
from carrychain.addition.scoring import absolute_errors, as_float
from carrychain.api import drawn, problems_of
from carrychain.engines.base import Completion, FinishReason, SamplingParams, SharesPrefix
from carrychain.errors import CarrychainError, GenerationFailed, InvalidInput
from carrychain.io import read_text

NAME = "carrychain"
"""What stands before the slash, in the task's name as in the models'."""


@contextmanager
def _in_one_sentence() -> Generator[None]:
    """Turn our errors into the one that inspect_ai shows without a traceback."""
    try:
        yield
    except CarrychainError as error:
        raise PrerequisiteError(escape(f"{NAME}: {error}")) from error


# --- the task ------------------------------------------------------------------------------------


@task
def addition(
    prompt: str | None = None,
    prefix: str | None = None,
    suffix: str | None = None,
    prompt_file: str | None = None,
    pre_processing: str | None = None,
    extract: str | None = None,
    digits: int = 7,
    n: int = 30,
    seed: int = 0,
    max_tokens: int | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    repetition_penalty: float | None = None,
    stop: str | Sequence[str] | None = None,
) -> Task:
    r"""Addition problems, asked and read as `carrychain evaluate` asks and reads them.

    With a model `carrychain/NAME` the model sees the raw prompt, and the texts are those of
    `carrychain evaluate`, sampled ones too. `--epochs` is its `--runs`. inspect_ai's own options
    (`--temperature`, `--max-tokens`, ...) win over the parameters here, but for `--seed`, which
    gives way to a seed of its own for each problem and epoch.

    Args:
        prompt: a shipped prompt, with what it carries; zero-shot if nothing gives the prompt.
        prefix, suffix: text before and after the problem; `\n` and `\t`, typed as two characters,
            are taken as line break and tab.
        prompt_file: a file with {problem} in it.
        pre_processing: how "a+b" is written; the prompt's own if left out.
        extract: how the number is read from the output; the prompt's own if left out.
        digits: digits of each operand, 1 to 15; 1 means 1 to 10.
        n: number of problems, at least 1.
        seed: fixes problems and sampling, at least 0.
        max_tokens, temperature, top_k, top_p, repetition_penalty, stop: decoding parameters; the
            prompt's own, else the hand-out's, if left out. On the command line a stop string with a
            comma in it is given as a list of one: `-T 'stop=["a,b"]'`.

    Raises:
        PrerequisiteError: a value is not what is needed.
    """
    with _in_one_sentence():
        asked = _prompt(prompt, prefix, suffix, prompt_file)
        given: dict[str, Any] = {
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "repetition_penalty": repetition_penalty,
            "stop": None if stop is None else _stops(stop),
        }
        chosen: dict[str, Any] = {**asked.sampling}
        chosen |= {name: value for name, value in given.items() if value is not None}
        sampling = SamplingParams(**chosen)
        written = _text("pre_processing", pre_processing or asked.pre_processing)
        way = _text("extract", extract or asked.extract)
        extractor(way)
        for name, value in (("digits", digits), ("n", n), ("seed", seed)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise InvalidInput(f"{name} is {value!r}; it must be a whole number")
        problems = problems_of(drawn(digits=digits, low=None, high=None, n=n, seed=seed))
        write = pre_processor(written)
        shape = _Shape(len(asked.prompt.prefix), len(asked.prompt.suffix), written)
        samples = [
            Sample(
                id=index + 1,
                input=[
                    ChatMessageUser(
                        content=asked.prompt.render(write(str(problem))),
                        metadata=shape.as_metadata(),
                    )
                ],
                target=str(problem.answer),
                metadata={"index": index, "a": problem.a, "b": problem.b},
            )
            for index, problem in enumerate(problems)
        ]
    return Task(
        dataset=MemoryDataset(samples, name=f"{asked.name or 'own prompt'}, {digits}-digit sums"),
        solver=continue_text(seed),
        scorer=[exact_sum(way), absolute_error(way)],
        config=_config(sampling),
    )


@solver
def continue_text(seed: int = 0) -> Solver:
    """Let the model go on from the prompt, with a seed for each problem and epoch."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        request = request_seed(seed, state.metadata["index"], state.epoch - 1)
        if state.model.api != NAME:
            request %= 1 << 31  # what servers take
        return await generate(state, tool_calls="none", seed=request)

    return solve


@scorer(metrics=[accuracy(), stderr(), ci_wilson()])
def exact_sum(extract: str = "first-integer") -> Scorer:
    """Score whether the number in the output is the sum."""
    read = extractor(extract)

    async def score(state: TaskState, target: Target) -> Score:
        response = read(state.output.completion)
        return Score(
            value=CORRECT if response == int(target.text) else INCORRECT,
            answer=None if response is None else str(response),
            explanation="there is no number in the output" if response is None else None,
        )

    return score


@scorer(metrics=[mean()])
def absolute_error(extract: str = "first-integer") -> Scorer:
    """Score how far the number in the output is from the sum; without a number it counts as 0."""
    read = extractor(extract)

    async def score(state: TaskState, target: Target) -> Score:
        response = read(state.output.completion)
        (error,) = absolute_errors([int(target.text)], [response])
        return Score(value=as_float(error), answer=None if response is None else str(response))

    return score


def _prompt(
    name: str | None, prefix: object, suffix: object, prompt_file: str | None
) -> ShippedPrompt:
    written = prefix is not None or suffix is not None
    if (name is not None) + (prompt_file is not None) + written > 1:
        raise InvalidInput(
            "prompt, prompt_file and prefix/suffix each give the prompt; use one of them"
        )
    if prompt_file is not None:
        return ShippedPrompt("", Prompt.from_template(read_text(prompt_file)), idea="")
    if written:
        prompt = Prompt(_text("prefix", prefix or ""), _text("suffix", suffix or ""))
        return ShippedPrompt("", prompt, idea="")
    return shipped("zero-shot" if name is None else _text("prompt", name))


def _stops(stop: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(_text("stop", each) for each in ([stop] if isinstance(stop, str) else stop))


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(
            f"{name} is {value!r}, which is no text: inspect reads -T values as YAML and splits "
            f"them at commas; quote it twice, as in -T '{name}=\"Answer: \"', or, for a prompt, "
            "use prompt_file"
        )
    return unescape(value)


def _config(sampling: SamplingParams) -> GenerateConfig:
    penalty = sampling.repetition_penalty
    return GenerateConfig(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        stop_seqs=list(sampling.stop) or None,
        extra_body=None if penalty == 1 else {"repetition_penalty": penalty},
    )


# --- the models ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a prompt was made: what our engines need to compute the common prefix once.

    Args:
        prefix, suffix: their lengths in characters.
        pre_processing: how the problem between them was written.
    """

    prefix: int
    suffix: int
    pre_processing: str

    def as_metadata(self) -> dict[str, Any]:
        return {NAME: [self.prefix, self.suffix, self.pre_processing]}

    def probes(self, text: str) -> tuple[str, ...]:
        """Return the fixed prompts of `SharesPrefix`, made as the prompt `text` was."""
        prompt = Prompt(text[: self.prefix], text[len(text) - self.suffix :])
        write = pre_processor(self.pre_processing)
        return tuple(prompt.render(write(str(problem))) for problem in PROBES)


@dataclass(frozen=True, slots=True)
class _Request:
    prompt: str
    params: SamplingParams
    seed: int
    probes: tuple[str, ...]
    done: Future[Completion]


_UNSUPPORTED = (
    *("best_of", "frequency_penalty", "presence_penalty", "logit_bias", "num_choices"),
    *("logprobs", "top_logprobs", "prompt_logprobs", "response_schema"),
)
_STOP_REASONS: dict[FinishReason, StopReason] = {
    FinishReason.STOP: "stop",
    FinishReason.EOS: "stop",
    FinishReason.LENGTH: "max_tokens",
}


@modelapi(name=NAME)
class EngineAPI(ModelAPI):
    """One of our engines as a model of inspect_ai: the text of one user message, continued.

    There is no chat template and no system message. What waits at one time is computed together.

    Args:
        model_name: what `carrychain evaluate --model` takes: mini, smollm2, hf:ID-or-folder, ...
        base_url, api_key, config: inspect_ai's; the first two have no meaning here.
        dtype, device, offline: as in `engines.load`; on the command line `-M dtype=float32`.
        unknown: refused.

    Raises:
        PrerequisiteError: the model can't be used here, or there is no such argument.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        dtype: str = "auto",
        device: str = "auto",
        offline: bool = False,
        **unknown: object,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        with _in_one_sentence():
            if unknown:
                raise InvalidInput(
                    f"there is no model argument {next(iter(unknown))!r}; "
                    "there are dtype, device, offline"
                )
            self._engine = engines.load(model_name, dtype, device, offline)
        self._waiting: SimpleQueue[_Request] = SimpleQueue()
        self._turn = anyio.Lock()

    def max_tokens(self) -> int:
        return SamplingParams().max_tokens

    async def count_text_tokens(self, text: str) -> int:
        count = self._engine.count_tokens(text)
        return await super().count_text_tokens(text) if count is None else count

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        with _in_one_sentence():
            request = _request(input, tools, config)
            self._waiting.put(request)
            async with self._turn:
                if not request.done.done():
                    await anyio.sleep(0.01)  # others are about to ask
                    await to_thread.run_sync(self._complete)
            return self._output(request.done.result())

    def _complete(self) -> None:
        """Answer whatever waits."""
        alike: dict[tuple[SamplingParams, tuple[str, ...]], list[_Request]] = {}
        while not self._waiting.empty():
            request = self._waiting.get()
            alike.setdefault((request.params, request.probes), []).append(request)
        for (params, probes), group in alike.items():
            error: Exception = GenerationFailed("the engine gave no answer")
            try:
                for done in self._generate(group, params, probes):
                    group[done.index].done.set_result(done)
            except Exception as raised:  # whatever it is, those who wait for an answer must hear it
                error = raised
            for request in group:
                if not request.done.done():
                    request.done.set_exception(error)

    def _generate(
        self, group: Sequence[_Request], params: SamplingParams, probes: Sequence[str]
    ) -> Iterator[Completion]:
        prompts, seeds = [r.prompt for r in group], [r.seed for r in group]
        if probes and isinstance(self._engine, SharesPrefix):
            return self._engine.generate_sharing(prompts, params, seeds, probes)
        return self._engine.generate(prompts, params, seeds)

    def _output(self, done: Completion) -> ModelOutput:
        info = self._engine.info
        message = ChatMessageAssistant(content=done.text, model=self.model_name, source="generate")
        return ModelOutput(
            model=self.model_name,
            choices=[
                ChatCompletionChoice(message=message, stop_reason=_STOP_REASONS[done.finish_reason])
            ],
            usage=ModelUsage(
                input_tokens=done.prompt_tokens,
                output_tokens=done.tokens,
                total_tokens=done.prompt_tokens + done.tokens,
            ),
            metadata={
                "engine": info.title,
                "revision": info.revision,
                **info.settings,
                "finish_reason": str(done.finish_reason),
            },
        )


def _request(
    input: Sequence[ChatMessage], tools: Sequence[ToolInfo], config: GenerateConfig
) -> _Request:
    """Read what is asked; raise InvalidInput where our engines can't do it."""
    match input:
        case [ChatMessageUser(content=str(prompt), metadata=metadata)] if not tools:
            pass
        case _:
            raise InvalidInput(
                f"these models continue the text of one user message; there are {len(input)} "
                f"messages and {len(tools)} tools"
            )
    extra: dict[str, Any] = config.extra_body or {}
    asked = [name for name in _UNSUPPORTED if getattr(config, name) is not None]
    asked += [f"extra_body.{name}" for name in extra if name != "repetition_penalty"]
    if asked:
        raise InvalidInput(f"{asked[0]} is set, which these models don't have; leave it out")
    given: dict[str, Any] = {
        "max_tokens": config.max_tokens,
        "temperature": config.temperature,
        "top_k": config.top_k,
        "top_p": config.top_p,
        "stop": config.stop_seqs,
        **extra,
    }
    params = SamplingParams(**{name: value for name, value in given.items() if value is not None})
    shape = (metadata or {}).get(NAME)
    return _Request(
        prompt=prompt,
        params=params,
        seed=secrets.randbits(64) if config.seed is None else config.seed,
        probes=() if shape is None else _Shape(*shape).probes(prompt),
        done=Future(),
    )
