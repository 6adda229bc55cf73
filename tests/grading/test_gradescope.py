"""The autograder's zip works as uploaded, and a student sees a grade and no instance."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.grading import gradescope
from carrychain.grading.findings import Finding
from carrychain.grading.gradescope import Settings, write_zip
from carrychain.grading.instances import graded_problems
from carrychain.grading.integrity import Integrity, Reason
from carrychain.grading.rubric import load_rubric
from carrychain.wheel import make_wheel

SEED = 918273645546372819
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}

HONEST = r"""
def your_netid():
    return "ab1234"
def your_hf_token():
    return ""
def your_prompt():
    return "Question: What is 1234567+7654321?\nAnswer: 8888888\nQuestion: What is ", "?\nAnswer: "
def your_config():
    return {"max_tokens": 50, "temperature": 0.7, "top_k": 50, "top_p": 0.6,
            "repetition_penalty": 1.0, "stop": ["\n"]}
def your_pre_processing(s):
    return s
def your_post_processing(output):
    digits = ""
    for c in output:
        if c.isdigit():
            digits += c
        elif digits:
            break
    return int(digits or 0)
"""

# Tries to get the instances out: through exceptions, lines, findings, prints, lengths and answers.
CURIOUS = r"""
def your_netid():
    return "ab1234"
def your_hf_token():
    return "hf_" + "QwErTyUiOpAsDfGh"
def your_prompt():
    return "Question: What is ", "?\nAnswer: "
def your_config():
    return {"max_tokens": 50, "temperature": 0.7, "top_k": 50, "top_p": 0.6,
            "repetition_penalty": 1.0, "stop": []}
def your_pre_processing(s):
    print(s)
    if s.startswith("3"):
        raise ValueError(s)
    if s.startswith("4"):
        raise type("Saw" + s.replace("+", "And"), (Exception,), {})(s)
    if s.startswith("5"):
        return [s]
    return s
def your_post_processing(output):
    print(output)
    return int("".join(c for c in output if c.isdigit())[:20] or 0)
"""


def packed(path, **settings):
    write_zip(path, Settings(**{"model": "mini", "seed": SEED, "runs": 1} | settings))
    return path


def test_the_zip_is_what_gradescope_takes(tmp_path):
    with zipfile.ZipFile(packed(tmp_path / "a.zip")) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        settings = json.loads(archive.read("autograder.json"))
        pins = archive.read("constraints.txt").decode().splitlines()
        scripts = [archive.read(name).decode() for name in ("setup.sh", "run_autograder")]
    (wheel,) = (name for name in entries if name.endswith(".whl"))
    assert set(entries) == {
        *("setup.sh", "run_autograder", "autograder.json", "rubric.toml", "constraints.txt"),
        wheel,
    }
    assert entries["run_autograder"].external_attr >> 16 & stat.S_IXUSR
    assert all(script.startswith("#!/usr/bin/env bash\n") for script in scripts)
    assert settings == {"model": "mini", "seed": SEED, "runs": 1}
    assert all(re.fullmatch(r"[\w-]+==[\w.+!]+", pin) for pin in pins)
    assert len([pin for pin in pins if re.fullmatch(r"torch==[\d.]+\+cpu", pin)]) == 1
    assert {"numpy", "transformers", "click"} <= {pin.partition("==")[0] for pin in pins}
    assert not any(pin.startswith(("pytest", "ruff")) for pin in pins)


def test_the_same_choices_give_the_same_zip(tmp_path):
    one, two = packed(tmp_path / "1.zip"), packed(tmp_path / "2.zip")
    assert one.read_bytes() == two.read_bytes()
    assert packed(tmp_path / "3.zip", seed=1).read_bytes() != one.read_bytes()


def test_an_own_rubric_goes_along_and_a_wrong_one_is_refused(tmp_path):
    rules = gradescope.files("carrychain.grading").joinpath("rubric.toml").read_text("utf-8")
    rubric = tmp_path / "mine.toml"
    rubric.write_text(rules.replace("points = 15", "points = 16"))
    settings = Settings(model="mini", seed=1, runs=1)
    write_zip(tmp_path / "a.zip", settings, rubric)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert "points = 16" in archive.read("rubric.toml").decode()
    rubric.write_text("model = 1")
    with pytest.raises(InvalidInput, match=r"mine\.toml"):
        write_zip(tmp_path / "b.zip", settings, rubric)
    assert not (tmp_path / "b.zip").exists()


def test_the_wheel_installs_the_very_files_that_run_here(tmp_path):
    name, wheel = make_wheel()
    (tmp_path / name).write_bytes(wheel)
    pip = [sys.executable, "-m", "pip", "--quiet", "install", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", tmp_path / "to", tmp_path / name], check=True)
    here = Path(gradescope.__file__).parents[1]
    files = [p for p in here.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert len(files) > 100
    for file in files:
        installed = tmp_path / "to" / "carrychain" / file.relative_to(here)
        assert installed.read_bytes() == file.read_bytes()
    assert (tmp_path / "to" / "bin" / "carrychain").is_file()


def test_a_package_that_is_not_the_installed_one_is_not_packed(monkeypatch):
    monkeypatch.setattr("carrychain.wheel.__version__", "0.0.1")
    with pytest.raises(CarrychainError, match=r"0\.0\.1 runs here"):
        make_wheel()


PYTHON_WITH_PACKAGES = """\
#!/bin/sh
{python} "$@" || exit
for site in {root}/env/lib/python*/site-packages; do
    if [ -d "$site" ]; then echo {packages} > "$site/packages.pth"; fi
