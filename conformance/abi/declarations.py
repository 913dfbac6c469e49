"""What a set of C headers declares, taken from the compiler: functions, structures with all their
fields, enumerations, typedefs and macros, each with its type and the header that declares it. The
gates compare two such sets; nothing here knows which of them is the original. Nothing is written by
hand, so nothing can be forgotten."""

import functools
import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field as dataclass_field


@dataclass
class Declarations:
    functions: dict = dataclass_field(default_factory=dict)  # name -> type, with attributes
    inlines: dict = dataclass_field(default_factory=dict)  # those that are no symbols
    records: dict = dataclass_field(default_factory=dict)  # "struct event" -> [Field]
    enumerators: dict = dataclass_field(default_factory=dict)  # name -> "enum its_enum"
    typedefs: dict = dataclass_field(default_factory=dict)  # name -> type
    variables: dict = dataclass_field(default_factory=dict)  # name -> type
    externs: dict = dataclass_field(default_factory=dict)  # those that only inline code can see
    macros: dict = dataclass_field(default_factory=dict)  # name -> Macro
    header_of: dict = dataclass_field(default_factory=dict)  # name -> header


@dataclass
class Field:
    path: str  # "ev_.ev_io.ev_timeout"
    type: str
    bits: str = ""  # of a bit field


@dataclass
class Macro:
    parameters: tuple  # None for an object-like one
    variadic: bool = False


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError("%s\n%s" % (" ".join(command), done.stderr))
    return done.stdout


def includes(headers):
    return "".join("#include <%s>\n" % header for header in headers)


@functools.lru_cache(maxsize=None)
def read(directory, headers, flags=()):
    """The declarations of `headers`, found in `directory`, when they are included in this order."""
    options = ["-I" + directory, *flags]
    found = Declarations()
    with tempfile.TemporaryDirectory() as work:
        source = os.path.join(work, "all.c")
        with open(source, "w") as file:
            file.write(includes(headers))
        tree = json.loads(run(["clang", "-Xclang", "-ast-dump=json", "-fsyntax-only", "-w", *options,
                               source]))
    Reader(found, wanted_files(directory, headers)).read(tree)
    read_macros(found, directory, headers, options)
    return found


ORIGINAL = "/usr/include"


def wanted_files(directory, headers):
    """The files of those headers. Debian may keep one that depends on the machine apart."""
    multiarch = run(["gcc", "-print-multiarch"]).strip()
    return {os.path.realpath(os.path.join(directory, place, header)): header
            for header in headers for place in ("", multiarch)}


class Reader:
    """Walks clang's tree. It writes a file name only where that differs from the one before, so
    places are followed through the whole document, in order."""

    def __init__(self, found, wanted):
        self.found = found
        self.wanted = wanted
        self.file = None

    def follow(self, place):
        if not isinstance(place, dict):
            return
        for key in ("spellingLoc", "expansionLoc"):
            self.follow(place.get(key))
        if "file" in place:
            self.file = place["file"]

    def read(self, tree):
        for node in tree["inner"]:
            self.follow(node.get("loc"))
            header = self.wanted.get(os.path.realpath(self.file)) if self.file else None
            for key in ("begin", "end"):
                self.follow(node.get("range", {}).get(key))
            self.follow_all(node.get("inner", ()))
            if header:
                self.declare(node, header)

    def follow_all(self, nodes):
        for node in nodes:
            if not isinstance(node, dict):
                continue
            self.follow(node.get("loc"))
            for key in ("begin", "end"):
                self.follow(node.get("range", {}).get(key))
            self.follow_all(node.get("inner", ()))

    def declare(self, node, header):
        kind, name = node["kind"], node.get("name", "")
        if node.get("isImplicit"):
            return
        if kind == "FunctionDecl":
            inline = node.get("storageClass") == "static" or node.get("inline")
            (self.found.inlines if inline else self.found.functions)[name] = self.type_of(node)
            self.declare_inside(node, header)
        elif kind == "VarDecl":
            self.found.variables[name] = self.type_of(node)
        elif kind == "TypedefDecl":
            self.found.typedefs[name] = self.type_of(node)
        elif kind == "RecordDecl" and node.get("completeDefinition"):
            name = node["tagUsed"] + " " + name
            self.found.records[name] = list(self.fields(node, ""))
        elif kind == "EnumDecl":
            for value in node.get("inner", ()):
                if value["kind"] == "EnumConstantDecl":
                    self.found.enumerators[value["name"]] = "enum " + name
                    self.found.header_of[value["name"]] = header
            return
        else:
            return
        self.found.header_of[name] = header

    def declare_inside(self, node, header):
        """An inline function may declare the symbols that it alone is to use."""
        for inner in node.get("inner", ()):
            if inner.get("kind") == "VarDecl" and inner.get("storageClass") == "extern":
                self.found.externs[inner["name"]] = self.type_of(inner)
                self.found.header_of[inner["name"]] = header
            self.declare_inside(inner, header)

    def type_of(self, node):
        """The type, and what attributes add to it."""
        text = normal(node["type"]["qualType"])
        for inner in node.get("inner", ()):
            if inner.get("kind", "").endswith("Attr") and inner["kind"] not in IRRELEVANT_ATTRIBUTES:
                text += " [%s%s]" % (inner["kind"], " " + inner["message"] if "message" in inner else "")
        return text

    def fields(self, record, prefix):
        nested = None
        for node in record.get("inner", ()):
            if node["kind"] == "RecordDecl":
                nested = node
            elif node["kind"] == "FieldDecl":
                kind = node["type"]["qualType"]
                path = prefix + node.get("name", "")
                if "unnamed" in kind or "anonymous" in kind:
                    inner_prefix = path + "." if node.get("name") else prefix
                    if node.get("name"):
                        yield Field(path, normal(kind))
                    yield from self.fields(nested, inner_prefix)
                else:
                    bits = "bits" if node.get("isBitfield") else ""
                    yield Field(path, normal(kind), bits)


# Where a symbol lands is the linker map's business, not the type's.
IRRELEVANT_ATTRIBUTES = {"VisibilityAttr"}


def normal(text):
    """A type without the places that clang names unnamed types by."""
    return re.sub(r"\((unnamed|anonymous)[^)]*\)", "{}", text)


LINE_MARK = re.compile(r'^# \d+ "([^"]*)"')
DEFINE = re.compile(r"^#define (\w+)(\(([^)]*)\))?")
UNDEFINE = re.compile(r"^#undef (\w+)")


def read_macros(found, directory, headers, flags):
    """What is still defined at the end, by the header that defined it."""
    wanted = wanted_files(directory, headers)
    text = subprocess.run(["gcc", "-E", "-dD", "-w", *flags, "-"], input=includes(headers),
                          capture_output=True, text=True, check=True).stdout
    header = None
    for line in text.splitlines():
        mark = LINE_MARK.match(line)
        if mark:
            header = wanted.get(os.path.realpath(mark.group(1)))
            continue
        undefined = UNDEFINE.match(line)
        if undefined:
            found.macros.pop(undefined.group(1), None)
            continue
        define = DEFINE.match(line)
        if define and header:
            parameters = None
            variadic = False
            if define.group(2) is not None:
                names = [name.strip() for name in define.group(3).split(",") if name.strip()]
                variadic = bool(names) and names[-1].endswith("...")
                parameters = tuple(name for name in names if not name.endswith("..."))
            found.macros[define.group(1)] = Macro(parameters, variadic)
            found.header_of[define.group(1)] = header
        elif define:
            found.macros.pop(define.group(1), None)
