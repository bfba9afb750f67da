// librdkafka, loaded while the program runs: the one binary starts without it, and a cluster's role can take a newer
// one than the system's. Its headers give the declarations; the tables below hold the addresses of one loaded library.

#ifndef LIKEWISE_KAFKA_H
#define LIKEWISE_KAFKA_H

#include <stddef.h>
#include <librdkafka/rdkafka.h>
// After rdkafka.h, which it asks for.
#include <librdkafka/rdkafka_mock.h>

// Every function that is called, by its name behind rd_kafka_. A line here is all that one more needs.
#define LIKEWISE_KAFKA_FUNCTIONS(F)                                                                                    \
  F(version_str) F(err2str) F(err2name) F(last_error) F(fatal_error)                                                   \
  F(error_code) F(error_string) F(error_is_fatal) F(error_destroy)                                                     \
  F(conf_new) F(conf_destroy) F(conf_set) F(conf_set_events) F(set_log_queue)                                        \
  F(conf_interceptor_add_on_new) F(interceptor_add_on_broker_state_change)                                             \
  F(new) F(destroy) F(topic_new) F(topic_destroy)                                                                      \
  F(queue_new) F(queue_destroy) F(queue_get_main) F(queue_get_consumer) F(queue_io_event_enable) F(queue_poll)         \
  F(queue_yield)                                                                                                       \
  F(event_type) F(event_destroy) F(event_message_next) F(event_error) F(event_error_string) F(event_log)               \
  F(event_topic_partition_list) F(event_CreateTopics_result) F(event_DescribeConfigs_result)                           \
  F(produce) F(flush) F(purge) F(outq_len)                                                                             \
  F(subscribe) F(assign) F(incremental_assign) F(incremental_unassign) F(assignment_lost) F(rebalance_protocol)        \
  F(poll_set_consumer) F(consumer_close) F(seek_partitions) F(pause_partitions) F(resume_partitions) F(commit)         \
  F(get_watermark_offsets) F(query_watermark_offsets) F(message_timestamp)                                             \
  F(topic_partition_list_new) F(topic_partition_list_add) F(topic_partition_list_destroy)                              \
  F(metadata) F(metadata_destroy)                                                                                      \
  F(AdminOptions_new) F(AdminOptions_destroy) F(AdminOptions_set_request_timeout)                                      \
  F(AdminOptions_set_operation_timeout) F(NewTopic_new) F(NewTopic_destroy) F(NewTopic_set_config)                     \
  F(CreateTopics) F(CreateTopics_result_topics) F(topic_result_error) F(topic_result_error_string)                     \
  F(ConfigResource_new) F(ConfigResource_destroy) F(ConfigResource_configs) F(ConfigResource_error)                    \
  F(DescribeConfigs) F(DescribeConfigs_result_resources) F(ConfigEntry_name) F(ConfigEntry_value)

// What the tests call of the cluster that librdkafka makes inside of the process; behind rd_kafka_mock_.
#define LIKEWISE_KAFKA_MOCK_FUNCTIONS(F)                                                                               \
  F(cluster_new) F(cluster_destroy) F(cluster_bootstraps) F(topic_create) F(partition_set_leader)                      \
  F(push_request_errors_array) F(clear_request_errors) F(broker_set_down) F(broker_set_up) F(broker_set_rtt)

#define LIKEWISE_KAFKA_FIELD(name) __typeof__(&rd_kafka_##name) _Nonnull name;
#define LIKEWISE_KAFKA_MOCK_FIELD(name) __typeof__(&rd_kafka_mock_##name) _Nonnull name;

/// The functions of one loaded librdkafka.
typedef struct likewise_kafka {
  LIKEWISE_KAFKA_FUNCTIONS(LIKEWISE_KAFKA_FIELD)
} likewise_kafka;

/// The mock cluster's functions of the same library.
typedef struct likewise_kafka_mock {
  LIKEWISE_KAFKA_MOCK_FUNCTIONS(LIKEWISE_KAFKA_MOCK_FIELD)
} likewise_kafka_mock;

/// Loads the library at `path` (a file, or a name that the system's loader finds) and fills `table`. It stays loaded.
/// NULL on success, and otherwise what is missing, in `words`.
const char *_Nullable likewise_kafka_load(
    const char *_Nonnull path, likewise_kafka *_Nonnull table, char *_Nonnull words, size_t size);

/// The same for the mock cluster's functions.
const char *_Nullable likewise_kafka_load_mock(
    const char *_Nonnull path, likewise_kafka_mock *_Nonnull table, char *_Nonnull words, size_t size);

#endif
