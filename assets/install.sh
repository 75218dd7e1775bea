#!/bin/sh
# Install llmdesk for the user who runs this, on Linux or macOS: sh install.sh [--with uv|pipx|venv]
#
# It takes uv where there is one, else pipx, else an environment of its own under ~/.local/lib/llmdesk. It never asks
# for root, writes below your home folder only, replaces no file that is not its own, and says at the end what it did
# and how to undo it. Running it again brings the newest version.
set -eu

usage() {
  cat <<'USAGE'
Usage: sh install.sh [--with uv|pipx|venv] [--uninstall] [--help]

  --with WAY    install by uv, by pipx, or into an environment of its own (venv).
                Without it: the first of the three that is there.
  --uninstall   take away what was installed; conversations and settings stay.

LLMDESK_INSTALL_FROM is what to install: a wheel, a folder, an address, or a
name with extras such as 'llmdesk[images,web]'. Without it: the clone that this
script lies in, else llmdesk from the package index.
USAGE
}

say() { printf '%s\n' "$*"; }

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

newline='
'

# A word as a shell reads it back.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

has() { command -v "$1" >/dev/null 2>&1; }

# What to install: what was asked for, the clone around this script, or the name on the package index.
source_of() {
  if [ -n "${LLMDESK_INSTALL_FROM:-}" ]; then
    case $LLMDESK_INSTALL_FROM in
      *://*) printf '%s' "$LLMDESK_INSTALL_FROM" ;;
      *) absolute "$LLMDESK_INSTALL_FROM" ;;
    esac
  elif [ -f "$0" ] && clone=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) &&
    grep -q '^name = "llmdesk"$' "$clone/pyproject.toml" 2>/dev/null; then
    printf '%s' "$clone"
  else
    printf 'llmdesk'
  fi
}

