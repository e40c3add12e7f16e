"""Real attacks from within, each shown contained, with the next submission served right after it.

Three kinds. `REFUSED`: a function that tries something and must get an error of the given kind.
`FATAL`: a cell after which the process is gone, for the given reason. `HARMLESS`: a cell that may
do what it likes, because it reaches nobody but itself. `VALUES`: what a function may return.

`autograder/sandbox/ATTACKS.md` is the table of all of them with what stopped each in tier A. It is
written by `ATTACK_TABLE=write pytest tests/autograder/sandbox/test_attacks.py`, and held to the
tests by the last one here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest

import autograder.sandbox
from autograder.inside import codec
from autograder.sandbox.host import Sandbox, Session
from autograder.sandbox.limits import SessionDied
from autograder.sandbox.tiers import Tier

from .conftest import SECRET

DENIED = ("PermissionError", "FileNotFoundError", "OSError")
ABSENT = ("ModuleNotFoundError",)

HEAD = """
import ctypes, glob, importlib, mmap, os, resource, signal, socket, struct, subprocess, sys
import threading, time
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def syscall(number, *arguments):
    call("syscall", ctypes.c_long(number), *arguments)
"""

# name: (body of attack(folder, host), what may stop it)
REFUSED: dict[str, tuple[str, tuple[str, ...]]] = {
    # files
    "read the gradebook": ("return open(f'{folder}/gradebook.db').read()", DENIED),
    "write the gradebook": ("open(f'{folder}/gradebook.db', 'w').write('100')", DENIED),
    "append to the gradebook": ("open(f'{folder}/gradebook.db', 'a').write('100')", DENIED),
    "truncate the gradebook": ("os.truncate(f'{folder}/gradebook.db', 0)", DENIED),
    "remove the gradebook": ("os.unlink(f'{folder}/gradebook.db')", DENIED),
    "rename the gradebook": ("os.rename(f'{folder}/gradebook.db', f'{folder}/old')", DENIED),
    "link to the gradebook": ("os.link(f'{folder}/gradebook.db', 'mine')", DENIED),
    "symlink to the gradebook": (
        "os.symlink(f'{folder}/gradebook.db', 'mine'); return open('mine').read()",
        DENIED,
    ),
    "change the gradebook's mode": ("os.chmod(f'{folder}/gradebook.db', 0)", DENIED),
    "change the gradebook's time": ("os.utime(f'{folder}/gradebook.db', (0, 0))", DENIED),
    "list the course": ("return os.listdir(folder)", DENIED),
    "make a file beside the gradebook": ("open(f'{folder}/new', 'w')", DENIED),
    "make a folder beside the gradebook": ("os.mkdir(f'{folder}/new')", DENIED),
    "read the passwords": ("return open('/etc/shadow').read()", DENIED),
    "read the users": ("return open('/etc/passwd').read()", DENIED),
    "read a home folder": ("return os.listdir('/root') and os.listdir('/home')", DENIED),
    "read through /proc/1/root": ("return os.listdir('/proc/1/root/')", DENIED),
    "read another's environment": ("return open(f'/proc/{host}/environ', 'rb').read()", DENIED),
    "read one's own memory by file": ("return open('/proc/self/mem', 'rb')", DENIED),
    "read the map of one's memory": ("return open('/proc/self/maps').read()", DENIED),
    "read the disk": ("return open('/dev/vda', 'rb').read(1)", DENIED),
    "open the terminal": ("return open('/dev/tty', 'w')", DENIED),
    "write to the packages": ("open(os.path.join(sys.prefix, 'x'), 'w')", DENIED),
    "change numpy for the next": (
        "import numpy; open(numpy.__file__, 'a').write('x')",
        DENIED,
    ),
    "change the sandbox for the next": (
        "import inside; open(os.path.dirname(inside.__file__) + '/x.py', 'w')",
        DENIED,
    ),
    "make a device": ("os.mknod('disk', 0o660 | 0o060000, os.makedev(254, 0))", DENIED),
    "hide in an unnamed file": ("return os.open('.', os.O_TMPFILE | os.O_RDWR)", DENIED),
    # the reference
    "import the bank": ("import autograder.bank", ABSENT),
    "import the reference": ("import mlp_lib", ABSENT),
    "import the reference by path": (
        "sys.path.insert(0, repository); importlib.invalidate_caches(); import mlp_lib",
        ABSENT,
    ),
    "read the reference": ("return open(f'{repository}/mlp_lib/__init__.py').read()", DENIED),
    "read the editable install": (
        "return [open(p).read() for s in sys.path for p in glob.glob(s + '/*backprop*/*')][0]",
        ("PermissionError", "IndexError"),
    ),
    "load the reference by its file": (
        "from importlib.util import spec_from_file_location as f, module_from_spec as m\n"
        "    s = f('r', f'{repository}/mlp_lib/__init__.py'); s.loader.exec_module(m(s))",
        DENIED,
    ),
    # network
    "tcp": ("socket.create_connection(('127.0.0.1', 22), 1)", DENIED),
    "udp": ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", DENIED),
    "ipv6": ("socket.socket(socket.AF_INET6)", DENIED),
    "raw sockets": ("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", DENIED),
    "netlink": ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", DENIED),
    "unix sockets": ("socket.socket(socket.AF_UNIX).connect('/run/docker.sock')", DENIED),
    "vsock": ("socket.socket(40, socket.SOCK_STREAM)", DENIED),
    "name resolution": ("socket.getaddrinfo('example.org', 80)", ("gaierror", *DENIED)),
    # processes
    "signal the grader": ("os.kill(host, signal.SIGTERM)", DENIED),
    "signal everybody": ("os.kill(-1, signal.SIGKILL)", DENIED),
    "signal the parent": ("os.kill(os.getppid() or 2, signal.SIGKILL)", DENIED),
    "signal by pidfd": ("syscall(424, host, 9, None, 0)", DENIED),
    "queue a signal": ("syscall(129, host, 9, None)", DENIED),
    "have signals sent": (
        "import fcntl; fcntl.fcntl(3, fcntl.F_SETOWN, host)",
        DENIED,
    ),
    "trace the grader": ("call('ptrace', 16, host, None, None)", DENIED),
    "write another's memory": ("call('process_vm_writev', host, None, 0, None, 0, 0)", DENIED),
    "limit the grader": ("resource.prlimit(host, resource.RLIMIT_NOFILE, (1, 1))", DENIED),
    "slow the grader": ("os.setpriority(os.PRIO_PROCESS, host, 19)", DENIED),
    "pin the grader": ("os.sched_setaffinity(host, {0})", DENIED),
    "fork": ("os.fork()", DENIED),
    "fork by clone3": ("syscall(435, bytes(88), ctypes.c_size_t(88))", DENIED),
    "start a program": ("subprocess.run(['/bin/true'])", DENIED),
    "become a program": ("os.execv(sys.executable, ['python'])", DENIED),
    "multiprocessing": (
        "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
        DENIED,
    ),
    "user namespace": ("call('unshare', 0x10000000)", DENIED),
    "mount": ("call('mount', b'x', b'/tmp', b'tmpfs', 0, None)", DENIED),
    "unmount /proc": ("call('umount2', b'/proc', 2)", DENIED),
    "change the root": ("os.chroot('.')", DENIED),
    "become root": ("os.setuid(0)", DENIED),
    "load a BPF program": ("syscall(321, 0, None, 0)", DENIED),
    "io_uring": ("syscall(425, 8, bytes(120))", DENIED),
    "the kernel's keys": ("syscall(250, 0, -3, 1)", DENIED),
    "count events": ("syscall(298, bytes(128), 0, -1, -1, 0)", DENIED),
    "handle faults": ("syscall(323, 0)", DENIED),
    "lift the limits": (
        "resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)",
        ("ValueError", "PermissionError"),
    ),
    "drop the filter": ("call('prctl', 22, 0, 0, 0, 0)", DENIED),
    "be dumped": ("call('prctl', 4, 1, 0, 0, 0)", DENIED),
    # memory
    "too much memory": ("return len(bytearray(10**9))", ("MemoryError",)),
    "too much memory in numpy": (
        "import numpy; return numpy.ones(10**9 // 8).sum()",
        ("MemoryError", "_ArrayMemoryError"),
    ),
    "too much memory by mmap": ("return mmap.mmap(-1, 10**9)", ("OSError", "MemoryError")),
    "a memory file": ("return os.memfd_create('m')", DENIED),
    "System V shared memory": ("call('shmget', 0, 10**6, 0o1600)", DENIED),
    "POSIX shared memory": (
        "from multiprocessing import shared_memory\n"
        "    return shared_memory.SharedMemory(create=True, size=10**8).buf[0]",
        ("OSError", "PermissionError", "ValueError", "FileNotFoundError"),
    ),
    "locked memory": ("call('mlockall', 3)", DENIED),
    "message queues": ("call('msgget', 0, 0o1600)", DENIED),
    # numbers of things
    "too many threads": (
        "for _ in range(200): threading.Thread(target=time.sleep, args=(0.2,)).start()",
        ("RuntimeError",),
    ),
    "too many descriptors": ("return [os.open('.', 0) for _ in range(1000)]", ("OSError",)),
    "a huge sparse file": ("os.truncate(open('big', 'w').fileno(), 2**40)", ("OSError",)),
}

WIRE = """
import os, struct
def forge(sequence, payload, kind=2):
    os.write(3, struct.pack("!IQB", len(payload), sequence, kind) + payload)
