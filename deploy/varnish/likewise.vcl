# Likewise behind Varnish 7: counts for everyone are cached by the origin's Cache-Control (max-age=5,
# stale-while-revalidate=10), with one request to the origin a content when a count has aged; everything else passes.
vcl 4.1;

import directors;

backend api_1 { .host = "127.0.0.1"; .port = "8081"; .connect_timeout = 1s;
    .probe = { .url = "/health/ready"; .interval = 1s; .timeout = 500ms; .window = 3; .threshold = 2; } }
backend api_2 { .host = "127.0.0.1"; .port = "8082"; .connect_timeout = 1s;
    .probe = { .url = "/health/ready"; .interval = 1s; .timeout = 500ms; .window = 3; .threshold = 2; } }

sub vcl_init {
    new nodes = directors.round_robin();
    nodes.add_backend(api_1);
    nodes.add_backend(api_2);
}

sub vcl_recv {
    set req.backend_hint = nodes.backend();
    # What is somebody's own, and every write, always goes to the origin.
    if (req.method != "GET" && req.method != "HEAD") { return (pass); }
    if (req.url ~ "[?&]user_id=" || req.http.Authorization) { return (pass); }
    if (req.url !~ "^/v1/likes/count/") { return (pass); }
    return (hash);
}

sub vcl_backend_response {
    if (beresp.http.Cache-Control ~ "no-store") {
        set beresp.uncacheable = true;
        return (deliver);
    }
    # Grace is what stale-while-revalidate says: Varnish reads it by itself; without it, and while no node is healthy:
    if (beresp.grace < 10s) { set beresp.grace = 10s; }
}
