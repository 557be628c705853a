#!/bin/bash
# Makes a bare git repository laid out like Odoo's own from Debian's package of Odoo 19, so that
# tests clone a real Odoo without leaving the package archive.
#
#   make-odoo-repository.sh full DIR    every addon               -> DIR/odoo.git
#   make-odoo-repository.sh lite DIR    what `-i base` installs   -> DIR/odoo-lite.git
#
# The repository has a branch 19.0 of two commits, so that a shallow clone differs from a whole
# one; their ids depend on the package's version alone. Packages are kept in DIR/packages. A
# repository that is there already is left as it is.
#
# Exit: 0 made or there; 64 wrong arguments; 69 this host's archive has no such package.
set -euo pipefail

readonly usage='usage: make-odoo-repository.sh full|lite DIR'
readonly odoo=odoo-19
# Packages whose files Debian's Odoo links to. They come from trixie: newer ones have renamed some.
readonly linked=(libjs-jquery libjs-underscore libjs-jquery-form fonts-font-awesome
  fonts-roboto-unhinted fonts-montserrat fonts-inconsolata fonts-ocr-b)

say() { printf '%s\n' "$*" >&2; }
stop() { local code=$1; shift; say "$*"; exit "$code"; }

[ $# -eq 2 ] || stop 64 "$usage"
variant=$1
case $variant in
  full) name=odoo ;;
  lite) name=odoo-lite ;;
  *) stop 64 "$usage" ;;
esac
mkdir -p "$2"
dir=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
repository=$dir/$name.git
if [ -e "$repository" ]; then
  say "$repository is there already"
  exit 0
fi

distribution=$(. /etc/os-release && echo "$ID")
[ "$distribution" = debian ] ||
  stop 69 "only Debian's unstable archive has $odoo; this host is $distribution: make the repository on Debian and copy it"

missing=()
for tool in git python3; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}" >/dev/null
fi

work=$(mktemp -d "$dir/.$name.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The mirror that the host's own apt uses. Cloud images name theirs in a file.
mirror() {
  local uri
  uri=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian|//p' | head -n 1)
  case $uri in
    mirror+file:*) uri=$(grep -v '^#' "${uri#mirror+file:}" | awk 'NR == 1 { print $1 }') ;;
  esac
  [ -n "$uri" ] || stop 69 "apt knows no Debian archive; run apt-get update first"
  echo "$uri"
}

# Points apt to private lists, so that the host never sees a package of another release.
use_private_apt() {
  local uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  uri=$(mirror)
  mkdir -p "$work"/apt/{lists,cache}/partial "$work/apt/cache/archives/partial"
  : > "$work/apt/status"
  printf "deb [signed-by=$keyring] $uri %s main\n" trixie sid > "$work/apt/sources.list"
  cat > "$work/apt/apt.conf" <<CONF
Dir::State::lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
CONF
  export APT_CONFIG=$work/apt/apt.conf
  apt-get -qq update
}

# Prints the file of a package that was downloaded, if it was.
package_file() { find "$dir/packages" -name "$1_*.deb" -print -quit; }

# Both variants may be made at the same time, from one folder of packages.
download() {
  mkdir -p "$dir/packages"
  exec 9> "$dir/packages/lock"
  flock 9
  local package wanted=()
  [ -n "$(package_file $odoo)" ] || wanted+=("$odoo/sid")
  for package in "${linked[@]}"; do
    [ -n "$(package_file "$package")" ] || wanted+=("$package/trixie")
  done
  if [ ${#wanted[@]} -gt 0 ]; then
    use_private_apt
    mkdir "$work/download"
    (cd "$work/download" && apt-get -qq download "${wanted[@]}")
    mv "$work"/download/*.deb "$dir/packages/"
  fi
  exec 9>&-
}

# Restores the files that Debian replaced by links into other packages.
replace_links() {
  local link target file
  while IFS= read -r -d '' link; do
    target=$(readlink "$link")
    target=${target#*/share/}
    # In Debian's package, the links of these two formats are swapped.
    case $link in
      *webfont.woff) target=${target%.woff*}.woff ;;
      *webfont.woff2) target=${target%.woff*}.woff2 ;;
    esac
    file=$work/linked/usr/share/$target
    [ -f "$file" ] || stop 69 "$odoo links to $target, which none of its packages has"
    install --mode=0644 "$file" "$link"
  done < <(find "$1" -type l -print0)
}

