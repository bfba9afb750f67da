import LikewiseCluster
import Testing

@Suite("What is known of Kafka, without Kafka")
struct KafkaStateTests {
    private let error = KafkaError(code: -192, name: "_MSG_TIMED_OUT", words: "timed out")

    @Test("A broker is told when it goes and when it comes back, and not in between")
    func brokers() {
        var states = KafkaBrokerStates()
        #expect(states.changed(-1, "a", to: "TRY_CONNECT") == nil)
        #expect(states.changed(-1, "a", to: "DOWN") == .allDown("a"))
        #expect(states.changed(-1, "a", to: "INIT") == nil)
        #expect(states.changed(-1, "a", to: "DOWN") == nil)
        #expect(states.changed(-1, "a", to: "UP") == .up("a"))
        // The cluster says which brokers it has; the connection that asked is closed.
        #expect(states.changed(1, "a", to: "UP") == nil)
        #expect(states.changed(2, "b", to: "INIT") == nil)
        #expect(states.changed(3, "c", to: "INIT") == nil)
        #expect(states.changed(-1, "a", to: "DOWN") == nil)
        #expect(states.changed(2, "b", to: "UP") == nil)
        #expect(states.changed(1, "a", to: "DOWN") == .down("a"))
        #expect(states.changed(1, "a", to: "CONNECT") == nil)
        #expect(states.changed(1, "a", to: "DOWN") == nil)
        // One that was never tried may well be up.
        #expect(states.changed(2, "b", to: "DOWN") == .down("b"))
        #expect(states.changed(3, "c", to: "DOWN") == .allDown("c"))
        #expect(states.changed(-1, "GroupCoordinator:0", to: "DOWN") == nil)
        #expect((states.known, states.up) == (3, 0))
        #expect(states.changed(2, "b", to: "UP") == .up("b"))
        #expect(states.changed(2, "b", to: "DOWN") == .allDown("b"))
    }

    @Test("Trouble with deliveries begins with the first failure and ends when no partition fails any more")
    func trouble() {
        var trouble = KafkaDeliveryTrouble()
        #expect(trouble.acknowledged(1) == nil)
        #expect(trouble.failed(-1, error) == .began(error))
        #expect(trouble.failed(2, error) == nil)
        #expect(trouble.failed(3, error) == nil)
        #expect(trouble.acknowledged(1) == nil)
        #expect(trouble.acknowledged(2) == nil)
        #expect(trouble.isOn)
        #expect(trouble.acknowledged(3) == .ended(failures: 3))
        #expect(!trouble.isOn)
        #expect(trouble.failed(2, error) == .began(error))
        #expect(trouble.acknowledged(2) == .ended(failures: 1))
    }

    @Test("A record that is not the next is a gap, and one of a partition that is not assigned is not taken")
    func positions() {
        var positions = KafkaPositions()
        #expect(positions.took(0, 0) == .foreign)
        positions.assign(2, at: 10)
        positions.assign(4, at: nil)
        #expect(positions.assigned == [2, 4])
        #expect(positions.offset(4) == nil)
        #expect(positions.took(2, 10) == .next)
        #expect(positions.took(2, 15) == .gap(.init(partition: 2, expected: 11, found: 15)))
        #expect(positions.took(2, 16) == .next)
        #expect(positions.took(2, 3) == .gap(.init(partition: 2, expected: 17, found: 3)))
        #expect(positions.took(4, 7) == .next)
        #expect(positions.offset(4) == 8)
        #expect(positions.took(3, 1) == .foreign)
        #expect(positions.took(-1, 1) == .foreign)
        positions.revoke(2)
        #expect(!positions.has(2))
        #expect(positions.took(2, 4) == .foreign)
        #expect(positions.assigned == [4])
    }

    @Test("A topic that is not as planned is told in sentences, and one that is in none")
    func topics() {
        let plan = KafkaTopicPlan(partitions: 12, replicas: 3)
        let same = KafkaTopicState(isNew: false, partitions: 12, replicas: 3)
        #expect(KafkaAdmin.differences(same, plan, retentionMilliseconds: 604_800_000) == [])
        #expect(KafkaAdmin.differences(same, plan, retentionMilliseconds: nil) == [])
        let other = KafkaTopicState(isNew: false, partitions: 3, replicas: 1)
        #expect(
            KafkaAdmin.differences(other, plan, retentionMilliseconds: 1_000) == [
                "it has 3 partitions, and 12 are planned", "it has 1 replicas, and 3 are planned",
                "it keeps records for 1000 ms, and 604800000 are planned",
            ])
    }
}
