import Testing

/// The help of the release program.
@Suite struct HelpTests {
    /// The names of the commands, as `salvage --help` lists them.
    private static func commands() throws -> [String] {
        let lines = try Program.run(["--help"]).out.split(separator: "\n").map(String.init)
        let start = try #require(lines.firstIndex { $0.hasSuffix("SUBCOMMANDS:") })
        return lines[start...].filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }.filter { $0.first?.isLowercase == true }
    }

    @Test func theUsageOfEachCommandNamesTheProgram() throws {
        let commands = try Self.commands()
        #expect(commands.contains("grep") && commands.contains("harvest"), "\(commands)")
        #expect(commands.count >= 20, "\(commands)")
        for command in commands where command != "help" {
            for flag in ["--help", "-h"] {
                let help = try Program.run([command, flag])
                #expect(help.status == 0 && help.err.isEmpty, "\(command) \(flag): \(help.err)")
                #expect(help.out.contains("USAGE: salvage \(command)"), "\(help.out.prefix(300))")
            }
        }
    }
}
