"""The visitor's address, and its country."""
