"""Find calls whose result depends on the moment, on chance or on the process."""

import ast

CLOCKS = {"now", "utcnow", "today"}
# Names of numpy.random that are types or take their seed as an argument.
SEEDED = {
    "BitGenerator",
    "Generator",
    "PCG64",
    "Philox",
    "RandomState",
    "SeedSequence",
    "default_rng",
}
NEVER = {"hash": "differs from process to process", "input": "reads", "print": "writes"}


def impurities(source: str) -> list[str]:
    """Return a line for each impure call or import in a module's source."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            reason = _call(node)
        elif isinstance(node, ast.Attribute):
            reason = _attribute(node)
        elif isinstance(node, ast.ImportFrom):
            reason = _import(node)
        else:
            continue
        if reason is not None:
            found.append(f"line {node.lineno}: {reason}")
    return found


def _name(node: ast.expr) -> str:
    """Return the dotted name of an expression such as ``np.random.normal``, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return ""


def _call(node: ast.Call) -> str | None:
    name = _name(node.func)
    if name in NEVER:
        return f"{name}() {NEVER[name]}"
    if (
        name.split(".")[-1] in {"default_rng", "RandomState"}
        and not node.args
        and not node.keywords
    ):
        return f"{name.split('.')[-1]}() without a seed"
    return None


def _attribute(node: ast.Attribute) -> str | None:
    # Attributes, not only calls: `factory=datetime.now` reads the clock as well, later.
    owner, name = _name(node.value), node.attr
    if name in CLOCKS and owner.split(".")[-1] in {"datetime", "date", "dt"}:
        return f"{owner}.{name} reads the clock"
    if owner in {"numpy.random", "np.random"} and name not in SEEDED:
        return f"{owner}.{name} is global chance"
    if owner == "os" and name in {"environ", "getenv", "urandom", "getpid"}:
        return f"os.{name} depends on the process"
    if owner == "uuid" and name in {"uuid1", "uuid4"}:
        return f"uuid.{name} is chance"
    return None


def _import(node: ast.ImportFrom) -> str | None:
    names = {alias.name for alias in node.names}
    if node.module == "numpy.random" and not names <= SEEDED:
        return f"numpy.random's {', '.join(sorted(names - SEEDED))}: global chance"
    if node.module == "uuid" and names & {"uuid1", "uuid4"}:
        return "a uuid of chance"
    return None
