"""A city, citizens and agents that do not exist, to show and to measure the whole hotline with."""
