import Testing

@testable import CrashAnalysis

/// One name for one function, whatever compilers, generators and runs add to it.
@Suite struct SignatureNameTests {
    @Test(arguments: [
        ("Quarry.A.<GoAsync>d__7.MoveNext()", "Quarry.A.GoAsync"),
        ("Quarry.A+<GoAsync>d__12.MoveNext()", "Quarry.A.GoAsync"),
        ("Quarry.A/<GoAsync>d__3:MoveNext ()", "Quarry.A.GoAsync"),
        ("Quarry.A.<>c__DisplayClass3_0.<Foo>b__1(Int32 x)", "Quarry.A.Foo"),
        ("Quarry.A.<>c.<Foo>b__3_0()", "Quarry.A.Foo"),
        ("Quarry.A.<Foo>g__Bar|3_0(Int32 x)", "Quarry.A.Foo.Bar"),
        ("Quarry.A.<>c__DisplayClass3_0.<<Foo>b__0>d.MoveNext()", "Quarry.A.Foo"),
        ("Quarry.A.<<Foo>g__Bar|3_0>d.MoveNext()", "Quarry.A.Foo.Bar"),
        ("Program.<Main>$(String[] args)", "Program.Main"),
        ("Quarry.List`1.Add(T item)", "Quarry.List`1.Add"), ("Quarry.tick@12-1.Invoke", "Quarry.tick.Invoke"),
    ]) func dotnet(raw: String, wanted: String) {
        #expect(SignatureNames.normalise(raw) == wanted)
    }

