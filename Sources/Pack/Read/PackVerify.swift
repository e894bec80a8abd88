import CZstd
import Digest
import Model
import Text

/// The result of checking a pack.
public struct PackReport: Sendable {
    /// All defects; empty when the pack is sound.
    public var damage: [PackDamage] = []
    /// Indices of members that were checked and are sound.
    public var soundMembers: [Int] = []
    /// Indices of members with damage.
    public var damagedMembers: [Int] = []
    /// Number of blocks checked.
    public var blocks = 0
    /// Indices of damaged blocks.
    public var damagedBlocks: [Int] = []
    /// Raw bytes of sound blocks.
    public var soundBytes: UInt64 = 0
    /// The session's id, when that section is sound.
    public var session: String?

    /// Whether nothing is wrong.
    public var isSound: Bool { damage.isEmpty }
    /// Whether all that is wrong is that parts cannot be read now: it is not known whether the pack is sound.
    public var isUnreadable: Bool { !damage.isEmpty && damage.allSatisfy { $0.part == .unreadable } }
}

extension PackReader {
    /// Checks a pack file. If it cannot be opened as a pack, its frames are walked from the start and the report says
    /// how many are sound.
    public static func verify(path: String, quick: Bool = false) -> PackReport {
        verify(quick: quick) { () throws(PackError) in try PackBytes(path: path) }
    }

    /// Checks a pack through a descriptor that supports `pread`. The caller keeps ownership of the descriptor.
    public static func verify(descriptor: Int32, quick: Bool = false) -> PackReport {
        verify(quick: quick) { () throws(PackError) in try PackBytes(descriptor: descriptor) }
    }

    /// Checks the pack whose bytes `open` returns. An error that it throws is the report's only damage.
    public static func verify(quick: Bool = false, opening open: () throws(PackError) -> PackBytes) -> PackReport {
        do throws(PackError) {
            return verify(try open(), quick: quick)
        } catch {
            var report = PackReport()
            report.damage.append(PackDamage(.file, error))
            return report
        }
    }

    /// Checks a pack in memory.
    public static func verify(_ bytes: [UInt8], quick: Bool = false) -> PackReport {
        verify(PackBytes(bytes), quick: quick)
    }

    private static func verify(_ bytes: PackBytes, quick: Bool) -> PackReport {
        do throws(PackError) {
            return try PackReader(bytes, tolerant: true).verify(quick: quick)
        } catch {
            var report = PackReport()
            report.damage.append(PackDamage(.file, error))
            if error.code != .unsupportedVersion, !error.isLocalFault { FrameWalk(bytes).survey(into: &report) }
            return report
        }
    }

    /// Checks this pack. With `quick`, checks only sections, layout and frame headers; otherwise decodes every block
    /// and hashes every member.
    public func verify(quick: Bool = false) -> PackReport {
        var report = PackReport()
        report.damage = footerDamage
        checkFacts(into: &report)
        FrameWalk(bytes).checkLayout(of: self, into: &report)
        report.blocks = blocks.count
        var bad = Set<Int>()
        if quick { checkFrameHeaders(into: &report, &bad) } else { checkFilters(into: &report) }
        // Members first: hashing decodes their blocks, which need not be decoded again.
        let hashed = quick ? [] : hashMembers()
        if !quick { checkBlocks(into: &report, &bad, sound: hashed) }
        if footerDamage.isEmpty { checkMembers(hashed, into: &report, bad) } else { surveyInstead(&report) }
        report.damagedBlocks = bad.sorted()
        return report
    }

    /// Surveys the frames when there is no block table: they can still be checked by themselves.
    private func surveyInstead(_ report: inout PackReport) {
        if blocks.isEmpty { FrameWalk(bytes).survey(into: &report) }
    }

    private func checkFacts(into report: inout PackReport) {
        func check(_ body: () throws(PackError) -> Void) {
            do throws(PackError) { try body() } catch {
                report.damage.append(PackDamage(.section, error))
            }
        }
        var name: String?
        check { () throws(PackError) in name = try session().session }
        check { () throws(PackError) in _ = try artifacts() }
        check { () throws(PackError) in _ = try crashes() }
        report.session = name
    }

