"""The picture in the README: what has been said and what could be read, second by second, and the lag of every load.

Needs matplotlib (the extra ``plot``), which nothing else here does.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

INK, FAINT, GRID = "#1f2328", "#6e7781", "#e4e7eb"
COLOURS = {
    "bridge": "#0b7a5b",
    "fixed-0.5": "#b3261e",
    "fixed-1.0": "#d9572b",
    "fixed-1.5": "#e58a3c",
    "fixed-3.0": "#e9b44c",
    "chat-stream": "#5b6fb5",
    "bound": "#1f2328",
}
NAMES = {
    "bridge": "coze-bridge",
    "fixed-0.5": "every 0.5 s",
    "fixed-1.0": "every 1 s",
    "fixed-1.5": "every 1.5 s",
    "fixed-3.0": "every 3 s",
    "chat-stream": "chat_stream",
    "bound": "best possible",
}
DRAWN = ("bridge", "fixed-1.0", "fixed-3.0")
"""The policies drawn over time; all stand in the panels beside."""
LOADS = ("n1", "n10", "every4", "twice10", "dm10", "dm30")
LOAD_NAMES = {
    "n1": "1 answer",
    "n10": "10 at once",
    "every4": "1 every 4 s",
    "twice10": "10, then 10 more",
    "dm10": "10 direct messages",
    "dm30": "30 direct messages",
}
SECONDS_SHOWN = 82.0
SIZE_IN, DOTS_PER_IN = (12.0, 5.4), 150
PANELS = ((0.055, 0.4), (0.605, 0.18), (0.805, 0.18))
"""Left edge and width of each, as shares of the picture."""
TICKS_S = (0.1, 1.0, 10.0)
NEVER_S = 130.0
"""Where what never came is drawn."""


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw a result of ``python -m benchmarks.lag`` and write it as PNG."""
    style: Any = {"font.family": "DejaVu Sans", "font.size": 10.5, "axes.edgecolor": GRID, "text.color": INK}
    style |= {"axes.labelcolor": FAINT, "xtick.color": FAINT, "ytick.color": INK, "axes.linewidth": 1.0}
    with pyplot.rc_context(style):
        figure = pyplot.figure(figsize=SIZE_IN, dpi=DOTS_PER_IN)
        course, lag, final = (figure.add_axes((left, 0.115, width, 0.64)) for left, width in PANELS)
        _draw_course(course, result["curves"])
        rows = [row for row in result["results"] if (row["platform"], row["limiter"]) == ("slack", "window")]
        loads = [load for load in LOADS if any(row["load"] == load for row in rows)]
        _draw_dots(lag, rows, loads, "mean_lag_s", "Mean lag of a character", labels=True)
        _draw_dots(final, rows, loads, "final_s_max", "Whole text, after the end", labels=False)
        figure.text(PANELS[0][0], 0.93, "When people can read what the agent has said", fontsize=16, fontweight="bold")
        _legend(figure)
        figure.savefig(path, facecolor="white")
        pyplot.close(figure)


def _draw_course(axes: Axes, curves: Mapping[str, Sequence[tuple[float, int]]]) -> None:
    _title(axes, "Ten answers at once in one Slack workspace")
    whole = max((chars for _, chars in curves.get("said", [(0.0, 1)])), default=1)
    times, shares = _steps(curves.get("said", []), whole)
    axes.fill_between(times, shares, color="#eef1f4", linewidth=0, zorder=1)
    axes.plot(times, shares, color="#aeb6bf", linewidth=1.2, zorder=2)
    for policy in reversed(DRAWN):
        if policy in curves:
            times, shares = _steps(curves[policy], whole)
            width = 2.6 if policy == "bridge" else 2.0
            axes.step(times, shares, where="post", color=COLOURS[policy], linewidth=width, zorder=4)
    axes.set_xlim(0, SECONDS_SHOWN)
    axes.set_ylim(0, 104)
    axes.set_xlabel("seconds")
    axes.set_ylabel("characters, % of all")
    axes.grid(color=GRID, linewidth=0.8, zorder=0)
    axes.text(46, 62, "said by the agent", color=FAINT, fontsize=9.5, va="center", ha="center")
    _bare(axes)


def _steps(curve: Sequence[tuple[float, int]], whole: int) -> tuple[list[float], list[float]]:
    times = [float(at) for at, _ in curve]
    shares = [100.0 * chars / whole for _, chars in curve]
    return [*times, SECONDS_SHOWN], [*shares, shares[-1] if shares else 0.0]


def _draw_dots(
    axes: Axes, rows: Sequence[Mapping[str, Any]], loads: Sequence[str], key: str, title: str, *, labels: bool
) -> None:
    """A line for each load, a dot for each policy, on a logarithmic scale; what never came stands at the right edge."""
    _title(axes, title)
    for place, load in enumerate(reversed(loads)):
        axes.axhline(place, color=GRID, linewidth=1.0, zorder=0)
        for row in (row for row in rows if row["load"] == load and row["policy"] in COLOURS):
            _dot(axes, row["policy"], NEVER_S if row[key] is None else row[key], place)
    axes.set_xscale("log")
    axes.set_xlim(0.06, 190)
    incomplete = any(row[key] is None for row in rows)
    axes.xaxis.set_major_locator(FixedLocator([*TICKS_S, NEVER_S] if incomplete else [*TICKS_S, 100.0]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: "never" if value == NEVER_S else f"{value:g}"))
    axes.set_xlabel("seconds")
    axes.set_ylim(-0.6, len(loads) - 0.4)
    axes.set_yticks(range(len(loads)), [LOAD_NAMES[load] for load in reversed(loads)] if labels else [""] * len(loads))
    axes.grid(axis="x", color=GRID, linewidth=0.8, zorder=0)
    _bare(axes)


def _dot(axes: Axes, policy: str, seconds: float, place: int) -> None:
    if policy == "bound":
        axes.plot([seconds], [place], marker="|", markersize=15, markeredgewidth=2.0, color=COLOURS[policy], zorder=3)
    else:
        size = 10.5 if policy == "bridge" else 7.5
        axes.plot(
            [seconds],
            [place],
            marker="o",
            markersize=size,
            color=COLOURS[policy],
            markeredgecolor="white",
            zorder=5 if policy == "bridge" else 4,
        )


def _legend(figure: Any) -> None:
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker="|" if policy == "bound" else "o",
            markersize=12 if policy == "bound" else 8.5,
            markeredgewidth=2.0 if policy == "bound" else 0.0,
            color=COLOURS[policy],
            label=NAMES[policy],
        )
        for policy in COLOURS
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(PANELS[0][0] - 0.012, 0.918),
        ncols=len(handles),
        frameon=False,
        handletextpad=0.1,
        columnspacing=1.1,
        fontsize=10,
    )


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=11, color=INK, pad=10)


def _bare(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