"""

# name: (cell, reasons for which the session may end)
FATAL: dict[str, tuple[str, tuple[str, ...]]] = {
    "exit": ("import os; os._exit(0)", ("exit",)),
    "exit with a status": ("import os; os._exit(7)", ("exit",)),
    "abort": ("import os; os.abort()", ("crash",)),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", ("crash",)),
    "stack overflow in C": (
        "import sys; sys.setrecursionlimit(10**9)\ndef f(*a): return f(*map(lambda x: x, a))\n"
        "def g(x): return sorted([1], key=g)\ng(1)",
        ("crash", "killed"),
    ),
    "illegal instruction": (
        "import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7); m.write(b'\\x0f\\x0b')\n"
        "ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()",
        ("crash",),
    ),
    "close every descriptor": ("import os; os.closerange(0, 256)", ("exit", "protocol")),
    "a loop that swallows interrupts": (
        "while True:\n  try:\n    for _ in iter(int, 1): hash(1)\n  except BaseException: pass",
        ("timeout",),
    ),
    "a loop in C": (
        "import collections, itertools; collections.deque(itertools.repeat(0), maxlen=0)",
        ("timeout",),
    ),
    "a loop with signals blocked": (
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        ("timeout",),
    ),
    "a loop with signals ignored": (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        ("timeout",),
    ),
    "a loop in __del__": (
        "class A:\n  def __del__(self):\n    while True:\n      try:\n"
        "        for _ in iter(int, 1): hash(1)\n"
        "      except BaseException: pass\na = A(); del a",
        ("timeout",),
    ),
    "a forged reply": (WIRE + "forge(1, b'\\x80')", ("protocol",)),
    "a reply of the wrong number": (WIRE + "forge(2, b'\\x80')", ("protocol",)),
    "a request instead of a reply": (WIRE + "forge(1, b'\\x80', kind=1)", ("protocol",)),
    "a frame of unknown kind": (WIRE + "forge(1, b'\\x80', kind=9)", ("protocol",)),
    "garbage": (WIRE + "os.write(3, os.urandom(5000))", ("protocol",)),
    "a frame of 4 GB": (WIRE + "os.write(3, b'\\xff' * 13)", ("protocol",)),
    "half a frame": (WIRE + "os.write(3, b'\\0\\0'); os._exit(0)", ("exit",)),
    "a frame that never comes": (
        WIRE + "os.write(3, struct.pack('!IQB', 10**7, 1, 2))\nwhile True:\n  try:\n"
        "    import time; time.sleep(9)\n  except BaseException: pass",
        ("timeout",),
    ),
    "a million empty lists": (
        WIRE + "forge(1, b'\\xdd\\0\\x1e\\x84\\x80' + b'\\x90' * 2000000)",
        ("protocol",),
    ),
    "lists a million deep": (WIRE + "forge(1, b'\\x91' * 1000000)", ("protocol",)),
    "a map of nothing": (WIRE + "forge(1, b'\\xdf\\xff\\xff\\xff\\xff')", ("protocol",)),
    "a pickle": (
        WIRE + "import pickle; forge(1, b'\\xc4\\x20' + pickle.dumps(print).ljust(32))",
        ("protocol",),
    ),
    "an array of objects": (
        WIRE + "forge(1, b'\\xc7\\x0a\\x01\\x63\\x00' + bytes(8))",
        ("protocol",),
    ),
    "a time stamp": (WIRE + "forge(1, b'\\xd6\\xff\\0\\0\\0\\0')", ("protocol",)),
    "a flood on the wire": (
        WIRE + "while True: os.write(3, bytes(10**6))",
        ("protocol",),
    ),
    "a reply ahead of its question": (
        WIRE + "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.02), forge(99, b'\\x80'))).start()",
        ("protocol",),
    ),
    "a broken shell": (
        "import sys; sys.modules['inside.child'].Session.cell = lambda *a: {'status': 'perfect'}\n"
        "sys.modules['inside.child'].Session.call = lambda *a: {'status': 'perfect'}",
        ("protocol",),
    ),
    "CPU time in threads": (
        "import threading, hashlib\n"
        "def burn():\n  while True: hashlib.sha256(bytes(10**6))\n"
        "t = [threading.Thread(target=burn) for _ in range(4)]\n[x.start() for x in t]\n"
        "import time\nwhile True:\n  try: time.sleep(60)\n  except BaseException: pass",
        ("cpu", "timeout"),
    ),
}

# cells that do what they like to themselves
HARMLESS: dict[str, str] = {
    "print for ever": "while True: print('x' * 1000)",
    "print to stderr for ever": "import sys\nwhile True: print('x' * 1000, file=sys.stderr)",
    "write to the descriptors for ever": (
        "import os\nwhile True: os.write(1, bytes(10**6)); os.write(2, b'x')"
    ),
    "200 MB in one line": "print('x' * 200_000_000)",
    "display for ever": (
        "from IPython.display import HTML, display\nwhile True: display(HTML('<b>' * 99))"
    ),
    "a traceback without end": "raise ValueError('x' * 50_000_000)",
    "a traceback of many": "def f(n): f(n + 1)\nf(0)",
    "an exception that cannot print itself": (
        "class E(Exception):\n  def __str__(self): 1/0\nraise E"
    ),
    "an exception that exits": (
        "class E(Exception):\n  def __str__(self): raise SystemExit\nraise E"
    ),
    "a loop": "while True: pass",
    "a sleep": "import time; time.sleep(1000)",
    "a loop in __repr__": "class A:\n  def __repr__(self):\n    while True: pass\nA()",
    "a loop in a coroutine": "import asyncio\nwhile True: await asyncio.sleep(0)",
    "a task that goes on": (
        "import asyncio\nasync def f():\n  while True: await asyncio.sleep(0)\n"
        "t = asyncio.create_task(f())"
    ),
    "a thread that goes on": (
        "import threading\ndef f():\n  while True: pass\nthreading.Thread(target=f).start()"
    ),
    "a loop at exit": "import atexit\ndef f():\n  while True: pass\natexit.register(f)",
    "sys.exit": "import sys; sys.exit(1)",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "patched builtins": (
        "import builtins\nfor n in ('isinstance', 'type', 'len', 'print', 'dict'): "
        "setattr(builtins, n, None)"
    ),
    "patched numpy": (
        "import numpy as np\nnp.array = np.asarray = np.allclose = np.random.seed = None"
    ),
    "patched IPython": (
        "get_ipython().__class__.run_cell = None; get_ipython().events.trigger = None"
    ),
    "patched runner": "import sys; sys.modules['inside.runner'].execute = None",
    "patched codec": "import sys; sys.modules['inside.codec'].encode = lambda t: b''",
    "emptied sys.modules": "import sys; sys.modules.clear()",
    "an import hook": (
        "import sys\nclass H:\n  def find_spec(self, *a): raise SystemExit\n"
        "sys.meta_path.insert(0, H())"
    ),
    "a trace function": "import sys; sys.settrace(lambda *a: 1 / 0)",
    "an AST transformer": (
        "import ast\nclass T(ast.NodeTransformer):\n  def visit_Constant(self, n): 1 / 0\n"
        "get_ipython().ast_transformers.append(T())"
    ),
    "an input transformer": (
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['1/0'])"
    ),
    "a post-run hook": "get_ipython().events.register('post_run_cell', lambda *a: 1 / 0)",
    "no loop": "import asyncio; asyncio.get_running_loop().stop()",
    "files by the hundred": "for n in range(10000): open(str(n), 'w')",
    "a full disk": "open('full', 'wb').write(bytes(10**9))",
    "folders in folders": "import os\nfor n in range(5000): os.mkdir('d'); os.chdir('d')",
    "an unreadable folder": (
        "import os; os.mkdir('shut'); os.mkdir('shut/x'); os.umask(0o777); os.mkdir('none')"
    ),
    "memory in a list": "x = []\nwhile True: x.append(bytearray(10**6))",
    "memory by strings": "x = 'a'\nwhile True: x += x",
    "a memory error in C": "import numpy as np; np.linalg.svd(np.ones((20000, 20000)))",
    "a signal to oneself": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "an alarm": "import signal; signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)",
    "input": "input('password: ')",
    "a magic that runs programs": "!cat /etc/passwd",
    "a magic that writes": "%%writefile /etc/x\nx",
    "a cell of a shell": "%%bash\ncat /etc/passwd",
}


STOPPED: dict[tuple[str, str], str] = {}
"""What stopped an attack in tier A in this run, by section and name."""


def define(body: str, repository: Path) -> str:
    return f"{HEAD}\nrepository = {str(repository)!r}\ndef attack(folder, host):\n    {body}\n"


def next_is_served(sandbox: Sandbox) -> None:
    started = time.monotonic()
    with sandbox.submission() as session:
        cell = session.run_cell("import numpy as np\ndef f(x): return 2 * x + 1\nprint('fine')")
        assert cell.outputs == [{"output_type": "stream", "name": "stdout", "text": "fine\n"}]
        outcome = session.call({"function": "f", "args": [np.arange(3)]})
        assert outcome["status"] == "ok"
        assert outcome["value"].tolist() == [1, 3, 5]
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("name", REFUSED)
def test_refused(any_sandbox: Sandbox, outside: Path, root: Path, name: str) -> None:
    body, stops = REFUSED[name]
    with any_sandbox.submission() as session:
        prepared = session.run_cell(define(body, root))
        assert prepared.status == "ok", prepared.outputs
        outcome = session.call({"function": "attack", "args": [str(outside), os.getpid()]})
    assert outcome["status"] == "raised", outcome
    assert outcome["error"]["type"] in stops, outcome["error"]
    if any_sandbox.tier is Tier.A:
        STOPPED["refused", name] = outcome["error"]["type"]
    next_is_served(any_sandbox)


def end_of(session: Session, source: str, limit: float) -> SessionDied | None:
    """Run a cell, then calls until something happens; return how the session ended, if it did."""
    try:
        session.run_cell(source, limit=limit)
        for _ in range(40):
            session.call({"function": "f", "args": []}, limit=1.0)
            time.sleep(0.05)
    except SessionDied as death:
        return death
    return None


@pytest.mark.parametrize("name", FATAL)
def test_fatal(any_sandbox: Sandbox, name: str) -> None:
    source, reasons = FATAL[name]
    with any_sandbox.submission() as session:
        death = end_of(session, source, 8.0 if "CPU" in name else 0.4)
        assert death is not None
        assert death.reason in reasons, str(death)
        if any_sandbox.tier is Tier.A:
            STOPPED["fatal", name] = death.reason
        with pytest.raises(SessionDied):  # and it stays dead
            session.run_cell("1")
    next_is_served(any_sandbox)


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless(any_sandbox: Sandbox, name: str) -> None:
    started = time.monotonic()
    how = "ended"
    with any_sandbox.submission() as session, contextlib.suppress(SessionDied):
        result = session.run_cell(HARMLESS[name], limit=0.5)
        how = result.status
        size = sum(len(str(output)) for output in result.outputs)
        assert size < 4 * any_sandbox.limits.output
        session.run_cell("1 + 1", limit=1.0)
    assert time.monotonic() - started < 20
    if any_sandbox.tier is Tier.A:
        STOPPED["harmless", name] = how
    next_is_served(any_sandbox)


# --------------------------------------------------------------------------------------
# hostile values

VALUES: dict[str, tuple[str, tuple[str, ...]]] = {
    "an array of objects": ("np.array([object()], dtype=object)", ("unserialisable",)),
    "an array of strings": ("np.array(['a'])", ("unserialisable",)),
    "a record array": ("np.zeros(3, dtype=[('a', 'f8')])", ("unserialisable",)),
    "an array that lies about its shape": (
        "type('A', (np.ndarray,), {'shape': (10**9,), 'nbytes': 0})((3,))",
        ("ok", "unserialisable", "raised"),
    ),
    "a list that lies about its length": (
        "type('L', (list,), {'__len__': lambda s: 10**9, '__iter__': lambda s: iter(int, 1)})()",
        ("ok", "unserialisable", "raised", "timeout"),
    ),
    "a number that lies": (
        "type('F', (float,), {'__eq__': lambda s, o: True, '__float__': lambda s: 0.5})(3)",
        ("ok", "unserialisable"),
    ),
    "a value equal to everything": (
        "type('E', (), {'__eq__': lambda s, o: True, '__array__': lambda s, *a, **k: s})()",
        ("unserialisable",),
    ),
    "400 MB": ("np.broadcast_to(np.float64(1), (50_000_000,))", ("unserialisable", "raised")),
    "8 GB in no memory": ("np.broadcast_to(np.float64(1), (10**9,))", ("unserialisable", "raised")),
    "a deep list": ("deep()", ("unserialisable",)),
    "a list in itself": ("loop()", ("unserialisable",)),
    "a dictionary in itself": ("ring()", ("unserialisable",)),
    "many items": ("[0] * 10**6", ("unserialisable",)),
    "a long string": ("'x' * 10**8", ("unserialisable",)),
    "half a surrogate": ("'\\ud800'", ("ok",)),
    "NaN everywhere": ("[float('nan'), float('inf'), complex('nan')]", ("ok",)),
    "a NaN with a message": (
        "np.frombuffer(b'\\x01\\x02\\x03\\x04\\x05\\x06\\xf8\\x7f')",
        ("ok",),
    ),
    "a huge integer": ("10**400", ("unserialisable",)),
    "a function": ("print", ("unserialisable",)),
    "a class": ("dict", ("unserialisable",)),
    "a generator": ("(i for i in range(3))", ("unserialisable",)),
    "a dictionary of odd keys": ("{1: 2, None: 3}", ("unserialisable",)),
    "a bad byte order": ("np.arange(3, dtype='>f8')", ("ok",)),
    "a long double": ("np.longdouble(1)", ("ok",)),
    "an empty array of huge axes": ("np.zeros((0, 10**12))", ("ok", "unserialisable")),
}


@pytest.mark.parametrize("name", VALUES)
def test_hostile_values(sandbox: Sandbox, name: str) -> None:
    expression, statuses = VALUES[name]
    source = (
        "import numpy as np\n"
        "def deep():\n  x = []\n  for _ in range(10**5): x = [x]\n  return x\n"
        "def loop():\n  x = []\n  x.append(x)\n  return x\n"
        "def ring():\n  x = {}\n  x['x'] = x\n  return x\n"
        f"def f(): return {expression}\n"
    )
    with sandbox.submission() as session:
        assert session.run_cell(source).status == "ok"
        outcome = session.call({"function": "f", "args": []}, limit=1.0)
        assert outcome["status"] in statuses, outcome
        STOPPED["value", name] = outcome["status"]
        assert plain(outcome["value"])
        assert session.call({"function": "f", "args": []}, limit=1.0)["status"] in statuses


def plain(value: object) -> bool:
    """Nothing of the student's type has crossed over."""
    if isinstance(value, list | tuple):
        return all(plain(item) for item in value)
    if isinstance(value, dict):
        return all(plain(item) for item in value.values())
    return type(value) in (type(None), bool, int, float, complex, str, np.ndarray)


