"""Every fault switch of the three emulators, one by one: what does the person who asked see, and what is lost?"""
