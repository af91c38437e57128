"""Our ignore patterns mean what the official daemon's mean: both scan the same trees under the same lines."""

from __future__ import annotations

from pathlib import Path

from tests.interop.harness import peers
from tests.interop.harness.daemon import OfficialDaemon
from tests.interop.harness.waiting import wait_until
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.ignore.lines import loader, read_lines
from txsyncthing.ignore.matcher import BadPattern, Matcher
from txsyncthing.scan.values import ScanOptions
from txsyncthing.scan.walk import Mark, Walk

NAMES = [
    "foo", "Foo", "foofoo", "foo.txt", "bar", "baz", "ax", "bx", "dx", "abx", "a.b", "axb",
    "tebest", "telephone", "[x]", "{x}", "a*b", "a]", "a}", "x,y", "#hash", "(z)", "2bar",
    "bar2/baz", "bar2/frobble", "bar2/deep/frobble", "tele/phone", "tele/sub/dir/phone",
    "sub/foo", "sub/foo.d/x", "sub/deep/foo/x", "sub/deep/bar", "keep/x", "keep/deep/x",
    "dir/foo/y", "dir/foo.x/y", "dir/q/foo", "-/-x", "a-b", "z/a/b/c", "z/a/x/b", "a1/b1", "x{a",
    "{a", "ab}", "a/bc", "z/a1/b1", "ab/c/d", "a/b", "a/x/b", "a/x/y/b", "äöX", "space name",
    ".hidden", ".hidden.d/x",
]  # fmt: skip
PATTERNS = [
    ["foo"], ["/foo"], ["foo/"], ["sub/foo"], ["**/foo"], ["foo/**"], ["/sub/*"], ["/sub/**"],
    ["*"], ["/*"], ["**"], ["/"], ["te*ne"], ["te**ne"], ["te??st"], ["[ab]x"], ["[a-c]x"],
    ["[!a]x"], ["{foo,ba*}"], ["{sub/foo,a/b}"], ["*.{txt,d}"], ["{a{,b},d}x"], ["\\{x\\}"],
    ["\\[x\\]"], ["a\\*b"], ["a]"], ["a}"], ["x,y"], ["#hash"], ["(z)"], ["(?i)FOO"],
    ["(?i)(?d)FOO*"], ["(?d)(?i)Foo"], ["(?i)ÄÖx"], ["!foo", "*"], ["!/keep", "*"],
    ["!/keep/deep", "*"], ["!/keep/", "*"], ["(?d).DS_Store", "!frobble", "foo", "*2", "qu*"],
    ["!frobble", "*2"], ["!deep", "*"], ["a**b"], ["a/**/b"], ["/a/**/b"], ["a*/**"], ["*/x"],
    ["/*/x"], ["**/x/**"], ["?oo"], ["f[o]o"], ["f*o*o"], ["*o*"], [".*"], ["space name"],
    ["  foo  "], ["//foo", "bar"], ["foo", "foo", "!foo"], ["!!foo"], ["!foo", "foo"],
    ["!/sub", "/*"], ["!/sub/foo*", "*"], ["-x"], ["[-]x"], ["a[.-]b"], ["sub/"], ["/sub/"],
    ["sub/deep/"], ["**/"], ["*/"], ["!*/", "*"], ["{*,**}/foo"], ["/{sub,dir}/foo"],
    ["#escape=|", "a|*b"], ["#include more"], ["#include sub2/more"], ["[a"], ["{a"], ["[]"],
    ["[z-a]"], ["!"], ["(?d)"], ["#include gone"], ["#include"],
    ["#include more", "#include more"], ["#include loop"], ["#include ring1"],
    ["#include more", "#include ./more"], ["#include more", "#include sub2/also"],
    ["#include twice"], ["a[!.]b"], ["tele[!x]phone"], ["[^a]x"], ["a\\"], ["a{,b}x"],
    ["a/**/b*"], ["a*/**/b*"], ["/z/a/**/b"], ["/z/**/b"], ["**/a/**/b"], ["*/**/b"],
    ["/*/**/b1"], ["{a,foo"], ["a{b"], ["a{b}c}"], ["{{a}"], ["{a,b}}"], ["z/**/b/c"], ["a/**b"],
    ["a**/b"], ["/a**/b"], ["{a/**/b,foo}"], ["{ab,d}x"], ["{a{b,c},d}x"], ["{a{bx,c},d}"],
    ["{,a}b"], ["a{,}b"], ["a{}b"], ["{}"], ["a[!/]b"], ["a[/]b"], ["a[!a-c]b"], ["[!a]/b"],
    ["/a/**"], ["a/**/**/b"], ["a/*/**/b"], ["/a/**/*/b"], ["[a-cx]x"], ["foo//x"], ["./foo"],
    ["../foo"], ["foo/."], ["**foo"], ["foo**"], ["/**foo"],
]  # fmt: skip
BROKEN = {"error"}
# Lines which mean something else to us, on purpose.
KNOWN = {
    "!/keep/",  # 1.29 skips the directory although its contents are kept; 1.19 does as we do
    "#escape=|",  # came with version 2
    "[a-cx]x",  # refused there
    "a[.-]b",  # refused there
    "a{,}b",  # never match there
    "a{}b",
    "{a{,b},d}x",  # an inner alternative is lost there
    "{a/**/b,foo}",  # ** between braces loses depth there
}


