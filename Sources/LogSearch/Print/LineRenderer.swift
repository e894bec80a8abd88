/// Formats selected lines and context.
struct LineRenderer {
    let options: SearchOptions
    let name: MemberName

    private static let nameColor = Array("\u{1B}[35m".utf8)
    private static let numberColor = Array("\u{1B}[32m".utf8)
    private static let matchColor = Array("\u{1B}[1;31m".utf8)
    private static let reset = Array("\u{1B}[0m".utf8)

    /// Whether the positions of matches are needed.
    var needsMatches: Bool {
        options.mode == .json || options.mode == .onlyMatching || (options.color && !options.invert)
    }

    /// Appends a line.
    /// - Parameters:
    ///   - line: its bytes without the line feed.
    ///   - hasFeed: whether a line feed follows in the member.
    func line(
        _ line: UnsafeRawBufferPointer, hasFeed: Bool, number: UInt64, offset: UInt64, matches: [Range<Int>],
        isSelected: Bool, to out: inout [UInt8]
    ) {
        switch options.mode {
        case .json:
            message(
                line, hasFeed: hasFeed, number: number, offset: offset, matches: matches, isSelected: isSelected,
                to: &out)
        case .onlyMatching where isSelected && !options.invert:
            for match in matches {
                prefix(number, isSelected: true, to: &out)
                content(UnsafeRawBufferPointer(rebasing: line[match]), [0..<match.count], to: &out)
                out.append(0x0A)
            }
        case .lines, .onlyMatching:
            prefix(number, isSelected: isSelected, to: &out)
            content(line, matches, to: &out)
            out.append(0x0A)
        case .count, .countMatches, .filesWith, .filesWithout, .quiet: break
        }
    }

    private func prefix(_ number: UInt64, isSelected: Bool, to out: inout [UInt8]) {
        let mark: UInt8 = isSelected ? 0x3A : 0x2D
        if options.showName, !options.heading {
            colored(Self.nameColor, &out) { $0 += name.text }
            out.append(mark)
        }
        if options.lineNumbers {
            colored(Self.numberColor, &out) { $0.append(decimal: number) }
            out.append(mark)
        }
    }

    private func colored(_ color: [UInt8], _ out: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
        if options.color { out += color }
        body(&out)
        if options.color { out += Self.reset }
    }

    private func content(_ line: UnsafeRawBufferPointer, _ matches: [Range<Int>], to out: inout [UInt8]) {
        guard options.color, !matches.isEmpty else {
            plain(line, to: &out)
            return
        }
        var at = 0
        for match in matches where !match.isEmpty && match.lowerBound >= at {
            plain(UnsafeRawBufferPointer(rebasing: line[at..<match.lowerBound]), endsLine: false, to: &out)
            out += Self.matchColor
            plain(
                UnsafeRawBufferPointer(rebasing: line[match]), endsLine: match.upperBound == line.count, to: &out)
            out += Self.reset
            at = match.upperBound
        }
        plain(UnsafeRawBufferPointer(rebasing: line[at...]), to: &out)
    }

    private func plain(_ bytes: UnsafeRawBufferPointer, endsLine: Bool = true, to out: inout [UInt8]) {
        guard options.escape else {
            out.append(contentsOf: bytes)
            return
        }
        // A final carriage return is part of the line ending and harmless.
        let isEnd = endsLine && bytes.last == 0x0D
        TerminalText.append(isEnd ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes, to: &out)
    }

    /// ripgrep's `match` and `context` messages, with the member's session, image, tag and location.
    private func message(
        _ line: UnsafeRawBufferPointer, hasFeed: Bool, number: UInt64, offset: UInt64, matches: [Range<Int>],
        isSelected: Bool, to out: inout [UInt8]
    ) {
        out += (isSelected ? "{\"type\":\"match\",\"data\":{" : "{\"type\":\"context\",\"data\":{").utf8
        out += name.json
        out += ",\"lines\":".utf8
        if hasFeed {
            // The line feed follows the text in the block.
            JSONBytes.appendData(UnsafeRawBufferPointer(start: line.baseAddress, count: line.count + 1), to: &out)
        } else {
            JSONBytes.appendData(line, to: &out)
        }
        out += ",\"line_number\":".utf8
        out.append(decimal: number)
        out += ",\"absolute_offset\":".utf8
        out.append(decimal: offset)
        out += ",\"submatches\":[".utf8
        for (index, match) in matches.enumerated() {
            if index > 0 { out.append(0x2C) }
            out += "{\"match\":".utf8
            JSONBytes.appendData(UnsafeRawBufferPointer(rebasing: line[match]), to: &out)
            out += ",\"start\":".utf8
            out.append(decimal: UInt64(match.lowerBound))
            out += ",\"end\":".utf8
            out.append(decimal: UInt64(match.upperBound))
            out.append(0x7D)
        }
        out += "]}}\n".utf8
    }
}
