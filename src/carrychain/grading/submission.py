r"""A submission.py behind the sandbox: what it says, what is wrong with it, how it is called.

    with Workshop() as workshop:
        submission = load("submission.py", workshop)
        print(*submission.findings, sep="\n")
        texts = submission.pre(["1234567+7654321"])
        numbers = submission.post(["8888888"])

Nothing of the file runs in this process, and `your_hf_token` is never called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from carrychain.addition.prompts import Prompt
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput
from carrychain.grading import contract
from carrychain.grading.contract import CONFIG, NET_ID, POST, PRE, PROMPT
from carrychain.grading.findings import Finding, clipped, failed
from carrychain.grading.redaction import redact
from carrychain.grading.source import API_KEY, TOKEN, Source
from carrychain.io import StrPath
from carrychain.sandbox import Answer, Call, Failure, Get, Kind, Limits, Workshop

T = TypeVar("T")

LIMITS = Limits(printed=1 << 20)
"""What a submission may use; its functions print, and they are called hundreds of times a run."""

SAMPLE_PROBLEMS = ("1234567+7654321", "9999999+9999999")
SAMPLE_OUTPUTS = ("8888888\nQuestion: What is 3+4?\nAnswer: 7", "I do not know.", "")
"""What a model may write: a number, none, and nothing at all."""

_NO_SUCH_VALUE = {
    PRE: ("not-a-string", "returned what is not a string"),
    POST: ("not-an-integer", "returned what is not an integer"),
}


@dataclass(frozen=True)
class Submission:
    """A submission.py behind the sandbox.

    Args:
        path: the file.
        workshop: where its functions are called.
        source: the file, read and not run.
        net_id: whose it is, "" where it does not say.
        prefix, suffix: its prompt, empty where it has none.
        config: what your_config returned, if that is a dictionary.
        sampling: its decoding parameters; None where one is missing or wrong.
        defines: which of your_pre_processing and your_post_processing are there.
        runnable: whether a model can be asked: prompt, parameters and both functions are there.
        findings: what is wrong with it.
    """

    path: Path
    workshop: Workshop = field(repr=False)
    source: Source = field(repr=False)
    net_id: str = ""
    prefix: str = ""
    suffix: str = ""
    config: Mapping[str, object] | None = None
    sampling: SamplingParams | None = None
    defines: frozenset[str] = frozenset()
    runnable: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def prompt(self) -> Prompt:
        """Its prompt."""
        return Prompt(self.prefix, self.suffix)

    def pre(self, problems: Sequence[str]) -> list[str | Failure]:
        """Pass problems such as "12+34" to your_pre_processing, all in one fresh child."""
        return self.pre_then_post(problems, ())[0]

    def post(self, outputs: Sequence[str]) -> list[int | Failure]:
        """Pass outputs to your_post_processing, all in one fresh child."""
        return self.pre_then_post((), outputs)[1]

    def pre_then_post(
        self, problems: Sequence[str], outputs: Sequence[str]
    ) -> tuple[list[str | Failure], list[int | Failure]]:
        """Do what `pre` and then `post` do in one child, where the one could tell the other."""
        calls = [Call(PRE, (text,)) for text in problems]
        calls += [Call(POST, (text,)) for text in outputs]
        outcomes = self._run(calls)
        texts = [contract.text_from(outcome) for outcome in outcomes[: len(problems)]]
        numbers = [contract.integer_from(outcome) for outcome in outcomes[len(problems) :]]
        return [self._hidden(text) for text in texts], [self._hidden(number) for number in numbers]

    def redact(self, text: str) -> str:
        """Hide what looks like a token, and the file's own token whatever it looks like."""
        return redact(text, self.source.secrets)

    def with_findings(self, findings: Iterable[Finding]) -> Submission:
        """Return it with more findings, in which no token stands."""
        new = tuple(finding.redacted(self.source.secrets) for finding in findings)
        return replace(self, findings=self.findings + new)

    def failures(self, function: str, outcomes: Sequence[object], inputs: str) -> list[Finding]:
        """Return a finding for each way in which a function failed.

        Args:
            function: your_pre_processing or your_post_processing.
            outcomes: what `pre` or `post` returned.
            inputs: what it was called with, such as "outputs".
        """
        alike: dict[tuple[object, ...], list[Failure]] = {}
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                key = (outcome.kind, outcome.line, outcome.exception)
                alike.setdefault(key, []).append(outcome)
        findings: list[Finding] = []
        for group in alike.values():
            when = f" on {len(group)} of {len(outcomes)} {inputs}"
            wrong_value = group[0].kind is Kind.VALUE
            code, what = _NO_SUCH_VALUE[function] if wrong_value else (None, None)
            findings.append(
                failed(function, group[0], self.source, when=when, code=code, what=what)
            )
        return findings

    def _run(self, calls: Sequence[Call]) -> list[Answer | Failure]:
        if not calls:
            return []
        return self.workshop.run(self.path, calls, limits=LIMITS).outcomes

    def _hidden(self, outcome: T | Failure) -> T | Failure:
        """Hide tokens in what a failure says."""
        if not isinstance(outcome, Failure):
            return outcome
        message, code = self.redact(outcome.message), self.redact(outcome.code)
        return replace(outcome, message=message, code=code)


