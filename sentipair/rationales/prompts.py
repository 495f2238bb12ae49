"""What a large multimodal model is asked, in the language of the post.

Ma, Xu, Li & Fu, "Multimodal Sentiment Analysis with Multi-Perspective Thinking via Large Multimodal Models", CIKM 2025,
https://doi.org/10.1145/3746252.3761328, ask for one rationale per polarity, so that no true label is needed and
training and test posts are treated alike. Their wording is not published; all words here are our reconstruction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

VERDICT = "verdict"
"""The fourth question: which polarity the model itself picks."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The questions in one language.

    Attributes:
        rationale: with ``{polarity}`` and ``{text}``.
        verdict: with ``{polarities}`` and ``{text}``.
        no_text: stands for an empty text.
        no_picture: is put behind a question that goes out without a picture.
        names: class → its name in this language; other classes keep theirs.
        refusal: how an answer begins that declines.
    """

    rationale: str
    verdict: str
    no_text: str
    no_picture: str
    refusal: str
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, polarity: str) -> str:
        """The class in this language."""
        return self.names.get(polarity, polarity)


_UNABLE = (
    r"(can['’]?t|cannot|can not|unable|not able|won['’]?t|will not|((not|don['’]?t) feel|not) comfortable)\b"
)

_TASK = (
    r"$|[.,;:!]|help|assist|provide|answer|respond|repl|analy[sz]|view|see\b|look|access|open|read|process|describe|identif|"
    r"interpret|comply|determine|say|tell|discuss|comment|engage|continue|generate|create|produce|write|make|offer|give|"
    r"support|argue|take|treat|fulfil|proceed|participat|this|that|it\b|so\b|any|requests?"
)
"""What a model says that it cannot do when it refuses, as "I cannot stop smiling" does not."""

ENGLISH = Wording(
    rationale=(
        "Somebody posted this picture together with the text below. Take the post to be {polarity}. "
        "Say in one paragraph of at most 80 words which details of the picture and which words of the text speak for "
        "this reading, and how the two work together. Argue for this reading only and name no other. "
        "Write in the language of the post.\n\nText of the post: {text}"
    ),
    verdict=(
        "Somebody posted this picture together with the text below. Which of these fits the post best: {polarities}? "
        "Answer with that one alone, as it is written here, and give no reason.\n\nText of the post: {text}"
    ),
    no_text="(none)",
    no_picture="\n\nThe post has no picture.",
    refusal=(
        rf"(i['’]?m |i am )?((very|so) )?sorry\b[,.!]*( (but|no)\b|.{{0,20}}\b{_UNABLE})|unfortunately,? (i|we)\b|"
        rf"(i|we)['’]?( am|m| are|re| do)? ?{_UNABLE} *(to |with )?(do |be )?({_TASK})|as an ai\b"
    ),
)

CHINESE = Wording(
    rationale=(
        "有人把这张图片和下面的文字一起发了出来。请把这条帖子看作{polarity}的。"
        "用一段话（不超过120字）说明图片中的哪些细节和文字中的哪些词语支持这种解读，以及两者如何相互配合。"
        "只为这种解读说理，不要提及其他解读。\n\n帖子文字：{text}"
    ),
    verdict=(
        "有人把这张图片和下面的文字一起发了出来。下面哪一个最符合这条帖子：{polarities}？"
        "只照原样回答其中一个，不要说明理由。\n\n帖子文字：{text}"
    ),
    no_text="（无）",
    no_picture="\n\n这条帖子没有图片。",
    refusal=r"(非常|很)?(抱歉|对不起|遗憾)|我(无法|不能|不便)|作为(一个|一名)?(AI|人工智能)",
    names={
        "positive": "积极",
        "neutral": "中性",
        "negative": "消极",
        "sarcastic": "讽刺",
        "not sarcastic": "不讽刺",
    },
)

_HAN = re.compile(r"[\u3400-\u9fff]")
_KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_UNFINISHED_THOUGHT = re.compile(r"<think>.*", re.DOTALL)
_NEGATION = re.compile(
    r"(\b(non|not|no|never)|n['’]t|不|不是|非|并非|没有)([\s-]|\b(a|an|really|at all)\b)*$", re.IGNORECASE
)
DECLINED_IN = 300
"""A refusal is short: a longer answer that begins with an apology has something to say."""


def wording_for(text: str) -> Wording:
    """Chinese for Han characters without kana or hangul; else English, which asks for the language of the post."""
    return CHINESE if _HAN.search(text) and not _KANA_OR_HANGUL.search(text) else ENGLISH


def template(wording: Wording, polarity: str) -> str:
    """The question for a polarity or ``VERDICT`` before a post is put into it."""
    return wording.verdict if polarity == VERDICT else wording.rationale


def question(polarity: str, *, text: str, polarities: Sequence[str]) -> str:
    """What the model is asked for a polarity or ``VERDICT``, given all polarities of the data."""
    wording = wording_for(text)
    return template(wording, polarity).format(
        polarity=wording.name(polarity),
        polarities=" / ".join(map(wording.name, polarities)),
        text=text or wording.no_text,
    )


def without_thoughts(answer: str) -> str:
    """The answer of a model that thinks aloud, from behind its ``<think>`` part, in one paragraph.

    Some servers leave out where the thoughts begin, since the prompt ended with it.
    """
    said = answer.rpartition("</think>")[2]
    return " ".join(_UNFINISHED_THOUGHT.sub(" ", said).split())


def is_refusal(answer: str) -> bool:
    """Whether a short answer begins as declining ones do."""
    begins = f"({ENGLISH.refusal}|{CHINESE.refusal})"
    return len(answer) < DECLINED_IN and re.match(begins, answer, re.IGNORECASE) is not None


def read_verdict(answer: str, polarities: Sequence[str]) -> str | None:
    """The one polarity that the answer names, in either language; ``None`` for none or several.

    What is denied is not named: "non-sarcastic" is ``not sarcastic`` where that is a class, "not positive" is nothing.
    """
    names = {w.name(polarity).lower(): polarity for w in (ENGLISH, CHINESE) for polarity in polarities}
    longest_first = sorted(names, key=len, reverse=True)  # "not sarcastic" holds "sarcastic"
    pattern = "|".join(rf"(?<![a-z]){re.escape(name)}(?![a-z])" for name in longest_first)
    picked: set[str | None] = set()
    said = answer.lower()
    for found in re.finditer(pattern, said):
        denied = _NEGATION.search(said[: found.start()])
        picked.add(names.get(f"not {names[found[0]]}") if denied else names[found[0]])
    picked.discard(None)
    return picked.pop() if len(picked) == 1 else None
