#!/usr/bin/env bash
# Proves that the committed bundle is what this source builds: rebuilds it elsewhere and compares byte by byte.
set -euo pipefail
cd "$(dirname "$0")"
committed=../src/heldout/viewer/assets

if ! command -v npm >/dev/null; then
  echo "viewer: npm is not installed, so the bundle cannot be rebuilt; install Node 20.19 or newer" >&2
  exit 3
fi
npm ci --no-audit --no-fund --loglevel=error
npx tsc --noEmit

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
npx vite build --logLevel warn --outDir "$fresh" --emptyOutDir
npx vite build --mode view --logLevel warn --outDir "$fresh"
if ! diff -rq "$committed" "$fresh"; then
  echo "viewer: the committed bundle is not current; run 'npm run build' in viewer/ and commit $committed" >&2
  exit 1
fi
echo "viewer: the committed bundle is current ($(cat "$committed"/* | wc -c) bytes)"
