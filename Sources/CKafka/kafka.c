#include "likewise_kafka.h"

#include <dlfcn.h>
#include <stdio.h>

// The library's own symbols stay its own: two versions may be loaded beside each other.
static void *load(const char *path, char *words, size_t size) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    const char *reason = dlerror();
    snprintf(words, size, "%s cannot be loaded: %s", path, reason != NULL ? reason : "no reason given");
  }
  return library;
}

static void *find(void *library, const char *path, const char *name, char *words, size_t size) {
  void *symbol = dlsym(library, name);
  if (symbol == NULL) snprintf(words, size, "%s has no %s: librdkafka 2.0 or later is needed", path, name);
  return symbol;
}

#define FIND(prefix, name)                                                              \
  *(void **)&table->name = find(library, path, prefix #name, words, size);              \
  if (table->name == NULL) return words;

const char *likewise_kafka_load(const char *path, likewise_kafka *table, char *words, size_t size) {
  void *library = load(path, words, size);
  if (library == NULL) return words;
#define FIND_ONE(name) FIND("rd_kafka_", name)
  LIKEWISE_KAFKA_FUNCTIONS(FIND_ONE)
  return NULL;
}

const char *likewise_kafka_load_mock(const char *path, likewise_kafka_mock *table, char *words, size_t size) {
  void *library = load(path, words, size);
  if (library == NULL) return words;
#define FIND_MOCK(name) FIND("rd_kafka_mock_", name)
  LIKEWISE_KAFKA_MOCK_FUNCTIONS(FIND_MOCK)
  return NULL;
}