def test_a_runner_replaced_can_only_give_other_values(sandbox: Sandbox) -> None:
    source = (
        "import sys\n"
        "def fake(*arguments, **named): return OUTCOME\n"
        "sys.modules['inside.runner'].execute = fake\n"
    )
    honest = {
        "status": "ok",
        "value": 42,
        "changed": [],
        "printed": "",
        "warned": [],
        "error": None,
    }
    honest |= {"calls": {}, "peak": None, "seconds": 0.0}
    with sandbox.submission() as session:
        session.run_cell(source + f"OUTCOME = {honest!r}")
        assert session.call({"function": "f", "args": []})["value"] == 42
    for field, lie in [
        ("status", "full marks"),
        ("changed", "x"),
        ("seconds", None),
        ("error", []),
    ]:
        with sandbox.submission() as session:
            session.run_cell(source + f"OUTCOME = {honest | {field: lie}!r}")
            with pytest.raises(SessionDied, match="protocol"):
                session.call({"function": "f", "args": []})


ANSWER = {
    "status": "ok",
    "value": 42,
    "changed": [],
    "printed": "",
    "warned": [],
    "error": None,
    "calls": {},
    "peak": None,
    "seconds": 0.0,
}


@pytest.mark.parametrize(("sequence", "kind"), [(1, 2), (3, 2), (2**63, 2), (2, 1)])
def test_a_well_formed_answer_counts_only_in_its_turn(
    sandbox: Sandbox, sequence: int, kind: int
) -> None:
    """The cell is exchange 1 and the call 2; the frame has all that an honest one has but those."""
    payload = codec.encode(ANSWER)
    source = f"{WIRE}def f():\n    forge({sequence}, {payload!r}, {kind})\n    return 7\n"
    with sandbox.submission() as session:
        assert session.run_cell(source).status == "ok"
        with pytest.raises(SessionDied, match="protocol"):
            session.call({"function": "f", "args": []})


