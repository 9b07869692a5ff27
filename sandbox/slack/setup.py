"""Furnishing a sandbox: teams, apps and their installations, people, channels."""

from sandbox.slack.model import App, Channel, ChannelKind, Installation, Team, User
from sandbox.slack.service import Service
from sandbox.slack.workspace import Workspace

BOT_TOKEN = "xoxb-sandbox-1"
APP_TOKEN = "xapp-sandbox-1"
SIGNING_SECRET = "sandbox-signing-secret"
DEFAULT_TEAM = "T1"
DEFAULT_APP = "A1"
DEFAULT_BOT = "U0BOT"


def add_team(service: Service, team_id: str, name: str, domain: str) -> Workspace:
    """Add a workspace, or return the one that has this id."""
    if team_id not in service.workspaces:
        workspace = Workspace(Team(team_id, name, domain), service.mint)
        workspace.users["USLACKBOT"] = User("USLACKBOT", "slackbot", team_id, real_name="Slackbot")
        service.workspaces[team_id] = workspace
    return service.workspaces[team_id]


def make_app(service: Service, app_id: str, name: str) -> App:
    """Make an app with the manifest of the reference; the first one has tokens that are easy to type."""
    if app_id in service.registry.apps:
        return service.registry.apps[app_id]
    first = app_id == DEFAULT_APP
    mint = service.mint
    return App(
        id=app_id,
        name=name,
        app_token=APP_TOKEN if first else f"xapp-1-{app_id}-{mint.hex(12)}",
        signing_secret=SIGNING_SECRET if first else mint.hex(),
        client_id=f"100.{app_id}",
        client_secret="sandbox-client-secret" if first else mint.hex(),
        verification_token="sandbox-verification-token",
    )


def install(service: Service, app: App, team_id: str) -> Installation:
    """Install an app into a team, or again with the scopes it asks for now: the bot user stays, the token too."""
    workspace = service.workspaces[team_id]
    known = service.registry.installation(app.id, team_id)
    if known is not None:
        known.scopes, known.revoked = app.scopes, False
        return known
    first = app.id == DEFAULT_APP and team_id == DEFAULT_TEAM
    bot_user_id = DEFAULT_BOT if first else service.mint.id("U0")
    installation = Installation(
        app=app,
        team_id=team_id,
        bot_user_id=bot_user_id,
        bot_id="B0BOT" if first else service.mint.id("B0"),
        bot_token=BOT_TOKEN if first else f"xoxb-{team_id}-{app.id}-{service.mint.hex(12)}",
        scopes=app.scopes,
    )
    workspace.users[bot_user_id] = User(
        bot_user_id, app.name, team_id, real_name=app.name, bot_id=installation.bot_id, app_id=app.id
    )
    service.registry.add(installation)
    return installation


def add_user(service: Service, workspace: Workspace, user: User) -> User:
    """Add a person; whoever has no names gets some."""
    user.real_name = user.real_name or user.name.title()
    user.display_name = user.display_name or user.name
    workspace.users[user.id] = user
    return user


def add_channel(
    service: Service, workspace: Workspace, name: str, *, private: bool, members: set[str], channel_id: str | None
) -> Channel:
    """Add a public or private channel."""
    kind = ChannelKind.PRIVATE if private else ChannelKind.PUBLIC
    channel = Channel(
        id=channel_id or free_id(service, "C"),
        kind=kind,
        name=name.removeprefix("#"),
        members=members,
        created=int(service.clock.now()),
    )
    workspace.channels[channel.id] = channel
    return channel


def free_id(service: Service, prefix: str) -> str:
    """Return a short id that no user and no channel of any workspace has."""
    taken = {key for workspace in service.workspaces.values() for key in (*workspace.users, *workspace.channels)}
    return service.mint.short_id(prefix, taken)
