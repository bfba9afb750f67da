import LikewiseServer
import Testing

@Suite("Whether the client of a stream keeps pace")
struct StreamPaceTests {
    private static func pace() -> StreamPace { StreamPace(readTimeout: 100, unsentTimeout: 1_000) }

    @Test("The time is the client's only while more is asked for")
    func asked() {
        var pace = StreamPaceTests.pace()
        #expect(!pace.isOver(at: 10_000))
        pace.asked(at: 10_000)
        #expect(!pace.isOver(at: 10_100))
        #expect(pace.isOver(at: 10_101))
        pace.received(10, at: 10_050)
        #expect(!pace.isOver(at: 90_000))
        pace.asked(at: 90_000)
        #expect(!pace.isOver(at: 90_050))
        #expect(pace.isOver(at: 90_051))
    }

    @Test("A drip uses the time up, however little is between two drops; 64 KiB give new time")
    func drip() {
        var pace = StreamPaceTests.pace()
        for drop in 0..<11 {
            pace.asked(at: UInt64(drop * 10))
            #expect(!pace.isOver(at: UInt64(drop * 10)))
            pace.received(1, at: UInt64(drop * 10 + 10))
        }
        #expect(pace.isOver(at: 110))
        pace.received(64 << 10, at: 110)
        #expect(!pace.isOver(at: 110))
    }

    @Test("A request that is whole takes no time")
    func ended() {
        var pace = StreamPaceTests.pace()
        pace.asked(at: 0)
        pace.requestEnded()
        pace.asked(at: 1)
        #expect(!pace.isOver(at: 1_000_000))
    }

    @Test("An answer that is not taken is given up; each part that is gives new time")
    func unsent() {
        var pace = StreamPaceTests.pace()
        pace.requestEnded()
        pace.wrote(at: 0)
        pace.wrote(at: 900)
        #expect(pace.isOver(at: 1_001))
        pace.sent(at: 950)
        #expect(!pace.isOver(at: 1_950))
        #expect(pace.isOver(at: 1_951))
        pace.sent(at: 1_000)
        #expect(!pace.isOver(at: 1_000_000))
    }
}
