"""The names that leave this machine: of spans, attributes, events and metrics, all of them here.

They are those of the OpenTelemetry semantic conventions for generative AI as they stood when they moved, in May 2026,
to a repository of their own (`open-telemetry/semantic-conventions-genai`). That has released nothing yet and is about
to rename metrics; the constants of the Python package are all marked as deprecated because of the move. So the names
stand here as literals, to be changed in one place. What the conventions have no name for begins with ``llmdesk.``.
"""

from __future__ import annotations

SCOPE = "llmdesk"
REQUEST_SPAN = "llmdesk.request"

# --- gen_ai, from docs/gen-ai/gen-ai-spans.md -------------------------------------------------------------------------

OPERATION = "gen_ai.operation.name"
VENDOR = "gen_ai.provider.name"
CONVERSATION = "gen_ai.conversation.id"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_TOP_K = "gen_ai.request.top_k"
REQUEST_SEED = "gen_ai.request.seed"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_CREATION_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
IMAGE_TOKENS = "gen_ai.usage.image.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a name

# --- of all conventions -----------------------------------------------------------------------------------------------

ERROR_TYPE = "error.type"
HTTP_STATUS = "http.response.status_code"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"

# --- our own ----------------------------------------------------------------------------------------------------------

REQUEST = "llmdesk.request.id"
LANE = "llmdesk.lane"
AGENT = "llmdesk.agent"
JOB = "llmdesk.job"
OUTCOME = "llmdesk.outcome"
ATTEMPT = "llmdesk.attempt.number"
PROVIDER = "llmdesk.provider"
COST = "llmdesk.cost_usd"
ESTIMATED = "llmdesk.usage.estimated"
COOLDOWN = "llmdesk.cooldown_s"
FROM = "llmdesk.failover.from"
TO = "llmdesk.failover.to"
TARGET = "llmdesk.target"
REASON = "llmdesk.reason"
LOST = "llmdesk.lost_s"
WAITED = "llmdesk.waited_s"

FAILOVER_EVENT = "llmdesk.failover"
SKIP_EVENT = "llmdesk.skip"
WAIT_EVENT = "llmdesk.wait"

# --- metrics, from docs/gen-ai/gen-ai-metrics.md ----------------------------------------------------------------------

TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 - a name
DURATION = "gen_ai.client.operation.duration"
TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
FAILOVERS = "llmdesk.failovers"
SPENT = "llmdesk.cost"

TOKEN_BUCKETS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""Tokens, as the conventions recommend."""

SECONDS_BUCKETS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Seconds, as the conventions recommend for an operation and for its first chunk."""
