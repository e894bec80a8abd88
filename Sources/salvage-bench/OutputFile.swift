import Glibc

/// A file being generated. Any failure ends the program: half an input would make a benchmark wrong.
struct OutputFile: ~Copyable {
    private let descriptor: Int32
    private let path: String

    init(_ path: String) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        if descriptor < 0 { fail(path) }
    }

    func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { all in
            var rest = all[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count <= 0 { fail(path) }
                rest = rest.dropFirst(count)
            }
        }
    }

    func skip(_ count: Int) {
        if lseek(descriptor, off_t(count), SEEK_CUR) < 0 { fail(path) }
    }

    func endHere() {
        if ftruncate(descriptor, lseek(descriptor, 0, SEEK_CUR)) != 0 { fail(path) }
    }

    deinit { close(descriptor) }
}

/// Creates a folder and its parents.
func makeFolder(_ path: String) {
    var partial = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
        partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + part
        if mkdir(partial, 0o755) != 0, errno != EEXIST { fail(partial) }
    }
}

/// Prints `what` with the error of the last system call and exits with 2.
func fail(_ what: String) -> Never {
    let reason = String(cString: strerror(errno))
    complain("\(what): \(reason)")
    exit(2)
}

/// Writes one line to standard error.
func complain(_ text: String) {
    var line = "salvage-bench: \(text)\n"
    line.withUTF8 { bytes in _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
}
