"""What the answers of the lean Coze say: Markdown of every kind, in deltas that name themselves (pure)."""


def word(number: int, kind: str = "markdown") -> str:
    """Return the text of one delta; each holds its number, so that what is shown tells the newest delta in it."""
    name = f"w{number}"
    if kind == "plain":
        return f"{name} "
    place = number % 80
    special: dict[int, str] = {
        0: f"\n\n## Part {name}\n\n",
        20: f"**{name} ",
        23: f"{name}** ",
        30: f"`{name}` ",
        50: f"\n\n```py\n# {name}\n",
        59: f"```\n\n{name} ",
        65: f"[{name}](https://docs.example/{number}) ",
        70: f"\n\n| a | b |\n| - | - |\n| {name} | x |",
        76: f"\n\n{name} ",
    }
    if place in special:
        return special[place]
    if 40 <= place < 48:
        return f"\n- {name} item"
    if 48 <= place < 50:
        return f"\n\n{name} "
    if 50 < place < 59:
        return f"{name} = {number}\n"
    return f"\n| {name} | {number} |" if 70 < place < 76 else f"{name} "
