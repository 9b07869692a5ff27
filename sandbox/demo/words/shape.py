"""Every sentence of the demo; what each says stands in ``english`` and ``chinese``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flow:
    """What people read of one workflow: what it does, and what each of its parameters is."""

    about: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """One language. Places in braces are filled by whoever speaks the sentence."""

    language: str
    locale: str
    # options
    about: str
    about_script: str
    about_language: str
    about_keep: str
    # on the way up and down
    emulators_run: str  # {coze} {slack} {discord}
    starting_bridge: str
    bridge_ready: str  # {seconds}
    bridge_died: str  # {code}
    bridge_died_later: str  # {code}
    not_connected: str  # {seconds}
    log_follows: str
    kept: str  # {folder}
    # the timeline
    direct: str
    chat_created: str  # {chat} {conversation}
    first_words: str
    answer_complete: str  # {chars}
    chars: str  # {count}
    thinking: str  # {status}
    types: str
    socket_open: str
    socket_closed: str
    process_started: str  # {process}
    process_stopped: str  # {code}
    delivered_again: str  # {name}
    reacted: str  # {name}
    form_opens: str  # {fields}
    form_sent: str  # {name} {values}
    pressed: str  # {name} {label}
    run_begins: str  # {name}
    run_asks: str
    run_ends: str
    run_cancelled: str
    message_deleted: str
    feedback_came: str  # {kind}
    refused: str  # {method} {error}
    # scenes
    mention_title: str
    mention_question: str
    follow_up_title: str
    follow_up_question: str
    post_title: str
    post_question: str
    restart_title: str
    after_restart_question: str
    direct_title: str
    direct_question: str
    discord_mention_title: str
    discord_mention_question: str
    discord_follow_up_question: str
    discord_after_restart_question: str
    discord_direct_question: str
    image_title: str
    image_question: str
    discord_image_question: str
    clock_note: str
    weather_title: str
    form_title: str
    trip_title: str
    report_title: str
    stop_title: str
    stop_questions: tuple[str, str]
    regenerate_title: str
    suggestion_title: str
    suggestion: str
    feedback_title: str
    # the workflows
    weather: Flow
    weather_node: str
    weather_saying: str  # {{city}} {{days}}
    weather_result: str  # {{city}} {{days}}
    invitation: Flow
    invitation_tones: tuple[str, str, str]
    invitation_node: str
    invitation_saying: str  # {{tone}}
    invitation_result: str  # {{occasion}}
    occasions: tuple[str, str]
    trip: Flow
    trip_node: str
    trip_saying: str  # {{city}}
    trip_question: str
    trip_days: tuple[str, str]
    trip_result: str  # {{city}} {{answer}}
    report: Flow
    report_verdict: str
    topics: tuple[str, str]
    cities: tuple[str, str]
    # what the bridge itself says and writes on its buttons
    runs: str  # {who} {name} {values}
    asks: str  # {name} {question}
    in_background: str  # {name}
    stop: str
    stopped: str
    regenerate: str
    good: str
    thanks: str
    # the verdict
    scene: str
    platform: str
    steps: str
    first_after: str
    final_after: str
    exact: str
    conversation: str
    remembers: str
    same: str  # {id}
    fresh: str  # {id}
    yes: str
    no: str
    acts: str
    done: str
    ended: str
    as_wanted: str
    all_well: str  # {seconds}
    # what can fail
    not_answered: str  # {scene} {seconds}
    died_in_scene: str  # {scene} {code}
    restart_failed: str  # {code}
    too_few_steps: str  # {scene} {steps} {wanted}
    not_exact: str  # {scene}
    wrong_conversation: str  # {scene}
    forgot: str  # {scene}
    image_lost: str  # {scene}
    asked_often: str  # {scene} {times}
    not_seen: str  # {scene} {seconds} {what}
    shown_instead: str  # {scene} {wanted} {shown}
    not_in_place: str  # {scene}
    too_early: str  # {scene}
    not_once: str  # {scene} {what} {times}
    violation: str  # {service} {name} {detail}
    # live
    welcome: str
    hints: str
    help: str
    you_are: str  # {name} {service} {place}
    in_channel: str
    in_thread: str  # {number}
    in_post: str
    nobody: str  # {name} {people}
    no_thread: str  # {service} {number}
    no_command: str  # {command}
    nothing_to_send: str
    no_forum: str
    answer_in: str  # {service} {place} {number}
    slow_on: str
    slow_off: str
    goodbye: str
    only_you: str  # {name}
    form_here: str  # {title} {fields}
    no_form: str
    no_button: str  # {label} {labels}
    not_typed: str  # {reason}
