"""The figures as rows of JSON and as tables, and what the bridge holds itself to (pure)."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.lag.bound import Bucket, Limit, Ways, Window, bound, calls_of, courses_of
from benchmarks.lag.fixed import FIXED, RETRIES
from benchmarks.lag.loads import ANSWER_S, CHARS_PER_S, DELTA_WORDS, LENGTH_SPREAD, SLACK_CHANNELS, START_SPREAD_S, Load
from benchmarks.lag.reading import figures_of
from benchmarks.lag.sites import LATENCY_S, POSTING_BURST
from benchmarks.lag.station import BRIDGE, WATCH_S, Case, Measured, Outcome

Row = dict[str, Any]

BOUND = "bound"
UPDATES, APPENDS, STREAMS = 50, 100, 20
"""Slack: ``chat.update``, ``chat.appendStream``, ``chat.startStream`` and ``stopStream`` a minute and workspace."""
CHANNEL_CALLS, CHANNEL_S = 5, 5.0
"""Discord: messages and, apart from them, edits per channel."""

FINAL_MAX_S = 0.5
FIRST_WORDS_MAX_S = 0.8
TIMES_BOUND_MAX = 2.0
TIMES_FIXED_MAX = 0.8
DIRECT_LAG_MAX_S = {"dm1": 0.5, "dm10": 1.3}
SAME_SHARE = 0.02
"""Two runs of the same differ by so much."""
CROWDED_TIMES_BOUND_MAX = 1.2
PROMISED = {"slack": ("n1", "n10", "every4", "twice10", "dm1", "dm10", "dm30"), "discord": ("n1", "n4", "n10x10")}


def rows_of(case: Case, outcome: Outcome, best: Row) -> list[Row]:
    """Return the rows of one case, the bound's last."""
    head = {"platform": case.platform, "load": case.load, "limiter": case.limiter}
    return [head | row for row in (*(_row(measured, outcome) for measured in outcome.measured), best)]


def _row(measured: Measured, outcome: Outcome) -> Row:
    calls, refused = measured.calls, measured.refused
    counts = {"calls": sum(calls.values()), "refusals": sum(refused.values())}
    detail = {"calls_by_name": calls, "refusals_by_name": refused, "void": outcome.void}
    return {"policy": measured.policy} | _rounded(measured.figures) | counts | detail


def bound_row(case: Case, load: Load) -> Row:
    """Return what the best schedule would have measured."""
    plans = bound(load, *ways_of(load, case))
    figures = _rounded(asdict(figures_of(courses_of(plans), load.ends_s + WATCH_S)))
    return {"policy": BOUND} | figures | {"calls": calls_of(plans), "refusals": 0, "void": []}


def ways_of(load: Load, case: Case) -> tuple[Ways, Ways | None, int]:
    """Return the limits of a case: by post and edit, by native stream, and how many answers may go that way."""
    if load.platform == "discord":
        channel = Window(CHANNEL_CALLS, CHANNEL_S)
        return Ways(channel, channel, rest_is_by_place=True), None, 0

    def a_minute(calls: int) -> Limit:
        if case.limiter == "window":
            return Window(calls, 60.0)
        return Bucket(max(1.0, calls * case.burst_share), calls / 60.0)

    edits = Ways(Bucket(POSTING_BURST, 1.0), a_minute(UPDATES))
    if not load.direct:
        return edits, None, 0
    streams = Ways(a_minute(STREAMS), a_minute(APPENDS), ends=a_minute(STREAMS), first_is_by_place=False)
    return edits, streams, STREAMS


def _rounded(figures: Mapping[str, Any]) -> Row:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}


# --- what we hold ourselves to ---


def missed(rows: Iterable[Row]) -> list[str]:
    """Return what the bridge should have done and did not, a sentence each; void rows are not judged."""
    cases: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in rows:
        cases.setdefault((row["platform"], row["load"], row["limiter"]), {})[row["policy"]] = row
    found = []
    for (platform, load, limiter), by_policy in cases.items():
        bridge = by_policy.get(BRIDGE)
        if bridge is not None and not bridge["void"]:
            found += [f"{platform} {load} {limiter}: {what}" for what in _missed(load, limiter, bridge, by_policy)]
    return found


def _missed(load: str, limiter: str, bridge: Row, by_policy: Mapping[str, Row]) -> Iterable[str]:
    if bridge["incomplete"]:
        yield f"{bridge['incomplete']} answers never became whole"
    if limiter == "shared":
        return  # nobody knows whether Discord counts like this; nothing may be lost, that is all
    if (bridge["platform"], load) == ("discord", "n10"):
        yield from _missed_in_a_crowd(bridge, by_policy.get(BOUND))
        return
    if load not in PROMISED[bridge["platform"]]:
        return
    if bridge["refusals"]:
        yield f"{bridge['refusals']} calls were refused"
    if (bridge["final_s_max"] or 0.0) > FINAL_MAX_S:
        yield f"a final text came {bridge['final_s_max']:.2f} s after the end (at most {FINAL_MAX_S:g})"
    if (bridge["first_words_s_max"] or 0.0) > FIRST_WORDS_MAX_S:
        yield f"first words came after {bridge['first_words_s_max']:.2f} s (at most {FIRST_WORDS_MAX_S:g})"
    lag, most = bridge["mean_lag_s"], _most_lag(load, limiter, by_policy)
    if lag > most:
        yield f"mean lag {lag:.2f} s (at most {most:.2f})"