def test_a_well_formed_answer_before_its_question_ends_the_session(sandbox: Sandbox) -> None:
    payload = codec.encode(ANSWER)
    source = (
        f"{WIRE}import threading, time\ndef f(): return 7\n"
        f"threading.Thread(target=lambda: (time.sleep(0.05), forge(2, {payload!r}))).start()\n"
    )
    with sandbox.submission() as session:
        assert session.run_cell(source).status == "ok"
        time.sleep(0.5)
        with pytest.raises(SessionDied, match="nobody asked for"):
            session.call({"function": "f", "args": []})


# --------------------------------------------------------------------------------------
# between submissions, and from the host


def test_nothing_is_left_for_the_next(any_sandbox: Sandbox) -> None:
    leave = (
        "import os, builtins, sys, numpy as np, matplotlib\n"
        "open('left', 'w').write('x'); os.environ['LEFT'] = 'x'; builtins.left = np.left = 1\n"
        "sys.path.append('left'); matplotlib.rcParams['lines.linewidth'] = 77\n"
        "np.random.seed(99); left = In\n"
    )
    look = (
        "import os, builtins, sys, numpy as np, matplotlib\n"
        "def f(): return [os.listdir('.'), 'LEFT' in os.environ, hasattr(builtins, 'left'),\n"
        "  hasattr(np, 'left'), 'left' in sys.path, matplotlib.rcParams['lines.linewidth'] == 77,\n"
        "  'left' in globals(), len(In)]\n"
    )
    with any_sandbox.submission() as session:
        assert session.run_cell(leave).status == "ok"
    with any_sandbox.submission() as session:
        session.run_cell(look)
        found = session.call({"function": "f", "args": []})["value"]
    assert found == [[], False, False, False, False, False, False, 2]


