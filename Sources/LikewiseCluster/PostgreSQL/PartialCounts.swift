// Counts from several servers where the loss of one leaves the others: a reader of many contents gets those that can be
// had.

extension PostgresServers {
    /// Contents in the order asked, as `counts(_:)` has them; where a server fails, its contents have its error.
    package func partialCounts(_ ids: [[UInt8]]) async -> [Result<Count, any Error>] {
        let placement: Placement
        do { placement = try await self.placement() } catch { return ids.map { _ in .failure(error) } }
        // Contents that move meanwhile are found all the same: `counts` asks by the placement of its own moment.
        var places: [Int: [Int]] = [:]
        for (place, id) in ids.enumerated() { places[placement.server(of: id), default: []].append(place) }
        return await withTaskGroup(of: [(place: Int, count: Result<Count, any Error>)].self) { group in
            for places in places.values {
                group.addTask {
                    do {
                        let found = try await self.counts(places.map { ids[$0] })
                        return zip(places, found).map { ($0, .success($1)) }
                    } catch { return places.map { ($0, .failure(error)) } }
                }
            }
            var result = [Result<Count, any Error>](
                repeating: .failure(CountCacheError.missingFromLoad), count: ids.count)
            for await answers in group {
                for (place, count) in answers { result[place] = count }
            }
            return result
        }
    }
}
