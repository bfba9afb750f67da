// The store of `RocksDBLedger`: docs/decisions/0007-ledger-store.md says why it is set up as it is.
//
// A large commit does not go through the write-ahead log and a memtable, where each entry would be written, sorted and
// written again: it is sorted here, written as one table file, synced, and handed to the store whole. The store takes a
// file in by one synced entry of its manifest, so that the commit is there whole or not at all.

#include "include/likewise_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

using rocksdb::Slice;
using rocksdb::Status;

Slice slice(likewise_store_bytes bytes) { return Slice(bytes.data, bytes.size); }
likewise_store_bytes bytes(const Slice &slice) { return {slice.data(), slice.size()}; }

likewise_store_code code(const Status &status) {
  if (status.ok()) return LIKEWISE_STORE_OK;
  if (status.IsNoSpace() || status.subcode() == Status::kSpaceLimit) return LIKEWISE_STORE_FULL;
  if (status.IsCorruption()) return LIKEWISE_STORE_DAMAGED;
  if (status.IsPathNotFound() || status.IsInvalidArgument()) return LIKEWISE_STORE_MISSING;
  const std::string words = status.ToString();
  // A quota has no subcode of its own.
  if (words.find(std::strerror(EDQUOT)) != std::string::npos) return LIKEWISE_STORE_FULL;
  if (status.IsIOError() && words.find("lock") != std::string::npos) return LIKEWISE_STORE_LOCKED;
  return LIKEWISE_STORE_FAILED;
}

likewise_store_status answer(const Status &status) {
  return {code(status), status.ok() ? nullptr : strdup(status.ToString().c_str())};
}

/// Puts the keys that begin with one of some bytes into the filter, whole, and no others: only of those is one asked for
/// that may be in few runs or in none, and a filter over all keys would be three times the size.
///
/// The store writes the name into each file, and asks no filter of a file that has another one: so the name tells the bytes.
class FilteredKeys : public rocksdb::SliceTransform {
 public:
  explicit FilteredKeys(std::string first) : first_(std::move(first)), name_("likewise.filtered." + first_) {}
  const char *Name() const override { return name_.c_str(); }
  Slice Transform(const Slice &key) const override { return key; }
  bool InDomain(const Slice &key) const override {
    return !key.empty() && first_.find(key[0]) != std::string::npos;
  }

 private:
  const std::string first_;
  const std::string name_;
};

rocksdb::BlockBasedTableOptions tableOptions(const likewise_store_options &options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 16 << 10;
  table.format_version = 5;
  table.block_cache = rocksdb::NewLRUCache(options.cache_bytes, options.cache_bytes >= (64 << 20) ? 3 : 0);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = false;
  // Indexes and filters count as cached blocks, in pieces, so that the cache's size is the bound of all three. Whole
  // filters of several MiB would push each other out of a small cache, and be read again for every key.
  table.cache_index_and_filter_blocks = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = 16 << 10;
  table.metadata_cache_options.top_level_index_pinning = rocksdb::PinningTier::kAll;
  // Whole ones are those of commits only (`commitTableOptions`).
  table.metadata_cache_options.unpartitioned_pinning = rocksdb::PinningTier::kAll;
  return table;
}

/// For the file of one commit: its index and filter are small, each lookup goes through them until the file is merged, and
/// finding the piece of a filter takes longer than asking it. So they are whole, and stay in memory.
rocksdb::BlockBasedTableOptions commitTableOptions(rocksdb::BlockBasedTableOptions table) {
  table.index_type = rocksdb::BlockBasedTableOptions::kBinarySearch;
  table.partition_filters = false;
  // Most of the runs are such files. With 10 bits a key, one of a dozen runs would be read in vain for every tenth key.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(16));
  return table;
}

