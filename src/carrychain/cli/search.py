"""`carrychain search`: find a prompt that makes a model add, and write it down as a submission."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from carrychain import engines, io
from carrychain.addition.problems import bounds_of_digits
from carrychain.addition.prompts import SHIPPED, Prompt, shipped
from carrychain.cli.console import check_output, json_option, note, progress, put_json, results
from carrychain.cli.options import (
    dtype_option,
    model_option,
    offline_option,
    on_cluster,
    ray_option,
    typed,
)
from carrychain.cli.submissions import runnable_submission
from carrychain.cluster import workers
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput
from carrychain.sandbox import Failure, Workshop
from carrychain.search.afterwards import ablate, importance, parts_of, verify
from carrychain.search.report import Found, check_sizes, findings, markdown
from carrychain.search.search import Budget, Own, Search, Settings, locked
from carrychain.search.space import Blocks, load_blocks, toml_of, with_seed
from carrychain.search.submission_file import improved_source, submission_source
from carrychain.text import number, share


@click.command()
@click.argument("submission_path", metavar="[SUBMISSION.py]", required=False, type=Path)
@click.option("--prompt", type=click.Choice(list(SHIPPED)), help="Begin with a shipped prompt.")
@click.option("--prefix", help="Begin with this text before the problem, and --suffix.")
@click.option("--suffix", help="The text after it.")
@click.option(
    "--metric",
    type=click.Choice(["acc", "mae", "res"]),
    default="acc",
    show_default=True,
    help="What is made better: exact sums, error, or res, which likes short prompts.",
)
@model_option
@dtype_option
@offline_option
@ray_option
@click.option("--digits", default=7, show_default=True, help="Digits of each operand.")
@click.option("--seed", default=0, show_default=True, help="Fixes proposals and problems.")
@click.option(
    "--budget",
    default="10m",
    show_default=True,
    help="What the search may spend: 10m (minutes), 5000p (problems) or 2000000t (tokens).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="submission.py",
    show_default=True,
    help="The submission that is written; its report goes beside it, with the ending .md.",
)
@click.option("--overwrite", is_flag=True, help="Replace OUT if it is there.")
@click.option(
    "--blocks",
    "blocks_path",
    type=click.Path(path_type=Path),
    help="A TOML file of your own building blocks; --show-blocks prints ours in that form.",
)
@click.option("--show-blocks", is_flag=True, help="Print the building blocks as TOML, and stop.")
@click.option(
    "--storage",
    type=click.Path(path_type=Path),
    help="SQLite file of what was tried, to go on with.  [default: OUT with the ending .db]",
)
@click.option(
    "--final-n", default=300, show_default=True, help="Unseen problems for the final figures."
)
@click.option(
    "--ablation-n",
    default=100,
    show_default=True,
    help="Unseen problems on which each part is removed; 0 leaves that out.",
)
@json_option
def search(
    submission_path: Path | None,
    prompt: str | None,
    prefix: str | None,
    suffix: str | None,
    metric: str,
    model: str,
    dtype: str,
    offline: bool,
    ray_address: str | None,
    digits: int,
    seed: int,
    budget: str,
    out: Path,
    overwrite: bool,
    blocks_path: Path | None,
    show_blocks: bool,
    storage: Path | None,
    final_n: int,
    ablation_n: int,
    json_path: str | None,
) -> None:
    """Find a prompt that makes the model add, and write it down as a submission.

    It begins from nothing, or improves SUBMISSION.py, a shipped prompt or --prefix and --suffix.
    Candidates are made of building blocks: instructions, examples, formats, steps, labels,
    parameters. All are asked a few problems; who does well is asked more. The winner is measured on
    problems that the search never saw. The budget leaves these last figures out.

    Run it again to go on where it stopped; a larger --budget searches further.
    """
    blocks = Blocks() if blocks_path is None else load_blocks(blocks_path)
    if show_blocks:
        click.echo(toml_of(blocks), nl=False)
        return
    check_sizes(final_n, ablation_n)
    check_output(json_path)
    check_output(str(out))
    if out.exists() and not overwrite:
        raise InvalidInput(f"{out} is there already; name another with --out, or add --overwrite")
    storage = storage or out.with_suffix(".db")
    check_output(str(storage))
    low, high = bounds_of_digits(digits)
    with ExitStack() as stack:
        begin = _beginning(submission_path, prompt, prefix, suffix, stack)
        start = None
        if begin.prompt is not None:
            blocks, start = with_seed(blocks, begin.prompt, begin.sampling)
        settings = Settings(
            blocks=blocks,
            metric=metric,
            budget=Budget.parse(budget),
            seed=seed,
            low=low,
            high=high,
            start=start,
        )
        at_once = 1
        if ray_address is None:
            engine = engines.load(model, dtype=dtype, offline=offline)
        else:
            engine = stack.enter_context(on_cluster(ray_address, model, dtype, offline))
            at_once = workers()
        stack.enter_context(locked(storage))
        searching = Search(engine, settings, storage, begin.own, at_once)
        found = _search(searching, final_n, ablation_n, storage)
        io.write_text(out, begin.write(found))
    title = f"A prompt for {engine.info.title}"
    io.write_text(out.with_suffix(".md"), markdown(found, title))
    put_json(found.as_dict(), json_path)
    if json_path != "-":
        results.print(Text(found.best.candidate.prompt.render("{problem}"), style="bold"))
        results.print()
        for sentence in findings(found):
            results.print(Text(sentence))
        if found.ablations:
            results.print(_ablations(found))
        results.print(f"submission: {out}\nreport: {out.with_suffix('.md')}", soft_wrap=True)
        results.print(f"Check it with: carrychain grade {out} --model {model}", soft_wrap=True)


@dataclass(frozen=True)
class _Beginning:
    """Where a search begins: a prompt or nothing, and a student's file or none.

    Args:
        prompt: the prompt to improve, None for none.
        sampling: its parameters.
        own: the student's functions.
        source: the student's file, "" for none.
    """

    prompt: Prompt | None
    sampling: SamplingParams
    own: Own
    source: str = ""

    def write(self, found: Found) -> str:
        """Return the submission's source."""
        best = found.best
        if not self.source:
            return submission_source(best.candidate, best.reading)
        return improved_source(
            self.source,
            best.candidate,
            reading=None if best.reading == "own" else best.reading,
            pre_own=best.candidate.pre_processing == "none",
        )


