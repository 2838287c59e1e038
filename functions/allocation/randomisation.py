"""
Permuted blocks of random size, each derived from one MAC.

To re-derive a block without this code: the MAC is HMAC-SHA-256 of `message`. MGF1 with SHA-256
(RFC 8017, B.2.1) stretches it to bytes. A number below n is the next byte modulo n, after passing
over bytes of 256 - 256 mod n and above. The first such number picks from the sizes in ascending
order; the rest shuffle the arms, which start in alphabetical order, from the last place down
(Knuth, The Art of Computer Programming, volume 2, 3.4.2, algorithm P).
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import count

from trial.codes import Arm

MAC_BYTES = sha256().digest_size
BYTE_VALUES = 256


def message(*, trial: str, stratum: str, block: int) -> bytes:
    """What is MACed for a block. No two blocks share a message, hence no separator in a part."""
    if "|" in trial + stratum:
        raise ValueError("neither a trial nor a stratum may have '|' in its name")
    return f"{trial}|{stratum}|{block}".encode()


def block(mac: bytes, *, sizes: Sequence[int], ratio: Mapping[Arm, int]) -> tuple[Arm, ...]:
    """The arms of a block, in the order in which people receive them."""
    if len(mac) != MAC_BYTES:
        raise ValueError(f"a MAC has {MAC_BYTES} bytes, not {len(mac)}")
    shares = sum(ratio.values())
    if any(size % shares or not 0 < size <= BYTE_VALUES for size in sizes):
        raise ValueError(f"a block of {shares} shares cannot have each of the sizes {sizes}")
    stream = _stretched(mac)
    size = sorted(sizes)[below(len(sizes), stream)]
    arms = [arm for arm in sorted(ratio) for _ in range(ratio[arm] * size // shares)]
    for last in range(size - 1, 0, -1):
        chosen = below(last + 1, stream)
        arms[last], arms[chosen] = arms[chosen], arms[last]
    return tuple(arms)


def below(n: int, stream: Iterator[int]) -> int:
    """A number from 0 to n - 1, each exactly as likely as the others, for n up to 256."""
    usable = BYTE_VALUES - BYTE_VALUES % n
    return next(byte for byte in stream if byte < usable) % n


def _stretched(mac: bytes) -> Iterator[int]:
    for counter in count():
        yield from sha256(mac + counter.to_bytes(4, "big")).digest()