done
"""


@pytest.fixture(scope="module")
def autograder(tmp_path_factory):
    """Lay /autograder out elsewhere and run setup.sh as shipped, without a network.

    What pip would fetch is there already: the environment that setup.sh makes sees the packages of
    this one, all but carrychain, which comes from the wheel.
    """
    if shutil.which("bash") is None:
        pytest.skip("Gradescope's scripts need bash")
    root = tmp_path_factory.mktemp("autograder")
    rules = gradescope.files("carrychain.grading").joinpath("rubric.toml").read_text("utf-8")
    (root / "quick.toml").write_text(rules.replace("drawn = 16", "drawn = 6"))
    write_zip(root / "a.zip", Settings(model="mini", seed=SEED, runs=1), root / "quick.toml")
    with zipfile.ZipFile(root / "a.zip") as archive:
        archive.extractall(root / "source")
    (root / "submission").mkdir()
    (root / "results").mkdir()
    (root / "bin").mkdir()
    python = root / "bin" / "python3"
    packages = sysconfig.get_path("purelib")
    python.write_text(
        PYTHON_WITH_PACKAGES.format(python=sys.executable, root=root, packages=packages)
    )
    python.chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL", "PIP"))}
    pip = dict.fromkeys(("PIP_NO_INDEX", "PIP_NO_DEPS", "PIP_IGNORE_INSTALLED"), "1")
    path = f"{python.parent}:{os.environ['PATH']}"
    environment = clean | pip | {"PATH": path, "AUTOGRADER_ROOT": str(root)}

    def run(script):
        done = subprocess.run(
            ["bash", script],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    run(root / "source" / "setup.sh")
    shutil.copy(root / "source" / "run_autograder", root)

    def grade(**files):
        shutil.rmtree(root / "submission")
        (root / "submission").mkdir()
        for name, text in files.items():
            (root / "submission" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "submission" / name).write_text(text)
        (root / "results" / "results.json").unlink(missing_ok=True)
        done = run(root / "run_autograder")
        return json.loads((root / "results" / "results.json").read_text()), done

    grade.root = root
    return grade


@pytest.fixture(scope="module")
def honest(autograder):
    """Return results.json of an honest submission, handed in in a folder of its own."""
    return autograder(**{"hw3/submission.py": HONEST})


def test_the_scripts_as_shipped_grade_a_submission(honest):
    said, _ = honest
    assert said["score"] == sum(test["score"] for test in said["tests"]) > 0
    assert said["tests"][0]["name"] == "test_config_only_fixed_keys"
    assert len(said["tests"]) == 7
    assert all(test["status"] in ("passed", "failed") for test in said["tests"])
    assert {test["visibility"] for test in said["tests"]} <= VISIBILITIES
    assert said["stdout_visibility"] == "hidden"
    assert said["execution_time"] >= 0
    assert said["leaderboard"][0]["name"] == "accuracy"


def test_the_installed_package_is_the_wheels(autograder):
    python = autograder.root / "env" / "bin" / "python"
    ask = "import carrychain; print(carrychain.__file__)"
    said = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, check=True)
    assert Path(said.stdout.strip()).is_relative_to(autograder.root / "env")


def test_no_instance_no_answer_and_no_seed_is_seen(autograder, honest):
    rubric = load_rubric(autograder.root / "source" / "rubric.toml")
    drawn = graded_problems(rubric.instances, SEED)[len(rubric.instances.public) :]
    secrets = {str(n) for p in drawn for n in (p.a, p.b, p.answer)} | {str(SEED)}
    assert len(secrets) == 19
    for said, done in (honest, autograder(**{"submission.py": CURIOUS})):
        seen = f"{json.dumps(said)} {done.stdout} {done.stderr}".replace(",", "")
        assert "accuracy" in seen
        assert not [secret for secret in secrets if secret in seen]
        assert "QwErTyUiOpAsDfGh" not in seen


def test_only_the_instructor_can_list_the_source(autograder):
    assert stat.S_IMODE((autograder.root / "source").stat().st_mode) == 0o700


def test_without_a_submission_there_are_no_points_and_a_reason(autograder):
    said, _ = autograder(**{"notes.txt": "sorry"})
    assert said["score"] == 0
    assert "there is no submission.py" in said["output"]
    assert "tests" not in said


def test_a_submission_that_cannot_run_still_has_results(autograder):
    said, _ = autograder(**{"submission.py": "def f(:\n"})
    assert said["score"] == 0
    assert "error:" in said["output"]


def test_a_broken_autograder_gives_no_zero(autograder):
    settings = autograder.root / "source" / "autograder.json"
    kept = settings.read_text()
    settings.write_text("{}")
    try:
        with pytest.raises(AssertionError, match="make the zip again"):
            autograder(**{"submission.py": HONEST})
    finally:
        settings.write_text(kept)
    assert not (autograder.root / "results" / "results.json").exists()


def results(grade):
    return gradescope.results(grade, load_rubric())


def doubtful(grade, verdict):
    reason = Reason("selection", "It chose 7654321.", "your_post_processing", "1", "2", "3")
    return replace(grade, integrity=Integrity(verdict, (reason,), ()))


def test_a_flagged_submission_is_not_on_the_leaderboard(a_grade):
    assert results(a_grade)["leaderboard"]
    assert results(doubtful(a_grade, "flagged"))["leaderboard"] == []


def test_a_student_learns_which_experiment_it_was_and_no_number(a_grade):
    said = results(doubtful(a_grade, "flagged"))["output"]
    assert "integrity: flagged (selection)" in said
    assert "7654321" not in said


def test_a_review_that_the_rubric_hides_is_not_seen(a_grade):
    rubric = load_rubric()
    hides = rubric.model_copy(
        update={"integrity": rubric.integrity.model_copy(update={"review": "hidden"})}
    )
    grade = doubtful(a_grade, "review")
    assert "review" in json.dumps(gradescope.results(grade, rubric))
    assert gradescope.results(grade, hides) == gradescope.results(a_grade, hides)


def test_answers_cannot_be_read_off_the_mean_error(a_grade):
    said = json.dumps(results(replace(a_grade, mae=123456789.0)))
    assert "1234" not in said
    assert "120000000" in said


def test_lines_cannot_spell_the_instances(a_grade):
    findings = tuple(
        Finding("exception", f"it failed at line {line}", "error", "7654321", line)
        for line in (11, 22, 33)
    )
    said = results(replace(a_grade, findings=findings))["output"]
    assert "at line 11" in said
    assert "line 22" not in said
    assert "7654321" not in said
