"""Modals and home tabs: complete view objects, their stacks, and what is wrong with a view."""

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack import limits
from sandbox.slack.blocks import Surface, block_errors
from sandbox.slack.elements import ElementChecks
from sandbox.slack.model import Installation, Json
from sandbox.slack.refusals import Refusal
from sandbox.slack.workspace import Mint


@dataclass(slots=True, eq=False)
class View:
    """One open view of one user."""

    installation: Installation
    user: str
    body: Json

    @property
    def id(self) -> str:
        """Its ``V…`` id."""
        return str(self.body["id"])


@dataclass(slots=True)
class ViewBook:
    """All open views: one stack of modals and one home tab per user and app."""

    mint: Mint
    _by_id: dict[str, View] = field(default_factory=dict)
    _stacks: dict[tuple[str, str], list[View]] = field(default_factory=dict)
    _homes: dict[tuple[str, str], View] = field(default_factory=dict)

    def get(self, view_id: str) -> View | None:
        """Find a view by id."""
        return self._by_id.get(view_id)

    def by_external_id(self, external_id: str) -> View | None:
        """Find a view by the app's own id for it."""
        return next((v for v in self._by_id.values() if external_id and v.body["external_id"] == external_id), None)

    def stack(self, installation: Installation, user: str) -> list[View]:
        """Return the modals a user has open, the visible one last."""
        return list(self._stacks.get((installation.app.id, user), ()))

    def home(self, installation: Installation, user: str) -> View | None:
        """Return a user's home tab, if the app published one."""
        return self._homes.get((installation.app.id, user))

    def open(self, installation: Installation, user: str, definition: Json) -> View:
        """Open a modal; whatever modals were open go away.

        Raises:
            Refusal: The definition is not a modal Slack would show.
        """
        self._check(definition, "modal")
        self.clear(installation, user)
        return self._put_on_stack(installation, user, definition)

    def push(self, installation: Installation, user: str, definition: Json) -> View:
        """Lay a modal upon the open ones.

        Raises:
            Refusal: ``push_limit_reached``, or the definition is bad.
        """
        self._check(definition, "modal")
        if len(self.stack(installation, user)) >= limits.VIEW_STACK_MAX:
            raise Refusal("push_limit_reached")
        return self._put_on_stack(installation, user, definition)

    def publish(self, installation: Installation, user: str, definition: Json) -> View:
        """Show a home tab."""
        self._check(definition, "home")
        view = self._make(installation, user, definition, previous=None)
        self._homes[installation.app.id, user] = view
        return view

    def update(self, view: View, definition: Json, expected_hash: str | None = None) -> View:
        """Replace a view's content; typed values survive where ids stay the same.

        Raises:
            Refusal: ``hash_conflict``: it changed meanwhile. Or the definition is bad.
        """
        if expected_hash and expected_hash != view.body["hash"]:
            raise Refusal("hash_conflict")
        self._check(definition, str(view.body["type"]), keep_external_of=view)
        kept = {name: view.body[name] for name in ("id", "root_view_id", "previous_view_id")}
        values = view.body["state"]["values"]
        ids = {block.get("block_id") for block in definition["blocks"]}
        view.body = self._complete(view.installation, definition) | kept
        view.body["state"] = {"values": {block_id: v for block_id, v in values.items() if block_id in ids}}
        return view

    def close(self, view: View) -> None:
        """Take one modal away."""
        stack = self._stacks.get((view.installation.app.id, view.user), [])
        if view in stack:
            stack.remove(view)
        self._by_id.pop(view.id, None)

    def clear(self, installation: Installation, user: str) -> None:
        """Close all modals of a user."""
        for view in self._stacks.pop((installation.app.id, user), []):
            self._by_id.pop(view.id, None)

    def _put_on_stack(self, installation: Installation, user: str, definition: Json) -> View:
        stack = self._stacks.setdefault((installation.app.id, user), [])
        view = self._make(installation, user, definition, previous=stack[-1] if stack else None)
        stack.append(view)
        return view

    def _make(self, installation: Installation, user: str, definition: Json, *, previous: View | None) -> View:
        body = self._complete(installation, definition)
        body["id"] = self.mint.id("V")
        body["previous_view_id"] = previous.id if previous else None
        body["root_view_id"] = previous.body["root_view_id"] if previous else body["id"]
        view = View(installation, user, body)
        self._by_id[view.id] = view
        return view

    def _complete(self, installation: Installation, definition: Json) -> Json:
        """Fill a definition up to the object that payloads carry."""
        blocks = [{"block_id": self.mint.id("", 5)} | block for block in definition["blocks"]]
        return {
            "team_id": installation.team_id,
            "type": definition["type"],
            "blocks": blocks,
            "private_metadata": definition.get("private_metadata") or "",
            "callback_id": definition.get("callback_id") or "",
            "state": {"values": {}},
            "hash": f"{self.mint.number()}.{self.mint.hex(8)}",
            "title": definition.get("title"),
            "close": definition.get("close"),
            "submit": definition.get("submit"),
            "clear_on_close": bool(definition.get("clear_on_close")),
            "notify_on_close": bool(definition.get("notify_on_close")),
            "external_id": definition.get("external_id") or "",
            "app_id": installation.app.id,
            "app_installed_team_id": installation.team_id,
            "bot_id": installation.bot_id,
        }

    def _check(self, definition: Json, kind: str, *, keep_external_of: View | None = None) -> None:
        errors = view_errors(definition, kind)
        if errors:
            raise Refusal("invalid_arguments", messages=errors)
        if len(json.dumps(definition)) > limits.VIEW_MAX_BYTES:
            raise Refusal("view_too_large")
        owner = self.by_external_id(str(definition.get("external_id") or ""))
        if owner is not None and owner is not keep_external_of:
            raise Refusal("duplicate_external_id")


def view_errors(definition: Any, kind: str) -> list[str]:
    """Return what is wrong with a view, with JSON pointers."""
    checks = ElementChecks()
    if not isinstance(definition, dict) or definition.get("type") != kind:
        checks.error(f"must be a view of type {kind}", "/view/type")
        return checks.errors
    if not isinstance(definition.get("blocks"), list):
        checks.error("missing required field: blocks", "/view")
        return checks.errors
    if kind == "modal":
        _check_modal(definition, checks)
    checks.string(definition, "callback_id", limits.ID_MAX_CHARS, "/view")
    checks.string(definition, "private_metadata", limits.PRIVATE_METADATA_MAX_CHARS, "/view")
    checks.string(definition, "external_id", limits.ID_MAX_CHARS, "/view")
    surface: Surface = "modal" if kind == "modal" else "home"
    return checks.errors + block_errors(definition["blocks"], surface, "/view/blocks")


def _check_modal(definition: Json, checks: ElementChecks) -> None:
    checks.text_object(definition.get("title"), limits.VIEW_TITLE_MAX_CHARS, "/view/title", plain=True)
    for name in ("submit", "close"):
        if definition.get(name) is not None:
            checks.text_object(definition[name], limits.VIEW_TITLE_MAX_CHARS, f"/view/{name}", plain=True)
    has_input = any(isinstance(block, dict) and block.get("type") == "input" for block in definition["blocks"])
    if has_input and definition.get("submit") is None:
        checks.error("missing required field: submit", "/view")