def load(path: StrPath, workshop: Workshop) -> Submission:
    """Read a submission, run it once for its prompt, parameters and net id, and say what is wrong.

    Raises:
        InvalidInput: there is no such file, or no permission to read it.
    """
    source = Source.read(path)
    submission = Submission(Path(path), workshop, source)
    if source.fault:
        fault = Finding("unreadable", f"the file can't be run: {source.fault}")
        return submission.with_findings([fault])
    asked = {name: Call(name) for name in (PROMPT, CONFIG, *NET_ID)}
    asked |= {name: Get(name) for name in (PRE, POST)}
    try:
        outcomes = workshop.run(path, list(asked.values()), limits=LIMITS).outcomes
    except InvalidInput as error:  # a link or a huge file beside it, say
        fault = Finding("unreadable", "the file, or what stands beside it, can't be read")
        return submission.with_findings([replace(fault, detail=str(error))])
    if whole := _failed_as_a_whole(outcomes):
        code = "import-failed" if whole.kind is Kind.EXCEPTION else None
        return submission.with_findings([failed("the file", whole, source, code=code)])
    of = dict(zip(asked, outcomes, strict=True))
    findings: list[Finding] = []
    prompt = contract.prompt_from(of[PROMPT], source, findings)
    config = contract.config_from(of[CONFIG], source, findings)
    sampling = None if config is None else contract.sampling_from(config, findings)
    missing = {name for name in (PRE, POST) if contract.is_missing(of[name])}
    findings += [contract.missing(name) for name in sorted(missing, reverse=True)]
    net_id = contract.net_id_from(of, source, findings)
    findings += _of_the_token(source)
    return replace(
        submission,
        net_id=clipped(submission.redact(net_id), 64),
        prefix=prompt.prefix if prompt else "",
        suffix=prompt.suffix if prompt else "",
        config=config,
        sampling=sampling,
        defines=frozenset({PRE, POST} - missing),
        runnable=prompt is not None and sampling is not None and not missing,
    ).with_findings(findings)


def check(path: StrPath, workshop: Workshop) -> Submission:
    """Load a submission and try its functions on a few texts; no model is needed.

    Raises:
        InvalidInput: there is no such file, or no permission to read it.
    """
    submission = load(path, workshop)
    findings: list[Finding] = []
    if PRE in submission.defines:
        outcomes = submission.pre(SAMPLE_PROBLEMS)
        findings += submission.failures(PRE, outcomes, "sample problems")
    if POST in submission.defines:
        outcomes = submission.post(SAMPLE_OUTPUTS)
        # A model's output may look otherwise: what is raised here need not be raised there.
        findings += [
            replace(finding, severity="warning") if finding.code == "exception" else finding
            for finding in submission.failures(POST, outcomes, "sample outputs")
        ]
    return submission.with_findings(findings)


def _failed_as_a_whole(outcomes: Sequence[Answer | Failure]) -> Failure | None:
    """Return what stopped the file's own statements, or the child before it answered anything."""
    first = outcomes[0]
    if not isinstance(first, Failure) or first.kind is Kind.MISSING:
        return None
    alike = all(isinstance(outcome, Failure) and outcome == first for outcome in outcomes)
    return first if alike else None


def _of_the_token(source: Source) -> list[Finding]:
    """Say what the source tells of the token."""
    if not source.defines(TOKEN) and not source.defines(API_KEY):
        return [contract.missing(TOKEN)]
    if source.token_is_empty:
        name = TOKEN if source.defines(TOKEN) else API_KEY
        message = f"{name} is left empty: the course asks for a token, though nothing here uses it"
        return [Finding("empty-token", message, "warning")]
    return []
