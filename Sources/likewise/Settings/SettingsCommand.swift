// How a command of ArgumentParser takes its settings from a table: it captures what follows its name as it is, and the
// resolver reads that. ArgumentParser keeps the tree of commands, `likewise help serve`, `--version` and the exit codes.

package import ArgumentParser
import Foundation

/// A command whose flags are the settings of a table. It declares
///
///     static let configuration = settingsConfiguration(abstract: "Serve the HTTP interface.")
///     @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []
///
/// and does its work in `run(_:)`.
package protocol SettingsCommand: AsyncParsableCommand {
    associatedtype Table: SettingsTable
    /// What follows the command's name.
    var rest: [String] { get }
    /// The work, with settings that are resolved and checked.
    func run(_ settings: Settings<Table>) async throws
}

extension SettingsCommand {
    /// The configuration of the command: its name, usage and help follow from the table.
    package static func settingsConfiguration(abstract: String) -> CommandConfiguration {
        CommandConfiguration(
            commandName: Table.command, abstract: abstract, usage: SettingsHelp.usage(of: Table.self),
            discussion: SettingsHelp.text(for: Table.self))
    }

    package mutating func run() async throws {
        let outcome: SettingsResolver.Outcome<Table>
        do {
            outcome = try SettingsResolver(environment: ProcessInfo.processInfo.environment)
                .resolve(Table.self, arguments: rest)
        } catch {
            let lines = error.problems.map { "error: \($0)\n" } + ["See `likewise \(Table.command) --help`.\n"]
            LogSink.standardError.write(Array(lines.joined().utf8))
            throw ExitCode.validationFailure
        }
        switch outcome {
        case .help: throw CleanExit.helpRequest(self)
        case .settings(let settings): try await run(settings)
        }
    }
}

/// What the tree's default command answers: it gets the words after `likewise` when the first of them is no command.
package enum UnknownCommand {
    /// The error for `rest`, naming the nearest command of `root`, or the help of `root` where nothing was given.
    package static func error(_ rest: [String], root: any ParsableCommand.Type) -> any Error {
        guard let word = rest.first else { return CleanExit.helpRequest(root) }
        let shown = root.configuration.subcommands.filter { $0.configuration.shouldDisplay }
        let kind = word.hasPrefix("-") ? "flag" : "command"
        let commands = shown.compactMap { $0.configuration.commandName } + ["help"]
        let names = kind == "flag" ? ["--help", "--version"] : commands
        let hint = Nearest.name(to: word, among: names).map { "did you mean `likewise \($0)`?" }
        return ValidationError(
            "unknown \(kind) '\(word)'; \(hint ?? "the commands are \(commands.joined(separator: ", "))")")
    }
}
