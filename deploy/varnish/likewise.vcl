# Likewise behind Varnish 7: load balancer and cache. `varnishd.sh` beside this starts Varnish with the parameters that
# belong to it.
#
# What is cached: counts for everyone, and what else the origin calls public. A count is for everyone when it is asked for
# without a query and without Authorization. Then the origin's own Cache-Control rules (max-age=5, stale-while-revalidate=10),
# which Varnish takes for TTL and grace: fresh for 5 s; for another 10 s the old answer at once, while one request fetches the
# new one; then nothing old any more, whether a node answers or not. Everything else always reaches a node.
#
# - Any query goes to a node, because `user_id` may be spelt in ways that an expression does not see (`user%5Fid`).
# - Authorization goes to a node: what its owner may see of a private content must not be stored for others, and he must not
#   get what others see of it. Cookies mean nothing to Likewise, so they are taken away.
#
# To be fitted: the backends. TLS belongs before this.
vcl 4.1;

import directors;
import std;

probe ready { .url = "/health/ready"; .interval = 1s; .timeout = 500ms; .window = 3; .threshold = 2; .initial = 2; }

backend node_1 { .host = "127.0.0.1"; .port = "8081"; .probe = ready;
    .connect_timeout = 1s; .first_byte_timeout = 10s; .between_bytes_timeout = 10s; }
backend node_2 { .host = "127.0.0.1"; .port = "8082"; .probe = ready;
    .connect_timeout = 1s; .first_byte_timeout = 10s; .between_bytes_timeout = 10s; }

sub vcl_init {
    new nodes = directors.round_robin();
    nodes.add_backend(node_1);
    nodes.add_backend(node_2);
}

sub vcl_recv {
    set req.backend_hint = nodes.backend();
    unset req.http.Cookie;
    unset req.http.X-Cache;

    # Health and metrics are for those who run the nodes. By what is allowed, and not by what is not: `/%6Detrics` is
    # `/metrics` to a node.
    if (req.url !~ "^/v1/" && req.url !~ "^/(openapi\.json)?(\?.*)?$") { return (synth(404)); }

    # The bounds of the nodes' settings max-body-bytes and bulk-body-bytes. A node would refuse from the head alone, while
    # the body is still being sent to it, and its answer would be lost.
    if (std.integer(req.http.Content-Length, 0) > 65536 &&
        !(req.url ~ "^/v1/likes/batch(\?|$)" && std.integer(req.http.Content-Length, 0) <= 16777216)) {
        return (synth(413));
    }

    # Server-sent events. Passed on as an answer, the first would be held back until the second comes.
    if (req.url ~ "^/v1/live(\?|$)" && req.method == "GET") { return (pipe); }

    # What may be sent to a second node, its body is kept for that: see vcl_backend_error.
    if (req.url !~ "^/v1/likes/batch(\?|$)" && (req.http.Idempotency-Key || req.url ~ "^/v1/likes/count/batch(\?|$)" ||
        (req.url !~ "^/v1/likes" && (req.method == "PUT" || req.method == "DELETE")))) {
        if (!std.cache_req_body(64KB)) { return (synth(413)); }
    }

    if (req.method != "GET" && req.method != "HEAD") { return (pass); }
    if (req.http.Authorization || req.url ~ "\?") { return (pass); }
    if (req.url !~ "^/v1/likes/[^?]" && req.url !~ "^/(openapi\.json)?$") { return (pass); }
    # The origin knows no ranges, and a range of a count is of no use.
    unset req.http.Range;
    return (hash);
}

# Whatever name Likewise is called by, the answer is the same.
sub vcl_hash {
    hash_data(req.url);
    return (lookup);
}

# After the events nothing else comes on that connection, which Varnish would not look at.
sub vcl_pipe {
    set bereq.http.Connection = "close";
    return (pipe);
}

sub vcl_backend_fetch {
    # Bulk intake is answered when all of it is durable.
    if (bereq.url ~ "^/v1/likes/batch(\?|$)") { set bereq.first_byte_timeout = 60s; }
}

sub vcl_backend_response {
    # A problem must not take the place of an answer that may still be given out.
    if (bereq.is_bgfetch && beresp.status >= 500) { return (abandon); }
    if (beresp.http.Cache-Control ~ "no-store" || beresp.http.Cache-Control !~ "max-age") {
        # For so long, those who ask for the same are not kept waiting for each other.
        set beresp.uncacheable = true;
        set beresp.ttl = 5s;
        set beresp.grace = 0s;
        return (deliver);
    }
    if (beresp.http.Cache-Control !~ "stale-while-revalidate") { set beresp.grace = 0s; }
    set beresp.keep = 0s;
    return (deliver);
}

# No node took the request, or its connection broke, or it did not answer in time. Whether it may be sent to another:
#   reads               may, always.
#   PUT, DELETE of a path that names what it changes, and whatever has an Idempotency-Key
#                       where the connection broke. Never after a timeout: the first node may wake up, and would then carry
#                       out what the user has undone since.
#   the other writes    only what was not sent yet, which Varnish sees to: a body that is not kept cannot be sent twice. A
#                       repeated like would do no harm, but would answer 409 to somebody who liked for the first time; 502
#                       says what is true, that it is not known.
sub vcl_backend_error {
    if (bereq.is_bgfetch) { return (abandon); }
    if (bereq.retries == 0 && (bereq.method == "GET" || bereq.method == "HEAD" || bereq.url ~ "^/v1/likes/count/batch(\?|$)"
        || now - bereq.time < 5s)) {
        return (retry);
    }
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    set beresp.status = 502;
    set beresp.ttl = 0s;
    synthetic("""{"type":"urn:likewise:problem:bad_gateway","title":"No node answered","status":502,"code":"bad_gateway","detail":"Whether a write took effect is not known. Repeating it does no harm."}""");
    return (deliver);
}

# What Varnish answers by itself, in the form of the contract's problems.
sub vcl_synth {
    set resp.http.Content-Type = "application/problem+json";
    set resp.http.Cache-Control = "no-store";
    if (resp.status == 404) {
        synthetic("""{"type":"urn:likewise:problem:not_found","title":"No such path","status":404,"code":"not_found","detail":"There is no such call: GET /openapi.json describes those there are."}""");
    } else if (resp.status == 413) {
        # Else Varnish takes in the whole body before it answers.
        set resp.http.Connection = "close";
        synthetic("""{"type":"urn:likewise:problem:body_too_large","title":"Body too large","status":413,"code":"body_too_large"}""");
    } else if (resp.status == 400) {
        synthetic("""{"type":"urn:likewise:problem:invalid_request","title":"Invalid request","status":400,"code":"invalid_request","detail":"The request is no sound HTTP."}""");
    } else {
        set resp.status = 502;
        set resp.http.Retry-After = "1";
        synthetic("""{"type":"urn:likewise:problem:bad_gateway","title":"No node answered","status":502,"code":"bad_gateway","detail":"Whether a write took effect is not known. Repeating it does no harm."}""");
    }
    return (deliver);
}

sub vcl_deliver {
    unset resp.http.X-Varnish;
    unset resp.http.Via;
    unset resp.http.Accept-Ranges;
    if (req.url ~ "^/v1/likes/[^?]*$" && (req.method == "GET" || req.method == "HEAD")) {
        if (obj.hits == 0) { set resp.http.X-Cache = "MISS"; }
        else if (obj.ttl < 0s) { set resp.http.X-Cache = "STALE"; }
        else { set resp.http.X-Cache = "HIT"; }
    }
}
