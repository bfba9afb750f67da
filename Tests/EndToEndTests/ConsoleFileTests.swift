import Foundation
import Testing

@Suite("Files of the console")
struct ConsoleFileTests {
    @Test("The levels on the console are those of docs/benchmarks.md, figure by figure")
    func levels() throws {
        let report = try text("docs/benchmarks.md").replacing("**", with: "")
        let module = try text("Sources/CWeb/web/console/levels.js")
        let levels = module.split(separator: "\n").filter { $0.hasPrefix("  ['") }.map { line in
            line.dropFirst(4).components(separatedBy: "', '").map { $0.components(separatedBy: "']")[0] }
        }
        #expect(levels.count == 5)
        for level in levels {
            try #require(level.count == 4, "\(level)")
            let row = report.split(separator: "\n").first { $0.hasPrefix("| \(level[0]) |") } ?? ""
            #expect(row.hasPrefix("| \(level[0]) | \(level[1]) | \(level[2]) |"), "\(level) is not in \(row)")
            #expect(row.contains(level[3]), "\(level[3]) is not in \(row)")
        }
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Binary.root.appending(path: path), encoding: .utf8)
    }
}