rocksdb::Options databaseOptions(
    const likewise_store_options &options, const rocksdb::BlockBasedTableOptions &table) {
  rocksdb::Options result;
  result.create_if_missing = !options.read_only;
  result.prefix_extractor = std::make_shared<FilteredKeys>(options.filtered);
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Commits come as sorted runs. Runs of like size are merged, so that a like is rewritten a few times in all, not ten
  // times a level; the price is that a lookup asks the filters of some more runs.
  result.compaction_style = rocksdb::kCompactionStyleUniversal;
  result.compaction_options_universal.size_ratio = 10;
  result.compaction_options_universal.max_size_amplification_percent = 400;
  result.compaction_options_universal.allow_trivial_move = true;
  result.level0_file_num_compaction_trigger = 10;
  // Commits that are handed over as files are not held back by the store itself: `likewise_store_commit` does that.
  result.level0_slowdown_writes_trigger = 60;
  result.level0_stop_writes_trigger = 80;
  result.soft_pending_compaction_bytes_limit = 0;
  result.hard_pending_compaction_bytes_limit = 0;
  result.target_file_size_base = 64 << 20;
  result.compression = rocksdb::kNoCompression;
  result.write_buffer_size = options.memtable_bytes;
  result.max_write_buffer_number = 2;
  result.max_background_jobs = 2;
  result.bytes_per_sync = 1 << 20;
  result.wal_bytes_per_sync = 1 << 20;
  // Waiting for them, so that a log record never waits behind more (docs/decisions/0011-who-gives-way.md).
  result.strict_bytes_per_sync = true;
  // A reader of a store in use keeps all files open: the writer may remove them from the folder.
  result.max_open_files = options.read_only ? -1 : 512;
  result.keep_log_file_num = 2;
  result.max_log_file_size = 4 << 20;
  result.max_manifest_file_size = 16 << 20;
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  result.paranoid_checks = true;
  return result;
}

/// Eight bytes of `key` from `from` on as a number that sorts as they do, zeros behind its end.
uint64_t head(const Slice &key, size_t from) {
  uint64_t result = 0;
  if (key.size() >= from + 8) {
    std::memcpy(&result, key.data() + from, 8);
    return __builtin_bswap64(result);
  }
  for (size_t i = from; i < from + 8; i++) result = result << 8 | (i < key.size() ? static_cast<uint8_t>(key[i]) : 0);
  return result;
}

/// Memory that grows by pieces, so that nothing is copied and what was given stays where it is.
class Pieces {
 public:
  char *take(size_t bytes) {
    if (bytes > left_) {
      const size_t size = std::max(bytes, piece);
      pieces_.emplace_back(new char[size]);
      next_ = pieces_.back().get();
      left_ = size;
    }
    char *taken = next_;
    next_ += bytes;
    left_ -= bytes;
    taken_ += bytes;
    return taken;
  }

  size_t taken() const { return taken_; }

 private:
  static constexpr size_t piece = 1 << 20;
  std::vector<std::unique_ptr<char[]>> pieces_;
  char *next_ = nullptr;
  size_t left_ = 0;
  size_t taken_ = 0;
};

/// A change. There are a million at a time, so what only its own writing needs lies with its bytes.
struct Entry {
  struct Sizes {
    uint32_t key : 31;
    uint32_t is_put : 1;
    uint32_t value;
  };

  /// The sixteen bytes behind the key's first one, so that most comparisons need no look at the key, which is far away.
  uint64_t first;
  uint64_t second;
  /// `Sizes`, then key and value.
  const char *place;

  Sizes sizes() const {
    Sizes result;
    std::memcpy(&result, place, sizeof result);
    return result;
  }
  Slice key() const { return Slice(place + sizeof(Sizes), sizes().key); }
  Slice value() const { return Slice(place + sizeof(Sizes) + sizes().key, sizes().value); }
};

}  // namespace

struct likewise_store {
  rocksdb::Options options;
  /// Of the file of a commit.
  rocksdb::Options commit_options;
  std::string path;
  std::unique_ptr<rocksdb::DB> db;
};

struct likewise_store_iterator {
  std::string below;
  Slice below_slice;
  std::unique_ptr<rocksdb::Iterator> iterator;
};

struct likewise_store_batch {
  Pieces bytes;
  /// By the first byte of the key: within each, keys often come in order already.
  std::array<std::vector<Entry>, 256> entries;
  size_t count = 0;

  void add(Slice key, Slice value, bool is_put) {
    const Entry::Sizes sizes = {
        static_cast<uint32_t>(key.size()), is_put ? 1u : 0u, static_cast<uint32_t>(value.size())};
    char *place = bytes.take(sizeof sizes + key.size() + value.size());
    std::memcpy(place, &sizes, sizeof sizes);
    std::memcpy(place + sizeof sizes, key.data(), key.size());
    if (!value.empty()) std::memcpy(place + sizeof sizes + key.size(), value.data(), value.size());
    entries[key.empty() ? 0 : static_cast<uint8_t>(key[0])].push_back({head(key, 1), head(key, 9), place});
    count++;
  }

