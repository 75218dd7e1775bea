"""The desk in a browser: a server on loopback, one desk process for each page that is open."""
