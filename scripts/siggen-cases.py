#!/usr/bin/env python3
"""Writes function names and their normalization by Mozilla's siggen as JSON; run by scripts/siggen-agreement.

Real names are demangled symbols of libraries on this machine, picked with a seed; the others are generated.
"""

import json
import random
import subprocess
import sys

from siggen.rules import CSignatureTool

SEED = 4
TOOL = CSignatureTool()


def run(words):
    return subprocess.run(words, capture_output=True, text=True, errors="replace").stdout


def symbols(path, keep):
    """The functions of a library, demangled, and sorted so that the same seed picks the same ones."""
    names = set()
    for table in (["-D"], []):
        # In table order both times, so that the lines correspond.
        words = ["nm", "--no-sort", "--defined-only", *table, path]
        for mangled, plain in zip(run(words).splitlines(), run([*words, "--demangle"]).splitlines()):
            symbol, name = mangled.split(" ", 2), plain.split(" ", 2)
            if len(symbol) < 3 or len(name) < 3 or symbol[1] not in "TtWiVv":
                continue
            if keep(symbol[2]) and is_function(name[2]):
                names.add(name[2].split("@")[0])
    return sorted(names)


def is_c(mangled):
    return not mangled.startswith(("_Z", "_R", "$s", "."))


def is_cpp(mangled):
    return mangled.startswith("_Z") and "17h" not in mangled


def is_rust(mangled):
    return mangled.startswith("_R") or (mangled.startswith("_ZN") and "17h" in mangled)


def is_function(name):
    tables = ("vtable for", "typeinfo", "guard variable", "VTT for", "construction vtable", "covariant", "TLS ",
              "non-virtual thunk", "virtual thunk", "reference temporary", "_Z", "_R")
    return not name.startswith(tables)


def draw(names, count, chance):
    return names if len(names) <= count else chance.sample(names, count)


def made_cpp(chance):
    word = lambda: chance.choice(
        ["World", "Actor", "Net", "Physics", "Game", "tick", "Buffer", "spawn", "Session", "on_close", "Replica"])
    kind = lambda: chance.choice(
        ["int", "unsigned long", "char const*", "World&", "std::vector<Actor*, std::allocator<Actor*> > const&",
         "std::function<void (int)>", "void*", "TArray<FName,TSizedDefaultAllocator<32> >", "Vec<3>&&"])
    path = [word() for _ in range(chance.randint(1, 4))]
    if chance.random() < 0.15:
        path.insert(chance.randint(0, len(path) - 1), "(anonymous namespace)")
    if chance.random() < 0.3:
        path[-1] += "<" + ", ".join(kind() for _ in range(chance.randint(1, 2))) + " >"
    if chance.random() < 0.05 and len(path) > 1:
        path[-1] = "operator" + chance.choice(
            ["()", "==", "<", "<<", "->", "[]", "+=", " bool", " new", "<=", ">>"])
    if chance.random() < 0.05:
        path.append("{lambda(%s)#%d}::operator()" % (kind(), chance.randint(1, 4)))
    name = "::".join(path)
    if chance.random() < 0.35:
        name = chance.choice(["void ", "static void ", "virtual int ", "std::string ", "Vec<3> const& "]) + name
    parameters = [kind() for _ in range(chance.randint(0, 3))]
    if parameters and chance.random() < 0.03:
        parameters[0] = "(anonymous namespace)::Key"
    name += "(" + ", ".join(parameters) + ")"
    if len(path) > 1:
        name += chance.choice(["", "", "", " const", " const&", " &&", " &"])
    if chance.random() < 0.02:
        name += " [clone .cold.%d]" % chance.randint(1, 300)
    return name


def made_rust(chance):
    word = lambda: chance.choice(["world", "net", "tick", "spawn", "arena", "poll", "drop_in_place", "session", "run"])
    kind = lambda: chance.choice(
        ["alloc::vec::Vec<u8>", "T", "core::option::Option<arena::Player>", "&mut [u8]", "i32", "(u32,u32)",
         "dyn core::fmt::Debug", "alloc::boxed::Box<dyn FnOnce()>"])
    name = "::".join([chance.choice(["core", "std", "alloc", "arena", "tokio"])] + [word() for _ in range(chance.randint(1, 3))])
    roll = chance.random()
    if roll < 0.25:
        name = "<%s as %s>::%s" % (kind(), name, word())
    elif roll < 0.35:
        name = "<%s>::%s" % (kind(), word())
    elif roll < 0.5:
        name += "<%s>" % kind()
    if chance.random() < 0.3:
        name += "::{{closure}}"
    if chance.random() < 0.4:
        name += "::h%016x" % chance.getrandbits(64)
    return name


def made_c(chance):
    name = "_".join(chance.choice(["world", "net", "on", "tick", "read", "sv", "update", "x86"]) for _ in range(chance.randint(1, 4)))
    if chance.random() < 0.2:
        name = chance.choice(["static ", "static void ", "void * ", "int "]) + name + "(%s)" % chance.choice(
            ["", "void", "int, char const *", "struct edict_s *"])
    return name


def case(kind, origin, raw):
    make = TOOL.normalize_rust_function if kind == "rust" else TOOL.normalize_cpp_function
    return {"kind": kind, "origin": origin, "raw": raw, "expected": make(function=raw, line=None)}


def main():
    out, libraries = sys.argv[1], {"c": [], "cpp": [], "rust": []}
    for argument in sys.argv[2:]:
        kind, path = argument.split("=", 1)
        libraries[kind].append(path)
    chance, cases = random.Random(SEED), []
    keeps = {"c": is_c, "cpp": is_cpp, "rust": is_rust}
    for kind, count in (("c", 1000), ("cpp", 4000), ("rust", 3000)):
        for index, path in enumerate(libraries[kind]):
            # The unused share of a small library goes to the next ones.
            share = count // (len(libraries[kind]) - index)
            names = draw(symbols(path, keeps[kind]), share, chance)
            count -= len(names)
            print(f"{kind}: {len(names)} names of {path}", file=sys.stderr)
            cases += [case(kind, "real", name) for name in names]
    for kind, count, make in (("c", 1000, made_c), ("cpp", 2000, made_cpp), ("rust", 1000, made_rust)):
        cases += [case(kind, "made", make(chance)) for _ in range(count)]
    unique = {(one["kind"], one["raw"]): one for one in cases}
    with open(out, "w", encoding="utf-8") as file:
        json.dump(list(unique.values()), file)
    print(f"{len(unique)} cases", file=sys.stderr)


main()
