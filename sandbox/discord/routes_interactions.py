"""Answers to interactions: the callback within three seconds, then ``@original`` and follow-ups (reference 6.3)."""

from sandbox.discord.components import numbered
from sandbox.discord.composing import SETTABLE_ON_EDIT, apply_form, compose
from sandbox.discord.errors import FormErrors, refusal
from sandbox.discord.forms import FLAGS_ON_CREATE, MessageForm, check_not_empty, read_form
from sandbox.discord.mentions import USERS_ONLY
from sandbox.discord.modals import check_modal
from sandbox.discord.model import Json, Message, MessageFlag, MessageKind
from sandbox.discord.options import check_choices
from sandbox.discord.service import Call, Reply
from sandbox.discord.tickets import MAX_USER_INSTALL_FOLLOWUPS, Interaction, InteractionKind, ResponseKind

ORIGINAL = "@original"
FLAGS_ON_RESPONSE = FLAGS_ON_CREATE | MessageFlag.EPHEMERAL
_MESSAGES = {ResponseKind.MESSAGE, ResponseKind.DEFERRED_MESSAGE}
_UPDATES = {ResponseKind.DEFERRED_UPDATE, ResponseKind.UPDATE}


def callback(call: Call) -> Reply:
    """``POST /interactions/{interaction}/{token}/callback``: the one first answer."""
    interaction = call.service.interactions.get(call.params["interaction"])
    if interaction is None or interaction.token != call.params["token"] or interaction.failed:
        raise refusal(10062)
    if interaction.response is not None:
        raise refusal(40060)
    response = _response_kind(call, interaction)
    message = _carry_out(call, interaction, response)
    interaction.answer(response)
    if call.query.get("with_response", "").lower() not in ("1", "true"):
        return Reply()
    return Reply(_callback_object(call, interaction, message))


def _response_kind(call: Call, interaction: Interaction) -> ResponseKind:
    allowed = {
        InteractionKind.COMMAND: {*_MESSAGES, ResponseKind.MODAL},
        InteractionKind.COMPONENT: {*_MESSAGES, *_UPDATES, ResponseKind.MODAL},
        InteractionKind.AUTOCOMPLETE: {ResponseKind.CHOICES},
        InteractionKind.MODAL: _MESSAGES | (_UPDATES if interaction.source_message_id else set()),
    }[interaction.kind]
    wanted = call.fields.get("type")
    if wanted not in {int(kind) for kind in allowed}:
        errors = FormErrors()
        errors.wrong_choice("type", tuple(sorted(int(kind) for kind in allowed)))
        errors.raise_if_any()
    return ResponseKind(int(str(wanted)))


def _carry_out(call: Call, interaction: Interaction, response: ResponseKind) -> Message | None:
    data = call.fields.get("data")
    fields: Json = data if isinstance(data, dict) else {}
    match response:
        case ResponseKind.MESSAGE:
            return _respond(call, interaction, fields)
        case ResponseKind.DEFERRED_MESSAGE:
            flags = int(fields.get("flags") or 0) & MessageFlag.EPHEMERAL | MessageFlag.LOADING
            message = _new(call, interaction, flags=flags)
            interaction.original_id = message.id
            call.service.stage.post(message, USERS_ONLY)
            return message
        case ResponseKind.DEFERRED_UPDATE:
            interaction.original_id = interaction.source_message_id
        case ResponseKind.UPDATE:
            return _update_source(call, interaction, fields)
        case ResponseKind.CHOICES:
            interaction.choices = _choices(interaction, fields)
        case ResponseKind.MODAL:
            errors = FormErrors()
            check_modal(fields, errors)
            errors.raise_if_any()
            numbered(fields["components"])
            interaction.modal = fields
    return None


def _respond(call: Call, interaction: Interaction, fields: Json) -> Message:
    form = read_form(
        fields,
        call.files,
        call.service.switches,
        default=USERS_ONLY,
        flags_allowed=FLAGS_ON_RESPONSE,
        webhook=True,
    )
    check_not_empty(form, call.service.switches)
    message = _new(call, interaction, form=form)
    interaction.original_id = message.id
    call.service.stage.post(message, form.allowed)
    return message


def _new(
    call: Call, interaction: Interaction, *, form: MessageForm | None = None, flags: int = 0, followup: bool = False
) -> Message:
    """Make a message that belongs to an interaction, not yet posted."""
    service = call.service
    command = interaction.kind is InteractionKind.COMMAND and not followup
    message = compose(
        service,
        form or MessageForm(),
        interaction.channel_id,
        flags=flags,
        kind=MessageKind.CHAT_INPUT_COMMAND if command else MessageKind.DEFAULT,
        webhook_id=service.world.application.id,
        interaction_id=interaction.id,
        interaction_metadata=_metadata(call, interaction),
    )
    if message.has(MessageFlag.EPHEMERAL):
        message.ephemeral_for = interaction.user_id
    if not followup:
        interaction.ephemeral = message.has(MessageFlag.EPHEMERAL)
    return message


