import Testing
import likewise

@Suite("Help from the settings tables")
struct SettingsHelpTests {
    @Test("Every setting is shown with its default or as required, and every command has an example")
    func complete() {
        for table in SettingsCatalogue.tables {
            let text = SettingsHelp.text(for: table)
            #expect(!table.declarations.isEmpty)
            for setting in table.declarations {
                #expect(text.contains("  \(setting.flag) \(setting.placeholder)\n"))
                // Lines are broken anywhere between words.
                let flowing = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                let standing = setting.defaultDescription.map { "(default: \($0))" } ?? "(required)"
                #expect(flowing.contains("\(setting.help) \(standing)"))
            }
            #expect(text.contains("EXAMPLES:\n  "))
            #expect(table.examples.allSatisfy { $0.line.contains("likewise \(table.command)") })
        }
    }

    @Test("No line is longer than a terminal's")
    func width() {
        for table in SettingsCatalogue.tables {
            for line in SettingsHelp.text(for: table).split(separator: "\n") { #expect(line.count < 80, "\(line)") }
        }
    }

    @Test("Names are in lower case with hyphens, once a table, and alike in all of them")
    func names() {
        var kinds: [String: String] = [:]
        for table in SettingsCatalogue.tables {
            let names = table.declarations.map(\.name)
            #expect(Set(names).count == names.count)
            for setting in table.declarations {
                #expect(setting.name.allSatisfy { $0.isASCII && ($0.isLowercase || $0 == "-") })
                #expect(kinds[setting.name, default: setting.accepts] == setting.accepts)
                kinds[setting.name] = setting.accepts
            }
        }
    }

    @Test("The examples of every command are lines that it accepts")
    func examples() throws {
        #expect(try resolve(VerifySettings.self, ["--data-dir", "./data"]).dataDir == "./data")
        for table in SettingsCatalogue.tables {
            for (line, _) in table.examples where !line.contains("--config") {
                let words = line.split(separator: " ").map(String.init)
                #expect(try accepts(table, Array(words.dropFirst(2))), "\(line)")
            }
        }
    }

    private func accepts<Table: SettingsTable>(_ table: Table.Type, _ arguments: [String]) throws -> Bool {
        _ = try resolve(table, arguments)
        return true
    }
}