def test_siblings_do_not_share_their_chance(sandbox: Sandbox) -> None:
    draws = []
    for seed in (1, 2, 1):
        with sandbox.submission(seed=seed) as session:
            session.run_cell("import random, numpy as np\nx = [np.random.rand(), random.random()]")
            session.run_cell("def f(): return x")
            draws.append(session.call({"function": "f", "args": []})["value"])
    assert draws[0] == draws[2]
    assert draws[0][0] != draws[1][0]
    assert draws[0][1] != draws[1][1]


def test_no_secret_of_the_host_is_inside(any_sandbox: Sandbox) -> None:
    assert os.environ["AUTOGRADER_SALT"] == SECRET
    source = (
        "import gc, hashlib, os, sys\n"
        "def f(digest):\n"
        "    gc.unfreeze()\n"
        "    seen = set(os.environ.values()) | set(sys.argv)\n"
        "    for thing in gc.get_objects():\n"
        "        for item in [thing, *gc.get_referents(thing)]:\n"
        "            if type(item) is str: seen.add(item)\n"
        "    texts = [s for s in seen if len(s) == 32]\n"
        "    return [hashlib.sha256(s.encode()).hexdigest() == digest for s in texts].count(True)\n"
    )
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    with any_sandbox.submission() as session:
        session.run_cell(source)
        assert session.call({"function": "f", "args": [digest]})["value"] == 0
        session.run_cell(f"known = {SECRET!r}")  # and the search does find what is there
        assert session.call({"function": "f", "args": [digest]})["value"] > 0


