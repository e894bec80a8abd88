import FoundationEssentials
import Glibc
import Model
import Pack

/// Tries, from inside the confinement, everything that the child must not be able to do.
enum ConfinementProbe {
    /// The file size limit of a probe, in bytes; small, so that the probe can reach it.
    static let fileSize: UInt64 = 1 << 20

    /// Returns, for each action by name, whether it was refused.
    static func run(_ job: IngestJob) -> [String: Bool] {
        var refused: [String: Bool] = [:]
        refused["open_file"] = open("/etc/passwd", O_RDONLY) == -1
        refused["create_file"] = open("/tmp/salvage-probe", O_WRONLY | O_CREAT, 0o600) == -1
        refused["remove_file"] = unlink("/tmp/salvage-probe-nothing") == -1 && errno != ENOENT
        var facts = stat()
        refused["stat_path"] = stat("/etc/passwd", &facts) == -1
        // AT_EMPTY_PATH does not keep the kernel from using a path that is not empty.
        refused["stat_path_as_empty"] = fstatat(AT_FDCWD, "/etc/passwd", &facts, 0x1000) == -1
        refused["connect"] = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) == -1
        refused["connect_local"] = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) == -1
        refused["fork"] = isForkRefused()
        var arguments: [UnsafeMutablePointer<CChar>?] = [nil]
        refused["execute"] = execve("/bin/true", &arguments, &arguments) == -1
        refused["signal_parent"] = kill(getppid(), 0) == -1
        let code = mmap(nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        refused["executable_memory"] = code == MAP_FAILED
        let large = Int(clamping: job.limits.memoryBytes)
        refused["memory"] =
            mmap(nil, large, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
        refused["descriptor"] = dup(IngestProcess.Slot.pack) == -1
        var byte: UInt8 = 1
        refused["file_size"] = pwrite(IngestProcess.Slot.pack, &byte, 1, off_t(fileSize)) == -1
        var wanted = rlimit(rlim_cur: rlim_t.max, rlim_max: rlim_t.max)
        refused["lift_limit"] = setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &wanted) == -1
        var core = rlimit()
        refused["core_dump"] = getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &core) == 0 && core.rlim_max == 0
        return refused
    }

    private static func isForkRefused() -> Bool {
        let child = Glibc.fork()
        if child == 0 { _exit(0) }
        return child == -1
    }
}

extension IngestProcess {
    /// Runs a confined child that tries everything it must not be able to do.
    ///
    /// - Returns: the names of the barriers that took effect, and for each action whether it was refused.
    /// - Throws: ``IngestError`` when the child cannot be started or dies.
    public func probe() throws -> (barriers: [String], refused: [String: Bool]) {
        let pack = try MemoryFile(Data())
        var job = IngestJob(session: .init(session: "probe"), artifacts: [], inputs: [])
        job.isProbe = true
        let answer = try wait(job, inputs: [], previous: nil, pack: pack.descriptor)
        return (answer.barriers, answer.probes)
    }
}
