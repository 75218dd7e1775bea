"""A title for a conversation, made of its first prompt without asking anybody."""

from __future__ import annotations

import re

TITLE_LIMIT = 60
"""The longest title made from a prompt, characters."""

UNTITLED = "untitled"

_LOOKED_AT, _LINE_LOOKED_AT = 4_000, 400
"""How much of a prompt, and of one line of it, can have its title, characters: prompts may be megabytes."""

_FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n(.*?)(?:^[ \t]*\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)
_LINE_MARK = re.compile(r"^(?:#{1,6}\s+|>\s*|[-*+]\s+(?:\[[ xX]\]\s+)?|\d{1,3}[.)]\s+)+")
_RULE = re.compile(r"^[\s=*_~-]*$")
_LINK = re.compile(r"!?\[([^\]\[]*)\]\([^()\s]*\)")
_EMPHASIS = re.compile(r"(\*{1,3}|~~|`+)(?=\S)(.+?)(?<=\S)\1")
_UNDERLINED = re.compile(r"(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")
_MENTION = re.compile(r"(?<!\S)@(\S+)")
_COURTESY = re.compile(
    r"^(?:(?:hi|hello|hey|dear)(?:\s+(?:there|all|you|again))?\s*[,!.:;-]+\s*"
    r"|(?:can|could|would|will)\s+you\s+(?:please\s+|kindly\s+)?(?=\w)"
    r"|(?:please|pls|kindly)\b[\s,:]*(?=\w))+",
    re.IGNORECASE,
)
_AFTERWARDS = re.compile(r"[\s,]+(?:please|pls|thanks|thank you)\s*(?=[.!?]*$)", re.IGNORECASE)
_SENTENCE = re.compile(r"(.{8,}?[.!?])[\"')\]]*\s+(?=[A-Z\"'(\[]|[^\x00-\x7f])|(.{4,}?[。\uff01\uff1f])")


def title_of(prompt: str) -> str:
    """The first sentence of a prompt, without code, marks of Markdown, names of attached files and courtesies."""
    begun = prompt[:_LOOKED_AT]
    lines = [line for text in (_FENCED.sub("\n", begun), begun) for line in text.splitlines()]
    return next((title for line in lines if (title := _title(line[:_LINE_LOOKED_AT]))), UNTITLED)


def _title(line: str) -> str:
    """What is left of one line; empty when it says nothing."""
    if _RULE.match(line) or line.lstrip().startswith(("```", "~~~")):
        return ""
    said = _LINE_MARK.sub("", " ".join(line.split()))
    for marks in (_LINK, _EMPHASIS, _UNDERLINED):
        said = marks.sub(lambda found: found.group(found.re.groups), said)
    said = _without_mentions(said)
    asked = _AFTERWARDS.sub("", _COURTESY.sub("", said))
    if asked != said and asked:
        said = asked[0].upper() + asked[1:]
    if found := _SENTENCE.match(said):
        said = found.group(1) or found.group(2)
    said = said.strip().rstrip(".!:;,。\uff01").rstrip() or said.strip()
    return _shortened(said)


def _without_mentions(text: str) -> str:
    """Without ``@path``, unless nothing else says what it is about: then by the names of the files."""
    rest = " ".join(_MENTION.sub(" ", text).split())
    if any(char.isalnum() for char in rest):
        return rest
    return " ".join(_MENTION.sub(lambda found: found.group(1).rstrip("/").rpartition("/")[2] or "@", text).split())


def _shortened(text: str) -> str:
    """Cut what is too long, between two words where that leaves enough of it."""
    if len(text) <= TITLE_LIMIT:
        return text
    cut = text[: TITLE_LIMIT - 1]
    space = cut.rfind(" ")
    if text[TITLE_LIMIT - 1] != " " and space > TITLE_LIMIT // 2:
        cut = cut[:space]
    return cut.rstrip(" ,;:") + "…"
