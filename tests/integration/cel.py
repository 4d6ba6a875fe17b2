"""The part of CEL that the manifests use: enough to evaluate every rule and match condition.

There is no API server in the tests, and a rule that only looks right is worse than none. So the
rules run here, on objects that must pass and objects that must not. What this module does not know
(a function, an operator, a macro) is an error: extend it together with the manifest that needs it.

Language: https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

import re

MACROS = {"all", "exists", "exists_one", "filter", "map"}
METHODS = {"size", "startsWith", "endsWith", "contains", "matches"}
FUNCTIONS = {"size", "type", "int", "string"}
TYPES = {"string", "int", "bool", "double", "list", "map", "null_type"}
# Fields with these names would have to be written as __name__ in a rule.
RESERVED = {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import",
            "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void",
            "while"}

TOKEN = re.compile(r"""\s*(?:
    (?P<number>\d+) | (?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*") |
    (?P<name>[A-Za-z_][A-Za-z0-9_]*) | (?P<op>\|\||&&|[=!<>]=|[-+*/%<>!?:.,()\[\]{}])
)""", re.VERBOSE)

# Binding power of the binary operators, loosest first; all of them associate to the left.
LEVELS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3,
          "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}


class CelError(Exception):
    """The expression is malformed, or its evaluation fails."""


def tokenize(text):
    tokens, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if not match:
            raise CelError(f"unexpected character at {text[at:].strip()[:12]!r}")
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return tokens + [("end", "")]


class Parser:
    """Precedence climbing. A node is a tuple whose first item names it."""

    def __init__(self, text):
        self.tokens = tokenize(text)
        self.at = 0

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, text):
        kind, value = self.tokens[self.at]
        if kind in ("op", "name") and value == text:
            self.at += 1
            return True
        return False

    def expect(self, text):
        if not self.take(text):
            raise CelError(f"expected {text!r} before {self.tokens[self.at][1]!r}")

    def parse(self):
        node = self.expression()
        if self.tokens[self.at][0] != "end":
            raise CelError(f"nothing may follow before {self.tokens[self.at][1]!r}")
        return node

    def expression(self):
        node = self.binary(1)
        if not self.take("?"):
            return node
        then = self.binary(1)
        self.expect(":")
        return ("if", node, then, self.expression())

    def binary(self, level):
        node = self.unary()
        while True:
            kind, value = self.tokens[self.at]
            power = LEVELS.get(value, 0) if kind in ("op", "name") else 0
            if power < level:
                return node
            self.at += 1
            node = ("op", value, node, self.binary(power + 1))

    def unary(self):
        if self.take("!"):
            return ("not", self.unary())
        if self.take("-"):
            return ("minus", self.unary())
        return self.member()

    def member(self):
        node = self.primary()
        while True:
            if self.take("."):
                kind, name = self.next()
                if kind != "name" or name in RESERVED:
                    raise CelError(f"{name!r} cannot be a field's name")
                node = self.call(node, name) if self.take("(") else ("field", node, name)
            elif self.take("["):
                node = ("index", node, self.expression())
                self.expect("]")
            else:
                return node

    def call(self, target, name):
        arguments = self.list_until(")")
        if name in MACROS:
            if len(arguments) != 2 or arguments[0][0] != "name":
                raise CelError(f"{name} takes a variable and an expression")
            return ("macro", name, target, arguments[0][1], arguments[1])
        if name not in METHODS:
            raise CelError(f"unknown method {name}")
        return ("method", name, target, arguments)

    def list_until(self, end):
        items = []
        while not self.take(end):
            if items:
                self.expect(",")
            items.append(self.expression())
        return items

    def primary(self):
        kind, value = self.next()
        if kind == "number":
            return ("value", int(value))
        if kind == "string":
            return ("value", re.sub(r"\\(.)", r"\1", value[1:-1]))
        if kind == "name":
            return self.name(value)
        if value == "(":
            node = self.expression()
            self.expect(")")
            return node
        if value == "[":
            return ("list", self.list_until("]"))
        raise CelError(f"unexpected {value!r}" if value else "unexpected end")

    def name(self, name):
        constants = {"true": True, "false": False, "null": None}
        if name in constants:
            return ("value", constants[name])
        if name in RESERVED:
            raise CelError(f"{name!r} is a reserved word")
        if not self.take("("):
            return ("name", name)
        arguments = self.list_until(")")
        if len(arguments) != 1:
            raise CelError(f"{name} takes one argument")
        if name == "has":
            if arguments[0][0] != "field":
                raise CelError("has takes the selection of a field")
            return ("has", arguments[0][1], arguments[0][2])
        if name not in FUNCTIONS:
            raise CelError(f"unknown function {name}")
        return ("call", name, arguments[0])


def parse(text):
    return Parser(text).parse()


def type_of(value):
    names = {bool: "bool", int: "int", float: "double", str: "string", list: "list", dict: "map",
             type(None): "null_type"}
    return ("type", names[type(value)])


def same(left, right):
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    return left == right


def require(value, kinds, what):
    if type(value) not in kinds:
        raise CelError(f"no such overload: {what} of {type_of(value)[1]}")
    return value


def select(value, name):
    if not isinstance(value, dict) or name not in value:
        raise CelError(f"no such key: {name}")
    return value[name]


def binary(name, left, right):
    if name in ("==", "!="):
        return same(left, right) == (name == "==")
    if name == "in":
        require(right, (list, dict), "in")
        return any(same(left, item) for item in right)
    if type(left) is not type(right):
        raise CelError(f"no such overload: {name}")
    require(left, (int, str), name)
    return {"<": lambda: left < right, "<=": lambda: left <= right, ">": lambda: left > right,
            ">=": lambda: left >= right, "+": lambda: left + right, "-": lambda: left - right,
            "*": lambda: left * right, "/": lambda: int(left / right),
            "%": lambda: left % right}[name]()


def logic(name, left, right, scope):
    """CEL's || and && are symmetric: a failing side does not matter when the other one decides."""
    decisive = name == "||"
    failure = None
    for node in (left, right):
        try:
            if require(evaluate(node, scope), (bool,), name) is decisive:
                return decisive
        except CelError as error:
            failure = error
    if failure:
        raise failure
    return not decisive


def macro(name, items, variable, body, scope):
    def run(item):
        return evaluate(body, {**scope, variable: item})

    require(items, (list, dict), name)
    if name == "map":
        return [run(item) for item in items]
    chosen = [item for item in items if require(run(item), (bool,), name)]
    return {"filter": chosen, "exists": bool(chosen), "exists_one": len(chosen) == 1,
            "all": len(chosen) == len(items)}[name]


def method(name, target, arguments):
    if name == "size" and not arguments:
        return len(require(target, (str, list, dict), "size"))
    require(target, (str,), name)
    if len(arguments) != 1:
        raise CelError(f"{name} takes one argument")
    argument = require(arguments[0], (str,), name)
    return {"startsWith": lambda: target.startswith(argument),
            "contains": lambda: argument in target, "endsWith": lambda: target.endswith(argument),
            "matches": lambda: bool(re.search(argument, target))}[name]()


def function(name, value):
    if name == "type":
        return type_of(value)
    if name == "size":
        return len(require(value, (str, list, dict), "size"))
    return {"int": int, "string": str}[name](require(value, (str, int), name))


def resolve(name, scope):
    if name in scope:
        return scope[name]
    if name in TYPES:
        return ("type", name)
    raise CelError(f"unknown name {name}")


def index(value, key):
    try:
        return require(value, (list, dict), "[]")[key]
    except (KeyError, IndexError):
        raise CelError(f"no such element: {key}") from None


def evaluate(node, scope):
    """The value of a parsed expression; `scope` maps its variables to JSON values."""
    kind, *rest = node
    if kind == "value":
        return rest[0]
    if kind == "op" and rest[0] in ("||", "&&"):
        return logic(*rest, scope)
    if kind == "op":
        return binary(rest[0], evaluate(rest[1], scope), evaluate(rest[2], scope))
    if kind == "macro":
        name, target, variable, body = rest
        return macro(name, evaluate(target, scope), variable, body, scope)
    if kind == "method":
        return method(rest[0], evaluate(rest[1], scope), [evaluate(a, scope) for a in rest[2]])
    if kind == "if":
        chosen = rest[1] if require(evaluate(rest[0], scope), (bool,), "?:") else rest[2]
        return evaluate(chosen, scope)
    if kind == "has":
        return rest[1] in require(evaluate(rest[0], scope), (dict,), "has")
    return {"name": lambda: resolve(rest[0], scope),
            "field": lambda: select(evaluate(rest[0], scope), rest[1]),
            "index": lambda: index(evaluate(rest[0], scope), evaluate(rest[1], scope)),
            "list": lambda: [evaluate(item, scope) for item in rest[0]],
            "call": lambda: function(rest[0], evaluate(rest[1], scope)),
            "not": lambda: not require(evaluate(rest[0], scope), (bool,), "!"),
            "minus": lambda: -require(evaluate(rest[0], scope), (int,), "-")}[kind]()


def fields(node):
    """Every chain of fields in the expression, as tuples such as ("self", "metadata", "name")."""
    if not isinstance(node, (tuple, list)):
        return
    if node and node[0] in ("field", "has"):
        chain, at = [], node
        while at[0] in ("field", "has"):
            chain.insert(0, at[2])
            at = at[1]
        if at[0] == "name":
            yield (at[1], *chain)
            return
    for item in node:
        yield from fields(item)
