"""Every sentence of the demo: ``shape`` names them, ``english`` and ``chinese`` say them."""

from sandbox.demo.words.chinese import ZH
from sandbox.demo.words.english import EN
from sandbox.demo.words.shape import Words

__all__ = ["EN", "WORDS", "ZH", "Words"]

WORDS = {words.language: words for words in (EN, ZH)}
