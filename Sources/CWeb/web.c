// The files of web/ as bytes of the binary (C23's #embed), so that there is no build step and nothing to install beside it.

#pragma clang diagnostic ignored "-Wc23-extensions"

#include "web.h"

#include <string.h>
#include <zlib.h>

static const unsigned char buttons_css[] = {
#embed "web/buttons.css"
};
static const unsigned char buttons_html[] = {
#embed "web/buttons.html"
};
static const unsigned char buttons_js[] = {
#embed "web/buttons.js"
};
static const unsigned char like_button_js[] = {
#embed "web/like-button.js"
};
static const unsigned char likewise_js[] = {
#embed "web/likewise.js"
};
static const unsigned char console_api_js[] = {
#embed "web/console/api.js"
};
static const unsigned char console_app_js[] = {
#embed "web/console/app.js"
};
static const unsigned char console_chart_js[] = {
#embed "web/console/chart.js"
};
static const unsigned char console_content_js[] = {
#embed "web/console/content.js"
};
static const unsigned char console_counter_js[] = {
#embed "web/console/counter.js"
};
static const unsigned char console_deltas_js[] = {
#embed "web/console/deltas.js"
};
static const unsigned char console_dom_js[] = {
#embed "web/console/dom.js"
};
static const unsigned char console_held_js[] = {
#embed "web/console/held.js"
};
static const unsigned char console_hot_js[] = {
#embed "web/console/hot.js"
};
static const unsigned char console_how_js[] = {
#embed "web/console/how.js"
};
static const unsigned char console_index_html[] = {
#embed "web/console/index.html"
};
static const unsigned char console_levels_js[] = {
#embed "web/console/levels.js"
};
static const unsigned char console_likers_js[] = {
#embed "web/console/likers.js"
};
static const unsigned char console_lock_js[] = {
#embed "web/console/lock.js"
};
static const unsigned char console_monitor_js[] = {
#embed "web/console/monitor.js"
};
static const unsigned char console_numbers_js[] = {
#embed "web/console/numbers.js"
};
static const unsigned char console_outages_js[] = {
#embed "web/console/outages.js"
};
static const unsigned char console_overview_js[] = {
#embed "web/console/overview.js"
};
static const unsigned char console_plan_js[] = {
#embed "web/console/plan.js"
};
static const unsigned char console_prometheus_js[] = {
#embed "web/console/prometheus.js"
};
static const unsigned char console_reading_js[] = {
#embed "web/console/reading.js"
};
static const unsigned char console_sse_js[] = {
#embed "web/console/sse.js"
};
static const unsigned char console_stages_js[] = {
#embed "web/console/stages.js"
};
static const unsigned char console_style_css[] = {
#embed "web/console/style.css"
};
static const unsigned char console_taps_js[] = {
#embed "web/console/taps.js"
};

#define FILE_AT(path, bytes) {path, bytes, sizeof(bytes)}

static const likewise_web_file files[] = {
    FILE_AT("/buttons.css", buttons_css),
    FILE_AT("/buttons", buttons_html),
    FILE_AT("/buttons.js", buttons_js),
    FILE_AT("/like-button.js", like_button_js),
    FILE_AT("/likewise.js", likewise_js),
    FILE_AT("/console/api.js", console_api_js),
    FILE_AT("/console/app.js", console_app_js),
    FILE_AT("/console/chart.js", console_chart_js),
    FILE_AT("/console/content.js", console_content_js),
    FILE_AT("/console/counter.js", console_counter_js),
    FILE_AT("/console/deltas.js", console_deltas_js),
    FILE_AT("/console/dom.js", console_dom_js),
    FILE_AT("/console/held.js", console_held_js),
    FILE_AT("/console/hot.js", console_hot_js),
    FILE_AT("/console/how.js", console_how_js),
    FILE_AT("/console/index.html", console_index_html),
    FILE_AT("/console/levels.js", console_levels_js),
    FILE_AT("/console/likers.js", console_likers_js),
    FILE_AT("/console/lock.js", console_lock_js),
    FILE_AT("/console/monitor.js", console_monitor_js),
    FILE_AT("/console/numbers.js", console_numbers_js),
    FILE_AT("/console/outages.js", console_outages_js),
    FILE_AT("/console/overview.js", console_overview_js),
    FILE_AT("/console/plan.js", console_plan_js),
    FILE_AT("/console/prometheus.js", console_prometheus_js),
    FILE_AT("/console/reading.js", console_reading_js),
    FILE_AT("/console/sse.js", console_sse_js),
    FILE_AT("/console/stages.js", console_stages_js),
    FILE_AT("/console/style.css", console_style_css),
    FILE_AT("/console/taps.js", console_taps_js),
};

const likewise_web_file *likewise_web_files(size_t *count) {
  *count = sizeof(files) / sizeof(files[0]);
  return files;
}

size_t likewise_gzip(const void *bytes, size_t count, void *out, size_t room) {
  z_stream stream;
  memset(&stream, 0, sizeof(stream));
  // 16 above the window's bits asks for gzip's head and checksum.
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
  stream.next_in = (Bytef *)bytes;
  stream.avail_in = (uInt)count;
  stream.next_out = out;
  stream.avail_out = (uInt)room;
  int result = deflate(&stream, Z_FINISH);
  size_t written = stream.total_out;
  deflateEnd(&stream);
  return result == Z_STREAM_END ? written : 0;
}
