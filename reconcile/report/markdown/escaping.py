"""Text of others in Markdown: it stays what it is, and starts no markup, no HTML, no mention and no link."""

from __future__ import annotations

from reconcile.model.text import printable

MOST_CHARACTERS = 600
"""Of one text in a cell: more is in the other forms."""
_BREAK = "&#8203;"
"""A space without width. It parts what GitHub and GitLab would read as a reference in text that is no markup."""

_MARKUP = {ord(letter): f"\\{letter}" for letter in "\\`*_[]|$"}
_HTML = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
# Mentions, issues, merge requests, labels, snippets and so on: `@all`, `#1`, `!1`, `~bug`.
_REFERENCES = {ord("@"): f"@{_BREAK}", ord("#"): f"\\#{_BREAK}", ord("!"): f"!{_BREAK}", ord("~"): f"\\~{_BREAK}"}
_TEXT = _MARKUP | _HTML | _REFERENCES
# GitHub and GitLab look for no references in code, but Markdown is read there.
_CODE = {ord(letter): f"&#{ord(letter)};" for letter in "&<>\\`*_[]|$~!:@#\"'"}


def escape(value: object) -> str:
    """Returns a text of one line that is shown as it is, cut where it is very long."""
    text = _clipped(printable(value), MOST_CHARACTERS).translate(_TEXT)
    return text.replace("://", f":{_BREAK}//").replace("www.", f"www{_BREAK}.")


def code(value: object, most: int = MOST_CHARACTERS) -> str:
    """Returns the same in the letters of code; also for the inside of HTML, where Markdown is not read."""
    text = _clipped(printable(value), most).translate(_CODE).replace("www.", "www&#46;")
    return f"<code>{text}</code>"


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
