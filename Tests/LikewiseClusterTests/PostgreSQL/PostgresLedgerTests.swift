import LikewiseCluster
import LikewiseCore
import LikewiseEngine
import LikewiseTestSupport
import Logging
import Testing

@Suite("PostgreSQL's ledger")
struct PostgresLedgerTests {
    @Test("PostgreSQL's ledger keeps the law, and all it holds when it is opened again", arguments: LedgerLaw.all)
    func laws(law: LedgerLaw) throws {
        let bed = try PostgresBed()
        try law.check(reopens: true) { try bed.ledger() }
    }
}
