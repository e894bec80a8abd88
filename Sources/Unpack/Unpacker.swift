public import Model

/// Reads untrusted `.tar.gz` artifacts and passes their entries to a sink.
///
/// The compression is detected by the first bytes: zstd, xz, bzip2 and lz4 are read like gzip, and so is a plain tar.
/// No file is created or opened; memory is bounded whatever the artifact contains. All work is done on the calling
/// thread unless ``inflatesOnOwnThread`` is set.
public struct Unpacker: Sendable {
    /// What an artifact may cost.
    public var limits: UnpackLimits
    /// The library that inflates.
    public var backend: InflateBackend
    /// Whether a second thread inflates while the caller's thread parses and feeds the sink.
    public var inflatesOnOwnThread = false

    /// An unpacker with these limits.
    public init(limits: UnpackLimits = UnpackLimits(), backend: InflateBackend = .preferred) {
        self.limits = limits
        self.backend = backend
    }

    /// Unpacks what can be read from a descriptor, from its current position to its end.
    ///
    /// - Parameter descriptor: a file, a pipe or a socket, in blocking mode; it stays open.
    /// - Throws: what the sink throws; everything wrong with the artifact is in the report instead.
    public func unpack<Sink: ArchiveVisitor>(
        descriptor: Int32, into sink: inout Sink
    ) throws(Sink.Failure) -> UnpackReport {
        try unpack(ArtifactInput(descriptor: descriptor, pieceSize: 256 << 10), into: &sink)
    }

    /// Unpacks an artifact that is in memory; `bytes` must stay valid until the call returns.
    ///
    /// - Throws: what the sink throws; everything wrong with the artifact is in the report instead.
    public func unpack<Sink: ArchiveVisitor>(
        bytes: UnsafeRawBufferPointer, into sink: inout Sink
    ) throws(Sink.Failure) -> UnpackReport {
        try unpack(ArtifactInput(memory: bytes), into: &sink)
    }

    /// Checks what can be read from a descriptor without keeping any of it.
    public func verify(descriptor: Int32) -> UnpackReport {
        var sink = NullSink()
        return unpack(descriptor: descriptor, into: &sink)
    }

    private func unpack<Sink: ArchiveVisitor>(
        _ input: ArtifactInput, into sink: inout Sink
    ) throws(Sink.Failure) -> UnpackReport {
        let first = input.next()
        let isGzip = Sniffer.beginsGzip(first)
        let other = isGzip ? nil : Sniffer.compression(of: first)
        guard isGzip || other != nil || (!first.isEmpty && TarFormat.resemblesArchive(first)) else {
            return notAnArchive(first, input)
        }
        let stream: any TarStream
        if isGzip {
            let decoder = GzipDecoder(first: first, input: input, backend: backend)
            stream = inflatesOnOwnThread ? InflateThread(decoder: decoder) : GzipStream(decoder: decoder)
        } else if let other {
            stream = ExpandedStream(other, first: first, input: input)
        } else {
            stream = PlainStream(first: first, input: input)
        }
        var walk = ArchiveWalk(gate: TarStreamGuard(stream: stream, limits: limits), limits: limits)
        return try walk.run(into: &sink, isGzip: isGzip)
    }

    /// The most bytes kept in the report of something that is not an archive.
    public static let keptHead = 4 << 10

    private func notAnArchive(_ first: UnsafeRawBufferPointer, _ input: ArtifactInput) -> UnpackReport {
        var report = UnpackReport()
        report.verdict = .notAnArchive
        report.head = Array(first.prefix(Self.keptHead))
        report.compressedBytes = input.offset
        if first.isEmpty { report.flags.insert(.empty) }
        if let code = input.failure {
            report.flags.insert(.readError)
            report.note(UnpackFault(layer: .input, offset: input.offset, message: "read failed with errno \(code)"))
        }
        return report
    }
}