def _metadata(call: Call, interaction: Interaction) -> Json:
    user = call.service.wire.user(call.world.users[interaction.user_id])
    owner = {"0": interaction.guild_id or "0"} if not interaction.user_install_only else {"1": interaction.user_id}
    metadata: Json = {"id": interaction.id, "type": int(interaction.kind), "user": user}
    return metadata | {"authorizing_integration_owners": owner, "name": interaction.name}


def _update_source(call: Call, interaction: Interaction, fields: Json) -> Message:
    message = call.world.message(interaction.channel_id, interaction.source_message_id or "")
    if message is None:
        raise refusal(10008)
    interaction.original_id = message.id
    _edit(call, message, fields)
    return message


def _choices(interaction: Interaction, fields: Json) -> list[Json]:
    choices = fields.get("choices")
    errors = FormErrors()
    if not isinstance(choices, list):
        errors.required("data.choices")
        choices = []
    check_choices(choices, interaction.completes, errors, "data.choices")
    errors.raise_if_any()
    return choices


def _callback_object(call: Call, interaction: Interaction, message: Message | None) -> Json:
    response = interaction.response
    assert response is not None
    own: Json = {"id": interaction.id, "type": int(interaction.kind)}
    if interaction.original_id is not None:
        own["response_message_id"] = interaction.original_id
        own["response_message_loading"] = response is ResponseKind.DEFERRED_MESSAGE
        own["response_message_ephemeral"] = interaction.ephemeral
    resource: Json = {"type": int(response)}
    deferred = response is ResponseKind.DEFERRED_MESSAGE and not call.service.switches.deferred_message_in_callback
    if message is not None and not deferred:
        resource["message"] = call.service.wire.message(message)
    return {"interaction": own, "resource": resource}


def _by_token(call: Call) -> Interaction:
    """Return the interaction of a webhook path.

    Raises:
        ApiError: 10015: unknown, or not answered yet; 50027: its fifteen minutes are over.
    """
    interaction = call.service.interactions.by_token(call.params["token"])
    if interaction is None or call.params["app"] != call.world.application.id or interaction.response is None:
        raise refusal(10015)
    if call.service.interactions.expired(interaction):
        status = call.service.switches.expired_token_status
        raise refusal(50027 if status == 401 else 10015, status=status)
    return interaction


def _of(call: Call, interaction: Interaction) -> Message:
    wanted = call.params["message"]
    message_id = interaction.original_id if wanted == ORIGINAL else wanted
    message = call.world.message(interaction.channel_id, message_id or "")
    if message is None or (wanted != ORIGINAL and message.interaction_id != interaction.id):
        raise refusal(10008)
    return message


def read(call: Call) -> Reply:
    """``GET /webhooks/{app}/{token}/messages/{message}``."""
    return Reply(call.service.wire.message(_of(call, _by_token(call))))


def edit(call: Call) -> Reply:
    """``PATCH /webhooks/{app}/{token}/messages/{message}``."""
    message = _of(call, _by_token(call))
    _edit(call, message, call.fields)
    return Reply(call.service.wire.message(message))


def _edit(call: Call, message: Message, fields: Json) -> None:
    form = read_form(
        fields,
        call.files,
        call.service.switches,
        default=USERS_ONLY,
        flags_allowed=SETTABLE_ON_EDIT,
        v2_already=message.has(MessageFlag.COMPONENTS_V2),
        webhook=True,
    )
    loading = message.has(MessageFlag.LOADING)
    apply_form(call.service, message, form)
    if loading:
        call.service.stage.fill(message, form.allowed)
    else:
        call.service.stage.change(message, form.allowed)


def delete(call: Call) -> Reply:
    """``DELETE /webhooks/{app}/{token}/messages/{message}``."""
    call.service.stage.remove(_of(call, _by_token(call)))
    return Reply()


def followup(call: Call) -> Reply:
    """``POST /webhooks/{app}/{token}``: the first one after a deferral fills the loading message."""
    interaction = _by_token(call)
    switches = call.service.switches
    loading = call.world.message(interaction.channel_id, interaction.original_id or "")
    if loading is not None and loading.has(MessageFlag.LOADING) and switches.first_followup_edits_loading:
        _edit(call, loading, call.fields)
        return Reply(call.service.wire.message(loading))
    if interaction.user_install_only and interaction.followups >= MAX_USER_INSTALL_FOLLOWUPS:
        raise refusal(40094)
    form = read_form(
        call.fields, call.files, switches, default=USERS_ONLY, flags_allowed=FLAGS_ON_RESPONSE, webhook=True
    )
    check_not_empty(form, switches)
    interaction.followups += 1
    message = _new(call, interaction, form=form, followup=True)
    call.service.stage.post(message, form.allowed)
    return Reply(call.service.wire.message(message))


HANDLERS = {
    "POST /interactions/{interaction}/{token}/callback": callback,
    "POST /webhooks/{app}/{token}": followup,
    "GET /webhooks/{app}/{token}/messages/{message}": read,
    "PATCH /webhooks/{app}/{token}/messages/{message}": edit,
    "DELETE /webhooks/{app}/{token}/messages/{message}": delete,
}
