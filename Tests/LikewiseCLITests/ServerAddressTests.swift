import Testing
import likewise

@Suite("Addresses of a cluster's servers")
struct ServerAddressTests {
    @Test(
        "A server of PostgreSQL is read from its URI, with what is percent-encoded in it",
        arguments: [
            ("postgresql://ann@db/likes", "db", 5432, "ann", nil, "likes"),
            ("postgres://ann:p%40ss@db:6000/likes", "db", 6000, "ann", "p@ss", "likes"),
            ("postgresql://ann@[2001:db8::1]:5432/a%2Fb", "2001:db8::1", 5432, "ann", nil, "a/b"),
        ] as [(String, String, Int, String, String?, String)])
    func reads(_ uri: String, _ host: String, _ port: Int, _ user: String, _ password: String?, _ database: String)
        throws
    {
        let server = try #require(PostgresAddress(uri: uri))
        #expect(server.host == host && Int(server.port) == port && server.user == user)
        #expect(server.password == password && server.database == database)
    }

    @Test(
        "What is no URI of a server is none: no half escapes, no zero bytes, no signs in numbers",
        arguments: [
            "mysql://ann@db/likes", "postgresql://db/likes", "postgresql://ann@db", "postgresql://ann@db/",
            "postgresql://ann:%4@db/likes", "postgresql://ann:%+1@db/likes", "postgresql://ann:a%00b@db/likes",
            "postgresql://ann@db:+5432/likes", "postgresql://ann@db:0/likes", "postgresql://ann@db:65536/likes",
            "postgresql://ann@db\u{0}.example:1/likes", "postgresql://ann@db/likes?a=%0", "postgresql://ann@db/%00",
        ])
    func refuses(_ uri: String) {
        #expect(PostgresAddress(uri: uri) == nil)
    }
}
