"""The table: one line for each case and API, what it cost, and whether it meets its target.

Judges and prints; measures nothing. A line passes only if ours was there, was measured, and met
every bound of its row; each bound that it missed is named.
"""

from rows import PEERS

UNITS = (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1))
MORE_CALLS_TOLERATED = 0.01  # per unit: a turn of the loop more or less
# Who is woken may find the lock of who woke it still taken: one call to sleep, one to be woken, and
# one of each to no purpose.
LOCK_CALLS_PER_WAKE = 4


def figure(nanoseconds):
    for unit, size in UNITS:
        if nanoseconds >= size or unit == "ns":
            return f"{nanoseconds / size:.3g} {unit}"
    return "-"


def amount(line, name):
    """What a unit costs in one column, in the measure of its row."""
    if name not in line["cost"]:
        return "absent" if name == "ours" and "absent" in line else (
            "failed" if name in line["failures"] and not line.get("unsupported") else "-")
    value = line["cost"][name][line["metric"]]["median"]
    return f"{value:,.0f} B" if line["metric"] == "bytes" else figure(value)


def total(calls):
    return sum(calls.values())


def judge(case, line):
    """Writes the verdict and, for every bound of the row, what was found: [name, found, bound, met]."""
    bounds = line["bounds"] = []
    peer = PEERS[line["api"]]

    def at_least(name, found, bound):
        bounds.append([name, found, bound, found >= bound])

    def at_most(name, found, bound):
        bounds.append([name, found, bound, found <= bound])

    if "ratio" in line and peer in line["ratio"]:
        ratio = line["ratio"][peer]
        if case.slack:
            extra = line["cost"]["ours"][case.metric]["median"] - line["cost"][peer][case.metric][
                "median"]
            at_most(f"extra {case.metric}, ns", extra, case.slack)
        elif line["target"] is not None:
            at_least(case.metric, ratio[case.metric]["median"], line["target"])
        if case.peak_target:
            at_most("peak memory", 1 / ratio["peak"]["median"], case.peak_target)
        if case.bytes_of_library:
            at_most("loaded size", line["loaded"]["ours"] / line["loaded"][peer], 1.0)
    if case.floor_target and "floor" in line.get("ratio", {}):
        at_most("times the floor", 1 / line["ratio"]["floor"]["cpu"]["median"], case.floor_target)
    calls = line["calls"]
    if "ours" in calls and peer in calls:
        at_most(f"calls, of {peer}'s", total(calls["ours"]),
                total(calls[peer]) + MORE_CALLS_TOLERATED)
        if case.threads:
            locks = line["lock_calls"]
            at_most("calls for locks", locks["ours"],
                    max(locks[peer], LOCK_CALLS_PER_WAKE * calls["ours"].get("write", 0))
                    + MORE_CALLS_TOLERATED)
        if case.calls_target:
            at_most("calls", total(calls["ours"]), case.calls_target)
        if case.wakes:
            at_most("writes per sleep", calls["ours"].get("write", 0), sleeps(calls["ours"]))
        if case.wakes and "ours" in line.get("calls_by_chance", {}):
            own = line["calls_by_chance"]["ours"]
            at_most("writes per sleep, four threads", own.get("write", 0),
                    sleeps(own) + MORE_CALLS_TOLERATED)
    line["verdict"] = verdict(line)


def sleeps(calls):
    return sum(calls.get(name, 0) for name in ("epoll_wait", "epoll_pwait", "epoll_pwait2"))


def verdict(line):
    if line["failures"]:
        return "unsupported" if line.get("unsupported") else "failed"
    if "absent" in line:
        return "absent"
    if not line["bounds"]:
        return "measured"
    return "pass" if all(met for *_, met in line["bounds"]) else "short"


