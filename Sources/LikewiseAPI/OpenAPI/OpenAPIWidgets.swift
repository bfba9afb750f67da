// Calls that are not the contract's own: those of buttons of other makers, and those that the console makes. `OpenAPIDocument`
// puts them together.

enum OpenAPIWidgets {
    /// Members of `paths`.
    static let paths = #"""
        "/openheart/{domain}/{uid}": {
          "get": {
            "operationId": "hearts",
            "tags": ["Widgets"],
            "summary": "How often each emoji was given to a page (OpenHeart)",
            "security": [],
            "parameters": [
              {"$ref": "#/components/parameters/Domain"}, {"$ref": "#/components/parameters/PageID"}
            ],
            "responses": {
              "200": {"$ref": "#/components/responses/Hearts"},
        \#(OpenAPIErrors.of(404))
            }
          },
          "post": {
            "operationId": "giveHeart",
            "tags": ["Widgets"],
            "summary": "Give an emoji to a page (OpenHeart)",
            "description": "The emoji that the body begins with counts; what follows is ignored, so that a form may send \#
        `❤️=`. Each call counts: visitors are not known, and a limit per address holds them back.",
            "security": [],
            "parameters": [
              {"$ref": "#/components/parameters/Domain"}, {"$ref": "#/components/parameters/PageID"}
            ],
            "requestBody": {
              "required": true,
              "content": {
                "text/plain": {"schema": {"type": "string", "minLength": 1, "examples": ["❤️"]}},
                "application/x-www-form-urlencoded": {"schema": {"type": "object"}}
              }
            },
            "responses": {
              "200": {"$ref": "#/components/responses/Hearts"},
        \#(OpenAPIErrors.of(404, 411, 413, 429))
            }
          }
        },
        "/applause/get-claps": {
          "get": {
            "operationId": "claps",
            "tags": ["Widgets"],
            "summary": "The claps of a page (applause button)",
            "security": [],
            "parameters": [{"$ref": "#/components/parameters/PageURL"}, {"$ref": "#/components/parameters/Referer"}],
            "responses": {
              "200": {"$ref": "#/components/responses/Claps"},
        \#(OpenAPIErrors.of(404))
            }
          }
        },
        "/applause/update-claps": {
          "post": {
            "operationId": "clap",
            "tags": ["Widgets"],
            "summary": "Add claps to a page (applause button)",
            "description": "The body is a number of claps, or a JSON string with it and the button's version behind a \#
        comma. Fewer than one are one, more than ten are ten. The answer is how many the page has then.",
            "security": [],
            "parameters": [{"$ref": "#/components/parameters/PageURL"}, {"$ref": "#/components/parameters/Referer"}],
            "requestBody": {
              "required": true,
              "content": {"text/plain": {"schema": {"type": "string", "examples": ["\"3,3.3.0\""]}}}
            },
            "responses": {
              "200": {"$ref": "#/components/responses/Claps"},
        \#(OpenAPIErrors.of(404, 411, 413, 429))
            }
          }
        },
        "/applause/get-multiple": {
          "post": {
            "operationId": "clapsOfMany",
            "tags": ["Widgets"],
            "summary": "The claps of several pages, in the order asked (applause button)",
            "security": [],
            "requestBody": {
              "required": true,
              "content": {
                "application/json": {
                  "schema": {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 2048}}
                }
              }
            },
            "responses": {
              "200": {
                "description": "An entry for each URL.",
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "array",
                      "items": {
                        "type": "object", "required": ["url", "claps"],
                        "properties": {"url": {"type": "string"}, "claps": {"type": "integer", "minimum": 0}}
                      }
                    }
                  }
                }
              },
        \#(OpenAPIErrors.of(404, 411, 413))
            }
          }
        },
        "/v1/admin/plan": {
          "get": {
            "operationId": "capacityPlan",
            "tags": ["Operation"],
            "summary": "What a site of a given size needs, with the arithmetic",
            "parameters": [
              {"name": "daily_users", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 1000000}},
              {"name": "likes_per_user", "in": "query", "schema": {"type": "number", "minimum": 0, "default": 5}},
              {"name": "reads_per_like", "in": "query", "schema": {"type": "number", "minimum": 0, "default": 10}},
              {"name": "peak", "in": "query", "schema": {"type": "number", "minimum": 1, "default": 3}},
              {"name": "retention_days", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 7}},
              {"name": "regions", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 1}}
            ],
            "responses": {
              "200": {
                "description": "The plan.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "object", "required": ["inputs", "groups", "lines"],
                      "properties": {
                        "inputs": {"type": "object"},
                        "groups": {"type": "array", "items": {"type": "string"}},
                        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/PlanLine"}}
                      }
                    }
                  }
                }
              },
        \#(OpenAPIErrors.of(401, 403, 429))
            }
          }
        },
        "/v1/admin/experiments/lock": {
          "post": {
            "operationId": "lockExperiment",
            "tags": ["Operation"],
            "summary": "A thousand likes that come at once: under one lock, and through the shards",
            "description": "Both are run on the server, one after the other, and timed; the content that is liked is deleted \#
        afterwards. Takes a second or more of the disk.",
            "requestBody": {
              "required": false, "description": "Nothing in it is looked at.",
              "content": {"application/json": {"schema": {}}}
            },
            "responses": {
              "200": {
                "description": "What came of it.",
                "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "object", "required": ["likes", "lock", "shards"],
                      "properties": {
                        "likes": {"type": "integer"},
                        "lock": {"$ref": "#/components/schemas/ExperimentWay"},
                        "shards": {"$ref": "#/components/schemas/ExperimentWay"}
                      }
                    }
                  }
                }
              },
        \#(OpenAPIErrors.of(401, 403, 404, 411, 413, 415, 429))
            }
          }
        }
        """#

    /// Members of `schemas`.
    static let schemas = #"""
        "PlanLine": {
          "type": "object",
          "required": ["group", "name", "title", "value", "unit", "display", "formula", "arithmetic", "explanation"],
          "properties": {
            "group": {"type": "string"}, "name": {"type": "string"}, "title": {"type": "string"},
            "value": {"type": "number"}, "unit": {"type": "string"},
            "display": {"type": "string", "examples": ["1.39 M likes/s"]},
            "formula": {"type": "string"}, "arithmetic": {"type": "string"}, "explanation": {"type": "string"}
          }
        },
        "ExperimentWay": {
          "type": "object",
          "required": ["seconds", "syncs", "batches", "count", "likes_per_second"],
          "properties": {
            "seconds": {"type": "number", "minimum": 0}, "syncs": {"type": "integer", "minimum": 0},
            "batches": {"type": "integer", "minimum": 0}, "count": {"type": "integer", "minimum": 0},
            "likes_per_second": {"type": "number", "minimum": 0}
          }
        }
        """#

    /// Members of `responses`.
    static let responses = #"""
        "Hearts": {
          "description": "The emoji that the page was given, with how often.",
          "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
          "content": {
            "application/json": {
              "schema": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 1}, "examples": [{"❤️": 14}]
              }
            }
          }
        },
        "Claps": {
          "description": "A bare number.",
          "headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}},
          "content": {"text/plain": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}
        },
        "CallNotHere": {
          "description": "This server does not do that: `widgets` is off, or it is a node of a cluster.",
          "content": {
            "application/problem+json": {
              "schema": {
                "allOf": [
                  {"$ref": "#/components/schemas/Problem"},
                  {"properties": {"status": {"const": 404}, "code": {"enum": ["not_found"]}}}
                ]
              }
            }
          }
        }
        """#

    /// Members of `parameters`.
    static let parameters = #"""
        "Domain": {
          "name": "domain", "in": "path", "required": true, "description": "The site, such as example.com.",
          "schema": {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}$"}
        },
        "PageID": {
          "name": "uid", "in": "path", "required": true, "description": "What the site calls the page.",
          "schema": {"$ref": "#/components/schemas/ContentID"}
        },
        "PageURL": {
          "name": "url", "in": "query", "required": false,
          "description": "The page; without it the Referer says which. Scheme, query and fragment are left out.",
          "schema": {"type": "string", "maxLength": 2048}
        },
        "Referer": {
          "name": "Referer", "in": "header", "required": false, "schema": {"type": "string"}
        }
        """#
}
