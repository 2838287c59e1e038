"""Keys without KMS: the real class over as much of a client as it calls."""

import hmac
from typing import Any, cast

from trial.aws.kms import MacKey


class _Hmac:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def generate_mac(self, *, Message: bytes, **_: str) -> dict[str, bytes]:  # noqa: N803 - boto3's
        assert len(Message) <= 4096, "KMS takes no more"
        return {"Mac": hmac.digest(self._secret, Message, "sha256")}


def mac_key(secret: str) -> MacKey:
    """The HMAC key of these bytes."""
    return MacKey(cast("Any", _Hmac(secret.encode())), "id")
