"""The command as a user runs it, in this process so that the model is loaded once."""

from dataclasses import dataclass

import pytest

from carrychain.cli.main import main


@dataclass(frozen=True)
class Result:
    """What a call printed, and its exit status."""

    status: int
    out: str
    err: str


@pytest.fixture
def carrychain(capfd, monkeypatch, tmp_path):
    """Call the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Result:
        monkeypatch.setattr("sys.argv", ["carrychain", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capfd.readouterr()
        return Result(int(stopped.value.code or 0), captured.out, captured.err)

    return call
