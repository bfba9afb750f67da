/// One line on each metric, by the name under which the code reports it.
enum MetricsHelp {
    static let texts: [String: String] = [
        "likewise_http_request": "Duration of requests, by call and class of status.",
        "likewise_likes": "Intents to like or unlike, by what became of them.",
        "likewise_batch_intents": "Intents in one batch of a shard.",
        "likewise_log_sync": "Duration of fdatasync on the event log.",
        "likewise_log_records": "Records appended to the event log.",
        "likewise_log_errors": "Batches that the event log could not take.",
        "likewise_log_segments_removed": "Log segments removed after the retention time.",
        "likewise_ledger_read_errors": "Reads of the ledger that failed.",
        "likewise_ledger_write_errors": "Transactions of the ledger that failed and are tried again.",
        "likewise_ledger_transaction": "Duration of the ledger's transactions.",
        "likewise_ledger_rows": "Registers written to the ledger.",
        "likewise_ledger_lag_records": "Log records that the ledger does not hold yet.",
        "likewise_ledger_lag_seconds": "Age of the oldest log record that the ledger does not hold yet.",
        "likewise_overlay_bytes": "Memory of what the ledger does not hold yet.",
        "likewise_loaded_contents": "Contents in memory.",
        "likewise_content_bytes": "Memory of loaded contents and their filters.",
        "likewise_shard_queue_intents": "Intents that wait for a shard.",
    ]
}
