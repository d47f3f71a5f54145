"""Reading decks as the commands do, except that one process of ngspice expands all of them: starting one takes half a second."""

from functools import partial

from hwsim.ngspice.expander import Expanding
from netlists.read import parser

expand = Expanding()
parse = partial(parser.parse, expand=expand)
read_deck = partial(parser.read_deck, expand=expand)
