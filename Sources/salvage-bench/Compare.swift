import ArgumentParser
import Clocks
import Glibc

/// `salvage-bench compare`: times two shell commands in turn, A B A B …, and prints the ratio of their medians.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time two commands in turn and print medians and the ratio B/A.")

    @Option(help: "Measured runs of each, after one that is not.") var runs = 5
    @Option(help: "The name of the row.") var name: String
    @Option(help: "A shell command run before each run, not timed.") var prepare: String?
    @Option(help: "The goal for B/A, printed beside it.") var goal: Double?
    @Option(help: "Exit codes that are accepted besides 0.") var allow: [Int32] = []
    @Argument(help: "Our command.") var ours: String
    @Argument(help: "The peer's command.") var peer: String

    func run() throws {
        var mine: [Run] = []
        var theirs: [Run] = []
        for round in 0...runs {
            for (command, isMine) in [(ours, true), (peer, false)] {
                if let prepare { _ = Run.measure(prepare) }
                let run = Run.measure(command)
                guard run.status == 0 || allow.contains(run.status) else {
                    complain("'\(command)' ended with \(run.status)")
                    throw ExitCode(2)
                }
                guard round > 0 else { continue }
                if isMine { mine.append(run) } else { theirs.append(run) }
            }
        }
        let ratio = median(theirs.map(\.wall)) / max(median(mine.map(\.wall)), 1e-9)
        var line = "\(name)\t\(text(median(mine.map(\.wall)) * 1000)) ms\t\(text(median(theirs.map(\.wall)) * 1000)) ms"
        line += "\t\(text(ratio))x\t\(goal.map { text($0) + "x" } ?? "-")"
        line += "\t\((mine.map(\.peakKiB).max() ?? 0) / 1024) MiB\t\(text(median(mine.map(\.cpu)) * 1000)) ms"
        print(line)
    }

    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted.count % 2 == 1
            ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
    }

    private func text(_ value: Double) -> String {
        let digits = value < 10 ? 100.0 : value < 100 ? 10.0 : 1.0
        let rounded = (value * digits).rounded() / digits
        return digits == 1 ? String(Int(rounded)) : "\(rounded)"
    }
}

/// One run of a shell command as the kernel accounts it, its children included.
struct Run {
    let wall: Double
    let cpu: Double
    /// The largest resident set of any one process.
    let peakKiB: Int
    let status: Int32

    static func measure(_ command: String) -> Run {
        let words: [String] = ["/bin/sh", "-c", command]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        // /dev/zero discards writes like /dev/null, but GNU grep and ugrep stop at the first match if they see that.
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/zero", O_WRONLY, 0)
        var child: pid_t = 0
        let start = MonotonicClock.seconds()
        guard posix_spawn(&child, "/bin/sh", &actions, nil, &arguments, environ) == 0 else { fail(command) }
        var status: Int32 = 0
        var usage = rusage()
        while wait4(child, &status, 0, &usage) < 0, errno == EINTR {}
        let wall = MonotonicClock.seconds() - start
        let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return Run(wall: wall, cpu: cpu, peakKiB: usage.ru_maxrss, status: code)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}
