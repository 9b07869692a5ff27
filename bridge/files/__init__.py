"""Files on their way between platforms and agents, and from where they may be fetched."""