# Lays out the package's files as in the source.
lay_out() {
  local installed=$work/odoo/usr/lib/python3/dist-packages addon
  mkdir -p "$tree/addons"
  # The package merges all addons into one folder; the addons that it also lists separately are moved back.
  for addon in "$installed"/addons/*/; do
    addon=$(basename "$addon")
    if [ -d "$installed/odoo/addons/$addon" ]; then
      mv "$installed/odoo/addons/$addon" "$tree/addons/$addon"
    fi
  done
  mv "$installed/odoo" "$tree/odoo"
  cp -a "$installed/setup" "$tree/setup"
  install --mode=0755 "$installed/setup/odoo" "$tree/odoo-bin"
  install --mode=0644 "$here/requirements-19.0.txt" "$tree/requirements.txt"
  install --mode=0644 "$work/odoo/usr/share/doc/odoo/README.md" "$tree/README.md"
  echo "GNU LGPL version 3: see the copyright file of Debian's package $odoo." > "$tree/LICENSE"
  printf '%s\n' '__pycache__/' '*.py[co]' > "$tree/.gitignore"
  # The web client still loads this file, which Debian left out because of its licence.
  local script=$tree/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js
  mkdir -p "$(dirname "$script")"
  echo '// Left out by Debian: no background blur in calls.' > "$script"
  find "$tree" -name __pycache__ -type d -prune -exec rm -rf {} +
}

# Keeps only those addons that a database without demo data gets with `-i base`.
prune() {
  python3 - "$tree" <<'PYTHON'
import ast
import sys
from pathlib import Path

tree = Path(sys.argv[1])
manifests = {
    path.parent.name: (path.parent, ast.literal_eval(path.read_text()))
    for folder in (tree / "addons", tree / "odoo/addons")
    for path in folder.glob("*/__manifest__.py")
}
installed = set()


def depends(module):
    return manifests[module][1].get("depends") or ([] if module == "base" else ["base"])


def install(module):
    if module in manifests and module not in installed:
        installed.add(module)
        for other in depends(module):
            install(other)


def installs_itself(module):
    manifest = manifests[module][1]
    automatic = manifest.get("auto_install")
    if not automatic or manifest.get("countries") or not manifest.get("installable", True):
        return False
    needs = depends(module) if automatic is True else automatic
    return installed.issuperset(needs)


for module in ("base", "web", "rpc"):
    install(module)
while True:
    more = [m for m in manifests if m not in installed and installs_itself(m)]
    if not more:
        break
    for module in more:
        install(module)

# html_editor imports a part of mail, but does not depend on mail.
whole = installed | {"mail"}
for module, (folder, _) in manifests.items():
    if module in whole:
        continue
    # The data of base names categories that exist only through the manifests of other modules.
    kept = {folder / "__manifest__.py", folder / "static/description/icon.png"}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path == folder / "__init__.py":
            path.write_text("")
        elif path not in kept:
            path.unlink()

for path in tree.rglob("*.po"):
    if path.stem not in ("ar", "es", "fr"):
        path.unlink()

print("installed with base:", *sorted(installed), file=sys.stderr)
PYTHON
}

# Commits the tree, then one more file.
commit() {
  local new=$work/repository.git version
  version=$(dpkg-deb --field "$(package_file $odoo)" Version)
  # Ignore the caller's settings, and any repository around DIR.
  export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
  export GIT_AUTHOR_NAME=Odoo GIT_AUTHOR_EMAIL=odoo@example.org
  export GIT_COMMITTER_NAME=Odoo GIT_COMMITTER_EMAIL=odoo@example.org
  git init -q --bare --initial-branch=19.0 "$new"
  local git=(git --git-dir="$new" --work-tree="$tree")
  "${git[@]}" config gc.auto 0
  # Serves partial clones and single commits, as the public forges do.
  "${git[@]}" config uploadpack.allowFilter true
  "${git[@]}" config uploadpack.allowAnySHA1InWant true
  at() { GIT_AUTHOR_DATE=$1 GIT_COMMITTER_DATE=$1 "${git[@]}" commit -q -m "$2"; }
  "${git[@]}" -c core.looseCompression=0 add --all
  at 2026-01-01T00:00:00Z "[REL] 19.0, from Debian's $odoo $version"
  echo "$version" > "$tree/debian-version"
  "${git[@]}" add debian-version
  at 2026-01-02T00:00:00Z "[ADD] version of Debian's package"
  "${git[@]}" repack -adq
  "${git[@]}" update-server-info
  rm "$new/index"
  mv --no-target-directory "$new" "$repository"
}

tree=$work/tree
say "packages"
download
say "source tree"
dpkg-deb --extract "$(package_file $odoo)" "$work/odoo"
for package in "${linked[@]}"; do
  dpkg-deb --extract "$(package_file "$package")" "$work/linked"
done
replace_links "$work/odoo/usr/lib/python3/dist-packages/odoo"
lay_out
if [ "$variant" = lite ]; then
  prune
fi
say "commits"
commit
say "$repository: $(du -sh "$repository" | cut -f 1), $(git --git-dir="$repository" ls-tree -r --name-only 19.0 | wc -l) files"
