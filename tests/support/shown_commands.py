"""The llmdesk commands of a block of shell, and whether the real command line understands one."""

from __future__ import annotations

import re
import shlex

import click

from llmdesk.cli.main import root
from llmdesk.cli.session import Session


def commands_in(block: str) -> list[list[str]]:
    """The words after each ``llmdesk`` that is run, without redirections and comments."""
    found: list[list[str]] = []
    begins, words, skip = True, None, False
    for word in _words(block):
        if word and set(word) <= set("();|&\n"):
            begins, words = True, None
        elif skip:
            skip = False
        elif word and set(word) <= set("<>&"):
            skip = True
        elif words is not None:
            words.append(word)
        elif begins and re.match(r"\w+=", word):
            continue
        elif begins and (word == "llmdesk" or word.endswith("/llmdesk")):
            words = []
            found.append(words)
        else:
            begins = word in ("!", "if", "while", "do", "then", "time")
    return found


def _words(block: str) -> list[str]:
    """The words of a shell; the end of a line is one, and neither documents nor comments are any."""
    text = re.sub(r"(?m)(^|\s\s)\s*#.*$", "", _without_documents(block)).replace("\\\n", " ").replace("$(", " ( ")
    reader = shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n")
    reader.whitespace = " \t\r"
    reader.whitespace_split = True
    reader.commenters = ""
    return list(reader)


def _without_documents(block: str) -> str:
    kept: list[str] = []
    end = ""
    for line in block.splitlines():
        if end:
            end = "" if line.strip() == end else end
            continue
        kept.append(line)
        _, sign, after = line.partition("<<")
        if sign and not after.startswith("<"):
            end = after.split()[0].strip("-'\"")
    return "\n".join(kept) + "\n"


def understood(words: list[str]) -> str:
    """What the command line has against these words; empty = nothing. Nothing is run."""
    context, command, rest = None, root, list(words)
    try:
        while True:
            context = command.make_context("llmdesk", rest, parent=context, obj=Session())
            rest = [*context._protected_args, *context.args]
            if not isinstance(command, click.Group) or not rest:
                return ""
            _, found, rest = command.resolve_command(context, rest)
            assert found is not None
            command = found
    except click.exceptions.Exit:
        return ""
    except click.ClickException as error:
        return error.format_message()
