"""Make `.venv` ready: create it, install the pinned requirements, install the course itself.

Standard library only, and old syntax on purpose: it must run far enough on any Python to say that
the Python is too old. A second run does nothing, in a fraction of a second: what was installed is
written down in `.venv/course-setup.json` and compared with what is wanted now.
"""

import hashlib
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "course-setup.json")
LOG = os.path.join(VENV, "course-setup.log")
OLDEST = (3, 11)


def venv_python():
    """The interpreter inside `.venv`."""
    windows = os.path.join(VENV, "Scripts", "python.exe")
    return windows if os.name == "nt" else os.path.join(VENV, "bin", "python")


def wanted():
    """What the environment must have been made from: the pins, the packaging, this place."""
    digest = hashlib.sha256()
    for name in ("requirements.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return {"pins": digest.hexdigest(), "place": ROOT}


def is_ready():
    """True where an earlier run finished with the same pins in the same place."""
    try:
        with open(STAMP) as file:
            return json.load(file) == wanted() and os.path.exists(venv_python())
    except (IOError, OSError, ValueError):  # noqa: UP024 - in Python 2 they are two
        return False


def stop(message):
    """One line that says what to do, and a failing exit status."""
    sys.stderr.write("setup: " + message + "\n")
    sys.exit(1)


def check_python():
    """Refuse a Python that is too old or has no venv module, and say what to install."""
    if sys.version_info[:2] < OLDEST:
        stop(
            "Python %d.%d or newer is needed, this is %d.%d: install a newer Python, or name one "
            "with 'make PYTHON=/path/to/python3 ...'." % (OLDEST + sys.version_info[:2])
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "this Python has no venv module: on Debian or Ubuntu run 'apt install python3-venv', "
            "elsewhere install a complete Python."
        )


def run(what, arguments):
    """Run one set-up command; keep its output in the log and show the log's end where it fails."""
    with open(LOG, "a") as log:
        log.write("\n$ " + " ".join(arguments) + "\n")
        log.flush()
        status = subprocess.call(arguments, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    if status == 0:
        return
    with open(LOG) as log:
        text = log.read()
    offline = (
        "Temporary failure in name resolution",
        "NewConnectionError",
        "Could not connect",
        "Failed to establish a new connection",
        "No route to host",
        "ProxyError",
        "Max retries exceeded",
        "No address associated",
        "getaddrinfo failed",
    )
    if any(sign in text for sign in offline):
        stop(
            "pip cannot reach a package index (no network?): connect, or point pip at a mirror "
            "with 'pip config set global.index-url URL'; details in " + LOG
        )
    sys.stderr.write("".join(line + "\n" for line in text.splitlines()[-12:]))
    stop(what + " failed; the whole output is in " + LOG)


def main():
    """Create, install, write down."""
    if is_ready():
        return
    check_python()
    began = time.time()
    print("Setting up .venv (once; a few minutes, depending on the network) ...")
    sys.stdout.flush()
    status = subprocess.call([sys.executable, "-m", "venv", "--clear", VENV])
    if status != 0:
        stop("could not create .venv in " + ROOT + ": is the folder writable, the disk full?")
    pip = [venv_python(), "-m", "pip", "--disable-pip-version-check", "install", "--no-input"]
    run("Installing requirements.txt", pip + ["-r", "requirements.txt"])
    run("Installing the course", pip + ["--no-deps", "--no-build-isolation", "-e", "."])
    with open(STAMP, "w") as file:
        json.dump(wanted(), file)
    print("Done in %.0f s." % (time.time() - began))


if __name__ == "__main__":
    main()
