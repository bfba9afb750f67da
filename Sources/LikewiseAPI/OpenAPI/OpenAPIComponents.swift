// What many calls share. Members of `responses`, `parameters` and `headers`, without the braces around them.

enum OpenAPIComponents {
    /// Every answer that is a problem, with the codes that it may carry.
    static let responses = #"""
        "BadRequest": {
          "description": "Something is not as this description has it; `field` and `detail` say what.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 400}, "code": {"enum": ["invalid_request"]}}}
                ]
              }
            }
          }
        },
        "Unauthenticated": {
          "description": "With identity on: the call needs a token or key, or the one that it carries does not hold.",
          "headers": {"WWW-Authenticate": {"$ref": "#/components/headers/Challenge"}},
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 401}, "code": {"enum": ["unauthenticated"]}}}
                ]
              }
            }
          }
        },
        "Forbidden": {
          "description": "With identity on: a user's token acts for another user, or the token or key lacks a scope, \#
        which `detail` names.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 403}, "code": {"enum": ["not_yourself", "forbidden"]}}}
                ]
              }
            }
          }
        },
        "ContentNotFound": {
          "description": "The content is not registered, and the server takes likes for registered ones only; or it is \#
        private, and the caller may not see it.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 404}, "code": {"enum": ["content_not_found"]}}}
                ]
              }
            }
          }
        },
        "NotLikedOrNoContent": {
          "description": "There is no like to take back, or the content is not registered where it must be.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 404}, "code": {"enum": ["not_liked", "content_not_found"]}}}
                ]
              }
            }
          }
        },
        "MethodNotAllowed": {
          "description": "The path is there, for other methods.",
          "headers": {"Allow": {"$ref": "#/components/headers/Allow"}},
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 405}, "code": {"enum": ["method_not_allowed"]}}}
                ]
              }
            }
          }
        },
        "AlreadyLikedOrKeyInUse": {
          "description": "That very reaction is held already, and the answer carries the fields of a like; or the \#
        first request with this idempotency key is still being answered.",
          "content": {
            "application/problem+json": {
              "schema": {
                "anyOf": [
                  {
                    "allOf": [
                      {"$ref": "#/components/schemas/Problem"},
                      {"$ref": "#/components/schemas/Liked"},
                      {"properties": {"status": {"const": 409}, "code": {"enum": ["already_liked"]}}}
                    ]
                  },
                  {
                    "allOf": [
                      {"$ref": "#/components/schemas/Problem"},
                      {"properties": {"status": {"const": 409}, "code": {"enum": ["idempotency_key_in_use"]}}}
                    ]
                  }
                ]
              }
            }
          }
        },
        "IdempotencyKeyInUse": {
          "description": "The first request with this idempotency key is still being answered.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 409}, "code": {"enum": ["idempotency_key_in_use"]}}}
                ]
              }
            }
          }
        },
        "LengthRequired": {
          "description": "The body comes without a length.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 411}, "code": {"enum": ["length_required"]}}}
                ]
              }
            }
          }
        },
        "BodyTooLarge": {
          "description": "The body is longer than the call takes.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 413}, "code": {"enum": ["body_too_large"]}}}
                ]
              }
            }
          }
        },
        "URITooLong": {
          "description": "The path and query are longer than the server takes.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 414}, "code": {"enum": ["uri_too_long"]}}}
                ]
              }
            }
          }
        },
        "UnsupportedMediaType": {
          "description": "The body is of another kind than the call takes.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 415}, "code": {"enum": ["unsupported_media_type"]}}}
                ]
              }
            }
          }
        },
        "IdempotencyKeyReused": {
          "description": "The idempotency key came with another request before.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 422}, "code": {"enum": ["idempotency_key_reused"]}}}
                ]
              }
            }
          }
        },
        "RateLimited": {
          "description": "A rate limit of the user, the address or the key is used up, as RateLimit names it; nothing was \#
        changed.",
          "headers": {
            "Retry-After": {"$ref": "#/components/headers/RetryAfter"},
            "RateLimit": {"$ref": "#/components/headers/RateLimit"},
            "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"}
          },
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 429}, "code": {"enum": ["rate_limited"]}}}
                ]
              }
            }
          }
        },
        "HeadersTooLarge": {
          "description": "The header fields are longer than the server takes.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 431}, "code": {"enum": ["headers_too_large"]}}}
                ]
              }
            }
          }
        },
        "InternalError": {
          "description": "A fault of the server's own.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 500}, "code": {"enum": ["internal"]}}}
                ]
              }
            }
          }
        },
        "Unavailable": {
          "description": "The server cannot do it now; where a queue is full or the disk has no room, nothing was \#
        changed.",
          "headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {
                    "properties": {
                      "status": {"const": 503},
                      "code": {"enum": ["overloaded", "storage_full", "storage_failed", "shutting_down"]}
                    }
                  }
                ]
              }
            }
          }
        }
        """#

    /// Parameters of paths and queries, and header fields that callers send.
    static let parameters = #"""
        "ContentID": {
          "name": "content_id",
          "in": "path",
          "required": true,
          "description": "The content.",
          "schema": {"$ref": "#/components/schemas/ContentID"}
        },
        "UserID": {
          "name": "user_id",
          "in": "path",
          "required": true,
          "description": "The user.",
          "schema": {"$ref": "#/components/schemas/UserID"}
        },
        "ForUser": {
          "name": "user_id",
          "in": "query",
          "required": false,
          "description": "Also tell whether this user likes the content, and how.",
          "schema": {"$ref": "#/components/schemas/UserID"}
        },
        "IdempotencyKey": {
          "name": "Idempotency-Key",
          "in": "header",
          "required": false,
          "description": "Within ten minutes the same key and request get the first answer again, also after a \#
        restart.",
          "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"}
        },
        "IfNoneMatch": {
          "name": "If-None-Match",
          "in": "header",
          "required": false,
          "description": "The ETag of a count that the caller has.",
          "schema": {"type": "string"}
        },
        "PageLimit": {
          "name": "limit",
          "in": "query",
          "required": false,
          "description": "Entries on a page.",
          "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
        },
        "PageCursor": {
          "name": "cursor",
          "in": "query",
          "required": false,
          "description": "`next_cursor` of the page before.",
          "schema": {"$ref": "#/components/schemas/CursorText"}
        },
        "TopLimit": {
          "name": "limit",
          "in": "query",
          "required": false,
          "description": "Contents in the list.",
          "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}
        },
        "Window": {
          "name": "window",
          "in": "query",
          "required": false,
          "description": "How far back to look.",
          "schema": {"$ref": "#/components/schemas/WindowName", "default": "1h"}
        }
        """#

    /// Header fields of answers.
    static let headers = #"""
        "Challenge": {
          "description": "What to authenticate with (RFC 6750).",
          "schema": {"type": "string"},
          "example": "Bearer realm=\"likewise\""
        },
        "ETag": {
          "description": "Names this very count; not there with `user_id`.",
          "schema": {"type": "string"},
          "example": "\"1f58c-3\""
        },
        "CountCacheControl": {
          "description": "`no-store` with `user_id`.",
          "schema": {"type": "string"},
          "example": "public, max-age=5, stale-while-revalidate=10"
        },
        "NoStore": {"description": "Not to be kept.", "schema": {"type": "string"}, "example": "no-store"},
        "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}, "example": 1},
        "Allow": {
          "description": "The methods that the path takes.",
          "schema": {"type": "string"},
          "example": "GET, DELETE"
        },
        "RateLimit": {
          "description": "With rate limits on: the limit that has least left, how many more would pass now (`r`), and \#
        the seconds until one more would (`t`); by draft-ietf-httpapi-ratelimit-headers.",
          "schema": {"type": "string"},
          "example": "\"user-content\";r=0;t=6"
        },
        "RateLimitPolicy": {
          "description": "With rate limits on: each limit with how many pass (`q`) in so many seconds (`w`).",
          "schema": {"type": "string"},
          "example": "\"user-content\";q=10;w=60, \"address\";q=600;w=60"
        }
        """#

    /// How callers say who they are.
    static let securitySchemes = #"""
        "bearer": {
          "type": "http",
          "scheme": "bearer",
          "description": "A user's JSON Web Token, or a backend's API key. Needed where the server has identity on; the \#
        scopes are `likes:write` (for other users, bulk intake), `likes:read` (private contents), `users:read` (what \#
        others like) and `admin` (contents, metrics)."
        }
        """#
}
