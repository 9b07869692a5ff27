"""What reading an agent's stream costs; see ``__main__``."""
