#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts a netlist that yosys wrote (write_json) for the XC7Z020, finds its slowest paths and its busiest nets:
netlist.py FILE [TOP]. Modules that were kept apart are counted wherever they stand; they have registers at their borders.

Packed LUTs: two look-up tables with five different inputs or fewer between them share one, as in the chip; pairs are
found greedily, by inputs in common. The time of a path is an estimate from the family's published cell delays and 0.65 ns a
wire; nothing is placed or routed."""
import collections
import json
import sys

PUBLISHED = {"LUT": 24000, "FF": 28000, "BRAM36": 120, "DSP": 150}  # one network, W1A2 only
CHIP = {"LUT": 53200, "FF": 106400, "BRAM36": 140, "DSP": 220}
LUT_MEMORY = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "SRL16E": 1, "SRLC32E": 1}
WIRE = 0.65
CLOCKS = {"C", "CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK", "clock"}


def cells_of(design, top):
    """The cells of the top module and, counted in place, of those kept apart in it."""
    for name, cell in design[top]["cells"].items():
        inside = design.get(cell["type"], {"attributes": {"blackbox": 1}})
        if not {"blackbox", "whitebox"} & inside["attributes"].keys():
            for _, inner in cells_of(design, cell["type"]):
                yield name, inner
        else:
            yield name, cell


def packed(luts):
    """How many six-input tables hold these sets of inputs."""
    full = sum(len(inputs) > 5 for inputs in luts)
    small = [inputs for inputs in luts if len(inputs) <= 5]
    users = collections.defaultdict(list)
    for i, inputs in enumerate(small):
        for net in inputs:
            users[net].append(i)
    free = set(range(len(small)))
    pairs = 0
    for i in sorted(free, key=lambda i: -len(small[i])):
        if i not in free:
            continue
        common = collections.Counter(
            j for net in small[i] if len(users[net]) < 64 for j in users[net] if j != i and j in free)
        fits = [j for j in common if len(small[i] | small[j]) <= 5]
        if fits:
            best = max(fits, key=lambda j: (len(small[i] & small[j]), len(small[j])))
            free -= {i, best}
            pairs += 1
    sizes = collections.Counter(len(small[i]) for i in free)
    strangers = 0  # nothing in common, yet five inputs or fewer
    for big, little in ((4, 1), (3, 2), (3, 1), (2, 2), (2, 1), (1, 1)):
        n = min(sizes[big], sizes[little]) if big != little else sizes[big] // 2
        sizes[big] -= n
        sizes[little] -= n
        strangers += n
    return full + len(small) - pairs, full + len(small) - pairs - strangers


def arcs(cell):
    """(inputs, output, delay, wire before it, levels) of each combinational output; None as inputs: a register's."""
    kind = cell["type"]
    nets = cell["connections"]

    def get(*ports):
        return [bit for port in ports for bit in nets.get(port, [])]

    if kind.startswith("LUT") or kind == "INV":
        yield get("I", "I0", "I1", "I2", "I3", "I4", "I5"), nets["O"][0], 0.124, WIRE, 1
    elif kind in ("MUXF7", "MUXF8"):
        yield get("I0", "I1"), nets["O"][0], 0.25, 0, 0
        yield get("S"), nets["O"][0], 0.3, WIRE, 0
    elif kind == "CARRY4":
        for i in range(4):
            for out, extra in [(nets[p][i], e) for p, e in (("O", 0.2), ("CO", 0)) if len(nets.get(p, [])) > i]:
                yield get("CI"), out, 0.1 + extra, 0, 0
                yield [b for p in ("S", "DI") for b in nets.get(p, [])[:i + 1]] + get("CYINIT"), out, 0.45 + extra, 0, 0
    elif kind in ("RAM32M", "RAM64M"):
        for port in "ABCD":
            for out in nets.get("DO" + port, []):
                yield get("ADDR" + port), out, 0.15, WIRE, 1
                yield None, out, 1.3, 0, 1
    elif kind == "DSP48E1":
        held = {name: int(str(cell["parameters"].get(name, "0")), 2) for name in ("AREG", "BREG", "MREG", "PREG")}
        for out in nets.get("P", []):
            if held["PREG"]:
                yield None, out, 0.44, 0, 0
            elif held["MREG"]:
                yield None, out, 1.7, 0, 0
            else:
                yield None, out, 3.8, 0, 0
                if not held["AREG"] or not held["BREG"]:
                    yield get("A", "B"), out, 3.8, WIRE, 0
    else:
        delay = 2.45 if kind.startswith("RAMB") else 1.6 if kind.startswith("SRL") else 0.52
        for port, bits in nets.items():
            if cell.get("port_directions", {}).get(port) == "output":
                for bit in bits:
                    yield None, bit, delay, 0, 0


def modules_of(design, top):
    """The top module and those kept apart in it, each once."""
    names = [top]
    for name in names:
        kinds = {cell["type"] for cell in design[name]["cells"].values()}
        names += sorted(kind for kind in kinds & design.keys() if kind not in names and
                        not {"blackbox", "whitebox"} & design[kind]["attributes"].keys())
    return names


def net_names(module):
    names = {}
    for name, net in module["netnames"].items():
        for i, bit in enumerate(net["bits"]):
            if bit not in names or names[bit].startswith("$"):
                names[bit] = f"{name}[{i}]" if len(net["bits"]) > 1 else name
    return names