  void sort() {
    const auto before = [](const Entry &a, const Entry &b) {
      if (a.first != b.first) return a.first < b.first;
      return a.second != b.second ? a.second < b.second : a.key().compare(b.key()) < 0;
    };
    for (auto &kind : entries) {
      if (!std::is_sorted(kind.begin(), kind.end(), before)) std::sort(kind.begin(), kind.end(), before);
    }
  }

  /// Calls `body` with each entry until a status is not ok, and answers the last one.
  template <typename Body>
  Status forEach(Body body) const {
    for (const auto &kind : entries) {
      for (const Entry &entry : kind) {
        Status status = body(entry);
        if (!status.ok()) return status;
      }
    }
    return Status::OK();
  }
};

// MARK: Opening

likewise_store_status likewise_store_open(const char *path, likewise_store_options options, likewise_store **store) {
  auto made = std::make_unique<likewise_store>();
  const rocksdb::BlockBasedTableOptions table = tableOptions(options);
  made->options = databaseOptions(options, table);
  made->commit_options = made->options;
  made->commit_options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(commitTableOptions(table)));
  made->path = path;
  rocksdb::DB *db = nullptr;
  Status status;
  if (options.read_only) {
    // A writer may remove a file between its being named and its being opened; the next try reads the names anew.
    for (int tries = 0; tries < 5; tries++) {
      status = rocksdb::DB::OpenForReadOnly(made->options, path, &db);
      if (status.ok() || !(status.IsIOError() || status.IsCorruption())) break;
    }
  } else {
    unlink((made->path + "/commit.building").c_str());
    // Merging files must not take the processors from the threads that answer.
    made->options.env->LowerThreadPoolCPUPriority(rocksdb::Env::Priority::LOW);
    status = rocksdb::DB::Open(made->options, path, &db);
  }
  made->db.reset(db);
  if (status.ok()) *store = made.release();
  return answer(status);
}

void likewise_store_close(likewise_store *store) {
  if (store->db) store->db->Close().PermitUncheckedError();
  delete store;
}

// MARK: Reading

likewise_store_status likewise_store_get(
    likewise_store *store, const void *snapshot, likewise_store_bytes key, void *context,
    void (*found)(void *context, likewise_store_bytes value)) {
  rocksdb::ReadOptions options;
  options.snapshot = static_cast<const rocksdb::Snapshot *>(snapshot);
  rocksdb::PinnableSlice value;
  Status status = store->db->Get(options, store->db->DefaultColumnFamily(), slice(key), &value);
  if (status.IsNotFound()) return answer(Status::OK());
  if (status.ok()) found(context, bytes(value));
  return answer(status);
}

likewise_store_status likewise_store_get_sorted(
    likewise_store *store, const likewise_store_bytes *keys, size_t count, void *context,
    void (*found)(void *context, size_t index, likewise_store_bytes value)) {
  // RocksDB works in groups of 32.
  constexpr size_t group = 128;
  std::array<Slice, group> wanted;
  std::array<rocksdb::PinnableSlice, group> values;
  std::array<Status, group> statuses;
  rocksdb::ReadOptions options;
  for (size_t first = 0; first < count; first += group) {
    const size_t n = std::min(group, count - first);
    for (size_t i = 0; i < n; i++) wanted[i] = slice(keys[first + i]);
    store->db->MultiGet(
        options, store->db->DefaultColumnFamily(), n, wanted.data(), values.data(), statuses.data(), true);
    for (size_t i = 0; i < n; i++) {
      if (statuses[i].ok()) {
        found(context, first + i, bytes(values[i]));
        values[i].Reset();
      } else if (!statuses[i].IsNotFound()) {
        return answer(statuses[i]);
      }
    }
  }
  return answer(Status::OK());
}

const void *likewise_store_snapshot(likewise_store *store) { return store->db->GetSnapshot(); }

void likewise_store_release(likewise_store *store, const void *snapshot) {
  store->db->ReleaseSnapshot(static_cast<const rocksdb::Snapshot *>(snapshot));
}

