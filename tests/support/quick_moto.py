"""
moto without the work that takes it longest. What it answers stays the same.

Without these patches, tests that use a table take three times as long.
"""

from collections import defaultdict
from copy import copy
from functools import cached_property
from typing import Any

from moto.core import models
from moto.core.base_backend import BaseBackend
from moto.core.model import StructureShape
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table


def install() -> None:
    """Patch moto, for all tests of this process."""
    BaseJSONSerializer._serialize_type_structure = _serialized  # type: ignore[assignment,method-assign]  # noqa: SLF001
    Table.__deepcopy__ = _copied  # type: ignore[attr-defined]
    urls = cached_property(BaseBackend.urls.fget)  # type: ignore[attr-defined]
    urls.__set_name__(BaseBackend, "urls")
    BaseBackend.urls = urls  # type: ignore[method-assign,assignment]
    # Its callbacks for the library `requests`, which nothing here calls.
    models.RESPONSES_METHODS.clear()


_serialized_anyhow = BaseJSONSerializer._serialize_type_structure  # noqa: SLF001


def _serialized(
    self: BaseJSONSerializer,
    serialized: dict[str, Any],
    value: Any,
    shape: StructureShape,
    key: str,
) -> None:
    """
    Serialise the one member that a DynamoDB attribute has.

    moto looks for each of the ten that it could have, by every name that it knows for it.
    """
    if shape.name != "AttributeValue" or value is None:
        _serialized_anyhow(self, serialized, value, shape, key)
        return
    had = {value.type: value.value} if isinstance(value, DynamoType) else value
    wrapper: dict[str, Any] = {}
    serialized[key] = wrapper
    for name, member in had.items():
        self._serialize(wrapper, member, shape.members[name], name)


def _copied(table: Table, _: object) -> Table:
    """
    As much of a copy as it takes to go back to: values are replaced, never changed in place.

    For every part of every transaction moto copies the whole table, in case the rest of it fails.
    """
    twin = copy(table)
    twin.items = defaultdict(dict)
    for pk, partition in table.items.items():
        twin.items[pk] = {sk: _item_copied(item) for sk, item in partition.items()}
    return twin


def _item_copied(item: Item) -> Item:
    twin = object.__new__(Item)
    twin.__dict__ = item.__dict__ | {"attrs": LimitedSizeDict(item.attrs)}
    return twin
