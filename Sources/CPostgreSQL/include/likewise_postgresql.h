#ifndef LIKEWISE_POSTGRESQL_H
#define LIKEWISE_POSTGRESQL_H

#include <postgresql/libpq-fe.h>

// What the cluster's ledger needs of libpq. The library is loaded when a cluster's role starts, and not linked, so that
// the one binary runs on machines that do not have it; its header is needed only to build.

/// Calls `DO` with the name of each function that is needed. Pipelines are new in libpq 14.
#define LIKEWISE_POSTGRESQL_FUNCTIONS(DO) \
  DO(PQclear)                             \
  DO(PQconnectPoll)                       \
  DO(PQconnectStartParams)                \
  DO(PQconsumeInput)                      \
  DO(PQenterPipelineMode)                 \
  DO(PQerrorMessage)                      \
  DO(PQexitPipelineMode)                  \
  DO(PQfinish)                            \
  DO(PQflush)                             \
  DO(PQgetResult)                         \
  DO(PQgetisnull)                         \
  DO(PQgetlength)                         \
  DO(PQgetvalue)                          \
  DO(PQisBusy)                            \
  DO(PQnfields)                           \
  DO(PQntuples)                           \
  DO(PQpipelineSync)                      \
  DO(PQresultErrorField)                  \
  DO(PQresultErrorMessage)                \
  DO(PQresultStatus)                      \
  DO(PQsendPrepare)                       \
  DO(PQsendQuery)                         \
  DO(PQsendQueryPrepared)                 \
  DO(PQserverVersion)                     \
  DO(PQsetNoticeProcessor)                \
  DO(PQsetnonblocking)                    \
  DO(PQsocket)                            \
  DO(PQstatus)

#define LIKEWISE_POSTGRESQL_FIELD(name) __typeof__(name) *_Nonnull name;

/// The functions of the library that was loaded.
typedef struct {
  LIKEWISE_POSTGRESQL_FUNCTIONS(LIKEWISE_POSTGRESQL_FIELD)
} likewise_postgresql;

#undef LIKEWISE_POSTGRESQL_FIELD

/// Loads the library at `path` ("libpq.so.5": from where the system looks for libraries). The functions, which stay as
/// long as the process; or NULL, and in `why` what is missing, to be freed by the caller.
const likewise_postgresql *_Nullable likewise_postgresql_load(
    const char *_Nonnull path, char *_Nullable *_Nonnull why);

/// Makes a connection say nothing on standard error: what it has to say is in its errors.
void likewise_postgresql_silence(const likewise_postgresql *_Nonnull functions, PGconn *_Nonnull connection);

#endif
