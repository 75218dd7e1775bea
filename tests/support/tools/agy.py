"""Stands in for the Antigravity CLI: its streaming input and output, its failures as they were reported."""

import argparse
import json
import sys

parser = argparse.ArgumentParser(prog="agy", allow_abbrev=False)
parser.add_argument("--input-format", choices=["stream-json"], required=True)
parser.add_argument("--output-format", choices=["stream-json"], required=True)
parser.add_argument("--model", default="auto")
told = parser.parse_args()
(line,) = sys.stdin.read().splitlines()
event = json.loads(line)
assert event.keys() == {"event", "message"}
assert event["event"] == "user"
prompt = event["message"]["content"]
usage = {"input_tokens": 13, "output_tokens": 91, "thinking_tokens": 90, "cache_read_tokens": 2, "total_tokens": 106}


def say(event, **more):
    print(json.dumps({"event": event, event: more}), flush=True)


def fail(message):
    say("result", conversation_id="", status="ERROR", response="", error=message, usage={})
    sys.exit(1)


say("init", cwd="/", tools=["view_file"], permission_mode="request-review")
if "quota" in prompt:
    fail("RESOURCE_EXHAUSTED: Individual quota reached. Contact your administrator to enable overages. Resets in "
         "167h54m10s")  # fmt: skip
if "rate" in prompt:
    fail("RESOURCE_EXHAUSTED (code 429)")
if "auth" in prompt:
    fail("authentication failed or timed out")
say("step_update", step_index=0, state="DONE", step_type="user_input")
text = f"{told.model}: {prompt}"
say("step_update", step_index=1, state="ACTIVE", step_type="agent_response", text_delta=text[:4])
say("step_update", step_index=1, state="DONE", step_type="agent_response", text_delta=text[4:], usage=usage)
say("result", conversation_id="4e", status="SUCCESS", response=text, num_turns=1, usage=usage)
