"""The allowances that an answer's calls draw on, by name (pure). Source: docs.slack.dev, "Rate limits"."""

from dataclasses import dataclass

from adapters.slack import limits
from adapters.slack.settings import SlackSettings
from bridge.keys import join_key
from bridge.model import Budget, Place

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Budgets:
    """What one place shares with others: a channel's posts, and a workspace's calls of each method."""

    posts: tuple[Budget, ...]
    updates: tuple[Budget, ...]
    starts: tuple[Budget, ...]
    appends: tuple[Budget, ...]
    stops: tuple[Budget, ...]


def budgets_of(place: Place, settings: SlackSettings) -> Budgets:
    """Return the allowances of answers to a place."""
    here = (place.instance, place.team)
    in_channel = Budget(
        join_key(*here, place.channel, "chat.postMessage"),
        limits.CHANNEL_POSTS,
        limits.CHANNEL_POSTS_WINDOW_S,
        burst=limits.CHANNEL_POSTS_AT_ONCE,
    )
    return Budgets(
        posts=(in_channel, _tiered(join_key(*here, "chat.postMessage"), settings.posts_per_minute)),
        updates=(_tiered(join_key(*here, "chat.update"), settings.updates_per_minute),),
        # A stream refused at its start is a post at once; an addition comes with the next, an end after one.
        starts=(_tiered(join_key(*here, "chat.startStream"), settings.streams_per_minute, bold=True),),
        appends=(_tiered(join_key(*here, "chat.appendStream"), settings.appends_per_minute, bold=True),),
        stops=(_tiered(join_key(*here, "chat.stopStream"), settings.streams_per_minute, bold=True),),
    )


def _tiered(name: str, per_minute: int, *, bold: bool = False) -> Budget:
    return Budget(name, per_minute, MINUTE_S, burst=max(1, int(per_minute * limits.BURST_SHARE)), bold=bold)
