"""Markdown as the tests of guides and README read it: its code blocks, the commands in them, its inline code, links and prose."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

MARKERS = {
    "large": "takes minutes, or data that are not in scikit-learn",
    "cluster": "needs several machines",
    "optional": "needs a program that hwsim does not",
    "install": "changes the environment",
    "checkout": "writes to the source tree, or needs it",
}
"""Words after a code block's language with which its commands are not run by the tests, and why; they are parsed all the same."""

_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class CodeBlock:
    """A code block: its language, the words after it, its text."""

    language: str
    words: tuple[str, ...]
    text: str

    @property
    def file(self) -> str | None:
        """The name of the file that the block is to be saved as, if it has one."""
        return next((word for word in self.words if "." in word), None)

    @property
    def marker(self) -> str | None:
        """Why its commands are not run; None: they are."""
        return next((word for word in self.words if "." not in word), None)

    @property
    def commands(self) -> list[str]:
        """The command lines of a shell block, without comments; a line that ends in a backslash continues on the next."""
        joined = self.text.replace("\\\n", " ")
        lines = (re.sub(r"(^|\s+)# .*", "", line).strip() for line in joined.splitlines())
        return [line for line in lines if line]


def code_blocks(text: str) -> list[CodeBlock]:
    """List the code blocks of a Markdown text."""
    result = []
    for match in _FENCE.finditer(text):
        language, *words = match["info"].split() or [""]
        result.append(CodeBlock(language, tuple(words), match["text"]))
    return result


def without_code(text: str) -> str:
    """Return a text without the content of its code blocks; lines keep their numbers."""
    return _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)


def inline_code(text: str) -> list[str]:
    """List the inline code of a text, each in one line."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", without_code(text))]


def prose(text: str) -> str:
    """Return a text without its code, blocks and inline, and without the targets of links; lines keep their numbers."""
    bare = re.sub(r"`[^`]*`", lambda code: "`" + "\n" * code[0].count("\n") + "`", without_code(text))
    return re.sub(r"\]\([^)]*\)", "]", bare)


def links(text: str) -> list[str]:
    """List the targets of links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", without_code(text)))


def typed(line: str) -> tuple[list[str], str | None]:
    """Split a simple command line into its words and the file that its output goes to."""
    words = shlex.split(line)
    if ">" in words:
        at = words.index(">")
        return words[:at], words[at + 1]
    return words, None
