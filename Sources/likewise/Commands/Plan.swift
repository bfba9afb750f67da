// `likewise plan`: what a site of a given size needs, each figure with the arithmetic that leads to it.

import ArgumentParser
import LikewiseAPI
package import LikewiseServer

struct Plan: SettingsCommand {
    typealias Table = PlanSettings

    static let configuration = settingsConfiguration(
        abstract: "Rates, bandwidth, storage, memory and machines for a site of a given size.")
    @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []

    func run(_ settings: Settings<PlanSettings>) async throws {
        let plan = CapacityPlan(settings.site)
        if settings.json {
            print(String(decoding: JSONWriter.bytes { plan.write(to: &$0) }, as: UTF8.self))
        } else {
            print(PlanText.text(of: plan), terminator: "")
        }
    }
}

/// A plan for people.
package enum PlanText {
    /// Columns of the terminal that explanations are wrapped for.
    private static let width = 100

    /// The plan, a paragraph a figure.
    package static func text(of plan: CapacityPlan) -> String {
        let site = plan.site
        func n(_ value: Double) -> String { CapacityPlan.grouped(value) }
        var lines = [
            "\(n(Double(site.dailyUsers))) daily users, \(n(site.likesPerUser)) likes each, \(n(site.readsPerLike)) reads a like, "
                + "peak \(n(site.peak)) times the mean, log kept \(site.retentionDays) days, "
                + (site.regions == 1 ? "1 region" : "\(site.regions) regions")
        ]
        let column = plan.lines.map(\.title.count).max() ?? 0
        for group in CapacityPlan.groups {
            lines += ["", group]
            for line in plan.lines where line.group == group {
                let gap = String(repeating: " ", count: column - line.title.count + 2)
                lines.append("  \(line.title)\(gap)\(line.display)")
                lines += wrapped("= \(line.formula)")
                lines += wrapped("= \(line.arithmetic)")
                lines += wrapped(line.explanation)
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = "     "
        for word in text.split(separator: " ") {
            if line.count + 1 + word.count > width {
                lines.append(line)
                line = "     "
            }
            line += " " + word
        }
        return lines + [line]
    }
}
