"""The version, in a module of its own: asking for it imports nothing."""

__version__ = "0.1.0"
