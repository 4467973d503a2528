"""Clean Debian systems to install packages in: a root of debootstrap, kept, under a layer that takes what is changed."""

import os
import pathlib
import shlex
import shutil
import subprocess

from package import run

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "flame-session"


def unavailable():
    """Why there can be none here, or nothing."""
    if os.geteuid() != 0:
        return "clean roots need root"
    missing = [name for name in ("debootstrap", "unshare", "apt-get") if not shutil.which(name)]
    return f"{missing[0]} is missing: scripts/setup all" if missing else None


def mirror():
    """Of Debian's main archive, as this machine's apt knows it; none where it does not."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages")
    suites = {"bookworm", "trixie", "sid", "oldstable", "stable", "testing", "unstable"}
    return [line.split()[0] for line in listed.splitlines() if line.split()[1] in suites][:1]


def base(suite):
    kept = CACHE / f"root-{suite}"
    if not (kept / "complete").exists():
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        run("debootstrap", "--variant=minbase", suite, kept / "files", *mirror())
        options = [line for line in run("apt-config", "dump").splitlines() if line.startswith("Acquire::")]
        (kept / "files/etc/apt/apt.conf.d/90machine").write_text("\n".join(options), encoding="utf-8")
        (kept / "complete").touch()
    return kept / "files"


class Root:
    def __init__(self, suite, folder):
        self.layers = f"lowerdir={base(suite)},upperdir={folder}/upper,workdir={folder}/work"
        self.files = folder / "root"
        for name in ("upper", "work", "root"):
            (folder / name).mkdir(parents=True)
        self.binds = {CACHE / f"packages-{suite}": "var/cache/apt/archives",
                      CACHE.parent / "ccache": "root/.cache/ccache"}
        for path in self.binds:
            path.mkdir(parents=True, exist_ok=True)
        self.run("apt-get update -qq")

    def command(self, script):
        """Each command sees the layers mounted, and they are gone with it."""
        mounts = [f"mount -t overlay overlay -o {self.layers} {self.files}",
                  f"mount -t proc proc {self.files}/proc", f"mount --rbind /dev {self.files}/dev",
                  f"cp -L /etc/resolv.conf {self.files}/etc/resolv.conf"]
        for path, where in self.binds.items():
            mounts.append(f"mkdir -p {self.files}/{where} && mount --bind {path} {self.files}/{where}")
        inside = ["env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
                  "DEBIAN_FRONTEND=noninteractive", "chroot", str(self.files), "sh", "-euc", script]
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc",
                "\n".join([*mounts, "exec " + shlex.join(inside)])]

    def run(self, script):
        return run(*self.command(script))

    def install(self, *packages):
        self.run("apt-get install -y -qq --no-install-recommends " + " ".join(packages))

    def put(self, source, where):
        """What a folder of this machine holds into one of the root."""
        self.binds[source] = "mnt"
        self.run(f"mkdir -p {where} && cp -a /mnt/. {where}/")
        del self.binds[source]
