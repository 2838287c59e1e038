"""The commands that can act on a deployed stack, on AWS or on this machine."""
