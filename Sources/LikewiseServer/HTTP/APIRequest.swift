// A request as the calls see it: no server library in sight.

package import HTTPTypes

/// A request, complete with its body.
package struct APIRequest: Sendable {
    package var method: HTTPRequest.Method
    /// The path as sent, without the query.
    package var path: String
    /// The query as sent, without `?`.
    package var query: String
    package var headers: HTTPFields
    package var body: [UInt8]
    /// Who asks.
    package var caller: Caller
    /// The address that it came from.
    package var address: NetworkAddress
    /// Who is at the connection's other end: the caller himself, or who speaks for him.
    package var peer: NetworkAddress

    package init(
        method: HTTPRequest.Method, path: String, query: String = "", headers: HTTPFields = [:], body: [UInt8] = [],
        caller: Caller, address: NetworkAddress = NetworkAddress(high: 0, low: 0), peer: NetworkAddress? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.caller = caller
        self.address = address
        self.peer = peer ?? address
    }
}
