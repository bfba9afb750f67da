// The calls on likes that are held back: paths, and what they alone are made of. `OpenAPIDocument` puts them together.

enum OpenAPIHeld {
    /// Members of `paths`.
    static let paths = #"""
        "/v1/admin/held": {
          "get": {
            "operationId": "heldLikes",
            "tags": ["Operation"],
            "summary": "Likes that are held back, newest first",
            "parameters": [
              {"$ref": "#/components/parameters/HeldOfContent"},
              {"$ref": "#/components/parameters/HeldOfUser"},
              {"$ref": "#/components/parameters/PageLimit"},
              {"$ref": "#/components/parameters/PageCursor"}
            ],
            "responses": {
              "200": {
                "description": "One page.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HeldLikes"}}}
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
        "/v1/admin/held/{content_id}/{user_id}": {
          "get": {
            "operationId": "heldLike",
            "tags": ["Operation"],
            "summary": "A like that is held back",
            "parameters": [
              {"$ref": "#/components/parameters/ContentID"},
              {"$ref": "#/components/parameters/UserID"}
            ],
            "responses": {
              "200": {
                "description": "It is.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HeldLike"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
              "404": {"$ref": "#/components/responses/NotHeldOrNoContent"},
              "405": {"$ref": "#/components/responses/MethodNotAllowed"},
              "414": {"$ref": "#/components/responses/URITooLong"},
              "429": {"$ref": "#/components/responses/RateLimited"},
              "431": {"$ref": "#/components/responses/HeadersTooLarge"},
              "500": {"$ref": "#/components/responses/InternalError"},
              "503": {"$ref": "#/components/responses/Unavailable"}
            }
          }
        },
        "/v1/admin/held/release": {
          "post": {
            "operationId": "releaseHeld",
            "tags": ["Operation"],
            "summary": "Let likes count that are held back",
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HeldRequest"}}}
            },
            "responses": {
              "200": {
                "description": "They count, on stable storage.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HeldSettled"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
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
        "/v1/admin/held/reject": {
          "post": {
            "operationId": "rejectHeld",
            "tags": ["Operation"],
            "summary": "Take likes away that are held back",
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HeldRequest"}}}
            },
            "responses": {
              "200": {
                "description": "They are gone, on stable storage.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HeldSettled"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
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
        "/v1/admin/held/hold": {
          "post": {
            "operationId": "holdLikes",
            "tags": ["Operation"],
            "summary": "Hold likes back that count",
            "requestBody": {
              "required": true,
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HoldRequest"}}}
            },
            "responses": {
              "200": {
                "description": "They count no more, on stable storage.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HeldSettled"}}}
              },
              "400": {"$ref": "#/components/responses/BadRequest"},
              "401": {"$ref": "#/components/responses/Unauthenticated"},
              "403": {"$ref": "#/components/responses/Forbidden"},
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
        }
        """#

    /// Members of `schemas`.
    static let schemas = #"""
        "HeldRequest": {
          "description": "Likes by name, all of a content (without `user_id`), or one.",
          "anyOf": [
            {
              "type": "object",
              "properties": {
                "items": {
                  "type": "array",
                  "minItems": 1,
                  "maxItems": 1000,
                  "items": {
                    "type": "object",
                    "properties": {
                      "content_id": {"$ref": "#/components/schemas/ContentID"},
                      "user_id": {"$ref": "#/components/schemas/UserID"}
                    },
                    "required": ["content_id", "user_id"]
                  }
                }
              },
              "required": ["items"]
            },
            {
              "type": "object",
              "properties": {
                "content_id": {"$ref": "#/components/schemas/ContentID"},
                "user_id": {"$ref": "#/components/schemas/UserID"}
              },
              "required": ["content_id"]
            }
          ],
          "examples": [
            {"items": [{"content_id": "video_abc", "user_id": "user_1"}]},
            {"content_id": "video_abc"}
          ]
        },
        "HoldRequest": {
          "description": "Likes by name.",
          "type": "object",
          "properties": {
            "items": {
              "type": "array",
              "minItems": 1,
              "maxItems": 1000,
              "items": {
                "type": "object",
                "properties": {
                  "content_id": {"$ref": "#/components/schemas/ContentID"},
                  "user_id": {"$ref": "#/components/schemas/UserID"}
                },
                "required": ["content_id", "user_id"]
              }
            }
          },
          "required": ["items"],
          "examples": [{"items": [{"content_id": "video_abc", "user_id": "user_1"}]}]
        },
        "HeldSettled": {
          "type": "object",
          "properties": {
            "changed": {"type": "integer", "minimum": 0, "description": "Likes with which it was done."},
            "unchanged": {"type": "integer", "minimum": 0, "description": "Those that were so already."},
            "more": {
              "type": "boolean",
              "description": "Whether the content has more than the 100,000 that one call settles: call again."
            }
          },
          "required": ["changed", "unchanged", "more"],
          "examples": [{"changed": 1, "unchanged": 0, "more": false}]
        },
        "HeldLike": {
          "type": "object",
          "properties": {
            "content_id": {"$ref": "#/components/schemas/ContentID"},
            "user_id": {"$ref": "#/components/schemas/UserID"},
            "reaction": {"$ref": "#/components/schemas/Reaction"},
            "since": {"$ref": "#/components/schemas/Since"}
          },
          "required": ["content_id", "user_id", "reaction", "since"],
          "examples": [
            {
              "content_id": "video_abc",
              "user_id": "user_1",
              "reaction": "like",
              "since": "2026-11-21T21:49:38.123Z"
            }
          ]
        },
        "HeldLikes": {
          "type": "object",
          "properties": {
            "held": {"type": "array", "items": {"$ref": "#/components/schemas/HeldLike"}},
            "next_cursor": {"$ref": "#/components/schemas/CursorText"}
          },
          "required": ["held"],
          "examples": [{"held": []}]
        }
        """#

    /// Members of `responses`.
    static let responses = #"""
        "ForbiddenOrRefused": {
          "description": "With identity on: as in other calls. Or the like looks like abuse, and was not taken.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {
                    "properties": {
                      "status": {"const": 403},
                      "code": {"enum": ["not_yourself", "forbidden", "refused"]}
                    }
                  }
                ]
              }
            }
          }
        },
        "NotHeldOrNoContent": {
          "description": "No like of the user is held back there, or the content is not registered where it must be.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 404}, "code": {"enum": ["not_held", "content_not_found"]}}}
                ]
              }
            }
          }
        }
        """#

    /// Members of `parameters`.
    static let parameters = #"""
        "HeldOfContent": {
          "name": "content_id",
          "in": "query",
          "required": false,
          "description": "Only those on this content.",
          "schema": {"$ref": "#/components/schemas/ContentID"}
        },
        "HeldOfUser": {
          "name": "user_id",
          "in": "query",
          "required": false,
          "description": "Only those of this user.",
          "schema": {"$ref": "#/components/schemas/UserID"}
        }
        """#
}
