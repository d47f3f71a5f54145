"""Findings repeat at most 200 characters of a deck, whatever is wrong with it."""

import pytest

from netlists.text.findings import NetlistError
from support.decks import BASE, ROLES
from support.reading import parse

LONG = "q" * 5000
MANY = " ".join(f"qq{k}" for k in range(900))
SUBCIRCUITS = "".join(f".subckt qqqq{k} p\nr1 p 0 1\n.ends\n" for k in range(400))


@pytest.mark.parametrize(
    "cards",
    [
        f"r{LONG} out 0 4k7",
        f"r1 out 0 1k {LONG}",
        f"r1 out 0 4k7{LONG}",
        f"r1 out 0 {'1' * 5000}k{LONG}",
        f"r1 out 0 1e{'9' * 5000}",
        f"r1 {LONG} 0",
        f"r1 out 0 {{{LONG}}}",
        f"r1 out 0 {{1+ {' + '.join(['qqq'] * 900)}}}",
        f"r1 out 0 {{1 {MANY}}}",
        f"r1 out 0 {{{LONG}(1)}}",
        f"r1 out 0 {{max({','.join(['1'] * 2000)})}}",
        f"r1 out 0 '{LONG}'",
        f"r1 out 0 1k {LONG}={LONG}",
        f"r1 out 0 rm\n.model rm R({LONG}=1)",
        f"d1 out 0 {LONG}",
        f"d1 out 0 {LONG}\n.model {LONG} {LONG}(is=1)",
        f"v1 a 0 {MANY}\nr1 a 0 1",
        f"f1 out 0 v{LONG} 2",
        f"b1 out 0 i=v(out) {MANY} v(",
        f"b1 out 0 i=i({LONG})",
        f"m1 a b c {MANY}",
        f".param {LONG}={{2*{LONG}",
        f".{LONG}",
        f".model {MANY}",
        f".temp {MANY}",
        f".temp {LONG}",
        f".ends {LONG}",
        f".include {LONG}",
        f".options {LONG} gmin={LONG}",
        f"x1 out {LONG}\n{SUBCIRCUITS}",
        f"x1 out s\n.subckt s {MANY}\nr1 out 0 1\n.ends",
        f"*hwsim: {LONG} r1",
        f"*hwsim: trainable {MANY}",
        f"*hwsim: output {MANY}",
        f"*hwsim: trainable rl {LONG}=3",
        f"*hwsim: trainable rl g_min={LONG}",
    ],
)
def test_no_message_repeats_a_deck_at_length(cards):
    """Of each message at most 200 characters are the deck's, and the line still ends as it would, with the remedy."""
    text = f"title\n{BASE}{cards}\n{ROLES}.end\n"
    try:
        deck = parse(text)
        message = [*map(str, deck.warnings), *map(str, deck.notes)]
    except NetlistError as error:
        message = str(error).splitlines()
    assert message
    for line in message:
        assert sum(line.count(letter) for letter in "q19") <= 200
        assert len(line) < 1000


def test_what_is_short_is_repeated_whole():
    """The message names the word as the user wrote it."""
    with pytest.raises(NetlistError, match="there is no model a_word_of_thirty_two_characters_; add"):
        parse(f"title\n{BASE}d1 out 0 a_word_of_thirty_two_characters_\n{ROLES}.end\n")
