"""The whole system on one machine: an emulator, a clock that can be moved, and commands."""
