#define _GNU_SOURCE
#include "likewise_postgresql.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static const likewise_postgresql *missing(likewise_postgresql *functions, char **why, const char *what) {
  free(functions);
  if (asprintf(why, "%s", what) < 0) abort();
  return NULL;
}

const likewise_postgresql *likewise_postgresql_load(const char *path, char **why) {
  *why = NULL;
  likewise_postgresql *functions = calloc(1, sizeof *functions);
  if (functions == NULL) abort();
  // Never closed: its functions are used until the process ends.
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    const char *words = dlerror();
    return missing(functions, why, words != NULL ? words : "cannot be loaded");
  }
#define LOAD(name)                                                                         \
  {                                                                                        \
    void *symbol = dlsym(library, #name);                                                  \
    if (symbol == NULL) return missing(functions, why, "it has no function " #name);       \
    functions->name = (__typeof__(functions->name))symbol;                                 \
  }
  LIKEWISE_POSTGRESQL_FUNCTIONS(LOAD)
#undef LOAD
  return functions;
}

static void ignore(void *context, const char *message) {
  (void)context;
  (void)message;
}

void likewise_postgresql_silence(const likewise_postgresql *functions, PGconn *connection) {
  functions->PQsetNoticeProcessor(connection, ignore, NULL);
}
