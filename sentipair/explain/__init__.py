"""Why a model says what it says of a post: the influence of words and regions, and whether that is faithful."""

from sentipair.explain.explaining import explain
from sentipair.explain.explanation import Explanation, Method, Region, Word

__all__ = ["Explanation", "Method", "Region", "Word", "explain"]
