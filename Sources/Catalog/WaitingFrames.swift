extension CrashRow {
    /// A frame of the crashed thread that has no name, and in which build's module it lies.
    public struct WaitingFrame: Sendable, Hashable {
        /// The module's build id.
        public var buildID: String
        /// The module's file name.
        public var module: String
    }

    /// The crashed thread's frames that wait for symbols. Looks at the bytes of the record: of 100,000 crashes each is
    /// passed over in microseconds.
    public var waitingFrames: [WaitingFrame] {
        json.withUnsafeBytes { bytes in
            var found: [WaitingFrame] = []
            JSONObjectScan.eachRange(of: bytes) { name, value in
                guard name.elementsEqual("frames".utf8) else { return true }
                let frames = UnsafeRawBufferPointer(rebasing: bytes[value])
                JSONObjectScan.eachElement(of: frames) { place in
                    if let frame = Self.waiting(UnsafeRawBufferPointer(rebasing: frames[place])) { found.append(frame) }
                }
                return false
            }
            return found
        }
    }

    private static func waiting(_ frame: UnsafeRawBufferPointer) -> WaitingFrame? {
        var (isNamed, identity, module) = (false, Range<Int>?.none, Range<Int>?.none)
        JSONObjectScan.eachRange(of: frame) { name, value in
            if name.elementsEqual("function".utf8) { isNamed = true }
            if name.elementsEqual("build_id".utf8) { identity = value }
            if name.elementsEqual("module".utf8) { module = value }
            return !isNamed
        }
        guard !isNamed, let identity, let buildID = JSONObjectScan.text(frame, identity) else { return nil }
        return WaitingFrame(buildID: buildID, module: module.flatMap { JSONObjectScan.text(frame, $0) } ?? "")
    }
}
