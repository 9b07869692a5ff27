"""Where text may be cut without breaking what a reader sees as one character or, in Chinese and Japanese, one line.

The rules are those of Unicode's extended grapheme clusters (UAX #29), told from the categories that the standard
library knows, and deliberately cautious: a place that the full tables would allow may be refused, never the reverse.
"""

import unicodedata

_ZWJ = "\u200d"
_PREPENDED = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_VIRAMA_CLASS = 9

_NOT_AT_START = frozenset(
    "。，、；：？！）」』】》〉〕〗…—～·”’％‰℃ー々ゝゞぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ｡｣､･,.!?;:)]}%"
)
_NOT_AT_END = frozenset("（「『【《〈〔〖“‘｢([{$￥¥£€#@")


def is_boundary(text: str, at: int) -> bool:
    """Tell whether ``text`` may be cut before index ``at`` without breaking a grapheme cluster."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if after < "\u0300" and before < "\u0300":
        return not (before == "\r" and after == "\n")
    if unicodedata.category(before) in ("Cc", "Zl", "Zp") or unicodedata.category(after) in ("Cc", "Zl", "Zp"):
        return not (before == "\r" and after == "\n")
    if _extends(after) or before == _ZWJ or before in _PREPENDED:
        return False
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return False
    if unicodedata.combining(before) == _VIRAMA_CLASS and unicodedata.category(after) == "Lo":
        return False
    if _is_regional(before) and _is_regional(after):
        return _regionals_before(text, at) % 2 == 0
    return not _is_hangul_pair(before, after)


def boundary_at_or_before(text: str, at: int) -> int:
    """Return the last place up to ``at`` where a grapheme cluster ends; 0 when the whole text is one cluster."""
    while at > 0 and not is_boundary(text, at):
        at -= 1
    return at


def may_break_cjk(text: str, at: int) -> bool:
    """Tell whether a line of Chinese or Japanese may be broken before ``at``: words there have no spaces round them.

    Korean has spaces and loan words in Katakana are recognisable, so neither is broken.
    """
    if at <= 0 or at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    if after in _NOT_AT_START or before in _NOT_AT_END or not (is_cjk(before) or is_cjk(after)):
        return False
    if _is_katakana(before) and _is_katakana(after):
        return False
    return is_boundary(text, at)


def is_cjk(character: str) -> bool:
    """Tell whether a character is wide and written without spaces: ideographs, kana, their punctuation, emoji."""
    if character < "\u1100":
        return False
    return unicodedata.east_asian_width(character) in "WF" and not _is_hangul(character)


def _extends(character: str) -> bool:
    """Tell whether a character belongs to the one before it: marks, joiners, skin tones, tags, selectors."""
    if unicodedata.category(character) in ("Mn", "Me", "Mc"):
        return True
    return (
        character in (_ZWJ, "\u200c", "\uff9e", "\uff9f")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _regionals_before(text: str, at: int) -> int:
    start = at
    while start > 0 and _is_regional(text[start - 1]):
        start -= 1
    return at - start


def _is_hangul(character: str) -> bool:
    return "\u1100" <= character <= "\u11ff" or "\ua960" <= character <= "\ua97f" or "\uac00" <= character <= "\ud7fb"


def _is_hangul_pair(before: str, after: str) -> bool:
    """Tell whether two characters are pieces of one syllable."""
    if not (_is_hangul(before) and _is_hangul(after)):
        return False
    lead = "\u1100" <= before <= "\u115f" or "\ua960" <= before <= "\ua97c"
    return lead or "\u1160" <= after <= "\u11ff" or "\ud7b0" <= after <= "\ud7fb"


def _is_katakana(character: str) -> bool:
    return "\u30a0" <= character <= "\u30ff"
