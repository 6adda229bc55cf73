"""The tokenizer of `mini`: byte-level BPE learnt from the corpus, each digit one token."""

from __future__ import annotations

from itertools import islice

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from carrychain.mini.corpus import documents

BOS, EOS = "<s>", "</s>"
SAMPLE = 6000
"""Documents that the merges are learnt from."""


def train_tokenizer(seed: int, vocabulary: int) -> Tokenizer:
    """Learn a byte-level BPE whose digits and spaces before digits are always single tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" ?\p{L}+|\p{N}|[^\s\p{L}\p{N}]+|\s"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = ("".join(s.text for s in d) for d in islice(documents(seed), SAMPLE))
    tokenizer.train_from_iterator(texts, trainer)
    bos = special_id(tokenizer, BOS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, bos)]
    )
    return tokenizer


def special_id(tokenizer: Tokenizer, token: str) -> int:
    """Return the id of a special token of `train_tokenizer`'s."""
    token_id = tokenizer.token_to_id(token)
    assert token_id is not None
    return token_id
