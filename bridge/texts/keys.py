"""The name of every sentence a user can read; ``en`` and ``zh`` hold the words."""

from enum import StrEnum


class Say(StrEnum):
    """One sentence. The comment behind a name lists the values its words may use."""

    # failures; REFERENCE is put behind each
    REFERENCE = "reference"  # {reference}
    AGENT_FAILED = "agent_failed"
    AGENT_UNAVAILABLE = "agent_unavailable"
    AGENT_SILENT = "agent_silent"
    AGENT_BUSY = "agent_busy"
    AGENT_UNAUTHORIZED = "agent_unauthorized"
    AGENT_NOT_PUBLISHED = "agent_not_published"
    AGENT_UNKNOWN_BOT = "agent_unknown_bot"
    AGENT_QUOTA = "agent_quota"
    AGENT_TOO_LONG = "agent_too_long"
    AGENT_REFUSED = "agent_refused"
    AGENT_MODEL_GONE = "agent_model_gone"
    AGENT_RISK_CONTROL = "agent_risk_control"
    AGENT_NEEDS_ACTION = "agent_needs_action"
    TOOL_OVER = "tool_over"
    CONVERSATION_OCCUPIED = "conversation_occupied"
    RUN_NOT_PUBLISHED = "run_not_published"
    RUN_BAD_PARAMETERS = "run_bad_parameters"
    RUN_FAILED = "run_failed"
    RUN_TOO_LONG = "run_too_long"
    RUN_PAID_PLAN = "run_paid_plan"
    RUN_ASKS = "run_asks"
    RUN_OVER = "run_over"
    EMPTY_ANSWER = "empty_answer"
    STORE_FAILED = "store_failed"
    STORE_FAILED_FOR_NOW = "store_failed_for_now"
    INTERNAL = "internal"
    # around an answer
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    INTERRUPTED_BY_NEXT = "interrupted_by_next"
    NEW_CONVERSATION_FORCED = "new_conversation_forced"
    TOO_LATE = "too_late"
    LATE = "late"
    PLACEHOLDER = "placeholder"
    THINKING = "thinking"
    THOUGHT = "thought"  # {words}
    WAITING = "waiting"  # {position}
    QUEUE_FULL = "queue_full"
    FILES_ALONE = "files_alone"  # {files}
    FILES_LEFT_OUT = "files_left_out"  # {files}
    FILES_LINKED = "files_linked"  # {files}
    RESULT_FILE = "result_file"  # {name} {size}
    MAYBE_DUPLICATE = "maybe_duplicate"
    MENTION_NEEDED = "mention_needed"
    # controls: their labels, and what becomes of a press
    STOP_LABEL = "stop_label"
    RETRY_LABEL = "retry_label"
    STOP_OVER = "stop_over"
    RETRY_TOO_OLD = "retry_too_old"
    RETRY_RUNNING = "retry_running"
    NOT_YOURS = "not_yours"
    REGENERATE_LABEL = "regenerate_label"
    GOOD_LABEL = "good_label"
    BAD_LABEL = "bad_label"
    REGENERATING = "regenerating"
    REGENERATE_GONE_ON = "regenerate_gone_on"
    ANSWER_TOO_OLD = "answer_too_old"
    ASKS = "asks"  # {name} {question}
    ANSWERS = "answers"  # {name} {question}
    ANSWER_LABEL = "answer_label"
    FEEDBACK_SENT = "feedback_sent"
    FEEDBACK_FAILED = "feedback_failed"
    REASON_TITLE = "reason_title"
    REASON_CHOICES = "reason_choices"
    REASON_COMMENT = "reason_comment"
    REASON_INCORRECT = "reason_incorrect"
    REASON_INCOMPLETE = "reason_incomplete"
    REASON_OFF_TOPIC = "reason_off_topic"
    REASON_UNCLEAR = "reason_unclear"
    REASON_HARMFUL = "reason_harmful"
    # tools that the agent wants used at our side
    TOOL_WANTED = "tool_wanted"  # {name}
    TOOLS_FAILED = "tools_failed"  # {names}
    TOOL_STILL_WAITS = "tool_still_waits"
    # why a file was left out; each completes a sentence, in brackets behind the file's name
    FILE_TOO_LARGE = "file_too_large"  # {max}
    FILE_ONE_TOO_MANY = "file_one_too_many"  # {max}
    FILE_KIND = "file_kind"
    FILE_EMPTY = "file_empty"
    FILE_NOT_READ = "file_not_read"
    FILE_TOO_SLOW = "file_too_slow"
    FILE_TYPE_REFUSED = "file_type_refused"
    FILE_REFUSED = "file_refused"
    FILE_NOT_TAKEN = "file_not_taken"
    FILE_TOO_LARGE_HERE = "file_too_large_here"
    FILE_NOT_SHOWN = "file_not_shown"
    # the gate
    NOT_ALLOWED = "not_allowed"
    TOO_FAST = "too_fast"  # {seconds}
    # commands
    HELP = "help"
    NEW_DONE = "new_done"
    NEW_DONE_SINCE = "new_done_since"  # {since}
    NEW_NOTHING = "new_nothing"
    STOP_DONE = "stop_done"
    STOP_NOTHING = "stop_nothing"
    STATUS_IDLE = "status_idle"  # {agent}
    STATUS_RUNNING = "status_running"  # {agent} {running} {waiting}
    STATUS_CONVERSATION = "status_conversation"  # {since}
    # what is written after a workflow's name
    VALUE_NOT_INTEGER = "value_not_integer"  # {name} {value}
    VALUE_NOT_NUMBER = "value_not_number"  # {name} {value}
    VALUE_NOT_BOOLEAN = "value_not_boolean"  # {name} {value}
    VALUE_NOT_CHOICE = "value_not_choice"  # {name} {value} {choices}
    VALUE_NOT_LINK = "value_not_link"  # {name} {value}
    VALUE_NOT_IMAGE = "value_not_image"  # {name} {value}
    VALUE_FILE_TOO_LARGE = "value_file_too_large"  # {name} {value} {max}
    VALUE_FILE_KIND = "value_file_kind"  # {name} {value}
    VALUE_NOT_JSON = "value_not_json"  # {name} {value}
    VALUE_TOO_SMALL = "value_too_small"  # {name} {min} {value}
    VALUE_TOO_LARGE = "value_too_large"  # {name} {max} {value}
    VALUE_TOO_LONG = "value_too_long"  # {name} {max} {length}
    ARGUMENT_UNKNOWN = "argument_unknown"  # {name} {names}
    ARGUMENT_TWICE = "argument_twice"  # {name}
    ARGUMENT_NOWHERE = "argument_nowhere"  # {value} {names}
    ARGUMENT_NONE = "argument_none"  # {value}
    ARGUMENT_UNCLOSED = "argument_unclosed"  # {quote}
    # workflows
    RUN_LIST = "run_list"
    RUN_NONE = "run_none"
    RUN_UNKNOWN = "run_unknown"  # {name} {names}
    RUN_NOT_ALLOWED = "run_not_allowed"  # {name}
    RUN_PRIVATE = "run_private"  # {name}
    RUN_USAGE = "run_usage"  # {usage}
    VALUES_MISSING = "values_missing"  # {names}
    RUN_NODE = "run_node"  # {node}
    RUN_BACKGROUND = "run_background"  # {name}
    RUN_EMPTY = "run_empty"
    RUN_WITHOUT_FILES = "run_without_files"
    RUN_FILES_LACKING = "run_files_lacking"  # {files}
    RUN_STOPPED = "run_stopped"
    RUN_MAYBE = "run_maybe"
    RUN_MAYBE_SYNC = "run_maybe_sync"
    RUN_ANSWER_MAYBE = "run_answer_maybe"
    RUN_NEEDS_MORE = "run_needs_more"
    RUN_ASKS_YOU = "run_asks_you"  # {name}
    RUN_ASKS_FORM = "run_asks_form"  # {name}
    RUN_ASKS_BELOW = "run_asks_below"  # {name}
    RUN_ASKS_FORM_BELOW = "run_asks_form_below"  # {name}
    RUN_ANSWERED = "run_answered"
    RUN_NOT_YOURS = "run_not_yours"  # {name}
    RUN_STILL_WAITS = "run_still_waits"
    RUN_STARTED = "run_started"  # {who} {name}
    RUN_UNSEEN = "run_unseen"
    RUN_GOES_PRIVATE = "run_goes_private"
    RUN_NO_PRIVATE = "run_no_private"
    # forms
    FORM_TITLE = "form_title"
    FORM_WORKFLOW = "form_workflow"
    FORM_SUBJECT = "form_subject"
    FORM_MESSAGE = "form_message"
    FORM_ANSWER = "form_answer"
    FORM_MISSING = "form_missing"
    FORM_RUN = "form_run"
    FORM_NEXT = "form_next"
    FORM_CANCEL = "form_cancel"
    FORM_SEND = "form_send"
    FORM_YES = "form_yes"
    FORM_NO = "form_no"
    FORM_CORRECT = "form_correct"
    FORM_MORE = "form_more"
    FORM_LACKS = "form_lacks"  # {names}
    FORM_MORE_POSSIBLE = "form_more_possible"  # {names}
    FORM_WHOLE = "form_whole"
    FORM_TAKEN = "form_taken"
    FORM_FORGOTTEN = "form_forgotten"
    # what commands are for
    ABOUT_COZE = "about_coze"
    ABOUT_NEW = "about_new"
    ABOUT_STOP = "about_stop"
    ABOUT_STATUS = "about_status"
    ABOUT_HELP = "about_help"
    ABOUT_ARGUMENTS = "about_arguments"
    ABOUT_FILE = "about_file"
    # what commands are called in menus
    MENU_RUN = "menu_run"
    NAME_NEW = "name_new"
    NAME_STOP = "name_stop"
    NAME_STATUS = "name_status"
    NAME_HELP = "name_help"
    NAME_RUN = "name_run"
    NAME_WORKFLOW = "name_workflow"
    NAME_ARGUMENTS = "name_arguments"
    NAME_FILE = "name_file"
