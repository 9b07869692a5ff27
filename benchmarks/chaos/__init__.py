"""``kill -9``, again and again, at every moment of a turn's life: is anything lost, doubled, or left standing?"""
