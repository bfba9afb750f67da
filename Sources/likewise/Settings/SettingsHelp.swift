/// The part of a command's `--help` that follows from its table: arguments, settings with their defaults, examples.
package enum SettingsHelp {
    /// Columns of the text; ArgumentParser breaks lines at 80 where it does not know the terminal.
    private static let columns = 79
    /// Where a setting's explanation begins.
    private static let indent = 6

    /// The help of `table`'s command, below its one-line abstract.
    package static func text(for table: any SettingsTable.Type) -> String {
        let settings = table.declarations.map(entry).joined(separator: "\n")
        let examples = table.examples.map { "  \($0.line)\n      \($0.does)" }.joined(separator: "\n")
        return """
            Each setting is a flag, an environment variable (LIKEWISE_DATA_DIR for
            --data-dir) and a key of the YAML file that --config names (data-dir), in
            this order of precedence.

            SETTINGS:
            \(settings)

            EXAMPLES:
            \(examples)
            """
    }

    /// The usage line of `table`'s command.
    package static func usage(of table: any SettingsTable.Type) -> String {
        let required = table.declarations.filter(\.isRequired).map { " \($0.flag) \($0.placeholder)" }
        let arguments = table.arguments.map { " <\($0)>" }.joined() + (table.repeatsLastArgument ? "…" : "")
        return "likewise \(table.command)\(arguments)\(required.joined()) [--setting value]…"
    }

    private static func entry(_ setting: any SettingDeclaration) -> String {
        let standing = setting.defaultDescription.map { "default: \($0)" } ?? "required"
        let lines = wrap("\(setting.help) (\(standing))", to: columns - indent)
        let explained = lines.map { String(repeating: " ", count: indent) + $0 }.joined(separator: "\n")
        return "  \(setting.flag) \(setting.placeholder)\n\(explained)"
    }

    private static func wrap(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
