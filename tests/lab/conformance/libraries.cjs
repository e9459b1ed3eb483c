// Asks each URL by each of Node's libraries, at URL/NAME. What comes of it is seen at the other end.
'use strict';

const http = require('node:http');
const https = require('node:https');
const { createRequire } = require('node:module');

const [modules, ...urls] = process.argv.slice(1);
const load = createRequire(`${modules}/`);

const axios = load('axios');
const { Gaxios } = load('gaxios');
const fetchHappen = load('make-fetch-happen');
const { ProxyAgent } = load('proxy-agent');
const undici = load('undici');

const LIMIT = 5000;

const WAYS = {
  undici: async (url) => {
    const dispatcher = new undici.EnvHttpProxyAgent();
    const { body } = await undici.request(url, { dispatcher, signal: AbortSignal.timeout(LIMIT) });
    await body.text();
  },
  axios: (url) => axios.get(url, { timeout: LIMIT }),
  gaxios: (url) => new Gaxios().request({ url, retry: false, signal: AbortSignal.timeout(LIMIT) }),
  'proxy-agent': (url) =>
    new Promise((resolve, reject) => {
      const { get } = url.startsWith('https:') ? https : http;
      get(url, { agent: new ProxyAgent(), timeout: LIMIT }, (response) => response.resume().on('end', resolve))
        .on('timeout', reject)
        .on('error', reject);
    }),
  'make-fetch-happen': async (url) => (await fetchHappen(url, { retry: false, timeout: LIMIT, strictSSL: false })).text(),
};

process.on('uncaughtException', (error) => console.error('uncaught', String(error)));
(async () => {
  for (const [name, way] of Object.entries(WAYS)) {
    for (const url of urls) {
      // Some throw before they give a promise.
      await (async () => way(`${url}/${name}`))().catch((error) => console.error(name, url, String(error)));
    }
  }
  process.exit();
})();
