import ArgumentParser

/// `likewise`: the tree of commands.
@main
struct Root: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "likewise",
        abstract: "Counts likes: each exactly once, on stable storage before the answer.",
        version: "0.1.0",
        subcommands: [
            Serve.self, Aggregate.self, Migrate.self, Rebalance.self, Verify.self, Replay.self, Keys.self, Abuse.self,
            Plan.self, Load.self, Top.self, Bench.self, Unknown.self,
        ],
        defaultSubcommand: Unknown.self)
}

/// What is run when the first word is no command.
struct Unknown: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "unknown", shouldDisplay: false)
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run() throws { throw UnknownCommand.error(rest, root: Root.self) }
}
