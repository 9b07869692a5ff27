"""Permission bits and how they add up: owner, roles, overwrites, and what one permission takes away with it.

Source: Discord's documentation "Permissions", read August 2026; reference 5 for the invite.
"""

from collections.abc import Iterable
from enum import IntFlag

from sandbox.discord.model import Channel, Guild, Member


class Permission(IntFlag):
    """The permissions this emulator looks at."""

    ADD_REACTIONS = 1 << 6
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38
    PIN_MESSAGES = 1 << 51


ALL_PERMISSIONS = (1 << 53) - 1
EVERYONE_DEFAULT = 2_248_473_465_835_073
"""What ``@everyone`` may do in a fresh server; ``MENTION_EVERYONE`` included, so that a slip of a bot shows."""
DIRECT_MESSAGES = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.USE_APPLICATION_COMMANDS
)
_NEED_SENDING = Permission.MENTION_EVERYONE | Permission.EMBED_LINKS | Permission.ATTACH_FILES


def parse_permissions(names: Iterable[str]) -> int:
    """Return the bits of permissions by name, ``SEND_MESSAGES``.

    Raises:
        ValueError: There is no such permission here.
    """
    bits = 0
    for name in names:
        if name.upper() not in Permission.__members__:
            raise ValueError(f"no permission {name!r}; there are {', '.join(Permission.__members__)}")
        bits |= Permission[name.upper()]
    return bits


def in_guild(guild: Guild, member: Member) -> int:
    """Return what a member may do where no channel says otherwise."""
    if member.user_id == guild.owner_id:
        return ALL_PERMISSIONS
    bits = guild.roles[guild.id].permissions
    for role_id in member.roles:
        if role := guild.roles.get(role_id):
            bits |= role.permissions
    return ALL_PERMISSIONS if bits & Permission.ADMINISTRATOR else bits


def in_channel(guild: Guild, member: Member, channel: Channel) -> int:
    """Return what a member may do in a channel; for a thread give its parent.

    Overwrites apply in order: ``@everyone``, the member's roles together, the member. Without ``VIEW_CHANNEL``
    nothing is left.
    """
    bits = in_guild(guild, member)
    if bits & Permission.ADMINISTRATOR:
        return ALL_PERMISSIONS
    by_target = {overwrite.target_id: overwrite for overwrite in channel.overwrites}
    if everyone := by_target.get(guild.id):
        bits = bits & ~everyone.deny | everyone.allow
    roles = [by_target[role_id] for role_id in member.roles if role_id in by_target]
    denied = allowed = 0
    for overwrite in roles:
        denied |= overwrite.deny
        allowed |= overwrite.allow
    bits = bits & ~denied | allowed
    if own := by_target.get(member.user_id):
        bits = bits & ~own.deny | own.allow
    if not bits & Permission.VIEW_CHANNEL:
        return 0
    return bits if bits & (Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS) else bits & ~_NEED_SENDING
