"""Tiny checkpoints with random weights, and a tokenizer learnt on the spot. No network."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

BOS, EOS = "<s>", "</s>"


def arithmetic_texts(count: int) -> list[str]:
    rng = random.Random(1)
    sums = [(rng.randint(1, 10**7), rng.randint(1, 10**7)) for _ in range(count)]
    return [f"Question: What is {a}+{b}?\nAnswer: {a + b} étude ☃\n" for a, b in sums]


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """A byte-level BPE of 400 tokens with a start token, as `mini` has."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(arithmetic_texts(300), trainer)
    backend.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, backend.token_to_id(BOS))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=BOS, eos_token=EOS)


@pytest.fixture(scope="session")
def metaspace_tokenizer() -> Any:
    """A BPE like Llama-2's: spaces lead words, the first is dropped; byte fallback."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=150, special_tokens=[BOS, EOS], max_token_length=4, show_progress=False
    )
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    texts = [text.replace("\n", "").replace("☃", "") for text in arithmetic_texts(300)]
    backend.train_from_iterator(texts, trainer)
    described = json.loads(backend.to_str())
    vocabulary = described["model"]["vocab"]
    for byte in range(256):
        vocabulary[f"<0x{byte:02X}>"] = len(vocabulary)
    described["model"]["byte_fallback"] = True
    backend = Tokenizer.from_str(json.dumps(described))
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=BOS, eos_token=EOS)


def tiny_config(kind: str, vocabulary: int) -> Any:
    import transformers

    shared = {"vocab_size": vocabulary, "bos_token_id": 0, "eos_token_id": 1}
    llama_like = {
        **shared,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
        "initializer_range": 0.3,
    }
    match kind:
        case "llama":
            return transformers.LlamaConfig(**llama_like)
        case "qwen3":
            return transformers.Qwen3Config(**llama_like, num_key_value_heads=2, head_dim=16)
        case "mistral":  # every layer with a window shorter than the prompts
            return transformers.MistralConfig(
                **llama_like, num_key_value_heads=2, sliding_window=16, head_dim=8
            )
        case "gpt2":
            return transformers.GPT2Config(
                **shared,
                n_embd=32,
                n_layer=2,
                n_head=4,
                n_positions=256,
                initializer_range=0.3,
            )
        case "bloom":  # counts positions itself, from the mask
            return transformers.BloomConfig(
                **shared, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.3
            )
        case "phi":  # rotates a part of each head; biases everywhere
            return transformers.PhiConfig(**llama_like, partial_rotary_factor=0.5)
        case "opt":  # positions from a table with an offset
            return transformers.OPTConfig(
                **shared,
                hidden_size=32,
                word_embed_proj_dim=32,
                ffn_dim=48,
                num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=256,
                init_std=0.3,
            )
        case "gemma2":  # soft-capped scores, windows in every other layer
            return transformers.Gemma2Config(
                **llama_like, num_key_value_heads=2, head_dim=8, sliding_window=16
            )
        case "gemma":  # one key head for all
            return transformers.GemmaConfig(**llama_like, num_key_value_heads=1, head_dim=8)
        case _:
            raise ValueError(kind)


KINDS = ("llama", "qwen3", "gpt2", "mistral", "bloom", "phi", "opt", "gemma", "gemma2")


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> dict[str, Path]:
    """A folder a model, as `save_pretrained` writes it."""
    import torch
    from transformers import AutoModelForCausalLM

    folders: dict[str, Path] = {}
    for kind in KINDS:
        torch.manual_seed(3)
        model = AutoModelForCausalLM.from_config(tiny_config(kind, len(tokenizer)))
        folders[kind] = tmp_path_factory.mktemp("checkpoints") / kind
        model.save_pretrained(folders[kind])
        tokenizer.save_pretrained(folders[kind])
    return folders


@pytest.fixture(scope="session")
def engines(checkpoints: dict[str, Path]) -> dict[str, Any]:
    from carrychain.engines.local import LocalEngine

    return {kind: LocalEngine(folder, device="cpu") for kind, folder in checkpoints.items()}
