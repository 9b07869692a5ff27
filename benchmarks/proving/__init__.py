"""The proving ground of ``benchmarks.chaos``, ``faults`` and ``soak``: emulators, people who ask, and a judge.

Every question carries a token, every sentence of its answer that token and a number, so that what was lost, doubled or
out of order shows in what people see, whatever the bridge believes.
"""