def test_two_sessions_at_once_do_not_meet(any_sandbox: Sandbox) -> None:
    with any_sandbox.submission() as first, any_sandbox.submission() as second:
        first.run_cell("import os; open('mine', 'w').write('x')\ndef f(): return os.listdir('.')")
        second.run_cell("import os\ndef f(): return os.listdir('.')")
        assert first.call({"function": "f", "args": []})["value"] == ["mine"]
        assert second.call({"function": "f", "args": []})["value"] == []
        with pytest.raises(SessionDied):
            first.run_cell("os._exit(0)")
        assert second.call({"function": "f", "args": []})["value"] == []


def test_a_lost_warm_process_is_replaced(sandbox: Sandbox) -> None:
    before = sandbox._zygote
    assert before is not None
    assert before._process is not None
    before._process.kill()
    before._process.wait()
    next_is_served(sandbox)
    assert sandbox._zygote is not before


def test_the_account_counts_threads_and_the_dead(sandbox: Sandbox) -> None:
    with sandbox.submission() as session:
        session.run_cell(
            "import time\nt = time.process_time()\nwhile time.process_time() < t + 0.3: pass"
        )
    assert session.usage is not None
    assert 0.3 < session.usage.cpu < 1.0
    assert 10 * 2**20 < session.usage.memory < 2**30


