"""The door: what people write, type and press, who may, and what it means.

``accepting`` writes down what comes in before anybody acknowledges it; ``gate`` says who may speak; ``invoking`` reads
commands, ``pressing`` reads buttons, ``control`` obeys what is meant for the bridge itself.
"""
