// The capacity planner over HTTP.

import LikewiseAPI

extension API {
    /// What a site of the size that the query describes needs.
    func plan(_ request: APIRequest) throws(APIProblem) -> APIResponse {
        try request.caller.require(.admin)
        try limit(request)
        var site = CapacityPlan.Site()
        if let users: UInt64 = try value(request, "daily_users") { site.dailyUsers = users }
        if let likes: Double = try value(request, "likes_per_user") { site.likesPerUser = likes }
        if let reads: Double = try value(request, "reads_per_like") { site.readsPerLike = reads }
        if let peak: Double = try value(request, "peak") { site.peak = peak }
        if let days: UInt64 = try value(request, "retention_days") { site.retentionDays = days }
        if let regions: UInt64 = try value(request, "regions") { site.regions = regions }
        if let problem = site.problem { throw APIProblem(.invalidRequest, problem.detail, field: problem.field) }
        return APIResponse(
            status: 200, contentType: "application/json", cacheControl: "no-store",
            body: JSONWriter.bytes { CapacityPlan(site).write(to: &$0) })
    }

    private func value<Number: LosslessStringConvertible>(
        _ request: APIRequest, _ name: String
    ) throws(APIProblem) -> Number? {
        guard let text = try single(request, name) else { return nil }
        guard let number = Number(String(decoding: text, as: UTF8.self)) else {
            throw APIProblem(.invalidRequest, "\(name) must be a number.", field: name)
        }
        return number
    }
}
