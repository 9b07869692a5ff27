"""How much one process of the bridge carries; see ``__main__``."""
