"""The JSON of users, channels, messages and files, as methods answer it and events carry it (pure)."""

from sandbox.slack.model import App, Channel, ChannelKind, FileRecord, Installation, Json, Message, User
from sandbox.slack.workspace import Workspace


def user_body(user: User, *, include_locale: bool) -> Json:
    """``users.info``'s user."""
    body: Json = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "tz": user.tz,
        "profile": {
            "real_name": user.real_name,
            "display_name": user.display_name,
            "real_name_normalized": user.real_name,
            "display_name_normalized": user.display_name,
            "team": user.team_id,
        },
        "is_admin": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.bot_id is not None,
        "is_app_user": False,
    }
    if user.bot_id is not None:
        body["profile"] |= {"bot_id": user.bot_id, "api_app_id": user.app_id or ""}
    if include_locale:
        body["locale"] = user.locale
    return body


def channel_body(channel: Channel, viewer: str) -> Json:
    """``conversations.info``'s channel, as one user sees it."""
    body: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.archived,
        "is_im": channel.kind is ChannelKind.IM,
        "is_mpim": channel.kind is ChannelKind.MPIM,
        "is_channel": channel.kind is ChannelKind.PUBLIC,
        "is_group": channel.kind is ChannelKind.PRIVATE,
        "is_private": channel.kind is not ChannelKind.PUBLIC,
        "is_ext_shared": channel.shared,
    }
    if channel.kind is ChannelKind.IM:
        others = sorted(channel.members - {viewer})
        return body | {"user": others[0] if others else viewer, "is_open": True}
    return body | {
        "name": channel.name,
        "name_normalized": channel.name,
        "creator": channel.creator,
        "is_member": viewer in channel.members,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def bot_profile(app: App, installation: Installation) -> Json:
    """The short description of the bot that posted a message."""
    return {
        "id": installation.bot_id,
        "app_id": app.id,
        "name": app.name,
        "team_id": installation.team_id,
        "deleted": False,
    }


def file_body(record: FileRecord, base_url: str, domain: str) -> Json:
    """A file object; its addresses point to the emulator."""
    stem, _, suffix = record.name.rpartition(".")
    filetype = suffix.lower() if stem else "text"
    path = f"{record.team_id}-{record.id}"
    body: Json = {
        "id": record.id,
        "created": record.created,
        "timestamp": record.created,
        "name": record.name,
        "title": record.title or record.name,
        "mimetype": record.mimetype,
        "filetype": filetype,
        "pretty_type": filetype.upper(),
        "user": record.user,
        "user_team": record.team_id,
        "editable": False,
        "size": record.size_bytes,
        "mode": record.mode,
        "is_external": record.mode == "external",
        "external_type": "",
        "is_public": False,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "file_access": record.file_access,
        "has_rich_preview": False,
    }
    if record.mode == "hosted":
        body |= {
            "url_private": f"{base_url}/files-pri/{path}/{record.name}",
            "url_private_download": f"{base_url}/files-pri/{path}/download/{record.name}",
            "permalink": f"https://{domain}.slack.com/files/{record.user}/{record.id}/{record.name}",
            "permalink_public": f"https://slack-files.com/{path}-0",
        }
    return body


class MessageWire:
    """Writes messages of one workspace as JSON."""

    def __init__(self, workspace: Workspace, installations: dict[str, Installation], base_url: str) -> None:
        self._workspace = workspace
        self._installations = installations
        self._base_url = base_url

    def body(self, message: Message, *, metadata: bool = False) -> Json:
        """Return a message as it stands now, without ``channel``.

        Args:
            metadata: Include the app's metadata (``include_all_metadata``).
        """
        body: Json = {"type": "message"}
        if message.subtype:
            body["subtype"] = message.subtype
        if message.client_msg_id:
            body["client_msg_id"] = message.client_msg_id
        if message.user:
            body["user"] = message.user
        body |= {"text": message.text, "ts": message.ts, "team": self._workspace.team.id}
        body |= self._bot_fields(message) | self._thread_fields(message)
        if message.blocks:
            body["blocks"] = message.blocks
        if message.attachments:
            body["attachments"] = message.attachments
        if message.edited:
            body["edited"] = message.edited
        if message.file_ids:
            records = [self._workspace.files[file_id] for file_id in message.file_ids]
            body["files"] = [file_body(record, self._base_url, self._workspace.team.domain) for record in records]
            body |= {"upload": False, "display_as_bot": False}
        if message.reactions:
            body["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in message.reactions.items()
            ]
        if metadata and message.metadata is not None:
            body["metadata"] = message.metadata
        return body

    def _bot_fields(self, message: Message) -> Json:
        if message.bot_id is None:
            return {}
        installation = self._installations.get(message.author_app or "")
        fields: Json = {"bot_id": message.bot_id, "app_id": message.author_app}
        return fields if installation is None else fields | {"bot_profile": bot_profile(installation.app, installation)}

    def _thread_fields(self, message: Message) -> Json:
        if message.thread_ts is not None:
            parent = self._workspace.parent(message)
            return {"thread_ts": message.thread_ts} | ({"parent_user_id": parent.user} if parent else {})
        replies = self._workspace.replies(message.channel, message.ts)
        if not replies:
            return {}
        people = list(dict.fromkeys(reply.user for reply in replies))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users_count": len(people),
            "reply_users": people,
            "latest_reply": replies[-1].ts,
        }
