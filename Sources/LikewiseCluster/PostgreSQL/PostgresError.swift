package import LikewiseEngine

/// Why a call to a PostgreSQL server did not do what was asked.
///
/// `words` are the server's or libpq's own and are for the operator's log only: they may hold SQL and addresses.
package struct PostgresError: Error, Hashable, Sendable {
    /// What went wrong.
    package enum Kind: Hashable, Sendable {
        /// There is no connection, or it was lost; what was not committed is not there, a commit that was sent may be.
        case connection
        /// The server, or the network, did not answer in time; the connection was given up.
        case timeout
        /// The server refused, with an SQLSTATE (PostgreSQL's documentation, appendix A).
        case refused(state: String)
        /// The connection was lost and opened again; what the server holds may be less than it said before.
        case reopened
        /// libpq is missing or too old.
        case library
    }

    package var kind: Kind
    package var words: String

    package init(_ kind: Kind, _ words: String) {
        self.kind = kind
        self.words = words
    }

    /// Whether the connection is of no use any more.
    package var isLoss: Bool {
        switch kind {
        case .connection, .timeout: true
        case .refused(let state): state.hasPrefix("08") || state.hasPrefix("57P")
        case .reopened, .library: false
        }
    }

    /// Whether the same transaction may succeed when it is tried again: it lost to another one (a deadlock, a lock), or
    /// the server was away or full of connections.
    package var isWorthRepeating: Bool {
        guard case .refused(let state) = kind else { return isLoss }
        return isLoss || ["40001", "40P01", "55P03", "53300"].contains(state)
    }

    /// The same for the callers of the ledger, in words that hold neither SQL nor addresses.
    package var ledgerError: LedgerError {
        switch kind {
        case .connection: .failed("the ledger's server cannot be reached")
        case .timeout: .failed("the ledger's server did not answer in time")
        case .reopened: .failed("the connection to the ledger's server was lost: read the positions again")
        case .library: .unusable("libpq cannot be used: install Debian's libpq5, version 14 or later")
        case .refused("53100"): .full
        case .refused(PostgresSchema.movedState): .moved
        case .refused("XX001"), .refused("XX002"):
            .unusable(
                "the ledger's server found its files damaged: rebuild the ledger from the topic, or from a backup")
        case .refused(let state) where state.hasPrefix("28") || state == "3D000":
            .unusable("the ledger's server refused us (SQLSTATE \(state)): check its user, password and database")
        case .refused(let state) where ["3F000", "42P01", "42703", "42883"].contains(state):
            .unusable("the ledger's server lacks a table of ours (SQLSTATE \(state)): run `likewise migrate`")
        case .refused(let state) where state == "42501":
            .unusable(
                "the ledger's user may not use its tables (SQLSTATE 42501): run `likewise migrate` as their owner")
        case .refused(let state): .failed("the ledger's server refused what was asked (SQLSTATE \(state))")
        }
    }
}
