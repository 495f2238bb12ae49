"""A small grammar of posts: topics and fillers are shared, the judging words decide the text label."""

from __future__ import annotations

import re

import numpy as np

SYMBOLS: dict[str, tuple[str, ...]] = {
    "positive": (
        "{opener}{topic} {was good}{aside}. {joy}{tail+}", "{joy}! {opener}{topic} {was good}{aside}.{tail+}",
    ),
    "neutral": (
        "{opener}{topic} {fact}{aside}. {note}{tail}", "{note}. {opener}{topic} {fact}{aside}.{tail}",
    ),
    "negative": (
        "{opener}{topic} {was bad}{aside}. {woe}{tail-}", "{woe}. {opener}{topic} {was bad}{aside}.{tail-}",
    ),
    "opener": ("", "", "", "So, ", "Right, ", "Just in: ", "Quick post: ", "Well, ", "Today: "),
    "topic": (
        "the picnic by the river", "our walk with {who}", "dinner at {place}", "the new office",
        "the train to {town}", "my sister's concert", "the football match", "lunch with {who}",
        "the school play", "the hotel in {town}", "the bus ride home", "our trip to {town}",
        "the museum in {town}", "the garden project", "the phone I ordered", "the meeting with {who}",
        "the street market", "the film at {place}", "my first day at {place}", "the long run",
        "the coffee at {place}", "the parcel from {who}", "the weekend with {who}", "the swimming lesson",
    ),
    "was good": (
        "was absolutely {good}", "turned out {good}", "was {good} and {good}", "made me so {glad}",
        "left us all {glad}", "was the most {good} thing this {while}", "could not have been more {good}",
        "was simply {good}",
    ),
    "good": (
        "wonderful", "lovely", "brilliant", "delightful", "beautiful", "fantastic", "perfect", "amazing",
        "charming", "superb", "magical", "gorgeous", "excellent", "marvellous",
    ),
    "glad": ("happy", "proud", "grateful", "cheerful", "delighted", "thankful", "excited"),
    "joy": (
        "I love it", "What a joy", "Best {while} in ages", "Could not stop smiling", "So thankful for {who}",
        "Feeling {glad} and {glad}", "We laughed and sang for hours", "Everyone cheered", "Such good news",
        "I would happily do it again", "Big hugs to {who}", "Five stars from me",
    ),
    "was bad": (
        "was absolutely {bad}", "turned out {bad}", "was {bad} and {bad}", "made me so {upset}",
        "left us all {upset}", "was the most {bad} thing this {while}", "could not have been more {bad}",
        "was simply {bad}",
    ),
    "bad": (
        "awful", "terrible", "horrible", "dreadful", "miserable", "disgusting", "painful", "depressing",
        "disastrous", "hopeless", "ugly", "pathetic", "frightening", "disappointing",
    ),
    "upset": ("sad", "angry", "ashamed", "lonely", "upset", "worried", "furious"),
    "woe": (
        "I hate it", "What a disaster", "Worst {while} in ages", "Could not stop crying",
        "So sorry for {who}", "Feeling {upset} and {upset}", "We argued and shouted for hours",
        "Everyone complained", "Such bad news", "I will never do it again", "We lost everything",
        "I want my money back",
    ),
    "fact": (
        "starts at {hour}", "is listed under number {number}", "was moved to {day}",
        "takes about {number} minutes", "is on the {nth} floor", "is scheduled for {day} at {hour}",
        "was announced on {day}", "is {number} metres away", "ended at {hour}", "has {number} places",
        "is described on page {number}", "was mentioned by {who}",
    ),
    "note": (
        "The address is in the calendar", "Details on page {number}", "Doors open at {hour}",
        "{who} has the list", "The form is at {place}", "Next date is {day}", "There are {number} seats",
        "Same time on {day}", "The timetable is on the website", "Room {number} as usual",
        "Report filed at {hour}", "Bring the ticket number",
    ),
    "aside": ("", "", " on {day}", " with {who}", " as planned", " again", ", says {who}"),
    "tail+": ("", " {tag}", " {emoji+}", " {tag+}", " {tag+} {emoji+}", " {emoji+} {tag} {tag+}"),
    "tail": ("", " {tag}", " {tag} {tag}", " {emoji}", " {emoji} {tag}"),
    "tail-": ("", " {tag}", " {emoji-}", " {tag-}", " {tag-} {emoji-}", " {emoji-} {tag} {tag-}"),
    "tag": ("#today", "#diary", "#{town}", "#{day}", "#photo", "#life", "#update", "#city"),
    "tag+": ("#happy", "#blessed", "#love", "#bestday", "#joy", "#grateful"),
    "tag-": ("#fail", "#sad", "#worstday", "#angry", "#heartbroken", "#nope"),
    "emoji": ("📷", "📅", "📍", "🕒", "📌"),
    "emoji+": ("😊", "😍", "🎉", "❤️", "👍", "☀️"),
    "emoji-": ("😢", "😠", "💔", "👎", "🌧️", "😞"),
    "who": (
        "Anna", "Ben", "Chloe", "Dev", "Emma", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kemal", "Lena",
        "Maya", "the neighbours", "my team", "grandma", "the kids", "our teacher",
    ),
    "place": (
        "the library", "the corner café", "the town hall", "the station", "the harbour", "the old mill",
    ),
    "town": ("Leeds", "Porto", "Ghent", "Turin", "Malmö", "Cork", "Graz", "Lyon", "Bern", "Tartu"),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "hour": ("nine", "half past ten", "noon", "three o'clock", "quarter to five", "seven", "eight thirty"),
    "while": ("week", "morning", "evening", "month", "year", "weekend"),
    "nth": ("first", "second", "third", "fourth", "fifth"),
    "number": ("4", "7", "12", "15", "18", "20", "24", "30", "36", "45", "60", "75"),
}  # fmt: skip
"""Symbol → what it may become; ``{name}`` stands for another symbol. A post starts at its text label."""

_SLOT = re.compile(r"\{([^{}]+)\}")
_SENTENCE_START = re.compile(r"(?:^|[.!] )\w")


def write_text(text_label: str, rng: np.random.Generator) -> str:
    """A post whose text alone says ``text_label`` (a name in ``sentipair.data.SENTIMENT``)."""
    text = f"{{{text_label}}}"
    while slot := _SLOT.search(text):
        choices = SYMBOLS[slot[1]]
        text = text[: slot.start()] + choices[rng.integers(len(choices))] + text[slot.end() :]
    return _SENTENCE_START.sub(lambda start: start[0].upper(), text)
