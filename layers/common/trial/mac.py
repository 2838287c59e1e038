"""Message authentication codes by AWS KMS, under keys that never leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from trial.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_TRANSIENT = frozenset(
    {"DependencyTimeoutException", "KMSInternalException", "ThrottlingException"}
)


class MacKey:
    """One HMAC-SHA-256 key in KMS."""

    def __init__(self, client: KMSClient, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def mac(self, message: bytes) -> bytes:
        """The 32 bytes of HMAC-SHA-256 (RFC 2104) over a message of at most 4,096 bytes."""
        try:
            answer = self._client.generate_mac(
                KeyId=self._key_id, MacAlgorithm="HMAC_SHA_256", Message=message
            )
        except ClientError as error:
            if (code := error.response["Error"]["Code"]) in _TRANSIENT:
                raise UnavailableError(f"KMS answered {code}") from error
            raise
        except BotoCoreError as error:
            raise UnavailableError("KMS gave no answer") from error
        return answer["Mac"]
