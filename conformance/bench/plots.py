"""The plots of the scaling rows: cost of a unit against size, one curve for each library.

Called by bench.py with its finished lines; knows gnuplot and nothing of measuring.
"""

import shutil
import subprocess

TITLES = {"scale-io": ("Cost of one delivered event", "watched descriptors, 100 of them active"),
          "scale-timers": ("Cost of re-arming one timer", "timers pending")}
STYLES = {"ours": ("#1b6ca8", 7), "peer": ("#c0504d", 5), "floor": ("#7f7f7f", 4)}


def curves(lines, row):
    """{curve: [(size, nanoseconds)]}; ours appears once for each API."""
    found = {}
    for line in lines:
        if line["row"] == row and line["curve"]:
            for name, cost in line["cost"].items():
                title = f"ours, as {'libevent' if line['api'] == 'event' else 'libev'}" \
                    if name == "ours" else name
                if not (name == "floor" and line["api"] == "ev"):
                    found.setdefault(title, []).append((line["size"], cost["cpu"]["median"]))
    return found


def draw_row(row, found, path):
    title, axis = TITLES[row]
    script = [f'set terminal svg size 720,440 font "sans,13" background "white"',
              f'set output "{path}"', f'set title "{title}"', f'set xlabel "{axis}"',
              'set ylabel "processor time, ns"', "set logscale x", "set yrange [0:*]",
              "set grid ytics", "set key left top"]
    plotted = []
    for index, (name, points) in enumerate(found.items()):
        kind = "ours" if name.startswith("ours") else "floor" if name == "floor" else "peer"
        colour, point = STYLES[kind]
        data = "\n".join(f"{size} {cost}" for size, cost in points)
        script.append(f"$data{index} << end\n{data}\nend")
        dashes = 2 if "libev" == name or name.endswith("as libev") else 1
        plotted.append(f'$data{index} with linespoints lw 2 pt {point} dt {dashes} '
                       f'lc rgb "{colour}" title "{name}"')
    script.append("plot " + ", ".join(plotted))
    subprocess.run(["gnuplot"], input="\n".join(script), text=True, check=True)


def draw(lines, directory):
    """Draws every scaling row that has a curve; returns the files."""
    drawn = []
    for row in TITLES:
        found = curves(lines, row)
        if found and all(len(points) > 1 for points in found.values()):
            if not shutil.which("gnuplot"):
                print(f"{row} is not drawn: gnuplot is missing")
                continue
            path = directory / f"{row}.svg"
            draw_row(row, found, path)
            drawn.append(path)
    return drawn
