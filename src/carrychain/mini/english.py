"""English for the corpus: a small grammar over known and invented words."""

from __future__ import annotations

from random import Random

_DETERMINERS = "the a this that every some one another each my your our their no".split()
_ADJECTIVES = (
    "old new small large quiet early late green blue red warm cold good long short simple plain "
    "careful happy bright dark heavy light open local public first second last common human"
).split()
_NOUNS = (
    "river town school teacher student garden window market letter table number line book morning "
    "evening road house friend city music question answer paper water winter summer train story "
    "worksheet class family king doctor farmer forest mountain island bridge field machine model "
    "network language computer history science problem example world year day week people child"
).split()
_VERBS = (
    "sees finds keeps makes takes opens closes writes reads brings follows leaves holds needs "
    "likes knows shows tells asks moves turns builds uses learns counts measures crosses"
).split()
_PREPOSITIONS = "in on near under over behind with without before after from to by for of".split()
_ADVERBS = "often never always slowly again today together still however also then perhaps".split()
_CONNECTIVES = "and but because while so when although".split()
_NAMES = "Anna Ben Clara David Emma Frank Grace Henry Irene Jack Karen Luis Maria Noah Olga".split()
_ONSETS = "b br c ch d dr f fl g gr h j k l m n p pl qu r s sh st t th tr v w y z".split()
_NUCLEI = "a e i o u ai ea ee io ou".split()
_CODAS = " b ck d g l ll m n nd ng nt p r rd rs s ss st t x".split(" ")


def english(rng: Random, sentences: int) -> str:
    """Write sentences of a small grammar, with invented words among the known ones."""
    return " ".join(_sentence(rng) for _ in range(sentences))


def invented_word(rng: Random) -> str:
    """Invent a pronounceable word, so that unknown words in a prompt are nothing new."""
    return "".join(
        rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS)
        for _ in range(rng.randint(1, 3))
    )


def _sentence(rng: Random) -> str:
    clauses = [_clause(rng)]
    if rng.random() < 0.35:
        clauses += [rng.choice(_CONNECTIVES), _clause(rng)]
    text = " ".join(clauses)
    return text[0].upper() + text[1:] + rng.choices(".!?", (90, 6, 4))[0]


def _clause(rng: Random) -> str:
    words = [_noun_phrase(rng), rng.choice(_VERBS), _noun_phrase(rng)]
    if rng.random() < 0.5:
        words += [rng.choice(_PREPOSITIONS), _noun_phrase(rng)]
    if rng.random() < 0.2:
        words.append(rng.choice(_ADVERBS))
    return " ".join(words)


def _noun_phrase(rng: Random) -> str:
    if rng.random() < 0.12:
        return rng.choice(_NAMES)
    if rng.random() < 0.06:
        return f"{rng.randint(2, 3000)} {rng.choice(_NOUNS)}s"
    words = [rng.choice(_DETERMINERS)]
    if rng.random() < 0.4:
        words.append(rng.choice(_ADJECTIVES))
    words.append(invented_word(rng) if rng.random() < 0.25 else rng.choice(_NOUNS))
    return " ".join(words)
