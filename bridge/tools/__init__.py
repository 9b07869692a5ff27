"""Tools that an agent may use at our side."""
