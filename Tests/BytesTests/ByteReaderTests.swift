import Bytes
import Testing

@Suite struct ByteReaderTests {
    @Test func whatIsWrittenIsReadBack() {
        var writer = ByteWriter(capacity: 4)
        writer.put(UInt8(0xFE))
        writer.put(UInt16(0x1234))
        writer.put(Int64.min)
        writer.put(bytes: [1, 2, 3])
        writer.put(UInt32.max)
        #expect(writer.bytes.prefix(3) == [0xFE, 0x34, 0x12])
        writer.bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            #expect(reader.integer(UInt8.self) == 0xFE)
            #expect(reader.integer(UInt16.self) == 0x1234)
            #expect(reader.integer(Int64.self) == Int64.min)
            #expect(reader.run(3).map(Array.init) == [1, 2, 3])
            #expect(reader.position == 14)
            #expect(reader.remaining == 4)
            #expect(reader.integer(UInt32.self) == UInt32.max)
            #expect(reader.remaining == 0)
        }
    }

    @Test func aReadBeyondTheEndMovesNothing() {
        let bytes: [UInt8] = [1, 2, 3]
        bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            #expect(reader.integer(UInt32.self) == nil)
            #expect(reader.run(4) == nil)
            #expect(reader.run(-1) == nil)
            #expect(reader.run(Int.max) == nil)
            #expect(reader.position == 0)
            #expect(reader.integer(UInt16.self) == 0x0201)
            #expect(reader.integer(UInt16.self) == nil)
            #expect(reader.run(1).map(Array.init) == [3])
            #expect(reader.run(0)?.count == 0)
            #expect(reader.integer(UInt8.self) == nil)
        }
    }

    @Test(arguments: [Int.min, -1, 2, 3, 4, Int.max]) func offsetsOutsideAreRefused(_ offset: Int) {
        [UInt8](repeating: 7, count: 3).withUnsafeBytes { raw in
            #expect(raw.integer(at: offset, as: UInt16.self) == nil)
        }
        #expect(UnsafeRawBufferPointer(start: nil, count: 0).integer(at: offset, as: UInt8.self) == nil)
    }

    @Test func ordersDiffer() {
        let bytes: [UInt8] = [0, 0x12, 0x34, 0x56, 0x78]
        bytes.withUnsafeBytes { raw in
            #expect(raw.integer(at: 1, as: UInt32.self, order: .big) == 0x1234_5678)
            #expect(raw.integer(at: 1, as: UInt32.self, order: .little) == 0x7856_3412)
            #expect(raw.integer(at: 1, as: UInt32.self) == 0x7856_3412)
        }
    }

    @Test func paddingAndPatching() {
        var writer = ByteWriter()
        writer.put(UInt32(0))
        writer.put(UInt8(9))
        writer.pad(to: 8)
        #expect(writer.bytes.count == 8)
        writer.pad(to: 8)
        #expect(writer.bytes.count == 8)
        writer.patch(UInt32(0x0102_0304), at: 0)
        #expect(writer.bytes == [4, 3, 2, 1, 9, 0, 0, 0])
    }
}
