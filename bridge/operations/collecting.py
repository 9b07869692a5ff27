"""Python's cyclic garbage collector, told what a server knows of its own memory.

What is there once everything is connected (modules, settings, parsers: some hundred thousand objects) stays to the end
and is not looked through again. Nearly all else goes by reference counts, so the collector may come seldom: each of
its full rounds stops every stream for some 50 to 130 ms when two hundred answers grow (measured with ``gc.callbacks``).
"""

import gc

YOUNG, MIDDLE, OLD = 10_000, 10, 20
"""So many new objects begin a round; each tenth round looks at those that survived one too, each twentieth of these at
all. CPython's own are 700, 10, 10."""


def spare_the_lasting() -> None:
    """Take what exists now for what lasts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
