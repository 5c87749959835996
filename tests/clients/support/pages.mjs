// A browser, and the pages that it opens.

import { createServer } from "node:http";

import { chromium } from "playwright-core";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

export const startBrowser = (executablePath) => chromium.launch({ executablePath, args: FLAGS });

// Serves an empty page. Gateways are on 127.0.0.1. To a browser two ports of one host are
// one site, and `localhost` is another.
export async function startSite(host = "localhost") {
  const server = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end("<!doctype html><title>A page</title>");
  });
  await new Promise((resolve) => server.listen(0, host, resolve));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { origin: `http://${host}:${server.address().port}`, stop };
}
