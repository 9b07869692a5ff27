"""Every sentence a user reads, in English and Simplified Chinese.

``keys.Say`` names the sentences, ``en`` and ``zh`` hold the words; a test holds both to the same names and values.
"""

from bridge.texts import en, zh
from bridge.texts.keys import Say

LANGUAGES = {"en": en.SENTENCES, "zh": zh.SENTENCES}

__all__ = ["LANGUAGES", "Say", "failure", "language", "say"]


def language(locale: str, default: str = "en") -> str:
    """Choose the language for a locale such as ``zh-CN``, ``zh_TW`` or ``en-US``; ``default`` if we do not speak it."""
    spoken = locale.replace("_", "-").partition("-")[0].lower()
    return spoken if spoken in LANGUAGES else default


def say(key: Say, locale: str, **values: object) -> str:
    """Put one sentence into words; ``values`` fill its places."""
    return LANGUAGES[language(locale)][key].format(**values)


def failure(key: Say, locale: str, reference: str) -> str:
    """Put a failure into words, with the reference that finds it in the operator's log."""
    return f"{say(key, locale)} {say(Say.REFERENCE, locale, reference=reference)}"