def _beginning(
    path: Path | None,
    name: str | None,
    prefix: str | None,
    suffix: str | None,
    stack: ExitStack,
) -> _Beginning:
    given = [x for x in (path, name, prefix if prefix is not None else suffix) if x is not None]
    if len(given) > 1:
        raise InvalidInput(
            "a search begins from one of SUBMISSION.py, --prompt and --prefix with --suffix; "
            f"{len(given)} of them were given"
        )
    if path is not None:
        submission = runnable_submission(path, stack.enter_context(Workshop()))
        assert submission.sampling is not None

        def write(problems: Sequence[str]) -> list[str]:
            written = submission.pre(problems)
            return [
                p if isinstance(w, Failure) else w for p, w in zip(problems, written, strict=True)
            ]

        def read(outputs: Sequence[str]) -> list[int | None]:
            return [None if isinstance(r, Failure) else r for r in submission.post(outputs)]

        own = Own(write, read)
        return _Beginning(submission.prompt, submission.sampling, own, submission.source.text)
    if name is not None:
        own_settings = shipped(name)
        return _Beginning(own_settings.prompt, SamplingParams(**own_settings.sampling), Own())
    if prefix is None and suffix is None:
        return _Beginning(None, SamplingParams(), Own())
    text = Prompt(typed(prefix or "", "--prefix"), typed(suffix or "", "--suffix"))
    return _Beginning(text, SamplingParams(), Own())


def _search(search: Search, final_n: int, ablation_n: int, storage: Path) -> Found:
    """Search, then measure the winner, each with a progress bar."""
    settings = search.settings
    if search.spent.answers:
        note(f"going on with {len(search.race.entrants)} candidates of {storage}")
    steps = 1000
    try:
        with progress("searching", steps) as advance:

            def on_step(now: Search) -> None:
                best = now.race.best
                assert best is not None
                status = (
                    f"{len(now.race.entrants)} candidates, best {settings.metric} "
                    f"{number(getattr(best.metrics, settings.metric))} of {best.metrics.n}"
                )
                advance(min(steps, round(steps * now.spent.share_of(settings.budget))), status)

            best = search.run(on_step)
    except KeyboardInterrupt:
        note(f"interrupted; what was tried is kept in {storage}: run the same command to go on")
        raise
    if search.race.finished:
        note(f"the best answers all {best.metrics.n} problems exactly: nothing is left to gain")
    total = final_n + (ablation_n * (1 + parts_of(search, best)) if ablation_n else 0)
    done = 0
    with progress("measuring the winner", total) as advance:

        def on_row(row: object) -> None:
            nonlocal done
            done += 1
            advance(done)

        final = verify(search, best, final_n, on_row)
        ablations = tuple(ablate(search, best, ablation_n, on_row)) if ablation_n else ()
    return Found(search, best, final, ablations, importance(search))


def _ablations(found: Found) -> Table:
    table = Table(
        title="Each part removed by itself",
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column("part")
    table.add_column("was", overflow="ellipsis", no_wrap=True, max_width=30)
    table.add_column("accuracy without", justify="right")
    table.add_column("difference", justify="right")
    table.add_column("95% interval", justify="right")
    for each in found.ablations:
        if each.comparison is None:
            table.add_row(Text(each.part), Text(" ".join(each.was.split())), "does not fit", "", "")
            continue
        change = each.comparison
        low, high = change.acc_difference_ci
        table.add_row(
            Text(each.part),
            Text(" ".join(each.was.split())),
            share(change.acc_b),
            f"{change.acc_difference:+.2f}",
            f"{low:+.2f} to {high:+.2f}",
        )
    return table
