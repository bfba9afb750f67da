// The calls. Members of `paths`, without the braces around them; `OpenAPIDocument` puts them together.

enum OpenAPIPaths {
    /// Likes: to give one, to take it back, to ask for it, and many at once.
    static let likes = #"""
        "/v1/likes": {
          "post": {
            "operationId": "like",
            "tags": ["Likes"],
            "summary": "Like a content, or change the reaction",
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LikeRequest"}}}
            },
            "responses": {
              "200": {
                "description": "The like is on stable storage.",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/NoStore"},
                  "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                  "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Liked"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/ForbiddenOrRefused"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "409": {"$ref": "#/components/responses/AlreadyLikedOrKeyInUse"},
              "411": {"$ref": "#/components/responses/LengthRequired"},
              "413": {"$ref": "#/components/responses/BodyTooLarge"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
              "422": {"$ref": "#/components/responses/IdempotencyKeyReused"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          },
          "delete": {
            "operationId": "unlike",
            "tags": ["Likes"],
            "summary": "Take a like back",
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/UnlikeRequest"}}}
            },
            "responses": {
              "200": {
                "description": "The like is gone, on stable storage.",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/NoStore"},
                  "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                  "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Unliked"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/NotLikedOrNoContent"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "409": {"$ref": "#/components/responses/IdempotencyKeyInUse"},
              "411": {"$ref": "#/components/responses/LengthRequired"},
              "413": {"$ref": "#/components/responses/BodyTooLarge"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
              "422": {"$ref": "#/components/responses/IdempotencyKeyReused"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/v1/likes/{content_id}": {
          "get": {
            "operationId": "countOfContent",
            "tags": ["Counts"],
            "summary": "The count of one content; the same as `/v1/likes/count/{content_id}`",
            "parameters": [
              {"$ref": "#/components/parameters/ContentID"},
              {"$ref": "#/components/parameters/ForUser"},
              {"$ref": "#/components/parameters/IfNoneMatch"}
            ],
            "responses": {
              "200": {
                "description": "The count. Without `user_id` it is for everyone and may be cached; with it, it may \#
        not.",
                "headers": {
                  "ETag": {"$ref": "#/components/headers/ETag"},
                  "Cache-Control": {"$ref": "#/components/headers/CountCacheControl"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Count"}}}
              },
              "304": {
                "description": "The count is what `If-None-Match` names.",
                "headers": {
                  "ETag": {"$ref": "#/components/headers/ETag"},
                  "Cache-Control": {"$ref": "#/components/headers/CountCacheControl"}
                }
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          },
          "delete": {
            "operationId": "unlikeContent",
            "tags": ["Likes"],
            "summary": "Take a like back, the content in the path",
            "parameters": [
              {"$ref": "#/components/parameters/ContentID"},
              {"$ref": "#/components/parameters/IdempotencyKey"}
            ],
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/UserRequest"}}}
            },
            "responses": {
              "200": {
                "description": "The like is gone, on stable storage.",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/NoStore"},
                  "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                  "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Unliked"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/NotLikedOrNoContent"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "409": {"$ref": "#/components/responses/IdempotencyKeyInUse"},
              "411": {"$ref": "#/components/responses/LengthRequired"},
              "413": {"$ref": "#/components/responses/BodyTooLarge"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
              "422": {"$ref": "#/components/responses/IdempotencyKeyReused"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/v1/likes/batch": {
          "post": {
            "operationId": "bulk",
            "tags": ["Likes"],
            "summary": "Bulk intake, a line an intent",
            "description": "At most 100,000 lines or 16 MiB. Lines that are not as they should be are rejected one \#
        by one; the others take effect, in their order. Lines take effect while the rest still comes; where too many \#
        come, or the server is overloaded in the middle, the problem's `accepted` says how many did. Sent again, \#
        they change nothing.",
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
            "requestBody": {
              "description": "Lines of JSON, each a `BulkLine`. Without a body nothing is done.",
              "required": false,
              "content": {
                "application/x-ndjson": {
                  "schema": {"type": "string", "maxLength": 16777216},
                  "example": "{\"content_id\": \"video_abc\", \"user_id\": \"user_1\", \"action\": \#
        \"like\"}\n{\"content_id\": \"video_abc\", \"user_id\": \"user_2\", \"action\": \"unlike\"}\n"
                }
              }
            },
            "responses": {
              "200": {
                "description": "All accepted lines are on stable storage.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BulkResult"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "409": {"$ref": "#/components/responses/IdempotencyKeyInUse"},
              "411": {"$ref": "#/components/responses/LengthRequired"},
              "413": {"$ref": "#/components/responses/BodyTooLarge"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
              "422": {"$ref": "#/components/responses/IdempotencyKeyReused"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/v1/users/{user_id}/likes/{content_id}": {
          "parameters": [{"$ref": "#/components/parameters/UserID"}, {"$ref": "#/components/parameters/ContentID"}],
          "get": {
            "operationId": "likeOfUser",
            "tags": ["Likes"],
            "summary": "Whether a user likes a content",
            "responses": {
              "200": {
                "description": "What the user holds on the content.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LikeState"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          },
          "put": {
            "operationId": "putLike",
            "tags": ["Likes"],
            "summary": "Hold a reaction, whether or not it is held already",
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
            "requestBody": {
              "description": "Without a body the reaction is `like`.",
              "required": false,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReactionRequest"}}}
            },
            "responses": {
              "200": {
                "description": "The reaction is held, on stable storage.",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/NoStore"},
                  "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                  "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PutLiked"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/ForbiddenOrRefused"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "409": {"$ref": "#/components/responses/IdempotencyKeyInUse"},
              "411": {"$ref": "#/components/responses/LengthRequired"},
              "413": {"$ref": "#/components/responses/BodyTooLarge"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
              "422": {"$ref": "#/components/responses/IdempotencyKeyReused"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          },
          "delete": {
            "operationId": "deleteLike",
            "tags": ["Likes"],
            "summary": "Hold no reaction, whether or not one is held",
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
            "responses": {
              "200": {
                "description": "No reaction is held, on stable storage.",
                "headers": {
                  "Cache-Control": {"$ref": "#/components/headers/NoStore"},
                  "RateLimit": {"$ref": "#/components/headers/RateLimit"},
                  "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PutUnliked"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "409": {"$ref": "#/components/responses/IdempotencyKeyInUse"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "422": {"$ref": "#/components/responses/IdempotencyKeyReused"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        }
        """#

    /// Counts and lists.
    static let reading = #"""
        "/v1/likes/count/{content_id}": {
          "get": {
            "operationId": "count",
            "tags": ["Counts"],
            "summary": "The count of one content",
            "parameters": [
              {"$ref": "#/components/parameters/ContentID"},
              {"$ref": "#/components/parameters/ForUser"},
              {"$ref": "#/components/parameters/IfNoneMatch"}
            ],
            "responses": {
              "200": {
                "description": "The count. Without `user_id` it is for everyone and may be cached; with it, it may \#
        not.",
                "headers": {
                  "ETag": {"$ref": "#/components/headers/ETag"},
                  "Cache-Control": {"$ref": "#/components/headers/CountCacheControl"}
                },
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Count"}}}
              },
              "304": {
                "description": "The count is what `If-None-Match` names.",
                "headers": {
                  "ETag": {"$ref": "#/components/headers/ETag"},
                  "Cache-Control": {"$ref": "#/components/headers/CountCacheControl"}
                }
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/v1/likes/count/batch": {
          "post": {
            "operationId": "counts",
            "tags": ["Counts"],
            "summary": "The counts of many contents",
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CountBatchRequest"}}}
            },
            "responses": {
              "200": {
                "description": "The counts, in the order asked for.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Counts"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "411": {"$ref": "#/components/responses/LengthRequired"},
              "413": {"$ref": "#/components/responses/BodyTooLarge"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/v1/users/{user_id}/likes": {
          "get": {
            "operationId": "likesOfUser",
            "tags": ["Lists"],
            "summary": "What a user likes, newest first",
            "parameters": [
              {"$ref": "#/components/parameters/UserID"},
              {"$ref": "#/components/parameters/PageLimit"},
              {"$ref": "#/components/parameters/PageCursor"}
            ],
            "responses": {
              "200": {
                "description": "One page.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/UserLikes"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/v1/content/{content_id}/likes": {
          "get": {
            "operationId": "likesOfContent",
            "tags": ["Lists"],
            "summary": "Who likes a content, newest first",
            "parameters": [
              {"$ref": "#/components/parameters/ContentID"},
              {"$ref": "#/components/parameters/PageLimit"},
              {"$ref": "#/components/parameters/PageCursor"}
            ],
            "responses": {
              "200": {
                "description": "One page.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ContentLikes"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/v1/content/top": {
          "get": {
            "operationId": "top",
            "tags": ["Lists"],
            "summary": "The most liked contents of the last minute, hour or day",
            "parameters": [{"$ref": "#/components/parameters/Window"}, {"$ref": "#/components/parameters/TopLimit"}],
            "responses": {
              "200": {
                "description": "The contents that gained most in the window, most first.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Top"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/v1/live": {
          "get": {
            "operationId": "liveCounts",
            "tags": ["Counts"],
            "summary": "Counts as they change, as server-sent events",
            "description": "An event `count` for each content at once, then on change, at most four a second each; its \#
        data is a `Count`. An event `gone`, with the `content_id`, tells that a content is not there any more. A comment comes \#
        every 15 seconds. The stream has no end; where it is cut off, `Last-Event-ID` keeps what has not changed \#
        from being told again.",
            "parameters": [
              {
                "name": "content_id", "in": "query", "required": true, "description": "The contents to follow.",
                "schema": {
                  "type": "array", "minItems": 1, "maxItems": 100, "items": {"$ref": "#/components/schemas/ContentID"}
                }
              },
              {
                "name": "Last-Event-ID", "in": "header", "required": false,
                "description": "The id of the last event that was received.", "schema": {"type": "string"}
              }
            ],
            "responses": {
              "200": {
                "description": "The stream.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        }
        """#

    /// Contents.
    static let contents = #"""
        "/v1/content/{content_id}": {
          "parameters": [{"$ref": "#/components/parameters/ContentID"}],
          "put": {
            "operationId": "putContent",
            "tags": ["Contents"],
            "summary": "Register a content, or change what is known of it",
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ContentRequest"}}}
            },
            "responses": {
              "200": {
                "description": "The content is registered, on stable storage.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Content"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "409": {"$ref": "#/components/responses/IdempotencyKeyInUse"},
              "411": {"$ref": "#/components/responses/LengthRequired"},
              "413": {"$ref": "#/components/responses/BodyTooLarge"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
              "422": {"$ref": "#/components/responses/IdempotencyKeyReused"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          },
          "get": {
            "operationId": "getContent",
            "tags": ["Contents"],
            "summary": "A content and its count",
            "responses": {
              "200": {
                "description": "What is known of the content.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Content"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          },
          "delete": {
            "operationId": "deleteContent",
            "tags": ["Contents"],
            "summary": "Remove a content and its likes",
            "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
            "responses": {
              "200": {
                "description": "The content and its likes are gone, on stable storage.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ContentDeleted"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/ContentNotFound"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "409": {"$ref": "#/components/responses/IdempotencyKeyInUse"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "422": {"$ref": "#/components/responses/IdempotencyKeyReused"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        }
        """#

    /// What the people who run the server ask for.
    static let operation = #"""
        "/health/live": {
          "get": {
            "operationId": "live",
            "tags": ["Operation"],
            "summary": "Whether the process runs",
            "responses": {
              "200": {
                "description": "It does.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Live"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/health/ready": {
          "get": {
            "operationId": "ready",
            "tags": ["Operation"],
            "summary": "Whether the server takes requests",
            "responses": {
              "200": {
                "description": "It does.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ready"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {
                "description": "It does not: it is starting, stopping, or a shard has failed.",
                "headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ready"}}}
              }
            }
          }
        },
        "/metrics": {
          "get": {
            "operationId": "metrics",
            "tags": ["Operation"],
            "summary": "Metrics for Prometheus",
            "responses": {
              "200": {
                "description": "Prometheus text.",
                "content": {
                  "text/plain": {
                    "schema": {"type": "string"},
                    "example": "# TYPE likewise_likes_total counter\nlikewise_likes_total 128412\n"
                  }
                }
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/openapi.json": {
          "get": {
            "operationId": "openapi",
            "tags": ["Operation"],
            "summary": "This description",
            "responses": {
              "200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}},
              "400": {"$ref": "#/components/responses/BadRequest"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        }
        """#
}