    private func checkFrameHeaders(into report: inout PackReport, _ bad: inout Set<Int>) {
        for (index, block) in blocks.enumerated() {
            let count = min(Int(block.storedSize), 18)
            do throws(PackError) {
                let head = try bytes.read(at: block.offset, count: count)
                guard head.withUnsafeBytes({ FrameDecompressor.contentSize($0) }) == UInt64(block.rawSize) else {
                    throw PackError(.damagedBlock, "the frame's header is wrong", offset: block.offset)
                }
                report.soundBytes += UInt64(block.rawSize)
            } catch {
                note(index, error, &report, &bad)
            }
        }
    }

    private func checkBlocks(into report: inout PackReport, _ bad: inout Set<Int>, sound hashed: [Hashed]) {
        let decoder: BlockDecoder
        do throws(PackError) { decoder = try BlockDecoder() } catch {
            report.damage.append(PackDamage(.file, error))
            return
        }
        var sound = [Bool](repeating: false, count: blocks.count)
        for (index, result) in hashed.enumerated() where result.wasRead {
            for piece in pieces(ofMember: index) { sound[piece.block] = true }
        }
        for index in blocks.indices {
            if sound[index] {
                report.soundBytes += UInt64(blocks[index].rawSize)
                continue
            }
            do throws(PackError) {
                report.soundBytes += UInt64(try decode(block: index, using: decoder).count)
            } catch {
                note(index, error, &report, &bad)
            }
        }
    }

    private func note(_ block: Int, _ error: PackError, _ report: inout PackReport, _ bad: inout Set<Int>) {
        if !error.isLocalFault { bad.insert(block) }
        report.damage.append(
            PackDamage(
                error.isLocalFault ? .unreadable : .block, error.message, offset: blocks[block].offset, block: block,
                members: pieces(inBlock: block).map(\.member)))
    }

    private func checkFilters(into report: inout PackReport) {
        let step = 256
        for start in stride(from: 0, to: blocks.count, by: step) {
            do throws(PackError) {
                for block in try filters(blocks: start..<start + step).damaged {
                    report.damage.append(
                        PackDamage(
                            .filter, "a filter's checksum is wrong; searches decode its block",
                            offset: blocks[block].filter?.offset, block: block))
                }
            } catch {
                report.damage.append(PackDamage(.filter, error))
            }
        }
    }

    /// The result of hashing a member.
    private enum Hashed {
        case right
        case wrong
        case damaged(String)
        case unreadable(PackError)

        var wasRead: Bool {
            switch self {
            case .right, .wrong: true
            case .damaged, .unreadable: false
            }
        }
    }

    private func hashMembers() -> [Hashed] {
        do throws(PackError) {
            let decoder = try BlockDecoder()
            return members.indices.map { hash($0, using: decoder) }
        } catch {
            return members.map { _ in .unreadable(error) }
        }
    }

    /// `hashed` is empty for a quick check.
    private func checkMembers(_ hashed: [Hashed], into report: inout PackReport, _ bad: Set<Int>) {
        for index in members.indices {
            if !bad.isEmpty, pieces(ofMember: index).contains(where: { bad.contains($0.block) }) {
                report.damagedMembers.append(index)
                continue
            }
            let problem: String
            switch hashed.indices.contains(index) ? hashed[index] : .right {
            case .right:
                report.soundMembers.append(index)
                continue
            case .wrong: problem = "the content of member \(index) does not match its hash"
            case .damaged(let why): problem = "the content of member \(index) cannot be read: \(why)"
            case .unreadable(let error):
                report.damage.append(PackDamage(.member, error, members: [index]))
                continue
            }
            report.damagedMembers.append(index)
            report.damage.append(PackDamage(.member, problem, members: [index]))
        }
    }

    private func hash(_ index: Int, using decoder: BlockDecoder) -> Hashed {
        let member = members[index]
        do {
            var hasher = SHA256Hasher()
            var holes: UInt64 = 0
            var past = false
            try streamExtents(member: index, using: decoder) { extent in
                switch extent {
                case .bytes(let bytes, _): hasher.update(bytes)
                case .hole(let hole):
                    let (total, overflow) = holes.addingReportingOverflow(hole.length)
                    past = past || overflow || total > member.flags.hashedHoles
                    if !past {
                        holes = total
                        hasher.update(zeros: hole.length)
                    }
                }
            }
            return hasher.finish() == member.sha256 ? .right : .wrong
        } catch {
            if let error = error as? PackError, error.isLocalFault { return .unreadable(error) }
            return .damaged("\(error)")
        }
    }
}

/// Walks the frames of a file from its start, without trusting any table.
struct FrameWalk {
    private let bytes: PackBytes