def test_a_flooded_host_stays_small(sandbox: Sandbox) -> None:
    """The largest frame a child can have decoded is bounded, whatever it claims."""
    import tracemalloc

    nil = b"\xdd" + struct.pack("!I", 2**24 - 9) + b"\xc0" * (2**24 - 9)
    lists = b"\xdc\xff\xff" + b"\x90" * 65535
    for attack in (nil, b"\x9f" + lists * 15, b"\x91" + b"\xdb\xff\xff\xff\xff"):
        with pytest.raises(codec.ProtocolError):
            codec.decode(attack)
    tracemalloc.start()
    try:
        with pytest.raises(codec.ProtocolError):  # within the limit of items, but no list of ours
            codec.decode(b"\x97" + lists * 7)
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()


def test_sessions_are_closed_twice_without_harm(sandbox: Sandbox) -> None:
    session: Session = sandbox.submission()
    session.close()
    session.close()
    assert session.usage is not None


# --------------------------------------------------------------------------------------
# the table of the documentation

TABLE = Path(autograder.sandbox.__file__).with_name("ATTACKS.md")
WORDS = {
    "timeout": "ended by the host: it did not heed the interrupt",
    "protocol": "ended by the host: bytes that are no answer",
    "exit": "its own end; the notebook is run again without that cell",
    "crash": "its own end; the notebook is run again without that cell",
    "killed": "ended by the kernel for memory",
    "cpu": "ended by the limit on processor time",
}
VALUE_WORDS = {
    "ok": "taken as plain numbers, by the whitelist",
    "unserialisable": "refused by the whitelist of the wire",
    "raised": "fails in its own process",
    "timeout": "interrupted",
}
HARMLESS_WORDS = {
    "ok": "reaches only itself",
    "error": "reaches only itself, and is shown as an error",
    "timeout": "interrupted by the host",
    "ended": "ended by the host or by a limit",
}
SECTIONS = {
    "refused": ("Attempts that the sandbox refuses", REFUSED),
    "fatal": ("Cells that end their process", FATAL),
    "harmless": ("Cells that may do what they like", HARMLESS),
    "value": ("Values that a function may return", VALUES),
}


