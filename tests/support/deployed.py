"""The templates as they will be deployed, where tests look for them."""

from commands.repository.deployed import Deployed
from commands.repository.template import TEMPLATE

__all__ = ["FILES", "Deployed"]

FILES = [TEMPLATE, TEMPLATE.parent / "access.yaml", TEMPLATE.parent / "monitoring.yaml"]
