// The description of the HTTP contract, version 1, that `/openapi.json` answers with (OpenAPI 3.1).
//
// It is JSON by hand, in literals: what a client reads is what stands here. Its figures are held to `WireLimits` and
// its codes to `ProblemCode` by tests.

/// The OpenAPI 3.1 description of the server.
package enum OpenAPIDocument {
    /// The description with the standard reactions.
    package static let json = json(reactions: ["like", "love", "haha", "wow", "sad", "angry"])

    /// The description for a server that takes `reactions`, each 1–32 of `a-z 0-9 _ -`. Where it does not know its callers,
    /// calls must name their users.
    package static func json(reactions: [String], knowsCallers: Bool = true) -> String {
        let names = JSONWriter.bytes { writer in
            writer.list { list in
                for name in reactions { list.string(name) }
            }
        }
        return document(reactions: String(decoding: names, as: UTF8.self), namesUser: !knowsCallers)
    }

    private static func document(reactions: String, namesUser: Bool) -> String {
        #"""
        {
        "openapi": "3.1.0",
        "info": {
          "title": "Likewise",
          "version": "1.0.0",
          "summary": "Counts likes: exactly one per user and content, on stable storage before the answer.",
          "description": "Field names are in snake_case; unknown fields are ignored, and a field that is known must \#
        not be there twice. Requests on one connection take effect in the order in which they were sent. Where a path \#
        could mean two calls, the one without a parameter in that place is meant: `/v1/content/top` is the list, and \#
        not a content whose id is `top`."
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {}],
        "tags": [
          {"name": "Likes", "description": "To give a like, to take it back, to ask for it"},
          {"name": "Counts", "description": "How many like a content"},
          {"name": "Lists", "description": "Who likes what"},
          {"name": "Contents", "description": "What can be liked"},
          {"name": "Widgets", "description": "Buttons of other makers, whose visitors are not known"},
          {"name": "Operation", "description": "For the people who run the server"}
        ],
        "paths": {
        \#(OpenAPIPaths.likes),
        \#(OpenAPIPaths.reading),
        \#(OpenAPIPaths.contents),
        \#(OpenAPIPaths.operation),
        \#(OpenAPIHeld.paths),
        \#(OpenAPIWidgets.paths)
        },
        "components": {
        "schemas": {
        \#(OpenAPISchemas.words(reactions: reactions)),
        \#(OpenAPISchemas.requests(namesUser: namesUser)),
        \#(OpenAPISchemas.answers),
        \#(OpenAPIHeld.schemas),
        \#(OpenAPIWidgets.schemas)
        },
        "responses": {
        \#(OpenAPIComponents.responses),
        \#(OpenAPIHeld.responses),
        \#(OpenAPIWidgets.responses)
        },
        "parameters": {
        \#(OpenAPIComponents.parameters),
        \#(OpenAPIHeld.parameters),
        \#(OpenAPIWidgets.parameters)
        },
        "headers": {
        \#(OpenAPIComponents.headers)
        },
        "securitySchemes": {
        \#(OpenAPIComponents.securitySchemes)
        }
        }
        }
        """#
    }
}
