"""What the documentation claims, each measured by one command: ``python -m benchmarks.NAME [--json]``."""
