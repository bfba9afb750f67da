import Testing
import likewise

@Suite("What kills cost a level")
struct LossAccountTests {
    @Test("Losses and doublings of different kills do not cancel out")
    func sums() {
        var account = LossAccount()
        account.add(acknowledged: 1000, counted: 990)
        account.add(acknowledged: 1000, counted: 1005)
        account.add(acknowledged: 1000, counted: 1000)
        #expect(account.kills == 3)
        #expect(account.acknowledged == 3000)
        #expect(account.lost == 10)
        #expect(account.doubled == 5)
        #expect(account.summary == "10 lost, 5 twice of 3,000")
    }

    @Test("Repeats that moved the count are told apart from likes")
    func repeats() {
        var account = LossAccount()
        account.add(acknowledged: 5, counted: 5)
        account.add(repeats: 1000, counted: 0)
        #expect(account.summary == "0 of 5")
        account.add(repeats: 1000, counted: 1000)
        #expect(account.lost == 0)
        #expect(account.summary == "0 of 5; 1,000 of 2,000 repeats counted again")
    }

    @Test(
        "Numbers are grouped by thousands",
        arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1000, "-1,000")])
    func grouped(number: Int, text: String) {
        #expect(Grouped.text(number) == text)
    }

    @Test("Cells with several lines keep their columns")
    func table() {
        let text = TextTable.text([[["a"], ["head"], ["last"]], [["long", "x"], [], ["one", "two"]]])
        #expect(text == "a     head  last\nlong        one\nx           two\n")
    }
}
