"""The routes about bots, workspaces and the account (reference, section 8)."""

from sandbox.coze.calls import Call, Handlers, Reply
from sandbox.coze.chat import find_bot, not_published
from sandbox.coze.jsons import Json
from sandbox.coze.services import Services
from sandbox.coze.state import Bot, Identity

_ICON = "https://example.invalid/icon.png"
_MAX_PAGE_SIZE = 100


class BotRoutes:
    """What can be read about agents and their surroundings."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def handlers(self) -> Handlers:
        """Return the routes by name."""
        return {
            "GET /v1/bot/get_online_info": self._online_info,
            "GET /v1/bots/{bot_id}": self._bot,
            "GET /v1/bots": self._bots,
            "GET /v1/space/published_bots_list": self._published_bots,
            "GET /v1/workspaces": self._workspaces,
            "GET /v1/users/me": self._me,
        }

    async def _online_info(self, call: Call) -> Reply:
        return self._show(call, call.needed("bot_id"), published=True)

    async def _bot(self, call: Call) -> Reply:
        published = call.request.query.get("is_published", "true").lower() != "false"
        return self._show(call, call.segment("bot_id"), published=published)

    def _show(self, call: Call, bot_id: str, *, published: bool) -> Reply:
        bot = find_bot(self._services, bot_id, call.owner)
        if published and not bot.published:
            raise not_published(bot)
        return Reply(self._services.dialect.bot(bot, endpoint=call.endpoint))

    def _visible(self, owner: Identity, workspace_id: str) -> list[Bot]:
        return [
            bot
            for bot in self._services.world.bots.values()
            if bot.workspace_id == workspace_id and bot.account_id in {None, owner.account_id}
        ]

    def _window(self, call: Call, page_name: str) -> slice:
        size = self._services.page_size(call.number("page_size", 20), _MAX_PAGE_SIZE)
        start = (call.number(page_name, 1) - 1) * size
        return slice(start, start + size)

    async def _bots(self, call: Call) -> Reply:
        status = call.request.query.get("publish_status") or "published_online"
        bots = [
            bot
            for bot in self._visible(call.owner, call.needed("workspace_id"))
            if status == "all" or bot.published == (status == "published_online")
        ]
        # The reference says page_num; the official client sends page_index.
        page_name = "page_num" if "page_num" in call.request.query else "page_index"
        return Reply({"items": [_entry(bot) for bot in bots[self._window(call, page_name)]], "total": len(bots)})

    async def _published_bots(self, call: Call) -> Reply:
        bots = [bot for bot in self._visible(call.owner, call.needed("space_id")) if bot.published]
        return Reply(
            {"space_bots": [_old_entry(bot) for bot in bots[self._window(call, "page_index")]], "total": len(bots)}
        )

    async def _workspaces(self, call: Call) -> Reply:
        ids = sorted({bot.workspace_id for bot in self._services.world.bots.values()})
        shown = [
            {
                "id": workspace_id,
                "name": f"Workspace {workspace_id}",
                "icon_url": _ICON,
                "role_type": "owner",
                "workspace_type": "team",
                "enterprise_id": "",
            }
            for workspace_id in ids
        ]
        return Reply({"total_count": len(shown), "workspaces": shown[self._window(call, "page_num")]})

    async def _me(self, call: Call) -> Reply:
        account_id = call.owner.account_id
        return Reply(
            {"user_id": account_id, "user_name": f"user{account_id}", "nick_name": "Sandbox", "avatar_url": _ICON}
        )


def _entry(bot: Bot) -> Json:
    return {
        "id": bot.bot_id,
        "name": bot.name,
        "description": bot.description,
        "icon_url": _ICON,
        "is_published": bot.published,
        "published_at": bot.created_at,
        "updated_at": bot.created_at,
        "owner_user_id": bot.account_id or "0",
        "folder_id": "0",
    }


def _old_entry(bot: Bot) -> Json:
    return {
        "bot_id": bot.bot_id,
        "bot_name": bot.name,
        "description": bot.description,
        "icon_url": _ICON,
        "publish_time": str(bot.created_at),
    }
