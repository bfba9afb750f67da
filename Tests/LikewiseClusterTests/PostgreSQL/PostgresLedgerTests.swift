import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Testing

@Suite("PostgreSQL's ledger")
struct PostgresLedgerTests {
    @Test(
        "PostgreSQL's ledger keeps the law by one connection or several, and all it holds when it is opened again",
        arguments: LedgerLaw.all, [1, 3])
    func laws(law: LedgerLaw, writers: Int) throws {
        let bed = try PostgresBed()
        try law.check(reopens: true) { try bed.ledger(writers: writers) }
    }
}
