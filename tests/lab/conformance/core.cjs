// Asks each URL by Node's own http and fetch, at URL/NAME. What comes of it is seen at the other end.
'use strict';

const http = require('node:http');
const https = require('node:https');

const LIMIT = 20000;

const WAYS = {
  http: (url) =>
    new Promise((resolve, reject) => {
      const { get } = url.startsWith('https:') ? https : http;
      get(url, { timeout: LIMIT }, (response) => response.resume().on('end', resolve))
        .on('timeout', reject)
        .on('error', reject);
    }),
  fetch: async (url) => (await fetch(url, { signal: AbortSignal.timeout(LIMIT) })).text(),
};

(async () => {
  for (const [name, way] of Object.entries(WAYS)) {
    for (const url of process.argv.slice(1)) {
      await way(`${url}/${name}`).catch((error) => console.error(name, url, String(error)));
    }
  }
  process.exit();
})();
