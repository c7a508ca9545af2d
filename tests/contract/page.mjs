// Makes of the contract one page that needs nothing else: `page.mjs CONTRACT FILE`. Redoc renders it here, so that it reads
// without scripts, and brings the same script along for menu and search.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [contract, file] = process.argv.slice(2);
const require = createRequire(join(process.env.REDOC, "package.json"));
const { createElement } = require("react");
const { renderToString } = require("react-dom/server");
const { ServerStyleSheet } = require("styled-components");
const { createStore, Redoc } = require("redoc");
const { load } = require("js-yaml");

// Redoc loads this from its own site. Nothing is shown in its place.
const LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg";
const NOTHING = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAAALAAAAAABAAEAAAICTAEAOw==";
// The browser holds the page to what it is: it may run what stands in it, and load nothing.
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src data:";

const store = await createStore(load(readFileSync(contract, "utf8")), undefined, {
  hideDownloadButton: true,
  expandResponses: "200,201,202,204",
  jsonSampleExpandLevel: "all",
  theme: { typography: { fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" } } },
});
const sheet = new ServerStyleSheet();
const body = renderToString(sheet.collectStyles(createElement(Redoc, { store })));
// What stands in a script must not end it.
const inScript = (text) => text.replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");
const state = inScript(JSON.stringify(await store.toJS()));
const redoc = inScript(readFileSync(require.resolve("redoc/bundles/redoc.standalone.js"), "utf8"));
const page = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${store.spec.info.title}</title>
<style>body { margin: 0; padding: 0; }</style>
${sheet.getStyleTags()}
</head>
<body>
<div id="redoc">${body}</div>
<script>${redoc}</script>
<script>Redoc.hydrate(${state}, document.getElementById("redoc"));</script>
</body>
</html>
`.replaceAll(LOGO, NOTHING);
writeFileSync(file, page);
