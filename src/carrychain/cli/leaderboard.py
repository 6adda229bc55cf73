"""`carrychain leaderboard`: who did best, and every attempt of a student."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from carrychain.cli.console import check_output, json_option, note, put_json, results
from carrychain.cli.grades import points
from carrychain.errors import InvalidInput
from carrychain.grading.class_folder import SETTINGS, ClassFolder
from carrychain.grading.deadlines import lateness
from carrychain.grading.inbox import KEPT_GRADES
from carrychain.grading.spreadsheet import cell
from carrychain.grading.store import Attempted, Page, Store
from carrychain.io import Json, check_writable, write_csv
from carrychain.text import number, share

EXAMPLES = """Examples:

\b
  carrychain leaderboard hw3                    a class
  carrychain leaderboard results --public       what `carrychain grade FOLDER` kept
  carrychain leaderboard hw3 --student ab1234   every attempt of one student
"""


_WIDE = 80


@click.command(epilog=EXAMPLES)
@click.argument("where", metavar="[WHERE]", required=False, envvar="CARRYCHAIN_STORE")
@click.option("--public", is_flag=True, help="With names that only the class's secret can tell.")
@click.option("--student", metavar="NET_ID", help="Show every attempt of one student instead.")
@click.option("--limit", default=50, show_default=True, help="So many lines.")
@click.option("--after", metavar="PLACE", help="Go on after the page that ended with this.")
@click.option(
    "--csv",
    "csv_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the whole leaderboard as CSV to FILE.",
)
@json_option
@click.pass_context
def leaderboard(
    ctx: click.Context,
    where: str | None,
    public: bool,
    student: str | None,
    limit: int,
    after: str | None,
    csv_path: Path | None,
    json_path: str | None,
) -> None:
    """Show who did best: the best attempt of each student, by points, accuracy, error, length.

    WHERE is the folder of a class, a folder of results, a file of grades, or the URL of a database
    (also in the environment variable CARRYCHAIN_STORE, for a URL with a password). Those who do
    equally well share a rank; who is flagged has none.
    """
    if where is None:
        raise click.UsageError("say where the grades are: a folder, a file or a URL")
    if student is not None and (public or after or csv_path):
        raise click.UsageError("--student takes no --public, --after or --csv")
    check_output(json_path)
    if csv_path is not None:
        check_writable(csv_path)
    with _store(where) as store:
        if student is not None:
            _show_student(store, student, json_path)
            return
        page = store.leaderboard(limit, after)
        review = store.policy.integrity.review == "shown"
        lines = [place.public(review) if public else place.as_dict() for place in page.places]
        put_json({"places": lines, "after": page.after}, json_path)
        if json_path != "-":
            results.print(_public_table(lines) if public else _table(page))
            if page.after:
                note(f"there are more: --after {page.after}")
        if csv_path is not None:
            everyone = store.everyone_ranked()
            rows = (place.public(review) if public else place.as_dict() for place in everyone)
            write_csv(csv_path, [_cells(row) for row in rows])


def _cells(row: dict[str, Json]) -> dict[str, object]:
    return {name: cell(value) if isinstance(value, str) else value for name, value in row.items()}


def _store(where: str) -> Store:
    """Open grades that are there; none are made."""
    if "://" in where:
        return Store(where)
    path = Path(where)
    if (path / SETTINGS).is_file():
        return ClassFolder.open(path).store()
    if path.is_dir():
        path = path / KEPT_GRADES
    if not path.is_file():
        raise InvalidInput(f"{path} can't be read: there are no grades")
    return Store(path)


def _table(page: Page) -> Table:
    """Return a table; a narrow terminal has no room for public names and numbers of tries."""
    wide = results.width >= _WIDE
    late = any(place.late for place in page.places)
    names = ["net id", "public name"] if wide else ["net id"]
    table = _empty_table("rank", *names, "score", "acc", "mae", "prompt", *["late"] * late)
    table.add_column("verdict", no_wrap=True)
    if wide:
        table.add_column("tries", justify="right")
    for place in page.places:
        table.add_row(
            str(place.rank),
            Text(place.net_id),
            *[place.alias] * wide,
            f"{place.score:.4g}",
            share(place.acc),
            number(place.mae),
            number(place.rendered_length),
            *[lateness(place.late)] * late,
            place.verdict,
            *[str(place.attempts)] * wide,
        )
    return table


def _public_table(lines: Sequence[dict[str, Json]]) -> Table:
    table = _empty_table("rank", "name", "score", "acc", "mae", "prompt")
    for place in lines:
        acc, mae, length = (place[name] for name in _PUBLIC)
        mark = " (for review)" if place.get("review") else ""
        table.add_row(
            str(place["rank"]), f"{place['alias']}{mark}", _short(place["score"]),
            share(_number(acc)), number(_number(mae)), number(_number(length)),
        )  # fmt: skip
    return table


_PUBLIC = ("accuracy", "mean absolute error", "prompt length")


def _number(value: Json) -> float | None:
    return value if isinstance(value, float | int) else None


def _short(value: Json) -> str:
    return f"{value:.4g}" if isinstance(value, float | int) else "–"


def _empty_table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        name = heading in ("net id", "public name", "name")
        if name:
            table.add_column(heading, overflow="fold")
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    return table


def _show_student(store: Store, net_id: str, json_path: str | None) -> None:
    attempts = store.history(net_id)
    rank = store.rank(net_id)
    alias = store.students()[attempts[0].net_id]
    data: dict[str, Json] = {
        "net_id": attempts[0].net_id,
        "alias": alias,
        "rank": rank,
        "attempts": [attempt.as_dict() for attempt in attempts],
    }
    put_json(data, json_path)
    if json_path == "-":
        return
    place = "not ranked" if rank is None else f"rank {rank}"
    results.print(Text.assemble((attempts[0].net_id, "bold"), f"  {alias}, {place}"))
    results.print(_attempts_table(attempts))
    for attempt in attempts:
        for ruling in attempt.rulings:
            score = "" if ruling.score is None else f", {ruling.score:g} points"
            said = f"{ruling.verdict or 'score'}{score}"
            text = f"{attempt.name}: {said}, decided by {ruling.by}: {ruling.reason}"
            results.print(Text(text), soft_wrap=True)


def _attempts_table(attempts: Sequence[Attempted]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("submission", overflow="fold")
    table.add_column("handed in (UTC)", overflow="fold", min_width=10)
    table.add_column("late", overflow="fold")
    for heading in ("points", "acc", "verdict"):
        table.add_column(heading, no_wrap=True)
    table.add_column("standing", overflow="fold")
    for each in attempts:
        table.add_row(
            Text(each.name),
            f"{each.handed_in:%Y-%m-%d %H:%M}",
            lateness(each.late),
            points(each.points, each.max_score),
            share(each.acc),
            each.verdict,
            f"{each.standing}{', counts' if each.counts else ''}",
        )
    return table