def flatness(row, api, curve):
    """A scaling row's own line: how much dearer a unit gets from the smallest size to the largest."""
    peer = PEERS[api]
    line = {"row": row, "case": "growth", "size": 0, "api": api, "unit": "", "target": 1.0,
            "metric": "growth", "failures": {}, "cost": {}, "calls": {}, "instructions": {},
            "libraries": {}, "bounds": [], "curve": False}
    line["sizes"] = [curve[0]["size"], curve[-1]["size"]]
    for each in curve:
        line["failures"].update(each["failures"])
        if "absent" in each:
            line["absent"] = each["absent"]
    growth = {name: curve[-1]["cost"][name]["cpu"]["median"] / cost["cpu"]["median"]
              for name, cost in curve[0]["cost"].items() if name in curve[-1]["cost"]}
    line["growth"] = growth
    if "ours" in growth and peer in growth:
        line["bounds"] = [["growth", growth["ours"], growth[peer], growth["ours"] <= growth[peer]]]
    line["verdict"] = verdict(line)
    return line


COLUMNS = "{:<13}{:<19}{:<6}{:>9} {:>9} {:>9} {:>9}  {:<20} {:>5}  {:<18} {:<12} {:>6}  {}"


def print_head():
    print("A figure is what one unit costs the server, in processor time unless it says B; a ratio"
          " is how many\ntimes cheaper ours is than its peer, by processor time with (min-max), then"
          " by wall time.\ncalls, insns: system calls and instructions per unit, ours:peer:floor.\n")
    print(COLUMNS.format("row", "case", "api", "ours", "libevent", "libev", "floor", "ratio",
                         "wall", "calls", "insns", "target", "verdict"))


def ratio_text(line):
    ratio = line.get("ratio", {}).get(PEERS[line["api"]])
    if not ratio:
        return "-", "-"
    one = ratio[line["metric"]]
    return f"{one['median']:.2f} ({one['min']:.2f}-{one['max']:.2f})", f"{ratio['wall']['median']:.2f}"


def side_by_side(values, api, form):
    names = ("ours", PEERS[api], "floor")
    return ":".join(form(values[name]) if name in values else "-" for name in names) if values else "-"


def fewer_calls(line):
    """Who wins on kernel calls."""
    calls = {name: total(each) for name, each in line["calls"].items() if name != "floor"}
    if len(calls) < 2 or abs(max(calls.values()) - min(calls.values())) < MORE_CALLS_TOLERATED:
        return ""
    return "<" if calls["ours"] == min(calls.values()) else ">"


def print_line(line):
    if line["metric"] == "growth":
        cells = {name: f"x{value:.2f}" for name, value in line["growth"].items()}
        cells.setdefault("ours", "absent" if "absent" in line else "-")
    else:
        cells = {name: amount(line, name) for name in ("ours", "libevent", "libev", "floor")}
    target = {None: "-"}.get(line["target"], f"{line['target']}")
    verdict_text = line["verdict"]
    missed = [f"{name} {found:.3g} vs {bound:.3g}"
              for name, found, bound, met in line["bounds"] if not met]
    if missed:
        verdict_text += ": " + ", ".join(missed)
    for name, reason in line["failures"].items():
        verdict_text += f": {name}: {reason}"
    calls = side_by_side(line["calls"], line["api"], lambda each: f"{total(each):.2f}")
    print(COLUMNS.format(line["row"], line["case"], line["api"], cells.get("ours", "-"),
                         cells.get("libevent", "-"), cells.get("libev", "-"),
                         cells.get("floor", "-"), *ratio_text(line), calls + fewer_calls(line),
                         side_by_side(line["instructions"], line["api"], lambda n: f"{n:.0f}"),
                         target, verdict_text), flush=True)


def print_tail(lines, seconds):
    counts = {}
    for line in lines:
        counts[line["verdict"]] = counts.get(line["verdict"], 0) + 1
    mapped = {}
    for line in lines:
        for name, libraries in line["libraries"].items():
            mapped.setdefault(name, set()).update(libraries)
    print("\nMapped by the runs of each column, as their memory maps say:")
    for name, libraries in sorted(mapped.items()):
        print(f"  {name}: {' '.join(sorted(libraries)) or 'none'}")
    print(f"\n{len(lines)} lines in {seconds:.0f} s: "
          + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
