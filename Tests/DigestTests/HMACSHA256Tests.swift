import Bytes
import Digest
import Testing

@Suite struct HMACSHA256Tests {
    /// Test cases of RFC 4231, section 4.
    @Test func knownCodes() {
        #expect(
            Hex.text(HMACSHA256.code("Hi There".utf8, key: [UInt8](repeating: 0x0b, count: 20)))
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        #expect(
            Hex.text(HMACSHA256.code("what do ya want for nothing?".utf8, key: Array("Jefe".utf8)))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            Hex.text(
                HMACSHA256.code(
                    "Test Using Larger Than Block-Size Key - Hash Key First".utf8,
                    key: [UInt8](repeating: 0xaa, count: 131)))
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    /// The test suite of RFC 1321, appendix A.5.
    @Test func knownDigestsOfMD5() {
        #expect(Hex.text(MD5.digest([])) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(Hex.text(MD5.digest(Array("message digest".utf8))) == "f96b697d7cb7938d525a2f31aaf161d0")
    }
}
