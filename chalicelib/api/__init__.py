"""HTTP: routes, request and response models, authentication, problem documents, OpenAPI."""
