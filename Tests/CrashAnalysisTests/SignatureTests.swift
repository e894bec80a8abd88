import Model
import Testing

@testable import CrashAnalysis

@Suite struct SignatureTests {
    @Test(arguments: [
        ("Entity::tick(float)", "Entity::tick"), ("void World::step<int>(int)", "World::step<T>"),
        ("static int ns::f(std::vector<int, std::allocator<int> > const&) const", "ns::f"),
        ("game::(anonymous namespace)::apply(Entity*, int)", "game::(anonymous namespace)::apply"),
        ("`anonymous namespace'::CrashFunction", "(anonymous namespace)::CrashFunction"),
        ("Foo::operator()(int) const", "Foo::operator()"), ("operator<<(std::ostream&, X)", "operator<<"),
        ("std::vector<int>::operator[](unsigned long)", "std::vector<T>::operator[]"),
        ("tick(Entity*) [clone .cold]", "tick"), ("tick.part.3", "tick"), ("tick.constprop.0", "tick"),
        ("main.(*World).Tick", "main.(*World).Tick"),
        ("core::panicking::panic_fmt::h0123456789abcdef", "core::panicking::panic_fmt"),
        ("<module>", "<module>"), ("Object.<anonymous>", "Object.<anonymous>"),
        ("<alloc::vec::Vec<T> as core::ops::Index<I>>::index", "<alloc::vec::Vec<T> as core::ops::Index<I>>::index"),
        ("int tick<Entity>(Entity*, int)", "tick<T>"),
        ("std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&, char const*)", "std::operator<<<T>"),
        ("bool ns::operator< <int>(A<int> const&, A<int> const&)", "ns::operator<<T>"),
        ("<Chain<A, B> as Iterator>::try_fold::<(), fn(u8) -> X, Y>", "<Chain<A, B> as Iterator>::try_fold::<T>"),
        ("tick::<impl Fn(u8) -> Option<u8>, Y>::{{closure}}", "tick::<T>::{{closure}}"),
        ("<alloc::sync::Arc<T,A> as core::ops::Drop>::drop", "<alloc::sync::Arc<T, A> as core::ops::Drop>::drop"),
        (
            "World::find(int) const::{lambda(int, char)#1}::operator()(int, char) const",
            "World::find const::{lambda}::operator()"
        ),
        ("transaction clone for std::logic_error::what() const", "std::logic_error::what"),
    ]) func names(raw: String, wanted: String) {
        #expect(SignatureNames.normalise(raw) == wanted)
    }

    @Test(arguments: [
        (
            "index out of bounds: the len is 3 but the index is 7",
            "index out of bounds: the len is N but the index is N"
        ),
        ("no player 'bob' in lobby \"x\"", "no player '…' in lobby \"…\""),
        ("bad pointer 0x7f001234", "bad pointer ADDR"),
        ("session 123e4567-e89b-12d3-a456-426614174000 lost", "session UUID lost"),
        ("can't open", "can't open"), ("first\nsecond", "first"),
    ]) func messages(raw: String, wanted: String) {
        #expect(SignatureMessages.normalise(raw) == wanted)
    }

    private func signature(_ kind: String, _ functions: [String], _ change: (inout CrashRecord) -> Void = { _ in })
        -> String
    {
        var record = CrashRecord(kind: kind)
        record.frames = functions.enumerated().map { .printed($0.offset, function: $0.element) }
        change(&record)
        SignatureAlgorithm.sign(&record)
        return record.signature
    }

