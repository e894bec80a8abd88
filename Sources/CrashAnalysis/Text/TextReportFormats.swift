/// All formats. Those that share a literal are tried in this order.
enum TextReportFormats {
    static let all: [TextReportFormat] = [
        .go, .goSignal, .goRace, .rust, .rustRuntime, .python, .faulthandler, .java, .minecraft, .hang, .dotnet,
        .dotnetFatal,
        .createdump, .node, .v8, .bun, .javaFatal, .javaMemory, .beam, .beamProcess, .sanitizer, .undefinedBehaviour,
        .stack, .glibc, .assertion, .terminate, .unreal, .unity, .unityWindows, .mono, .godot, .source, .factorio,
        .luanti, .bedrock, .cpptrace, .crashdetect, .backtraceSymbols, .box64, .wine, .coredump, .kernel, .swift, .ruby,
        .lua, .php, .pocketmine, .glog, .backward, .glib, .exitStatus, .shell, .microdump,
    ]

    /// Every literal once, in order of the ids.
    static let anchors: [TextReportFormat.Anchor] = Dictionary(
        all.flatMap(\.anchors).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first }
    ).values.sorted { $0.id < $1.id }

    private static let byAnchor: [UInt16: [TextReportFormat]] = Dictionary(
        grouping: all.flatMap { format in format.anchors.map { ($0.id, format) } }, by: \.0
    ).mapValues { $0.map(\.1) }

    private static let byKind: [String: TextReportFormat] = Dictionary(
        all.flatMap { format in ([format.name] + format.kinds).map { ($0, format) } },
        uniquingKeysWith: { first, _ in first })

    private static let closing = all.compactMap(\.closes)

    /// The anchors that hint at a death.
    static let hinting: Set<UInt16> = Set(
        all.flatMap { format -> [UInt16] in
            if case .survived = format.ending { return [] }
            return format.anchors.filter(\.hints).map(\.id)
        })

    private static let literals: [UInt16: String] = Dictionary(
        anchors.map { ($0.id, $0.literal) }, uniquingKeysWith: { first, _ in first })

    /// The formats whose reports may begin with a literal, in the order in which they are tried; none for an unknown
    /// id.
    static func formats(at anchor: UInt16) -> [TextReportFormat] { byAnchor[anchor] ?? [] }

    /// The literal of an anchor.
    static func literal(_ anchor: UInt16) -> String? { literals[anchor] }

    /// True for a line after which the process that printed it is gone.
    static func closes(_ line: String) -> Bool { closing.contains { $0(line) } }

    /// True if two records of this detector may describe one death. A format's other kinds are complete, such as gdb's
    /// sections among stacks.
    static func printsInParts(_ detector: String) -> Bool {
        guard let format = named(detector) else { return false }
        return format.printsInParts && format.name == detector
    }

    /// The format that made a record of this detector; nil for dumps.
    static func named(_ detector: String) -> TextReportFormat? { byKind[detector] }
}

/// A quick check of text, used to decide what to fetch first; the full analysis follows when the pack is made.
public enum CrashSigns {
    /// True if the text contains the first words of a report of a death. They may be quoted, or the process survived.
    public static func present(in text: UnsafeRawBufferPointer) -> Bool {
        TextCrashScanner.shared.scan(text).contains { TextReportFormats.hinting.contains($0.id) }
    }
}
