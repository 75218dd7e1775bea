"""Stands in for Claude Code: its flags, its stream of messages, its failures as they were reported."""

import argparse
import json
import os
import sys
from pathlib import Path

parser = argparse.ArgumentParser(prog="claude", allow_abbrev=False)
for flag in ("--print", "--verbose", "--include-partial-messages", "--no-session-persistence", "--strict-mcp-config",
             "--disable-slash-commands"):  # fmt: skip
    parser.add_argument(flag, action="store_true", required=True)
parser.add_argument("--output-format", choices=["text", "json", "stream-json"], required=True)
parser.add_argument("--tools", nargs="*", required=True)
parser.add_argument("--model", default="sonnet")
parser.add_argument("--system-prompt-file", type=Path)
told = parser.parse_args()
if "CLAUDECODE" in os.environ:
    sys.exit("Error: Claude Code cannot be launched inside another Claude Code session.")
assert told.tools == [""], told.tools
prompt = sys.stdin.read()
system = told.system_prompt_file.read_text() if told.system_prompt_file else "none"
usage = {"input_tokens": 3, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 20, "output_tokens": 7}


def say(kind, **more):
    print(json.dumps({"type": kind, "session_id": "0f3e", **more}), flush=True)


def delta(**more):
    say("stream_event", event={"type": "content_block_delta", "index": 0, "delta": more})


def end(text, code):
    content = [{"type": "text", "text": text}]
    say("assistant", message={"model": f"claude-{told.model}", "content": content, "usage": usage})
    say("result", subtype="success", is_error=code != 0, result=text, usage=usage, total_cost_usd=0.01)
    sys.exit(code)


say("system", subtype="init", model=told.model, tools=[])
if "quota" in prompt:
    end("You've hit your session limit \u00b7 resets 3pm (UTC)", 1)
if "old plan" in prompt:
    end("Claude AI usage limit reached|4102444800", 1)
if "rate" in prompt:
    end('API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your '
        'account\'s rate limit. Please try again later."}}', 1)  # fmt: skip
if "auth" in prompt:
    end("Invalid API key \u00b7 Please run /login", 1)
say("stream_event", event={"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}})
delta(type="thinking_delta", thinking="Hm.")
text = f"{told.model} with {system}: {prompt}"
for at in range(0, len(text), 5):
    delta(type="text_delta", text=text[at : at + 5])
end(text, 0)
