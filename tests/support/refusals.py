"""The refusals of the product: as its source code constructs them, and as docs/refusals.md lists them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from offload import errors

ROOT = Path(__file__).parents[2]
PLACEHOLDER = "…"  # for a value that is known at run time only
ERRORS = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.OffloadError)
}
_SECTION = re.compile(
    r"^### (?P<name>.+)\n\n> (?P<kind>\w+), exit (?P<code>\d+): (?P<message>.+)\n\n"
    r"(?P<why>.+)\n\nTests?: (?P<tests>.+)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Refusal:
    """
    One state in which a command stops.

    Attributes:
        kind: The name of its error class.
        message: `expected …; found …; next: …`, with a placeholder for each value of the run.
    """

    kind: str
    message: str

    @property
    def exit_code(self) -> int:
        """The exit code of its error class."""
        return ERRORS[self.kind].exit_code


@dataclass(frozen=True)
class Listed:
    """
    A section of docs/refusals.md.

    Attributes:
        name: Its heading.
        refusal: The message in it.
        exit_code: The exit code in it.
        reason: The sentences that say what happened.
        tests: Ids of tests that provoke the refusal, `file::function`.
    """

    name: str
    refusal: Refusal
    exit_code: int
    reason: str
    tests: tuple[str, ...]


def listed() -> list[Listed]:
    """Every section of the page."""
    page = (ROOT / "docs" / "refusals.md").read_text("utf-8")
    return [
        Listed(
            found["name"],
            Refusal(found["kind"], found["message"]),
            int(found["code"]),
            found["why"],
            tuple(re.findall(r"`(\S+::\w+)`", found["tests"])),
        )
        for found in _SECTION.finditer(page)
    ]


@cache
def constructed() -> dict[Refusal, str]:
    """Every refusal that the package `offload` constructs, with the last place that does: `file:line`."""
    found = {}
    for path in sorted((ROOT / "offload").rglob("*.py")):
        where = path.relative_to(ROOT)
        if where.parts[1] in {"errors.py", "fakes", "__main__.py"}:
            continue
        module = import_module(".".join(where.with_suffix("").parts).removesuffix(".__init__"))
        for line, refusal in _in_module(ast.parse(path.read_text("utf-8")), module):
            found[refusal] = f"{where}:{line}"
    return found


def _in_module(tree: ast.Module, module: ModuleType) -> Iterator[tuple[int, Refusal]]:
    """Its refusals; a private function that builds one from its parameters counts once per call."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    within = {call: function for function in functions for call in _calls(function, ERRORS)}
    for call in _calls(tree, ERRORS):
        function = within.get(call)
        uses = list(_calls(tree, {function.name})) if function and function.name.startswith("_") else []
        for use in uses or [None]:
            texts = _bound(function, use, module) if function and use else {}
            texts |= _assigned(function, module, texts) if function else {}
            expected, found, next_step = (_template(argument, module, texts) for argument in call.args)
            yield (use or call).lineno, Refusal(_name(call), f"expected {expected}; found {found}; next: {next_step}")


def _calls(tree: ast.AST, names: Mapping[str, object] | set[str]) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node) in names)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _bound(function: ast.FunctionDef, use: ast.Call, module: ModuleType) -> dict[str, str]:
    names = [argument.arg for argument in function.args.args if argument.arg != "self"]
    texts = {name: _template(value, module, {}) for name, value in zip(names, use.args, strict=False)}
    return texts | {word.arg: _template(word.value, module, {}) for word in use.keywords if word.arg}


def _assigned(function: ast.FunctionDef, module: ModuleType, texts: Mapping[str, str]) -> dict[str, str]:
    """The local variables that are assigned once, as text."""
    assigned = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    names = [target.id for node in assigned for target in node.targets if isinstance(target, ast.Name)]
    values: dict[str, str] = {}
    for node in sorted(assigned, key=lambda node: node.lineno):
        target = node.targets[0]
        if isinstance(target, ast.Name) and names.count(target.id) == 1 and target.id not in texts:
            values[target.id] = _template(node.value, module, {**texts, **values})
    return values


def _template(node: ast.expr, module: ModuleType, texts: Mapping[str, str]) -> str:
    """The text of an expression, with placeholders; parameters of `texts` and constants of the module have a value."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.FormattedValue):
        return _template(node.value, module, texts)
    if isinstance(node, ast.JoinedStr):
        parts = (_template(value, module, texts) for value in node.values)
        return re.sub(rf"{PLACEHOLDER}+", PLACEHOLDER, " ".join("".join(parts).split()))
    if isinstance(node, ast.Name):
        value = texts.get(node.id, getattr(module, node.id, None))
        return value if isinstance(value, str) else PLACEHOLDER
    if isinstance(node, ast.Call) and _name(node) == "command":  # of a table's declaration
        return f"offload {_template(node.args[0], module, texts)} TABLE"
    return PLACEHOLDER
