"""Runs a program and injects a fault into one of its confined children: fails one system call or kills the child.

strace cannot limit a fault to the child, because it counts the calls of every thread that it follows. This module uses
ptrace(2) itself: the parent's threads run undisturbed, and only the calls of children named `salvage-ingest` stop here. Linux
on x86-64 only.
"""
import collections, ctypes, errno, glob, os, platform, re, signal, threading

NAME = b"salvage-ingest\0"
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
TRACEME, POKEUSER, CONT, SYSCALL, SETOPTIONS, SYSCALL_INFO = 0, 6, 7, 24, 0x4200, 0x420E
OPTIONS = 1 | 2 | 4 | 8 | 16 | 0x100000  # mark syscall stops; follow fork, vfork, clone, exec; kill the tracees if we exit
RAX, ORIG_RAX, GETPID = 80, 120, 39
WAIT_ALL = 0x40000000
FUTEX_WAITS = (0, 9)


class Info(ctypes.Structure):
    _fields_ = [("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32), ("ip", ctypes.c_uint64),
                ("sp", ctypes.c_uint64), ("nr", ctypes.c_uint64), ("args", ctypes.c_uint64 * 6), ("more", ctypes.c_uint64)]


def is_possible():
    return platform.machine() == "x86_64" and bool(glob.glob("/usr/include/*/asm/unistd_64.h"))


def names():
    header = glob.glob("/usr/include/*/asm/unistd_64.h")[0]
    return {int(number): name for name, number in re.findall(r"#define __NR_(\w+) (\d+)", open(header).read())}


class Point:
    """Where and how to inject a fault: at a child's n-th call of a name, or `after` seconds from the child's start."""

    def __init__(self, act, call=None, number=0, after=None):
        self.act, self.call, self.number, self.after = act, call, number, after

    def __str__(self):
        return f"{self.act} " + (f"{self.after * 1000:.1f} ms after its start" if self.call is None else
                                 f"at {self.call} {self.number}")


class Outcome:
    def __init__(self):
        self.status, self.struck, self.hangs = None, False, False
        self.children = []  # per child, how often it made each call


class Run:
    def __init__(self, command, environment, output, point, limit):
        self.point, self.outcome, self.names = point, Outcome(), names()
        self.seen, self.families, self.failing = set(), {}, {}
        self.root = os.fork()
        if self.root == 0:
            self.become(command, environment, output)
        self.timers = [threading.Timer(limit, self.stop)]
        self.timers[0].start()
        os.waitpid(self.root, WAIT_ALL)
        self.ask(SETOPTIONS, self.root, 0, OPTIONS)
        self.seen.add(self.root)
        self.ask(CONT, self.root)
        try:
            self.follow()
        finally:
            for timer in self.timers:
                timer.cancel()

    @staticmethod
    def become(command, environment, output):
        try:
            log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            null = os.open("/dev/null", os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            libc.ptrace(TRACEME, 0, None, None)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.execve(command[0], command, environment)
        finally:
            os._exit(126)

    def stop(self):
        self.outcome.hangs = True
        os.kill(self.root, signal.SIGKILL)

    @staticmethod
    def ask(request, pid, address=0, data=0):
        return libc.ptrace(request, pid, address, data)

    def follow(self):
        while True:
            try:
                pid, status = os.waitpid(-1, WAIT_ALL)
            except ChildProcessError:
                return
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                if pid == self.root:
                    self.outcome.status = os.waitstatus_to_exitcode(status)
                    return
                continue
            self.resume(pid, *self.look(pid, status))

    def look(self, pid, status):
        """Handles a stop; returns the signal to deliver, 0 for none."""
        number, event = os.WSTOPSIG(status), status >> 16
        if event == 4:
            self.begin(pid)
            return 0,
        if pid not in self.seen:
            self.seen.add(pid)
            return 0,
        if number == signal.SIGTRAP | 0x80:
            self.call(pid)
            return 0,
        return (0,) if event else (number,)

    def family(self, pid):
        """The child that a thread belongs to; None for the parent's threads."""
        if pid not in self.families:
            try:
                with open(f"/proc/{pid}/status") as file:
                    leader = int(re.search(r"Tgid:\s+(\d+)", file.read())[1])
            except (OSError, TypeError):
                return None
            if leader not in self.families:
                return None
            self.families[pid] = self.families[leader]
        return self.families[pid]

    def resume(self, pid, deliver):
        self.ask(SYSCALL if self.family(pid) else CONT, pid, 0, deliver)

    def begin(self, pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if not file.read().startswith(NAME):
                    return
        except OSError:
            return
        counts = collections.Counter()
        self.families[pid] = (pid, counts)
        self.outcome.children.append(counts)
        if self.point and self.point.after is not None and not self.outcome.struck:
            self.outcome.struck = True
            self.timers.append(threading.Timer(self.point.after, self.kill, (pid,)))
            self.timers[-1].start()

    @staticmethod
    def kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def call(self, pid):
        info = Info()
        self.ask(SYSCALL_INFO, pid, ctypes.sizeof(info), ctypes.addressof(info))
        if info.op == 2 and pid in self.failing:
            self.ask(POKEUSER, pid, RAX, (1 << 64) - self.failing.pop(pid))
        family = self.family(pid)
        if info.op != 1 or not family:
            return
        name = self.names.get(info.nr, str(info.nr))
        if name == "futex" and info.args[1] & 0x7F in FUTEX_WAITS:
            name = "futex_wait"
        leader, counts = family
        counts[name] += 1
        point = self.point
        if not point or self.outcome.struck or point.call != name or counts[name] != point.number:
            return
        self.outcome.struck = True
        if point.act == "KILL":
            self.kill(leader)
        else:
            self.failing[pid] = getattr(errno, point.act)
            # Replaces the call by a harmless one that the child's filter allows.
            self.ask(POKEUSER, pid, ORIG_RAX, GETPID)


def run(command, environment, output, point=None, limit=120):
    """Runs a command to its end, with its output in the file `output`."""
    return Run(command, environment, output, point, limit).outcome


ERRORS = {
    "read": ["EIO", "EINTR"], "pread64": ["EIO", "EINTR"], "write": ["EIO", "EINTR"],
    "pwrite64": ["EIO", "ENOSPC", "EINTR"], "writev": ["EIO"], "pwritev": ["EIO"], "lseek": ["EIO"], "fstat": ["EIO"],
    "newfstatat": ["EIO"], "ftruncate": ["EIO"], "fallocate": ["EIO"], "close": ["EIO"],
    "openat": ["EMFILE", "EIO"], "open": ["EMFILE"], "readlink": ["EIO"], "access": ["EIO"],
    "mmap": ["ENOMEM"], "mremap": ["ENOMEM"], "munmap": ["ENOMEM"], "mprotect": ["ENOMEM"], "brk": ["ENOMEM"],
    "madvise": ["ENOMEM"], "clone": ["EAGAIN"], "clone3": ["EAGAIN"], "futex_wait": ["EINTR"],
    "clock_nanosleep": ["EINTR"], "getrandom": ["EINTR"], "sched_getaffinity": ["EINVAL"],
    # A failing wake-up or exit is not a machine fault.
    "futex": [], "exit_group": [], "exit": [], "rt_sigreturn": [], "execve": [],
}


def points(children, rng):
    """Every call of a child with each of its possible errors, and with SIGKILL. Points at different calls come first."""
    most = collections.Counter()
    for counts in children:
        for name, count in counts.items():
            most[name] = max(most[name], count)
    rounds = collections.defaultdict(list)
    for name, count in most.items():
        order = list(range(1, count + 1))
        rng.shuffle(order)
        acts = ERRORS.get(name, ["EPERM"]) + ["KILL"]
        for turn, number in enumerate(order):
            for offset, act in enumerate(acts[turn % len(acts):] + acts[:turn % len(acts)]):
                rounds[turn + offset * len(order)].append(Point(act, name, number))
    chosen = []
    for turn in sorted(rounds):
        rng.shuffle(rounds[turn])
        chosen += rounds[turn]
    return chosen, most
