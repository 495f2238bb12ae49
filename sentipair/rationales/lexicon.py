"""Rationales without any server: what a word list and a few numbers of the picture can say for each polarity.

Modest, and meant to be: VADER (Hutto & Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of
Social Media Text", ICWSM 2014, https://doi.org/10.1609/icwsm.v8i1.14550) knows English words, emoticons and emoji, and
how negation and emphasis change them; of the picture only brightness, contrast and colours are known, nothing of what
it shows. The same post always gets the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sentipair.data import Pair
from sentipair.data.pair import SENTIMENT
from sentipair.rationales.pictures import Look, look_at_all, traits

Polarity = Literal["positive", "neutral", "negative"]

NEUTRAL_BELOW = 0.05
"""VADER's compound score that separates neutral from the rest, by its authors."""

MOST_WORDS = 6
"""Evidence words that a rationale names, the strongest first."""

CLAIMS: Mapping[str, str] = {
    "positive": "The post can be read as positive.",
    "neutral": "The post can be read as neutral.",
    "negative": "The post can be read as negative.",
}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What VADER finds in a text.

    Attributes:
        valences: word → its valence in this place, −4 to 4 and a little beyond; only those that have one. A negated
            word has ``not`` before it, an emoji stands in words.
        words: how many words there are.
        compound: the score of the whole text, −1 to 1.
    """

    valences: Mapping[str, float]
    words: int
    compound: float

    def for_polarity(self, polarity: str) -> list[str]:
        """The words that speak for ``positive`` or ``negative``, the strongest first."""
        sign = 1 if polarity == "positive" else -1
        found = [word for word, valence in self.valences.items() if sign * valence > 0]
        return sorted(found, key=lambda word: -abs(self.valences[word]))[:MOST_WORDS]


def polarities_of(classes: Sequence[str]) -> tuple[str, ...]:
    """What the lexicon argues for: the classes if all are sentiments, else all three sentiments.

    It knows nothing of sarcasm or any other class; there its rationales say what speaks for each sentiment of the post.
    """
    return tuple(classes) if set(classes) <= set(SENTIMENT) else SENTIMENT


def lexicon_rationales(pairs: Sequence[Pair], polarities: Sequence[str]) -> Iterator[dict[str, str]]:
    """For each post, polarity → rationale, one post after the other."""
    looks = look_at_all([pair.picture for pair in pairs])
    for pair, look in zip(pairs, looks, strict=True):
        evidence = find_evidence(pair.text)
        yield {polarity: compose(polarity, evidence, look) for polarity in polarities}


def lexicon_verdict(text: str) -> str:
    """VADER's own verdict; the picture takes no part."""
    compound = find_evidence(text).compound
    if abs(compound) < NEUTRAL_BELOW:
        return "neutral"
    return "positive" if compound > 0 else "negative"


def find_evidence(text: str) -> Evidence:
    """The words of a text that carry sentiment, as VADER weighs them where they stand."""
    from vaderSentiment.vaderSentiment import SentiText

    vader = _vader()
    spelt = "".join(f" {vader.emojis[sign]} " if sign in vader.emojis else sign for sign in text)
    sentences = SentiText(" ".join(spelt.split()))
    words = sentences.words_and_emoticons
    valences: dict[str, float] = {}
    for place, word in enumerate(words):
        (valence,) = vader.sentiment_valence(0, sentences, word, place, [])
        if valence:
            known = vader.lexicon.get(word.lower(), 0.0)
            name = f"not {word.lower()}" if known * valence < 0 else word.lower()
            valences[name] = valence
    return Evidence(valences=valences, words=len(words), compound=vader.polarity_scores(text)["compound"])


def compose(polarity: str, evidence: Evidence, look: Look | None) -> str:
    """What speaks for a polarity, in up to three sentences; what does not is left unsaid."""
    said = _neutral_words(evidence) if polarity == "neutral" else _polar_words(polarity, evidence)
    return " ".join([CLAIMS[polarity], said, _picture(polarity, look)])


def _polar_words(polarity: str, evidence: Evidence) -> str:
    words = evidence.for_polarity(polarity)
    if not words:
        return f"No word of the text is {polarity}."
    strength = abs(sum(evidence.valences[word] for word in words)) / len(words)
    degree = "strongly" if strength >= 2.5 else "clearly" if strength >= 1.5 else "mildly"
    return f"The text is {degree} {polarity} in {', '.join(words)}."


def _neutral_words(evidence: Evidence) -> str:
    if not evidence.words:
        return "There is no text."
    if not evidence.valences:
        return "No word of the text carries a feeling."
    if abs(evidence.compound) < NEUTRAL_BELOW:
        return "The feelings in the text balance each other."
    share = 1 - len(evidence.valences) / evidence.words
    return (
        f"{'Most' if share > 0.8 else 'Many' if share >= 0.5 else 'Few'} words of the text carry no feeling."
    )


def _picture(polarity: str, look: Look | None) -> str:
    if look is None:
        return "There is no picture."
    words = [trait.words for trait in traits(look) if polarity in trait.speaks_for]
    return f"The picture is {', '.join(words)}." if words else f"The look of the picture is not {polarity}."


@cache
def _vader() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
