"""Unpickling: what a confined worker sends is made of messages and NumPy's arrays alone, whatever a deck did to the worker."""

import io
import pickle
from typing import Any

from hwsim.ngspice.messages import Answer, Busy, Failure, TransientAnswer
from netlists.foreign.expansion import Expansion, FlatCard

_MESSAGES = {(of.__module__, of.__qualname__): of for of in (Answer, TransientAnswer, Busy, Failure, Expansion, FlatCard)}

_ARRAYS = frozenset(
    [
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
        *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    ]
)
"""What NumPy's pickles are made of, under the names of versions 1 and 2."""


class _Unpickler(pickle.Unpickler):  # noqa: S301 - it makes what is listed alone
    def find_class(self, module: str, name: str) -> Any:
        """Return a message's class or a part of NumPy's arrays."""
        if (module, name) in _ARRAYS:
            return super().find_class(module, name)
        if (module, name) not in _MESSAGES:
            msg = f"{module}.{name} is part of no message"
            raise pickle.UnpicklingError(msg)
        return _MESSAGES[module, name]


def unpickled(sent: bytes) -> Answer | TransientAnswer | Busy | Failure | Expansion | str:
    """Return the message that a worker sent.

    Raises
    ------
    pickle.UnpicklingError
        When it holds anything else, of which nothing is carried out.

    """
    try:
        message = _Unpickler(io.BytesIO(sent)).load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:
        msg = f"it cannot be read: {type(error).__name__}"
        raise pickle.UnpicklingError(msg) from error
    if not isinstance(message, Answer | TransientAnswer | Busy | Failure | Expansion | str):
        msg = f"{type(message).__name__} is no message"
        raise pickle.UnpicklingError(msg)
    return message
