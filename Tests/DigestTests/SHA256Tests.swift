import Bytes
import Digest
import Testing

@Suite struct SHA256Tests {
    /// Vectors of FIPS 180-4's examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ]) func knownDigests(_ text: String, _ digest: String) {
        #expect(Hex.text(SHA256.digest(text.utf8)) == digest)
        #expect(Hex.text(SHA256.digest(AnySequence(text.utf8))) == digest)
    }

    @Test func piecesAndZerosGiveTheDigestOfTheWhole() {
        var random = SplitMix64(seed: 4)
        for _ in 0..<20 {
            let content = (0..<Int.random(in: 0..<5000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let zeros = Int.random(in: 0..<200_000, using: &random)
            var hasher = SHA256Hasher()
            var rest = content[...]
            while !rest.isEmpty {
                let step = Int.random(in: 1...rest.count, using: &random)
                rest.prefix(step).withUnsafeBytes { hasher.update($0) }
                rest = rest.dropFirst(step)
            }
            hasher.update(zeros: UInt64(zeros))
            let whole = SHA256.digest(content + [UInt8](repeating: 0, count: zeros))
            #expect(hasher.finish() == whole)
            hasher.restart()
            #expect(hasher.finish() == SHA256.digest([]))
        }
    }
}