# A file or folder by its whole path, as the installers change folders; anything else as it is.
absolute() {
  case $1 in
    /*) printf '%s' "$1" ;;
    *) if [ -e "$1" ]; then printf '%s/%s' "$(pwd)" "$1"; else printf '%s' "$1"; fi ;;
  esac
}

# The first interpreter that is new enough.
find_python() {
  for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
    if has "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

# The way it was installed before, else the first that is there.
choose_way() {
  before=$(ways_in_use)
  if [ -n "$before" ]; then
    printf '%s' "${before%%"$newline"*}"
  elif has uv; then
    printf 'uv'
  elif has pipx; then
    printf 'pipx'
  elif find_python >/dev/null; then
    printf 'venv'
  else
    fail "there is neither uv, nor pipx, nor Python 3.11 or newer. uv needs no Python of yours:
  https://docs.astral.sh/uv/getting-started/installation/"
  fi
}

# The folder of the environment, by the way it is installed.
environment() {
  case $1 in
    uv) printf '%s/llmdesk' "$(uv tool dir)" ;;
    pipx) printf '%s/llmdesk' "$(pipx environment --value PIPX_LOCAL_VENVS)" ;;
    venv) printf '%s' "$own_environment" ;;
  esac
}

# Where the program can be called.
programs() {
  case $1 in
    uv) uv tool dir --bin ;;
    pipx) pipx environment --value PIPX_BIN_DIR ;;
    venv) printf '%s' "$HOME/.local/bin" ;;
  esac
}

# The ways in which it is installed now, one a line.
ways_in_use() {
  for way in uv pipx venv; do
    case $way in
      uv | pipx) has "$way" || continue ;;
    esac
    [ ! -x "$(environment "$way")/bin/llmdesk" ] || say "$way"
  done
}

install_into_own() {
  python=$(find_python) || fail "there is no Python 3.11 or newer here."
  if [ -e "$own_environment" ] && [ ! -f "$own_environment/pyvenv.cfg" ]; then
    fail "$own_environment is there and is no environment; move it away first."
  fi
  mkdir -p -- "$(dirname -- "$own_environment")"
  "$python" -m venv "$own_environment" ||
    fail "$python cannot make an environment. On Debian and Ubuntu: apt install python3-venv"
  "$own_environment/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$1"
  link "$own_environment/bin/llmdesk" "$HOME/.local/bin/llmdesk" ||
    fail "$HOME/.local/bin/llmdesk is there and is not ours; the program is $own_environment/bin/llmdesk"
}

# Make $2 point to $1, unless something else is there.
link() {
  if [ -L "$2" ] && [ "$(readlink -- "$2")" = "$1" ]; then return 0; fi
  if [ -e "$2" ] || { [ -L "$2" ] && ! is_ours "$2"; }; then return 1; fi
  mkdir -p -- "$(dirname -- "$2")"
  ln -sf -- "$1" "$2"
}

# Whether a link leads into an environment of llmdesk.
is_ours() {
  case $(readlink -- "$1") in
    */llmdesk/bin/llmdesk | */llmdesk/share/*) return 0 ;;
    *) return 1 ;;
  esac
}

SHARED='man/man1/llmdesk.1
bash-completion/completions/llmdesk
fish/vendor_completions.d/llmdesk.fish
zsh/site-functions/_llmdesk'

# The manual page and the completions, where man and the shells look for those of a user.
link_shared() {
  say "$SHARED" | while IFS= read -r place; do
    if [ -f "$1/share/$place" ] && link "$1/share/$place" "$shared/$place"; then say "  $shared/$place"; fi
  done
}

unlink_shared() {
  say "$SHARED" | while IFS= read -r place; do
    if [ -L "$shared/$place" ] && is_ours "$shared/$place"; then
      rm -f -- "$shared/$place"
      say "removed: $shared/$place"
    fi
  done
}

uninstall() {
  found=$(ways_in_use)
  [ -n "$found" ] || say "llmdesk is not installed here by uv, by pipx or by this script."
  unlink_shared
  for way in $found; do
    folder=$(environment "$way")
    case $way in
      uv) uv tool uninstall llmdesk ;;
      pipx) pipx uninstall llmdesk ;;
      venv)
        if [ -L "$HOME/.local/bin/llmdesk" ] && is_ours "$HOME/.local/bin/llmdesk"; then
          rm -f -- "$HOME/.local/bin/llmdesk"
        fi
        rm -rf -- "$own_environment"
        ;;
    esac
    say "removed: $folder"
  done
  say "Conversations, settings and logs are still where they were."
}

install() {
  way=$1
  what=$(source_of)
  say "Installing $what by $way ..."
  case $way in
    uv) uv tool install --quiet --upgrade --reinstall-package llmdesk "$what" ;;
    pipx) pipx install --force "$what" ;;
    venv) install_into_own "$what" ;;
  esac
  program=$(programs "$way")/llmdesk
  version=$("$program" version) || fail "$program was installed and does not run."
  folder=$(environment "$way")
  say ""
  say "Installed: $version"
  say "  $program"
  say "  $folder"
  link_shared "$folder"
  say "To undo it: sh install.sh --uninstall, or"
  case $way in
    uv) say "  uv tool uninstall llmdesk" ;;
    pipx) say "  pipx uninstall llmdesk" ;;
    venv) say "  rm -r $(quoted "$folder") $(quoted "$program")" ;;
  esac
  say "and remove the links above below $shared"
  say ""
  case ":$PATH:" in
    *":$(dirname -- "$program"):"*) ;;
    *) say "Its folder is not on your PATH yet; add to ~/.profile:
  PATH=$(quoted "$(dirname -- "$program")"):\$PATH" ;;
  esac
  case ${SHELL:-} in
    */zsh) say "For completion in zsh, add to ~/.zshrc before compinit:
  fpath+=($(quoted "$shared/zsh/site-functions"))" ;;
  esac
  say "See it at work, without a key and without a network:  llmdesk demo"
}

main() {
  way=''
  undo=''
  while [ $# -gt 0 ]; do
    case $1 in
      --with)
        [ $# -ge 2 ] || fail "--with needs uv, pipx or venv."
        way=$2
        shift
        ;;
      --with=*) way=${1#--with=} ;;
      --uninstall) undo=yes ;;
      -h | --help)
        usage
        exit 0
        ;;
      *)
        usage >&2
        exit 2
        ;;
    esac
    shift
  done
  [ -n "${HOME:-}" ] || fail "HOME is not set, and nothing is installed for nobody."
  own_environment=$HOME/.local/lib/llmdesk
  shared=${XDG_DATA_HOME:-$HOME/.local/share}
  if [ -n "$undo" ]; then
    uninstall
    return
  fi
  [ -n "$way" ] || way=$(choose_way)
  case $way in
    uv | pipx) has "$way" || fail "there is no $way here." ;;
    venv) ;;
    *) fail "--with $way: there are uv, pipx and venv." ;;
  esac
  install "$way"
}

main "$@" # the last line: half a download does nothing
