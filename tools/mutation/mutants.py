# SPDX-License-Identifier: MIT
"""Finds the mutants of a set of headers and rewrites the headers so that they contain all of them.

libclang says where expressions and statements begin and end; every rewritten place calls a function
of runtime.hpp that computes the original, or the mutant that is chosen at run time.
"""

import dataclasses
import pathlib
import re

from clang import cindex

K = cindex.CursorKind

BINARY = {"+": "plus", "-": "minus", "*": "times", "/": "divided"}
COMPARE = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal",
           "==": "equal", "!=": "not_equal"}
# What the functions of runtime.hpp compute instead, in their order; {0} and {1} are the operands.
INSTEAD = {
    "plus": ["{0} - {1}", "{0}", "{1}"],
    "minus": ["{0} + {1}", "{1} - {0}", "{0}", "-{1}"],
    "times": ["{0} / {1}", "{0}", "{1}"],
    "divided": ["{0} * {1}", "{1} / {0}", "{0}"],
    "negated": ["{0}"],
    "less": ["{0} <= {1}", "{0} >= {1}"],
    "less_equal": ["{0} < {1}", "{0} > {1}"],
    "greater": ["{0} >= {1}", "{0} <= {1}"],
    "greater_equal": ["{0} > {1}", "{0} < {1}"],
    "equal": ["{0} != {1}"],
    "not_equal": ["{0} == {1}"],
    "condition": ["true", "false"],
    "term": ["2 * ({0})", "({0}) / 2"],
    "signed_term": ["-({0})", "2 * ({0})", "({0}) / 2"],
}
UNARY_FUNCTIONS = {"abs", "cos", "erf", "erf_rational", "exp", "expm1", "expm1_minus", "log",
                   "log1p", "settled", "sigmoid", "sign", "sqrt", "square", "tanh"}
FUNCTIONS = {K.FUNCTION_TEMPLATE, K.CXX_METHOD, K.FUNCTION_DECL}
SCOPES = {K.NAMESPACE, K.CLASS_DECL, K.CLASS_TEMPLATE, K.STRUCT_DECL,
          K.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION}
LITERALS = {K.INTEGER_LITERAL, K.FLOATING_LITERAL}
NUMBERS = {"double", "float", "T"}
DEPENDENT = "<dependent type>"


@dataclasses.dataclass
class Mutant:
    number: int
    file: str       # below include/longhand
    line: int
    function: str   # Dense::backward_input
    group: str      # "gradient" or "value"
    code: str       # the line as it stands, without comment
    original: str
    mutated: str
    tags: list

    @property
    def change(self):
        return f"{self.original} -> {self.mutated}"


def bare_type(cursor):
    """The type without const and reference, as it is spelled."""
    spelling = cursor.type.spelling.replace("longhand::", "").replace("&", "").strip()
    return re.sub(r"\bconst\b", "", spelling).strip()


def is_const(cursor):
    spelling = cursor.type.spelling.replace("&", "").strip()
    return spelling.startswith("const ") or spelling.endswith(" const")


def struct_of(cursor):
    """The struct's name with those around it, "GaussianLatent::Cache"."""
    names = []
    while cursor is not None and cursor.kind in SCOPES - {K.NAMESPACE}:
        names.insert(0, cursor.spelling)
        cursor = cursor.semantic_parent
    return "::".join(names)


def squeeze(text):
    return re.sub(r"\s+", " ", re.sub(r"//[^\n]*", "", text)).strip()


