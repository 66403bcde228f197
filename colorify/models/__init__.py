"""The network and the files that hold it."""
