"""The curve of a soak as a picture. Needs matplotlib (the extra ``plot``), which nothing else here does."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from benchmarks.soak.gauges import Sample

GAUGES = (("rss_mb", "memory, MB"), ("sockets", "sockets"), ("tasks", "tasks"), ("lanes_active", "busy conversations"))


def draw(samples: Sequence[Sample], path: Path) -> None:
    """Draw the gauges below each other over the minutes."""
    figure, axes = pyplot.subplots(len(GAUGES), 1, sharex=True, figsize=(8, 7), layout="constrained")
    for axis, (name, label) in zip(axes, GAUGES, strict=True):
        axis.plot([sample.at_s / 60 for sample in samples], [getattr(sample, name) for sample in samples], linewidth=1)
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
    axes[-1].set_xlabel("minutes")
    figure.savefig(path, dpi=120)
