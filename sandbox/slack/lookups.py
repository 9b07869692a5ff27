"""Finding people, channels and messages the way tests name them; a wrong name is the test's mistake."""

from sandbox.slack.model import Channel, Installation, Message, User
from sandbox.slack.service import Service
from sandbox.slack.setup import DEFAULT_APP
from sandbox.slack.workspace import Workspace


class Lookups:
    """Base of the emulator's faces towards its users; ids and names both work.

    Every finder raises ``ValueError`` that says what there is not.
    """

    service: Service

    def find_user(self, id_or_name: str) -> User:
        """Return a person or a bot user."""
        for workspace in self.service.workspaces.values():
            if user := workspace.user(id_or_name):
                return user
        raise ValueError(f"nobody here is called {id_or_name!r}")

    def find_channel(self, id_or_name: str) -> Channel:
        """Return a channel of any kind."""
        for workspace in self.service.workspaces.values():
            if channel := workspace.channel(id_or_name):
                return channel
        raise ValueError(f"there is no channel {id_or_name!r}")

    def find_message(self, channel: str, ts: str) -> Message:
        """Return a message that has not been deleted."""
        found = self.find_channel(channel)
        message = self.service.workspace_of(found.id).message(found.id, ts)
        if message is None or message.deleted:
            raise ValueError(f"there is no message {ts} in {channel}")
        return message

    def find_installation(self, workspace: Workspace, app_id: str = DEFAULT_APP) -> Installation:
        """Return an app's installation in a workspace."""
        installation = self.service.registry.installation(app_id, workspace.team.id)
        if installation is None:
            raise ValueError(f"app {app_id} is not installed in {workspace.team.id}")
        return installation