    @Test(arguments: [
        ("dev.brook.Brook.lambda$tick$3", "dev.brook.Brook.lambda$tick$N"),
        ("dev.brook.Brook$$Lambda/0x00007f8a1c0a5000.run", "dev.brook.Brook$$Lambda.run"),
        ("dev.brook.Brook$$Lambda$123/0x0000000800c8f440.run", "dev.brook.Brook$$Lambda$N.run"),
        ("dev.brook.Brook$$Lambda$14/1234567.run", "dev.brook.Brook$$Lambda$N.run"),
        ("jdk.proxy2.$Proxy12.save", "jdk.proxy2.$ProxyN.save"),
        ("com.sun.proxy.$Proxy7.save", "com.sun.proxy.$ProxyN.save"),
        (
            "jdk.internal.reflect.GeneratedMethodAccessor12.invoke",
            "jdk.internal.reflect.GeneratedMethodAccessorN.invoke"
        ),
        (
            "com.destroystokyo.paper.event.executor.asm.generated.GeneratedEventExecutor38.execute",
            "com.destroystokyo.paper.event.executor.asm.generated.GeneratedEventExecutorN.execute"
        ),
        ("a.Service$$EnhancerBySpringCGLIB$$1a2b3c4d.save", "a.Service$$EnhancerBySpringCGLIB$$N.save"),
        ("a.Service$$SpringCGLIB$$0.save", "a.Service$$SpringCGLIB$$N.save"),
        ("a.B$ByteBuddy$Xy12zQ.run", "a.B$ByteBuddy$N.run"),
        (
            "net.minecraft.server.MinecraftServer.handler$zza000$fernmod$onTick",
            "net.minecraft.server.MinecraftServer.handler$fernmod$onTick"
        ),
        ("net.minecraft.world.World.redirect$bcd012$fernmod$get", "net.minecraft.world.World.redirect$fernmod$get"),
        (
            "net.minecraft.world.World.wrapOperation$cab000$fernmod$get",
            "net.minecraft.world.World.wrapOperation$fernmod$get"
        ),
        ("net.minecraft.world.World.md1a2b3c$fernmod$get$0", "net.minecraft.world.World.md$fernmod$get$N"),
        ("a.Kt$tick$1.invokeSuspend", "a.Kt$tick$N.invokeSuspend"), ("a.B.$anonfun$tick$3", "a.B.$anonfun$tick$N"),
        ("a.Outer$Inner.run", "a.Outer$Inner.run"),
    ]) func java(raw: String, wanted: String) { #expect(SignatureNames.normalise(raw) == wanted) }

    @Test(arguments: [
        ("std[e28293b1aa0f68bd]::panicking::default_hook", "std::panicking::default_hook"),
        ("<shop[1a2b3c4d5e6f7081]::Seats as shop[1a2b3c4d5e6f7081]::Row>::take", "<shop::Seats as shop::Row>::take"),
        (
            "<<std[e28293b1aa0f68bd]::sys::backtrace::Lock>::print::Display as core[c1f1a4ba060b9bfa]::fmt::Display>::fmt",
            "<<std::sys::backtrace::Lock>::print::Display as core::fmt::Display>::fmt"
        ),
        ("shop[1a2b3c4d5e6f7081]::main::{closure#0}", "shop::main::{closure#0}"),
        ("__rustc[b7974e8690430dd9]::rust_begin_unwind", "__rustc::rust_begin_unwind"),
        ("shop::seat::he47973ed0cf38e5c", "shop::seat"),
    ]) func rust(raw: String, wanted: String) { #expect(SignatureNames.normalise(raw) == wanted) }

    @Test(arguments: [
        ("closure #1 in closure #1 in _assertionFailure(_:_:file:line:flags:)", "closure in _assertionFailure"),
        ("closure #2 (Swift.Int) -> () in Game.World.tick(by: Swift.Int) -> ()", "closure in Game.World.tick"),
        ("game.tick() -> ()", "game.tick"), ("Game.World.tick() async throws -> Swift.Int", "Game.World.tick"),
        ("Game.World.health.getter : Swift.Int", "Game.World.health.getter"), ("take(_:_:)", "take"),
        ("(1) await resume partial function for Game.World.load() async -> ()", "Game.World.load"),
        ("specialized Game.World.find(_:)", "Game.World.find"), ("static Game.Main.$main() -> ()", "Game.Main.$main"),
        (
            "protocol witness for Game.Ticks.tick() -> () in conformance Game.World : Game.Ticks in Game",
            "Game.Ticks.tick"
        ),
        ("World::find(int)::{lambda(int)#2}::operator()(int) const", "World::find::{lambda}::operator()"),
        ("World::find()::'lambda0'(int)::operator()(int) const", "World::find::'lambda'::operator()"),
        ("World::find::<lambda_0123456789abcdef0123456789abcdef>::operator()", "World::find::<lambda>::operator()"),
        ("World::find()::$_3::operator()(int) const", "World::find::$::operator()"),
        ("take + 623", "take"), ("AMossTurret::FireAt(+0x7f)", "AMossTurret::FireAt"), ("fire+0x12", "fire"),
        ("Object.fill [as visit]", "Object.fill"), ("async Lobby.join", "Lobby.join"), ("new Lobby", "Lobby"),
        ("(wrapper managed-to-native) Harbor.Crane:Lower (int)", "Harbor.Crane:Lower"),
        ("(Mono JIT Code) Harbor/Crane:Lower (int,single)", "Harbor/Crane:Lower"),
        ("Foo::operator+(int)", "Foo::operator+"),
    ]) func others(raw: String, wanted: String) { #expect(SignatureNames.normalise(raw) == wanted) }

    @Test(arguments: [
        "", "??", "(Unknown)", "at", "error(-1): no debug info", "n/a", "UnknownFunction", "UnknownFunction()",
        "UnknownFunction(0x6a41a3b)",
        "@0x7f1234", "0x00007ff612345678", "[0x12345]", "()", "<unknown>", "??()",
    ]) func wordsThatAreNoNames(raw: String) { #expect(SignatureStack.isNothing(raw)) }

    @Test(arguments: ["operator<<", "tick", "f", "$s4game4tick", "Unknown::tick", "world_at", "attach", "функция"])
    func shortNamesAreNames(raw: String) { #expect(!SignatureStack.isNothing(raw)) }

    @Test(arguments: [
        ("player Bob_77 left while pid 12 was saving", "player Anna9 left while pid 40123 was saving"),
        ("Player 'Bob' timed out after 1.5s", "Player 'Zoë' timed out after 12s"),
        ("Player 'O'Brien' left", "Player 'Bob' left"), ("x = -3.5e-07 of 1,234", "x = 12 of 7"),
        ("value nan", "value 1.0"),
        ("cannot bind 10.0.0.7:27015", "cannot bind 192.168.100.23:7777"),
        ("peer fe80::1 gone", "peer 2001:db8:0:1::12 gone"),
        ("session 7f3a2b1c lost", "session 12345678 lost"), ("bad block a3f2", "bad block 1234"),
        ("cannot open /home/alice/game/Saved/world_1.sav", "cannot open /srv/bob/Saved/world_22.sav"),
        ("cannot open /tmp/tmpx81z/a.sock", "cannot open /tmp/qqq.sock"),
        ("open C:\\Users\\a\\x1.dat failed", "open D:\\games\\x2.dat failed"),
        ("GET https://a.example:8443/x?y=1 failed", "GET https://b.example/z failed"),
        ("started with HOME=/root", "started with HOME=/home/a"),
        ("lobby id=ab12cd is full", "lobby id=zz is full"), ("STEAM_0:1:12345", "STEAM_1:0:987654321"),
        ("[U:1:12345]", "[U:1:7]"),
        ("ticket x7Gk29Qw1 expired", "ticket Q3f8ZZ1aa4 expired"), ("at 12:34:56.789", "at 01:02:03.4"),
    ]) func messagesOfTwoRuns(first: String, second: String) {
        #expect(SignatureMessages.normalise(first) == SignatureMessages.normalise(second))
    }

    @Test(arguments: [
        ("Index < Num", "Index >= 0"), ("Slots.IsValidIndex(i)", "Slots.Num() > 0"),
        ("player controller is null", "player pawn is null"),
        ("cannot open world.sav", "cannot open players.sav"),
    ]) func messagesOfTwoBugs(first: String, second: String) {
        for isSource in [true, false] {
            #expect(
                SignatureMessages.normalise(first, isSource: isSource)
                    != SignatureMessages.normalise(second, isSource: isSource))
        }
    }

    @Test func patternsMatchExactlyAndByBeginning() {
        let patterns = NamePatterns(["abort", "__GI_*", "__GI_raise*", "std::*", "a*", "zz"])
        for name in ["abort", "__GI_", "__GI_abort", "std::x", "abc", "zz"] { #expect(patterns.matches(name)) }
        for name in ["", "__GI", "std", "zzz", "b", "_"] { #expect(!patterns.matches(name)) }
    }

    /// Names come from untrusted files: long ones of any characters must not take long.
    @Test(arguments: [
        "<", ">", "(", "()", "$", "$$", "$1", "::$_1", "::$_1::", "closure #1 in ", "(anonymous namespace)", " const::",
        "<a>d__1.", "<<a>b__1>d",
        "{lambda#1}", "'lambda1'", " in ", " -> ", "a[123456]", "operator", " as ", "@1", "+0x1", "generic <> of ",
        "a.", "\"", "/a", "'a ", "::1",
    ]) func longNamesTakeNoLongTime(piece: String) {
        let name = "a" + String(repeating: piece, count: (64 << 10) / piece.utf8.count)
        let took = ContinuousClock().measure {
            for text in [name, String(name.dropFirst())] {
                _ = SignatureNames.normalise(text)
                _ = SignatureMessages.normalise(text)
                _ = SignatureStack.isNothing(text)
            }
        }
        // Without optimization; quadratic work takes minutes.
        #expect(took < .seconds(10), "\(piece): \(took)")
        if took > .seconds(1) { print("slow name: \(piece): \(took)") }
    }
}
