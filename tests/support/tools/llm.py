"""Stands in for LLM by Simon Willison: its flags, its plain text, its failures as they were reported."""

import argparse
import json
import sys
from pathlib import Path

parser = argparse.ArgumentParser(prog="llm", allow_abbrev=False)
parser.add_argument("action", choices=["prompt"])
parser.add_argument("--no-log", action="store_true", required=True)
parser.add_argument("--model", default="gpt-4o-mini")
parser.add_argument("--schema", type=Path)
parser.add_argument("--attachment", action="append", type=Path, default=[])
told = parser.parse_args()
prompt = sys.stdin.read()
if "quota" in prompt:
    sys.exit("Error: Error code: 429 - {'error': {'message': 'You exceeded your current quota, please check your plan "
             "and billing details.', 'type': 'insufficient_quota'}}")  # fmt: skip
if "rate" in prompt:
    sys.exit("Error: Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-4o. Please try again in 20s.'"
             ", 'code': 'rate_limit_exceeded'}}")  # fmt: skip
if "auth" in prompt:
    sys.exit("Error: No key found - add one using 'llm keys set openai' or set the OPENAI_API_KEY environment variable")
images = sum(len(image.read_bytes()) for image in told.attachment)
text = f"{told.model} ({images} bytes of images): {prompt}"
if told.schema:
    text = json.dumps({"schema": json.loads(told.schema.read_text()), "said": text})
for word in text.split(" "):
    sys.stdout.write(word + " ")
    sys.stdout.flush()
print()
