"""Stands between a client and a server over stdio, and writes down what passes, in the pieces it comes in.

    record.py FILE COMMAND...

A line of the file is a JSON array: who speaks, `client` or `server`, and what was read at once; at the end of a
stream, nothing.
"""

import json
import os
import subprocess
import sys
import threading

# A client may end it rather than close its end.
with open(sys.argv[1], "w", buffering=1, encoding="utf-8") as file:
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    # What is written down comes before what it causes.
    order = threading.Lock()

    def relay(who: str, source: int, sink: int) -> None:
        while True:
            piece = os.read(source, 65536)
            with order:
                file.write(json.dumps([who, piece.decode()] if piece else [who], ensure_ascii=False) + "\n")
            if not piece:
                break
            while piece:
                piece = piece[os.write(sink, piece) :]
        os.close(sink)

    requests = threading.Thread(target=relay, args=("client", 0, server.stdin.fileno()), daemon=True)
    requests.start()
    relay("server", server.stdout.fileno(), 1)
    requests.join(5)
    sys.stdout = None
os._exit(server.wait())
