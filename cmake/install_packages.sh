# shellcheck shell=bash
# install_packages PACKAGE...: makes sure that these Debian or Ubuntu packages are there.
#
# Silent, and no network, if nothing is missing. `boost` stands for the headers and Boost.JSON of
# a Boost that is new enough, whatever this release calls it. Behind `--optional` stand packages
# that are good to have: what apt cannot install of them is named, and is no failure.

oldest_boost=81 # 1.81

# Whether a package is installed, asked of dpkg: works offline.
is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The minor versions of Boost.JSON's packages among the lines on standard input, ascending.
boost_minors() {
  sed -nE 's/^libboost-json1\.([0-9]+)-dev.*$/\1/p' | sort -n |
    awk -v oldest="$oldest_boost" '$1 >= oldest' | uniq
}

# The packages that `boost` stands for: an installed version if there is one, else the oldest that
# will do, for it is the nearest to what baton is tested with.
boost_packages() {
  local minor
  minor=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 'libboost-json1.*-dev' 2>/dev/null |
    sed -n 's/^installed //p' | boost_minors | tail -n 1)
  [ -n "$minor" ] || minor=$(apt-cache pkgnames libboost-json 2>/dev/null | boost_minors | head -n 1)
  [ -n "$minor" ] || return 1
  echo "libboost1.$minor-dev" "libboost-json1.$minor-dev"
}

# Of the packages named, those that are not installed, one a line; `boost` by its real names, or as
# it is if apt knows none (it was never updated, or this release is too old).
missing_packages() {
  local package boost
  for package in "$@"; do
    if [ "$package" = boost ] && boost=$(boost_packages); then
      # shellcheck disable=SC2086 # two words
      missing_packages $boost
    elif [ "$package" = boost ] || ! is_installed "$package"; then
      echo "$package"
    fi
  done
}

# Runs apt-get as root, quietly; its last words are shown if it fails.
apt_get() {
  local root=() log status=0
  if [ "$(id -u)" != 0 ]; then
    root=(sudo)
    [ -t 0 ] || root=(sudo -n)
  fi
  log=$(mktemp)
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1 </dev/null || status=$?
  [ "$status" = 0 ] || tail -n 15 "$log" >&2
  rm -f "$log"
  return "$status"
}

# Whether this user can install anything; says what to do if not.
may_install() {
  [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null || return 0
  echo "Packages are missing, but this user is not root and there is no sudo." >&2
  echo "Have somebody install them (boost: Boost 1.$oldest_boost or newer with Boost.JSON), then run this again." >&2
  return 1
}

update() {
  apt_get update && return
  echo "apt-get update failed. Is there a network?" >&2
  return 1
}

# --no-remove: rather stop than take away another version of something that somebody works with.
apt_install() { apt_get install --no-install-recommends --no-remove "$@"; }

install_needed() {
  local missing
  missing=$(missing_packages "$@" | sort -u | tr '\n' ' ')
  if [[ " $missing" == *" boost "* ]]; then
    echo "This release has no Boost 1.$oldest_boost or newer; Debian 12 and Ubuntu 24.04 do." >&2
    return 1
  fi
  # shellcheck disable=SC2086 # one word a package
  [ -z "$missing" ] || apt_install $missing && return
  echo "apt-get could not install: $missing" >&2
  return 1
}

# Whether apt offers a package. Ubuntu has no chromium, for example: there it is a snap.
is_offered() { [ -n "$(apt-cache policy "$1" 2>/dev/null | sed -n '/Candidate: [^(]/p')" ]; }
was_updated() { compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; }

# Of these optional packages, those that are worth a try, one a line: what this release does not
# have is not missed, or each run would ask for it anew.
missing_optional() {
  local package
  for package in "$@"; do
    is_installed "$package" || { was_updated && ! is_offered "$package"; } || echo "$package"
  done
}

# One after the other: where one cannot be installed the others may.
install_optional() {
  local package
  for package in $(missing_optional "$@"); do
    apt_install "$package" || echo "apt-get could not install $package; what needs it is left out." >&2
  done
}

install_packages() {
  local needed=() optional=() missing
  while [ $# -gt 0 ] && [ "$1" != --optional ]; do needed+=("$1") && shift; done
  [ $# = 0 ] || optional=("${@:2}")
  if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian or Ubuntu; please see to it yourself that these are there: ${needed[*]} ${optional[*]}" >&2
    return 0
  fi
  missing=$({ missing_packages "${needed[@]}" && missing_optional "${optional[@]}"; } | sort -u | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  echo "Installing what is missing: $missing"
  if ! may_install || ! update; then
    [ -z "$(missing_packages "${needed[@]}")" ] || return 1
    echo "Going on without: $missing" >&2
    return 0
  fi
  install_needed "${needed[@]}" && install_optional "${optional[@]}"
}
