#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the machine code of the CPU's loop over every formula (sweeps.cpp, compiled for AVX2): it
computes in whole registers, and nothing it calls is a scalar function of the mathematics library.
A loss of vectorisation changes no result and fails no other test; it only costs a factor of ten.

Usage: vectorised.py OBJDUMP LIBRARY
"""

import re
import subprocess
import sys

LOOP = re.compile(r"longhand::detail::(?:sweep|sum_down|gather_column|softmax_\w+)<")
ARITHMETIC = re.compile(r"\bv(?:f?n?m?(?:add|sub|mul|div)\w*|max|min|sqrt|blendv|cmp\w*)"
                        r"(p|s)([sd])\b(.*)")
# exp, log1pf, std::tanh, …: as libm exports them.
LIBM = re.compile(r"^(?:exp|expm1|log|log1p|tanh|erf|sqrt|pow|fma|sin|cos)f?$")


def functions(objdump, library):
    """Name -> (instructions, names of what it calls or jumps to)."""
    text = subprocess.run([objdump, "--disassemble", "--demangle", "--no-show-raw-insn", library],
                          check=True, capture_output=True, text=True).stdout
    found, current = {}, None
    for line in text.splitlines():
        if start := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            current = found.setdefault(start[1], ([], set()))
        elif current and (instruction := re.match(r"\s+[0-9a-f]+:\t(.*)$", line)):
            current[0].append(instruction[1])
            if target := re.search(r"[0-9a-f] <(.*?)(?:@plt)?(?:\+0x[0-9a-f]+)?>$", line):
                current[1].add(target[1])
    return found


def reached(start, found):
    """The functions that `start` may call, itself included, and all names they refer to."""
    seen, todo, names = set(), [start], set()
    while todo:
        name = todo.pop()
        if name in seen or name not in found:
            continue
        seen.add(name)
        names |= found[name][1]
        todo += found[name][1]
    return seen, names


def fault(start, found):
    """What is wrong with a loop, or nothing."""
    seen, names = reached(start, found)
    scalar = sorted(name for name in names if LIBM.match(name))
    if scalar:
        return "calls " + ", ".join(scalar)
    whole = halves = 0
    for name in seen:
        for instruction in found[name][0]:
            if match := ARITHMETIC.match(instruction):
                whole += match[1] == "p" and "%ymm" in match[3]
                halves += match[1] == "s" or "%ymm" not in match[3]
    moves = any(re.match(r"vmov\w+ .*%ymm", i) for name in seen for i in found[name][0])
    if not moves:
        return "moves nothing through whole registers"
    if halves > whole:
        return f"has {halves} instructions on less than whole registers, {whole} on whole ones"
    return None


found = functions(*sys.argv[1:3])
faults = {name: fault(name, found) for name in found if LOOP.search(name)}
caught = [name for name in faults if "OneByOne" in name]
problems = [f"{name}: {what}" for name, what in faults.items() if what and name not in caught]
if len(faults) < 100:
    problems.append(f"only {len(faults)} loops were found")
if not caught or not all(faults[name] for name in caught):
    problems.append("the loop that is not vectorised was not noticed")
print(*problems, f"{len(faults)} loops, {len(problems)} problems", sep="\n")
sys.exit(1 if problems else 0)
