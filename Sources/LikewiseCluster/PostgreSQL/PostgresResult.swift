import CPostgreSQL
import LikewiseCore

/// The rows that one statement gave, in binary; freed with the last reference. For the thread of its connection.
final class PostgresResult {
    private let library: PostgresLibrary
    private let result: OpaquePointer
    /// How many rows there are.
    let count: Int

    init(_ result: OpaquePointer, _ library: PostgresLibrary) {
        self.library = library
        self.result = result
        count = Int(library.functions.pointee.PQntuples(result))
    }

    deinit { library.functions.pointee.PQclear(result) }

    /// The bytes of a value, valid as long as this object; empty for NULL.
    func raw(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        let count = Int(library.functions.pointee.PQgetlength(result, CInt(row), CInt(column)))
        return UnsafeRawBufferPointer(
            start: library.functions.pointee.PQgetvalue(result, CInt(row), CInt(column)), count: count)
    }

    func bytes(_ row: Int, _ column: Int) -> [UInt8] { Array(raw(row, column)) }

    func isNull(_ row: Int, _ column: Int) -> Bool {
        library.functions.pointee.PQgetisnull(result, CInt(row), CInt(column)) != 0
    }

    func text(_ row: Int, _ column: Int) -> String { String(decoding: raw(row, column), as: UTF8.self) }

    func flag(_ row: Int, _ column: Int) -> Bool { raw(row, column).first == 1 }

    /// A number of 2, 4 or 8 bytes; 0 for NULL.
    func int(_ row: Int, _ column: Int) -> Int64 {
        let bytes = raw(row, column)
        return switch bytes.count {
        case 0: 0
        case 2: Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
        case 4: Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        case 8: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        default: preconditionFailure("column \(column) has \(bytes.count) bytes, which no number of ours has")
        }
    }

    /// A number that is never below zero; the tables' constraints see to it.
    func unsigned(_ row: Int, _ column: Int) -> UInt64 {
        let value = int(row, column)
        precondition(value >= 0, "column \(column) is \(value), which the tables' constraints forbid")
        return UInt64(value)
    }

    /// The version in two columns, of which the reading is the first.
    func version(_ row: Int, _ column: Int) -> Version {
        Version(reading: unsigned(row, column), region: UInt16(truncatingIfNeeded: int(row, column + 1)))
    }

    /// The register in three columns: reading, region, reaction.
    func register(_ row: Int, _ column: Int) -> Register {
        Register(
            version: version(row, column), reaction: Reaction(rawValue: UInt8(truncatingIfNeeded: int(row, column + 2)))
        )
    }
}
