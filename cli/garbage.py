"""Python's search for garbage: put off while a command loads, compiles and starts."""

import gc

_OBJECTS = 200_000
"""New objects between two searches."""

_LOADING = 6
"""So many searches are skipped: loading JAX and compiling make some hundred thousand objects, and nearly all of them stay."""


def search_later() -> None:
    """Search seldom, and skip the first searches: all that is there is set aside before one, which has nothing to look through."""
    searches = 0

    def skip(phase: str, _: dict[str, int]) -> None:
        nonlocal searches
        if phase == "start":
            gc.freeze()
            searches += 1
            if searches == _LOADING:
                gc.callbacks.remove(skip)

    gc.set_threshold(_OBJECTS)
    gc.callbacks.append(skip)


def search_no_more() -> None:
    """Set aside all that is there: it ends with the process, and one more search takes half a second after JAX."""
    gc.freeze()
