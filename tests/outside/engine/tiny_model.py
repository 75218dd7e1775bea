"""A model file in the format of llama.cpp, small enough to be made by a test: one layer, random weights.

Its vocabulary is the ASCII bytes and the mark that stands for a space: it reads ASCII prompts, and what it says means
nothing but is valid UTF-8, without which the server would hold its stream back. The metadata and the names of tensors
are those that llama.cpp asks of architecture ``llama`` (gguf-py, ``gguf/constants.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT_TOKENS = 4096
END_TOKEN = 2
_WIDTH, _HIDDEN, _HEADS = 64, 128, 4
_SPREAD = 0.3
"""Wide enough that some tokens are clearly likelier than others."""

_TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "


def write_tiny_model(path: Path, *, seed: int) -> None:
    """Write a model of about 240 kB; the same seed makes the same file."""
    import gguf
    import numpy as np

    ascii_bytes = [f"<0x{byte:02X}>" for byte in range(128)]
    tokens = ["<unk>", "<s>", "</s>", *ascii_bytes, "\u2581"]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * len(ascii_bytes) + [gguf.TokenType.NORMAL]

    file = gguf.GGUFWriter(path, "llama")
    file.add_context_length(CONTEXT_TOKENS)
    file.add_embedding_length(_WIDTH)
    file.add_block_count(1)
    file.add_feed_forward_length(_HIDDEN)
    file.add_head_count(_HEADS)
    file.add_head_count_kv(_HEADS)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_dimension_count(_WIDTH // _HEADS)
    file.add_vocab_size(len(tokens))
    file.add_tokenizer_model("llama")
    file.add_token_list(tokens)
    file.add_token_scores([0.0] * len(tokens))
    file.add_token_types(kinds)
    file.add_unk_token_id(0)
    file.add_bos_token_id(1)
    file.add_eos_token_id(END_TOKEN)
    file.add_chat_template(_TEMPLATE)

    dice = np.random.default_rng(seed)
    shapes = {
        "token_embd": (len(tokens), _WIDTH),
        "output": (len(tokens), _WIDTH),
        "blk.0.attn_q": (_WIDTH, _WIDTH),
        "blk.0.attn_k": (_WIDTH, _WIDTH),
        "blk.0.attn_v": (_WIDTH, _WIDTH),
        "blk.0.attn_output": (_WIDTH, _WIDTH),
        "blk.0.ffn_gate": (_HIDDEN, _WIDTH),
        "blk.0.ffn_up": (_HIDDEN, _WIDTH),
        "blk.0.ffn_down": (_WIDTH, _HIDDEN),
    }
    for name, shape in shapes.items():
        file.add_tensor(f"{name}.weight", (dice.standard_normal(shape) * _SPREAD).astype(np.float32))
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        file.add_tensor(f"{name}.weight", np.ones(_WIDTH, np.float32))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
