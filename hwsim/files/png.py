"""PNG pictures: what marks one as drawn by hwsim, so that no other is replaced unasked."""

METADATA = {"Software": "hwsim"}
"""What matplotlib writes into a picture, and no date and version: the same numbers are the same bytes."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""How every PNG begins (PNG specification, third edition, 5.2)."""


def is_ours(head: bytes) -> bool:
    """Whether the beginning of a file, up to its pixels, shows a picture with our mark; earlier versions of hwsim drew without it."""
    about = head.partition(b"IDAT")[0]
    return head.startswith(SIGNATURE) and b"tEXtSoftware\0hwsim" in about