def lay(root: Path, lines: list[str]) -> None:
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / "sub2").mkdir()
    (root / "more").write_text("foo\n#include sub2/also\n")
    (root / "sub2/more").write_text("bar\n#include also\n")
    (root / "sub2/also").write_text("ax\n")
    (root / "loop").write_text("#include loop\n")
    (root / "ring1").write_text("#include ring2\n")
    (root / "ring2").write_text("#include ring1\n")
    (root / "twice").write_text("#include more\n#include more\n")
    (root / ".stignore").write_text("\n".join(lines) + "\n")


def ours(root: Path) -> set[str]:
    """What we would keep; only ``error`` where the patterns are refused."""
    storage = DiskFilesystem(str(root))
    try:
        matcher = Matcher.parse(read_lines(storage), loader(storage))
    except BadPattern:
        return BROKEN
    found: set[str] = set()
    for event in Walk(storage, matcher, ScanOptions(), 0).events():
        if event.mark is Mark.ITEM:
            parts = event.name.split("/")
            found.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return found


def theirs(daemon: OfficialDaemon, folder: str) -> set[str]:
    if daemon.status(folder)["state"] == "error":
        return BROKEN

    def names(tree: object, prefix: str) -> set[str]:
        found: set[str] = set()
        if isinstance(tree, dict):  # 1.19
            for base, below in tree.items():
                found |= {prefix + base} | names(below, f"{prefix}{base}/")
        elif isinstance(tree, list):
            for entry in tree:
                if isinstance(entry, dict):
                    name = prefix + entry["name"]
                    found |= {name} | names(entry.get("children"), name + "/")
        return found

    return names(daemon.get("/rest/db/browse", folder=folder), "")


def test_both_keep_the_same_items(version: str, work: Path) -> None:
    daemon = OfficialDaemon(work / f"ignores-{version}", peers.need(version), version)
    try:
        daemon.prepare()
        roots = {}
        for number, lines in enumerate(PATTERNS):
            folder = f"p{number:03}"
            root = roots[folder] = work / f"ignores-{version}" / "folders" / folder
            (root / ".stfolder").mkdir(parents=True)
            lay(root, lines)
            daemon.home.add_folder(folder, root, [daemon.device])
        daemon.start()
        wait_until(
            lambda: all(daemon.status(f)["state"] in ("idle", "error") for f in roots),
            "scanned",
            120,
        )
        different = {}
        for (folder, root), lines in zip(roots.items(), PATTERNS, strict=True):
            mine, other = ours(root), theirs(daemon, folder)
            if mine != other and not (set(lines) & KNOWN):
                different[tuple(lines)] = (sorted(mine - other), sorted(other - mine))
        assert different == {}
    finally:
        daemon.kill()
