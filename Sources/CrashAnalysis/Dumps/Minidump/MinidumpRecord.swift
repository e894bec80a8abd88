import Model

extension MinidumpFile {
    /// Returns a record of the minidump, before unwinding.
    func record() -> CrashRecord {
        var record = CrashRecord(kind: "minidump")
        if timestamp > 0 {
            record.time = Timestamp.text(milliseconds: Int64(timestamp) * 1000)
            record.timeSource = "dump"
        }
        if let exception {
            let reason = MinidumpReason(
                exception, platform: system.platform, is64: system.arch?.is64 ?? true)
            record.signal = reason.signal
            record.exception = reason.exception
            record.address = reason.address.map(Address.init)
            record.access = reason.access
            record.thread = exception.thread
            if reason.isRequest {
                record.kind = CrashRecord.snapshot
                record.notes.append("no crash: the program requested the dump")
            }
        } else {
            record.thread = requestingThread ?? threads.first?.id
            record.notes.append("no exception stream: the dump was requested, or its writer failed")
        }
        record.pid = pid
        record.os = system.platform == .other ? nil : system.platform.rawValue
        record.arch = system.arch?.rawValue
        record.threadCount = threads.count
        record.commandLine = commandLine
        let ordered = threads.filter { $0.id == record.thread } + threads.filter { $0.id != record.thread }
        record.threads = ordered.prefix(CrashAnalyzer.Options.mostThreads).map {
            CrashThread(thread: $0.id, name: $0.name, registers: registers(of: $0)?.named ?? [:])
        }
        record.threadName = ordered.first?.name
        record.modules = modules.map(\.record)
        record.executable = stream(StreamType.modules).flatMap { firstModule($0) }?.path
        record.notes += remarks
        if system.arch == nil { record.notes.append("unknown processor: no registers") }
        return record
    }

    /// Returns the registers of a thread at the crash: those of the exception if it has any, as the thread's own may be
    /// from inside the handler.
    func registers(of thread: Thread) -> Registers? {
        if let exception, exception.thread == thread.id, let registers = exception.registers { return registers }
        return thread.registers
    }

    /// Returns the executable: the first module of the list as written, whatever its address.
    private func firstModule(_ stream: ByteView) -> CrashModule? {
        guard let list = list(stream, item: 108, type: StreamType.modules), list.count > 0 else { return nil }
        let base = stream.u64(list.start)
        return modules.first { $0.record.base.value == base }?.record
    }
}

/// Formats times for JSON.
enum Timestamp {
    /// Returns ISO 8601 in UTC with milliseconds; nil outside the years 0 to 9999.
    static func text(milliseconds: Int64) -> String? {
        // The years 0 and 9999.
        guard milliseconds >= -62_167_219_200_000, milliseconds < 253_402_300_800_000 else { return nil }
        var (days, rest) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        // Files may be older than 1970.
        if rest < 0 {
            rest += 86_400_000
            days -= 1
        }
        // Civil-from-days (Howard Hinnant's algorithm), valid for the whole range above.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let day = shifted - era * 146_097
        let yearOfEra = (day - day / 1460 + day / 36524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func pad(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = "\(pad(year, 4))-\(pad(month, 2))-\(pad(dayOfYear - (153 * monthIndex + 2) / 5 + 1, 2))"
        let time = "\(pad(rest / 3_600_000, 2)):\(pad(rest / 60_000 % 60, 2)):\(pad(rest / 1000 % 60, 2))"
        return date + "T" + time + "." + pad(rest % 1000, 3) + "Z"
    }
}
