// Reads `--name value`, `--name=value` and plain arguments by a command's declarations. ArgumentParser chooses the command
// and hands on the rest as it is; its own options would have to be written out beside the table, one property each, and
// could not say where a value came from. swift-configuration's command line provider skips flags that it does not know.

/// What a command line gives: flags with their texts, plain arguments, and what is wrong with it.
struct ScannedArguments {
    var flags: [String: String] = [:]
    var plain: [String] = []
    var wantsHelp = false
    var problems: [SettingProblem] = []
}

struct FlagScanner {
    /// The command's settings.
    let declarations: [any SettingDeclaration]
    /// Which other command has a flag, by the setting's name.
    let elsewhere: [String: String]

    func scan(_ arguments: [String]) -> ScannedArguments {
        var scanned = ScannedArguments()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                scanned.plain += rest
                break
            } else if argument == "--help" || argument == "-h" {
                scanned.wantsHelp = true
            } else if argument.hasPrefix("-") && argument != "-" {
                flag(argument, &rest, into: &scanned)
            } else {
                scanned.plain.append(argument)
            }
        }
        return scanned
    }

    private func flag(_ argument: String, _ rest: inout ArraySlice<String>, into scanned: inout ScannedArguments) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = String(parts[0].dropFirst(2))
        guard parts[0].hasPrefix("--"), let setting = declarations.first(where: { $0.name == name }) else {
            // What follows was most likely meant as its value: one error, not two.
            if parts.count == 1, let next = rest.first, !next.hasPrefix("-") { rest.removeFirst() }
            let nearest = Nearest.name(to: parts[0], among: declarations.map(\.flag) + ["--help"])
            scanned.problems.append(.unknownFlag(parts[0], nearest: nearest, ofOtherCommand: elsewhere[name]))
            return
        }
        guard let text = parts.count == 2 ? parts[1] : value(of: setting, &rest) else {
            scanned.problems.append(.valueMissing(flag: setting.flag, accepts: setting.accepts))
            return
        }
        if scanned.flags.updateValue(text, forKey: name) != nil {
            scanned.problems.append(.repeated(flag: setting.flag))
        }
    }

    /// The argument after a flag, if it is its value. A switch that stands alone is on.
    private func value(of setting: any SettingDeclaration, _ rest: inout ArraySlice<String>) -> String? {
        if setting.isSwitch {
            guard let next = rest.first, setting.accepts(next) else { return "on" }
            return rest.removeFirst()
        }
        guard let next = rest.first, !next.hasPrefix("--") else { return nil }
        return rest.removeFirst()
    }
}
