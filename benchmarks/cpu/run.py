# SPDX-License-Identifier: MIT
"""Measures longhand and its peers on this machine's processor and writes docs/benchmarks.md.
scripts/benchmark builds what is measured, installs the peers and calls this.

    run.py --build DIR [--quick] [--only training,stages,…]
Sections that are not measured keep what an earlier run on the same machine found.

    run.py --render        writes the page anew from the last results, measuring nothing
"""
import argparse
import json
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECTIONS = ["training", "stages", "products", "inference", "end-to-end", "scaling"]


def options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/benchmark",
                        help="where longhand was built with -Dbenchmarks=enabled")
    parser.add_argument("--engines", default="",
                        help="other builds of longhand, with another engine for the products, "
                             "that take part in the training; separated by commas")
    parser.add_argument("--data", type=pathlib.Path,
                        default=pathlib.Path("/usr/share/datasets/fashion-mnist"),
                        help="a folder of IDX files as MNIST has them")
    parser.add_argument("--threads", help="for example 1,4; default: 1 and all cores")
    parser.add_argument("--rounds", type=int, help="default: 5, with --quick 2")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the work, to see that everything runs; no figures to keep")
    parser.add_argument("--only", default=",".join(SECTIONS),
                        help="what to measure, default: " + ",".join(SECTIONS))
    parser.add_argument("--page", type=pathlib.Path, default=ROOT / "docs/benchmarks.md",
                        help="the page to write; its pictures go to images beside it")
    parser.add_argument("--render", action="store_true", help="only write the page")
    return parser.parse_args()


def measure(chosen, results):
    """Every section asked for, into results; saved after each."""
    # What is imported here needs numpy and a built longhand; --render needs neither.
    from suite import (data, end_to_end, inference, machine, products, scaling, session, stages,
                       training)
    sections = dict(zip(SECTIONS, [training, stages, products, inference, end_to_end, scaling]))
    work = results.parent
    work.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine.describe(chosen.build, ROOT), "runs": {}}
    if results.exists():
        earlier = json.loads(results.read_text())
        if machine.same(earlier["machine"], found["machine"]):
            found = {"runs": {}} | earlier | {"machine": found["machine"]}
    busy = machine.busy()
    with open(work / "log", "w") as log:
        threads = ([int(t) for t in chosen.threads.split(",")] if chosen.threads
                   else session.all_threads())
        this = session.Session(
            build=chosen.build.resolve(), data=data.write_arrays(chosen.data, work),
            idx=chosen.data, work=work, threads=threads,
            rounds=chosen.rounds or (2 if chosen.quick else 5), quick=chosen.quick, log=log,
            engines=[pathlib.Path(d).resolve() for d in chosen.engines.split(",") if d])
        for name in chosen.only.split(","):
            before, stolen, start = busy, machine.stolen_seconds(), time.time()
            found[name] = sections[name].measure(this)
            busy = machine.busy()
            found["runs"][name] = {
                "date": found["machine"]["date"], "version": found["machine"]["version"],
                "commit": found["machine"]["commit"], "quick": chosen.quick,
                "rounds": this.rounds, "minutes": (time.time() - start) / 60,
                "stolen": machine.stolen_seconds() - stolen, "busy": max(before, busy)}
            results.write_text(json.dumps(found))


def main():
    chosen = options()
    results = chosen.build / "results/results.json"
    if not chosen.render:
        if unknown := set(chosen.only.split(",")) - set(SECTIONS):
            sys.exit(f"--only {','.join(unknown)}: expected some of {','.join(SECTIONS)}")
        measure(chosen, results)
    found = json.loads(results.read_text())
    images = chosen.page.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    if "scaling" in found:
        try:
            from suite import plots
            plots.draw(found["scaling"], images)
        except ImportError:
            print("matplotlib is missing: the page goes without pictures", file=sys.stderr)
            for sweep in found["scaling"]:
                sweep["picture"] = None
    from suite import report
    chosen.page.write_text(report.page(found))
    print(f"wrote {chosen.page}")


if __name__ == "__main__":
    main()
