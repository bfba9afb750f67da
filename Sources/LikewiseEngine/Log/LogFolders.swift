/// Where the shards' logs lie: `log/shard-000`, `log/shard-001`, … below the data folder.
package enum LogFolders {
    /// The folder of a shard's log.
    package static func path(ofShard shard: UInt16, in directory: String) -> String {
        let digits = String(shard)
        return directory + "/shard-" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    }

    /// The shards that have a log below `directory`, and their folders.
    package static func shards(
        in directory: String, disk: any Disk
    ) throws(EventLogError) -> [(shard: UInt16, path: String)] {
        do throws(DiskError) {
            var found: [(shard: UInt16, path: String)] = []
            for name in try disk.list(directory) {
                guard name.hasPrefix("shard-"), let shard = UInt16(name.dropFirst(6)) else { continue }
                found.append((shard, directory + "/" + name))
            }
            return found
        } catch { throw EventLogError(error) }
    }

    /// How many shards the node had when the newest segment in `path` was made; nil without one.
    static func shardCount(_ path: String, disk: any Disk) throws(EventLogError) -> Int? {
        let scan = SegmentScan(disk: disk, directory: path)
        for segment in try scan.segments().reversed() {
            if let header = try scan.header(of: segment) { return Int(header.shards) }
        }
        return nil
    }
}
