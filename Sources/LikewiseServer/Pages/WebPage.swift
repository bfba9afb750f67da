// What browsers get: the console, the button and its module, from the binary itself.

import CWeb
import LikewiseCore

/// A file that browsers get, ready to be sent.
package struct WebPage: Hashable, Sendable {
    /// Its place in `all`.
    private let index: Int

    /// The page at a path; nil where there is none.
    package init?(path: String) {
        guard let index = WebPage.places[path] else { return nil }
        self.index = index
    }

    /// The console, at the root.
    package static let console = WebPage(path: "/console/index.html")

    /// How a file is sent.
    struct Content: Sendable {
        var path: String
        var type: String
        var bytes: [UInt8]
        /// The same by gzip; nil where that is not shorter.
        var gzipped: [UInt8]?
        /// Of the bytes, between quotes; that of the compressed form differs, as entity tags must (RFC 9110, 8.8.3).
        var tag: String
        /// Whether pages of other origins load it as a module: the button and what it is made of.
        var isShared: Bool
    }

    var content: Content { WebPage.all[index] }

    private static let all: [Content] = {
        var count = 0
        let files = UnsafeBufferPointer(start: likewise_web_files(&count), count: count)
        return files.map { file in
            let bytes = UnsafeRawBufferPointer(start: file.bytes, count: file.count)
            let path = String(cString: file.path)
            return Content(
                path: path, type: type(of: path), bytes: Array(bytes), gzipped: gzipped(bytes),
                tag: String(Hash64.of(bytes, seed: 0), radix: 16),
                isShared: path == "/like-button.js" || path == "/likewise.js")
        }
    }()

    private static let places = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1.path, $0) })

    private static func type(of path: String) -> String {
        if path.hasSuffix(".js") { return "text/javascript; charset=utf-8" }
        if path.hasSuffix(".css") { return "text/css; charset=utf-8" }
        return path.hasSuffix(".svg") ? "image/svg+xml" : "text/html; charset=utf-8"
    }

    private static func gzipped(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        let written = [UInt8](unsafeUninitializedCapacity: bytes.count) { out, written in
            written = likewise_gzip(bytes.baseAddress, bytes.count, out.baseAddress, out.count)
        }
        return written.isEmpty ? nil : written
    }
}
