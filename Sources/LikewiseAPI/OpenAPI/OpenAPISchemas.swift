// The shapes of bodies. Members of `schemas`, without the braces around them; `OpenAPIDocument` puts them together.

enum OpenAPISchemas {
    /// What bodies, paths and queries are made of; `reactions` are the names that the server takes, in JSON.
    static func words(reactions: String) -> String {
        #"""
        "ContentID": {
          "type": "string",
          "minLength": 1,
          "maxLength": 256,
          "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$",
          "description": "1 to 256 bytes of UTF-8 without control characters. In a body also understood as \#
        `contentId`, `video_id` or `videoId`.",
          "examples": ["video_abc"]
        },
        "UserID": {
          "type": "string",
          "minLength": 1,
          "maxLength": 128,
          "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$",
          "description": "1 to 128 bytes of UTF-8 without control characters. In a body also understood as `userId`.",
          "examples": ["user_1"]
        },
        "ActingUser": {
          "allOf": [{"$ref": "#/components/schemas/UserID"}],
          "description": "Whose like it is. With a user's token it may be left out: it is the token's subject then."
        },
        "ContentType": {
          "type": "string",
          "pattern": "^[a-z0-9_-]{1,32}$",
          "description": "What kind of content it is. In a body also understood as `contentType`.",
          "examples": ["video"]
        },
        "Visibility": {
          "type": "string",
          "enum": ["public", "private"],
          "description": "Who may see the content.",
          "examples": ["public"]
        },
        "Reaction": {
          "type": "string",
          "pattern": "^[a-z0-9_-]{1,32}$",
          "description": "A reaction that is held. One that the server no longer takes is still shown.",
          "examples": ["like"]
        },
        "ReactionInput": {
          "type": "string",
          "enum": \#(reactions),
          "description": "A reaction that this server takes.",
          "examples": ["like"]
        },
        "TallyCount": {
          "type": "integer",
          "minimum": 0,
          "description": "Users who hold any reaction.",
          "examples": [128412]
        },
        "Reactions": {
          "type": "object",
          "description": "How many users hold each reaction; those that nobody holds are left out.",
          "additionalProperties": {"type": "integer", "minimum": 0},
          "examples": [{"like": 128000, "love": 412}]
        },
        "Approx": {"type": "boolean", "description": "Whether the count may be a little behind."},
        "Display": {
          "type": "string",
          "pattern": "^[0-9]+(\\.[1-9])?[KMBT]?$",
          "description": "The count, short for people and rounded down.",
          "examples": ["999", "12.8K", "1.2M"]
        },
        "Since": {
          "type": "string",
          "format": "date-time",
          "description": "Since when, in UTC with milliseconds (RFC 3339).",
          "examples": ["2026-11-21T21:49:38.123Z"]
        },
        "CursorText": {
          "type": "string",
          "minLength": 1,
          "maxLength": 531,
          "pattern": "^[A-Za-z0-9_-]+$",
          "description": "Where the next page begins; opaque. Not there on the last page.",
          "examples": ["AQGiABYZywAAAAF2aWRlb19hYmOlWA"]
        },
        "WindowName": {"type": "string", "enum": ["1m", "1h", "24h"], "examples": ["1h"]}
        """#
    }

    /// What calls send. `namesUser`: whether a call must name its user, since the server does not know it.
    static func requests(namesUser: Bool) -> String {
        let alsoUser = namesUser ? ", \"user_id\"" : ""
        return #"""
            "LikeRequest": {
              "type": "object",
              "properties": {
                "content_id": {"$ref": "#/components/schemas/ContentID"},
                "content_type": {"$ref": "#/components/schemas/ContentType"},
                "user_id": {"$ref": "#/components/schemas/ActingUser"},
                "reaction": {"$ref": "#/components/schemas/ReactionInput"}
              },
              "required": ["content_id"\#(alsoUser)],
              "examples": [{"content_id": "video_abc", "content_type": "video", "user_id": "user_1"}]
            },
            "UnlikeRequest": {
              "type": "object",
              "properties": {
                "content_id": {"$ref": "#/components/schemas/ContentID"},
                "user_id": {"$ref": "#/components/schemas/ActingUser"}
              },
              "required": ["content_id"\#(alsoUser)],
              "examples": [{"content_id": "video_abc", "user_id": "user_1"}]
            },
            "UserRequest": {
              "type": "object",
              "properties": {"user_id": {"$ref": "#/components/schemas/ActingUser"}},
              "required": [\#(namesUser ? "\"user_id\"" : "")],
              "examples": [{"user_id": "user_1"}]
            },
            "ReactionRequest": {
              "type": "object",
              "properties": {"reaction": {"$ref": "#/components/schemas/ReactionInput"}},
              "examples": [{"reaction": "love"}]
            },
            "ContentRequest": {
              "type": "object",
              "properties": {
                "content_type": {"$ref": "#/components/schemas/ContentType"},
                "visibility": {"$ref": "#/components/schemas/Visibility"}
              },
              "required": ["content_type"],
              "examples": [{"content_type": "video", "visibility": "public"}]
            },
            "CountBatchRequest": {
              "type": "object",
              "properties": {
                "content_ids": {
                  "type": "array",
                  "items": {"$ref": "#/components/schemas/ContentID"},
                  "minItems": 1,
                  "maxItems": 100,
                  "description": "Also understood as `contentIds`, `video_ids` or `videoIds`."
                },
                "user_id": {"$ref": "#/components/schemas/UserID"}
              },
              "required": ["content_ids"],
              "examples": [{"content_ids": ["video_abc", "video_def"], "user_id": "user_1"}]
            },
            "BulkLine": {
              "type": "object",
              "description": "One line of bulk intake.",
              "properties": {
                "content_id": {"$ref": "#/components/schemas/ContentID"},
                "user_id": {"$ref": "#/components/schemas/UserID"},
                "action": {"enum": ["like", "unlike"]},
                "reaction": {"$ref": "#/components/schemas/ReactionInput"},
                "content_type": {"$ref": "#/components/schemas/ContentType"}
              },
              "required": ["content_id", "user_id", "action"],
              "examples": [{"content_id": "video_abc", "user_id": "user_1", "action": "like"}]
            }
            """#
    }

    /// What answers carry.
    static let answers = #"""
        "Liked": {
          "type": "object",
          "properties": {
            "content_id": {"$ref": "#/components/schemas/ContentID"},
            "user_id": {"$ref": "#/components/schemas/UserID"},
            "liked": {"const": true},
            "reaction": {"$ref": "#/components/schemas/Reaction"},
            "count": {"$ref": "#/components/schemas/TallyCount"},
            "reactions": {"$ref": "#/components/schemas/Reactions"},
            "approx": {"$ref": "#/components/schemas/Approx"}
          },
          "required": ["content_id", "user_id", "liked", "reaction", "count", "reactions", "approx"],
          "examples": [
            {
              "content_id": "video_abc",
              "user_id": "user_1",
              "liked": true,
              "reaction": "like",
              "count": 128412,
              "reactions": {"like": 128000, "love": 412},
              "approx": false
            }
          ]
        },
        "Unliked": {
          "type": "object",
          "properties": {
            "content_id": {"$ref": "#/components/schemas/ContentID"},
            "user_id": {"$ref": "#/components/schemas/UserID"},
            "liked": {"const": false},
            "count": {"$ref": "#/components/schemas/TallyCount"},
            "reactions": {"$ref": "#/components/schemas/Reactions"},
            "approx": {"$ref": "#/components/schemas/Approx"}
          },
          "required": ["content_id", "user_id", "liked", "count", "reactions", "approx"],
          "examples": [
            {
              "content_id": "video_abc",
              "user_id": "user_1",
              "liked": false,
              "count": 128411,
              "reactions": {"like": 127999, "love": 412},
              "approx": false
            }
          ]
        },
        "PutLiked": {
          "type": "object",
          "properties": {
            "content_id": {"$ref": "#/components/schemas/ContentID"},
            "user_id": {"$ref": "#/components/schemas/UserID"},
            "liked": {"const": true},
            "reaction": {"$ref": "#/components/schemas/Reaction"},
            "count": {"$ref": "#/components/schemas/TallyCount"},
            "reactions": {"$ref": "#/components/schemas/Reactions"},
            "approx": {"$ref": "#/components/schemas/Approx"},
            "changed": {"type": "boolean", "description": "Whether this call changed anything."}
          },
          "required": ["content_id", "user_id", "liked", "reaction", "count", "reactions", "approx", "changed"],
          "examples": [
            {
              "content_id": "video_abc",
              "user_id": "user_1",
              "liked": true,
              "reaction": "like",
              "count": 128412,
              "reactions": {"like": 128000, "love": 412},
              "approx": false,
              "changed": true
            }
          ]
        },
        "PutUnliked": {
          "type": "object",
          "properties": {
            "content_id": {"$ref": "#/components/schemas/ContentID"},
            "user_id": {"$ref": "#/components/schemas/UserID"},
            "liked": {"const": false},
            "count": {"$ref": "#/components/schemas/TallyCount"},
            "reactions": {"$ref": "#/components/schemas/Reactions"},
            "approx": {"$ref": "#/components/schemas/Approx"},
            "changed": {"type": "boolean", "description": "Whether this call changed anything."}
          },
          "required": ["content_id", "user_id", "liked", "count", "reactions", "approx", "changed"],
          "examples": [
            {
              "content_id": "video_abc",
              "user_id": "user_1",
              "liked": false,
              "count": 128411,
              "reactions": {"like": 127999, "love": 412},
              "approx": false,
              "changed": false
            }
          ]
        },
        "LikeState": {
          "type": "object",
          "description": "`reaction` and `since` are there where `liked` is true.",
          "properties": {
            "content_id": {"$ref": "#/components/schemas/ContentID"},
            "user_id": {"$ref": "#/components/schemas/UserID"},
            "liked": {"type": "boolean"},
            "reaction": {"$ref": "#/components/schemas/Reaction"},
            "since": {"$ref": "#/components/schemas/Since"}
          },
          "required": ["content_id", "user_id", "liked"],
          "examples": [
            {
              "content_id": "video_abc",
              "user_id": "user_1",
              "liked": true,
              "reaction": "like",
              "since": "2026-11-21T21:49:38.123Z"
            }
          ]
        },
        "Count": {
          "type": "object",
          "description": "`liked` is there where `user_id` was asked for, and `reaction` where that user holds one.",
          "properties": {
            "content_id": {"$ref": "#/components/schemas/ContentID"},
            "count": {"$ref": "#/components/schemas/TallyCount"},
            "reactions": {"$ref": "#/components/schemas/Reactions"},
            "approx": {"$ref": "#/components/schemas/Approx"},
            "display": {"$ref": "#/components/schemas/Display"},
            "liked": {"type": "boolean"},
            "reaction": {"$ref": "#/components/schemas/Reaction"}
          },
          "required": ["content_id", "count", "reactions", "approx", "display"],
          "examples": [
            {
              "content_id": "video_abc",
              "count": 128412,
              "reactions": {"like": 128000, "love": 412},
              "approx": false,
              "display": "128K"
            }
          ]
        },
        "Counts": {
          "type": "object",
          "properties": {"counts": {"type": "array", "items": {"$ref": "#/components/schemas/Count"}, "maxItems": 100}},
          "required": ["counts"],
          "examples": [
            {
              "counts": [
                {
                  "content_id": "video_abc",
                  "count": 128412,
                  "reactions": {"like": 128000, "love": 412},
                  "approx": false,
                  "display": "128K"
                }
              ]
            }
          ]
        },
        "BulkResult": {
          "type": "object",
          "properties": {
            "accepted": {
              "type": "integer",
              "minimum": 0,
              "description": "Lines that took effect, or had nothing to change."
            },
            "changed": {"type": "integer", "minimum": 0},
            "unchanged": {"type": "integer", "minimum": 0},
            "rejected": {
              "type": "array",
              "maxItems": 100,
              "description": "The first lines that were rejected, 100 at most.",
              "items": {
                "type": "object",
                "properties": {
                  "line": {"type": "integer", "minimum": 1},
                  "code": {"enum": ["invalid_request", "content_not_found", "rate_limited", "refused"]},
                  "detail": {"type": "string"}
                },
                "required": ["line", "code", "detail"]
              }
            }
          },
          "required": ["accepted", "changed", "unchanged", "rejected"],
          "examples": [
            {
              "accepted": 2,
              "changed": 1,
              "unchanged": 1,
              "rejected": [{"line": 3, "code": "invalid_request", "detail": "user_id is missing."}]
            }
          ]
        },
        "UserLikes": {
          "type": "object",
          "properties": {
            "user_id": {"$ref": "#/components/schemas/UserID"},
            "likes": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "content_id": {"$ref": "#/components/schemas/ContentID"},
                  "content_type": {"$ref": "#/components/schemas/ContentType"},
                  "reaction": {"$ref": "#/components/schemas/Reaction"},
                  "since": {"$ref": "#/components/schemas/Since"}
                },
                "required": ["content_id", "reaction", "since"]
              }
            },
            "next_cursor": {"$ref": "#/components/schemas/CursorText"}
          },
          "required": ["user_id", "likes"],
          "examples": [
            {
              "user_id": "user_1",
              "likes": [
                {
                  "content_id": "video_abc",
                  "content_type": "video",
                  "reaction": "like",
                  "since": "2026-11-21T21:49:38.123Z"
                }
              ],
              "next_cursor": "AQGiABYZywAAAAF2aWRlb19hYmOlWA"
            }
          ]
        },
        "ContentLikes": {
          "type": "object",
          "properties": {
            "content_id": {"$ref": "#/components/schemas/ContentID"},
            "likes": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "user_id": {"$ref": "#/components/schemas/UserID"},
                  "reaction": {"$ref": "#/components/schemas/Reaction"},
                  "since": {"$ref": "#/components/schemas/Since"}
                },
                "required": ["user_id", "reaction", "since"]
              }
            },
            "next_cursor": {"$ref": "#/components/schemas/CursorText"}
          },
          "required": ["content_id", "likes"],
          "examples": [
            {
              "content_id": "video_abc",
              "likes": [{"user_id": "user_1", "reaction": "like", "since": "2026-11-21T21:49:38.123Z"}]
            }
          ]
        },
        "Content": {
          "type": "object",
          "properties": {
            "content_id": {"$ref": "#/components/schemas/ContentID"},
            "content_type": {"$ref": "#/components/schemas/ContentType"},
            "visibility": {"$ref": "#/components/schemas/Visibility"},
            "registered": {"type": "boolean", "description": "Whether a PUT registered it."},
            "count": {"$ref": "#/components/schemas/TallyCount"},
            "reactions": {"$ref": "#/components/schemas/Reactions"},
            "approx": {"$ref": "#/components/schemas/Approx"},
            "spread": {
              "type": "integer",
              "minimum": 1,
              "maximum": 64,
              "description": "In a cluster: over how many keys of the topic the content's likes are spread now. It rises with their rate."
            }
          },
          "required": ["content_id", "registered", "count", "reactions", "approx"],
          "examples": [
            {
              "content_id": "video_abc",
              "content_type": "video",
              "visibility": "public",
              "registered": true,
              "count": 128412,
              "reactions": {"like": 128000, "love": 412},
              "approx": false
            }
          ]
        },
        "ContentDeleted": {
          "type": "object",
          "properties": {"content_id": {"$ref": "#/components/schemas/ContentID"}, "deleted": {"const": true}},
          "required": ["content_id", "deleted"],
          "examples": [{"content_id": "video_abc", "deleted": true}]
        },
        "Top": {
          "type": "object",
          "properties": {
            "window": {"$ref": "#/components/schemas/WindowName"},
            "contents": {
              "type": "array",
              "maxItems": 100,
              "items": {
                "type": "object",
                "properties": {
                  "content_id": {"$ref": "#/components/schemas/ContentID"},
                  "gained": {"type": "integer", "minimum": 0, "description": "Likes gained in the window."},
                  "count": {"$ref": "#/components/schemas/TallyCount"},
                  "display": {"$ref": "#/components/schemas/Display"}
                },
                "required": ["content_id", "gained", "count", "display"]
              }
            }
          },
          "required": ["window", "contents"],
          "examples": [
            {
              "window": "1h",
              "contents": [{"content_id": "video_abc", "gained": 5120, "count": 128412, "display": "128K"}]
            }
          ]
        },
        "Live": {
          "type": "object",
          "properties": {"status": {"const": "ok"}},
          "required": ["status"],
          "examples": [{"status": "ok"}]
        },
        "Ready": {
          "type": "object",
          "properties": {
            "status": {
              "type": "string", "enum": ["ok", "stopping", "not_ready"],
              "description": "`ok` where the server takes requests."
            },
            "shards": {
              "type": "array", "description": "How each shard does.",
              "items": {
                "type": "object",
                "properties": {
                  "shard": {"type": "integer", "minimum": 0},
                  "status": {"type": "string", "enum": ["ok", "storage_full", "storage_failed"]}
                },
                "required": ["shard", "status"]
              }
            }
          },
          "required": ["status", "shards"],
          "examples": [{"status": "ok", "shards": [{"shard": 0, "status": "ok"}]}]
        },
        "Problem": {
          "type": "object",
          "description": "What went wrong (RFC 9457).",
          "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"type": "string", "description": "What went wrong; it does not change."},
            "detail": {"type": "string", "description": "For people."},
            "field": {"type": "string", "description": "The field that is at fault, where it is one field."},
            "accepted": {
              "type": "integer",
              "minimum": 1,
              "description": "Of a bulk intake that ended early: lines that took effect all the same."
            }
          },
          "required": ["type", "title", "status", "code"],
          "examples": [
            {
              "type": "urn:likewise:problem:invalid_request",
              "title": "Invalid request",
              "status": 400,
              "code": "invalid_request",
              "detail": "user_id is missing.",
              "field": "user_id"
            }
          ]
        }
        """#
}
