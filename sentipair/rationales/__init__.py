"""Why a post could be meant so: rationales per polarity, from a large multimodal model, a word list or a table."""

from sentipair.rationales.attach import LEXICON, with_rationales
from sentipair.rationales.lexicon import lexicon_rationales, lexicon_verdict, polarities_of

__all__ = ["LEXICON", "lexicon_rationales", "lexicon_verdict", "polarities_of", "with_rationales"]