likewise_store_iterator *likewise_store_iterator_make(
    likewise_store *store, const void *snapshot, likewise_store_bytes from, likewise_store_bytes below, bool scan) {
  auto made = std::make_unique<likewise_store_iterator>();
  made->below = slice(below).ToString();
  made->below_slice = Slice(made->below);
  rocksdb::ReadOptions options;
  options.snapshot = static_cast<const rocksdb::Snapshot *>(snapshot);
  options.iterate_upper_bound = &made->below_slice;
  options.total_order_seek = true;
  options.fill_cache = !scan;
  options.readahead_size = scan ? 2 << 20 : 0;
  made->iterator.reset(store->db->NewIterator(options));
  made->iterator->Seek(slice(from));
  return made.release();
}

void likewise_store_iterator_free(likewise_store_iterator *iterator) { delete iterator; }
bool likewise_store_iterator_valid(const likewise_store_iterator *iterator) { return iterator->iterator->Valid(); }
void likewise_store_iterator_next(likewise_store_iterator *iterator) { iterator->iterator->Next(); }
likewise_store_bytes likewise_store_iterator_key(const likewise_store_iterator *iterator) {
  return bytes(iterator->iterator->key());
}
likewise_store_bytes likewise_store_iterator_value(const likewise_store_iterator *iterator) {
  return bytes(iterator->iterator->value());
}
likewise_store_status likewise_store_iterator_status(const likewise_store_iterator *iterator) {
  return answer(iterator->iterator->status());
}

// MARK: Writing

likewise_store_batch *likewise_store_batch_make(void) { return new likewise_store_batch; }
void likewise_store_batch_free(likewise_store_batch *batch) { delete batch; }

void likewise_store_batch_put(likewise_store_batch *batch, likewise_store_bytes key, likewise_store_bytes value) {
  batch->add(slice(key), slice(value), true);
}

void likewise_store_batch_delete(likewise_store_batch *batch, likewise_store_bytes key) {
  batch->add(slice(key), Slice(), false);
}

size_t likewise_store_batch_count(const likewise_store_batch *batch) { return batch->count; }
size_t likewise_store_batch_bytes(const likewise_store_batch *batch) { return batch->bytes.taken(); }

static Status write(likewise_store *store, const likewise_store_batch *batch) {
  rocksdb::WriteBatch changes(batch->bytes.taken() + batch->count * 8 + 64);
  Status status = batch->forEach([&](const Entry &entry) {
    return entry.sizes().is_put ? changes.Put(entry.key(), entry.value()) : changes.Delete(entry.key());
  });
  if (!status.ok()) return status;
  rocksdb::WriteOptions options;
  options.sync = true;
  return store->db->Write(options, &changes);
}

static Status writeFile(likewise_store *store, const likewise_store_batch *batch, const std::string &path) {
  rocksdb::SstFileWriter file(rocksdb::EnvOptions(), store->commit_options);
  Status status = file.Open(path);
  if (!status.ok()) return status;
  status = batch->forEach([&](const Entry &entry) {
    return entry.sizes().is_put ? file.Put(entry.key(), entry.value()) : file.Delete(entry.key());
  });
  return status.ok() ? file.Finish() : status;
}

static Status takeFile(likewise_store *store, likewise_store_batch *batch) {
  batch->sort();
  const std::string path = store->path + "/commit.building";
  Status status = writeFile(store, batch, path);
  if (status.ok()) {
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    options.write_global_seqno = false;
    status = store->db->IngestExternalFile({path}, options);
  }
  if (!status.ok()) unlink(path.c_str());
  return status;
}

likewise_store_status likewise_store_commit(likewise_store *store, likewise_store_batch *batch, size_t file_from) {
  if (batch->count == 0) return answer(Status::OK());
  // After a write that failed, for want of room above all, RocksDB takes none until it is told to go on.
  Status status = store->db->Resume();
  if (!status.ok()) return answer(status);
  // While merging is far behind, an empty write waits until it has caught up; taking in a file would not.
  rocksdb::WriteBatch nothing;
  status = store->db->Write(rocksdb::WriteOptions(), &nothing);
  if (!status.ok()) return answer(status);
  return answer(batch->count >= file_from ? takeFile(store, batch) : write(store, batch));
}

uint64_t likewise_store_number(likewise_store *store, const char *name) {
  uint64_t value = 0;
  return store->db->GetIntProperty(name, &value) ? value : 0;
}
