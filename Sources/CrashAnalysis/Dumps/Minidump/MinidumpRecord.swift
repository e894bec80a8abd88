import Calendar
import Model

extension MinidumpFile {
    /// Returns a record of the minidump, before unwinding.
    func record() -> CrashRecord {
        var record = CrashRecord(kind: "minidump")
        if timestamp > 0 {
            record.time = ISO8601.text(Int64(timestamp) * 1000)
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
