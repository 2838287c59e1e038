"""
The function's logger. Each handler imports this module first, which makes its cold start shorter.

Imports make some 100,000 objects that live as long as the process, and Python would look for
garbage among them 150 times (docs/decisions.md, on cold starts, has the figures). So it looks after
each 200,000 new objects. Objects that are in no cycle are freed at once in any case.
"""

import gc

gc.set_threshold(200_000)

from aws_lambda_powertools import Logger  # noqa: E402 - a part of what is to be imported faster

logger = Logger()
