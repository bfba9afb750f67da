#!/bin/sh
# Starts Varnish on likewise.vcl, in the foreground: varnishd.sh [-a ADDRESS:PORT] [more of varnishd's arguments]
#
# backend_idle_timeout is less than the nodes' idle-timeout (60s): else a node may close a connection just as a like is sent
# on it. The storage is a bound of Varnish's own: counts take about a kilobyte each. default_grace would let answers be given
# out for longer than the origin allows. pipe_timeout is how long live counts may be silent.
set -eu
exec varnishd -F -f "${VCL:-$(dirname "$0")/likewise.vcl}" -s malloc,256m \
    -p backend_idle_timeout=30 -p default_grace=0 -p http_range_support=off -p pipe_timeout=3600 "$@"
