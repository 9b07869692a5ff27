"""What the operator sees: logs without secrets, metrics, probes, systemd, and the commands that check a set-up."""
