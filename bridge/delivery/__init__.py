"""How a growing answer reaches a platform: as early as its budgets allow, whole, and once.

``draft`` folds events into text; ``board`` says what each message should show; ``pacing`` and ``allowances`` say when;
``messenger`` carries one call after the other; ``delivering`` holds them together. ``hourglass`` keeps the marks of
questions that wait, for adapters to use.
"""
