package import LikewiseServer

/// What a detector made of a trace.
///
/// A farm's like is caught if it is held or refused when it comes, or held later, as long as the trace lasts; a person's is
/// held in the same sense. Unlikes are judged but not scored.
package struct AbuseScore: Sendable {
    /// Likes, those held or refused at the end, and those of them that were so when they came; by origin.
    package private(set) var likes: [LikeOrigin: Int] = [:]
    package private(set) var held: [LikeOrigin: Int] = [:]
    package private(set) var heldAtOnce: [LikeOrigin: Int] = [:]
    /// Reasons of what was held at once, by origin.
    package private(set) var reasons: [LikeOrigin: [AbuseReason: Int]] = [:]
    /// Likes, and those held, by farm.
    package private(set) var farms: [Int: (origin: LikeOrigin, likes: Int, held: Int)] = [:]

    private let trace: [TracedLike]
    private var isHeld: [Bool]
    /// The place in the trace of each ticket.
    private var places: [Int] = [0]

    /// Shows `trace` to a detector, one like after the other.
    package init(_ trace: [TracedLike], seed: UInt64, bounds: AbuseBounds = AbuseBounds()) {
        self.trace = trace
        isHeld = Array(repeating: false, count: trace.count)
        var detector = AbuseDetector(bounds: bounds)
        let keys = AbuseKeys(seed: seed)
        for (place, like) in trace.enumerated() {
            let judgement = like.withBytes { user, content, client in
                detector.judge(
                    keys.like(
                        user: user, content: content, address: like.address, client: client, isUnlike: like.isUnlike),
                    milliseconds: like.milliseconds)
            }
            if !like.isUnlike { take(judgement, at: place) }
        }
        for (place, like) in trace.enumerated() where !like.isUnlike {
            likes[like.origin, default: 0] += 1
            held[like.origin, default: 0] += isHeld[place] ? 1 : 0
            guard like.farm > 0 else { continue }
            var farm = farms[like.farm] ?? (like.origin, 0, 0)
            farm.likes += 1
            farm.held += isHeld[place] ? 1 : 0
            farms[like.farm] = farm
        }
    }

    private mutating func take(_ judgement: Judgement, at place: Int) {
        let origin = trace[place].origin
        switch judgement.verdict {
        case .count: break
        case .hold(let reason), .refuse(let reason):
            isHeld[place] = true
            heldAtOnce[origin, default: 0] += 1
            reasons[origin, default: [:]][reason, default: 0] += 1
        }
        guard judgement.ticket > 0 else { return }
        // Tickets are given in order, each once.
        precondition(judgement.ticket == UInt64(places.count), "ticket \(judgement.ticket) after \(places.count - 1)")
        places.append(place)
        for ticket in judgement.alsoHold { isHeld[places[Int(ticket)]] = true }
    }

    /// The share of an origin's likes that is held at the end; 0 where it has none.
    package func share(_ origin: LikeOrigin) -> Double { ratio(held[origin], likes[origin]) }

    /// The share that was held when it came.
    package func shareAtOnce(_ origin: LikeOrigin) -> Double { ratio(heldAtOnce[origin], likes[origin]) }

    /// The share of all farms' likes that is held at the end.
    package var recall: Double {
        ratio(LikeOrigin.farms.reduce(0) { $0 + (held[$1] ?? 0) }, LikeOrigin.farms.reduce(0) { $0 + (likes[$1] ?? 0) })
    }

    /// The share of what is held that is farms'.
    package var precision: Double {
        let caught = LikeOrigin.farms.reduce(0) { $0 + (held[$1] ?? 0) }
        return ratio(caught, caught + (held[.person] ?? 0))
    }

    private func ratio(_ part: Int?, _ whole: Int?) -> Double {
        guard let whole, whole > 0 else { return 0 }
        return Double(part ?? 0) / Double(whole)
    }
}

extension TracedLike {
    /// The ids as a server gets them, of 16 bytes each: user, content, client. Words of one size, as what lies between
    /// others is anything.
    func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) -> Result {
        withUnsafeBytes(of: (UInt64(user), UInt64(0x7573_6572))) { user in
            withUnsafeBytes(of: (UInt64(content), UInt64(0x636f_6e74))) { content in
                withUnsafeBytes(of: (UInt64(client), UInt64(0x636c_6965))) { client in body(user, content, client) }
            }
        }
    }
}

/// A trace of people and of farms among them, from one seed.
package struct AbuseWorld: Sendable {
    /// The people alone, and with farms.
    package let people: [TracedLike]
    package let mixed: [TracedLike]

    /// - Parameters:
    ///   - rows: a recorded trace.
    ///   - share: how many of all likes are farms'.
    package init(_ rows: [RecordedLike], share: Double, seed: UInt64) {
        var world = People(rows, seed: seed)
        people = world.likes(rows)
        var farms = Farms(among: people, networks: world.networks, seed: seed &* 7919 &+ 1)
        mixed = (people + farms.likes(share: share)).sortedByTime()
    }
}
