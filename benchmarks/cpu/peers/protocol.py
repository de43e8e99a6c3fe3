# SPDX-License-Identifier: MIT
"""The peers' side of suite/worker.py: lines of JSON on stdin and stdout."""
import json
import sys


def serve(measure):
    """`measure(setup)` returns an object with `first`, the answer to the setup, and `run(request)`.
    """
    current = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "setup":
                current = None  # its memory, before the next takes some
                current = measure(request)
                answer = current.first
            else:
                answer = current.run(request)
        except Exception as error:  # whatever a peer throws is its report
            text = str(error).strip().splitlines()
            answer = {"error": f"{type(error).__name__}: {text[0] if text else ''}"}
        print(json.dumps(answer), flush=True)
