"""How Rollcall gets into its servers: secrets that may change at any time, tokens of IAM, and a client of Redis.

Nothing here imports boto3: a REST function that starts would wait for it longer than for all the rest (decision 15).
"""