def words(section: str, stopped: str) -> str:
    if section == "refused":
        return f"refused: `{stopped}`"
    return {"fatal": WORDS, "harmless": HARMLESS_WORDS, "value": VALUE_WORDS}[section][stopped]


def allowed(section: str, name: str) -> set[str]:
    """What may stand in the table for an attack."""
    if section == "harmless":  # how fast a machine is decides between an error and an interrupt
        return set(HARMLESS_WORDS.values())
    return {words(section, one) for one in SECTIONS[section][1][name][1]}  # type: ignore[index]


def test_the_table_of_the_documentation(root: Path) -> None:
    everything = [(section, name) for section, (_, rows) in SECTIONS.items() for name in rows]
    if os.environ.get("ATTACK_TABLE") == "write":
        assert set(everything) <= set(STOPPED), "run the whole file"
        lines = ["# Attacks, and what stopped each", "",
                 "In tier A. Written and held by `tests/autograder/sandbox/test_attacks.py`.",
                 "After each attack the next submission is served, in tiers A and B."]  # fmt: skip
        for section, (title, rows) in SECTIONS.items():
            lines += ["", f"## {title}", "", "| attack | what stopped it |", "|---|---|"]
            lines += [f"| {name} | {words(section, STOPPED[section, name])} |" for name in rows]
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found: list[tuple[str, str]] = []
    sections = iter(SECTIONS)
    section = ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = next(sections)
            assert line == f"## {SECTIONS[section][0]}"
        elif line.startswith("| ") and not line.startswith("| attack"):
            name, stopped = (part.strip() for part in line.strip("|").split("|"))
            assert stopped in allowed(section, name), line
            found.append((section, name))
    assert found == everything
