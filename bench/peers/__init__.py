"""The peers: installed into a folder of their own, run as processes that take commands by lines of JSON."""
