#!/usr/bin/env bash
# usage: scripts/vendor_plot.sh
# Bundle Observable Plot into builder/results/report/assets/plot.js, with the licences of all that is in it beside it. Needs npm.
set -euo pipefail
cd "$(dirname "$0")/.."
assets=$PWD/builder/results/report/assets
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > /dev/null
npm install --no-audit --no-fund --ignore-scripts @observablehq/plot@0.6.17 esbuild@0.25.12 > /dev/null
cat > entry.js <<'JS'
export { plot, barX, rectY, lineY, ruleX, ruleY, dot, text, cell, areaY } from "@observablehq/plot";
JS
# esbuild's own start script looks for the package of the platform, which npm has installed beside it.
node node_modules/esbuild/bin/esbuild entry.js --bundle --minify --format=iife --global-name=Plot --target=es2022 \
  --legal-comments=none --metafile=meta.json --outfile="$assets/plot.js"
node - "$assets/plot-licences.txt" <<'JS'
const fs = require("fs");
const meta = JSON.parse(fs.readFileSync("meta.json"));
const names = new Set();
for (const path of Object.keys(meta.inputs)) {
  const found = path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (found) names.add(found[1]);
}
const parts = [...names].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(fs.readFileSync(`${folder}/package.json`));
  const file = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? fs.readFileSync(`${folder}/${file}`, "utf8").trim() : "";
  return `${name} ${version} (${license})\n\n${text}`;
});
fs.writeFileSync(process.argv[2], parts.join(`\n\n${"-".repeat(72)}\n\n`) + "\n");
JS
sha256sum "$assets/plot.js" "$assets/plot-licences.txt"
