"""The report of a class: who has what, what waits for a person, and what is alike.

It is written as Markdown and as HTML. Whatever a student wrote is escaped, and there is no script.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from carrychain.grading.class_folder import ClassFolder, Entry
from carrychain.grading.deadlines import lateness
from carrychain.grading.grader import Grade
from carrychain.grading.marking import WRITTEN, Marks, read_sheet, total, write_sheet
from carrychain.grading.redaction import redact
from carrychain.grading.similarity import Alike, Work, alike
from carrychain.grading.spreadsheet import cell
from carrychain.grading.store import Attempted, Store
from carrychain.io import Json, write_bytes, write_csv, write_json, write_text
from carrychain.text import interval, number, share

_PARTS = (*WRITTEN, "q3")
_HEADINGS = {"part1": "Part 1", "q1": "Q1", "q2": "Q2", "q3": "Q3"}


@dataclass(frozen=True, slots=True)
class Line:
    """A student of the class.

    Args:
        net_id, alias: who, and the public name.
        rank: on the leaderboard, None where not ranked.
        attempts: how many.
        attempt: the one that counts.
        grade: its grade.
        marks: points for the written parts.
        total: all points, None where something is missing.
    """

    net_id: str
    alias: str
    rank: int | None
    attempts: int
    attempt: Attempted
    grade: Grade
    marks: Marks
    total: float | None

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {
            "net_id": self.net_id,
            "alias": self.alias,
            "rank": self.rank,
            "attempts": self.attempts,
            **{key: value for key, value in self.attempt.as_dict().items() if key != "net_id"},
            "acc_ci": list(self.grade.acc_ci),
            **{part: self.marks.part(part) for part in WRITTEN},
            "marks": dict(self.marks.points),
            "total": self.total,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that the report of a class says.

    Args:
        title: the class's name.
        model: who was asked.
        deadline: the last moment, None for none.
        time_zone: of the class.
        weights: what each part is worth.
        lines: a student each, by net id.
        attempts: all, with decisions.
        not_graded: what was handed in and has no grade, with the reason.
        alike: who shares a prompt or code.
        unmarked: how many have a question of the written parts without points.
    """

    title: str
    model: str
    deadline: datetime | None
    time_zone: str
    weights: Mapping[str, float]
    lines: tuple[Line, ...]
    attempts: tuple[Attempted, ...]
    not_graded: tuple[tuple[str, str], ...]
    alike: tuple[Alike, ...]
    unmarked: int

    @property
    def waiting(self) -> list[Line]:
        """Whose counting attempt is for review, and nobody has decided."""
        return [line for line in self.lines if line.attempt.verdict == "review"]

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {
            "class": self.title,
            "model": self.model,
            "deadline": None if self.deadline is None else self.deadline.isoformat(),
            "time_zone": self.time_zone,
            "weights": dict(self.weights),
            "students": [line.as_dict() for line in self.lines],
            "attempts": [attempt.as_dict() for attempt in self.attempts],
            "not_graded": [{"submission": n, "problem": why} for n, why in self.not_graded],
            "similar": [group.as_dict() for group in self.alike],
            "for_review": [line.net_id for line in self.waiting],
            "unmarked": self.unmarked,
        }


def gather(room: ClassFolder, store: Store) -> Report:
    """Read what is known of a class.

    Raises:
        InvalidInput: the marking sheet is wrong, or a grade can't be read.
    """
    attempts = store.attempts()
    entries = room.entries()
    aliases = store.students()
    write_sheet(room.marks, list(aliases))
    marks = read_sheet(room.marks, list(aliases))
    ranks = {place.net_id: place.rank for place in store.everyone_ranked()}
    made = Counter(attempt.net_id for attempt in attempts)
    grades: dict[str, Grade] = {}
    for key in {attempt.key for attempt in attempts}:
        grade = store.find(key)
        assert grade is not None  # an attempt refers to its grade
        grades[key] = grade
    weights = room.settings.weights.model_dump()
    lines: list[Line] = []
    for attempt in attempts:
        if not attempt.counts:
            continue
        whose = marks.get(attempt.net_id, Marks({}))
        q3 = attempt.points / attempt.max_score if attempt.max_score else 0.0
        lines.append(
            Line(
                net_id=attempt.net_id,
                alias=aliases[attempt.net_id],
                rank=ranks.get(attempt.net_id),
                attempts=made[attempt.net_id],
                attempt=attempt,
                grade=grades[attempt.key],
                marks=whose,
                total=total(whose, q3, weights),
            )
        )
    return Report(
        title=room.settings.name,
        model=room.settings.model,
        deadline=room.policy.deadline,
        time_zone=room.policy.time_zone,
        weights=weights,
        lines=tuple(lines),
        attempts=tuple(attempts),
        not_graded=tuple(_not_graded(entries, attempts)),
        alike=tuple(alike(list(_works(entries, attempts, grades)))),
        unmarked=sum(any(each.marks.part(p) is None for p in WRITTEN) for each in lines),
    )


