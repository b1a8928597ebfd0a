"""Request and response models; the OpenAPI document is made from them."""