    init(_ bytes: PackBytes) {
        self.bytes = bytes
    }

    /// Reads a little-endian word; nil past the end of the file.
    private func word(at offset: UInt64) throws(PackError) -> UInt32? {
        guard bytes.size >= 4, offset <= bytes.size - 4 else { return nil }
        return try bytes.read(at: offset, count: 4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Returns the end of the skippable frame at `offset`; nil when there is none.
    private func skippableEnd(at offset: UInt64) throws(PackError) -> UInt64? {
        guard let magic = try word(at: offset), magic & PackFormat.skippableMask == PackFormat.skippableBase,
            let size = try word(at: offset &+ 4)
        else { return nil }
        let end = offset + 8 + UInt64(size)
        return end <= bytes.size ? end : nil
    }

    /// Checks that blocks and skippable frames cover the file up to the footer, without gaps or overlaps.
    func checkLayout(of reader: PackReader, into report: inout PackReport) {
        do throws(PackError) { try walk(reader, &report) } catch {
            report.damage.append(PackDamage(.layout, error))
        }
    }

    private func walk(_ reader: PackReader, _ report: inout PackReport) throws(PackError) {
        var position: UInt64 = 0
        var next = 0
        var passed = 0
        let order = reader.blocks.indices.sorted { reader.blocks[$0].offset < reader.blocks[$1].offset }
        while position < reader.footerOffset {
            let block = next < order.count ? reader.blocks[order[next]] : nil
            if let block, block.offset == position {
                position += UInt64(block.storedSize)
                next += 1
            } else if let end = try skippableEnd(at: position), end <= block?.offset ?? reader.footerOffset {
                position = end
                passed += 1
            } else {
                let resume = max(block?.offset ?? reader.footerOffset, position)
                let between = counted(resume - position, "byte belongs", "bytes belong")
                report.damage.append(PackDamage(.layout, "\(between) to no frame", offset: position))
                if resume == position { next += 1 }
                position = resume
            }
            // A file full of empty frames would take hours to check.
            if passed > reader.blocks.count + 1 << 16 {
                report.damage.append(PackDamage(.layout, "the file consists of empty frames", offset: position))
                return
            }
        }
        if try skippableEnd(at: reader.footerOffset) != bytes.size {
            report.damage.append(
                PackDamage(.layout, "the footer's frame is wrong", offset: reader.footerOffset))
        }
    }

    /// Counts sound frames from the start of a file whose tables are lost.
    func survey(into report: inout PackReport) {
        var position: UInt64 = 0
        var frames = 0
        var size: UInt64 = 0
        do throws(PackError) {
            let decompressor = try FrameDecompressor()
            let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: PackFormat.blockSize, alignment: 64)
            defer { raw.deallocate() }
            while position < bytes.size {
                if let end = try skippableEnd(at: position) {
                    position = end
                    continue
                }
                let count = Int(min(UInt64(PackFormat.maxFrameSize), bytes.size - position))
                let window = try bytes.read(at: position, count: count)
                guard let found = window.withUnsafeBytes({ soundFrame($0, decompressor, raw) }) else { break }
                frames += 1
                size += UInt64(found.raw)
                position += UInt64(found.stored)
            }
        } catch {
            report.damage.append(PackDamage(.file, error))
        }
        report.blocks = frames
        report.soundBytes = size
        report.damage.append(
            PackDamage(
                .file,
                "frames from the start that are sound and can be read with `zstd -dc`: \(frames), "
                    + "with \(counted(size, "raw byte")); which bytes belong to which member is lost",
                offset: position))
    }

    private func soundFrame(
        _ window: UnsafeRawBufferPointer, _ decompressor: FrameDecompressor, _ raw: UnsafeMutableRawBufferPointer
    ) -> (stored: Int, raw: Int)? {
        let stored = ZSTD_findFrameCompressedSize(window.baseAddress, window.count)
        guard ZSTD_isError(stored) == 0, stored <= window.count,
            let size = FrameDecompressor.contentSize(window), size <= UInt64(raw.count)
        else { return nil }
        let target = UnsafeMutableRawBufferPointer(rebasing: raw[..<Int(size)])
        let frame = UnsafeRawBufferPointer(rebasing: window[..<stored])
        do throws(PackError) { try decompressor.decompress(frame, into: target) } catch { return nil }
        return (stored, Int(size))
    }
}
