/// The times between likes: how many, their mean, and the mean of their squares, the latest 32 or so. People come as chance
/// has it, with a variation of 1 and more; what a clock drives varies less.
struct Rhythm: Sendable {
    private static let memory: Float = 32
    private var count: Float = 0
    private var mean: Float = 0
    private var square: Float = 0
    private var lastSeconds: Float = -1

    /// Takes a like at `milliseconds` of a clock.
    mutating func beat(milliseconds: Int64) {
        // Exact to a second after four months: times between likes that are shorter than that say little here.
        let now = Float(milliseconds) / 1000
        defer { lastSeconds = now }
        guard lastSeconds >= 0 else { return }
        count += 1
        let weight = 1 / min(count, Rhythm.memory)
        let gap = now - lastSeconds
        mean += (gap - mean) * weight
        square += (gap * gap - square) * weight
    }

    /// The standard deviation of the times over their mean; nil before `least` of them, or where they are under a second.
    func variation(least: Float) -> Float? {
        guard count >= least, mean > 1 else { return nil }
        return max(0, square / (mean * mean) - 1).squareRoot()
    }
}