def _not_graded(
    entries: Sequence[Entry], attempts: Sequence[Attempted]
) -> Iterator[tuple[str, str]]:
    graded = {attempt.name for attempt in attempts}
    for entry in entries:
        if entry.hand_in.problem:
            yield entry.hand_in.name, entry.hand_in.problem
        elif entry.hand_in.name not in graded:
            yield entry.hand_in.name, "not graded yet: `carrychain class run` grades it"


def _works(
    entries: Sequence[Entry], attempts: Sequence[Attempted], grades: Mapping[str, Grade]
) -> Iterator[Work]:
    programs = {entry.hand_in.name: entry.hand_in.program for entry in entries}
    for attempt in attempts:
        rows = grades[attempt.key].rows
        prompt = None
        if rows:
            prompt = rows[0].prompt.replace(f"{rows[0].a}+{rows[0].b}", "{problem}")
        program = redact(programs.get(attempt.name, b"").decode("utf-8", "replace"))
        yield Work(attempt.net_id, attempt.name, program, prompt)


def write_report(room: ClassFolder, report: Report, store: Store) -> list[Path]:
    """Write report.md, report.html, their pictures, and the tables as CSV and JSON.

    Returns:
        The files, report.html first.
    """
    folder = room.report
    folder.mkdir(mode=0o700, exist_ok=True)
    pictures = _pictures(report)
    for name, content in pictures.items():
        write_bytes(folder / name, content)
    sections = list(_sections(report, list(pictures)))
    texts = {
        "report.html": _as_html(report.title, sections),
        "report.md": _as_markdown(report.title, sections),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    write_json(folder / "report.json", report.as_dict())
    write_csv(folder / "grades.csv", [_row(line) for line in report.lines])
    review = room.rubric.integrity.review == "shown"
    public = [place.public(review) for place in store.everyone_ranked()]
    write_csv(folder / "leaderboard-public.csv", public)
    names = (*texts, "grades.csv", "leaderboard-public.csv", "report.json", *pictures)
    return [folder / name for name in names]


def _pictures(report: Report) -> dict[str, bytes]:
    if not report.lines:
        return {}
    from carrychain.grading.class_plots import Point, draw_class

    points = [
        Point(
            points=line.attempt.points,
            acc=line.attempt.acc,
            acc_ci=line.grade.acc_ci,
            graded_verdict=line.attempt.graded_verdict,
            verdict=line.attempt.verdict,
        )
        for line in report.lines
    ]
    most = max(line.attempt.max_score for line in report.lines)
    moments = [attempt.handed_in for attempt in report.attempts]
    return draw_class(points, most, moments, report.deadline, report.time_zone)


def _row(line: Line) -> dict[str, object]:
    attempt = line.attempt
    return {
        "net_id": cell(line.net_id),
        "total": line.total,
        **{part: line.marks.part(part) for part in WRITTEN},
        "q3": attempt.points,
        "q3_max": attempt.max_score,
        "rank": line.rank,
        "alias": line.alias,
        "acc": attempt.acc,
        "acc_low": line.grade.acc_ci[0],
        "acc_high": line.grade.acc_ci[1],
        "mae": attempt.mae,
        "res": attempt.res,
        "prompt_length": attempt.prompt_length,
        "rendered_length": attempt.rendered_length,
        "verdict": attempt.verdict,
        "graded_verdict": attempt.graded_verdict,
        "graded_score": attempt.graded_score,
        "decided": "; ".join(cell(ruling.reason) for ruling in attempt.rulings),
        "submission": cell(attempt.name),
        "handed_in": attempt.handed_in.isoformat(timespec="seconds"),
        "late_seconds": attempt.late.total_seconds(),
        "attempts": line.attempts,
    }


# --- what it says ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading and what stands under it."""

    title: str
    sentences: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    quoted: str = ""
    pictures: tuple[tuple[str, str], ...] = ()


def _sections(report: Report, pictures: Sequence[str]) -> Iterator[_Section]:
    zone = ZoneInfo(report.time_zone)
    yield _Section("", tuple(_summary(report, zone)))
    waiting = tuple(_waiting(report))
    if waiting:
        yield _Section("For a person", waiting)
    if report.lines:
        yield _grades(report)
        alt = {
            "scores.png": "How many students have how many points, by verdict",
            "accuracy.png": "Each student's accuracy with its 95% interval",
            "attempts.png": "Attempts over time",
            "verdicts.png": "Verdicts as graded and after decisions",
        }
        yield _Section("Pictures", pictures=tuple((name, alt[name]) for name in pictures))
    decided = tuple(_decisions(report, zone))
    if decided:
        headings = ("net id", "submission", "graded", "decided", "by", "when", "reason")
        yield _Section("Decisions", headings=headings, rows=decided)
    yield from _similar(report.alike)


def _summary(report: Report, zone: ZoneInfo) -> Iterator[str]:
    verdicts = Counter(line.attempt.verdict for line in report.lines)
    yield (
        f"{_count(len(report.lines), 'student')}, {_count(len(report.attempts), 'attempt')}: "
        + ", ".join(f"{verdicts[name]} {name}" for name in ("clean", "review", "flagged"))
        + f". Graded by {report.model}."
    )
    if report.deadline is not None:
        late = sum(bool(line.attempt.late) for line in report.lines)
        local = report.deadline.astimezone(zone)
        yield (
            f"The deadline is {local:%Y-%m-%d %H:%M} ({zone.key}); "
            f"{late} of the attempts that count {'is' if late == 1 else 'are'} late."
        )
    if report.unmarked:
        some = _count(report.unmarked, "student")
        yield f"{some} without all marks for the written parts, so without a total (marks.csv)."


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _waiting(report: Report) -> Iterator[str]:
    for line in report.lines:
        attempt = line.attempt
        if attempt.verdict in ("review", "flagged") and not attempt.rulings:
            reasons = "; ".join(
                f"{each.experiment}: {each.sentence}" for each in line.grade.integrity.reasons
            )
            yield f"{attempt.verdict}: {line.net_id} ({attempt.name}). {reasons}"
    for attempt in report.attempts:
        said = attempt.says_net_id.strip().lower()
        if said and said != attempt.net_id:
            yield f"{attempt.name} is {attempt.net_id}'s, and says that it is {said}'s."
    for name, why in report.not_graded:
        yield f"no grade: {name}: {why}"


def _grades(report: Report) -> _Section:
    weights = (f"{_HEADINGS[part]} /{report.weights[part]:g}" for part in WRITTEN)
    headings = (
        *("net id", "rank", "public name", "Q3", "accuracy", "mae", "prompt", "verdict", "late"),
        *("attempts", *weights, "total"),
    )
    rows: list[tuple[str, ...]] = []
    for line in sorted(report.lines, key=lambda each: (each.rank is None, each.rank, each.net_id)):
        attempt = line.attempt
        changed = attempt.verdict != attempt.graded_verdict
        parts = [line.marks.part(part) for part in WRITTEN]
        rows.append(
            (
                line.net_id,
                "–" if line.rank is None else str(line.rank),
                line.alias,
                f"{attempt.points:.4g}/{attempt.max_score:g}",
                f"{share(attempt.acc)} ({interval(line.grade.acc_ci)})",
                number(attempt.mae),
                number(attempt.rendered_length),
                f"{attempt.verdict} (graded {attempt.graded_verdict})"
                if changed
                else attempt.verdict,
                lateness(attempt.late),
                str(line.attempts),
                *("–" if points is None else f"{points:g}" for points in parts),
                "–" if line.total is None else f"{line.total:.4g}",
            )
        )
    return _Section("Grades", headings=headings, rows=tuple(rows))


def _decisions(report: Report, zone: ZoneInfo) -> Iterator[tuple[str, ...]]:
    for attempt in report.attempts:
        for ruling in attempt.rulings:
            score = "" if ruling.score is None else f"{ruling.score:g} points"
            yield (
                attempt.net_id,
                attempt.name,
                f"{attempt.graded_verdict}, {attempt.graded_score:g}",
                ", ".join(part for part in (ruling.verdict or "", score) if part),
                ruling.by,
                f"{ruling.at.astimezone(zone):%Y-%m-%d %H:%M}",
                ruling.reason,
            )


def _similar(groups: Sequence[Alike]) -> Iterator[_Section]:
    for place, group in enumerate(groups, 1):
        size = "characters" if group.what == "prompt" else "nodes of its syntax tree"
        sentences = [", ".join(f"{student} ({name})" for student, name in group.works)]
        chance = "; so short that it may well be chance" if group.short else ""
        sentences.append(f"They share the {group.what}, {group.size} {size}{chance}:")
        title = f"Similar {place}: the same {group.what}"
        yield _Section(title, tuple(sentences), quoted=group.shared)


# --- how it is written ----------------------------------------------------------------------------

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~$])")
_FENCE = re.compile(r"`{3,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid #bbb; padding: .25rem .6rem; text-align: left;
  vertical-align: top }
