"""Stands in for the Gemini CLI: its flags, its JSON, its failures as they were reported."""

import argparse
import json
import os
import sys

parser = argparse.ArgumentParser(prog="gemini", allow_abbrev=False)
parser.add_argument("--output-format", choices=["text", "json", "stream-json"], required=True)
parser.add_argument("--approval-mode", choices=["default", "auto_edit", "yolo", "plan"], required=True)
parser.add_argument("--model", default="auto")
told = parser.parse_args()
assert os.environ.get("GEMINI_CLI_TRUST_WORKSPACE") == "true"
prompt = sys.stdin.read()


def fail(message, code):
    sys.stderr.write(json.dumps({"session_id": "1", "error": {"type": "Error", "message": message, "code": code}}))
    sys.exit(code)


print("Loaded cached credentials.", flush=True)
if "quota" in prompt:
    sys.stderr.write("TerminalQuotaError: You have exhausted your capacity on this model. Your quota will reset after "
                     "8h36m13s.\n    at classifyGoogleError\n")  # fmt: skip
    sys.exit(1)
if "rate" in prompt:
    fail("[429] RESOURCE_EXHAUSTED: Please retry in 34.07s.", 1)
if "auth" in prompt:
    fail("This client is no longer supported for Gemini Code Assist for individuals. To continue using Gemini, please "
         "migrate to the Antigravity suite of products: https://antigravity.google", 41)  # fmt: skip
tokens = {"prompt": 40, "candidates": 8, "total": 60, "cached": 5, "thoughts": 12, "tool": 0}
stats = {"models": {told.model: {"tokens": tokens}, "router": {"tokens": {"prompt": 2, "candidates": 1, "cached": 0}}}}
text = f"{told.model} key {os.environ.get('GEMINI_API_KEY', 'none')}: {prompt}"
print(json.dumps({"session_id": "1", "response": text, "stats": stats}, indent=2))
