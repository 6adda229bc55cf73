"""Grade your submission.py as the course does.

    python run_tests.py

It asks the model 30 sums, a good half of them drawn from a seed. Your grade is on sums from a seed
that you do not know, so try several, and expect accuracy and error to move a little:

    python run_tests.py --seed 7 --runs 3

results/results.json holds what is printed here. The course's model is asked with --model; without,
it is a small one that comes with carrychain and needs neither a GPU nor a token.
"""

import argparse
import shutil
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).parent


def main():
    """Grade, write results/results.json, print; the status is 0 whatever the score."""
    options = arguments()
    try:
        from carrychain.errors import CarrychainError
        from carrychain.grading import grade
        from carrychain.grading.handout import handout_results
        from carrychain.io import write_json
    except ImportError:
        sys.exit("run_tests.py needs carrychain: pip install -r requirements.txt")
    try:
        graded = grade(
            HERE / "submission.py", model=options.model, seed=options.seed, runs=options.runs
        )
        (HERE / "results").mkdir(exist_ok=True)
        write_json(HERE / "results" / "results.json", handout_results(graded))
    except (CarrychainError, OSError) as error:
        sys.exit(f"run_tests.py: {error}")
    except KeyboardInterrupt:
        sys.exit("run_tests.py: interrupted")
    show(graded)


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Grade submission.py as the course does.")
    parser.add_argument("--model", help="who is asked, see `carrychain models` (default: mini)")
    parser.add_argument("--seed", type=int, default=0, help="draws the sums (default: 0)")
    parser.add_argument("--runs", type=int, help="ask each sum so often (default: 1)")
    return parser.parse_args()


def show(graded):
    """Print each test, what is wrong with the submission, and the score."""
    for test in graded.tests:
        verdict = "ok    " if test.passed else "FAILED"
        say(f"{verdict}  {test.name}  {test.points:g}/{test.max_points:g}")
        say(test.output, indent=8)
    for reason in graded.integrity.reasons:
        say(f"{graded.integrity.verdict}: {reason.sentence}")
    for finding in graded.findings:
        say(f"{finding.severity}: {finding}")
    say(f"score {graded.score:g} of {graded.max_score:g}, on {graded.model}")


def say(text, indent=0):
    """Print a paragraph that fits the terminal."""
    width = min(shutil.get_terminal_size().columns, 100)
    first, others = " " * indent, " " * (indent or 4)
    print(textwrap.fill(text, width, initial_indent=first, subsequent_indent=others))


if __name__ == "__main__":
    main()
