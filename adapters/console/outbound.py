"""What to print when all that was printed stays (pure): plain text from a series of views."""


class GrowingText:
    """Turns the successive views of one part into what must be printed next.

    While more follows, the last line of a view may hold repairs of unfinished Markdown that are no part of the text;
    it is held back. Should the final text not begin with what was printed, it is printed once more as a whole.
    """

    def __init__(self) -> None:
        self._shown = ""
        self._newest = ""

    def grow(self, text: str) -> str:
        """Take a live view; return what can be printed for good."""
        self._newest = text
        stable = text[: text.rfind("\n") + 1]
        if not stable.startswith(self._shown):
            return ""
        news = stable[len(self._shown) :]
        self._shown = stable
        return news

    def finish(self) -> str:
        """Return the rest of the newest view."""
        text, shown = self._newest, self._shown
        self._shown = text
        if text.startswith(shown):
            return text[len(shown) :]
        return f"\n\n{text}"