    @Test func reportingFramesAreSkipped() {
        #expect(
            signature("elf_core", ["__pthread_kill_implementation", "raise", "abort", "World::tick()", "main"]) {
                $0.signal = "SIGABRT"
            } == "abort | World::tick")
        #expect(
            signature("unreal", ["FDebug::AssertFailed()", "AActor::BeginPlay()"]) {
                $0.exception = "assertion"
                $0.message = "Index < 12"
            } == "assert | Index < N | AActor::BeginPlay")
        #expect(
            signature("go", ["runtime.gopanic", "runtime.panicmem", "runtime.sigpanic", "main.(*World).Tick"]) {
                $0.exception = "panic"
            } == "panic | main.(*World).Tick")
        #expect(
            signature("elf_core", ["std::vector<int>::at(unsigned long)", "Inventory::take(int)", "main"])
                == "std::vector<T>::at | Inventory::take")
    }

    @Test func withoutNamesTheOffsetCounts() {
        var record = CrashRecord(kind: "elf_core")
        var frame = CrashFrame(index: 0, trust: .context)
        frame.module = "libc.so.6"
        frame.offset = Address(0x10)
        record.frames = [frame]
        frame.module = "server"
        frame.offset = Address(0x1234)
        record.frames.append(frame)
        SignatureAlgorithm.sign(&record)
        #expect(record.signature == "server+0x1234")
        #expect(record.signatureQuality == .offset)
        #expect(record.stackHash?.count == 64)
    }

    @Test func withoutFramesTheMessageCounts() {
        #expect(
            signature("glibc", []) { $0.message = "double free or corruption (out)" }
                == "abort | double free or corruption (out)")
        #expect(signature("shell", []) { $0.signal = "SIGSEGV" } == "EMPTY: SIGSEGV")
    }

    @Test func scannedFramesDoNotJoinNamedOnes() {
        var record = CrashRecord(kind: "minidump")
        record.frames = [.printed(0, function: "std::swap<T>"), .printed(1, function: "stale()")]
        record.frames[0].trust = .context
        record.frames[1].trust = .scan
        SignatureAlgorithm.sign(&record)
        #expect(record.signature == "std::swap<T>")
    }

    @Test(arguments: [
        ("_ZN5World4tickEf", "World::tick(float)"), ("_ZN3foo3bar17h0123456789abcdefE", "foo::bar"),
        ("_RNvCs1234_7mycrate3foo", "mycrate::foo"), ("_RNvNtCs1234_7mycrate3mod3foo", "mycrate::mod::foo"),
        ("_RINvCs1234_7mycrate3fooiE", "mycrate::foo::<isize>"), ("main", "main"), ("_Zbroken", "_Zbroken"),
        ("_ZN5World4tickEf.cold", "World::tick(float)"), ("_R", "_R"),
        ("_ZN5World4tickEf.llvm.123", "World::tick(float)"),
        ("__ZN5World4tickEf", "World::tick(float)"), ("_Z", "_Z"), ("$s", "$s"),
        ("$s4game4tickyyF", "game.tick() -> ()"),
    ]) func demangling(raw: String, wanted: String) {
        let text = Demangler.demangle(raw)
        #expect(text == wanted || text.hasPrefix(wanted + " ["))
    }

    /// Short names that demangle to endless text, and names that nest as deeply as they are long.
    @Test func hostileNamesStayAsTheyAre() {
        func index(_ number: Int) -> String {
            number == 0 ? "S_" : "S" + String(number - 1, radix: 36).uppercased() + "_"
        }
        var doubling = "_Z1f1AIiiE"
        for level in 1..<60 { doubling += "S_I\(index(level))\(index(level))E" }
        #expect(Demangler.demangle(doubling) == doubling)
        for (opening, closing) in [
            ("P", "i"), ("1AI", "i"), ("N1a", "E"), ("DpT_", ""), ("XadL_Z", "E"), ("FiS_", "E"),
        ] {
            for count in [100, 1000, 4000] {
                let name = String(("_Z1f" + String(repeating: opening, count: count) + closing).prefix(4096))
                #expect(Demangler.demangle(name).utf8.count <= Demangler.longestText)
            }
        }
        for piece in ["Rs_", "B_", "INvC1a", "TTTT", "NvNv"] {
            let name = String(("_RNvC1a" + String(repeating: piece, count: 2000)).prefix(4096))
            #expect(Demangler.demangle(name).utf8.count <= Demangler.longestText)
        }
        let swift = String(("$s4game" + String(repeating: "SgSay", count: 1000)).prefix(4096))
        #expect(Demangler.demangle(swift).utf8.count <= Demangler.longestText)
        let long = "_Z" + String(repeating: "1a", count: 4096)
        #expect(Demangler.demangle(long) == long)
    }
}
