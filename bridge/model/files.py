"""Files that belong to an answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """A file as it is brought to a platform; ``number`` is its place among those of the answer, from 0."""

    number: int
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class FileNote:
    """What is written down of one file of an answer.

    Attributes:
        source: Its address, or its name if the answer itself is in it.
        number: Its place among the answer's files.
        handle: What the platform needs to find out whether it stands there; written before it can.
        over: It stands there, or was given up: nothing more is done about it.
    """

    source: str
    number: int
    handle: str = ""
    over: bool = False


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A part of an answer that is too long for messages and goes into a file.

    Attributes:
        shown: The same as Markdown, for where it cannot be a file.
    """

    name: str
    text: str
    shown: str