def _most_lag(load: str, limiter: str, by_policy: Mapping[str, Row]) -> float:
    """Return how much mean lag there may be; the limits on it hold for the sliding window."""
    if limiter != "window":
        return float("inf")
    if load in DIRECT_LAG_MAX_S:
        return DIRECT_LAG_MAX_S[load]
    fixed = [row["mean_lag_s"] for policy, row in by_policy.items() if policy in FIXED]
    best: float = min(fixed, default=float("inf"))
    if load == "n1":
        return best * (1 + SAME_SHARE)
    if load in ("n10", "n4", "n10x10"):
        floor: float = by_policy[BOUND]["mean_lag_s"]
        return min(TIMES_BOUND_MAX * floor, TIMES_FIXED_MAX * best if load == "n10" else float("inf"))
    return float("inf")


def _missed_in_a_crowd(bridge: Row, floor: Row | None) -> Iterable[str]:
    """More answers than a channel's limits allow to begin or to end at once: as good as can be, nearly."""
    wanted = (("final_s_max", "a final text", FINAL_MAX_S), ("first_words_s_max", "first words", FIRST_WORDS_MAX_S))
    for name, what, usual_s in wanted:
        most = max(usual_s, CROWDED_TIMES_BOUND_MAX * floor[name]) if floor else usual_s
        if (bridge[name] or 0.0) > most:
            yield f"{what} after {bridge[name]:.2f} s (at most {most:.2f})"


# --- for people ---


def assumptions(burst_share: float) -> str:
    """Return what was compared and under which assumptions."""
    what = (
        "the whole bridge, SDKs included, as it is shipped; a fixed edit interval per answer with the SDK's own care "
        f"for limits (Slack: {RETRIES} retries); the best schedule that knows all ends beforehand.",
        f"{ANSWER_S:g} s +-{LENGTH_SPREAD:.0%} at {CHARS_PER_S:g} characters a second, {DELTA_WORDS} words a delta, "
        f"starts spread over {START_SPREAD_S:g} s, {LATENCY_S:g} s a call.",
        f"{UPDATES} chat.update, {APPENDS} chat.appendStream, {STREAMS} startStream and {STREAMS} stopStream a minute "
        f"and workspace, as a sliding window, or as a token bucket of the same rate that holds {burst_share:.0%} of a "
        f"minute; posts one a second per channel, {POSTING_BURST} at once; questions go round {SLACK_CHANNELS} "
        "channels, each in a thread of its own.",
        f"{CHANNEL_CALLS} posts and {CHANNEL_CALLS} edits in {CHANNEL_S:g} s a channel, or as many of both "
        "together (shared); answers in the channel itself.",
        "from a character's departure from Coze until a request that shows it was applied, by the emulators' journals; "
        f"what has not arrived {WATCH_S:g} s after the last end never does, and its lag counts up to there.",
    )
    titles = ("Compared", "Answers", "Slack", "Discord", "Lag")
    return "\n".join(
        textwrap.fill(f"{title}: {text}", 118, subsequent_indent="  ") for title, text in zip(titles, what, strict=True)
    )


COLUMNS = (
    ("mean_lag_s", "mean lag"),
    ("worst_lag_s", "worst lag"),
    ("first_words_s_max", "first words"),
    ("final_s_max", "final text"),
    ("calls", "calls"),
    ("refusals", "refused"),
)
POLICY_WIDTH, COLUMN_WIDTH = 12, 12


def in_words(rows: Sequence[Row], words_by_case: Mapping[tuple[str, str], str]) -> str:
    """Return the tables."""
    lines: list[str] = []
    before: tuple[str, str, str] | None = None
    for row in rows:
        case = (row["platform"], row["load"], row["limiter"])
        if case != before:
            words = words_by_case[row["platform"], row["load"]]
            lines += ["", f"{row['platform']} {row['load']} ({words}), {row['limiter']}"]
            lines += [f"  VOID: {reason}" for reason in row["void"]]
            lines.append(" " * POLICY_WIDTH + "".join(f"{title:>{COLUMN_WIDTH}}" for _, title in COLUMNS))
        before = case
        lines.append(f"  {row['policy']:<{POLICY_WIDTH - 2}}" + "".join(_cell(row, name) for name, _ in COLUMNS))
    return "\n".join(lines)


def _cell(row: Row, name: str) -> str:
    text = _shown(row, name)
    unit = " s" if isinstance(row[name], float) else ""
    return f"{text + unit:>{COLUMN_WIDTH}}"


def _shown(row: Row, name: str) -> str:
    value = row[name]
    if value is None:
        return f"never ({row['incomplete']})" if name == "final_s_max" else "never"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def markdown(rows: Sequence[Row], words_by_case: Mapping[tuple[str, str], str]) -> str:
    """Return two tables, a line for each case, a column for each policy: mean lag, and the whole text after the end."""
    policies = sorted({row["policy"] for row in rows}, key=lambda policy: (policy != BRIDGE, policy == BOUND, policy))
    cases: dict[str, dict[str, Row]] = {}
    for row in rows:
        counted = "" if row["limiter"] == "window" else f", {row['limiter']}"
        name = f"{row['platform'].title()} `{row['load']}`: {words_by_case[row['platform'], row['load']]}{counted}"
        cases.setdefault(name, {})[row["policy"]] = row
    return "\n\n".join(
        "\n".join(
            [
                f"| {title} | {' | '.join(policies)} |",
                "|---" * (len(policies) + 1) + "|",
                *(
                    f"| {name} | {' | '.join(_summary(row.get(p), key) for p in policies)} |"
                    for name, row in cases.items()
                ),
            ]
        )
        for title, key in (("mean lag, s", "mean_lag_s"), ("whole text after the end, worst, s", "final_s_max"))
    )


def _summary(row: Row | None, name: str) -> str:
    if row is None:
        return ""
    if row["void"]:
        return "void"
    refused = f" ({row['refusals']} refused)" if row["refusals"] and name == "final_s_max" else ""
    return _shown(row, name) + refused
