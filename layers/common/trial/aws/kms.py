"""Keyed hashes and encryption by AWS KMS, whose keys never leave it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trial.errors import RejectedError, UnavailableError

if TYPE_CHECKING:
    from uuid import UUID

    from mypy_boto3_kms import KMSClient

_TRANSIENT = frozenset(
    {"DependencyTimeoutException", "KMSInternalException", "ThrottlingException"}
)
_SERVER_ERROR = 500


class Purpose(StrEnum):
    """What a seal holds."""

    NUMBER = "number"
    IDENTIFIERS = "identifiers"


@dataclass(frozen=True, slots=True)
class Binding:
    """What a seal is bound to: `hashed` is the keyed hash by which its content is matched."""

    enrolment_id: UUID
    purpose: Purpose
    hashed: str

    @property
    def context(self) -> dict[str, str]:
        """The KMS encryption context: the seal opens with exactly this."""
        about = str(self.enrolment_id)
        return {"enrolment": about, "purpose": self.purpose, "hash": self.hashed}


class MacKey:
    """One HMAC-SHA-256 key."""

    def __init__(self, client: KMSClient, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def mac(self, message: bytes) -> bytes:
        """The 32 bytes of HMAC-SHA-256 (RFC 2104) over a message of at most 4,096 bytes."""
        answer = _called(
            self._client,
            "generate_mac",
            KeyId=self._key_id,
            MacAlgorithm="HMAC_SHA_256",
            Message=message,
        )
        return bytes(answer["Mac"])


class SealKey:
    """
    One symmetric key: only roles with kms:Decrypt on it can read what it has sealed.

    KMS itself encrypts, with AES-256-GCM. A seal is bound to its enrolment, its purpose and the
    keyed hash beside it: moved elsewhere or put beside another hash, it does not open. Write access
    to the table is therefore not enough to redirect a text to another number, or to evade the
    checks that use the hash.
    """

    def __init__(self, client: KMSClient, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def sealed(self, text: str, binding: Binding) -> str:
        """The text, of at most 4,096 bytes, encrypted, in base64; different at every call."""
        answer = _called(
            self._client,
            "encrypt",
            KeyId=self._key_id,
            Plaintext=text.encode(),
            EncryptionContext=binding.context,
        )
        return b64encode(answer["CiphertextBlob"]).decode()

    def opened(self, seal: str, binding: Binding) -> str:
        """The text. Raises RejectedError if the binding differs or the role may not decrypt."""
        answer = _called(
            self._client,
            "decrypt",
            KeyId=self._key_id,
            CiphertextBlob=b64decode(seal),
            EncryptionContext=binding.context,
        )
        return bytes(answer["Plaintext"]).decode()


def _called(client: KMSClient, operation: str, **request: Any) -> Any:  # noqa: ANN401
    # Errors are not chained: their messages may repeat what was to be hashed or sealed.
    try:
        return getattr(client, operation)(**request)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _TRANSIENT or status >= _SERVER_ERROR:
            raise UnavailableError(f"KMS answered {code}") from None
        raise RejectedError(f"KMS refused it: {code}") from None
    except BotoCoreError as error:
        raise UnavailableError(f"KMS gave no answer: {type(error).__name__}") from None
