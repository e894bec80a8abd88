import CConfinement
import CFiles
import CProcess
import Glibc
import Model
import Testing

@testable import Unpack

/// Confinement cannot be undone, so each test runs in a process of its own.
struct ConfineTests {
    @Test("a confined process cannot open, connect, execute or fork")
    func refuses() async {
        await #expect(processExitsWith: .exitCode(0)) {
            var wanted = salvage_confinement()
            wanted.cpu_seconds = 60
            wanted.file_size = 1 << 20
            wanted.deny_executable_memory = 1
            var confined = salvage_confined()
            _ = salvage_confine(&wanted, &confined)
            let needed = SALVAGE_BARRIER_NO_NEW_PRIVS.rawValue | SALVAGE_BARRIER_SECCOMP.rawValue
            guard confined.effective & needed == needed else { exit(10) }
            guard confined.effective & SALVAGE_BARRIER_CPU.rawValue != 0 else { exit(11) }
            guard confined.effective & SALVAGE_BARRIER_FILE_SIZE.rawValue != 0 else { exit(12) }
            let landlock = confined.effective & SALVAGE_BARRIER_LANDLOCK.rawValue != 0
            guard landlock == (confined.landlock_version > 0) else { exit(13) }
            guard open("/etc/passwd", O_RDONLY) == -1, errno == EPERM else { exit(20) }
            guard socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) == -1, errno == EPERM else { exit(21) }
            guard fork() == -1, errno == EPERM else { exit(22) }
            var arguments: [UnsafeMutablePointer<CChar>?] = [nil]
            guard execve("/bin/true", &arguments, &arguments) == -1, errno == EPERM else { exit(23) }
            let executable = mmap(nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard executable == MAP_FAILED, errno == EPERM else { exit(24) }
            guard kill(getppid(), 0) == -1, errno == EPERM else { exit(25) }
            guard unlink("/tmp/nothing") == -1, errno == EPERM else { exit(26) }
            // fstatat works for an open file but not for a path, whatever the flags are.
            var facts = stat()
            guard fstat(2, &facts) == 0 else { exit(27) }
            guard stat("/etc/passwd", &facts) == -1, errno == EPERM else { exit(28) }
            guard fstatat(AT_FDCWD, "/etc/passwd", &facts, 0x1000) == -1, errno == EPERM else { exit(29) }
            guard fstat(1234, &facts) == -1, errno == EBADF else { exit(40) }
            guard fstatat(1234, "", &facts, 0) == -1, errno == EPERM else { exit(41) }
            exit(0)
        }
    }

    @Test("a confined process can still allocate, start threads, read, write and unpack")
    func works() async {
        await #expect(processExitsWith: .exitCode(0)) {
            var pipes: [Int32] = [-1, -1]
            guard pipe(&pipes) == 0 else { exit(30) }
            let input = salvage_memfd("archive")
            var tar = TarBuilder()
            tar.pax(TarBuilder.record("path", Array("größe".utf8)))
            tar.file("x", [UInt8](repeating: 7, count: 3_000_000))
            tar.end()
            let archive = gzip(tar.bytes)
            guard write(input, archive, archive.count) == archive.count, lseek(input, 0, SEEK_SET) == 0 else {
                exit(31)
            }
            let kept = [input, pipes[1], pipes[0], 2]
            guard salvage_close_all_but(kept, kept.count) == 0 else { exit(32) }
            var wanted = salvage_confinement()
            wanted.data = 256 << 20
            wanted.cpu_seconds = 60
            wanted.descriptors = 0
            wanted.deny_executable_memory = 1
            var confined = salvage_confined()
            _ = salvage_confine(&wanted, &confined)
            guard confined.effective & SALVAGE_BARRIER_SECCOMP.rawValue != 0 else { exit(33) }
            guard fcntl(1, F_GETFD) == -1, fcntl(input, F_GETFD) >= 0 else { exit(34) }
            var unpacker = Unpacker()
            unpacker.inflatesOnOwnThread = true
            let report = unpacker.verify(descriptor: input)
            guard report.verdict == .ok, report.bytes == 3_000_000 else { exit(35) }
            guard report.warnings.isEmpty else { exit(36) }
            guard write(pipes[1], "x", 1) == 1 else { exit(37) }
            guard let large = malloc(100 << 20) else { exit(38) }
            memset(large, 1, 100 << 20)
            guard malloc(300 << 20) == nil else { exit(39) }
            exit(0)
        }
    }

    @Test("a violation of the CPU limit ends the process")
    func cpu() async {
        await #expect(processExitsWith: .failure) {
            var wanted = salvage_confinement()
            wanted.cpu_seconds = 1
            var confined = salvage_confined()
            _ = salvage_confine(&wanted, &confined)
            var sum: UInt64 = 1
            while sum != 0 { sum = sum &* 3 | 1 }
            exit(0)
        }
    }

    @Test("what this machine offers has names")
    func names() {
        let available = salvage_available_barriers()
        for bit in 0..<9 where available & (1 << bit) != 0 {
            #expect(salvage_barrier_name(1 << bit) != nil)
        }
        #expect(salvage_barrier_name(3) == nil)
        #expect(available & SALVAGE_BARRIER_NO_NEW_PRIVS.rawValue != 0)
    }
}

struct BeneathTests {
    @Test("no path leaves the folder", .enabled(if: salvage_has_open_beneath() != 0, "the kernel has no openat2"))
    func beneath() throws {
        var template = Array("/tmp/salvage-beneath-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = open(template, O_RDONLY | O_DIRECTORY)
        try #require(folder >= 0)
        defer {
            unlinkat(folder, "up", 0)
            unlinkat(folder, "in", 0)
            unlinkat(folder, "file", 0)
            unlinkat(folder, "other", 0)
            close(folder)
            rmdir(template)
        }
        let file = salvage_open_beneath(folder, "file", O_CREAT | O_EXCL | O_WRONLY, 0o600)
        #expect(file >= 0)
        close(file)
        #expect(symlinkat("..", folder, "up") == 0)
        #expect(symlinkat("file", folder, "in") == 0)
        for path in ["../x", "/etc/passwd", "up/x", "up", "in", "/proc/self/cwd/x"] {
            #expect(salvage_open_beneath(folder, path, O_RDONLY, 0) == -1, "\(path)")
            #expect(errno == EXDEV || errno == ELOOP, "\(path)")
        }
        let other = salvage_open_beneath(folder, "other", O_CREAT | O_EXCL | O_WRONLY, 0o600)
        #expect(other >= 0)
        close(other)
        #expect(salvage_rename_new(folder, "file", folder, "other") == -1)
        #expect(errno == EEXIST)
        #expect(salvage_rename_exchange(folder, "file", folder, "other") == 0)
    }
}
