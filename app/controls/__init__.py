"""Test controls: what a test may do to the site from outside. Nothing below knows them, but for the gate of a race."""
