/// How to recover one register of the caller (DWARF 5 section 6.4.1).
enum RegisterRule: Equatable {
    case undefined
    case same
    case offset(Int64)
    case valueOffset(Int64)
    case register(Int)
    case expression([UInt8])
    case valueExpression([UInt8])
}

/// How to compute the canonical frame address.
enum FrameRule: Equatable {
    case register(Int, Int64)
    case expression([UInt8])
}

/// The row of the call frame table for one address.
struct CFIRow {
    var frame: FrameRule?
    var rules: [Int: RegisterRule] = [:]
    var returnRegister: Int
    var signalFrame: Bool
}

/// Runs call frame instructions (DWARF 5 section 6.4.2) up to an address.
struct CFIProgram {
    private static let stackLimit = 64

    private let common: CFICommon
    private var row: CFIRow
    private var initial: [Int: RegisterRule] = [:]
    private var saved: [(FrameRule?, [Int: RegisterRule])] = []
    private var location: UInt64
    private let wordSize: Int

    /// Returns the row for `address`, which `entry` must cover; nil when the program is broken.
    static func row(_ entry: CFIEntry, for address: UInt64, wordSize: Int) -> CFIRow? {
        var program = CFIProgram(entry, wordSize: wordSize)
        guard program.run(entry.common.program, until: .max) else { return nil }
        program.initial = program.row.rules
        guard program.run(entry.program, until: address), program.row.frame != nil else { return nil }
        return program.row
    }

    private init(_ entry: CFIEntry, wordSize: Int) {
        common = entry.common
        location = entry.start
        self.wordSize = wordSize
        row = CFIRow(
            frame: nil, returnRegister: entry.common.returnRegister, signalFrame: entry.common.signalFrame)
    }

    private mutating func run(_ bytes: [UInt8], until address: UInt64) -> Bool {
        var cursor = DwarfCursor(ByteView(bytes: bytes))
        while let code = cursor.byte() {
            let low = Int(code & 0x3f)
            switch code >> 6 {
            case 1:
                location &+= UInt64(low) &* common.codeAlign
                if location > address { return true }
            case 2:
                guard let offset = cursor.uleb() else { return false }
                row.rules[low] = .offset(factored(offset))
            case 3:
                row.rules[low] = initial[low]
            default:
                guard let done = extended(code, &cursor, until: address) else { return false }
                if done { return true }
            }
        }
        return true
    }

    private func factored(_ offset: UInt64) -> Int64 { Int64(bitPattern: offset) &* common.dataAlign }

    /// True when the address is reached, nil when the instruction is broken or unknown.
    private mutating func extended(_ code: UInt8, _ cursor: inout DwarfCursor, until address: UInt64) -> Bool? {
        switch code {
        case 0x00: return false
        case 0x01:
            guard let target = cursor.unsigned(wordSize) else { return nil }
            location = target
            return location > address
        case 0x02, 0x03, 0x04:
            guard let delta = cursor.unsigned(1 << (Int(code) - 2)) else { return nil }
            location &+= delta &* common.codeAlign
            return location > address
        case 0x0a:
            guard saved.count < Self.stackLimit else { return nil }
            saved.append((row.frame, row.rules))
            return false
        case 0x0b:
            guard let last = saved.popLast() else { return nil }
            row.frame = last.0
            row.rules = last.1
            return false
        case 0x2d: return false
        case 0x2e: return cursor.uleb() == nil ? nil : false
        case 0x0c, 0x0d, 0x0e, 0x0f, 0x12, 0x13: return frameRule(code, &cursor)
        default: return registerRule(code, &cursor)
        }
    }

    private mutating func frameRule(_ code: UInt8, _ cursor: inout DwarfCursor) -> Bool? {
        switch code {
        case 0x0c:
            guard let register = number(&cursor), let offset = cursor.uleb() else { return nil }
            row.frame = .register(register, Int64(bitPattern: offset))
        case 0x12:
            guard let register = number(&cursor), let offset = cursor.sleb() else { return nil }
            row.frame = .register(register, offset &* common.dataAlign)
        case 0x0d:
            guard let register = number(&cursor), case .register(_, let offset) = row.frame else { return nil }
            row.frame = .register(register, offset)
        case 0x0e:
            guard let offset = cursor.uleb(), case .register(let register, _) = row.frame else { return nil }
            row.frame = .register(register, Int64(bitPattern: offset))
        case 0x13:
            guard let offset = cursor.sleb(), case .register(let register, _) = row.frame else { return nil }
            row.frame = .register(register, offset &* common.dataAlign)
        default:
            guard let length = cursor.uleb(), let block = cursor.block(length) else { return nil }
            row.frame = .expression(block)
        }
        return false
    }

    private mutating func registerRule(_ code: UInt8, _ cursor: inout DwarfCursor) -> Bool? {
        guard let register = number(&cursor) else { return nil }
        switch code {
        case 0x05:
            guard let offset = cursor.uleb() else { return nil }
            row.rules[register] = .offset(factored(offset))
        case 0x06: row.rules[register] = initial[register]
        case 0x07: row.rules[register] = .undefined
        case 0x08: row.rules[register] = .same
        case 0x09:
            guard let other = number(&cursor) else { return nil }
            row.rules[register] = .register(other)
        case 0x10, 0x16:
            guard let length = cursor.uleb(), let block = cursor.block(length) else { return nil }
            row.rules[register] = code == 0x10 ? .expression(block) : .valueExpression(block)
        case 0x11:
            guard let offset = cursor.sleb() else { return nil }
            row.rules[register] = .offset(offset &* common.dataAlign)
        case 0x14:
            guard let offset = cursor.uleb() else { return nil }
            row.rules[register] = .valueOffset(factored(offset))
        case 0x15:
            guard let offset = cursor.sleb() else { return nil }
            row.rules[register] = .valueOffset(offset &* common.dataAlign)
        case 0x2f:
            guard let offset = cursor.uleb() else { return nil }
            row.rules[register] = .offset(0 &- factored(offset))
        default: return nil
        }
        return false
    }

    private func number(_ cursor: inout DwarfCursor) -> Int? {
        guard let value = cursor.uleb(), value < 1024 else { return nil }
        return Int(value)
    }
}
