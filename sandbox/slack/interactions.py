"""What people do with an app's own controls: slash commands, buttons, modals, shortcuts.

Each waits for the app's acknowledgement and plays out what came with it.
"""

from typing import Any

from sandbox.slack import payloads
from sandbox.slack.lookups import Lookups
from sandbox.slack.model import Channel, Installation, Json, User
from sandbox.slack.refusals import Refusal
from sandbox.slack.response_urls import apply_answer
from sandbox.slack.setup import DEFAULT_APP
from sandbox.slack.transport import Answer, Kind, Outgoing
from sandbox.slack.uploads import put_in
from sandbox.slack.views import View
from sandbox.slack.workspace import Workspace


class Interactions(Lookups):
    """Actions on controls; every one returns the app's ``Answer``."""

    async def slash(
        self, user: str, channel: str, text: str = "", command: str = "/coze", *, app_id: str = DEFAULT_APP
    ) -> Answer:
        """Type a slash command; what the app answers at once is shown, to the user alone unless it says otherwise."""
        person, place, workspace, installation = self._scene(user, channel, app_id)
        if command not in installation.app.commands:
            raise ValueError(f"{command} is not a command of {app_id}")
        payload = payloads.slash_command(installation, workspace.team, person, place, command, text)
        payload["response_url"] = self._response_url(installation, place, person)
        payload["trigger_id"] = self.service.triggers.issue(workspace.team.id, person.id)
        answer = await self._ask(installation, "slash_commands", command, payload)
        immediate = {"text": answer.payload} if isinstance(answer.payload, str) else answer.payload
        if answer.accepted and isinstance(immediate, dict) and immediate:
            try:
                apply_answer(self.service, installation, place, person.id, immediate)
            except Refusal as refusal:
                self.service.journal.record("slack", "user_error", command, failure=refusal.error)
        return answer

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: str | None = None,
        *,
        app_id: str = DEFAULT_APP,
    ) -> Answer:
        """Press a button, or choose an option, on a message.

        Args:
            value: The option's value, the feedback given, or which of several equal buttons.
        """
        person, place, workspace, installation = self._scene(user, channel, app_id)
        message = self.find_message(channel, ts)
        found = payloads.find_element(message.blocks, action_id, value)
        if found is None:
            raise ValueError(f"message {ts} has no control {action_id!r}")
        body = self.service.stage.body(workspace, message, metadata=True)
        payload = payloads.interaction("block_actions", installation, workspace.team, person)
        payload |= payloads.on_message(message, place, body)
        payload["actions"] = [payloads.action(*found, value, workspace.mint.ts())]
        payload["trigger_id"] = self.service.triggers.issue(workspace.team.id, person.id)
        payload["response_url"] = self._response_url(installation, place, person, message.ts)
        return await self._ask(installation, "interactive", "block_actions", payload)

    async def click_in_view(
        self, user: str, action_id: str, value: str | None = None, *, app_id: str = DEFAULT_APP
    ) -> Answer:
        """Press a button, or choose an option, in the visible modal."""
        person, workspace, installation, view = self._modal(user, app_id)
        found = payloads.find_element(view.body["blocks"], action_id, value)
        if found is None:
            raise ValueError(f"the view has no control {action_id!r}")
        element, block_id = found
        if element["type"] != "button":
            values = view.body["state"]["values"].setdefault(block_id, {})
            values[action_id] = payloads.input_state(element, value)
        payload = payloads.interaction("block_actions", installation, workspace.team, person)
        payload |= payloads.on_view(view.body)
        payload["actions"] = [payloads.action(element, block_id, value, workspace.mint.ts())]
        payload["trigger_id"] = self.service.triggers.issue(workspace.team.id, person.id, view.id)
        return await self._ask(installation, "interactive", "block_actions", payload)

    async def submit_view(
        self, user: str, values: dict[str, dict[str, Any]] | None = None, *, app_id: str = DEFAULT_APP
    ) -> Answer:
        """Fill in and submit the visible modal; the answer's ``response_action`` is carried out.

        Args:
            values: By block id and action id: a text, an option's value, a list of values or of ``FileUpload``, or the
                whole state entry.
        """
        person, workspace, installation, view = self._modal(user, app_id)
        for block in view.body["blocks"]:
            self._fill_in(view, block, (values or {}).get(block["block_id"], {}), person)
        payload = payloads.interaction("view_submission", installation, workspace.team, person)
        payload |= {"view": view.body, "response_urls": []}
        payload["trigger_id"] = self.service.triggers.issue(workspace.team.id, person.id, view.id)
        answer = await self._ask(installation, "interactive", "view_submission", payload)
        if answer.accepted:
            try:
                self._carry_out(installation, person, view, answer.payload or {})
            except Refusal as refusal:
                self.service.journal.record("slack", "user_error", "view_submission", failure=refusal.error)
        return answer

    async def close_view(self, user: str, *, app_id: str = DEFAULT_APP) -> Answer | None:
        """Close the visible modal; the app hears of it only if it asked to (``notify_on_close``)."""
        person, workspace, installation, view = self._modal(user, app_id)
        self.service.views.close(view)
        if not view.body["notify_on_close"]:
            return None
        payload = payloads.interaction("view_closed", installation, workspace.team, person)
        payload |= {"view": view.body, "is_cleared": False}
        return await self._ask(installation, "interactive", "view_closed", payload)

    async def shortcut(
        self,
        user: str,
        callback_id: str,
        channel: str | None = None,
        ts: str | None = None,
        *,
        app_id: str = DEFAULT_APP,
    ) -> Answer:
        """Use a global shortcut, or a message shortcut when a message is given."""
        if channel is None or ts is None:
            person = self.find_user(user)
            workspace = next(w for w in self.service.workspaces.values() if person.id in w.users)
            installation = self.find_installation(workspace, app_id)
            payload = payloads.interaction("shortcut", installation, workspace.team, person)
        else:
            person, place, workspace, installation = self._scene(user, channel, app_id)
            message = self.find_message(channel, ts)
            payload = payloads.interaction("message_action", installation, workspace.team, person)
            payload |= {"channel": {"id": place.id, "name": place.name}, "message_ts": ts}
            payload["message"] = self.service.stage.body(workspace, message)
            payload["response_url"] = self._response_url(installation, place, person)
        payload |= {"callback_id": callback_id, "action_ts": workspace.mint.ts()}
        payload["trigger_id"] = self.service.triggers.issue(workspace.team.id, person.id)
        return await self._ask(installation, "interactive", str(payload["type"]), payload)

    async def suggest(
        self, user: str, action_id: str, block_id: str, typed: str, *, app_id: str = DEFAULT_APP
    ) -> Answer:
        """Type into an external select of the visible modal; the answer's payload holds the options."""
        person, workspace, installation, view = self._modal(user, app_id)
        payload = payloads.interaction("block_suggestion", installation, workspace.team, person)
        payload |= payloads.on_view(view.body) | {"action_id": action_id, "block_id": block_id, "value": typed}
        return await self._ask(installation, "interactive", "block_suggestion", payload)

    def views_of(self, user: str, *, app_id: str = DEFAULT_APP) -> list[Json]:
        """Return the modals a user has open, the visible one last."""
        person = self.find_user(user)
        workspace = next(w for w in self.service.workspaces.values() if person.id in w.users)
        return [view.body for view in self.service.views.stack(self.find_installation(workspace, app_id), person.id)]

    async def _ask(self, installation: Installation, kind: Kind, name: str, payload: Json) -> Answer:
        answer = await self.service.delivery.ask(Outgoing(installation.app, kind, name, payload))
        if not answer.accepted:
            self.service.journal.record("slack", "user_error", name, failure=answer.failure)
        return answer

    def _scene(self, user: str, channel: str, app_id: str) -> tuple[User, Channel, Workspace, Installation]:
        person, place = self.find_user(user), self.find_channel(channel)
        workspace = self.service.workspace_of(place.id)
        return person, place, workspace, self.find_installation(workspace, app_id)

    def _modal(self, user: str, app_id: str) -> tuple[User, Workspace, Installation, View]:
        person = self.find_user(user)
        workspace = next(w for w in self.service.workspaces.values() if person.id in w.users)
        installation = self.find_installation(workspace, app_id)
        stack = self.service.views.stack(installation, person.id)
        if not stack:
            raise ValueError(f"{person.name} has no modal open")
        return person, workspace, installation, stack[-1]

    def _response_url(
        self, installation: Installation, place: Channel, person: User, message_ts: str | None = None
    ) -> str:
        path = self.service.response_urls.issue(
            app_id=installation.app.id,
            team_id=installation.team_id,
            channel=place.id,
            user=person.id,
            message_ts=message_ts,
        )
        return f"{self.service.base_url()}{path}"

    def _fill_in(self, view: View, block: Json, given: dict[str, Any], person: User) -> None:
        element = block.get("element") or block.get("accessory")
        if not isinstance(element, dict) or not element.get("action_id"):
            return
        action_id = element["action_id"]
        entries = view.body["state"]["values"].setdefault(block["block_id"], {})
        if action_id in given or action_id not in entries:
            chosen = given[action_id] if action_id in given else payloads.initial(element)
            if element["type"] == "file_input" and not isinstance(chosen, dict):
                chosen = {"files": put_in(self.service, view.installation, person, element, chosen or ())}
            entries[action_id] = payloads.input_state(element, chosen)

    def _carry_out(self, installation: Installation, person: User, view: View, answer: Json) -> None:
        views = self.service.views
        match answer.get("response_action"):
            case None:
                views.close(view)
            case "errors":
                known = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
                errors = answer.get("errors") or {}
                if not errors or not all(block in known and text for block, text in errors.items()):
                    raise Refusal("invalid_arguments")
            case "clear":
                views.clear(installation, person.id)
            case "update":
                views.update(view, answer["view"])
            case "push":
                views.push(installation, person.id, answer["view"])
