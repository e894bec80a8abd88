import Foundation
import Testing

/// The system calls of the confined child: it only reads, writes and computes.
@Suite struct TracedChildTests {
    private static let strace = "/usr/bin/strace"

    /// Calls that name a file, make a socket, start a process or reach one.
    private static let forbidden = [
        "open", "openat", "openat2", "creat", "mkdir", "mkdirat", "mknod", "mknodat", "link", "linkat", "symlink",
        "symlinkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "chmod", "fchmodat", "chown",
        "truncate", "utimensat", "chdir", "chroot", "mount", "socket", "socketpair", "connect", "bind", "listen",
        "accept", "accept4", "sendto", "sendmsg", "execve", "execveat", "fork", "vfork", "kill", "tgkill", "ptrace",
        "process_vm_readv", "process_vm_writev", "io_uring_setup", "memfd_create", "dup", "dup2", "dup3",
    ]

    /// Archives whose entries involve the file system: links, devices, names that lead out, and dumps
    /// that name files.
    private func archives(_ scratch: Scratch) throws -> [String] {
        try shell(
            """
            cd \(scratch.url.path) && mkdir -p in/dir && cd in && ln -s /etc/passwd out && ln -s /tmp dir/up \
            && mkfifo pipe && mknod null c 1 3; echo evil > evil && ln evil hard && printf 'x\\ny\\n' > game.log \
            && printf '\\177ELF\\002\\001\\001' > core.1 && printf 'MDMP' > a.dmp && gzip -k game.log a.dmp \
            && tar cPzf ../links.tar.gz --transform 's,^evil,../../evil,;s,^dir,/tmp/salvage-evil,' . evil \
            && head -c 300 ../links.tar.gz > ../cut.tar.gz && head -c 100000 /dev/zero | gzip > ../zeros.tar.gz
            """)
        var found = ["links", "cut", "zeros"].map { scratch.path($0 + ".tar.gz") }
        if let tar = Program.corpora?.appendingPathComponent("tar") {
            let names = try FileManager.default.contentsOfDirectory(atPath: tar.path).sorted()
            found += names.filter { !$0.contains("sparse-large") }.map { tar.path + "/" + $0 }
        }
        return found
    }

    @Test func afterItConfinedItselfItOpensNothing() throws {
        guard FileManager.default.isExecutableFile(atPath: Self.strace) else {
            print("skipped: strace is not installed")
            return
        }
        let scratch = try Scratch()
        let files = try archives(scratch)
        let log = scratch.path("trace.log")
        let before = Scratch.listing(scratch.url.path, leavingOut: "store")
        let arguments =
            [
                "-f", "-qq", "-o", log, "-e", "trace=all", Program.salvage.path, "ingest", "--store",
                scratch.path("store"), "--session", "s",
            ] + files
        let traced = try Program.Running(URL(fileURLWithPath: Self.strace), arguments, environment: [:]).wait()
        guard !traced.err.contains("ptrace") else {
            print("skipped: this machine lets nothing be traced")
            return
        }
        // Some of them are damaged, which is what exit code 3 says.
        #expect(traced.status == 3 || traced.status == 0, "\(traced.out)\(traced.err)")
        #expect(
            Scratch.listing(scratch.url.path, leavingOut: "store").filter { !$0.hasPrefix("trace.log") } == before)

        let text = try String(contentsOfFile: log, encoding: .utf8)
        let lines = text.split(separator: "\n").map { line -> (pid: Substring, call: Substring) in
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            return (parts[0], parts.count > 1 ? parts[1].drop { $0 == " " } : "")
        }
        // The child by its name, its threads by the clone that made them.
        let child = try #require(lines.first { $0.call.contains(#"["salvage-ingest", "__ingest"]"#) }?.pid)
        var family: Set<Substring> = [child]
        var isConfined = false
        var calls = 0
        var kinds: Set<String> = []
        for (pid, call) in lines where family.contains(pid) {
            if call.hasPrefix("clone"), let made = call.split(separator: "=").last?.split(separator: " ").first {
                family.insert(made)
            }
            let name = String(call.prefix { $0 != "(" })
            let confines = name == "seccomp" || call.hasPrefix("prctl(PR_SET_SECCOMP")
            if confines, call.hasSuffix("= 0") { isConfined = true }
            guard isConfined else { continue }
            calls += 1
            kinds.insert(name)
            // The C library looks there when the heap of a thread shrinks, and lives with being refused.
            if call.contains(#""/proc/sys/vm/overcommit_memory""#), call.contains("= -1 E") { continue }
            #expect(!Self.forbidden.contains(name), "\(call)")
        }
        try #require(isConfined, "the child was not seen to confine itself")
        #expect(calls > 100, "\(calls) calls of \(family.count) threads")
        #expect(kinds.contains("pwrite64") && (kinds.contains("read") || kinds.contains("pread64")), "\(kinds)")
    }
}
