import LikewiseCluster
import Testing

@Suite("What is logged again and again")
struct LogLimitTests {
    @Test("is told the first time, and then at most once in the interval, with how often it happened")
    func limited() {
        var limit = LogLimit(interval: 100)
        #expect(limit.note(2, at: 1_000) == 2)
        #expect(limit.note(at: 1_001) == nil)
        #expect(limit.note(3, at: 1_099) == nil)
        #expect(limit.note(at: 1_100) == 5)
        #expect(limit.note(at: 1_199) == nil)
        #expect(limit.note(at: 5_000) == 2)
    }
}