def slowest(module):
    """(time, levels, net names) of the slowest paths, and the most levels."""
    into = collections.defaultdict(list)
    for port in module["ports"].values():
        if port["direction"] == "input":
            for bit in port["bits"]:
                into[bit].append((None, 0.52, 0, 0))  # a register's
    for cell in module["cells"].values():
        for inputs, out, delay, wire, levels in arcs(cell):
            into[out].append((inputs, delay, wire, levels))
    arrival = {}
    for root in list(into):
        stack = [root]
        while stack:
            net = stack[-1]
            if net in arrival:
                stack.pop()
                continue
            missing = [b for inputs, *_ in into.get(net, []) for b in inputs or [] if b not in arrival and b in into]
            if missing and len(stack) < 100000:
                stack.extend(missing)
                continue
            best = (0.0, 0, None)
            for inputs, delay, wire, levels in into.get(net, []):
                if inputs is None:
                    best = max(best, (delay, levels, None), key=lambda x: x[0])
                for b in inputs or []:
                    before = arrival.get(b, (0.0, 0, None))
                    at = before[0] + wire + delay
                    if at > best[0]:
                        best = (at, before[1] + levels, b)
            arrival[net] = best
            stack.pop()
    names = net_names(module)
    paths = []
    for end in sorted(arrival, key=lambda n: -arrival[n][0])[:4000]:
        chain, net = [], end
        while net is not None:
            chain.append(names.get(net, "?"))
            net = arrival.get(net, (0, 0, None))[2]
        paths.append((arrival[end][0] + WIRE + 0.1, arrival[end][1], chain[::-1]))
    return paths, max(a[1] for a in arrival.values())


def fan_outs(design, name):
    """How many pins of cells each net drives, through the modules kept apart."""
    count = collections.Counter()
    inside = {}
    for cell in design[name]["cells"].values():
        kind = cell["type"]
        apart = kind in design and not {"blackbox", "whitebox"} & design[kind]["attributes"].keys()
        if apart and kind not in inside:
            inside[kind] = fan_outs(design, kind)
        for port, bits in cell["connections"].items():
            if port in CLOCKS or cell["port_directions"][port] == "output":
                continue
            for i, bit in enumerate(bits):
                if isinstance(bit, int):
                    count[bit] += inside[kind][design[kind]["ports"][port]["bits"][i]] if apart else 1
    return count


def busiest(design, top):
    """(pins, net) of the nets that drive most, clocks apart, each bus once."""
    shown = {}
    for module in modules_of(design, top):
        names = net_names(design[module])
        for bit, pins in fan_outs(design, module).most_common(3000):
            name = names.get(bit, "?").split("[")[0]
            shown[name] = max(shown.get(name, 0), pins)
    return sorted(((pins, name) for name, pins in shown.items()), reverse=True)[:12]


def main():
    top = sys.argv[2] if len(sys.argv) > 2 else "twobit_overlay"
    with open(sys.argv[1], encoding="utf-8") as file:
        design = json.load(file)["modules"]
    count = collections.Counter()
    luts = []
    for _, cell in cells_of(design, top):
        kind = cell["type"]
        count[kind] += 1
        if kind.startswith("LUT"):
            luts.append(frozenset(b for p, bits in cell["connections"].items() if p != "O"
                                  for b in bits if isinstance(b, int)))
    memory = sum(n * count[kind] for kind, n in LUT_MEMORY.items())
    sharing, fewest = packed(luts)
    ours = {
        "LUT": sharing + memory,
        "FF": sum(count[kind] for kind in ("FDRE", "FDSE", "FDCE", "FDPE")),
        "BRAM36": count["RAMB36E1"] + count["RAMB18E1"] / 2,
        "DSP": count["DSP48E1"],
    }
    print("| | overlay | published, one network, W1A2 only | 85 % of the XC7Z020 |\n| --- | ---: | ---: | ---: |")
    for kind, value in ours.items():
        print(f"| {kind} | {value:,g} | {PUBLISHED[kind]:,} | {CHIP[kind] * 85 // 100:,} |")
    print(f"\nLUT: {len(luts):,} logic cells and {memory:,} for memories; pairs with inputs in common packed "
          f"(all pairs that fit: {fewest + memory:,}; none: {len(luts) + memory:,})")
    found = [slowest(design[name]) for name in modules_of(design, top)]
    paths = sorted((path for paths, _ in found for path in paths), key=lambda path: -path[0])
    levels = max(levels for _, levels in found)
    print(f"deepest path: {levels} look-up tables; slowest: {paths[0][0]:.1f} ns estimated, {paths[0][1]} look-up tables")
    shown = set()
    for time, depth, chain in paths:
        named = [n for n in chain if not n.startswith("$")]
        key = (named[0].split("[")[0], named[-1].split("[")[0]) if named else ("?", "?")
        if key not in shown and len(shown) < 8:
            shown.add(key)
            print(f"  {time:5.1f} ns, {depth:2d}: {key[0]} … {key[1]}")
    print("nets that drive most:")
    for pins, name in busiest(design, top):
        print(f"  {pins:5d} pins: {name}")
    return any(value > CHIP[kind] * 0.85 for kind, value in ours.items())


if __name__ == "__main__":
    sys.exit(main())
