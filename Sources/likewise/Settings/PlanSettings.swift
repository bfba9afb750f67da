// The settings of `likewise plan`.

package import LikewiseServer

extension SettingKind where Value == Double {
    /// A number within `bounds`, with digits behind a point or without.
    static func number(_ bounds: ClosedRange<Double>) -> Self {
        let range = "\(CapacityPlan.grouped(bounds.lowerBound)) to \(CapacityPlan.grouped(bounds.upperBound))"
        return Self("a number from \(range)", placeholder: "<number>") { text in
            guard let first = text.utf8.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first, let value = Double(text),
                bounds.contains(value)
            else { return nil }
            return value
        }
    }
}

/// The settings of `likewise plan`.
package struct PlanSettings: SettingsTable {
    package static let command = "plan"
    package static let examples: [(line: String, does: String)] = [
        ("likewise plan --daily-users 800000000 --likes-per-user 150", "what a site of that size needs, and why"),
        ("likewise plan --daily-users 500000000 --peak 100 --json", "a site of high peaks, for programs"),
    ]

    package init() {}

    package let config = CommonSettings.config
    package let dailyUsers = Setting(
        "daily-users", .integer(1...100_000_000_000), default: "1000000", "People who come in a day")
    package let likesPerUser = Setting(
        "likes-per-user", .number(0...1_000_000), default: "5", "Likes that each of them gives in a day")
    package let readsPerLike = Setting(
        "reads-per-like", .number(0...1_000_000), default: "10", "Counts that are shown for each like")
    package let peak = Setting("peak", .number(1...10_000), default: "3", "The busiest second, in mean ones")
    package let retentionDays = Setting(
        "retention-days", .integer(1...3_650), default: "7", "Days that the event log is kept")
    package let regions = Setting("regions", .integer(1...64), default: "1", "Regions, each of which holds all likes")
    package let json = Setting(
        "json", .onOff, default: "off", "Print one JSON object, as GET /v1/admin/plan answers it")
    package let logLevel = CommonSettings.logLevel
    package let logFormat = CommonSettings.logFormat
}

extension Settings where Table == PlanSettings {
    /// The site that is asked about.
    package var site: CapacityPlan.Site {
        var site = CapacityPlan.Site()
        site.dailyUsers = UInt64(self.dailyUsers)
        site.likesPerUser = self.likesPerUser
        site.readsPerLike = self.readsPerLike
        site.peak = self.peak
        site.retentionDays = UInt64(self.retentionDays)
        site.regions = UInt64(self.regions)
        return site
    }
}
