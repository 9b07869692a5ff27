"""What the reference calls unconfirmed, as switches: tests run both ways."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class CozeSwitches:
    """How the emulator behaves where no primary source says how the service does.

    The defaults are the reference's best reading. Limits are switches too: ``None`` lifts one.

    Attributes:
        done_after_failure: ``done`` follows ``conversation.chat.failed`` and the ``error`` event.
        done_after_requires_action: ``done`` follows ``conversation.chat.requires_action``.
        question_listed_while_running: The conversation's message list shows the question while its chat runs;
            otherwise it appears when the chat has ended.
        question_has_chat_id: The stored question carries the ``chat_id`` of its chat.
        lock_exists: A second chat in a conversation with a running one is refused with 4016.
        lock_for_unsaved: Chats with ``auto_save_history=false`` take and respect that lock.
        lock_in_requires_action: A chat that waits for tool outputs holds the lock.
        occupied_stream_shape: How 4016 arrives on ``stream=true``: as an ``error`` event or as a JSON body.
        occupied_json_shape: How 4016 arrives on ``stream=false``.
        context_isolated_by_user: A chat sees only the turns of its own bot and ``user_id``, besides inserted messages.
        stream_after_cancel: An open stream of a cancelled chat keeps flowing (as documented) or is ended at once.
        unsaved_chat_cancellable: Cancelling a running unsaved chat works, though it cannot be retrieved.
        keep_alive_s: Seconds between SSE comment lines on a stream; ``None`` sends none.
        reasoning_on_completed: ``reasoning_content`` is repeated on ``conversation.message.completed``.
        inserted_additional_messages: Chats list the ids of their stored additional messages.
        first_status_without_stream: The status in the reply to ``POST /v3/chat`` with ``stream=false``.
        empty_list_omits_data: An empty ``/v3/chat/message/list`` has no ``data`` at all.
        oversized_page: ``page_size`` above the maximum is lowered or refused with 4000.
        bot_keys: Spelling of the onboarding keys of ``/v1/bots/{bot_id}``.
        unknown_bot_code: Code for a bot id that does not exist or is not the caller's.
        unknown_bot_code_on_create: The same on ``/v1/conversation/create`` (5000 was reported there).
        invalid_token_code: Code for a missing, wrong, expired or revoked token; ``by_route`` is the one measurement
            there is: 4101 on ``POST /v3/chat``, 700012006 elsewhere.
        auth_error_http_status: HTTP status of the same; ``by_route``: 200 on ``POST /v3/chat``, 401 elsewhere.
        permission_error_http_status: HTTP status of the 4101 for a missing permission.
        oauth_error_http_status: HTTP status of refusals by the OAuth endpoints.
        oversized_body_http_status: HTTP status of the refusal of a body above 15 MB.
        throttle_http_status: HTTP status of a throttled call, 429 or 200.
        throttle_code: Its code: 4009, 4013 or 4020.
        throttle_retry_after_s: Seconds in its ``Retry-After`` header; ``None`` sends no such header.
        done_after_interrupt: ``Done`` follows ``Interrupt`` on a workflow's stream.
        done_after_error: ``Done`` follows ``Error`` there.
        done_has_debug_url: ``Done`` tells the debug page, as it does of late.
        question_in_interrupt_data: The interruption repeats its question; the samples of streams leave it empty.
        chatflow_interruption: How a chatflow's stream ends that asks something: as in the sample, or as in the table.
        async_runs: The plan includes ``is_async``; otherwise it is refused with 6003.
        plain_run_timeout_s: A run that was not streamed is cut off without a reply after so long.
        interruption_lifetime_s: An interruption that is answered later than this is over (4315); undocumented.
        max_output_bytes: Above this a run history trims its outputs.
        run_qps: Calls of the workflow endpoints a second and token.
        chat_qps: Chats a second and token (100: the personal plan).
        upload_qps: Uploads a second and token.
        max_concurrent_chats: Running chats of one account; undocumented, refused like a throttled call.
        max_file_bytes: Size limit of an upload.
        undocumented_file_types: What happens to files that the list of formats does not name, such as ``.txt``.
    """

    done_after_failure: bool = False
    done_after_requires_action: bool = True
    question_listed_while_running: bool = True
    question_has_chat_id: bool = True
    lock_exists: bool = True
    lock_for_unsaved: bool = True
    lock_in_requires_action: bool = True
    occupied_stream_shape: Literal["event", "json"] = "event"
    occupied_json_shape: Literal["event", "json"] = "json"
    context_isolated_by_user: bool = True
    stream_after_cancel: Literal["flows", "ends"] = "flows"
    unsaved_chat_cancellable: bool = True
    keep_alive_s: float | None = None
    reasoning_on_completed: bool = True
    inserted_additional_messages: bool = False
    first_status_without_stream: Literal["created", "in_progress"] = "in_progress"
    empty_list_omits_data: bool = False
    oversized_page: Literal["lowered", "refused"] = "lowered"
    bot_keys: Literal["snake_case", "PascalCase"] = "snake_case"
    unknown_bot_code: int = 4006
    unknown_bot_code_on_create: int = 5000
    invalid_token_code: int | Literal["by_route"] = "by_route"
    auth_error_http_status: int | Literal["by_route"] = "by_route"
    permission_error_http_status: int = 200
    oauth_error_http_status: int = 400
    oversized_body_http_status: int = 413
    throttle_http_status: int = 429
    throttle_code: int = 4009
    throttle_retry_after_s: float | None = None
    done_after_interrupt: bool = False
    done_after_error: bool = False
    done_has_debug_url: bool = True
    question_in_interrupt_data: bool = False
    chatflow_interruption: Literal["answer", "requires_action"] = "answer"
    async_runs: bool = True
    plain_run_timeout_s: float = 90.0
    interruption_lifetime_s: float | None = None
    max_output_bytes: int = 1_000_000
    run_qps: int | None = 100
    chat_qps: int | None = 100
    upload_qps: int | None = 10
    max_concurrent_chats: int | None = None
    max_file_bytes: int = 512 * 1024 * 1024
    undocumented_file_types: Literal["refused", "accepted"] = "refused"
