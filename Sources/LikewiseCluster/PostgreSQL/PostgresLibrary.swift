import CPostgreSQL
import Synchronization

/// libpq, loaded once a path and kept until the process ends.
///
/// `@unchecked Sendable`: the functions are never changed after they were loaded.
struct PostgresLibrary: @unchecked Sendable {
    let functions: UnsafePointer<likewise_postgresql>

    private static let loaded = Mutex<[String: PostgresLibrary]>([:])

    /// The library at `path`. Throws `.library` where there is none, or one without pipelines (before 14).
    static func at(_ path: String) throws(PostgresError) -> PostgresLibrary {
        try loaded.withLock { (loaded) throws(PostgresError) in
            if let library = loaded[path] { return library }
            var why: UnsafeMutablePointer<CChar>?
            guard let functions = likewise_postgresql_load(path, &why) else {
                defer { free(why) }
                throw PostgresError(.library, why.map { String(cString: $0) } ?? "libpq cannot be loaded")
            }
            let library = PostgresLibrary(functions: functions)
            loaded[path] = library
            return library
        }
    }
}

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif
