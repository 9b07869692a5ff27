"""Twenty minutes of ordinary life with bad luck: does anything grow that should not?"""
