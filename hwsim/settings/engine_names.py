"""The names of the engines, by themselves: the command line lists them without loading anything."""

from typing import Literal, get_args

EngineName = Literal["numeric", "ngspice"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