class Finder:
    """All mutants of the headers of some folders below include/longhand."""

    def __init__(self, include, folders, settings, compiler_arguments=()):
        self.top = pathlib.Path(include).resolve() / "longhand"
        self.gradient = re.compile("|".join(settings["gradient"]))
        self.excluded = [re.compile(pattern) for pattern in settings["excluded"]]
        self.mutants = []
        self.sources = {}
        self.fields = {}  # (struct, type): names of its data members of that type
        headers = sorted(p for folder in folders for p in (self.top / folder).rglob("*.hpp"))
        for path in headers:
            self.sources[path] = path.read_bytes()
        text = "".join(f'#include "{path}"\n' for path in headers)
        index = cindex.Index.create()
        unit = index.parse("all.cpp", unsaved_files=[("all.cpp", text)], args=[
            "-x", "c++", "-std=c++20", f"-I{include}", *compiler_arguments])
        errors = [d for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
        if errors:
            raise SystemExit("libclang cannot read the headers:\n" + "\n".join(map(str, errors)))
        own = [c for c in unit.cursor.get_children()
               if c.location.file and self.top in pathlib.Path(c.location.file.name).parents]
        for cursor in own:
            self.collect_fields(cursor)
        self.edits = {path: [] for path in headers}  # (start, end, new text)
        for cursor in own:
            self.declarations(cursor, ())

    # ---- what is mutated -------------------------------------------------------------------------

    def collect_fields(self, cursor):
        for child in cursor.get_children():
            if child.kind == K.FIELD_DECL:
                key = (struct_of(cursor), bare_type(child))
                self.fields.setdefault(key, []).append(child.spelling)
            elif child.kind in SCOPES:
                self.collect_fields(child)

    def declarations(self, cursor, names):
        path = pathlib.Path(cursor.location.file.name)
        if cursor.kind in SCOPES:
            inner = names if cursor.kind == K.NAMESPACE else names + (cursor.spelling,)
            for child in cursor.get_children():
                self.declarations(child, inner)
        elif cursor.kind in FUNCTIONS and path in self.sources:
            body = [c for c in cursor.get_children() if c.kind == K.COMPOUND_STMT]
            if body and cursor.extent.start.file.name == body[0].extent.start.file.name:
                scopes = names or self.classes_of(cursor)
                self.function(path, cursor, body[0], "::".join(scopes + (cursor.spelling,)))

    @staticmethod
    def classes_of(member):
        """The classes around a member function that is defined outside of them."""
        names, scope = (), member.semantic_parent
        while scope.kind in SCOPES and scope.kind != K.NAMESPACE:
            names, scope = (scope.spelling,) + names, scope.semantic_parent
        return names

    def function(self, path, cursor, body, name):
        file = path.relative_to(self.top).as_posix()
        head = self.sources[path][cursor.extent.start.offset:body.extent.start.offset].decode()
        if ("constexpr" in head or any(p.fullmatch(f"{file} {name}") for p in self.excluded)
                or self.sources[path][body.extent.start.offset:][:1] != b"{"):  # from a macro
            return
        self.path, self.name, self.file = path, name, file
        self.group = "gradient" if self.gradient.search(f"{file} {name}") else "value"
        self.formula = "LONGHAND_HD" in head
        self.variables = []  # (cursor, type, const), in scope, in order
        self.used = set()
        for parameter in cursor.get_children():
            if parameter.kind == K.PARM_DECL:
                self.declare(parameter, initialised=is_const(parameter) or
                             "&" not in parameter.type.spelling)
        before = len(self.mutants)
        text = self.statement(body)
        if len(self.mutants) > before:
            self.edits[path].append((body.extent.start.offset, body.extent.end.offset, text))

    def declare(self, cursor, initialised):
        if not cursor.spelling:
            return
        self.variables.append((cursor.spelling, bare_type(cursor), is_const(cursor)))
        if initialised:
            self.used.add(cursor.spelling)

    def new(self, cursor, original, *mutated):
        """Numbers for mutants of this place; returns the first."""
        first = len(self.mutants) + 1
        line = cursor.extent.start.line
        lines = self.sources[self.path].decode().split("\n")
        for text in mutated:
            self.mutants.append(Mutant(
                number=len(self.mutants) + 1, file=self.file, line=line, function=self.name,
                group=self.group, code=squeeze(lines[line - 1]), original=squeeze(original),
                mutated=squeeze(text), tags=self.tags(cursor, lines)))
        return first

    @staticmethod
    def tags(cursor, lines):
        found = []
        for line in range(cursor.extent.start.line, cursor.extent.end.line + 1):
            comment = lines[line - 1].partition("//")[2]
            found += re.findall(r"\[([A-Z]+-[0-9]+)\]", comment)
        return found

    # ---- text ------------------------------------------------------------------------------------

    def text(self, cursor):
        return self.sources[self.path][cursor.extent.start.offset:cursor.extent.end.offset].decode()

    def between(self, start, end):
        return self.sources[self.path][start:end].decode()

    def splice(self, cursor, parts):
        """The cursor's text with some of its children replaced."""
        result, at = "", cursor.extent.start.offset
        for child, text in parts:
            result += self.between(at, child.extent.start.offset) + text
            at = child.extent.end.offset
        return result + self.between(at, cursor.extent.end.offset)

    def children(self, cursor):
        """Its parts that are expressions or statements, in the order of the source."""
        parts, at = [], cursor.extent.start.offset
        for child in sorted(cursor.get_children(), key=lambda c: c.extent.start.offset):
            if not (child.kind.is_expression() or child.kind.is_statement()
                    or child.kind == K.VAR_DECL):
                continue
            if child.extent.start.offset < at or child.extent.end.offset > cursor.extent.end.offset:
                continue
            at = child.extent.end.offset
            parts.append(child)
        return parts

    # ---- statements ------------------------------------------------------------------------------

    def statement(self, cursor, before_else=False):
        kind = cursor.kind
        if kind == K.COMPOUND_STMT:
            mark = len(self.variables)
            text = self.splice(cursor, [(c, self.statement(c)) for c in self.children(cursor)])
            del self.variables[mark:]
            return text
        if kind == K.IF_STMT:
            return self.if_statement(cursor)
        if kind in (K.FOR_STMT, K.CXX_FOR_RANGE_STMT, K.WHILE_STMT, K.SWITCH_STMT, K.CASE_STMT,
                    K.DEFAULT_STMT):
            mark = len(self.variables)
            for child in cursor.get_children():
                for part in [child, *child.get_children()]:
                    if part.kind == K.VAR_DECL:
                        self.declare(part, initialised=True)
            body = self.children(cursor)[-1]
            text = self.splice(cursor, [(body, self.statement(body))])
            del self.variables[mark:]
            return text
        if kind == K.DECL_STMT:
            return self.splice(cursor, [(c, self.variable(c)) for c in self.children(cursor)])
        if kind == K.RETURN_STMT:
            parts = self.children(cursor)
            if parts:
                return self.splice(cursor, [(parts[0], self.expression(parts[0], term=True))])
        if kind in (K.RETURN_STMT, K.BREAK_STMT, K.CONTINUE_STMT):
            if before_else:
                return self.text(cursor)
            original = self.text(cursor)
            return f"if (!lhm::on({self.new(cursor, original, '(dropped)')})) {original}"
        if kind.is_expression():
            if self.is_check(cursor):
                return self.text(cursor)
            first = self.new(cursor, self.text(cursor), "(dropped)")
            return f"(lhm::on({first}) ? void() : void({self.expression(cursor)}))"
        return self.text(cursor)

    def if_statement(self, cursor):
        parts = self.children(cursor)
        at = next(i for i, c in enumerate(parts) if c.kind != K.VAR_DECL)
        condition, branches = parts[at], parts[at + 1:]
        if len(branches) == 1 and self.is_check(branches[0]):
            return self.text(cursor)
        new = []
        if "constexpr" not in self.between(cursor.extent.start.offset,
                                           condition.extent.start.offset):
            for variable in parts[:at]:
                self.declare(variable, initialised=True)
            if at == 0:
                new.append((condition, self.condition(condition)))
        before, after = set(self.used), set()
        for i, branch in enumerate(branches):
            self.used = set(before)
            new.append((branch, self.statement(branch, before_else=i + 1 < len(branches))))
            after |= self.used
        self.used = before | after
        return self.splice(cursor, new)

    def condition(self, cursor):
        inner = self.inner(cursor)
        if inner.kind == K.BINARY_OPERATOR:
            return self.expression(cursor)
        return (f"lhm::condition({self.new(cursor, self.text(cursor), *INSTEAD['condition'])}, "
                f"{self.expression(cursor)})")

    def variable(self, cursor):
        """A declaration with its initial value."""
        if cursor.kind != K.VAR_DECL:
            return self.text(cursor)
        start = self.between(cursor.extent.start.offset, cursor.extent.end.offset)
        parts = self.children(cursor)
        reference = "&" in cursor.type.spelling and not is_const(cursor)
        result = self.text(cursor)
        if parts and parts[-1].extent.start.offset == cursor.location.offset:  # name(a, b)
            arguments = self.children(self.inner(parts[-1]))
            result = self.splice(cursor, [(a, self.expression(a)) for a in arguments])
        elif parts and not re.match(r"\s*(static|constexpr)\b", start) and not reference:
            numeric = bare_type(cursor) in NUMBERS
            result = self.splice(cursor, [(parts[-1], self.expression(parts[-1], term=numeric))])
        self.declare(cursor, initialised=bool(parts))
        return result

    def is_check(self, cursor):
        """Whether this calls a function that only refuses wrong arguments."""
        return re.match(r"(require|check)\w*\(", self.text(cursor)) is not None

    # ---- expressions -----------------------------------------------------------------------------

    @staticmethod
    def inner(cursor):
        """Without implicit casts."""
        while cursor.kind == K.UNEXPOSED_EXPR:
            children = [c for c in cursor.get_children() if c.kind.is_expression()]
            if len(children) != 1 or (children[0].extent.start.offset,
                                      children[0].extent.end.offset) != (
                                          cursor.extent.start.offset, cursor.extent.end.offset):
                break
            cursor = children[0]
        return cursor

    def numeric(self, cursor):
        kind = bare_type(cursor)
        return kind in NUMBERS or (self.formula and kind == DEPENDENT)

    def expression(self, cursor, term=False):
        """`term`: it stands as a whole term, a side of a sum, an argument or a result."""
        cursor = self.inner(cursor)
        kind = cursor.kind
        if kind == K.PAREN_EXPR:
            parts = self.children(cursor)
            return self.splice(cursor, [(parts[0], self.expression(parts[0], term))])
        if kind == K.BINARY_OPERATOR:
            text, wrap = self.binary(cursor)
        elif kind == K.COMPOUND_ASSIGNMENT_OPERATOR:
            text, wrap = self.compound_assignment(cursor), None
        elif kind == K.UNARY_OPERATOR:
            text, wrap = self.unary(cursor)
        elif kind in (K.CALL_EXPR, K.CXX_FUNCTIONAL_CAST_EXPR):
            text, wrap = self.call(cursor)
        elif kind == K.DECL_REF_EXPR:
            text, wrap = self.name_use(cursor), "signed_term"
            self.used.add(cursor.spelling)
        elif kind == K.MEMBER_REF_EXPR:
            text, wrap = self.member(cursor), "signed_term"
        elif kind == K.CONDITIONAL_OPERATOR:
            return self.conditional(cursor, term)
        elif kind in LITERALS:
            text, wrap = self.literal(cursor), None
        elif kind == K.LAMBDA_EXPR:
            return self.lambda_body(cursor)
        elif kind == K.INIT_LIST_EXPR:
            return self.splice(cursor, [(c, self.expression(c)) for c in self.children(cursor)
                                        if self.inner(c).kind not in LITERALS])
        elif kind == K.ARRAY_SUBSCRIPT_EXPR:
            index = self.children(cursor)[-1]
            return self.splice(cursor, [(index, self.expression(index))])
        elif kind == K.CXX_STATIC_CAST_EXPR:
            return self.splice(cursor, [(c, self.expression(c))
                                        for c in self.children(cursor)[-1:]])
        else:
            return self.text(cursor)
        if term and wrap and self.numeric(cursor):
            first = self.new(cursor, self.text(cursor),
                             *(m.format(self.text(cursor)) for m in INSTEAD[wrap]))
            return f"lhm::{wrap}({first}, {text})"
        return text

    def operator_of(self, left, right):
        text = re.sub(r"//[^\n]*", "",
                      self.between(left.extent.end.offset, right.extent.start.offset))
        return text.strip()

    def binary(self, cursor):
        left, right = self.children(cursor)
        operator = self.operator_of(left, right)
        if operator == "=":
            target = self.inner(left)
            text = self.expression(right, term=self.numeric(target))
            self.used.add(target.spelling)
            return self.splice(cursor, [(right, text)]), None
        if operator in ("&&", "||"):
            a, b = self.text(left), self.text(right)
            first = self.new(cursor, self.text(cursor), a, b)
            return (f"(lhm::on({first}) ? ({a}) : lhm::on({first + 1}) ? ({b}) : "
                    f"({self.condition(left)} {operator} {self.condition(right)}))"), None
        name = BINARY.get(operator) or COMPARE.get(operator)
        if name is None or "nullptr" in (self.text(left), self.text(right)):
            return self.text(cursor), None
        generic = {bare_type(left), bare_type(right)} & {"T", DEPENDENT}
        if operator in ("==", "!=") and self.formula and generic:
            return self.text(cursor), None  # packs have no !=
        first = self.new(cursor, self.text(cursor), *(
            m.format(self.text(left), self.text(right)) for m in INSTEAD[name]))
        summand = operator in ("+", "-")
        return (f"lhm::{name}({first}, {self.expression(left, term=summand)}, "
                f"{self.expression(right, term=summand)})"), (
                    None if operator in COMPARE else
                    "term" if operator == "-" else "signed_term")

    def compound_assignment(self, cursor):
        left, right = self.children(cursor)
        operator = self.operator_of(left, right)
        other = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*="}.get(operator)
        value = self.expression(right, term=bare_type(right) in NUMBERS)
        plain = self.text(left)
        if other is None:
            return f"{plain} {operator} {value}"
        first = self.new(cursor, self.text(cursor), f"{plain} {other} {self.text(right)}",
                         f"{plain} = {self.text(right)}")
        return (f"(lhm::on({first}) ? void({plain} {other} {self.text(right)}) : "
                f"lhm::on({first + 1}) ? void({plain} = {self.text(right)}) : "
                f"void({plain} {operator} {value}))")

    def unary(self, cursor):
        operand = self.children(cursor)[0]
        operator = self.between(cursor.extent.start.offset, operand.extent.start.offset).strip()
        if operator == "-":
            first = self.new(cursor, self.text(cursor), self.text(operand))
            return f"lhm::negated({first}, {self.expression(operand)})", "term"
        if operator == "!":
            return self.splice(cursor, [(operand, self.expression(operand))]), None
        if operator in ("++", "--"):
            other = "--" if operator == "++" else "++"
            first = self.new(cursor, self.text(cursor), other + self.text(operand))
            return f"(lhm::on({first}) ? {other}{self.text(operand)} : {self.text(cursor)})", None
        return self.text(cursor), None

    def call(self, cursor):
        parts = self.children(cursor)
        source = self.text(cursor)
        if self.is_check(cursor) or not parts:
            return source, None
        if not source.endswith(")") or re.match(r"pass\.matrix\(|[\w:]+\{", source):
            return source, None
        converts = any(c.kind == K.TYPE_REF and c.extent.start.offset == cursor.extent.start.offset
                       for c in cursor.get_children())
        if converts:  # T(0.5)
            zero = re.fullmatch(r"\w+\(0\)", source)
            return self.splice(cursor, [(c, self.expression(c)) for c in parts]), (
                None if zero else "signed_term")
        callee, arguments = parts[0], parts[1:]
        name = re.match(r"[\w:.\[\]<>-]*", source).group()
        short = name.split("::")[-1]
        if re.fullmatch(r"\w+\.store\(\w+\)", source):
            instead = ["Store::assign", "Store::accumulate"]
            return self.one_of(cursor, source, instead), None
        new = []
        base = self.object_of(callee)
        if base is not None:
            new.append((base, self.name_use(base)))
        for argument in arguments:
            inner = self.inner(argument)
            place = inner.kind in (K.DECL_REF_EXPR, K.MEMBER_REF_EXPR) and not is_const(inner)
            new.append((argument, self.expression(argument, term=not place)))
        if len(arguments) == 1 and short in UNARY_FUNCTIONS:
            first = self.new(cursor, source, self.text(arguments[0]))
            return (f"lhm::function({first}, {new[-1][1]}, "
                    f"[&](const auto& lhm_x) {{ return {name}(lhm_x); }})"), "signed_term"
        return self.swaps(cursor, arguments, self.splice(cursor, new), name), "signed_term"

    def object_of(self, callee):
        """x of x.middle_rows, where x is a matrix that has a name."""
        if callee.kind != K.MEMBER_REF_EXPR:
            return None
        matrices = ("View<", "ConstView<")
        for child in callee.get_children():
            if child.kind == K.DECL_REF_EXPR and bare_type(child).startswith(matrices):
                return child
        return None

    def swaps(self, cursor, arguments, text, name):
        """Each two arguments of the same type exchanged."""
        all_matrices = re.fullmatch(r"(longhand::)?(in|out)<B>", name) is not None
        whole = self.text(cursor)
        for i, a in enumerate(arguments):
            for b in arguments[i + 1:]:
                a_text, b_text = self.text(a), self.text(b)
                same = all_matrices or self.same_kind(self.inner(a), self.inner(b))
                if a_text == b_text or not same:
                    continue
                swapped = self.splice(cursor, [(a, b_text), (b, a_text)])
                text = f"(lhm::on({self.new(cursor, whole, swapped)}) ? {swapped} : {text})"
        return text

    def same_kind(self, a, b):
        kinds = bare_type(a), bare_type(b)
        if not (self.formula and set(kinds) <= {"T", DEPENDENT}):
            return kinds[0] == kinds[1] and kinds[0] not in ("auto", DEPENDENT)
        places = [c.kind == K.DECL_REF_EXPR and not is_const(c) for c in (a, b)]
        return places[0] == places[1] and not self.compares(a) and not self.compares(b)

    def compares(self, cursor):
        return (cursor.kind == K.BINARY_OPERATOR
                and self.operator_of(*self.children(cursor)) in COMPARE)

    def name_use(self, cursor):
        """A variable or an enumerator: another one of its type instead."""
        source = self.text(cursor)
        declared = cursor.referenced
        if declared is not None and declared.kind == K.ENUM_CONSTANT_DECL:
            names = [c.spelling for c in declared.semantic_parent.get_children()
                     if c.kind == K.ENUM_CONSTANT_DECL and c.spelling != declared.spelling]
            others = [source[:source.rfind(declared.spelling)] + n for n in names]
        else:
            kind, const = bare_type(cursor), is_const(cursor)
            if not any(v[0] == source for v in self.variables) or kind in ("auto", DEPENDENT):
                return source
            others = list(dict.fromkeys(
                name for name, other_kind, other_const in self.variables
                if other_kind == kind and name != source and name in self.used
                and (const or not other_const)))
        return self.one_of(cursor, source, others)

    def one_of(self, cursor, source, others):
        if not others:
            return source
        first = self.new(cursor, source, *others)
        if is_const(cursor) or cursor.kind in LITERALS:
            return f"lhm::one_of({first}, {source}, {', '.join(others)})"
        text = source  # may be written to
        for i, other in enumerate(others):
            text = f"(lhm::on({first + i}) ? {other} : {text})"
        return text

    def member(self, cursor):
        """A data member: another one of its type instead."""
        source = self.text(cursor)
        base, dot, name = re.fullmatch(r"(.*?)(\.|->|)(\w+)", source, re.DOTALL).groups()
        if "::" in source:
            return source
        declared = cursor.referenced
        owner = None
        if declared is not None and declared.kind == K.FIELD_DECL:
            owner = struct_of(declared.semantic_parent)
        else:
            for child in cursor.get_children():
                if child.kind.is_expression():
                    owner = self.named_struct(bare_type(child))
        owners = [names for (struct, _), names in self.fields.items()
                  if name in names and (struct == owner or owner in (None, ""))]
        others = [n for names in owners[:1] for n in names if n != name]
        return self.one_of(cursor, source, [f"{base}{dot}{n}" for n in others])

    def named_struct(self, spelling):
        """The struct that a type's spelling names; the one of the function's own class first."""
        name = re.sub(r"^typename ", "", spelling)
        while "<" in name:
            name, replaced = re.subn(r"<[^<>]*>", "", name)
            if not replaced:
                break
        if name in ("View", "ConstView"):
            return "MatrixView"
        structs = {struct for struct, _ in self.fields}
        own = self.name.rpartition("::")[0] + "::" + name
        return own if own in structs else name

    def literal(self, cursor):
        source = self.text(cursor)
        if not re.fullmatch(r"[0-9.]+(e[+-]?[0-9]+)?", source):
            return source
        other = ("1" if float(source) == 0 else f"2 * {source}")
        if float(source) == 0 and "." in source:
            other = "1."
        return self.one_of(cursor, source, [other])

    def conditional(self, cursor, term):
        condition, yes, no = self.children(cursor)
        parts = [(condition, self.condition(condition))]
        for branch in (yes, no):
            parts.append((branch, self.expression(branch, term)))
        return "(" + self.splice(cursor, parts) + ")"

    def lambda_body(self, cursor):
        mark = len(self.variables)
        body = None
        for child in cursor.get_children():
            if child.kind == K.PARM_DECL:
                self.declare(child, initialised=True)
            if child.kind == K.COMPOUND_STMT:
                body = child
        text = self.splice(cursor, [(body, self.statement(body))]) if body else self.text(cursor)
        del self.variables[mark:]
        return text

    # ---- the result ------------------------------------------------------------------------------

    def rewritten(self):
        """{path: the header with all its mutants}, for headers that have any."""
        result = {}
        for path, edits in self.edits.items():
            if not edits:
                continue
            text, at = b"", 0
            for start, end, new in sorted(edits):
                text += self.sources[path][at:start] + new.encode()
                at = end
            text += self.sources[path][at:]
            include = b"#pragma once\n"
            result[path] = text.replace(include, include + (
                b"#include <longhand/mutation.hpp>\n"
                b"namespace longhand { namespace lhm = mutation; }\n"), 1)
        return result
