"""What a series of samples says: the line through its second half, and a picture of it in text (pure)."""

import statistics
from collections.abc import Sequence

from benchmarks.soak.gauges import Sample

BARS = "▁▂▃▄▅▆▇█"
COLUMNS = 60


def growth(samples: Sequence[Sample], name: str = "rss_mb") -> float:
    """Return by how much the fitted line rises over the second half of the time; 0 with too few samples."""
    half = samples[len(samples) // 2 :]
    if len(half) < 3:
        return 0.0
    line = statistics.linear_regression([s.at_s for s in half], [float(getattr(s, name)) for s in half])
    return line.slope * (half[-1].at_s - half[0].at_s)


def sparkline(samples: Sequence[Sample], name: str) -> str:
    """Draw one gauge over the time, with its least and greatest value."""
    values = [float(getattr(sample, name)) for sample in samples]
    if not values:
        return ""
    step = max(1, -(-len(values) // COLUMNS))
    means = [statistics.fmean(values[at : at + step]) for at in range(0, len(values), step)]
    low, high = min(means), max(means)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return f"{''.join(BARS[round((value - low) * scale)] for value in means)}  {low:.4g} to {high:.4g}"
