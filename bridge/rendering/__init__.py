"""An answer in Markdown as parts that fit, and as something fit to be shown while it grows. Pure, and lossless.

``PartSequence`` follows a growing answer, ``split`` divides a finished one, ``repair`` mends an unfinished end.
"""

from bridge.rendering.lines import NOTHING, Carry
from bridge.rendering.repair import REPAIR_CHARS, repair
from bridge.rendering.sequence import PartSequence
from bridge.rendering.split import LEAST_LIMIT, split

__all__ = ["LEAST_LIMIT", "NOTHING", "REPAIR_CHARS", "Carry", "PartSequence", "repair", "split"]
