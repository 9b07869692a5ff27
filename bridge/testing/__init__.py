"""What authors of other platforms and stores test with: conformance suites for the ports, and a clock to move by hand.

``clock.FakeClock`` needs nothing beyond the bridge; the suites need pytest, pytest-asyncio and hypothesis.
"""
