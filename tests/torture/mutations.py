"""Mutations: the small faults that mutants.py puts into a file, one at a time, found in its syntax tree.

What no test could or should see stays as it is: docstrings, annotations, decorators, assertions, what an error states, how a thing is
printed. Texts are not touched, nor on which side of a comparison equality lies, which numbers of physics meet by chance alone.
"""

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}

_PRINTED = {"__repr__", "__str__", "advice", "__all__"}


Path = tuple[tuple[str, int | None], ...]
"""The way to a node from the root: fields, with the place where these are lists."""


class Fault(NamedTuple):
    """A fault that a file can have: where, and which of the node's faults."""

    path: Path
    which: int


class Mutant(NamedTuple):
    """A file with a fault: the line, the lines of its statement, what stands there and what instead, and the whole text."""

    line: int
    lines: range
    before: str
    after: str
    text: str


def faults(source: str) -> list[Fault]:
    """Return all faults that a file can have."""
    tree = ast.parse(source)
    return [Fault(path, which) for path in _places(tree, ()) for which in range(len(_changes(_at(tree, path))))]


def mutant(source: str, fault: Fault) -> Mutant:
    """Return a file with a fault."""
    tree = ast.parse(source)
    node = _at(tree, fault.path)
    line, lines, before = getattr(node, "lineno", 0), _lines(tree, fault.path), ast.unparse(node)
    changed = _changes(node)[fault.which](node)
    _put(tree, fault.path, changed)
    ast.fix_missing_locations(tree)
    return Mutant(line, lines, before, ast.unparse(changed), ast.unparse(tree))


def _places(node: ast.AST, path: Path) -> Iterator[Path]:
    """Return where faults may be put, from here down: a field of each node and, where it is a list, the place in it."""
    for name, value in ast.iter_fields(node):
        if _is_left(node, name):
            continue
        for place, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_spared(child):
                here = (*path, (name, place))
                yield here
                yield from _places(child, here)


def _is_left(node: ast.AST, field: str) -> bool:
    """Whether a field of a node is left alone: annotations, decorators, what an error is made of, whether zip is strict."""
    if field in {"annotation", "returns", "decorator_list", "type_params", "bases"}:
        return True
    return isinstance(node, ast.Raise) or (isinstance(node, ast.keyword) and node.arg in {"strict", "slots", "frozen", "kw_only"})


def _is_spared(node: ast.AST) -> bool:
    """Whether a node is left alone with all that is in it."""
    match node:
        case ast.Assert() | ast.Import() | ast.ImportFrom() | ast.JoinedStr():
            return True
        case ast.FunctionDef(name=name) if name in _PRINTED:
            return True
        case ast.Assign(targets=[ast.Name(id="msg")]) | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.ClassDef(bases=bases):
            return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in bases)
    return False


Change = Callable[[ast.AST], ast.AST]


def _changes(node: ast.AST) -> list[Change]:
    """Return the faults that a node can have."""
    return [change for kind in (_operators, _constants, _statements, _conditions) for change in kind(node)]


def _operators(node: ast.AST) -> list[Change]:
    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) if type(op) in _SWAPS:
            return [_swapped]
        case ast.Compare(ops=[op, *_]) if type(op) in _SWAPS:
            return [_compared]
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert(), operand=operand):
            return [lambda _: operand]
    return []


def _constants(node: ast.AST) -> list[Change]:
    match node:
        case ast.Constant(value=bool(value)):
            return [lambda _: ast.Constant(not value)]
        case ast.Constant(value=int(value)):
            return [lambda _: ast.Constant(value + 1)]
        case ast.Constant(value=float(value)):
            return [lambda _: ast.Constant(2 * value if value else 1.0)]
    return []


def _statements(node: ast.AST) -> list[Change]:
    match node:
        case (
            ast.Expr(value=ast.Call())
            | ast.Raise()
            | ast.Delete()
            | ast.AugAssign()
            | ast.Assign(targets=[ast.Subscript() | ast.Attribute()])
        ):
            return [lambda _: ast.Pass()]
        case ast.Continue():
            return [lambda _: ast.Break()]
        case ast.Break():
            return [lambda _: ast.Continue()]
        case ast.Return(value=ast.AST() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            return [lambda _: ast.Return(ast.Constant(None))]
    return []


def _conditions(node: ast.AST) -> list[Change]:
    match node:
        case ast.If() | ast.While() | ast.IfExp() if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            return [_negated]
    return []


def _swapped(node: ast.AST) -> ast.AST:
    node.op = _SWAPS[type(node.op)]()  # type: ignore[attr-defined]  # only what has an operator comes here
    return node


def _compared(node: ast.AST) -> ast.AST:
    node.ops[0] = _SWAPS[type(node.ops[0])]()  # type: ignore[attr-defined]  # only comparisons come here
    return node


def _negated(node: ast.AST) -> ast.AST:
    node.test = ast.UnaryOp(ast.Not(), node.test)  # type: ignore[attr-defined]  # only what has a test comes here
    return node


def _at(tree: ast.AST, path: Path) -> ast.AST:
    for name, place in path:
        tree = getattr(tree, name) if place is None else getattr(tree, name)[place]
    return tree


def _lines(tree: ast.AST, path: Path) -> range:
    """Return the lines of the innermost statement around a place; of one with a body, those of its head."""
    statement = [node for end in range(1, len(path) + 1) if isinstance(node := _at(tree, path[:end]), ast.stmt)][-1]
    body = getattr(statement, "body", None)
    end = body[0].lineno - 1 if body else statement.end_lineno
    return range(statement.lineno, max(end or 0, statement.lineno) + 1)


def _put(tree: ast.AST, path: Path, node: ast.AST) -> None:
    parent, (name, place) = _at(tree, path[:-1]), path[-1]
    if place is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[place] = node
