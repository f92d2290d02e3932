"""Makes .venv from the hashed lock, and does nothing when it is current: `python3 bootstrap.py`.

Run by whatever Python the machine has, so it uses old syntax and the standard library alone.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
LOCK = os.path.join(ROOT, "requirements.lock")
STAMP = os.path.join(VENV, "huying-ready")
PYTHON = os.path.join(VENV, "bin", "python")


def main():
    if sys.version_info < (3, 11):
        refuse(
            "需要 Python 3.11 或更高版本，现在是 {}；请安装后再试，或指定：make run PYTHON=python3.11".format(
                sys.version.split()[0]
            ),
            "Python 3.11+ is needed.",
        )
    with open(LOCK, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second `make` waits instead of installing over the first
        packages, ours = fingerprints()
        before = installed()
        if before == [packages, ours]:
            return
        if before[:1] != [packages]:
            say("正在准备运行环境 .venv（首次约需一分钟）……")
            # Made anew each time: what a former lock installed must not linger.
            make_venv()
            # Wheels only: building from source would need compilers and fail in a thousand words.
            pip(["install", "--require-hashes", "--only-binary", ":all:", "-r", LOCK])
        pip(["install", "--no-build-isolation", "--no-deps", "--editable", ROOT])
        with open(STAMP, "w") as stamp:
            stamp.write(packages + "\n" + ours + "\n")
        say("运行环境已就绪。")


def fingerprints():
    """What .venv depends on: the lock, this Python and this place; then our own package's description."""
    import tomllib  # not at the top: an older Python must still get the clear line

    with open(LOCK, "rb") as file:
        lock = file.read()
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)
    place = repr((sys.version_info[:3], sys.prefix, ROOT)).encode()
    ours = repr((project["project"], project["build-system"], project["tool"]["hatch"])).encode()
    return hashlib.sha256(lock + place).hexdigest(), hashlib.sha256(ours).hexdigest()


def installed():
    """The fingerprints that .venv was made from; none when it was never finished."""
    try:
        with open(STAMP) as stamp:
            # A machine whose Python was replaced keeps a stamp and a dangling link.
            return stamp.read().split() if os.access(PYTHON, os.X_OK) else []
    except OSError:
        return []


def make_venv():
    try:
        import ensurepip  # noqa: F401  # Debian's python3 comes without it
        import venv
    except ImportError:
        refuse(
            "这个 Python（{}）没有 ensurepip，建不了虚拟环境：请换一个完整的 Python 3.11+（make run "
            "PYTHON=/路径/python3），或请管理员安装 python3-venv。".format(sys.executable),
            "This Python has no ensurepip (on Debian: package python3-venv).",
        )
    try:
        venv.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        refuse("无法在 {} 建立虚拟环境：{}".format(VENV, error), "The virtual environment could not be made.")


def pip(arguments):
    """Runs the environment's pip quietly; its failure becomes one line, its own words go to a file."""
    environ = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONWARNINGS="ignore")
    done = subprocess.run(
        [PYTHON, "-m", "pip", "--no-input", *arguments],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode == 0:
        return
    words = done.stdout.decode(errors="replace")
    log = os.path.join(VENV, "pip.log")
    with open(log, "w") as file:
        file.write(words)
    missing = re.search(
        r"No matching distribution found for ([A-Za-z0-9._-]+(?:\[[^]]*\])?(?:==[^\s(]+)?)", words
    )
    if missing:
        refuse(
            "没有适合本机（{} {}，Python {}.{}）的安装包：{}。详情见 {}".format(
                os.uname().sysname,
                os.uname().machine,
                sys.version_info[0],
                sys.version_info[1],
                missing.group(1),
                log,
            ),
            "No wheel of {} fits this machine.".format(missing.group(1)),
        )
    errors = [line for line in words.splitlines() if line.startswith("ERROR")] or ["pip 没有说明原因"]
    refuse("安装依赖失败：{}。详情见 {}".format(errors[0], log), "pip failed.")


def say(text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def refuse(chinese, english):
    say("呼应：{}（{}）".format(chinese, english))
    raise SystemExit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        refuse("已中断；再次运行 make 会继续。", "Interrupted.")
