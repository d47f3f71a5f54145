"""Protocol buffers: the fields of a message by their numbers, as far as a file of ONNX needs them.

Source: Protocol Buffers Documentation, "Encoding".
"""

from collections import defaultdict

from hwsim.files.atomic import UnreadableError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Kinds of fields."""

_LONGEST = 10
"""Bytes of a number at most."""

Fields = dict[int, list[int | bytes]]


def fields(message: bytes) -> Fields:
    """Return the values of each field in order: whole numbers, and the bytes of all else.

    Raises
    ------
    UnreadableError
        When it is no message.

    """
    values_of: Fields = defaultdict(list)
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            values_of[key >> 3].append(value)
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in {_FIXED32, _FIXED64}:
            size = 4 if kind == _FIXED32 else 8
        else:
            msg = f"it has a field of kind {kind}"
            raise UnreadableError(msg)
        if at + size > len(message):
            msg = "it ends too early"
            raise UnreadableError(msg)
        values_of[key >> 3].append(message[at : at + size])
        at += size
    return values_of


def numbers(values: list[int | bytes]) -> list[int]:
    """Return the whole numbers of a repeated field, packed or not, with their signs."""
    whole: list[int] = []
    for value in values:
        if isinstance(value, int):
            whole.append(value)
            continue
        at = 0
        while at < len(value):
            number, at = _varint(value, at)
            whole.append(number)
    return [number - (1 << 64) if number >> 63 else number for number in whole]


def content(values: list[int | bytes]) -> bytes:
    """Return the bytes of a field that occurs once, or of all its packed parts.

    Raises
    ------
    UnreadableError
        When it is a number.

    """
    if any(isinstance(value, int) for value in values):
        msg = "it has a number where a text or a message should be"
        raise UnreadableError(msg)
    return b"".join(value for value in values if isinstance(value, bytes))


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number, seven bits a byte, and the place after it."""
    value = 0
    for k, byte in enumerate(message[at : at + _LONGEST]):
        value |= (byte & 0x7F) << (7 * k)
        if byte < 0x80:  # noqa: PLR2004 - the last byte's highest bit is 0
            return value & ((1 << 64) - 1), at + k + 1
    msg = "it is damaged, or no file of its kind"
    raise UnreadableError(msg)
