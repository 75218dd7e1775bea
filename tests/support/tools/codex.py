"""Stands in for the Codex CLI: its flags, its events, its failures as they were reported."""

import argparse
import json
import sys
from pathlib import Path

parser = argparse.ArgumentParser(prog="codex", allow_abbrev=False)
parser.add_argument("action", choices=["exec"])
for flag in ("--json", "--ephemeral", "--skip-git-repo-check"):
    parser.add_argument(flag, action="store_true", required=True)
parser.add_argument("--image", nargs="+", action="append", type=Path, default=[])
parser.add_argument("--output-schema", type=Path)
parser.add_argument("--model", default="its own choice")
parser.add_argument("--sandbox", choices=["read-only", "workspace-write"], required=True)
parser.add_argument("--color", choices=["always", "never", "auto"])
parser.add_argument("prompt")
told = parser.parse_args()
assert told.sandbox == "read-only"
assert told.prompt == "-"
sys.stderr.write("Reading prompt from stdin...\n")
prompt = sys.stdin.read()


def say(kind, **more):
    print(json.dumps({"type": kind, **more}), flush=True)


def fail(message):
    say("error", message=message)
    say("turn.failed", error={"message": message})
    sys.exit(1)


say("thread.started", thread_id="0199a213")
say("turn.started")
if "quota" in prompt:
    fail("You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 2 days 17 "
         "hours 14 minutes.")  # fmt: skip
if "rate" in prompt:
    fail("exceeded retry limit, last status: 429 Too Many Requests")
if "auth" in prompt:
    fail("unexpected status 401 Unauthorized: Missing bearer or basic authentication in header")
say("error", message="Reconnecting... 1/5")
say("item.completed", item={"id": "item_0", "type": "reasoning", "text": "**Thinking**"})
say("item.completed", item={"id": "item_1", "type": "agent_message", "text": "Let me see."})
say("item.started", item={"id": "item_2", "type": "command_execution", "command": "ls", "status": "in_progress"})
images = sum(len(image.read_bytes()) for group in told.image for image in group)
text = f"{told.model} ({images} bytes of images): {prompt}"
if told.output_schema:
    text = json.dumps({"schema": json.loads(told.output_schema.read_text()), "said": text})
say("item.completed", item={"id": "item_3", "type": "agent_message", "text": text})
say("turn.completed", usage={"input_tokens": 24763, "cached_input_tokens": 24448, "output_tokens": 122})