pre { background: #f2f2f2; padding: .6rem; overflow-x: auto; white-space: pre-wrap }
img { max-width: 100%; height: auto }
"""


def _visible(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _as_markdown(title: str, sections: Sequence[_Section]) -> str:
    def plain(text: str) -> str:
        escaped = html.escape(" ".join(_visible(text).split()), quote=False)
        return _MARKDOWN.sub(r"\\\1", escaped)

    lines = [f"# {plain(title)}", ""]
    for section in sections:
        if section.title:
            lines += [f"## {plain(section.title)}", ""]
        if len(section.sentences) > 1:
            lines += [*(f"- {plain(sentence)}" for sentence in section.sentences), ""]
        else:
            lines += [part for sentence in section.sentences for part in (plain(sentence), "")]
        if section.headings:
            lines.append(f"| {' | '.join(map(plain, section.headings))} |")
            lines.append(f"|{'---|' * len(section.headings)}")
            lines += [f"| {' | '.join(map(plain, row))} |" for row in section.rows]
            lines.append("")
        if section.quoted:
            fence = "`" + max(_FENCE.findall(section.quoted), key=len, default="``")
            lines += [f"{fence}text", *_visible(section.quoted).splitlines(), fence, ""]
        for name, alt in section.pictures:
            lines += [f"![{plain(alt)}]({name})", ""]
    return "\n".join(lines)


def _as_html(title: str, sections: Sequence[_Section]) -> str:
    def plain(text: str) -> str:
        return html.escape(_visible(text))

    body = [f"<h1>{plain(title)}</h1>"]
    for section in sections:
        if section.title:
            body.append(f"<h2>{plain(section.title)}</h2>")
        if len(section.sentences) > 1:
            body.append("<ul>")
            body += [f"<li>{plain(sentence)}</li>" for sentence in section.sentences]
            body.append("</ul>")
        else:
            body += [f"<p>{plain(sentence)}</p>" for sentence in section.sentences]
        if section.headings:
            cells = "".join(f'<th scope="col">{plain(text)}</th>' for text in section.headings)
            body.append(f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>')
            for row in section.rows:
                body.append(f"<tr>{''.join(f'<td>{plain(text)}</td>' for text in row)}</tr>")
            body.append("</tbody></table></div>")
        if section.quoted:
            body.append(f"<pre>{plain(section.quoted)}</pre>")
        body += [f'<img src="{name}" alt="{plain(alt)}">' for name, alt in section.pictures]
    written = datetime.now(UTC).isoformat(timespec="seconds")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{plain(title)}</title><style>{_STYLE}</style></head><body>",
            *body,
            f"<p><small>Written {written}</small></p></body></html>",
            "",
        ]
    )
