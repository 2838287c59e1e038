"""Message authentication codes by AWS KMS, under keys that never leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from trial.errors import RejectedError, UnavailableError

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
        # No error is chained: its message may repeat what was to be hashed.
        try:
            answer = self._client.generate_mac(
                KeyId=self._key_id, MacAlgorithm="HMAC_SHA_256", Message=message
            )
        except ClientError as error:
            if (code := error.response["Error"]["Code"]) in _TRANSIENT:
                raise UnavailableError(f"KMS answered {code}") from None
            raise RejectedError(f"KMS refused it: {code}") from None
        except BotoCoreError as error:
            raise UnavailableError(f"KMS gave no answer: {type(error).__name__}") from None
        return answer["Mac"]
