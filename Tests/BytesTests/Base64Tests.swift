import Bytes
import Foundation
import Testing

@Suite struct Base64Tests {
    @Test func textIsFoundations() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 53 &+ count) }
            #expect(Base64.text(bytes) == Data(bytes).base64EncodedString())
            var appended = Array("x".utf8)
            bytes.withUnsafeBytes { Base64.append($0, to: &appended) }
            #expect(appended == Array(("x" + Base64.text(bytes)).utf8))
        }
    }

    @Test func textIsReadBack() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 91 &+ count) }
            #expect(Base64.bytes(Base64.text(bytes)) == bytes)
        }
        for wrong in ["A", "AA", "AAA", "A===", "====", "AA=A", "AB==", "AAB=", "A A=", "AA-_", "AAAA=", "é==="] {
            #expect(Base64.bytes(wrong) == nil, "\(wrong)")
        }
    }
}
