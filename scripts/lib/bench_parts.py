"""The parts of scripts/bench."""

import os
import pathlib
import shlex
import shutil
import subprocess
import time

from timing import Case, Result, in_turns, run_quietly

DAY = "2026-06-15"
WAITS = (0, 20, 60, 200)  # milliseconds
GROWTH_WAIT = 60
ROUNDS = 3  # of requests that depend on one another, at most, of a plan
RENOVATE = "renovate@39"
INCUMBENTS = "hack/update.sh; hack/generate_openstack_image_manager_yaml.sh"


def table(head, rows):
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def shown(result):
    """Return the cells of wall time, processor time and memory."""
    if not isinstance(result, Result):
        return [f"failed: {result}", "", ""]
    memory = "" if result.memory is None else f"{result.memory:.1f} MB"
    return [f"{result.median:.1f} ms ({result.least:.1f})", f"{result.busy:.1f} ms", memory]


def ratio(one, other):
    """Return how many times the time of the other the one takes."""
    if not (isinstance(one, Result) and isinstance(other, Result)):
        return ""
    times = one.median / other.median
    return f"{times:.2f}" if times >= 0.1 else f"1/{1 / times:.0f}"


class Server:
    """A folder served on loopback, every answer after a wait."""

    def __init__(self, root, folder, wait, log):
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [root / "scripts/lib/serve", folder, "--wait", str(wait)], stdout=output, stderr=subprocess.DEVNULL
            )
        for _ in range(200):
            self.base = log.read_text().partition("\n")[0]
            if self.base:
                return
            time.sleep(0.05)
        raise SystemExit("the loopback server does not start")

    def count(self, case):
        """Return how many requests one run of a case makes, and how many bytes it gets."""
        before = len(self.log.read_text().splitlines())
        run_quietly(case)
        # The server writes a line after the last byte of its answer, which may be after the end of the command.
        time.sleep(0.1)
        lines = self.log.read_text().splitlines()[before:]
        return len(lines), sum(int(line.split()[2]) for line in lines)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Bench:
    """Everything that is measured with one program."""

    def __init__(self, root, work, program, runs):
        self.root, self.work, self.program, self.runs = root, work, program, runs
        self.servers = []
        self.growth_panels = []
        self.has_failed = False
        tree = root / "../shared/upstream/trees/branch.scs-minor-versions"
        self.real_tree = pathlib.Path(os.environ.get("BENCH_REAL_TREE", tree)).resolve()

    def stop(self):
        for server in self.servers:
            server.stop()
        self.servers = []

    # --- what does not need the network ------------------------------------------------------------------------------

    def start(self):
        """The start of the program, and plans of trees of everyday size."""
        layout, catalog = str(self.root / "testdata/layout-d"), str(self.root / "testdata/catalog.yaml")
        plan = [self.program, "plan", "--offline"]
        cases = [
            Case("`--version`", [self.program, "--version"]),
            Case("`plan --offline`, testdata/layout-d with its catalog", [*plan, "--catalog", catalog, "-C", layout]),
        ]
        if self.real_tree.is_dir():
            empty = self.work / "empty"
            empty.mkdir()
            real = str(self.real_tree)
            cases += [
                Case(
                    "`plan --offline`, the largest public tree, nothing known",
                    [*plan, "--cache-dir", str(empty), "-C", real],
                    accepted=(0, 1),
                ),
                Case("`plan --offline`, the largest public tree with a catalog", [*plan, "--catalog", catalog, "-C", real]),
                self.release_case(),
            ]
        return self.simple_table(cases, self.runs)

    def release_case(self):
        """Return the case that makes the releases of the largest stack of the public tree."""
        tree, releases = self.work / "committed", self.work / "releases"
        shutil.copytree(self.real_tree, tree)
        person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        for words in (["init", "--quiet", "--initial-branch", "main"], ["add", "--all"], [*person, "commit", "--quiet", "--message", "All of it"]):
            subprocess.run(["git", "-C", str(tree), *words], stdout=subprocess.DEVNULL, check=True)
        build = [self.program, "release", "build", "openstack/scs", "--mode", "hash", "-C", str(tree)]
        return Case(
            "`release build`, openstack/scs of that tree: 4 releases",
            [*build, "--output", str(releases)],
            prepare=Remove(releases),
        )

    def stacks(self):
        """Repositories of many stacks."""
        rows = []
        for stacks in (500, 1000, 2000):
            tree = self.monorepo(f"stacks-{stacks}", "--stacks", str(stacks), "--patches", "40")
            files = [str(path) for path in tree.rglob("*") if path.is_file()]
            plan = [self.program, "plan", "--offline", "--catalog", f"{tree}/catalog.yaml", "-C", str(tree)]
            what = f"{stacks} stack directories of 40 patches"
            read = Case(f"`cat` of all files, {what}", ["xargs", "-0", "-a", self.list_of(tree, files), "cat"])
            before = [read, Case(f"`plan`, {what}, every stack changes", plan)]
            if stacks == 2000:
                before.append(Case("the same, `--format json`", [*plan, "--format", "json"]))
            rows += self.rows(before, 3)
            update = [self.program, "update", *plan[2:]]
            rows += self.rows([Case(f"`update`, {what}", update, prepare=Restore(tree))], 3)
            after = [
                Case(f"`plan`, {what}, nothing to change", plan),
                Case(f"`check`, {what}", [self.program, "check", "-C", str(tree)]),
            ]
            rows += self.rows(after, 3)
            shutil.rmtree(tree)
        return table(["what", "wall, median (least)", "processors", "memory"], rows)

    # --- what asks the network ---------------------------------------------------------------------------------------

    def network(self):
        """A plan over the network beside shell scripts, answers some way off."""
        world = self.world(self.root / "testdata/catalog.yaml", "world")
        tree = self.root / "testdata/layout-c"
        rows = []
        for wait in WAITS:
            server = self.serve(world, wait)
            cold, warm = self.plans(tree, world, server)
            stack = self.root / "testdata/layout-b/providers/openstack/scs"
            script = self.script_case("script: new patch of one stack", server, [stack])
            matrix = self.script_case("script: the same for 4 minors, one after the other", server, [stack] * 4)
            cases = [cold, warm, script, matrix, *self.incumbents(world, server)]
            results = in_turns(cases, self.runs)
            for case in cases:
                requests, received = server.count(case)
                result = results[case.name]
                self.note(result)
                limit = f"{result.median / (ROUNDS * wait):.1f}" if wait and isinstance(result, Result) else ""
                rows.append(
                    [
                        f"{wait} ms",
                        case.name,
                        shown(result)[0],
                        str(requests),
                        f"{received / 1000:.0f} kB",
                        ratio(result, results[script.name]),
                        limit if case in (cold, warm) else "",
                    ]
                )
            self.stop()
        head = ["answers after", "what", "wall, median (least)", "requests", "received", "times the script of one stack"]
        return table([*head, f"times {ROUNDS} rounds"], rows)

    def renovate(self):
        """Renovate's lookup of the same tree against the same server."""
        renovate = self.find_renovate()
        if not renovate:
            print("Renovate is left out: it needs node and npm, or BENCH_RENOVATE")
            return ""
        world = self.world(self.root / "testdata/catalog.yaml", "renovate-world")
        tree = self.root / "testdata/layout-c"
        server = self.serve(world, 0)
        cold, warm = self.plans(tree, world, server)
        catalog = str(self.root / "testdata/catalog.yaml")
        offline = Case(
            "`plan --offline`, facts from a catalog file",
            [self.program, "plan", "--offline", "--catalog", catalog, "-C", str(tree)],
        )
        other = self.renovate_case(renovate, tree, world, server)
        cases = [other, cold, warm, offline]
        results = in_turns(cases, 3)
        rows = []
        for case in cases:
            requests, _ = server.count(case)
            result = results[case.name]
            self.note(result)
            rows.append([case.name, *shown(result), str(requests), ratio(result, results[other.name])])
        self.stop()
        return table(["what", "wall, median (least)", "processors", "memory", "requests", "times Renovate"], rows)

    def growth(self):
        """Time against the number of minors, images and stacks."""
        self.growth_panels = [
            self.network_panel("minors, 7 images each", (1, 2, 4, 8), ["--stacks={size}", "--minors={size}", "--patches=7"]),
            self.network_panel("images of each of 3 minors", (4, 8, 16, 32), ["--stacks=3", "--patches={size}"]),
            self.stacks_panel((250, 500, 1000, 2000)),
        ]
        rows = [
            [panel["title"], line["name"], *(f"{value:.0f} ms" for value in line["values"])]
            for panel in self.growth_panels
            for line in panel["lines"]
        ]
        return table(["growing", "what", "1st", "2nd", "3rd", "4th"], rows)

    def network_panel(self, title, sizes, options):
        """One panel of the picture whose plans ask a server."""
        lines = {"plan, cold": [], "plan, warm": [], "script, stack by stack": [], f"limit: {ROUNDS} rounds": []}
        for size in sizes:
            tree = self.monorepo(f"growth-{title.split()[0]}-{size}", *(option.format(size=size) for option in options))
            world = self.world(tree / "catalog.yaml", f"{tree.name}-world")
            server = self.serve(world, GROWTH_WAIT)
            cold, warm = self.plans(tree, world, server)
            stacks = sorted(path.parent for path in tree.rglob("csctl.yaml"))
            script = self.script_case("script", server, stacks)
            results = in_turns([cold, warm, script], min(self.runs, 5))
            for result in results.values():
                self.note(result)
            values = [results[case.name].median for case in (cold, warm, script)]
            for line, value in zip(lines.values(), [*values, ROUNDS * GROWTH_WAIT]):
                line.append(value)
            self.stop()
        named = [{"name": name, "values": values} for name, values in lines.items()]
        return {"title": title, "note": f"answers after {GROWTH_WAIT} ms", "sizes": sizes, "lines": named}

    def stacks_panel(self, sizes):
        """The panel of large repositories, without a network."""
        lines = {"plan, every stack changes": [], "plan, nothing to change": [], "limit: one read of the tree": []}
        for size in sizes:
            tree = self.monorepo(f"growth-stacks-{size}", "--stacks", str(size), "--patches", "40")
            files = [str(path) for path in tree.rglob("*") if path.is_file()]
            plan = [self.program, "plan", "--offline", "--catalog", f"{tree}/catalog.yaml", "-C", str(tree)]
            read = Case("read", ["xargs", "-0", "-a", self.list_of(tree, files), "cat"])
            changing = in_turns([Case("plan", plan), read], 3)
            subprocess.run([self.program, "update", *plan[2:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            settled = in_turns([Case("plan", plan)], 3)
            values = [changing["plan"], settled["plan"], changing["read"]]
            for line, result in zip(lines.values(), values):
                line.append(result.median)
            shutil.rmtree(tree)
        named = [{"name": name, "values": values} for name, values in lines.items()]
        return {"title": "stacks, 40 images each", "note": "no network", "sizes": sizes, "lines": named}

    # --- worlds, trees and commands ------------------------------------------------------------------------------------

    def world(self, catalog, name):
        folder = self.work / name
        subprocess.run([self.root / "scripts/lib/make-world", catalog, folder], check=True)
        return folder

    def monorepo(self, name, *options):
        tree = self.work / name
        subprocess.run([self.root / "scripts/generate-monorepo", tree, *options], check=True)
        return tree

    def list_of(self, tree, files):
        """Return a file with the names of the files of a tree."""
        path = tree.with_suffix(".files")
        path.write_text("\0".join(files))
        return str(path)

    def serve(self, folder, wait):
        server = Server(self.root, folder, wait, self.work / f"log-{time.monotonic_ns()}")
        self.servers.append(server)
        return server

    def mirrors(self, world, server):
        """Return what stands for each place of the world, as pairs."""
        lines = [line.split(" ", 1) for line in (world / "mirrors").read_text().splitlines()]
        # A line without a path is the image store's, which is the world's root.
        return [(place, f"{server.base}/{path}") for place, path in lines]

    def plans(self, tree, world, server):
        """Return the cases of a plan that remembers nothing, and of one that remembers the run before."""
        arguments = []
        for place, mirror in self.mirrors(world, server):
            arguments += ["--mirror", f"{place}={mirror}"]
        plan = [self.program, "plan", "-C", str(tree), "--as-of", DAY, *arguments]
        cold, warm = self.work / f"{server.log.name}-cold", self.work / f"{server.log.name}-warm"
        subprocess.run([*plan, "--cache-dir", str(warm)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return (
            Case("`plan`, cold cache", [*plan, "--cache-dir", str(cold)], prepare=Remove(cold)),
            Case("`plan`, warm cache", [*plan, "--cache-dir", str(warm)]),
        )

    def script_case(self, name, server, stacks):
        """Return the case of a shell script that finds the newest patch of each stack."""
        store = f"{server.base}/openstack-k8s-capi-images"
        charts = f"{server.base}/charts/kubernetes.github.io-cloud-provider-openstack"
        script = self.root / "scripts/incumbent/update-stack"
        lines = [shlex.join([str(script), str(stack), store, charts]) for stack in stacks]
        command = ["bash", "-c", " && ".join(lines)] if len(lines) > 1 else shlex.split(lines[0])
        return Case(name, command)

    def incumbents(self, world, server):
        """Return the cases of the scripts of a clone, each place of the world replaced by its mirror in a copy."""
        clone = os.environ.get("BENCH_INCUMBENT_DIR")
        if not clone:
            return []
        copy = self.work / f"{server.log.name}-clone"
        shutil.copytree(clone, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        for path in copy.rglob("*"):
            if path.is_file() and not path.is_symlink():
                self.point_at_mirrors(path, self.mirrors(world, server))
        wanted = os.environ.get("BENCH_INCUMBENT", INCUMBENTS).split(";")
        commands = [shlex.split(command) for command in wanted]
        named = [command for command in commands if os.environ.get("BENCH_INCUMBENT") or (copy / command[0]).is_file()]
        return [Case(f"cluster-stacks: `{shlex.join(command)}`", command, directory=str(copy)) for command in named]

    def point_at_mirrors(self, path, mirrors):
        """Replace in one file each place of the world by its mirror."""
        content = path.read_bytes()
        for place, mirror in mirrors:
            content = content.replace(place.encode(), mirror.encode())
        path.write_bytes(content)

    def find_renovate(self):
        """Return Renovate's program, installed where it is missing and can be."""
        named = os.environ.get("BENCH_RENOVATE")
        if named:
            return named
        folder = self.root / "target/bench"
        program = folder / "node_modules/.bin/renovate"
        if not program.exists() and shutil.which("npm"):
            install = ["npm", "install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", RENOVATE]
            subprocess.run(install, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return str(program) if program.exists() else None

    def renovate_case(self, renovate, tree, world, server):
        """Return the case of Renovate on a copy of a tree: the charts, and node images by a manager of regular expressions."""
        copy = self.work / "renovate-tree"
        shutil.copytree(tree, copy)
        for path in copy.rglob("Chart.yaml"):
            self.point_at_mirrors(path, self.mirrors(world, server))
        git = ["git", "-C", str(copy), "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
        for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Tree"]):
            subprocess.run([*git, *arguments], check=True)
        config = self.root / "scripts/lib/renovate.json"
        filled = self.work / "renovate.json"
        filled.write_text(config.read_text().replace("STORE", f"{server.base}/openstack-k8s-capi-images"))
        base = self.work / "renovate-base"
        environment = {**os.environ, "RENOVATE_CONFIG_FILE": str(filled), "RENOVATE_BASE_DIR": str(base)}
        command = [renovate, "--platform=local", "--dry-run=lookup"]
        return Case("Renovate, local lookup", command, Remove(base), str(copy), environment)

    # --- rows --------------------------------------------------------------------------------------------------------

    def note(self, result):
        self.has_failed |= not isinstance(result, Result)

    def rows(self, cases, runs):
        results = in_turns(cases, runs)
        for result in results.values():
            self.note(result)
        return [[case.name, *shown(results[case.name])] for case in cases]

    def simple_table(self, cases, runs):
        return table(["what", "wall, median (least)", "processors", "memory"], self.rows(cases, runs))


class Remove:
    """Removes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Restore:
    """Puts a tree back into the state that it has now. What was there is put aside rather than deleted: file systems are slower for
    a while where many files have been deleted."""

    def __init__(self, tree):
        self.tree = tree
        self.count = 0
        self.saved = tree.with_suffix(".saved")
        shutil.copytree(tree, self.saved)

    def __call__(self):
        self.count += 1
        self.tree.rename(self.tree.with_suffix(f".used-{self.count}"))
        shutil.copytree(self.saved, self.tree)
