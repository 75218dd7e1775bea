"""A model file in the format of llama.cpp, small enough to be made by a test: one layer, random weights.

Its vocabulary is every byte and every printable ASCII character, so it can read any prompt and say anything, and what
it says means nothing. The metadata and tensor names are those that llama.cpp asks of architecture ``llama``
(gguf-py, ``gguf/constants.py``).
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
    """Write a model of about 350 kB; the same seed makes the same file."""
    import gguf
    import numpy as np

    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    characters = ["\u2581" if code == 0x20 else chr(code) for code in range(0x20, 0x7F)]
    tokens = ["<unk>", "<s>", "</s>", *bytes_, *characters]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * len(bytes_) + [gguf.TokenType.NORMAL] * len(characters)

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
